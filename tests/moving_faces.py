"""Stores in which faces move, and EEG swells, with a rating: what systems read."""

import cv2
import numpy as np

from deepvanet.schema import Stream, Target
from deepvanet.store import open_store
from portraits import sample_portrait
from segment_blocks import rewrite_segments
from small_store import write_small_store

SIDE = 64
ALPHA_HZ = 10


def write_moving_store(
    path,
    *,
    n_subjects=2,
    n_trials=12,
    n_segments=4,
    n_images=5,
    mouth=2.0,
    alpha=1.0,
    seed=0,
):
    """Write a small store whose high trials have a mouth that moves, and more alpha.

    Parameters
    ----------
    mouth : float
        By how many pixels the mouth of a high trial opens and closes.
    alpha : float
        By how many deviations of the noise alpha is larger in a high trial.
    """
    store = write_small_store(
        path,
        n_subjects=n_subjects,
        n_trials=n_trials,
        n_segments=n_segments,
        images=(n_images, SIDE),
        effect=0.0,
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    is_high = store.table[Target.VALENCE].to_numpy() >= 5
    face = cv2.resize(sample_portrait()[60:220, 50:210], (SIDE, SIDE))

    def move(rows, segments):
        segments = np.array(segments)
        for place, row in enumerate(rows):
            for number in range(n_images):
                opening = mouth * is_high[row] * (number % 2)
                segments[place, number] = open_mouth(face, opening, rng)
        return segments

    def swell(rows, segments):
        time = np.arange(segments.shape[-1]) / 128
        level = 10 * alpha * is_high[rows][:, None, None]
        phase = rng.uniform(0, 2 * np.pi, (len(rows), 1, 1))
        return segments + level * np.sin(2 * np.pi * ALPHA_HZ * time + phase)

    rewrite_segments(store, Stream.FACE, move)
    rewrite_segments(store, Stream.EEG, swell)
    return open_store(path).cut()


def open_mouth(face, pixels, rng):
    """Return a face whose mouth is open, with the noise of a camera."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    about = np.exp(-(((columns - 32) / 10) ** 2) - ((rows - 52) / 5) ** 2)
    side = np.where(rows > 52, 1, -1)
    moved = cv2.remap(
        face,
        columns,
        (rows - pixels * about * side).astype(np.float32),
        cv2.INTER_LINEAR,
    )
    noisy = moved + rng.normal(0, 3, moved.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def shuffle_labels(rows, seed):
    """Return rows whose trials have each other's labels."""
    first = np.unique(rows.trial, return_index=True)[1]
    order = np.random.default_rng(seed).permutation(len(first))
    return rows.label[first][order][rows.trial]
