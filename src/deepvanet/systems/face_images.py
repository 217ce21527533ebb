"""Single images of faces, as rows of a store have them, ready for a network.

A black image is one of which nothing is known: what explains a prediction leaves a
face out in this way.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8

from deepvanet.schema import Stream
from deepvanet.store import Rows, Segments

NUMBERS_AT_ONCE = 2**23
"""Bytes of images that are read in one go."""

IMAGES_AT_ONCE = 1024
"""Images that are read in one go where some of a trial's are."""

Numbers = Int[np.ndarray, " image"]
Images = UInt8[np.ndarray, "image height width colour"]


def cut_images(rows: Rows) -> list[Int[np.ndarray, " item"]]:
    """Cut rows into parts whose images are read in one go, each of one length."""
    if not len(rows):
        return []
    lengths = rows.store.count_samples(Stream.FACE, rows.numbers)
    first = rows.read(Stream.FACE, np.arange(1))
    n_bytes = first.nbytes // first.shape[1]
    parts: list[Int[np.ndarray, " item"]] = []
    for length in np.unique(lengths).tolist():
        index = np.flatnonzero(lengths == length)
        n_rows = max(1, NUMBERS_AT_ONCE // (length * n_bytes))
        parts += np.split(index, range(n_rows, len(index), n_rows))
    return parts


def read_images(
    rows: Rows, most: int = 0
) -> Iterator[tuple[Int[np.ndarray, " image"], Images]]:
    """Yield images of all rows, part by part, and the row of each.

    Parameters
    ----------
    most : int
        Images of a trial, evenly over it; 0: all that it has.
    """
    if most:
        row_of, frame_of = _spread_evenly(rows, most)
        for start in range(0, len(row_of), IMAGES_AT_ONCE):
            few = slice(start, start + IMAGES_AT_ONCE)
            yield row_of[few], _read_chosen(rows, row_of[few], frame_of[few])
        return
    for index in cut_images(rows):
        clips = rows.read(Stream.FACE, index)
        n_frames = clips.shape[1]
        yield np.repeat(index, n_frames), clips.reshape(-1, *clips.shape[2:])


def sample_images(
    rows: Rows, most: int, *, seed: int
) -> tuple[Int[np.ndarray, " image"], Images]:
    """Return at most so many images of each trial, at random, and the row of each.

    Parameters
    ----------
    most : int
        Images of a trial.
    seed : int
        Of the sample, without replacement.
    """
    row_of, frame_of = _list_images(rows)
    order = np.random.default_rng(seed).permutation(len(row_of))
    order = order[np.argsort(rows.trial[row_of[order]], kind="stable")]
    trial = rows.trial[row_of[order]]
    turn = np.arange(len(trial)) - np.searchsorted(trial, trial)
    chosen = np.sort(order[turn < most])
    return row_of[chosen], _read_chosen(rows, row_of[chosen], frame_of[chosen])


def _list_images(rows: Rows) -> tuple[Numbers, Numbers]:
    """Return the row of each image, and which of the row's it is."""
    lengths = rows.store.count_samples(Stream.FACE, rows.numbers)
    row_of = np.repeat(np.arange(len(rows)), lengths)
    return row_of, np.concatenate([np.arange(n) for n in lengths])


def _spread_evenly(rows: Rows, most: int) -> tuple[Numbers, Numbers]:
    """Return images as ``_list_images`` does: at most so many of a trial."""
    row_of, frame_of = _list_images(rows)
    start_s = rows.table["start_s"].to_numpy(dtype=float)
    order = np.lexsort([frame_of, start_s[row_of], rows.trial[row_of]])
    counts = np.bincount(rows.trial[row_of])
    parts = np.split(order, np.cumsum(counts)[:-1])
    places = [
        part[np.unique(np.linspace(0, len(part) - 1, most).round().astype(np.int64))]
        for part in parts
    ]
    chosen = np.sort(np.concatenate(places))
    return row_of[chosen], frame_of[chosen]


def _read_chosen(rows: Rows, row_of: Numbers, frame_of: Numbers) -> Images:
    """Read some images of some rows, in the order of the rows."""
    places = np.unique(row_of)
    wanted, images = rows.take(places), np.empty(0, np.uint8)
    for part in cut_images(wanted):
        clips = wanted.read(Stream.FACE, part)
        if not images.size:
            images = np.empty((len(row_of), *clips.shape[2:]), np.uint8)
        for place, clip in zip(places[part], clips, strict=True):
            mine = np.flatnonzero(row_of == place)
            images[mine] = clip[frame_of[mine]]
    return images


def read_clips(
    store: Segments, numbers: Int[np.ndarray, " row"]
) -> list[UInt8[np.ndarray, "_ height width colour"]]:
    """Return the images of some rows of a store, row by row, of any length."""
    lengths = store.count_samples(Stream.FACE, numbers)
    if (lengths == lengths[0]).all():
        return list(store.read(Stream.FACE, numbers))
    return [store.read(Stream.FACE, np.array([number]))[0] for number in numbers]


def is_black(images: Images) -> Bool[np.ndarray, " image"]:
    """Return which images show nothing."""
    return np.asarray(~np.asarray(images.any(axis=(1, 2, 3))))


def to_grey(images: Images, side: int) -> Float32[np.ndarray, "image side side"]:
    """Return the luminance of images, 0 to 255, with so many pixels along each side."""
    grey = [resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), side) for image in images]
    return np.stack(grey).astype(np.float32)


def to_colour(
    images: Images, side: int
) -> Float32[np.ndarray, "image colour side side"]:
    """Return images, 0 to 255, colours before height and width."""
    resized = np.stack([resize(image, side) for image in images])
    return np.ascontiguousarray(resized.transpose(0, 3, 1, 2), np.float32)


def resize(
    image: UInt8[np.ndarray, "height width *colour"], side: int
) -> UInt8[np.ndarray, "side side *colour"]:
    """Return an image with so many pixels along each side."""
    height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    is_smaller = side < min(height, width)
    way = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=way))
