"""Tests of the nested grid search."""

import numpy as np
import pytest

from deepvanet.config import NetworkSettings
from deepvanet.learners.learner import Choice
from deepvanet.learners.making import find_learner
from deepvanet.learners.network import NetworkLearner
from deepvanet.schema import BIO
from small_store import take_rows

SETTINGS = NetworkSettings(epochs=3, batch_size=8, grid_face=(4, 8), grid_bio=(2, 32))


@pytest.fixture(scope="module")
def thirds(tiny_store, tmp_path_factory):
    """Rows of bio to train on, to validate with, and to test."""
    store = tiny_store(tmp_path_factory.mktemp("grid") / "store", n_subjects=3)
    rows = take_rows(store, BIO)
    subject = rows.table["subject"].to_numpy()
    return [rows.take(subject == name) for name in ("01", "02", "03")]


def fit_cells(train, *, watch=None, choose=Choice.LAST):
    """Fit each cell of the bio grid by itself."""
    cells = [NetworkSettings(epochs=3, batch_size=8, bio_features=b) for b in (2, 32)]
    return [
        NetworkLearner(cell, 0).fit(train, watch=watch, choose=choose) for cell in cells
    ]


def test_validation_chooses_the_cell_with_the_least_loss_at_its_epoch(thirds):
    train, validation, test = thirds

    fitted = find_learner("network")(SETTINGS, 0).fit(
        train, watch=validation, choose=Choice.LOSS
    )

    cells = fit_cells(train, watch=validation, choose=Choice.LOSS)
    losses = [min(r.watched_loss for r in cell.history) for cell in cells]
    best = cells[int(np.argmin(losses))]
    assert fitted.score(test).tobytes() == best.score(test).tobytes()
    assert fitted.choices["bio_features"] == (2, 32)[int(np.argmin(losses))]
    assert fitted.choices["is_chosen"] == 1
    with pytest.raises(ValueError, match="validation rows chose the epoch"):
        fitted.score(test, epoch="last")


def test_without_validation_rows_held_out_of_the_training_choose_and_all_train(thirds):
    train, _, test = thirds

    fitted = find_learner("network")(SETTINGS, 0).fit(train, unit="trial")

    lengths = fitted.choices["bio_features"]
    whole = fit_cells(train)[(2, 32).index(lengths)]
    assert fitted.score(test, epoch="last").tobytes() == whole.score(test).tobytes()
    assert len(fitted.history) == 3


def test_what_was_chosen_is_fitted_again_with_its_lengths_and_steps(thirds):
    train, validation, test = thirds
    learner = find_learner("network")(SETTINGS, 0)

    chosen = learner.fit(train, watch=validation, choose=Choice.LOSS)
    fitted = learner.refit(test, plan=chosen.plan)

    network = NetworkSettings(
        batch_size=8,
        bio_features=int(chosen.choices["bio_features"]),
        steps=chosen.plan["steps"],
    )
    alone = NetworkLearner(network, 0).fit(test)
    assert fitted.score(train).tobytes() == alone.score(train).tobytes()
    assert fitted.choices == chosen.choices


def test_where_the_test_picks_the_epoch_the_last_epoch_has_a_choice_of_its_own(thirds):
    train, _, test = thirds

    fitted = find_learner("network")(SETTINGS, 0).fit(
        train, watch=test, choose=Choice.ACCURACY
    )

    alone = find_learner("network")(SETTINGS, 0).fit(train, unit="trial")
    last = fitted.score(test, epoch="last")
    assert last.tobytes() == alone.score(test, epoch="last").tobytes()
    assert fitted.choices["last bio_features"] == alone.choices["bio_features"]
