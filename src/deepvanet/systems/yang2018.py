"""Yang et al. (2018): a convolutional and a recurrent network side by side.

Taken from the authors' code: the numbers of each time point are scaled over the
electrodes; the electrodes of a second lie on 128 pictures of 9 x 9 cells. Three
convolutions of 4 x 4, of 32, 64 and 128 maps, read each picture; the maps of all
pictures, stacked, are reduced to 13 by a convolution of 1 x 1. Beside them each time
point is spread to 1024 numbers, which two LSTMs of 32 units read; a dense layer of 1024
follows the last step. Both are joined before a layer with two outputs: 592,937 weights.
ELU, dropouts of 0.5 in the recurrent half. Batch normalisation is the identity there,
with a scale and a shift that are learnt. Cross-entropy, and half the sum of squares of
all weights and biases times 0.5; Adam with 0.0001; 200 rows a step; 70 epochs, of which
the last one counts. Weights start at a truncated normal with a deviation of 0.1, biases
at 0.1.

Chosen here: scale and shift behind each of the four convolutions, and ELU behind the
last one; the same start for the LSTMs; electrodes by name, so that other montages can
be read. The epoch is chosen as the protocol says. The first second of each trial is not
there twice, unlike in the authors' data. With ``--size small``: 10 epochs of 20 rows a
step, so that there are about as many steps; every fourth time point, half as many maps.

Its authors divided a subject's seconds of DEAP at random into ten folds, with 90.8 for
valence and 91.0 for arousal over 32 subjects. Seconds of a trial were on both sides,
each with the waveform of the trial's baseline subtracted (here ``--baseline
waveform``), which marks the trial; without it, in an earlier variant of their network,
they had 57.1 and 61.8.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from deepvanet.config import SizeName
from deepvanet.learners.pieces import cut_windows
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.frames import SIDE, FrameInputs
from deepvanet.systems.inputs import Inputs
from deepvanet.systems.piece_network import (
    Method,
)
from deepvanet.systems.schedule import Schedule

MAPS = (32, 64, 128)
KERNEL = 4
REDUCED = 13
SPREAD = 1024
UNITS = 32
DROPOUT = 0.5
START = 0.1
"""Deviation of weights at the start, and the biases."""

SMALL_STEP, SMALL_SHARE = 4, 2
"""With ``--size small``: one of so many time points, and so many times fewer maps."""


class ParallelNetwork(nn.Module):
    """Pictures and time points of EEG, read side by side.

    Parameters
    ----------
    cells : array, shape (electrode,)
        Where each electrode lies in a picture.
    n_samples : int
        Of a row.
    n_outputs : int
        Of a row; of one number two are learnt, whose difference it is.
    maps : tuple of int
        Of the three convolutions.
    step : int
        Of so many time points one is read.
    """

    cells: Tensor

    def __init__(
        self,
        cells: Int[np.ndarray, " electrode"],
        n_samples: int,
        n_outputs: int,
        *,
        maps: tuple[int, ...] = MAPS,
        step: int = 1,
    ) -> None:
        super().__init__()
        self.step, self.n_outputs = step, n_outputs
        n_frames = -(-n_samples // step)
        self.register_buffer("cells", torch.from_numpy(cells), persistent=False)
        self.convolutions = nn.ModuleList(
            ScaledConvolution(n_in, n_out)
            for n_in, n_out in zip((1, *maps), maps, strict=False)
        )
        self.reduce = nn.Parameter(torch.empty(n_frames, maps[-1], REDUCED))
        self.reduce_bias = nn.Parameter(torch.empty(REDUCED))
        self.reduce_scale = nn.Parameter(torch.ones(REDUCED))
        self.reduce_shift = nn.Parameter(torch.zeros(REDUCED))
        self.spread = nn.Linear(len(cells), SPREAD)
        self.first = nn.LSTM(SPREAD, UNITS, batch_first=True)
        self.second = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, SPREAD)
        self.dropout = nn.Dropout(DROPOUT)
        n_joined = SIDE**2 * REDUCED + SPREAD
        self.join = nn.Linear(n_joined, max(2, n_outputs))
        for name, weights in self.named_parameters():
            _start(name, weights)

    def forward(
        self, streams: dict[Stream, Float[Tensor, "piece step electrode time"]]
    ) -> Float[Tensor, " piece *output"]:
        """Return outputs, from EEG whose time points are scaled."""
        signals = streams[Stream.EEG][:, 0, :, :: self.step]
        joined = torch.cat([self._read_frames(signals), self._follow(signals)], dim=1)
        outputs: Tensor = self.join(joined)
        return outputs if self.n_outputs > 1 else outputs[:, 1] - outputs[:, 0]

    def _read_frames(
        self, signals: Float[Tensor, "row electrode time"]
    ) -> Float[Tensor, "row number"]:
        """Convolve pictures, all rows of a time point after those of the one before."""
        n_rows, _, n_frames = signals.shape
        cells = signals.new_zeros(n_frames, n_rows, SIDE**2)
        cells = cells.index_copy(2, self.cells, signals.permute(2, 0, 1))
        maps = cells.view(n_frames * n_rows, 1, SIDE, SIDE)
        maps = maps.to(memory_format=torch.channels_last)
        for convolve in self.convolutions:
            maps = F.elu(convolve(maps), inplace=True)
        stacked = maps.permute(0, 2, 3, 1).reshape(n_frames, n_rows * SIDE**2, -1)
        reduced = torch.bmm(stacked, self.reduce).sum(dim=0) + self.reduce_bias
        scaled = F.elu(reduced * self.reduce_scale + self.reduce_shift)
        return scaled.view(n_rows, -1)

    def _follow(
        self, signals: Float[Tensor, "row electrode time"]
    ) -> Float[Tensor, "row number"]:
        """Follow time points by the LSTMs, and return what the last step makes."""
        steps = F.elu(self.spread(signals.transpose(1, 2)), inplace=True)
        steps = self.dropout(self.first(steps)[0])
        steps = self.dropout(self.second(steps)[0])
        last: Tensor = self.dropout(F.elu(self.dense(steps[:, -1])))
        return last


class ScaledConvolution(nn.Module):
    """A convolution, whose maps are multiplied by a number and get another one added.

    Its output is as large as its input: there is one more cell of zeros behind than
    before, as in TensorFlow.

    Parameters
    ----------
    n_in, n_out : int
        Maps.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in, KERNEL, KERNEL))
        self.bias = nn.Parameter(torch.empty(n_out))
        self.scale = nn.Parameter(torch.ones(n_out))
        self.shift = nn.Parameter(torch.zeros(n_out))

    def forward(
        self, maps: Float[Tensor, "frame map row column"]
    ) -> Float[Tensor, "frame made row column"]:
        """Convolve, by weights that are scaled before rather than maps after."""
        weight = self.weight * self.scale[:, None, None, None]
        before, after = (KERNEL - 1) // 2, KERNEL // 2
        padded = F.pad(maps, (before, after, before, after))
        return F.conv2d(padded, weight, self.bias * self.scale + self.shift)


