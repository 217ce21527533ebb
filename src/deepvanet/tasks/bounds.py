"""Bounds that divide a scale of ratings into classes, as ``<4,4-6,>6``.

Each class is ``<a``, ``<=a``, ``a-b`` (both bounds belong to it), ``>=b`` or ``>b``.
What lies in none of them is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from jaxtyping import Bool, Float, Int

from deepvanet.schema import UserError, quote

_NUMBER = r"-?\d+(?:\.\d+)?"
_ONE_SIDED = re.compile(rf"(<=?|>=?)({_NUMBER})")
_BETWEEN = re.compile(rf"({_NUMBER})-({_NUMBER})")
LEAST_CLASSES, MOST_CLASSES = 2, 20


@dataclass(frozen=True)
class Bounds:
    """The bounds of one class.

    Attributes
    ----------
    name : str
        As it was written.
    low, high : float
        May be infinite.
    has_low, has_high : bool
        Whether the bound belongs to the class.
    """

    name: str
    low: float
    high: float
    has_low: bool = True
    has_high: bool = True

    def holds(self, ratings: Float[np.ndarray, " row"]) -> Bool[np.ndarray, " row"]:
        """Return which ratings lie within; none that is missing."""
        above = ratings >= self.low if self.has_low else ratings > self.low
        below = ratings <= self.high if self.has_high else ratings < self.high
        return np.asarray(above & below)

    def is_below(self, other: "Bounds") -> bool:
        """Say whether all of it lies below another."""
        if self.high == other.low:
            return not (self.has_high and other.has_low)
        return self.high < other.low


def read_bounds(text: str) -> tuple[Bounds, ...]:
    """Read classes as they are written, from the lowest on.

    Raises
    ------
    UserError
        When a form is unknown, there are too few or too many, or two overlap.

    Examples
    --------
    >>> [part.name for part in read_bounds("<4,4-6,>6")]
    ['<4', '4-6', '>6']
    >>> read_bounds("<5,4-9")
    Traceback (most recent call last):
    deepvanet.schema.UserError: classes: '<5' and '4-9' share a value or are not in \
rising order: write classes from low to high, as <5,5-9
    """
    parts = [part.strip() for part in text.split(",")]
    if not LEAST_CLASSES <= len(parts) <= MOST_CLASSES:
        raise UserError(
            f"needs {LEAST_CLASSES} to {MOST_CLASSES} classes with commas between "
            f"them, as <4,4-6,>6, got {quote(text)}",
            field="classes",
        )
    bounds = tuple(map(_read_part, parts))
    for one, next_one in pairwise(bounds):
        if not one.is_below(next_one):
            raise UserError(
                f"{one.name!r} and {next_one.name!r} share a value or are not in "
                "rising order: write classes from low to high, as <5,5-9",
                field="classes",
            )
    return bounds


def _read_part(text: str) -> Bounds:
    between, one_sided = _BETWEEN.fullmatch(text), _ONE_SIDED.fullmatch(text)
    if between is not None:
        low, high = float(between[1]), float(between[2])
        if low <= high:
            return Bounds(text, low, high)
    if one_sided is not None:
        sign, bound = one_sided[1], float(one_sided[2])
        if sign.startswith("<"):
            return Bounds(text, -inf, bound, has_high=sign == "<=")
        return Bounds(text, bound, inf, has_low=sign == ">=")
    raise UserError(
        f"{quote(text)} is no class; known forms: <4 <=4 4-6 >=6 >6", field="classes"
    )


def number_classes(
    ratings: Float[np.ndarray, " row"], bounds: Sequence[Bounds]
) -> Int[np.ndarray, " row"]:
    """Return each rating's class, -1 where it lies in none.

    Examples
    --------
    >>> ratings = np.array([3.0, 4.0, 9.0, np.nan])
    >>> number_classes(ratings, read_bounds("<4,4-6,>6")).tolist()
    [0, 1, 2, -1]
    """
    number = np.full(len(ratings), -1, np.int64)
    for place, part in enumerate(bounds):
        number[part.holds(ratings)] = place
    return number
