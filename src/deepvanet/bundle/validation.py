"""Cross-validate what a bundle will hold: how long to train, how far to trust it.

The rows of a network are dealt into folds by whole subjects where there are enough of
them, else by whole trials. Each fold trains, chooses its epoch on its validation rows,
is fitted again on both and scores its test rows. The network of the bundle is then
trained on all rows for the median of the chosen optimiser steps. A trial's score is
the mean of its segments' scores, from the fold that never saw it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from deepvanet.bundle.reliability import (
    Calibrations,
    Reliability,
    average_trials,
    calibrate,
)
from deepvanet.bundle.rows import Part, make_learner, open_rows
from deepvanet.config import TrainSettings
from deepvanet.files import whole_file
from deepvanet.labels import label_ratings
from deepvanet.learners.learner import Choice
from deepvanet.metrics import tabulate_scores
from deepvanet.protocols import PROTOCOLS, Fold, can_choose_epoch, cut_folds
from deepvanet.schema import STREAM_SETS, Target
from deepvanet.store import Rows

N_FOLDS, LEAST_FOLDS = 5, 3
LEAST_SUBJECTS = 5
"""From how many on whole subjects are held out."""
METRICS = ("balanced_accuracy", "accuracy", "auroc")
"""Of trials; a card shows the first."""


@dataclass(frozen=True)
class Validation:
    """How a network did on rows that it was not trained on.

    Attributes
    ----------
    n_trials, n_subjects : int
        That were scored.
    share_high : float
        Of the trials: who always says the likelier label is right as often.
    scores : mapping
        Of each of ``METRICS`` the mean over subjects; None where it is undefined. A
        trial is called high where the mean of its segments' scores, as fitted, exceeds
        0.5.
    ci_low, ci_high, p_value : float | None
        Of the balanced accuracy; None where it has none.
    p_kind : str
        How the p-value was found, as in ``scores.csv``.
    segment, trial : Reliability
        How far probabilities come true.
    """

    protocol: str
    n_folds: int
    n_trials: int
    n_subjects: int
    share_high: float
    scores: Mapping[str, float | None]
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_kind: str
    segment: Reliability
    trial: Reliability

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Validation":
        """Read what ``to_dict`` returned."""
        found = {name: Reliability(**values[name]) for name in ("segment", "trial")}
        return cls(**{**values, **found})


@dataclass(frozen=True)
class Plan:
    """The folds of a network, or why there are none."""

    protocol: str
    folds: tuple[Fold, ...]
    obstacle: str = ""


def plan_validation(rows: Rows, part: Part, settings: TrainSettings) -> Plan:
    """Deal rows into folds by the unit that they can honestly be divided by."""
    n_subjects = rows.table["subject"].nunique()
    protocol = "subject" if n_subjects >= LEAST_SUBJECTS else "trial-pooled"
    n_units = n_subjects if protocol == "subject" else len(np.unique(rows.trial))
    if n_units < LEAST_FOLDS:
        return Plan(protocol, (), f"{n_units} trials cannot be divided")
    folds = cut_folds(
        rows.table,
        rows.label,
        PROTOCOLS[protocol],
        n_folds=min(N_FOLDS, n_units),
        seed=settings.seed,
    )
    for fold in folds:
        if len(np.unique(_label_in(rows, fold, part.target, settings)[fold.train])) < 2:
            return Plan(protocol, (), "a fold would train on one class")
    return Plan(protocol, tuple(folds))


def name_fold(out: Path, part: Part, number: int) -> Path:
    """Return the file of a finished fold."""
    return out / "cross-validation" / part.target / part.streams / f"{number}.npz"


def fit_fold(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    subjects: tuple[str, ...],
    face_weights: Path | None,
    task: tuple[Part, int],
) -> None:
    """Fit one fold and save what it said of its test rows."""
    part, number = task
    rows = open_rows(store_path, settings, subjects, part)
    fold = plan_validation(rows, part, settings).folds[number]
    label = _label_in(rows, fold, part.target, settings)
    learner = make_learner(settings, face_weights)
    labelled = dataclasses.replace(rows, label=label)
    if can_choose_epoch(rows.table, label, fold):
        chosen = learner.fit(
            labelled.take(fold.first),
            watch=labelled.take(fold.validation),
            choose=Choice.LOSS,
        )
        fitted = learner.refit(labelled.take(fold.train), like=chosen)
    else:
        fitted = learner.fit(labelled.take(fold.train))
    test = labelled.take(fold.test)
    logits = {
        streams: fitted.find_logits_of(test, STREAM_SETS[streams])
        for streams in part.answers
    }
    file = name_fold(out, part, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished, unfinished.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            chosen_steps=np.array(fitted.chosen_steps),
            **logits,
        )


def find_steps(out: Path, part: Part, plan: Plan) -> int:
    """Return the median of the folds' optimiser steps; of two middle ones the fewer."""
    chosen = []
    for number in range(len(plan.folds)):
        with np.load(name_fold(out, part, number), allow_pickle=False) as fit:
            chosen.append(int(fit["chosen_steps"]))
    return sorted(chosen)[(len(chosen) - 1) // 2]


def judge(
    out: Path, part: Part, plan: Plan, rows: Rows, settings: TrainSettings
) -> dict[str, tuple[Calibrations, Validation]]:
    """Return calibrations and validation for each stream set that is answered."""
    return {
        streams: _judge(
            _join_folds(out, part, plan, rows, settings, streams),
            plan,
            part.target,
            streams,
            is_balanced=settings.network.class_weight == "balanced",
        )
        for streams in part.answers
    }


def _judge(
    segments: pd.DataFrame,
    plan: Plan,
    target: Target,
    streams: str,
    *,
    is_balanced: bool,
) -> tuple[Calibrations, Validation]:
    calibrations, reliability = calibrate(segments, is_balanced=is_balanced)
    trials = average_trials(segments)
    where = {"protocol": plan.protocol, "target": str(target), "streams": streams}
    table = trials.assign(**where, learner="network", seed=0, segment=0)
    scores = _score(table, plan.protocol)
    first = scores.loc[METRICS[0]]
    return calibrations, Validation(
        protocol=plan.protocol,
        n_folds=len(plan.folds),
        n_trials=len(trials),
        n_subjects=trials["subject"].nunique(),
        share_high=float(trials["label"].mean()),
        scores={name: _plain(scores.loc[name, "mean"]) for name in METRICS},
        ci_low=_plain(first["ci_low"]),
        ci_high=_plain(first["ci_high"]),
        p_value=_plain(first["p_value"]),
        p_kind=str(first.get("p_kind", "")),
        **reliability,
    )


def _score(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Return a row a metric, by trials."""
    key = tuple(table.iloc[0][["protocol", "target", "streams", "learner"]])
    shares = "+".join(PROTOCOLS[protocol].shares) or "none"
    scores = tabulate_scores(table, dataset="", sharing={key: ("none", shares)})
    return scores[scores["level"] == "trial"].set_index("metric")


def _join_folds(
    out: Path,
    part: Part,
    plan: Plan,
    rows: Rows,
    settings: TrainSettings,
    streams: str,
) -> pd.DataFrame:
    """Return a row a segment: whose, its fold, label, and the logit of its score."""
    parts = []
    for number, fold in enumerate(plan.folds):
        with np.load(name_fold(out, part, number), allow_pickle=False) as fit:
            logit = fit[streams]
        units = rows.table.iloc[fold.test][["subject", "trial", "stimulus"]]
        label = _label_in(rows, fold, part.target, settings)[fold.test]
        parts.append(units.assign(fold=number, label=label, logit=logit))
    return pd.concat(parts, ignore_index=True)


def _label_in(
    rows: Rows, fold: Fold, target: Target, settings: TrainSettings
) -> Int[np.ndarray, " row"]:
    """Return the labels as a fold's training rows know them."""
    ratings: Float[np.ndarray, " row"]
    ratings = rows.table[target].to_numpy(dtype=float)
    return label_ratings(
        ratings, settings.label_rule, table=rows.table, train=fold.train
    )


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
