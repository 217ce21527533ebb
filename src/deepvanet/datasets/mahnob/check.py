"""Look at a copy of MAHNOB-HCI: which sessions are trials, and why others are not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.findings import NOTHING, CheckResult, Table, make_result
from deepvanet.datasets.mahnob import reader as mahnob
from deepvanet.datasets.mahnob.facts import (
    EMOTIONAL,
    NEUTRAL,
    MahnobFacts,
    SessionFacts,
    examine_subject,
)
from deepvanet.datasets.mahnob.sessions import VIDEO_FPS, list_folders, name_subject
from deepvanet.datasets.rating_findings import RatedTrial, find_odd_ratings
from deepvanet.datasets.source_tables import tabulate_sources
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.text_numbers import to_float
from deepvanet.datasets.unused_files import find_unused
from deepvanet.findings import Finding, list_some, make_finding, say_count
from deepvanet.schema import UserError

_IN_SESSION = r"Sessions/\d+/"
_OF_CAMERA = r"P\d+-Rec\d+-[\d.]+_"
OTHER_FILES = {
    "signals and videos of sessions that are no trials": (
        rf"{_IN_SESSION}(?:Part_\d+_(?:[SN]_Trial\d+_emotion|Trial\d+_tagging\w+)\.bdf"
        rf"|{_OF_CAMERA}C1 trigger _C_Section_\d+\.avi|session\.xml)"
    ),
    "videos of other cameras": rf"{_IN_SESSION}{_OF_CAMERA}[^/]*_Section_\d+\.avi",
    "gaze and events": rf"{_IN_SESSION}P\d+-Rec\d+-[^/]*\.tsv",
    "sound": rf"{_IN_SESSION}P\d+-Rec\d+-[^/]*\.wav",
    "descriptions of subjects": r"Subjects/[^/]*\.xml",
}
"""What a full copy has besides the files of trials, as regular expressions."""
N_COMPLETE, N_SUBJECTS = 527, 27
"""Emotional clips with ratings, signals and colour video in a full copy."""
MEDIA_TOLERANCE_S = 1.5
"""The published lengths are whole seconds."""
HAVE = ("has", "have")
RATE_TOLERANCE = 0.001
"""Frames a second; the published rate has four decimals."""


def check_mahnob(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every session of a copy of MAHNOB-HCI, one subject at a time.

    Parameters
    ----------
    exclude : sequence of str
        Subjects to leave out.

    Raises
    ------
    UserError
        When there is no folder, or no session in it.
    """
    numbers = [int(folder.name) for folder in list_folders(root)]
    if not numbers:
        raise UserError(f"{root / 'Sessions'}: no session, expected folders as 2, 132")
    subjects = leave_out(list(dict.fromkeys(map(name_subject, numbers))), exclude)
    examine = partial(examine_subject, root)
    facts = examine_each(examine, subjects, execution)
    tables = (
        _tabulate_kinds(facts),
        _tabulate_subjects(facts),
        _tabulate_media(facts),
        *_tabulate_sources(root, facts),
    )
    return make_result(tables, _find_all(root, facts))


def _find_all(root: Path, facts: Sequence[MahnobFacts]) -> Iterator[Finding]:
    sessions = [session for subject in facts for session in subject.sessions]
    yield from (finding for subject in facts for finding in subject.findings)
    if not any(session.is_usable for session in sessions):
        text = f"no session can be used, of {len(sessions)}"
        yield make_finding("F01", text, source=root, assumed="no trial is read")
    yield from _find_assumptions(sessions)
    yield from _find_contradictions(sessions)
    yield from _find_other_rates(sessions)
    yield from _find_broken_off(sessions)
    yield from _find_short_videos(sessions)
    yield from _find_other_lengths(sessions)
    yield from _find_lacking(sessions)
    yield from _find_silent_headers(sessions)
    yield from find_odd_ratings(_list_rated(facts), source="session.xml")
    yield from _compare_with_full_copy(facts)
    used = (file for session in sessions for file in session.files)
    yield from find_unused(root, "MAHNOB-HCI", used, OTHER_FILES)
    yield from find_mark(root)


