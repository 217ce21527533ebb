"""Segments: a view of a store's trials. Nothing is copied to disk for it."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Float64, Int, Shaped
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from deepvanet.config import Segmenting
from deepvanet.findings import list_some, say_count
from deepvanet.preprocessing.bio import REPEATED
from deepvanet.preprocessing.windows import WHOLE, WindowGrid
from deepvanet.schema import (
    BIO,
    Channel,
    FrameState,
    Stream,
    TraceFormat,
    UserError,
    pick,
)
from deepvanet.store.arrays import StoredArrays
from deepvanet.store.columns import FRAME_COUNTS, NO_RATINGS, PLACE_COLUMNS
from deepvanet.store.manifest import Manifest
from deepvanet.store.turned import TurnedTrials
from deepvanet.store.windows import lay_windows, tabulate

READ_AT_ONCE = 32
"""Segments that are gathered in one go: few, so that the cache still holds them when
they are turned, and when their baseline is subtracted."""

MAPPED_BYTES = 2**27
"""Of what was read of a store, as much counts as memory of this process."""

KEPT_BYTES = 2**27
"""Of trials that are read again and again, as much is kept: two DEAP subjects."""

TURNED_AT_ONCE = 128
"""Samples of a segment: 32 channels of so many fill half of a processor's L1 cache."""

RowNumbers = Int[np.ndarray, " row"]


