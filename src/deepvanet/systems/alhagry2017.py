"""Alhagry, Fahmy and El-Khoribi (2017): an LSTM on raw EEG.

Taken from the abstract: raw EEG, features learnt by an LSTM, a dense layer decides.
From an attempt of others to rebuild it: pieces of 5.25 s, LSTMs of 64 and 32 units,
the first with all its steps and a ReLU, the second with its last step and a sigmoid, a
dropout of 0.2 between them, one number, RMSprop with 0.001.

Chosen here: pieces of five seconds that do not overlap, each channel by its median and
interquartile range in training, batches of 32, 100 epochs, the epoch by validation
trials. With ``--size small``: 4 epochs.

Its authors divided pieces of a subject's trials into four folds (from memory), so that
a trial was on both sides. Table 2 prints its numbers the wrong way round.
"""

from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from deepvanet.config import SizeName
from deepvanet.learners.pieces import count_joined, cut_windows
from deepvanet.schema import Stream
from deepvanet.systems.inputs import Inputs, SignalInputs
from deepvanet.systems.piece_network import (
    Method,
)
from deepvanet.systems.schedule import Schedule

PIECE_S = 5.0
UNITS = (64, 32)
DROPOUT = 0.2


class LSTMOnSignals(nn.Module):
    """Two LSTMs on the samples of EEG, and a dense layer on the last step.

    Parameters
    ----------
    n_channels : int
        Of EEG.
    n_outputs : int
        Of a piece.
    """

    def __init__(self, n_channels: int, n_outputs: int) -> None:
        super().__init__()
        first, second = UNITS
        self.first = nn.LSTM(n_channels, first, batch_first=True)
        self.second = nn.LSTM(first, second, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.dense = nn.Linear(second, n_outputs)

    def forward(
        self, streams: dict[Stream, Float[Tensor, "piece step channel time"]]
    ) -> Float[Tensor, " piece *output"]:
        """Return outputs, from scaled EEG."""
        samples = streams[Stream.EEG].transpose(2, 3).flatten(1, 2)
        steps = self.dropout(self.first(samples)[0].relu())
        last = self.second(steps)[0][:, -1].sigmoid()
        outputs: Tensor = self.dense(last)
        return outputs.squeeze(-1)


def _build(
    inputs: Inputs, _n_steps: int, n_outputs: int, _size: SizeName
) -> LSTMOnSignals:
    n_channels, _ = inputs.shapes[Stream.EEG]
    return LSTMOnSignals(n_channels, n_outputs)


METHOD = Method(
    name="alhagry2017",
    streams=(Stream.EEG,),
    schedule=Schedule(
        epochs=100,
        batch_size=32,
        learning_rate=1e-3,
        small_epochs=4,
        optimizer="rmsprop",
    ),
    count_joined=partial(count_joined, window_s=PIECE_S),
    cut=cut_windows,
    fit_inputs=SignalInputs.fit,
    load_inputs=SignalInputs.load,
    build=_build,
)

make_alhagry2017, load_alhagry2017 = METHOD.make, METHOD.load
