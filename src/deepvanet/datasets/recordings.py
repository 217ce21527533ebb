"""One recording from a signal file, for prediction.

A file that lies in its data set is read as that: DEAP's ``.dat`` and ``.bdf`` hold
all trials of a subject, which the ratings table tells apart; a ``.bdf`` of
MAHNOB-HCI holds one. Everything else is opened as people's own recordings are, with
what a ``recordings.toml`` beside it says: whatever MNE reads, XDF, CSV, Parquet.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepvanet.datasets import deap, deap_original, mahnob
from deepvanet.datasets.declared import Declared, read_declared
from deepvanet.datasets.own_channels import name_channels
from deepvanet.datasets.own_signals import Opened, read_bio
from deepvanet.datasets.signal_files import open_signals
from deepvanet.schema import Channel, Recording, UserError, as_recording


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
    try:
        declared = read_declared(path.parent)
        opened = _open(path, channels, declared)
        found = tuple(c for c in channels if c.name in opened.channels)
        bio = read_bio(opened, found, declared)
    except UserError as error:
        raise UserError(f"--bio {error}") from None
    return Recording(
        subject="",
        name=path.name,
        bio=bio,
        sfreq=opened.main.sfreq,
        channels=found,
        spans=(),
        is_raw=True,
    )


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
