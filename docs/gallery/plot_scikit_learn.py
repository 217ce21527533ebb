"""
Protocols in scikit-learn
=========================

A protocol is a ``cv`` with the folds of ``evaluate``.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_study import write_study

import deepvanet

trials = write_study(effect=3)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))

# %%
# Features are yours: here the logarithm of each channel's alpha power.

model = make_pipeline(StandardScaler(), LogisticRegression())
for name in ("paper", "trial", "subject"):
    cv = deepvanet.split_rows(store, name, streams="eeg", folds=3)
    eeg = cv.rows.read(deepvanet.Stream.EEG)
    power = np.log((np.abs(np.fft.rfft(eeg, axis=-1))[..., 8:14] ** 2).mean(axis=-1))
    scores = cross_val_score(
        model, power, cv.rows.label, cv=cv, scoring="balanced_accuracy"
    )
    print(f"{name}: {scores.mean():.2f} as the mean over {len(cv)} folds")
