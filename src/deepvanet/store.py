"""Segments on disk: memory-mapped arrays a subject, one table row a segment.

The folder::

    STORE/manifest.json              settings and their digest, streams, versions
    STORE/subjects/01/segments.csv   one row a segment, columns below
                      trials.csv     one row a trial: what its video gave
                      recordings.csv one row a raw recording: what cleaning did,
                      spectra.csv    its spectra before and after,
                      excerpt.npz    and ten seconds of where it did most
                      face.npy       (row with a face, frame, height, width, 3) uint8
                      eeg.npy        (row with EEG, channel, time) float32
                      peripheral.npy
                      subject.json   digests of the input files

A stream's array holds a row for each table row whose ``has_<stream>`` is 1, in
the order of the table; a subject without video has no ``face.npy``, one whose
recordings were not raw has nothing on cleaning. A subject's folder appears whole
or not at all.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from deepvanet.config import digest
from deepvanet.files import whole_folder
from deepvanet.schema import Channel, ChannelType, Stream, Target, UserError, pick

FORMAT = "deepvanet-store-2"
TEXT_COLUMNS = ("subject", "trial", "stimulus", "recording")
COLUMNS = (
    *TEXT_COLUMNS,
    "segment",
    "start_s",
    "duration_s",
    *Target,
    *(f"has_{stream}" for stream in Stream),
    "n_faces_found",
    "n_faces_filled",
    "n_frames_padded",
)
"""Columns of ``segments.csv``; ratings are kept as rated."""


@dataclass(frozen=True)
class Manifest:
    """What all subjects of a store have in common.

    Attributes
    ----------
    dataset : str
        What results call the recordings, as ``deap`` or ``deap-synthetic``.
    is_raw : bool
        Whether the recordings were raw, and so were filtered here.
    settings : mapping
        The ``PrepareSettings`` as plain values, and ``digest``, their digest.
    channels : tuple of Channel
        Every stored channel; EEG first.
    versions : mapping
        The packages that made the store.
    """

    dataset: str
    is_raw: bool
    settings: Mapping[str, Any]
    digest: str
    channels: tuple[Channel, ...]
    versions: Mapping[str, str]

    def to_json(self) -> str:
        """Return the manifest as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what ``to_json`` wrote."""
        values = json.loads(text)
        if values.pop("format") != FORMAT:
            raise ValueError("another format")
        channels = tuple(
            Channel(item["name"], ChannelType(item["type"]), item["unit"])
            for item in values.pop("channels")
        )
        return cls(channels=channels, **values)


@dataclass(frozen=True)
class Cleaning:
    """What cleaning did to all recordings of a store.

    Attributes
    ----------
    recordings, spectra : DataFrame
        All subjects' ``recordings.csv`` and ``spectra.csv``.
    excerpt : mapping
        The ``excerpt.npz`` of the recording that lost most.
    """

    recordings: pd.DataFrame
    spectra: pd.DataFrame
    excerpt: Mapping[str, NDArray[Any]]


class SegmentStore:
    """The segments of all subjects; arrays stay on disk until rows are read.

    Parameters
    ----------
    path : Path
        A folder that ``prepare`` wrote.

    Attributes
    ----------
    table : DataFrame
        One row a segment, numbered from 0; columns ``COLUMNS``.
    """

    def __init__(
        self, path: Path, manifest: Manifest, tables: Mapping[str, pd.DataFrame]
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.table = pd.concat(tables.values(), ignore_index=True)
        ends = np.cumsum([len(table) for table in tables.values()])
        self._subjects = tuple(tables)
        self._first_row = np.concatenate([[0], ends[:-1]])
        self._arrays: dict[tuple[str, Stream], NDArray[Any]] = {}

    def channels(self, streams: Iterable[Stream]) -> tuple[Channel, ...]:
        """Return the channels of the streams, in the order of ``bio`` arrays."""
        wanted = tuple(streams)
        return tuple(c for c in self.manifest.channels if c.stream in wanted)

    def rows_with(self, streams: Iterable[Stream]) -> Int[np.ndarray, " row"]:
        """Return the numbers of the rows that have all of the streams."""
        has = self.table[[f"has_{stream}" for stream in streams]]
        return np.flatnonzero(has.to_numpy(dtype=bool).all(axis=1))

    def read(self, stream: Stream, rows: Int[np.ndarray, " row"]) -> NDArray[Any]:
        """Copy rows of one stream into memory, in the order asked for.

        Returns
        -------
        array, shape (row, ...)
            Face (row, frame, height, width, 3) uint8; bio (row, channel, time)
            float32.
        """
        position = self._position[stream][rows]
        if np.any(position < 0):
            row = rows[np.argmin(position)]
            raise ValueError(f"row {row} has no {stream}")
        owner = np.searchsorted(self._first_row, rows, side="right") - 1
        out: NDArray[Any] | None = None
        for number in np.unique(owner):
            mine = owner == number
            array = self._array(self._subjects[number], stream)
            if out is None:
                out = np.empty((len(rows), *array.shape[1:]), array.dtype)
            out[mine] = array[position[mine]]
        if out is None:
            raise ValueError("no rows asked for")
        return out

    @cached_property
    def _position(self) -> Mapping[Stream, Int[np.ndarray, " row"]]:
        """Where a table row lies in its subject's array, for each stream."""
        positions = {}
        for stream in Stream:
            has = self.table[f"has_{stream}"].to_numpy(dtype=int)
            before = np.cumsum(has) - has
            start = np.repeat(
                before[self._first_row],
                np.diff([*self._first_row, len(has)]),
            )
            positions[stream] = np.where(has == 1, before - start, -1)
        return positions

    def _array(self, subject: str, stream: Stream) -> NDArray[Any]:
        key = subject, stream
        if key not in self._arrays:
            path = self.path / "subjects" / subject / f"{stream}.npy"
            self._arrays[key] = np.load(path, mmap_mode="r", allow_pickle=False)
        return self._arrays[key]

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memory maps behind when sent to another process."""
        return {**self.__dict__, "_arrays": {}}


Adjust = Callable[[Stream, Int[np.ndarray, " row"], NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Rows:
    """Some rows of a store with a label each: what a learner is given.

    Attributes
    ----------
    numbers : array, shape (row,)
        Row numbers of ``store.table``.
    streams : tuple of Stream
        The streams that a learner may read.
    label : array, shape (row,)
        0 or 1.
    adjust : callable | None
        From stream, row numbers of the store and what was read there, to what
        ``read`` gives instead.
    """

    store: SegmentStore
    numbers: Int[np.ndarray, " row"]
    streams: tuple[Stream, ...]
    label: Int[np.ndarray, " row"]
    adjust: Adjust | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows' subject, trial, stimulus and so on, numbered from 0."""
        return self.store.table.iloc[self.numbers].reset_index(drop=True)

    @cached_property
    def trial(self) -> Int[np.ndarray, " row"]:
        """A number for each row's trial, from 0; trials of two subjects differ."""
        return number_trials(self.table)

    def read(
        self, stream: Stream, index: Int[np.ndarray, " item"] | None = None
    ) -> NDArray[Any]:
        """Copy one stream of all rows, or of ``index`` among them, into memory."""
        rows = self.numbers if index is None else self.numbers[index]
        array = self.store.read(stream, rows)
        return array if self.adjust is None else self.adjust(stream, rows, array)

    def take(
        self, index: Int[np.ndarray, " item"] | Bool[np.ndarray, " row"]
    ) -> "Rows":
        """Return some of the rows."""
        return replace(self, numbers=self.numbers[index], label=self.label[index])


