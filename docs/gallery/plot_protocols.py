"""
Protocols
=========

What each protocol trains and tests on: a row a segment, a column a fold.
"""

import matplotlib.pyplot as plt
import numpy as np
from small_study import write_study

import deepvanet

trials = write_study(n_subjects=3, n_trials=6, seconds=4)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))

# %%
# ``paper`` splits seconds: those of one trial are on both sides. ``trial`` splits trials,
# ``subject`` people, ``subject-stimulus`` both at once.

names = ("paper", "trial", "subject", "subject-stimulus")
figure, axes = plt.subplots(1, len(names), figsize=(9, 5), layout="constrained")
for axis, name in zip(axes, names, strict=True):
    # where two units are crossed, a protocol has its own number of folds
    folds = None if name == "subject-stimulus" else 3
    cv = deepvanet.split_rows(store, name, streams="eeg", folds=folds)
    used = np.full((len(cv.rows), len(cv)), np.nan)
    for column, (train, test) in enumerate(cv.split()):
        used[train, column] = 0
        used[test, column] = 1
    axis.imshow(used, aspect="auto", cmap="coolwarm", interpolation="none")
    axis.set_title(name)
    axis.set_xlabel("fold")
    axis.xaxis.get_major_locator().set_params(integer=True)
axes[0].set_ylabel("segment (blue trains, red tests, white does neither)")
plt.show()

# %%
# All that is known of each protocol is data.

for name in names:
    print(f"{name}: {deepvanet.PROTOCOLS[name].summary}")
