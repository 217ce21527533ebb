"""Tests of the estimate that comes before a run."""

import time
from dataclasses import replace

import pytest

from deepvanet.cli import main
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import estimate_run, evaluate
from deepvanet.evaluation.estimate import Estimate, FitCost, FitWork

QUICK = EvaluateSettings(
    targets=("valence",),
    streams=("bio",),
    folds=3,
    network=NetworkSettings(epochs=1, batch_size=8),
)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    return tiny_store(tmp_path_factory.mktemp("estimate") / "store").path


@pytest.mark.slow
def test_the_fits_are_those_that_a_run_makes(store, tmp_path):
    settings = replace(QUICK, learners=("network", "decision-fusion:mean-logit"))
    settings = replace(settings, streams=("bio", "face+bio"))

    estimate = estimate_run(store, settings)

    made = evaluate(store, tmp_path / "run", settings=settings, execution=Execution())
    assert estimate.n_fits == made.n_fits
    written = sum(f.stat().st_size for f in (tmp_path / "run").rglob("*.csv"))
    assert estimate.n_bytes < 20 * written


def test_a_grid_takes_as_many_times_as_it_has_cells(store):
    whole = replace(QUICK.network, grid_bio=tuple(range(1, 101)))

    one, grid = (
        estimate_run(store, replace(QUICK, network=network)).hours
        for network in (QUICK.network, whole)
    )

    assert grid > 10 * one


@pytest.mark.parametrize(
    "name",
    ["bandpower-logistic", "bandpower-svm", "trial-svm", "riemann", "eegnet"],
)
def test_whatever_is_fitted_takes_time(store, name):
    priors, one = (
        estimate_run(store, replace(QUICK, streams=("eeg",), learners=names)).hours
        for names in (("majority",), (name,))
    )

    assert 0 < priors < one


def test_a_learner_of_ratings_alone_is_timed_on_ratings(store):
    settings = replace(QUICK, task="rating", learners=("trial-ridge",))

    assert estimate_run(store, settings).hours > 0


def test_a_fit_whose_time_grows_with_the_square_takes_four_times_for_twice_the_rows():
    assert FitCost(2.0, 100, growth=2).find_seconds(200) == 8.0


def test_what_a_fit_takes_once_is_not_multiplied_by_its_epochs():
    cost = FitCost(2.0, 100, start_s=5.0, row_s=0.1, score_s=0.01)

    one, ten = (
        cost.find_work(FitWork(1, n_read=100, n_trained=100 * n, n_scored=50))
        for n in (1, 10)
    )

    assert one == pytest.approx(5 + 10 + 2 + 0.5)
    assert ten - one == pytest.approx(9 * 2)


def test_cells_of_a_grid_are_timed_once(store):
    cells = tuple(f"network:4x{n}" for n in range(1, 9))
    measured = {}

    estimate_run(store, replace(QUICK, learners=cells), measured=measured)

    assert [name for name, _ in measured] == ["network"]


def test_permutations_that_are_asked_for_cost_as_many_fits(store):
    once, again = (
        estimate_run(store, replace(QUICK, protocols=("trial",), permutations=number))
        for number in (0, 199)
    )

    # of the network, not of the four priors
    assert again.n_fits == once.n_fits + 199 * once.n_fits / 5


def test_an_estimate_is_a_sentence():
    estimate = Estimate(n_fits=1200, hours=2.5, n_bytes=3_400_000)

    assert (estimate + estimate).line(Execution(jobs=4)) == (
        "estimate: 2,400 fits, 5.0 h of one process (1.2 h of 4 side by side), "
        "6.8 MB of results"
    )


def test_the_command_can_say_only_what_it_would_take(store, tmp_path, capsys):
    out = tmp_path / "run"
    options = ["--streams", "bio", "--folds", "3", "--estimate"]

    assert main(["evaluate", str(store), "--out", str(out), *options]) == 0

    assert capsys.readouterr().out.startswith("estimate: 180 fits, ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("16,32", "--grid: expected face=16,32;bio=16,64, got '16,32'"),
        ("face=0", "--grid: a length is at least 1, got 'face=0'"),
        ("bio=x", "--grid: needs whole numbers from 0, got 'x'"),
    ],
)
def test_what_is_no_grid_is_refused(store, tmp_path, capsys, grid, message):
    command = ["evaluate", str(store), "--out", str(tmp_path / "run"), "--grid", grid]

    assert main(command) == 2

    assert message in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize(
    ("learner", "epochs"),
    [("network", 3), ("network", 20), ("eegnet", 5), ("trial-svm", 1), ("riemann", 1)],
)
def test_a_run_takes_what_was_estimated_to_within_two_times(
    tiny_store, tmp_path, monkeypatch, learner, epochs
):
    monkeypatch.setattr(time, "perf_counter", time.process_time)  # others may work too
    store = tiny_store(tmp_path / "store", n_subjects=3, n_trials=12, n_segments=15)
    asked = replace(
        QUICK,
        learners=(learner,),
        streams=("eeg",),
        protocols=("paper", "trial"),
        permutations=0,
        folds=5,
        network=NetworkSettings(epochs=epochs, batch_size=16, precision="float32"),
    )

    estimate = estimate_run(store.path, asked)

    start = time.process_time()
    evaluate(store.path, tmp_path / "run", settings=asked, execution=Execution())
    took = time.process_time() - start
    assert 0.5 < took / (3600 * estimate.hours) < 2
