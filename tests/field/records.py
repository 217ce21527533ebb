"""One record a property of recordings, and what must hold of it in each format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from field.recordings import (
    ALL,
    EXPORTS,
    Plan,
    Truth,
    Written,
    find_export_truth,
    keep,
    write_export,
    write_recording,
)

USUAL = frozenset({"R07"})
"""Two trials of one subject are few; the matrix is not about that."""
DATA_SETS = (
    *("deap", "deap-original", "mahnob", "amigos", "dreamer", "wesad"),
    *("case", "afew-va"),
)
_NOTHING: frozenset[str] = frozenset()
BUILT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(ALL, _NOTHING),
    # channels that stand still, and a step in place of EEG
    **dict.fromkeys(EXPORTS, frozenset({"C04", "C05", "Q02"})),
    # pictures without a face
    **dict.fromkeys(("mp4", "avi", "mkv"), frozenset({"V05"})),
    # noise in place of signals, and one rating for all
    **dict.fromkeys(DATA_SETS, frozenset({"R04"})),
}
"""What the builders of formats bring with them."""
KINDS = {
    "S": "sound",
    "A": "not to be dropped without a word",
    "B": "time",
    "C": "units and plausible numbers",
    "D": "files that belong together",
    "E": "names of channels",
    "F": "missing numbers",
    "G": "files that cannot be read",
    "H": "persons",
    "V": "videos",
    "R": "ratings and the table of trials",
    "X": "exports of devices",
    "P": "public data sets",
}
"""Kinds of properties, by a letter."""
DEVICES = tuple(EXPORTS)


@dataclass(frozen=True)
class Property:
    """One thing that is odd in a recording.

    Attributes
    ----------
    kind : str
        A key of ``KINDS``.
    odd : str
        What is odd.
    bend : callable
        Returns the plan with it.
    codes : tuple of str
        That must be found; no other error or warning may be.
    truth : Truth or None
        What must be read, also under the assumption of an error; None where
        nothing of use can be read.
    other : mapping
        Codes of formats in which they differ.
    build : callable or None
        Writes it, where no plan of signals is bent.
    """

    name: str
    kind: str
    odd: str
    formats: tuple[str, ...]
    bend: Callable[[Plan], Plan] = keep
    codes: tuple[str, ...] = ()
    truth: Truth | None = field(default_factory=Truth)
    other: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    build: Callable[[Path, str], Written] | None = None


@dataclass(frozen=True)
class Cell:
    """A property in a format."""

    owner: Property
    format: str

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes that must be found."""
        return self.owner.other.get(self.format, self.owner.codes)

    @property
    def usual(self) -> frozenset[str]:
        """Codes that the builder of the format brings with it."""
        return (USUAL | BUILT[self.format]) - set(self.codes)

    @property
    def truth(self) -> Truth | None:
        """What must be read."""
        truth = self.owner.truth
        if truth and self.format in EXPORTS:
            return find_export_truth(self.format, truth)
        return truth

    def write(self, folder: Path) -> Written:
        """Write the recording."""
        if self.owner.build:
            return self.owner.build(folder, self.format)
        plan = self.owner.bend(Plan())
        write = write_export if self.format in EXPORTS else write_recording
        return write(folder, plan, self.format)

    def __str__(self) -> str:
        return f"{self.owner.name} in {self.format}"
