"""Open a store: its table of trials is read; segments are cut from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from deepvanet.cells import EXACT, read_numbers, release_table
from deepvanet.config import Baseline, Segmenting, digest
from deepvanet.findings import say_count
from deepvanet.preprocessing.windows import ROUNDING
from deepvanet.schema import BIO, Stream, UserError, pick, quote
from deepvanet.store.arrays import StoredArrays
from deepvanet.store.columns import (
    FRAME_COUNTS,
    OPTIONAL_COLUMNS,
    PLACE_COLUMNS,
    TEXT_COLUMNS,
    TRACE_COLUMNS,
    list_trial_columns,
)
from deepvanet.store.manifest import Manifest, read_manifest
from deepvanet.store.segments import SegmentStore, name_trials

MOST_SAMPLES = 2**48
"""No file has more."""

LONGEST_S = 1e6
"""No trial lasts longer, in seconds."""

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


class TrialStore:
    """The trials of all subjects, from which segments are cut.

    Attributes
    ----------
    table : DataFrame
        One row a trial, numbered from 0; columns ``TRIAL_COLUMNS`` and others.
    """

    def __init__(self, path: Path, manifest: Manifest, trials: pd.DataFrame) -> None:
        self.path = path
        self.manifest = manifest
        self.table = trials.drop(columns="folder")
        self._trials = trials

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return (
            f"<TrialStore {self.path}: {self.manifest.dataset}, "
            f"{say_count(self.table['subject'].nunique(), 'subject')}, "
            f"{say_count(len(self), 'trial')}, {self.manifest.say_streams()}>"
        )

    @cached_property
    def arrays(self) -> StoredArrays:
        """The samples of the trials."""
        return StoredArrays(self.path, self.manifest, self._trials)

    def read_trial(self, stream: Stream, trial: int) -> NDArray[Any]:
        """Return all samples of a trial, its baseline in front, or its frames."""
        if not self._trials[PLACE_COLUMNS[stream][1]].iloc[trial]:
            return np.empty((0, len(self.arrays.channels([stream]))), np.float32)
        return self.arrays.read_trial(stream, trial)

    def read_state(self, trial: int) -> UInt8[np.ndarray, " frame"]:
        """Return the ``FrameState`` of each frame of a trial."""
        if not self._trials[PLACE_COLUMNS[Stream.FACE][1]].iloc[trial]:
            return np.empty(0, np.uint8)
        return self.arrays.read_state(trial)

    def read_trace(self, trial: int) -> Float32[np.ndarray, "sample target"]:
        """Return the ratings of a trial that move with time, from its onset on.

        How often, and of what, says ``manifest.traces``. A trial without any has no
        sample; a sample is NaN where nothing was said.
        """
        return self.arrays.read_trace(trial)

    @property
    def usual_baseline(self) -> Baseline:
        """What is subtracted unless something else is asked for."""
        return "none" if len(self._find_without(1)) else "mean"

    def cut(self, segmenting: Segmenting | None = None) -> SegmentStore:
        """Return the segments of the trials; nothing is copied.

        Parameters
        ----------
        segmenting : Segmenting, optional
            By default seconds, one after the other.

        Raises
        ------
        UserError
            When no trial is as long as a segment, a segment or step is no whole number
            of samples, or a trial lacks the baseline.
        """
        asked = Segmenting() if segmenting is None else segmenting
        longest, shortest = (
            float(find(self._trials["duration_s"])) for find in (max, min)
        )
        if asked.is_whole and longest - shortest <= ROUNDING:
            asked = replace(asked, segment_s=shortest, step_s=shortest)
        asked = replace(asked, baseline=asked.baseline or self.usual_baseline)
        self._check_baseline(asked)
        store = SegmentStore(self.arrays, self._trials, asked)
        if not len(store.table):
            if asked.is_whole:
                raise UserError(f"{self.path}: no trial lasts any time")
            raise UserError(
                f"{asked.length_s:g} s are longer than each trial of {self.path}, of "
                f"which the longest lasts {longest:g} s",
                field="segment",
            )
        return store

    def _find_without(self, n_samples: int) -> pd.DataFrame:
        """Return the trials with EEG or peripherals whose baseline is shorter."""
        lengths = self._trials[[PLACE_COLUMNS[stream][1] for stream in BIO]]
        has = lengths.to_numpy().any(axis=1)
        is_short = (self._trials["n_baseline"] < n_samples).to_numpy()
        return self._trials[has & is_short]

    def _check_baseline(self, asked: Segmenting) -> None:
        if asked.baseline == "none":
            return
        n_samples, what = 1, "seconds before the stimulus"
        if asked.baseline == "waveform":
            n_samples = round(self.manifest.find_rate("sfreq", self.path))
            what = "a whole second before the stimulus"
        short = self._find_without(n_samples)
        if len(short):
            raise UserError(
                f"{asked.baseline} needs {what}, which {len(short)} of "
                f"{len(self._trials)} trials do not have ({name_trials(short, 3)}); "
                "none goes without",
                field="baseline",
            )


def open_store(path: Path) -> TrialStore:
    """Open a folder that ``prepare`` wrote.

    Raises
    ------
    UserError
        When there is no store, none of its subjects is complete, or it is damaged.
    """
    manifest = read_manifest(path)
    if manifest is None:
        raise UserError(f"{path}: no store here (no manifest.json)")
    tables = [read_trial_table(folder, manifest) for folder in _list_subjects(path)]
    if not tables:
        raise UserError(f"{path}: the store holds no subject; was prepare interrupted?")
    return TrialStore(path, manifest, pd.concat(tables, ignore_index=True))


def read_trial_table(folder: Path, manifest: Manifest) -> pd.DataFrame:
    """Read a subject's ``trials.csv``, with a column ``folder``.

    Raises
    ------
    UserError
        When the file cannot be read, lacks a column, or places samples where there are
        none.
    """
    file = folder / "trials.csv"
    table = _read_csv(file)
    columns = list_trial_columns(manifest.streams)
    missing = [column for column in columns if column not in table]
    if missing:
        raise UserError(f"{file}: column {missing[0]} is missing")
    if not len(table):
        raise UserError(f"{file}: has no row")
    if manifest.traces is not None and TRACE_COLUMNS[0] not in table:
        table = table.assign(**dict.fromkeys(TRACE_COLUMNS, 0))
    traced = () if manifest.traces is None else TRACE_COLUMNS
    absent = [column for column in traced if column not in table]
    if absent:
        raise UserError(f"{file}: column {absent[0]} is missing")
    for name in columns:
        _check_column(file, table[name])
    _check_counts(file, table, manifest.streams, traced)
    _check_places(file, table, manifest.streams)
    if traced:
        _check_place(file, table, *traced)
    _check_durations(file, table, manifest)
    return table.assign(folder=folder.name)


def _check_column(file: Path, column: "pd.Series[Any]") -> None:
    """Refuse what ``prepare`` never writes: a text for a number, a nameless trial."""
    name = str(column.name)
    if name in ("subject", "trial", "recording") and column.isna().any():
        raise UserError(f"{file}: a row has no {name}")
    if name not in TEXT_COLUMNS and column.dtype.kind not in "if":
        texts = column[read_numbers(column).isna()].dropna()
        if len(texts):
            raise UserError(f"{file}: column {name} has {quote(str(texts.iloc[0]))}")


def _check_counts(
    file: Path,
    table: pd.DataFrame,
    streams: Iterable[Stream],
    traced: Iterable[str],
) -> None:
    """Refuse what counts nothing: less than none, a part, too many to be there."""
    placed = (name for stream in streams for name in PLACE_COLUMNS[stream])
    for name in ("n_baseline", *placed, *FRAME_COUNTS, *traced):
        counts = table[name].to_numpy()
        is_count = counts.dtype.kind == "i" and counts.min() >= 0
        if not is_count or counts.max() > MOST_SAMPLES:
            raise UserError(f"{file}: column {name} must be a count in each row")


def _check_places(file: Path, table: pd.DataFrame, streams: Iterable[Stream]) -> None:
    """Refuse trials whose samples do not lie one after the other."""
    for first, length, _ in (PLACE_COLUMNS[stream] for stream in streams):
        _check_place(file, table, first, length)


def _check_place(file: Path, table: pd.DataFrame, first: str, length: str) -> None:
    lengths = table[length].to_numpy(dtype=np.int64)
    if not np.array_equal(np.cumsum(lengths) - lengths, table[first]):
        raise UserError(f"{file}: column {first} does not follow from column {length}")


def _check_durations(file: Path, table: pd.DataFrame, manifest: Manifest) -> None:
    """Refuse durations that the samples do not have."""
    lasts_s = read_numbers(table["duration_s"]).to_numpy(dtype=float)
    if not np.all((lasts_s >= 0) & (lasts_s <= LONGEST_S)):
        raise UserError(f"{file}: column duration_s must be seconds in each row")
    before = table["n_baseline"].to_numpy(dtype=np.int64)
    for stream in manifest.streams:
        name = PLACE_COLUMNS[stream][1]
        length = table[name].to_numpy(dtype=np.int64)
        if not length.any():
            continue
        rate = manifest.find_rate(
            "face_fps" if stream.is_at_fps else "sfreq", file.parents[2]
        )
        n_samples = length if stream.is_at_fps else length - before
        if np.any((length > 0) & (np.abs(lasts_s * rate - n_samples) > 1)):
            raise UserError(
                f"{file}: column {name} does not fit column duration_s at {rate:g} Hz"
            )
    if manifest.traces is not None:
        _check_traced(file, table, lasts_s, manifest.traces.rate)


def _check_traced(
    file: Path, table: pd.DataFrame, lasts_s: NDArray[Any], rate: float
) -> None:
    name = TRACE_COLUMNS[1]
    length = table[name].to_numpy(dtype=np.int64)
    if np.any((length > 0) & (np.abs(lasts_s * rate - length) > 1)):
        raise UserError(
            f"{file}: column {name} does not fit column duration_s at {rate:g} Hz"
        )


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
            dtype=dict.fromkeys((*TEXT_COLUMNS, *OPTIONAL_COLUMNS), str),
            float_precision=EXACT,
        )
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    return release_table(table)


def pick_subjects(
    store: TrialStore | SegmentStore, asked: Sequence[str]
) -> tuple[str, ...]:
    """Return subjects as the store names them; ``1`` finds ``01``."""
    known = list(dict.fromkeys(store.table["subject"]))
    by_number = {name.lstrip("0"): name for name in known}
    return tuple(
        pick("subject", by_number.get(name.lstrip("0"), name), known) for name in asked
    )


def digest_store(store: TrialStore | SegmentStore) -> str:
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
