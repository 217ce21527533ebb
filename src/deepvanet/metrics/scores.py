"""Score predictions: a subject's, all subjects', by segments or by trials.

A target whose label is one a person (a diagnosis, a group) has no score within a
person. It is scored over people: each is one unit, with the mean score of its trials.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from deepvanet.config import Level
from deepvanet.metrics.counts import (
    METRICS,
    THRESHOLD,
    Counts,
    Scores,
    count,
    mean_over_seeds,
    score_counts,
)
from deepvanet.metrics.jackknife import Spread, find_spread
from deepvanet.protocols import PROTOCOLS
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import KEY_COLUMNS

LEVELS: tuple[str, ...] = get_args(Level)
ALL_FOLDS = -1
"""The fold of a trial whose segments were scored by the models of several folds."""

_RUN = [*KEY_COLUMNS, "seed"]
_TRIAL = ["subject", "trial", "stimulus", "label"]


@dataclass(frozen=True)
class Measurement:
    """One metric of all subjects, and what it is with each clip left out.

    Attributes
    ----------
    values : array, shape (subject,)
        NaN where undefined. Of labels that belong to people: the jackknife's
        pseudo-values, whose variance is that of the score over people.
    without : array, shape (subject, clip)
        With each clip left out; no columns where subjects share no clip.
    seen : array, shape (subject, clip)
        Whether the subject saw it.
    pooled : float | None
        The score over people; None where each subject has a score.
    clips_held_out : bool
        Whether the protocol holds out clips for all subjects.
    """

    values: Float[np.ndarray, " subject"]
    without: Float[np.ndarray, "subject clip"]
    seen: Bool[np.ndarray, "subject clip"]
    pooled: float | None = None
    clips_held_out: bool = False

    @property
    def known(self) -> Float[np.ndarray, " known"]:
        """The scores of those for whom the metric is defined."""
        return np.asarray(self.values[~np.isnan(self.values)])

    @property
    def mean(self) -> float:
        """The score: the mean over subjects, or that over people."""
        if self.pooled is not None:
            return self.pooled
        return float(self.known.mean()) if len(self.known) else float("nan")

    @property
    def sd(self) -> float:
        """The deviation over subjects; NaN for a score over people."""
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
        )


def measure(predictions: pd.DataFrame, level: str) -> dict[str, Measurement]:
    """Measure each of ``METRICS`` for one protocol, target, stream set and learner.

    Several seeds are scored apart; a subject's score is their mean.
    """
    if belong_to_people(predictions):
        return _measure_people(predictions, level)
    subjects = [seeds for _, seeds in count_subjects(predictions, level)]
    if not subjects:
        nothing = np.empty(0), np.empty((0, 0)), np.empty((0, 0), dtype=bool)
        return {metric: Measurement(*nothing) for metric in METRICS}
    seen = _list_seen([seeds[0] for seeds in subjects])
    if not np.any(seen.sum(axis=0) > 1):
        seen = seen[:, :0]
    whole = [mean_over_seeds(map(score_counts, seeds)) for seeds in subjects]
    rest = [_leave_clips_out(seeds, seen.shape[1]) for seeds in subjects]
    held_out = _hold_clips_out(predictions)
    return {
        metric: Measurement(
            np.array([scores[metric][0] for scores in whole]),
            np.stack([scores[metric] for scores in rest]),
            seen,
            clips_held_out=held_out,
        )
        for metric in METRICS
    }


def find_means(predictions: pd.DataFrame, level: str) -> dict[str, float]:
    """Return each of ``METRICS`` as ``measure`` does, without its spread."""
    if belong_to_people(predictions):
        return {m: found.mean for m, found in measure(predictions, level).items()}
    scores = score_subjects(predictions, level)
    return {metric: float(scores[metric].mean()) for metric in METRICS}


def mean_over_people(predictions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return one row a person: the mean score of its trials, or of its segments.

    As for trials, ``fold`` is ``ALL_FOLDS`` where a person was scored by several
    models.
    """
    table = predictions if level == "segment" else mean_over_trials(predictions)
    people = table.groupby(["seed", "subject"], sort=True, observed=True).agg(
        score=("score", "mean"),
        label=("label", "first"),
        fold=("fold", "min"),
        last_fold=("fold", "max"),
    )
    people = people.reset_index()
    if (people["fold"] != people["last_fold"]).any():
        people["fold"] = ALL_FOLDS
    return people.drop(columns="last_fold")


def _measure_people(predictions: pd.DataFrame, level: str) -> dict[str, Measurement]:
    """Score people, and with each of them left out."""
    people = mean_over_people(predictions, level)
    n_people = people["subject"].nunique()
    number = np.arange(n_people)
    seeds = [
        count(
            number,
            rows["label"].to_numpy(dtype=np.int64),
            rows["score"].to_numpy(dtype=float),
            rows["fold"].to_numpy(dtype=np.int64),
            stimulus=number,
        )
        for _, rows in people.groupby("seed", sort=True)
    ]
    whole = mean_over_seeds(map(score_counts, seeds))
    rest = _leave_clips_out(seeds, n_people)
    no_clips = np.empty((n_people, 0))
    return {
        metric: Measurement(
            n_people * whole[metric] - (n_people - 1) * rest[metric],
            no_clips,
            no_clips.astype(bool),
            pooled=float(whole[metric][0]),
        )
        for metric in METRICS
    }


