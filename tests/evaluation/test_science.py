"""What the protocols and the priors are for, shown on stores whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.metrics import score_subjects
from deepvanet.store import open_store
from deepvanet.tasks import TASKS

PRIORS = TASKS["high-low"].priors
TWO_JOBS = Execution(jobs=2)


def rate_by_stimulus(store):
    """Let all subjects rate a clip alike but for one in eight trials."""
    rng = np.random.default_rng(3)
    for file in sorted(store.path.rglob("trials.csv")):
        table = pd.read_csv(file, dtype=str)
        other = {t: rng.random() < 1 / 8 for t in table["trial"].unique()}
        high = (table["stimulus"].astype(int) % 2 == 0) != table["trial"].map(other)
        table.assign(valence=np.where(high, "7.0", "3.0")).to_csv(file, index=False)
    return open_store(store.path).cut()


def score_learners(store, out, protocols):
    """Return each learner's balanced accuracy over trials, mean over subjects."""
    settings = EvaluateSettings(
        protocols=protocols,
        targets=("valence",),
        streams=("bio",),
        folds=3,
        network=NetworkSettings(epochs=8, batch_size=32),
    )
    evaluate(store.path, out, settings=settings, execution=TWO_JOBS)
    table = results.read_predictions(out / "predictions.csv")
    return {
        key: score_subjects(part, "trial")["balanced_accuracy"].mean()
        for key, part in table.groupby(["protocol", "learner"])
    }


@pytest.mark.slow
def test_who_knows_the_clip_wins_where_clips_are_shared_and_only_there(
    tiny_store, tmp_path
):
    plain = tiny_store(
        tmp_path / "store", n_subjects=9, n_trials=12, n_segments=2, effect=0.0
    )
    store = rate_by_stimulus(plain)

    found = score_learners(store, tmp_path / "run", ("subject", "subject-stimulus"))

    shared = {name: found["subject", name] for name in (*PRIORS, "network")}
    assert shared["stimulus-prior"] > 0.8
    assert shared["stimulus-prior"] >= max(shared.values())
    assert shared["network"] < 0.65
    # a prior of an unseen clip says the same of all of a fold's trials
    assert 0.35 < found["subject-stimulus", "stimulus-prior"] < 0.6


@pytest.mark.slow
def test_who_reads_the_signal_beats_every_prior_where_nothing_is_shared(
    tiny_store, tmp_path
):
    store = tiny_store(
        tmp_path / "store", n_subjects=6, n_trials=9, n_segments=3, effect=0.5
    )

    found = score_learners(store, tmp_path / "run", ("subject-stimulus",))

    best = max(found["subject-stimulus", name] for name in PRIORS)
    assert found["subject-stimulus", "network"] > best + 0.1


@pytest.mark.slow
def test_no_prior_scores_above_chance_where_nothing_is_shared_and_nothing_shows(
    tiny_store, tmp_path
):
    store = tiny_store(tmp_path / "store", n_subjects=6, n_trials=9, effect=0.0)

    found = score_learners(store, tmp_path / "run", ("subject-stimulus",))

    assert max(found["subject-stimulus", name] for name in PRIORS) < 0.6
