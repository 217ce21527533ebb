"""Bring each channel of the bio streams, and the faces, to about zero and one.

Stored signals keep their physical units, so skin resistance in Ohm lies beside
EEG in microvolts. ``train`` takes each channel's median and interquartile range
over the training rows: both are exact, in float64, and neither is moved by
artefacts. Faces are taken relative to the mean image of the training rows, in
units of their deviation from it. ``none`` is the published recipe: numbers go in as
they are, pixels in [0, 1].
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, UInt8
from numpy.typing import NDArray

from deepvanet.fields import About
from deepvanet.learners.saved import Layout
from deepvanet.schema import BIO, ChannelType, Stream, UserError, pick
from deepvanet.store import Rows

AT_ONCE = 1024  # rows scaled in one go
NUMBERS_AT_ONCE = 2**22  # that are read in one go
HELD_BYTES = 2**28  # of the channels whose numbers are in memory at the same time

_log = logging.getLogger(__name__)

Channels = Float64[np.ndarray, " channel"]


@dataclass(frozen=True)
class Scaling:
    """How the channels of one stream are shifted and divided.

    Attributes
    ----------
    center, spread : array, shape (channel,)
        In the unit of each channel.
    n_missing : array, shape (channel,)
        Training samples that were not finite, as those of a lost electrode.
    """

    center: Channels
    spread: Channels
    n_missing: Int[np.ndarray, " channel"]

    def apply(
        self, signals: Float[np.ndarray, "row channel time"]
    ) -> Float32[np.ndarray, "row channel time"]:
        """Scale signals; what is not finite becomes 0, a channel's median.

        Raises
        ------
        UserError
            When there are more or fewer channels than those of the fit.
        """
        if signals.shape[1] != len(self.center):
            raise UserError(
                f"the learner was fitted on {len(self.center)} channels of a stream, "
                f"got {signals.shape[1]}"
            )
        scaled = np.empty(signals.shape, np.float32)
        for start in range(0, len(signals), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            scaled[part] = (signals[part] - self.center[:, None]) / self.spread[:, None]
        scaled[~np.isfinite(scaled)] = 0
        return scaled

    def to_dict(self) -> dict[str, list[float]]:
        """Return plain values."""
        return {name: array.tolist() for name, array in vars(self).items()}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the same as arrays."""
        return dict(vars(self))

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Sequence[float]] | Mapping[str, NDArray[Any]]
    ) -> "Scaling":
        """Read what ``to_dict`` or ``to_arrays`` returned."""
        return cls(
            center=np.array(values["center"], np.float64),
            spread=np.array(values["spread"], np.float64),
            n_missing=np.array(values["n_missing"], np.int64),
        )


@dataclass(frozen=True)
class ScalingItem:
    """A scaling in a JSON file."""

    center: tuple[float, ...]
    spread: tuple[Annotated[float, About("Above 0.", least=1e-100)], ...]
    n_missing: tuple[Annotated[int, About("Samples.", least=0)], ...]

    def __post_init__(self) -> None:
        for name in ("spread", "n_missing"):
            if len(getattr(self, name)) != len(self.center):
                raise UserError(
                    f"needs {len(self.center)} numbers, as center has, got "
                    f"{len(getattr(self, name))}",
                    field=name,
                )

    def open(self) -> Scaling:
        """Return what it says."""
        return Scaling.from_dict(vars(self))


LAYOUT: Layout = {
    "center": ("f", ("channel",)),
    "spread": ("f", ("channel",)),
    "n_missing": ("iu", ("channel",)),
}
"""A scaling among arrays."""


def fit_scaling(rows: Rows, *, scale: str = "train") -> dict[Stream, Scaling]:
    """Find how to scale each stream of signals of the rows.

    Parameters
    ----------
    scale : str
        One of ``SCALES``.
    """
    measure = SCALES[pick("scale", scale, SCALES)]
    scalings = {
        stream: _fit_stream(rows, stream, measure)
        for stream in rows.streams
        if not stream.is_images
    }
    for stream, scaling in scalings.items():
        _report_missing(rows, stream, scaling)
    return scalings


