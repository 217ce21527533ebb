"""Cross-validate what a bundle will hold: how long to train, how far to trust it.

The rows of a member are divided into folds by whole subjects where there are enough of
them, else by whole trials. Each fold trains, chooses its epoch on its validation rows,
is fitted again on both and scores its test rows, as a run of the same protocol does.
The member is then fitted on all rows by the median of what the folds chose. A trial's
score is the mean of its segments' scores, from the fold that never saw it; of other
tasks than high-low, the mean of what is predicted of them. Only scores of high-low are
calibrated.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.bundle.members import Member, as_evaluated, make_learner, select_member
from deepvanet.bundle.priors import PriorMargin, fit_prior, measure_margin
from deepvanet.bundle.reliability import (
    Calibrations,
    Reliability,
    average_trials,
    calibrate,
)
from deepvanet.config import TrainSettings
from deepvanet.evaluation.fits import (
    fit_learner,
    open_once,
    plan_task,
    read_lag,
    settle_lag,
    spell_lag,
)
from deepvanet.evaluation.parts import Part, cut_part, is_trainable
from deepvanet.evaluation.tables import tabulate_predictions
from deepvanet.fields import MAY_LACK
from deepvanet.files import whole_file
from deepvanet.learners.learner import AnswersTargets, FitPlan, FittedLearner
from deepvanet.learners.probabilities import measure_outputs
from deepvanet.metrics import (
    HIGH_LOW_FORM,
    TIME_COLUMN,
    TRACE,
    Conformal,
    Form,
    conform,
    make_form,
    measure,
    measure_groups,
    tabulate_scores,
)
from deepvanet.metrics import find_form as find_measured
from deepvanet.protocols import (
    PROTOCOLS,
    UNITS,
    Protocol,
    columns_of,
    find_protocol,
)
from deepvanet.schema import KEY_COLUMNS, Goal, ScoreKey, UserError, parse_streams
from deepvanet.store import Rows, SegmentStore

N_FOLDS, LEAST_FOLDS = 5, 3
LEAST_SUBJECTS = 5
"""From how many on whole subjects are held out."""
METRICS = ("balanced_accuracy", "accuracy", "auroc")
"""Of trials that are high or low."""
GROUP_NUMBERS = (
    *("mean", "ci_low", "ci_high"),
    *("difference", "difference_low", "difference_high"),
)
"""Of a group, which may lack them."""


@dataclass(frozen=True)
class GroupScore:
    """How well a group of people is predicted: the headline of its trials.

    Attributes
    ----------
    column, group : str
        Of the table of trials, and its value.
    n_subjects, n_scored, n_trials : int
        Of the group; only those for whom the metric is defined are scored.
    mean, ci_low, ci_high : float | None
        Over its subjects; None where they are too few.
    difference, difference_low, difference_high : float | None
        To all others, and its 95 % interval.
    """

    column: str
    group: str
    n_subjects: int
    n_scored: int
    n_trials: int
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None


@dataclass(frozen=True)
class Validation:
    """How a network did on rows that it was not trained on.

    Attributes
    ----------
    n_trials, n_subjects : int
        That were scored.
    share_high : float | None
        Of the trials: who always says the likelier label is right as often. None of
        other tasks than high-low.
    scores : mapping
        Of each of ``list_metrics`` the mean over subjects; None where it is undefined.
        A trial is called high where the mean of its segments' scores, as fitted,
        exceeds 0.5.
    ci_low, ci_high, p_value : float | None
        Of the headline, the balanced accuracy or the CCC; None where it has none.
    p_kind : str
        How the p-value was found, as in ``scores.csv``.
    sets : Conformal | None
        How wide sets of labels, or intervals of ratings, must be to hold the truth of a
        new person's trials. None where no whole people were left out, they are too
        few, or ratings move. Bundles of older versions have none.
    segment, trial : Reliability | None
        How far probabilities come true; None of other tasks than high-low.
    chance : float | None
        What luck gives in the headline; None of high-low, where it is 0.5.
    groups : tuple of GroupScore
        Scores by group of people; none where none was asked for.
    prior : PriorMargin | None
        By how much the headline exceeds that of the protocol's own prior. Bundles of
        older versions have none.
    """

    protocol: str
    n_folds: int
    n_trials: int
    n_subjects: int
    share_high: float | None
    scores: Mapping[str, float | None]
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_kind: str
    segment: Reliability | None
    trial: Reliability | None
    chance: Annotated[float | None, MAY_LACK] = None
    sets: Annotated[Conformal | None, MAY_LACK] = None
    groups: Annotated[tuple[GroupScore, ...], MAY_LACK] = ()
    prior: Annotated[PriorMargin | None, MAY_LACK] = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        values = dataclasses.asdict(self)
        return {
            name: value
            for name, value in values.items()
            if value not in (None, ())
            or name not in ("chance", "sets", "groups", "prior")
        }


def find_form(goal: Goal) -> Form:
    """Return how predictions of a goal are scored."""
    if goal.moves:
        return Form(TRACE)
    return HIGH_LOW_FORM if goal.kind == "high-low" else make_form(goal.classes)


def list_metrics(goal: Goal) -> tuple[str, ...]:
    """Return what is measured of trials of a goal."""
    return METRICS if goal.kind == "high-low" else find_form(goal).metrics


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
    """Deal rows into folds by the unit that they can honestly be divided by.

    Raises
    ------
    UserError
        When there are fewer units than the folds that were asked for.
    """
    table = select_member(store, settings, member).table
    protocol = choose_protocol(table)
    n_units = len(table.drop_duplicates(columns_of(protocol.unit)))
    if n_units < LEAST_FOLDS:
        return MemberFolds(protocol.name, None, f"{n_units} trials cannot be divided")
    if settings.folds and settings.folds > n_units:
        units = UNITS[protocol.unit].plural
        raise UserError(
            f"{member.target} from {member.streams}: {n_units} {units} cannot be "
            f"divided into {settings.folds} folds",
            field="folds",
        )
    n_folds = settings.folds or min(N_FOLDS, n_units)
    part = cut_part(
        store,
        as_evaluated(settings, (protocol.name,), n_folds),
        (protocol,),
        member.target,
        member.streams,
        settings.seed,
    )
    if not all(is_trainable(one, f) for one in part.split() for f in part.folds):
        what = "rating" if part.task.goal.kind == "rating" else "class"
        return MemberFolds(protocol.name, None, f"a fold would train on one {what}")
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
    file = name_fold(out, member, number)
    if file.is_file():
        return  # by a machine that was lost before it could say so
    store = open_once(store_path, settings.segmenting)
    part = plan_folds(store, member, settings).part
    if part is None:
        raise ValueError(f"{member} has no folds")
    asked = as_evaluated(settings, [p.name for p in part.protocols])
    fit = settle_lag(store, plan_task(part, part.folds[number], out, asked, ""))
    rows = fit.take_rows(store)
    _, fitted = fit_learner(make_learner(settings, face_weights), rows, fit)
    outputs = {
        _name_outputs(one, streams): measure_outputs(
            answering,
            dataclasses.replace(rows["test"], streams=parse_streams(streams)),
            one.task.goal,
        )
        for one, answering in zip(
            part.split(), list_answering(fitted, part.task.goal), strict=True
        )
        for streams in member.answers
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished, unfinished.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            plan_names=np.array(list(fitted.plan), dtype=str),
            plan_values=np.array(list(fitted.plan.values()), dtype=np.int64),
            **spell_lag(fit.lag),
            **outputs,
        )


def list_answering(fitted: FittedLearner, goal: Goal) -> list[FittedLearner]:
    """Return what answers each target; of one target what was fitted.

    Raises
    ------
    UserError
        When it was not fitted for so many.
    """
    if not goal.parts:
        return [fitted]
    if not isinstance(fitted, AnswersTargets):
        raise UserError("the fitted learner predicts one target, not several")
    return [fitted.take_target(place) for place in range(len(goal.parts))]


def _name_outputs(part: Part, streams: str) -> str:
    """Return how a fold's file calls what was said of one of several targets."""
    return streams if part.place is None else f"{part.place} {streams}"


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
    out: Path,
    member: Member,
    folds: MemberFolds,
    settings: TrainSettings,
    *,
    store: SegmentStore,
    place: int = 0,
    groups: Mapping[str, Mapping[str, str]] | None = None,
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
    store : SegmentStore
        Its rows, of which priors read whose they are.
    place : int
        Which of several targets is judged.
    groups : mapping, optional
        Of columns of trials: the group of each subject, which is scored apart.

    Returns
    -------
    dict
        Calibrations and validation, by stream set; empty where there are no folds.
    """
    if folds.part is None:
        return {}
    part = folds.part.split()[place]
    return {
        streams: _judge(
            _join_folds(out, member, part, streams),
            _join_priors(out, member, part, folds.protocol, store),
            part,
            folds,
            streams,
            settings,
            groups or {},
        )
        for streams in member.answers
    }


def _judge(
    segments: pd.DataFrame,
    prior: pd.DataFrame,
    part: Part,
    folds: MemberFolds,
    streams: str,
    settings: TrainSettings,
    groups: Mapping[str, Mapping[str, str]],
) -> tuple[Calibrations, Validation]:
    goal = part.task.goal
    key: dict[str, Any] = {
        "protocol": folds.protocol,
        "target": part.target,
        "streams": streams,
        "learner": settings.learner,
        "seed": 0,
    }
    name = PROTOCOLS[folds.protocol].prior
    prior = prior.assign(**key | {"learner": name})
    headline = find_form(goal).headline
    if goal.kind != "high-low":
        table = segments.assign(**key)
        made = _validate(table, goal, folds)
        return Calibrations(), dataclasses.replace(
            made,
            chance=_plain(measure(table, "trial")[headline].chance),
            sets=_find_sets(_average_outputs(table, goal), goal, folds),
            prior=measure_margin(table, prior, headline, name),
            groups=_score_groups(table, groups),
        )
    is_balanced = settings.network.class_weight == "balanced"
    calibrations, reliability = calibrate(segments, is_balanced=is_balanced)
    trials = average_trials(segments)
    table = trials.assign(**key, segment=0)
    made = _validate(table, goal, folds)
    return calibrations, dataclasses.replace(
        made,
        share_high=float(trials["label"].mean()),
        segment=reliability["segment"],
        trial=reliability["trial"],
        sets=_find_sets(trials, goal, folds),
        prior=measure_margin(table, prior, headline, name),
        groups=_score_groups(table, groups),
    )


def _score_groups(
    table: pd.DataFrame, groups: Mapping[str, Mapping[str, str]]
) -> tuple[GroupScore, ...]:
    """Return the headline of each group, by column."""
    headline = find_measured(table).headline
    return tuple(
        GroupScore(
            column,
            str(row["group"]),
            int(row["n_subjects"]),
            int(row["n_scored"]),
            int(row["n_trials"]),
            *(_plain(row.get(name)) for name in GROUP_NUMBERS),
        )
        for column, whose in groups.items()
        for row in measure_groups(table, whose)
        if row["metric"] == headline
    )


def _find_sets(
    trials: pd.DataFrame, goal: Goal, folds: MemberFolds
) -> Conformal | None:
    """Find how wide sets must be for a new person; None where none was left out.

    Parameters
    ----------
    trials : DataFrame
        A row a trial: ``subject``, ``label``, and what was predicted, as ``score`` or
        in a column for each class.
    """
    if goal.moves or PROTOCOLS[folds.protocol].unit != "subject":
        return None
    predicted = stack_predictions(trials, goal)
    return conform(trials["label"].to_numpy(), predicted, trials["subject"].to_numpy())


def stack_predictions(
    trials: pd.DataFrame, goal: Goal
) -> Float[np.ndarray, " trial *class"]:
    """Return ratings, or probabilities of classes, as fitted: not calibrated.

    Examples
    --------
    >>> stack_predictions(pd.DataFrame({"score": [0.25]}), Goal("high-low")).tolist()
    [[0.75, 0.25]]
    """
    values = trials[list(find_form(goal).values)].to_numpy(dtype=float)
    if goal.kind == "classes":
        return values
    score = values[:, 0]
    return score if goal.kind == "rating" else np.stack([1 - score, score], axis=1)


def _average_outputs(table: pd.DataFrame, goal: Goal) -> pd.DataFrame:
    """Return a row a trial: its label, and the mean of what its segments were said."""
    by_trial = table.groupby(["subject", "trial"], sort=True, observed=True)
    means = by_trial[list(find_form(goal).values)].mean()
    truth = by_trial["truth"].first()
    if goal.kind == "classes":
        truth = truth.map(list(goal.classes).index)
    return means.assign(label=truth).reset_index()


def _validate(table: pd.DataFrame, goal: Goal, folds: MemberFolds) -> Validation:
    """Return what the scores of predictions say."""
    scores = _score(table, folds.protocol)
    first = scores.loc[find_form(goal).headline]
    return Validation(
        protocol=folds.protocol,
        n_folds=len(folds),
        n_trials=len(table.drop_duplicates(["subject", "trial"])),
        n_subjects=table["subject"].nunique(),
        share_high=None,
        scores={name: _plain(scores.loc[name, "mean"]) for name in list_metrics(goal)},
        ci_low=_plain(first["ci_low"]),
        ci_high=_plain(first["ci_high"]),
        p_value=_plain(first["p_value"]),
        p_kind=str(first.get("p_kind", "")),
        segment=None,
        trial=None,
    )


def _score(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Return a row a metric, by trials."""
    key = ScoreKey(*table.iloc[0][list(KEY_COLUMNS)])
    shares = "+".join(PROTOCOLS[protocol].shares) or "none"
    scores = tabulate_scores(table, dataset="", sharing={key: ("none", shares)})
    return scores[scores["level"] == "trial"].set_index("metric")


