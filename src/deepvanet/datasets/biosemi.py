"""Recordings of BioSemi's amplifiers, in BDF, as the data sets give them out.

MNE opens them, whatever their headers lack: genuine ones leave the number of
records at -1, and some have channels without a label.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from deepvanet.schema import UserError

BLOCK_S = 60.0  # read at once: an hour is held as single numbers, not as double
_VOLTS = {"V": 1.0, "mV": 1e-3, "µV": 1e-6, "uV": 1e-6, "nV": 1e-9}


@dataclass(frozen=True)
class SignalsFile:
    """A recording that was opened and not yet read.

    Attributes
    ----------
    labels : tuple of str
        Of all channels; the last one is the status.
    """

    path: Path
    raw: Any
    labels: tuple[str, ...]

    @property
    def sfreq(self) -> float:
        """Samples a second, in Hz."""
        return float(self.raw.info["sfreq"])

    @property
    def n_samples(self) -> int:
        """Length of the recording."""
        return int(self.raw.n_times)


def open_signals(path: Path) -> SignalsFile:
    """Open a recording, or raise ``UserError``; what it holds is not looked at."""
    import mne

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with _explain(path), warnings.catch_warnings():
        # what a header lacks or contradicts shows in what is read
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw_bdf(path, preload=False, verbose="ERROR")
    return SignalsFile(path, raw, tuple(name.strip() for name in raw.ch_names))


def read_status(file: SignalsFile) -> Int[np.ndarray, " time"]:
    """Return the numbers of the status channel, the last one of two.

    MNE keeps the lower 17 bits; above them stand the battery and whether the
    reference is in range.
    """
    with _explain(file.path):
        read = file.raw.get_data(picks=[len(file.labels) - 1])[0]
    status: Int[np.ndarray, " time"] = np.rint(read).astype(np.int64)
    return status


def read_signals(
    file: SignalsFile,
    picks: Sequence[int],
    *,
    in_microvolts: Sequence[bool],
    mixing: Float[np.ndarray, "channel pick"] | None = None,
) -> Float32[np.ndarray, "channel time"]:
    """Read channels, or sums of them, a minute at a time.

    Parameters
    ----------
    picks : sequence of int
        Numbers of the file's channels.
    in_microvolts : sequence of bool
        Which of them are voltages; the others keep the numbers of the file.
    mixing : array, optional
        What to multiply them with.
    """
    scale = np.array(
        [
            _find_scale(file, pick, in_microvolts=wanted)
            for pick, wanted in zip(picks, in_microvolts, strict=True)
        ]
    )
    mixing = np.eye(len(picks)) if mixing is None else mixing
    bio = np.empty((len(mixing), file.n_samples), np.float32)
    length = round(BLOCK_S * file.sfreq)
    for start in range(0, file.n_samples, length):
        with _explain(file.path):
            block = file.raw.get_data(
                picks=list(picks), start=start, stop=start + length
            )
        bio[:, start : start + length] = (mixing * scale) @ block
    return bio


def _find_scale(file: SignalsFile, index: int, *, in_microvolts: bool) -> float:
    """Return what turns MNE's numbers into microvolts, or into those of the file."""
    unit = file.raw._orig_units[file.raw.ch_names[index]]
    if unit not in _VOLTS:
        return 1.0
    return 1e6 if in_microvolts else 1 / _VOLTS[unit]


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    """Say in one sentence why MNE cannot read a recording."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  MNE raises all kinds on bad files
        said = str(error).strip() or type(error).__name__
        reason = said.splitlines()[0].partition(". ")[0].removesuffix(".")
        raise UserError(f"{path}: not a BDF that can be read: {reason}") from None
