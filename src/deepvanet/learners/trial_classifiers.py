"""Plain classifiers of whole trials: one row of features a trial, one score a trial.

What was felt is said once for a trial, and pulse, sweat and breath need longer than
a second to tell it. So a trial is one example here, however many segments of it are
handed in, and each of its segments gets the trial's score. The features are those of
:mod:`deepvanet.learners.trial_features`.

``trial-logistic``
    Logistic regression.
``trial-svm``
    RBF kernel, probabilities as for ``bandpower-svm``.

The penalty C is chosen by the log loss on rows held out of inner folds of the
training rows, the protocol's unit whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import FittedBaseline
from deepvanet.learners.classifiers import (
    Features,
    Inner,
    Numbers,
    Predict,
    Samples,
    choose_penalty,
    fit_logistic,
    fit_scaler,
    fit_svm,
    weigh_samples,
)
from deepvanet.learners.learner import Choice, Learner, MakeLearner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.trial_features import list_trials, measure_trials
from deepvanet.schema import BIO
from deepvanet.store import Rows


@dataclass(frozen=True)
class TrialClassifier:
    """Fit a classifier of ``CLASSIFIERS`` on features of whole trials."""

    name: str
    settings: NetworkSettings
    seed: int

    @property
    def traits(self) -> Traits:
        """All streams are measured on the whole trial."""
        return Traits(
            stream_sets=("eeg", "peripheral", "bio"),
            spans_trial=BIO,
            adapts_to_new_subjects=BIO if self.settings.normalise == "subject" else (),
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure trials, scale their features, choose the penalty, fit."""
        features, subject, names = _measure(train)
        scaler = fit_scaler(features, subject, normalise=self.settings.normalise)
        first = np.array([index[0] for index in list_trials(train)])
        with use_one_thread():
            samples = weigh_samples(
                scaler.apply(features, subject),
                train.label[first],
                np.arange(len(first)),
                train.table.iloc[first].reset_index(drop=True),
                self.settings,
            )
            inner = samples.cut_inner(unit=unit, seed=self.seed)
            fit = CLASSIFIERS[self.name]
            penalty = choose_penalty(
                samples, inner, lambda some, c: fit(some, (), c)[0]
            )
            predict, numbers = fit(samples, inner, penalty)

        def score(rows: Rows) -> Float64[np.ndarray, " row"]:
            features, subject, _ = _measure(rows)
            with use_one_thread():
                of_trial = predict(scaler.apply(features, subject))
            return np.asarray(of_trial[rows.trial])

        numbers = {"names": names, **scaler.to_arrays(), **numbers}
        return FittedBaseline(self.name, score, numbers, {"penalty": penalty})


def _measure(rows: Rows) -> tuple[Features, NDArray[np.object_], NDArray[Any]]:
    """Return the features and the subject of each trial, and the features' names."""
    found = measure_trials(rows)
    first = np.array([index[0] for index in list_trials(rows)])
    subject = rows.table["subject"].to_numpy()[first]
    return np.stack(list(found.values()), axis=1), subject, np.array(list(found))


_Fit = Callable[[Samples, Inner, float], tuple[Predict, Numbers]]

CLASSIFIERS: Mapping[str, _Fit] = {
    "trial-logistic": lambda samples, _inner, c: fit_logistic(samples, penalty=c),
    "trial-svm": lambda samples, inner, c: fit_svm(samples, inner, penalty=c),
}
"""Classifiers by the name of the learner."""


def make_trial_classifier(name: str) -> MakeLearner:
    """Return what makes one of ``CLASSIFIERS`` a learner."""

    def make(
        settings: NetworkSettings, seed: int, _face_weights: Path | None = None, /
    ) -> Learner:
        return TrialClassifier(name, settings, seed)

    return make


TRIAL: Mapping[str, MakeLearner] = {
    name: make_trial_classifier(name) for name in CLASSIFIERS
}
