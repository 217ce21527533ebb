"""Tests of :mod:`deepvanet.datasets.afew_va.reader`."""

import json
import struct

import cv2
import numpy as np
import pytest

from deepvanet.datasets.afew_va import reader as afew_va
from deepvanet.datasets.afew_va.reader import find_clips, read_picture
from deepvanet.schema import UserError
from small_afew_va import (
    SIZE,
    annotate,
    sample_landmarks,
    write_clip,
    write_image,
    write_json,
    write_small_afew_va,
)


@pytest.fixture
def root(tmp_path):
    return write_small_afew_va(tmp_path / "AFEW-VA")


def change_json(folder, change):
    """Rewrite a clip's JSON file as ``change(content)`` leaves it."""
    content = json.loads((folder / f"{folder.name}.json").read_text())
    change(content)
    write_json(folder, content)


def change_frame(folder, **changes):
    change_json(folder, lambda content: content["frames"]["00001"].update(changes))


def list_losses(found):
    return {why: places for why, places in found.dropped.items() if places}


def test_clip_is_read_as_annotated(root):
    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["001", "002", "003"]
    clip = found.clips[1]
    assert (clip.actor, clip.video_id, clip.folder) == (
        "actor 2",
        "film Actor 2",
        root / "002",
    )
    assert [frame.name for frame in clip.frames] == ["00000", "00001", "00002"]
    assert [(f.valence, f.arousal) for f in clip.frames] == [(0, 0), (1, -1), (2, -2)]
    assert clip.frames[2].image == root / "002" / "00002.png"
    np.testing.assert_array_equal(clip.frames[2].landmarks, sample_landmarks())
    assert found.n_frames == 9
    assert found.actors == ("actor 1", "actor 2", "actor 3")
    assert list(found.dropped) == list(afew_va.DROPPED)
    assert list_losses(found) == {}
    assert found.ignored == ()


def test_clips_are_found_at_any_depth_and_in_order(tmp_path):
    for place in ("02/051", "01/002", "01/001", "more/of/it/100"):
        write_clip(tmp_path / place)

    found = find_clips(tmp_path)

    assert [clip.name for clip in found.clips] == ["001", "002", "051", "100"]
    assert found.clips[3].folder == tmp_path / "more/of/it/100"


def test_folders_that_are_no_clip_are_ignored_and_named(root):
    write_clip(root / "001_cropped" / "001")
    write_clip(root / "__MACOSX" / "001")
    write_clip(root / ".hidden" / "001")
    write_clip(root / "12" / "004")
    for name in ("12/faces", "notes/old", "0001"):
        (root / name).mkdir(parents=True)

    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["001", "002", "003", "004"]
    names = [path.relative_to(root).as_posix() for path in found.ignored]
    assert names == [
        *(".hidden", "0001", "001_cropped", "12/faces", "__MACOSX", "notes")
    ]


def test_links_that_go_in_a_circle_end(root):
    (root / "again").symlink_to(root)

    found = find_clips(root)

    assert len(found.clips) == 3
    assert found.ignored == (root / "again",)


def test_spelling_of_a_name_makes_no_second_actor(tmp_path):
    for k, actor in enumerate(["Some Body", "some  body ", "SOME BODY"]):
        write_clip(tmp_path / f"00{k}", actor=actor)

    assert find_clips(tmp_path).actors == ("some body",)


def test_whole_numbers_may_be_written_as_decimals(root):
    change_frame(root / "001", valence=-10.0, arousal=10.0)

    frame = find_clips(root).clips[0].frames[1]

    assert (frame.valence, frame.arousal) == (-10, 10)
    assert isinstance(frame.valence, int)


# --- what is left out, and counted


def test_clip_without_a_json_file_is_left_out(root):
    (root / "002" / "002.json").rename(root / "002" / "2.json")

    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["001", "003"]
    assert list_losses(found) == {"clips without a JSON file": ("002",)}


@pytest.mark.parametrize("actor", ["", "  ", None])
def test_clip_without_an_actor_is_left_out(actor, root):
    change_json(root / "002", lambda content: content.update(actor=actor))

    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["001", "003"]
    assert list_losses(found) == {"clips without an actor": ("002",)}


