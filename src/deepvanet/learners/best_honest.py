"""Our strongest learner that two cores can train and that leaks nothing.

Of each stream that it is given it makes members: features of whole trials
(:mod:`deepvanet.learners.trial_parts`) and a logistic regression on them, of ratings a
ridge regression. Their predictions are pooled by weights
(:mod:`deepvanet.learners.pooling`). A trial is one example, and each of its segments
gets the score of the trial.

Penalties and weights are chosen by predictions of rows that inner folds of the
training rows hold out, the protocol's unit whole. Scalers are fitted within the inner
folds, too. Where units are too few to be divided, the penalty is the middle one and
the weights are those of the mean.

Which members, and how they are pooled, was selected on simulated stores, once, and is
frozen: :data:`CONFIGURATION`, whose digest ``docs/best-honest.md`` states beside the
candidates.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float64, Int
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings, Normalise
from deepvanet.learners.baseline import (
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
)
from deepvanet.learners.classifiers import (
    Classifier,
    Features,
    Predict,
    Samples,
    Scaler,
    fit_scaler,
    weigh_samples,
)
from deepvanet.learners.families import find_classifier, name_goal, read_goal
from deepvanet.learners.learner import ALL_GOALS, Choice, Learner, Traits
from deepvanet.learners.pooling import (
    Weights,
    fit_class_weights,
    fit_rating_weights,
    pool_classes,
    pool_ratings,
    take_logs,
    weigh_alike,
)
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_parts import PARTS, measure_part
from deepvanet.protocols.folds import INNER_FOLDS, cut_inner_folds
from deepvanet.schema import WITH_CHANNELS, Goal, Stream
from deepvanet.store import Rows

NAME = "best-honest"

Held = Float64[np.ndarray, "trial *class"]
Index = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class Configuration:
    """What was selected.

    Attributes
    ----------
    members : mapping
        Of each member the parts of a trial that it reads, those of one stream.
    pool : str
        ``stack``: weights are fitted; ``mean``: all count alike.
    penalties : tuple of float
        Values of C that are tried, in scikit-learn's sense.
    shrinkage : float
        Penalty on weights that depart from those of the mean, as ``pooling`` has it.
    """

    members: Mapping[str, tuple[str, ...]]
    pool: Literal["mean", "stack"] = "stack"
    penalties: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    shrinkage: float = 2.0

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON of all values."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()

    def choose_members(self, streams: Sequence[Stream]) -> dict[str, tuple[str, ...]]:
        """Return the members that have something to read, with what they read."""
        found = {
            name: tuple(part for part in parts if PARTS[part].stream in streams)
            for name, parts in self.members.items()
        }
        return {name: parts for name, parts in found.items() if parts}


CONFIGURATION = Configuration(
    members={
        "eeg-covariance": ("covariance", "covariance-from-rest"),
        "peripheral": ("sensors", "sensors-from-rest"),
        "gaze": ("gaze",),
        "face": ("picture", "picture-from-onset"),
        "face-features": ("face-levels", "face-levels-from-onset"),
    },
)
"""Frozen: another one is another learner, and needs another name and selection."""


@dataclass(frozen=True)
class BestHonest:
    """Fit a plain classifier for each member, and the weights that pool them."""

    settings: NetworkSettings
    seed: int
    configuration: Configuration = field(default=CONFIGURATION)

    @property
    def traits(self) -> Traits:
        """A trial is one example; what was measured of it is kept."""
        members = self.configuration.members
        inner = len(self.configuration.penalties) * INNER_FOLDS
        is_joined = any("covariance" in part for p in members.values() for part in p)
        return Traits(
            streams=tuple(Stream),
            spans_trial=tuple(Stream),
            is_quick=True,
            n_fits=len(members) * (1 + inner),
            knows_lost_channels=not is_joined,
            goals=ALL_GOALS,
            follows_time=False,
            reads_any_length=True,
            joins_rows=True,
            adapts_to_new_subjects=WITH_CHANNELS
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
        """Measure trials, fit the members, pool what they say of rows held out.

        Parameters
        ----------
        train : Rows
            Seconds with labels; a trial is measured on all of its seconds.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole.

        Returns
        -------
        FittedBaseline
            Of each member the classifier and how features are scaled, and the weights.
        """
        parts = self.configuration.choose_members(train.streams)
        trials = gather_trials(train, self.settings, unit=unit, seed=self.seed)
        with use_one_thread():
            fitted = {
                name: fit_member(
                    measure_member(read, train),
                    trials,
                    penalties=self.configuration.penalties,
                    normalise=self._choose_normalise(read),
                )
                for name, read in parts.items()
            }
            weight = fit_pool(list(fitted.values()), trials, self.configuration)
        numbers: dict[str, NDArray[Any]] = {
            "members": np.array(list(parts), dtype=str),
            "pool": weight,
            "center": np.array([_find_center(trials.samples)]),
            **name_goal(train.goal),
        }
        for name, member in fitted.items():
            numbers |= {f"{name}/{k}": array for k, array in member.numbers.items()}
            numbers[f"{name}/parts"] = np.array(parts[name], dtype=str)
        choices = {f"{name}_penalty": m.penalty for name, m in fitted.items()}
        choices |= {
            f"{name}_weight": float(w) for name, w in zip(fitted, weight, strict=True)
        }
        return FittedBaseline(NAME, make_predict(NAME, numbers), numbers, choices)

    def _choose_normalise(self, parts: Sequence[str]) -> Normalise:
        """Return whether subjects are compared with themselves; by faces never."""
        is_face = all(PARTS[part].stream.is_images for part in parts)
        return "none" if is_face else self.settings.normalise


@dataclass(frozen=True)
class Trials:
    """What members are fitted on, before it is known which features they read.

    Attributes
    ----------
    samples : Samples
        A row a trial, without features.
    inner : sequence of tuple
        Of each inner fold the trials that train, these as samples, and the trials that
        are held out. There may be none.
    goal : Goal
        What is predicted.
    """

    samples: Samples
    inner: Sequence[tuple[Index, Samples, Index]]
    goal: Goal

    @property
    def subject(self) -> NDArray[np.object_]:
        """Whose each trial is."""
        return self.samples.table["subject"].to_numpy(dtype=object)


def gather_trials(
    rows: Rows, settings: NetworkSettings, *, unit: str, seed: int
) -> Trials:
    """Return the trials of rows, each once, and divide them into inner folds.

    Parameters
    ----------
    rows : Rows
        Seconds with labels.
    settings : NetworkSettings
        How classes weigh.
    unit : str
        What inner folds keep whole.
    seed : int
        Of inner folds.

    Returns
    -------
    Trials
        In the order of ``rows.trial``.
    """
    first = rows.take(np.array([index[0] for index in list_trials(rows)]))
    inner = cut_inner_folds(first.table, first.stratum, unit=unit, seed=seed)
    return Trials(
        _weigh(first, settings),
        [(train, _weigh(first.take(train), settings), out) for train, out in inner],
        rows.goal,
    )


def _weigh(rows: Rows, settings: NetworkSettings) -> Samples:
    return weigh_samples(np.zeros((len(rows), 0)), rows, settings)


@dataclass(frozen=True)
class FittedMember:
    """A member after fitting.

    Attributes
    ----------
    numbers : mapping
        Of its scaler and its classifier.
    penalty : float
        The C that was chosen.
    held : array, shape (trial,) or (trial, class)
        What inner fits with this C predict of trials that they did not see; NaN of
        those that were never held out.
    """

    numbers: Numbers
    penalty: float
    held: Held


def measure_member(parts: Sequence[str], rows: Rows) -> Features:
    """Return all features of some parts, one row a trial."""
    found = [measure_part(part, rows) for part in parts]
    return np.stack([values for one in found for values in one.values()], axis=1)


def fit_member(
    features: Features,
    trials: Trials,
    *,
    penalties: Sequence[float],
    normalise: Normalise = NetworkSettings.normalise,
) -> FittedMember:
    """Choose the penalty on trials held out, and fit on all.

    Parameters
    ----------
    features : array, shape (trial, feature)
        Not scaled.
    trials : Trials
        With their labels and inner folds.
    penalties : sequence of float
        Values of C.
    normalise : str
        As in ``NetworkSettings``.

    Returns
    -------
    FittedMember
        Its penalty is the one with the least loss, of equals the first; the middle
        one where there are no inner folds.
    """
    classifier, subject = _find_classifier(trials.goal), trials.subject
    n_classes = len(trials.goal.classes)
    shape = (len(features), n_classes) if n_classes > 2 else (len(features),)
    held = np.full((len(penalties), *shape), np.nan)
    for train, blank, out in trials.inner:
        scaler = fit_scaler(features[train], subject[train], normalise=normalise)
        known = scaler.apply(features[train], subject[train])
        test = scaler.apply(features[out], subject[out])
        span = _find_span(known)
        samples, test = replace(blank, features=known @ span), test @ span
        for place, penalty in enumerate(penalties):
            held[place, out] = classifier.fit_predict(samples, penalty)(test)
    best = len(penalties) // 2
    if trials.inner:
        best = int(np.argmin([_lose(one, trials) for one in held]))
    scaler = fit_scaler(features, subject, normalise=normalise)
    samples = replace(trials.samples, features=scaler.apply(features, subject))
    numbers = {**scaler.to_arrays(), **classifier.fit(samples, (), penalties[best])}
    return FittedMember(numbers, penalties[best], held[best])


def fit_pool(
    members: Sequence[FittedMember], trials: Trials, configuration: Configuration
) -> Weights:
    """Return the weights of members by what they say of trials held out.

    Parameters
    ----------
    members : sequence of FittedMember
        Fitted on the trials.
    trials : Trials
        With their labels.
    configuration : Configuration
        Read for ``pool`` and ``shrinkage``.
    """
    held = np.stack([member.held for member in members])
    there = np.flatnonzero(_is_known(held[0]))
    if configuration.pool == "mean" or len(members) == 1 or not len(there):
        return weigh_alike(len(members))
    some, known = trials.samples.take(there), held[:, there]
    if trials.goal.kind == "rating":
        return fit_rating_weights(
            known, some.label, some.weight, configuration.shrinkage
        )
    label: Int[np.ndarray, " trial"] = some.label.astype(np.int64)
    return fit_class_weights(
        take_logs(known), label, some.weight, configuration.shrinkage
    )


def _is_known(held: Held) -> Bool[np.ndarray, " trial"]:
    """Say which trials were held out by an inner fold."""
    return np.asarray(np.isfinite(held).all(axis=tuple(range(1, held.ndim))))


def pool(
    found: Float64[np.ndarray, "member row *class"],
    weight: Weights,
    goal: Goal,
    center: float,
) -> Float64[np.ndarray, "row *class"]:
    """Return what members say together.

    Parameters
    ----------
    found : array, shape (member, row) or (member, row, class)
        What each predicts: the probability of high or of each class, or the rating.
    weight : array, shape (member,)
        Of the members.
    goal : Goal
        What is predicted.
    center : float
        Of ratings: from where departures are measured.

    Returns
    -------
    array, shape (row,) or (row, class)
        As the goal has it. A class that no member gives a chance has none.
    """
    if goal.kind == "rating":
        return pool_ratings(found, weight, center)
    pooled = pool_classes(take_logs(found), weight)
    if goal.kind == "high-low":
        return np.asarray(pooled[:, 1])
    pooled = np.where((found > 0).any(axis=0), pooled, 0.0)
    return np.asarray(pooled / pooled.sum(axis=1, keepdims=True))


def make_predict(_name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit.

    Raises
    ------
    ValueError
        When they are not those of a fit.
    """
    layout: Layout = {
        "members": ("U", ("member",)),
        "pool": ("f", ("member",)),
        "center": ("f", (1,)),
    }
    check_arrays(numbers, layout)
    weight, goal = numbers["pool"], read_goal(numbers)
    if not len(weight) or (weight < 0).any():
        raise ValueError("pool needs a number of 0 or more for each member")
    opened = [_open_member(name, numbers, goal) for name in numbers["members"].tolist()]

    def score(rows: Rows) -> Float64[np.ndarray, "row *class"]:
        first = rows.take(np.array([index[0] for index in list_trials(rows)]))
        subject = first.table["subject"].to_numpy(dtype=object)
        with use_one_thread():
            found = np.stack(
                [
                    predict(scaler.apply(measure_member(parts, rows), subject))
                    for parts, scaler, predict in opened
                ]
            )
            of_trial = pool(found, weight, goal, float(numbers["center"][0]))
        return np.asarray(of_trial[rows.trial])

    return score


