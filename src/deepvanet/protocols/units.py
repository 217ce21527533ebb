"""The units that a protocol can keep whole, as data: the columns that identify them.

A unit is known by its columns in a table of segments; two units that are kept whole
at once are joined by ``+``, as in ``subject+stimulus``.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """What a table of segments can be divided by.

    Attributes
    ----------
    columns : tuple of str
        Two rows are of one unit where these are equal.
    plural : str
        What several are called.
    has_one_label : bool
        Whether all rows of a unit have the same label.
    stated_by : str
        Of a unit that a table may leave out: where a person states it.
    """

    columns: tuple[str, ...]
    plural: str
    has_one_label: bool = False
    stated_by: str = ""


UNITS: Mapping[str, Unit] = {
    "segment": Unit(("subject", "trial", "segment"), "segments", has_one_label=True),
    "trial": Unit(("subject", "trial"), "trials", has_one_label=True),
    "subject": Unit(("subject",), "subjects"),
    "stimulus": Unit(("stimulus",), "stimuli"),
    "recording": Unit(("subject", "recording"), "recordings"),
    "session": Unit(
        ("subject", "session"),
        "sessions",
        stated_by="own recordings state it in a column session, BIDS by ses-",
    ),
}


def columns_of(unit: str) -> list[str]:
    """Return the columns that identify units.

    Examples
    --------
    >>> columns_of("trial")
    ['subject', 'trial']
    """
    return list(UNITS[unit].columns)


def split_units(unit: str) -> tuple[str, ...]:
    """Return the units that a protocol keeps whole at once.

    Examples
    --------
    >>> split_units("subject+stimulus")
    ('subject', 'stimulus')
    """
    return tuple(unit.split("+"))


def describe_held_out(unit: str) -> str:
    """Say what a test holds out where these units are kept whole.

    Examples
    --------
    >>> describe_held_out("subject+stimulus")
    'whole subjects and stimuli held out'
    """
    if unit == "segment":
        return "seconds, shuffled"
    plurals = [UNITS[name].plural for name in split_units(unit)]
    return f"whole {' and '.join(plurals)} held out"
