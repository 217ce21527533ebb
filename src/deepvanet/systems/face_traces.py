"""What a face says in each image, found elsewhere, summed up over a trial.

Two kinds: the probabilities of seven emotions that fer's network gives to each image;
and a table of action units or the like, which the store holds as ``face-features``. Of
each number: mean, deviation and 95th percentile over the trial, and how often in a
hundred images it rises to a level. A trial is what of it is handed in. What is not
known (a black image, a number that is not finite) is left out.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float64, Int

from deepvanet.learners.features import HELD_TRIALS
from deepvanet.learners.repeatable import use_threads
from deepvanet.learners.training import SCORED_AT_ONCE
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_signals import list_runs
from deepvanet.models.fer_weights import FerWeights
from deepvanet.models.mini_xception import EMOTIONS, SIDE, scale_grey
from deepvanet.schema import Stream
from deepvanet.store import Rows, Segments, SegmentStore
from deepvanet.systems.face_images import Images, is_black, read_clips, to_grey

SUMMARIES = ("mean", "deviation", "95th percentile", "onsets")
LEAST_PROBABILITY = 0.5
"""Of an emotion that is there."""

LEAST_INTENSITY = 1.0
"""Of an action unit that is there, of 0 to 5 as OpenFace has them: a trace of it."""

_PER = 100

Traces = Float64[np.ndarray, "step number"]
Summaries = Float64[np.ndarray, "trial feature"]


def measure_emotions(rows: Rows, fer: FerWeights) -> tuple[list[str], Summaries]:
    """Return what fer's network says of each trial, and the features' names.

    Parameters
    ----------
    rows : Rows
        Of any number of trials, with faces.
    fer : FerWeights
        Of the network.

    Returns
    -------
    list, array of shape (trial, feature)
        Trials in the order of ``rows.trial``.
    """
    find = _recall_emotions if isinstance(rows.store, SegmentStore) else _find_emotions
    found = [
        sum_up(find(rows.store, numbers.tobytes(), fer), LEAST_PROBABILITY)
        for numbers in _list_numbers(rows)
    ]
    return name_features(EMOTIONS), np.stack(found)


def measure_table(rows: Rows) -> tuple[list[str], Summaries]:
    """Return what the face features of a store say of each trial, and their names.

    Parameters
    ----------
    rows : Rows
        Of any number of trials, with ``face-features``.

    Returns
    -------
    list, array of shape (trial, feature)
        Trials in the order of ``rows.trial``.
    """
    stream, found = Stream.FACE_FEATURES, []
    for numbers in _list_numbers(rows):
        parts = [rows.store.read(stream, numbers[[k]])[0] for k in range(len(numbers))]
        traces = np.concatenate(parts, axis=1).T.astype(np.float64)
        found.append(sum_up(traces, LEAST_INTENSITY))
    names = [channel.name for channel in rows.store.channels([stream])]
    return name_features(names), np.stack(found)


def name_features(names: tuple[str, ...] | list[str]) -> list[str]:
    """Return the names of the features of numbers of some names."""
    return [f"{name} {summary}" for name in names for summary in SUMMARIES]


def sum_up(traces: Traces, level: float) -> Float64[np.ndarray, " feature"]:
    """Return the four numbers of each trace, one trace after the other.

    Parameters
    ----------
    traces : array, shape (step, number)
        Of a trial, in the order of time; what is not finite is not known.
    level : float
        From which on a number is there.

    Examples
    --------
    >>> sum_up(np.array([[0.0], [1.0], [1.0], [0.0]]), 0.5).tolist()
    [0.5, 0.5, 1.0, 25.0]
    """
    found: list[float] = []
    for trace in traces.T:
        known = trace[np.isfinite(trace)]
        if not len(known):
            found += [np.nan] * len(SUMMARIES)
            continue
        n_onsets = len(list(list_runs(known >= level)))
        found += [
            float(known.mean()),
            float(known.std()),
            float(np.percentile(known, 95)),
            _PER * n_onsets / len(known),
        ]
    return np.array(found, dtype=float)


def _list_numbers(rows: Rows) -> list[Int[np.ndarray, " row"]]:
    """Return the row numbers of each trial in the order of time."""
    start_s = rows.table["start_s"].to_numpy(dtype=float)
    return [
        rows.numbers[index[np.argsort(start_s[index])]] for index in list_trials(rows)
    ]


def _find_emotions(store: Segments, numbers: bytes, fer: FerWeights) -> Traces:
    """Return the probability of each emotion in each image of a trial."""
    clips = read_clips(store, np.frombuffer(numbers, np.int64))
    return find_probabilities(np.concatenate(clips), fer)


_recall_emotions = lru_cache(maxsize=HELD_TRIALS)(_find_emotions)
"""The same, kept: every fold, target and learner asks again."""


def find_probabilities(images: Images, fer: FerWeights) -> Traces:
    """Return the probability of each emotion in each image; NaN of black ones."""
    network, parts = fer.network, []
    with use_threads(1), torch.inference_mode():
        for start in range(0, len(images), SCORED_AT_ONCE):
            grey = to_grey(images[start : start + SCORED_AT_ONCE], SIDE)
            logits = network(scale_grey(torch.from_numpy(grey)))
            parts.append(logits.double().softmax(dim=1).numpy())
    probabilities = np.concatenate(parts)
    probabilities[is_black(images)] = np.nan
    return probabilities


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _recall_emotions.cache_clear()
