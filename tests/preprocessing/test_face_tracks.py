"""Tests of :mod:`deepvanet.preprocessing.face_tracks`, on films of real faces.

The subject sits on the left. A visitor is the same portrait, mirrored, darker and
larger; pictures of faces that differ more are not in any package.
"""

import cv2
import numpy as np
import pytest

from deepvanet.findings import collect
from deepvanet.preprocessing.face import (
    FrameState,
    follow_face,
    make_backend,
    track_face,
)
from deepvanet.preprocessing.face_sampling import sample_faces
from deepvanet.preprocessing.face_tracks import parse_choice
from deepvanet.preprocessing.video import Frame, probe
from deepvanet.schema import UserError
from films import write_video
from portraits import sample_portrait

SEAT, ELSEWHERE = (20, 110), (330, 40)
BOX_OF_SUBJECT = "60,130,80,80"


@pytest.fixture(scope="module")
def backend():
    return make_backend("yunet")


def picture(*placed):
    """Return a picture of 560 x 360 with portraits at places."""
    rgb = np.full((360, 560, 3), 120, dtype=np.uint8)
    for (x, y), portrait in placed:
        height, width = portrait.shape[:2]
        rgb[y : y + height, x : x + width] = portrait
    return rgb


def subject(at=SEAT):
    return at, cv2.resize(sample_portrait(), (170, 170))


def visitor(at=ELSEWHERE, side=220):
    dark = sample_portrait(0.5)[:, ::-1]
    return at, cv2.resize(np.ascontiguousarray(dark), (side, side))


def masked():
    at, portrait = subject()
    portrait = portrait.copy()
    portrait[82:] = (60, 90, 160)
    return at, portrait


def film(*scenes, images_per_s=5):
    """Return frames of scenes: how many, and what is in them."""
    pictures = [picture(*placed) for n, *placed in scenes for _ in range(n)]
    return [
        Frame(k, k / images_per_s, k / images_per_s, rgb)
        for k, rgb in enumerate(pictures)
    ]


def track(frames, backend, **options):
    with collect() as found:
        result = track_face(
            frames, backend, n_frames=len(frames), source="v.mp4", **options
        )
    return result, {finding.code: finding for finding in found}


def test_one_face_throughout_gives_no_finding(backend):
    tracked, found = track(film((10, subject())), backend)

    assert found == {}
    assert tracked.n_found == 10
    assert [person.is_subject for person in tracked.people] == [True]


def test_nearer_visitor_is_a_finding_and_not_the_subject(backend):
    frames = film((6, subject(), visitor()), (8, subject()))

    tracked, found = track(frames, backend)

    assert tracked.n_found == 14
    assert list(found) == ["V04"]
    assert found["V04"].place == "0.0 s to 1.2 s"
    assert "to the right of the subject's" in found["V04"].sentence
    alone, _ = track(film((14, subject())), backend)
    assert np.abs(tracked.crops.astype(int) - alone.crops).mean() < 3


@pytest.mark.parametrize(
    ("choice", "n_found"),
    [
        ("", 12),
        ("left", 12),
        ("right", 6),
        ("largest", 6),
        (BOX_OF_SUBJECT, 12),
        ("0.1,0.35,0.15,0.25", 12),
        ("390,90,100,120", 6),
    ],
)
def test_the_table_may_choose_who_the_subject_is(choice, n_found, backend):
    frames = film((6, subject(), visitor()), (6, subject()))

    tracked, _ = track(frames, backend, face_choice=choice)

    assert tracked.n_found == n_found


def test_chosen_box_without_a_face_leaves_none_and_says_so(backend):
    tracked, found = track(film((6, subject())), backend, face_choice="500,300,20,20")

    assert tracked.n_found == 0
    assert "V22" in found


