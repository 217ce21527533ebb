"""One recording from a signal file, for prediction.

A DEAP ``.dat`` holds all trials of a subject, in order of *experiment*; its
trials are found through the ratings table of the data set it lies in. Everything
else is opened by MNE: BDF, EDF, FIF, BrainVision, EEGLAB.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from deepvanet.datasets import deap
from deepvanet.schema import Channel, ChannelType, UserError

_MICROVOLTS = {ChannelType.EEG, ChannelType.EOG, ChannelType.EMG, ChannelType.ECG}


@dataclass(frozen=True)
class Recording:
    """Signals of some channels, one after another in the order asked for.

    Attributes
    ----------
    bio : array, shape (channel, time)
        In the units of ``channels``.
    channels : tuple of Channel
        Those asked for that the file has.
    stimulus_s : float
        When a stimulus starts that the file is known to hold, else 0.
    video : Path | None
        The face video that is known to belong to it.
    fps : float | None
        The true rate of that video, where its container cannot be trusted.
    """

    bio: Float[np.ndarray, "channel time"]
    channels: tuple[Channel, ...]
    sfreq: float
    stimulus_s: float
    video: Path | None = None
    fps: float | None = None


def read_recording(
    path: Path, *, channels: Sequence[Channel], trial: str | None = None
) -> Recording:
    """Read the channels that a signal file has among those asked for.

    Parameters
    ----------
    channels : sequence of Channel
        Found by name, whatever the case.
    trial : str, optional
        Which trial, where the file holds several.

    Raises
    ------
    UserError
        When the file cannot be read, or ``trial`` does not fit it.
    """
    if not path.is_file():
        raise UserError(f"--bio {path}: no such file")
    if path.suffix.lower() == ".dat":
        return _read_deap(path, channels, trial)
    if trial is not None:
        raise UserError(f"--trial {trial}: {path} holds one recording, not trials")
    return _read_with_mne(path, channels)


def _read_deap(path: Path, channels: Sequence[Channel], trial: str | None) -> Recording:
    if trial is None:
        raise UserError(f"--trial: {path} holds several trials, name one, as 1")
    found = deap.read_trial(path, trial)
    order = [c for c in channels if c in found.channels]
    return Recording(
        bio=found.bio[[found.channels.index(c) for c in order]],
        channels=tuple(order),
        sfreq=found.sfreq,
        stimulus_s=found.baseline_s,
        video=found.video,
        fps=found.fps,
    )


def _read_with_mne(path: Path, channels: Sequence[Channel]) -> Recording:
    with _explain(path):
        raw = _open_with_mne(path)
    by_name = {name.lower(): name for name in raw.ch_names}
    found = tuple(c for c in channels if c.name.lower() in by_name)
    if not found:
        wanted = ", ".join(c.name for c in channels[:6])
        got = ", ".join(raw.ch_names[:6])
        raise UserError(
            f"--bio {path}: none of the channels the bundle needs ({wanted} ...), got "
            f"{got + ' ...' if got else 'no channel'}"
        )
    with _explain(path):
        picked = raw.get_data(picks=[by_name[c.name.lower()] for c in found])
    # MNE gives volts
    scale = np.array([1e6 if c.type in _MICROVOLTS else 1.0 for c in found])
    return Recording(
        bio=picked * scale[:, None],
        channels=found,
        sfreq=float(raw.info["sfreq"]),
        stimulus_s=0.0,
    )


def _open_with_mne(path: Path) -> Any:
    import mne

    with warnings.catch_warnings():
        # what a file's header lacks is MNE's business, not the reader's
        warnings.simplefilter("ignore")
        return mne.io.read_raw(path, preload=False, verbose="ERROR")


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    """Say in one sentence why MNE cannot read a file."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  MNE raises all kinds on bad files
        said = str(error).strip() or "not a format that MNE knows"
        reason = said.splitlines()[0].partition(". ")[0]
        raise UserError(f"--bio {path}: cannot be read: {reason}") from None
