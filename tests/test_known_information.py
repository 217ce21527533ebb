"""Which learner finds which information, and that the page on learners says so."""

import re
from pathlib import Path

import numpy as np
import pytest

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.metrics import score_subjects
from known_information import KINDS, make_trial, observe, write_known_store

BEST = {"band power": 0.97, "covariance": 0.99, "waveform": 0.90, "slow drift": 0.92}
N_SUBJECTS = 3
SEED = 7000
"""Of stores that chose nothing."""

STREAMS = {
    "bio": ("network", "bandpower-logistic", "trial-logistic"),
    "eeg": ("riemann", "eegnet"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_best_observer_is_as_good_as_the_page_says(kind):
    rng = np.random.default_rng(0)
    label = np.arange(1000) % 2 == 1

    hits = [observe(kind, make_trial(kind, bool(high), rng)) == high for high in label]

    assert np.mean(hits) == pytest.approx(BEST[kind], abs=0.025)


def measure(folder, kind, streams, learners):
    """Return the balanced accuracy over trials of each learner, mean over subjects."""
    seed = SEED + list(KINDS).index(kind)
    store = write_known_store(folder / "store", kind, n_subjects=N_SUBJECTS, seed=seed)
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        streams=(streams,),
        learners=learners,
        folds=5,
        permutations=0,
        network=NetworkSettings(offsets="none"),
    )
    evaluate(store.path, folder / "run", settings=settings, execution=Execution())
    table = results.read_predictions(folder / "run" / "predictions.csv")
    return {
        name: float(score_subjects(part, "trial")["balanced_accuracy"].mean())
        for name, part in table.groupby("learner")
        if name in learners
    }


def measure_all(folder, kind):
    """Return the score of each row of the table on the page."""
    found = {}
    for streams, learners in STREAMS.items():
        scores = measure(folder / streams, kind, streams, learners)
        found |= {f"`{name}`": score for name, score in scores.items()}
    return found


def read_page():
    """Return the table of the page on learners: learner and kind to a number."""
    text = (Path(__file__).parents[1] / "docs" / "learners.md").read_text()
    head = re.search(r"^\| learner \| (band power .*) \|$", text, re.M)
    kinds = head[1].split(" | ")
    found = {}
    for line in text[head.end() :].strip().splitlines()[1:]:
        if not line.startswith("|"):
            break
        name, *numbers = (cell.strip() for cell in line.strip("|").split("|"))
        found |= {(name, k): float(n) for k, n in zip(kinds, numbers, strict=True)}
    return found


def test_the_page_has_the_best_observer():
    page = read_page()

    assert {kind: page["best possible", kind] for kind in KINDS} == BEST


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_learners_find_what_the_page_says_they_find(tmp_path, kind):
    page = read_page()

    found = measure_all(tmp_path, kind)

    # other machines round otherwise, and networks then end elsewhere
    for name, score in found.items():
        assert score == pytest.approx(page[name, kind], abs=0.1), name