@pytest.mark.parametrize("text", ["middle", "1,2,3", "1,2,0,4", "a,b,c,d"])
def test_choice_that_is_none_is_refused(text):
    with pytest.raises(UserError, match="face_choice: must be left, right, largest or"):
        parse_choice(text)


def test_subject_that_comes_back_elsewhere_is_the_same_person(backend):
    frames = film((8, subject()), (7,), (8, subject(at=(300, 60))))

    tracked, found = track(frames, backend)

    assert tracked.n_found == 16
    assert set(found) == {"V05"}
    assert "subject's face is not found in 30% of 23 images" in found["V05"].sentence


@pytest.mark.parametrize("n_empty", [0, 8])
def test_another_person_in_the_seat_is_a_change_of_person(n_empty, backend):
    frames = film(
        (12, subject()), (n_empty,), (8, visitor(at=SEAT, side=170)), (6, subject())
    )

    tracked, found = track(frames, backend)

    assert found["V06"].place == f"{(12 + n_empty) / 5:.1f} s"
    assert {"V04", "V05", "V06"} == set(found)
    assert tracked.n_found == 18
    assert (tracked.state[12 : 20 + n_empty] == FrameState.LOST).all()


def test_light_that_changes_for_the_whole_picture_is_no_change_of_person(backend):
    frames = film((10, subject()), (10, subject()))
    darker = [
        Frame(f.index, f.target_s, f.time_s, f.rgb // (1 + (f.index > 9)))
        for f in frames
    ]

    tracked, found = track(darker, backend)

    assert tracked.n_found == 20
    assert found == {}


def test_small_face_is_named_with_its_width(backend):
    small = [
        Frame(f.index, f.target_s, f.time_s, cv2.resize(f.rgb, (252, 162)))
        for f in film((5, subject()))
    ]

    _, found = track(small, backend)

    assert list(found) == ["V07"]
    assert "pixels wide (the median), at least 40 are needed" in found["V07"].sentence


def test_covered_mouth_is_named_with_its_seconds(backend):
    frames = film((15, subject()), (10, masked()), (5, subject()))

    tracked, found = track(frames, backend)

    assert tracked.n_found == 30
    assert list(found) == ["V08"]
    assert found["V08"].place == "3.0 s to 5.0 s"


def test_identity_is_carried_from_block_to_block(backend):
    """The visitor is alone in the last blocks, and does not become the subject."""
    frames = film(
        (12, subject()), (3, subject(), visitor()), (9, visitor()), images_per_s=1
    )

    with collect() as found:
        crops = list(
            follow_face(
                frames, backend, n_frames=24, fps=1.0, block_s=4.0, source="v.mp4"
            )
        )

    assert [crop.index for crop in crops] == list(range(24))
    states = [crop.state for crop in crops]
    assert states == [FrameState.FOUND] * 15 + [FrameState.LOST] * 9
    assert [f.place for f in found if f.code == "V04"] == ["12.0 s to 24.0 s"]


def test_blocks_give_the_crops_of_the_whole(backend):
    frames = film((6, subject(), visitor()), (6, subject()))

    whole = list(follow_face(frames, backend))
    parts = list(follow_face(frames, backend, block_s=1.0))

    for one, other in zip(whole, parts, strict=True):
        # the visitor may be taken until the subject was there for longer
        if one.index >= 10:
            np.testing.assert_array_equal(one.crop, other.crop)


def test_check_looks_at_a_few_images(backend, tmp_path):
    scenes = film((8, subject(), visitor()), (16, subject()))
    path = write_video(tmp_path / "v.mp4", (f.rgb for f in scenes), fps=5)

    with collect() as found:
        sample = sample_faces(path, backend, lasts_s=probe(path).duration_s)

    assert (sample.n_images, sample.n_with_face, sample.n_faces) == (8, 8, 2)
    assert all(time_s < 1.7 for time_s in sample.others_s)
    assert [finding.code for finding in found] == ["V04"]
    assert 0 < len(sample.others_s) < 5