def _hold_clips_out(predictions: pd.DataFrame) -> bool:
    """Return whether a protocol of the predictions holds out clips for all subjects."""
    names = set(predictions.get("protocol", ()))
    return any("stimulus" in PROTOCOLS[n].units for n in names & PROTOCOLS.keys())


def _list_seen(subjects: Sequence[Counts]) -> Bool[np.ndarray, "subject clip"]:
    n_clips = 1 + max(int(counts.stimulus.max()) for counts in subjects)
    clips = np.arange(n_clips)
    return np.stack([np.isin(clips, counts.stimulus) for counts in subjects])


def _leave_clips_out(seeds: Sequence[Counts], n_clips: int) -> Scores:
    """Score one subject with each clip left out in turn."""
    clips = np.arange(n_clips)[:, None]
    return mean_over_seeds(
        score_counts(counts, (counts.stimulus != clips).astype(float))
        for counts in seeds
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
    return {name: float(value[0]) for name, value in score_counts(counts).items()}


def mean_over_trials(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trial: the mean score of its segments.

    Where segments are shuffled into folds, a trial's mean comes from the models
    of several folds. Then all trials of that subject and seed are means over the
    same set of models, which counts as one fit: ``fold`` is ``ALL_FOLDS``.
    Otherwise ``fold`` stays what it was.
    """
    grouped = predictions.groupby([*_RUN, *_TRIAL], sort=False, observed=True)
    score, fold = grouped["score"], grouped["fold"]
    columns = {"score": score.mean(), "fold": fold.min(), "last_fold": fold.max()}
    trials = pd.DataFrame(columns).reset_index()
    split = trials["fold"] != trials["last_fold"]
    if split.any():
        whose = [trials[key] for key in (*_RUN, "subject")]
        several = split.groupby(whose, observed=True).transform("any")
        trials["fold"] = trials["fold"].mask(several, ALL_FOLDS)
    return trials.drop(columns="last_fold")


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
        One row a subject: subject, n (segments or trials), n_high, one_class
        (all labels are equal, so that only accuracy is defined), and ``METRICS``.
    """
    rows = []
    for subject, seeds in count_subjects(predictions, level):
        scores = mean_over_seeds(map(score_counts, seeds))
        label, size = seeds[0].label, seeds[0].size
        rows.append(
            {
                "subject": subject,
                "n": int(size.sum()),
                "n_high": int(size[label == 1].sum()),
                "one_class": len(np.unique(label)) < 2,
                **{name: float(scores[name][0]) for name in METRICS},
            }
        )
    columns = ["subject", "n", "n_high", "one_class", *METRICS]
    return pd.DataFrame(rows, columns=columns)


def count_confusion(predictions: pd.DataFrame, level: str) -> Int[np.ndarray, "2 2"]:
    """Count segments or trials by label (row) and by what they were called (column).

    Several seeds are counted together.
    """
    table = predictions if level == "segment" else mean_over_trials(predictions)
    label = table["label"].to_numpy(dtype=np.int64)
    called = (table["score"].to_numpy(dtype=float) > THRESHOLD).astype(np.int64)
    return np.bincount(2 * label + called, minlength=4).reshape(2, 2)


def count_subjects(
    predictions: pd.DataFrame, level: str
) -> Iterator[tuple[str, list[Counts]]]:
    """Yield each subject, by name, with counts for each seed.

    Trials are in the order of their names, for any order of the rows.
    """
    table = predictions if level == "segment" else mean_over_trials(predictions)
    subject, names = pd.factorize(table["subject"].astype(str), sort=True)
    seed = pd.factorize(table["seed"], sort=True)[0]
    order = np.lexsort([seed, subject])
    subject, seed = subject[order], seed[order]
    columns = {
        "trial": pd.factorize(table["trial"], sort=True)[0],
        "stimulus": pd.factorize(table["stimulus"].astype(str), sort=True)[0],
        "label": table["label"].to_numpy(dtype=np.int64),
        "score": table["score"].to_numpy(dtype=float),
        "fit": table["fold"].to_numpy(dtype=np.int64),
    }
    columns = {name: values[order] for name, values in columns.items()}
    starts = np.flatnonzero(np.diff(subject, prepend=-1))
    for start, stop in pairwise([*starts, len(order)]):
        changes = np.flatnonzero(np.diff(seed[start:stop]))
        parts = [start, *(start + 1 + changes), stop]
        yield (
            str(names[subject[start]]),
            [_count_rows(columns, slice(*part)) for part in pairwise(parts)],
        )


def _count_rows(columns: Mapping[str, NDArray[Any]], rows: slice) -> Counts:
    mine = {name: values[rows] for name, values in columns.items()}
    # trials are numbered within the subject, without gaps
    mine["trial"] = np.unique(mine["trial"], return_inverse=True)[1]
    return count(**mine)
