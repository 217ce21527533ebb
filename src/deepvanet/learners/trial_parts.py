"""Parts of what is known of a whole trial: features by name, measured without fitting.

A part reads one stream of a trial and depends on the rows of the trial that are handed
in, and the baseline before it, alone. Nothing is fitted, so a trial is measured once a
process, however many folds ask. What cannot be measured is NaN.

``from rest``: relative to the seconds before the stimulus, where the store keeps them
and one is subtracted. ``from onset``: relative to the trial's first segment. Both take
away much of who is recorded, without looking at another trial.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from deepvanet.learners.features import (
    BANDS,
    HELD_TRIALS,
    measure_bands,
    measure_log,
)
from deepvanet.learners.trial_features import list_trials, measure_trials
from deepvanet.learners.trial_signals import join_trial
from deepvanet.schema import Stream
from deepvanet.store import Rows, Segments, SegmentStore

SHRINKAGE = 0.05
"""Share of the mean variance in a covariance: average reference makes it singular."""

LEAST_KNOWN = 0.5
"""Share of a trial's samples without which a channel has no covariance."""

SIDE = 16
"""Fields of a picture along each side, where it has as many pixels."""

Found = dict[str, Float64[np.ndarray, " trial"]]
FoundOne = dict[str, float]
Signals = Float64[np.ndarray, "channel time"]
Levels = Float64[np.ndarray, " channel"]
Pictures = Float64[np.ndarray, "row frame field"]


@dataclass(frozen=True)
class Part:
    """Some features of a trial.

    Attributes
    ----------
    stream : Stream
        That it reads.
    measure : callable
        From rows with that stream to each feature of each trial, by name.
    """

    stream: Stream
    measure: Callable[[Rows], Found]


def measure_part(name: str, rows: Rows) -> Found:
    """Return what a part of ``PARTS`` says of each trial, in the order of the trials.

    Parameters
    ----------
    name : str
        Of the part.
    rows : Rows
        That have its stream, among others.
    """
    part = PARTS[name]
    found = part.measure(replace(rows, streams=(part.stream,)))
    return {f"{name}: {feature}": values for feature, values in found.items()}


MeasureOne = Callable[[Segments, bytes], FoundOne]


def _each_trial(measure: MeasureOne) -> Callable[[Rows], Found]:
    """Make what measures rows of what measures the segments of one trial."""
    recall = lru_cache(maxsize=HELD_TRIALS)(measure)

    def measure_all(rows: Rows) -> Found:
        one = recall if isinstance(rows.store, SegmentStore) else measure
        trials = [
            one(rows.store, rows.numbers[index].tobytes())
            for index in list_trials(rows)
        ]
        return {name: np.array([some[name] for some in trials]) for name in trials[0]}

    return measure_all


def _measure_bands_from_rest(rows: Rows) -> Found:
    """Return the level of each band less that of the baseline."""
    levels, rest = measure_trials(rows), _measure_rest_bands(rows)
    return {name: levels[f"{name} level"] - values for name, values in rest.items()}


@_each_trial
def _measure_rest_bands(store: Segments, numbers: bytes) -> FoundOne:
    """Return the mean log power of the baseline, in pieces as long as a segment."""
    row = int(np.frombuffer(numbers, np.int64)[0])
    channels = store.channels([Stream.EEG])
    entropy = np.full((len(channels), len(BANDS)), np.nan)
    rest = store.read_rest(Stream.EEG, row)
    if rest is not None:
        length = int(store.count_samples(Stream.EEG, np.array([row]))[0])
        pieces = _cut_pieces(rest.astype(np.float64), length)
        moving = (np.ptp(rest, axis=1) > 0) & np.isfinite(rest).all(axis=1)
        if moving.any():
            found = measure_bands(pieces[:, moving], store.sfreq)
            entropy[moving] = found.mean(axis=0)
    return {
        f"{channel.name} {band}": float(value)
        for channel, values in zip(channels, entropy, strict=True)
        for band, value in zip(BANDS, values, strict=True)
    }


