"""
A leak in one picture
=====================

Recordings in which no rating shows, scored under the published protocol and under the
honest one. Each trial has a mark of its own: seconds of a trial that trained are known
from it, and the score of the published protocol is that of remembering trials.
"""

import matplotlib.pyplot as plt
from small_study import write_study

import deepvanet

trials = write_study(effect=0, n_subjects=4, n_trials=16)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
run = deepvanet.evaluate(
    store,
    trials.with_name("run"),
    protocols="paper,trial",
    targets="valence",
    streams="eeg",
    learners="bandpower-svm",
    baseline="none",
    folds=5,
    permutations=0,
)

# %%
# The table says what training and test shared, beside each score.
# Where a signal holds nothing, an honest score of few trials lies about one half, and often
# below: the class that is frequent in training is then rare in the test.

scores = deepvanet.tabulate_scores(run)
shown = (scores["metric"] == "balanced_accuracy") & (scores["level"] == "segment")
shown &= scores["learner"] == "bandpower-svm"
scores = scores[shown].set_index("protocol")
print(scores[["mean", "sd", "leaks"]].round(2))

# %%

plt.figure(figsize=(4, 3), layout="constrained")
plt.bar(scores.index, scores["mean"], color=["tab:red", "tab:blue"])
plt.axhline(0.5, color="black", linestyle="--", label="chance")
plt.ylabel("balanced accuracy")
plt.ylim(0, 1)
plt.legend()
plt.show()
