"""Convolutions whose gradients are written by hand, for speed on a CPU.

Each gives what PyTorch's own layers give; tests compare the two. ``trunk`` and
``convlstm`` say what is computed, this file how.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional as F


def convolve_pool_relu(
    convolution: nn.Conv2d,
    images: Float[Tensor, "image channel height width"],
    *,
    size: int,
    stride: int,
) -> Float[Tensor, "image map row column"]:
    """Convolve, take the maximum of squares, rectify; keep little for the way back.

    Done one after another on a whole batch, the three write and read back hundreds of
    megabytes that are never looked at again; here only what the pooling chose is kept.

    Parameters
    ----------
    convolution : nn.Conv2d
        Gives weight, bias and padding; its stride must be 1.
    images : tensor, shape (image, channel, height, width)
        What is convolved.
    size, stride : int
        Of the squares of the pooling, in places of the convolved maps.

    Returns
    -------
    tensor, shape (image, map, row, column)
        The pooled maps, without negative values.
    """
    weight, bias = convolution.weight, convolution.bias
    return _convolve_pool_relu(images, weight, bias, convolution.padding, size, stride)


def convolve(
    convolution: nn.Conv2d, maps: Float[Tensor, "image map height width"]
) -> Float[Tensor, "image more height width"]:
    """Convolve; by a way that is faster back where bfloat16 is multiplied natively."""
    is_rounded = maps.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if is_rounded and torch.is_grad_enabled():
        return convolve_by_product(maps, convolution.weight, convolution.bias)
    convolved: Tensor = convolution(maps)
    return convolved


def put_maps_last(
    maps: Float[Tensor, "batch map height width"],
) -> Float[Tensor, "batch height width map"]:
    """Let the maps come last, as they lie in memory on a CPU."""
    return maps.permute(0, 2, 3, 1)


class _ConvolvePoolRelu(torch.autograd.Function):
    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)  # type: ignore[untyped-decorator]
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        bias: Tensor,
        padding: tuple[int, ...],
        size: int,
        stride: int,
    ) -> Tensor:
        convolved = F.conv2d(images, weight, bias, padding=padding)
        pooled, chosen = F.max_pool2d_with_indices(convolved, [size] * 2, [stride] * 2)
        pooled = pooled.relu_()
        ctx.save_for_backward(images, weight, pooled, chosen)
        ctx.padding, ctx.shape = padding, convolved.shape
        ctx.size, ctx.stride = size, stride
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
            through,
            shaped,
            [ctx.size] * 2,
            [ctx.stride] * 2,
            [0, 0],
            [1, 1],
            False,
            chosen,
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
        return *found, None, None, None


_convolve_pool_relu: Callable[..., Tensor] = _ConvolvePoolRelu.apply
"""Takes images, weight, bias, padding, and the pooling's size and stride."""


class _ConvolveByProduct(torch.autograd.Function):
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
        by_place = put_maps_last(gradients[0]).reshape(-1, n_out)
        product = by_place.t() @ _unfold(maps, side)
        of_weight = product.view(n_out, side, side, n_in).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[2]:
            exact = torch.promote_types(by_place.dtype, torch.float32)
            of_bias = by_place.sum(0, dtype=exact)
        return of_maps, of_weight, of_bias


convolve_by_product: Callable[..., Tensor] = _ConvolveByProduct.apply
"""As ``convolve``: maps, weight, and bias or None; maps keep their size."""


def _unfold(
    maps: Float[Tensor, "image map height width"], side: int
) -> Float[Tensor, "place weight"]:
    """Return what lies under the kernel at each place, maps innermost."""
    height, width = maps.shape[2:]
    padded = F.pad(put_maps_last(maps), (0, 0, *[side // 2] * 4))
    under = [
        padded[:, row : row + height, column : column + width]
        for row in range(side)
        for column in range(side)
    ]
    return torch.cat(under, dim=3).flatten(0, 2)
