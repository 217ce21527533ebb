"""A learner of ratings against the best that can be said of known signals."""

from dataclasses import replace

import numpy as np
import pytest

from deepvanet.config import (
    EvaluateSettings,
    Execution,
    PrepareSettings,
    digest,
    to_dict,
)
from deepvanet.evaluation import evaluate
from deepvanet.metrics import find_means
from deepvanet.results import open_run
from deepvanet.schema import Channel, ChannelType, Stream, Target
from deepvanet.store import Manifest, TrialBlock, write_subject

SFREQ = 8
CHANNELS = tuple(Channel(f"T{k}", ChannelType.TEMPERATURE, "degC") for k in range(1, 4))
N_SUBJECTS, N_TRIALS = 10, 200
NOISE = 2.0
"""Of each channel's level in a trial, where a rating's standard deviation is 1."""

ASKED = EvaluateSettings(
    protocols=("trial",),
    task="rating",
    targets=("valence",),
    streams=("peripheral",),
    learners=("bandpower-ridge",),
    folds=5,
    permutations=0,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Each of three channels has the rating as its level, with noise of its own."""
    root = tmp_path_factory.mktemp("known") / "store"
    rng = np.random.default_rng(0)
    settings = to_dict(PrepareSettings(sfreq=float(SFREQ)))
    (root / "subjects").mkdir(parents=True)
    manifest = Manifest("own", False, settings, digest(settings), CHANNELS, {})
    (root / "manifest.json").write_text(manifest.to_json())
    for number in range(N_SUBJECTS):
        subject = f"{number:02d}"
        blocks = []
        for trial in range(N_TRIALS):
            rating = rng.standard_normal()
            level = rating + NOISE * rng.standard_normal(len(CHANNELS))
            names = {"subject": subject, "trial": f"{trial:03d}", "recording": "all"}
            means = dict.fromkeys(map(str, Target), 5 + rating)
            clip = {"stimulus": f"{trial:03d}", "duration_s": 1.0}
            signal = np.tile(level, (SFREQ, 1)).astype(np.float32)
            arrays = {Stream.PERIPHERAL: signal}
            blocks.append(TrialBlock(row=names | means | clip, arrays=arrays))
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
    return root


def score(path, out, **asked):
    evaluate(path, out, settings=replace(ASKED, **asked), execution=Execution())
    rows = open_run(out).predictions
    mine = rows[rows["learner"] == "bandpower-ridge"]
    return find_means(mine, "trial")["ccc"]


def find_ideal():
    """Return the CCC of the posterior mean of the rating, given all channels."""
    ratio = len(CHANNELS) / NOISE**2
    share = ratio / (1 + ratio)
    return 2 * share / (1 + share)


@pytest.mark.slow
def test_on_2000_trials_a_learner_reaches_four_fifths_of_an_ideal_observer(
    path, tmp_path
):
    found = score(path, tmp_path / "run")

    assert 0.8 * find_ideal() <= found <= 1.05 * find_ideal()


@pytest.mark.slow
def test_shuffled_ratings_give_none(path, tmp_path):
    found = score(path, tmp_path / "run", control="shuffled-labels")

    assert abs(found) < 0.05
