"""Score predictions of any task: a subject's, all subjects', by segments or by trials.

A target whose label is one a person (a diagnosis, a group) has no score within a
person. It is scored over people: each is one unit, with the mean score of its trials.

Ratings are scored within subjects who have enough trials; pooled metrics are those of
all trials of all subjects together, of whom one is left out in turn for their spread.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from deepvanet.config import Level
from deepvanet.metrics.class_counts import count_classes
from deepvanet.metrics.counts import (
    THRESHOLD,
    Scores,
    Tally,
    count,
    divide,
    mean_over_seeds,
)
from deepvanet.metrics.forms import (
    CLASSES,
    HIGH_LOW,
    QUADRANTS,
    RATING,
    TRACE,
    Form,
    find_form,
    is_over_people,
)
from deepvanet.metrics.jackknife import Spread, find_spread
from deepvanet.metrics.rating_sums import RatingSums, join_sums, sum_ratings
from deepvanet.metrics.trace_sums import TraceSums, sum_traces
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import KEY_COLUMNS

LEVELS: tuple[str, ...] = get_args(Level)
ALL_FOLDS = -1
"""The fold of a trial whose segments were scored by the models of several folds."""

_Sums = RatingSums | TraceSums
_RUN = [*KEY_COLUMNS, "seed"]
_TRIAL = ["subject", "trial", "stimulus"]
_POOLED = "pooled_"


@dataclass(frozen=True)
class Measurement:
    """One metric of all subjects, and what it is with each clip left out.

    Attributes
    ----------
    values : array, shape (subject,)
        NaN where undefined. Of labels that belong to people, and of pooled metrics:
        the jackknife's pseudo-values, whose variance is that of the score.
    without : array, shape (subject, clip)
        With each clip left out; no columns where subjects share no clip.
    seen : array, shape (subject, clip)
        Whether the subject saw it.
    pooled : float | None
        The score over people, or of all trials; None where each subject has a score.
    clips_held_out : bool
        Whether the protocol holds out clips for all subjects.
    is_over_people : bool
        Whether each subject has one label, so that people are scored.
    chance : float
        What luck alone would score; NaN where that depends.
    """

    values: Float[np.ndarray, " subject"]
    without: Float[np.ndarray, "subject clip"]
    seen: Bool[np.ndarray, "subject clip"]
    pooled: float | None = None
    clips_held_out: bool = False
    is_over_people: bool = False
    chance: float = float("nan")

    @property
    def known(self) -> Float[np.ndarray, " known"]:
        """The scores of those for whom the metric is defined."""
        return np.asarray(self.values[~np.isnan(self.values)])

    @property
    def mean(self) -> float:
        """The score: the mean over subjects, or that of all of them together."""
        if self.pooled is not None:
            return self.pooled
        return float(self.known.mean()) if len(self.known) else float("nan")

    @property
    def sd(self) -> float:
        """The deviation over subjects; NaN for a score of all of them together."""
        if self.pooled is not None or len(self.known) < 2:
            return float("nan")
        return float(self.known.std(ddof=1))

    @property
    def spread(self) -> Spread:
        """How far the score may be off."""
        defined = ~np.isnan(self.values)
        seen = self.seen[defined]
        if not np.any(seen.sum(axis=0) > 1):
            return find_spread(self.known)
        return find_spread(
            self.known,
            self.without[defined][:, seen.any(axis=0)],
            clips_held_out=self.clips_held_out,
        )

    def minus(self, other: "Measurement") -> "Measurement":
        """Return the difference to another score of the same subjects and clips."""
        pooled = None
        if self.pooled is not None and other.pooled is not None:
            pooled = self.pooled - other.pooled
        return Measurement(
            self.values - other.values,
            self.without - other.without,
            self.seen & other.seen,
            pooled,
            self.clips_held_out or other.clips_held_out,
            self.is_over_people or other.is_over_people,
        )


def measure(predictions: pd.DataFrame, level: str) -> dict[str, Measurement]:
    """Measure each metric of the task for one protocol, target, streams and learner.

    Several seeds are scored apart; a subject's score is their mean.
    """
    form = find_form(predictions)
    if is_over_people(predictions):
        return _measure_people(form, predictions, level)
    subjects = [seeds for _, seeds in count_subjects(predictions, level)]
    if not subjects:
        nothing = np.empty(0), np.empty((0, 0)), np.empty((0, 0), dtype=bool)
        return {metric: Measurement(*nothing) for metric in form.metrics}
    seen = _list_seen([seeds[0] for seeds in subjects])
    if not np.any(seen.sum(axis=0) > 1):
        seen = seen[:, :0]
    held_out = _hold_clips_out(predictions)
    whole = [mean_over_seeds(tally.score() for tally in seeds) for seeds in subjects]
    rest = [_leave_clips_out(seeds, seen.shape[1]) for seeds in subjects]
    found = {}
    for metric in whole[0]:
        values = np.array([scores[metric][0] for scores in whole])
        found[metric] = Measurement(
            values,
            np.stack([scores[metric] for scores in rest]),
            seen,
            clips_held_out=held_out,
            chance=_find_chance(form, metric, values, [s[0].truth for s in subjects]),
        )
    if form.is_rating:
        found |= {
            f"{_POOLED}{metric}": made
            for metric, made in _measure_together(
                _join_seeds(subjects), seen, _score_any, held_out
            ).items()
        }
    return found


def measure_skill(
    predictions: pd.DataFrame, prior: pd.DataFrame, level: str
) -> Measurement:
    """Measure by which share ratings are missed less than a prior misses them.

    Parameters
    ----------
    predictions, prior : DataFrame
        Predictions of the same trials.
    level : str
        ``segment`` or ``trial``.

    Returns
    -------
    Measurement
        1 less the mean squared error of the predictions by that of the prior, over
        all trials of all subjects.
    """
    ours, theirs = (
        [seeds for _, seeds in count_subjects(part, level)]
        for part in (predictions, prior)
    )
    seen = _list_seen([seeds[0] for seeds in ours])
    if not np.any(seen.sum(axis=0) > 1):
        seen = seen[:, :0]
    seeds = [
        [*ours_of_seed, theirs_of_seed[1]]
        for ours_of_seed, theirs_of_seed in zip(
            _join_seeds(ours), _join_seeds(theirs), strict=True
        )
    ]

    def compare(
        mine: _Sums, weight: Float[np.ndarray, "case trial"], other: _Sums
    ) -> Scores:
        missed = mine.measure_error(weight), other.measure_error(weight)
        return {"skill": 1 - divide(*missed)}

    held_out = _hold_clips_out(predictions)
    return _measure_together(seeds, seen, compare, held_out)["skill"]


def _find_chance(
    form: Form,
    metric: str,
    values: Float[np.ndarray, " subject"],
    truths: Sequence[NDArray[Any]],
) -> float:
    """Return the chance of subjects, of whom each may lack classes.

    A constant prediction is right for one of the classes that a subject has.
    """
    known = [
        form.find_chance(metric, len(np.unique(truth)))
        for value, truth in zip(values, truths, strict=True)
        if not np.isnan(value)
    ]
    return float(np.mean(known)) if known else float("nan")


def _join_seeds(
    subjects: Sequence[Sequence[Tally]],
) -> list[tuple[Int[np.ndarray, " trial"], _Sums]]:
    """Return, for each seed, the trials of all subjects and whose they are."""
    joined = []
    for place in range(max(map(len, subjects))):
        held = [
            (number, tally)
            for number, seeds in enumerate(subjects)
            for tally in seeds[place : place + 1]
            if isinstance(tally, _Sums)
        ]
        owner = np.repeat([n for n, _ in held], [len(t.truth) for _, t in held])
        joined.append((owner, join_sums([tally for _, tally in held])))
    return joined


def _score_any(sums: _Sums, weight: Float[np.ndarray, "case trial"]) -> Scores:
    return sums.score_any(weight)


def _measure_together(
    seeds: Sequence[Sequence[Any]],
    seen: Bool[np.ndarray, "subject clip"],
    score: Callable[..., Scores],
    clips_held_out: bool,
) -> dict[str, Measurement]:
    """Score all trials together, and with each subject and each clip left out."""
    n_subjects, n_clips = seen.shape
    made = []
    for owner, sums, *more in seeds:
        weight = np.ones((1 + n_subjects + n_clips, len(owner)))
        weight[1 : 1 + n_subjects] = owner != np.arange(n_subjects)[:, None]
        weight[1 + n_subjects :] = sums.stimulus != np.arange(n_clips)[:, None]
        made.append(score(sums, weight, *more))
    found = {}
    for metric, values in mean_over_seeds(made).items():
        whole, rest = values[0], values[1 : 1 + n_subjects]
        apart = n_subjects * whole - (n_subjects - 1) * rest
        found[metric] = Measurement(
            apart if n_subjects > 1 else values[:1],
            np.tile(values[1 + n_subjects :], (n_subjects, 1)),
            seen,
            pooled=float(whole),
            clips_held_out=clips_held_out,
        )
    return found


def find_means(predictions: pd.DataFrame, level: str) -> dict[str, float]:
    """Return each metric of the task as ``measure`` does, without its spread."""
    form = find_form(predictions)
    if is_over_people(predictions):
        return {m: found.mean for m, found in measure(predictions, level).items()}
    subjects = [seeds for _, seeds in count_subjects(predictions, level)]
    if not subjects:
        return dict.fromkeys(form.metrics, float("nan"))
    scores = [mean_over_seeds(tally.score() for tally in seeds) for seeds in subjects]
    table = pd.DataFrame(
        [{metric: float(v[0]) for metric, v in mine.items()} for mine in scores]
    )
    means = {metric: float(table[metric].mean()) for metric in table}
    if form.is_rating:
        pooled = mean_over_seeds(sums.score_any() for _, sums in _join_seeds(subjects))
        means |= {f"{_POOLED}{name}": float(v[0]) for name, v in pooled.items()}
    return {str(metric): value for metric, value in means.items()}


def mean_over_people(predictions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return one row a person: the mean of what its trials, or segments, are given.

    As for trials, ``fold`` is ``ALL_FOLDS`` where a person was scored by several
    models.
    """
    form = find_form(predictions)
    table = predictions if level == "segment" else mean_over_trials(predictions)
    grouped = table.groupby(["seed", "subject"], sort=True, observed=True)
    people = pd.DataFrame(
        {
            **{name: grouped[name].mean() for name in form.values},
            form.truth: grouped[form.truth].first(),
            "fold": grouped["fold"].min(),
            "last_fold": grouped["fold"].max(),
        }
    )
    people = people.reset_index()
    if (people["fold"] != people["last_fold"]).any():
        people["fold"] = ALL_FOLDS
    return people.drop(columns="last_fold")


