"""A table of ratings, and which of its rows belongs to which trial."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deepvanet.datasets.event_logs.choices import JoinChoices, require_column
from deepvanet.datasets.event_logs.log import EventLog, LogTrial
from deepvanet.datasets.event_logs.log_columns import list_stimuli
from deepvanet.datasets.recordings.cells import clear, read_decimal_commas, to_number
from deepvanet.datasets.recordings.column_names import Vocabulary, find_near, spell
from deepvanet.datasets.recordings.trial_columns import KNOWN, WORDS, find_subject
from deepvanet.datasets.small_tables import (
    SmallTable,
    TextRow,
    name_lines,
    read_table,
    shorten,
)
from deepvanet.findings import list_some, say_count
from deepvanet.schema import Target, UserError

_TARGETS = Vocabulary(tuple(Target), {t: WORDS.synonyms[t] for t in Target})
_TRIALS = ("trial", *WORDS.synonyms["trial"])


@dataclass(frozen=True)
class RatingTable:
    """Ratings as they were understood.

    Attributes
    ----------
    columns : mapping
        Of each target that was rated.
    kept : tuple of str
        Further columns of numbers.
    subject, trial, stimulus : str
        Columns that say whose they are; empty where there are none.
    is_log : bool
        Whether they stand in the log itself.
    """

    table: SmallTable
    rows: tuple[TextRow, ...]
    columns: dict[str, str]
    kept: tuple[str, ...]
    subject: str
    trial: str
    stimulus: str
    is_log: bool


def read_ratings(path: Path | None, log: EventLog, choices: JoinChoices) -> RatingTable:
    """Read a table of ratings, or those that stand in the log.

    Parameters
    ----------
    path : Path | None
        The table; None are ratings in the log.
    log : EventLog
        The log.
    choices : JoinChoices
        What was said of the ratings.

    Raises
    ------
    UserError
        When it cannot be read, or something would have to be guessed.
    """
    is_log = path is None
    table = log.table
    if path is not None:
        table = read_table(path, what="table of ratings", known=(*Target, *_TRIALS))
    columns = {
        str(target): column
        for target in Target
        if (column := _find_target(table, target, choices))
    }
    if not columns:
        raise UserError(
            f"{table.path}: no column is known as a rating: say --valence COLUMN or "
            f"--arousal COLUMN; it has {list_some([c[:40] for c in table.columns], 12)}"
        )
    table = read_decimal_commas(table, [*columns.values()])
    if is_log:
        lines = {trial.row.line for trial in log.trials}
        rows = tuple(row for row in table.rows if row.line in lines)
    else:
        rated = columns.values()
        rows = tuple(r for r in table.rows if any(clear(r.cells[c]) for c in rated))
    stimuli = [] if is_log else [c for c in list_stimuli(table.columns) if table.has(c)]
    named = (*columns.values(), *stimuli)
    subject = "" if is_log else find_subject(table)
    trial = "" if is_log else _find_trial(table)
    kept = [
        column
        for column in table.columns
        if not is_log
        and column not in (*named, subject, trial, *KNOWN)
        and "." not in column
        and rows
        and all(math.isfinite(to_number(clear(row.cells[column]))) for row in rows)
    ]
    return RatingTable(
        table=table,
        rows=rows,
        columns=columns,
        kept=tuple(kept),
        subject=subject,
        trial=trial,
        stimulus=stimuli[0] if stimuli else "",
        is_log=is_log,
    )


def _find_target(table: SmallTable, target: Target, choices: JoinChoices) -> str:
    asked = getattr(choices, target)
    if asked:
        return require_column(table, asked, target)
    if target in table.columns:
        return str(target)
    near = [c for c in table.columns if find_near(c, (), _TARGETS) == target]
    held = [column for column in near if table.has(column)]
    if len(held) > 1:
        raise UserError(
            f"{table.path}: {target} may stand in {list_some(held)}: say --{target} "
            "COLUMN"
        )
    return held[0] if held else ""


def _find_trial(table: SmallTable) -> str:
    return next((c for c in table.columns if spell(c) in _TRIALS and table.has(c)), "")


@dataclass(frozen=True)
class RatingMatch:
    """Which row of ratings each trial has; None where there is none.

    Attributes
    ----------
    how : str
        A sentence.
    """

    rows: tuple[TextRow | None, ...]
    how: str


def match_ratings(
    log: EventLog, ratings: RatingTable, choices: JoinChoices
) -> RatingMatch:
    """Find the ratings of each trial.

    Parameters
    ----------
    log : EventLog
        The trials.
    ratings : RatingTable
        The ratings.
    choices : JoinChoices
        May say by what they are matched.

    Raises
    ------
    UserError
        When it would have to be guessed, or trials have no rating or two.
    """
    if ratings.is_log or choices.match == "row":
        if not ratings.is_log:
            raise UserError(
                "row: the ratings are in another table than the events", field="match"
            )
        by_line = {row.line: row for row in ratings.rows}
        rows = tuple(by_line[trial.row.line] for trial in log.trials)
        return RatingMatch(rows, "in the row of the trial")
    groups = _group(log, ratings)
    made = {
        way: _match_all(log, ratings, groups, way)
        for way in _list_ways(ratings, groups, choices)
    }
    first, *others = made
    for other in others:
        apart = [
            trial
            for trial, one, two in zip(
                log.trials, made[first].rows, made[other].rows, strict=True
            )
            if one is not two
        ]
        if apart:
            raise UserError(
                f"{ratings.table.path}: {first} and {other} give other ratings to "
                f"{say_count(len(apart), 'trial')}, the first one on line "
                f"{apart[0].row.line} of {log.table.path.name}: say --match {first} "
                f"or --match {other}"
            )
    return made[first]


_Group = tuple[list[LogTrial], list[TextRow]]


def _group(log: EventLog, ratings: RatingTable) -> list[_Group]:
    """Return the trials and the ratings of each subject."""
    subjects = list(dict.fromkeys(trial.subject for trial in log.trials))
    if not ratings.subject:
        if len(subjects) > 1:
            raise UserError(
                f"{ratings.table.path} does not say whose ratings they are, and "
                f"{log.table.path.name} has subjects {list_some(subjects)}: add a "
                "column subject"
            )
        return [(list(log.trials), list(ratings.rows))]
    by_name: dict[str, list[TextRow]] = {}
    for row in ratings.rows:
        by_name.setdefault(clear(row.cells[ratings.subject]), []).append(row)
    absent = [name for name in subjects if name not in by_name]
    if absent:
        raise UserError(
            f"{ratings.table.path}: {ratings.subject} does not name subject "
            f"{shorten(absent[0])} of {log.table.path.name}, it names "
            f"{list_some([*map(shorten, by_name)])}: say --subject NAME if they are "
            "the same"
        )
    return [([t for t in log.trials if t.subject == s], by_name[s]) for s in subjects]


def _list_ways(
    ratings: RatingTable, groups: Sequence[_Group], choices: JoinChoices
) -> list[str]:
    if choices.match:
        return [choices.match]
    can_name = ratings.stimulus and all(
        len({trial.stimulus for trial in trials}) == len(trials) for trials, _ in groups
    )
    ways = [
        *(["stimulus"] if can_name else []),
        *(["trial"] if ratings.trial else []),
    ]
    if ways:
        return ways
    raise UserError(
        f"{ratings.table.path} has no column of stimuli that were shown once, and none "
        "of trial numbers: say --match order if its rows are in the order of the trials"
    )


def _match_all(
    log: EventLog, ratings: RatingTable, groups: Sequence[_Group], way: str
) -> RatingMatch:
    found: dict[int, TextRow] = {}
    how: dict[str, None] = {}
    for trials, rows in groups:
        if way == "stimulus":
            pairs, said = _match_stimuli(log, ratings, trials, rows)
        elif way == "trial":
            pairs, said = _match_numbers(log, ratings, trials, rows)
        else:
            _refuse_other_count(log, ratings, trials, rows)
            pairs, said = list(zip(trials, rows, strict=True)), "in the order of rows"
        how[said] = None
        found |= {trial.row.line: row for trial, row in pairs}
    matched = tuple(found.get(trial.row.line) for trial in log.trials)
    return RatingMatch(matched, " or ".join(how))


def _refuse_other_count(
    log: EventLog,
    ratings: RatingTable,
    trials: Sequence[LogTrial],
    rows: Sequence[TextRow],
) -> None:
    if len(trials) != len(rows):
        raise UserError(
            f"{ratings.table.path} has {say_count(len(rows), 'rated row')} of subject "
            f"{trials[0].subject}, {log.table.path.name} has "
            f"{say_count(len(trials), 'trial')}: say --where COLUMN=VALUE if not all "
            "of these are trials, or match by stimulus"
        )


def _match_numbers(
    log: EventLog,
    ratings: RatingTable,
    trials: Sequence[LogTrial],
    rows: Sequence[TextRow],
) -> tuple[list[tuple[LogTrial, TextRow]], str]:
    """Match by numbers of trials, which count from 0 or 1."""
    if not ratings.trial:
        raise UserError(
            f"{ratings.table.path} has no column of trial numbers", field="match"
        )
    numbers = [to_number(clear(row.cells[ratings.trial])) for row in rows]
    first = min(numbers, default=math.nan)
    by_number = dict(zip(numbers, rows, strict=True))
    wanted = [first + place for place in range(len(trials))]
    if first not in (0.0, 1.0) or sorted(numbers) != wanted:
        raise UserError(
            f"{ratings.table.path}: {ratings.trial} does not number the "
            f"{say_count(len(trials), 'trial')} of subject {trials[0].subject} in "
            f"{log.table.path.name} one by one from 0 or 1, got "
            f"{list_some([f'{n:g}' for n in numbers])}: say --match stimulus or "
            "--match order"
        )
    pairs = [(trial, by_number[n]) for trial, n in zip(trials, wanted, strict=True)]
    return pairs, f"by trial: {ratings.trial}, from {first:g}, in the order of onsets"


def _match_stimuli(
    log: EventLog,
    ratings: RatingTable,
    trials: Sequence[LogTrial],
    rows: Sequence[TextRow],
) -> tuple[list[tuple[LogTrial, TextRow]], str]:
    """Match by names of stimuli: as they stand, else without folder and ending."""
    column = ratings.stimulus
    if not column:
        raise UserError(f"{ratings.table.path} has no column of stimuli", field="match")
    shown = [trial.stimulus for trial in trials]
    named = [clear(row.cells[column]) for row in rows]
    said = f"by stimulus: {column}"
    if not {*shown} & {*named} or not {*shown} <= {*named}:
        shown, named = [*map(_bare, shown)], [*map(_bare, named)]
        said = f"{said}, without folder and ending of names"
    twice = [name for name in dict.fromkeys(named) if named.count(name) > 1]
    again = [name for name in dict.fromkeys(shown) if shown.count(name) > 1]
    if twice or again:
        file = ratings.table.path.name if twice else log.table.path.name
        raise UserError(
            f"stimulus {shorten((twice or again)[0])} stands twice in {file} for "
            f"subject {trials[0].subject}: say --match trial or --match order"
        )
    lost = [name for name in shown if name not in named]
    if len(lost) == len(shown):
        raise UserError(
            f"{ratings.table.path}: {column} names no stimulus of {log.table.path}: "
            f"{list_some([*map(shorten, named)], 3)} there, "
            f"{list_some([*map(shorten, shown)], 3)} here: say --match order if the "
            "rows are in the order of the trials"
        )
    by_name = dict(zip(named, rows, strict=True))
    pairs = [
        (trial, by_name[name])
        for trial, name in zip(trials, shown, strict=True)
        if name in by_name
    ]
    return pairs, said


def _bare(name: str) -> str:
    """Return the name of a stimulus without folder and ending, in lower case.

    Examples
    --------
    >>> _bare("clips/Amusing_01.mp4"), _bare("No. 3")
    ('amusing_01', 'no. 3')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    is_ending = 1 < len(path.suffix) <= 5 and path.suffix[1:].isalnum()
    has_letter = any(sign.isalpha() for sign in path.suffix)
    return (path.stem if is_ending and has_letter else path.name).casefold()


def describe_ratings(
    log: EventLog, ratings: RatingTable, match: RatingMatch
) -> list[str]:
    """Say how ratings were understood, a line each."""
    n_rows = say_count(len(ratings.rows), "row")
    lines = [f"ratings: {ratings.table.path}: {n_rows}, matched {match.how}"]
    for target, column in ratings.columns.items():
        values = [to_number(clear(row.cells[column])) for row in match.rows if row]
        known = [value for value in values if math.isfinite(value)]
        span = f"{min(known):g} to {max(known):g}" if known else "no number"
        lines.append(f"  {target}: {column}, {span}")
    if ratings.kept:
        lines.append(f"  kept beside them: {', '.join(ratings.kept)}")
    unrated = [
        f"{trial.stimulus[:40]} (line {trial.row.line})"
        for trial, row in zip(log.trials, match.rows, strict=True)
        if row is None
    ]
    if unrated:
        n_unrated = say_count(len(unrated), "trial has", "trials have")
        lines.append(f"  {n_unrated} no rating: {list_some(unrated)}")
    taken = {row.line for row in match.rows if row}
    spare = [row.line for row in ratings.rows if row.line not in taken]
    if spare:
        lines.append(f"  ratings of no trial here: {name_lines(spare)}")
    return lines
