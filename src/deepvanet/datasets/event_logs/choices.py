"""What a person says of an event log and its ratings; empty is not said."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deepvanet.datasets.recordings.cells import clear
from deepvanet.datasets.recordings.input_files import InputFile
from deepvanet.datasets.small_tables import (
    MOST_QUOTED,
    SmallTable,
    TextRow,
    shorten,
)
from deepvanet.findings import list_some
from deepvanet.schema import UserError

MATCHES = ("row", "stimulus", "trial", "order")
"""By what a rating is found for a trial."""
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
"""Of times in a log, in seconds."""
_CONDITION = re.compile(r"(?P<column>.+?)(?P<sign>!?=)(?P<values>.*)")


@dataclass(frozen=True)
class JoinChoices:
    """What the columns of an event log and of its ratings mean.

    Attributes
    ----------
    subject : str
        A column, or the name of the only subject.
    onset, stimulus, valence, arousal : str
        Columns.
    duration : str
        A column, or seconds.
    where : str
        Which rows are trials: ``COLUMN`` (holds something), ``COLUMN=VALUE,VALUE`` or
        ``COLUMN!=VALUE``.
    unit : str
        Of times, a name of ``UNITS``.
    offset_s : float | None
        Second of the signals at which the clock of the log was at 0.
    marker : str
        In place of an onset: a column, or the marker of all trials.
    match : str
        One of ``MATCHES``.
    scale : (float, float) | None
        Lowest and highest rating that could be given.
    inputs : tuple of InputFile
        Files of the recording; ``{subject}`` and ``{session}`` stand for their names.
    """

    subject: str = ""
    onset: str = ""
    duration: str = ""
    stimulus: str = ""
    valence: str = ""
    arousal: str = ""
    where: str = ""
    unit: str = ""
    offset_s: float | None = None
    marker: str = ""
    match: str = ""
    scale: tuple[float, float] | None = None
    inputs: tuple[InputFile, ...] = ()

    def check(self) -> None:
        """Refuse words that are not known, and two places of one thing.

        Raises
        ------
        UserError
            When a choice is none, or two of them contradict each other.
        """
        for field, known in (("match", MATCHES), ("unit", tuple(UNITS))):
            given = getattr(self, field)
            if given and given not in known:
                raise UserError(
                    f"must be one of {', '.join(known)}, got {shorten(given)}",
                    field=field,
                )
        if self.marker and self.offset_s is not None:
            raise UserError(
                "cannot be given beside --offset: both say where trials start",
                field="marker",
            )
        if self.scale is not None and not self.scale[0] < self.scale[1]:
            low, high = self.scale
            raise UserError(
                f"needs the lowest and the highest rating, got {low:g} and {high:g}",
                field="scale",
            )
        twice = [item.column for item in self.inputs]
        for column in dict.fromkeys(twice):
            if twice.count(column) > 1:
                raise UserError(f"names {column} twice", field="input")


def require_column(table: SmallTable, column: str, field: str) -> str:
    """Return the name of a column that was asked for.

    Raises
    ------
    UserError
        When the table has no such column.
    """
    if column in table.columns:
        return column
    near = difflib.get_close_matches(column[:MOST_QUOTED], table.columns, n=1)
    held = near or [name[:MOST_QUOTED] for name in table.columns]
    raise UserError(
        f"{table.path} has no column {shorten(column)}; "
        f"{'the nearest is' if near else 'it has'} {list_some(held, 12)}",
        field=field,
    )


def pick_rows(table: SmallTable, where: str) -> tuple[TextRow, ...]:
    """Return the rows that a condition chooses.

    Raises
    ------
    UserError
        When the condition names no column, or no row fulfils it.
    """
    found = None if where in table.columns else _CONDITION.fullmatch(where)
    column = require_column(table, found["column"] if found else where, "where")
    cells = [(row, clear(row.cells.get(column))) for row in table.rows]
    if found is None:
        rows = tuple(row for row, cell in cells if cell)
    else:
        values = [value.strip() for value in found["values"].split(",")]
        is_wanted = found["sign"] == "="
        rows = tuple(row for row, cell in cells if (cell in values) is is_wanted)
    if not rows:
        held = dict.fromkeys(cell for _, cell in cells if cell)
        raise UserError(
            f"no row of {table.path} has {shorten(where)}; {column} holds "
            f"{', '.join([*held][:6]) or 'nothing'}",
            field="where",
        )
    return rows


def count_cells(rows: Sequence[TextRow], column: str) -> dict[str, int]:
    """Return how often each text stands in a column; empty cells do not count."""
    counts: dict[str, int] = {}
    for row in rows:
        if cell := clear(row.cells.get(column)):
            counts[cell] = counts.get(cell, 0) + 1
    return counts
