"""Plain classifiers of hand-crafted features, and how features are made ready for them.

Features are compared within subjects where that is asked for, filled, and brought to
zero mean and unit variance, all by the training rows. A feature that is missing or
constant in training is not informative and is left out. The classifiers are
scikit-learn's; what was fitted is kept as arrays, and what predicts is made of these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int, Num
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from deepvanet.config import NetworkSettings, Normalise
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.learners.within_subject import (
    Norm,
    measure_norms,
    normalise_features,
)
from deepvanet.protocols.folds import cut_inner_folds
from deepvanet.schema import UserError
from deepvanet.store import Rows

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Values of C that are tried, in scikit-learn's sense, for rows of mean weight 1."""

Features = Float64[np.ndarray, "row feature"]
Kept = Float64[np.ndarray, " kept"]
Predict = Callable[[Features], Float64[np.ndarray, " row *class"]]
Numbers = Mapping[str, NDArray[Any]]
Inner = Sequence[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]]


@dataclass(frozen=True)
class Samples:
    """What a classifier is fitted on.

    Attributes
    ----------
    features : array, shape (row, feature)
        Scaled, as the classifier reads them.
    label : array, shape (row,)
        0 or 1, the number of a class, or a rating.
    stratum : array, shape (row,)
        What inner folds are balanced by.
    weight : array, shape (row,)
        How much each row counts.
    table : DataFrame
        The rows' subject, trial, stimulus and so on.
    n_classes : int
        2 or more; 0 of ratings.
    """

    features: Features
    label: Num[np.ndarray, " row"]
    stratum: Int[np.ndarray, " row"]
    weight: Float64[np.ndarray, " row"]
    table: pd.DataFrame
    n_classes: int = 2

    def cut_inner(self, *, unit: str, seed: int) -> Inner:
        """Deal the rows once more, the protocol's unit whole."""
        return cut_inner_folds(self.table, self.stratum, unit=unit, seed=seed)

    def take(self, index: Int[np.ndarray, " item"]) -> "Samples":
        """Return some of the rows."""
        return replace(
            self,
            features=self.features[index],
            label=self.label[index],
            stratum=self.stratum[index],
            weight=self.weight[index],
            table=self.table.iloc[index],
        )


def weigh_samples(features: Features, rows: Rows, settings: NetworkSettings) -> Samples:
    """Return samples whose classes weigh as the settings say.

    Parameters
    ----------
    features : array, shape (row, feature)
        Scaled, as the classifier reads them.
    rows : Rows
        Whose features they are.
    settings : NetworkSettings
        Only ``class_weight`` is read.

    Returns
    -------
    Samples
        The same rows, in their order.
    """
    return Samples(
        features,
        rows.label,
        rows.stratum,
        weigh_rows(rows, settings.class_weight),
        rows.table,
        len(rows.goal.classes),
    )


