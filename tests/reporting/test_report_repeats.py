"""Tests of runs that scored the same priors, in one report."""

import pandas as pd
import pytest

from deepvanet.reporting import write_report
from deepvanet.reporting.studies import gather_runs, make_study
from deepvanet.schema import PRIORS, UserError
from fake_run import write_run

SMALL = {
    "protocol_names": ("trial", "subject"),
    "targets": ("valence",),
    "streams": ("bio",),
    "subjects": tuple(f"{number:02d}" for number in range(1, 8)),
    "n_trials": 8,
    "n_segments": 2,
}


def write_small(path, learner="network", **options):
    return write_run(path, learners=(learner,), **{**SMALL, **options})


def study_all(*paths):
    return [make_study(held) for held in gather_runs(paths)]


def test_two_learners_of_two_runs_are_one_study_whose_priors_stand_once(tmp_path):
    runs = [
        write_small(tmp_path / "network", epochs=15),
        write_small(tmp_path / "quick", "bandpower-logistic", trains_by_epochs=False),
    ]
    alone = [study.scores for run in runs for study in study_all(run)]

    (study,) = study_all(*runs)

    assert study.learners[:2] == ["network", "bandpower-logistic"]
    counted = study.scores.value_counts(["protocol", "learner"])
    assert set(counted) == {counted.iloc[0]}
    names = ["protocol", "learner", "level", "metric"]
    for scores in alone:
        both = scores.merge(study.scores, on=names, suffixes=("", "_together"))
        assert len(both) == len(scores)
        pd.testing.assert_series_equal(
            both["mean"], both["mean_together"], check_names=False
        )
    assert set(study.over_priors["learner"]) == {"network", "bandpower-logistic"}
    keys = [(p["protocol"], p["learner"]) for p in study.leakage["parts"]]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("order", [1, -1])
def test_settings_are_those_of_the_run_that_has_a_network(tmp_path, order):
    runs = [
        write_small(tmp_path / "quick", "bandpower-logistic", trains_by_epochs=False),
        write_small(tmp_path / "network", epochs=15),
    ][::order]

    (study,) = study_all(*runs)

    assert study.settings["evaluate"]["network"]["epochs"] == 15


def test_two_recipes_have_sections_of_their_own_and_the_table_has_priors_once(tmp_path):
    runs = [
        write_small(tmp_path / "short", epochs=6),
        write_small(tmp_path / "long", "eegnet", epochs=15),
    ]
    apart = study_all(*runs)

    write_report(runs, tmp_path / "report")

    assert len(apart) == 2
    assert all(set(study.learners) > {"majority"} for study in apart)
    scores = pd.read_csv(tmp_path / "report" / "scores.csv")
    columns = ["protocol", "target", "streams", "learner", "level", "metric"]
    assert not scores.duplicated(columns).any()
    assert {"network", "eegnet", "majority"} <= set(scores["learner"])
    assert len(scores) == sum(len(s.scores) for s in apart) - sum(
        apart[0].scores["learner"].isin(PRIORS)
    )


def test_priors_of_other_rows_are_refused_and_what_to_do_is_said(tmp_path):
    runs = [
        write_small(tmp_path / "network"),
        write_small(tmp_path / "quick", "bandpower-logistic", seed=1),
    ]

    with pytest.raises(UserError, match=r"trial, valence, bio, .*other rows or folds"):
        gather_runs(runs)
