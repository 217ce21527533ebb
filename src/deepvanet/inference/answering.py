"""Ask the fitted learner that reads most of what a segment has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.special import expit

from deepvanet.bundle import Answer, Bundle
from deepvanet.bundle.columns import (
    list_columns,
    list_shown,
    name_columns,
    name_set_columns,
)
from deepvanet.inference.recording import AT_ONCE_S, Chunk, OpenRecording
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.learner import FittedLearner
from deepvanet.learners.probabilities import measure_outputs
from deepvanet.metrics import find_logit_of_mean, take_classes
from deepvanet.schema import (
    HIGH_OR_LOW,
    Goal,
    Stream,
    Target,
    TrialSpan,
    parse_streams,
)
from deepvanet.store import Rows

TIMELINE_COLUMNS = (
    "time_s",
    "valence",
    "arousal",
    "valence_label",
    "arousal_label",
    "face_found",
    "bad_channels",
    "filter_edge",
    "streams",
)
"""Of a bundle of valence and arousal, high or low; others have the columns of their own
targets in place of these four (``list_timeline_columns``)."""
TRIAL_COLUMNS = (
    "trial",
    "stimulus",
    "onset_s",
    "valence",
    "arousal",
    "valence_label",
    "arousal_label",
    "n_seconds",
    "n_answered",
    "streams",
)
"""Columns of a trial's row; ``streams`` are those that answered most of its segments,
and ``n_seconds`` and ``n_answered`` count its rows in the timeline."""


Outputs = Float[np.ndarray, " segment *class"]


def list_timeline_columns(bundle: Bundle) -> tuple[str, ...]:
    """Return the columns of a bundle's timelines."""
    return _put_targets(TIMELINE_COLUMNS, bundle)


def list_trial_columns(bundle: Bundle) -> tuple[str, ...]:
    """Return the columns of a bundle's tables of trials; those of sets last."""
    sets = (name for t in list_with_sets(bundle) for name in _name_sets(bundle, t))
    return *_put_targets(TRIAL_COLUMNS, bundle), *sets


def list_with_sets(bundle: Bundle) -> tuple[str, ...]:
    """Return the targets for which some stream set knows how wide sets must be."""
    found = (answer.target for answer in bundle.answers if answer.sets is not None)
    return tuple(dict.fromkeys(found))


def _name_sets(bundle: Bundle, target: str) -> tuple[str, ...]:
    return name_set_columns(target, bundle.goals[target])


def _put_targets(columns: tuple[str, ...], bundle: Bundle) -> tuple[str, ...]:
    """Return columns with those of a bundle's targets in place of the usual four."""
    usual = list_columns({str(Target.VALENCE): HIGH_OR_LOW})
    start = columns.index(usual[0])
    end = start + len(usual)
    return *columns[:start], *list_columns(bundle.goals), *columns[end:]


@dataclass(frozen=True)
class Answers:
    """What was said of the segments of a chunk.

    Attributes
    ----------
    table : DataFrame
        Columns ``list_timeline_columns``.
    outputs : mapping
        By target the logits of scores as fitted, the probabilities of classes or the
        ratings, which those of a trial are made of; NaN where there is none.
    """

    trial: str
    table: pd.DataFrame
    outputs: Mapping[str, Outputs]


