"""Plain classifiers of hand-made features, and how features are made ready for them.

Features are compared within subjects where that is asked for, filled, and brought to
zero mean and unit variance, all by the training rows. A feature that is missing or
the same throughout training tells nothing and is left out. The classifiers are
scikit-learn's; what was fitted is kept as arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from deepvanet.config import NetworkSettings
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.within_subject import (
    NORMALISES,
    Norm,
    measure_norms,
    normalise_features,
)
from deepvanet.protocols import cut_inner_folds
from deepvanet.schema import pick

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Values of C that are tried, in scikit-learn's sense, for rows of mean weight 1."""

Features = Float64[np.ndarray, "row feature"]
Kept = Float64[np.ndarray, " kept"]
Predict = Callable[[Features], Float64[np.ndarray, " row"]]
Numbers = Mapping[str, NDArray[Any]]
Inner = Sequence[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]]


@dataclass(frozen=True)
class Samples:
    """What a classifier is fitted on.

    Attributes
    ----------
    features : array, shape (row, feature)
    label : array, shape (row,)
        0 or 1.
    weight : array, shape (row,)
        How much each row counts.
    table : DataFrame
        The rows' subject, trial, stimulus and so on.
    """

    features: Features
    label: Int[np.ndarray, " row"]
    weight: Float64[np.ndarray, " row"]
    table: pd.DataFrame

    def cut_inner(self, *, unit: str, seed: int) -> Inner:
        """Deal the rows once more, the protocol's unit whole."""
        return cut_inner_folds(self.table, self.label, unit=unit, seed=seed)


def weigh_samples(
    features: Features,
    label: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
    table: pd.DataFrame,
    settings: NetworkSettings,
) -> Samples:
    """Return samples whose classes weigh as the settings say."""
    weight = weigh_rows(label, trial, settings.class_weight)
    return Samples(features, label, weight, table)


@dataclass(frozen=True)
class Scaler:
    """How features are chosen, filled and scaled.

    Attributes
    ----------
    kept : array, shape (feature,)
        Whether the feature is there and moves in training.
    fill, center, spread : array, shape (kept,)
        In place of what is missing; taken off; divided by.
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
        """Compare within subjects, leave out, fill and scale."""
        if self.subjects is not None:
            features = normalise_features(features, subject, self.subjects)
        if not self.kept.any():
            return np.zeros((len(features), 1))  # the classifier's bias is all there is
        known = features[:, self.kept]
        filled = np.where(np.isfinite(known), known, self.fill)
        return np.asarray((filled - self.center) / self.spread)

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


def fit_scaler(
    features: Features, subject: NDArray[np.object_], *, normalise: str = "none"
) -> Scaler:
    """Find how to fill and scale, by training rows.

    Parameters
    ----------
    normalise : str
        One of ``NORMALISES``.
    """
    subjects = None
    if pick("normalise", normalise, NORMALISES) == "subject":
        subjects = measure_norms(features, subject)
        features = normalise_features(features, subject, subjects)
    known = np.isfinite(features)
    kept = known.any(axis=0)
    fill = np.zeros(features.shape[1])
    fill[kept] = [
        np.median(column[there])
        for column, there in zip(features.T[kept], known.T[kept], strict=True)
    ]
    filled = np.where(known, features, fill)
    center, spread = filled.mean(axis=0), filled.std(axis=0)
    # the mean of equal numbers may be off by a rounding
    kept &= spread > np.abs(center) * np.finfo(np.float64).eps * 8
    return Scaler(kept, fill[kept], center[kept], spread[kept], subjects)


def fit_logistic(samples: Samples, *, penalty: float = 1.0) -> tuple[Predict, Numbers]:
    """Fit a logistic regression; the penalty is scikit-learn's C."""
    model = LogisticRegression(C=penalty, max_iter=2000)
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    weight, bias = model.coef_[0], model.intercept_

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(found @ weight + bias))

    return predict, {"weight": weight, "bias": bias}


def fit_bayes(samples: Samples) -> tuple[Predict, Numbers]:
    """Fit a Gaussian naive Bayes classifier."""
    model = GaussianNB()
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    numbers = {
        "mean": model.theta_,
        "variance": model.var_,
        "prior": model.class_prior_,
    }
    return lambda found: np.asarray(model.predict_proba(found)[:, 1]), numbers


def fit_svm(
    samples: Samples, folds: Inner, *, penalty: float = 1.0
) -> tuple[Predict, Numbers]:
    """Fit an RBF machine, and a logistic curve from its distances to probabilities.

    Parameters
    ----------
    folds : sequence
        Inner folds; the curve is fitted on distances of rows held out of them.
    """
    model = _fit_machine(samples, np.arange(len(samples.label)), penalty)
    slope, bias = _calibrate(samples, folds, penalty)

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(slope * model.decision_function(found) + bias))

    numbers = {
        "support": model.support_vectors_,
        "weight": model.dual_coef_,
        "intercept": model.intercept_,
        "calibration": np.array([slope, bias]),
    }
    return predict, numbers


def choose_penalty(
    samples: Samples,
    folds: Inner,
    fit: Callable[[Samples, float], Predict],
) -> float:
    """Return the C with the least log loss on rows held out of inner folds.

    Of equals the smallest; where there are no folds, the middle one.
    """
    if not folds:
        return PENALTIES[len(PENALTIES) // 2]
    losses = []
    for penalty in PENALTIES:
        scores, held = [], []
        for inner, out in folds:
            predict = fit(_take(samples, inner), penalty)
            scores.append(predict(samples.features[out]))
            held.append(out)
        at = np.concatenate(held)
        losses.append(
            log_loss(
                samples.label[at],
                np.concatenate(scores),
                sample_weight=samples.weight[at],
                labels=[0, 1],
            )
        )
    return PENALTIES[int(np.argmin(losses))]


def _take(samples: Samples, index: Int[np.ndarray, " item"]) -> Samples:
    return Samples(
        samples.features[index],
        samples.label[index],
        samples.weight[index],
        samples.table.iloc[index],
    )


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
    if not held or len(np.unique(samples.label[np.concatenate(held)])) < 2:
        return 1.0, 0.0
    at = np.concatenate(held)
    curve = LogisticRegression()
    curve.fit(np.concatenate(distances)[:, None], samples.label[at], samples.weight[at])
    # an inner model worse than chance must not turn the outer one around
    return max(float(curve.coef_[0, 0]), 1e-3), float(curve.intercept_[0])
