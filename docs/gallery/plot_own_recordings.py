"""
Own recordings
==============

From tables of signals and a table of trials to a store, with a look at what was found.
"""

import matplotlib.pyplot as plt
import pandas as pd
from small_study import write_study

import deepvanet

# %%
# A table with a row a trial says where each stimulus lies in which file, and how it was rated.

trials = write_study(n_subjects=2, n_trials=6)
pd.read_csv(trials, dtype=str).head(3)

# %%
# ``check`` says what it found, what it assumed, and what to do.

for finding in deepvanet.check("recordings", trials).findings:
    print(finding.line)

# %%
# ``prepare`` makes a store, from which segments are cut when a question is asked.

store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
print(store)
print(store.cut(deepvanet.Segmenting(segment_s=2, step_s=1)))

# %%
# One trial, two seconds of baseline in front of it.

eeg = store.read_trial(deepvanet.Stream.EEG, 0)
plt.figure(figsize=(7, 3), layout="constrained")
plt.plot(pd.RangeIndex(len(eeg)) / 128 - 2, eeg[:, :3])
plt.axvline(0, color="black", linewidth=1)
plt.xlabel("seconds since the stimulus")
plt.ylabel("EEG in uV")
plt.show()
