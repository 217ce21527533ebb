"""What a check returns: plain tables, and findings in sentences."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from deepvanet.schema import UserError

T = TypeVar("T")

LISTED = 6
"""How many places a finding names before it only counts them."""


class Severity(StrEnum):
    """How bad it is, the worst first."""

    REFUSED = "refused"
    """``prepare`` would stop here."""
    WRONG = "wrong"
    """Unlike the data set's documentation; ``prepare`` would go on."""
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One sentence on what was seen and where."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class Table:
    """Cells as text or counts, to be printed in any way."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


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
    def refused(self) -> bool:
        """Whether ``prepare`` would refuse this folder."""
        return any(f.severity is Severity.REFUSED for f in self.findings)


def make_result(tables: Iterable[Table], findings: Iterable[Finding]) -> CheckResult:
    """Put the findings of a folder in order, the worst first."""
    order = list(Severity)
    ordered = sorted(findings, key=lambda finding: order.index(finding.severity))
    return CheckResult(tuple(tables), tuple(ordered))


def attempt(refusals: list[str], read: Callable[[], T]) -> T | None:
    """Read something, or note why it was refused."""
    try:
        return read()
    except UserError as error:
        refusals.append(str(error))
        return None


def list_refusals(reasons: Iterable[str]) -> Iterator[Finding]:
    """Say why ``prepare`` would stop; once, where many subjects share a reason."""
    for reason in filter(None, dict.fromkeys(reasons)):
        yield Finding(Severity.REFUSED, reason)


def list_some(items: Sequence[str]) -> str:
    """Join the first few items and count the rest.

    Examples
    --------
    >>> list_some([str(number) for number in range(9)])
    '0, 1, 2, 3, 4, 5 and 3 more'
    """
    more = f" and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return ", ".join(items[:LISTED]) + more
