"""Tests of the estimate that comes before a preparation."""

import pytest

from deepvanet.cli import main
from deepvanet.config import Execution, PrepareSettings
from deepvanet.preparation import PreparationEstimate, estimate_preparation
from deepvanet.schema import UserError

USUAL = PrepareSettings()


def test_the_store_becomes_as_large_as_estimated(filmed_deap, filmed_store, tmp_path):
    estimate = estimate_preparation(
        "deap", filmed_deap, tmp_path / "store", settings=USUAL
    )

    files = (filmed_store / "subjects").rglob("*.npy")
    size = sum(file.stat().st_size for file in files)
    assert estimate.n_subjects == 2
    assert 0.5 < estimate.n_bytes / size < 2
    assert estimate.hours > 0
    assert not (tmp_path / "store").exists()


def test_what_is_prepared_already_costs_nothing(filmed_deap, filmed_store, capsys):
    command = ["prepare", "deap", str(filmed_deap), "--out", str(filmed_store)]

    assert main([*command, "--estimate", "--jobs", "1"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("estimate: 0 subjects (2 finished before), 0 s of one")


def test_what_is_left_out_costs_nothing(filmed_deap, tmp_path):
    both, one = (
        estimate_preparation(
            "deap", filmed_deap, tmp_path / "store", settings=USUAL, exclude=exclude
        )
        for exclude in ((), ("02",))
    )

    assert (both.n_subjects, one.n_subjects) == (2, 1)
    assert one.n_bytes < both.n_bytes


def test_an_estimate_of_a_preparation_is_a_sentence():
    estimate = PreparationEstimate(22, 3, hours=1.5, n_bytes=2_500_000_000)

    assert estimate.line(Execution(jobs=2)) == (
        "estimate: 22 subjects (3 finished before), 1.5 h of one process (45.0 min of "
        "2 side by side), 2,500.0 MB of store"
    )


def test_a_folder_without_a_data_set_has_no_estimate(tmp_path):
    with pytest.raises(UserError, match="data_preprocessed_python"):
        estimate_preparation("deap", tmp_path, tmp_path / "store", settings=USUAL)
