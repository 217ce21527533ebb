"""Where the trials of a user's own recordings lie in them."""

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deepvanet.datasets.recordings.cells import to_number
from deepvanet.datasets.recordings.moving_ratings import read_trace
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.small_tables import MOST_QUOTED, name_lines, shorten
from deepvanet.findings import list_some, report, say_count
from deepvanet.schema import TrialSpan
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.types import Marker, Signals

SHORTEST_S = 1.0  # of a stimulus: one segment
ROUNDING_S = 0.01
OVERLAP_S = 0.1  # of two trials, more than what clocks and rounding make of it
SAME_ONSET_S = 1e-3
MARKERS_SHOWN = 6


@dataclass(frozen=True)
class TrialPlace:
    """A row and what became of it.

    Attributes
    ----------
    span : TrialSpan | None
        None where it is left out.
    notes : tuple of str
        Why it is left out, or how much of it; findings say the same.
    has_length : bool
        Whether the table or its marker says how long it lasts.
    """

    row: Row
    span: TrialSpan | None
    notes: tuple[str, ...] = ()
    has_length: bool = True


def place_rows(
    rows: Sequence[Row],
    signals: Signals,
    declared: Declaration,
    *,
    for_training: bool = True,
) -> list[TrialPlace]:
    """Find the trials of one recording, in the order of their onset.

    A trial that is not found whole, and markers that are not used, are reported.

    Parameters
    ----------
    rows : sequence of Row
        All rows of this recording.
    signals : Signals
        The file that has the clock, with its markers.
    declared : Declaration
        Gives the length of the baseline in seconds.
    for_training : bool
        Whether a trial needs a rating.

    Returns
    -------
    list of TrialPlace
        One for each row; rows that are left out come first.

    Raises
    ------
    UserError
        When a marker does not stand as often as rows name it, and nothing collects
        findings.
    """
    found = _find_markers(rows, signals, [row.marker for row in rows])
    video_markers = _find_markers(rows, signals, [row.video_marker for row in rows])
    placed = [
        _leave_out(row, "it has no rating")
        if for_training and not row.ratings
        else _place_row(row, marker, video_marker, signals, declared)
        for row, marker, video_marker in zip(rows, found, video_markers, strict=True)
    ]
    _report_unused(rows, signals)
    in_order = sorted(placed, key=lambda p: p.span.onset_s if p.span else -1.0)
    _report_overlaps(in_order, signals)
    return in_order


def place_alone(
    row: Row, declared: Declaration | None = None, *, for_training: bool = True
) -> TrialPlace:
    """Place a trial that has a video and no signals, in a recording of its own."""
    if for_training and not row.ratings:
        return _leave_out(row, "it has no rating")
    if (row.duration_s or 0) < SHORTEST_S:
        why = f"it lasts less than {SHORTEST_S:g} s"
        _report_cut(row, f"is left out: {why}", "the trial is left out")
        return _leave_out(row, why)
    declared = declared or Declaration()
    span = TrialSpan(
        trial=row.trial,
        stimulus=row.stimulus,
        onset_s=0.0,
        end_s=row.duration_s or 0.0,
        baseline_s=0.0,
        video=row.video,
        fps=None,
        ratings=row.ratings,
        video_onset_s=(row.onset_s or 0.0) - (row.video_offset_s or 0.0),
        more=row.more,
        face_choice=row.face_choice,
        session=row.session,
        trace=read_trace(row, row.duration_s or 0.0, declared),
        face_features=row.face_features,
    )
    return TrialPlace(row, span)


def _find_markers(
    rows: Sequence[Row], signals: Signals, texts: Sequence[str]
) -> list[Marker | str | None]:
    """Return each row's marker: a text's first row has the first, and so on.

    It is None where none is named, and a text that says why where it is not found.
    """
    found = {
        text: _find_text(text, rows, texts, signals)
        for text in dict.fromkeys(filter(None, texts))
    }
    used = dict.fromkeys(texts, 0)
    markers: list[Marker | str | None] = []
    for text in texts:
        there = found.get(text, [None])
        markers.append(there[min(used[text], len(there) - 1)])
        used[text] += 1
    return markers


