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
