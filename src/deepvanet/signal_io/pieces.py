"""Runs of samples without a gap, and where they lie in the time of the recording.

A library counts the samples that a file holds; time passes between them too.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deepvanet.findings import report, say_count

LEAST_JUMP_S = 600.0
"""No pause of less is taken for a jump of the clock,"""
MOST_EMPTY = 2**20
"""as long as it has no more samples than this,"""
MOST_TIMES_EMPTY = 64
"""and no more than this many times those that were recorded;"""
MOST_TIMES = 2
"""a longer one may have this many times those;"""
MOST_TIMES_IN_ALL = 20
"""and all pauses together this many times."""
LEAST_BACK_S = 0.1
"""What a part may begin before the end of the last one: its clock is that inexact."""
MOST_TOLD = 3
_IN_A_GAP = "the gap has no samples; what follows is where its time says"


@dataclass(frozen=True)
class Piece:
    """A run of samples.

    Attributes
    ----------
    at : int
        Its first sample, in the time of the recording.
    first, length : int
        Its first sample as the library counts them, and how many there are.
    """

    at: int
    first: int
    length: int

    @property
    def end(self) -> int:
        """The sample after its last one, in the time of the recording."""
        return self.at + self.length


@dataclass(frozen=True)
class Break:
    """Where a recording was interrupted.

    Attributes
    ----------
    first : int
        The sample after it, as the library counts them.
    gap_s : float
        How long nothing was recorded; not a number where the file does not say.
    n_filled : int
        How many samples of the library stand for the gap, before ``first``.
    """

    first: int
    gap_s: float
    n_filled: int = 0


def is_jump(gap_s: float, *, n_samples: int, rate: float) -> bool:
    """Whether a gap is so long beside what was recorded that a clock was set again.

    Examples
    --------
    >>> is_jump(200_000.0, n_samples=3072, rate=128.0)
    True
    >>> is_jump(274.0, n_samples=3072, rate=128.0)
    False
    """
    short = min(LEAST_JUMP_S * rate, MOST_EMPTY, MOST_TIMES_EMPTY * n_samples)
    allowed = max(MOST_TIMES * n_samples, short)
    return not gap_s * rate <= allowed


def are_too_many(gaps_s: Iterable[float], *, n_samples: int, rate: float) -> bool:
    """Whether gaps that are no jumps are absurd together."""
    short = min(MOST_EMPTY, MOST_TIMES_EMPTY * n_samples)
    return bool(sum(gaps_s) * rate > max(MOST_TIMES_IN_ALL * n_samples, short))


def report_gaps(
    spans: Sequence[tuple[float, float]], *, source: object, place: str = ""
) -> None:
    """Report the gaps of a recording, in seconds from its start.

    Parameters
    ----------
    spans : sequence of tuple of float
        From which second to which one, for each.
    source : object
        The file.
    place : str
        Where in it, as a stream.
    """
    if len(spans) <= MOST_TOLD:
        for start, end in spans:
            where = f"{place} {start:.6g} s to {end:.6g} s".strip()
            sentence = f"{end - start:.4g} s are missing in the recording"
            report("T01", sentence, source=source, place=where, assumed=_IN_A_GAP)
        return
    start, end = max(spans, key=lambda span: span[1] - span[0])
    report(
        "T01",
        f"{say_count(len(spans), 'gap')}, {sum(b - a for a, b in spans):.4g} s are "
        f"missing in the recording; the longest is from {start:.6g} s to {end:.6g} s",
        source=source,
        place=place,
        assumed=_IN_A_GAP,
    )


def place_pieces(
    breaks: Sequence[Break], *, n_samples: int, rate: float, source: object
) -> tuple[Piece, ...]:
    """Return the pieces of a recording, each where its time says.

    Parameters
    ----------
    breaks : sequence of Break
        In the order of the file.
    n_samples : int
        What the library counts.
    rate : float
        Samples a second.
    source : object
        The file that findings are about.

    Returns
    -------
    tuple of Piece
        The first one begins at 0, unless the file begins with a gap.
    """
    n_true = n_samples - sum(b.n_filled for b in breaks)
    gaps = [_judge(b, n_true, rate, source) for b in breaks]
    if are_too_many(gaps, n_samples=n_true, rate=rate):
        report(
            "T02",
            f"pauses of {sum(gaps):.6g} s lie between {n_true / rate:.6g} s of "
            "recording",
            source=source,
            assumed="there are no pauses",
        )
        gaps = [0.0] * len(gaps)
    pieces: list[Piece] = []
    at = first = 0
    spans = []
    for found, gap in zip(breaks, gaps, strict=True):
        length = found.first - found.n_filled - first
        if length > 0:
            pieces.append(Piece(at, first, length))
        at, first = at + max(length, 0), found.first
        if gap > 0:
            spans.append((at / rate, at / rate + gap))
        at = max(at + round(gap * rate), 0)
    if first < n_samples or not pieces:
        pieces.append(Piece(at, first, n_samples - first))
    report_gaps(spans, source=source)
    return tuple(pieces)


def find_second(pieces: Sequence[Piece], second: float, rate: float) -> float:
    """Return when something was, of which the library says the second.

    Examples
    --------
    >>> find_second((Piece(0, 0, 10), Piece(15, 10, 10)), 1.2, 10.0)
    1.7
    """
    sample = second * rate
    inside = [p for p in pieces if p.first <= sample + 0.5] or list(pieces[:1])
    return second + (inside[-1].at - inside[-1].first) / rate


def _judge(found: Break, n_samples: int, rate: float, source: object) -> float:
    """Return how long a gap is taken to be."""
    place = f"{(found.first - found.n_filled) / rate:.6g} s of its samples"
    if math.isnan(found.gap_s):
        report(
            "T01",
            "the recording was interrupted, and the file does not say for how long",
            source=source,
            place=place,
            assumed="for no time",
        )
        return 0.0
    if found.gap_s < -LEAST_BACK_S:
        report(
            "T04",
            f"the next part begins {-found.gap_s:.6g} s before the end of this one",
            source=source,
            place=place,
            assumed="it follows without a gap",
        )
        return 0.0
    if is_jump(found.gap_s, n_samples=n_samples, rate=rate):
        report(
            "T02",
            f"the time jumps by {found.gap_s:.6g} s, {n_samples / rate:.6g} s were "
            "recorded in all",
            source=source,
            place=place,
            assumed="there is no gap",
        )
        return 0.0
    return found.gap_s
