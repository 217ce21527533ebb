"""One recording from a signal file, for prediction.

A file that lies in its data set is read as that: DEAP's ``.dat`` and ``.bdf`` hold
all trials of a subject, as does a ``.mat`` of AMIGOS; a ``.bdf`` of MAHNOB-HCI holds
one. Everything else is opened as people's own recordings are, with what a
``recordings.toml`` beside it says: whatever MNE reads, XDF, CSV, Parquet.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.datasets import amigos, deap, deap_original, mahnob
from deepvanet.datasets.declared import Declared, read_declared
from deepvanet.datasets.own_channels import name_channels
from deepvanet.datasets.own_signals import Opened, read_bio
from deepvanet.datasets.signal_files import Signals, open_signals
from deepvanet.schema import Channel, Recording, UserError, as_recording

Bio = Float[np.ndarray, "channel time"]


@dataclass(frozen=True)
class SignalSource:
    """Signals of one person that can be read in parts.

    Attributes
    ----------
    n_samples : int
        Length at ``sfreq``, in samples.
    read : callable
        From the first sample to the one before the last, in the units of
        ``channels``.
    file : Signals
        The opened file, which knows its markers.
    """

    channels: tuple[Channel, ...]
    sfreq: float
    n_samples: int
    read: Callable[[int, int], Bio]
    file: Signals


def open_source(path: Path, *, channels: Sequence[Channel]) -> SignalSource | None:
    """Open a signal file that nobody needs to hold as a whole, or return None.

    None is a file of a data set, which ``read_recording`` reads: its trials lie where
    that data set says.

    Parameters
    ----------
    channels : sequence of Channel
        Found by name, whatever the case.

    Raises
    ------
    UserError
        When the file cannot be read.
    """
    if not path.is_file():
        raise UserError(f"--bio {path}: no such file")
    is_known = path.suffix.lower() == ".dat" or deap_original.holds(path)
    is_known = is_known or amigos.holds(path)
    if is_known or mahnob.find_session(path) is not None:
        return None
    return _open_signals(path, channels)


def read_recording(
    path: Path, *, channels: Sequence[Channel], trial: str | None = None
) -> Recording:
    """Read the channels that a signal file has among those asked for, in that order.

    A trial of a data set comes as a recording of one span; of any other file nobody
    knows what was shown when, or whether it was filtered: it counts as raw.

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
        named = _name_trial(path, trial)
        return _pick_channels(as_recording(deap.read_trial(path, named)), channels)
    if deap_original.holds(path):
        named = _name_trial(path, trial)
        return _pick_channels(deap_original.read_trial(path, named), channels)
    if amigos.holds(path):
        named = _name_trial(path, trial)
        return _pick_channels(amigos.read_trial(path, named), channels)
    if trial is not None:
        raise UserError(f"--trial {trial}: {path} holds one recording, not trials")
    session = mahnob.find_session(path)
    if session is not None:
        return _pick_channels(mahnob.read_recording(session), channels)
    return _read_signals(path, channels)


def _name_trial(path: Path, trial: str | None) -> str:
    if trial is None:
        raise UserError(f"--trial: {path} holds several trials, name one, as 1")
    return trial


def _pick_channels(recording: Recording, channels: Sequence[Channel]) -> Recording:
    order = [c for c in channels if c in recording.channels]
    index = [recording.channels.index(c) for c in order]
    return replace(recording, bio=recording.bio[index], channels=tuple(order))


def _read_signals(path: Path, channels: Sequence[Channel]) -> Recording:
    source = _open_signals(path, channels)
    return Recording(
        subject="",
        name=path.name,
        bio=source.read(0, source.n_samples),
        sfreq=source.sfreq,
        channels=source.channels,
        spans=(),
        is_raw=True,
    )


def _open_signals(path: Path, channels: Sequence[Channel]) -> SignalSource:
    with _name_option():
        declared = read_declared(path.parent)
        opened = _open(path, channels, declared)
    found = tuple(c for c in channels if c.name in opened.channels)

    def read(start: int, stop: int) -> Bio:
        with _name_option():
            return read_bio(opened, found, declared, start=start, stop=stop)

    main = opened.main
    return SignalSource(found, main.sfreq, main.n_samples, read, main)


@contextmanager
def _name_option() -> Iterator[None]:
    """Say which option named the file that a sentence is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"--bio {error}") from None


def _open(path: Path, channels: Sequence[Channel], declared: Declared) -> Opened:
    signals = open_signals(path, declared)
    opened = Opened((signals,), 0.0, (name_channels(signals, channels, declared),))
    if not opened.channels:
        wanted = ", ".join(c.name for c in channels[:6])
        got = ", ".join(signals.labels[:6])
        raise UserError(
            f"{path}: none of the channels the bundle needs ({wanted} ...), got "
            f"{got + ' ...' if got else 'no channel'}"
        )
    return opened
