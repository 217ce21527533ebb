"""What is known of a row without any signal: its trial, its subject, its stimulus.

Scores and priors are measured alike: over segments and over trials, a trial's score
being the mean of its segments', as the mean over subjects. Where each subject has one
label over all its trials nothing can be scored within a subject; then people are
scored, each by the mean over its trials.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from deepvanet.auditing.parts import AuditPart, number_rows
from deepvanet.metrics import (
    HIGH_LOW,
    LAG_COLUMN,
    LEAST_RATINGS,
    LEAST_TRIALS,
    mean_over_people,
    measure,
    score_labels,
    score_subjects,
    score_together,
)
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
SEGMENT, TRIAL, PERSON = "segment", "trial", "person"
LEAST_SHARE_OF_REPEATS = 0.5
"""Of tested rows; where that many repeat what the subject saw in training, their prior
is that of the repetition."""

Scores = dict[str, dict[str, float]]
"""For each level, the headline of the task and what ranks the rows."""


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
        for name, units in _list_priors(moves=audited.form.moves).items()
        if {column for unit in units for column in unit} <= set(audited.rows.columns)
    }
    return {
        name: score_rows(audited, _predict(audited, units))
        for name, units in known.items()
    }


def _list_priors(*, moves: bool) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return the units of each prior; of a rating that moves, a clip's moments."""
    if not moves:
        return PRIORS
    moments: dict[tuple[str, ...], tuple[str, ...]] = {
        ("stimulus",): ("stimulus", "segment")
    }
    return {
        name: tuple(moments.get(unit, unit) for unit in units)
        for name, units in PRIORS.items()
    }


def list_metrics(audited: AuditPart) -> tuple[str, str]:
    """Return the metric that is judged, and what ranks the rows."""
    form = audited.form
    return form.headline, "pearson" if form.is_rating else "auroc"


def read_values(audited: AuditPart) -> NDArray[Any]:
    """Return what was predicted of each row: a number, or one for each class."""
    form, rows = audited.form, audited.rows
    return (
        rows["score"].to_numpy(dtype=float)
        if form.is_rating
        else form.read_values(rows)
    )


def score_rows(audited: AuditPart, values: NDArray[Any]) -> Scores:
    """Return the scores of the predicted rows, level by level; NaN is undefined.

    Parameters
    ----------
    values : array, shape (row,) or (row, class)
        What is predicted of each row.
    """
    table = tabulate_scored(audited, values)
    metrics = list_metrics(audited)
    if is_personal(audited):
        people = _score_people(audited, table)
        return {PERSON: {name: people[name] for name in metrics}}
    is_cut = has_segments(audited) and SEGMENT in audited.form.levels
    levels = [SEGMENT, TRIAL] if is_cut else [TRIAL]
    found = {}
    for level in levels:
        scores = score_subjects(table, level)
        found[level] = {name: float(scores[name].mean()) for name in metrics}
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
    """Return the standard deviation of a coin's score, at the level judged.

    A coin names the classes of a subject equally often; one that predicts ratings is
    not correlated with them. Trials, or people, are taken as independent. Moments of a
    rating that moves are not: there it is the error of the score itself.
    """
    if audited.form.moves:
        scored = tabulate_scored(audited, read_values(audited))
        return measure(scored, TRIAL)[audited.form.headline].spread.error
    trials = _list_judged(audited)
    if audited.form.is_rating:
        labels = trials.groupby("subject")["label"]
        n_trials = labels.size()[_has_enough(labels)]
        variance = 1 / (n_trials - 1)
    else:
        counts = trials.groupby(["subject", "label"]).size().unstack()
        n_classes = counts.notna().sum(axis=1)
        right = 1 / n_classes
        each = right * (1 - right) * (1 / counts).sum(axis=1)
        variance = (each / n_classes**2)[n_classes > 1]
    if not len(variance):
        return float("nan")
    return sqrt(float(variance.sum())) / len(variance)


def find_chance(audited: AuditPart) -> float:
    """Return what a coin scores: one by the number of classes that a subject has."""
    form = audited.form
    if form.is_rating:
        return form.find_chance(form.headline)
    n_classes = _list_judged(audited).groupby("subject")["label"].nunique()
    several = n_classes[n_classes > 1]
    if not len(several):
        return form.find_chance(form.headline)
    return float(np.mean([form.find_chance(form.headline, n) for n in several]))


def _list_judged(audited: AuditPart) -> pd.DataFrame:
    """Return subject and label of each tested trial, or of each person."""
    trials = _list_tested(audited).drop_duplicates(columns_of("trial"))
    if is_personal(audited):
        trials = trials.drop_duplicates("subject").assign(subject="all")
    return trials


