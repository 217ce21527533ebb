"""A convolutional LSTM: memory that keeps the layout of the face.

An LSTM step with each matrix product replaced by a 2-D convolution [1]_, so
that a hidden unit still belongs to a place in the image.

References
----------
.. [1] Shi et al. (2015). Convolutional LSTM network. NeurIPS 28.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional as F


class ConvLSTM(nn.Module):
    """Summarise a clip of feature maps by its last hidden state.

    A convolution over the input beside the hidden state is the sum of one over
    each. The one over the input needs no memory, so all frames go through it in
    one call; the first frame has no hidden state to convolve.

    Parameters
    ----------
    in_channels, hidden_channels : int
        Maps per input frame, and in the hidden state.
    kernel_size : int
        Side of the square kernel in pixels; odd, so that maps keep their size.

    Examples
    --------
    >>> import torch
    >>> ConvLSTM(8, 16)(torch.zeros(2, 5, 8, 6, 6)).shape
    torch.Size([2, 16, 6, 6])
    """

    def __init__(
        self, in_channels: int, hidden_channels: int, *, kernel_size: int = 3
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        self.from_input = nn.Conv2d(
            in_channels, 4 * hidden_channels, kernel_size, padding="same"
        )
        self.from_hidden = nn.Conv2d(
            hidden_channels,
            4 * hidden_channels,
            kernel_size,
            padding="same",
            bias=False,
        )
        # drawn as the one convolution over both would draw them
        bound = ((in_channels + hidden_channels) * kernel_size**2) ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(
        self, clip: Float[Tensor, "batch frame channel height width"]
    ) -> Float[Tensor, "batch hidden height width"]:
        """Fold the frames into one state, from the first to the last."""
        # frame by frame: what belongs to one then lies together
        inputs = clip.transpose(0, 1)
        frames = _turn(_apply(self.from_input, inputs.flatten(0, 1)))
        first, *others = torch.unflatten(frames, 0, inputs.shape[:2]).unbind()
        hidden, cell = _update(first, first.new_zeros(()))
        for frame in others:
            update = _turn(_apply(self.from_hidden, hidden.permute(0, 3, 1, 2)))
            hidden, cell = _update(frame + update, cell)
        return hidden.permute(0, 3, 1, 2)


def _apply(
    convolution: nn.Conv2d, maps: Float[Tensor, "image map height width"]
) -> Float[Tensor, "image more height width"]:
    """Convolve; by a way that is faster back where bfloat16 is multiplied natively."""
    is_rounded = maps.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if is_rounded and torch.is_grad_enabled():
        return _convolve(maps, convolution.weight, convolution.bias)
    convolved: Tensor = convolution(maps)
    return convolved


class _Convolve(torch.autograd.Function):
    """Convolve, with the gradient of the weights as one matrix product.

    Half as long as what oneDNN makes of it in bfloat16, by a profile.
    """

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)  # type: ignore[untyped-decorator]
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(maps, weight)
        return F.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2)

    @staticmethod
    @custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = ctx.saved_tensors
        n_out, n_in, side, _ = weight.shape
        of_maps = of_bias = None
        if ctx.needs_input_grad[0]:
            of_maps = torch.ops.aten.convolution_backward(
                gradients[0],
                maps,
                weight,
                None,
                [1, 1],
                [side // 2] * 2,
                [1, 1],
                False,
                [0, 0],
                1,
                [True, False, False],
            )[0]
        by_place = _turn(gradients[0]).reshape(-1, n_out)
        product = by_place.t() @ _unfold(maps, side)
        of_weight = product.view(n_out, side, side, n_in).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[2]:
            exact = torch.promote_types(by_place.dtype, torch.float32)
            of_bias = by_place.sum(0, dtype=exact)
        return of_maps, of_weight, of_bias


_convolve: Callable[..., Tensor] = _Convolve.apply


def _unfold(
    maps: Float[Tensor, "image map height width"], side: int
) -> Float[Tensor, "place weight"]:
    """Return what lies under the kernel at each place, maps innermost."""
    height, width = maps.shape[2:]
    padded = F.pad(_turn(maps), (0, 0, *[side // 2] * 4))
    under = [
        padded[:, row : row + height, column : column + width]
        for row in range(side)
        for column in range(side)
    ]
    return torch.cat(under, dim=3).flatten(0, 2)


def _turn(
    maps: Float[Tensor, "batch map height width"],
) -> Float[Tensor, "batch height width map"]:
    """Let the maps come last, as they lie in memory on a CPU; gates are slices then."""
    return maps.permute(0, 2, 3, 1)


def _update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    # a cell adds up over time: float32 at least
    gates = gates.to(torch.promote_types(gates.dtype, torch.float32))
    # the gate order of torch.nn.LSTM, so that a test can compare the two
    write, keep, candidate, show = gates.chunk(4, dim=-1)
    cell = keep.sigmoid() * cell + write.sigmoid() * candidate.tanh()
    return show.sigmoid() * cell.tanh(), cell