def number_trials(table: pd.DataFrame) -> Int[np.ndarray, " row"]:
    """Return a number from 0 for each row's trial, a (subject, trial) pair."""
    numbers = table.groupby(["subject", "trial"], sort=False, observed=True).ngroup()
    return numbers.to_numpy(dtype=np.int64)


def open_store(path: Path) -> SegmentStore:
    """Open a folder that ``prepare`` wrote.

    Raises
    ------
    UserError
        When there is no store, none of its subjects is complete, or it is damaged.
    """
    manifest = read_manifest(path)
    if manifest is None:
        raise UserError(f"{path}: no store here (no manifest.json)")
    tables = {folder.name: read_table(folder) for folder in _list_subjects(path)}
    if not tables:
        raise UserError(f"{path}: the store holds no subject; was prepare interrupted?")
    return SegmentStore(path, manifest, tables)


def read_manifest(path: Path) -> Manifest | None:
    """Return a store's manifest, or None where there is none."""
    file = path / "manifest.json"
    if not file.is_file():
        return None
    try:
        return Manifest.from_json(file.read_text())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a manifest of a store: {error}") from None


def read_table(folder: Path) -> pd.DataFrame:
    """Read a subject's ``segments.csv``."""
    file = folder / "segments.csv"
    try:
        table = pd.read_csv(file, dtype=dict.fromkeys(TEXT_COLUMNS, str))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise UserError(f"{file}: column {missing[0]} is missing")
    return table


