"""Faces of trials: which images are read, and how regions of them move."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from deepvanet.models.fer_weights import FerWeights, convert_keras
from deepvanet.schema import Stream
from deepvanet.systems.face_images import (
    read_images,
    sample_images,
    to_colour,
    to_grey,
)
from deepvanet.systems.face_motion import (
    REGIONS,
    find_flow,
    list_names,
    measure_clips,
    measure_lengths,
    measure_motion,
    sum_up,
)
from deepvanet.systems.face_traces import find_probabilities
from keras_weights import sample_keras
from moving_faces import SIDE, open_mouth, write_moving_store
from portraits import sample_portrait
from small_store import take_rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "store"
    store = write_moving_store(path, n_subjects=2, n_trials=4, n_segments=3)
    return take_rows(store, (Stream.FACE,))


@pytest.fixture(scope="module")
def face():
    return cv2.resize(sample_portrait()[60:220, 50:210], (SIDE, SIDE))


def test_all_images_are_read_in_the_order_of_their_rows(rows):
    parts = list(read_images(rows))

    row_of = np.concatenate([row_of for row_of, _ in parts])
    images = np.concatenate([images for _, images in parts])
    assert row_of.tolist() == np.repeat(np.arange(len(rows)), 5).tolist()
    assert (images == rows.read(Stream.FACE).reshape(-1, SIDE, SIDE, 3)).all()


def test_as_many_images_of_each_trial_are_sampled(rows):
    row_of, images = sample_images(rows, 7, seed=3)

    again, _ = sample_images(rows, 7, seed=3)
    other, _ = sample_images(rows, 7, seed=4)
    assert np.bincount(rows.trial[row_of]).tolist() == [7] * 8
    assert row_of.tolist() == again.tolist() != other.tolist()
    for row, image in zip(row_of, images, strict=True):
        (clip,) = rows.read(Stream.FACE, np.array([row]))
        assert (clip == image).all(axis=(1, 2, 3)).any()


def test_few_images_lie_evenly_over_a_trial(rows):
    ((row_of, images),) = read_images(rows.take(rows.trial == 1), most=3)

    whole = rows.read(Stream.FACE, np.flatnonzero(rows.trial == 1))
    assert (images == whole.reshape(-1, SIDE, SIDE, 3)[[0, 7, 14]]).all()
    assert row_of.tolist() == [0, 1, 2]


def test_grey_is_luminance_and_colours_come_first(face):
    grey, colour = to_grey(face[None], SIDE), to_colour(face[None], SIDE)

    assert_allclose(grey[0], face @ [0.299, 0.587, 0.114], atol=0.51)
    assert (colour[0] == face.transpose(2, 0, 1)).all()
    assert to_grey(face[None], 48).shape == (1, 48, 48)
    assert_allclose(to_grey(face[None], 48).mean(), grey.mean(), rtol=0.01)


def test_flow_follows_a_picture_that_is_shifted():
    rng = np.random.default_rng(0)
    field = cv2.GaussianBlur(rng.normal(0, 60, (96, 96)), (0, 0), 2) * 3 + 128
    field = np.clip(field, 0, 255).astype(np.uint8)
    before, after = field[16:80, 16:80], field[15:79, 14:78]

    flow = find_flow(before, after)

    middle = flow[12:-12, 12:-12].reshape(-1, 2)
    assert_allclose(np.median(middle, axis=0), [2, 1], atol=0.2)
    # the whole picture moves, and no region by itself
    assert (measure_lengths(before, after) < 0.6).all()


@pytest.mark.parametrize("region", ["mouth", "brows"])
def test_the_region_that_moves_is_the_one_that_is_found(face, region):
    top, bottom, left, right = (np.array(REGIONS[region]) * SIDE).astype(int)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    middle = ((top + bottom) / 2, (left + right) / 2)
    about = np.exp(-(((rows - middle[0]) / 4) ** 2) - ((columns - middle[1]) / 12) ** 2)
    moved = cv2.remap(
        face, columns, (rows - 2 * about).astype(np.float32), cv2.INTER_LINEAR
    )
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (face, moved)]

    found = dict(zip(REGIONS, measure_lengths(*grey), strict=True))

    others = [length for name, length in found.items() if name != region]
    assert found[region] > 1.5 * max(others)


def test_activations_are_counted_in_hundred_images():
    lengths = np.array([0, 0, 2, 2, 2, 0, 0, 1, 0, 0.0])[:, None]

    mean, deviation, active, activations, length = sum_up(lengths, 1.0)

    assert mean == pytest.approx(0.7)
    assert deviation == pytest.approx(lengths.std())
    assert (active, activations, length) == (0.4, 20.0, 2.0)


def test_a_still_face_is_never_active(face):
    found = dict(zip(list_names(), measure_clips([face[None]] * 4), strict=True))

    assert len(found) == 60
    departures = {n: v for n, v in found.items() if n.startswith("departure")}
    assert max(departures.values()) < 0.05  # the mean is rounded
    assert not any(v for n, v in departures.items() if n.endswith("active"))
    # a row of one image has no next one
    assert np.isnan([v for n, v in found.items() if n.startswith("step")]).all()


def test_motion_is_measured_on_the_rows_that_are_handed_in(rows):
    some = rows.take(np.arange(len(rows)) % 3 < 2)
    shuffled = rows.take(np.random.default_rng(0).permutation(len(rows)))

    whole, fewer = measure_motion(rows), measure_motion(some)

    assert whole.shape == fewer.shape == (8, 60)
    assert not np.isclose(whole, fewer).all(axis=1).any()
    first = np.unique(shuffled.trial, return_index=True)[1]
    place = rows.trial[np.searchsorted(rows.numbers, shuffled.numbers[first])]
    assert (measure_motion(shuffled) == whole[place]).all()


def test_black_images_are_not_known(face):
    rng = np.random.default_rng(0)
    clips = [
        np.stack([open_mouth(face, k % 2, rng) for k in range(5)]) for _ in range(3)
    ]
    with_black = [np.concatenate([clip, np.zeros_like(clip[:1])]) for clip in clips]

    assert_allclose(measure_clips(with_black), measure_clips(clips))
    assert np.isnan(measure_clips([np.zeros_like(clip) for clip in clips])).all()
    fer = FerWeights(convert_keras(sample_keras()))
    assert np.isnan(find_probabilities(with_black[0], fer)[:, 0]).tolist() == [
        *[False] * 5,
        True,
    ]
