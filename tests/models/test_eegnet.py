"""Tests of EEGNet, against the numbers of its paper."""

import numpy as np
import pytest
import torch

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner
from deepvanet.models.eegnet import EEGNet
from deepvanet.schema import Stream
from small_store import take_rows


@pytest.mark.parametrize(("n_channels", "count"), [(32, 1681), (14, 1393), (64, 2193)])
def test_the_parameters_are_those_of_the_paper_s_table(n_channels, count):
    network = EEGNet(n_channels, 128)

    # F1 64 + C D F1 + 16 D F1 + F2 D F1, two of each norm, the dense layer's and a bias
    convolutions = 8 * 64 + n_channels * 16 + 16 * 16 + 16 * 16
    assert convolutions + 2 * (8 + 16 + 16) + 16 * (128 // 32) + 1 == count
    assert sum(p.numel() for p in network.parameters()) == count


def test_each_layer_has_the_shape_of_the_paper_s_table():
    network = EEGNet(32, 128).eval()
    seen = {}
    for name in ("temporal", "spatial", "separable", "pointwise"):
        getattr(network, name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.update({name: tuple(out.shape[1:])})
        )

    logits = network({Stream.EEG: torch.zeros(3, 32, 128)})

    assert logits.shape == (3,)
    assert seen == {
        "temporal": (8, 32, 128),
        "spatial": (16, 1, 128),
        "separable": (16, 1, 32),
        "pointwise": (16, 1, 32),
    }


@pytest.mark.parametrize("epoch", ["chosen", "last"])
def test_weights_are_within_the_paper_s_limits_after_the_last_step(
    tiny_store, tmp_path, epoch
):
    store = tiny_store(tmp_path / "store", n_segments=2, streams=[Stream.EEG])
    rows = take_rows(store, [Stream.EEG])
    settings = NetworkSettings(epochs=2, batch_size=8, learning_rate=0.5)

    network = getattr(find_learner("eegnet")(settings, 0).fit(rows), epoch)

    # a step of 0.5 a weight goes far beyond both limits
    spatial = network.spatial.weight.flatten(1).norm(dim=1)
    assert spatial.max().item() == pytest.approx(1.0, abs=1e-4)
    assert network.dense.weight.norm().item() == pytest.approx(0.25, abs=1e-4)


def test_a_pass_through_the_network_changes_no_weight():
    network = EEGNet(8, 128).train()
    with torch.no_grad():
        network.spatial.weight.mul_(100)
    before = network.spatial.weight.clone()

    network({Stream.EEG: torch.randn(4, 8, 128)})

    assert torch.equal(network.spatial.weight, before)


def test_what_plainly_shows_is_learned_and_the_same_seed_gives_the_same(
    tiny_store, tmp_path
):
    store = tiny_store(
        tmp_path / "store", n_segments=6, streams=[Stream.EEG], effect=2.0
    )
    rows = take_rows(store, [Stream.EEG])
    long, short = (NetworkSettings(epochs=n, batch_size=16) for n in (20, 3))
    learned = find_learner("eegnet")(long, 0).fit(rows)

    first, same, other = (
        find_learner("eegnet")(short, seed).fit(rows) for seed in (0, 0, 1)
    )

    assert ((learned.score(rows) > 0.5) == rows.label).mean() > 0.9
    assert np.array_equal(first.score(rows), same.score(rows))
    assert not np.array_equal(first.score(rows), other.score(rows))
