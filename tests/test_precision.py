"""Tests that bfloat16 is faster arithmetic of the same science, and only the face's."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import to_network
from deepvanet.learners.network import NetworkLearner
from deepvanet.learners.repeatable import settle_machine, use_threads
from deepvanet.learners.scaling import fit_scaling
from deepvanet.models.feature_fusion import build_network
from deepvanet.results import open_run
from deepvanet.schema import BIO, PAPER_STREAMS, Stream, UserError
from small_store import hold, take_rows

SHAPES = {
    Stream.FACE: (5, 3, 64, 64),
    Stream.EEG: (32, 128),
    Stream.PERIPHERAL: (8, 128),
}


@pytest.fixture
def pair():
    """The same network in float32 and in bfloat16, and what both are given."""
    torch.manual_seed(0)
    one, other = (
        build_network(SHAPES, dropout=0.0, precision=precision)
        for precision in ("float32", "bfloat16")
    )
    other.load_state_dict(one.state_dict())
    inputs = {stream: torch.rand(16, *shape) for stream, shape in SHAPES.items()}
    return one, other, inputs


def find_gradients(network, inputs):
    label = torch.tensor([0.0, 1.0] * 8)
    loss = F.binary_cross_entropy_with_logits(network(inputs), label)
    return dict(
        zip(
            (name for name, _ in network.named_parameters()),
            torch.autograd.grad(loss, list(network.parameters())),
            strict=True,
        )
    )


def test_features_of_the_face_are_rounded_and_those_of_signals_are_the_same(pair):
    one, other, inputs = pair

    exact, rounded = one.encode(inputs), other.encode(inputs)

    assert torch.equal(rounded["bio"], exact["bio"])
    assert not torch.equal(rounded["face"], exact["face"])
    torch.testing.assert_close(rounded["face"], exact["face"], rtol=0.02, atol=2e-3)
    assert rounded["face"].dtype == torch.float32


@pytest.mark.slow
def test_weights_and_gradients_are_float32_and_point_the_same_way(pair):
    one, other, inputs = pair

    exact, rounded = find_gradients(one, inputs), find_gradients(other, inputs)

    for name, gradient in rounded.items():
        assert gradient.dtype == other.get_parameter(name).dtype == torch.float32
        if not name.startswith("encoders.bio"):
            alike = F.cosine_similarity(
                gradient.flatten(), exact[name].flatten(), dim=0
            )
            assert alike > 0.95, name  # a rounded map may pool another place


def test_a_network_comes_back_in_its_precision(tiny_store, tmp_path):
    rows = take_rows(tiny_store(tmp_path / "store"), (Stream.FACE,)).take(np.arange(8))
    settings = NetworkSettings(epochs=1, precision="bfloat16")

    fitted = NetworkLearner(settings, seed=0).fit(rows)

    assert fitted.recipe.precision == "bfloat16"
    assert fitted.chosen.encoders["face"].in_bfloat16


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_done_once_for_all_calls_changes_no_bit_of_a_score(
    tiny_store, tmp_path, precision
):
    rows = take_rows(tiny_store(tmp_path / "store"), PAPER_STREAMS).take(np.arange(8))
    settings = NetworkSettings(epochs=1, precision=precision)
    fitted = NetworkLearner(settings, seed=0).fit(rows)
    before = copy.deepcopy(fitted.chosen.state_dict())
    inputs = to_network(open_rows(rows, fit_scaling(rows))(np.arange(8)))
    with torch.inference_mode(), use_threads(fitted.threads):
        each = fitted.chosen(inputs)

    arrays = {stream: rows.read(stream, np.arange(8)) for stream in PAPER_STREAMS}
    logits = fitted.find_logits(hold(arrays))

    assert logits.tolist() == each.tolist()
    for name, weights in fitted.chosen.state_dict().items():
        assert torch.equal(weights, before[name])


def test_signals_come_to_the_same_bytes_in_any_precision(tiny_store, tmp_path):
    rows = take_rows(tiny_store(tmp_path / "store"), BIO)

    scores = [
        NetworkLearner(NetworkSettings(epochs=2, precision=p), seed=0)
        .fit(rows)
        .score(rows)
        for p in ("float32", "bfloat16")
    ]

    assert np.array_equal(*scores)


def test_what_auto_came_to_is_written_with_a_run(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store")
    settings = EvaluateSettings(
        targets=("valence",),
        streams=("bio",),
        folds=3,
        network=NetworkSettings(epochs=1),
    )

    evaluate(store.path, tmp_path / "run", settings=settings, execution=Execution())

    there = open_run(tmp_path / "run").settings["evaluate"]["network"]
    assert there["precision"] == settle_machine(settings.network).precision
    assert there["precision"] in ("float32", "bfloat16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said():
    with pytest.raises(UserError, match="device: torch finds no CUDA device"):
        settle_machine(NetworkSettings(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_learns_what_the_processor_learns(tiny_store, tmp_path):
    rows = take_rows(tiny_store(tmp_path / "store", effect=3.0), PAPER_STREAMS)
    settings = NetworkSettings(epochs=3, precision="float32", dropout=0.0)

    here, there = (
        NetworkLearner(replace(settings, device=device), seed=0).fit(rows).score(rows)
        for device in ("cpu", "cuda")
    )

    np.testing.assert_allclose(there, here, atol=0.02)


@pytest.mark.long
def test_what_is_learned_differs_by_less_than_from_seed_to_seed(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_trials=24, n_segments=2, effect=0.25)
    rows = take_rows(store, (Stream.FACE,))
    train, test = (rows.take(rows.trial % 2 == half) for half in (0, 1))
    accuracy = {
        precision: [
            np.mean(
                (
                    NetworkLearner(
                        NetworkSettings(epochs=6, batch_size=16, precision=precision),
                        seed,
                    )
                    .fit(train)
                    .score(test)
                    > 0.5
                )
                == test.label
            )
            for seed in range(5)
        ]
        for precision in ("float32", "bfloat16")
    }

    gap = np.mean(accuracy["float32"]) - np.mean(accuracy["bfloat16"])
    assert np.mean(accuracy["float32"]) > 0.6  # there was something to learn
    # both may be right everywhere, whatever the seed
    assert abs(gap) <= np.std(accuracy["float32"], ddof=1), accuracy
