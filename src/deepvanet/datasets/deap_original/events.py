"""Where DEAP's trials lie in its raw recordings: what the status channel says.

The file is in the order of viewing and numbers nothing: its first stimulus is
Trial 1 of the ratings table, its second Trial 2. So a stimulus whose code was
lost would shift all that follow, and a file in which that may have happened is
refused.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from jaxtyping import Int

from deepvanet.datasets.deap.reader import BASELINE_S, VIDEO_FPS, RatingsRow
from deepvanet.findings import say_count
from deepvanet.schema import TrialSpan, UserError

SFREQ = 512.0  # Hz
STIMULUS_S = 60.0  # of every music video
STIMULUS_TOLERANCE_S = 0.5
"""A stimulus that ends so little before its minute is a minute long."""
SHORTEST_S = 1.0  # of a stimulus: one segment
CODE_BITS = 0xFF
"""From s24 on a constant stands above the codes, 0x18FF00 or 0x19FF00."""


class Status(IntEnum):
    """What the stimulus program wrote into the status channel, and when."""

    RATING = 1
    """At the start, at the start of two minutes of rest, then at each rating."""
    SYNC = 2
    """A screen that the camera sees too, for about a second."""
    FIXATION = 3
    """Five seconds before the stimulus; the baseline is the last three."""
    STIMULUS = 4
    AFTER = 5
    """Three seconds of fixation after the stimulus."""
    END = 7


@dataclass(frozen=True)
class Events:
    """Codes of a status channel, each where it begins.

    Attributes
    ----------
    samples, codes : array, shape (event,)
        From 0, in the order of time; values of ``Code``.
    n_samples : int
        Of the whole recording.
    """

    samples: Int[np.ndarray, " event"]
    codes: Int[np.ndarray, " event"]
    n_samples: int

    def find(self, code: Status) -> list[int]:
        """Return the samples at which a code begins."""
        return [int(sample) for sample in self.samples[self.codes == code]]


def find_events(status: Int[np.ndarray, " time"]) -> Events:
    """Return where the codes of a status channel begin, for a sample or for long.

    A code that stands there from the first sample on began before the recording.

    Examples
    --------
    >>> find_events(np.array([0x19FF00, 0x19FF03, 0x19FF04, 0x19FF00])).codes
    array([3, 4])
    """
    codes = status & CODE_BITS
    begins = 1 + np.flatnonzero(codes[1:] != codes[:-1])
    known = begins[np.isin(codes[begins], list(Status))]
    return Events(known, codes[known], len(status))


def place_trials(
    path: Path,
    events: Events,
    rows: Sequence[RatingsRow],
    videos: Mapping[int, Path],
) -> tuple[tuple[TrialSpan, ...], tuple[str, ...]]:
    """Return where the trials lie, and a sentence on what had to be left out.

    Parameters
    ----------
    path : Path
        The recording, for messages.
    events : Events
        The codes of its status channel.
    rows : sequence of RatingsRow
        In viewing order: the recording's first stimulus is of the first row.
    videos : mapping
        By trial number.

    Returns
    -------
    tuple of (tuple of TrialSpan, tuple of str)
        The whole trials in viewing order, and sentences on what is missing.

    Raises
    ------
    UserError
        When which stimulus is of which row cannot be known, or no trial is whole.
    """
    onsets = events.find(Status.STIMULUS)
    notes = _compare_counts(path, events, n_rated=len(rows))
    spans = []
    for row, onset in zip(rows, onsets, strict=False):
        end = find_end(events, onset)
        fault = _find_fault(events, onset, end)
        if fault:
            notes.append(f"trial {row.number('Trial'):02d} was left out, {fault}")
        else:
            spans.append(_make_span(row, onset, end, videos))
    if not spans:
        raise UserError(f"{path}: holds no whole trial: {'; '.join(notes)}")
    return tuple(spans), tuple(notes)


def find_end(events: Events, onset: int) -> int:
    """Return the first sample after a stimulus: a minute later, or at the next code."""
    longest = onset + round(STIMULUS_S * SFREQ)
    later = events.samples[events.samples > onset]
    if not len(later):
        return longest
    following = int(later[0])
    tolerance = round(STIMULUS_TOLERANCE_S * SFREQ)
    return longest if following >= longest - tolerance else following


def describe_codes(events: Events) -> str:
    """Return how often each code was found, as text.

    Examples
    --------
    >>> describe_codes(find_events(np.array([0, 3, 4, 0, 3, 4])))
    '3 x 2, 4 x 2'
    """
    counts = Counter(int(code) for code in events.codes)
    return ", ".join(f"{code} x {counts[code]}" for code in sorted(counts)) or "none"


def _compare_counts(path: Path, events: Events, *, n_rated: int) -> list[str]:
    """Refuse a recording whose stimuli cannot be distinguished."""
    onsets = events.find(Status.STIMULUS)
    found = f"{path}: the status channel holds "
    found += say_count(len(onsets), "start of a stimulus", "starts of a stimulus")
    trials = say_count(n_rated, "trial")
    if not onsets:
        raise UserError(
            f"{path}: the status channel holds no start of a stimulus "
            f"(code {Status.STIMULUS:d}), got codes {describe_codes(events)}"
        )
    if len(onsets) > n_rated:
        raise UserError(
            f"{found} and the ratings table {trials}, so which belong "
            "together is not known"
        )
    if len(onsets) == n_rated:
        return []
    n_announced = sum(sample < onsets[-1] for sample in events.find(Status.FIXATION))
    if events.find(Status.END) or n_announced > len(onsets):
        raise UserError(
            f"{found} and the ratings table {trials}, though the recording "
            "goes on after them, so which one is missing is not known"
        )
    return [f"the recording ends after {len(onsets)} of {n_rated} rated trials began"]


def _find_fault(events: Events, onset: int, end: int) -> str:
    if onset < round(BASELINE_S * SFREQ):
        return f"the recording begins less than {BASELINE_S:g} s before its stimulus"
    if end > events.n_samples:
        return "the recording ends before its stimulus does"
    if end - onset < round(SHORTEST_S * SFREQ):
        return f"its stimulus lasts {(end - onset) / SFREQ:.2f} s"
    return ""


def _make_span(
    row: RatingsRow, onset: int, end: int, videos: Mapping[int, Path]
) -> TrialSpan:
    trial = row.number("Trial")
    return TrialSpan(
        trial=f"{trial:02d}",
        stimulus=f"{row.number('Experiment_id'):02d}",
        onset_s=onset / SFREQ,
        end_s=end / SFREQ,
        baseline_s=BASELINE_S,
        video=videos.get(trial),
        fps=VIDEO_FPS,
        ratings=row.rate(),
        more=row.rate_further(),
    )
