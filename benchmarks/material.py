"""What is measured on: recordings and stores that are made for the purpose."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.datasets.deap.reader import (
    BASELINE_S,
    CHANNELS,
    FILMED,
    MISSING_VIDEOS,
    SFREQ,
    SUBJECTS,
)
from deepvanet.labels import label_ratings
from deepvanet.schema import PAPER_STREAMS, FrameState, Stream, Target
from deepvanet.store import (
    TEXT_COLUMNS,
    Manifest,
    Rows,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)
from deepvanet.store.columns import PLACE_COLUMNS
from deepvanet.synthetic.deap import write_deap
from deepvanet.synthetic.python2 import Pieces, write_pickle

SHAPES = {
    Stream.FACE: (64, 64, 3),
    Stream.EEG: (32,),
    Stream.PERIPHERAL: (8,),
}
"""Of a frame, and of a sample."""
N_TRIALS, N_SEGMENTS = 40, 60
"""Of each of DEAP's 32 subjects."""


def write_recordings(root: Path, *, n_trials: int, seconds: int) -> Path:
    """Write one synthetic subject in DEAP's format, with its videos."""
    write_deap(root, n_subjects=1, n_trials=n_trials, seconds=seconds)
    return root


def write_full_size_subject(root: Path, videos: Iterable[Path]) -> Path:
    """Write one subject's signals as long as DEAP's, of noise, with some videos.

    Signals are what memory depends on: 40 trials of 63 s. Videos stream by.
    """
    signals, films, ratings = (
        root / name
        for name in ("data_preprocessed_python", "face_video", "metadata_csv")
    )
    for folder in (signals, films / "s01", ratings):
        folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    n_samples = round((N_SEGMENTS + BASELINE_S) * SFREQ)
    noise = (rng.normal(size=(len(CHANNELS), n_samples)) for _ in range(N_TRIALS))
    arrays = {
        "labels": Pieces((N_TRIALS, 4), [np.full((N_TRIALS, 4), 5.0)]),
        "data": Pieces((N_TRIALS, len(CHANNELS), n_samples), noise),
    }
    with (signals / "s01.dat").open("wb") as file:
        write_pickle(file, arrays)
    lines = ["Participant_id,Trial,Experiment_id,Valence,Arousal"]
    lines += [f"1,{k},{k % N_TRIALS + 1},5.0,5.0" for k in range(1, N_TRIALS + 1)]
    (ratings / "participant_ratings.csv").write_text("\n".join(lines) + "\n")
    for video in videos:
        shutil.copy(video, films / "s01")
    return root


def write_noise_store(
    root: Path,
    *,
    n_subjects: int = 1,
    n_trials: int,
    n_segments: int,
    streams: Iterable[Stream] = PAPER_STREAMS,
) -> SegmentStore:
    """Write a store of noise with DEAP's channels, and cut it into seconds.

    Trials are rated high and low in turn.
    """
    rng = np.random.default_rng(0)
    _write_manifest(root)
    has = tuple(streams)
    for subject in SUBJECTS[:n_subjects]:
        blocks = (
            _make_trial(
                subject, trial, n_segments, {s: _draw(rng, s, n_segments) for s in has}
            )
            for trial in range(1, n_trials + 1)
        )
        write_subject(root, subject, parts=blocks, inputs={"inputs": {}})
    return open_store(root).cut()


def write_full_size_store(root: Path, *, n_subjects: int = len(SUBJECTS)) -> int:
    """Write all of DEAP as a store, with files full of holes; count its seconds.

    Tables are as large as real ones: 1,280 trials, 76,800 seconds, 52,440 of them with
    a face. Arrays have their real shapes, but nothing was written into them.
    """
    _write_manifest(root)
    for subject in SUBJECTS[:n_subjects]:
        blocks = list(_cut_empty_trials(subject))
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
        folder = root / "subjects" / subject
        table = pd.read_csv(
            folder / "trials.csv", dtype=dict.fromkeys(TEXT_COLUMNS, str)
        )
        for stream, (first, length, _) in PLACE_COLUMNS.items():
            has = [stream in block.arrays for block in blocks]
            table[length] = _count(stream, N_SEGMENTS) * np.array(has, dtype=int)
            table[first] = table[length].cumsum() - table[length]
            if any(has):
                np.lib.format.open_memmap(
                    folder / f"{stream}.npy",
                    mode="w+",
                    dtype=_type_of(stream),
                    shape=(int(table[length].sum()), *SHAPES[stream]),
                )
        table.to_csv(folder / "trials.csv", index=False)
    return n_subjects * N_TRIALS * N_SEGMENTS


def take_rows(store: SegmentStore, streams: Iterable[Stream], n_rows: int) -> Rows:
    """Take the first rows that have the streams, with labels of valence."""
    numbers = store.rows_with(streams)[:n_rows]
    ratings = store.table[Target.VALENCE].to_numpy()[numbers]
    return Rows(store, numbers, tuple(streams), label_ratings(ratings, ">=5"))


def _cut_empty_trials(subject: str) -> Iterator[TrialBlock]:
    for trial in range(1, N_TRIALS + 1):
        has_face = subject in FILMED and trial not in MISSING_VIDEOS.get(subject, ())
        has = PAPER_STREAMS if has_face else (Stream.EEG, Stream.PERIPHERAL)
        arrays = {s: np.empty((0, *SHAPES[s]), _type_of(s)) for s in has}
        yield _make_trial(subject, trial, N_SEGMENTS, arrays)


def _make_trial(
    subject: str, trial: int, n_segments: int, arrays: dict[Stream, np.ndarray]
) -> TrialBlock:
    rating = 3.0 + trial % 2 * 4
    row = {
        "subject": subject,
        "trial": f"{trial:02d}",
        "stimulus": str(trial),
        "recording": f"{trial:02d}",
        "duration_s": float(n_segments),
        "valence": rating,
        "arousal": rating,
    }
    state = None
    if Stream.FACE in arrays:
        n_frames = _count(Stream.FACE, n_segments)
        state = np.full(n_frames, FrameState.FOUND, np.uint8)
    return TrialBlock(row, arrays, round(BASELINE_S * SFREQ), state)


def _count(stream: Stream, n_segments: int) -> int:
    """Return how many frames or samples a trial has, its baseline included."""
    if stream is Stream.FACE:
        return round(n_segments * PrepareSettings.face_fps)
    return round((n_segments + BASELINE_S) * SFREQ)


def _draw(rng: np.random.Generator, stream: Stream, n_segments: int) -> np.ndarray:
    shape = (_count(stream, n_segments), *SHAPES[stream])
    if stream is Stream.FACE:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.standard_normal(shape, dtype=np.float32)


def _type_of(stream: Stream) -> type[np.generic]:
    return np.uint8 if stream is Stream.FACE else np.float32


def _write_manifest(root: Path) -> None:
    settings = to_dict(PrepareSettings())
    manifest = Manifest("deap", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
