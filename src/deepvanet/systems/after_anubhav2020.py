"""After Anubhav et al. (2020): an LSTM on the band power of a trial's seconds.

Taken from an abstract of the same group: an LSTM, band power, one subject at a time. By
how its numbers divide, 10 of 40 trials of each subject of DEAP were tested (reasoned,
not read).

Chosen here, since nothing else was found: the logarithm of the power in theta (4 to 8
Hz), alpha (8 to 12), beta (12 to 30) and gamma (30 to 45) of each electrode in each
second, brought to zero mean and unit variance in training; the trial as a sequence of
its seconds; an LSTM of 128 units with all its steps, a dropout of 0.3, one of 64 with
its last step, a dense layer of 32 with ReLU, an output; Adam with 0.001, 8 trials a
step, 100 epochs, the epoch as the protocol chooses it. With ``--size small``: 20.

Table 2 has 94.7 and 93.1. Trials were then not split, but it is not said whether the
epoch was chosen on the ten test trials, by which guesses alone come far.
"""

import numpy as np
from jaxtyping import Float, Float64
from scipy.signal import welch
from torch import Tensor, nn

from deepvanet.config import SizeName
from deepvanet.learners.features import AT_ONCE, LEAST_POWER
from deepvanet.learners.pieces import cut_trials
from deepvanet.learners.remembered import remember
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.inputs import Arrays, FeatureInputs, Inputs
from deepvanet.systems.piece_network import (
    Method,
)
from deepvanet.systems.schedule import Schedule
from deepvanet.systems.sequences import Steps, align_steps

BANDS = ((4.0, 8.0), (8.0, 12.0), (12.0, 30.0), (30.0, 45.0))
"""In Hz, from the first up to but without the second."""

UNITS = (128, 64)
DENSE = 32
DROPOUT = 0.3


@remember
def measure_power(rows: Rows) -> Float64[np.ndarray, "row feature"]:
    """Return the log power of each channel of EEG in each band, band after band."""
    sfreq = rows.store.sfreq
    found = np.empty((len(rows), len(rows.store.channels([Stream.EEG])) * len(BANDS)))
    for index in rows.cut(Stream.EEG, AT_ONCE):
        signals = rows.read(Stream.EEG, index).astype(np.float64)
        n_samples = signals.shape[-1]
        frequency, density = welch(signals, fs=sfreq, nperseg=n_samples, axis=-1)
        for place, (low, high) in enumerate(BANDS):
            mine = (frequency >= low) & (frequency < high)
            power = density[..., mine].sum(axis=-1) * sfreq / n_samples
            found[index, place :: len(BANDS)] = np.log(np.maximum(power, LEAST_POWER))
    return found


class LSTMOnTrials(nn.Module):
    """Two LSTMs on the features of seconds, and two dense layers on the last step.

    Parameters
    ----------
    n_features : int
        Of a second.
    n_outputs : int
        Of a trial.
    """

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        first, second = UNITS
        self.first = nn.LSTM(n_features, first, batch_first=True)
        self.second = nn.LSTM(first, second, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.dense = nn.Sequential(
            nn.Linear(second, DENSE), nn.ReLU(), nn.Linear(DENSE, n_outputs)
        )

    def forward(
        self, streams: dict[Stream, Float[Tensor, "piece step feature"]]
    ) -> Float[Tensor, " piece *output"]:
        """Return outputs, from scaled features; zeros in front do not count."""
        steps = align_steps(streams[Stream.EEG]).follow(self.first)
        steps = Steps(self.dropout(steps.numbers), steps.length)
        outputs: Tensor = self.dense(steps.find_last(self.second))
        return outputs.squeeze(-1)


_MEASURES = {Stream.EEG: measure_power}


def _fit_inputs(train: Rows) -> FeatureInputs:
    return FeatureInputs.fit(train, _MEASURES)


def _load_inputs(arrays: Arrays) -> FeatureInputs:
    return FeatureInputs.load(arrays, _MEASURES)


def _count_all(_train: Rows) -> int:
    """Return that an example is all of a trial."""
    return 0


def _build(
    inputs: Inputs, _n_steps: int, n_outputs: int, _size: SizeName
) -> LSTMOnTrials:
    return LSTMOnTrials(inputs.shapes[Stream.EEG][0], n_outputs)


METHOD = Method(
    name="after-anubhav2020",
    streams=(Stream.EEG,),
    schedule=Schedule(epochs=100, batch_size=8, learning_rate=1e-3, small_epochs=20),
    count_joined=_count_all,
    cut=cut_trials,
    fit_inputs=_fit_inputs,
    load_inputs=_load_inputs,
    build=_build,
    follows_time=False,
)

make_after_anubhav2020, load_after_anubhav2020 = METHOD.make, METHOD.load
