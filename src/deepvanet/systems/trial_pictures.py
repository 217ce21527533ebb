"""What ``after-siddharth2019`` measures of a trial: pictures and statistics, in parts.

Head maps of each second and spectrograms of the heart and of the skin go through fixed
filters, or through VGG-16 where its weights are given; faces through these or another
pretrained network. Beside them stand entropies of pairs of channels, the heart's
variability, and eight statistics of the skin. A trial is what of it is handed in; what
cannot be measured is NaN.

A picture of 224 x 224 takes VGG-16 about a third of a second on one processor core. It
is therefore given ten of a trial: head maps of the mean colours of ten stretches, and
ten faces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Float32, Float64
from scipy.signal import spectrogram

from deepvanet.learners.features import HELD_TRIALS
from deepvanet.learners.repeatable import use_threads
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_signals import Trace, TrialSignals, join_trial
from deepvanet.models.fixed_filters import N_NUMBERS, SIDE, load_filters
from deepvanet.models.vgg16 import SIDE as VGG_SIDE
from deepvanet.schema import ChannelType, Stream, UserError
from deepvanet.store import Rows, Segments, SegmentStore
from deepvanet.systems.channel_pairs import measure_pairs
from deepvanet.systems.face_images import read_clips
from deepvanet.systems.face_trunk import FaceTrunk
from deepvanet.systems.head_maps import (
    find_places,
    measure_colours,
    paint,
    weigh_pixels,
)
from deepvanet.systems.heart_features import Heart
from deepvanet.systems.skin_features import SKIN, Skin
from deepvanet.systems.stretches import (
    Feature,
    Features,
    find_longest,
    measure,
    slow_down,
)

N_FACES = 60
"""Images of a trial that are looked at, evenly over it: one a second of a minute."""

N_VGG = 10
"""Head maps, and faces, of a trial that go through VGG-16."""

BEAT_S = 0.5
"""Two beats are at least so far apart."""

LATE_S = (0.05, 0.02)
"""Successive intervals that differ by more are counted: pNN50 and pNN20."""

HEART_HZ, SKIN_HZ = 8.0, 2.0
"""Up to which spectrograms go."""

_WINDOWS = 16
_FLOOR = 1e-12
_WIDEST = 3.0
"""Deviations of a spectrogram's logarithm from its mean that are black and white."""

HEARTS = (ChannelType.PLETHYSMOGRAPH, ChannelType.ECG)

Vector = Float64[np.ndarray, " number"]


def _find_intervals(heart: Heart) -> Trace:
    """Return intervals of beats that are apart, in seconds."""
    kept = [float(heart.beats[0])]
    for beat in heart.beats[1:].tolist():
        if beat - kept[-1] >= BEAT_S:
            kept.append(beat)
    if len(kept) < 4:
        raise ValueError(f"{len(kept)} beats")
    return np.asarray(np.diff(kept))


def _share_late(heart: Heart, late_s: float) -> float:
    return float((np.abs(np.diff(_find_intervals(heart))) > late_s).mean())


HEART: Features = {
    "interval mean": Feature(5.0, lambda heart: _find_intervals(heart).mean()),
    "interval SD": Feature(10.0, lambda heart: _find_intervals(heart).std()),
    "RMSSD": Feature(
        10.0,
        lambda heart: np.sqrt(np.square(np.diff(_find_intervals(heart))).mean()),
    ),
    "pNN50": Feature(10.0, lambda heart: _share_late(heart, LATE_S[0])),
    "pNN20": Feature(10.0, lambda heart: _share_late(heart, LATE_S[1])),
    "interval range": Feature(10.0, lambda heart: np.ptp(_find_intervals(heart))),
}
SKIN_NAMES = (
    *("peaks a minute", "peak height", "peak time", "mean"),
    *("SD", "mean derivative", "share of falling", "mean rise time"),
)


@dataclass(frozen=True)
class PictureReader:
    """What looks at head maps and spectrograms.

    Attributes
    ----------
    vgg : FaceTrunk | None
        VGG-16; None: fixed filters.
    """

    vgg: FaceTrunk | None = None

    @property
    def side(self) -> int:
        """Pixels of a picture along each side."""
        return SIDE if self.vgg is None else VGG_SIDE

    @property
    def most_maps(self) -> int:
        """Head maps of a trial at most; 0: one of each second."""
        return 0 if self.vgg is None else N_VGG

    @property
    def n_numbers(self) -> int:
        """That are found in a picture."""
        return N_NUMBERS if self.vgg is None else self.vgg.n_units

    def read(
        self, pictures: Float32[np.ndarray, "picture colour side side"]
    ) -> Float64[np.ndarray, "picture number"]:
        """Return what is found in pictures, from 0 to 1."""
        if self.vgg is not None:
            return self.vgg.read_pictures(pictures)
        with use_threads(1), torch.inference_mode():
            found = load_filters()(torch.from_numpy(pictures))
        return np.asarray(found.double().numpy())


