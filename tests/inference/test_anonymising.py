"""A video with blurred faces shows none, and the original stays as it is."""

import av
import cv2
import numpy as np
import pytest

from deepvanet.cli.app import main
from deepvanet.inference.anonymising import anonymise_video, check_anonymised
from deepvanet.preprocessing.face import make_backend
from deepvanet.preprocessing.face_regions import (
    FaceFinder,
    FaceRegions,
    blur_regions,
    hide_faces,
)
from deepvanet.preprocessing.video import read_every_frame
from deepvanet.schema import UserError
from films import write_video
from portraits import film_portrait, sample_portrait

WIDTH, HEIGHT, FPS = 320, 240, 10
NOTHING = np.empty((0, 4))


def place_faces(*places, size=90):
    """Return a picture of a room with faces whose left upper corners are these."""
    room = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
    room[::8] = 90  # stripes, which a blurred picture has not
    face = cv2.resize(sample_portrait()[40:240, 40:220], (size, size))
    for left, top in places:
        room[top : top + size, left : left + size] = face
    return room


def list_scenes():
    """Return who is where, a picture at a time: one walks, one comes, nobody is there.

    The first face is there for 30 pictures, the other for the second ten of them; then
    the room is empty for 30, three seconds.
    """
    for k in range(60):
        places = [(4 * k, 60)] if k < 30 else []
        if 10 <= k < 20:
            places.append((225, 140))
        yield place_faces(*places)


def is_striped(rgb):
    """Say whether some part of a picture has the stripes of the room."""
    rows = rgb[:, :4].mean(axis=(1, 2))
    return bool(np.ptp(rows) > 15)


def count_faces(path, *, every=1):
    """Count pictures with a face, by YuNet as the project uses it, and by dlib."""
    dlib = pytest.importorskip("dlib")
    yunet, hog = make_backend("yunet"), dlib.get_frontal_face_detector()
    pictures = [rgb for _, rgb in read_every_frame(path)][::every]
    return (
        sum(len(yunet.detect(rgb)) > 0 for rgb in pictures),
        sum(len(hog(rgb, 1)) > 0 for rgb in pictures),
    )


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_video(
        tmp_path_factory.mktemp("scenes") / "room.mp4", list_scenes(), fps=FPS
    )


@pytest.fixture(scope="module")
def blurred(scenes, tmp_path_factory):
    return anonymise_video(scenes, tmp_path_factory.mktemp("blurred") / "room.mkv")


def test_no_face_is_found_in_it_afterwards(scenes, blurred):
    before = count_faces(scenes, every=3)

    assert before[0] >= 9
    assert before[1] >= 9
    assert count_faces(blurred.path, every=3) == (0, 0)


def test_a_picture_without_any_face_nearby_is_blurred_whole_and_counted(blurred):
    pictures = [rgb for _, rgb in read_every_frame(blurred.path)]

    # pictures 0 to 29 show a face; it is known for half a second more, five pictures
    assert [is_striped(rgb) for rgb in pictures[5:]] == [True] * 30 + [False] * 25
    assert (blurred.n_frames, blurred.n_looked) == (60, 60)
    assert blurred.n_whole == 25
    (finding,) = [f for f in blurred.findings if f.code == "V24"]
    assert str(finding).startswith(finding.source)
    assert "25 of 60 frames are more than half a second from any face" in str(finding)
    assert any("25 of 60" in line for line in blurred.lines())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pyfeat/single_face.mp4", "intel/asl_walk.mkv"])
def test_no_face_is_found_in_real_videos_afterwards(shared_data, name, tmp_path):
    source = shared_data / "faces" / name
    content = source.read_bytes()

    made = anonymise_video(source, tmp_path / "blurred.mp4")

    assert min(count_faces(source, every=10)) > 0
    assert count_faces(made.path, every=10) == (0, 0)
    assert made.n_whole == 0
    assert source.read_bytes() == content


def test_frames_stay_at_their_times_however_irregular(tmp_path):
    stamps = [0, 40, 90, 100, 400, 433, 1000, 1040]
    pictures = [sample_portrait()] * len(stamps)
    source = write_video(tmp_path / "v.mkv", pictures, fps=25, stamps_ms=stamps)

    made = anonymise_video(source, tmp_path / "blurred.mp4")

    times_s = [time_s for time_s, _ in read_every_frame(made.path)]
    np.testing.assert_allclose(times_s, np.array(stamps) / 1000, atol=1e-4)


def test_a_video_that_lies_on_its_side_is_written_upright(tmp_path):
    lying = [np.rot90(sample_portrait(), -1)] * 4
    source = write_video(tmp_path / "v.mp4", lying, fps=10, rotation=90)
    assert count_faces(source)[0] == 4

    made = anonymise_video(source, tmp_path / "blurred.mp4")

    assert made.n_seen == 4
    assert count_faces(made.path) == (0, 0)


