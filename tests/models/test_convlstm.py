"""Tests of :mod:`deepvanet.models.convlstm`."""

import pytest
import torch
from torch import nn

from deepvanet.models.convlstm import ConvLSTM
from deepvanet.models.kernels import convolve_by_product


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def fold_as_the_textbook_does(convlstm, clip):
    """Convolve input and hidden state together, at every frame, from zeros."""
    weight = torch.cat([convlstm.from_input.weight, convlstm.from_hidden.weight], dim=1)
    batch, _, _, *sides = clip.shape
    hidden = cell = clip.new_zeros(batch, weight.shape[0] // 4, *sides)
    for frame in clip.unbind(dim=1):
        both = torch.cat([frame, hidden], dim=1)
        gates = nn.functional.conv2d(
            both, weight, convlstm.from_input.bias, padding="same"
        )
        i, f, g, o = gates.chunk(4, dim=1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
    return hidden


def test_one_pixel_clip_is_an_ordinary_lstm():
    """On 1x1 maps with a 1x1 kernel the two are the same function."""
    lstm, convlstm = nn.LSTM(3, 5, batch_first=True), ConvLSTM(3, 5, kernel_size=1)
    with torch.no_grad():
        convlstm.from_input.weight.copy_(lstm.weight_ih_l0[..., None, None])
        convlstm.from_hidden.weight.copy_(lstm.weight_hh_l0[..., None, None])
        convlstm.from_input.bias.copy_(lstm.bias_ih_l0 + lstm.bias_hh_l0)
    clip = torch.randn(2, 4, 3)

    states, _ = lstm(clip)

    torch.testing.assert_close(
        convlstm(clip[..., None, None]), states[:, -1, :, None, None]
    )


@pytest.mark.parametrize("n_frames", [1, 2, 5])
def test_state_and_gradients_are_those_of_the_concatenating_cell(n_frames):
    convlstm = ConvLSTM(4, 6).double()
    clip = torch.randn(3, n_frames, 4, 6, 6, dtype=torch.double)
    parameters = [convlstm.from_input.weight, convlstm.from_input.bias]

    ours, textbook = convlstm(clip), fold_as_the_textbook_does(convlstm, clip)

    torch.testing.assert_close(ours, textbook, rtol=1e-12, atol=1e-12)
    for one, other in zip(
        torch.autograd.grad(ours.square().sum(), parameters),
        torch.autograd.grad(textbook.square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("has_bias", [True, False])
def test_gradients_by_one_product_are_those_of_small_differences(has_bias):
    maps = torch.randn(2, 3, 4, 5, dtype=torch.double, requires_grad=True)
    weight = torch.randn(6, 3, 3, 3, dtype=torch.double, requires_grad=True)
    bias = torch.randn(6, dtype=torch.double, requires_grad=True) if has_bias else None

    assert torch.autograd.gradcheck(convolve_by_product, (maps, weight, bias))


def test_gradients_in_bfloat16_are_those_of_the_textbook_but_for_rounding():
    convlstm, clip = ConvLSTM(16, 16), torch.randn(8, 5, 16, 6, 6, requires_grad=True)
    asked = [clip, *convlstm.parameters()]

    with torch.autocast("cpu", torch.bfloat16):
        ours = convlstm(clip)
    textbook = fold_as_the_textbook_does(convlstm, clip)

    for one, other in zip(
        torch.autograd.grad(ours.square().sum(), asked),
        torch.autograd.grad(textbook.square().sum(), asked),
        strict=True,
    ):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 0.02 * other.norm()


def test_the_papers_size_has_one_set_of_biases():
    assert sum(p.numel() for p in ConvLSTM(128, 128).parameters()) == 1_180_160


def test_first_weights_have_the_spread_of_one_convolution_over_both():
    convlstm = ConvLSTM(24, 8)
    both = nn.Conv2d(32, 32, 3)

    for parameter in convlstm.parameters():
        assert parameter.abs().max() <= (32 * 9) ** -0.5
    assert convlstm.from_input.weight.std().item() == pytest.approx(
        both.weight.std().item(), rel=0.05
    )


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match="must be odd, got 4"):
        ConvLSTM(3, 5, kernel_size=4)
