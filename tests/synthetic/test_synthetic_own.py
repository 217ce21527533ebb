"""Tests of :mod:`deepvanet.synthetic.recordings`."""

import mne
import numpy as np
import pandas as pd
import pytest

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.deap.reader import CHANNELS
from deepvanet.datasets.recordings import reader as own_recordings
from deepvanet.findings import Severity
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import UserError
from deepvanet.synthetic.recordings import write_own

SECONDS, TRIALS = 3, 2


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("own") / "mine"
    write(root, n_subjects=2)
    return root


def write(root, **options):
    numbers = {"n_trials": TRIALS, "seconds": SECONDS, "execution": Execution()}
    write_own(root, **numbers | options)


def test_the_table_is_one_that_can_be_prepared(root):
    recordings = list(own_recordings.read_recordings(root / "trials.csv", "01"))

    (recording,) = recordings
    assert recording.channels == CHANNELS
    assert recording.bio.shape == (40, TRIALS * (3 + SECONDS) * 128)
    assert [span.onset_s for span in recording.spans] == [3.0, 9.0]
    assert [span.end_s for span in recording.spans] == [6.0, 12.0]


def test_results_say_that_nobody_was_recorded(root, tmp_path):
    assert own_recordings.name_dataset(root / "trials.csv") == "recordings-synthetic"
    assert own_recordings.name_dataset(tmp_path / "trials.csv") == "recordings"


def test_check_finds_every_trial_and_nothing_wrong(root):
    found = check("recordings", root / "trials.csv").findings

    few = [("R07", f"subject {subject}") for subject in ("01", "02")]  # that is so
    odd = [f for f in found if f.severity is not Severity.NOTE]
    assert [(finding.code, finding.place) for finding in odd] == few


def test_the_trigger_channel_says_when_a_stimulus_starts(root):
    raw = mne.io.read_raw_bdf(root / "s01.bdf", verbose="ERROR")

    found = mne.find_events(raw, verbose="ERROR")
    table = pd.read_csv(root / "trials.csv", dtype={"subject": str})
    mine = table[table["subject"] == "01"]
    assert (found[:, 0] / 128).tolist() == mine["onset_s"].tolist()


def test_the_film_starts_a_second_late_and_ends_with_the_signals(root):
    info = probe(root / "s02.mp4")

    assert info.duration_s == pytest.approx(TRIALS * (3 + SECONDS) - 1, abs=0.05)
    assert info.codec == "h264"


@pytest.mark.slow
def test_a_blink_in_the_eog_is_a_blink_in_the_film(tmp_path):
    write(tmp_path / "mine", n_subjects=1, n_trials=3, seconds=12)
    (recording,) = own_recordings.read_recordings(tmp_path / "mine/trials.csv", "01")
    pictures = sample_frames(tmp_path / "mine/s01.mp4", fps=25.0, n_frames=44 * 25)
    eyes = np.stack(
        [picture.rgb[190:230, 290:430].mean(axis=2) for picture in pictures]
    )
    eog = recording.bio[[c.name for c in CHANNELS].index("vEOG")]

    change = np.abs(eyes[3:] - eyes[:-3]).mean(axis=(1, 2))

    def compare(late_s):
        times = late_s + np.arange(len(eyes)) / 25
        seen = np.interp(times, np.arange(len(eog)) / 128, eog)
        jump = np.abs(seen[3:] - seen[:-3])
        return np.median(change[jump > 120]) / np.median(change[jump < 40])

    alike = {late_s: compare(late_s) for late_s in np.arange(0, 2.1, 0.2).round(1)}
    # the camera starts a second after the amplifier
    assert max(alike, key=alike.get) == 1.0, alike
    assert alike[1.0] > 1.2, alike


@pytest.mark.slow
def test_a_subject_is_the_same_for_a_seed_whoever_else_is_written(root, tmp_path):
    write(tmp_path / "alone", n_subjects=1)
    write(tmp_path / "other", n_subjects=1, seed=1)

    for name in ("s01.bdf", "s01.mp4"):
        wanted = (root / name).read_bytes()
        assert (tmp_path / "alone" / name).read_bytes() == wanted
        assert (tmp_path / "other" / name).read_bytes() != wanted


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"n_subjects": 0}, "n_subjects"),
        ({"n_trials": 41}, "n_trials"),
        ({"seconds": 1}, "seconds"),
    ],
)
def test_a_number_out_of_range_is_refused(tmp_path, options, option):
    with pytest.raises(UserError, match=option):
        write(tmp_path / "mine", **options)
