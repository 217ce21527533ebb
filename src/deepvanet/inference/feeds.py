"""Samples of a whole recording at the recipe's rate, cleaned as in training.

A filter here is as long as its taps, so a block that is read with a few seconds
around it comes out as it would from the whole recording: a ``FileFeed`` reads so. ICA
looks at the whole recording, which is then held in memory, as is a trial of a data
set: a ``MemoryFeed``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.datasets.recording_files import SignalSource
from deepvanet.inference.channels import ChannelPlaces, find_operator
from deepvanet.inference.quality import Flags, find_bad, find_edges
from deepvanet.preprocessing import segments
from deepvanet.preprocessing.cleaning import clean
from deepvanet.preprocessing.cleaning.filters import (
    bridge_gaps,
    filter_eeg,
    find_factor,
    limit_rate,
    mark_gaps,
    resample,
    resample_with_gaps,
)
from deepvanet.preprocessing.cleaning.plan import plan_reference
from deepvanet.schema import Recording, Stream, TrialSpan, as_recording

MARGIN_S = 6.0
"""Read around a block: more than filters reach, or slow channels are judged by."""
SURVEY_S = 60.0
"""Read at once where all of a recording is looked through."""

Bio = Float[np.ndarray, "channel time"]
StreamSamples: TypeAlias = Mapping[Stream, Float[np.ndarray, "_ time"]]
"""Of each stream, all channels of the bundle at the recipe's rate."""


@runtime_checkable
class SignalFeed(Protocol):
    """Samples that are read in blocks."""

    @property
    def n_samples(self) -> int:
        """Samples that there are, at the recipe's rate."""

    @property
    def edges(self) -> Bool[np.ndarray, " second"]:
        """Which seconds a filter had too little context for."""

    def read(self, start: int, stop: int) -> StreamSamples:
        """Return samples ``start`` to ``stop``, counted at the recipe's rate."""

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        """Return which channels are bad in seconds, which may start between two."""


@dataclass(frozen=True)
class MemoryFeed:
    """Signals that lie in memory, cleaned as a whole.

    Attributes
    ----------
    raw, cleaned : Recording
        As recorded, which shows what channels were bad, and at the recipe's rate.
    """

    places: Mapping[Stream, ChannelPlaces]
    raw: Recording
    cleaned: Recording
    edges: Bool[np.ndarray, " second"]

    @property
    def n_samples(self) -> int:
        """Samples that there are, at the recipe's rate."""
        return int(self.cleaned.bio.shape[1])

    @property
    def spans(self) -> tuple[TrialSpan, ...]:
        """The trials that the recording names itself."""
        return self.cleaned.spans

    def read(self, start: int, stop: int) -> StreamSamples:
        """Return samples ``start`` to ``stop``, counted at the recipe's rate."""
        return {
            stream: _complete(
                places, self.cleaned.bio[list(places.sources), start:stop]
            )
            for stream, places in self.places.items()
        }

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        """Return which channels are bad in seconds, which may start between two."""
        bio, sfreq = self.raw.bio, self.raw.sfreq
        return _find_bad(
            lambda first, last: bio[:, first:last], self.places, sfreq, start, stop
        )


def open_memory_feed(
    recording: Recording,
    places: Mapping[Stream, ChannelPlaces],
    bundle: Bundle,
    *,
    cut: bool,
) -> MemoryFeed:
    """Clean a recording, then cut out its only trial if it is to be.

    Parameters
    ----------
    recording : Recording
        As recorded; it has one trial if this is cut out.
    places : mapping
        Of each stream, where its channels lie in the recording.
    bundle : Bundle
        Its recipe says how signals are cleaned, and at which rate they are read.
    cut : bool
        Whether the trial alone is scored, not all that was recorded.

    Returns
    -------
    MemoryFeed
        Samples of the recording, or of its trial.

    Raises
    ------
    UserError
        When it cannot be cleaned as the bundle's recipe says.
    """
    recipe = bundle.recipe
    cleaned = _clean(recording, bundle)
    before_s = after_s = 0.0
    if cut:
        (span,) = recording.spans
        before_s = span.onset_s - span.baseline_s
        after_s = recording.bio.shape[1] / recording.sfreq - span.end_s
        recording, cleaned = (
            as_recording(next(segments.cut_trials(item)))
            for item in (recording, cleaned)
        )
    cleaned = _limit(cleaned, find_factor(recipe.sfreq, recipe.peripheral_rate))
    n_seconds = count_seconds(cleaned.bio.shape[1], recipe.sfreq)
    edges = find_edges(n_seconds, before_s=before_s, after_s=after_s)
    # what a data set filtered before it cut trials has no edges here
    is_filtered_here = bundle.is_raw or recording.sfreq != cleaned.sfreq
    return MemoryFeed(places, recording, cleaned, edges & is_filtered_here)