def _has_enough(labels: Any) -> "pd.Series[bool]":
    """Return which subjects have enough trials, and ratings that differ."""
    enough: pd.Series[bool] = (labels.size() >= LEAST_TRIALS) & (
        labels.nunique() >= LEAST_RATINGS
    )
    return enough


def measure_coincidence(labels: "pd.Series[float]", size: int) -> float:
    """Return how probable it is that so many labels are equal by chance.

    Examples
    --------
    >>> measure_coincidence(pd.Series([0, 0, 1, 1]), 2)
    0.5
    """
    shares = labels.value_counts(normalize=True).to_numpy()
    return float((shares**size).sum())


def count_scored(audited: AuditPart) -> tuple[int, int]:
    """Return how many subjects were tested, and how many can be scored."""
    if audited.form.moves:
        scored = tabulate_scored(audited, read_values(audited))
        found = score_subjects(scored, TRIAL)
        return len(found), int((~found["one_class"].astype(bool)).sum())
    trials = _list_tested(audited).drop_duplicates(columns_of("trial"))
    labels = trials.groupby("subject")["label"]
    enough = _has_enough(labels) if audited.form.is_rating else labels.nunique() > 1
    return len(enough), int(enough.sum())


def tabulate_scored(audited: AuditPart, values: NDArray[Any]) -> pd.DataFrame:
    """Return the tested rows with a label and a score, as ``metrics`` takes them."""
    form, rows = audited.form, audited.rows
    fold = np.zeros(len(rows), dtype=np.int64)
    for number, fit in enumerate(audited.fits):
        fold[fit.test] = number
    segment = rows["segment"] if "segment" in rows else np.zeros(len(rows), dtype=int)
    # a trial counts once, also where its stimulus is unknown
    table = rows[["subject", "trial"]].assign(
        **audited.key, seed=0, stimulus=rows["trial"], segment=segment, fold=fold
    )
    columns = values.reshape(len(rows), -1)
    tested = _is_tested(audited) & np.isfinite(columns).all(axis=1)
    told = dict(zip(form.values, columns[tested].T, strict=True))
    if form.moves:
        told[LAG_COLUMN] = np.zeros(int(tested.sum()))
    label = rows["label"].to_numpy(dtype=float)[tested]
    if not form.is_rating:
        label = label.astype(int)
        if form.task != HIGH_LOW:
            label = np.array(form.classes, dtype=object)[label]
    tested_rows: pd.DataFrame = table.loc[tested]
    return tested_rows.assign(**told, **{form.truth: label})


def _is_tested(audited: AuditPart) -> Bool[np.ndarray, " row"]:
    rows = audited.rows
    return np.asarray(rows["score"].notna() & rows["label"].notna())


def _list_tested(audited: AuditPart) -> pd.DataFrame:
    """Return subject, trial and label of the tested rows."""
    tested: pd.DataFrame = audited.rows.loc[_is_tested(audited)]
    return tested[["subject", "trial", "label"]]


def _score_people(audited: AuditPart, table: pd.DataFrame) -> dict[str, float]:
    people = mean_over_people(table, TRIAL)
    if audited.form.task != HIGH_LOW:
        return score_together(people)
    return score_labels(
        people["label"].to_numpy(dtype=np.int64),
        people["score"].to_numpy(dtype=float),
        people["fold"].to_numpy(dtype=np.int64),
    )


def _predict(audited: AuditPart, units: tuple[tuple[str, ...], ...]) -> NDArray[Any]:
    """Predict every tested row by the training labels of its units, added up."""
    form = audited.form
    label = audited.rows["label"].to_numpy(dtype=float)
    if form.is_rating or form.task == HIGH_LOW:
        score = _predict_mean(audited, label, units)
        return score if form.is_rating else np.clip(score, 0.0, 1.0)
    of_class = [
        np.where(np.isfinite(label), label == number, np.nan)
        for number in range(len(form.classes))
    ]
    shares = np.stack(
        [np.clip(_predict_mean(audited, one, units), 0, 1) for one in of_class], axis=1
    )
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12))


def _predict_mean(
    audited: AuditPart,
    label: Float[np.ndarray, " row"],
    units: tuple[tuple[str, ...], ...],
) -> Float[np.ndarray, " row"]:
    known = np.isfinite(label)
    numbers = [number_rows(audited.rows, unit) for unit in units]
    score = np.full(len(label), np.nan)
    for fit in audited.fits:
        seen = fit.seen & known
        base = label[seen].mean() if seen.any() else 0.5
        total = np.full(int(fit.test.sum()), (1 - len(units)) * base)
        for number in numbers:
            total += _average(label, number, seen, base)[number[fit.test]]
        score[fit.test] = total
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