@dataclass(frozen=True)
class Scaler:
    """How features are chosen, filled and scaled.

    Attributes
    ----------
    kept : array, shape (feature,)
        Whether the feature is there and moves in training.
    fill, center, spread : array, shape (kept,)
        In place of what is missing; subtracted; divided by.
    subjects : mapping | None
        Mean and deviation of each training subject; None: not compared within.
    """

    kept: Bool[np.ndarray, " feature"]
    fill: Kept
    center: Kept
    spread: Kept
    subjects: Mapping[str, Norm] | None = field(default=None)

    def apply(
        self, features: Features, subject: NDArray[np.object_]
    ) -> Float64[np.ndarray, "row kept"]:
        """Compare within subjects, leave out, fill and scale.

        Raises
        ------
        UserError
            When there are more or fewer features than those of the fit, or the
            numbers of the fit give none.
        """
        if features.shape[1] != len(self.kept):
            raise UserError(
                f"the learner was fitted on {len(self.kept)} features, got "
                f"{features.shape[1]}: the channels are others"
            )
        if self.subjects is not None:
            features = normalise_features(features, subject, self.subjects)
        if not self.kept.any():
            return np.zeros((len(features), 1))  # the classifier's bias is all there is
        known = features[:, self.kept]
        filled = np.where(np.isfinite(known), known, self.fill)
        with np.errstate(all="ignore"):
            scaled = np.asarray((filled - self.center) / self.spread)
        if not np.isfinite(scaled).all():
            raise UserError(
                "the learner's scaling of features gives numbers without end: it is "
                "damaged, fit it again"
            )
        return scaled

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all numbers."""
        names = ("kept", "fill", "center", "spread")
        arrays = {name: getattr(self, name) for name in names}
        if self.subjects is not None:
            norms = list(self.subjects.values())
            arrays["subject"] = np.array(list(self.subjects), dtype=str)
            arrays["subject_center"] = np.stack([center for center, _ in norms])
            arrays["subject_spread"] = np.stack([spread for _, spread in norms])
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Numbers) -> "Scaler":
        """Read what ``to_arrays`` returned."""
        subjects = None
        check_arrays(arrays, _SCALER)
        if np.count_nonzero(arrays["kept"]) != len(arrays["fill"]):
            raise ValueError("fill needs a number for each feature that is kept")
        if (arrays["spread"] <= 0).any():
            raise ValueError("spread needs numbers above 0")
        if "subject" in arrays:
            check_arrays(
                arrays,
                _SUBJECTS,
                may_miss=("subject_center", "subject_spread"),
                feature=len(arrays["kept"]),
            )
            norms = zip(arrays["subject_center"], arrays["subject_spread"], strict=True)
            subjects = dict(zip(arrays["subject"].tolist(), norms, strict=True))
        return cls(
            arrays["kept"], arrays["fill"], arrays["center"], arrays["spread"], subjects
        )


_SCALER: Layout = {
    "kept": ("b", ("feature",)),
    "fill": ("f", ("kept",)),
    "center": ("f", ("kept",)),
    "spread": ("f", ("kept",)),
}
_SUBJECTS: Layout = {
    "subject": ("U", ("subject",)),
    "subject_center": ("f", ("subject", "feature")),
    "subject_spread": ("f", ("subject", "feature")),
}


def fit_scaler(
    features: Features,
    subject: NDArray[np.object_],
    *,
    normalise: Normalise = NetworkSettings.normalise,
) -> Scaler:
    """Find how to fill and scale, by training rows.

    Parameters
    ----------
    normalise : str
        As in ``NetworkSettings``.
    """
    subjects = None
    if normalise == "subject":
        subjects = measure_norms(features, subject)
        features = normalise_features(features, subject, subjects)
    known = np.isfinite(features)
    kept, whole = known.any(axis=0), known.all(axis=0)
    fill = np.zeros(features.shape[1])
    fill[whole] = np.median(features[:, whole], axis=0)
    holed = kept & ~whole
    fill[holed] = [
        np.median(column[there])
        for column, there in zip(features.T[holed], known.T[holed], strict=True)
    ]
    filled = np.where(known, features, fill)
    center, spread = filled.mean(axis=0), filled.std(axis=0)
    # the mean of equal numbers may be off by a rounding
    kept &= spread > np.abs(center) * np.finfo(np.float64).eps * 8
    return Scaler(kept, fill[kept], center[kept], spread[kept], subjects)


@dataclass(frozen=True)
class Classifier:
    """A way to split high from low by features.

    Attributes
    ----------
    fit : callable
        From samples, inner folds of them, and the penalty C, to numbers.
    open : callable
        From these numbers to what predicts.
    layout : mapping
        The numbers, as ``check_arrays`` takes them.
    has_curve : bool
        Whether inner folds fit a curve from distances to probabilities.
    """

    fit: Callable[[Samples, Inner, float], Numbers]
    open: Callable[[Numbers], Predict]
    layout: Layout
    has_curve: bool = False

    def check(self, numbers: Numbers) -> None:
        """Raise ``ValueError`` unless numbers are those of a fit, and of its scaler."""
        # without a feature that is kept, there is one that is always 0
        check_arrays(numbers, self.layout, kept=max(1, len(numbers["fill"])))
        if "n_support" in self.layout:
            counts, n_support = numbers["n_support"], len(numbers["support"])
            if (counts < 0).any() or counts.sum() != n_support:
                raise ValueError(f"n_support needs counts of {n_support} vectors")

    def fit_predict(self, samples: Samples, penalty: float) -> Predict:
        """Return what predicts by a fit without inner folds."""
        return self.open(self.fit(samples, (), penalty))


def fit_logistic(samples: Samples, _folds: Inner = (), penalty: float = 1.0) -> Numbers:
    """Fit a logistic regression; the penalty is scikit-learn's C."""
    model = LogisticRegression(C=penalty, max_iter=2000)
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    return {"weight": model.coef_[0], "bias": model.intercept_}


