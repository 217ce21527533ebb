"""Trials of small stores, made from their segments: what a test knows best."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet.schema import BIO, FrameState, Stream
from deepvanet.store import (
    CleaningRecord,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)

_OF_SEGMENTS = ("segment", "start_s")


def join_segments(
    table: pd.DataFrame,
    arrays: Mapping[Stream, np.ndarray],
    trial: Mapping[str, Any] | None = None,
    *,
    rest: int = 0,
    cleaning: CleaningRecord | None = None,
) -> TrialBlock:
    """Lay the segments of a trial one after the other.

    Parameters
    ----------
    table : DataFrame
        One row a segment, in order, each ``duration_s`` long.
    arrays : mapping
        Of each stream a row for each segment that has it: face (row, frame, height,
        width, 3) uint8, signals (row, channel, time).
    trial : mapping
        More of the trial's row.
    rest : int
        Samples of baseline in front, all zero: a mean or waveform of them takes
        nothing away.
    """
    known = {name: table[name].iloc[0] for name in table if name not in _OF_SEGMENTS}
    known["duration_s"] = float(table["duration_s"].sum())
    state = _find_state(table, arrays[Stream.FACE]) if Stream.FACE in arrays else None
    return TrialBlock(
        row={**(trial or {}), **known},
        arrays={
            stream: _join(stream, array, table[f"has_{stream}"].to_numpy(bool), rest)
            for stream, array in arrays.items()
        },
        n_baseline=rest,
        face_state=state,
        cleaning=cleaning,
    )


def _join(stream: Stream, array: np.ndarray, has: np.ndarray, rest: int) -> np.ndarray:
    fill = 0 if stream is Stream.FACE else np.nan
    whole = np.full((len(has), *array.shape[1:]), fill, array.dtype)
    whole[has] = array
    if stream is Stream.FACE:
        return whole.reshape(-1, *whole.shape[2:])
    samples = whole.swapaxes(1, 2).reshape(-1, whole.shape[1])
    return np.concatenate([np.zeros((rest, samples.shape[1]), array.dtype), samples])


def _find_state(table: pd.DataFrame, faces: np.ndarray) -> np.ndarray:
    """Return frames of each segment as its row counts them; the others are lost."""
    state = np.zeros((len(table), faces.shape[1]), np.uint8)
    for one, row in zip(state, table.to_dict("records"), strict=True):
        if row["has_face"]:
            counts = [row[name] for name in ("n_faces_filled", "n_frames_padded")]
            kinds = np.repeat([FrameState.FILLED, FrameState.PADDED], counts)
            one[:] = FrameState.FOUND
            one[len(one) - len(kinds) :] = kinds
    return state.ravel()


def rewrite_segments(
    store: SegmentStore,
    stream: Stream,
    change: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    path: Path | None = None,
) -> None:
    """Put other numbers where the segments of a store lie.

    Parameters
    ----------
    store : SegmentStore
        Of segments that do not overlap.
    stream : Stream
        Which array is changed.
    change : callable
        From row numbers and their segments, to these segments as they shall be; asked
        for a subject at a time.
    path : Path
        A copy of the store that is changed in its place.
    """
    folder = (path or store.path) / "subjects"
    has = store.table[f"has_{stream}"].to_numpy(dtype=bool)
    for subject, mine in store.table[has].groupby("subject"):
        rows = mine.index.to_numpy()
        file = folder / str(subject) / f"{stream}.npy"
        array = np.load(file)
        trials = store.trials.set_index(["subject", "trial"])
        segments = change(rows, store.read(stream, rows))
        for row, segment in zip(mine.itertuples(), segments, strict=True):
            place = trials.loc[(row.subject, row.trial)]
            is_face = stream is Stream.FACE
            length = len(segment) if is_face else segment.shape[-1]
            first = place[f"first_{stream}"] + row.segment * length
            first += 0 if is_face else place["n_baseline"]
            array[first : first + length] = segment if is_face else segment.T
        np.save(file, array)


def rewrite_trials(path: Path, subject: str, **columns: Any) -> None:
    """Set columns of a subject's ``trials.csv``; a callable is given the table."""
    file = path / "subjects" / subject / "trials.csv"
    table = pd.read_csv(file, dtype=str)
    made = {k: v(table) if callable(v) else v for k, v in columns.items()}
    table.assign(**made).to_csv(file, index=False)


def shorten_trials(path: Path, shorter: Path, seconds: Sequence[float]) -> Path:
    """Copy the signals of a store, of each trial only its first seconds, in turn."""
    store = open_store(path)
    shorter.mkdir()
    shutil.copy(path / "manifest.json", shorter)
    lasts_s = np.resize(seconds, len(store.table))
    for subject, trials in store.table.groupby("subject", sort=False):
        blocks = []
        for number, row in trials.iterrows():
            end = row["n_baseline"] + round(lasts_s[number] * 128)
            arrays = {s: store.read_trial(s, number)[:end] for s in BIO}
            known = {**row, "duration_s": float(lasts_s[number])}
            held = {s: array for s, array in arrays.items() if len(array)}
            blocks.append(TrialBlock(known, held, n_baseline=row["n_baseline"]))
        write_subject(shorter, subject, parts=iter(blocks), inputs={"inputs": {}})
    return shorter
