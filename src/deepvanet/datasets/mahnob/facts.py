"""Read what a check of MAHNOB-HCI needs to know of one subject."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from deepvanet.datasets.channel_facts import ChannelLevel
from deepvanet.datasets.findings import keep_findings
from deepvanet.datasets.mahnob import reader as mahnob
from deepvanet.datasets.mahnob.sessions import (
    CLIPS,
    LAST_OF_CLIPS,
    Session,
    list_folders,
    name_subject,
    read_session,
)
from deepvanet.datasets.source_facts import (
    ChannelFacts,
    PlacedVideo,
    SignalFacts,
    place_video,
    sum_shared,
)
from deepvanet.findings import Finding, attempt, report
from deepvanet.preprocessing.video_facts import FEW_PICTURES, examine_video
from deepvanet.schema import Target, TrialSpan

EMOTIONAL, NEUTRAL = "emotional clip", "neutral clip"
NO_XML = "no session.xml"
_LENGTH_OF_HEADER = slice(236, 252)  # bytes of a BDF: its records, their seconds


@dataclass(frozen=True)
class SessionFacts:
    """What was seen of one session.

    Attributes
    ----------
    kind : str
        Emotional or neutral clip, or the experiment it belongs to.
    lacks : tuple of str
        What an emotional clip would need to be a trial.
    stimulus_s : float | None
        Its length, where the signals could be opened.
    recorded_s, promised_s : float | None
        Length of the signals, and what their header says; None where it is silent.
    video_s, fps : float | None
        Length of the colour camera's video at its true rate, and that rate.
    notes, contradictions : tuple of str
        What ``prepare`` assumes, and what does not agree with the session's number or
        with its files.
    absent_video : str
        The colour video that ``session.xml`` names, where there is none at all.
    files : tuple of Path
        That are read.
    signals, video, channels : SignalFacts | None, PlacedVideo | None, tuple
        What was seen in a trial, for the tables.
    """

    number: int
    kind: str
    lacks: tuple[str, ...] = ()
    has_video: bool = False
    media: str = ""
    stimulus_s: float | None = None
    recorded_s: float | None = None
    promised_s: float | None = None
    video_s: float | None = None
    fps: float | None = None
    notes: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    ratings: Mapping[Target, str] = field(default_factory=dict)
    absent_video: str = ""
    has_gaze: bool = False
    files: tuple[Path, ...] = ()
    signals: SignalFacts | None = None
    video: PlacedVideo | None = None
    channels: tuple[ChannelFacts, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether it is a trial."""
        return self.kind == EMOTIONAL and not self.lacks

    @property
    def is_complete(self) -> bool:
        """Whether it is a trial with all streams."""
        return self.is_usable and self.has_video


@dataclass(frozen=True)
class MahnobFacts:
    """What was seen of one subject.

    Attributes
    ----------
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    sessions: tuple[SessionFacts, ...] = field(default=())
    findings: tuple[Finding, ...] = ()


@keep_findings
def examine_subject(root: Path, subject: str) -> MahnobFacts:
    """Read all sessions of one subject; what cannot be used becomes a finding."""
    folders = (f for f in list_folders(root) if name_subject(int(f.name)) == subject)
    sessions = tuple(_examine_folder(folder) for folder in folders)
    attempt(lambda: mahnob.input_files(root, subject))
    return MahnobFacts(subject, sessions)


def _examine_folder(folder: Path) -> SessionFacts:
    if not (folder / "session.xml").is_file():
        return SessionFacts(int(folder.name), NO_XML)
    session = attempt(lambda: read_session(folder), source=folder)
    if session is None:
        file = folder / "session.xml"
        return SessionFacts(int(folder.name), "unreadable session.xml", files=(file,))
    return _examine_session(session)


def _examine_session(session: Session) -> SessionFacts:
    facts = SessionFacts(
        number=session.number,
        kind=_name_kind(session),
        lacks=session.lacks if session.is_emotional else (),
        has_video=session.video is not None,
        media=session.media,
        contradictions=tuple(_find_contradictions(session)),
        ratings=session.ratings,
        absent_video="" if session.video else session.absent_video,
        has_gaze=session.gaze is not None,
        files=(session.folder / "session.xml",),
    )
    if not session.is_usable or session.bdf is None:
        return facts
    _report_videos(session)
    facts = replace(facts, files=tuple(mahnob.list_files(session)))
    placed = attempt(lambda: mahnob.place_session(session), source=session.bdf)
    if placed is None:
        return facts
    read = attempt(lambda: mahnob.read_bio(placed), source=session.bdf)
    video = _place_video(placed.span)
    return replace(
        facts,
        stimulus_s=placed.span.end_s - placed.span.onset_s,
        recorded_s=placed.file.n_samples / placed.file.sfreq,
        promised_s=_read_promise(session.bdf),
        fps=placed.span.fps,
        video_s=video.span[1] - video.span[0] if video else None,
        notes=placed.notes,
        signals=_describe_signals(placed, read[0], video) if read else None,
        video=video,
        channels=tuple(_describe_channels(placed, read[1])) if read else (),
    )


def _report_videos(session: Session) -> None:
    """Report that nothing says which of several videos is the colour camera's."""
    if session.video is not None and session.n_videos > 1:
        report(
            "V23",
            f"{session.n_videos} videos may be the colour camera's",
            source=session.folder / "session.xml",
            assumed=f"{session.video.name}, the first one",
        )


