"""Table 2 in the paper's layout, ours beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.config import to_dict
from deepvanet.files import whole_file, write_text
from deepvanet.learners import PRIORS
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.protocols import PROTOCOLS, describe_held_out
from deepvanet.recipes import describe_recipe
from deepvanet.reproduction.plans import FUSIONS, NETWORK, WHOLE, Size, name_run
from deepvanet.reproduction.published import (
    DATASETS,
    INTER,
    PER,
    TABLE_2,
    THIS_WORK,
    PublishedRow,
)
from deepvanet.reproduction.scores import Cell, RunScores
from deepvanet.schema import Target
from deepvanet.tasks import TASKS

SEGMENT, TRIAL = ("segment", "accuracy"), ("trial", "balanced_accuracy")
"""Levels and metrics: the paper's own, and what an honest protocol is read by."""

TARGETS = tuple(map(str, Target))

STUDIES = {
    NETWORK: f"{THIS_WORK}, feature-level fusion",
    FUSIONS[0]: f"{THIS_WORK}, decision-level fusion (AdaBoost)",
    FUSIONS[1]: f"{THIS_WORK}, decision-level fusion (as its code does it)",
    **{prior: f"No signal at all: {prior}" for prior in TASKS["high-low"].priors},
}
"""What a row of ours is called, by learner."""


@dataclass(frozen=True)
class Column:
    """A column of ours.

    Attributes
    ----------
    protocols : mapping
        The protocol and the kind of run it is in, for each experiment that has one.
    """

    name: str
    protocols: Mapping[str, tuple[str, str]]
    measures: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """The protocols, as the head of the column."""
        return " / ".join(protocol for protocol, _ in self.protocols.values())

    @property
    def split(self) -> str:
        """What its protocols hold out."""
        (unit,) = {PROTOCOLS[protocol].unit for protocol, _ in self.protocols.values()}
        return describe_held_out(unit)

    @property
    def leaks(self) -> str:
        """What its protocols admit to leak."""
        names = (PROTOCOLS[protocol].leaks for protocol, _ in self.protocols.values())
        return "+".join(dict.fromkeys(leak for leaks in names for leak in leaks))


COLUMNS = (
    Column(
        "paper",
        {PER: ("paper", "paper"), INTER: ("paper-pooled", "paper-pooled")},
        (SEGMENT,),
    ),
    Column("reference", {PER: ("reference", "paper")}, (SEGMENT,)),
    Column("trial", {PER: ("trial", "trial")}, (SEGMENT, TRIAL)),
    Column("subject", {INTER: ("subject", "subject")}, (SEGMENT, TRIAL)),
    Column(
        "subject-stimulus",
        {INTER: ("subject-stimulus", "subject-stimulus")},
        (SEGMENT, TRIAL),
    ),
)

_ELSEWHERE = {
    PER: "a protocol of all subjects together",
    INTER: "a protocol of one subject at a time",
}
_UNDECLARED = {
    "subject": "each subject has one label and is on both sides",
    "unlabelled": "test signals, without their labels, change the scores",
}
_OTHERS = "another study's method, not run here"
_REBUILT = "another study's method: as rebuilt here it is in the tables of systems"
_NO_NUMBER = {
    **dict.fromkeys(FUSIONS, "not in the paper's text: only Fig. 2 has it, for DEAP"),
    **dict.fromkeys(PRIORS, "not in the paper"),
}


@dataclass(frozen=True)
class TableRow:
    """A row: the paper's words and numbers, and cells of ours.

    Attributes
    ----------
    published : tuple of Cell
        Valence and arousal.
    cells : mapping
        Of each column and measure, valence and arousal.
    footnote : str
        What is wrong with the published numbers.
    """

    dataset: str
    experiment: str
    study: str
    modalities: str
    learner: str
    published: tuple[Cell, ...]
    cells: Mapping[tuple[str, tuple[str, str]], tuple[Cell, ...]]
    footnote: str = ""


@dataclass
class Notes:
    """Reasons for dashes and marks, lettered in the order in which they are met."""

    letters: dict[str, str] = field(default_factory=dict)

    def mark(self, reason: str) -> str:
        """Return the letter of a reason."""
        number = len(self.letters)
        return self.letters.setdefault(reason, _spell(number))


