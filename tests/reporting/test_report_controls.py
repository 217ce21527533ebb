"""Tests of what a report says of controls, seeds and the numbers behind its figures."""

import pandas as pd
import pytest

from deepvanet.metrics import SCORE_COLUMNS, measure_calibration_error
from deepvanet.reporting import write_report
from deepvanet.results import open_run
from deepvanet.schema import UserError
from fake_run import write_run

SMALL = {"n_trials": 8, "n_segments": 3, "targets": ["valence"], "streams": ["bio"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of two seeds, and its two controls."""
    root = tmp_path_factory.mktemp("runs")
    return [
        write_run(root / "run", seeds=(0, 1), **SMALL),
        write_run(root / "shuffled", control="shuffled-labels", seed=1, **SMALL),
        write_run(root / "noise", control="noise", seed=2, **SMALL),
    ]


@pytest.fixture(scope="module")
def report(runs, tmp_path_factory):
    return write_report(runs, tmp_path_factory.mktemp("reports") / "report").parent


def test_controls_are_never_among_the_scores(runs, report, tmp_path):
    alone = write_report(runs[:1], tmp_path / "alone").parent

    scores = (report / "scores.csv").read_bytes()
    assert scores == (alone / "scores.csv").read_bytes()
    controls = pd.read_csv(report / "controls.csv")
    assert list(controls) == [*SCORE_COLUMNS, "control"]
    assert set(controls["control"]) == {"shuffled-labels", "noise"}
    assert not (alone / "controls.csv").exists()


def test_one_picture_shows_the_run_and_both_controls_and_the_page_says_it(report):
    drawn = pd.read_csv(report / "figures" / "controls-valence.csv")
    page = (report / "index.html").read_text()

    assert set(drawn["control"]) == {"real", "shuffled-labels", "noise"}
    assert "Negative controls" in page
    assert "Shuffled labels score up to" in page
    assert "Noise scores up to" in page
    svg = (report / "figures" / "controls-valence.svg").read_text()
    assert "leaks: trial" in svg


def test_a_control_alone_is_refused(runs, tmp_path):
    with pytest.raises(UserError, match="is shown beside the run that it controls"):
        write_report(runs[1:2], tmp_path / "report")


def test_the_same_control_twice_is_refused(runs, tmp_path):
    again = write_run(tmp_path / "again", control="noise", seed=3, **SMALL)

    with pytest.raises(UserError, match="report the two apart"):
        write_report([*runs, again], tmp_path / "report")


def test_every_figure_lies_beside_the_numbers_behind_it(report):
    figures = sorted((report / "figures").glob("*.svg"))

    assert len(figures) >= 8
    for figure in figures:
        assert len(pd.read_csv(figure.with_suffix(".csv"))), figure.name


@pytest.mark.slow
def test_the_numbers_of_an_earlier_report_are_removed_with_its_figures(runs, tmp_path):
    out = tmp_path / "report"
    write_report(runs, out)
    (out / "figures" / "mine.csv").write_text("kept")

    write_report(runs[:1], out)

    left = {path.name for path in (out / "figures").iterdir()}
    assert "controls-valence.csv" not in left
    assert "mine.csv" in left
    assert not (out / "controls.csv").exists()


def test_several_seeds_have_a_table_of_their_own(report, tmp_path):
    seeds = pd.read_csv(report / "seeds.csv")

    assert set(seeds["n_seeds"]) == {2}
    assert "sd over seeds" in (report / "index.html").read_text()
    single = write_run(tmp_path / "single", **SMALL)
    page = write_report([single], tmp_path / "one")
    assert "sd over seeds" not in page.read_text()
    assert not (tmp_path / "one" / "seeds.csv").exists()


def test_a_calibration_error_stands_beside_that_of_a_calibrated_model(runs, report):
    drawn = pd.read_csv(report / "figures" / "calibration-valence-network.csv")
    found = drawn.groupby(["protocol", "streams"])[["ece", "ece_if_calibrated"]].first()

    svg = (report / "figures" / "calibration-valence-network.svg").read_text()
    predictions = open_run(runs[0]).predictions
    for (protocol, streams), (error, calibrated) in found.iterrows():
        mine = predictions[
            (predictions["protocol"] == protocol)
            & (predictions["streams"] == streams)
            & (predictions["learner"] == "network")
        ]
        trial = mine.groupby(["subject", "trial"]).ngroup().to_numpy()
        wanted = measure_calibration_error(
            mine["label"].to_numpy(),
            mine["score"].to_numpy(),
            int(trial.max()) + 1,
            trial=trial,
        )
        assert (error, calibrated) == pytest.approx(wanted)
        assert calibrated > 0
        assert f"ECE {100 * error:.0f} ({100 * calibrated:.0f})" in svg
    # 64 trials make three bins, never ten
    assert drawn.groupby(["protocol", "streams"]).size().max() <= 3
