"""Where on an even grid the rows of an export belong.

Radio links lose packets, and computers stamp samples late and by the packet. A
counter shows what was lost; where there is none, or it has gone round, stamps do: they
are late by a time that varies, so that a loss shows in the least delay before and
after it. The grid has the rate that is stated, unless the stamps show another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

from deepvanet.findings import refuse, report
from deepvanet.signal_io.pieces import are_too_many, is_jump, report_gaps
from deepvanet.signal_io.time_grid import check_rate
from deepvanet.signal_io.types import Timing

WINDOW_S = 2.0
"""Over which the least delay of stamps is looked for."""
LARGEST_COUNT = 2**40
MOST_LOSSES = 10_000
"""That are looked for in stamps; the longest ones."""
BACK_S = 1.0
"""By which stamps may go back where a clock is synchronised."""
LARGE = 0.01
"""Of a rate: another one is named."""

Stamps = NDArray[np.float64]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """Which sample of an even grid each row is.

    Attributes
    ----------
    start : float
        Stamp of sample 0.
    timing : Timing
        What the stamps say.
    """

    numbers: Counts
    sfreq: float
    start: float
    timing: Timing

    @property
    def n_samples(self) -> int:
        """Length of the grid."""
        return int(self.numbers[-1]) + 1

    def spread(self, values: Values) -> Values:
        """Return rows, shape (channel, row), on the grid; what was lost is NaN."""
        if self.n_samples == values.shape[1]:
            return values
        placed = np.full((len(values), self.n_samples), np.nan)
        placed[:, self.numbers] = values
        return placed


def place_counted(
    counter: Stamps,
    stamps: Stamps | None,
    *,
    sfreq: float | None,
    source: object,
    modulus: int | None = None,
) -> Placement:
    """Place rows by the counter of a device; stamps show losses longer than it.

    Parameters
    ----------
    counter : array, shape (row,)
        Numbers of samples or packets, which start again at ``modulus``.
    stamps : array, shape (row,), or None
        Seconds, those of a packet perhaps repeated.
    sfreq : float | None
        The rate in Hz that the file or its documentation states; needed where there
        are no stamps.
    source : object
        The file, for findings.
    modulus : int | None
        Found in the counter, if it is not given.

    Returns
    -------
    Placement
        Rows in the order of the file.

    Raises
    ------
    FindingError
        When there are fewer than two rows, or no such sensor has their rate.
    """
    _check_count(counter, source)
    lost, span = _count_by_counter(counter, modulus)
    if stamps is None:
        return _place_alone(counter, lost, sfreq, source)
    sfreq = _choose_rate(stamps, sfreq, source)
    stamps = _mend(stamps, sfreq, source)
    if lost is None or not _agrees(lost, stamps, sfreq, span):
        lost = _count_by_stamps(stamps, sfreq)
    elif span:
        shifted = stamps - np.concatenate([[0], np.cumsum(lost)]) / sfreq
        rounds = _count_by_stamps(shifted, sfreq, least_s=0.5 * span / sfreq) / span
        lost = lost + np.rint(rounds).astype(np.int64) * span
    return _finish(stamps, lost, sfreq, source)


def place_stamped(stamps: Stamps, *, sfreq: float | None, source: object) -> Placement:
    """Place rows by their stamps alone.

    Parameters
    ----------
    stamps : array, shape (row,)
        Seconds, those of a packet perhaps repeated.
    sfreq : float | None
        The rate in Hz that the file or its documentation states.
    source : object
        The file, for findings.

    Returns
    -------
    Placement
        Rows in the order of the file.

    Raises
    ------
    FindingError
        When there are fewer than two rows, or no such sensor has their rate.
    """
    _check_count(stamps, source)
    sfreq = _choose_rate(stamps, sfreq, source)
    stamps = _mend(stamps, sfreq, source)
    return _finish(stamps, _count_by_stamps(stamps, sfreq), sfreq, source)


def _place_alone(
    counter: Stamps, lost: Counts | None, sfreq: float | None, source: object
) -> Placement:
    """Place rows by their counter; where it does not count, one after the other."""
    if sfreq is None:
        raise refuse("T06", "neither a rate nor time stamps are stated", source=source)
    steps = np.ones(len(counter), np.int64)
    if lost is not None:
        steps[1:] += lost
    stamps = (np.cumsum(steps) - 1) / sfreq
    return _finish(stamps, steps[1:] - 1, sfreq, source)


def _check_count(rows: Stamps, source: object) -> None:
    if len(rows) < 2:
        text = f"needs two samples or more, got {len(rows)}"
        raise refuse("F01", text, source=source)


def _choose_rate(stamps: Stamps, stated: float | None, source: object) -> float:
    """Return the stated rate, or the measured one where there is none that fits."""
    measured = measure_rate(stamps)
    if measured is None:
        if stated is None:
            raise refuse(
                "T06", "no rate is stated, and its time stands still", source=source
            )
        return stated
    if stated is not None and abs(measured / stated - 1) < 0.2:
        return stated
    check_rate(measured, source=source)
    if stated is not None:
        report(
            "T07",
            f"{measured:.4g} samples a second by its time stamps, {stated:g} stated",
            source=source,
            assumed="the time stamps are right, and their rate is used",
        )
    return measured


def measure_rate(stamps: Stamps) -> float | None:
    """Return samples a second, or None where time stands still.

    Losses do not change it; where stamps are steady, rare ones or many.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(stamps) > 0) + 1])
    if len(starts) < 2:
        return None
    steps, counts = np.diff(stamps[starts]), np.diff(starts)
    usual = float(np.median(steps / counts))
    is_near = (steps > 0) & (steps < 1.5 * usual * counts)
    if is_near.mean() < 0.5 or np.quantile(steps / counts, 0.75) > 1.25 * usual:
        n_blocks = min(64, len(starts) - 1)
        ends = starts[np.linspace(0, len(starts) - 1, n_blocks + 1).astype(int)]
        slopes = np.diff(stamps[ends]) / np.diff(ends)
        slopes = slopes[slopes > 0]
        return float(1 / np.median(slopes)) if len(slopes) else None
    return float(counts[is_near].sum() / steps[is_near].sum())


