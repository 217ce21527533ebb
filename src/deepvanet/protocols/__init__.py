"""Evaluation protocols: which segments train a model and which test it.

Neighbouring seconds of a trial look alike, and all subjects see the same clips,
so what a score means depends on what training and test may share. A protocol is
a row of ``PROTOCOLS``: whose segments a model is trained on, the unit that is
never split, and what chooses the epoch. ``cut_folds`` follows it;
``check_sharing`` then looks at the rows of each fold and believes no name.
"""

from deepvanet.protocols.folds import (
    Fold,
    agree_on_folds,
    can_choose_epoch,
    cut_folds,
    cut_inner_folds,
)
from deepvanet.protocols.known import LEAKS, PROTOCOLS, SHARES, Protocol
from deepvanet.protocols.sharing import (
    ProtocolViolation,
    Sharing,
    check_sharing,
    describe,
    find_leaks,
    find_shares,
    join,
    verify,
)

__all__ = [
    "LEAKS",
    "PROTOCOLS",
    "SHARES",
    "Fold",
    "Protocol",
    "ProtocolViolation",
    "Sharing",
    "agree_on_folds",
    "can_choose_epoch",
    "check_sharing",
    "cut_folds",
    "cut_inner_folds",
    "describe",
    "find_leaks",
    "find_shares",
    "join",
    "verify",
]