def _cut_pieces(
    signals: Signals, length: int
) -> Float64[np.ndarray, "piece channel sample"]:
    """Cut the end of signals into pieces, or into one where they are shorter."""
    length = min(length, signals.shape[1])
    n_pieces = signals.shape[1] // length
    kept = signals[:, signals.shape[1] - n_pieces * length :]
    return kept.reshape(len(signals), n_pieces, length).swapaxes(0, 1)


def _measure_sensors_from_rest(rows: Rows) -> Found:
    """Return by how much each sensor varies more than in the baseline, as a log."""
    found, rest = measure_trials(rows), _measure_rest_spread(rows)
    return {
        name: found[f"{name} signal spread"] - values for name, values in rest.items()
    }


@_each_trial
def _measure_rest_spread(store: Segments, numbers: bytes) -> FoundOne:
    row = int(np.frombuffer(numbers, np.int64)[0])
    channels = store.channels([Stream.PERIPHERAL])
    spread = np.full(len(channels), np.nan)
    rest = store.read_rest(Stream.PERIPHERAL, row)
    if rest is not None:
        moving = (np.ptp(rest, axis=1) > 0) & np.isfinite(rest).all(axis=1)
        spread[moving] = measure_log(rest[moving].astype(np.float64).std(axis=1))
    return {c.name: float(v) for c, v in zip(channels, spread, strict=True)}


@_each_trial
def _measure_covariance(store: Segments, numbers: bytes) -> FoundOne:
    """Return the matrix logarithm of the covariance, its upper triangle."""
    index = np.frombuffer(numbers, np.int64)
    joined = join_trial(store, index, Stream.EEG)
    return _name_pairs(store, _find_log_covariance(joined.signals))


@_each_trial
def _measure_covariance_from_rest(store: Segments, numbers: bytes) -> FoundOne:
    """Return the same less that of the baseline."""
    index = np.frombuffer(numbers, np.int64)
    rest = store.read_rest(Stream.EEG, int(index[0]))
    n_channels = len(store.channels([Stream.EEG]))
    if rest is None:
        return _name_pairs(store, np.full((n_channels, n_channels), np.nan))
    signals = join_trial(store, index, Stream.EEG).signals
    before = _find_log_covariance(rest.astype(np.float64))
    return _name_pairs(store, _find_log_covariance(signals) - before)


def _find_log_covariance(signals: Signals) -> Float64[np.ndarray, "channel channel"]:
    """Return the log of a shrunk covariance; NaN for channels that are not known."""
    finite = np.isfinite(signals)
    known = finite.mean(axis=1) >= LEAST_KNOWN
    found = np.full((len(signals), len(signals)), np.nan)
    there = finite[known].all(axis=0)
    if not known.any() or there.sum() < 2:
        return found
    part = signals[known][:, there]
    part = part - part.mean(axis=1, keepdims=True)
    covariance = part @ part.T / part.shape[1]
    level = np.trace(covariance) / len(part)
    if level <= 0:
        return found
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(len(part))
    values, vectors = np.linalg.eigh(covariance)
    found[np.ix_(known, known)] = (vectors * np.log(values)) @ vectors.T
    return found


def _name_pairs(
    store: Segments, matrix: Float64[np.ndarray, "channel channel"]
) -> FoundOne:
    names = [channel.name for channel in store.channels([Stream.EEG])]
    return {
        f"{names[first]} {names[second]}": float(matrix[first, second])
        for first in range(len(names))
        for second in range(first, len(names))
    }


@_each_trial
def _measure_picture(store: Segments, numbers: bytes) -> FoundOne:
    """Return the brightness of each field of the face, and how much it moves."""
    fields = _read_fields(store, numbers)
    frames = fields.reshape(-1, fields.shape[2])
    known = frames[np.isfinite(frames).all(axis=1)]
    level = spread = np.full(frames.shape[1], np.nan)
    if len(known):
        level, spread = known.mean(axis=0), measure_log(known.std(axis=0))
    return _number("level", level) | _number("spread", spread)


