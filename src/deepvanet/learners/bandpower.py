"""What the field did before networks: hand-made features, a plain classifier.

The features are those of :mod:`deepvanet.learners.features`, made ready as
:mod:`deepvanet.learners.classifiers` says. Classes weigh by ``--class-weight``.

``bandpower-svm``
    RBF kernel, C 1. Its time grows with the square of the rows, so at most 10,000
    train it, drawn evenly over trials. Its distance from the border becomes a
    probability by a logistic curve, fitted on distances of inner out-of-fold rows
    (units of the protocol whole; scikit-learn's own calibration would split trials).
``bandpower-logistic``
    Logistic regression, C 1.
``bandpower-nb``
    Gaussian naive Bayes, as the first results on DEAP were made with (Koelstra et
    al. 2012).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import MOST_ROWS, FittedBaseline, draw_evenly
from deepvanet.learners.classifiers import (
    Numbers,
    Predict,
    Samples,
    fit_bayes,
    fit_logistic,
    fit_scaler,
    fit_svm,
    weigh_samples,
)
from deepvanet.learners.features import measure_features
from deepvanet.learners.learner import Choice, Learner, MakeLearner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.schema import BIO, Stream
from deepvanet.store import Rows


@dataclass(frozen=True)
class Bandpower:
    """Fit a classifier of ``CLASSIFIERS`` on features of seconds."""

    name: str
    settings: NetworkSettings
    seed: int

    @property
    def traits(self) -> Traits:
        """EEG is measured on the second itself, peripherals on the whole trial."""
        return Traits(
            stream_sets=("eeg", "peripheral", "bio"),
            spans_trial=(Stream.PERIPHERAL,),
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
        """Measure features, scale them, fit."""
        if self.name == "bandpower-svm":
            train = train.take(draw_evenly(train, MOST_ROWS, seed=self.seed))
        features, subject = measure_features(train), train.table["subject"].to_numpy()
        scaler = fit_scaler(features, subject, normalise=self.settings.normalise)
        with use_one_thread():
            samples = weigh_samples(
                scaler.apply(features, subject),
                train.label,
                train.trial,
                train.table,
                self.settings,
            )
            predict, numbers = CLASSIFIERS[self.name](samples, unit, self.seed)

        def score(rows: Rows) -> Float64[np.ndarray, " row"]:
            subject = rows.table["subject"].to_numpy()
            with use_one_thread():
                return predict(scaler.apply(measure_features(rows), subject))

        return FittedBaseline(self.name, score, {**scaler.to_arrays(), **numbers})


def _fit_svm(samples: Samples, unit: str, seed: int) -> tuple[Predict, Numbers]:
    return fit_svm(samples, samples.cut_inner(unit=unit, seed=seed))


_Fit = Callable[[Samples, str, int], tuple[Predict, Numbers]]

CLASSIFIERS: Mapping[str, _Fit] = {
    "bandpower-svm": _fit_svm,
    "bandpower-logistic": lambda samples, _unit, _seed: fit_logistic(samples),
    "bandpower-nb": lambda samples, _unit, _seed: fit_bayes(samples),
}
"""Classifiers by the name of the learner."""


def make_bandpower(name: str) -> MakeLearner:
    """Return what makes one of ``CLASSIFIERS`` a learner."""

    def make(
        settings: NetworkSettings, seed: int, _face_weights: Path | None = None, /
    ) -> Learner:
        return Bandpower(name, settings, seed)

    return make


BANDPOWER: Mapping[str, MakeLearner] = {
    name: make_bandpower(name) for name in CLASSIFIERS
}