def _clean(recording: Recording, bundle: Bundle) -> Recording:
    """Return a recording at the recipe's rate, and cleaned where training's were."""
    recipe = bundle.recipe
    if bundle.is_raw:
        return clean(
            recording,
            artefacts=recipe.artefacts,
            probability=recipe.artefact_probability,
            sfreq=recipe.sfreq,
            seed=recipe.seed,
        ).recording
    if recording.sfreq == recipe.sfreq:
        return recording
    rate, to = recording.sfreq, recipe.sfreq
    rows = [resample_with_gaps(row, sfreq=rate, to=to) for row in recording.bio]
    return replace(recording, bio=np.stack(rows), sfreq=to)


def _limit(recording: Recording, factor: int) -> Recording:
    """Return peripheral signals as a store gives them that keeps one sample in some."""
    if factor == 1:
        return recording
    pairs = zip(recording.channels, recording.bio, strict=True)
    rows = [
        mark_gaps(limit_rate(bridge_gaps(row), factor), row)
        if channel.stream is Stream.PERIPHERAL
        else row
        for channel, row in pairs
    ]
    return replace(recording, bio=np.stack(rows))


def _complete(places: ChannelPlaces, bio: Bio) -> Float[np.ndarray, "all time"]:
    """Return all channels of a stream, missing ones interpolated."""
    # a product would spread what is not finite
    return find_operator(places) @ bio if places.missing else bio


