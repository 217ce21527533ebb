"""Findings in a file, beside what they are about."""

import json
from collections.abc import Iterable
from pathlib import Path

from deepvanet.files import write_text
from deepvanet.findings.choosing import from_json, to_json
from deepvanet.findings.record import Finding
from deepvanet.schema import UserError

FINDINGS = "findings.json"


def write_findings(folder: Path, findings: Iterable[Finding]) -> None:
    """Write findings into a folder: of a store, a subject, a run, a bundle."""
    found = list(dict.fromkeys(findings))
    write_text(folder / FINDINGS, json.dumps(to_json(found), indent=1) + "\n")


def read_findings(folder: Path) -> tuple[Finding, ...]:
    """Return the findings in a folder; none where an old version made it.

    Raises
    ------
    UserError
        When the file cannot be read.
    """
    path = folder / FINDINGS
    if not path.is_file():
        return ()
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, UserError) as error:
        raise UserError(f"{path}: {error}") from None