def open_logistic(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted logistic regression."""

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(found @ numbers["weight"] + numbers["bias"]))

    return predict


def fit_bayes(samples: Samples, _folds: Inner = (), _penalty: float = 1.0) -> Numbers:
    """Fit a Gaussian naive Bayes classifier."""
    model = GaussianNB()
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    return {
        "mean": model.theta_,
        "variance": model.var_,
        "prior": model.class_prior_,
    }


def open_bayes(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted naive Bayes classifier."""
    predict = open_each_class(numbers)
    return lambda found: predict(found)[:, 1]


def open_each_class(numbers: Numbers) -> Predict:
    """Return what gives each class's probability by a fitted naive Bayes classifier."""
    model = GaussianNB()
    model.theta_, model.var_ = numbers["mean"], numbers["variance"]
    model.class_prior_ = numbers["prior"]
    model.classes_ = np.arange(len(numbers["prior"]))
    return lambda found: np.asarray(model.predict_proba(found))


def fit_svm(samples: Samples, folds: Inner = (), penalty: float = 1.0) -> Numbers:
    """Fit an RBF machine, and a logistic curve from its distances to probabilities.

    Parameters
    ----------
    folds : sequence
        Inner folds; the curve is fitted on distances of rows held out of them.
    """
    model = _fit_machine(samples, np.arange(len(samples.label)), penalty)
    return spell_machine(model, _calibrate(samples, folds, penalty))


def spell_machine(model: SVC, curve: tuple[float, float]) -> Numbers:
    """Return the numbers of a fitted RBF machine, as ``open_svm`` takes them.

    Parameters
    ----------
    model : SVC
        Fitted on two classes.
    curve : tuple of float
        Slope and bias of the logistic curve of its distances.
    """
    return {
        "support": model.support_vectors_,
        "n_support": model.n_support_,
        "weight": model.dual_coef_,
        "intercept": model.intercept_,
        "gamma": np.array(model._gamma),
        "calibration": np.array(curve),
    }


def open_svm(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted RBF machine."""
    model, (slope, bias) = _open_machine(numbers), numbers["calibration"]

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(slope * model.decision_function(found) + bias))

    return predict


def _open_machine(numbers: Numbers) -> SVC:
    """Return scikit-learn's machine as it is after a fit, so that it says the same.

    libsvm sums kernels in an order of its own; to do it by hand would differ in the
    last digits.
    """
    model = SVC(gamma="scale")
    model.support_vectors_ = numbers["support"]
    model.support_ = np.arange(len(numbers["support"]), dtype=np.int32)
    model._n_support = numbers["n_support"].astype(np.int32)
    model.dual_coef_, model.intercept_ = numbers["weight"], numbers["intercept"]
    # of two classes scikit-learn turns the signs of libsvm's
    model._dual_coef_, model._intercept_ = -numbers["weight"], -numbers["intercept"]
    model._probA = model._probB = np.empty(0)
    model._gamma, model._sparse = float(numbers["gamma"]), False
    model.classes_, model.fit_status_ = np.array([0, 1]), 0
    return model


LOGISTIC = Classifier(
    fit_logistic, open_logistic, {"weight": ("f", ("kept",)), "bias": ("f", (1,))}
)
BAYES = Classifier(
    fit_bayes,
    open_bayes,
    {
        "mean": ("f", (2, "kept")),
        "variance": ("f", (2, "kept")),
        "prior": ("f", (2,)),
    },
)
SVM = Classifier(
    fit_svm,
    open_svm,
    {
        "support": ("f", ("vector", "kept")),
        "n_support": ("iu", (2,)),
        "weight": ("f", (1, "vector")),
        "intercept": ("f", (1,)),
        "gamma": ("f", ()),
        "calibration": ("f", (2,)),
    },
    has_curve=True,
)


def choose_penalty(
    samples: Samples,
    folds: Inner,
    fit: Callable[[Samples, float], Predict],
) -> float:
    """Return the C with the least loss on rows held out of inner folds.

    That is the log loss, of ratings the mean squared error. Of equals the smallest;
    where there are no folds, the middle one.
    """
    if not folds:
        return PENALTIES[len(PENALTIES) // 2]
    losses = []
    for penalty in PENALTIES:
        scores, held = [], []
        for inner, out in folds:
            predict = fit(samples.take(inner), penalty)
            scores.append(predict(samples.features[out]))
            held.append(out)
        at = np.concatenate(held)
        losses.append(_lose(samples.take(at), np.concatenate(scores)))
    return PENALTIES[int(np.argmin(losses))]


def _lose(samples: Samples, score: Float64[np.ndarray, " row *class"]) -> float:
    weight = samples.weight
    if not samples.n_classes:
        return float(np.average((score - samples.label) ** 2, weights=weight))
    known = list(range(samples.n_classes))
    return float(log_loss(samples.label, score, sample_weight=weight, labels=known))


def _fit_machine(
    samples: Samples, index: Int[np.ndarray, " item"], penalty: float
) -> SVC:
    model = SVC(C=penalty, gamma="scale")
    weight = samples.weight[index]
    return model.fit(samples.features[index], samples.label[index], weight)


def _calibrate(samples: Samples, folds: Inner, penalty: float) -> tuple[float, float]:
    """Fit a logistic curve on distances of rows that did not train."""
    distances, held = [], []
    for inner, out in folds:
        model = _fit_machine(samples, inner, penalty)
        distances.append(model.decision_function(samples.features[out]))
        held.append(out)
    if not held:
        return 1.0, 0.0
    at = np.concatenate(held)
    return fit_curve(np.concatenate(distances), samples.label[at], samples.weight[at])


def fit_curve(
    distance: Float64[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    weight: Float64[np.ndarray, " row"],
) -> tuple[float, float]:
    """Return slope and bias of a logistic curve from distances to probabilities.

    Parameters
    ----------
    distance : array, shape (row,)
        From the border, of rows that did not train.
    label : array, shape (row,)
        0 or 1.
    weight : array, shape (row,)
        How much each row counts.

    Returns
    -------
    tuple of float
        1 and 0 where all rows are of one class.
    """
    if len(np.unique(label)) < 2:
        return 1.0, 0.0
    curve = LogisticRegression()
    curve.fit(distance[:, None], label, weight)
    # an inner model worse than chance must not turn the outer one around
    return max(float(curve.coef_[0, 0]), 1e-3), float(curve.intercept_[0])
