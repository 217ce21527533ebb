"""Families of classifiers: how each splits two classes, several, or predicts a number.

Two classes are split by what :mod:`deepvanet.learners.classifiers` has. Of several, a
class that no training row has gets no probability. A support vector machine takes each
class against the rest, its probabilities divided by their sum. Ratings are predicted
by ridge regression, or by a support vector regression in units of their deviation.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVR

from deepvanet.learners.classifiers import (
    BAYES,
    LOGISTIC,
    SVM,
    Classifier,
    Features,
    Inner,
    Numbers,
    Predict,
    Samples,
    fit_bayes,
    open_each_class,
)
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.schema import HIGH_OR_LOW, Goal, GoalKind

GOALS: Mapping[str, tuple[GoalKind, ...]] = {
    "logistic": ("high-low", "classes"),
    "bayes": ("high-low", "classes"),
    "svm": ("high-low", "classes", "rating"),
    "ridge": ("rating",),
}
"""What each family can predict."""

Probabilities = Float64[np.ndarray, "row class"]


def find_classifier(family: str, goal: Goal) -> "Classifier | OneAgainstRest":
    """Return how a family reaches a goal.

    Raises
    ------
    ValueError
        When it cannot.
    """
    if goal.kind not in GOALS[family]:
        raise ValueError(f"{family} does not predict {goal.kind}")
    if goal.kind == "rating":
        return {"svm": SUPPORT_REGRESSION, "ridge": RIDGE}[family]
    if goal.kind == "high-low":
        return {"logistic": LOGISTIC, "bayes": BAYES, "svm": SVM}[family]
    n_classes = len(goal.classes)
    if family == "svm":
        return OneAgainstRest(n_classes)
    if family == "logistic":
        return Classifier(fit_softmax, _Spread(n_classes, open_softmax), _SOFTMAX)
    return Classifier(fit_classes, _Spread(n_classes, open_each_class), _SEVERAL)


_SOFTMAX: Layout = {
    "present": ("iu", ("class",)),
    "weight": ("f", ("class", "kept")),
    "bias": ("f", ("class",)),
}
_SEVERAL: Layout = {
    "present": ("iu", ("class",)),
    "mean": ("f", ("class", "kept")),
    "variance": ("f", ("class", "kept")),
    "prior": ("f", ("class",)),
}


def name_goal(goal: Goal) -> dict[str, NDArray[Any]]:
    """Return what a saved learner holds of a goal; nothing of high-low."""
    if goal == HIGH_OR_LOW:
        return {}
    return {"goal": np.array([goal.kind, *goal.classes], dtype=str)}


def read_goal(numbers: Numbers) -> Goal:
    """Return the goal of a saved learner.

    Raises
    ------
    ValueError
        When it is none.
    """
    if "goal" not in numbers:
        return HIGH_OR_LOW
    kind, *classes = numbers["goal"].tolist()
    if kind == "rating" and not classes:
        return Goal("rating")
    if kind == "classes" and len(classes) > 1:
        return Goal("classes", tuple(classes))
    raise ValueError("goal needs rating, or classes and their names")


@dataclass(frozen=True)
class _Spread:
    """Open a fit on the classes that training had, as one on all of them."""

    n_classes: int
    open_present: Any

    def __call__(self, numbers: Numbers) -> Predict:
        present, predict = numbers["present"], self.open_present(numbers)
        if len(np.unique(present)) < len(present) or present.max() >= self.n_classes:
            raise ValueError(f"present needs some of {self.n_classes} classes")

        def spread(found: Features) -> Probabilities:
            probability = np.zeros((len(found), self.n_classes))
            probability[:, present] = predict(found)
            return probability

        return spread


def fit_softmax(samples: Samples, _folds: Inner = (), penalty: float = 1.0) -> Numbers:
    """Fit a multinomial logistic regression; the penalty is scikit-learn's C."""
    model = LogisticRegression(C=penalty, max_iter=2000)
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # of two scikit-learn has the second one's only
        weight = np.concatenate([np.zeros_like(weight), weight])
        bias = np.concatenate([[0.0], bias])
    return {"weight": weight, "bias": bias, "present": model.classes_}


