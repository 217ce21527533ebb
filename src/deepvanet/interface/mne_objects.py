"""Signals of a store as objects of MNE-Python: ``to_raw``, ``to_epochs``.

MNE keeps voltages in V and conductance in S; stores have uV and uS. What MNE has no
type of (a pulse wave, a resistance, whether gaze is valid) is ``misc``, in the unit of
the store.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import mne
import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.interface.asking import PathLike, read_path, say_os_errors
from deepvanet.preprocessing.cleaning.electrodes import load_montage
from deepvanet.schema import (
    SIGNALS,
    Channel,
    ChannelType,
    Stream,
    UserError,
    parse_streams,
    pick,
)
from deepvanet.signal_io.units import UNKNOWN, find_si_factor, is_known
from deepvanet.store import Rows, TrialStore, open_store, pick_subjects

EDGE = "EDGE boundary"
"""What MNE calls the place where two recordings were joined; filters stop there."""
MISSING = "BAD_missing"
"""What marks samples that no EEG channel has."""

Note = tuple[float, float, str, dict[str, Any]]
"""An annotation: onset, duration, text, and what else is known."""

_TYPES: Mapping[ChannelType, tuple[str, tuple[str, ...]]] = {
    ChannelType.EEG: ("eeg", ("uV",)),
    ChannelType.EOG: ("eog", ("uV",)),
    ChannelType.EMG: ("emg", ("uV",)),
    ChannelType.ECG: ("ecg", ("uV",)),
    ChannelType.GSR: ("gsr", ("uS",)),
    ChannelType.TEMPERATURE: ("temperature", ("degC", "C")),
    ChannelType.RESPIRATION: ("resp", ("uV",)),
    ChannelType.PUPIL: ("pupil", ()),
    ChannelType.GAZE_POSITION: ("eyegaze", ()),
}
"""MNE's type, and the units whose numbers it takes; others are ``misc``."""


def to_raw(
    store: PathLike | TrialStore, subject: str, *, streams: str = "all"
) -> "mne.io.RawArray":
    """Return all trials of a subject, one after the other, as MNE's ``Raw``.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    subject : str
        As the store names it; ``1`` finds ``01``.
    streams : str
        A stream set; signals of it are taken.

    Returns
    -------
    mne.io.RawArray
        In V and S, with types and, for EEG, positions. Annotations say where each
        stimulus is (``stimulus/NAME``; ``extras`` has its trial and ratings), where its
        baseline is, where two trials were joined, and where samples are missing.

    Raises
    ------
    UserError
        When there is no such subject, or it has no signal of the streams.

    Examples
    --------
    >>> import deepvanet
    >>> raw = deepvanet.to_raw("store", "01", streams="eeg")  # doctest: +SKIP
    >>> raw.compute_psd().plot()  # doctest: +SKIP
    """
    with say_os_errors():
        held = (
            store
            if isinstance(store, TrialStore)
            else open_store(read_path(store, "store"))
        )
    (name,) = pick_subjects(held, [str(subject)])
    wanted = _pick_signals(parse_streams(streams, held.manifest.streams))
    channels = [c for stream in wanted for c in held.arrays.channels([stream])]
    trials = held.table[held.table["subject"] == name]
    blocks, at = [], 0
    notes: list[Note] = []
    sfreq = held.manifest.find_rate("sfreq", held.path)
    for number in trials.index.tolist():
        block = _read_trial(held, number, wanted)
        trial = trials.loc[number]
        if block.shape[1] == 0:
            continue
        if at:
            notes.append((at / sfreq, 0.0, EDGE, {}))
        notes += _describe_trial(trial, block, at, sfreq)
        blocks.append(block)
        at += block.shape[1]
    if not blocks:
        raise UserError(
            f"subject {name} of {held.path} has no signal of {', '.join(wanted)}",
            field="streams",
        )
    data = np.concatenate(blocks, axis=1) * _find_factors(channels)[:, None]
    raw = mne.io.RawArray(data, make_info(channels, sfreq), verbose="error")
    onset, duration, said, extras = zip(*notes, strict=True)
    raw.set_annotations(
        mne.Annotations(onset, duration, list(said), extras=list(extras))
    )
    return raw