def test_sound_and_titles_are_left_out(tmp_path):
    source = tmp_path / "v.mp4"
    with av.open(str(source), "w") as container:
        container.metadata["title"] = "Ada at home"
        video = container.add_stream("libx264", rate=10)
        audio = container.add_stream("aac", rate=16000, layout="mono")
        video.pix_fmt, video.width, video.height = "yuv420p", 256, 256
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(sample_portrait(), format="rgb24")
            container.mux(video.encode(picture))
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.float32), format="fltp", layout="mono"
        )
        sound.sample_rate = 16000
        container.mux([*audio.encode(sound), *audio.encode(None)])
        container.mux(video.encode(None))

    made = anonymise_video(source, tmp_path / "blurred.mp4")

    with av.open(str(made.path)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert "title" not in container.metadata
    assert b"Ada" not in made.path.read_bytes()


def test_odd_sides_lose_a_pixel(tmp_path):
    pictures = [sample_portrait()[:255, :253]] * 3
    source = write_video(tmp_path / "v.avi", pictures, fps=10, codec="mjpeg")

    made = anonymise_video(source, tmp_path / "blurred.mov")

    ((_, rgb), *_) = read_every_frame(made.path)
    assert rgb.shape == (254, 252, 3)


def test_the_original_is_never_the_file_that_is_written(tmp_path):
    source = film_portrait(tmp_path / "v.mp4", n_frames=2)
    content = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)

    for name in ("v.mp4", "link.mp4"):
        with pytest.raises(UserError, match=r"^anonymise: .* is a file of this record"):
            anonymise_video(source, tmp_path / name)

    assert source.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("b.wmv", r"b\.wmv: must end in \.mp4, \.mov, \.mkv, got \.wmv"),
        ("b", r"b: must end in \.mp4, \.mov, \.mkv, got no end"),
        ("away/b.mp4", r"b\.mp4: must be a file in a folder that exists"),
    ],
)
def test_a_name_that_is_no_video_s_is_refused(name, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence) as refused:
        check_anonymised(tmp_path / name, others=[tmp_path / "v.mp4", None])

    assert refused.value.field == "anonymise"


def test_nothing_is_left_where_the_video_breaks_off(tmp_path):
    source = tmp_path / "v.mp4"
    source.write_bytes(b"no video")

    with pytest.raises(UserError):
        anonymise_video(source, tmp_path / "blurred.mp4")

    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]


def test_a_face_that_is_not_seen_for_long_stays_covered_while_another_is():
    one, other = np.array([[10.0, 10, 20, 20]]), np.array([[200.0, 100, 20, 20]])
    both = np.concatenate([one, other])
    times_s = [k / 10 for k in range(100)]
    boxes = [both if k in (0, 99) else one for k in range(100)]

    regions = FaceRegions(times_s, boxes)

    for time_s in times_s:
        found = regions.find(time_s)
        for box in both:
            assert any(
                (region[:2] <= box[:2]).all()
                and (region[:2] + region[2:] >= box[:2] + box[2:]).all()
                for region in found
            )


def test_a_face_that_leaves_is_covered_for_three_seconds_more():
    one, other = np.array([[10.0, 10, 20, 20]]), np.array([[200.0, 100, 20, 20]])
    boxes = [one] * 5 + [other] * 95

    regions = FaceRegions([k / 10 for k in range(100)], boxes)

    counts = [len(regions.find(k / 10)) for k in range(100)]
    assert counts[:34] == [2] * 34
    assert counts[40:] == [1] * 60


def test_blurred_regions_hold_few_numbers_and_the_rest_is_untouched():
    picture = np.random.default_rng(0).integers(0, 255, (100, 120, 3), dtype=np.uint8)

    made = blur_regions(picture, np.array([[-10.0, 20, 60, 50], [300.0, 0, 5, 5]]))

    changed = np.zeros((100, 120), dtype=bool)
    changed[20:70, :50] = True
    assert (made[~changed] == picture[~changed]).all()
    few = cv2.resize(picture[20:70, :50], (5, 5), interpolation=cv2.INTER_AREA)
    again = cv2.resize(few, (50, 50), interpolation=cv2.INTER_LINEAR)
    assert (made[20:70, :50] == again).all()  # 25 colours say all that is left


def test_a_face_that_the_regions_miss_is_found_and_blurred():
    finder, picture = FaceFinder(), place_faces((20, 20), (200, 100))
    assert len(finder.find(picture)) >= 2

    made = hide_faces(picture, np.array([[10.0, 10, 110, 110]]), finder)

    assert not len(finder.find(made))
    assert (made[200:, :20] == picture[200:, :20]).all()


def test_predict_writes_the_video_beside_the_timeline(filmed_bundle, tmp_path, capsys):
    video = film_portrait(tmp_path / "v.mp4", n_frames=150)
    content = video.read_bytes()
    out, made = tmp_path / "timeline.csv", tmp_path / "blurred.mp4"
    asked = ["predict", filmed_bundle, "--video", video, "--out", out]

    assert main([str(part) for part in (*asked, "--anonymise", made)]) == 0

    said = capsys.readouterr().out
    assert f"video with blurred faces: {made} (150 frames, without sound" in said
    assert out.is_file()
    assert count_faces(made, every=30) == (0, 0)
    assert video.read_bytes() == content


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--bio", "b.edf"], "--anonymise: needs the --video of a recording"),
        (
            ["--folder", "f"],
            "--anonymise: needs the --video of one recording, not of a folder",
        ),
        (["--video", "blurred.mp4"], "is a file of this recording; name another one"),
    ],
)
def test_what_cannot_be_blurred_ends_with_a_sentence_before_any_work(
    more, sentence, filmed_bundle, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    asked = ["predict", str(filmed_bundle), *more, "--out", "timeline.csv"]

    assert main([*asked, "--anonymise", "blurred.mp4"]) == 2

    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
