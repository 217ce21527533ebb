"""Steps of a piece for an LSTM, where the first ones may be missing.

A piece that is shorter than others has steps of zeros in front. They are no part of it:
an LSTM that read them would have another state where the piece begins, and so a trial's
score would depend on how long others are.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Steps:
    """Steps of pieces, each piece from the first place on.

    Attributes
    ----------
    numbers : tensor, shape (piece, step, feature)
        Behind the end of a piece there is nothing that is read.
    length : tensor, shape (piece,)
        Steps of each.
    """

    numbers: Float[Tensor, "piece step feature"]
    length: Int[Tensor, " piece"]

    def follow(self, lstm: nn.Module) -> "Steps":
        """Return what an LSTM gives at each step."""
        found, _ = pad_packed_sequence(
            lstm(self._pack())[0],
            batch_first=True,
            total_length=self.numbers.shape[1],
        )
        return Steps(found, self.length)

    def find_last(self, lstm: nn.Module) -> Float[Tensor, "piece unit"]:
        """Return what an LSTM gives at the last step."""
        _, (states, _) = lstm(self._pack())
        last: Tensor = states[-1]
        return last

    def _pack(self) -> nn.utils.rnn.PackedSequence:
        return pack_padded_sequence(
            self.numbers, self.length.cpu(), batch_first=True, enforce_sorted=False
        )


def align_steps(numbers: Float[Tensor, "piece step feature"]) -> Steps:
    """Move pieces to the front, by as many steps as have zeros only before the first.

    Examples
    --------
    >>> steps = align_steps(torch.tensor([[[0.0], [3.0], [5.0]]]))
    >>> steps.numbers[0, :2, 0].tolist(), steps.length.tolist()
    ([3.0, 5.0], [2])
    """
    n_steps = numbers.shape[1]
    is_missing = (numbers != 0).any(dim=2).cumsum(dim=1) == 0
    n_missing = is_missing.sum(dim=1).clamp(max=n_steps - 1)
    place = torch.arange(n_steps, device=numbers.device) + n_missing[:, None]
    place = place.clamp(max=n_steps - 1)[..., None].expand_as(numbers)
    return Steps(numbers.gather(1, place), n_steps - n_missing)