def _start(name: str, weights: nn.Parameter) -> None:
    """Set first weights; of the two biases that an LSTM has here one stays 0."""
    if "scale" in name or "shift" in name:
        return
    if "bias_hh" in name:
        nn.init.zeros_(weights)
        weights.requires_grad_(False)
    elif "bias" in name:
        nn.init.constant_(weights, START)
    else:
        nn.init.trunc_normal_(weights, std=START, a=-2 * START, b=2 * START)


def _build(
    inputs: Inputs, _n_steps: int, n_outputs: int, size: SizeName
) -> ParallelNetwork:
    if not isinstance(inputs, FrameInputs):
        raise TypeError(f"needs frames, got {type(inputs).__name__}")
    if size == "full":
        return ParallelNetwork(inputs.placed, inputs.n_samples, n_outputs)
    return ParallelNetwork(
        inputs.placed,
        inputs.n_samples,
        n_outputs,
        maps=tuple(count // SMALL_SHARE for count in MAPS),
        step=SMALL_STEP,
    )


def _count_rows(_train: Rows) -> int:
    """Return that an example is one row."""
    return 1


METHOD = Method(
    name="yang2018",
    streams=(Stream.EEG,),
    schedule=Schedule(
        epochs=70,
        batch_size=200,
        learning_rate=1e-4,
        small_epochs=10,
        small_batch_size=20,
        weight_penalty=0.5,
    ),
    count_joined=_count_rows,
    cut=cut_windows,
    fit_inputs=FrameInputs.fit,
    load_inputs=FrameInputs.load,
    build=_build,
    joins_rows=False,
)

make_yang2018, load_yang2018 = METHOD.make, METHOD.load
