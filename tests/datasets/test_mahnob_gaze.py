"""Tests of the gaze of MAHNOB-HCI: files whose truth is known."""

import numpy as np
import pytest

from deepvanet.datasets.mahnob import reader as mahnob
from deepvanet.datasets.mahnob.gaze import GAZE_CHANNELS, read_gaze
from deepvanet.schema import Stream, UserError
from deepvanet.synthetic.mahnob_gaze import HEAD
from small_mahnob import REST_S, write_session

NAME = "P1-Rec1-2009.07.09.17.53.46-All-Data-New_Section_2.tsv"
X, Y, LEFT, RIGHT, VALID = range(len(GAZE_CHANNELS))


def spell(**cells):
    return "\t".join(str(cells.get(name, "")) for name in HEAD)


def sample(ms, *, x=640, pupil=3.5, codes=(0, 0)):
    seen = {
        "GazePointX": x,
        "GazePointY": 512,
        "PupilLeft": pupil,
        "PupilRight": 3.4,
        **dict(zip(("ValidityLeft", "ValidityRight"), codes, strict=True)),
    }
    return spell(Timestamp=ms, **seen)


def write_gaze(path, lines, *, head=HEAD):
    preamble = [f"Property {k}:\t" for k in range(23)]
    text = "\r\n".join([*preamble, "\t".join(head), *lines]) + "\r\n"
    path.write_text("\ufeff" + text, encoding="utf-8", newline="")
    return path


def list_samples(seconds, *, hertz=50, start=1000, **known):
    return [sample(start + 1000 * k // hertz, **known) for k in range(seconds * hertz)]


def test_the_onset_is_where_the_movie_starts_and_broken_lines_are_passed_over(tmp_path):
    lines = list_samples(2)
    lines.insert(10, spell(Timestamp=1200, Event="MovieStart", Descriptor="53.avi"))
    lines[40:40] = ["12\t\t3", "\t".join("?" * 60), ""]

    gaze = read_gaze(write_gaze(tmp_path / NAME, lines))

    assert gaze.time_s[[0, -1]].tolist() == [-0.2, 1.78]
    assert gaze.values[:, 0].tolist() == [640, 512, 3.5, 3.4, 1.0]
    assert len(gaze.time_s) == 100
    assert gaze.notes == ()


def test_without_an_event_the_first_sample_is_at_the_onset_and_a_note_says_so(tmp_path):
    gaze = read_gaze(write_gaze(tmp_path / NAME, list_samples(1)))

    assert gaze.time_s[0] == 0
    assert gaze.notes == (
        "no MovieStart in the gaze, so its first sample is at the onset",
    )


def test_what_the_tracker_did_not_see_is_missing(tmp_path):
    lines = [
        sample(0),
        sample(20, x=-1, pupil=-1, codes=(4, 0)),
        sample(40, codes=(4, 4)),
    ]

    values = read_gaze(write_gaze(tmp_path / NAME, lines)).values

    assert values[VALID].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(values[X]).tolist() == [False, True, True]
    assert np.isnan(values[LEFT]).tolist() == [False, True, True]
    assert np.isnan(values[RIGHT]).tolist() == [False, False, True]


def test_samples_lie_on_the_clock_of_the_signals(tmp_path):
    lines = [
        sample(20 * k, x=20 * k, codes=(4, 4) if 25 < k < 40 else (0, 0))
        for k in range(100)
    ]

    placed = read_gaze(write_gaze(tmp_path / NAME, lines)).place(1.0, 1024, 256.0)

    at_s = np.arange(1024) / 256
    there = np.isfinite(placed[X])
    inner = there & (at_s >= 1.02) & (at_s <= 2.98)
    assert np.allclose(placed[X, inner], 1000 * (at_s[inner] - 1), atol=0.01)
    assert at_s[there][[0, -1]] == pytest.approx([1.0, 2.98], abs=0.03)
    assert not there[(at_s > 1.52) & (at_s < 1.78)].any()


@pytest.mark.parametrize(
    ("lines", "head", "said"),
    [
        ([], HEAD, "holds no samples of gaze"),
        (list_samples(1), HEAD[1:], "no head with Timestamp"),
        (list_samples(1), HEAD[:-16], "no column GazePointX"),
    ],
)
def test_what_is_no_file_of_gaze_is_refused(tmp_path, lines, head, said):
    with pytest.raises(UserError, match=said):
        read_gaze(write_gaze(tmp_path / NAME, lines, head=head))


def test_a_session_with_a_file_of_gaze_has_its_channels_and_another_has_not(tmp_path):
    lines = [spell(Timestamp=1000, Event="MovieStart"), *list_samples(4)]
    write_gaze(write_session(tmp_path, 2, has_video=False) / NAME, lines)
    write_session(tmp_path, 4, has_video=False)

    seen, unseen = mahnob.read_recordings(tmp_path, "01")

    assert [c.name for c in seen.channels if c.stream is Stream.GAZE] == [
        channel.name for channel in GAZE_CHANNELS
    ]
    gaze = seen.bio[-len(GAZE_CHANNELS) :]
    onset = round(REST_S * mahnob.SFREQ)
    assert np.isnan(gaze[:, : onset - 10]).all()
    assert (gaze[X, onset : onset + 1000] == 640).all()
    assert unseen.channels == mahnob.SIGNAL_CHANNELS
    assert NAME in [file.name for file in mahnob.input_files(tmp_path, "01")]
