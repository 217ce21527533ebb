"""Tests of :mod:`deepvanet.models`: all networks, against the paper's numbers."""

import csv
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from deepvanet.models import encoders
from deepvanet.models.checkpoint import Architecture, read_network, write_network
from deepvanet.models.feature_fusion import build_network, group_streams
from deepvanet.models.trunk import Trunk
from deepvanet.schema import (
    PAPER_STREAMS,
    STREAM_SETS,
    Stream,
    UserError,
    parse_streams,
)

with (Path(__file__).parents[2] / "docs" / "parameters.csv").open() as _file:
    COUNTS = list(csv.DictReader(_file))
SHAPES = {
    Stream.FACE: (5, 3, 64, 64),
    Stream.EEG: (32, 128),
    Stream.PERIPHERAL: (8, 128),
    Stream.GAZE: (5, 128),
}
BY_SET = pytest.mark.parametrize("streams", STREAM_SETS.values(), ids=STREAM_SETS)


@pytest.fixture(autouse=True)
def seeded():
    """Draw the same numbers, on one thread: two that wait for each other cost more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def build(streams, **options):
    return build_network({stream: SHAPES[stream] for stream in streams}, **options)


def sample_inputs(streams, n_rows=3):
    return {stream: torch.rand(n_rows, *SHAPES[stream]) for stream in streams}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: "-".join(row.values()))
def test_parameters_are_as_many_as_the_papers(row):
    n_channels = {"eeg": int(row["n_eeg"]), "peripheral": int(row["n_peripheral"])}
    shapes = {
        stream: (n_channels[stream], 128) if stream in n_channels else SHAPES[stream]
        for stream in STREAM_SETS[row["streams"]]
    }

    network = build_network(shapes)

    face = network.encoders["face"] if "face" in row["streams"] else None
    part = network if row["part"] == "network" else getattr(face, row["part"])
    assert count(part) == int(row["parameters"])


@pytest.mark.parametrize(
    ("streams", "n_parameters"),
    [("gaze", 65_105), ("bio+gaze", 134_369), ("face+bio+gaze", 1_481_841)],
)
def test_a_further_stream_of_signals_has_an_encoder_of_its_own(streams, n_parameters):
    network = build(parse_streams(streams))

    assert count(network) == n_parameters
    assert network.reads["gaze"] == (Stream.GAZE,)


def test_features_of_faces_are_averaged_over_steps():
    network = build_network({Stream.FACE_FEATURES: (20, 5)}).eval()
    read = torch.rand(2, 20, 5)

    assert count(network) == 20 * 64 + 64 + 64 * 20 + 20 + 21
    turned = network({Stream.FACE_FEATURES: read.flip(2)})
    assert torch.allclose(turned, network({Stream.FACE_FEATURES: read}))


def test_the_table_of_parameters_has_every_stream_set():
    assert {row["streams"] for row in COUNTS} == set(STREAM_SETS)


def test_the_trunk_gives_six_by_six_maps():
    trunk = Trunk()

    assert trunk(torch.zeros(2, 3, 64, 64)).shape == (2, 128, 6, 6)
    # with the 4608-1000-2 head of a pretraining on single images
    head = nn.Sequential(nn.Linear(4608, 1000), nn.Linear(1000, 2))
    assert count(trunk) + count(head) == 4_704_250


def test_the_bio_maps_are_eight_by_120():
    bio = build(STREAM_SETS["bio"]).encoders["bio"]
    assert bio.linear.in_features == 8 * 120
    assert [layer.out_channels for layer in bio.layers[::3]] == [24, 16, 8]


@BY_SET
def test_features_are_16_of_the_face_and_64_of_bio(streams):
    network = build(streams)

    shapes = {
        name: tuple(features.shape)
        for name, features in network.encode(sample_inputs(streams)).items()
    }

    expected = {"face": (3, 16), "bio": (3, 64)}
    assert shapes == {name: expected[name] for name in group_streams(streams)}
    assert network(sample_inputs(streams)).shape == (3,)


@BY_SET
def test_every_stream_moves_the_logits_and_the_order_of_the_mapping_does_not(streams):
    network = build(streams).eval()
    inputs = sample_inputs(streams)
    backwards = build(streams[::-1]).eval()
    backwards.load_state_dict(network.state_dict())

    logits = network(inputs)

    assert torch.equal(backwards(inputs), logits)
    for stream in streams:
        assert not torch.equal(network({**inputs, stream: inputs[stream] + 1}), logits)


def test_sizes_of_features_images_and_signals_are_free():
    shapes = {Stream.FACE: (3, 3, 48, 56), Stream.EEG: (14, 256)}

    network = build_network(shapes, face_features=32, bio_features=128)

    inputs = {stream: torch.rand(2, *shape) for stream, shape in shapes.items()}
    assert [f.shape[1] for f in network.encode(inputs).values()] == [32, 128]


def test_no_stream_is_refused():
    with pytest.raises(ValueError, match="at least one stream"):
        build_network({})


def run_as_the_paper_says(weights, face, bio):
    """Run the network written out literally: NCHW, one frame at a time."""
    conv, norm = nn.functional.conv2d, nn.functional.batch_norm
    hidden = cell = torch.zeros(len(face), 128, 6, 6, dtype=face.dtype)
    w = {name.removeprefix("encoders."): weight for name, weight in weights.items()}
    both = torch.cat(
        [w["face.memory.from_input.weight"], w["face.memory.from_hidden.weight"]], dim=1
    )
    for frame in face.unbind(dim=1):
        maps = frame
        for layer, padding in ((0, 0), (3, 0), (6, 1)):
            name = f"face.trunk.{layer}"
            maps = conv(maps, w[f"{name}.weight"], w[f"{name}.bias"], padding=padding)
            maps = nn.functional.max_pool2d(maps.relu(), 3, stride=2)
        gates = conv(
            torch.cat([maps, hidden], dim=1),
            both,
            w["face.memory.from_input.bias"],
            padding=1,
        )
        i, f, g, o = gates.chunk(4, dim=1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * cell.tanh()
    from_face = hidden.flatten(1) @ w["face.linear.weight"].T + w["face.linear.bias"]
    for layer in (0, 3, 6):
        name, after = f"bio.layers.{layer}", f"bio.layers.{layer + 1}"
        bio = nn.functional.conv1d(bio, w[f"{name}.weight"], w[f"{name}.bias"])
        scale, shift = w[f"{after}.weight"], w[f"{after}.bias"]
        bio = norm(bio, None, None, scale, shift, training=True).relu()
    from_bio = bio.flatten(1) @ w["bio.linear.weight"].T + w["bio.linear.bias"]
    features = torch.cat([from_face, from_bio], dim=1)
    units = (features @ w["head.0.weight"].T + w["head.0.bias"]).relu()
    return (units @ w["head.3.weight"].T + w["head.3.bias"]).squeeze(1)


def test_logits_and_gradients_are_those_of_the_literal_network():
    network = build(PAPER_STREAMS, dropout=0.0)
    inputs = sample_inputs(PAPER_STREAMS, n_rows=8)
    inputs[Stream.EEG] -= 0.5
    label = torch.tensor([0.0, 1.0] * 4)
    weights = dict(network.named_parameters())
    bio = torch.cat([inputs[Stream.EEG], inputs[Stream.PERIPHERAL]], dim=1)

    ours = network(inputs)
    literal = run_as_the_paper_says(weights, inputs[Stream.FACE], bio)

    torch.testing.assert_close(ours, literal, rtol=1e-5, atol=1e-6)
    loss = nn.functional.binary_cross_entropy_with_logits(ours, label)
    literal_loss = nn.functional.binary_cross_entropy(literal.sigmoid(), label)
    for name, one, other in zip(
        weights,
        torch.autograd.grad(loss, list(weights.values())),
        torch.autograd.grad(literal_loss, list(weights.values())),
        strict=True,
    ):
        # a bias before batch normalisation has no gradient but rounding
        gap = torch.linalg.vector_norm(one - other)
        assert gap <= 1e-5 * torch.linalg.vector_norm(other) + 1e-7, name


@BY_SET
def test_a_written_network_comes_back(streams, tmp_path):
    recipe = Architecture(
        {s: SHAPES[s] for s in streams}, face_features=4, bio_features=8
    )
    network = recipe.build().eval()
    inputs = sample_inputs(streams)

    write_network(tmp_path, network, recipe)
    again, read_recipe = read_network(tmp_path)

    assert read_recipe == recipe
    assert torch.equal(again.eval()(inputs), network(inputs))


@pytest.fixture
def folder(tmp_path):
    recipe = Architecture({Stream.PERIPHERAL: (2, 16)})
    write_network(tmp_path, recipe.build(), recipe)
    return tmp_path


def test_truncated_weights_are_named(folder):
    file = folder / "network.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(UserError, match="weights are damaged"):
        read_network(folder)


def test_weights_of_another_network_are_named(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    recipe = Architecture({Stream.PERIPHERAL: (3, 16)})
    write_network(other, recipe.build(), recipe)
    (other / "network.safetensors").replace(folder / "network.safetensors")
    with pytest.raises(UserError, match="weights are damaged"):
        read_network(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "x"}', '{"format": "deepvanet-network-1"}']
)
def test_a_recipe_that_is_none_is_named(folder, text):
    (folder / "network.json").write_text(text)
    with pytest.raises(UserError, match="not a saved network"):
        read_network(folder)


def test_a_folder_without_network_is_named(tmp_path):
    with pytest.raises(UserError, match=r"not a saved network.*network\.json"):
        read_network(tmp_path)


def test_a_saved_recipe_is_plain_json(folder):
    values = json.loads((folder / "network.json").read_text())
    assert values["shapes"] == {"peripheral": [2, 16]}


def test_faces_that_are_encoded_in_parts_have_the_same_loss_and_gradients(monkeypatch):
    network = build((Stream.FACE, Stream.EEG), dropout=0.0).train()
    inputs = sample_inputs((Stream.FACE, Stream.EEG), n_rows=6)

    def measure():
        network.zero_grad()
        loss = network(inputs).square().mean()
        loss.backward()
        return loss.item(), [p.grad.clone() for p in network.parameters()]

    whole, wanted = measure()
    monkeypatch.setattr(encoders, "MOST_IMAGES", 10)
    monkeypatch.setattr(encoders, "IMAGES_OF_A_PART", 10)
    in_parts, found = measure()

    assert in_parts == pytest.approx(whole, rel=1e-5)
    for mine, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-6)
