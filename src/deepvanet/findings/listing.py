"""Many places in one sentence: the first by name, the others by number."""

from collections.abc import Sequence

LISTED = 6
"""How many places a finding names before it only counts them."""


def list_some(items: Sequence[object], most: int = LISTED) -> str:
    """Join the first few items and count the rest.

    Parameters
    ----------
    items : sequence
        Texts, or what is written as one.
    most : int
        How many are named.

    Returns
    -------
    str
        They, with commas between them.

    Examples
    --------
    >>> list_some(range(9)), list_some("abc"), list_some("abc", 2)
    ('0, 1, 2, 3, 4, 5 and 3 more', 'a, b, c', 'a, b and 1 more')
    """
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def say_count(n: int, one: str, many: str = "") -> str:
    """Return a count with what is counted, in the singular or plural.

    Parameters
    ----------
    n : int
        How many.
    one : str
        What stands behind the number 1, as ``trial`` or ``trial has``.
    many : str
        What stands behind other numbers; by default ``one`` with an ``s``.

    Returns
    -------
    str
        The number and its words.

    Examples
    --------
    >>> say_count(1, "trial"), say_count(3, "trial"), say_count(2, "is", "are")
    ('1 trial', '3 trials', '2 are')
    """
    return f"{n} {one if n == 1 else many or f'{one}s'}"
