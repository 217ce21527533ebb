"""Steps that are missing in front of a piece change nothing of what an LSTM says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner
from deepvanet.schema import STREAM_SETS, Stream
from deepvanet.systems.after_anubhav2020 import LSTMOnTrials, measure_power
from deepvanet.systems.after_tang2017 import BimodalLSTM
from deepvanet.systems.sequences import align_steps
from small_store import hold, take_rows


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("sequences") / "store"
    store = tiny_store(path, n_subjects=2, n_trials=4, n_segments=12)
    return take_rows(store, STREAM_SETS["bio"])


def test_an_lstm_reads_a_padded_piece_as_it_is_without():
    lstm = nn.LSTM(3, 4, batch_first=True)
    whole, short = torch.randn(6, 3), torch.randn(2, 3)
    padded = torch.stack([whole, torch.cat([torch.zeros(4, 3), short])])

    steps = align_steps(padded)

    assert steps.length.tolist() == [6, 2]
    for place, piece in enumerate((whole, short)):
        wanted, _ = lstm(piece[None])
        torch.testing.assert_close(steps.find_last(lstm)[place], wanted[0, -1])
        given = steps.follow(lstm).numbers[place, : len(piece)]
        torch.testing.assert_close(given, wanted[0])


def test_a_piece_of_zeros_only_keeps_a_step():
    assert align_steps(torch.zeros(1, 5, 2)).length.tolist() == [1]


def test_networks_have_the_layers_that_their_modules_state():
    trial = {Stream.EEG: torch.randn(3, 60, 128)}
    bio = {
        Stream.EEG: torch.randn(3, 10, 128),
        Stream.PERIPHERAL: torch.randn(3, 10, 9),
    }
    on_trials = LSTMOnTrials(128, 1)
    bimodal = BimodalLSTM({Stream.EEG: 128, Stream.PERIPHERAL: 9}, 4)

    n_lstm = 4 * 128 * (128 + 128 + 2) + 4 * 64 * (128 + 64 + 2)
    assert count(on_trials) == n_lstm + 64 * 32 + 32 + 33
    assert on_trials(trial).shape == (3,)
    n_lstm = 4 * 64 * (128 + 64 + 2) + 4 * 64 * (9 + 64 + 2)
    assert count(bimodal) == n_lstm + 128 * 64 + 64 + 4 * 65
    assert bimodal(bio).shape == (3, 4)


def count(network):
    return sum(weights.numel() for weights in network.parameters())


def test_power_is_that_of_a_wave_in_its_band():
    time_s = np.arange(128) / 128
    waves = [np.sin(2 * np.pi * f * time_s) * a for f, a in ((6, 2), (10, 4), (20, 6))]
    eeg = np.stack(waves)[None].astype(np.float32)

    found = measure_power(hold({Stream.EEG: eeg})).reshape(3, 4)

    # a wave has half of its squared amplitude
    np.testing.assert_allclose(np.diag(found[:, :3]), np.log([2, 8, 18]), atol=0.01)
    assert (found[:, 3] < found.max(axis=1) - 4).all()


def test_a_trial_is_scored_alike_beside_longer_ones(rows):
    settings = NetworkSettings(epochs=1)
    is_short = (rows.trial > 0) | (rows.table["segment"] < 5).to_numpy()
    some = replace(rows.take(is_short), streams=(Stream.EEG,))
    fitted = find_learner("after-anubhav2020")(settings, 0).fit(
        some.take(some.table["segment"].to_numpy() < 5)
    )

    together, alone = fitted.score(some), fitted.score(some.take(some.trial == 0))

    np.testing.assert_allclose(together[some.trial == 0], alone, atol=1e-6)
    assert len(set(together)) == some.trial.max() + 1


def test_a_second_is_scored_by_it_and_the_nine_before(rows):
    fitted = find_learner("after-tang2017")(NetworkSettings(epochs=1), 0).fit(rows)
    first = rows.take(rows.trial == 0)

    whole = fitted.score(first)

    without = fitted.score(first.take(np.arange(2, 12)))  # the last has its nine
    np.testing.assert_allclose(without[-1], whole[-1], atol=1e-6)
    assert abs(without[-2] - whole[-2]) > 1e-7
    traits = find_learner("after-tang2017")(NetworkSettings(), 0).traits
    assert traits.spans_trial == (Stream.PERIPHERAL,)
    assert traits.describe() == "eeg with peripheral"
