"""Plain classifiers of whole trials: one row of features a trial, one score a trial.

A rating describes a whole trial, and pulse, sweat and breath react more slowly than in
a second. So a trial is one example here, however many segments of it are handed in, and
each of its segments gets the trial's score. The features are those of
:mod:`deepvanet.learners.trial_features`.

``trial-logistic``
    Logistic regression.
``trial-svm``
    RBF kernel, probabilities as for ``bandpower-svm``; of ratings a regression.
``trial-ridge``
    Linear regression of ratings with a penalty on its weights.

The penalty C is chosen by the log loss on rows held out of inner folds of the
training rows, the protocol's unit whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
)
from deepvanet.learners.classifiers import (
    PENALTIES,
    Classifier,
    Features,
    Scaler,
    choose_penalty,
    fit_scaler,
    weigh_samples,
)
from deepvanet.learners.families import (
    GOALS,
    OneAgainstRest,
    find_classifier,
    name_goal,
    read_goal,
)
from deepvanet.learners.learner import Choice, Learner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.trial_features import list_trials, measure_trials
from deepvanet.protocols.folds import INNER_FOLDS
from deepvanet.schema import SIGNALS
from deepvanet.store import Rows


@dataclass(frozen=True)
class TrialClassifier:
    """Fit a classifier, or a regression, on features of whole trials."""

    name: str
    settings: NetworkSettings
    seed: int

    @property
    def traits(self) -> Traits:
        """All streams are measured on the whole trial.

        What was measured is kept, so a fit takes as long as the choice of its penalty.
        """
        is_slow = CLASSIFIERS[self.name] == "svm"
        return Traits(
            streams=SIGNALS,
            spans_trial=SIGNALS,
            is_quick=not is_slow,
            n_fits=1 + len(PENALTIES) * INNER_FOLDS,
            growth=2 if is_slow else 1,
            goals=GOALS[CLASSIFIERS[self.name]],
            follows_time=False,
            adapts_to_new_subjects=SIGNALS
            if self.settings.normalise == "subject"
            else (),
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure trials, scale their features, choose the penalty, fit.

        Parameters
        ----------
        train : Rows
            Seconds with labels; a trial is measured on all of its seconds.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, by which the penalty is chosen.

        Returns
        -------
        FittedBaseline
            The classifier, its penalty, and how features are scaled.
        """
        features, subject, names = _measure(train)
        scaler = fit_scaler(features, subject, normalise=self.settings.normalise)
        first = np.array([index[0] for index in list_trials(train)])
        classifier = find_classifier(CLASSIFIERS[self.name], train.goal)
        with use_one_thread():
            scaled = scaler.apply(features, subject)
            samples = weigh_samples(scaled, train.take(first), self.settings)
            inner = samples.cut_inner(unit=unit, seed=self.seed)
            penalty = choose_penalty(samples, inner, classifier.fit_predict)
            fitted = classifier.fit(samples, inner, penalty)
        numbers = {
            "names": names,
            **scaler.to_arrays(),
            **fitted,
            **name_goal(train.goal),
        }
        predict = make_predict(classifier, numbers)
        return FittedBaseline(self.name, predict, numbers, {"penalty": penalty})


def make_predict(
    classifier: Classifier | OneAgainstRest, numbers: Numbers
) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit."""
    scaler = Scaler.from_arrays(numbers)
    classifier.check(numbers)
    predict = classifier.open(numbers)

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        features, subject, _ = _measure(rows)
        with use_one_thread():
            of_trial = predict(scaler.apply(features, subject))
        return np.asarray(of_trial[rows.trial])

    return score


def _measure(rows: Rows) -> tuple[Features, NDArray[np.object_], NDArray[Any]]:
    """Return the features and the subject of each trial, and the features' names."""
    found = measure_trials(rows)
    first = np.array([index[0] for index in list_trials(rows)])
    subject = rows.table["subject"].to_numpy()[first]
    return np.stack(list(found.values()), axis=1), subject, np.array(list(found))


CLASSIFIERS: Mapping[str, str] = {
    "trial-logistic": "logistic",
    "trial-svm": "svm",
    "trial-ridge": "ridge",
}
"""Families of classifiers by the name of the learner."""


def make_trial_classifier(
    name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make a classifier of ``CLASSIFIERS`` a learner.

    Parameters
    ----------
    name : str
        Of ``CLASSIFIERS``.
    settings : NetworkSettings
        How classes weigh, and whether features are compared within subjects.
    seed : int
        Of inner folds.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return TrialClassifier(name, settings, seed)


def load_trial_classifier(folder: Path) -> FittedBaseline:
    """Load what a fitted learner of this module saved, or raise ``UserError``."""
    return load_baseline(
        folder,
        lambda name, numbers: make_predict(
            find_classifier(CLASSIFIERS[name], read_goal(numbers)), numbers
        ),
    )