def _count_by_counter(
    counter: Stamps, modulus: int | None
) -> tuple[Counts | None, int]:
    """Return how many samples are lost after each row, and in a round of the counter.

    None where the numbers do not count.
    """
    if not (np.abs(counter) < LARGEST_COUNT).all():
        return None, 0
    whole = np.rint(counter).astype(np.int64)
    change = np.flatnonzero(np.diff(whole)) + 1
    if not len(change):
        return None, 0
    runs = np.diff(np.concatenate([[0], change, [len(whole)]]))
    per_number = int(np.median(runs))
    steps = whole[change] - whole[change - 1]
    usual = int(np.median(steps))
    if usual <= 0:
        return None, 0
    goes_round = bool((steps < 0).any())
    if goes_round and modulus is None:
        modulus = int(whole.max() - whole.min()) + usual
    if goes_round and modulus:
        steps = steps % modulus
    if (steps == usual).mean() < 0.5:
        return None, 0
    lost = np.zeros(len(whole) - 1, np.int64)
    missing = np.maximum(np.rint(steps / usual).astype(np.int64) - 1, 0)
    lost[change - 1] = missing * per_number
    span = modulus // usual * per_number if goes_round and modulus else 0
    return lost, span


def _agrees(lost: Counts, stamps: Stamps, sfreq: float, span: int) -> bool:
    """Say whether a counter covers about the same time as stamps, or less."""
    counted = (len(stamps) + int(lost.sum())) / sfreq
    measured = float(stamps[-1] - stamps[0])
    return measured <= 0 or counted < 1.2 * measured + 1 + span / sfreq


