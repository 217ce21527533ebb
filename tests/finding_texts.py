"""What a finding says of itself, without what its code says of all its findings."""

from dataclasses import replace

from deepvanet.findings import CODES, Finding, drop_usual_cure


def write_own(finding: Finding) -> str:
    """Return a finding as text, without the assumption and the cure of its code."""
    is_usual = finding.assumed == CODES[finding.code].assumed
    own = replace(finding, assumed="") if is_usual else finding
    return str(drop_usual_cure(own))
