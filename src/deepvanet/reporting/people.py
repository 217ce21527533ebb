"""What a report says of people: scores by group, and what sets of labels hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from deepvanet.findings import say_count
from deepvanet.metrics import LEAST_SUBJECTS, NOT_STATED
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting.studies import Study
from deepvanet.reporting.tables import find_asked
from deepvanet.reporting.wording import MISSING, Wording
from deepvanet.schema import KEY_COLUMNS, PRIORS, ScoreKey


@dataclass(frozen=True)
class GroupRow:
    """A group under one protocol, by one learner on one stream set.

    Attributes
    ----------
    n_subjects, n_scored, n_trials : int
        Of the group; only those for whom the metric is defined are scored.
    score, interval, difference, difference_interval : str
        As they are read; the difference is that to all other subjects.
    unknown : str
        Why there is no score, or nothing.
    """

    part: ScoreKey
    is_leaking: bool
    group: str
    n_subjects: int
    n_scored: int
    n_trials: int
    score: str
    interval: str
    difference: str
    difference_interval: str
    unknown: str


@dataclass(frozen=True)
class GroupTable:
    """The groups of one column.

    Attributes
    ----------
    column : str
        Where they are from.
    counts : str
        How many subjects each group has, in words.
    asked, others : sequence of (str, str, sequence of GroupRow)
        For each target and protocol: its name, what it leaks, and the rows; of what was
        asked for, and of all else.
    comparisons : str
        How many differences there are, and what to make of them; or nothing.
    """

    column: str
    counts: str
    asked: Sequence[tuple[str, str, Sequence[GroupRow]]]
    others: Sequence[tuple[str, str, Sequence[GroupRow]]]
    comparisons: str


def list_group_tables(study: Study) -> list[GroupTable]:
    """Return a table for each column that was asked for."""
    words = Wording(study.form)
    rows = study.groups[study.groups["metric"] == study.form.headline]
    return [
        _make_table(study, column, rows[rows["column"] == column], words)
        for column in study.group
    ]


def _make_table(
    study: Study, column: str, rows: pd.DataFrame, words: Wording
) -> GroupTable:
    by_group = rows.groupby("group", sort=True)["n_subjects"].max()
    counts = ", ".join(f"{group} {n}" for group, n in by_group.items())
    asked: list[tuple[str, str, list[GroupRow]]] = []
    others: list[tuple[str, str, list[GroupRow]]] = []
    made = [(_find_key(row), _make_row(row, words)) for row in rows.to_dict("records")]
    for target in study.targets:
        for protocol in study.protocols:
            mine = [pair for pair in made if pair[0][:2] == (protocol, target)]
            learnt = [part for part, _ in mine if part.learner not in PRIORS]
            if not learnt:
                continue
            first = find_asked(study, list(dict.fromkeys(learnt)))
            head = f"{target}, {protocol}", study.leaks_of(protocol)
            asked.append((*head, [row for part, row in mine if part == first]))
            others.append((*head, [row for part, row in mine if part != first]))
    return GroupTable(
        column,
        counts,
        asked,
        [held for held in others if held[2]],
        _say_comparisons(asked),
    )


def _find_key(row: dict[Any, Any]) -> ScoreKey:
    return ScoreKey(*(str(row[name]) for name in KEY_COLUMNS))


def _make_row(row: dict[Any, Any], words: Wording) -> GroupRow:
    n_scored = int(row["n_scored"])
    mean, low, difference = (
        float(row[name]) for name in ("mean", "ci_low", "difference")
    )
    unknown = ""
    if not isfinite(mean):
        unknown = (
            f"nothing is known: {say_count(n_scored, 'scored subject')}, "
            f"{LEAST_SUBJECTS} are needed"
        )
    return GroupRow(
        part=_find_key(row),
        is_leaking=row["leaks"] != "none",
        group=str(row["group"]),
        n_subjects=int(row["n_subjects"]),
        n_scored=n_scored,
        n_trials=int(row["n_trials"]),
        score=words.write(mean) if isfinite(mean) else MISSING,
        interval=f"{words.write(low)} to {words.write(float(row['ci_high']))}"
        if isfinite(low)
        else "",
        difference=words.write_change(difference) if isfinite(difference) else "",
        difference_interval=f"{words.write_change(float(row['difference_low']))} to "
        f"{words.write_change(float(row['difference_high']))}"
        if isfinite(difference)
        else "",
        unknown=unknown,
    )


def _say_comparisons(asked: Sequence[tuple[str, str, Sequence[GroupRow]]]) -> str:
    """Say how many differences are tried; two groups have one between them."""
    n_tried = 0
    for _, _, rows in asked:
        held = sum(1 for row in rows if row.difference)
        named = [row for row in rows if row.group != NOT_STATED]
        n_tried += 1 if len(rows) == 2 and held and len(named) == 2 else held
    if not n_tried:
        return (
            "No difference between groups is known: it needs at least "
            f"{LEAST_SUBJECTS} scored subjects on either side."
        )
    tried = say_count(n_tried, "difference is", "differences are")
    return (
        f"{tried} shown here, not corrected for their number: of twenty without any "
        "cause, up to one has an interval that excludes 0."
    )


@dataclass(frozen=True)
class CoverageRow:
    """What the sets of one learner hold of the trials of new people.

    Attributes
    ----------
    held, interval : str
        In per cent; ``unknown`` where there is none.
    size, size_of_prior : str
        Labels in a set, or length of an interval; that of the protocol's prior.
    """

    part: ScoreKey
    n_subjects: int
    held: str
    interval: str
    size: str
    prior: str
    size_of_prior: str


def list_coverage(study: Study) -> list[CoverageRow]:
    """Return what sets hold, a row a learner that reads signals; none if none knows."""
    rows = study.coverage.to_dict("records")
    by_part = {_find_key(row): row for row in rows}
    found = []
    for part in study.parts:
        row = by_part.get(part)
        if row is None or part.learner in PRIORS:
            continue
        prior = PROTOCOLS[part.protocol].prior
        beside = by_part.get(part._replace(learner=prior), {})
        low = float(row["ci_low"])
        found.append(
            CoverageRow(
                part,
                int(row["n_subjects"]),
                _write_share(float(row["coverage"])),
                f"{_write_share(low)} to {_write_share(float(row['ci_high']))}"
                if isfinite(low)
                else "",
                _write_size(float(row["size"])),
                prior,
                _write_size(float(beside.get("size", "nan"))),
            )
        )
    return found if any(row.held != MISSING for row in found) else []


def _write_share(value: float) -> str:
    return f"{100 * value:.1f}" if isfinite(value) else MISSING


def _write_size(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else MISSING