@dataclass(frozen=True)
class Answerer:
    """A bundle with the fitted learners that were asked so far."""

    bundle: Bundle
    _loaded: dict[tuple[str, str], FittedLearner] = field(default_factory=dict)

    def count_segments(
        self, opened: OpenRecording, at_once_s: float | int = AT_ONCE_S, least: int = 16
    ) -> int:
        """Return how many segments are read at once: all, if a trial is an example.

        Parameters
        ----------
        at_once_s : float
            How long they may be together.
        least : int
            So many, however long one is: signals are read with seconds around them.
        """
        if self.bundle.context == "trial":
            return opened.n_segments
        return max(least, int(at_once_s / self.bundle.grid.length_s))

    def load(self, target: str, streams: str) -> FittedLearner:
        """Load the fitted learner that answers from a stream set, once."""
        key = target, self.bundle.find(target, streams).network
        if key not in self._loaded:
            self._loaded[key] = self.bundle.load(target, streams)
        return self._loaded[key]

    def choose(self, chunk: Chunk) -> list[str]:
        """Return the stream set that answers each segment, or nothing."""
        return [self.bundle.pick(chunk.streams_of(k)) or "" for k in range(len(chunk))]

    def answer(self, chunk: Chunk) -> Answers:
        """Return the chunk's rows of a timeline, and the scores behind them."""
        chosen = self.choose(chunk)
        outputs = {t: self._find_outputs(t, chunk, chosen) for t in self.bundle.goals}
        columns: dict[str, Any] = {"time_s": chunk.time_s}
        nothing = np.full(len(chunk), np.nan)
        for target, goal in list_shown(self.bundle.goals).items():
            found = outputs.get(target, nothing)
            shown = found
            if goal.is_binary and target in outputs:
                shown = self._calibrate(target, found, chosen)
            columns |= tabulate_outputs(target, goal, found, shown)
        table = pd.DataFrame(columns)
        face = chunk.has.get(Stream.FACE, np.zeros(len(chunk), bool))
        table = table.assign(
            face_found=face.astype(int),
            bad_channels=list(chunk.bad_channels),
            filter_edge=chunk.is_edge.astype(int),
            streams=chosen,
        )
        names = list(list_timeline_columns(self.bundle))
        return Answers(chunk.trial, table[names], outputs)

    def _find_outputs(self, target: str, chunk: Chunk, chosen: list[str]) -> Outputs:
        goal = self.bundle.goals[target]
        more = (goal.n_outputs,) if goal.kind == "classes" else ()
        outputs = np.full((len(chunk), *more), np.nan)
        for name, rows in group_segments(chosen).items():
            segments = take(chunk, name, rows, self.bundle)
            outputs[rows] = measure_outputs(self.load(target, name), segments, goal)
        return outputs

    def _calibrate(
        self,
        target: str,
        logits: Float[np.ndarray, " segment"],
        chosen: list[str],
    ) -> Float[np.ndarray, " segment"]:
        probability = np.full(len(logits), np.nan)
        for name, rows in group_segments(chosen).items():
            made = self.bundle.find(target, name).calibrations.segment
            probability[rows] = made.find_probability(logits[rows])
        return probability


def tabulate_outputs(
    target: str, goal: Goal, outputs: Outputs, shown: Outputs
) -> dict[str, Any]:
    """Return the columns of one target.

    Parameters
    ----------
    target : str
        What was rated.
    goal : Goal
        What is predicted of it.
    outputs : array, shape (item,) or (item, class)
        As fitted.
    shown : array, shape (item,) or (item, class)
        The same, calibrated where that is done.

    Returns
    -------
    dict
        Columns by name, as ``name_columns`` lists them.
    """
    if goal.kind == "rating":
        return {target: shown}
    if goal.kind == "high-low":
        return {target: shown, f"{target}_label": label_scores(outputs)}
    named = dict(zip(name_columns(target, goal)[1:], shown.T, strict=True))
    return {f"{target}_label": name_classes(outputs, goal), **named}


def name_classes(outputs: Outputs, goal: Goal) -> "pd.Series[Any]":
    """Return the likeliest class of each item, nothing where there is none."""
    is_known = ~np.isnan(outputs[:, 0])
    names = np.array(goal.classes, dtype=object)
    label = np.full(len(outputs), None, dtype=object)
    label[is_known] = names[outputs[is_known].argmax(axis=1)]
    return pd.Series(label, dtype=object)


def label_scores(logits: Float[np.ndarray, " item"]) -> pd.Series:
    """Return 1 where a score as fitted is above 0.5, empty where there is none.

    A calibration keeps the order, so this is a probability above its threshold.
    """
    label = pd.Series(logits > 0, dtype="Int64")
    return label.mask(np.isnan(logits))


