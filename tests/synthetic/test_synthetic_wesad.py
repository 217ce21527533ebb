"""Tests of :mod:`deepvanet.synthetic.wesad`."""

import hashlib
import pickle

import numpy as np
import pytest
from scipy.signal import find_peaks

from deepvanet.datasets import check
from deepvanet.datasets.wesad import reader as wesad
from deepvanet.findings import Severity
from deepvanet.schema import Target, UserError
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.knobs import Knobs
from deepvanet.synthetic.wesad import LABELS, ORDERS, write_wesad

SECONDS, SEED = 8, 3


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects with five short conditions each."""
    root = tmp_path_factory.mktemp("wesad") / "WESAD"
    write_wesad(root, n_subjects=2, seconds=SECONDS, seed=SEED)
    return root


def read_pickle(root, number):
    content = (root / f"S{number}" / f"S{number}.pkl").read_bytes()
    return pickle.loads(content, encoding="latin1")


def test_a_pickle_is_what_python_2_wrote(root):
    held = read_pickle(root, 2)

    assert (root / "S2" / "S2.pkl").read_bytes().startswith(b"(d")
    assert held["subject"] == "S2"
    chest, wrist = held["signal"]["chest"], held["signal"]["wrist"]
    n = len(held["label"])
    assert {k: v.shape for k, v in chest.items()} == {
        "ACC": (n, 3),
        **dict.fromkeys(("ECG", "EMG", "EDA", "Temp", "Resp"), (n, 1)),
    }
    seconds = n / 700
    assert {k: v.shape for k, v in wrist.items()} == {
        "ACC": (32 * seconds, 3),
        "BVP": (64 * seconds, 1),
        "EDA": (4 * seconds, 1),
        "TEMP": (4 * seconds, 1),
    }
    assert chest["Temp"].dtype == np.float32
    assert held["label"].dtype == np.int32
    assert set(held["label"].tolist()) == {0, 1, 2, 3, 4, 6}


def test_signals_have_documented_units(root):
    held = read_pickle(root, 3)["signal"]
    chest, wrist = held["chest"], held["wrist"]

    beats, _ = find_peaks(chest["ECG"].ravel(), height=0.6, distance=200)
    assert 0.6 < len(beats) / (len(chest["ECG"]) / 700) < 2.2
    assert 0.5 < np.median(chest["EDA"]) < 30
    assert 30 < np.median(chest["Temp"]) < 36
    assert 30 < np.median(wrist["TEMP"]) < 34
    assert np.abs(chest["Resp"]).max() < 50
    np.testing.assert_allclose(np.linalg.norm(chest["ACC"], axis=1), 1, atol=0.2)
    assert np.median(np.linalg.norm(wrist["ACC"], axis=1)) == pytest.approx(62, abs=5)


def test_stress_and_amusement_change_places_and_ratings_are_the_conditions_own(root):
    plan = SubjectsPlan(root, 5, SECONDS, Knobs(), SEED)
    for subject in (2, 3):
        recordings = list(wesad.read_recordings(root, f"{subject:02d}"))
        spans = [r.spans[0] for r in recordings]
        assert [span.stimulus for span in spans] == list(ORDERS[subject % 2])
        for span in spans:
            stimulus = 1 + list(LABELS).index(span.stimulus)
            wanted = view(plan, subject, stimulus).ratings
            for target in Target:
                assert (span.ratings[target] >= 5) == (wanted[target] >= 5)
                assert span.ratings[target] == round(span.ratings[target])


@pytest.mark.parametrize("n_trials", [1, 2, 5])
def test_a_copy_is_sound_and_its_times_are_those_of_its_labels(tmp_path, n_trials):
    write_wesad(tmp_path, n_subjects=2, n_trials=n_trials, seconds=5)

    found = check("wesad", tmp_path)

    assert all(f.severity is Severity.NOTE for f in found.findings)
    lines = (tmp_path / "S2" / "S2_quest.csv").read_text().splitlines()
    start = next(line for line in lines if line.startswith("# START")).split(";")[1]
    assert start == "0.04"
    (_, first, *_) = np.split(
        read_pickle(tmp_path, 2)["label"],
        np.flatnonzero(np.diff(read_pickle(tmp_path, 2)["label"] == 1)) + 1,
    )
    assert set(first.tolist()) == {1}
    assert len(read_pickle(tmp_path, 2)["label"][: 4 * 700]) == 4 * 700
    assert read_pickle(tmp_path, 2)["label"][4 * 700] == 1


def test_the_same_seed_gives_the_same_files(root, tmp_path):
    write_wesad(tmp_path, n_subjects=1, seconds=SECONDS, seed=SEED)

    for name in ("S2.pkl", "S2_quest.csv"):
        digests = {
            hashlib.sha256((folder / "S2" / name).read_bytes()).digest()
            for folder in (root, tmp_path)
        }
        assert len(digests) == 1


def test_more_than_the_original_has_is_refused(tmp_path):
    with pytest.raises(UserError, match="must be 1 to 15"):
        write_wesad(tmp_path, n_subjects=16)
    with pytest.raises(UserError, match="must be 1 to 5"):
        write_wesad(tmp_path, n_trials=6)
