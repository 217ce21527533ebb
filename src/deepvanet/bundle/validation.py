"""Cross-validate what a bundle will hold: how long to train, how far to trust it.

The rows of a member are divided into folds by whole subjects where there are enough of
them, else by whole trials. Each fold trains, chooses its epoch on its validation rows,
is fitted again on both and scores its test rows, as a run of the same protocol does.
The member is then fitted on all rows by the median of what the folds chose. A trial's
score is the mean of its segments' scores, from the fold that never saw it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet.bundle.members import Member, as_evaluated, make_learner, select_member
from deepvanet.bundle.reliability import (
    Calibrations,
    Reliability,
    average_trials,
    calibrate,
)
from deepvanet.config import TrainSettings
from deepvanet.evaluation.fits import fit_learner, open_once, plan_task
from deepvanet.evaluation.parts import Part, cut_part, is_trainable
from deepvanet.files import whole_file
from deepvanet.learners.learner import FitPlan
from deepvanet.learners.probabilities import measure_logits
from deepvanet.metrics import tabulate_scores
from deepvanet.protocols import PROTOCOLS, Protocol, columns_of, find_protocol
from deepvanet.schema import KEY_COLUMNS, ScoreKey, parse_streams
from deepvanet.store import SegmentStore

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


@dataclass(frozen=True)
class MemberFolds:
    """The folds of a member, or why there are none.

    Attributes
    ----------
    part : Part | None
        As a run of the same protocol has it.
    """

    protocol: str = ""
    part: Part | None = None
    obstacle: str = ""

    def __len__(self) -> int:
        return 0 if self.part is None else len(self.part.folds)


def choose_protocol(table: pd.DataFrame) -> Protocol:
    """Return the protocol by which rows are divided: by subjects where they suffice."""
    unit = "subject" if table["subject"].nunique() >= LEAST_SUBJECTS else "trial"
    return find_protocol("honest", "all", unit)


def plan_folds(
    store: SegmentStore, member: Member, settings: TrainSettings
) -> MemberFolds:
    """Deal rows into folds by the unit that they can honestly be divided by."""
    table = select_member(store, settings, member).table
    protocol = choose_protocol(table)
    n_units = len(table.drop_duplicates(columns_of(protocol.unit)))
    if n_units < LEAST_FOLDS:
        return MemberFolds(protocol.name, None, f"{n_units} trials cannot be divided")
    part = cut_part(
        store,
        as_evaluated(settings, (protocol.name,), min(N_FOLDS, n_units)),
        (protocol,),
        member.target,
        member.streams,
        settings.seed,
    )
    if not all(is_trainable(part, fold) for fold in part.folds):
        return MemberFolds(protocol.name, None, "a fold would train on one class")
    return MemberFolds(protocol.name, part)


def name_fold(out: Path, member: Member, number: int) -> Path:
    """Return the file of a finished fold."""
    return out / "cross-validation" / member.target / member.streams / f"{number}.npz"


def fit_fold(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    face_weights: Path | None,
    task: tuple[Member, int],
) -> None:
    """Fit one fold and save what it said of its test rows.

    Parameters
    ----------
    store_path : Path
        Folder that ``prepare`` wrote.
    out : Path
        Folder of the bundle, which gets a file for the fold.
    settings : TrainSettings
        What is fitted, and on which subjects.
    face_weights : Path | None
        File that the face trunk starts from.
    task : (Member, int)
        A member, and the number of one of its folds.

    Raises
    ------
    ValueError
        When the member has no folds.
    """
    member, number = task
    store = open_once(store_path, settings.segmenting)
    part = plan_folds(store, member, settings).part
    if part is None:
        raise ValueError(f"{member} has no folds")
    asked = as_evaluated(settings, [p.name for p in part.protocols])
    fit = plan_task(part, part.folds[number], out, asked, "")
    rows = fit.take_rows(store)
    _, fitted = fit_learner(make_learner(settings, face_weights), rows, fit)
    logits = {
        streams: measure_logits(
            fitted, dataclasses.replace(rows["test"], streams=parse_streams(streams))
        )
        for streams in member.answers
    }
    file = name_fold(out, member, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished, unfinished.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            plan_names=np.array(list(fitted.plan), dtype=str),
            plan_values=np.array(list(fitted.plan.values()), dtype=np.int64),
            **logits,
        )


def find_plan(out: Path, member: Member, folds: MemberFolds) -> FitPlan:
    """Return the medians of what the folds chose; of two middle ones the smaller."""
    chosen: dict[str, list[int]] = {}
    for number in range(len(folds)):
        with np.load(name_fold(out, member, number), allow_pickle=False) as fit:
            for name, value in zip(fit["plan_names"], fit["plan_values"], strict=True):
                chosen.setdefault(str(name), []).append(int(value))
    return {
        name: sorted(found)[(len(found) - 1) // 2] for name, found in chosen.items()
    }


def judge(
    out: Path, member: Member, folds: MemberFolds, settings: TrainSettings
) -> dict[str, tuple[Calibrations, Validation]]:
    """Return calibrations and validation for each stream set that is answered.

    Parameters
    ----------
    out : Path
        Folder of the bundle, where all folds are finished.
    member : Member
        The learner that is judged.
    folds : MemberFolds
        Its folds, as ``plan_folds`` gives them.
    settings : TrainSettings
        What was fitted.

    Returns
    -------
    dict
        Calibrations and validation, by stream set; empty where there are no folds.
    """
    if folds.part is None:
        return {}
    return {
        streams: _judge(
            _join_folds(out, member, folds.part, streams),
            folds,
            member,
            streams,
            settings,
        )
        for streams in member.answers
    }


def _judge(
    segments: pd.DataFrame,
    folds: MemberFolds,
    member: Member,
    streams: str,
    settings: TrainSettings,
) -> tuple[Calibrations, Validation]:
    is_balanced = settings.network.class_weight == "balanced"
    calibrations, reliability = calibrate(segments, is_balanced=is_balanced)
    trials = average_trials(segments)
    table = trials.assign(
        protocol=folds.protocol,
        target=str(member.target),
        streams=streams,
        learner=settings.learner,
        seed=0,
        segment=0,
    )
    scores = _score(table, folds.protocol)
    first = scores.loc[METRICS[0]]
    return calibrations, Validation(
        protocol=folds.protocol,
        n_folds=len(folds),
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
    key = ScoreKey(*table.iloc[0][list(KEY_COLUMNS)])
    shares = "+".join(PROTOCOLS[protocol].shares) or "none"
    scores = tabulate_scores(table, dataset="", sharing={key: ("none", shares)})
    return scores[scores["level"] == "trial"].set_index("metric")


def _join_folds(out: Path, member: Member, part: Part, streams: str) -> pd.DataFrame:
    """Return a row a segment: whose, its fold, label, and the logit of its score."""
    parts = []
    for number, fold in enumerate(part.folds):
        with np.load(name_fold(out, member, number), allow_pickle=False) as fit:
            logit = fit[streams]
        units = part.table.iloc[fold.test][["subject", "trial", "stimulus"]]
        label = part.label_in(fold)[fold.test]
        parts.append(units.assign(fold=number, label=label, logit=logit))
    return pd.concat(parts, ignore_index=True)


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
