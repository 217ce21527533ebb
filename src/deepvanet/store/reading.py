"""Open a store: its table is read, its arrays are mapped into memory."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy.typing import NDArray

from deepvanet.cells import EXACT, read_numbers, release_table
from deepvanet.config import digest
from deepvanet.schema import Channel, Stream, UserError, pick, quote
from deepvanet.store.columns import COLUMNS, SESSION, TEXT_COLUMNS
from deepvanet.store.manifest import Manifest, read_manifest

_NO_RECORD = (
    *(OSError, ValueError, LookupError),
    *(TypeError, AttributeError, RecursionError),
)
"""What reading ``subject.json`` ends in where it is damaged."""


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
        One row a segment, numbered from 0; columns ``COLUMNS``, and ``SESSION`` where
        some trial states it.
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

    @property
    def sfreq(self) -> float:
        """Samples a second of the stored signals, in Hz.

        Raises
        ------
        UserError
            When the manifest does not state it.
        """
        if "sfreq" not in self.manifest.settings:
            raise UserError(f"{self.path}: manifest.json does not say settings.sfreq")
        return float(self.manifest.settings["sfreq"])

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
            self._arrays[key] = self._map(path, subject, stream)
        return self._arrays[key]

    def _map(self, path: Path, subject: str, stream: Stream) -> NDArray[Any]:
        """Map an array, whose shape has to fit the tables."""
        try:
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # noqa: BLE001  NumPy raises all kinds
            raise UserError(f"{path}: cannot be read: {error}") from None
        n_rows = self._count_rows(subject, stream)
        n_channels = len(self.channels((stream,)))
        if stream == Stream.FACE:
            is_right = array.ndim == 5 and array.dtype == np.uint8
        else:
            is_right = array.ndim == 3 and array.dtype.kind == "f"
            is_right = is_right and array.shape[1] == n_channels
        if not is_right or len(array) != n_rows:
            what = "images" if stream == Stream.FACE else f"{n_channels} channels"
            raise UserError(
                f"{path}: holds {array.dtype} of shape {array.shape}; the store's "
                f"tables say {n_rows} segments of {what}"
            )
        return array

    def _count_rows(self, subject: str, stream: Stream) -> int:
        number = self._subjects.index(subject)
        ends = [*self._first_row[1:], len(self.table)]
        own = slice(self._first_row[number], ends[number])
        return int((self._position[stream][own] >= 0).sum())

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memory maps behind when sent to another process."""
        return {**self.__dict__, "_arrays": {}}


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
    tables = {
        folder.name: read_segment_table(folder) for folder in _list_subjects(path)
    }
    if not tables:
        raise UserError(f"{path}: the store holds no subject; was prepare interrupted?")
    return SegmentStore(path, manifest, tables)


def read_segment_table(folder: Path) -> pd.DataFrame:
    """Read a subject's ``segments.csv``.

    Raises
    ------
    UserError
        When the file cannot be read, or lacks a column.
    """
    file = folder / "segments.csv"
    table = _read_csv(file)
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise UserError(f"{file}: column {missing[0]} is missing")
    if not len(table):
        raise UserError(f"{file}: has no row")
    for name in COLUMNS:
        _check_column(file, table[name])
    return table


def _check_column(file: Path, column: "pd.Series[Any]") -> None:
    """Refuse what ``prepare`` never writes: a text for a number, a nameless trial."""
    name = str(column.name)
    if name in ("subject", "trial", "segment", "recording") and column.isna().any():
        raise UserError(f"{file}: a row has no {name}")
    if name.startswith("has_") and not column.isin([0, 1]).all():
        raise UserError(f"{file}: column {name} must be 0 or 1 in each row")
    if name not in TEXT_COLUMNS and not pd.api.types.is_numeric_dtype(column):
        texts = column[read_numbers(column).isna()].dropna()
        if len(texts):
            raise UserError(f"{file}: column {name} has {quote(str(texts.iloc[0]))}")


def read_trials(path: Path) -> pd.DataFrame:
    """Read all subjects' ``trials.csv``: one row a trial, what its video gave."""
    return _read_all(_list_subjects(path), "trials.csv")


def read_cleaning(path: Path, *, subjects: Sequence[str] = ()) -> "Cleaning | None":
    """Read what cleaning did to raw recordings, or None where there are none.

    Parameters
    ----------
    subjects : sequence of str
        Only theirs; empty takes all.

    Raises
    ------
    UserError
        When one of the files is damaged.
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
    try:
        lost = recordings.groupby("subject")["variance_removed"].max().fillna(-1)
        most = path / "subjects" / str(lost.idxmax()) / "excerpt.npz"
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: recordings.csv is damaged: {error}") from None
    try:
        with np.load(most, allow_pickle=False) as arrays:
            excerpt = dict(arrays)
    except Exception as error:  # noqa: BLE001  NumPy raises all kinds
        raise UserError(f"{most}: cannot be read: {error}") from None
    return Cleaning(recordings, _read_all(folders, "spectra.csv"), excerpt)


def _read_all(folders: Sequence[Path], name: str) -> pd.DataFrame:
    return pd.concat(
        [_read_csv(folder / name) for folder in folders],
        ignore_index=True,
    )


def _read_csv(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            file,
            dtype=dict.fromkeys((*TEXT_COLUMNS, SESSION), str),
            float_precision=EXACT,
        )
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    return release_table(table)


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
    inputs = {record.parent.name: _read_digests(record) for record in records}
    return digest({"settings": store.manifest.digest, "inputs": inputs})


def _read_digests(record: Path) -> Mapping[str, str]:
    """Return the digests of a subject's input files, by their names."""
    try:
        inputs = json.loads(record.read_text("utf-8"))["inputs"]
        return {name: str(values["sha256"]) for name, values in inputs.items()}
    except _NO_RECORD as error:
        raise UserError(f"{record}: cannot be read: {error}") from None


def find_digest(path: Path) -> str:
    """Return what distinguishes two stores that a path had one after the other.

    Unlike ``digest_store`` it reads no content: it is asked before each fit.
    """
    files = [path / "manifest.json", *(path / "subjects").glob("[!.]*/*")]
    stats = {str(file): file.stat() for file in sorted(files) if file.is_file()}
    return digest(
        {name: [s.st_ino, s.st_mtime_ns, s.st_size] for name, s in stats.items()}
    )


def _list_subjects(path: Path) -> list[Path]:
    folders = (path / "subjects").glob("[!.]*")
    return sorted(folder for folder in folders if (folder / "subject.json").is_file())
