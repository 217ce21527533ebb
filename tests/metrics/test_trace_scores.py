"""Tests of scores of ratings that move with time."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.metrics import (
    find_form,
    find_means,
    measure,
    measure_agreement,
    measure_skill,
    score_subjects,
    tabulate_scores,
)
from deepvanet.schema import ScoreKey

KEY = ScoreKey("trial", "valence", "bio", "bandpower-ridge")


def predict(n_subjects=7, n_trials=9, n=20, *, noise=1.0, seed=0):
    """Predictions of courses, with noise, by subjects who saw the same clips."""
    rng = np.random.default_rng(seed)
    rows = []
    for subject in range(n_subjects):
        for trial in range(n_trials):
            truth = 5 + rng.standard_normal() + np.cumsum(rng.standard_normal(n)) / 3
            rows.append(
                pd.DataFrame(
                    {
                        **KEY._asdict(),
                        "seed": 0,
                        "fold": trial % 3,
                        "subject": f"{subject:02d}",
                        "trial": f"{trial:02d}",
                        "stimulus": f"clip {trial}",
                        "segment": np.arange(n),
                        "truth": truth,
                        "prediction": truth + noise * rng.standard_normal(n),
                        "start_s": np.arange(n, dtype=float),
                        "lag_s": 1.5,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def agree(rows):
    return measure_agreement(rows["truth"].to_numpy(), rows["prediction"].to_numpy())


def test_the_columns_of_a_trace_are_known():
    assert find_form(predict(1, 1)).task == "trace"


def test_scores_are_means_over_trials_of_what_two_functions_say_of_each():
    rows = predict()
    found = measure(rows, "trial")

    alone = rows.groupby(["subject", "trial"])[["truth", "prediction"]].apply(
        lambda mine: pd.Series(agree(mine))
    )
    by_subject = alone.groupby("subject").mean()
    assert found["ccc"].mean == pytest.approx(by_subject["ccc"].mean())
    assert found["pearson"].mean == pytest.approx(by_subject["pearson"].mean())
    squares = (alone["rmse"] ** 2).groupby("subject").mean()
    assert found["rmse"].mean == pytest.approx(np.sqrt(squares).mean())
    whole = agree(rows)
    for name in ("ccc", "pearson", "rmse"):
        assert found[f"pooled_{name}"].mean == pytest.approx(whole[name])


def test_leaving_a_clip_out_is_scoring_without_its_trials():
    rows = predict(3, 9)
    found = measure(rows, "trial")["ccc"]

    for clip in range(9):
        rest = measure(rows[rows["stimulus"] != f"clip {clip}"], "trial")["ccc"]
        assert found.without[:, clip] == pytest.approx(rest.values)


def test_a_constant_prediction_has_ccc_0_and_no_pearson():
    rows = predict(2, 3).assign(prediction=5.0)
    found = measure(rows, "trial")

    assert found["ccc"].mean == 0.0
    assert np.isnan(found["pearson"].mean)
    assert found["pooled_ccc"].mean == 0.0


def test_a_trial_whose_rating_never_moves_counts_in_errors_alone():
    rows = predict(1, 3)
    still = rows["trial"] == "00"
    rows.loc[still, "truth"] = 5.0
    moving = rows[~still]

    found = measure(rows, "trial")

    assert found["ccc"].mean == pytest.approx(measure(moving, "trial")["ccc"].mean)
    assert found["rmse"].mean != pytest.approx(measure(moving, "trial")["rmse"].mean)
    assert not score_subjects(rows, "trial")["one_class"].any()
    assert score_subjects(rows[still], "trial")["one_class"].all()


def test_a_score_is_told_of_trials_only_with_an_interval_and_a_t_test():
    table = tabulate_scores(
        predict(noise=0.5), dataset="own", sharing={KEY: ("none", "subject")}
    )

    assert set(table["level"]) == {"trial"}
    assert set(table["task"]) == {"trace"}
    ccc = table.set_index("metric").loc["ccc"]
    assert ccc["ci_low"] < ccc["mean"] < ccc["ci_high"]
    assert (ccc["p_kind"], ccc["p_value"] < 0.001) == ("t", True)


def test_skill_is_the_share_of_squares_that_a_prior_misses_more():
    rows = predict()
    prior = rows.assign(prediction=5.0)

    found = measure_skill(rows, prior, "trial").mean

    wanted = 1 - agree(rows)["rmse"] ** 2 / agree(prior)["rmse"] ** 2
    assert found == pytest.approx(wanted)


def test_the_order_of_rows_makes_no_difference():
    rows = predict()
    assert find_means(rows.sample(frac=1, random_state=1), "trial") == pytest.approx(
        find_means(rows, "trial")
    )