def _measure_people(
    form: Form, predictions: pd.DataFrame, level: str
) -> dict[str, Measurement]:
    """Score people, and with each of them left out."""
    people = mean_over_people(predictions, level)
    n_people = people["subject"].nunique()
    number = np.arange(n_people)
    seeds = [
        _COUNT[form.task](
            number,
            form.read_truth(rows),
            form.read_values(rows),
            rows["fold"].to_numpy(dtype=np.int64),
            stimulus=number,
        )
        for _, rows in people.groupby("seed", sort=True)
    ]
    whole = mean_over_seeds(tally.score() for tally in seeds)
    rest = _leave_clips_out(seeds, n_people)
    if form.is_rating:
        for scores in (whole, rest):
            scores |= {f"{_POOLED}{name}": v for name, v in list(scores.items())}
    no_clips = np.empty((n_people, 0))
    return {
        metric: Measurement(
            n_people * whole[metric] - (n_people - 1) * rest[metric],
            no_clips,
            no_clips.astype(bool),
            pooled=float(whole[metric][0]),
            is_over_people=True,
            chance=form.find_chance(metric, len(np.unique(seeds[0].truth))),
        )
        for metric in form.metrics
    }


def _hold_clips_out(predictions: pd.DataFrame) -> bool:
    """Return whether a protocol of the predictions holds out clips for all subjects."""
    names = set(predictions.get("protocol", ()))
    return any("stimulus" in PROTOCOLS[n].units for n in names & PROTOCOLS.keys())