def _describe_signals(
    placed: mahnob.PlacedSession,
    bio: Float32[np.ndarray, "channel time"],
    video: PlacedVideo | None,
) -> SignalFacts:
    file = placed.file
    span = 0.0, file.n_samples / file.sfreq
    signals = bio[: len(placed.picks)]
    return SignalFacts(
        path=file.path,
        timing=file.timing,
        sfreq=file.sfreq,
        span=span,
        shared_s=None,
        filmed_s=sum_shared(span, [video.span] if video else []),
        missing=float(1 - np.isfinite(signals).mean()) if bio.size else 0.0,
    )


def _describe_channels(
    placed: mahnob.PlacedSession, levels: Mapping[str, ChannelLevel]
) -> Iterator[ChannelFacts]:
    """Yield what each channel was taken for: by its label, or by its place."""
    for channel, label, place in zip(
        mahnob.SIGNAL_CHANNELS, mahnob.PLACES, placed.picks, strict=True
    ):
        is_labelled = placed.file.labels[place].lower() == label.lower()
        why = f"label {label}" if is_labelled else f"place {place + 1}"
        yield ChannelFacts(channel, why, levels[channel.name])
    for channel in placed.channels[len(mahnob.SIGNAL_CHANNELS) :]:
        yield ChannelFacts(channel, "eye tracker", levels[channel.name])


def _place_video(span: TrialSpan) -> PlacedVideo | None:
    """Look at the video of a trial, which begins with the stimulus."""
    if span.video is None or span.fps is None:
        return None
    facts = examine_video(span.video, n_pictures=FEW_PICTURES)
    if facts is None:
        return None
    return place_video(span.video, facts, span.onset_s, fps=span.fps)


def _read_promise(path: Path) -> float | None:
    """Return the seconds that a BDF's header says, or None for the -1 of BioSemi's."""
    with path.open("rb") as file:
        said = file.read(_LENGTH_OF_HEADER.stop)[_LENGTH_OF_HEADER]
    n_records, record_s = int(said[:8]), float(said[8:])
    return None if n_records < 0 else n_records * record_s


def _name_kind(session: Session) -> str:
    if session.kind.lower() == CLIPS:
        return EMOTIONAL if session.is_emotional else NEUTRAL
    return session.kind


def _find_contradictions(session: Session) -> list[str]:
    """Say what disagrees with a session's number."""
    found = []
    said = session.said_subject.lstrip("0")
    if said and said != session.subject.lstrip("0"):
        found.append(
            f"session.xml says subject {said}, the number of the folder means "
            f"{session.subject}, which is used"
        )
    is_even_clip = session.offset % 2 == 0 and session.offset <= LAST_OF_CLIPS
    if session.is_emotional and not is_even_clip:
        found.append("its number is not that of an emotional clip")
    if session.bdf is not None and session.is_emotional:
        usual = f"Part_{int(session.subject)}_S_Trial{session.offset // 2}_emotion.bdf"
        if session.bdf.name.lower() != usual.lower():
            found.append(f"its signals are {session.bdf.name}, not {usual}")
    if session.absent_video and session.video is not None and session.is_usable:
        found.append(
            f"session.xml names the colour video {session.absent_video}, which is not "
            f"there; {session.video.name} is used"
        )
    return found
