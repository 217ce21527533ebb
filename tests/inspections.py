"""What a check said, for tests of the checks of all data sets."""

from deepvanet.datasets.findings import CheckResult
from deepvanet.findings import Severity
from finding_texts import write_own

KNOWN = ("R04", "R07", "V05")
"""What small copies have: few trials that are rated alike, videos of numbers."""


def list_texts(
    inspection: CheckResult, severity: Severity | None = None, *, besides=KNOWN
) -> list[str]:
    """Return findings as text, all or of one severity, but those of some codes."""
    return [
        write_own(finding)
        for finding in inspection.findings
        if severity in (None, finding.severity) and finding.code not in besides
    ]


def list_rated(inspection: CheckResult) -> list[tuple[str, str]]:
    """Return the findings on ratings, but for notes, with their places."""
    return [
        (f.code, f.place)
        for f in inspection.findings
        if f.code.startswith("R") and f.severity is not Severity.NOTE
    ]


def find_table(inspection: CheckResult, title: str) -> dict[str, dict[str, object]]:
    """Return the rows of a table by their first cell, each by column."""
    (found,) = (t for t in inspection.tables if t.title == title)
    return {
        str(row[0]): dict(zip(found.columns, row, strict=True)) for row in found.rows
    }
