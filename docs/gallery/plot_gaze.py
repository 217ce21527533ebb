"""
Gaze and pupil
==============

Further streams are asked for by name, alone or joined with others by ``+``.
"""

from small_study import write_study

import deepvanet

trials = write_study(effect=3, n_trials=12)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
print(store)

# %%
# The pupil widens with arousal here, so gaze alone scores, and so do sets that hold it.

run = deepvanet.evaluate(
    store,
    trials.with_name("run"),
    protocols="trial",
    targets="arousal",
    streams=["eeg", "gaze", "eeg+gaze"],
    learners="trial-logistic",
    folds=4,
    permutations=0,
)
scores = deepvanet.tabulate_scores(run)
shown = (scores["metric"] == "balanced_accuracy") & (scores["level"] == "trial")
shown &= scores["learner"] == "trial-logistic"
scores.loc[shown, ["streams", "mean", "sd"]].round(2)
