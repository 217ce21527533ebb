"""What a check returns: plain tables, and findings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar, runtime_checkable

from deepvanet.findings import (
    Finding,
    Severity,
    choose,
    collect,
    list_refused,
    list_some,
    to_json,
)


@runtime_checkable
class Facts(Protocol):
    """A dataclass with a field ``findings``."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


P = ParamSpec("P")
F = TypeVar("F", bound=Facts)

Row = tuple[str | int, ...]

NOTHING = "-"
"""A cell of which nothing is known."""
MOST_ROWS = 60
"""Of a table that is printed whole; JSON has all."""
MOST_UNFOLDED = 30
"""Trials or files that are printed each in a row; of more, a row is a subject."""


@dataclass(frozen=True)
class Table:
    """Cells as text or counts, to be printed in any way.

    Attributes
    ----------
    folded : tuple of Row
        What stands for the rows in print, where they are many; else empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    folded: tuple[Row, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return title, columns and all rows, as plain values."""
        return {"title": self.title, "columns": self.columns, "rows": self.rows}


@dataclass(frozen=True)
class CheckResult:
    """All that was found in one folder.

    Attributes
    ----------
    findings : tuple of Finding
        The worst first.
    """

    tables: tuple[Table, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which ``prepare`` refuses, unless they are accepted."""
        return list_refused(self.findings, ())

    def choose(self, *, select: Sequence[str], ignore: Sequence[str]) -> "CheckResult":
        """Return the same tables with the findings that are selected, not ignored."""
        found = choose(self.findings, select=select, ignore=ignore)
        return CheckResult(self.tables, found)

    def to_json(self) -> dict[str, Any]:
        """Return findings, then tables, as plain values."""
        return {
            "findings": to_json(self.findings),
            "tables": [table.to_json() for table in self.tables],
        }


def keep_findings(examine: Callable[P, F]) -> Callable[P, F]:
    """Collect what is reported while facts are read, and keep it with them.

    Parameters
    ----------
    examine : callable
        Returns a dataclass with a field ``findings``.
    """

    @wraps(examine)
    def run(*args: P.args, **kwargs: P.kwargs) -> F:
        with collect() as found:
            facts = examine(*args, **kwargs)
        return replace(facts, findings=tuple(found))

    return run


def make_result(tables: Iterable[Table], findings: Iterable[Finding]) -> CheckResult:
    """Put the findings of a folder in order, the worst first."""
    order = list(Severity)
    found = dict.fromkeys(findings)  # each once, where many subjects share a file
    ordered = sorted(found, key=lambda finding: order.index(finding.severity))
    return CheckResult(tuple(tables), tuple(ordered))


def fold_rows(
    rows: Sequence[Row], groups: Sequence[str], *, most: int = MOST_UNFOLDED
) -> tuple[Row, ...]:
    """Make one row of those of a group, if there are more than can be printed.

    Parameters
    ----------
    rows : sequence of Row
        The first cell of each is a name, which is counted.
    groups : sequence of str
        To what each row belongs.
    most : int
        How many are printed each in a row of its own.

    Returns
    -------
    tuple of Row
        Empty if there are few rows.

    Examples
    --------
    >>> fold_rows([("a", "1.5", "-"), ("b", "0.5", "x")], ["01", "01"], most=1)
    (('01: 2', '0.5 to 1.5', 'x'),)
    """
    if len(rows) <= most:
        return ()
    members: dict[str, list[Row]] = {}
    for row, group in zip(rows, groups, strict=True):
        members.setdefault(group, []).append(row)
    return tuple(
        (
            f"{group}: {len(own)}",
            *map(_span_cells, zip(*(row[1:] for row in own), strict=True)),
        )
        for group, own in members.items()
    )


def _span_cells(cells: Sequence[str | int]) -> str:
    """Return the lowest and highest of some numbers, or the first of some texts."""
    known = list(dict.fromkeys(str(cell) for cell in cells if cell != NOTHING))
    if len(known) < 2:
        return known[0] if known else NOTHING
    try:
        ordered = sorted(known, key=float)
    except ValueError:
        return list_some(known)
    return f"{ordered[0]} to {ordered[-1]}"
