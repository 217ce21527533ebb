"""What was odd, assumed or left out in a person's files, each with a code."""

from deepvanet.findings.codes import CODES
from deepvanet.findings.collecting import (
    attempt,
    collect,
    hand_on,
    make_finding,
    refuse,
    report,
)
from deepvanet.findings.record import Code, Finding, FindingError, Severity

__all__ = [
    "CODES",
    "Code",
    "Finding",
    "FindingError",
    "Severity",
    "attempt",
    "collect",
    "hand_on",
    "make_finding",
    "refuse",
    "report",
]