def _list_seen(subjects: Sequence[Tally]) -> Bool[np.ndarray, "subject clip"]:
    n_clips = 1 + max(int(counts.stimulus.max()) for counts in subjects)
    clips = np.arange(n_clips)
    return np.stack([np.isin(clips, counts.stimulus) for counts in subjects])


def _leave_clips_out(seeds: Sequence[Tally], n_clips: int) -> Scores:
    """Score one subject with each clip left out in turn."""
    clips = np.arange(n_clips)[:, None]
    return mean_over_seeds(
        tally.score((tally.stimulus != clips).astype(float)) for tally in seeds
    )


def score_labels(
    label: Int[np.ndarray, " item"],
    score: Float[np.ndarray, " item"],
    fit: Int[np.ndarray, " item"],
) -> dict[str, float]:
    """Score one subject's predictions.

    Parameters
    ----------
    label : array, shape (item,)
        0 or 1.
    score : array, shape (item,)
        Probability of 1.
    fit : array, shape (item,)
        Which fitted model gave each score.

    Returns
    -------
    dict
        A value for each of ``METRICS``; NaN where it is undefined: with one class
        all but accuracy, and AUROC where no model scored both classes. MCC of a
        constant prediction is 0.

    Examples
    --------
    >>> label, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.6, 0.9])
    >>> scores = score_labels(label, score, fit=np.zeros(4, dtype=int))
    >>> scores["accuracy"], scores["auroc"]
    (0.75, 0.875)
    """
    group = np.unique(label, return_inverse=True)[1]
    counts = count(group, label, score, fit, stimulus=group)
    return {name: float(value[0]) for name, value in counts.score().items()}


