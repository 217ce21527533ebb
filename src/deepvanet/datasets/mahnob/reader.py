"""MAHNOB-HCI: people watch clips of movies; video and signals share one clock [1]_.

Read as downloaded, nothing renamed; a session is one clip before one subject::

    Sessions/132/session.xml                       what was shown, felt and recorded
                 Part_2_S_Trial1_emotion.bdf       30 s of rest, stimulus, 30 s
                 P2-Rec1-..._C1 trigger _C_Section_2.avi    the colour camera
                 P2-Rec1-...-All-Data-New_Section_2.tsv     the eye tracker

Second 0 is the onset of the stimulus. The status channel says where it lies in
the signals; the video begins with it.

References
----------
.. [1] Soleymani, Lichtenauer, Pun, Pantic (2012). A multimodal database for affect
   recognition and implicit tagging. IEEE Trans. Affective Computing 3(1), 42-55.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from deepvanet.datasets.channel_facts import ChannelLevel, report_levels
from deepvanet.datasets.file_trials import refuse_trial
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.mahnob.gaze import GAZE_CHANNELS, GazeFile, read_gaze
from deepvanet.datasets.mahnob.sessions import (
    Session,
    list_sessions,
    read_session,
)
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import Channel, ChannelType, Recording, TrialSpan, UserError
from deepvanet.signal_io.raw_files import RawFile, open_raw

IS_RAW = True
SFREQ = 256.0  # Hz
REST_S = 30.0  # before the stimulus, and after it
BASELINE_S = 3.0  # of the rest, the last
SHORTEST_S = 1.0  # of a stimulus: one segment
PULSE_BITS = 0xFFFF  # of the status channel; above stand the battery and such

SIGNAL_CHANNELS = (
    *(Channel(name, ChannelType.EEG, "uV") for name in GENEVA_EEG),
    Channel("ECG1", ChannelType.ECG, "uV"),  # upper right of the chest
    Channel("ECG2", ChannelType.ECG, "uV"),  # upper left
    Channel("ECG3", ChannelType.ECG, "uV"),  # left of the belly
    Channel("GSR", ChannelType.GSR, "Ohm"),
    Channel("Respiration", ChannelType.RESPIRATION, "a.u."),
    Channel("Temperature", ChannelType.TEMPERATURE, "degC"),
)
"""The 32 electrodes and the six peripheral channels of the paper."""

CHANNELS = (*SIGNAL_CHANNELS, *GAZE_CHANNELS)
"""Also those of the eye tracker, which some sessions have."""

PLACES: Mapping[str, int] = {
    **{name: place for place, name in enumerate(GENEVA_EEG)},
    "EXG1": 32,
    "EXG2": 33,
    "EXG3": 34,
    "GSR1": 40,
    "Resp": 44,
    "Temp": 45,
}
"""The labels of ``SIGNAL_CHANNELS`` in the files, and where they stand if they are
lost."""
N_CHANNELS = 47

_MEDIA = """
    69:58 55:76 58:58 earworm_f:53 53:104 80:96 52:96 79:42 73:71 90:85 107:34 146:87
    30:70 138:116 newyork_f:89 111:113 detroit_f:89 cats_f:98 dallas_f:89 funny_f:87