def test_image_without_an_entry_is_left_out(root):
    write_image(root / "002" / "00007.png")
    write_image(root / "002" / "._00001.png")

    found = find_clips(root)

    assert found.n_frames == 9
    assert list_losses(found) == {
        "images without an entry in the JSON file": ("002/00007",)
    }


def test_entry_without_an_image_is_left_out(root):
    (root / "003" / "00001.png").unlink()

    found = find_clips(root)

    assert [frame.name for frame in found.clips[2].frames] == ["00000", "00002"]
    assert list_losses(found) == {"entries without an image": ("003/00001",)}


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.clear(),
        lambda entry: entry.pop("valence"),
        lambda entry: entry.update(arousal=None),
        lambda entry: entry.update(landmarks=[]),
    ],
)
def test_frame_without_annotation_is_left_out(change, root):
    change_json(root / "001", lambda content: change(content["frames"]["00000"]))

    found = find_clips(root)

    assert [frame.name for frame in found.clips[0].frames] == ["00001", "00002"]
    assert list_losses(found) == {"frames without annotation": ("001/00000",)}


@pytest.mark.parametrize(
    ("landmark", "place"),
    [(36, (-0.6, 20)), (60, (SIZE[0] - 0.4, 20)), (67, (20, SIZE[1] - 0.4))],
)
def test_frame_with_an_eye_or_a_lip_outside_the_image_is_left_out(
    landmark, place, root
):
    landmarks = sample_landmarks()
    landmarks[landmark] = place
    change_frame(root / "001", landmarks=landmarks.tolist())

    found = find_clips(root)

    assert [frame.name for frame in found.clips[0].frames] == ["00000", "00002"]
    assert list_losses(found) == {
        "frames with eyes or lips outside the image": ("001/00001",)
    }


def test_frame_with_the_jaw_outside_the_image_is_kept(root):
    landmarks = sample_landmarks()
    landmarks[8] = (40, SIZE[1] + 20)
    change_frame(root / "001", landmarks=landmarks.tolist())

    found = find_clips(root)

    assert found.n_frames == 9
    assert found.clips[0].frames[1].landmarks[8].tolist() == [40, SIZE[1] + 20]


def test_clip_that_loses_every_frame_is_left_out(root):
    for image in (root / "001").glob("*.png"):
        image.unlink()

    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["002", "003"]
    assert list_losses(found) == {
        "clips without one usable frame": ("001",),
        "entries without an image": ("001/00000", "001/00001", "001/00002"),
    }


def test_names_in_a_json_file_lead_out_of_no_folder(root):
    write_image(root / "outside.png")

    def lead_out(content):
        content["frames"] = {"../outside": annotate(), "/etc/passwd": annotate()}

    change_json(root / "001", lead_out)

    found = find_clips(root)

    assert [clip.name for clip in found.clips] == ["002", "003"]
    assert found.dropped[afew_va.NO_IMAGE] == ("001/../outside", "001//etc/passwd")


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"valence": 11}, r"001\.json: frame 00001: valence must be a whole number"),
        ({"arousal": -10.5}, r"arousal must be .* from -10 to 10, got '-10.5'"),
        ({"arousal": 2.5}, r"arousal must be a whole number"),
        ({"valence": float("nan")}, r"valence must be .*, got 'nan'"),
        ({"valence": "3"}, r"valence must be .*, got '3'"),
        ({"valence": True}, r"valence must be .*, got 'True'"),
        (
            {"landmarks": [[1, 2]] * 67},
            r"landmarks must be of shape \(68, 2\), got \(67",
        ),
        ({"landmarks": 5}, r"landmarks must be of shape \(68, 2\), got \(\)"),
        ({"landmarks": [[1, 2]] * 67 + [[1]]}, r"landmarks must be numbers of shape"),
        ({"landmarks": [[1, "x"]] * 68}, r"landmarks must be numbers of shape"),
        ({"landmarks": [[1, 10**400]] * 68}, r"landmarks must be numbers of shape"),
        ({"landmarks": [[1, float("nan")]] * 68}, r"places in pixels, got nan"),
        ({"landmarks": [[1, float("inf")]] * 68}, r"places in pixels, got inf"),
        ({"landmarks": [[1, 1e300]] * 68}, r"places in pixels, got 1e\+300"),
    ],
)
def test_annotation_that_cannot_be_is_refused(changes, message, root):
    change_frame(root / "001", **changes)

    with pytest.raises(UserError, match=message):
        find_clips(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"001\.json: not a JSON file: Expecting value"),
        (b'{"actor": "A", "frames": {"000', r"not a JSON file: Unterminated string"),
        (b"\xff\xfe\x00", r"not a JSON file: .* can't decode byte"),
        (b"[" * 100_000, r"not a JSON file: maximum recursion depth"),
        (b"[1, 2]", r"must hold an object with actor and frames, got list"),
        (b'{"actor": "A", "frames": []}', r"frames must be an object, got list"),
        (b'{"actor": 7, "frames": {}}', r"actor must be a string, got int"),
    ],
)
def test_json_file_that_is_none_is_refused(content, message, root):
    (root / "001" / "001.json").write_bytes(content)

    with pytest.raises(UserError, match=message):
        find_clips(root)


