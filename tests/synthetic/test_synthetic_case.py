"""Tests of :mod:`deepvanet.synthetic.case`."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.signal import find_peaks

from deepvanet.datasets import check
from deepvanet.datasets.case import reader as case
from deepvanet.findings import Severity
from deepvanet.schema import Target, UserError
from deepvanet.synthetic.case import measure, order_videos, write_case
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.knobs import Knobs

SECONDS, N_TRIALS, SEED = 5, 2, 3
NAMES = ["ecg", "bvp", "gsr", "rsp", "skt", "emg_zygo", "emg_coru", "emg_trap"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects with two short videos each."""
    root = tmp_path_factory.mktemp("case") / "CASE"
    write_case(root, n_subjects=2, n_trials=N_TRIALS, seconds=SECONDS, seed=SEED)
    return root


def read_csv(root, place, number):
    return pd.read_csv(root / "data" / "interpolated" / place / f"sub_{number}.csv")


def plan_of(root):
    return SubjectsPlan(root, N_TRIALS, SECONDS, Knobs(), SEED)


def test_tables_have_documented_columns_and_one_clock_in_ms(root):
    signals, said = (read_csv(root, k, 1) for k in ("physiological", "annotations"))

    assert list(signals) == ["daqtime", *NAMES, "video"]
    assert list(said) == ["jstime", "valence", "arousal", "video"]
    assert (np.diff(signals["daqtime"]) == 1).all()
    assert (np.diff(said["jstime"]) == 50).all()
    joined = signals.set_index("daqtime")["video"]
    assert (joined[said["jstime"]].to_numpy() == said["video"]).all()
    assert said[["valence", "arousal"]].to_numpy().min() >= 0.5
    assert said[["valence", "arousal"]].to_numpy().max() <= 9.5


def test_signals_have_documented_units(root):
    signals = read_csv(root, "physiological", 2)

    beats, _ = find_peaks(signals["ecg"], height=0.7, distance=300)
    assert 0.6 < len(beats) / (len(signals) / 1000) < 2.2
    assert signals["bvp"].between(0, 100).all()
    assert signals["rsp"].between(0, 100).all()
    assert 0.5 < signals["gsr"].median() < 30
    assert 30 < signals["skt"].median() < 36
    assert signals[["emg_zygo", "emg_coru", "emg_trap"]].to_numpy().min() >= 0
    assert signals.notna().all(axis=None)


def test_metadata_say_what_the_files_hold(root):
    order = pd.read_csv(root / "metadata" / "seqs_order.txt", sep="\t")
    lasts = pd.read_csv(
        root / "metadata" / "videos_duration.txt", sep="\t", index_col=0
    )
    (recording,) = case.read_recordings(root, "02")

    shown = [name for name in order["seq_sub2"] if not name.endswith("Vid")]
    assert [span.stimulus for span in recording.spans] == shown
    for span in recording.spans:
        asked = lasts.loc[span.stimulus, "video_duration"]
        assert 1000 * (span.end_s - span.onset_s) == pytest.approx(asked)
    before = order["seq_sub2"].shift()
    assert set(before[order["seq_sub2"].isin(shown)]) == {"bluVid"}


def test_no_two_stretches_of_one_subject_have_the_same_signals(root):
    signals = read_csv(root, "physiological", 1)
    starts = np.flatnonzero(np.diff(signals["video"], prepend=0))

    pieces = [signals.iloc[k : k + 500][NAMES].to_numpy().tobytes() for k in starts]

    assert len(set(pieces)) == len(starts) == 6


def test_the_mean_of_the_joystick_is_the_rating(root):
    plan = plan_of(root)
    for subject in (1, 2):
        (recording,) = case.read_recordings(root, f"{subject:02d}")
        videos = [v for v in order_videos(plan, subject) if v < 10]
        for span, video in zip(recording.spans, videos, strict=True):
            wanted = view(plan, subject, video).ratings
            assert span.end_s - span.onset_s == pytest.approx(measure(plan, video))
            for k, target in enumerate(Target):
                found = span.ratings[target]
                assert (found >= 5) == (wanted[target] >= 5)
                assert found == pytest.approx(wanted[target], abs=0.6)
                assert np.ptp(span.trace.values[:, k]) > 0.3


def test_a_copy_is_sound(root):
    found = check("case", root)

    assert all(f.severity is Severity.NOTE for f in found.findings)
    assert case.name_dataset(root) == "case-synthetic"


def test_the_same_seed_gives_the_same_files_for_any_number_of_subjects(root, tmp_path):
    write_case(tmp_path, n_subjects=1, n_trials=N_TRIALS, seconds=SECONDS, seed=SEED)

    for place in ("physiological", "annotations"):
        name = f"data/interpolated/{place}/sub_1.csv"
        digests = {
            hashlib.sha256((folder / name).read_bytes()).digest()
            for folder in (root, tmp_path)
        }
        assert len(digests) == 1


def test_more_than_the_original_has_is_refused(tmp_path):
    with pytest.raises(UserError, match="must be 1 to 30"):
        write_case(tmp_path, n_subjects=31)
    with pytest.raises(UserError, match="must be 1 to 8"):
        write_case(tmp_path, n_trials=9)
