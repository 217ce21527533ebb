"""Join event logs and ratings to a table of trials, and say what was understood."""

import math
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.datasets.event_logs.choices import JoinChoices
from deepvanet.datasets.event_logs.log import EventLog, LogTrial, read_log
from deepvanet.datasets.event_logs.log_columns import LogKind
from deepvanet.datasets.event_logs.rated import (
    RatingMatch,
    RatingTable,
    describe_ratings,
    match_ratings,
    read_ratings,
)
from deepvanet.datasets.recordings.cells import clear, to_number
from deepvanet.datasets.recordings.trial_columns import KNOWN
from deepvanet.datasets.small_tables import read_table
from deepvanet.files import check_file, is_file, whole_file, write_text
from deepvanet.findings import list_some, say_count
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, UserError
from deepvanet.signal_io.declared import FILE_NAME, read_declared

WIDE = 7.0
"""The highest rating up to which a scale may end earlier than at 9."""

Cells = Mapping[str, str]


@dataclass(frozen=True)
class JoinedTrials:
    """A table of trials, and what was understood on the way.

    Attributes
    ----------
    rows : tuple of mapping
        Cells by column.
    lines : tuple of str
        What was understood.
    scale : (float, float) | None
        Of the ratings, where it is not that of ``prepare`` and not declared yet.
    """

    rows: tuple[Cells, ...]
    lines: tuple[str, ...]
    scale: tuple[float, float] | None = None

    def write(
        self, path: Path, *, append: bool = False
    ) -> tuple[list[Path], list[Cells]]:
        """Write the table, and ``recordings.toml`` beside it where a scale is said.

        Parameters
        ----------
        path : Path
            The table.
        append : bool
            Whether rows are added to those that it has.

        Returns
        -------
        paths : list of Path
            What was written.
        rows : list of dict
            All that the table has now.

        Raises
        ------
        UserError
            When a trial stands there already, or a file cannot be written.
        """
        check_file(path)
        before = _read_before(path, self.rows) if append and is_file(path) else []
        rows = [*before, *self.rows]
        columns = [c for c in KNOWN if any(c in row for row in rows)]
        columns += [c for row in rows for c in row if c not in columns]
        table = pd.DataFrame(rows, columns=list(dict.fromkeys(columns))).fillna("")
        with whole_file(path) as unfinished:
            write_csv(table, unfinished)
        if self.scale is None:
            return [path], rows
        declared = path.parent / FILE_NAME
        low, high = self.scale
        text = declared.read_text() if declared.is_file() else ""
        write_text(declared, f"rating_range = [{low:g}, {high:g}]\n{text}")
        return [path, declared], rows


def join_trials(
    logs: Sequence[Path], ratings: Path | None, out: Path, choices: JoinChoices
) -> JoinedTrials:
    """Join event logs and a table of ratings.

    Parameters
    ----------
    logs : sequence of Path
        Logs of PsychoPy, ``events.tsv`` of BIDS, or tables of events.
    ratings : Path | None
        A table with a row a trial; None where ratings stand in the log.
    out : Path
        Where the table of trials will be: its files are named from there.
    choices : JoinChoices
        What was said of columns, rows and clocks.

    Returns
    -------
    JoinedTrials
        The table, not written yet.

    Raises
    ------
    UserError
        When something cannot be read, or would have to be guessed.
    """
    choices.check()
    rows: list[Cells] = []
    lines: list[str] = []
    numbers: list[float] = []
    for path in logs:
        log = read_log(path, choices)
        offset_s = _find_offset(log, choices)
        table = read_ratings(ratings, log, choices)
        match = match_ratings(log, table, choices)
        lines += log.lines
        lines.append(_tell_clock(choices, offset_s))
        lines += describe_ratings(log, table, match)
        lines += _tell_unused(log, table)
        rows += _make_rows(log, table, match, offset_s, out, choices)
        numbers += _list_numbers(table, match)
    _refuse_twice(rows, out)
    scale, said = _find_scale(numbers, out, choices)
    return JoinedTrials(tuple(rows), (*lines, said), scale)


def _find_offset(log: EventLog, choices: JoinChoices) -> float:
    if choices.offset_s is not None:
        return choices.offset_s
    if log.kind is LogKind.BIDS or choices.marker:
        return 0.0
    raise UserError(
        f"{log.table.path} does not say how its clock lies on that of the signals: say "
        "--offset SECOND, the second of the signals at which it was at 0, or --marker "
        "TEXT, what marks the start of each stimulus in the signals"
    )


def _tell_clock(choices: JoinChoices, offset_s: float) -> str:
    if choices.marker:
        return f"  start of a trial: where the signals have the marker {choices.marker}"
    return f"  onset_s: onset plus {offset_s:g} s"


def _tell_unused(log: EventLog, ratings: RatingTable) -> Iterator[str]:
    own = [] if not ratings.is_log else [*ratings.columns.values()]
    idle = [
        c for c in log.table.columns if c not in (*log.used, *own) and log.table.has(c)
    ]
    if idle:
        yield f"not used of {log.table.path.name}: {list_some(idle, 12)}"
    if ratings.is_log:
        return
    used = (*ratings.columns.values(), *ratings.kept, ratings.subject, ratings.trial)
    spare = [c for c in ratings.table.columns if c not in (*used, ratings.stimulus)]
    if spare:
        yield f"not used of {ratings.table.path.name}: {list_some(spare, 12)}"


