"""Findings on their way from the line that sees something to the one who reads it.

Code that reads files reports what is odd, at any depth; its caller collects it::

    with collect() as found:
        signals = open_signals(path, declared)
    errors = [f for f in found if f.severity is Severity.ERROR]

It is how ``warnings`` works, with codes. Where nothing collects, an error is raised,
and all else is logged, so that no finding is lost.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from deepvanet.findings.codes import CODES
from deepvanet.findings.record import Finding, FindingError, Severity
from deepvanet.schema import UserError

T = TypeVar("T")

UNREADABLE = "F01"

logger = logging.getLogger(__name__)

_open: ContextVar[list[Finding] | None] = ContextVar("findings", default=None)


@contextmanager
def collect() -> Iterator[list[Finding]]:
    """Collect what is reported in the ``with`` block, each finding once.

    Where the block ends in an error, its list is handed on to the collector around
    it, so that what was seen before is known too.
    """
    found: list[Finding] = []
    outer = _open.get()
    token = _open.set(found)
    try:
        yield found
    except UserError:
        if outer is not None:
            outer += [finding for finding in found if finding not in outer]
        raise
    finally:
        _open.reset(token)


def report(
    code: str,
    sentence: str,
    *,
    source: object = "",
    place: str = "",
    assumed: str = "",
    cure: str = "",
) -> None:
    """Report a finding; what is read afterwards is read as ``assumed`` says.

    Parameters
    ----------
    code : str
        A key of ``CODES``.
    sentence : str
        What was found, with the numbers that were got.
    source : object
        The file that it is about; a path, or what results call the data set.
    place : str
        Where in the file.
    assumed : str
        How reading goes on, if not as the code says.
    cure : str
        What to change for another reading, if not the cure of the code.

    Raises
    ------
    FindingError
        When it is an error, and nothing collects findings.
    """
    finding = make_finding(
        code, sentence, source=source, place=place, assumed=assumed, cure=cure
    )
    hand_on(finding)


def make_finding(
    code: str,
    sentence: str,
    *,
    source: object = "",
    place: str = "",
    assumed: str = "",
    cure: str = "",
) -> Finding:
    """Return a finding, completed by its code, and report it nowhere.

    Parameters
    ----------
    code : str
        A key of ``CODES``.
    sentence : str
        What was found.
    source : object
        The file, or what results call the data set.
    place : str
        Where in the file.
    assumed, cure : str
        As ``report`` takes them.

    Returns
    -------
    Finding
        The finding, with the severity of its code, and with what the code says is
        assumed and cured where that is not given.
    """
    known = CODES[code]
    return Finding(
        code=code,
        severity=known.severity,
        source=str(source),
        place=place,
        sentence=sentence,
        assumed=assumed or known.assumed,
        cure=cure or known.usual_cure,
    )


def hand_on(finding: Finding) -> None:
    """Report a finding that was made before.

    Raises
    ------
    FindingError
        When it is an error, and nothing collects findings.
    """
    found = _open.get()
    if found is not None:
        if finding not in found:
            found.append(finding)
    elif finding.severity is Severity.ERROR:
        raise FindingError(finding)
    elif finding.severity is Severity.WARNING:
        logger.warning("%s", finding.coded)
    else:
        logger.info("%s", finding.coded)


def attempt(read: Callable[[], T], *, source: object = "") -> T | None:
    """Return what is read, or report why it cannot be read and return None.

    Parameters
    ----------
    source : object
        The file that is read, for an error that has no code of its own.
    """
    try:
        return read()
    except FindingError as error:
        hand_on(error.finding)
    except UserError as error:
        said = str(error).removeprefix(f"{source}: ")
        report(UNREADABLE, said, source=source)
    return None


def refuse(
    code: str,
    sentence: str,
    *,
    source: object = "",
    place: str = "",
    assumed: str = "",
    cure: str = "",
) -> FindingError:
    """Return an error for what cannot be read at all, to be raised.

    Parameters
    ----------
    code : str
        A key of ``CODES``, of an error.
    sentence : str
        Why it cannot be read.
    source : object
        The file.
    place : str
        Where in the file.
    assumed, cure : str
        What is left out if the code is accepted, and what to do, if not as the code
        says.

    Returns
    -------
    FindingError
        It carries the finding.
    """
    finding = make_finding(
        code, sentence, source=source, place=place, assumed=assumed, cure=cure
    )
    return FindingError(finding)
