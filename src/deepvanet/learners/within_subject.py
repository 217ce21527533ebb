"""Compare each subject with itself, without labels: ``normalise="subject"``.

How strongly a person sweats or how large a pulse is says more about the person and
the sensor than about what was felt. ``subject`` subtracts each subject's own centre
and divides by its own spread. Whose rows trained is compared with those, so nothing
of the test takes part. Who was not in training is compared with the rows that are
scored together: test signals, without their labels, then have a part in each
other's scores, and ``leaks`` says ``unlabelled``.

Learners of hand-crafted features compare features, by mean and standard deviation. The
others are given signals that are compared channel by channel, by median and
interquartile range; faces stay as they are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.learner import (
    AnswersTargets,
    Choice,
    CompositeLearner,
    Epoch,
    EpochLearner,
    EpochRecord,
    FitPlan,
    FittedLearner,
    Learner,
    MakeLearner,
    Training,
    Traits,
)
from deepvanet.learners.saved import read_saved
from deepvanet.learners.scaling import Scaling, ScalingItem, fit_scaling
from deepvanet.schema import WITH_CHANNELS, Stream, UserError
from deepvanet.store import Rows

FORMAT = "deepvanet-within-subject-1"
SUBJECTS = "subjects.json"

Features = Float64[np.ndarray, "row feature"]
Subject = NDArray[np.object_]
Norm = tuple[Float64[np.ndarray, " feature"], Float64[np.ndarray, " feature"]]
Scalings = Mapping[str, Mapping[Stream, Scaling]]


def measure_norms(features: Features, subject: Subject) -> dict[str, Norm]:
    """Return each subject's mean and deviation of every feature; NaN is left out."""
    return {
        str(name): _measure_norm(features[subject == name])
        for name in dict.fromkeys(subject)
    }


def normalise_features(
    features: Features, subject: Subject, known: Mapping[str, Norm]
) -> Features:
    """Return how far each row departs from its subject, in the subject's deviations.

    Parameters
    ----------
    known : mapping
        Of the subjects that were in training; others are measured on these rows.
    """
    norms = {**measure_norms(features, subject), **known}
    out = np.empty_like(features)
    for name in dict.fromkeys(subject):
        mine = subject == name
        center, spread = norms[str(name)]
        out[mine] = (features[mine] - center) / spread
    return out


def _measure_norm(features: Features) -> Norm:
    there = np.isfinite(features)
    count = np.maximum(there.sum(axis=0), 1)
    center = np.where(there, features, 0).sum(axis=0) / count
    departure = np.where(there, features - center, 0)
    spread = np.sqrt(np.square(departure).sum(axis=0) / count)
    # what one row or a resting sensor gives is only shifted
    at_rest = spread <= np.abs(center) * np.finfo(np.float64).eps * 8
    return center, np.where(at_rest, 1.0, spread)


def compare_within(make: MakeLearner) -> MakeLearner:
    """Return what makes a learner that compares signals within subjects, if asked to.

    One that reads no signal, or compares its features itself, stays as it is.
    """

    def make_comparing(
        settings: NetworkSettings, seed: int, face_weights: Path | None = None, /
    ) -> Learner:
        learner = make(settings, seed, face_weights)
        traits = learner.traits
        if settings.normalise == "none" or not traits.reads_streams:
            return learner
        return learner if traits.adapts_to_new_subjects else WithinSubject(learner)

    return make_comparing


@dataclass(frozen=True)
class WithinSubject:
    """Give a learner signals that are compared with their subject's own."""

    learner: Learner

    @property
    def traits(self) -> Traits:
        """Those of the learner; subjects it never saw are compared with the test."""
        return replace(self.learner.traits, adapts_to_new_subjects=WITH_CHANNELS)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",
    ) -> "FittedWithinSubject":
        """Measure the subjects of the training rows, and fit.

        Parameters
        ----------
        train : Rows
            Rows with labels.
        watch : Rows | None
            Rows that are scored after each epoch, where the learner has epochs.
        choose : Choice
            Which epoch the learner reads.
        unit : str
            What the learner keeps whole where it divides its training rows.

        Returns
        -------
        FittedWithinSubject
            What the learner fitted, and the scale of each subject of ``train``.
        """
        known = _scale_subjects(train)
        fitted = self.learner.fit(
            _compare(train, known),
            watch=None if watch is None else _compare(watch, known),
            choose=choose,
            unit=unit,
        )
        return FittedWithinSubject(fitted, known)

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> "FittedWithinSubject":
        """Fit on other rows what a fit chose; one that chose nothing is just fitted."""
        if not isinstance(self.learner, EpochLearner):
            return self.fit(train, unit=unit)
        known = _scale_subjects(train)
        fitted = self.learner.refit(_compare(train, known), plan=plan, unit=unit)
        return FittedWithinSubject(fitted, known)

    def list_trainings(self, streams: Sequence[Stream]) -> Sequence[Training]:
        """Name what the learner trains."""
        if isinstance(self.learner, CompositeLearner):
            return self.learner.list_trainings(streams)
        return [Training("", self.learner, tuple(streams))]


