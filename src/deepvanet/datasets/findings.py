"""What a check returns: plain tables, and findings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import wraps
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar, runtime_checkable

from deepvanet.findings import (
    Finding,
    Severity,
    choose,
    collect,
    list_refused,
    to_json,
)


@runtime_checkable
class Facts(Protocol):
    """A dataclass with a field ``findings``."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


P = ParamSpec("P")
F = TypeVar("F", bound=Facts)


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
            "tables": [asdict(table) for table in self.tables],
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
