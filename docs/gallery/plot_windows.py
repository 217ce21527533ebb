"""
Windows
=======

One store answers for any length of segments: nothing is copied for it.
"""

import matplotlib.pyplot as plt
from small_study import write_study

import deepvanet

trials = write_study(effect=3, n_subjects=3, n_trials=12)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))

# %%
# The same question, asked of segments of one to six seconds.

found = {}
for segment in (1, 2, 3, 6):
    run = deepvanet.evaluate(
        store,
        trials.with_name(f"run-{segment}"),
        protocols="trial",
        targets="valence",
        streams="eeg",
        learners="bandpower-logistic",
        segment=segment,
        step=segment,
        folds=4,
        permutations=0,
    )
    scores = deepvanet.tabulate_scores(run)
    mine = scores[scores["learner"] == "bandpower-logistic"]
    mine = mine[mine["metric"] == "auroc"].set_index("level")["mean"]
    found[segment] = mine["segment"], mine["trial"]

# %%

plt.figure(figsize=(5, 3), layout="constrained")
plt.plot(list(found), [pair[0] for pair in found.values()], "o-", label="segments")
plt.plot(list(found), [pair[1] for pair in found.values()], "s-", label="trials")
plt.axhline(0.5, color="black", linestyle="--")
plt.xlabel("length of a segment in s")
plt.ylabel("AUROC")
plt.legend()
plt.show()
