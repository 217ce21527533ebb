"""When each frame of a video is shown, by stamps of which a few may be wrong.

Stamps that contradict the others are replaced, one by one, by times between those
of their neighbours; the others are kept. Which ones contradict is found from the
longest series of stamps that rises.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from deepvanet.findings import list_some, report

MAX_REORDER = 16
"""How many frames a codec may store before one that is shown earlier."""
LONGEST_REPAIR_S = 0.5
"""Frames in a row whose stamps are wrong for longer are not placed by neighbours."""
GAP_S, GAP_STEPS = 0.5, 4.0
"""No frame for this long, and for so many of the steps around it, is a gap."""
JUMP_S, LONGEST_S = 3600.0, 48 * 3600.0
"""Cameras do not pause for longer within a file, nor record for longer: the clock
has jumped."""
AROUND = 5
"""Steps on each side that a step is compared with."""
RATE_DIFFERS = 0.02
"""Of a declared rate, by which the measured one may differ."""
NAMED_GAPS = 5

Times = Float[np.ndarray, " frame"]


@dataclass(frozen=True)
class FrameTimes:
    """When the frames of a video are shown.

    Attributes
    ----------
    shown_s : array, shape (frame,)
        In the order in which they are shown, the first one at 0.
    by_stamp : mapping
        Of each stamp as stored, the times of its frames; None for no stamp.
    n_repaired : int
        Frames whose stamp was repeated, backward or absent.
    first_repaired : int
        Which frame is the first of them, from 0, in the order of showing.
    gaps : tuple of (float, float)
        Where there is no frame for long: the frame before, and the one after.
    jump_s : float
        By how much the clock jumps; frames after it are left out. 0: it does not.
    """

    shown_s: Times
    by_stamp: Mapping[int | None, Sequence[float]] = field(default_factory=dict)
    n_repaired: int = 0
    first_repaired: int = 0
    gaps: tuple[tuple[float, float], ...] = ()
    jump_s: float = 0.0

    @property
    def fps(self) -> float:
        """Frames a second, where there is no gap."""
        gone_s = sum(end - start for start, end in self.gaps)
        n_steps = len(self.shown_s) - 1 - len(self.gaps)
        span_s = float(self.shown_s[-1]) - gone_s if len(self.shown_s) else 0.0
        return n_steps / span_s if n_steps > 0 and span_s > 0 else 0.0


def place_frames(
    stamps: Sequence[int | None], tick_s: float, *, is_reordered: bool
) -> FrameTimes | None:
    """Return when frames are shown, or None where stamps do not say.

    Parameters
    ----------
    stamps : sequence of int or None
        In the order in which frames are stored.
    tick_s : float
        Of a stamp, in seconds.
    is_reordered : bool
        Whether frames may be stored in another order than they are shown.

    Returns
    -------
    FrameTimes | None
        None where more than half have no stamp, or wrong ones stand in long rows.
    """
    known = [stamp for stamp in stamps if stamp is not None]
    if not known or 2 * len(known) < len(stamps):
        return None
    order = _order(stamps, MAX_REORDER if is_reordered else 0)
    shown, is_placed = _spread(order)
    typical = _find_typical(shown[is_placed])
    longest_s = _find_longest_row(~is_placed) * typical * tick_s
    if longest_s > LONGEST_REPAIR_S or 2 * is_placed.sum() < len(stamps):
        return None
    positions = np.arange(len(shown))
    shown = np.interp(positions, positions[is_placed], shown[is_placed])
    shown = _extend(shown, is_placed, typical)
    times = (shown - shown[0]) * tick_s
    by_stamp: dict[int | None, list[float]] = {}
    for (stamp, _), time_s in zip(order, times, strict=True):
        by_stamp.setdefault(stamp, []).append(float(time_s))
    jump = _find_jump(times)
    jump_s = float(times[jump] - times[jump - 1]) if jump else 0.0
    kept = times[:jump] if jump else times
    return FrameTimes(
        kept,
        by_stamp,
        n_repaired=int((~is_placed).sum()),
        first_repaired=int(np.argmin(is_placed)),
        gaps=find_gaps(kept),
        jump_s=jump_s,
    )


def find_gaps(shown_s: Times) -> tuple[tuple[float, float], ...]:
    """Return where no frame is shown for long, against the steps around."""
    steps = np.diff(shown_s)
    gaps = []
    for place in np.flatnonzero(steps > GAP_S):
        near = steps[max(0, place - AROUND) : place + AROUND + 1]
        if steps[place] > GAP_STEPS * np.median(near):
            gaps.append((float(shown_s[place]), float(shown_s[place + 1])))
    return tuple(gaps)


def report_times(
    times: FrameTimes, *, source: object, declared_fps: float, fps: float
) -> None:
    """Report what is odd about when frames are shown.

    Parameters
    ----------
    times : FrameTimes
        Of the video.
    source : object
        Its file.
    declared_fps, fps : float
        The rate that the container states, and the measured one.
    """
    if times.n_repaired:
        n_frames = sum(map(len, times.by_stamp.values()))
        one = times.n_repaired == 1
        report(
            "V02",
            f"{times.n_repaired} of {n_frames} frames {'has' if one else 'have'} a "
            f"time stamp that is repeated, backward or absent{_name_first(times)}",
            source=source,
            assumed=f"{'it is' if one else 'they are'} shown between the neighbours",
        )
    report_gaps(times.gaps, source=source)
    if declared_fps and abs(fps / declared_fps - 1) > RATE_DIFFERS:
        report(
            "V11",
            f"{fps:.1f} frames a second by its time stamps, the container says "
            f"{declared_fps:.4g}",
            source=source,
            assumed="the time stamps are right, and their rate is used",
        )
    if times.jump_s:
        report(
            "V20",
            f"the clock jumps by {times.jump_s:.10g} s",
            source=source,
            place=f"{times.shown_s[-1]:.1f} s",
            assumed="the video ends there; later frames are not used",
        )


def _name_first(times: FrameTimes) -> str:
    """Say which frame is the first whose stamp was repaired, and when it is shown."""
    frame = times.first_repaired
    which = ": frame" if times.n_repaired == 1 else ", the first is frame"
    if frame >= len(times.shown_s):
        return f"{which} {frame + 1}, after the clock jumps"
    return f"{which} {frame + 1}, at {times.shown_s[frame]:.2f} s"


def report_gaps(gaps: Sequence[tuple[float, float]], *, source: object) -> None:
    """Report stretches without a frame, all in one sentence."""
    if gaps:
        places = [f"{start:.1f} s to {end:.1f} s" for start, end in gaps]
        gone_s = sum(end - start for start, end in gaps)
        report(
            "V12",
            f"no frame for {gone_s:.1f} s" + ", all gaps together" * (len(gaps) > 1),
            source=source,
            place=list_some(places, NAMED_GAPS),
            assumed="images are missing there, none is repeated",
        )


def _order(stamps: Sequence[int | None], reorder: int) -> list[tuple[int | None, bool]]:
    """Return stamps in the order of showing, and which of them agree with others."""
    agrees = _find_agreeing(stamps, reorder)
    if not reorder:
        return list(zip(stamps, agrees, strict=True))
    rising = iter(sorted(s for s, ok in zip(stamps, agrees, strict=True) if ok))  # type: ignore[type-var]
    return [
        (next(rising), True) if ok else (stamp, False)
        for stamp, ok in zip(stamps, agrees, strict=True)
    ]


def _find_agreeing(stamps: Sequence[int | None], reorder: int) -> list[bool]:
    """Say which stamps fit between those that rise, some places before and after."""
    known = [place for place, stamp in enumerate(stamps) if stamp is not None]
    values = np.array([stamps[place] for place in known], dtype=np.float64)
    rising = _find_rising(values)
    before = np.full(len(values), -np.inf)
    before[rising] = values[rising]
    before = np.maximum.accumulate(before)
    after = np.full(len(values), np.inf)
    after[rising] = values[rising]
    after = np.minimum.accumulate(after[::-1])[::-1]
    low = np.concatenate([np.full(reorder + 1, -np.inf), before])[: len(values)]
    high = np.concatenate([after, np.full(reorder + 1, np.inf)])[reorder + 1 :]
    if len(rising):
        # near the ends no neighbour bounds what a codec stores out of order
        reach = reorder * _find_typical(np.sort(values))
        low = np.maximum(low, values[rising[0]] - reach - 1)
        high = np.minimum(high, values[rising[-1]] + reach + 1)
    fits = (low < values) & (values < high)
    if not reorder:
        # a repeated stamp is settled later, by which neighbour has room
        fits = (low <= values) & (values <= high)
    agrees = [False] * len(stamps)
    for place, ok in zip(known, fits, strict=True):
        agrees[place] = bool(ok)
    return agrees


def _find_rising(values: Float[np.ndarray, " stamp"]) -> list[int]:
    """Return places of the longest series that rises."""
    tails: list[float] = []
    places: list[int] = []
    previous: list[int] = []
    for place, value in enumerate(values):
        rank = bisect_left(tails, value)
        previous.append(places[rank - 1] if rank else -1)
        if rank == len(tails):
            tails.append(value)
            places.append(place)
        else:
            tails[rank], places[rank] = value, place
    series, place = [], places[-1] if places else -1
    while place >= 0:
        series.append(place)
        place = previous[place]
    return series[::-1]


def _spread(
    order: Sequence[tuple[int | None, bool]],
) -> tuple[Times, Bool[np.ndarray, " frame"]]:
    """Return stamps, and which of them stay; of equal ones the one with less room."""
    shown = np.array([np.nan if s is None else s for s, _ in order], dtype=np.float64)
    stays = np.array([ok for _, ok in order], dtype=bool)
    kept = np.flatnonzero(stays)
    steps = np.diff(shown[kept])
    for place in np.flatnonzero(steps == 0):
        room_before = steps[place - 1] if place else 0.0
        room_after = steps[place + 1] if place + 1 < len(steps) else np.inf
        stays[kept[place if room_before > room_after else place + 1]] = False
    return shown, stays


def _find_typical(shown: Times) -> float:
    return float(np.median(np.diff(shown))) if len(shown) > 1 else 0.0


def _find_longest_row(flags: Bool[np.ndarray, " frame"]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _extend(
    shown: Times, is_placed: Bool[np.ndarray, " frame"], typical: float
) -> Times:
    """Place frames before the first stamp that stays, and after the last one."""
    first, last = np.flatnonzero(is_placed)[[0, -1]]
    place = np.arange(len(shown))
    shown = np.where(place < first, shown[first] - (first - place) * typical, shown)
    return np.where(place > last, shown[last] + (place - last) * typical, shown)


def _find_jump(times: Times) -> int:
    """Return the number of the first frame after a jump, or 0."""
    jumps = np.flatnonzero((np.diff(times) > JUMP_S) | (times[1:] > LONGEST_S))
    return int(jumps[0]) + 1 if len(jumps) else 0
