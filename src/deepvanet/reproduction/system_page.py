"""What the page says of the systems: tables, figures, and each system's own part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepvanet.learners.published_systems import ASSUMED, SYSTEMS, SystemRecord
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting.plotting import Plot
from deepvanet.reproduction.baseline_square import (
    BASELINES,
    SQUARE_PROTOCOLS,
    SquareScore,
    spell_corner,
)
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import DASH, Cell
from deepvanet.reproduction.system_scores import ACCURACY, SystemRow, SystemScore
from deepvanet.reproduction.system_tables import (
    EXPLANATION,
    KINDS,
    TableKind,
    describe_store,
    group_rows,
    spell_published,
    spell_score,
    spell_system,
    write_head,
)
from deepvanet.reproduction.systems import COLUMNS, find_printed
from deepvanet.reproduction.table2 import TARGETS, Notes, spell_pair


@dataclass
class SystemContent:
    """What is shown of the systems.

    Attributes
    ----------
    tables : mapping
        By metric, rows.
    small : str
        What a small size does to the numbers; empty at the full size.
    figures : list of Plot
        One a store.
    squares : list of tuple
        For each store the scores of its square, and their figure if there is a score.
    """

    tables: Mapping[str, Sequence[SystemRow]]
    given: Mapping[str, StoreOfPaper]
    small: str = ""
    figures: list[Plot] = field(default_factory=list)
    squares: list[tuple[Sequence[SquareScore], Plot | None]] = field(
        default_factory=list
    )

    @property
    def plots(self) -> list[Plot]:
        """All figures."""
        return [*self.figures, *(plot for _, plot in self.squares if plot)]


def describe_systems(made: SystemContent, inline: Any) -> dict[str, Any]:
    """Return what the template takes.

    Parameters
    ----------
    made : SystemContent
        What is shown.
    inline : callable
        From a plot to what the template's figure takes.
    """
    return {
        "tables": [_describe_table(kind, made) for kind in KINDS],
        "explanation": EXPLANATION,
        "small": made.small,
        "heads": [write_head(column) for column in COLUMNS],
        "figures": [inline(one) for one in made.figures],
        "squares": [_describe_square(*square, inline) for square in made.squares],
        "described": [
            _describe_system(record, made.tables[ACCURACY])
            for record in SYSTEMS.values()
        ],
    }


def _describe_table(kind: TableKind, made: SystemContent) -> dict[str, Any]:
    notes = Notes()
    return {
        "file": kind.file,
        "letter": kind.letter,
        "title": kind.title,
        "about": kind.about,
        "has_published": kind.has_published,
        "blocks": [
            {
                "dataset": DATASETS[key],
                "store": describe_store(made.given[key]),
                "rows": [_describe_row(row, kind, notes) for row in rows],
            }
            for key, rows in group_rows(made.tables[kind.metric])
        ],
        "notes": notes.letters,
    }


def _describe_row(row: SystemRow, kind: TableKind, notes: Notes) -> dict[str, Any]:
    return {
        "learner": row.record.learner,
        "names": spell_system(row, kind.metric),
        "published": spell_published(row, notes) if kind.has_published else "",
        "cells": [
            {
                "lines": spell_score(row.scores[column], notes),
                "is_empty": row.scores[column].is_empty,
                "leaks": row.scores[column].leaks not in ("", "none"),
            }
            for column in COLUMNS
        ],
    }


def _describe_square(
    scores: Sequence[SquareScore], plot: Plot | None, inline: Any
) -> dict[str, Any]:
    notes = Notes()
    by_place = {(s.run.baseline, s.run.protocol): s for s in scores}
    return {
        "dataset": DATASETS[scores[0].run.key],
        "heads": [
            (name, ", ".join(PROTOCOLS[name].leaks) or "none")
            for name in SQUARE_PROTOCOLS
        ],
        "rows": [
            {
                "baseline": baseline,
                "cells": [
                    {
                        "lines": spell_corner(by_place[baseline, protocol], notes),
                        "leaks": bool(PROTOCOLS[protocol].leaks),
                    }
                    for protocol in SQUARE_PROTOCOLS
                ],
            }
            for baseline in BASELINES
        ],
        "notes": notes.letters,
        "drawing": inline(plot) if plot else None,
    }


def _describe_system(record: SystemRecord, rows: Sequence[SystemRow]) -> dict[str, Any]:
    ours = [
        (f"{DATASETS[row.key]}, {_name(score)}", _say_score(score))
        for row in rows
        if row.record == record
        for score in row.scores.values()
    ]
    return {
        "record": record,
        "protocol": say_protocol(record),
        "published": say_published(record),
        "ours": ours,
        "taken": [fact for fact in record.facts if fact.tag not in ASSUMED],
        "chosen": [fact for fact in record.facts if fact.tag in ASSUMED],
    }


def _name(score: SystemScore) -> str:
    run = score.run
    return "authors' protocol" if run.column == COLUMNS[0] else run.protocol


def _say_score(score: SystemScore) -> str:
    if score.is_empty:
        return f"{DASH} {score.cells[0].why}"
    return (
        f"{spell_pair(score.cells)} of {score.level}s under `{score.run.protocol}`, "
        f"leaks: {score.leaks.replace('+', ', ')}; {score.run.prior} "
        f"{spell_pair(score.priors)}"
    )


def say_protocol(record: SystemRecord) -> str:
    """Say which protocol of ours is the authors', and where that is from."""
    folds = f", {record.authors_folds} folds" if record.authors_folds else ""
    kind = "assumed, " if record.is_assumed else ""
    return f"`{record.authors_protocol}`{folds} ({kind}{record.protocol_tag})"


def say_published(record: SystemRecord) -> str:
    """Say what Table 2 prints, and what is wrong with that."""
    said = []
    for key, name in DATASETS.items():
        row = find_printed(record, key)
        if row is not None:
            pair = spell_pair([Cell(row.of(target)) for target in TARGETS])
            said.append(f"{name} {pair}")
    note = f": {record.footnote}" if record.footnote else ""
    return "; ".join(said) + note
