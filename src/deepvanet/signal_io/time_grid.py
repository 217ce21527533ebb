"""Samples with time stamps, put at equal steps.

Stamps are measured before they are believed: they may be repeated, go back, jump, or
belong to no sensor. What is odd is reported, in seconds from the first stamp.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.interpolate import CubicSpline

from deepvanet.findings import refuse, report
from deepvanet.preprocessing.cleaning.filters import resample_with_gaps
from deepvanet.signal_io.pieces import are_too_many, is_jump, report_gaps
from deepvanet.signal_io.types import Timing

LONGEST_GAP = 4.0  # steps between two samples; more is a hole, if it is also
LEAST_GAP_S = 0.1  # longer than this, where steps are equal, else
LEAST_UNEVEN_GAP_S = 1.0
EVEN_SHARE = 0.8  # of steps that are near to the middle one where they are equal
ROUNDING = 0.01  # of a rate, within which it is a whole number of Hz
RATES_HZ = (0.5, 100_000.0)
"""What sensors have."""
MOST_OFF = 100.0  # times that, beyond which nothing can be made of a rate
LEAST_OFF = 0.01  # of the stated rate, by which the measured one is another
WITHIN_SHARE = 0.1  # of samples that come too soon after another, once sorted
LARGEST = 1e100  # of a number; what is larger was never measured
LEAST_PACKETS = 8
PACKED_SHARE = 0.5  # of the time that lies between packets, where there are any
EMPTY_SHARE = 0.5  # of cells, from which on a channel is at a slower rate

Times = Float[np.ndarray, " sample"]
Values = Float[np.ndarray, "channel sample"]
Placed = Float[np.ndarray, "channel step"]


@dataclass(frozen=True)
class TimeGrid:
    """Samples at equal steps.

    Attributes
    ----------
    values : array, shape (channel, step)
        Not a number in holes.
    rate : float
        Steps a second.
    start : float
        Time of the first step, on the clock of the stamps.
    times : array, shape (sample,)
        When each sample was taken, in the order in which they came; not a number
        for those that were left out.
    rates : tuple of float
        Samples a second that each channel has of its own.
    timing : Timing
        What the stamps say.
    """

    values: Placed
    rate: float
    start: float
    times: Times
    rates: tuple[float, ...]
    timing: Timing


def place_samples(
    times: Times,
    values: Values,
    *,
    name: str,
    place: str = "",
    labels: Sequence[str] = (),
    stated_hz: float | None = None,
    quote: Callable[[int], str] | None = None,
) -> TimeGrid:
    """Put samples at equal steps, and report what is odd about their times.

    The rate is a whole number where the stamps are near to one. Stamps that jitter
    about a straight line are taken to lie on it. Between samples runs a cubic
    spline, for each channel through its own; holes are not numbers.

    Parameters
    ----------
    times : array, shape (sample,)
        In seconds.
    values : array, shape (channel, sample)
        Not a number where a sample is missing.
    name, place : str
        The file, and where in it, for findings.
    labels : sequence of str
        Of the channels, for findings.
    stated_hz : float | None
        The rate that the file states.
    quote : callable | None
        Says what stands where, for a sample, from 0, without a time.

    Returns
    -------
    TimeGrid
        No longer than a fixed multiple of the samples.

    Raises
    ------
    FindingError
        When there are less than two samples, or all have one time.
    """
    about = _About(name, place)
    order, ordered = _order(times, about, quote)
    values = _leave_out_endless(values[:, order], about)
    stamped = _spread_repeated(ordered, about)
    ordered = _close_jumps(stamped, about)
    step = _find_step(ordered)
    limit = _find_limit(ordered, step)
    is_hole = np.diff(ordered) > limit
    measured_hz = _find_rate(ordered, is_hole)
    rate = _round_rate(measured_hz)
    check_rate(rate, source=name, place=place)
    _compare_rates(rate, stated_hz, about)
    starts, ends = ordered[:-1][is_hole], ordered[1:][is_hole]
    spans = np.stack([starts, ends], axis=1) - ordered[0]
    gaps = tuple((start, end) for start, end in spans.tolist())
    report_gaps(gaps, source=name, place=place)
    steady = _straighten(ordered, is_hole, _find_scatter(limit, step))
    _report_bridged(steady, is_hole, step, about)
    rates = _report_missing(values, labels, rate, about, steady, limit)
    placed = _interpolate(steady, values, rate, limit)
    known = np.full(len(times), np.nan)
    known[order] = steady
    jump_s = float(np.ptp(stamped) - np.ptp(ordered))
    timing = Timing(stated_hz, measured_hz, gaps, jump_s)
    return TimeGrid(placed, rate, float(steady[0]), known, rates, timing)


def check_rate(rate: float, *, source: object, place: str = "") -> float:
    """Return a rate in Hz, and report one that no sensor has.

    Raises
    ------
    FindingError
        When it is so far off that signals at a usual rate would need no end of room.
    """
    low, high = RATES_HZ
    if not low / MOST_OFF <= rate <= high * MOST_OFF:
        raise refuse(
            "T06",
            f"{rate:.4g} samples a second, expected {low:g} Hz to {high / 1000:g} kHz",
            source=source,
            place=place,
        )
    if not low <= rate <= high:
        report(
            "T06",
            f"{rate:.4g} samples a second, expected {low:g} Hz to {high / 1000:g} kHz",
            source=source,
            place=place,
            assumed="its times are seconds all the same",
            cure="if they are in another unit, write it into the name of the column, "
            "as time_ms",
        )
    return rate


def change_rate(values: Values, *, sfreq: float, to: float) -> Placed:
    """Return signals at another rate, without what that rate cannot hold.

    What is not a number is bridged before, and is no number afterwards.
    """
    rows = [resample_with_gaps(row, sfreq=sfreq, to=to) for row in values]
    return np.stack(rows) if rows else values


def shift(values: Values, *, by: int, length: int) -> Placed:
    """Return ``length`` samples, the first of ``values`` at ``by``; else no numbers."""
    placed = np.full((len(values), length), np.nan)
    start, end = max(by, 0), min(by + values.shape[1], length)
    if start < end:
        placed[:, start:end] = values[:, start - by : end - by]
    return placed


@dataclass(frozen=True)
class _About:
    """What findings are about."""

    source: str
    place: str

    def report(
        self, code: str, sentence: str, *, assumed: str, at: str = "", cure: str = ""
    ) -> None:
        report(
            code,
            sentence,
            source=self.source,
            place=f"{self.place} {at}".strip(),
            assumed=assumed,
            cure=cure,
        )


def _order(
    times: Times, about: _About, quote: Callable[[int], str] | None
) -> tuple[Int[np.ndarray, " known"], Float[np.ndarray, " known"]]:
    """Return the samples that have a time, in the order of time, and the times."""
    known = np.flatnonzero(np.isfinite(times))
    if len(known) < len(times):
        n = len(times) - len(known)
        first = int(np.flatnonzero(~np.isfinite(times))[0])
        about.report(
            "T20",
            f"a time is not a number, or is empty, in {n} of {len(times)} samples: "
            f"{quote(first) if quote else f'sample {first + 1}, counted from 1'}"
            f"{', and others' if n > 1 else ''}",
            assumed="those samples are left out",
        )
    if len(known) < 2:
        raise refuse(
            "F01",
            f"needs two samples or more, got {len(known)}",
            source=about.source,
            place=about.place,
        )
    if times[known].min() == times[known].max():
        raise refuse(
            "T06",
            f"most of its times are the same: all are {times[known[0]]:.10g} s",
            source=about.source,
            place=about.place,
        )
    if (np.diff(times[known]) >= 0).all():
        return known, times[known]
    return _order_back(times, known, about)


def _order_back(
    times: Times, known: np.ndarray, about: _About
) -> tuple[np.ndarray, Times]:
    """Sort parts that were written in another order, or join those of a clock set back.

    Parts that were recorded one after the other do not lie within each other.
    """
    steps = np.diff(times[known])
    back = np.flatnonzero(steps < 0)
    step = float(np.median(np.abs(steps)))
    order = known[np.argsort(times[known], kind="stable")]
    is_within = np.mean(np.diff(times[order]) < 0.75 * step) > WITHIN_SHARE
    before, after = times[known[back[0]]], times[known[back[0] + 1]]
    said = "once" if len(back) == 1 else f"{len(back)} times"
    about.report(
        "T04",
        f"the time goes back {said}: from {before:.10g} s to {after:.10g} s",
        at=f"sample {known[back[0]] + 2}",
        assumed="the clock was set back, and the samples follow each other"
        if is_within
        else "the rows are in another order, and are sorted by their times",
    )
    if not is_within:
        return order, times[order]
    steps[back] = step
    return known, times[known[0]] + np.concatenate([[0.0], np.cumsum(steps)])


def _spread_repeated(times: Times, about: _About) -> Times:
    """Put samples of one stamp, or of one packet, at equal steps up to the next."""
    least = _find_packet_step(times)
    is_new = np.concatenate([[True], np.diff(times) > least])
    if is_new.all():
        return times
    firsts = np.flatnonzero(is_new)
    counts = np.diff([*firsts, len(times)])
    stamps = times[firsts]
    usual = float(np.median(np.diff(stamps) / counts[:-1]))
    steps = np.minimum(np.append(np.diff(stamps) / counts[:-1], usual), usual)
    within = np.arange(len(times)) - np.repeat(firsts, counts)
    first = int(np.flatnonzero(~is_new)[0])
    said = (
        f"{len(times) - len(firsts)} of {len(times)} time stamps are repeated, first "
        f"that of sample {first + 1}"
    )
    if least:
        said = (
            f"{len(times)} samples came in {len(firsts)} packets, and all of a packet "
            "have nearly one time stamp"
        )
    about.report(
        "T03",
        said,
        assumed="such samples lie at equal steps between their neighbours",
    )
    return np.asarray(np.repeat(stamps, counts) + within * np.repeat(steps, counts))


def _find_packet_step(times: Times) -> float:
    """Return how far stamps of one packet may be apart, 0 where there are none.

    Packets make up most samples, and the steps between them most of the time.
    """
    steps = np.diff(times)
    least = LONGEST_GAP * _find_step(times)
    between = steps[steps > least]
    if len(between) < LEAST_PACKETS or np.median(between) > LEAST_UNEVEN_GAP_S:
        return 0.0
    usual = float(np.median(between)) * len(between)
    return least if usual > PACKED_SHARE * steps.sum() else 0.0


def _close_jumps(times: Times, about: _About) -> Times:
    """Report jumps, and let what lies around them follow without a gap.

    The part with the most samples keeps its stamps.
    """
    gaps = np.diff(times)
    step = _find_step(times)
    rate, n = 1 / step, len(times)
    jumps = [
        k for k in np.argsort(-gaps)[:1000].tolist() if gaps[k] > LONGEST_GAP * step
    ]
    found = [k for k in jumps if is_jump(float(gaps[k]), n_samples=n, rate=rate)]
    large = gaps[gaps > LONGEST_GAP * step]
    rest = [float(g) for g in large if not is_jump(float(g), n_samples=n, rate=rate)]
    if are_too_many(rest, n_samples=n, rate=rate) or len(large) - len(rest) > 1000:
        found = np.flatnonzero(gaps > LONGEST_GAP * step).tolist()
    if not found:
        return times
    found.sort()
    first = found[0]
    more = f" ({len(found)} such jumps)" if len(found) > 1 else ""
    about.report(
        "T02",
        f"the time stamps jump by {gaps[first]:.6g} s{more}, while {n} samples last "
        f"about {n * step:.4g} s",
        at=f"{times[first] - times[0]:.6g} s",
        assumed="there is no gap at the jump",
    )
    closed = gaps.copy()
    closed[found] = step
    longest = int(np.argmax(np.diff([0, *(k + 1 for k in found), n])))
    anchor = [0, *(k + 1 for k in found)][longest]
    made = np.concatenate([[0.0], np.cumsum(closed)])
    return np.asarray(made - made[anchor] + times[anchor])


def _find_step(times: Times) -> float:
    """Return the middle step between two stamps."""
    steps = np.diff(times)
    return float(np.median(steps[steps > 0]))


def _find_limit(times: Times, step: float) -> float:
    """Return how far two samples may be apart with nothing missing between them.

    Where a device sends samples in bursts, most steps are short, and long ones say
    little.
    """
    is_even = np.mean(np.abs(np.diff(times) - step) < 0.5 * step) >= EVEN_SHARE
    return max(LONGEST_GAP * step, LEAST_GAP_S if is_even else LEAST_UNEVEN_GAP_S)


def _find_own_limit(times: Times, limit: float) -> float:
    """Return the limit of a channel that has samples at some of the times."""
    steps = np.diff(times)
    return max(limit, LONGEST_GAP * float(np.median(steps))) if len(steps) else limit


def _find_rate(times: Times, is_hole: Bool[np.ndarray, " pair"]) -> float:
    """Return samples a second, holes left out."""
    steps = np.diff(times)[~is_hole]
    return float(len(steps) / steps.sum())


def _round_rate(rate: float) -> float:
    nearest = round(rate)
    return float(nearest) if abs(nearest - rate) < ROUNDING * rate else rate


def _compare_rates(rate: float, stated_hz: float | None, about: _About) -> None:
    if stated_hz and abs(rate - stated_hz) > LEAST_OFF * stated_hz:
        about.report(
            "T07",
            f"{rate:.4g} samples a second by its time stamps, {stated_hz:g} stated",
            assumed="the time stamps are right, and their rate is used",
        )


def _find_scatter(limit: float, step: float) -> float:
    """Return how far from a line stamps may lie that are late by chance."""
    return limit if limit >= LEAST_UNEVEN_GAP_S else step


def _straighten(
    times: Times, is_hole: Bool[np.ndarray, " pair"], scatter: float
) -> Times:
    """Put the stamps of each part without a hole on a line, where they are near it."""
    steady = times.astype(np.float64)
    starts = [0, *(np.flatnonzero(is_hole) + 1), len(times)]
    for start, end in pairwise(starts):
        if end - start < 3:
            continue
        at = np.arange(end - start)
        line = np.polyval(np.polyfit(at, times[start:end], 1), at)
        if np.abs(line - times[start:end]).max() < scatter:
            steady[start:end] = line
    return _keep_rising(steady, times)


def _keep_rising(steady: Times, times: Times) -> Times:
    """Return straight times, or those given where two parts would overlap."""
    return steady if (np.diff(steady) > 0).all() else times.astype(np.float64)


def _report_bridged(
    times: Times, is_hole: Bool[np.ndarray, " pair"], step: float, about: _About
) -> None:
    gaps = np.diff(times)
    is_lost = (gaps > 1.5 * step) & ~is_hole
    lost = gaps[is_lost] - step
    limit = _find_limit(times, step)
    if len(lost) and limit < LEAST_UNEVEN_GAP_S:
        first = float(times[:-1][is_lost][0] - times[0])
        about.report(
            "T01",
            f"{len(lost)} short gap{'s' * (len(lost) > 1)}, {lost.sum():.3g} s in all, "
            f"first after {first:.6g} s",
            assumed=f"a curve through other samples fills gaps up to {limit:.2g} s",
        )


def _report_missing(
    values: Values,
    labels: Sequence[str],
    rate: float,
    about: _About,
    times: Times,
    limit: float,
) -> tuple[float, ...]:
    """Report cells without a number, and channels that have one now and then.

    Returns the rate of each channel, which is lower for the latter.
    """
    rates = [rate] * len(values)
    for row, channel in enumerate(values):
        n_there = int(np.isfinite(channel).sum())
        n_gone = len(channel) - n_there
        label = labels[row] if row < len(labels) else f"channel {row + 1}"
        if not n_gone or not n_there:
            continue
        if n_there < EMPTY_SHARE * len(channel) and _is_even(channel):
            rates[row] = rate * n_there / len(channel)
            about.report(
                "Q20",
                f"numbers in {n_there} of {len(channel)} rows, "
                f"{rates[row]:.3g} a second",
                at=label,
                assumed="it was sampled at that rate, so nothing is missing",
            )
        else:
            own_limit = _find_own_limit(times[np.isfinite(channel)], limit)
            first = float(times[~np.isfinite(channel)][0] - times[0])
            about.report(
                "Q01",
                f"{n_gone} of {len(channel)} samples are missing, first at "
                f"{first:.6g} s",
                at=label,
                assumed=f"a curve fills gaps up to {own_limit:.2g} s, longer ones stay "
                "missing",
            )
    return tuple(rates)


def _leave_out_endless(values: Values, about: _About) -> Values:
    """Return samples, those that no curve can run through as no numbers."""
    least = np.fmin.reduce(values, axis=None, initial=np.inf)
    most = np.fmax.reduce(values, axis=None, initial=-np.inf)
    if least >= -LARGEST and most <= LARGEST:
        return values
    is_endless = np.abs(values) > LARGEST
    about.report(
        "Q03",
        f"{is_endless.sum()} of {values.size} samples are beyond {LARGEST:g}",
        assumed="these samples are missing",
    )
    return np.where(is_endless, np.nan, values)


def _is_even(channel: Float[np.ndarray, " sample"]) -> bool:
    apart = np.diff(np.flatnonzero(np.isfinite(channel)))
    return len(apart) > 1 and bool(
        np.mean(np.abs(apart - np.median(apart)) <= 1) >= EVEN_SHARE
    )


def _interpolate(times: Times, values: Values, rate: float, limit: float) -> Placed:
    """Return all channels at equal steps."""
    apart = times[-1] - times[0] - (len(times) - 1) / rate
    is_whole = np.isfinite(values).all(axis=1)
    is_equal = abs(apart) < 1 / rate and bool((np.diff(times) <= limit).all())
    if is_equal and is_whole.all():
        return values
    n = len(times) if is_equal else int((times[-1] - times[0]) * rate + 1e-3) + 1
    grid = times[0] + np.arange(n) / rate
    if is_equal:
        times = grid
    placed = np.full((len(values), n), np.nan)
    if is_equal:
        placed[is_whole] = values[is_whole]
    elif is_whole.any():
        placed[is_whole] = _draw(times, values[is_whole], grid, limit, rate)
    for row in np.flatnonzero(~is_whole):
        there = np.isfinite(values[row])
        if there.sum() > 1:
            own = times[there]
            own_limit = _find_own_limit(own, limit)
            placed[row] = _draw(own, values[row, there][None], grid, own_limit, rate)[0]
    return placed


def _draw(
    times: Times,
    values: Values,
    grid: Float[np.ndarray, " step"],
    limit: float,
    rate: float,
) -> Placed:
    """Return a curve through samples; no numbers in holes and beyond the ends."""
    placed = np.asarray(CubicSpline(times, values, axis=1)(grid))
    half = 0.5 / rate
    holes = np.flatnonzero(np.diff(times) > limit)
    for start, end in zip(times[holes], times[holes + 1], strict=True):
        # the grid has equal steps, so that a hole is a slice of it
        low = int(np.searchsorted(grid, start + half, "right"))
        high = int(np.searchsorted(grid, end - half, "left"))
        placed[:, low:high] = np.nan
    held = float(np.median(np.diff(times)))
    before, after = grid < times[0] - half, grid > times[-1] + half
    placed[:, before], placed[:, after] = values[:, :1], values[:, -1:]
    placed[:, (grid < times[0] - held) | (grid > times[-1] + held)] = np.nan
    return placed
