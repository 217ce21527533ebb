"""Tests of :mod:`deepvanet.synthetic.dreamer`."""

import hashlib

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.signal import find_peaks

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.dreamer import reader as dreamer
from deepvanet.findings import Severity
from deepvanet.schema import Target, UserError
from deepvanet.synthetic import dreamer as writer
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.dreamer import write_dreamer
from deepvanet.synthetic.knobs import Knobs

N_TRIALS, SECONDS, SEED, REST_S = 3, 4, 4, 6


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects with a short baseline."""
    root = tmp_path_factory.mktemp("dreamer") / "DREAMER"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "BASELINE_S", REST_S)
        write_dreamer(root, n_subjects=2, n_trials=N_TRIALS, seconds=SECONDS, seed=SEED)
    return root


def read_struct(root):
    return loadmat(root / "DREAMER.mat")["DREAMER"][0, 0]


def test_the_file_has_the_fields_of_the_real_one(root):
    held = read_struct(root)

    assert held.dtype.names[:5] == (
        *("Data", "EEG_SamplingRate", "ECG_SamplingRate", "EEG_Electrodes"),
        "noOfSubjects",
    )
    assert (held["EEG_SamplingRate"].item(), held["ECG_SamplingRate"].item()) == (
        *(128, 256),
    )
    electrodes = [name.item() for name in held["EEG_Electrodes"][0]]
    assert electrodes == [c.name for c in dreamer.CHANNELS[:14]]
    assert held["Data"].shape == (1, 2)
    subject = held["Data"][0, 0][0, 0]
    for name, sfreq, n_channels in (("EEG", 128, 14), ("ECG", 256, 2)):
        kind = subject[name][0, 0]
        assert kind["baseline"].shape == kind["stimuli"].shape == (N_TRIALS, 1)
        lengths = {cell.shape for cell in kind["baseline"][:, 0]}
        assert lengths == {(REST_S * sfreq, n_channels)}
        assert len({len(cell) for cell in kind["stimuli"][:, 0]}) > 1
    assert subject["ScoreDominance"].shape == (N_TRIALS, 1)
    assert sorted(path.name for path in root.iterdir()) == [
        *("DREAMER.mat", "SYNTHETIC.txt")
    ]


def test_the_headset_has_an_offset_and_steps(root):
    eeg = read_struct(root)["Data"][0, 1][0, 0]["EEG"][0, 0]["stimuli"][0, 0]

    assert 3500 < np.median(eeg) < 4900
    steps = eeg / 0.51
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    assert 5 < np.median(np.subtract(*np.percentile(eeg, [75, 25], axis=0))) < 200


def test_the_heart_beats_in_both_leads(root):
    ecg = read_struct(root)["Data"][0, 0][0, 0]["ECG"][0, 0]
    lead = np.concatenate([ecg["baseline"][0, 0], ecg["stimuli"][0, 0]])[:, 0]

    beats, _ = find_peaks(lead - 2050, height=250, distance=80)

    assert 0.6 < len(beats) / (len(lead) / 256) < 2.2
    np.testing.assert_array_equal(lead, np.rint(lead))


def test_high_ratings_stay_high_on_the_shorter_scale(root):
    plan = SubjectsPlan(root, N_TRIALS, SECONDS, Knobs(), SEED)
    for subject in (1, 2):
        held = read_struct(root)["Data"][0, subject - 1][0, 0]
        for target, name in (
            (Target.VALENCE, "ScoreValence"),
            (Target.AROUSAL, "ScoreArousal"),
        ):
            scores = held[name].ravel()
            wanted = [view(plan, subject, k + 1).ratings[target] for k in range(3)]
            assert [s >= 3 for s in scores] == [rating >= 5 for rating in wanted]
            assert set(scores) <= {1, 2, 3, 4, 5}
            assert 0 < sum(scores >= 3) < N_TRIALS


def test_a_copy_is_sound_and_what_is_read_is_what_was_written(root):
    found = check("dreamer", root)

    worst = [f.code for f in found.findings if f.severity is not Severity.NOTE]
    assert set(worst) <= {"R07"}  # three trials are few
    recordings = list(dreamer.read_recordings(root, "02"))
    assert [r.name for r in recordings] == ["01", "02", "03"]
    assert {r.spans[0].baseline_s for r in recordings} == {REST_S}
    assert dreamer.name_dataset(root) == "dreamer-synthetic"


def test_the_same_seed_gives_the_same_file_and_a_subject_is_its_own(
    root, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "BASELINE_S", REST_S)
    options = {"n_trials": N_TRIALS, "seconds": SECONDS, "seed": SEED}
    write_dreamer(tmp_path / "a", n_subjects=1, **options)

    alone, among = read_struct(tmp_path / "a"), read_struct(root)

    first, same = (
        held["Data"][0, 0][0, 0]["EEG"][0, 0]["stimuli"][1, 0]
        for held in (alone, among)
    )
    np.testing.assert_array_equal(first, same)
    before = hashlib.sha256((tmp_path / "a" / "DREAMER.mat").read_bytes()).digest()
    write_dreamer(tmp_path / "a", n_subjects=1, execution=Execution(), **options)
    after = hashlib.sha256((tmp_path / "a" / "DREAMER.mat").read_bytes()).digest()
    assert before == after


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_subjects": 24}, "must be 1 to 23"), ({"n_trials": 19}, "must be 1 to 18")],
)
def test_more_than_the_original_has_is_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        write_dreamer(tmp_path, **options)


def test_real_files_are_not_replaced(tmp_path):
    (tmp_path / "DREAMER.mat").touch()

    with pytest.raises(UserError, match="holds files that synth did not write"):
        write_dreamer(tmp_path)
