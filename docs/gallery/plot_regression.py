"""
Ratings as numbers
==================

The task ``rating`` predicts the number itself. Scores are those within subjects: to
predict who rates high is not to predict what is felt.
"""

import matplotlib.pyplot as plt
from small_study import write_study

import deepvanet

trials = write_study(effect=3, n_trials=16)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))
run = deepvanet.evaluate(
    store,
    trials.with_name("run"),
    task="rating",
    protocols="trial",
    targets="arousal",
    streams="peripheral",
    learners="trial-ridge",
    folds=4,
    permutations=0,
)
scores = deepvanet.tabulate_scores(run)
shown = (scores["learner"] == "trial-ridge") & (scores["level"] == "trial")
print(scores.loc[shown, ["metric", "mean"]].round(2).to_string(index=False))

# %%

mine = run.predictions[run.predictions["learner"] == "trial-ridge"]
mine = mine.groupby(["subject", "trial"])[["truth", "prediction"]].mean().reset_index()
plt.figure(figsize=(4, 4), layout="constrained")
for subject, rows in mine.groupby("subject"):
    plt.scatter(rows["truth"], rows["prediction"], label=f"subject {subject}")
plt.plot([1, 9], [1, 9], color="black", linewidth=1)
plt.xlabel("rated arousal")
plt.ylabel("predicted arousal")
plt.legend()
plt.show()