def _open_member(
    name: str, numbers: Numbers, goal: Goal
) -> tuple[tuple[str, ...], Scaler, Predict]:
    """Return what a member reads, its scaler, and what predicts."""
    start = f"{name}/"
    own = {k.removeprefix(start): a for k, a in numbers.items() if k.startswith(start)}
    check_arrays(own, {"parts": ("U", ("part",))})
    parts = tuple(own["parts"].tolist())
    if not parts or not set(parts) <= set(PARTS):
        raise ValueError(f"{name}/parts needs names of parts, got {parts}")
    scaler, classifier = Scaler.from_arrays(own), _find_classifier(goal)
    classifier.check(own)
    return parts, scaler, classifier.open(own)


def _find_classifier(goal: Goal) -> Classifier:
    """Return the logistic regression, or of ratings the ridge regression."""
    found = find_classifier("ridge" if goal.kind == "rating" else "logistic", goal)
    assert isinstance(found, Classifier)
    return found


def _find_span(features: Features) -> Float64[np.ndarray, "feature dimension"]:
    """Return axes that hold all samples: a penalised fit never leaves them."""
    if len(features) >= features.shape[1]:
        return np.eye(features.shape[1])
    return np.asarray(np.linalg.svd(features, full_matrices=False)[2].T)


def _lose(held: Held, trials: Trials) -> float:
    """Return the mean loss of trials held out: log loss, of ratings squared error."""
    there = np.flatnonzero(_is_known(held))
    found, some = held[there], trials.samples.take(there)
    if trials.goal.kind == "rating":
        return float(np.average((found - some.label) ** 2, weights=some.weight))
    logs = take_logs(found[None])[0]
    true = logs[np.arange(len(there)), some.label.astype(np.int64)]
    return float(np.average(-true, weights=some.weight))


def _find_center(samples: Samples) -> float:
    if samples.n_classes:
        return 0.0
    return float(np.average(samples.label, weights=samples.weight))


def make_best_honest(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
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
    return BestHonest(settings, seed)


def load_best_honest(folder: Path) -> FittedBaseline:
    """Load what a fitted learner of this module saved, or raise ``UserError``."""
    return load_baseline(folder, make_predict)