def to_epochs(rows: Rows) -> "mne.EpochsArray":
    """Return rows as MNE's ``Epochs``, each segment an epoch.

    Parameters
    ----------
    rows : Rows
        As ``select_rows`` or ``split_rows`` gives them; signals of their streams are
        taken, the baseline subtracted as the rows have it.

    Returns
    -------
    mne.EpochsArray
        In V and S. ``metadata`` is the table of the rows, with ``target``, the label,
        and the columns ``i_window_in_trial``, ``i_start_in_trial`` and
        ``i_stop_in_trial`` that braindecode reads. Events are the classes.

    Raises
    ------
    UserError
        When the rows have no signal, or differ in length.

    Examples
    --------
    >>> import deepvanet
    >>> rows = deepvanet.select_rows("store", streams="eeg")  # doctest: +SKIP
    >>> deepvanet.to_epochs(rows)["high"].average().plot()  # doctest: +SKIP
    """
    wanted = _pick_signals(rows.streams)
    if rows.goal.parts:
        raise UserError("needs rows of one target", field="rows")
    for stream in wanted:
        if len(np.unique(rows.store.count_samples(stream, rows.numbers))) > 1:
            raise UserError("epochs are of one length, got several", field="rows")
    channels = [c for stream in wanted for c in rows.store.channels([stream])]
    data = np.concatenate([rows.read(stream) for stream in wanted], axis=1)
    data = data * _find_factors(channels)[:, None]
    sfreq = rows.store.sfreq
    classes = rows.goal.classes
    code = rows.label.astype(int) + 1 if classes else np.ones(len(rows), int)
    names = dict(enumerate(classes, start=1)) or {1: "segment"}
    event_id = {names[c]: c for c in sorted(set(code.tolist()))}
    n_samples = data.shape[-1]
    place = np.arange(len(rows)) * n_samples
    return mne.EpochsArray(
        data,
        make_info(channels, sfreq),
        np.stack([place, np.zeros_like(place), code], axis=1),
        tmin=0.0,
        event_id=event_id,
        metadata=_describe_rows(rows, sfreq, n_samples),
        baseline=None,
        proj=False,
        verbose="error",
    )


def make_info(channels: Sequence[Channel], sfreq: float) -> Any:
    """Return MNE's ``Info`` of channels, with positions of EEG where they are known."""
    info = mne.create_info(
        [channel.name for channel in channels],
        sfreq,
        [_find_type(channel) for channel in channels],
    )
    if any(channel.type is ChannelType.EEG for channel in channels):
        info.set_montage(
            load_montage(),
            match_case=False,
            on_missing="ignore",
            verbose="error",
        )
    return info


def _pick_signals(streams: Sequence[Stream]) -> list[Stream]:
    found = [stream for stream in streams if stream in SIGNALS]
    if not found:
        pick("signal", "+".join(streams), SIGNALS)
    return found


def _find_type(channel: Channel) -> str:
    kind, units = _TYPES.get(channel.type, ("misc", ()))
    return kind if not units or channel.unit in units else "misc"


def _find_factors(channels: Sequence[Channel]) -> Float[np.ndarray, " channel"]:
    return np.array(
        [
            find_si_factor(c.unit)
            if _find_type(c) in ("eeg", "eog", "emg", "ecg", "gsr", "resp")
            and is_known(c.unit)
            and c.unit != UNKNOWN
            else 1.0
            for c in channels
        ]
    )


def _read_trial(
    store: TrialStore, number: int, streams: Sequence[Stream]
) -> Float[np.ndarray, "channel time"]:
    """Return the samples of a trial, NaN of a stream that it lacks."""
    parts = [store.read_trial(stream, number).astype(float).T for stream in streams]
    n_samples = max(part.shape[1] for part in parts)
    return np.concatenate(
        [
            part
            if part.shape[1] == n_samples
            else np.full((len(store.arrays.channels([stream])), n_samples), np.nan)
            for stream, part in zip(streams, parts, strict=True)
        ]
    )


def _describe_trial(
    trial: "pd.Series[Any]",
    block: Float[np.ndarray, "channel time"],
    at: int,
    sfreq: float,
) -> list[Note]:
    """Return annotations of a trial: its baseline, its stimulus, what is missing."""
    before = min(int(trial["n_baseline"]), block.shape[1])
    about = {
        name: float(trial[name])
        for name in ("valence", "arousal")
        if pd.notna(trial[name])
    }
    notes: list[Note] = []
    if before:
        notes.append((at / sfreq, before / sfreq, "baseline", {}))
    lasts = (block.shape[1] - before) / sfreq
    said = f"stimulus/{trial['stimulus']}"
    extras = {"trial": str(trial["trial"]), **about}
    notes.append(((at + before) / sfreq, lasts, said, extras))
    lost = np.isnan(block).all(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(int), [0]])))
    for first, end in edges.reshape(-1, 2).tolist():
        notes.append(((at + first) / sfreq, (end - first) / sfreq, MISSING, {}))
    return notes


def _describe_rows(rows: Rows, sfreq: float, n_samples: int) -> pd.DataFrame:
    start = np.rint(rows.table["start_s"].to_numpy(dtype=float) * sfreq).astype(int)
    return rows.table.assign(
        target=rows.label,
        i_window_in_trial=rows.table["segment"].to_numpy(),
        i_start_in_trial=start,
        i_stop_in_trial=start + n_samples,
    )
