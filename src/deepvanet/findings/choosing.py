"""Which findings are shown, and which are accepted."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deepvanet.findings.codes import CODES, FAMILIES
from deepvanet.findings.listing import LISTED, list_some, say_count
from deepvanet.findings.record import Finding, Severity
from deepvanet.schema import UserError, pick, quote

_WHERE = (
    "recordings.toml is a text file beside the table of trials, in BIDS in the root "
    "folder. If there is none, make one; docs/recordings.md shows what it may hold."
)
_ERRORS = (
    "An error stops prepare. prepare --accept CODE goes on as the text after "
    "'assumed' says; --exclude SUBJECT leaves a subject out."
)


def check_codes(
    names: Sequence[str], *, field: str, families: bool = True
) -> tuple[str, ...]:
    """Return codes and families in capitals.

    Parameters
    ----------
    names : sequence of str
        Codes, as ``T02``, and letters of families.
    field : str
        The argument that they were given to, for the message.
    families : bool
        Whether a letter alone stands for a whole family.

    Returns
    -------
    tuple of str
        The same, in capitals.

    Raises
    ------
    UserError
        When one is not known.
    """
    known = [*CODES, *(FAMILIES if families else ())]
    try:
        return tuple(pick("code", name.upper(), known) for name in names)
    except UserError as error:
        raise UserError(error.sentence, field=field) from None


def choose(
    findings: Iterable[Finding], *, select: Sequence[str], ignore: Sequence[str]
) -> tuple[Finding, ...]:
    """Return the findings that are selected and not ignored.

    Parameters
    ----------
    select, ignore : sequence of str
        Codes or families; all are selected where none is named.
    """
    return tuple(
        finding
        for finding in findings
        if (not select or _is_among(finding, select)) and not _is_among(finding, ignore)
    )


def list_refused(
    findings: Iterable[Finding], accept: Sequence[str]
) -> tuple[Finding, ...]:
    """Return the errors that are not accepted."""
    return tuple(
        finding
        for finding in findings
        if finding.severity is Severity.ERROR and finding.code not in accept
    )


def refuse_errors(
    findings: Iterable[Finding], accept: Sequence[str], *, what: str = ""
) -> None:
    """Raise ``UserError`` for errors that are not accepted.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    accept : sequence of str
        Codes whose assumption is taken.
    what : str
        What else can be done, the end of a sentence.

    Raises
    ------
    UserError
        When there is such an error; the first is named, the others are counted.
    """
    refused = list_refused(findings, accept)
    if not refused:
        return
    codes = ",".join(dict.fromkeys(finding.code for finding in refused))
    raise UserError(
        f"{describe_errors(refused)}; to go on as assumed, or without what cannot be "
        f"read, accept {codes}{what}"
    )


def describe_errors(errors: Sequence[Finding]) -> str:
    """Return the first of some errors, and how many more there are."""
    if len(errors) == 1:
        return errors[0].coded
    return f"{errors[0].coded} (and {say_count(len(errors) - 1, 'more error')})"


def group_by_code(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings of each code, in the order of the codes."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.code, []).append(finding)
    return dict(sorted(groups.items()))


def drop_usual_cure(finding: Finding) -> Finding:
    """Return a finding without its cure, if that is the one of its code."""
    known = CODES.get(finding.code)
    is_usual = known is not None and finding.cure == known.usual_cure
    return replace(finding, cure="") if is_usual else finding


def fold(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings of which those are one that differ in their place only.

    Examples
    --------
    >>> from deepvanet.findings import make_finding
    >>> found = [make_finding("Q02", "flat", place=name) for name in ("Fp1", "Fp2")]
    >>> [finding.place for finding in fold(found)]
    ['Fp1, Fp2']
    """
    places: dict[Finding, list[str]] = {}
    for finding in findings:
        own = places.setdefault(replace(finding, place=""), [])
        own.append(finding.place)
    return [
        replace(finding, place=list_some([place for place in own if place]))
        for finding, own in places.items()
    ]