@dataclass(frozen=True)
class Part:
    """A group of numbers of a trial.

    Attributes
    ----------
    stream : Stream
        Of which they are.
    is_reduced : bool
        Whether principal components stand for them.
    find : callable
        From the joined signals of a trial, and what looks at pictures, to the numbers;
        None of the face.
    """

    stream: Stream
    is_reduced: bool
    find: Callable[[TrialSignals, PictureReader], Vector] | None = None


def measure_maps(joined: TrialSignals, reader: PictureReader) -> Vector:
    """Return what is found in the head maps of a trial, averaged over them."""
    has, places = find_places(joined.channels)
    n_samples = round(joined.sfreq)
    signals = joined.signals[has]
    n_seconds = max(1, signals.shape[1] // n_samples)
    whole = signals[:, : n_seconds * n_samples]
    seconds = whole.reshape(len(has), n_seconds, -1).transpose(1, 0, 2)
    colours = measure_colours(seconds, joined.sfreq)
    colours = colours[np.isfinite(colours).any(axis=(1, 2))]
    if not len(colours):
        return np.full(reader.n_numbers, np.nan)
    if reader.most_maps:
        colours = join_seconds(colours, reader.most_maps)
    found = reader.read(paint(colours, weigh_pixels(places, reader.side)))
    return np.asarray(found.mean(axis=0))


def join_seconds(
    colours: Float64[np.ndarray, "second electrode band"], most: int
) -> Float64[np.ndarray, "stretch electrode band"]:
    """Return the mean colours of at most so many stretches of equal length.

    Parameters
    ----------
    colours : array, shape (second, electrode, band)
        NaN is left out of a mean, and is one where there is nothing else.
    most : int
        Stretches.
    """
    joined = []
    for few in np.array_split(colours, min(most, len(colours))):
        is_known = np.isfinite(few)
        counts = is_known.sum(axis=0)
        sums = np.where(is_known, few, 0).sum(axis=0)
        nothing = np.full(sums.shape, np.nan)
        joined.append(np.divide(sums, counts, out=nothing, where=counts > 0))
    return np.stack(joined)


def paint_spectrogram(
    signal: Trace, sfreq: float, highest: float, side: int = SIDE
) -> Float32[np.ndarray, "side side"]:
    """Return the logarithm of a spectrogram as a picture from 0 to 1.

    Parameters
    ----------
    signal : array, shape (time,)
        At least 16 samples.
    sfreq : float
        Samples a second, in Hz.
    highest : float
        Frequency in Hz of the last row.
    side : int
        Pixels of the picture along each side.

    Returns
    -------
    array, shape (side, side)
        Rows are frequencies from 0, columns time; the mean logarithm is 0.5.
    """
    length = max(8, 2 * len(signal) // _WINDOWS)
    hertz, _, power = spectrogram(
        signal - signal.mean(), fs=sfreq, nperseg=length, noverlap=length // 2
    )
    logs = np.log(np.maximum(power[hertz <= highest], _FLOOR))
    scaled = (logs - logs.mean()) / (logs.std() or 1)
    picture = np.clip((scaled + _WIDEST) / (2 * _WIDEST), 0, 1).astype(np.float32)
    return np.asarray(cv2.resize(picture, (side, side)), np.float32)


def _find_sensor(joined: TrialSignals, types: tuple[ChannelType, ...]) -> int | None:
    for place, channel in enumerate(joined.channels):
        if channel.type in types:
            return place
    return None


def measure_heart(joined: TrialSignals, _reader: PictureReader) -> Vector:
    """Return the variability of the heart in a trial."""
    place = _find_sensor(joined, HEARTS)
    stretch = None if place is None else find_longest(joined, place)
    return np.array(list(measure(HEART, Heart, stretch).values()), dtype=float)


def measure_skin(joined: TrialSignals, _reader: PictureReader) -> Vector:
    """Return eight statistics of the skin in a trial."""
    place = _find_sensor(joined, (ChannelType.GSR,))
    stretch = None if place is None else find_longest(joined, place)
    features = {name: SKIN[name] for name in SKIN_NAMES}
    return np.array(list(measure(features, Skin, stretch).values()), dtype=float)


def _measure_spectrogram(
    joined: TrialSignals,
    types: tuple[ChannelType, ...],
    highest: float,
    reader: PictureReader,
) -> Vector:
    place = _find_sensor(joined, types)
    stretch = None if place is None else find_longest(joined, place)
    if stretch is None:
        return np.full(reader.n_numbers, np.nan)
    signal, sfreq = stretch.signal, stretch.sfreq
    if highest < HEART_HZ:
        signal, sfreq = slow_down(signal, sfreq)
    if len(signal) < _WINDOWS:
        return np.full(reader.n_numbers, np.nan)
    picture = paint_spectrogram(signal, sfreq, highest, reader.side)
    coloured = np.repeat(picture[None, None], 3, axis=1)
    return np.asarray(reader.read(coloured)[0])


PARTS: Mapping[str, Part] = {
    "face": Part(Stream.FACE, is_reduced=True),
    "head maps": Part(Stream.EEG, is_reduced=True, find=measure_maps),
    "channel pairs": Part(
        Stream.EEG,
        is_reduced=True,
        find=lambda joined, _reader: measure_pairs(joined.signals),
    ),
    "heart": Part(Stream.PERIPHERAL, is_reduced=False, find=measure_heart),
    "heart spectrogram": Part(
        Stream.PERIPHERAL,
        is_reduced=True,
        find=lambda joined, reader: _measure_spectrogram(
            joined, HEARTS, HEART_HZ, reader
        ),
    ),
    "skin": Part(Stream.PERIPHERAL, is_reduced=False, find=measure_skin),
    "skin spectrogram": Part(
        Stream.PERIPHERAL,
        is_reduced=True,
        find=lambda joined, reader: _measure_spectrogram(
            joined, (ChannelType.GSR,), SKIN_HZ, reader
        ),
    ),
}
"""All parts by name."""


def measure_parts(
    rows: Rows, trunk: FaceTrunk | None
) -> dict[str, Float64[np.ndarray, "trial number"]]:
    """Return the parts of the streams that rows have, trials as in ``rows.trial``.

    Parameters
    ----------
    rows : Rows
        Of any number of trials.
    trunk : FaceTrunk | None
        What looks at faces, where they are among the streams; VGG-16 looks at all
        other pictures, too.

    Raises
    ------
    UserError
        When no electrode has a place on the head, or no peripheral channel is of the
        heart or of the skin.
    """
    _check_channels(rows)
    recall = _recall if isinstance(rows.store, SegmentStore) else _measure
    start_s = rows.table["start_s"].to_numpy(dtype=float)
    trials = []
    for index in list_trials(rows):
        numbers = rows.numbers[index[np.argsort(start_s[index])]].tobytes()
        trials.append(recall(rows.store, numbers, rows.streams, trunk))
    return {name: np.stack([one[name] for one in trials]) for name in trials[0]}


def _check_channels(rows: Rows) -> None:
    if Stream.PERIPHERAL not in rows.streams:
        return
    channels = rows.store.channels([Stream.PERIPHERAL])
    if not any(c.type in (*HEARTS, ChannelType.GSR) for c in channels):
        raise UserError(
            "after-siddharth2019: needs a plethysmograph, an ECG or GSR among the "
            f"peripheral channels, got {', '.join(c.name for c in channels)}"
        )


def _measure(
    store: Segments,
    numbers: bytes,
    streams: tuple[Stream, ...],
    trunk: FaceTrunk | None,
) -> Mapping[str, Vector]:
    """Measure the rows of one trial, which are in the order of time."""
    at, found = np.frombuffer(numbers, np.int64), {}
    reader = PictureReader(trunk if trunk and trunk.start == "vgg-16" else None)
    for stream in streams:
        if stream is Stream.FACE:
            if trunk is not None:
                found["face"] = _look_at_faces(store, at, trunk)
            continue
        joined = join_trial(store, at, stream)
        for name, part in PARTS.items():
            if part.stream is stream and part.find is not None:
                found[name] = part.find(joined, reader)
    return found


_recall = lru_cache(maxsize=HELD_TRIALS)(_measure)
"""The same, kept: every fold, target and learner asks again."""


def _look_at_faces(
    store: Segments,
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]],
    trunk: FaceTrunk,
) -> Vector:
    """Return mean, deviation and 95th percentile of what is found in faces."""
    images = np.concatenate(read_clips(store, numbers))
    most = N_VGG if trunk.start == "vgg-16" else N_FACES
    few = np.linspace(0, len(images) - 1, min(most, len(images))).round()
    found = trunk.read(images[few.astype(np.int64)])
    known = found[np.isfinite(found).all(axis=1)]
    if not len(known):
        return np.full(3 * found.shape[1], np.nan)
    return np.concatenate(
        [known.mean(axis=0), known.std(axis=0), np.percentile(known, 95, axis=0)]
    )


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _recall.cache_clear()
