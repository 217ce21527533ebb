"""The rows of a table as rated trials, with the order in which they were seen."""

from collections.abc import Callable, Iterator, Sequence

from deepvanet.datasets.rating_findings import RatedTrial
from deepvanet.datasets.recordings.rows import Row


def list_rated_trials(rows: Sequence[Row]) -> Iterator[RatedTrial]:
    """Yield the rated rows of all subjects.

    The order of viewing is known where the trials of a subject lie in one file, or
    have numbers for names that are not those of their stimuli.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.ratings:
            groups.setdefault(row.subject, []).append(row)
    for group in groups.values():
        order = _choose_order(group)
        for row in group:
            yield RatedTrial(
                row.subject, row.trial, row.ratings, row.stimulus, order(row)
            )


def _choose_order(rows: Sequence[Row]) -> Callable[[Row], float | None]:
    onsets = [row.onset_s for row in rows if row.bio is not None]
    is_one_file = len({row.bio for row in rows}) == 1
    if is_one_file and None not in onsets and len(set(onsets)) == len(rows):
        return lambda row: row.onset_s
    are_numbers = all(row.trial.isdecimal() for row in rows)
    if are_numbers and not all(_names_stimulus(row) for row in rows):
        return lambda row: float(row.trial)
    return lambda _: None


def _names_stimulus(row: Row) -> bool:
    """Return whether a trial is called by the number of its stimulus."""
    number = "".join(sign for sign in row.stimulus if sign.isdecimal())
    return bool(number) and int(number) == int(row.trial)