FEW = 3
"""Findings of one kind up to which each has a line of its own."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


def group_alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings in groups that differ in places and numbers only, in their order.

    Examples
    --------
    >>> from deepvanet.findings import make_finding
    >>> found = [make_finding("V03", f"shows {n} of 60 s", place=str(n)) for n in "123"]
    >>> [len(group) for group in group_alike([*found, make_finding("T15", "a")])]
    [3, 1]
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        said = _hide_names(finding.sentence, finding)
        kind = (finding.code, said, _hide_names(finding.assumed, finding))
        groups.setdefault(kind, []).append(finding)
    return list(groups.values())


def _hide_names(text: str, finding: Finding) -> str:
    """Return a sentence without numbers, and without what it is about."""
    for name in filter(None, (finding.place, Path(finding.source).name)):
        text = text.replace(name, "")
    return _NUMBER.sub("0", text)


def list_lines(findings: Iterable[Finding]) -> list[str]:
    """Say each finding in a line; many of one kind in one, with their places.

    Cures that are those of a code are left out, since they are said once for all.

    Parameters
    ----------
    findings : iterable of Finding
        As a check found them.

    Returns
    -------
    list of str
        Lines, in the order of the first of each kind.

    Examples
    --------
    >>> from deepvanet.findings import make_finding
    >>> found = [make_finding("T15", f"lasts {n} s", place=f"x{n}") for n in "1234"]
    >>> print(list_lines(found)[0])  # doctest: +ELLIPSIS
    note T15: x1: lasts 1 s...(and 3 more like it: x2, x3, x4)
    """
    lines = []
    for group in group_alike(map(drop_usual_cure, findings)):
        if len(group) <= FEW:
            lines += [finding.line for finding in group]
            continue
        first, *others = group
        where = [_place_beside(finding, first) for finding in others]
        places = list_some([*dict.fromkeys(filter(None, where))])
        more = f"and {len(others)} more like it{f': {places}' if places else ''}"
        lines.append(f"{first.line} ({more})")
    return lines


def _place_beside(finding: Finding, first: Finding) -> str:
    """Return where a finding is, without the file where that is the same."""
    if finding.source == first.source:
        return finding.place
    return " ".join(filter(None, (Path(finding.source).name, finding.place)))


def describe_findings(findings: Iterable[Finding]) -> list[str]:
    """Say what was found, equal findings and cures once, in lines that can be read.

    Parameters
    ----------
    findings : iterable of Finding
        Of one recording.

    Returns
    -------
    list of str
        Of each code the first few findings, and how many more there are; then what to
        do.
    """
    lines, cures = [], []
    for code, found in group_by_code(fold(findings)).items():
        lines += [replace(finding, cure="").line for finding in found[:LISTED]]
        more = len(found) - LISTED
        lines += [f"{code}: {say_count(more, 'more finding')}"] if more > 0 else []
        said = dict.fromkeys(finding.cure for finding in found)
        cures += [f"what to do about {code}: {cure}" for cure in said if cure]
    return [*lines, *cures]


def list_cures(findings: Iterable[Finding]) -> list[str]:
    """Return what to do, each code once, in the order of the findings.

    Examples
    --------
    >>> from deepvanet.findings import make_finding
    >>> list_cures([make_finding("T15", "a"), make_finding("T15", "b")])
    ['T15 Stimuli of another length than published: Nothing.']
    """
    shown = list(findings)
    codes = [CODES[code] for code in dict.fromkeys(f.code for f in shown)]
    lines = [f"{code.code} {code.title}: {code.cure}" for code in codes]
    said = "".join([*lines, *(finding.cure for finding in shown)])
    if "recordings.toml" in said:
        lines.append(_WHERE)
    if any(code.severity is Severity.ERROR for code in codes):
        lines.append(_ERRORS)
    return lines


def summarise(findings: Sequence[Finding]) -> str:
    """Say in one sentence how many findings there are, by severity and code.

    Errors among them were accepted, or nothing would have been made.

    Examples
    --------
    >>> from deepvanet.findings import make_finding
    >>> found = [make_finding("T02", "a"), *(make_finding("Q01", x) for x in "bc")]
    >>> summarise(found)
    'findings in the recordings: accepted errors T02; warnings Q01 x 2'
    """
    names = {
        Severity.ERROR: "accepted errors",
        Severity.WARNING: "warnings",
        Severity.NOTE: "notes",
    }
    counted = []
    for severity, name in names.items():
        groups = group_by_code(f for f in findings if f.severity is severity)
        codes = [
            code if len(found) == 1 else f"{code} x {len(found)}"
            for code, found in groups.items()
        ]
        counted += [f"{name} {', '.join(codes)}"] if codes else []
    return f"findings in the recordings: {'; '.join(counted) or 'none'}"


def to_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings as plain objects, for JSON."""
    return [{key: str(v) for key, v in asdict(f).items()} for f in findings]


def from_json(text: str) -> tuple[Finding, ...]:
    """Read findings that ``to_json`` wrote.

    Raises
    ------
    UserError
        When the text is not a list of findings.
    """
    try:
        return tuple(
            Finding(**values | {"severity": Severity(values["severity"])})
            for values in _read_list(text)
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"not a list of findings: {error!r}") from None


def _read_list(text: str) -> list[dict[str, Any]]:
    values = json.loads(text)
    found = [dict(value) for value in values]
    wrong = [v for one in found for v in one.values() if not isinstance(v, str)]
    if wrong:
        raise TypeError(f"expected a text, got {quote(wrong[0])}")
    return found


def _is_among(finding: Finding, names: Sequence[str]) -> bool:
    return finding.code in names or finding.code[0] in names