@dataclass(frozen=True)
class FileFeed:
    """Signals that are read from their file block by block.

    Attributes
    ----------
    operators : mapping
        What a stream's channels are multiplied with: it interpolates missing ones, and
        refers EEG that was raw to its average.
    is_raw : bool
        Whether EEG is filtered.
    sfreq : float
        The recipe's rate, in Hz.
    factor : int
        Of how many samples of peripheral signals a store keeps one.
    """

    source: SignalSource
    places: Mapping[Stream, ChannelPlaces]
    operators: Mapping[Stream, NDArray[np.floating]]
    is_raw: bool
    sfreq: float
    edges: Bool[np.ndarray, " second"]
    factor: int = 1

    @property
    def n_samples(self) -> int:
        """Samples that there are, at the recipe's rate."""
        ratio = _find_ratio(self.source.sfreq, self.sfreq)
        return math.ceil(self.source.n_samples * ratio)

    def read(self, start: int, stop: int) -> StreamSamples:
        """Return samples ``start`` to ``stop``, counted at the recipe's rate."""
        bio, offset = self._read_around(start, stop)
        keep = slice(start - offset, stop - offset)
        samples = {}
        for stream, places in self.places.items():
            rows = bio[list(places.sources)]
            cleaned = np.stack([self._clean(row, stream)[keep] for row in rows])
            gaps = np.stack([self._mark(row)[keep] for row in rows])
            # a product would spread what is not finite, so gaps come last
            complete = self.operators[stream] @ cleaned
            complete[list(places.rows)] += gaps
            samples[stream] = complete
        return samples

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        """Return which channels are bad in seconds, which may start between two."""
        source = self.source

        def read(first: int, last: int) -> Bio:
            return source.read(first, min(source.n_samples, last))

        return _find_bad(read, self.places, source.sfreq, start, stop)

    def _read_around(self, start: int, stop: int) -> tuple[Bio, int]:
        """Read samples and what lies around; return the first one's number, resampled.

        A block starts where a sample of either rate lies.
        """
        ratio = _find_ratio(self.source.sfreq, self.sfreq)
        margin = math.ceil(MARGIN_S * self.source.sfreq)
        step = ratio.denominator
        first = max(0, math.floor(start / ratio) - margin) // step * step
        last = min(self.source.n_samples, math.ceil(stop / ratio) + margin)
        return self.source.read(first, last), first * ratio.numerator // step

    def _clean(
        self, signal: NDArray[np.floating], stream: Stream
    ) -> NDArray[np.floating]:
        whole = bridge_gaps(signal)
        if self.is_raw and stream is Stream.EEG:
            whole = filter_eeg(whole, sfreq=self.source.sfreq)
        made = np.asarray(resample(whole, sfreq=self.source.sfreq, to=self.sfreq))
        is_limited = self.factor > 1 and stream is Stream.PERIPHERAL
        return limit_rate(made, self.factor) if is_limited else made

    def _mark(self, signal: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return 0, and NaN where a signal has gaps."""
        ratio = _find_ratio(self.source.sfreq, self.sfreq)
        nothing = np.zeros(math.ceil(len(signal) * ratio))
        return np.asarray(mark_gaps(nothing, signal))


def open_file_feed(
    source: SignalSource, places: Mapping[Stream, ChannelPlaces], bundle: Bundle
) -> FileFeed:
    """Prepare to read a file in blocks.

    Its signals are looked through once where the reference depends on all of them.
    """
    sfreq = bundle.recipe.sfreq
    operators = {stream: find_operator(item) for stream, item in places.items()}
    if bundle.is_raw and Stream.EEG in places:
        eeg = places[Stream.EEG]
        is_alive = np.ones(len(eeg.channels), bool)
        is_alive[list(eeg.rows)] = _find_alive(source, eeg)
        operators[Stream.EEG] = plan_reference(is_alive).clean @ operators[Stream.EEG]
    n_samples = math.ceil(source.n_samples * _find_ratio(source.sfreq, sfreq))
    edges = find_edges(count_seconds(n_samples, sfreq))
    is_filtered_here = bundle.is_raw or source.sfreq != sfreq
    return FileFeed(
        source,
        places,
        operators,
        bundle.is_raw,
        sfreq,
        edges & is_filtered_here,
        find_factor(sfreq, bundle.recipe.peripheral_rate),
    )


def count_seconds(n_samples: int, sfreq: float) -> int:
    """Return how many whole seconds so many samples last; a part of one is one."""
    return max(1, math.floor(n_samples / sfreq))


def _find_ratio(sfreq: float, to: float) -> Fraction:
    return Fraction(to / sfreq).limit_denominator(10_000)


def _find_alive(
    source: SignalSource, places: ChannelPlaces
) -> Bool[np.ndarray, " held"]:
    """Return which channels change, and are finite throughout if most of them are.

    A recording that lost all its electrodes for a moment has none that are, and
    those count that mostly were.
    """
    rows = list(places.sources)
    low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    n_lost = np.zeros(len(rows))
    length = round(SURVEY_S * source.sfreq)
    for start in range(0, source.n_samples, length):
        bio = source.read(start, min(start + length, source.n_samples))[rows]
        is_finite = np.isfinite(bio)
        n_lost += (~is_finite).sum(axis=1)
        low = np.minimum(low, np.where(is_finite, bio, np.inf).min(axis=1))
        high = np.maximum(high, np.where(is_finite, bio, -np.inf).max(axis=1))
    changes = high > low
    is_whole = changes & (n_lost == 0)
    if 2 * is_whole.sum() >= len(rows):
        return np.asarray(is_whole)
    return np.asarray(changes & (2 * n_lost < source.n_samples))


def _find_bad(
    read: Callable[[int, int], Bio],
    places: Mapping[Stream, ChannelPlaces],
    sfreq: float,
    start: float,
    stop: float,
) -> Mapping[Stream, Flags]:
    """Return bad channels stream by stream; what is interpolated counts as good.

    Parameters
    ----------
    read : callable
        Returns the file's samples, from the first to the one before the last; stops
        where they end.
    """
    around_s = math.floor(MARGIN_S)
    before_s = min(math.floor(start), around_s)
    bio = read(round((start - before_s) * sfreq), round((stop + around_s) * sfreq))
    n_seconds = round(stop - start)
    flags = {}
    for stream, item in places.items():
        flags[stream] = np.zeros((n_seconds, len(item.channels)), bool)
        flags[stream][:, list(item.rows)] = find_bad(
            bio[list(item.sources)],
            [item.channels[row] for row in item.rows],
            sfreq=sfreq,
            first=before_s,
            n_seconds=n_seconds,
        )
    return flags