def _find_text(
    text: str, rows: Sequence[Row], texts: Sequence[str], signals: Signals
) -> Sequence[Marker | str | None]:
    """Return the markers of a text: one for each row that names it, or one for all."""
    own = [row for row, named in zip(rows, texts, strict=True) if named == text]
    there = match_markers(text, signals.markers)
    if len(there) == len(own) or (len(there) == 1 and own[0].video_marker == text):
        return there  # one video may show several trials
    known = list(dict.fromkeys(marker.text for marker in signals.markers))
    near = find_near_texts(text, known)
    meant = [m for m in signals.markers if [m.text] == near]
    is_clear = not there and len(meant) == len(own)
    report(
        "T11",
        f"marker {shorten(text)} occurs {say_count(len(there), 'time')} in "
        f"{signals.path}, but {say_count(len(own), 'row names', 'rows name')} it; "
        f"{_list_texts(known, near, counted=bool(there))}",
        source=own[0].table,
        place=name_lines([row.line for row in own]),
        assumed=f"{shorten(near[0])} is meant"
        if is_clear
        else "their trials are left out",
        cure=f"write {shorten(near[0])} into the column marker"
        if near and not there
        else "write one row for each time that it occurs; or empty the cells in the "
        "column marker, and write when each trial begins into onset_s, in seconds",
    )
    return meant if is_clear else [f"its marker {shorten(text)} is not found"]


def match_markers(text: str, markers: Sequence[Marker]) -> list[Marker]:
    """Return the markers of a text; of a number where none has the text itself.

    Examples
    --------
    >>> match_markers("12", [Marker(3.0, 0.0, "12.0"), Marker(4.0, 0.0, "S 12")])
    [Marker(onset_s=3.0, duration_s=0.0, text='12.0')]
    """
    same = [marker for marker in markers if marker.text == text]
    number = to_number(text)
    return same or [marker for marker in markers if to_number(marker.text) == number]


def find_near_texts(text: str, known: Sequence[str]) -> list[str]:
    """Return known texts that may be meant: spelt otherwise, or with a mistake.

    Examples
    --------
    >>> find_near_texts("12", ["Stimulus/S 12", "Stimulus/S 13"])
    ['Stimulus/S 12']
    """
    same = [name for name in known if _spell(name) == _spell(text)]
    return same or difflib.get_close_matches(text[:200], known, n=3)


def _spell(text: str) -> str:
    """Return the last part of a text; of a numbered code its number."""
    last = " ".join(text.casefold().split("/")[-1].split())
    code = re.fullmatch(r"(?:[a-z] ?)?0*(\d+)(?:\.0+)?", last)
    return code[1] if code else last


def _list_texts(known: Sequence[str], near: Sequence[str], *, counted: bool) -> str:
    if near and not counted:
        return f"the nearest is {' or '.join(map(shorten, near))}"
    more = " ..." if len(known) > MARKERS_SHOWN else ""
    texts = ", ".join(text[:MOST_QUOTED] for text in known[:MARKERS_SHOWN])
    return f"the file has {texts or 'no markers'}{more}"


def _report_unused(rows: Sequence[Row], signals: Signals) -> None:
    """Name the markers that no row names, with counts."""
    texts = {text for row in rows for text in (row.marker, row.video_marker) if text}
    used = {id(m) for text in texts for m in match_markers(text, signals.markers)}
    used |= {id(m) for m in signals.markers if any(_is_event(m, r) for r in rows)}
    counts = Counter(m.text for m in signals.markers if id(m) not in used)
    if counts:
        named = [
            f"{text[:MOST_QUOTED]} ({'once' if n == 1 else f'{n} times'})"
            for text, n in counts.items()
        ]
        markers = say_count(counts.total(), "marker is", "markers are")
        them = "it" if counts.total() == 1 else "them"
        report(
            "T13",
            f"{markers} not used, since no row of the table names "
            f"{them}: {list_some(named)}",
            source=signals.path,
        )


