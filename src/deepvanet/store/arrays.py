"""The arrays of a store: mapped into memory, a subject and stream at a time."""

import mmap as mapping
from collections.abc import Iterable
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from deepvanet.preprocessing.cleaning.filters import restore_rate
from deepvanet.schema import Channel, Stream, UserError
from deepvanet.store.columns import PLACE_COLUMNS, TRACE_COLUMNS
from deepvanet.store.manifest import Manifest
from deepvanet.store.writing import FACE_STATE, TRACES

_LEAVE: int | None = getattr(mapping, "MADV_DONTNEED", None)
"""Advice to the system: pages of a mapped file are not needed. Not on Windows."""


class StoredArrays:
    """What the subjects' folders hold; it stays on disk until it is read.

    Parameters
    ----------
    path : Path
        The store.
    manifest : Manifest
        Names the channels.
    trials : DataFrame
        One row a trial, columns ``TRIAL_COLUMNS``; subjects one after the other.
    """

    def __init__(self, path: Path, manifest: Manifest, trials: pd.DataFrame) -> None:
        self.path = path
        self.manifest = manifest
        self._folder = trials["folder"].to_numpy()
        self._place = {
            stream: trials[list(PLACE_COLUMNS[stream][:2])].to_numpy(dtype=np.int64)
            for stream in manifest.streams
        }
        if manifest.traces is not None:
            self._traces = trials[list(TRACE_COLUMNS)].to_numpy(dtype=np.int64)
        self._mapped: dict[tuple[str, str], NDArray[Any]] = {}

    def channels(self, streams: Iterable[Stream]) -> tuple[Channel, ...]:
        """Return the channels of the streams, in the order of ``bio`` arrays."""
        wanted = tuple(streams)
        return tuple(c for c in self.manifest.channels if c.stream in wanted)

    def read_trial(self, stream: Stream, trial: int) -> NDArray[Any]:
        """Return all samples of a trial, or its frames, without a copy."""
        return self._cut(self.map_subject(stream, self._folder[trial]), stream, trial)

    def read_state(self, trial: int) -> UInt8[np.ndarray, " frame"]:
        """Return the state of each frame of a trial.

        Raises
        ------
        UserError
            When the file does not fit the table, or cannot be read.
        """
        subject = self._folder[trial]
        if (subject, FACE_STATE) not in self._mapped:
            states = _map(self.path / "subjects" / subject / FACE_STATE)
            n_frames = self._count(Stream.FACE, subject)
            if states.shape != (n_frames,) or states.dtype != np.uint8:
                raise UserError(
                    f"{self.path / 'subjects' / subject / FACE_STATE}: holds "
                    f"{states.dtype} of shape {states.shape}; trials.csv says "
                    f"{n_frames} frames"
                )
            self._mapped[subject, FACE_STATE] = states
        return self._cut(self._mapped[subject, FACE_STATE], Stream.FACE, trial)

    def read_trace(self, trial: int) -> Float32[np.ndarray, "sample target"]:
        """Return the ratings of a trial that move with time.

        Raises
        ------
        UserError
            When the file does not fit the table, or cannot be read.
        """
        form, subject = self.manifest.traces, self._folder[trial]
        n_targets = 0 if form is None else len(form.targets)
        first, length = (0, 0) if form is None else self._traces[trial]
        if not length:
            return np.empty((0, n_targets), np.float32)
        if (subject, TRACES) not in self._mapped:
            file = self.path / "subjects" / subject / TRACES
            traces = _map(file)
            n_samples = int(self._traces[self._folder == subject, 1].sum())
            if traces.shape != (n_samples, n_targets) or traces.dtype != np.float32:
                raise UserError(
                    f"{file}: holds {traces.dtype} of shape {traces.shape}; the "
                    f"store's tables say {n_samples} samples of {n_targets} targets"
                )
            self._mapped[subject, TRACES] = traces
        return self._mapped[subject, TRACES][first : first + length]

    def map_subject(self, stream: Stream, subject: str) -> NDArray[Any]:
        """Return a subject's array, whose shape has to fit the table.

        Raises
        ------
        UserError
            When it does not, or cannot be read.
        """
        key = subject, f"{stream}.npy"
        if key not in self._mapped:
            file = self.path / "subjects" / subject / key[1]
            array = _map(file)
            self._check(file, array, stream, subject)
            if stream in self.manifest.factors:
                array = self._restore(array, stream, subject)
            self._mapped[key] = array
        return self._mapped[key]

    def _restore(
        self, kept: NDArray[Any], stream: Stream, subject: str
    ) -> NDArray[Any]:
        """Return a subject's samples at the rate of the others, trial by trial."""
        factor, at = self.manifest.factors[stream], 0
        lengths = self._place[stream][self._folder == subject, 1].tolist()
        restored = [kept[:0]]
        for length in lengths:
            n_kept = -(-length // factor)
            restored.append(restore_rate(kept[at : at + n_kept], factor, length))
            at += n_kept
        return np.concatenate(restored)

    def forget(self) -> None:
        """Let go of what was read, which the system keeps while it has room."""
        for array in self._mapped.values():
            _forget(array)

    def _cut(self, array: NDArray[Any], stream: Stream, trial: int) -> NDArray[Any]:
        first, length = self._place[stream][trial]
        return array[first : first + length]

    def _count(self, stream: Stream, subject: str) -> int:
        return int(self._place[stream][self._folder == subject, 1].sum())

    def _check(
        self, file: Path, array: NDArray[Any], stream: Stream, subject: str
    ) -> None:
        factor = self.manifest.factors.get(stream, 1)
        lengths = self._place[stream][self._folder == subject, 1]
        n_samples = int((-(-lengths // factor)).sum())
        n_channels = len(self.channels((stream,)))
        if stream.is_images:
            is_right = array.ndim == 4 and array.dtype == np.uint8
        else:
            is_right = array.ndim == 2 and array.dtype.kind == "f"
            is_right = is_right and array.shape[1] == n_channels
        if not is_right or len(array) != n_samples:
            what = (
                f"{n_samples} images"
                if stream.is_images
                else f"{n_samples} samples of {n_channels} channels"
            )
            raise UserError(
                f"{file}: holds {array.dtype} of shape {array.shape}; the store's "
                f"tables say {what}"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memory maps behind when sent to another process."""
        return {**self.__dict__, "_mapped": {}}


def _forget(array: NDArray[Any]) -> None:
    """Leave the pages of a mapped file; where they are needed, they come again."""
    held: Any = array
    while isinstance(held, np.ndarray):
        held = held.base
    if isinstance(held, mmap) and _LEAVE is not None:
        held.madvise(_LEAVE)


def _map(file: Path) -> NDArray[Any]:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # noqa: BLE001  NumPy raises all kinds
        raise UserError(f"{file}: cannot be read: {error}") from None
    return np.asarray(array)
