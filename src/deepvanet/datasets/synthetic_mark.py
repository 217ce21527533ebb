"""The file that marks a synthetic copy of a data set."""

from collections.abc import Iterator
from pathlib import Path

from deepvanet.findings import Finding, make_finding

SYNTHETIC_MARK = "SYNTHETIC.txt"
"""What ``synth`` leaves in the folder of a data set."""


_ENDING = "-synthetic"
_NOT_REAL = "synthetic recordings, of no real person, made by deepvanet synth"


def name_copy(folder: Path, name: str) -> str:
    """Return what results call a copy of a data set: real and synthetic ones differ."""
    return f"{name}{_ENDING}" if (folder / SYNTHETIC_MARK).is_file() else name


def is_copy(name: str) -> bool:
    """Say whether results with this name are of a synthetic copy.

    Examples
    --------
    >>> is_copy("deap-synthetic"), is_copy("deap-original")
    (True, False)
    """
    return name.endswith(_ENDING)


def find_mark(folder: Path) -> Iterator[Finding]:
    """Say so where the data set is a synthetic one."""
    mark = folder / SYNTHETIC_MARK
    if mark.is_file():
        yield make_finding("F06", f"{_NOT_REAL}, see {mark}")
