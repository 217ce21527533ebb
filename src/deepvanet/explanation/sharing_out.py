"""Exact Shapley values of a few players: what each adds, over all orders of joining."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import factorial
from typing import TypeVar

import numpy as np
from jaxtyping import Float

P = TypeVar("P")


def share_out(
    worth: Callable[[frozenset[P]], Float[np.ndarray, " second"]],
    players: Sequence[P],
) -> dict[P, Float[np.ndarray, " second"]]:
    """Return the Shapley value of each player.

    They sum to what all are worth less what none is worth. Each of the ``2 ** n``
    coalitions is asked about once.

    Parameters
    ----------
    worth : callable
        From a coalition to what it is worth.

    Examples
    --------
    >>> pair = share_out(lambda held: np.array([6.0 * (len(held) == 2)]), ["a", "b"])
    >>> {name: float(part[0]) for name, part in pair.items()}
    {'a': 3.0, 'b': 3.0}
    """
    known = {held: worth(held) for held in _list_coalitions(players)}
    everyone = frozenset(players)
    shares = {}
    for player in players:
        others = everyone - {player}
        shares[player] = np.sum(
            [
                _weigh(len(held), len(players)) * (known[held | {player}] - known[held])
                for held in _list_coalitions(others)
            ],
            axis=0,
        )
    return shares


def _list_coalitions(players: Iterable[P]) -> list[frozenset[P]]:
    listed = list(players)
    return [
        frozenset(some)
        for size in range(len(listed) + 1)
        for some in combinations(listed, size)
    ]


def _weigh(n_before: int, n_players: int) -> float:
    """Return the share of all orders in which so many come before a player."""
    after = n_players - n_before - 1
    return factorial(n_before) * factorial(after) / factorial(n_players)
