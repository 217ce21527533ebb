"""Which columns of an event log say when, how long, what, and who.

PsychoPy writes ``NAME.started`` and ``NAME.stopped`` of each component, in seconds of
its own clock, and ``LOOP.thisN`` in the rows of a loop. BIDS has ``onset`` and
``duration``, in seconds of the signals. Any other table is read by usual names.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deepvanet.datasets.event_logs.choices import UNITS, JoinChoices, require_column
from deepvanet.datasets.recordings.cells import clear, to_number
from deepvanet.datasets.recordings.column_names import bare, spell
from deepvanet.datasets.recordings.trial_columns import WORDS
from deepvanet.datasets.small_tables import SmallTable, TextRow
from deepvanet.findings import list_some
from deepvanet.schema import UserError


class LogKind(StrEnum):
    """Whose log it is."""

    PSYCHOPY = "a log of PsychoPy"
    BIDS = "events of BIDS"
    TABLE = "a table of events"


STARTED, STOPPED, LOOP = ".started", ".stopped", ".thisN"
_ANSWERS = (".response", ".rating", ".keys", ".rt", ".leftButton", ".clicked_name")
"""What PsychoPy keeps of a component that asks something."""
_SHOWN = (
    *("stimulus", "stimuli", "stim", "clip", "movie", "film", "video", "image"),
    *("picture", "sound", "audio", "music", "song"),
)
"""What components and columns of stimuli are called, a number or a word behind it."""
_SHOWN_AS = ("", "file", "name", "id", "path", "filename", "no", "nr")
_STIMULI = ("stimulus", "stim_file", "trial_type")
_DURATIONS = (
    *("duration", "dur", "length", "stim_duration", "stimulus_duration"),
    *("trial_duration", "clip_duration", "video_duration", "trial_length"),
)
_ONSETS = ("onset", *map(bare, WORDS.synonyms["onset_s"]))
_UNIT_NAMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "microseconds"), "us"),
}


@dataclass(frozen=True)
class LogColumns:
    """The columns of a log that are used.

    Attributes
    ----------
    onset, stimulus : str
        Empty where there is no such column.
    duration : str
        A column that holds how long, or where PsychoPy says when it stopped.
    unit_s : float
        One unit of the times, in seconds.
    """

    onset: str
    duration: str
    stimulus: str
    unit_s: float


def tell_kind(table: SmallTable) -> LogKind:
    """Say whose log a table is."""
    if "psychopyVersion" in table.columns or any(
        column.endswith(LOOP) for column in table.columns
    ):
        return LogKind.PSYCHOPY
    if {"onset", "duration"} <= {*table.columns}:
        return LogKind.BIDS
    return LogKind.TABLE


def list_loops(table: SmallTable) -> list[str]:
    """Return the columns of PsychoPy that count the rows of a loop."""
    return [column for column in table.columns if column.endswith(LOOP)]


def find_onset(
    table: SmallTable, kind: LogKind, rows: Sequence[TextRow], choices: JoinChoices
) -> str:
    """Return the column of onsets.

    Parameters
    ----------
    table : SmallTable
        The log.
    kind : LogKind
        Whose it is.
    rows : sequence of TextRow
        Rows among which the trials are.
    choices : JoinChoices
        What was said.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    UserError
        When none or several columns may be it.
    """
    if choices.onset:
        return require_column(table, choices.onset, "onset")
    if kind is LogKind.PSYCHOPY:
        loops = list_loops(table)
        inside = [row for row in rows if any(clear(row.cells[c]) for c in loops)]
        found = _list_started(table, inside or rows)
    elif kind is LogKind.BIDS:
        found = ["onset"]
    else:
        usual = [c for c in table.columns if bare(spell(c)) in _ONSETS]
        found = [c for c in usual if _holds_number(rows, c)]
    if len(found) == 1:
        return found[0]
    shown = [column for column in found if _is_shown(column.removesuffix(STARTED))]
    if kind is LogKind.PSYCHOPY and len(shown) == 1:
        return shown[0]
    raise _ask(table, "when a stimulus started", shown or found, "onset")


def find_stimulus(
    table: SmallTable, kind: LogKind, rows: Sequence[TextRow], choices: JoinChoices
) -> str:
    """Return the column that says what was shown.

    Parameters
    ----------
    table : SmallTable
        The log.
    kind : LogKind
        Whose it is.
    rows : sequence of TextRow
        The trials.
    choices : JoinChoices
        What was said.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    UserError
        When none or several columns may be it.
    """
    if choices.stimulus:
        return require_column(table, choices.stimulus, "stimulus")
    if kind is LogKind.BIDS:
        usual = [column for column in _STIMULI if column in table.columns]
    else:
        usual = list_stimuli(table.columns)
    found = [c for c in usual if any(clear(row.cells[c]) for row in rows)]
    if found and (kind is LogKind.BIDS or _say_one(rows, found)):
        return found[0]
    raise _ask(table, "what was shown", found, "stimulus")


def list_stimuli(columns: Collection[str]) -> list[str]:
    """Return the columns whose name says that they name stimuli.

    Examples
    --------
    >>> list_stimuli(["movieFile", "stimulus.started", "video_name", "videogame"])
    ['movieFile', 'video_name']
    """
    return [
        column
        for column in columns
        if "." not in column and (_is_shown(column) or spell(column) in _STIMULI)
    ]


def find_duration(
    table: SmallTable, kind: LogKind, onset: str, choices: JoinChoices
) -> str:
    """Return the column of durations, or of ends; empty where seconds were said.

    Parameters
    ----------
    table : SmallTable
        The log.
    kind : LogKind
        Whose it is.
    onset : str
        The column of onsets.
    choices : JoinChoices
        What was said.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    UserError
        When none or several columns may be it.
    """
    if math.isfinite(to_number(choices.duration)):
        return ""
    if choices.duration:
        return require_column(table, choices.duration, "duration")
    if kind is LogKind.BIDS:
        return "duration"
    stopped = onset.removesuffix(STARTED) + STOPPED
    if kind is LogKind.PSYCHOPY and stopped in table.columns and table.has(stopped):
        return stopped
    found = [c for c in table.columns if bare(spell(c)) in _DURATIONS and table.has(c)]
    if len(found) == 1:
        return found[0]
    raise _ask(table, "how long a stimulus lasted", found, "duration", " or SECONDS")


def find_unit(kind: LogKind, columns: Sequence[str], choices: JoinChoices) -> float:
    """Return one unit of a log's times in seconds.

    Parameters
    ----------
    kind : LogKind
        Whose log it is.
    columns : sequence of str
        Columns of times.
    choices : JoinChoices
        What was said.

    Raises
    ------
    UserError
        When names of columns do not say it, or two of them say different things.
    """
    if choices.unit:
        return UNITS[choices.unit]
    if kind is not LogKind.TABLE:
        return 1.0
    stated = {_read_unit(column) for column in columns if column}
    if len(stated) == 1 and (unit := stated.pop()):
        return UNITS[unit]
    raise UserError(
        f"{list_some([c for c in columns if c])} may be in seconds or milliseconds: "
        "say --unit s or --unit ms",
        field="unit",
    )


def _list_started(table: SmallTable, rows: Sequence[TextRow]) -> list[str]:
    """Return the columns of PsychoPy that say when something started to be shown."""
    asking = {
        column.removesuffix(end)
        for column in table.columns
        for end in _ANSWERS
        if column.endswith(end)
    }
    return [
        column
        for column in table.columns
        if column.endswith(STARTED)
        and column.removesuffix(STARTED) not in asking
        and _holds_number(rows, column)
    ]


def _is_shown(name: str) -> bool:
    """Say whether a name is that of a stimulus: a word, with file or the like."""
    letters = re.sub(r"[^a-z]", "", name.casefold())
    return any(letters == word + end for word in _SHOWN for end in _SHOWN_AS)


def _holds_number(rows: Sequence[TextRow], column: str) -> bool:
    return any(math.isfinite(to_number(clear(row.cells[column]))) for row in rows)


def _say_one(rows: Sequence[TextRow], columns: Sequence[str]) -> bool:
    """Say whether columns divide rows alike, so that each says as much."""
    first, *others = ([clear(row.cells[c]) for row in rows] for c in columns)
    n_first = len(set(first))
    return all(
        len(set(other)) == n_first == len(set(zip(first, other, strict=True)))
        for other in others
    )


def _read_unit(column: str) -> str:
    return _UNIT_NAMES.get(spell(column).rpartition("_")[2], "")


def _ask(
    table: SmallTable, what: str, found: Sequence[str], field: str, more: str = ""
) -> UserError:
    held = [name[:40] for name in table.columns if table.has(name)]
    said = f"may stand in {list_some(found)}" if found else "stands in no known column"
    named = "" if found else f"; it has {list_some(held, 12)}"
    return UserError(f"{table.path}: {what} {said}: say --{field} COLUMN{more}{named}")
