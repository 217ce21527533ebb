"""Evaluation protocols: which segments train a model and which test it.

Neighbouring seconds of a trial look alike, and all subjects see the same clips,
so what a score means depends on what training and test may share. A protocol is
a row of ``PROTOCOLS``: whose segments a model is trained on, the unit that is
never split, and what chooses the epoch. :func:`deepvanet.protocols.folds.cut_folds`
follows it; :func:`deepvanet.protocols.sharing.check_sharing` then looks at the rows of
each fold and believes no name. The rows are read without array libraries.
"""

from deepvanet.protocols.known import (
    LEAKS,
    PROTOCOLS,
    SHARES,
    Protocol,
    find_protocol,
    name_prior,
)
from deepvanet.protocols.units import UNITS, Unit, columns_of, describe_held_out

__all__ = [
    "LEAKS",
    "PROTOCOLS",
    "SHARES",
    "UNITS",
    "Protocol",
    "Unit",
    "columns_of",
    "describe_held_out",
    "find_protocol",
    "name_prior",
]