def tabulate_trials(
    answers: Sequence[Answers], spans: Sequence[TrialSpan], bundle: Bundle
) -> pd.DataFrame:
    """Return a row a trial, with columns ``list_trial_columns``.

    Its score is the mean of its segments' scores as fitted, the probability of which is
    that of the stream set that answered most of them. Its rating, and the probabilities
    of its classes, are the means of theirs.
    """
    rows = []
    for span in spans:
        mine = [answer for answer in answers if answer.trial == span.trial]
        table = pd.concat([answer.table for answer in mine], ignore_index=True)
        counts = table["streams"][table["streams"] != ""].value_counts(sort=False)
        streams = "" if counts.empty else str(counts.idxmax())
        row: dict[str, Any] = {
            "trial": span.trial,
            "stimulus": span.stimulus,
            "onset_s": table["time_s"].iloc[0],
            "n_seconds": len(table),
            "n_answered": int(counts.sum()),
            "streams": streams,
        }
        for target, goal in bundle.goals.items():
            found = np.concatenate([answer.outputs[target] for answer in mine])
            mean = shown = _average(found, goal)
            if goal.is_binary and not np.isnan(mean[0]):
                made = bundle.find(target, streams).calibrations.trial
                shown = made.find_probability(mean)
            made_of = tabulate_outputs(target, goal, mean, shown)
            row |= {name: np.asarray(v, object)[0] for name, v in made_of.items()}
            if streams:
                row |= _tabulate_set(bundle.find(target, streams), mean)
        rows.append(row)
    columns = list_trial_columns(bundle)
    table = pd.DataFrame(rows, columns=list(columns))
    kinds = dict.fromkeys(list_columns(bundle.goals), "float64")
    for target, goal in list_shown(bundle.goals).items():
        if goal.kind != "rating":
            kinds[f"{target}_label"] = "Int64" if goal.is_binary else "object"
    return table.astype(kinds)


def _tabulate_set(answer: Answer, mean: Outputs) -> dict[str, Any]:
    """Return the labels, or the interval, that hold the truth of a trial."""
    if answer.sets is None or np.isnan(mean).any():
        return {}
    names, bound = name_set_columns(answer.target, answer.goal), answer.sets.bound
    if answer.goal.kind == "rating":
        return dict(zip(names, (mean[0] - bound, mean[0] + bound), strict=True))
    probability = mean
    if answer.goal.is_binary:
        score = expit(mean)
        probability = np.stack([1 - score, score], axis=1)
    held = take_classes(probability, bound)[0]
    return {names[0]: "+".join(np.array(answer.goal.classes)[held])}


def _average(outputs: Outputs, goal: Goal) -> Float[np.ndarray, "1 *class"]:
    """Return one item: the mean of those that are known, of logits that of scores."""
    known = outputs[~np.isnan(outputs.reshape(len(outputs), -1)).any(axis=1)]
    if not len(known):
        return np.full((1, *outputs.shape[1:]), np.nan)
    if goal.is_binary:
        return find_logit_of_mean(np.array([expit(known).mean()]))
    return np.asarray(known.mean(axis=0, keepdims=True))


def group_segments(chosen: list[str]) -> dict[str, Int[np.ndarray, " _"]]:
    """Return the segments that each stream set answers."""
    names = np.array(chosen)
    return {
        name: np.flatnonzero(names == name) for name in dict.fromkeys(chosen) if name
    }


def take(
    chunk: Chunk, streams: str, rows: Int[np.ndarray, " _"], bundle: Bundle
) -> Rows:
    """Return what a fitted learner reads of some segments of a chunk.

    Parameters
    ----------
    chunk : Chunk
        Segments that were read.
    streams : str
        Name of a stream set.
    rows : array, shape (row,)
        Which segments, counted from the chunk's first.
    bundle : Bundle
        Knows the channels and the sampling rate of its streams.

    Returns
    -------
    Rows
        These segments in memory, in the order of ``rows``.
    """
    return hold_seconds(
        {stream: chunk.arrays[stream][rows] for stream in parse_streams(streams)},
        channels=bundle.channels,
        sfreq=bundle.recipe.sfreq,
        start_s=chunk.time_s[rows],
        rest=chunk.rest,
    )
