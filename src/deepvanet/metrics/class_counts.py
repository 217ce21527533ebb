"""Reduce predictions of several classes to counts a trial, and score them.

References
----------
.. [1] Gorodkin (2004). Comparing two K-category assignments by a K-category
   correlation coefficient. Computational Biology and Chemistry 28, 367-374.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from deepvanet.metrics.counts import Scores, blank_one_class, count_above, divide


@dataclass(frozen=True)
class ClassCounts:
    """What one subject's predictions of one seed come down to, trial by trial.

    Attributes
    ----------
    truth : array, shape (trial,)
        The number of each trial's class.
    called : array, shape (trial, class)
        Segments by the class that is most probable; the first of equals.
    above : array, shape (class, trial, trial)
        Pairs, scored by one model, in which the first trial's segment has more of the
        class's probability than the second's; ties count half.
    pairs : array, shape (trial, trial)
        Pairs scored by one model.
    """

    truth: Int[np.ndarray, " trial"]
    stimulus: Int[np.ndarray, " trial"]
    called: Float[np.ndarray, "trial class"]
    above: Float[np.ndarray, "class trial trial"]
    pairs: Float[np.ndarray, "trial trial"]

    @property
    def size(self) -> Float[np.ndarray, " trial"]:
        """How many predictions each trial has."""
        return np.asarray(self.called.sum(axis=1))

    def score(self, weight: Float[np.ndarray, "case trial"] | None = None) -> Scores:
        """Score the trials, or each of several ways to weigh them.

        Means over classes are over those that occur: recalls and AUROC over the
        classes of the trials, F1 over those of the predictions too. Where weights
        leave a class out, only the accuracy is defined: the rest would be of another
        question.

        Parameters
        ----------
        weight : array, shape (case, trial), optional
            How often each trial counts, instead of once.
        """
        weight = np.ones((1, len(self.truth))) if weight is None else weight
        n_classes = self.called.shape[1]
        is_of = (self.truth == np.arange(n_classes)[:, None]).astype(float)
        # counts of (case, class of the trial, class called)
        confusion = np.einsum("ct,kt,tp->ckp", weight, is_of, self.called)
        right = np.diagonal(confusion, axis1=1, axis2=2)
        of_class, called = confusion.sum(axis=2), confusion.sum(axis=1)
        n_all = of_class.sum(axis=1)
        scores = {
            "accuracy": divide(right.sum(axis=1), n_all),
            "balanced_accuracy": _mean_known(divide(right, of_class)),
            "macro_f1": _mean_known(divide(2 * right, of_class + called)),
            "mcc": _correlate(right.sum(axis=1), of_class, called, n_all),
            "auroc": _mean_known(self._rank(weight, is_of)),
        }
        n_there = (of_class > 0).sum(axis=1)
        least = max(2, len(np.unique(self.truth)))
        return blank_one_class(scores, n_there < least)

    def _rank(
        self,
        weight: Float[np.ndarray, "case trial"],
        is_of: Float[np.ndarray, "class trial"],
    ) -> Float[np.ndarray, "case class"]:
        """Return the AUROC of each class against the rest."""
        found = []
        for mine, above in zip(is_of, self.above, strict=True):
            inside, outside = weight * mine, weight * (1 - mine)
            won = ((inside @ above) * outside).sum(axis=1)
            found.append(divide(won, ((inside @ self.pairs) * outside).sum(axis=1)))
        return np.stack(found, axis=1)


def count_classes(
    trial: Int[np.ndarray, " item"],
    truth: Int[np.ndarray, " item"],
    probability: Float[np.ndarray, "item class"],
    fit: Int[np.ndarray, " item"],
    *,
    stimulus: Int[np.ndarray, " item"],
) -> ClassCounts:
    """Reduce predictions to counts.

    Parameters
    ----------
    trial : array, shape (item,)
        Numbers from 0 without gaps; truth and stimulus are equal within a trial.
    truth : array, shape (item,)
        Numbers of classes.
    probability : array, shape (item, class)
        Of each class.
    fit : array, shape (item,)
        Which fitted model gave each prediction.
    stimulus : array, shape (item,)
        Number of the stimulus of each trial.

    Returns
    -------
    ClassCounts
        In the order of trial numbers.
    """
    first = np.unique(trial, return_index=True)[1]
    n_trials, n_classes = len(first), probability.shape[1]
    above = np.zeros((n_classes, n_trials, n_trials))
    pairs = np.zeros((n_trials, n_trials))
    for model in np.unique(fit):
        mine = fit == model
        met, place = np.unique(trial[mine], return_inverse=True)
        size = np.bincount(place).astype(float)
        pairs[np.ix_(met, met)] += np.outer(size, size)
        for number, values in enumerate(probability[mine].T):
            above[number][np.ix_(met, met)] += count_above(place, values, len(met))
    called = np.zeros((n_trials, n_classes))
    np.add.at(called, (trial, probability.argmax(axis=1)), 1)
    return ClassCounts(truth[first], stimulus[first], called, above, pairs)


def _correlate(
    right: Float[np.ndarray, " case"],
    of_class: Float[np.ndarray, "case class"],
    called: Float[np.ndarray, "case class"],
    n_all: Float[np.ndarray, " case"],
) -> Float[np.ndarray, " case"]:
    """Return Matthews correlation of several classes [1]_; 0 where one is constant."""
    shared = right * n_all - (of_class * called).sum(axis=1)
    spreads = [n_all**2 - (counts**2).sum(axis=1) for counts in (of_class, called)]
    product = np.maximum(spreads[0], 0) * np.maximum(spreads[1], 0)
    return np.asarray(np.nan_to_num(divide(shared, np.sqrt(product))))


def _mean_known(
    values: Float[np.ndarray, "case class"],
) -> Float[np.ndarray, " case"]:
    """Return the mean over the classes for which a value is defined."""
    known = ~np.isnan(values)
    return divide(np.nan_to_num(values).sum(axis=1), known.sum(axis=1))
