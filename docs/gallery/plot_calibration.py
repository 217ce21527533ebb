"""
Calibration
===========

Is a score of 0.8 right in eight of ten cases? Predictions are a table, so any plot of
them is a few lines.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import brier_score_loss, log_loss
from small_study import write_study

import deepvanet

trials = write_study(effect=2, n_subjects=4, n_trials=16)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
run = deepvanet.evaluate(
    store,
    trials.with_name("run"),
    protocols="trial-pooled",
    targets="valence",
    streams="eeg",
    learners=["bandpower-logistic", "bandpower-nb"],
    folds=4,
    permutations=0,
)

# %%

plt.figure(figsize=(4, 4), layout="constrained")
parts = {
    name: run.predictions[run.predictions["learner"] == name]
    for name in ("bandpower-logistic", "bandpower-nb")
}
for learner, mine in parts.items():
    bins = pd.qcut(mine["score"], 8, duplicates="drop")
    held = mine.groupby(bins, observed=True)[["score", "label"]].mean()
    plt.plot(held["score"], held["label"], "o-", label=learner)
plt.plot([0, 1], [0, 1], color="black", linewidth=1)
plt.xlabel("mean score")
plt.ylabel("share of segments rated high")
plt.legend()
plt.show()

# %%
# The naive classifier counts each channel as if it were new evidence: its scores are too sure.
# Both measures punish that: the lower, the better.

rows = [
    (
        name,
        brier_score_loss(mine["label"], mine["score"]),
        log_loss(mine["label"], mine["score"]),
    )
    for name, mine in parts.items()
]
pd.DataFrame(rows, columns=["learner", "Brier score", "log loss"]).round(2)
