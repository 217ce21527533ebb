"""What is known of a row without any signal: its trial, its subject, its stimulus."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.audit.reading import Audited, Fitted
from deepvanet.metrics import score_subjects

UNITS: Mapping[str, tuple[str, ...]] = {
    "majority": (),
    "subject": ("subject",),
    "stimulus": ("stimulus",),
    "subject+stimulus": ("subject", "stimulus"),
    "trial": ("trial",),
}
"""What each prior knows of a row. ``trial`` scores only where trials are split."""

METRICS = ("balanced_accuracy", "auroc")


def score_priors(audited: Audited) -> dict[str, dict[str, float]]:
    """Return what each prior scores, refitted on the labels of each fold's training.

    Subjects are scored apart; a value is their mean, over segments.
    """
    rows = audited.rows
    known = {
        name: units
        for name, units in UNITS.items()
        if set(units) <= {*rows.columns} - {"label", "score"}
    }
    return {
        name: score_rows(audited, _predict(audited, units))
        for name, units in known.items()
    }


def score_rows(audited: Audited, score: Float[np.ndarray, " row"]) -> dict[str, float]:
    """Return the mean over subjects of each of ``METRICS``."""
    rows = audited.rows
    fold = np.zeros(len(rows), dtype=np.int64)
    for number, fit in enumerate(audited.fits):
        fold[fit.test] = number
    stimulus = rows["stimulus"] if "stimulus" in rows else rows["trial"]
    segment = rows["segment"] if "segment" in rows else np.zeros(len(rows), dtype=int)
    table = rows.assign(
        **audited.key, seed=0, stimulus=stimulus, segment=segment, fold=fold
    ).assign(score=score)
    there = table["label"].notna() & np.isfinite(score)
    table = table[there].assign(label=table["label"][there].astype(int))
    scores = score_subjects(table, "segment")
    return {name: float(scores[name].mean()) for name in METRICS}


def _predict(audited: Audited, units: tuple[str, ...]) -> Float[np.ndarray, " row"]:
    """Score every tested row by the training labels of its units, added up."""
    score = np.full(len(audited.rows), np.nan)
    for fit in audited.fits:
        score[fit.test] = _predict_fold(audited.rows, fit, units)
    return score


def _predict_fold(
    rows: pd.DataFrame, fit: Fitted, units: tuple[str, ...]
) -> Float[np.ndarray, " test"]:
    seen, test = rows[fit.seen], rows[fit.test]
    base = seen["label"].mean()
    total = np.full(len(test), (1 - len(units)) * base)
    for unit in units:
        names = ["subject", "trial"] if unit == "trial" else [unit]
        means = seen.groupby(names)["label"].mean()
        index = pd.MultiIndex.from_frame(test[names]) if unit == "trial" else test[unit]
        total += means.reindex(index).fillna(base).to_numpy(dtype=float)
    return np.asarray(np.clip(np.nan_to_num(total, nan=0.5), 0.0, 1.0))