def _join_folds(out: Path, member: Member, part: Part, streams: str) -> pd.DataFrame:
    """Return a row a segment: whose, its fold, what it is and what was predicted."""
    goal = part.task.goal
    parts = []
    for number, fold in enumerate(part.folds):
        with np.load(name_fold(out, member, number), allow_pickle=False) as fit:
            found, lag = fit[_name_outputs(part, streams)], read_lag(fit)
        names = ["subject", "trial", "stimulus", "segment"]
        names += [TIME_COLUMN] if goal.moves else []
        units = part.table.iloc[fold.test][names].assign(fold=number)
        label = part.label_in(fold, lag)[fold.test]
        if goal.kind == "high-low":
            parts.append(units.assign(label=label, logit=found))
        else:
            made = tabulate_predictions(goal, label, found, lag)
            parts.append(units.assign(**made))
    return pd.concat(parts, ignore_index=True)


def _join_priors(
    out: Path, member: Member, part: Part, protocol: str, store: SegmentStore
) -> pd.DataFrame:
    """Return a row a segment: whose, what it is and what the protocol's prior says."""
    goal = part.task.goal
    parts = []
    for number, fold in enumerate(part.folds):
        with np.load(name_fold(out, member, number), allow_pickle=False) as fit:
            lag = read_lag(fit)
        label = part.label_in(fold, lag)
        train, test = (
            Rows(
                store,
                part.numbers[row],
                parse_streams(part.streams),
                label[row],
                goal=goal,
            )
            for row in (fold.train, fold.test)
        )
        names = ["subject", "trial", "stimulus", "segment"]
        names += [TIME_COLUMN] if goal.moves else []
        said = fit_prior(protocol, train, test)
        made = tabulate_predictions(goal, test.label, said, lag)
        units = part.table.iloc[fold.test][names]
        parts.append(units.assign(fold=number, **made))
    return pd.concat(parts, ignore_index=True)


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
