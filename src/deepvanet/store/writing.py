"""Write a subject's folder of a store, a trial at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.cells import write_csv
from deepvanet.files import whole_folder
from deepvanet.findings import Finding, write_findings
from deepvanet.schema import Stream
from deepvanet.store.columns import COLUMNS, OPTIONAL_COLUMNS


def write_subject(
    path: Path,
    subject: str,
    *,
    parts: Iterator["SegmentBlock"],
    inputs: Mapping[str, Any],
    findings: Sequence[Finding] = (),
) -> bool:
    """Write one subject's folder whole or not at all, a trial at a time.

    Parameters
    ----------
    path : Path
        The store.
    subject : str
        Name of the subject, and of its folder.
    parts : iterator of SegmentBlock
        One for each trial; only one is held in memory.
    inputs : mapping
        What ``subject.json`` records, to know later whether it is still current.
    findings : sequence of Finding
        What was found in its files; it may grow while ``parts`` is read.

    Returns
    -------
    bool
        Whether there is a trial; without one nothing is written.
    """
    first = next(parts, None)
    if first is None:
        return False
    with whole_folder(path / "subjects" / subject) as folder:
        writers: dict[Stream, _ArrayWriter] = {}
        tables, trials = [], []
        cleaned: list[CleaningRecord] = []
        try:
            for part in chain([first], parts):
                tables.append(part.table)
                trials.append(part.trial)
                cleaned += [part.cleaning] if part.cleaning else []
                for stream, array in part.arrays.items():
                    if stream not in writers:
                        writers[stream] = _ArrayWriter(folder / f"{stream}.npy", array)
                    writers[stream].append(array)
        finally:
            for writer in writers.values():
                writer.close()
        table = pd.concat(tables, ignore_index=True)
        others = [name for name in OPTIONAL_COLUMNS if name in table]
        write_csv(table, folder / "segments.csv", columns=[*COLUMNS, *others])
        write_csv(pd.DataFrame(trials), folder / "trials.csv")
        if cleaned:
            _write_cleaning(folder, cleaned)
        write_findings(folder, findings)
        (folder / "subject.json").write_text(json.dumps(inputs, indent=2) + "\n")
    return True


def _write_cleaning(folder: Path, cleaned: Sequence["CleaningRecord"]) -> None:
    rows = pd.DataFrame([record.row for record in cleaned])
    write_csv(rows, folder / "recordings.csv")
    spectra = pd.concat([record.spectra for record in cleaned], ignore_index=True)
    write_csv(spectra, folder / "spectra.csv", float_format="%.4f")
    most = int(rows["variance_removed"].fillna(-1).to_numpy().argmax())
    np.savez(folder / "excerpt.npz", allow_pickle=False, **cleaned[most].excerpt)


@dataclass(frozen=True)
class SegmentBlock:
    """The segments of one trial.

    Attributes
    ----------
    table : DataFrame
        One row a segment.
    arrays : mapping
        Of each stream, the rows that have it.
    trial : mapping
        The trial's row of ``trials.csv``.
    cleaning : CleaningRecord | None
        With the first trial of a raw recording: what was done to the recording.
    """

    table: pd.DataFrame
    arrays: Mapping[Stream, NDArray[Any]]
    trial: Mapping[str, Any]
    cleaning: "CleaningRecord | None" = None


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

    Written with plain writes: a memory map on a full disk ends the process.
    """

    def __init__(self, path: Path, like: NDArray[Any]) -> None:
        self._like = like[:0]
        self._count = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, array: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(array, self._like.dtype).data)
        self._count += len(array)

    def close(self) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        # a fixed number of digits keeps the header's length while the count grows
        head = np.lib.format.header_data_from_array_1_0(self._like)
        head["shape"] = (self._count, *self._like.shape[1:])
        np.lib.format.write_array_header_2_0(self._file, head)
