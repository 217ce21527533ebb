"""What was odd or assumed in the recordings, grouped by code."""

from dataclasses import dataclass

from deepvanet.findings import (
    CODES,
    Finding,
    Severity,
    drop_usual_cure,
    group_by_code,
)
from deepvanet.reporting.studies import Study

LISTED = 12
"""Sentences of one code that the page shows; all are in ``findings.json``."""

_ORDER = list(Severity)


@dataclass(frozen=True)
class FoundCode:
    """All findings of one code.

    Attributes
    ----------
    title, consequence, cure : str
        Of the code.
    sentences : tuple of str
        The first of them.
    """

    code: str
    severity: Severity
    title: str
    consequence: str
    cure: str
    n_found: int
    sentences: tuple[str, ...]


def list_findings(study: Study) -> list[FoundCode]:
    """Return the codes that were found in a study's recordings, the worst first."""
    found = dict.fromkeys(f for run in study.runs for f in run.findings)
    listed = [_describe(code, mine) for code, mine in group_by_code(found).items()]
    return sorted(listed, key=lambda row: _ORDER.index(row.severity))


def _describe(code: str, findings: list[Finding]) -> FoundCode:
    known = CODES.get(code)
    return FoundCode(
        code=code,
        severity=findings[0].severity,
        title=known.title if known else "",
        consequence=known.consequence if known else "",
        cure=known.cure if known else "",
        n_found=len(findings),
        sentences=tuple(str(drop_usual_cure(f)) for f in findings[:LISTED]),
    )
