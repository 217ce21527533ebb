"""A convolutional LSTM: memory that keeps the layout of the face.

An LSTM step with each matrix product replaced by a 2-D convolution [1]_, so
that a hidden unit still belongs to a place in the image.

References
----------
.. [1] Shi et al. (2015). Convolutional LSTM network. NeurIPS 28.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepvanet.models.kernels import convolve, put_maps_last


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
        # sampled as those of one convolution over both would be
        bound = ((in_channels + hidden_channels) * kernel_size**2) ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(
        self, clip: Float[Tensor, "batch frame channel height width"]
    ) -> Float[Tensor, "batch hidden height width"]:
        """Fold the frames into one state, from the first to the last."""
        # frame by frame: what belongs to one then lies together
        inputs = clip.transpose(0, 1)
        frames = put_maps_last(convolve(self.from_input, inputs.flatten(0, 1)))
        first, *others = torch.unflatten(frames, 0, inputs.shape[:2]).unbind()
        hidden, cell = _update(first, first.new_zeros(()))
        for frame in others:
            update = convolve(self.from_hidden, hidden.permute(0, 3, 1, 2))
            hidden, cell = _update(frame + put_maps_last(update), cell)
        return hidden.permute(0, 3, 1, 2)


def _update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    # a cell adds up over time: float32 at least
    gates = gates.to(torch.promote_types(gates.dtype, torch.float32))
    # the gate order of torch.nn.LSTM, so that a test can compare the two
    write, keep, candidate, show = gates.chunk(4, dim=-1)
    cell = keep.sigmoid() * cell + write.sigmoid() * candidate.tanh()
    return show.sigmoid() * cell.tanh(), cell
