"""An event log -> its trials: who, when, how long, what."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepvanet.datasets.event_logs.choices import JoinChoices, count_cells, pick_rows
from deepvanet.datasets.event_logs.log_columns import (
    STOPPED,
    LogColumns,
    LogKind,
    find_duration,
    find_onset,
    find_stimulus,
    find_unit,
    list_loops,
    tell_kind,
)
from deepvanet.datasets.recordings.cells import clear, to_number
from deepvanet.datasets.recordings.trial_columns import find_subject
from deepvanet.datasets.small_tables import (
    SmallTable,
    TextRow,
    name_lines,
    read_table,
    shorten,
)
from deepvanet.findings import list_some, say_count
from deepvanet.schema import UserError


@dataclass(frozen=True)
class LogTrial:
    """A trial of a log.

    Attributes
    ----------
    row : TextRow
        Where it stands.
    onset_s, duration_s : float
        On the clock of the log.
    marker : str
        What marks it in the signals, if that was said.
    """

    row: TextRow
    subject: str
    session: str
    stimulus: str
    onset_s: float
    duration_s: float
    marker: str = ""


@dataclass(frozen=True)
class EventLog:
    """A log as it was understood.

    Attributes
    ----------
    trials : tuple of LogTrial
        In the order of the log.
    lines : tuple of str
        What was understood, a line each.
    used : tuple of str
        Columns that were read.
    """

    table: SmallTable
    kind: LogKind
    trials: tuple[LogTrial, ...]
    lines: tuple[str, ...]
    used: tuple[str, ...]


def read_log(path: Path, choices: JoinChoices) -> EventLog:
    """Read an event log of PsychoPy, BIDS, or any table.

    Parameters
    ----------
    path : Path
        The log.
    choices : JoinChoices
        What was said of it.

    Raises
    ------
    UserError
        When it cannot be read, or something would have to be guessed.
    """
    known = ("onset", "duration", "participant", "trial_type", "stimulus")
    table = read_table(path, what="log of events", known=known)
    kind = tell_kind(table)
    asked = pick_rows(table, choices.where) if choices.where else table.rows
    onset = find_onset(table, kind, asked, choices)
    timed = [row for row in asked if math.isfinite(_read(row, onset))]
    if not timed:
        raise UserError(f"{path}: {onset} holds no number", field="onset")
    if not choices.where:
        timed = _refuse_two_loops(table, timed)
    stimulus = find_stimulus(table, kind, timed, choices)
    rows = [row for row in timed if clear(row.cells[stimulus])]
    duration = find_duration(table, kind, onset, choices)
    times = (onset, duration)
    columns = LogColumns(onset, duration, stimulus, find_unit(kind, times, choices))
    _refuse_two_kinds(table, kind, rows, columns, choices)
    trials = tuple(_read_trials(table, kind, rows, columns, choices))
    _refuse_restart(table, trials, onset)
    used = (*times, stimulus, *_name_used(table, choices))
    lines = _describe(table, kind, trials, columns, choices)
    return EventLog(table, kind, trials, tuple(lines), used)


def _read(row: TextRow, column: str) -> float:
    return to_number(clear(row.cells.get(column)))


def _refuse_two_loops(table: SmallTable, rows: Sequence[TextRow]) -> list[TextRow]:
    """Return rows of one loop, or of loops within each other; else ask which."""
    loops = list_loops(table)
    groups: dict[tuple[str, ...], list[TextRow]] = {}
    for row in rows:
        own = tuple(loop for loop in loops if clear(row.cells[loop]))
        groups.setdefault(own, []).append(row)
    if len(groups) == 1:
        return list(rows)
    found = [
        f"{' within '.join(reversed(own)) or 'no loop'} ({len(members)})"
        for own, members in groups.items()
    ]
    name = next((own[-1] for own in reversed(groups) if own), "LOOP.thisN")
    raise UserError(
        f"{table.path}: rows of {list_some(found)} may be trials: say which, as "
        f"--where {name}",
        field="",
    )


def _refuse_two_kinds(
    table: SmallTable,
    kind: LogKind,
    rows: Sequence[TextRow],
    columns: LogColumns,
    choices: JoinChoices,
) -> None:
    """Ask which events of BIDS are trials where only their type says what they are."""
    if kind is not LogKind.BIDS or choices.where or choices.stimulus:
        return
    if columns.stimulus != "trial_type":
        return
    counts = count_cells(rows, "trial_type")
    if len(set(counts.values())) > 1:
        named = [f"{name[:40]} ({n})" for name, n in counts.items()]
        first = max(counts, key=lambda name: counts[name])
        raise UserError(
            f"{table.path}: events of type {list_some(named)} may be trials: say "
            f"which, as --where 'trial_type!={first}'",
            field="",
        )


def _read_trials(
    table: SmallTable,
    kind: LogKind,
    rows: Sequence[TextRow],
    columns: LogColumns,
    choices: JoinChoices,
) -> list[LogTrial]:
    who = _find_who(table, kind, choices)
    fixed = to_number(choices.duration)
    trials = []
    for row in rows:
        start = _read(row, columns.onset)
        if columns.duration:
            end = _read(row, columns.duration)
            lasts = end - start if columns.duration.endswith(STOPPED) else end
            lasts *= columns.unit_s
        else:
            lasts = fixed
        if not (math.isfinite(lasts) and lasts > 0):
            raise UserError(
                f"{table.path} line {row.line}: {columns.duration or 'it'} does not "
                "say how long the stimulus lasted: say --duration SECONDS, or another "
                "COLUMN",
                field="duration",
            )
        marker = choices.marker
        if marker in table.columns:
            marker = clear(row.cells[marker])
        trials.append(
            LogTrial(
                row=row,
                subject=clear(row.cells[who]) if who in table.columns else who,
                session=_find_session(table, kind, row),
                stimulus=row.cells[columns.stimulus].strip(),
                onset_s=start * columns.unit_s,
                duration_s=lasts,
                marker=marker,
            )
        )
    return trials


def _find_who(table: SmallTable, kind: LogKind, choices: JoinChoices) -> str:
    """Return the column of subjects, or the name of the only one."""
    if choices.subject:
        return choices.subject
    named = re.search(r"(?:^|_)sub-([a-zA-Z0-9]+)", table.path.name)
    if kind is LogKind.BIDS and named:
        return named[1]
    column = find_subject(table)
    if column:
        return column
    raise UserError(
        f"{table.path} does not say whose trials they are: say --subject NAME, or the "
        "column that does",
        field="subject",
    )


def _find_session(table: SmallTable, kind: LogKind, row: TextRow) -> str:
    named = re.search(r"(?:^|_)ses-([a-zA-Z0-9]+)", table.path.name)
    if kind is LogKind.BIDS and named:
        return named[1]
    return clear(row.cells.get("session"))


def _refuse_restart(table: SmallTable, trials: Sequence[LogTrial], onset: str) -> None:
    """Refuse times that start again with each trial: they have no common clock."""
    last: dict[tuple[str, str], LogTrial] = {}
    for trial in trials:
        before = last.get((trial.subject, trial.session))
        if before is not None and trial.onset_s <= before.onset_s:
            raise UserError(
                f"{table.path}: {onset} does not rise from line {before.row.line} "
                f"({before.onset_s:g} s) to line {trial.row.line} "
                f"({trial.onset_s:g} s), as times of one clock do: say --onset COLUMN",
                field="",
            )
        last[trial.subject, trial.session] = trial


def _name_used(table: SmallTable, choices: JoinChoices) -> tuple[str, ...]:
    who = choices.subject or find_subject(table)
    held = (who, "session", choices.marker, *list_loops(table))
    return tuple(column for column in held if column in table.columns)


def _describe(
    table: SmallTable,
    kind: LogKind,
    trials: Sequence[LogTrial],
    columns: LogColumns,
    choices: JoinChoices,
) -> list[str]:
    subjects = list(dict.fromkeys(trial.subject for trial in trials))
    n_trials, n_rows = (
        say_count(len(trials), "trial"),
        say_count(len(table.rows), "row"),
    )
    whose = f"subject{'' if len(subjects) == 1 else 's'} {list_some(subjects)}"
    lines = [f"events: {table.path}, {kind}: {n_rows}, {n_trials} of {whose}"]
    chosen = f" and {choices.where}" if choices.where else ""
    lines.append(
        f"  trials: the rows with {columns.onset} and {columns.stimulus}{chosen}"
    )
    taken = {trial.row.line for trial in trials}
    rest = [row.line for row in table.rows if row.line not in taken]
    if rest:
        lines.append(f"  no trials: {say_count(len(rest), 'row')}, {name_lines(rest)}")
    unit = next(name for name, size in _UNITS_SAID if size == columns.unit_s)
    lines.append(f"  onset: {columns.onset}, in {unit}")
    lengths = [trial.duration_s for trial in trials]
    what = columns.duration or "as said"
    if what.endswith(STOPPED):
        what = f"{what} less {columns.onset}"
    lines.append(f"  duration: {what}, from {min(lengths):.6g} to {max(lengths):.6g} s")
    names = list(dict.fromkeys(trial.stimulus for trial in trials))
    lines.append(
        f"  stimulus: {columns.stimulus}, {len(names)} different: "
        f"{list_some([shorten(name) for name in names], 3)}"
    )
    return lines


_UNITS_SAID = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
