"""The table of properties that recordings have, and what must hold of each.

``python -m field.checklist > docs/checklist.md`` writes it as a page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from field.recordings import (
    ALL,
    EDFS,
    EXPORTS,
    LABORATORY,
    LOSING,
    OWN,
    RATE,
    STAMPED,
    START,
    STATED,
    TABLES,
    TEXTS,
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
OF_EXPORTS = frozenset({"C04", "C05", "Q02"})
"""Their builders have channels that stand still, and a step for EEG."""
DEVICES = tuple(EXPORTS)


@dataclass(frozen=True)
class Property:
    """One thing that is odd in a recording.

    Attributes
    ----------
    kind : str
        A to H, as the issue calls kinds; R for ratings, V for videos, S for none.
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
    """

    name: str
    kind: str
    odd: str
    formats: tuple[str, ...]
    bend: Callable[[Plan], Plan] = keep
    codes: tuple[str, ...] = ()
    truth: Truth | None = field(default_factory=Truth)
    other: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
        built = OF_EXPORTS if self.format in EXPORTS else frozenset()
        return (USUAL | built) - set(self.codes)

    @property
    def truth(self) -> Truth | None:
        """What must be read."""
        truth = self.owner.truth
        if truth and self.format in EXPORTS:
            return find_export_truth(self.format, truth)
        return truth

    def write(self, folder: Path) -> Written:
        """Write the recording."""
        plan = self.owner.bend(Plan())
        write = write_export if self.format in EXPORTS else write_recording
        return write(folder, plan, self.format)

    def __str__(self) -> str:
        return f"{self.owner.name} in {self.format}"


def edit_trials(change: Callable[[dict], object], *, which: int | None = None):
    """Return a bend that changes rows of the table of trials."""

    def edit(rows: list[dict]) -> list[dict]:
        for row in rows if which is None else [rows[which]]:
            change(row)
        return rows

    return lambda plan: replace(plan, edit_trials=edit)


def rename(old: str, new: str):
    """Return a change of a row: a column is called otherwise."""
    return lambda row: row.__setitem__(new, row.pop(old))


def put(**cells: object):
    """Return a change of a row: cells are added or replaced."""
    return lambda row: row.update(cells)


def with_stamps(change: Callable[[np.ndarray], np.ndarray]):
    return lambda plan: replace(plan, stamps=change(plan.stamps.copy()))


def with_column(name: str, change: Callable):
    """Return a bend: the column of times is called so, and holds other numbers."""

    def edit(table):
        table.insert(0, name, change(table.pop("time_s")))
        return table

    return lambda plan: replace(plan, edit_table=edit)


def with_channel(label: str, unit: str, values: np.ndarray | None = None):
    more = 5 + np.sin(np.arange(20 * RATE) / RATE) if values is None else values
    return lambda plan: replace(
        plan,
        values={**plan.values, label: more},
        units={**plan.units, label: unit},
    )


GAP = (5.0, 8.0)


SOUND = (
    Property("sound", "S", "Nothing is odd.", (*ALL, *DEVICES)),
)
TIMES = (
    Property(
        "gap",
        "B",
        "Three seconds were not recorded.",
        ALL,
        lambda plan: replace(plan, lost_s=GAP),
        ("T01",),
        Truth(missing_s=GAP),
    ),
    Property(
        "lost packets",
        "B",
        "A radio link lost a second and a half.",
        LOSING,
        lambda plan: replace(plan, lost_s=(2.0, 3.5)),
        ("T01",),
        Truth(missing_s=(2.0, 3.5)),
    ),
    Property(
        "Unix milliseconds",
        "B",
        "Stamps are milliseconds since 1970.",
        TABLES,
        with_column("timestamp", lambda t: (1000 * (START + t)).round().astype(int)),
        ("T05",),
    ),
)
TABLE_OF_TRIALS = (
    Property(
        "Valence",
        "A",
        "The column of ratings has a capital letter.",
        ("csv", "edf", "xdf"),
        edit_trials(rename("valence", "Valence")),
        ("R01",),
    ),
)

PROPERTIES = (*SOUND, *TIMES, *TABLE_OF_TRIALS)
CELLS: Sequence[Cell] = [Cell(p, name) for p in PROPERTIES for name in p.formats]
