"""Ask the fitted learner that reads most of what a segment has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.special import expit

from deepvanet.bundle import Bundle
from deepvanet.inference.recording import AT_ONCE_S, Chunk, OpenRecording
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.learner import FittedLearner
from deepvanet.learners.probabilities import measure_logits
from deepvanet.metrics import find_logit_of_mean
from deepvanet.schema import Stream, Target, TrialSpan, parse_streams
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


@dataclass(frozen=True)
class Answers:
    """What was said of the segments of a chunk.

    Attributes
    ----------
    table : DataFrame
        Columns ``TIMELINE_COLUMNS``.
    logits : mapping
        Of scores as fitted, which a trial's score is made of; NaN where there is none.
    """

    trial: str
    table: pd.DataFrame
    logits: Mapping[Target, Float[np.ndarray, " segment"]]


@dataclass(frozen=True)
class Answerer:
    """A bundle with the fitted learners that were asked so far."""

    bundle: Bundle
    _loaded: dict[tuple[Target, str], FittedLearner] = field(default_factory=dict)

    def count_segments(
        self, opened: OpenRecording, at_once_s: float = AT_ONCE_S, least: int = 16
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

    def load(self, target: Target, streams: str) -> FittedLearner:
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
        table = pd.DataFrame({"time_s": chunk.time_s})
        logits = {}
        for target in Target:
            logits[target] = self._find_logits(target, chunk, chosen)
            table[target] = self._calibrate(target, logits[target], chosen)
            table[f"{target}_label"] = label_scores(logits[target])
        face = chunk.has.get(Stream.FACE, np.zeros(len(chunk), bool))
        table = table.assign(
            face_found=face.astype(int),
            bad_channels=list(chunk.bad_channels),
            filter_edge=chunk.is_edge.astype(int),
            streams=chosen,
        )
        return Answers(chunk.trial, table[list(TIMELINE_COLUMNS)], logits)

    def _find_logits(
        self, target: Target, chunk: Chunk, chosen: list[str]
    ) -> Float[np.ndarray, " segment"]:
        logits = np.full(len(chunk), np.nan)
        if target in self.bundle.targets:
            for name, rows in group_segments(chosen).items():
                segments = take(chunk, name, rows, self.bundle)
                logits[rows] = measure_logits(self.load(target, name), segments)
        return logits

    def _calibrate(
        self,
        target: Target,
        logits: Float[np.ndarray, " segment"],
        chosen: list[str],
    ) -> Float[np.ndarray, " segment"]:
        probability = np.full(len(logits), np.nan)
        if target in self.bundle.targets:
            for name, rows in group_segments(chosen).items():
                made = self.bundle.find(target, name).calibrations.segment
                probability[rows] = made.find_probability(logits[rows])
        return probability


def label_scores(logits: Float[np.ndarray, " item"]) -> pd.Series:
    """Return 1 where a score as fitted is above 0.5, empty where there is none.

    A calibration keeps the order, so this is a probability above its threshold.
    """
    label = pd.Series(logits > 0, dtype="Int64")
    return label.mask(np.isnan(logits))


def tabulate_trials(
    answers: Sequence[Answers], spans: Sequence[TrialSpan], bundle: Bundle
) -> pd.DataFrame:
    """Return a row a trial, with columns ``TRIAL_COLUMNS``.

    Its score is the mean of its segments' scores as fitted, the probability of which is
    that of the stream set that answered most of them.
    """
    rows = []
    for span in spans:
        mine = [answer for answer in answers if answer.trial == span.trial]
        table = pd.concat([answer.table for answer in mine], ignore_index=True)
        counts = table["streams"][table["streams"] != ""].value_counts(sort=False)
        streams = "" if counts.empty else str(counts.idxmax())
        row = {
            "trial": span.trial,
            "stimulus": span.stimulus,
            "onset_s": table["time_s"].iloc[0],
            "n_seconds": len(table),
            "n_answered": int(counts.sum()),
            "streams": streams,
        }
        for target in Target:
            logits = np.concatenate([answer.logits[target] for answer in mine])
            logit = _average(logits[~np.isnan(logits)])
            row[target] = np.nan
            if not np.isnan(logit):
                made = bundle.find(target, streams).calibrations.trial
                row[target] = float(made.find_probability(np.array([logit]))[0])
            row[f"{target}_label"] = label_scores(np.array([logit])).iloc[0]
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(TRIAL_COLUMNS))
    return table.astype({f"{target}_label": "Int64" for target in Target})


def _average(logits: Float[np.ndarray, " segment"]) -> float:
    """Return the logit of the mean score, or NaN where there is none."""
    if not len(logits):
        return float("nan")
    return float(find_logit_of_mean(np.array([expit(logits).mean()]))[0])


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
