"""What the field did before networks: hand-made features, a plain classifier.

The features are those of :mod:`deepvanet.learners.features`. Missing ones become the
median of the training rows; all are brought to zero mean and unit variance there.

``bandpower-svm``
    RBF kernel, C 1, classes weighted by their rarity. Its time grows with the square
    of the rows, so at most 10,000 train it, drawn evenly over trials. Its distance
    from the border becomes a probability by a logistic curve, fitted on distances of
    inner out-of-fold rows (units of the protocol whole; scikit-learn's own
    calibration would split trials).
``bandpower-logistic``
    Logistic regression, C 1, classes weighted by their rarity.
``bandpower-nb``
    Gaussian naive Bayes, as the first results on DEAP were made with (Koelstra et
    al. 2012).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import MOST_ROWS, FittedBaseline, draw_evenly
from deepvanet.learners.features import measure_features
from deepvanet.learners.learner import Choice, Learner, MakeLearner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.protocols import cut_inner_folds
from deepvanet.store import Rows

Features = Float64[np.ndarray, "row feature"]
Label = Int[np.ndarray, " row"]
Index = Int[np.ndarray, " _"]
Predict = Callable[[Features], Float64[np.ndarray, " row"]]
Numbers = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Scaler:
    """How features are filled and scaled.

    Attributes
    ----------
    fill, center, spread : array, shape (feature,)
        In place of what is missing; taken off; divided by.
    """

    fill: Float64[np.ndarray, " feature"]
    center: Float64[np.ndarray, " feature"]
    spread: Float64[np.ndarray, " feature"]

    def apply(self, features: Features) -> Features:
        """Fill and scale."""
        filled = np.where(np.isfinite(features), features, self.fill)
        return np.asarray((filled - self.center) / self.spread)


def fit_scaler(features: Features) -> Scaler:
    """Find how to fill and scale; a feature that never is there becomes 0."""
    known = np.isfinite(features)
    fill = np.array(
        [
            np.median(column[there]) if there.any() else 0.0
            for column, there in zip(features.T, known.T, strict=True)
        ]
    )
    filled = np.where(known, features, fill)
    spread = filled.std(axis=0)
    return Scaler(fill, filled.mean(axis=0), np.where(spread > 0, spread, 1.0))


@dataclass(frozen=True)
class Bandpower:
    """Fit a classifier of ``CLASSIFIERS`` on features."""

    name: str
    seed: int

    @property
    def traits(self) -> Traits:
        """All but the support vectors are fitted in no time."""
        return Traits(
            stream_sets=("eeg", "peripheral", "bio"),
            spans_trial=True,
            is_quick=self.name != "bandpower-svm",
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure features, scale them, fit."""
        if self.name == "bandpower-svm":
            train = train.take(draw_evenly(train, MOST_ROWS, seed=self.seed))
        features = measure_features(train)
        scaler = fit_scaler(features)
        with use_one_thread():
            predict, numbers = CLASSIFIERS[self.name](
                scaler.apply(features), train, unit, self.seed
            )

        def score(rows: Rows) -> Float64[np.ndarray, " row"]:
            with use_one_thread():
                return predict(scaler.apply(measure_features(rows)))

        return FittedBaseline(self.name, score, {**vars(scaler), **numbers})


def _fit_logistic(
    features: Features, train: Rows, _unit: str, _seed: int
) -> tuple[Predict, Numbers]:
    model = LogisticRegression(class_weight="balanced", max_iter=2000)
    model.fit(features, train.label)
    weight, bias = model.coef_[0], model.intercept_

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(found @ weight + bias))

    return predict, {"weight": weight, "bias": bias}


def _fit_bayes(
    features: Features, train: Rows, _unit: str, _seed: int
) -> tuple[Predict, Numbers]:
    model = GaussianNB().fit(features, train.label)
    numbers = {
        "mean": model.theta_,
        "variance": model.var_,
        "prior": model.class_prior_,
    }
    return lambda found: np.asarray(model.predict_proba(found)[:, 1]), numbers


def _fit_svm(
    features: Features, train: Rows, unit: str, seed: int
) -> tuple[Predict, Numbers]:
    model = _make_svm().fit(features, train.label)
    folds = cut_inner_folds(train.table, train.label, unit=unit, seed=seed)
    slope, bias = 1.0, 0.0
    if folds:
        slope, bias = _calibrate(features, train.label, folds)

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        return np.asarray(expit(slope * model.decision_function(found) + bias))

    numbers = {
        "support": model.support_vectors_,
        "weight": model.dual_coef_,
        "intercept": model.intercept_,
        "calibration": np.array([slope, bias]),
    }
    return predict, numbers


def _make_svm() -> SVC:
    return SVC(C=1.0, gamma="scale", class_weight="balanced")


def _calibrate(
    features: Features, label: Label, folds: Sequence[tuple[Index, Index]]
) -> tuple[float, float]:
    """Fit a logistic curve on distances of rows that did not train."""
    distances, labels = [], []
    for inner, held in folds:
        model = _make_svm().fit(features[inner], label[inner])
        distances.append(model.decision_function(features[held]))
        labels.append(label[held])
    truth = np.concatenate(labels)
    if len(np.unique(truth)) < 2:
        return 1.0, 0.0
    curve = LogisticRegression(class_weight="balanced")
    curve.fit(np.concatenate(distances)[:, None], truth)
    # an inner model worse than chance must not turn the outer one around
    return max(float(curve.coef_[0, 0]), 1e-3), float(curve.intercept_[0])


_Fit = Callable[[Features, Rows, str, int], tuple[Predict, Numbers]]

CLASSIFIERS: Mapping[str, _Fit] = {
    "bandpower-svm": _fit_svm,
    "bandpower-logistic": _fit_logistic,
    "bandpower-nb": _fit_bayes,
}
"""Classifiers by the name of the learner."""


def make_bandpower(name: str) -> MakeLearner:
    """Return what makes one of ``CLASSIFIERS`` a learner."""

    def make(
        _settings: NetworkSettings, seed: int, _face_weights: Path | None = None, /
    ) -> Learner:
        return Bandpower(name, seed)

    return make


BANDPOWER: Mapping[str, MakeLearner] = {
    name: make_bandpower(name) for name in CLASSIFIERS
}