FOOTNOTES = {r.study: r.footnote for r in SYSTEMS.values() if r.footnote}
"""What is wrong with rows that the paper prints, by study."""


def _spell(number: int) -> str:
    """Return a, b, ... z, aa, ab, ...

    Examples
    --------
    >>> _spell(0), _spell(26)
    ('a', 'aa')
    """
    first, last = divmod(number, 26)
    return (chr(96 + first) if first else "") + chr(97 + last)


def tabulate_systems(scored: RunScores, *, has_systems: bool = False) -> list[TableRow]:
    """Return the table's rows from top to bottom.

    Parameters
    ----------
    scored : RunScores
        Scores of all runs.
    has_systems : bool
        Whether other studies' methods have tables of their own.
    """
    why = _REBUILT if has_systems else _OTHERS
    return [row for printed in TABLE_2 for row in _list_rows(printed, scored, why)]


def _list_rows(
    published: PublishedRow, scored: RunScores, why: str
) -> Iterator[TableRow]:
    numbers = tuple(Cell(published.of(target)) for target in TARGETS)
    if published.study != THIS_WORK:
        nothing = (Cell(why=why),) * len(TARGETS)
        cells = dict.fromkeys(_list_cells(), nothing)
        yield _make(published, published.study, "", numbers, cells)
        return
    for learner, study in STUDIES.items():
        own = numbers
        if learner != NETWORK:
            own = (Cell(why=_NO_NUMBER[learner]),) * len(TARGETS)
        cells = {
            (column.name, measure): tuple(
                _find(scored, published, column, measure, learner, target)
                for target in TARGETS
            )
            for column in COLUMNS
            for measure in column.measures
        }
        yield _make(published, study, learner, own, cells)


def _list_cells() -> list[tuple[str, tuple[str, str]]]:
    return [(column.name, m) for column in COLUMNS for m in column.measures]


def _make(
    published: PublishedRow,
    study: str,
    learner: str,
    numbers: tuple[Cell, ...],
    cells: Mapping[tuple[str, tuple[str, str]], tuple[Cell, ...]],
) -> TableRow:
    modalities = "none" if learner in PRIORS else published.modalities
    return TableRow(
        DATASETS[published.dataset],
        published.experiment,
        study,
        modalities,
        learner,
        numbers,
        cells,
        FOOTNOTES.get(study, ""),
    )


def _find(
    scored: RunScores,
    published: PublishedRow,
    column: Column,
    measure: tuple[str, str],
    learner: str,
    target: str,
) -> Cell:
    if published.experiment not in column.protocols:
        return Cell(why=_ELSEWHERE[published.experiment])
    protocol, kind = column.protocols[published.experiment]
    return scored.find(
        name_run(kind, WHOLE, published.dataset),
        published.dataset,
        protocol=protocol,
        target=target,
        learner=learner,
        level=measure[0],
        metric=measure[1],
    )


def spell_cells(
    pairs: Sequence[tuple[Cell, ...]], notes: Notes, *, declared: str = ""
) -> str:
    """Write valence/arousal as the paper does, by semicolons; letters of notes last.

    Parameters
    ----------
    declared : str
        What the column's head says of leaks, so that only other leaks are noted.
    """
    cells = [cell for pair in pairs for cell in pair]
    known = ("", "none", *declared.split("+"))
    reasons = [cell.why for cell in cells if cell.why]
    reasons += [
        f"leaks {leak} too: {_UNDECLARED.get(leak, 'see the protocols')}"
        for cell in cells
        for leak in cell.leaks.split("+")
        if leak not in known
    ]
    letters = dict.fromkeys(notes.mark(reason) for reason in reasons)
    texts = [
        pair[0].text if all(cell.why for cell in pair) else spell_pair(pair)
        for pair in pairs
    ]
    text = "; ".join(dict.fromkeys(texts) if all(c.why for c in cells) else texts)
    return text + (f" ({', '.join(letters)})" if letters else "")


def spell_pair(pair: Sequence[Cell]) -> str:
    """Write valence/arousal as the paper does.

    Examples
    --------
    >>> spell_pair([Cell(98.56), Cell(98.18)])
    '98.56/98.18'
    """
    return "/".join(cell.text for cell in pair)


