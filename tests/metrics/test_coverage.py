"""What sets hold of new people, from the predictions of a run."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.metrics import conform, mean_over_trials, tabulate_coverage
from deepvanet.schema import KEY_COLUMNS, ScoreKey
from simulated_predictions import predict_classes


def tabulate(predictions, *, leaks="none"):
    keys = predictions[list(KEY_COLUMNS)].drop_duplicates().itertuples(index=False)
    sharing = {ScoreKey(*key): (leaks, "stimulus") for key in keys}
    return tabulate_coverage(predictions, dataset="own", sharing=sharing)


def rate(rng, n_subjects, n_trials, **more):
    subject = np.repeat(np.arange(n_subjects), n_trials)
    truth = rng.uniform(1, 9, len(subject))
    return pd.DataFrame(
        {
            "protocol": "subject",
            "target": "valence",
            "streams": "bio",
            "learner": "network",
            "seed": 0,
            "fold": subject % 5,
            "subject": [f"{n:02d}" for n in subject],
            "trial": np.tile(np.arange(n_trials), n_subjects).astype(str),
            "stimulus": np.tile(np.arange(n_trials), n_subjects).astype(str),
            "segment": 0,
            "truth": truth,
            "prediction": truth + rng.normal(0, 1, len(truth)),
        }
        | more
    )


def test_intervals_of_ratings_hold_what_their_errors_say():
    predictions = rate(np.random.default_rng(0), 12, 20)

    (row,) = tabulate(predictions).to_dict("records")

    error = (predictions["truth"] - predictions["prediction"]).abs()
    subject = predictions["subject"]
    held = [
        np.mean(error[subject == name] <= find_by_hand(error[subject != name]))
        for name in sorted(set(subject))
    ]
    assert row["coverage"] == pytest.approx(np.mean(held))
    assert (row["n_subjects"], row["n_trials"], row["level"]) == (12, 240, 0.9)
    assert row["size"] == pytest.approx(2 * find_by_hand(error, n_people=12))
    assert row["ci_low"] < row["coverage"] < row["ci_high"]


def find_by_hand(error, n_people=11, n_trials=20):
    """Return the least error that nine in ten of these people and one more exceed not.

    All have as many trials, so each counts 1 / (people + 1) / trials.
    """
    place = int(np.ceil(0.9 * (n_people + 1) * n_trials - 1e-9)) - 1
    return np.sort(error)[place]


def test_sets_of_classes_are_those_of_a_bundle():
    predictions = predict_classes(n_subjects=12, n_trials=9).assign(protocol="subject")

    (row,) = tabulate(predictions).to_dict("records")

    trials = mean_over_trials(predictions)
    names = [name for name in trials if name.startswith("probability_")]
    label = trials["truth"].map([n.removeprefix("probability_") for n in names].index)
    made = conform(
        label.to_numpy(), trials[names].to_numpy(), trials["subject"].to_numpy()
    )
    assert (row["coverage"], row["size"]) == (made.coverage, made.size)
    assert (row["ci_low"], row["ci_high"]) == (made.ci_low, made.ci_high)


def test_several_seeds_are_averaged():
    rng = np.random.default_rng(1)
    seeds = [rate(rng, 12, 20).assign(seed=seed) for seed in (0, 1)]

    apart = [tabulate(one).iloc[0] for one in seeds]
    (row,) = tabulate(pd.concat(seeds)).to_dict("records")

    for name in ("coverage", "size"):
        assert row[name] == pytest.approx(np.mean([one[name] for one in apart]))
    assert row["n_trials"] == 240


@pytest.mark.parametrize("protocol", ["paper", "trial", "trial-pooled", "stimulus"])
def test_where_people_are_shared_nothing_is_said(protocol):
    assert tabulate(rate(np.random.default_rng(2), 12, 8, protocol=protocol)).empty


def test_what_leaks_says_nothing():
    assert tabulate(rate(np.random.default_rng(2), 12, 8), leaks="unlabelled").empty


def test_too_few_people_are_counted_and_nothing_else():
    (row,) = tabulate(rate(np.random.default_rng(3), 9, 8)).to_dict("records")

    assert (row["n_subjects"], row["n_trials"]) == (9, 72)
    assert np.isnan([row["coverage"], row["ci_low"], row["size"]]).all()
