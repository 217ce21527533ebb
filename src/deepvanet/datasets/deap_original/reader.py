"""DEAP as it was recorded: one hour of raw signals a subject [1]_.

Read as downloaded, nothing renamed::

    data_original/s01.bdf                 512 Hz, in order of *trial*
    metadata_csv/participant_ratings.csv  ratings; experiment <-> trial
    face_video/s01/s01_trial01.avi        in order of *trial*; subjects 1-22

Two laboratories recorded it. Twente (s01 to s22) wrote its electrodes in another
order than Geneva, and the skin's conductance in nS instead of its resistance in
Ohm. Here all have the channels of :mod:`deepvanet.datasets.deap.reader`, and trials and
stimuli have the names that they have there.

References
----------
.. [1] Koelstra et al. (2012). DEAP: a database for emotion analysis using
   physiological signals. IEEE Trans. Affective Computing 3(1), 18-31.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from deepvanet.datasets.channel_facts import (
    ChannelLevel,
    measure_level,
    report_levels,
)
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap.reader import RatingsRow
from deepvanet.datasets.deap_original.events import (
    SFREQ,
    Events,
    find_events,
    place_trials,
)
from deepvanet.datasets.file_trials import pick_trial
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import ChannelType, Recording, UserError
from deepvanet.signal_io.raw_files import RawFile, open_raw

IS_RAW = True
CHANNELS = deap.CHANNELS
OPEN_NS = 1.0
"""A conductance as low as this (1 GOhm) is no skin's: the electrodes lost it."""

TWENTE = deap.SUBJECTS[:22]
"""Subjects recorded in Twente; the others were recorded in Geneva."""
_TWENTE_EEG = """
    Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz
    O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz
"""
TWENTE_EEG = tuple(_TWENTE_EEG.split())
OTHERS = (
    *("EXG1", "EXG2", "EXG3", "EXG4", "EXG5", "EXG6", "EXG7", "EXG8"),
    *("GSR1", "GSR2", "Erg1", "Erg2", "Resp", "Plet", "Temp"),
)
"""What follows the EEG in every file; GSR2 and both Erg were not used."""
SOURCES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in GENEVA_EEG},
    "hEOG": ("EXG1", "EXG2"),
    "vEOG": ("EXG3", "EXG4"),
    "zEMG": ("EXG5", "EXG6"),
    "tEMG": ("EXG7", "EXG8"),
    "GSR": ("GSR1",),
    "Respiration": ("Resp",),
    "Plethysmograph": ("Plet",),
    "Temperature": ("Temp",),
}
"""What each of ``CHANNELS`` is made of: one signal, or the difference of two."""
WANTED = tuple(
    (label, row, sign)
    for row, channel in enumerate(CHANNELS)
    for label, sign in zip(SOURCES[channel.name], (1, -1), strict=False)
)
"""Label of each signal that is read, its row among ``CHANNELS``, and its sign."""

GSR = [c.type for c in CHANNELS].index(ChannelType.GSR)
_SIGNALS = re.compile(r"s(\d\d)\.bdf")
_STATUS = re.compile(r"status.*|-?\d*", re.IGNORECASE)


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "deap-original")


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have raw signals, "01" to "32" at most.

    Raises
    ------
    UserError
        When the folder is missing, is not DEAP, or holds no subject.
    """
    return deap.find_subjects(root, signals_file)


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Check and read one subject's files; one recording holds all trials.

    Raises
    ------
    UserError
        When a file is missing or not as documented.
    """
    path = signals_file(root, subject)
    rows = select_ratings(root, subject)
    videos = deap.list_videos(root, subject)
    file = open_raw(path)
    check_signals(file)
    spans, notes = place_trials(path, read_events(file), rows, videos)
    bio, _ = read_bio(file, in_siemens=subject in TWENTE)
    recording = Recording(
        subject=subject,
        name=path.stem,
        bio=bio,
        sfreq=SFREQ,
        channels=CHANNELS,
        spans=spans,
        is_raw=IS_RAW,
        notes=(*notes, *_describe_gaps(bio[GSR])),
    )
    return iter([recording])


def holds(path: Path) -> bool:
    """Say whether a file is a subject's raw signals in a copy of DEAP."""
    match = _SIGNALS.fullmatch(path.name)
    root = path.absolute().parent.parent
    is_in_place = match is not None and signals_file(root, match[1]) == path.absolute()
    return is_in_place and deap.ratings_file(root).is_file()


