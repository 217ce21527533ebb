"""Tests of :mod:`deepvanet.preprocessing.video`."""

import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import UserError
from films import number_pictures, read_number, write_video

CONTAINERS = {
    "mp4 with H.264": ("clip.mp4", {}),
    "avi with H.264, frames stored out of order": ("clip.avi", {}),
    "avi with MPEG-4": ("clip.avi", {"codec": "mpeg4"}),
    "mkv with H.264": ("clip.mkv", {}),
    "webm with VP8": ("clip.webm", {"codec": "libvpx"}),
    "transport stream": ("clip.ts", {}),
    "no container": ("clip.h264", {}),
}


def nearest_frame(target, fps):
    """Return the frame of a constant rate nearest to a time, in exact arithmetic."""
    return int(-(-(Fraction(target) * fps - Fraction(1, 2)) // 1))


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("fps", [50, 24])
def test_each_target_gets_exactly_the_nearest_frame(kind, fps, tmp_path):
    name, options = CONTAINERS[kind]
    path = write_video(tmp_path / name, number_pictures(range(147)), fps=fps, **options)

    frames = list(sample_frames(path, fps=5.0))

    n_targets = 1 + int((146 + Fraction(1, 2)) / fps * 5)
    assert [frame.index for frame in frames] == list(range(n_targets))
    assert [read_number(frame.rgb) for frame in frames] == [
        nearest_frame(Fraction(k, 5), fps) for k in range(n_targets)
    ]
    assert frames[0].rgb.shape == (64, 160, 3)


def test_avi_copied_from_mp4_is_not_taken_for_600_frames_a_second(tmp_path):
    source = write_video(tmp_path / "clip.mp4", number_pictures(range(60)))
    copy = tmp_path / "copy.avi"
    with av.open(str(source)) as whence, av.open(str(copy), "w") as whither:
        old = whence.streams.video[0]
        new = whither.add_stream_from_template(old)
        convert = BitStreamFilterContext("h264_mp4toannexb", old, new)
        for packet in whence.demux(old):
            for converted in convert.filter(packet if packet.size else None):
                converted.stream = new
                whither.mux(converted)

    frames = list(sample_frames(copy, fps=5.0))

    assert [read_number(frame.rgb) for frame in frames] == [0, 10, 20, 30, 40, 50]


def test_rate_of_the_data_set_overrides_the_container(tmp_path):
    path = write_video(tmp_path / "lies.avi", number_pictures(range(100)), fps=24)

    frames = list(sample_frames(path, fps=5.0, true_fps=50.0))

    assert [read_number(frame.rgb) for frame in frames] == list(range(0, 100, 10))
    assert frames[3].time_s == pytest.approx(0.6)


def test_uneven_time_stamps_are_followed_and_a_hole_is_left_out(tmp_path):
    rng = np.random.default_rng(0)
    stamps = np.cumsum(rng.integers(14, 19, size=150))
    stamps[60:] += 600  # milliseconds
    path = write_video(
        tmp_path / "uneven.mkv",
        number_pictures(range(150)),
        stamps_ms=(stamps - stamps[0]).tolist(),
    )

    frames = list(sample_frames(path, fps=5.0))

    shown_s = (stamps - stamps[0]) / 1000
    served = [k for k in range(16) if np.abs(shown_s - k / 5).min() <= 0.1]
    assert 0 < len(set(range(16)) - set(served)) < 4
    assert [frame.index for frame in frames] == [k for k in served if k < 16]
    for frame in frames:
        away_s = np.abs(shown_s - frame.target_s)
        assert away_s[read_number(frame.rgb)] == pytest.approx(away_s.min())


def test_frames_that_a_recorder_left_out_of_an_avi_still_take_their_time(tmp_path):
    kept = [n for n in range(150) if n not in {41, 42, 43, 44, 45, 73, 100, 101}]
    path = write_video(
        tmp_path / "skips.avi",
        number_pictures(kept),
        codec="mpeg4",
        stamps_ms=[20 * n for n in kept],
    )

    frames = list(sample_frames(path, fps=5.0))

    assert [read_number(frame.rgb) for frame in frames] == [
        *(0, 10, 20, 30, 40, 50, 60, 70, 80, 90),
        *(99, 110, 120, 130, 140),
    ]
    assert probe(path).duration_s == pytest.approx(3.0)


def test_no_target_past_the_end_is_served(tmp_path):
    path = write_video(tmp_path / "clip.mp4", number_pictures(range(100)))

    frames = list(sample_frames(path, fps=5.0, n_frames=20))

    assert [frame.index for frame in frames] == list(range(10))


def test_sampling_starts_and_stops_where_told(tmp_path):
    path = write_video(tmp_path / "clip.mp4", number_pictures(range(150)))

    frames = list(sample_frames(path, fps=5.0, start_s=0.5, n_frames=4))

    assert [read_number(frame.rgb) for frame in frames] == [25, 35, 45, 55]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert list(sample_frames(path, fps=5.0, start_s=9.0)) == []


def test_video_slower_than_the_targets_repeats_its_frames(tmp_path):
    path = write_video(tmp_path / "slow.mp4", number_pictures(range(4)), fps=2)

    frames = list(sample_frames(path, fps=5.0))

    assert [read_number(frame.rgb) for frame in frames] == [0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_picture_is_turned_upright_as_the_file_asks(tmp_path):
    for rotation in (90, 180, -90):
        path = write_video(
            tmp_path / "turned.mp4", number_pictures([5]), rotation=rotation
        )

        (frame,) = sample_frames(path, fps=5.0)

        back = np.rot90(frame.rgb, -rotation // 90)
        assert read_number(back) == 5


@pytest.mark.slow
def test_video_is_never_held_in_memory(tmp_path):
    """A child samples 500 frames that as RGB would take 440 MB."""
    path = write_video(
        tmp_path / "large.mp4",
        (np.tile(rgb, (9, 3, 1)) for rgb in number_pictures(range(500))),
        codec="mpeg4",
    )
    program = (
        "import resource, sys; from pathlib import Path;"
        "from deepvanet.preprocessing.video import probe, sample_frames;"
        "path = Path(sys.argv[1]); probe(path);"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "before = peak(); n = sum(1 for _ in sample_frames(path, fps=50));"
        "print(n, peak() - before)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )

    n_frames, grown_kib = map(int, done.stdout.split())
    assert n_frames == 500
    assert grown_kib < 60_000


def test_probe_tells_what_the_packets_say(tmp_path):
    path = write_video(tmp_path / "clip.mkv", number_pictures(range(75)))

    info = probe(path)

    assert (info.width, info.height, info.codec) == (160, 64, "h264")
    assert (info.fps, info.n_packets, info.is_timed) == (50, 75, True)
    assert info.duration_s == pytest.approx(1.5)
    assert info.declared_s == pytest.approx(1.5, abs=0.05)


def test_file_that_is_no_video_ends_with_its_name(tmp_path):
    (tmp_path / "empty.avi").touch()
    (tmp_path / "text.avi").write_text("not a video" * 100)
    whole = write_video(tmp_path / "whole.mp4", number_pictures(range(50)))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:2000])
    reasons = {
        "absent.avi": "there is no such file",
        "empty.avi": "cannot be read as a video: it is empty",
        "text.avi": "cannot be read as a video: it is none, or is damaged",
        "cut.mp4": "cannot be read as a video",
        ".": "there is no such file",
    }

    for name, reason in reasons.items():
        with pytest.raises(UserError, match=rf"{tmp_path / name}: {reason}"):
            sample_frames(tmp_path / name, fps=5.0)


def test_file_with_sound_only_has_no_video_stream(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = np.zeros((1, 800), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(silence, layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))

    with pytest.raises(UserError, match=r"sound\.wav: has no video stream"):
        probe(path)


def test_video_without_frames_is_refused(tmp_path):
    whole = write_video(
        tmp_path / "whole.mp4",
        number_pictures(range(50)),
        options={"movflags": "faststart"},
    ).read_bytes()
    path = tmp_path / "hollow.mp4"
    start = whole.index(b"mdat") + 4
    path.write_bytes(whole[:start] + bytes(len(whole) - start))

    with pytest.raises(UserError, match=r"hollow\.mp4: none of its 50 frames can be"):
        next(sample_frames(path, fps=5.0))


@pytest.mark.parametrize("kind", ["mp4 with H.264", "avi with MPEG-4"])
def test_video_that_breaks_off_gives_what_is_there_and_says_so(kind, tmp_path, caplog):
    name, options = CONTAINERS[kind]
    whole = write_video(
        tmp_path / f"whole_{name}",
        number_pictures(range(200)),
        options={"movflags": "faststart"} if name.endswith("mp4") else {},
        **options,
    )
    path = tmp_path / name
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    numbers = [read_number(frame.rgb) for frame in sample_frames(path, fps=5.0)]

    assert 3 <= len(numbers) <= 15
    assert numbers == list(range(0, 10 * len(numbers), 10))
    assert f"{path}: ends after" in caplog.text


def test_damage_in_the_middle_does_not_move_what_follows(tmp_path, caplog):
    path = write_video(tmp_path / "clip.mp4", number_pictures(range(150)), group=25)
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 600] = bytes(600)
    path.write_bytes(content)

    frames = list(sample_frames(path, fps=5.0))

    later = [frame for frame in frames if frame.target_s >= 2]
    assert [read_number(frame.rgb) for frame in later] == [100, 110, 120, 130, 140]
    assert "were left out by the recorder or cannot be decoded" in caplog.text


def test_a_colon_in_a_file_name_is_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "10:30.mp4", number_pictures(range(20)))

    assert probe(type(tmp_path)("10:30.mp4")).n_packets == 20


@pytest.mark.slow
def test_real_clips_are_sampled_to_their_end(shared_data):
    clips = sorted((shared_data / "faces").glob("*/*.m*"))

    for path in clips:
        frames = list(sample_frames(path, fps=5.0))

        duration_s = probe(path).duration_s
        assert len(frames) == pytest.approx(5 * duration_s, abs=1), path.name
        assert max(abs(frame.time_s - frame.target_s) for frame in frames) < 0.025
    assert len(clips) == 8
