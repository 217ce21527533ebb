"""A finding, and the code that says what kind of finding it is."""

from dataclasses import dataclass, field
from enum import StrEnum

from deepvanet.schema import UserError


class Severity(StrEnum):
    """How bad it is, the worst first."""

    ERROR = "error"
    """Cannot be read or placed in time, or two readings are equally likely."""
    WARNING = "warning"
    """Read, but not plausible; it may train a wrong model."""
    NOTE = "note"
    """Read as it should be; something is not used, or was assumed as usual."""


@dataclass(frozen=True)
class Code:
    """A kind of finding; ``docs/findings.md`` has a section for each.

    Attributes
    ----------
    code : str
        A letter for its family and two digits. It keeps its meaning for good.
    title : str
        What it is, in a few words.
    cause, consequence, cure : str
        Sentences: where it comes from, what a model would learn, what to do.
    assumed : str
        How it goes on where a finding does not say so itself, as in *assumed: ...*.
    example : str
        A sentence as ``check`` writes it.
    needs_every_frame : bool
        Whether only ``check --faces`` and ``prepare`` look far enough to see it.
    """

    code: str
    severity: Severity
    title: str
    cause: str
    consequence: str
    cure: str
    example: str
    assumed: str = field(kw_only=True)
    needs_every_frame: bool = False

    @property
    def usual_cure(self) -> str:
        """The cure as a part of a sentence."""
        return self.cure[0].lower() + self.cure[1:].removesuffix(".")


@dataclass(frozen=True)
class Finding:
    """One sentence on what was found, and where.

    Attributes
    ----------
    code : str
        A key of ``CODES``.
    severity : Severity
        That of the code.
    source : str
        The file, or the data set, that it is about.
    place : str
        Where in it: a line, a channel, a trial, a second; empty if all of it.
    sentence : str
        What was found.
    assumed : str
        How it goes on if the code is accepted: how it is read, or what is left out.
    cure : str
        What to do, or to change for another reading.
    """

    code: str
    severity: Severity
    source: str
    place: str
    sentence: str
    assumed: str = ""
    cure: str = ""

    @property
    def coded(self) -> str:
        """The finding, with its code at the end, as in an error."""
        return f"{self} [{self.code}]"

    @property
    def line(self) -> str:
        """The finding, with severity and code first, as in a list."""
        return f"{self.severity} {self.code}: {self}"

    def __str__(self) -> str:
        parts = [self.sentence]
        if self.assumed:
            parts.append(f"assumed: {self.assumed}")
        if self.cure:
            parts.append(f"what to do: {self.cure}")
        where = " ".join(filter(None, (self.source, self.place)))
        return f"{where}: {'; '.join(parts)}" if where else "; ".join(parts)


class FindingError(UserError):
    """An error that has a code, and may be accepted.

    Parameters
    ----------
    finding : Finding
        What it is about.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.coded)
        self.finding = finding

    def __reduce__(self) -> tuple[type["FindingError"], tuple[Finding]]:
        return type(self), (self.finding,)
