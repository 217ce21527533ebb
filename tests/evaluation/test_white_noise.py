"""What a published score needs no emotion for: noise, random labels, and a baseline.

Long. Each number that README and documentation give for white noise is made here
again, by the whole evaluation and by a ridge classifier of scikit-learn.
"""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from deepvanet import results
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    digest,
    to_dict,
)
from deepvanet.evaluation import evaluate
from deepvanet.protocols import PROTOCOLS
from deepvanet.protocols.folds import cut_folds
from deepvanet.schema import Channel, ChannelType, Stream, Target
from deepvanet.store import Manifest, TrialBlock, open_store, write_subject

N_TRIALS, N_SECONDS, REST_S, SFREQ = 24, 20, 3, 128
CHANNELS = tuple(
    Channel(f"E{number}", ChannelType.EEG, "uV") for number in range(1, 33)
)
SEEDS = (0, 1, 2)


def write_noise(root, *, baseline, seed):
    """Write a store of one subject: white noise, of which half the trials are high."""
    rng = np.random.default_rng(seed)
    settings = to_dict(PrepareSettings())
    manifest = Manifest("deap", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    rating = rng.permutation(N_TRIALS) % 2 * 4 + 3.0
    blocks = (make_trial(number, rating[number], rng) for number in range(N_TRIALS))
    write_subject(root, "01", parts=blocks, inputs={"inputs": {}})
    return open_store(root).cut(Segmenting(baseline=baseline))


def make_trial(number, rating, rng):
    noise = rng.standard_normal((len(CHANNELS), (REST_S + N_SECONDS) * SFREQ))
    names = {"subject": "01", "trial": f"{number + 1:02d}"}
    row = {
        **names,
        "stimulus": names["trial"],
        "recording": names["trial"],
        "duration_s": float(N_SECONDS),
        **{str(target): rating for target in Target},
    }
    return TrialBlock(row, {Stream.EEG: noise.T.astype(np.float32)}, REST_S * SFREQ)


def score_ridge(store, protocol):
    """Return the accuracy of seconds of a ridge classifier on plain samples."""
    table, label = store.table, (store.table[Target.VALENCE] >= 5).to_numpy(dtype=int)
    signal = store.read(Stream.EEG, np.arange(len(table))).reshape(len(table), -1)
    right = np.zeros(len(table), dtype=bool)
    for fold in cut_folds(table, label, PROTOCOLS[protocol], n_folds=10, seed=0):
        ridge = RidgeClassifier().fit(signal[fold.train], label[fold.train])
        right[fold.test] = ridge.predict(signal[fold.test]) == label[fold.test]
    return right.mean()


def score_network(store, out):
    """Return the accuracy of seconds of the paper's network under ``paper``."""
    settings = EvaluateSettings(
        protocols=("paper",),
        targets=("valence",),
        streams=("eeg",),
        baseline=store.segmenting.baseline,
        folds=10,
        network=NetworkSettings(precision="float32"),
    )
    evaluate(store.path, out, settings=settings, execution=Execution())
    table = results.read_predictions(out / "predictions.csv")
    mine = table[table["learner"] == "network"]
    return ((mine["score"] > 0.5) == mine["label"]).mean()


def measure(tmp_path, score, baseline):
    """Return the mean over stores of noise."""
    stores = [
        write_noise(tmp_path / f"{baseline}-{seed}", baseline=baseline, seed=seed)
        for seed in SEEDS
    ]
    return np.mean([score(store) for store in stores])


@pytest.mark.long
@pytest.mark.parametrize(
    ("baseline", "low", "high"),
    [("waveform", 0.97, 1.0), ("mean", 0.42, 0.62), ("none", 0.42, 0.58)],
)
def test_a_ridge_classifier_scores_on_noise_only_with_the_waveform_baseline(
    tmp_path, baseline, low, high
):
    found = measure(tmp_path, lambda store: score_ridge(store, "paper"), baseline)

    assert low <= found <= high


@pytest.mark.long
def test_whole_trials_held_out_take_the_waveform_away(tmp_path):
    found = measure(tmp_path, lambda store: score_ridge(store, "trial"), "waveform")

    assert 0.35 <= found <= 0.6


@pytest.mark.long
@pytest.mark.parametrize(
    ("baseline", "low", "high"),
    [("waveform", 0.9, 1.0), ("mean", 0.45, 0.58), ("none", 0.43, 0.56)],
)
def test_the_network_scores_on_noise_only_with_the_waveform_baseline(
    tmp_path, baseline, low, high
):
    def score(store):
        return score_network(store, tmp_path / f"run-{store.path.name}")

    assert low <= measure(tmp_path, score, baseline) <= high