"""
MEDIA_S: Mapping[str, int] = {
    f"{name}.avi": int(length)
    for name, length in (clip.split(":") for clip in _MEDIA.split())
}
"""Whole seconds of each emotional clip, where the status channel is silent."""


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "mahnob")


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have a session that can be used.

    Raises
    ------
    UserError
        When the folder is not MAHNOB-HCI, or no subject has one.
    """
    sessions = list_sessions(root)
    subjects = list(dict.fromkeys(s.subject for s in sessions if s.is_usable))
    if not subjects:
        raise UserError(
            f"{root}: no session can be used, of {len(sessions)}: each must be of an "
            "emotional clip and have ratings and signals"
        )
    return subjects


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Check one subject's sessions, then read them one by one, in viewing order.

    Raises
    ------
    UserError
        When a session that has all its files is not as documented.
    """
    return map(read_recording, _list_usable(root, subject))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return [
        file for session in _list_usable(root, subject) for file in list_files(session)
    ]


def list_files(session: Session) -> list[Path]:
    """Return the files that a trial is made of."""
    files = (session.bdf, session.video, session.gaze)
    return [session.folder / "session.xml", *(file for file in files if file)]


def find_session(file: Path) -> Session | None:
    """Return the session that a file of signals lies in, or None."""
    folder = file.absolute().parent
    if folder.parent.name != "Sessions" or not folder.name.isdecimal():
        return None
    session = read_session(folder)
    is_its_own = session is not None and session.bdf == folder / file.name
    return session if is_its_own else None


def holds(path: Path) -> bool:
    """Say whether a file has the signals of a session and lies in it."""
    return find_session(path) is not None


def read_file(path: Path, trial: str | None) -> Recording:
    """Read the signals of a session, of which no trial can be named.

    Raises
    ------
    UserError
        When a trial is named, or the session is not as documented.
    """
    refuse_trial(path, trial)
    session = find_session(path)
    if session is None:
        raise UserError(f"{path}: no file of MAHNOB-HCI")
    return read_recording(session)


@dataclass(frozen=True)
class PlacedSession:
    """A session whose signals were opened, and where its stimulus lies in them.

    Attributes
    ----------
    picks : tuple of int
        Where ``SIGNAL_CHANNELS`` stand in the file.
    gaze : GazeFile | None
        What the eye tracker saw.
    """

    file: RawFile
    picks: tuple[int, ...]
    span: TrialSpan
    notes: tuple[str, ...]
    gaze: GazeFile | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that it has."""
        return SIGNAL_CHANNELS if self.gaze is None else CHANNELS


def read_recording(session: Session) -> Recording:
    """Read the signals of a session that can be used."""
    placed = place_session(session)
    return Recording(
        subject=session.subject,
        name=str(session.number),
        bio=read_bio(placed)[0],
        sfreq=SFREQ,
        channels=placed.channels,
        spans=(placed.span,),
        is_raw=IS_RAW,
        notes=placed.notes,
    )


def read_bio(
    placed: PlacedSession,
) -> tuple[Float32[np.ndarray, "channel time"], dict[str, ChannelLevel]]:
    """Read all channels in their units, and report what no such channel can have.

    Returns
    -------
    bio : array, shape (channel, time)
        The whole recording.
    levels : dict
        Where the numbers of each channel lie, by its name.
    """
    factors = [
        placed.file.find_factor(place, to=channel.unit)
        for place, channel in zip(placed.picks, SIGNAL_CHANNELS, strict=True)
    ]
    bio = placed.file.read(placed.picks, mixing=np.diag(factors))
    if placed.gaze is not None:
        gaze = placed.gaze.place(placed.span.onset_s, bio.shape[1], SFREQ)
        bio = np.concatenate([bio, gaze])
    levels = report_levels(placed.file.path, bio, placed.channels, sfreq=SFREQ)
    return bio, levels


def place_session(session: Session) -> PlacedSession:
    """Find a session's channels and stimulus; no signals are read but the status.

    Raises
    ------
    UserError
        When the session is not as documented.
    """
    if session.bdf is None:
        raise UserError(f"{session.folder}: has no signals")
    file = open_raw(session.bdf)
    if file.sfreq != SFREQ:
        raise UserError(
            f"{file.path}: signals must come at {SFREQ:g} Hz, got {file.sfreq:g} Hz"
        )
    picks, label_notes = find_channels(file)
    onset, end, clock_notes = find_stimulus(file, session.media)
    span = TrialSpan(
        trial=session.trial,
        stimulus=session.media or f"session {session.number}",
        onset_s=onset / SFREQ,
        end_s=end / SFREQ,
        baseline_s=BASELINE_S,
        video=session.video,
        fps=session.fps if session.video else None,
        ratings={target: session.rate(target) for target in session.ratings},
        more=session.further,
    )
    gaze = read_gaze(session.gaze) if session.gaze else None
    notes = (*label_notes, *clock_notes, *(gaze.notes if gaze else ()))
    return PlacedSession(file, tuple(picks), span, notes, gaze)