@_each_trial
def _measure_picture_from_onset(store: Segments, numbers: bytes) -> FoundOne:
    return _number("level", _change_from_onset(_read_fields(store, numbers)))


def _read_fields(store: Segments, numbers: bytes) -> Pictures:
    """Return the brightness of fields in time order; NaN of a frame that is black."""
    index = _sort_by_start(store, numbers)
    gray = store.read(Stream.FACE, index).mean(axis=-1, dtype=np.float64)
    fields = [
        field.mean(axis=(-2, -1))
        for band in np.array_split(gray, min(SIDE, gray.shape[2]), axis=2)
        for field in np.array_split(band, min(SIDE, gray.shape[3]), axis=3)
    ]
    found = np.stack(fields, axis=2)
    found[~gray.any(axis=(2, 3))] = np.nan
    return found


@_each_trial
def _measure_levels(store: Segments, numbers: bytes) -> FoundOne:
    """Return mean and spread over the trial of each number made of the face."""
    values = _read_levels(store, numbers)
    found: FoundOne = {}
    for place, channel in enumerate(store.channels([Stream.FACE_FEATURES])):
        known = values[..., place][np.isfinite(values[..., place])]
        is_there = len(known) > 0
        found[f"{channel.name} level"] = float(known.mean()) if is_there else np.nan
        found[f"{channel.name} spread"] = (
            float(measure_log(np.array([known.std()]))[0]) if is_there else np.nan
        )
    return found


@_each_trial
def _measure_levels_from_onset(store: Segments, numbers: bytes) -> FoundOne:
    return _number("level", _change_from_onset(_read_levels(store, numbers)))


def _read_levels(store: Segments, numbers: bytes) -> Pictures:
    index = _sort_by_start(store, numbers)
    read = store.read(Stream.FACE_FEATURES, index).astype(np.float64)
    found: Pictures = read.swapaxes(1, 2)
    return found


def _change_from_onset(values: Pictures) -> Levels:
    """Return the mean of all segments but the first less that of the first.

    Of a trial that is one segment, its first frame is the first.
    """
    rows: Pictures = values if len(values) > 1 else values.swapaxes(0, 1)
    if len(rows) < 2:
        return np.full(values.shape[2], np.nan)
    change: Levels = _find_means(rows[1:]) - _find_means(rows[:1])
    return change


def _find_means(values: Pictures) -> Levels:
    known = np.isfinite(values)
    n_known = known.sum(axis=(0, 1))
    total = np.where(known, values, 0).sum(axis=(0, 1))
    return np.asarray(np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan))


def _sort_by_start(store: Segments, numbers: bytes) -> NDArray[np.int64]:
    index = np.frombuffer(numbers, np.int64)
    start_s = store.table["start_s"].to_numpy()[index]
    return index[np.argsort(start_s, kind="stable")]


def _number(what: str, values: Levels) -> FoundOne:
    return {f"{what} {place}": float(value) for place, value in enumerate(values)}


PARTS: Mapping[str, Part] = {
    "bands": Part(Stream.EEG, measure_trials),
    "bands-from-rest": Part(Stream.EEG, _measure_bands_from_rest),
    "covariance": Part(Stream.EEG, _measure_covariance),
    "covariance-from-rest": Part(Stream.EEG, _measure_covariance_from_rest),
    "sensors": Part(Stream.PERIPHERAL, measure_trials),
    "sensors-from-rest": Part(Stream.PERIPHERAL, _measure_sensors_from_rest),
    "gaze": Part(Stream.GAZE, measure_trials),
    "picture": Part(Stream.FACE, _measure_picture),
    "picture-from-onset": Part(Stream.FACE, _measure_picture_from_onset),
    "face-levels": Part(Stream.FACE_FEATURES, _measure_levels),
    "face-levels-from-onset": Part(Stream.FACE_FEATURES, _measure_levels_from_onset),
}
"""Parts by name: ``bands`` and ``sensors`` are those of ``trial-logistic``."""