def _fit_stream(rows: Rows, stream: Stream, measure: "_Measure") -> Scaling:
    """Measure a stream's channels, as many at a time as memory is meant to hold."""
    n_channels = len(rows.store.channels([stream]))
    n_samples = int(rows.store.count_samples(stream, rows.numbers).sum())
    n_held = max(1, HELD_BYTES // (4 * n_samples))
    center, spread = np.zeros(n_channels), np.ones(n_channels)
    n_missing = np.zeros(n_channels, np.int64)
    kinds = (channel.type for channel in rows.store.channels([stream]))
    is_share = [kind is ChannelType.GAZE_VALIDITY for kind in kinds]  # from 0 to 1
    for start in range(0, n_channels, n_held):
        held = _read_channels(rows, stream, slice(start, start + n_held))
        for channel, samples in enumerate(held, start):
            finite = samples[np.isfinite(samples)].astype(np.float64)
            n_missing[channel] = samples.size - finite.size
            if finite.size and not is_share[channel]:
                center[channel], spread[channel] = measure(finite)
    return Scaling(center, spread, n_missing)


def _read_channels(
    rows: Rows, stream: Stream, channels: slice
) -> Float[np.ndarray, "channel sample"]:
    """Read some channels of all rows, channel by channel, the rows in their order."""
    n_channels = len(rows.store.channels([stream])[channels])
    end = np.cumsum(rows.store.count_samples(stream, rows.numbers))
    held = np.empty((n_channels, int(end[-1])), np.float32)
    for index in rows.cut(stream, NUMBERS_AT_ONCE):
        read = rows.read(stream, index)[:, channels]
        for row, last in zip(read, end[index].tolist(), strict=True):
            held[:, last - row.shape[1] : last] = row
    return held


def _report_missing(rows: Rows, stream: Stream, scaling: Scaling) -> None:
    names = [channel.name for channel in rows.store.channels([stream])]
    missing = [
        f"{name} ({count})"
        for name, count in zip(names, scaling.n_missing, strict=True)
        if count
    ]
    if missing:
        # an eye closes now and then
        _log.log(
            logging.WARNING if stream in BIO else logging.INFO,
            "%s: training samples that are not finite are read as the channel's "
            "median: %s",
            stream,
            ", ".join(missing),
        )


def measure_faces(
    rows: Rows,
) -> tuple[Float64[np.ndarray, "colour height width"], float]:
    """Return the mean image of all rows, and the deviation from it, in [0, 1]."""
    starts = range(0, len(rows), AT_ONCE)
    blocks = (np.arange(s, min(s + AT_ONCE, len(rows))) for s in starts)
    return measure_images(
        clip for index in blocks for clip in rows.read(Stream.FACE, index)
    )


def measure_images(
    batches: Iterable[UInt8[np.ndarray, "image height width colour"]],
) -> tuple[Float64[np.ndarray, "colour height width"], float]:
    """Return the mean of images in batches, and the deviation from it, in [0, 1].

    Exact: bytes are summed as whole numbers.
    """
    total: NDArray[np.int64] | int = 0
    squares: NDArray[np.int64] | int = 0
    n_images = 0
    for images in batches:
        total = total + images.sum(axis=0, dtype=np.int64)
        squares = squares + np.square(images, dtype=np.int64).sum(axis=0)
        n_images += len(images)
    mean = np.asarray(total) / n_images
    variance = np.asarray(squares) / n_images - np.square(mean)
    spread = float(np.sqrt(variance.mean())) / 255 or 1.0
    return np.moveaxis(mean / 255, -1, 0), spread


_Measure = Callable[[Float64[np.ndarray, " sample"]], tuple[float, float]]


def _median_and_range(samples: Float64[np.ndarray, " sample"]) -> tuple[float, float]:
    """Return median and interquartile range, of a channel that moves.

    One that is constant for most of its samples has no interquartile range and takes
    its standard deviation instead; one that never moves is only shifted.
    """
    low, middle, high = np.quantile(samples, [0.25, 0.5, 0.75])
    if high > low:
        return float(middle), float(high - low)
    moves = samples.max() > samples.min()
    return float(middle), float(samples.std()) if moves else 1.0


def _nothing(_samples: Float64[np.ndarray, " sample"]) -> tuple[float, float]:
    return 0.0, 1.0


SCALES: Mapping[str, _Measure] = {"train": _median_and_range, "none": _nothing}