def find_channels(file: RawFile) -> tuple[list[int], tuple[str, ...]]:
    """Return where ``SIGNAL_CHANNELS`` stand: by label, by place where labels are lost.

    Raises
    ------
    UserError
        When labels are missing and the file does not have ``N_CHANNELS`` channels.
    """
    places = {label.lower(): place for place, label in enumerate(file.labels)}
    lost = [label for label in PLACES if label.lower() not in places]
    if not lost:
        return [places[label.lower()] for label in PLACES], ()
    if len(file.labels) != N_CHANNELS:
        raise UserError(
            f"{file.path}: {len(lost)} of {len(PLACES)} channels are missing "
            f"({', '.join(lost[:6])}), and their places are unknown among "
            f"{len(file.labels)} channels, not {N_CHANNELS}"
        )
    note = f"channels found by place, not by label: {', '.join(lost)}"
    return [places.get(label.lower(), place) for label, place in PLACES.items()], (
        note,
    )


def find_stimulus(file: RawFile, media: str) -> tuple[int, int, tuple[str, ...]]:
    """Return the samples of a stimulus's onset and end.

    They are where the status channel rises, for the first and the second time.
    One that does not rise twice is passed over: the onset is after 30 s then, and
    the end as far from it as the clip is long.

    Raises
    ------
    UserError
        When nothing says where it lies, or it does not lie in the recording.
    """
    rises = find_rises(file.read_codes(len(file.labels) - 1) & PULSE_BITS)
    notes: tuple[str, ...] = ()
    if len(rises) == 2:
        onset, end = (int(rise) for rise in rises)
    elif media.lower() in MEDIA_S:
        onset = round(REST_S * SFREQ)
        end = onset + round(MEDIA_S[media.lower()] * SFREQ)
        said = f"{len(rises)} pulses in the status channel, not 2"
        begins = f"so the video is taken to begin after {REST_S:g} s"
        notes = (f"{said}, {begins}, and to last as long as {media} does",)
    else:
        raise UserError(
            f"{file.path}: the status channel must rise twice, at the onset and at the "
            f"end of the stimulus, got {len(rises)} times, and the length of "
            f"{media or 'the clip'} is unknown"
        )
    first = round(BASELINE_S * SFREQ)
    least = round(SHORTEST_S * SFREQ)
    if not first <= onset <= end - least <= file.n_samples - least:
        raise UserError(
            f"{file.path}: its stimulus must lie in the recording's "
            f"{file.n_samples / SFREQ:g} s with {BASELINE_S:g} s before it, got "
            f"{onset / SFREQ:g} s to {end / SFREQ:g} s"
        )
    return onset, end, notes


def find_rises(status: Int[np.ndarray, " time"]) -> Int[np.ndarray, " rise"]:
    """Return the samples at which a status channel leaves zero.

    Examples
    --------
    >>> find_rises(np.array([0, 0, 268, 268, 0, 268])).tolist()
    [2, 5]
    """
    is_up = status > 0
    return np.asarray(np.flatnonzero(is_up[1:] & ~is_up[:-1]) + 1)


def _list_usable(root: Path, subject: str) -> list[Session]:
    usable = [s for s in list_sessions(root, subject) if s.is_usable]
    for before, session in pairwise(usable):
        if session.trial == before.trial:
            raise UserError(
                f"{session.folder}: a second session of trial {session.trial} of "
                f"subject {subject}, after {before.number}"
            )
    return usable