def _mend(stamps: Stamps, sfreq: float, source: object) -> Stamps:
    """Report stamps that go back, or that jump; take such steps out."""
    steps = np.diff(stamps)
    is_back, leaps = steps < -BACK_S, np.zeros(len(steps), bool)
    for row in np.flatnonzero(steps > BACK_S):
        leaps[row] = is_jump(float(steps[row]), n_samples=len(stamps), rate=sfreq)
    for code, is_odd, what in (
        ("T04", is_back, "the time goes back by"),
        ("T02", leaps, "the time stamps jump by"),
    ):
        for row in np.flatnonzero(is_odd)[:1]:
            report(
                code,
                f"{what} {abs(steps[row]):.6g} s",
                source=source,
                place=f"{stamps[row] - stamps[0]:.1f} s",
                assumed="the samples follow each other without a gap",
            )
    is_odd = is_back | leaps
    mended = np.where(is_odd, 1 / sfreq, steps)
    return np.concatenate([stamps[:1], stamps[0] + np.cumsum(mended)])


def _count_by_stamps(stamps: Stamps, sfreq: float, *, least_s: float = 0.0) -> Counts:
    """Return how many samples are lost after each row, by the delay of stamps."""
    late = stamps - np.arange(len(stamps)) / sfreq
    window = max(2, round(WINDOW_S * sfreq))
    delays = late - minimum_filter1d(late, 2 * window + 1, mode="nearest")
    usual = float(np.median(delays))
    bound = max(1.5 / sfreq, 4 * usual, least_s)
    tail = 0 if usual < 0.5 / sfreq else round(0.25 * sfreq)
    lost = np.zeros(len(stamps) - 1, np.int64)
    rows = np.flatnonzero(np.diff(late) > bound)
    for row in np.sort(rows[np.argsort(-np.diff(late)[rows])[:MOST_LOSSES]]):
        if row + 1 + tail >= len(late):
            break
        first = max(0, row + 1 - window)
        rise = late[row + 1 : row + 1 + window].min() - late[first : row + 1].min()
        if rise > bound:
            lost[row] = round(rise * sfreq)
            late[first : row + 1] += lost[row] / sfreq
    return lost


def _finish(stamps: Stamps, lost: Counts, sfreq: float, source: object) -> Placement:
    if are_too_many([lost.sum() / sfreq], n_samples=len(stamps), rate=sfreq):
        text = f"{len(stamps)} samples are spread over {lost.sum() / sfreq:.6g} s"
        raise refuse("T02", text, source=source)
    numbers = np.arange(len(stamps)) + np.concatenate([[0], np.cumsum(lost)])
    rate = _correct_rate(numbers, stamps, sfreq)
    if abs(rate / sfreq - 1) > LARGE:
        report(
            "T07",
            f"{rate:.5g} samples a second by its time stamps, {sfreq:g} stated",
            source=source,
            assumed="the time stamps are right, and their rate is used",
        )
    start = float(np.median(stamps - numbers / rate))
    last = numbers[:-1][lost > 0]
    gaps = np.stack([last + 1, last + 1 + lost[lost > 0]], axis=1) / rate
    spans = tuple((begin, end) for begin, end in gaps.tolist())
    report_gaps(spans, source=source)
    return Placement(numbers, rate, start, Timing(sfreq, rate, spans))


def _correct_rate(numbers: Counts, stamps: Stamps, sfreq: float) -> float:
    """Return the rate of the stamps, where it differs by more than they scatter."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(stamps)) + 1])
    ends = np.append(starts[1:], len(stamps))
    if len(starts) < 8:
        return sfreq
    at = (numbers[starts] + numbers[ends - 1]) / 2
    centred, times = at - at.mean(), stamps[starts]
    slope = float(centred @ (times - times.mean()) / (centred @ centred))
    spread = float(np.std(times - times.mean() - slope * centred))
    doubt = spread / np.sqrt(centred @ centred) * (at[-1] - at[0])
    drift = abs(slope - 1 / sfreq) * (at[-1] - at[0])
    is_sure = slope > 0 and drift > max(1.5 / sfreq, 3 * spread, 8 * doubt)
    return 1 / slope if is_sure else sfreq
