"""Write a subject's folder of a store, a trial at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from deepvanet.cells import write_csv
from deepvanet.files import whole_folder
from deepvanet.findings import Finding, write_findings
from deepvanet.preprocessing.cleaning.filters import lower_rate
from deepvanet.schema import PAPER_STREAMS, FrameState, Stream
from deepvanet.store.columns import FRAME_COUNTS, PLACE_COLUMNS, TRACE_COLUMNS

FACE_STATE = "face-state.npy"
TRACES = "traces.npy"


def write_subject(
    path: Path,
    subject: str,
    *,
    parts: Iterator["TrialBlock"],
    inputs: Mapping[str, Any],
    findings: Sequence[Finding] = (),
    streams: Sequence[Stream] = PAPER_STREAMS,
    factors: Mapping[Stream, int] | None = None,
) -> bool:
    """Write one subject's folder whole or not at all, a trial at a time.

    Parameters
    ----------
    path : Path
        The store.
    subject : str
        Name of the subject, and of its folder.
    parts : iterator of TrialBlock
        One for each trial; only one is held in memory.
    inputs : mapping
        What ``subject.json`` records, to know later whether it is still current.
    findings : sequence of Finding
        What was found in its files; it may grow while ``parts`` is read.
    streams : sequence of Stream
        Those that the store's manifest names.
    factors : mapping, optional
        Of streams of which one sample in so many is kept, as the manifest says.

    Returns
    -------
    bool
        Whether there is a trial; without one nothing is written.
    """
    files = {f"{stream}.npy": factor for stream, factor in (factors or {}).items()}
    first = next(parts, None)
    if first is None:
        return False
    with whole_folder(path / "subjects" / subject) as folder:
        writers: dict[str, _ArrayWriter] = {}
        trials = []
        cleaned: list[CleaningRecord] = []
        with ExitStack() as stack:  # closes all, also where one of them cannot be
            for part in chain([first], parts):
                trials.append({**part.row, **_place(part, writers, streams)})
                cleaned += [part.cleaning] if part.cleaning else []
                for name, array in part.list_files():
                    if name not in writers:
                        writers[name] = _ArrayWriter(
                            folder / name, array, files.get(name, 1)
                        )
                        stack.callback(writers[name].close)
                    writers[name].append(array)
        table = pd.DataFrame(trials)
        unused = [] if TRACES in writers else list(TRACE_COLUMNS)
        write_csv(table.drop(columns=unused), folder / "trials.csv")
        if cleaned:
            _write_cleaning(folder, cleaned)
        write_findings(folder, findings)
        (folder / "subject.json").write_text(json.dumps(inputs, indent=2) + "\n")
    return True


def _place(
    part: "TrialBlock",
    writers: Mapping[str, "_ArrayWriter"],
    streams: Sequence[Stream],
) -> dict[str, int]:
    """Return where a trial will lie in the arrays, and what of it is missing."""
    state = np.empty(0, np.uint8) if part.face_state is None else part.face_state
    placed = {"n_baseline": part.n_baseline}
    for stream in streams:
        writer, array = writers.get(f"{stream}.npy"), part.arrays.get(stream)
        first = 0 if writer is None else writer.count
        n_missing = int(np.sum(state == FrameState.LOST))
        if not stream.is_images:
            n_missing = 0 if array is None else int(np.sum(~np.isfinite(array)))
        length = 0 if array is None else len(array)
        placed |= dict(
            zip(PLACE_COLUMNS[stream], (first, length, n_missing), strict=True)
        )
    n_traced = writers[TRACES].count if TRACES in writers else 0
    length = 0 if part.trace is None else len(part.trace)
    placed |= dict(zip(TRACE_COLUMNS, (n_traced, length), strict=True))
    counts = {name: int(np.sum(state == kind)) for name, kind in FRAME_COUNTS.items()}
    return placed | counts


def _write_cleaning(folder: Path, cleaned: Sequence["CleaningRecord"]) -> None:
    rows = pd.DataFrame([record.row for record in cleaned])
    write_csv(rows, folder / "recordings.csv")
    spectra = pd.concat([record.spectra for record in cleaned], ignore_index=True)
    write_csv(spectra, folder / "spectra.csv", float_format="%.4f")
    most = int(rows["variance_removed"].fillna(-1).to_numpy().argmax())
    np.savez(folder / "excerpt.npz", allow_pickle=False, **cleaned[most].excerpt)


@dataclass(frozen=True)
class TrialBlock:
    """The samples of one trial, and what is known of it.

    Attributes
    ----------
    row : mapping
        The trial's row of ``trials.csv``; where its samples lie, how many of its
        frames are of each state and ``n_baseline`` are added.
    arrays : mapping
        Of each stream that it has, time first: signals (sample, channel) float32 with
        the samples of the baseline in front, NaN where one is missing; face (frame,
        height, width, 3) uint8, of the stimulus alone.
    n_baseline : int
        Samples before the stimulus.
    face_state : array, shape (frame,) | None
        Values of ``FrameState``, where there is a face.
    trace : array, shape (sample, target) | None
        Ratings that move with time, as the manifest describes them; NaN where one is
        missing.
    cleaning : CleaningRecord | None
        With the first trial of a raw recording: what was done to the recording.
    """

    row: Mapping[str, Any]
    arrays: Mapping[Stream, NDArray[Any]]
    n_baseline: int = 0
    face_state: UInt8[np.ndarray, " frame"] | None = None
    trace: Float32[np.ndarray, "sample target"] | None = None
    cleaning: "CleaningRecord | None" = None

    def list_files(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield what goes into each file of the subject."""
        for stream, array in self.arrays.items():
            yield f"{stream}.npy", array
        if self.face_state is not None:
            yield FACE_STATE, self.face_state
        if self.trace is not None:
            yield TRACES, self.trace


@dataclass(frozen=True)
class CleaningRecord:
    """What cleaning did to one recording.

    Attributes
    ----------
    row : mapping
        Its row of ``recordings.csv``.
    spectra : DataFrame
        Its rows of ``spectra.csv``.
    excerpt : mapping
        What ``excerpt.npz`` holds if no other recording of the subject lost more.
    """

    row: Mapping[str, Any]
    spectra: pd.DataFrame
    excerpt: Mapping[str, NDArray[Any]]


class _ArrayWriter:
    """Append to a ``.npy`` file whose length is known only at the end.

    Written with plain writes: a memory map on a full disk ends the process. ``count``
    is of the samples that were given, of which one in ``factor`` is kept.
    """

    def __init__(self, path: Path, like: NDArray[Any], factor: int) -> None:
        self._like = np.ascontiguousarray(like[:0])
        self._factor = factor
        self._n_kept = 0
        self.count = 0
        self._file = path.open("wb")
        with ExitStack() as stack:
            stack.callback(self._file.close)
            self._write_header()
            stack.pop_all()

    def append(self, array: NDArray[Any]) -> None:
        kept = array if self._factor == 1 else lower_rate(array, self._factor)
        self._file.write(np.ascontiguousarray(kept, self._like.dtype).data)
        self._n_kept += len(kept)
        self.count += len(array)

    def close(self) -> None:
        with self._file:
            self._file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        # a fixed number of digits keeps the header's length while the count grows
        head = np.lib.format.header_data_from_array_1_0(self._like)
        head["shape"] = (self._n_kept, *self._like.shape[1:])
        np.lib.format.write_array_header_2_0(self._file, head)