def _is_event(marker: Marker, row: Row) -> bool:
    """Return whether a marker is the row itself, as MNE reads events of BIDS."""
    is_then = abs(marker.onset_s - (row.onset_s or 0.0)) <= ROUNDING_S
    return is_then and marker.text == row.stimulus


def _place_row(
    row: Row,
    marker: Marker | str | None,
    video_marker: Marker | str | None,
    signals: Signals,
    declared: Declaration,
) -> TrialPlace:
    for lost in (marker, video_marker):
        if isinstance(lost, str):
            return _leave_out(row, lost)
    start = marker if isinstance(marker, Marker) else None
    onset = start.onset_s if start else row.onset_s or 0.0
    length = row.duration_s or (start.duration_s if start else 0.0)
    asked = onset + length if length else max(onset, signals.seconds)
    end = min(asked, signals.seconds)
    why = _find_obstacle(onset, end, asked, signals, declared)
    if why:
        _report_cut(row, f"is left out: {why}", "the trial is left out")
        return _leave_out(row, why)
    notes: tuple[str, ...] = ()
    if asked - end > ROUNDING_S:
        notes = (f"trial {row.trial}: the signals end {asked - end:.3g} s before it",)
        said = f"lacks its last {asked - end:.3g} s: the signals end there"
        _report_cut(row, said, "the trial is used without them")
    span = TrialSpan(
        trial=row.trial,
        stimulus=row.stimulus,
        onset_s=onset,
        end_s=end,
        baseline_s=min(declared.baseline_s, onset),
        video=row.video,
        fps=None,
        ratings=row.ratings,
        video_onset_s=onset - find_video_offset(row, video_marker, signals),
        more=row.more,
        face_choice=row.face_choice,
        session=row.session,
        trace=read_trace(row, end - onset, declared),
        face_features=row.face_features,
    )
    return TrialPlace(row, span, notes, has_length=bool(length))


def _find_obstacle(
    onset: float, end: float, asked: float, signals: Signals, declared: Declaration
) -> str:
    """Return why a trial cannot be used, empty if it can."""
    if onset < 0:
        return f"it starts at {onset:g} s, before the recording"
    if onset < declared.baseline_s - ROUNDING_S:
        return f"it starts at {onset:g} s, before {declared.baseline_s:g} s of rest"
    if end - onset >= SHORTEST_S:
        return ""
    if asked - onset < SHORTEST_S and asked <= signals.seconds:
        return f"it lasts {asked - onset:.3g} s, less than {SHORTEST_S:g} s"
    is_ms = SHORTEST_S * 1e3 < onset <= signals.seconds * 1e3
    in_s = f"if onset_s is in milliseconds, write {onset / 1e3:g}"
    hint = f"; it begins at {onset:g} s: {in_s}" if is_ms else ""
    return (
        f"less than {SHORTEST_S:g} s of it lie in {signals.seconds:g} s of "
        f"signals{hint}"
    )


def _report_cut(row: Row, what: str, assumed: str) -> None:
    report(
        "T12",
        f"subject {row.subject} trial {row.trial} {what}",
        source=row.table,
        place=f"line {row.line}",
        assumed=assumed,
    )