def write_systems(folder: Path, rows: list[TableRow], size: Size) -> None:
    """Write ``table2.csv`` and ``table2.md``."""
    with whole_file(folder / "table2.csv") as unfinished:
        frame = pd.DataFrame([_flatten(row) for row in rows])
        write_csv(frame, unfinished)
    write_text(folder / "table2.md", write_markdown(rows, size))


def _flatten(row: TableRow) -> dict[str, str]:
    flat = {
        "data": row.dataset,
        "experiment": row.experiment,
        "study": row.study,
        "modalities": row.modalities,
        "learner": row.learner,
    }
    reasons: dict[str, None] = {}
    for name, cells in [("published", row.published), *_name_cells(row)]:
        for target, cell in zip(TARGETS, cells, strict=True):
            flat[f"{name}_{target}"] = cell.text
            if cell.why:
                reasons[f"{name}: {cell.why}"] = None
    return flat | {"why": "; ".join(reasons), "footnote": row.footnote}


def _name_cells(row: TableRow) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    for (column, measure), cells in row.cells.items():
        yield (column if measure == SEGMENT else f"{column}_balanced"), cells


def write_markdown(rows: list[TableRow], size: Size) -> str:
    """Return the table in Markdown."""
    notes = Notes()
    heads = ["Data", "Study", "Modalities", f"Published ({PUBLISHED_HOW})"]
    heads += [_write_head(column) for column in COLUMNS]
    lines = [
        "# Table 2: valence and arousal recognition",
        "",
        f"{EXPLANATION} {describe_ours(size)}",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or _block(before) != _block(row):
            label = (
                f"| **{row.dataset}** | *{row.experiment.capitalize()} experiments* |"
            )
            lines.append(label + " |" * (len(heads) - 2))
        lines.append(f"| | {' | '.join(spell_row(row, notes))} |")
    lines += ["", *(f"({letter}) {why}" for why, letter in notes.letters.items())]
    return "\n".join(line + "  " if line[:1] == "(" else line for line in lines) + "\n"


EXPLANATION = (
    "Valence/arousal in per cent. Published numbers are the paper's and stand as "
    "printed. Ours are means over subjects: the accuracy of one-second segments, as in "
    "the paper, and after a semicolon, for honest protocols, the balanced accuracy of "
    "whole trials, for which 50 is chance. A score that leaks says little about a new "
    "recording."
)


PUBLISHED_HOW = "10 folds, of what is not said; 50 epochs"
"""What the paper says of how its own numbers came about."""


def describe_ours(size: Size) -> str:
    """Say by which recipe, on how many folds and how long our numbers were trained."""
    network = size.network
    recipe = describe_recipe({"recipe": "default", "network": to_dict(network)})
    folds = "10 folds, fewer where there are fewer units (5 x 4 where two are crossed)"
    if size.folds is not None:
        folds = f"{size.folds} folds"
    return (
        f"Ours are by the recipe {recipe}; {folds}; {network.epochs} epochs: the last "
        "one under `paper` and `paper-pooled`, the best on the test fold under "
        "`reference`, one chosen on validation rows under honest protocols."
    )


def _write_head(column: Column) -> str:
    leaks = column.leaks.replace("+", ", ") or "none"
    title = column.title.replace(" / ", "` / `")
    return f"Ours, `{title}` ({column.split}; leaks: {leaks})"


def _block(row: TableRow) -> tuple[str, str]:
    return row.dataset, row.experiment


def spell_row(row: TableRow, notes: Notes) -> list[str]:
    """Return the texts of a row from the study on."""
    published = spell_cells([row.published], notes)
    if row.footnote:
        published += f" ({notes.mark(row.footnote)})"
    texts = [row.study, row.modalities, published]
    for column in COLUMNS:
        pairs = [row.cells[column.name, measure] for measure in column.measures]
        texts.append(spell_cells(pairs, notes, declared=column.leaks))
    return texts


def list_blocks(rows: list[TableRow]) -> list[tuple[str, str]]:
    """Return data sets and experiments in the order of the table."""
    wanted = product(DATASETS.values(), (INTER, PER))
    return [block for block in wanted if any(_block(row) == block for row in rows)]
