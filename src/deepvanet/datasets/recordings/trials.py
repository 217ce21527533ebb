"""Where the trials of a user's own recordings lie in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepvanet.datasets.recordings.trial_table import Row
from deepvanet.schema import TrialSpan, UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.types import Marker, Signals

SHORTEST_S = 1.0  # of a stimulus: one segment
ROUNDING_S = 0.01
MARKERS_SHOWN = 6


@dataclass(frozen=True)
class TrialPlace:
    """A row and what became of it.

    Attributes
    ----------
    span : TrialSpan | None
        None where it is left out.
    notes : tuple of str
        Why it is left out, or how much of it.
    """

    row: Row
    span: TrialSpan | None
    notes: tuple[str, ...] = ()


def place_rows(
    rows: Sequence[Row],
    signals: Signals,
    declared: Declaration,
    *,
    for_training: bool = True,
) -> list[TrialPlace]:
    """Find the trials of one recording, in the order of their onset.

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
        When a marker does not stand as often as rows name it.
    """
    found = _find_markers(rows, signals, [row.marker for row in rows])
    video_markers = _find_markers(rows, signals, [row.video_marker for row in rows])
    placed = [
        _leave_out(row, "it has no rating")
        if for_training and not row.ratings
        else _place_row(row, marker, video_marker, signals, declared)
        for row, marker, video_marker in zip(rows, found, video_markers, strict=True)
    ]
    return sorted(placed, key=lambda p: p.span.onset_s if p.span else -1.0)


def place_alone(row: Row, *, for_training: bool = True) -> TrialPlace:
    """Place a trial that has a video and no signals, in a recording of its own."""
    if for_training and not row.ratings:
        return _leave_out(row, "it has no rating")
    if (row.duration_s or 0) < SHORTEST_S:
        return _leave_out(row, f"it lasts less than {SHORTEST_S:g} s")
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
    )
    return TrialPlace(row, span)


def _find_markers(
    rows: Sequence[Row], signals: Signals, texts: Sequence[str]
) -> list[Marker | None]:
    """Return each row's marker: a text's first row has the first, and so on."""
    used = dict.fromkeys(texts, 0)
    markers: list[Marker | None] = []
    for row, text in zip(rows, texts, strict=True):
        if not text:
            markers.append(None)
            continue
        there = [m for m in signals.markers if m.text == text]
        if len(there) == 1 and text == row.video_marker:
            markers.append(there[0])  # one video may show several trials
            continue
        if len(there) != texts.count(text):
            known = list(dict.fromkeys(m.text for m in signals.markers))
            more = " ..." if len(known) > MARKERS_SHOWN else ""
            raise UserError(
                f"{row.where}: marker {text!r} stands {len(there)} times in "
                f"{signals.path}, named by {texts.count(text)} rows; there are "
                f"{', '.join(known[:MARKERS_SHOWN]) or 'no markers'}{more}"
            )
        markers.append(there[used[text]])
        used[text] += 1
    return markers


def _place_row(
    row: Row,
    marker: Marker | None,
    video_marker: Marker | None,
    signals: Signals,
    declared: Declaration,
) -> TrialPlace:
    onset = marker.onset_s if marker else row.onset_s or 0.0
    length = row.duration_s or (marker.duration_s if marker else 0.0)
    asked = onset + length if length else signals.seconds
    end = min(asked, signals.seconds)
    if onset < declared.baseline_s - ROUNDING_S:
        why = f"it starts at {onset:g} s, before {declared.baseline_s:g} s of rest"
        return _leave_out(row, why)
    if end - onset < SHORTEST_S:
        why = (
            f"less than {SHORTEST_S:g} s of it lie in {signals.seconds:g} s of signals"
        )
        return _leave_out(row, why)
    notes: tuple[str, ...] = ()
    if asked - end > ROUNDING_S:
        notes = (f"trial {row.trial}: the signals end {asked - end:.3g} s before it",)
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
    )
    return TrialPlace(row, span, notes)


def find_video_offset(row: Row, video_marker: Marker | None, signals: Signals) -> float:
    """Return the second of the signals at which a row's video starts."""
    if row.video_offset_s is not None:
        return row.video_offset_s
    if video_marker is not None:
        return video_marker.onset_s
    return signals.video.start_s if signals.video else 0.0


def _leave_out(row: Row, why: str) -> TrialPlace:
    return TrialPlace(row, None, (f"trial {row.trial} is left out: {why}",))