def _report_overlaps(placed: Sequence[TrialPlace], signals: Signals) -> None:
    """Report trials that have seconds in common, in the order of their onset.

    Two rows that state one onset_s are found in the table itself.
    """
    pairs = [
        (one, other)
        for one, other in itertools.pairwise([p for p in placed if p.span])
        if one.span and other.span
        if one.span.end_s - other.span.onset_s > OVERLAP_S
    ]
    alike = [pair for pair in pairs if _begin_together(*pair)]
    pairs = [pair for pair in pairs if pair not in alike]
    for one, other in alike:
        if one.row.marker or other.row.marker:
            _report_one_onset(one, other, signals)
    endless = [one for one, _ in pairs if one.span and not one.has_length]
    stated = [(one, other) for one, other in pairs if one not in endless]
    if endless:
        report(
            "T52",
            f"the length of {len(endless)} trial{'s' * (len(endless) > 1)} is not "
            f"stated, and other trials follow in {signals.path.name}",
            source=endless[0].row.table,
            place=name_lines([one.row.line for one in endless]),
            assumed="each lasts to the end of the recording",
        )
    if stated:
        one, other = stated[0]
        more = f", and {len(stated) - 1} more trials overlap so" * (len(stated) > 1)
        report(
            "T50",
            f"trial {one.row.trial} of subject {one.row.subject} ends "
            f"{_measure_overlap(one, other):.3g} s after trial {other.row.trial} "
            f"begins in {signals.path.name}{more}",
            source=one.row.table,
            place=name_lines([one.row.line for one, _ in stated]),
        )


def _begin_together(one: TrialPlace, other: TrialPlace) -> bool:
    return bool(
        one.span
        and other.span
        and abs(one.span.onset_s - other.span.onset_s) < SAME_ONSET_S
    )


def _report_one_onset(one: TrialPlace, other: TrialPlace, signals: Signals) -> None:
    """Report two trials of which one is placed by a marker, where the other begins."""
    onset = one.span.onset_s if one.span else 0.0
    report(
        "T51",
        f"trials {one.row.trial} and {other.row.trial} of subject {one.row.subject} "
        f"both begin at {onset:g} s of {signals.path.name}",
        source=one.row.table,
        place=name_lines(sorted({one.row.line, other.row.line})),
        assumed="both are read, with the same signals",
    )


def report_two_people(rows: Sequence[Row], signals: Signals) -> None:
    """Report trials of two subjects of which a marker stands where the other begins.

    Two that state one ``onset_s``, or name one marker, are found in the table itself.

    Parameters
    ----------
    rows : sequence of Row
        Of all subjects.
    signals : Signals
        A file that some of them name, with its markers.
    """
    own = [row for row in rows if row.bio == signals.path and row.ratings]
    if len({row.subject for row in own}) < 2 or not any(row.marker for row in own):
        return
    seen: Counter[tuple[str, str]] = Counter()
    first: dict[int, Row] = {}
    for row in own:
        onset = row.onset_s or 0.0
        if row.marker:
            there = match_markers(row.marker, signals.markers)
            number = seen[row.subject, row.marker]
            seen[row.subject, row.marker] += 1
            if number >= len(there):
                continue
            onset = there[number].onset_s
        one = first.setdefault(round(onset / SAME_ONSET_S), row)
        if one.subject != row.subject and one.marker != row.marker:
            report(
                "R27",
                f"subjects {one.subject} and {row.subject} both have a trial that "
                f"begins at {onset:g} s of {signals.path.name}",
                source=row.table,
                place=f"lines {one.line} and {row.line}",
                assumed="both are read, with the same signals",
            )


def _measure_overlap(one: TrialPlace, other: TrialPlace) -> float:
    return one.span.end_s - other.span.onset_s if one.span and other.span else 0.0


def find_video_offset(
    row: Row, video_marker: Marker | str | None, signals: Signals
) -> float:
    """Return the second of the signals at which a row's video starts."""
    if row.video_offset_s is not None:
        return row.video_offset_s
    if isinstance(video_marker, Marker):
        return video_marker.onset_s
    return signals.video.start_s if signals.video else 0.0


def _leave_out(row: Row, why: str) -> TrialPlace:
    return TrialPlace(row, None, (f"trial {row.trial} is left out: {why}",))
