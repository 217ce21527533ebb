"""The convolutions over single images, and how they are worked through.

Each of the three is a convolution, a pooling and a ReLU. Done one after another on
a whole batch, they write and read back hundreds of megabytes that nobody looks at
again; here a few images go through all three while they lie in the cache, and of a
convolution only what its pooling chose is kept for the way back.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional as F

LAYERS = ((32, 0), (64, 0), (128, 1))
"""Maps and padding of the three 3x3 convolutions over an image."""

IMAGES_AT_ONCE = 16
"""A constant, since the last digits change with it; the fastest of 4 to 64."""

POOL, STRIDE = 3, 2


class Trunk(nn.Sequential):
    """Images to maps: (3, 64, 64) to (128, 6, 6).

    Pooling stands before the ReLU: the two commute, and it is then computed on a
    quarter of the numbers.
    """

    def __init__(self, n_colours: int = 3) -> None:
        layers: list[nn.Module] = []
        n_maps = n_colours
        for n_next, padding in LAYERS:
            layers += [
                nn.Conv2d(n_maps, n_next, 3, padding=padding),
                nn.MaxPool2d(POOL, stride=STRIDE),
                nn.ReLU(),
            ]
            n_maps = n_next
        super().__init__(*layers)

    def forward(
        self, images: Float[Tensor, "image colour height width"]
    ) -> Float[Tensor, "image map row column"]:
        """Return the maps of each image."""
        if images.device.type != "cpu":
            for layer in self:
                images = layer(images)
            return images
        # colours innermost, as images lie in memory: 1.4 times as fast on a CPU
        maps = images.contiguous(memory_format=torch.channels_last)
        for convolution in self:
            if isinstance(convolution, nn.Conv2d):
                weight, bias = convolution.weight, convolution.bias
                maps = _convolve_pool(maps, weight, bias, convolution.padding)
        return maps


def shrink(side: int) -> int:
    """Return the height or width of the maps of an image of this size."""
    for _, padding in LAYERS:
        convolved = side + 2 * padding - 2
        side = (convolved - POOL) // STRIDE + 1
    return side


class _ConvolvePool(torch.autograd.Function):
    """Convolve, pool and rectify without keeping what was convolved."""

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        bias: Tensor,
        padding: tuple[int, ...],
    ) -> Tensor:
        convolved = F.conv2d(images, weight, bias, padding=padding)
        pooled, chosen = F.max_pool2d_with_indices(convolved, [POOL] * 2, [STRIDE] * 2)
        pooled = pooled.relu_()
        ctx.save_for_backward(images, weight, pooled, chosen)
        ctx.padding, ctx.shape = padding, convolved.shape
        return pooled

    @staticmethod
    @custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        images, weight, pooled, chosen = ctx.saved_tensors
        through = torch.ops.aten.threshold_backward(gradients[0], pooled, 0)
        # of the convolved maps only the shape is asked for
        shaped = torch.empty(
            ctx.shape, dtype=through.dtype, memory_format=torch.channels_last
        )
        convolved = torch.ops.aten.max_pool2d_with_indices_backward(
            through, shaped, [POOL] * 2, [STRIDE] * 2, [0, 0], [1, 1], False, chosen
        )
        needed = ctx.needs_input_grad[:3]
        found = torch.ops.aten.convolution_backward(
            convolved,
            images,
            weight,
            [weight.shape[0]],
            [1, 1],
            ctx.padding,
            [1, 1],
            False,
            [0, 0],
            1,
            needed,
        )
        return *found, None


_convolve_pool: Callable[..., Tensor] = _ConvolvePool.apply
