"""Tests of :mod:`deepvanet.preprocessing.video_times`, and of odd videos as files."""

import numpy as np
import pytest

from deepvanet.findings import FindingError, collect
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.preprocessing.video_times import place_frames
from films import number_pictures, read_number, write_stamped, write_video

STEADY = list(range(0, 4000, 40))


def place(stamps, *, is_reordered=False):
    return place_frames(stamps, 0.001, is_reordered=is_reordered)


def store_out_of_order(stamps):
    """Return stamps as a codec stores them that shows three frames later."""
    stored = []
    for start in range(0, len(stamps), 4):
        group = stamps[start : start + 4]
        stored += [group[-1], *group[:-1]]
    return stored


@pytest.mark.parametrize("is_reordered", [False, True])
def test_steady_stamps_are_kept(is_reordered):
    stamps = store_out_of_order(STEADY) if is_reordered else STEADY

    times = place(stamps, is_reordered=is_reordered)

    np.testing.assert_allclose(times.shown_s, np.array(STEADY) / 1000)
    assert (times.n_repaired, times.gaps, times.jump_s) == (0, (), 0)
    assert times.fps == pytest.approx(25)


@pytest.mark.parametrize("is_reordered", [False, True])
@pytest.mark.parametrize("place_of_bad", [10, 50, 90])
@pytest.mark.parametrize("wrong", ["repeated", "early", "late", "absent"])
def test_one_wrong_stamp_moves_no_other_frame(wrong, place_of_bad, is_reordered):
    stamps = store_out_of_order(STEADY) if is_reordered else list(STEADY)
    neighbour = stamps[max(place_of_bad - 1, 0)]
    stamps[place_of_bad] = {
        "repeated": neighbour,
        "early": stamps[place_of_bad] - 3000,
        "late": stamps[place_of_bad] + 10_000_000,
        "absent": None,
    }[wrong]

    times = place(stamps, is_reordered=is_reordered)

    assert times.n_repaired == 1
    # a codec's order hides where a frame belongs that has no stamp
    away = np.abs(times.shown_s - np.array(STEADY) / 1000)
    assert away.max() <= (0.16 if is_reordered else 0.021)
    assert (away > 1e-9).sum() <= (4 if is_reordered else 1)


def test_repeated_stamp_is_moved_to_where_there_is_room():
    assert place([0, 40, 40, 120]).shown_s.tolist() == [0, 0.04, 0.08, 0.12]
    assert place([0, 80, 80, 120]).shown_s.tolist() == [0, 0.04, 0.08, 0.12]


def test_clock_that_starts_anew_says_nothing():
    assert place(STEADY + STEADY) is None
    assert place([40] * 100) is None
    assert place([None] * 60 + STEADY[:40]) is None


def test_gap_is_found_against_the_steps_around_it():
    slow_end = [*range(0, 2000, 40), *range(2000, 9000, 700)]

    assert place(slow_end).gaps == ()
    assert place([*STEADY, *(s + 9000 for s in STEADY)]).gaps == ((3.96, 9.0),)


def test_one_repeated_stamp_in_a_file_is_repaired_and_reported(tmp_path):
    stamps = [20 * n for n in range(100)] + [2000 + 100 * n for n in range(20)]
    stamps[30] = stamps[29]
    path = write_stamped(tmp_path / "v.mkv", number_pictures(range(120)), stamps)

    with collect() as found:
        numbers = [read_number(frame.rgb) for frame in sample_frames(path, fps=5.0)]

    assert numbers[:10] == list(range(0, 100, 10))
    assert numbers[10:] == list(range(100, 120, 2))
    assert [finding.code for finding in found] == ["V02", "V11"]
    assert "1 of 120 frames has a time stamp" in found[0].sentence
    assert found[0].sentence.endswith("absent: frame 31, at 0.60 s")
    assert "30" in found[1].sentence


def test_gap_in_a_file_is_named_and_no_frame_is_repeated(tmp_path):
    stamps = [20 * n + 4000 * (n >= 100) for n in range(150)]
    path = write_video(
        tmp_path / "v.mkv", number_pictures(range(150)), stamps_ms=stamps
    )

    with collect() as found:
        indexes = [frame.index for frame in sample_frames(path, fps=5.0)]

    assert indexes == [*range(11), *range(30, 35)]
    assert [(f.code, f.place) for f in found if f.code == "V12"] == [
        ("V12", "2.0 s to 6.0 s")
    ]
    assert probe(path).gaps == ((pytest.approx(1.98), pytest.approx(6.0)),)


def test_jump_of_the_clock_ends_the_video_and_is_an_error(tmp_path):
    stamps = [100 * n for n in range(20)] + [10**12, 10**12 + 100]
    path = write_video(
        tmp_path / "v.mkv",
        number_pictures(range(22)),
        codec="mjpeg",
        stamps_ms=stamps,
    )

    with collect() as found:
        info = probe(path)
        frames = list(sample_frames(path, fps=5.0))

    assert info.duration_s == pytest.approx(2.0)
    assert len(frames) == 10
    assert [f.code for f in found if f.severity == "error"] == ["V20"]
    with pytest.raises(FindingError, match=r"jumps by 999999998\.1 s.*\[V20\]"):
        probe(path)


def test_picture_that_can_show_no_face_is_refused(tmp_path):
    flat = np.zeros((2, 3000, 3), dtype=np.uint8)
    path = write_video(tmp_path / "v.mkv", [flat] * 3, codec="mjpeg", fps=10)

    with pytest.raises(FindingError, match=r"pictures of 3000 x 2 pixels .*\[V01\]"):
        probe(path)


def test_codec_that_ffmpeg_lacks_is_named_as_the_reason(tmp_path):
    path = write_video(tmp_path / "v.mp4", number_pictures(range(20)))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))

    with (
        collect(),
        pytest.raises(FindingError, match=r"codec.* is not known to FFmpeg.*\[V01\]"),
    ):
        probe(path)


def test_title_in_latin_1_is_no_obstacle(tmp_path):
    path = write_video(
        tmp_path / "v.avi", number_pictures(range(20)), codec="mjpeg", title="Caf?"
    )
    path.write_bytes(path.read_bytes().replace(b"Caf?", b"Caf\xe9"))

    assert probe(path).n_packets == 20


def test_sound_video_gives_no_finding(tmp_path):
    for name in ("v.mp4", "v.mkv", "v.avi", "v.ts", "v.h264", "v.mov"):
        path = write_video(tmp_path / name, number_pictures(range(100)))

        with collect() as found:
            probe(path)
            assert list(sample_frames(path, fps=5.0))

        assert found == [], name
