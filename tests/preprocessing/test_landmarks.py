"""Tests of :mod:`deepvanet.preprocessing.landmarks`."""

import numpy as np
import pytest
import skimage.data

from deepvanet.preprocessing.face import Face, align_face, make_backend
from deepvanet.preprocessing.landmarks import crop_by_landmarks, reduce_landmarks
from deepvanet.synthetic.marks import MARKS
from small_afew_va import sample_landmarks


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


def test_crop_is_the_papers_square():
    """Each pixel tells its place: red is x, green is y."""
    y, x = np.mgrid[:256, :256]
    rgb = np.stack([x, y, 0 * x], axis=2).astype(np.uint8)
    landmarks = sample_landmarks(120, 110, 40)

    crop = crop_by_landmarks(rgb, landmarks, size=64)

    eyes, lips = 110 - 0.6 * 40 + 0.5, 110 + 0.7 * 40 + 0.5
    d = lips - eyes
    side = 1.75 * d
    middles = (np.arange(64) + 0.5) / 64 * side - 0.5
    assert np.abs(crop[:, :, 1] - (eyes - 0.45 * d + middles)[:, None]).max() <= 0.6
    assert np.abs(crop[:, :, 0] - (120.5 - side / 2 + middles)).max() <= 0.6


@pytest.mark.parametrize(
    ("name", "least"), [("dlib5", 0.9), ("dlib68", 0.9), ("yunet", 0.75)]
)
def test_given_landmarks_frame_a_face_as_the_video_pipeline_does(
    name, least, astronaut
):
    backend = make_backend(name)
    (found,) = backend.detect(astronaut)
    face = backend.refine(astronaut, found)

    crop = crop_by_landmarks(astronaut, np.array(MARKS))

    given = reduce_landmarks(np.array(MARKS))
    pixel = 1.75 * given.eyes_to_lips / 64
    assert np.hypot(*(face.eyes - given.eyes).T).max() < 3 * pixel
    assert np.hypot(*(face.lips - given.lips)) < 4 * pixel
    alike = np.corrcoef(crop.ravel(), align_face(astronaut, face).ravel())[0, 1]
    assert alike > least


def test_eyes_do_not_move_when_they_close():
    landmarks = sample_landmarks()
    closed = landmarks.copy()
    closed[[37, 38, 43, 44]] = landmarks[[41, 40, 47, 46]]

    np.testing.assert_array_equal(
        reduce_landmarks(closed).eyes, reduce_landmarks(landmarks).eyes
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda marks: np.zeros_like(marks),
        lambda marks: np.vstack([marks[:48], marks[48:] - [0, 12.9]]),
        lambda marks: np.vstack([marks[:48], marks[48:] - [0, 40]]),
        lambda marks: np.vstack([[[1e5, 1e5]], marks[1:]]),
    ],
    ids=["one point", "lips at the eyes", "lips above", "one far away"],
)
def test_landmarks_that_make_no_face_give_no_crop(spoil):
    rgb = np.zeros((60, 80, 3), np.uint8)

    assert crop_by_landmarks(rgb, sample_landmarks()) is not None
    assert crop_by_landmarks(rgb, spoil(sample_landmarks())) is None


def test_face_from_landmarks_is_a_face_like_any_other():
    face = reduce_landmarks(sample_landmarks(40, 30, 10))

    assert isinstance(face, Face)
    np.testing.assert_allclose(face.eyes, [[34.5, 24.5], [46.5, 24.5]])
    np.testing.assert_allclose(face.lips, [40.5, 37.5])
    np.testing.assert_allclose(face.box, [28.5, 21.5, 24, 25])