def read_file(path: Path, trial: str | None) -> Recording:
    """Read a recording that lies in its data set, with the span of one trial.

    Parameters
    ----------
    path : Path
        As ``DEAP/data_original/s01.bdf``.
    trial : str
        Its place in the order of viewing, from 1.

    Raises
    ------
    UserError
        When the data set around the file cannot be read or has no such trial.
    """
    root, subject = path.absolute().parents[1], path.stem.lower().removeprefix("s")
    (recording,) = read_recordings(root, subject)
    spans = {span.trial: span for span in recording.spans}
    return replace(recording, spans=(pick_trial(path, trial, spans),))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return [
        signals_file(root, subject),
        deap.ratings_file(root),
        *deap.list_videos(root, subject).values(),
    ]


def signals_file(root: Path, subject: str) -> Path:
    """Return where a subject's raw signals lie."""
    return root / "data_original" / f"s{subject}.bdf"


def list_eeg(subject: str) -> tuple[str, ...]:
    """Return the electrodes in the order of the subject's laboratory."""
    return TWENTE_EEG if subject in TWENTE else GENEVA_EEG


def select_ratings(root: Path, subject: str) -> list[RatingsRow]:
    """Return a subject's rows of the ratings table in viewing order.

    Raises
    ------
    UserError
        When there is none, or their trials are not numbered from 1 on, as the
        stimuli in the recording are.
    """
    rows = deap.list_ratings(root, subject)
    found = [row.number("Trial") for row in rows]
    if not rows or found != list(range(1, len(rows) + 1)):
        listed = ", ".join(map(str, found)) or "none"
        raise UserError(
            f"{deap.ratings_file(root)}: the Trials of Participant_id {int(subject)} "
            f"must be 1, 2, 3 and so on, as {signals_file(root, subject).name} holds "
            f"them, got {listed}"
        )
    return rows


def check_signals(file: RawFile) -> None:
    """Raise ``UserError`` for a recording of another rate or other channels.

    Raises
    ------
    UserError
        When the rate differs, the last channel is not the status, or a signal is
        missing.
    """
    if file.sfreq != SFREQ:
        raise UserError(
            f"{file.path}: raw signals come at {SFREQ:g} Hz, got {file.sfreq:g} Hz"
        )
    if not _STATUS.fullmatch(file.labels[-1]):
        raise UserError(
            f"{file.path}: the last channel must be the status, got {file.labels[-1]!r}"
        )
    there = [label.lower() for label in file.labels]
    absent = [label for label, *_ in WANTED if label.lower() not in there]
    if absent:
        raise UserError(
            f"{file.path}: {len(absent)} of {len(WANTED)} signals are missing: "
            f"{', '.join(absent)}"
        )


def read_events(file: RawFile) -> Events:
    """Return the codes of the status channel."""
    return find_events(file.read_codes(len(file.labels) - 1))


def read_bio(
    file: RawFile, *, in_siemens: bool
) -> tuple[Float32[np.ndarray, "channel time"], dict[str, ChannelLevel]]:
    """Read ``CHANNELS`` in their units, for any order in the file.

    Parameters
    ----------
    in_siemens : bool
        Whether the skin's conductance was recorded, in nS, and not its
        resistance in Ohm. Where there is no skin, neither is a number.

    Returns
    -------
    bio : array, shape (channel, time)
        The whole recording.
    levels : dict
        Where the numbers of each channel lie, by its name.
    """
    labels = [label.lower() for label in file.labels]
    places = [labels.index(label.lower()) for label, *_ in WANTED]
    mixing = np.zeros((len(CHANNELS), len(WANTED)))
    for column, (_, row, sign) in enumerate(WANTED):
        unit = CHANNELS[row].unit
        mixing[row, column] = sign * file.find_factor(places[column], to=unit)
    bio = file.read(places, mixing=mixing)
    bio[GSR] = _to_ohm(bio[GSR], in_siemens=in_siemens)
    # check itself names the skin's faults, and channels that are flat
    rows = [k for k in range(len(CHANNELS)) if k != GSR]
    levels = report_levels(
        file.path,
        bio[rows],
        [CHANNELS[row] for row in rows],
        sfreq=file.sfreq,
        names_flat=False,
    )
    levels[CHANNELS[GSR].name] = measure_level(bio[GSR], file.sfreq)
    return bio, levels


def _to_ohm(
    skin: Float32[np.ndarray, " time"], *, in_siemens: bool
) -> Float32[np.ndarray, " time"]:
    touches = skin > (OPEN_NS if in_siemens else 0)
    ohm = np.full_like(skin, np.nan)
    ohm[touches] = 1e9 / skin[touches] if in_siemens else skin[touches]
    return ohm


def _describe_gaps(ohm: Float32[np.ndarray, " time"]) -> tuple[str, ...]:
    share = float(np.isnan(ohm).mean())
    if not share:
        return ()
    return (f"GSR touches no skin for {share:.2%} of the recording, no number there",)
