"""
Audit of published predictions
==============================

Two tables suffice: the predictions of a study, and the fold of each row.
"""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

import deepvanet

rng = np.random.default_rng(0)
folder = Path(mkdtemp())
rows = pd.DataFrame(
    [(s, t, k) for s in range(1, 9) for t in range(1, 21) for k in range(6)],
    columns=["subject", "trial", "segment"],
)
trial = rows.groupby(["subject", "trial"]).ngroup().to_numpy()
rows["label"] = rng.integers(0, 2, trial.max() + 1)[trial]

# %%
# Folds of shuffled segments, as in many papers: seconds of one trial train and test.

rows["fold"] = rng.integers(0, 5, len(rows))
rows["score"] = np.clip(
    0.5 + 0.3 * (2 * rows["label"] - 1) + 0.2 * rng.standard_normal(len(rows)), 0, 1
)
rows.drop(columns="fold").to_csv(folder / "predictions.csv", index=False)
rows[["subject", "trial", "segment", "fold"]].to_csv(folder / "table.csv", index=False)

made = deepvanet.audit(folder / "predictions.csv", table=folder / "table.csv")
print("\n".join(made.lines()))

# %%
# The same scores, with folds of whole trials: what was found before is gone, and the last line
# says what no table shows.

rows["fold"] = rng.integers(0, 5, trial.max() + 1)[trial]
rows[["subject", "trial", "segment", "fold"]].to_csv(folder / "table.csv", index=False)
made = deepvanet.audit(folder / "predictions.csv", table=folder / "table.csv")
print("\n".join(made.lines()))
