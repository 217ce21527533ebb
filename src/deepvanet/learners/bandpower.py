"""What the field did before networks: hand-crafted features, a plain classifier.

The features are those of :mod:`deepvanet.learners.features`, made ready as
:mod:`deepvanet.learners.classifiers` says. Classes weigh by ``class_weight``.

``bandpower-svm``
    RBF kernel, C 1. Its time grows with the square of the rows, so at most 10,000
    train it, sampled evenly over trials. Its distance from the border becomes a
    probability by a logistic curve, fitted on distances of inner out-of-fold rows
    (units of the protocol whole; scikit-learn's own calibration would split trials).
    Ratings are predicted by a support vector regression.
``bandpower-logistic``
    Logistic regression, C 1.
``bandpower-nb``
    Gaussian naive Bayes, as the first results on DEAP were made with (Koelstra et
    al. 2012).
``bandpower-ridge``
    Linear regression of ratings with a penalty on its weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    MOST_ROWS,
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
    sample_evenly,
)
from deepvanet.learners.classifiers import (
    Classifier,
    Inner,
    Scaler,
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
from deepvanet.learners.features import measure_features
from deepvanet.learners.learner import Choice, Learner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.schema import WITH_CHANNELS, Stream
from deepvanet.store import Rows

PENALTY = 1.0


@dataclass(frozen=True)
class Bandpower:
    """Fit a classifier, or a regression, on features of seconds."""

    name: str
    settings: NetworkSettings
    seed: int

    @property
    def traits(self) -> Traits:
        """EEG is measured on the second itself, peripherals on the whole trial.

        All but the support vectors are fitted quickly.
        """
        is_slow = CLASSIFIERS[self.name] == "svm"
        return Traits(
            streams=WITH_CHANNELS,
            spans_trial=(Stream.PERIPHERAL,),
            adapts_to_new_subjects=WITH_CHANNELS
            if self.settings.normalise == "subject"
            else (),
            is_quick=not is_slow,
            growth=2 if is_slow else 1,
            most_rows=MOST_ROWS if is_slow else None,
            goals=GOALS[CLASSIFIERS[self.name]],
            reads_any_length=True,
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure features, scale them, fit.

        Parameters
        ----------
        train : Rows
            Seconds with labels; ``bandpower-svm`` samples them where they are many.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, where a logistic curve is fitted on them.

        Returns
        -------
        FittedBaseline
            The classifier, and how features are scaled.
        """
        most = self.traits.most_rows
        if most is not None:
            train = train.take(sample_evenly(train, most, seed=self.seed))
        features, subject = measure_features(train), train.table["subject"].to_numpy()
        scaler = fit_scaler(features, subject, normalise=self.settings.normalise)
        classifier = find_classifier(CLASSIFIERS[self.name], train.goal)
        with use_one_thread():
            scaled = scaler.apply(features, subject)
            samples = weigh_samples(scaled, train, self.settings)
            inner: Inner = ()
            if classifier.has_curve:
                inner = samples.cut_inner(unit=unit, seed=self.seed)
            fitted = classifier.fit(samples, inner, PENALTY)
        numbers = {**scaler.to_arrays(), **fitted, **name_goal(train.goal)}
        return FittedBaseline(self.name, make_predict(classifier, numbers), numbers)


def make_predict(
    classifier: Classifier | OneAgainstRest, numbers: Numbers
) -> PredictRows:
    """Return what scores rows by the numbers of a fit."""
    scaler = Scaler.from_arrays(numbers)
    classifier.check(numbers)
    predict = classifier.open(numbers)

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        subject = rows.table["subject"].to_numpy()
        with use_one_thread():
            return predict(scaler.apply(measure_features(rows), subject))

    return score


CLASSIFIERS: Mapping[str, str] = {
    "bandpower-svm": "svm",
    "bandpower-logistic": "logistic",
    "bandpower-nb": "bayes",
    "bandpower-ridge": "ridge",
}
"""Families of classifiers by the name of the learner."""


def make_bandpower(
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
        Of the sample of rows and of inner folds.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return Bandpower(name, settings, seed)


def load_bandpower(folder: Path) -> FittedBaseline:
    """Load what a fitted learner of this module saved, or raise ``UserError``."""
    return load_baseline(
        folder,
        lambda name, numbers: make_predict(
            find_classifier(CLASSIFIERS[name], read_goal(numbers)), numbers
        ),
    )