def _make_rows(
    log: EventLog,
    ratings: RatingTable,
    match: RatingMatch,
    offset_s: float,
    out: Path,
    choices: JoinChoices,
) -> Iterator[Cells]:
    counts: dict[str, int] = {}
    for trial, rated in zip(log.trials, match.rows, strict=True):
        counts[trial.subject] = counts.get(trial.subject, 0) + 1
        start = trial.onset_s + offset_s
        if start < 0:
            raise UserError(
                f"{log.table.path} line {trial.row.line}: begins {-start:g} s before "
                "the signals do, which --offset says"
            )
        cells = {
            "subject": trial.subject,
            **({"session": trial.session} if trial.session else {}),
            "trial": _name_trial(trial, counts[trial.subject]),
            "stimulus": trial.stimulus,
            **dict(_place_files(trial, out, choices)),
            **(
                {"marker": trial.marker}
                if choices.marker
                else {"onset_s": _write(start)}
            ),
            "duration_s": _write(trial.duration_s),
        }
        columns = {**ratings.columns, **{column: column for column in ratings.kept}}
        for name, column in columns.items():
            cells[name] = clear(rated.cells[column]) if rated else ""
        yield cells


def _name_trial(trial: LogTrial, number: int) -> str:
    """Return a name that no other trial of the subject has, on any visit."""
    return f"{trial.session}-{number}" if trial.session else str(number)


def _write(seconds: float) -> str:
    return f"{round(seconds, 4):.10g}"


def _place_files(
    trial: LogTrial, out: Path, choices: JoinChoices
) -> Iterator[tuple[str, str]]:
    for item in choices.inputs:
        name = item.name.replace("{subject}", trial.subject)
        path = Path(name.replace("{session}", trial.session))
        if not path.exists():
            raise UserError(f"{item.column}: {path} is not there", field="input")
        place = os.path.relpath(path.absolute(), out.absolute().parent)
        yield item.column, Path(place).as_posix()
        if item.offset_s is not None:
            yield f"{item.column}_offset_s", _write(item.offset_s)


def _list_numbers(ratings: RatingTable, match: RatingMatch) -> list[float]:
    cells = [
        to_number(clear(row.cells[column]))
        for row in match.rows
        if row
        for column in ratings.columns.values()
    ]
    return [number for number in cells if math.isfinite(number)]


def _find_scale(
    numbers: Sequence[float], out: Path, choices: JoinChoices
) -> tuple[tuple[float, float] | None, str]:
    """Return a scale to declare, and a line; ask where ratings may be on several."""
    usual = (LOWEST_RATING, HIGHEST_RATING)
    declared = out.parent / FILE_NAME
    said = None
    if declared.is_file() and "rating_range" in tomllib.loads(declared.read_text()):
        said = read_declared(out.parent).rating_range
    scale = choices.scale or said
    if not numbers:
        raise UserError("no trial has a rating that is a number")
    low, high = min(numbers), max(numbers)
    if scale is None:
        if high <= WIDE or low < usual[0] or high > usual[1]:
            raise UserError(
                f"ratings go from {low:g} to {high:g}, on a scale that nothing states: "
                "say --scale LOWEST,HIGHEST, as --scale 1,5"
            )
        scale = usual
    if low < scale[0] or high > scale[1]:
        raise UserError(
            f"ratings go from {low:g} to {high:g}, beyond the scale from {scale[0]:g} "
            f"to {scale[1]:g}",
            field="scale" if choices.scale else "",
        )
    if said is not None and said != scale:
        raise UserError(
            f"{declared} states the scale {said[0]:g} to {said[1]:g}", field="scale"
        )
    line = f"scale of ratings: {scale[0]:g} to {scale[1]:g}"
    if scale == usual or said is not None:
        return None, line
    return scale, f"{line}, which {declared} states as rating_range"


def _refuse_twice(rows: Sequence[Cells], out: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = row["subject"], row["trial"]
        if key in seen:
            raise UserError(
                f"{out}: subject {key[0]} has trial {key[1]} in two logs; their "
                "sessions need names of their own, or one of them is enough"
            )
        seen.add(key)


def _read_before(path: Path, rows: Sequence[Cells]) -> list[Cells]:
    table = read_table(path, what="table of trials", known=KNOWN)
    before: list[Cells] = [dict(row.cells) for row in table.rows]
    there = {(row.get("subject"), row.get("trial")) for row in before}
    for row in rows:
        if (row["subject"], row["trial"]) in there:
            raise UserError(
                f"{path}: has trial {row['trial']} of subject {row['subject']} already",
                field="append",
            )
    return before


def say_trials(rows: Sequence[Cells]) -> str:
    """Count trials and subjects in words."""
    subjects = {row["subject"] for row in rows}
    return f"{say_count(len(rows), 'trial')} of {say_count(len(subjects), 'subject')}"
