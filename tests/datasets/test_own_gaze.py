"""Tests of the gaze of a user's own recordings."""

import numpy as np
import pytest

from deepvanet.datasets.recordings.channels import find_channels
from deepvanet.datasets.recordings.signals import describe_recording, read_bio
from deepvanet.findings import collect
from deepvanet.schema import ChannelType, Stream
from deepvanet.signal_io.channel_names import guess_type
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.lost_gaze import drop_lost
from deepvanet.signal_io.open_file import open_signals
from small_recordings import write_xdf

POSITION, PUPIL, VALIDITY = (
    ChannelType.GAZE_POSITION,
    ChannelType.PUPIL,
    ChannelType.GAZE_VALIDITY,
)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Gaze x", POSITION),
        ("GazePointX (ADCSpx)", POSITION),
        ("gaze_point_y", POSITION),
        ("left_gaze_point_on_display_area_x", POSITION),
        ("PupilLeft", PUPIL),
        ("pupil_diameter_right [mm]", PUPIL),
        ("left pupil size", PUPIL),
        ("ValidityLeft", VALIDITY),
        ("gaze confidence", VALIDITY),
        ("Validity", None),
        ("gaze quality", None),
    ],
)
def test_channels_of_an_eye_tracker_are_known_by_their_labels(label, kind):
    assert guess_type(label) == kind


def read(path):
    """Return the channels of a file by name, and what was found in it."""
    declared = Declaration()
    with collect() as found:
        signals = open_signals(path, declared)
        opened = describe_recording([signals], (), declared)
        channels = [item.channel for item in opened.channels.values()]
        bio = read_bio(opened, channels, declared)
    rows = {c.name: row for c, row in zip(channels, bio, strict=True)}
    assert all(find_channels(signals, declared)[c.name].channel == c for c in channels)
    return channels, rows, found


def test_gaze_of_a_table_is_read_and_what_was_not_seen_is_missing(tmp_path):
    time = np.arange(0, 10, 1 / 60)
    x = 640 + 100 * np.sin(time)
    pupil = 3.5 + 0.1 * np.cos(time)
    code = np.zeros(len(time))
    x[60:90], pupil[120:150], code[300:330] = -1, 0, 4
    columns = np.stack([time, x, pupil, code], axis=1)
    path = tmp_path / "gaze.csv"
    head = "time,Gaze x [px],PupilLeft [mm],ValidityLeft"
    np.savetxt(path, columns, delimiter=",", header=head, comments="")

    channels, rows, found = read(path)

    assert {c.stream for c in channels} == {Stream.GAZE}
    assert [c.unit for c in channels] == ["px", "mm", "a.u."]
    assert np.flatnonzero(np.isnan(rows["Gaze x"])).tolist() == [
        *range(60, 90),
        *range(300, 330),
    ]
    assert np.isnan(rows["PupilLeft"]).sum() == 60
    assert not rows["ValidityLeft"][300:330].any()
    assert not [f.code for f in found if f.severity != "note"]


def test_an_xdf_stream_of_gaze_has_pupils_in_it_and_lost_samples_do_not_ring(tmp_path):
    eeg = np.random.default_rng(0).standard_normal((2560, 2)) * 20
    gaze = np.column_stack([np.full(600, 0.5), np.full(600, 3.5)])
    gaze[120:180] = -1
    path = write_xdf(
        tmp_path / "both.xdf",
        [
            {
                "name": "cap",
                "type": "EEG",
                "rate": 256,
                "values": eeg,
                "times": np.arange(2560) / 256,
                "labels": ("Cz", "Oz"),
                "units": ("microvolts",) * 2,
            },
            {
                "name": "tracker",
                "type": "Gaze",
                "rate": 60,
                "values": gaze,
                "times": np.arange(600) / 60,
                "labels": ("norm_pos_x", "diameter"),
            },
        ],
    )
    path.with_name("unused").touch()

    channels, rows, _ = read(path)

    kinds = {c.name: c.type for c in channels}
    assert kinds["norm_pos_x"] == POSITION
    seen = np.isfinite(rows["norm_pos_x"])
    assert np.allclose(rows["norm_pos_x"][seen], 0.5, atol=1e-3)
    assert 1 - seen.mean() == pytest.approx(0.1, abs=0.01)


def test_other_channels_are_left_as_they_are():
    values = np.array([[-1.0, 0.0], [-1.0, 2.0]])

    assert drop_lost(values, [ChannelType.EEG, None]) is values
