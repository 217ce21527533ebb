"""Choose validation rows among the rows that may train: whole units, about a fifth.

The choice of an epoch is no better than the trials that it is made on: there are at
least ``LEAST_TRIALS`` of them and ``LEAST_OF_A_CLASS`` of either class (of more than
two classes ``LEAST_OF_SEVERAL`` of each), and the first fit keeps as many trials. Where
that cannot be, nothing is chosen.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from jaxtyping import Bool, Int

from deepvanet.protocols.dealing import deal_mixed

LEAST_TRIALS, LEAST_OF_A_CLASS, LEAST_OF_SEVERAL = 8, 3, 2
SHARE = 5
"""About one in so many units validates."""

_Mask = Bool[np.ndarray, " row"]


def is_enough(
    trial: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    classes: Sequence[int] = (0, 1),
) -> bool:
    """Return whether rows hold enough trials of each class to choose an epoch.

    Parameters
    ----------
    trial : array, shape (row,)
        Each row's trial, as a number.
    label : array, shape (row,)
        Each row's class.
    classes : sequence of int
        Those that there are.
    """
    n_of = [len(np.unique(trial[label == c])) for c in classes]
    return sum(n_of) >= LEAST_TRIALS and min(n_of) >= find_least(classes)


def find_least(classes: Sequence[int]) -> int:
    """Return the least trials of a class that choose an epoch."""
    return LEAST_OF_A_CLASS if len(classes) <= 2 else LEAST_OF_SEVERAL


def list_classes(label: Int[np.ndarray, " row"]) -> tuple[int, ...]:
    """Return the classes of some rows; low and high are always among them.

    Examples
    --------
    >>> list_classes(np.array([1, 1])), list_classes(np.array([0, 3, 2]))
    ((0, 1), (0, 2, 3))
    """
    there = set(np.unique(label).tolist())
    return tuple(sorted(there if max(there, default=0) > 1 else {0, 1}))


def choose_units(
    number: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    free: _Mask,
    rng: np.random.Generator,
) -> _Mask:
    """Choose validation rows among the free ones; none where they are too few.

    Parameters
    ----------
    number, trial : array, shape (row,)
        The unit of each row that is never split, which may be the trial, and its trial.
    label : array, shape (row,)
        0 or 1.
    free : array, shape (row,)
        True where a row may train or validate.
    rng : Generator
        What the choice is sampled from.

    Returns
    -------
    array, shape (row,)
        True where a row validates.
    """
    unit, of_trial = (
        np.unique(numbers[free], return_inverse=True)[1] for numbers in (number, trial)
    )
    if np.array_equal(unit, of_trial):
        held = _choose_trials(of_trial, label[free], rng)
    else:
        held = _choose_part(unit, of_trial, label[free], rng)
    chosen = np.zeros(len(label), dtype=bool)
    chosen[np.flatnonzero(free)[held]] = True
    return chosen


def _choose_trials(
    trial: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    rng: np.random.Generator,
) -> _Mask:
    """Choose trials at random, of either class about as many as its share."""
    _, first = np.unique(trial, return_index=True)
    trial_label = label[first]
    n_validation = max(LEAST_TRIALS, round(len(first) / SHARE))
    most_high = n_validation - LEAST_OF_A_CLASS
    classes = list_classes(trial_label)
    if len(classes) > 2:
        least, share = find_least(classes), n_validation / len(trial_label)
        wanted = [(c, max(least, round(share * _n(trial_label, c)))) for c in classes]
    else:
        n_high = round(n_validation * float(trial_label.mean()))
        n_high = min(max(n_high, LEAST_OF_A_CLASS), most_high)
        wanted = [(1, n_high), (0, n_validation - n_high)]
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(trial_label == c))[:n] for c, n in wanted]
    )
    held: _Mask = np.isin(trial, chosen)
    return held if _divides(held, trial, label) else np.zeros_like(held)


def _n(label: Int[np.ndarray, " trial"], one: int) -> int:
    return int(np.count_nonzero(label == one))


def _choose_part(
    number: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    rng: np.random.Generator,
) -> _Mask:
    """Deal units into parts of a fifth, else of more, and take the first that does."""
    n_units = int(number.max()) + 1
    for n_parts in range(min(SHARE, n_units), 1, -1):
        part = deal_mixed(number, label, n_parts, rng)[number]
        for k in range(n_parts):
            if _divides(part == k, trial, label):
                return np.asarray(part == k)
    return np.zeros(len(number), dtype=bool)


def choose_cell(
    test: tuple[int, int],
    n_parts: tuple[int, ...],
    *,
    subjects: Int[np.ndarray, " row"],
    stimuli: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
) -> tuple[_Mask, _Mask]:
    """Return rows of the first fit and of validation for a tested cell.

    Validation takes one more group of subjects and one of stimuli, or two where one is
    too few, so that their whole rows and columns of cells leave the first fit. Of
    those that could serve, the next one in turn does. Only labels outside of the test
    are looked at.

    Parameters
    ----------
    test : (int, int)
        The group of subjects and the group of stimuli that are tested.
    n_parts : tuple of int
        How many groups of subjects and of stimuli there are.
    subjects, stimuli : array, shape (row,)
        The group of each row's subject and of its stimulus.
    label : array, shape (row,)
        0 or 1.
    trial : array, shape (row,)
        Each row's trial, as a number.

    Returns
    -------
    first, validation : array, shape (row,)
        True where a row is in that part; both all False where no groups suffice.
    """
    for rows, columns in _list_cells(test, n_parts):
        of_rows, of_columns = np.isin(subjects, rows), np.isin(stimuli, columns)
        validation = of_rows & of_columns
        apart = (subjects != test[0]) & (stimuli != test[1])
        first = apart & ~of_rows & ~of_columns
        seen = validation | first
        if _divides(validation[seen], trial[seen], label[seen], least_first=1):
            return first, validation
    nothing = np.zeros(len(trial), dtype=bool)
    return nothing, nothing


def _list_cells(
    test: tuple[int, int], n_parts: tuple[int, ...]
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield groups that may validate, the smallest cells first."""
    for height, width in ((1, 1), (1, 2), (2, 1), (2, 2)):
        steps = product(range(1, n_parts[0]), range(1, n_parts[1]))
        # along the diagonal first, so that validation cells differ from fold to fold
        for down, right in sorted(
            steps, key=lambda step: (abs(step[0] - step[1]), step)
        ):
            yield (
                _list_groups(test[0], down, height, n_parts[0]),
                _list_groups(test[1], right, width, n_parts[1]),
            )


def _list_groups(test: int, step: int, n_groups: int, n_parts: int) -> list[int]:
    """Return groups in turn from a step on, without the tested one."""
    others = [(test + k) % n_parts for k in range(1, n_parts)]
    return [others[(step - 1 + k) % len(others)] for k in range(n_groups)]


def _divides(
    held: _Mask,
    trial: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    *,
    least_first: int | None = None,
) -> bool:
    """Return whether held rows can choose, and the others can be fitted."""
    if not is_enough(trial[held], label[held], list_classes(label)):
        return False
    n_held, n_first = (len(np.unique(trial[mask])) for mask in (held, ~held))
    least = n_held if least_first is None else least_first
    return n_first >= least and len(np.unique(label[~held])) > 1