def read_trials(path: Path) -> pd.DataFrame:
    """Read all subjects' ``trials.csv``: one row a trial, what its video gave."""
    return _read_all(_list_subjects(path), "trials.csv")


def read_cleaning(path: Path, *, subjects: Sequence[str] = ()) -> "Cleaning | None":
    """Read what cleaning did to raw recordings, or None where there are none.

    Parameters
    ----------
    subjects : sequence of str
        Only theirs; empty takes all.
    """
    folders = [
        folder
        for folder in _list_subjects(path)
        if (folder / "recordings.csv").is_file()
        and (not subjects or folder.name in subjects)
    ]
    if not folders:
        return None
    recordings = _read_all(folders, "recordings.csv")
    lost = recordings.groupby("subject")["variance_removed"].max().fillna(-1)
    most = path / "subjects" / str(lost.idxmax()) / "excerpt.npz"
    with np.load(most, allow_pickle=False) as arrays:
        excerpt = dict(arrays)
    return Cleaning(recordings, _read_all(folders, "spectra.csv"), excerpt)


def _read_all(folders: Sequence[Path], name: str) -> pd.DataFrame:
    return pd.concat(
        [
            pd.read_csv(folder / name, dtype=dict.fromkeys(TEXT_COLUMNS, str))
            for folder in folders
        ],
        ignore_index=True,
    )


def write_subject(
    path: Path,
    subject: str,
    *,
    parts: Iterator["SegmentBlock"],
    inputs: Mapping[str, Any],
) -> None:
    """Write one subject's folder whole or not at all, a trial at a time.

    Parameters
    ----------
    path : Path
        The store.
    parts : iterator of SegmentBlock
        One for each trial; only one is held in memory.
    inputs : mapping
        What ``subject.json`` records, to know later whether it is still current.
    """
    with whole_folder(path / "subjects" / subject) as folder:
        writers: dict[Stream, _ArrayWriter] = {}
        tables, trials = [], []
        cleaned: list[CleaningRecord] = []
        try:
            for part in parts:
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
        pd.concat(tables, ignore_index=True).to_csv(
            folder / "segments.csv", index=False, columns=list(COLUMNS)
        )
        pd.DataFrame(trials).to_csv(folder / "trials.csv", index=False)
        if cleaned:
            _write_cleaning(folder, cleaned)
        (folder / "subject.json").write_text(json.dumps(inputs, indent=2) + "\n")


def _write_cleaning(folder: Path, cleaned: Sequence["CleaningRecord"]) -> None:
    rows = pd.DataFrame([record.row for record in cleaned])
    rows.to_csv(folder / "recordings.csv", index=False)
    spectra = pd.concat([record.spectra for record in cleaned], ignore_index=True)
    spectra.to_csv(folder / "spectra.csv", index=False, float_format="%.4f")
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


def pick_subjects(store: SegmentStore, asked: Sequence[str]) -> tuple[str, ...]:
    """Return subjects as the store names them; ``1`` finds ``01``."""
    known = list(dict.fromkeys(store.table["subject"]))
    by_number = {name.lstrip("0"): name for name in known}
    return tuple(
        pick("subject", by_number.get(name.lstrip("0"), name), known) for name in asked
    )


def digest_store(store: SegmentStore) -> str:
    """Return a short name for what a store holds: settings and input files."""
    records = sorted((store.path / "subjects").glob("[!.]*/subject.json"))
    inputs = {
        record.parent.name: {
            name: values["sha256"]
            for name, values in json.loads(record.read_text())["inputs"].items()
        }
        for record in records
    }
    return digest({"settings": store.manifest.digest, "inputs": inputs})


def _list_subjects(path: Path) -> list[Path]:
    folders = (path / "subjects").glob("[!.]*")
    return sorted(folder for folder in folders if (folder / "subject.json").is_file())