def open_softmax(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted multinomial regression."""
    return lambda found: softmax(found @ numbers["weight"].T + numbers["bias"], axis=1)


def fit_classes(samples: Samples, _folds: Inner = (), _penalty: float = 1.0) -> Numbers:
    """Fit a Gaussian naive Bayes classifier of several classes."""
    return {**fit_bayes(samples), "present": np.unique(samples.label)}


@dataclass(frozen=True)
class OneAgainstRest:
    """A support vector machine for each class that training has.

    Attributes
    ----------
    n_classes : int
        Of the goal.
    """

    n_classes: int
    has_curve: bool = True

    def fit(self, samples: Samples, folds: Inner, penalty: float) -> Numbers:
        """Fit each class against the rest."""
        present = np.unique(samples.label)
        found: dict[str, NDArray[Any]] = {"present": present}
        for number in present.tolist():
            label = (samples.label == number).astype(np.int64)
            one = Samples(samples.features, label, label, samples.weight, samples.table)
            machine = SVM.fit(one, folds, penalty)
            found |= {f"{name}/{number}": array for name, array in machine.items()}
        return found

    def check(self, numbers: Numbers) -> None:
        """Raise ``ValueError`` unless numbers are those of a fit."""
        check_arrays(numbers, {"present": ("iu", ("class",))})
        for number in numbers["present"].tolist():
            SVM.check({"fill": numbers["fill"], **_take_part(numbers, number)})

    def open(self, numbers: Numbers) -> Predict:
        """Return what predicts by the fitted machines."""
        predict = {
            number: SVM.open(_take_part(numbers, number))
            for number in numbers["present"].tolist()
        }
        if not all(0 <= number < self.n_classes for number in predict):
            raise ValueError(f"present needs some of {self.n_classes} classes")

        def score(found: Features) -> Probabilities:
            share = np.zeros((len(found), self.n_classes))
            for number, one in predict.items():
                share[:, number] = one(found)
            return np.asarray(share / share.sum(axis=1, keepdims=True))

        return score

    def fit_predict(self, samples: Samples, penalty: float) -> Predict:
        """Return what predicts by a fit without inner folds."""
        return self.open(self.fit(samples, (), penalty))


def _take_part(numbers: Numbers, number: int) -> dict[str, NDArray[Any]]:
    end = f"/{number}"
    return {n.removesuffix(end): a for n, a in numbers.items() if n.endswith(end)}


def fit_ridge(samples: Samples, _folds: Inner = (), penalty: float = 1.0) -> Numbers:
    """Fit a ridge regression; its penalty is one by scikit-learn's C."""
    model = Ridge(alpha=1 / penalty)
    model.fit(samples.features, samples.label, sample_weight=samples.weight)
    return {"weight": model.coef_, "bias": np.array([float(model.intercept_)])}


def open_ridge(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted ridge regression."""
    return lambda found: np.asarray(found @ numbers["weight"] + numbers["bias"])


def fit_support(
    samples: Samples,
    _folds: Inner = (),
    penalty: float = 1.0,
    gamma: float | Literal["scale"] = "scale",
    *,
    most_steps: int = -1,
) -> Numbers:
    """Fit an RBF support vector regression, of ratings in units of their deviation.

    Parameters
    ----------
    samples : Samples
        Whose labels are ratings.
    _folds : sequence
        Not used.
    penalty, gamma : float
        As scikit-learn has them.
    most_steps : int
        Of libsvm; -1: until it has found an end.

    Returns
    -------
    mapping
        As ``open_support`` takes them.
    """
    center = float(np.average(samples.label, weights=samples.weight))
    spread = float(samples.label.std()) or 1.0
    model = SVR(C=penalty, gamma=gamma, max_iter=most_steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(samples.features, (samples.label - center) / spread, samples.weight)
    return {
        "support": model.support_vectors_,
        "weight": spread * model.dual_coef_[0],
        "bias": spread * model.intercept_ + center,
        "gamma": np.array(model._gamma),
    }


def open_support(numbers: Numbers) -> Predict:
    """Return what predicts by a fitted support vector regression."""

    def predict(found: Features) -> Float64[np.ndarray, " row"]:
        if not len(numbers["support"]):  # all ratings lie within the tube
            return np.full(len(found), numbers["bias"][0])
        kernel = rbf_kernel(found, numbers["support"], gamma=float(numbers["gamma"]))
        return np.asarray(kernel @ numbers["weight"] + numbers["bias"])

    return predict


RIDGE = Classifier(
    fit_ridge, open_ridge, {"weight": ("f", ("kept",)), "bias": ("f", (1,))}
)
SUPPORT_REGRESSION = Classifier(
    fit_support,
    open_support,
    {
        "support": ("f", ("vector", "kept")),
        "weight": ("f", ("vector",)),
        "bias": ("f", (1,)),
        "gamma": ("f", ()),
    },
)
