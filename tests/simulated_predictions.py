"""Predictions of classes and of ratings, simulated."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

NAMES = {
    "protocol": "trial",
    "target": "valence",
    "streams": "bio",
    "learner": "network",
}


def list_rows(
    n_subjects: int, n_trials: int, n_segments: int, n_folds: int
) -> pd.DataFrame:
    """Identify the rows of a run: subject by subject, trial by trial."""
    rows = pd.MultiIndex.from_product(
        [range(n_subjects), range(n_trials), range(n_segments)],
        names=["subject", "trial", "segment"],
    ).to_frame(index=False)
    return rows.assign(
        seed=0,
        fold=rows["trial"] % n_folds,
        stimulus=[f"clip{number}" for number in rows["trial"]],
        trial=[f"{number + 1:02d}" for number in rows["trial"]],
        subject=[f"{number + 1:02d}" for number in rows["subject"]],
        **NAMES,
    )


def predict_classes(
    n_subjects: int = 7,
    n_trials: int = 12,
    *,
    classes: Sequence[str] = ("<4", "4-6", ">6"),
    n_segments: int = 3,
    n_folds: int = 4,
    effect: float = 1.0,
    shared: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict classes that each subject has equally often.

    Parameters
    ----------
    effect : float
        How much higher the logit of the true class is.
    shared : float
        Deviation of what is added to a clip's logits for all subjects.
    """
    rng = np.random.default_rng(seed)
    rows = list_rows(n_subjects, n_trials, n_segments, n_folds)
    n_classes = len(classes)
    labels = np.tile(np.arange(n_trials) % n_classes, (n_subjects, 1))
    truth = rng.permuted(labels, axis=1).ravel().repeat(n_segments)
    logits = rng.normal(0, 1, (len(rows), n_classes))
    logits[np.arange(len(rows)), truth] += effect
    of_clip = rng.normal(0, shared, (n_trials, n_classes))
    logits += of_clip[rows["trial"].astype(int).to_numpy() - 1]
    return add_classes(rows, truth, logits, classes)


def add_classes(
    rows: pd.DataFrame, truth: Any, logits: Any, classes: Sequence[str]
) -> pd.DataFrame:
    """Add truth, prediction and probabilities, whose digits are few: there are ties."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability = (shares / shares.sum(axis=1, keepdims=True)).round(2)
    names = np.array(classes)
    columns = {
        f"probability_{name}": values
        for name, values in zip(classes, probability.T, strict=True)
    }
    return rows.assign(
        truth=names[truth], prediction=names[probability.argmax(axis=1)], **columns
    )


def predict_ratings(
    n_subjects: int = 7,
    n_trials: int = 12,
    *,
    n_segments: int = 3,
    n_folds: int = 4,
    effect: float = 0.7,
    shared: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict ratings from 1 to 9, whose level hangs on the subject.

    Parameters
    ----------
    effect : float
        Which part of a rating is predicted.
    shared : float
        Deviation of what is added to a clip's predictions for all subjects.
    """
    rng = np.random.default_rng(seed)
    rows = list_rows(n_subjects, n_trials, n_segments, n_folds)
    level = rng.normal(5, 1, n_subjects).repeat(n_trials)
    rated = np.clip(level + rng.normal(0, 1.5, n_subjects * n_trials), 1, 9).round(1)
    truth = rated.repeat(n_segments)
    of_clip = rng.normal(0, shared, n_trials)[rows["trial"].astype(int) - 1]
    predicted = 5 + effect * (truth - 5) + of_clip + rng.normal(0, 0.8, len(rows))
    return rows.assign(truth=truth, prediction=predicted)
