"""VGG-16: its layers, its arithmetic, its file."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from deepvanet.config import NetworkSettings
from deepvanet.learners.face_start import keep_face_weights, name_face_weights
from deepvanet.models.trunk_weights import VGG_16, find_kind, read_trunk
from deepvanet.models.vgg16 import Vgg16
from deepvanet.models.vgg_weights import list_shapes, open_vgg, read_vgg
from deepvanet.schema import UserError
from vgg_tensors import sample_vgg

PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
MAPS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
POOLED = (2, 7, 14, 21, 28)
"""Convolutions with a pooling behind them."""


def test_its_layers_have_the_published_names_and_shapes():
    shapes = list_shapes(64)

    n_in = 3
    for place, n_maps in zip(PLACES, MAPS, strict=True):
        assert shapes.pop(f"features.{place}.weight") == (n_maps, n_in, 3, 3)
        assert shapes.pop(f"features.{place}.bias") == (n_maps,)
        n_in = n_maps
    assert shapes == {
        "classifier.0.weight": (4096, 25_088),
        "classifier.0.bias": (4096,),
        "classifier.3.weight": (4096, 4096),
        "classifier.3.bias": (4096,),
    }


def test_it_has_138_million_numbers_without_those_of_the_last_layer():
    with torch.device("meta"):
        network = Vgg16()
        found = network(torch.zeros(2, 3, 224, 224))

    n_last = 4096 * 1000 + 1000
    assert sum(p.numel() for p in network.parameters()) + n_last == 138_357_544
    assert found.shape == (2, 4096)


def test_its_arithmetic_is_that_of_plain_functions():
    tensors = sample_vgg()
    pictures = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        found = open_vgg(tensors)(pictures)

    mean, spread = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    scaled = (pictures.double().numpy().transpose(0, 2, 3, 1) - mean) / spread
    maps = torch.from_numpy(scaled.transpose(0, 3, 1, 2))
    held = {name: tensor.double() for name, tensor in tensors.items()}
    for place in PLACES:
        weight, bias = held[f"features.{place}.weight"], held[f"features.{place}.bias"]
        maps = functional.conv2d(maps, weight, bias, padding=1).clamp(min=0)
        if place in POOLED:
            maps = functional.max_pool2d(maps, 2)
    values = maps.reshape(2, -1)
    for place in (0, 3):
        weight = held[f"classifier.{place}.weight"]
        values = (values @ weight.T + held[f"classifier.{place}.bias"]).clamp(min=0)
    assert values.std() > 0.1
    torch.testing.assert_close(found.double(), values, rtol=1e-4, atol=1e-4)


def test_a_file_is_read_without_its_last_layer_and_kept(tmp_path):
    path = tmp_path / "vgg16.safetensors"
    last = {"classifier.6.weight": torch.ones(3, 128)}
    save_file({**sample_vgg(), **last}, path)

    kept = keep_face_weights(tmp_path, path)
    named = name_face_weights(NetworkSettings(), path).face_weights

    assert find_kind(path) == find_kind(kept) == VGG_16
    assert read_vgg(kept).digest == read_vgg(path).digest == named
    assert read_vgg(kept).tensors.keys() == sample_vgg().keys()
    save_file(sample_vgg(seed=1), path)
    assert read_vgg(path).digest != named


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.pop("features.28.bias"),
            r"features.28.bias must have .* got none",
        ),
        (
            lambda t: t.update({"classifier.0.weight": torch.ones(4096, 3)}),
            r"classifier.0.weight must have shape \(128, 784\), got \(4096, 3\)",
        ),
        (
            lambda t: t.update({"features.0.weight": torch.ones(65, 3, 3, 3)}),
            r"features.0.weight must have shape \(64, 3, 3, 3\), got \(65, 3, 3, 3\)",
        ),
        (lambda t: t["features.2.bias"].fill_(torch.nan), r"must hold finite numbers"),
    ],
)
def test_a_file_of_another_network_is_refused(tmp_path, change, message):
    tensors = sample_vgg()
    change(tensors)
    path = tmp_path / "vgg16.safetensors"
    save_file(tensors, path)

    with pytest.raises(UserError, match=rf"not the weights of VGG-16: .*{message}"):
        read_vgg(path)


def test_a_state_dict_of_torch_is_refused_with_how_to_convert_it(tmp_path):
    path = tmp_path / "vgg16.pth"
    torch.save(sample_vgg(), path)

    with pytest.raises(UserError, match=r"VGG-16 is read from .* convert it by"):
        name_face_weights(NetworkSettings(), path)


def test_networks_that_need_a_face_trunk_refuse_it(tmp_path):
    path = tmp_path / "vgg16.safetensors"
    save_file(sample_vgg(), path)

    with pytest.raises(UserError, match=r"VGG-16, which only after-siddharth2019 can"):
        read_trunk(path)