class SegmentStore:
    """The segments of all trials of a store; samples stay on disk until rows are read.

    Parameters
    ----------
    arrays : StoredArrays
        The samples of the trials.
    trials : DataFrame
        One row a trial.
    segmenting : Segmenting
        How trials are cut, and what is subtracted from signals.

    Attributes
    ----------
    table : DataFrame
        One row a segment, numbered from 0; columns ``COLUMNS``.
    segmenting : Segmenting
        As given, with a baseline that is named.
    """

    def __init__(
        self, arrays: StoredArrays, trials: pd.DataFrame, segmenting: Segmenting
    ) -> None:
        self.segmenting = segmenting
        self._arrays = arrays
        self._trials = trials
        self._repeated: dict[Stream, tuple[NDArray[Any], NDArray[np.bool_]]] = {}
        self._views: dict[tuple[Stream, int, int], NDArray[Any]] = {}
        self._turned = TurnedTrials(KEPT_BYTES)
        self._n_read = 0
        self._owner, folders = pd.factorize(trials["folder"])
        self._folders = [str(folder) for folder in folders]
        self._length = {
            stream: trials[PLACE_COLUMNS[stream][1]].to_numpy(dtype=np.int64)
            for stream in self.manifest.streams
        }
        self._n_baseline = trials["n_baseline"].to_numpy(dtype=np.int64)
        self._windows = lay_windows(trials, make_grid(segmenting))
        if any(n.any() for stream, n in self._length.items() if not stream.is_at_fps):
            self._windows.grid.check(self.sfreq, "samples")
        self.table = self._tabulate()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        how = self.lines()[0].removeprefix("segments: ")
        return (
            f"<SegmentStore {self.path}: {say_count(len(self), 'segment')}, {how}, "
            f"{self.manifest.say_streams()}>"
        )

    @property
    def path(self) -> Path:
        """Folder of the store."""
        return self._arrays.path

    @property
    def manifest(self) -> Manifest:
        """What all subjects have in common."""
        return self._arrays.manifest

    @property
    def sfreq(self) -> float:
        """Samples a second of the stored signals, in Hz.

        Raises
        ------
        UserError
            When the manifest does not state it.
        """
        return self.manifest.find_rate("sfreq", self.path)

    @property
    def fps(self) -> float:
        """Face images a second.

        Raises
        ------
        UserError
            When the manifest does not state it.
        """
        return self.manifest.find_rate("face_fps", self.path)

    @property
    def is_overlapping(self) -> bool:
        """Whether a segment shares samples with the next."""
        return self._windows.grid.step_s < self._windows.grid.length_s

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a trial, with how many segments it has, and of each stream."""
        names = {"n_segments": np.ones(len(self.table), np.int64)}
        names |= {
            f"n_segments_with_{s}": self.table[f"has_{s}"].to_numpy()
            for s in self.manifest.streams
        }
        n_trials = len(self._trials)
        counted = {
            name: np.bincount(
                self._windows.trial, weights=counts, minlength=n_trials
            ).astype(np.int64)
            for name, counts in names.items()
        }
        made = self._trials.drop(columns="folder")
        for name, counts in counted.items():
            made[name] = counts
        return made

    @cached_property
    def held(self) -> tuple[Stream, ...]:
        """The streams that at least one segment has."""
        streams = self.manifest.streams
        return tuple(s for s in streams if self.table[f"has_{s}"].any())

    @property
    def lost(self) -> pd.DataFrame:
        """The trials that are shorter than a segment."""
        return self._trials.iloc[np.flatnonzero(self._windows.n_segments == 0)]

    def lines(self) -> list[str]:
        """Say what is subtracted, and which trials are lost."""
        made, baseline = self.segmenting, self.segmenting.baseline
        if self._windows.grid.is_whole:
            lasts_s = self.table["duration_s"]
            how = f"whole trials of {lasts_s.min():g} to {lasts_s.max():g} s"
        else:
            how = f"{made.length_s:g} s each {made.step_s:g} s"
        return [f"segments: {how}, baseline: {baseline}", *self.say_lost()]

    def say_lost(self) -> list[str]:
        """Say which trials are lost, if any are."""
        if not len(self.lost):
            return []
        if self._windows.grid.is_whole:
            trials = say_count(len(self.lost), "trial lasts", "trials last")
            return [f"{trials} no time and cannot be read: {name_trials(self.lost)}"]
        length, named = self.segmenting.length_s, name_trials(self.lost)
        trials = say_count(
            len(self.lost),
            f"trial is shorter than a segment of {length:g} s and is",
            f"trials are shorter than a segment of {length:g} s and are",
        )
        return [f"{trials} left out: {named}"]

    @cached_property
    def rating_columns(self) -> tuple[str, ...]:
        """The columns of trials that hold a rating, or another text or number."""
        others = [
            str(name)
            for name in self._trials
            if name not in NO_RATINGS and not str(name).startswith(("n_", "has_"))
        ]
        return tuple(n for n in others if self._trials[n].notna().any())

    def read_ratings(self, name: str) -> NDArray[Any]:
        """Return a rating column of trials, for each segment.

        Raises
        ------
        UserError
            When no trial has it; the columns that there are are named.
        """
        pick("target", name, self.rating_columns)
        return np.asarray(self._trials[name].to_numpy()[self._windows.trial])

    def check_moves(self, name: str) -> None:
        """Refuse a rating that does not move with time in this store.

        Raises
        ------
        UserError
            Which names those that do.
        """
        self._find_moving(name)

    def _find_moving(self, name: str) -> TraceFormat:
        form = self.manifest.traces
        if form is None:
            raise UserError(
                f"trace needs ratings that move with time, and {self.path} holds none: "
                "use --task rating, or prepare recordings that state them",
                field="task",
            )
        pick("target", name, form.targets)
        return form

    def list_traces(self, name: str) -> tuple[list[Float64[np.ndarray, " _"]], float]:
        """Return a rating that moves, of each trial from its onset on, and its rate.

        Raises
        ------
        UserError
            When no rating of that name moves in this store, or a file is damaged.
        """
        form = self._find_moving(name)
        column = form.targets.index(name)
        traces = [
            self._arrays.read_trace(trial)[:, column].astype(np.float64)
            for trial in range(len(self._trials))
        ]
        return traces, form.rate

    def read_traces(
        self, name: str, lags_s: Sequence[float]
    ) -> Float64[np.ndarray, "row lag"]:
        """Return the mean of a rating that moves, over as long as each segment lasts.

        Parameters
        ----------
        name : str
            Of a target whose rating moves.
        lags_s : sequence of float
            How many seconds after the segment that is, from 0 on.

        Returns
        -------
        array, shape (row, lag)
            NaN where less than half of it was rated, or it ends later than the trial.

        Raises
        ------
        UserError
            When no rating of that name moves in this store, or a file is damaged.
        """
        form = self._find_moving(name)
        windows = self._windows
        length = max(1, round(self.segmenting.length_s * form.rate))
        place = windows.segment * windows.grid.step_s
        first = np.rint((place[:, None] + np.array(lags_s)) * form.rate).astype(int)
        found = np.full(first.shape, np.nan)
        for trial, trace in enumerate(self.list_traces(name)[0]):
            rows = windows.rows_of(trial)
            found[rows] = _average_windows(trace, first[rows], length)
        return found

    def channels(self, streams: Iterable[Stream]) -> tuple[Channel, ...]:
        """Return the channels of the streams, in the order of ``bio`` arrays."""
        return self._arrays.channels(streams)

    def rows_with(self, streams: Iterable[Stream]) -> RowNumbers:
        """Return the numbers of the rows that have all of the streams.

        Raises
        ------
        UserError
            When faces are asked for, but a segment is no whole number of frames.
        """
        wanted = tuple(streams)
        if not set(wanted).issubset(self.manifest.streams):
            return np.empty(0, np.int64)
        if any(self._length[stream].any() for stream in wanted if stream.is_at_fps):
            self._windows.grid.check(self.fps, "frames")
        has = self.table[[f"has_{stream}" for stream in wanted]]
        return np.flatnonzero(has.to_numpy(dtype=bool).all(axis=1))

    def read(
        self,
        stream: Stream,
        rows: RowNumbers,
        shift_s: Float64[np.ndarray, " row"] | None = None,
    ) -> NDArray[Any]:
        """Copy rows of one stream into memory, in the order asked for.

        Parameters
        ----------
        shift_s : array, shape (row,), optional
            By how much each starts after its place, in seconds; rounded to whole
            samples of signals, and to whole frames of the face.

        Returns
        -------
        array, shape (row, ...)
            Face (row, frame, height, width, 3) uint8; signals (row, channel, time)
            float32, of EEG and peripheral ones the baseline subtracted.

        Raises
        ------
        ValueError
            When there is no row, one lacks the stream, or they differ in length.
        """
        if not len(rows):
            raise ValueError("no rows asked for")
        first = self._first[stream][rows]
        if np.any(first < 0):
            raise ValueError(f"row {rows[np.argmin(first)]} has no {stream}")
        lengths = self.count_samples(stream, rows)
        if np.any(lengths != lengths[0]):
            raise ValueError("rows that differ in length are read apart")
        length = int(lengths[0])
        shift = self._count_shift(stream, rows, shift_s)
        first = first + shift
        trial = self._windows.trial[rows]
        owner = self._owner[trial]
        if stream.is_images:
            self._count_read(stream, owner, length)
            return np.ascontiguousarray(self._gather(stream, owner, first, length))
        begin = self._start[stream][rows] + shift
        kept = self._read_kept(stream, trial, begin, length)
        if kept is not None:
            return kept
        self._count_read(stream, owner, length)
        shape = self._view(stream, int(owner[0]), length).shape[1:]
        out = np.empty((len(rows), *shape[::-1]), np.float32)
        for start in range(0, len(rows), READ_AT_ONCE):
            few = slice(start, start + READ_AT_ONCE)
            _turn(self._gather(stream, owner[few], first[few], length), out[few])
            self._subtract(stream, trial[few], begin[few], out[few])
        return out

    def _read_kept(
        self, stream: Stream, trial: RowNumbers, begin: RowNumbers, length: int
    ) -> Float32[np.ndarray, "row channel time"] | None:
        """Copy rows of trials that are kept in memory; None where one is not."""
        found = self._turned.gather(stream, trial, begin, length)
        if found is not None:
            return found
        often = self._turned.ask(
            stream,
            trial,
            length,
            lasts=self._count_lasts(stream),
            n_channels=len(self.channels([stream])),
        )
        for one in often:
            self._keep(stream, one)
        if not often:
            return None
        self._arrays.forget()
        self._n_read = 0
        return self._turned.gather(stream, trial, begin, length)

    def _keep(self, stream: Stream, trial: int) -> None:
        """Turn a trial, subtract its baseline, and keep it."""
        before = self._count_before(stream)[trial]
        stored = self._arrays.read_trial(stream, trial)[before:]
        room = self._turned.make_room(stream, trial, len(stored))[None]
        _turn(stored[None], room)
        self._subtract(stream, np.array([trial]), np.zeros(1, np.int64), room)

    def count_samples(self, stream: Stream, rows: RowNumbers) -> RowNumbers:
        """Return how many samples, or frames, rows have of a stream."""
        return np.asarray(self._lengths[stream][rows])

    @cached_property
    def _lengths(self) -> dict[Stream, RowNumbers]:
        """How many samples, or frames, each segment has."""
        return {
            stream: self._windows.measure(self._rate(stream), self._count_lasts(stream))
            for stream in self.manifest.streams
            if self._length[stream].any()
        }

    def _count_lasts(self, stream: Stream) -> Int[np.ndarray, " trial"]:
        """Return how many samples, or frames, of each stimulus are stored."""
        return np.maximum(self._length[stream] - self._count_before(stream), 0)

    def _count_read(self, stream: Stream, owner: RowNumbers, length: int) -> None:
        """Let go of what was read before, when it is much."""
        if self._n_read > MAPPED_BYTES:
            self._arrays.forget()
            self._n_read = 0
        view = self._view(stream, int(owner[0]), length)
        self._n_read += view[0].nbytes * len(owner)

    def read_rest(
        self, stream: Stream, row: int
    ) -> Float32[np.ndarray, "channel time"] | None:
        """Return the baseline before a row's trial, None where none is subtracted."""
        trial = int(self._windows.trial[row])
        if not self._subtracts(stream) or not self._n_baseline[trial]:
            return None
        return np.array(self._cut_rest(stream, trial))

    def _subtracts(self, stream: Stream) -> bool:
        """Say whether a baseline is subtracted: that of EEG and peripheral signals."""
        return stream in BIO and self.segmenting.baseline != "none"

    def _cut_rest(
        self, stream: Stream, trial: int
    ) -> Float32[np.ndarray, "channel time"]:
        """Return the baseline before a trial, without a copy."""
        rest = self._arrays.read_trial(stream, trial)[: self._n_baseline[trial]]
        return np.asarray(rest.T)

    def _gather(
        self, stream: Stream, owner: RowNumbers, first: RowNumbers, length: int
    ) -> Shaped[np.ndarray, "row time *_"]:
        """Copy windows of several subjects, each from its first sample on."""
        subjects = np.unique(owner).tolist()
        views = {one: self._view(stream, one, length) for one in subjects}
        some = next(iter(views.values()))
        if len(views) == 1:
            return np.asarray(some[first])
        kind = np.uint8 if stream.is_images else np.float32
        out = np.empty((len(first), *some.shape[1:]), kind)
        for window, subject, at in zip(
            out, owner.tolist(), first.tolist(), strict=True
        ):
            window[...] = views[subject][at]
        return out

    def _view(
        self, stream: Stream, subject: int, length: int
    ) -> Shaped[np.ndarray, "first time *_"]:
        """Return every window of some length of a subject's array, without a copy."""
        key = stream, subject, length
        if key not in self._views:
            array = self._arrays.map_subject(stream, self._folders[subject])
            windows = sliding_window_view(array, length, axis=0)
            self._views[key] = np.moveaxis(windows, -1, 1)
        return self._views[key]

    def _count_shift(
        self,
        stream: Stream,
        rows: RowNumbers,
        shift_s: Float64[np.ndarray, " row"] | None,
    ) -> RowNumbers:
        """Return shifts in samples or frames, none of which leaves its trial."""
        if shift_s is None:
            return np.zeros(len(rows), np.int64)
        shift = np.rint(shift_s * self._rate(stream)).astype(np.int64)
        before, after = self._spare[stream][:, rows]
        if np.any((shift < -before) | (shift > after)):
            raise ValueError(f"a shifted row leaves the {stream} of its trial")
        return shift

    @cached_property
    def _spare(self) -> dict[Stream, Int[np.ndarray, "2 row"]]:
        """What each segment's trial holds of its stimulus before it, and after it."""
        found = {}
        for stream in self.manifest.streams:
            if not self._length[stream].any():
                continue
            rate = self._rate(stream)
            start = self._windows.place(rate)
            lasts = self._count_lasts(stream)[self._windows.trial]
            found[stream] = np.stack([start, lasts - start - self._lengths[stream]])
        return found

    def _rate(self, stream: Stream) -> float:
        return self.fps if stream.is_at_fps else self.sfreq

    def _subtract(
        self,
        stream: Stream,
        trial: RowNumbers,
        begin: RowNumbers,
        out: Float32[np.ndarray, "row channel time"],
    ) -> None:
        """Subtract each trial's baseline, in the phase of the trial's seconds.

        ``begin`` is the sample of its stimulus at which each row begins.
        """
        if not self._subtracts(stream):
            return
        repeated = self._find_repeated(stream, trial)[trial]
        length = repeated.shape[2]
        if length == 1:  # a mean
            np.subtract(out, repeated, out=out, casting="same_kind")
            return
        waves = _roll(repeated, begin % length)
        for start in range(0, out.shape[2], length):
            part = out[:, :, start : start + length]
            taken = waves[:, :, : part.shape[2]]
            np.subtract(part, taken, out=part, casting="same_kind")

    @cached_property
    def _start(self) -> dict[Stream, RowNumbers]:
        """The sample of its trial's stimulus at which each segment starts."""
        return {
            stream: self._windows.place(self._rate(stream))
            for stream in self.manifest.streams
            if self._length[stream].any()
        }

    def _find_repeated(
        self, stream: Stream, trials: RowNumbers
    ) -> Float64[np.ndarray, "trial channel _"]:
        """Return what is subtracted from each trial, known for those asked for."""
        find, second = REPEATED[str(self.segmenting.baseline)], round(self.sfreq)
        if stream not in self._repeated:
            n_channels = len(self.channels([stream]))
            length = find(np.zeros((1, second)), second).shape[1]
            shape = (len(self._trials), n_channels, length)
            self._repeated[stream] = np.empty(shape), np.zeros(shape[0], dtype=bool)
        repeated, is_known = self._repeated[stream]
        for one in np.unique(trials[~is_known[trials]]).tolist():
            rest = self._cut_rest(stream, one).astype(np.float64)
            repeated[one] = find(rest, second)
            is_known[one] = True
        return repeated

    @cached_property
    def _first(self) -> dict[Stream, RowNumbers]:
        """Where each segment starts in its subject's array; -1 where it has none."""
        found = {}
        for stream in self.manifest.streams:
            names = PLACE_COLUMNS[stream]
            has = self.table[f"has_{stream}"].to_numpy(dtype=bool)
            if not has.any():
                found[stream] = np.full(len(has), -1)
                continue
            before = self._trials[names[0]].to_numpy(dtype=np.int64)
            if not stream.is_at_fps:
                before = before + self._n_baseline
            start = before[self._windows.trial] + self._windows.place(
                self._rate(stream)
            )
            found[stream] = np.where(has, start, -1)
        return found

    def _tabulate(self) -> pd.DataFrame:
        has, missing = {}, {}
        for stream in self.manifest.signals:
            has[stream], missing[stream] = self._find_signals(stream)
        has[Stream.FACE], counts = self._find_faces()
        return tabulate(
            self._trials, self._windows, has=has, missing=missing, counts=counts
        )

    def _find_signals(
        self, stream: Stream
    ) -> tuple[NDArray[np.bool_], Float64[np.ndarray, " row"]]:
        """Return which segments have a stream, and the share of it that is missing.

        Only trials in which something is missing are read.
        """
        windows = self._windows
        if windows.grid.find_obstacle(self._rate(stream))[0]:
            nothing = np.zeros(len(windows.trial))
            return nothing.astype(bool), nothing
        fits = self._fit(stream)
        missing = np.zeros(len(windows.trial))
        has = fits.copy()
        n_missing = self._trials[PLACE_COLUMNS[stream][2]].to_numpy()
        looked_at = np.flatnonzero((n_missing > 0) & (windows.n_segments > 0))
        for trial in looked_at.tolist():
            rows = windows.rows_of(trial)
            rows = rows[fits[rows]]
            if not len(rows):
                continue
            share = self._measure_missing(stream, trial, rows)
            there = np.mean(share <= self.manifest.find("most_missing"), axis=1)
            has[rows] = there >= self.manifest.find("least_channels")
            missing[rows] = share.mean(axis=1).round(4)
        return has, missing

    def _count_before(self, stream: Stream) -> NDArray[np.int64]:
        """Return how many samples lie before each stimulus."""
        return np.zeros_like(self._n_baseline) if stream.is_at_fps else self._n_baseline

    def _fit(self, stream: Stream) -> NDArray[np.bool_]:
        """Return which segments lie within what is stored of their trial."""
        windows = self._windows
        if not self._length[stream].any():
            return np.zeros(len(windows.trial), dtype=bool)
        end = windows.place(self._rate(stream)) + self._lengths[stream]
        lasts = self._count_lasts(stream)[windows.trial]
        return np.asarray((lasts > 0) & (end <= lasts))

    def _measure_missing(
        self, stream: Stream, trial: int, rows: RowNumbers
    ) -> Float64[np.ndarray, "row channel"]:
        """Return the share of samples that are missing, the baseline subtracted."""
        before = self._count_before(stream)[trial]
        samples = self._arrays.read_trial(stream, trial)[before:]
        known = np.isfinite(samples)
        if self._subtracts(stream):
            repeated = self._find_repeated(stream, np.array([trial]))[trial]
            repeated = np.isfinite(repeated).T
            known &= repeated[np.arange(len(known)) % len(repeated)]
        counted = np.zeros((len(known) + 1, known.shape[1]), np.int64)
        np.cumsum(known, axis=0, out=counted[1:])
        length = self._lengths[stream][rows]
        start = self._windows.place(self._rate(stream))[rows]
        n_known = counted[start + length] - counted[start]
        return np.asarray(1 - n_known / length[:, None])

    def _find_faces(self) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.int64]]]:
        """Return which segments have a face, and their frames by state.

        Only trials whose frames differ in state are read.
        """
        n_rows = len(self._windows.trial)
        counts = {name: np.zeros(n_rows, np.int64) for name in FRAME_COUNTS}
        n_frames = self._length[Stream.FACE]
        nothing = np.zeros(n_rows, dtype=bool)
        if not n_frames.any() or self._windows.grid.find_obstacle(self.fps)[0]:
            return nothing, counts
        has = self._fit(Stream.FACE)
        length = self._lengths[Stream.FACE]
        start = self._windows.place(self.fps)
        found = self._trials["n_faces_found"].to_numpy()
        whole = (found == n_frames)[self._windows.trial] & has
        counts["n_faces_found"][whole] = length[whole]
        for trial in np.flatnonzero((found != n_frames) & (n_frames > 0)).tolist():
            rows = self._windows.rows_of(trial)
            rows = rows[has[rows]]
            state = self._arrays.read_state(trial)
            for name, kind in FRAME_COUNTS.items():
                counts[name][rows] = _count(state == kind, start[rows], length[rows])
            lost = _count(state == FrameState.LOST, start[rows], length[rows])
            has[rows] = lost == 0
        return has, counts

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is quickly found again behind when sent to another process."""
        left = {"_repeated": {}, "_views": {}, "_turned": TurnedTrials(KEPT_BYTES)}
        return {**self.__dict__, **left}


def _average_windows(
    values: Float64[np.ndarray, " sample"],
    first: Int[np.ndarray, "row lag"],
    length: int,
) -> Float64[np.ndarray, "row lag"]:
    """Return means of what is known in windows, NaN of those that are half unknown."""
    known = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counted = np.concatenate([[0], np.cumsum(known)])
    is_within = first + length <= len(values)
    start = np.where(is_within, first, 0)
    stop = np.where(is_within, first + length, 0)
    n_known = counted[stop] - counted[start]
    enough = is_within & (2 * n_known >= length)
    return np.where(
        enough, (total[stop] - total[start]) / np.maximum(n_known, 1), np.nan
    )


def _turn(
    found: Float[np.ndarray, "row time channel"],
    out: Float32[np.ndarray, "row channel time"],
) -> None:
    """Put channels before time, in pieces that the processor's cache holds."""
    for start in range(0, found.shape[1], TURNED_AT_ONCE):
        few = slice(start, start + TURNED_AT_ONCE)
        out[:, :, few] = found[:, few].swapaxes(1, 2)