def test_json_file_that_is_too_large_is_not_read(root):
    with (root / "001" / "001.json").open("wb") as file:
        file.truncate(afew_va.LARGEST_JSON + 1)

    with pytest.raises(UserError, match=r"001\.json: must have at most \d+ bytes, got"):
        find_clips(root)


def test_clip_that_is_there_twice_is_refused(root):
    write_clip(root / "01" / "002")

    with pytest.raises(UserError, match=r"002: a second clip 002, got .*002 too"):
        find_clips(root)


def test_folder_without_a_clip_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no clip, expected folders as 001, got none"):
        find_clips(tmp_path)
    (tmp_path / "01.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"no clip, .* got 1 archives to unpack"):
        find_clips(tmp_path)


def test_folder_of_which_nothing_can_be_used_is_refused(tmp_path):
    (tmp_path / "001").mkdir()
    (tmp_path / "002").mkdir()

    with pytest.raises(
        UserError, match=r"can be used, got 2 clips without a JSON file"
    ):
        find_clips(tmp_path)


def test_fewer_actors_than_parts_are_refused(tmp_path):
    root = write_small_afew_va(tmp_path)
    clips = find_clips(root).clips

    afew_va.check_actors(root, clips)
    with pytest.raises(UserError, match=r"3 actors are needed, .* got 1"):
        afew_va.check_actors(root, clips[:1])


# --- images


def test_picture_is_rgb_with_its_landmarks(root):
    frame = find_clips(root).clips[0].frames[0]

    rgb, landmarks = read_picture(frame)

    assert rgb.shape == (SIZE[1], SIZE[0], 3)
    assert rgb[7, 50].tolist() == [50, 7, 77]
    np.testing.assert_allclose(landmarks, sample_landmarks())


def test_narrow_pixels_are_stretched_with_their_landmarks(root):
    frame = find_clips(root).clips[0].frames[0]

    rgb, landmarks = read_picture(frame, aspect=1.5)

    assert rgb.shape == (SIZE[1], 1.5 * SIZE[0], 3)
    np.testing.assert_array_equal(landmarks[:, 1], frame.landmarks[:, 1])
    # red tells where in the image each place was
    inside = landmarks[36:48]
    seen = cv2.remap(rgb, *inside.astype(np.float32).T, cv2.INTER_LINEAR)[:, 0]
    np.testing.assert_allclose(seen[:, 0], frame.landmarks[36:48, 0], atol=0.6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"00001\.png: not a PNG image, got 0 bytes"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, r"not a PNG image, got b'\\xff\\xd8"),
        (
            b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 10**5, 10**5),
            r"must have 1 to 8192 pixels a side, got 100000 x 100000",
        ),
    ],
)
def test_file_that_is_no_image_is_refused(content, message, root):
    (root / "001" / "00001.png").write_bytes(content)

    with pytest.raises(UserError, match=message):
        find_clips(root)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_image_that_was_cut_short_is_refused(share, root):
    image = root / "001" / "00001.png"
    image.write_bytes(image.read_bytes()[: int(share * image.stat().st_size)])
    frame = find_clips(root).clips[0].frames[1]

    with pytest.raises(
        UserError, match=r"00001\.png: cannot be decoded, expected a PNG"
    ):
        read_picture(frame)


def test_made_up_data_set_has_another_name(root):
    before = afew_va.name_dataset(root)
    (root / "SYNTHETIC.txt").write_text("")

    assert (before, afew_va.name_dataset(root)) == ("afew-va", "afew-va-synthetic")
