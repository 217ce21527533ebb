"""What is known of a row without any signal: its trial, its subject, its stimulus.

Scores and priors are measured alike: over segments and over trials, a trial's score
being the mean of its segments', as the mean over subjects. Where each subject has one
label over all its trials nothing can be scored within a subject; then people are
scored, each by the mean over its trials.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from deepvanet.auditing.parts import AuditPart, number_rows
from deepvanet.metrics import score_subjects
from deepvanet.metrics.scores import mean_over_trials, score_labels
from deepvanet.protocols import SHARES, columns_of, name_prior
from deepvanet.protocols.sharing import belong_to_people

PRIORS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "majority": (),
    "subject-prior": (("subject",),),
    "stimulus-prior": (("stimulus",),),
    "additive-prior": (("subject",), ("stimulus",)),
    "repeat-prior": (("subject", "stimulus"),),
    "trial-prior": (("subject", "trial"),),
}
"""The units that each prior knows; what several say is added up."""

KNOWS = {
    "majority": "nothing of a row",
    "subject-prior": "only the subject",
    "stimulus-prior": "only the clip",
    "additive-prior": "only the subject and the clip",
    "repeat-prior": "only what the same subject said of the same clip before",
    "trial-prior": "only the trial",
}
METRICS = ("balanced_accuracy", "auroc")
SEGMENT, TRIAL, PERSON = "segment", "trial", "person"
LEAST_SHARE_OF_REPEATS = 0.5
"""Of tested rows; where that many repeat what the subject saw in training, their prior
is that of the repetition."""

Scores = dict[str, dict[str, float]]
"""For each level, for each of ``METRICS``, a value."""


def name_own_prior(shared: Mapping[str, float | None]) -> str:
    """Name the prior that belongs to what training and test share.

    It is found from what is shared and not from what scores best on the test rows.

    Parameters
    ----------
    shared : mapping
        Of each unit: the fraction of tested rows whose unit also trained, or None.
    """
    if shared["trial"]:
        return "trial-prior"
    if (shared["repeat"] or 0) >= LEAST_SHARE_OF_REPEATS:
        return "repeat-prior"
    return name_prior([unit for unit in SHARES if shared[unit]])


def score_priors(audited: AuditPart) -> dict[str, Scores]:
    """Return what each prior scores, refitted on the labels of each fold's training."""
    known = {
        name: units
        for name, units in PRIORS.items()
        if {column for unit in units for column in unit} <= set(audited.rows.columns)
    }
    return {
        name: score_rows(audited, _predict(audited, units))
        for name, units in known.items()
    }


def score_rows(audited: AuditPart, score: Float[np.ndarray, " row"]) -> Scores:
    """Return the scores of the predicted rows, level by level; NaN is undefined."""
    table = tabulate_scored(audited, score)
    if is_personal(audited):
        return {PERSON: _score_people(table)}
    levels = [SEGMENT, TRIAL] if has_segments(audited) else [TRIAL]
    found = {}
    for level in levels:
        scores = score_subjects(table, level)
        found[level] = {name: float(scores[name].mean()) for name in METRICS}
    return found


def find_level(audited: AuditPart) -> str:
    """Return the level that is judged."""
    return PERSON if is_personal(audited) else TRIAL


def is_personal(audited: AuditPart) -> bool:
    """Return whether each subject has one label over all its trials."""
    rows = audited.rows
    labelled = rows[rows["label"].notna()]
    return belong_to_people(labelled[["subject", "trial", "label"]])


def has_segments(audited: AuditPart) -> bool:
    """Return whether trials were cut."""
    rows = audited.rows
    return bool(rows.duplicated(columns_of("trial")).any()) and "segment" in rows


def measure_chance(audited: AuditPart) -> float:
    """Return the standard deviation of a coin's balanced accuracy, at the level judged.

    Trials, or people, are taken as independent.
    """
    table = tabulate_scored(audited, audited.rows["score"].to_numpy(dtype=float))
    trials = table.drop_duplicates(columns_of("trial"))
    if is_personal(audited):
        trials = trials.drop_duplicates("subject").assign(subject="all")
    n_high = trials.groupby("subject")["label"].sum()
    n_low = trials.groupby("subject")["label"].size() - n_high
    both = (n_high > 0) & (n_low > 0)
    if not both.any():
        return float("nan")
    variance = (0.25 / n_high[both] + 0.25 / n_low[both]) / 4
    return sqrt(float(variance.sum())) / int(both.sum())


def count_scored(audited: AuditPart) -> tuple[int, int]:
    """Return how many subjects were tested, and how many have both labels."""
    table = tabulate_scored(audited, audited.rows["score"].to_numpy(dtype=float))
    labels = table.groupby("subject")["label"].nunique()
    return len(labels), int((labels > 1).sum())


def tabulate_scored(
    audited: AuditPart, score: Float[np.ndarray, " row"]
) -> pd.DataFrame:
    """Return the tested rows with a label and a score, as ``metrics`` takes them."""
    rows = audited.rows
    fold = np.zeros(len(rows), dtype=np.int64)
    for number, fit in enumerate(audited.fits):
        fold[fit.test] = number
    segment = rows["segment"] if "segment" in rows else np.zeros(len(rows), dtype=int)
    # a trial counts once, also where its stimulus is unknown
    table = rows[["subject", "trial", "label"]].assign(
        **audited.key, seed=0, stimulus=rows["trial"], segment=segment, fold=fold
    )
    tested = rows["score"].notna() & rows["label"].notna() & np.isfinite(score)
    tested_rows: pd.DataFrame = table.assign(score=score).loc[tested]
    return tested_rows.assign(label=tested_rows["label"].astype(int))


def _score_people(table: pd.DataFrame) -> dict[str, float]:
    trials = mean_over_trials(table)
    people = trials.groupby("subject", sort=True).agg(
        label=("label", "first"),
        score=("score", "mean"),
        fold=("fold", "min"),
        last=("fold", "max"),
    )
    if (people["fold"] != people["last"]).any():
        people = people.assign(fold=0)  # means over the same set of models
    scores = score_labels(
        people["label"].to_numpy(dtype=np.int64),
        people["score"].to_numpy(dtype=float),
        people["fold"].to_numpy(dtype=np.int64),
    )
    return {name: scores[name] for name in METRICS}


def _predict(
    audited: AuditPart, units: tuple[tuple[str, ...], ...]
) -> Float[np.ndarray, " row"]:
    """Score every tested row by the training labels of its units, added up."""
    label = audited.rows["label"].to_numpy(dtype=float)
    known = np.isfinite(label)
    numbers = [number_rows(audited.rows, unit) for unit in units]
    score = np.full(len(label), np.nan)
    for fit in audited.fits:
        seen = fit.seen & known
        base = label[seen].mean() if seen.any() else 0.5
        total = np.full(int(fit.test.sum()), (1 - len(units)) * base)
        for number in numbers:
            total += _average(label, number, seen, base)[number[fit.test]]
        score[fit.test] = np.clip(total, 0.0, 1.0)
    return score


def _average(
    label: Float[np.ndarray, " row"],
    number: Int[np.ndarray, " row"],
    seen: Bool[np.ndarray, " row"],
    base: float,
) -> Float[np.ndarray, " unit"]:
    """Return the mean label of each unit's training rows, the base rate without one."""
    n_units = int(number.max()) + 1
    counts = np.bincount(number[seen], minlength=n_units)
    high = np.bincount(number[seen], weights=label[seen], minlength=n_units)
    return np.where(counts > 0, high / np.maximum(counts, 1), base)
