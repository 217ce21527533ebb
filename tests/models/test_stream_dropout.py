"""Tests of networks that lose streams in training and answer without them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepvanet.config import NetworkSettings
from deepvanet.learners.network import NetworkLearner, load_network
from deepvanet.models.feature_fusion import build_network
from deepvanet.models.stream_dropout import (
    PartialNetwork,
    StreamDropout,
    sample_present,
)
from deepvanet.schema import PAPER_STREAMS, STREAM_SETS, Stream
from small_store import hold, take_rows

SHAPES = {
    Stream.FACE: (2, 3, 24, 24),
    Stream.EEG: (3, 128),
    Stream.PERIPHERAL: (2, 128),
}
QUICK = NetworkSettings(epochs=4, batch_size=8, precision="float32")
SUBSETS = pytest.mark.parametrize("streams", STREAM_SETS)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network(SHAPES).eval()


def sample_inputs(n_rows=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {s: torch.rand(n_rows, *SHAPES[s], generator=generator) for s in SHAPES}


@pytest.fixture(scope="module")
def fits(tiny_store, tmp_path_factory):
    """A store, and the same network trained with and without stream dropout."""
    folder = tmp_path_factory.mktemp("dropout")
    store = tiny_store(folder / "store", n_trials=8, images=(2, 24))
    rows = take_rows(store)
    plain = NetworkLearner(QUICK, 0).fit(rows)
    losing = NetworkLearner(QUICK, 0, stream_dropout=0.4).fit(rows)
    return rows, plain, losing


@SUBSETS
def test_what_is_missing_makes_no_difference_however_loud(network, streams):
    within = PartialNetwork(network, STREAM_SETS[streams])
    inputs, loud = sample_inputs(), sample_inputs(seed=1)
    changed = {
        s: inputs[s] if s in STREAM_SETS[streams] else 100 * loud[s] for s in inputs
    }

    torch.testing.assert_close(within(inputs), within(changed), rtol=0, atol=0)
    for stream in STREAM_SETS[streams]:
        other = {**inputs, stream: loud[stream]}
        assert not torch.equal(within(inputs), within(other))


@SUBSETS
def test_features_of_an_encoder_without_streams_are_zero(network, streams):
    inputs = sample_inputs()
    present = {s: torch.full((5,), s in STREAM_SETS[streams]) for s in PAPER_STREAMS}

    features = network.encode(inputs, present)

    for name, reads in network.reads.items():
        is_there = bool(set(reads) & set(STREAM_SETS[streams]))
        assert features[name].any() == is_there


def test_rows_lose_streams_one_by_one_as_if_each_were_alone(network):
    inputs = sample_inputs(n_rows=16)
    present = sample_present(network.streams, 16, 0.5)

    together = network(inputs, present)

    for row in range(16):
        there = [s for s in network.streams if present[s][row]]
        alone = {s: tensor[row : row + 1] for s, tensor in inputs.items()}
        wanted = PartialNetwork(network, there)(alone)
        torch.testing.assert_close(together[row : row + 1], wanted)


def test_streams_are_lost_as_often_as_asked_for_and_never_all():
    torch.manual_seed(0)

    kept = torch.stack(list(sample_present(PAPER_STREAMS, 200_000, 0.3).values()))

    assert kept.any(dim=0).all()
    # a row that would lose all three keeps them
    wanted = 0.7 + 0.3**3
    assert kept.double().mean(dim=1) == pytest.approx([wanted] * 3, abs=0.01)


def test_all_streams_are_there_once_training_is_over(network):
    losing = StreamDropout(network, 0.5).eval()

    torch.testing.assert_close(losing(sample_inputs()), network(sample_inputs()))


def test_weights_have_the_names_that_they_have_without(fits):
    _, plain, losing = fits

    assert list(plain.chosen.state_dict()) == list(losing.chosen.state_dict())


@SUBSETS
def test_a_network_that_loses_streams_answers_from_what_is_left(fits, streams):
    rows, _, losing = fits
    there = STREAM_SETS[streams]

    score = losing.find_logits(replace(rows, streams=there)) > 0

    assert (score == rows.label).mean() > 0.8
    arrays = {stream: rows.read(stream) for stream in there}
    np.testing.assert_allclose(
        losing.find_logits(hold(arrays)),
        losing.find_logits(replace(rows, streams=there)),
        atol=1e-6,
    )


def test_a_network_that_lost_none_refuses_to_do_without(fits):
    rows, plain, _ = fits

    with pytest.raises(ValueError, match="cannot do without face"):
        plain.find_logits(replace(rows, streams=(Stream.EEG, Stream.PERIPHERAL)))


def test_a_saved_network_knows_that_it_can_do_without(fits, tmp_path):
    rows, plain, losing = fits
    losing.save(tmp_path / "losing")
    plain.save(tmp_path / "plain")

    loaded = load_network(tmp_path / "losing")

    there = replace(rows, streams=(Stream.PERIPHERAL,))
    np.testing.assert_array_equal(loaded.find_logits(there), losing.find_logits(there))
    written = [
        json.loads((tmp_path / name / "learner.json").read_text())
        for name in ("losing", "plain")
    ]
    assert written[0]["stream_dropout"] == 0.4
    assert "stream_dropout" not in written[1]
