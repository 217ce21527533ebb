"""What was odd, assumed or left out in a person's files, each with a code."""

from deepvanet.findings.choosing import (
    check_codes,
    choose,
    describe_errors,
    describe_findings,
    drop_usual_cure,
    fold,
    from_json,
    group_alike,
    group_by_code,
    list_cures,
    list_lines,
    list_refused,
    refuse_errors,
    summarise,
    to_json,
)
from deepvanet.findings.codes import CODES
from deepvanet.findings.collecting import (
    attempt,
    collect,
    hand_on,
    make_finding,
    refuse,
    report,
)
from deepvanet.findings.files import read_findings, write_findings
from deepvanet.findings.listing import list_some, say_count
from deepvanet.findings.record import Code, Finding, FindingError, Severity

__all__ = [
    "CODES",
    "Code",
    "Finding",
    "FindingError",
    "Severity",
    "attempt",
    "check_codes",
    "choose",
    "collect",
    "describe_errors",
    "describe_findings",
    "drop_usual_cure",
    "fold",
    "from_json",
    "group_alike",
    "group_by_code",
    "hand_on",
    "list_cures",
    "list_lines",
    "list_refused",
    "list_some",
    "make_finding",
    "read_findings",
    "refuse",
    "refuse_errors",
    "report",
    "say_count",
    "summarise",
    "to_json",
    "write_findings",
]