def _list_rated(facts: Sequence[MahnobFacts]) -> Iterator[RatedTrial]:
    """Yield the trials; a subject's sessions are numbered in the order of viewing."""
    for subject in facts:
        for session in subject.sessions:
            if session.is_usable:
                yield RatedTrial(
                    subject.subject,
                    str(session.number),
                    {t: to_float(text) for t, text in session.ratings.items()},
                    session.media,
                    float(session.number),
                )


def _find_assumptions(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    notes: dict[str, list[str]] = {}
    for session in sessions:
        for note in session.notes:
            notes.setdefault(note, []).append(str(session.number))
    for note, numbers in notes.items():
        yield make_finding("F09", note, source=_name(numbers))


def _find_contradictions(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    for session in sessions:
        for said in session.contradictions:
            yield make_finding("F08", said, source=f"session {session.number}")


def _find_other_rates(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Name the videos whose rate is not that of all of them, as published."""
    other = [
        f"{s.number} ({s.fps:g})"
        for s in sessions
        if s.fps is not None and abs(s.fps - VIDEO_FPS) > RATE_TOLERANCE
    ]
    if other:
        yield make_finding(
            "V14",
            f"session.xml states another frame rate (vidRate) than the published "
            f"{VIDEO_FPS} a second for {say_count(len(other), 'video')}: session "
            f"{list_some(other)}",
            assumed="the rate that it states is used",
        )


def _find_broken_off(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Name the recordings that hold less than their headers say."""
    short = [
        f"{s.number} ({s.recorded_s:g} of {s.promised_s:g} s)"
        for s in sessions
        if s.recorded_s is not None
        and s.promised_s is not None
        and s.recorded_s < s.promised_s
    ]
    if short:
        text = f"the signals of {say_count(len(short), 'session')} end before"
        yield make_finding(
            "F07", f"{text} their headers say: session {list_some(short)}"
        )


def _find_short_videos(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Name the videos that stop before the stimulus; they run past it, as published."""
    short = [
        f"{s.number} ({s.video_s:.1f} of {s.stimulus_s:.1f} s)"
        for s in sessions
        if s.video_s is not None and s.stimulus_s and s.video_s < s.stimulus_s
    ]
    if short:
        text = say_count(
            len(short),
            "video stops before its stimulus does",
            "videos stop before their stimulus does",
        )
        yield make_finding("V03", f"{text}: {list_some(short)}")


def _find_other_lengths(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Say which stimuli last another time than their clip, as published."""
    other = [
        f"{s.number} ({s.media}: {s.stimulus_s:.1f} s, published "
        f"{mahnob.MEDIA_S[s.media.lower()]} s)"
        for s in sessions
        if s.stimulus_s is not None
        and s.media.lower() in mahnob.MEDIA_S
        and abs(s.stimulus_s - mahnob.MEDIA_S[s.media.lower()]) > MEDIA_TOLERANCE_S
    ]
    if other:
        stimuli = say_count(len(other), "stimulus lasts", "stimuli last")
        text = f"{stimuli} another time than published"
        yield make_finding(
            "T15",
            f"{text}: {list_some(other)}",
            assumed="each is used as long as it was shown",
        )


def _find_lacking(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    """Say why emotional clips are no trials, or have no face stream."""
    for code, lacked, verbs, what in (
        ("R06", "ratings", ("lacks", "lack"), "a rating of valence or arousal"),
        ("Q06", "signals", HAVE, "no signals"),
    ):
        numbers = [str(s.number) for s in sessions if lacked in s.lacks]
        if numbers:
            text = f"{_count(numbers, *verbs)} {what}"
            yield make_finding(code, f"{text}: {list_some(numbers)}")
    without = [s for s in sessions if s.is_usable and not s.has_video]
    absent = [f"{s.number} ({s.absent_video})" for s in without if s.absent_video]
    if absent:
        yield make_finding(
            "V09",
            f"{_count(absent, *HAVE)} no colour video, though session.xml names one: "
            f"{list_some(absent)}",
            assumed="they are used, without a face stream",
        )
    silent = [str(s.number) for s in without if not s.absent_video]
    if silent:
        text = f"{_count(silent, *HAVE)} no colour video"
        yield make_finding("V10", f"{text}: {list_some(silent)}")


def _find_silent_headers(sessions: Sequence[SessionFacts]) -> Iterator[Finding]:
    silent = [
        str(s.number)
        for s in sessions
        if s.recorded_s is not None and s.promised_s is None
    ]
    if silent:
        headers = say_count(
            len(silent),
            "header of signals does not state its",
            "headers of signals do not state their",
        )
        yield make_finding(
            "F10",
            f"{headers} length (-1 records), as those that BioSemi writes: session "
            f"{list_some(silent)}",
            assumed="the length that the size of the file gives, which is right",
        )


def _compare_with_full_copy(facts: Sequence[MahnobFacts]) -> Iterator[Finding]:
    complete = [
        subject.subject
        for subject in facts
        for session in subject.sessions
        if session.is_complete
    ]
    found = len(complete), len(set(complete))
    if found != (N_COMPLETE, N_SUBJECTS):
        yield make_finding(
            "F03",
            f"{_count(complete, *HAVE)} ratings, signals and colour video, of "
            f"{say_count(found[1], 'subject')}; a full copy has {N_COMPLETE} of "
            f"{N_SUBJECTS}",
        )


def _name(numbers: Sequence[str]) -> str:
    return f"session{'s' if len(numbers) > 1 else ''} {list_some(numbers)}"


def _count(sessions: Sequence[str], one: str, many: str) -> str:
    kind = "emotional session"
    return say_count(len(sessions), f"{kind} {one}", f"{kind}s {many}")


def _tabulate_kinds(facts: Sequence[MahnobFacts]) -> Table:
    sessions = [session for subject in facts for session in subject.sessions]
    counts = Counter(session.kind for session in sessions)
    kinds = dict.fromkeys([EMOTIONAL, NEUTRAL, *sorted(counts)])
    usable = {EMOTIONAL: sum(session.is_usable for session in sessions)}
    return Table(
        title="Sessions",
        columns=("kind", "sessions", "used"),
        rows=tuple((kind, counts[kind], usable.get(kind, 0)) for kind in kinds),
    )


def _tabulate_subjects(facts: Sequence[MahnobFacts]) -> Table:
    return Table(
        title="Emotional clips",
        columns=(
            *("subject", "sessions", "no ratings", "no signals", "used"),
            *("with video", "with gaze", "seconds"),
        ),
        rows=tuple(_tabulate_subject(subject) for subject in facts),
    )


def _tabulate_subject(facts: MahnobFacts) -> tuple[str | int, ...]:
    clips = [session for session in facts.sessions if session.kind == EMOTIONAL]
    used = [session for session in clips if session.is_usable]
    return (
        facts.subject,
        len(clips),
        sum("ratings" in session.lacks for session in clips),
        sum("signals" in session.lacks for session in clips),
        len(used),
        sum(session.has_video for session in used),
        sum(session.has_gaze for session in used),
        f"{sum(session.stimulus_s or 0 for session in used):.0f}",
    )


def _tabulate_sources(root: Path, facts: Sequence[MahnobFacts]) -> tuple[Table, ...]:
    """List the files of trials, and the channels of all of them."""
    signals = {f.subject: [s.signals for s in f.sessions if s.signals] for f in facts}
    videos = {f.subject: [s.video for s in f.sessions if s.video] for f in facts}
    channels = [c for f in facts for s in f.sessions for c in s.channels]
    return tabulate_sources(root, signals=signals, videos=videos, channels=channels)


def _tabulate_media(facts: Sequence[MahnobFacts]) -> Table:
    """List how long each clip was shown, beside how long it is said to be."""
    shown: dict[str, list[float]] = {}
    for subject in facts:
        for session in subject.sessions:
            if session.is_usable and session.stimulus_s is not None:
                shown.setdefault(session.media, []).append(session.stimulus_s)
    return Table(
        title="Stimuli",
        columns=(
            "clip",
            "sessions",
            "shortest s",
            "median s",
            "longest s",
            "published s",
        ),
        rows=tuple(
            (
                media or NOTHING,
                len(seconds),
                *(f"{q:.1f}" for q in np.percentile(seconds, [0, 50, 100])),
                mahnob.MEDIA_S.get(media.lower(), NOTHING),
            )
            for media, seconds in sorted(shown.items())
        ),
    )