@dataclass(frozen=True, eq=False)
class FittedWithinSubject:
    """A fitted learner of signals that are compared with their subject's own.

    Attributes
    ----------
    known : mapping
        How the signals of each subject of the training rows are scaled.
    """

    fitted: FittedLearner
    known: Scalings

    @property
    def history(self) -> Sequence[EpochRecord]:
        """Of the learner."""
        return self.fitted.history

    @property
    def chosen_epoch(self) -> int | None:
        """Of the learner."""
        return self.fitted.chosen_epoch

    @property
    def choices(self) -> Mapping[str, float]:
        """Of the learner."""
        return self.fitted.choices

    @property
    def plan(self) -> FitPlan:
        """Of the learner."""
        return self.fitted.plan

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row, as the goal says."""
        return self.fitted.score(_compare(rows, self.known), epoch=epoch)

    def take_target(self, place: int) -> "FittedWithinSubject":
        """Return what answers one of several targets.

        Raises
        ------
        UserError
            When the learner was fitted for one.
        """
        if not isinstance(self.fitted, AnswersTargets):
            raise UserError("the fitted learner predicts one target")
        return replace(self, fitted=self.fitted.take_target(place))

    def save(self, folder: Path) -> None:
        """Write the learner and the subjects' scalings into a new folder."""
        values = {
            "format": FORMAT,
            "subjects": {
                name: {stream: s.to_dict() for stream, s in scalings.items()}
                for name, scalings in self.known.items()
            },
        }
        with whole_folder(folder) as unfinished:
            self.fitted.save(unfinished / "learner")
            text = json.dumps(values, indent=2) + "\n"
            write_text(unfinished / SUBJECTS, text)


@dataclass(frozen=True)
class SavedSubjects:
    """What ``subjects.json`` holds."""

    subjects: Mapping[str, Mapping[Stream, ScalingItem]]


def is_comparing(folder: Path) -> bool:
    """Say whether a saved learner compares signals within subjects."""
    return (folder / SUBJECTS).is_file()


def load_comparing(
    folder: Path, load: Callable[[Path], FittedLearner]
) -> FittedWithinSubject:
    """Load what ``FittedWithinSubject.save`` wrote.

    Parameters
    ----------
    load : callable
        What loads the learner within.

    Raises
    ------
    UserError
        When a file is missing, damaged or of another format.
    """
    saved = read_saved(folder / SUBJECTS, FORMAT, SavedSubjects)
    known = {
        name: {stream: item.open() for stream, item in scalings.items()}
        for name, scalings in saved.subjects.items()
    }
    return FittedWithinSubject(load(folder / "learner"), known)


def _scale_subjects(rows: Rows) -> Scalings:
    subject = rows.table["subject"].to_numpy()
    return {
        str(name): fit_scaling(rows.take(subject == name))
        for name in dict.fromkeys(subject)
    }


def _compare(rows: Rows, known: Scalings) -> Rows:
    """Return rows whose signals are scaled by what is known of their subjects."""
    subject = rows.table["subject"].to_numpy()
    new = np.flatnonzero(~np.isin(subject, list(known)))
    scalings = {**known, **(_scale_subjects(rows.take(new)) if len(new) else {})}
    names = rows.store.table["subject"].to_numpy()

    def adjust(
        stream: Stream, numbers: Int[np.ndarray, " row"], array: NDArray[Any]
    ) -> NDArray[Any]:
        if stream.is_images:
            return array
        out = np.empty_like(array)
        for name in dict.fromkeys(names[numbers]):
            mine = names[numbers] == name
            out[mine] = scalings[str(name)][stream].apply(array[mine])
        return out

    return replace(rows, adjust=adjust)
