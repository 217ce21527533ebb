"""How much regions of a face move over a trial, by dense optical flow.

Flow (Farneback's [1]_) is taken twice: from each image to the next one of its row, and
from the trial's mean face to each image. What the whole face does is its median, which
is subtracted; the rest is a length in hundredths of the image's side. Of each region
these lengths give their mean and deviation over the trial, the share of images in which
they are active, how many activations there are in a hundred images, and how many images
one lasts. A trial is what of it is handed in.

An image that is black is one of which nothing is known. A region is NaN where fewer
than two images are known.

References
----------
.. [1] Farneback (2003). Two-frame motion estimation based on polynomial expansion.
   SCIA 2003, 363-370.
"""

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from deepvanet.learners.features import HELD_TRIALS
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_signals import list_runs
from deepvanet.store import Rows, Segments, SegmentStore
from deepvanet.systems.face_images import is_black, read_clips

REGIONS: Mapping[str, tuple[float, float, float, float]] = {
    "brows": (0.02, 0.20, 0.10, 0.90),
    "eyes": (0.18, 0.36, 0.10, 0.90),
    "nose": (0.38, 0.66, 0.33, 0.67),
    "mouth": (0.70, 0.98, 0.22, 0.78),
    "left cheek": (0.42, 0.72, 0.05, 0.30),
    "right cheek": (0.42, 0.72, 0.70, 0.95),
}
"""Top, bottom, left and right of each box, in shares of the image, whose eyes lie at a
quarter of its height and whose lips at five sixths."""

ACTIVE: Mapping[str, float] = {"step": 0.5, "departure": 1.0}
"""What counts as active, in hundredths of the image's side: from image to image, and
from the mean face."""

SUMMARIES = ("mean", "deviation", "active", "activations", "length")
LEAST_IMAGES = 2
_PER = 100

Lengths = Float64[np.ndarray, "image region"]


def list_names() -> list[str]:
    """Return the names of the features of a trial, in their order.

    Examples
    --------
    >>> len(list_names()), list_names()[0]
    (60, 'step brows mean')
    """
    return [
        f"{k} {region} {s}" for k in ACTIVE for region in REGIONS for s in SUMMARIES
    ]


def measure_motion(rows: Rows) -> Float64[np.ndarray, "trial feature"]:
    """Return the features of every trial, in the order of ``rows.trial``.

    Parameters
    ----------
    rows : Rows
        Of any number of trials, with faces.
    """
    measure = _recall if isinstance(rows.store, SegmentStore) else _measure
    start_s = rows.table["start_s"].to_numpy(dtype=float)
    return np.stack(
        [
            measure(
                rows.store, rows.numbers[index[np.argsort(start_s[index])]].tobytes()
            )
            for index in list_trials(rows)
        ]
    )


def _measure(store: Segments, numbers: bytes) -> Float64[np.ndarray, " feature"]:
    """Measure the rows of one trial, in the order of time."""
    return measure_clips(read_clips(store, np.frombuffer(numbers, np.int64)))


_recall = lru_cache(maxsize=HELD_TRIALS)(_measure)
"""The same, kept: every fold, target and learner asks again."""


def measure_clips(
    clips: list[UInt8[np.ndarray, "_ height width colour"]],
) -> Float64[np.ndarray, " feature"]:
    """Return the features of a trial.

    Parameters
    ----------
    clips : list of array, shape (image, height, width, colour)
        What follows each other in time; between two of them may lie something else.
    """
    grey, is_known = [], []
    for clip in clips:
        grey.append(np.stack([cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in clip]))
        is_known.append(~is_black(clip))
    known = np.concatenate(is_known)
    n_features = len(REGIONS) * len(SUMMARIES)
    if known.sum() < LEAST_IMAGES:
        return np.full(2 * n_features, np.nan)
    mean = np.concatenate(grey)[known].mean(axis=0).round().astype(np.uint8)
    steps, departures = [], []
    for images, there in zip(grey, is_known, strict=True):
        for place, image in enumerate(images):
            if not there[place]:
                continue
            departures.append(measure_lengths(mean, image))
            if place and there[place - 1]:
                steps.append(measure_lengths(images[place - 1], image))
    found = []
    for kind, lengths in (("step", steps), ("departure", departures)):
        if not lengths:
            found.append(np.full(n_features, np.nan))
        else:
            found.append(sum_up(np.stack(lengths), ACTIVE[kind]))
    return np.concatenate(found)


def measure_lengths(
    before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]
) -> Float64[np.ndarray, " region"]:
    """Return how far regions move from one image to another.

    Parameters
    ----------
    before, after : array, shape (height, width)
        Grey images of a face.

    Returns
    -------
    array, shape (region,)
        The mean length in each region, in hundredths of the image's height, less the
        motion of the whole image.
    """
    flow = find_flow(before, after)
    flow = flow - np.median(flow, axis=(0, 1))
    length = np.hypot(flow[..., 0], flow[..., 1])
    height, width = length.shape
    boxes = [
        (_cut(top, bottom, height), _cut(left, right, width))
        for top, bottom, left, right in REGIONS.values()
    ]
    moved = np.array([float(length[box].mean()) for box in boxes])
    return np.asarray(100 / height * moved)


def find_flow(
    before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width 2"]:
    """Return by how many pixels each place of an image moves, right and down."""
    return np.asarray(
        cv2.calcOpticalFlowFarneback(
            before,
            after,
            None,
            pyr_scale=0.5,
            levels=2,
            winsize=9,
            iterations=3,
            poly_n=5,
            poly_sigma=1.1,
            flags=0,
        )
    )


def sum_up(lengths: Lengths, active: float) -> Float64[np.ndarray, " feature"]:
    """Return the five numbers of each region, one region after the other.

    Parameters
    ----------
    lengths : array, shape (image, region)
        How far each region moved.
    active : float
        From which length on a region is active.

    Examples
    --------
    >>> sum_up(np.array([[0.0], [2.0], [2.0], [0.0]]), 1.0).tolist()
    [1.0, 1.0, 0.5, 25.0, 2.0]
    """
    found = []
    for values in lengths.T:
        is_active: Bool[np.ndarray, " image"] = values >= active
        runs = [end - start for start, end in list_runs(is_active)]
        found += [
            values.mean(),
            values.std(),
            is_active.mean(),
            _PER * len(runs) / len(values),
            float(np.mean(runs)) if runs else 0.0,
        ]
    return np.array(found, dtype=float)


def _cut(low: float, high: float, n_pixels: int) -> slice:
    """Return the pixels between two shares of a side, at least one."""
    start = min(int(low * n_pixels), n_pixels - 1)
    return slice(start, max(start + 1, round(high * n_pixels)))


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _recall.cache_clear()