def _roll(
    waves: Float64[np.ndarray, "row channel phase"], phase: RowNumbers
) -> Float64[np.ndarray, "row channel phase"]:
    """Return waveforms that begin at a phase each."""
    if not phase.any():
        return waves
    out = np.empty_like(waves)
    for rolled, wave, at in zip(out, waves, phase.tolist(), strict=True):
        rolled[:, : wave.shape[1] - at] = wave[:, at:]
        rolled[:, wave.shape[1] - at :] = wave[:, :at]
    return out


def make_grid(segmenting: Segmenting) -> WindowGrid:
    """Return the windows that are cut, ``WHOLE`` where each trial is one."""
    if segmenting.is_whole:
        return WHOLE
    return WindowGrid(float(segmenting.length_s), float(segmenting.step_s))


def _count(
    flag: NDArray[np.bool_], start: RowNumbers, length: RowNumbers
) -> NDArray[np.int64]:
    """Count in each window the samples for which something holds."""
    counted = np.concatenate([[0], np.cumsum(flag)])
    return np.asarray(counted[start + length] - counted[start])


def name_trials(trials: pd.DataFrame, most: int = 5) -> str:
    """Name a few trials.

    Examples
    --------
    >>> name_trials(pd.DataFrame({"subject": ["01", "01"], "trial": ["1", "2"]}), 1)
    'subject 01 trial 1 and 1 more'
    """
    pairs = zip(trials["subject"], trials["trial"], strict=True)
    return list_some([f"subject {s} trial {trial}" for s, trial in pairs], most)