def score_together(rows: pd.DataFrame) -> dict[str, float]:
    """Score rows as if one model had predicted them of one subject, however few.

    Returns
    -------
    dict
        A value for each metric of the task; of ratings, the pooled ones are the same
        as the others.
    """
    form = find_form(rows)
    truth, values = form.read_truth(rows), form.read_values(rows)
    group = np.unique(truth, return_inverse=True)[1]  # as if each were one trial
    tally = _COUNT[form.task](
        group, truth, values, np.zeros(len(rows), dtype=np.int64), stimulus=group
    )
    scores = tally.score_any() if isinstance(tally, _Sums) else tally.score()
    found = {name: float(value[0]) for name, value in scores.items()}
    if form.is_rating:
        found |= {f"{_POOLED}{name}": value for name, value in list(found.items())}
    return found


def mean_over_trials(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trial: the mean of what its segments are given.

    That is their score, the probability of each class, or the predicted number; of
    classes ``prediction`` is the one that is then most probable. A rating that moves
    has no mean: its predictions are returned as they are.

    Where segments are shuffled into folds, a trial's mean comes from the models
    of several folds. Then all trials of that subject and seed are means over the
    same set of models, which counts as one fit: ``fold`` is ``ALL_FOLDS``.
    Otherwise ``fold`` stays what it was.
    """
    form = find_form(predictions)
    if form.moves:
        return predictions
    by = [*_RUN, *_TRIAL, form.truth]
    grouped = predictions.groupby(by, sort=False, observed=True)
    fold = grouped["fold"]
    columns = {
        **{name: grouped[name].mean() for name in form.values},
        "fold": fold.min(),
        "last_fold": fold.max(),
    }
    trials = pd.DataFrame(columns).reset_index()
    if form.classes and form.task != HIGH_LOW:
        trials["prediction"] = name_probable(form, trials)
    split = trials["fold"] != trials["last_fold"]
    if split.any():
        whose = [trials[key] for key in (*_RUN, "subject")]
        several = split.groupby(whose, observed=True).transform("any")
        trials["fold"] = trials["fold"].mask(several, ALL_FOLDS)
    return trials.drop(columns="last_fold")


def name_probable(form: Form, predictions: pd.DataFrame) -> NDArray[Any]:
    """Return the name of each row's most probable class, the first of equals."""
    names = np.array(form.classes, dtype=object)
    if not len(predictions):
        return names[:0]
    return np.asarray(names[form.read_values(predictions).argmax(axis=-1)])


def score_subjects(predictions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Score each subject of one protocol, target, stream set and learner.

    Several seeds are scored apart; a subject's score is their mean.

    Parameters
    ----------
    level : str
        ``segment`` or ``trial``.

    Returns
    -------
    DataFrame
        One row a subject: subject, n (segments or trials), n_high where the task is
        ``high-low``, one_class (all labels are equal, so that only accuracy is
        defined; of ratings: too few of them for a score), and the metrics that are
        scored within subjects.
    """
    form = find_form(predictions)
    within = [name for name in form.metrics if not name.startswith(_POOLED)]
    counted = ["n", *(["n_high"] if form.task == HIGH_LOW else []), "one_class"]
    rows = []
    for subject, seeds in count_subjects(predictions, level):
        scores = mean_over_seeds(tally.score() for tally in seeds)
        truth, size = seeds[0].truth, seeds[0].size
        rows.append(
            {
                "subject": subject,
                "n": int(size.sum()),
                "n_high": int(size[truth == 1].sum()),
                "one_class": _has_no_score(seeds[0]),
                **{name: float(scores[name][0]) for name in within},
            }
        )
    return pd.DataFrame(rows, columns=["subject", *counted, *within])


def _has_no_score(tally: Tally) -> bool:
    if isinstance(tally, _Sums):
        return not tally.is_scored
    return len(np.unique(tally.truth)) < 2


def count_confusion(
    predictions: pd.DataFrame, level: str
) -> Int[np.ndarray, "class class"]:
    """Count segments or trials by class (row) and by what they were called (column).

    Several seeds are counted together.
    """
    form = find_form(predictions)
    table = predictions if level == "segment" else mean_over_trials(predictions)
    n_classes = len(form.classes)
    truth, values = form.read_truth(table), form.read_values(table)
    called = (
        (values > THRESHOLD).astype(np.int64)
        if form.task == HIGH_LOW
        else values.argmax(axis=1)
    )
    counts = np.bincount(n_classes * truth + called, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def count_subjects(
    predictions: pd.DataFrame, level: str
) -> Iterator[tuple[str, list[Tally]]]:
    """Yield each subject, by name, with counts for each seed.

    Trials are in the order of their names, for any order of the rows.
    """
    form = find_form(predictions)
    table = predictions if level == "segment" else mean_over_trials(predictions)
    subject, names = pd.factorize(table["subject"].astype(str), sort=True)
    seed = pd.factorize(table["seed"], sort=True)[0]
    order = np.lexsort([seed, subject])
    subject, seed = subject[order], seed[order]
    truth, values = form.read_truth(table), form.read_values(table)
    if form.is_rating and len(table):
        # what all have in common would cost digits
        truth, values = truth - truth.mean(), values - truth.mean()
    columns = {
        "trial": pd.factorize(table["trial"], sort=True)[0],
        "truth": truth,
        "values": values,
        "fit": table["fold"].to_numpy(dtype=np.int64),
        "stimulus": pd.factorize(table["stimulus"].astype(str), sort=True)[0],
    }
    columns = {name: values[order] for name, values in columns.items()}
    starts = np.flatnonzero(np.diff(subject, prepend=-1))
    for start, stop in pairwise([*starts, len(order)]):
        changes = np.flatnonzero(np.diff(seed[start:stop]))
        parts = [start, *(start + 1 + changes), stop]
        yield (
            str(names[subject[start]]),
            [_count_rows(form, columns, slice(*part)) for part in pairwise(parts)],
        )


def _count_rows(form: Form, columns: Mapping[str, NDArray[Any]], rows: slice) -> Tally:
    mine = {name: values[rows] for name, values in columns.items()}
    # trials are numbered within the subject, without gaps
    trial = np.unique(mine["trial"], return_inverse=True)[1]
    return _COUNT[form.task](
        trial, mine["truth"], mine["values"], mine["fit"], stimulus=mine["stimulus"]
    )


_COUNT: Mapping[str, Callable[..., Tally]] = {
    HIGH_LOW: count,
    CLASSES: count_classes,
    QUADRANTS: count_classes,
    RATING: sum_ratings,
    TRACE: sum_traces,
}
