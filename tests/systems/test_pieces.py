"""Pieces join rows that were handed in, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepvanet.config import NetworkSettings, Segmenting
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.making import find_learner
from deepvanet.learners.pieces import (
    NOTHING,
    count_joined,
    cut_contexts,
    cut_trials,
    cut_windows,
)
from deepvanet.learners.scaling import fit_scaling
from deepvanet.schema import STREAM_SETS, Stream
from deepvanet.store import open_store
from deepvanet.systems.alhagry2017 import LSTMOnSignals
from deepvanet.systems.schedule import Schedule
from deepvanet.systems.warn_once import warn_once
from small_store import take_rows


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("pieces") / "store"
    return tiny_store(path, n_subjects=2, n_trials=4, n_segments=12)


@pytest.fixture(scope="module")
def rows(store):
    return take_rows(store, STREAM_SETS["eeg"])


def test_windows_follow_each_other_and_the_last_one_reaches_back(rows):
    first = rows.take(rows.trial == 0)

    pieces = cut_windows(first, count_joined(first, 5.0))

    assert pieces.members.tolist() == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [7, 8, 9, 10, 11],
    ]
    assert pieces.piece_of.tolist() == [0] * 5 + [1] * 5 + [2] * 2


def test_a_window_holds_nothing_of_rows_that_were_not_handed_in(rows):
    some = rows.take(np.isin(np.arange(len(rows)), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]))

    pieces = cut_windows(some, 5)

    assert pieces.members.tolist() == [
        [NOTHING, NOTHING, 0, 1, 2],
        [3, 4, 5, 6, 7],
        [5, 6, 7, 8, 9],
    ]


def test_windows_of_shuffled_rows_are_those_of_rows_in_order(rows):
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = rows.take(order)

    mixed, plain = cut_windows(shuffled, 5), cut_windows(rows, 5)

    named = {tuple(order[piece]) for piece in mixed.members}
    assert named == {tuple(piece) for piece in plain.members}
    np.testing.assert_array_equal(
        order[mixed.members[mixed.piece_of]],
        plain.members[plain.piece_of][order],
    )


def test_a_context_ends_with_its_row(rows):
    first = rows.take(rows.trial == 0)

    pieces = cut_contexts(first, 3)

    assert pieces.members[:4].tolist() == [
        [NOTHING, NOTHING, 0],
        [NOTHING, 0, 1],
        [0, 1, 2],
        [1, 2, 3],
    ]
    assert pieces.piece_of.tolist() == list(range(12))


def test_a_trial_is_one_piece_however_its_rows_lie(rows):
    some = rows.take(rows.table["segment"].isin([0, 3, 7]).to_numpy())

    pieces = cut_trials(some, 4)

    assert pieces.members.shape == (8, 4)
    assert (pieces.members[:, 0] == NOTHING).all()
    np.testing.assert_array_equal(pieces.spread(np.arange(8)), some.trial)


@pytest.mark.parametrize("segmenting", [Segmenting(2.0, 2.0), Segmenting(1.0, 0.5)])
def test_rows_that_are_no_seconds_or_overlap_are_pieces_themselves(store, segmenting):
    cut = open_store(store.path).cut(segmenting)

    assert count_joined(take_rows(cut, STREAM_SETS["eeg"]), 5.0) == 1


def test_gathered_pieces_are_the_rows_side_by_side_and_zero_where_none_is(rows):
    some = rows.take(np.array([0, 1, 2]))
    scalings = fit_scaling(some)
    fetch = open_rows(some, scalings)

    found = cut_windows(some, 5).gather(fetch)(np.array([0]))[Stream.EEG]

    assert found.shape[:2] == (1, 5)
    assert not found[0, :2].any()
    assert torch.equal(found[0, 2:], fetch(np.arange(3))[Stream.EEG])


def test_rows_of_a_piece_share_its_prediction(rows):
    settings = NetworkSettings(epochs=1)
    fitted = find_learner("alhagry2017")(settings, 0).fit(rows)

    scores = fitted.score(rows)

    pieces = cut_windows(rows, 5)
    assert all(len(set(scores[pieces.piece_of == k])) == 1 for k in range(len(pieces)))
    assert len(set(scores)) == len(pieces)


def test_a_trial_that_is_shorter_than_a_piece_is_read_whole_and_said(rows, caplog):
    short = rows.take((rows.table["segment"] < 3).to_numpy())
    warn_once.cache_clear()

    fitted = find_learner("alhagry2017")(NetworkSettings(epochs=1), 0).fit(short)

    assert "alhagry2017: reads 5 s at once, but training has no more than 3 s" in (
        caplog.text
    )
    assert len(set(fitted.score(short))) == 8


def test_the_lstm_on_signals_has_the_weights_of_its_layers():
    network = LSTMOnSignals(32, 1)

    n_first, n_second = 4 * 64 * (32 + 64 + 2), 4 * 32 * (64 + 32 + 2)
    assert sum(p.numel() for p in network.parameters()) == n_first + n_second + 33
    assert network({Stream.EEG: torch.zeros(2, 5, 32, 128)}).shape == (2,)


def test_a_schedule_gives_way_to_what_was_asked_for():
    own = Schedule(70, 200, learning_rate=1e-4, small_epochs=5)
    small = NetworkSettings(size="small")

    assert own.settle(small).epochs == 5
    assert own.settle(replace(small, epochs=9, batch_size=4)).batch_size == 4
    assert own.settle(replace(small, epochs=9)).learning_rate == 1e-4
