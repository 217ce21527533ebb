"""
An own learner
==============

A class with a method ``fit`` is scored beside the learners of the package.
"""

import numpy as np
from small_study import write_study

import deepvanet


class Alpha:
    """Calls a segment high when there is more alpha rhythm than usual in training."""

    traits = deepvanet.Traits(streams=(deepvanet.Stream.EEG,))

    def fit(self, train):
        power = measure_alpha(train)
        middle, width = np.median(power), power.std()
        return lambda rows: 1 / (1 + np.exp((middle - measure_alpha(rows)) / width))


def measure_alpha(rows):
    eeg = rows.read(deepvanet.Stream.EEG)
    spectrum = np.abs(np.fft.rfft(eeg, axis=-1)) ** 2
    frequency = np.fft.rfftfreq(eeg.shape[-1], 1 / rows.store.sfreq)
    inside = (frequency >= 8) & (frequency <= 13)
    return np.log(spectrum[..., inside].mean(axis=(1, 2)))


# %%
# The priors are scored too: what would be right without any signal?

trials = write_study(effect=3)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
run = deepvanet.evaluate(
    store,
    trials.with_name("run"),
    protocols="trial",
    targets="valence",
    streams="eeg",
    learners=[Alpha(), "bandpower-logistic"],
    folds=4,
    permutations=0,
)
scores = deepvanet.tabulate_scores(run)
shown = (scores["metric"] == "balanced_accuracy") & (scores["level"] == "trial")
scores.loc[shown, ["learner", "mean", "sd", "leaks"]].round(2)
