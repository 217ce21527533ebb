"""Finished fits -> the tables of a run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Num
from numpy.typing import NDArray

from deepvanet import results
from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.fits import WATCHED_EACH, FoldJob, find_traits, read_lag
from deepvanet.evaluation.parts import Part, read_epoch, walk
from deepvanet.findings import say_count
from deepvanet.learners.lag import FoundLag
from deepvanet.metrics import LAG_COLUMN, PROBABILITY, TIME_COLUMN
from deepvanet.protocols import Protocol
from deepvanet.protocols.folds import Fold
from deepvanet.schema import TRAINED_WITH, Goal
from deepvanet.store import SESSION
from deepvanet.tasks import name_others, split_outputs


@dataclass(frozen=True)
class RunTables:
    """What all fits of a run came to.

    Attributes
    ----------
    predictions, history, choices : DataFrame
        Rows of the files of that name.
    """

    predictions: pd.DataFrame
    history: pd.DataFrame
    choices: pd.DataFrame


_LAST = "last "  # of names of choices that belong to the last epoch


def collect_fits(
    parts: Sequence[Part], tasks: Sequence[FoldJob], settings: EvaluateSettings
) -> RunTables:
    """Read all fits."""
    predictions, history, choices = [], [], []
    is_joint = any(part.task.goal.parts for part in parts)
    for (part, fold), task in zip(walk(parts), tasks, strict=True):
        for learner, file in task.files.items():
            with np.load(file, allow_pickle=False) as fit:
                lag = read_lag(fit)
                for protocol in part.protocols:
                    scores = split_outputs(fit[read_epoch(protocol)], part.task.goal)
                    for one, score in zip(part.split(), scores, strict=True):
                        key = _name_fit(one, fold, protocol, learner)
                        table = _tabulate(one, fold, key, score, lag)
                        if is_joint:
                            others = name_trained_with(part, one, learner, settings)
                            table[TRAINED_WITH] = others
                        predictions.append(table)
                        choices += _list_lag(key, fold, lag)
                        history += _list_epochs(key, fold, protocol, fit, one.place)
                        choices += _list_choices(key, fold, protocol, fit)
    return RunTables(
        pd.concat(predictions, ignore_index=True),
        pd.DataFrame(history, columns=list(results.HISTORY_COLUMNS)),
        pd.DataFrame(choices, columns=list(results.CHOICE_COLUMNS)),
    )


def name_trained_with(
    part: Part, one: Part, learner: str, settings: EvaluateSettings
) -> str:
    """Return the other targets of the fit that answers one, joined by ``+``.

    Parameters
    ----------
    part, one : Part
        All targets that were asked at once, and one of them.
    learner : str
        Of a prior there are none: it is fitted on each target.
    settings : EvaluateSettings
        Settings of the run.

    Returns
    -------
    str
        Nothing of one target.
    """
    if not find_traits(learner, settings).joins_targets:
        return ""
    return name_others(part.task, one.target)


def _name_fit(
    part: Part, fold: Fold, protocol: Protocol, learner: str
) -> dict[str, Any]:
    return {
        "protocol": protocol.name,
        "target": part.target,
        "streams": part.streams,
        "learner": learner,
        "seed": part.seed,
        "fold": fold.number,
    }


def _tabulate(
    part: Part,
    fold: Fold,
    key: Mapping[str, Any],
    score: Float[np.ndarray, " row *class"],
    lag: FoundLag | None,
) -> pd.DataFrame:
    units = {
        name: part.table[name].array[fold.test]
        for name in ("subject", "trial", "stimulus", "segment")
    }
    label = part.label_in(fold, lag)[fold.test]
    made = tabulate_predictions(part.task.goal, label, score, lag)
    if part.task.goal.moves:
        made[TIME_COLUMN] = part.table[TIME_COLUMN].to_numpy()[fold.test]
    columns = [*results.PREDICTION_KEYS, *made]
    return pd.DataFrame({**key, **units, **made}, columns=columns)


def tabulate_predictions(
    goal: Goal,
    label: Num[np.ndarray, " row"],
    score: Float[np.ndarray, " row *class"],
    lag: FoundLag | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the columns of predictions that depend on what was asked.

    Parameters
    ----------
    goal : Goal
        What was predicted.
    label : array, shape (row,)
        As the task encodes ratings.
    score : array, shape (row,) or (row, class)
        As a fitted learner gives them.
    lag : FoundLag, optional
        Of ratings that move: by how much they follow the signals.

    Returns
    -------
    dict of str to array
        ``label`` and ``score`` of high-low; else ``truth`` and ``prediction``, and of
        classes ``probability_<class>`` for each, of ratings that move ``lag_s``.
    """
    if goal.kind == "high-low":
        return {"label": label, "score": score}
    if goal.kind == "rating":
        lags = {} if lag is None else {LAG_COLUMN: np.full(len(label), lag.lag_s)}
        return {"truth": label, "prediction": score, **lags}
    names = np.array(goal.classes, dtype=object)
    return {
        "truth": names[label],
        "prediction": names[score.argmax(axis=1)],
        **{f"{PROBABILITY}{name}": score[:, k] for k, name in enumerate(names)},
    }


def _list_epochs(
    key: Mapping[str, Any],
    fold: Fold,
    protocol: Protocol,
    fit: Mapping[str, Any],
    place: int | None,
) -> list[dict[str, Any]]:
    """List the epochs of a fit; of several targets with the watched loss of one."""
    epochs = fit["history"]
    if len(epochs) == 0:
        return []
    if place is not None and WATCHED_EACH in fit and fit[WATCHED_EACH].size:
        epochs = epochs.copy()
        epochs[:, 2] = fit[WATCHED_EACH][:, place]
    read = epochs[-1, 0] if read_epoch(protocol) == "last" else fit["chosen_epoch"]
    return [
        {
            **key,
            "subject": fold.scope,
            "epoch": int(epoch),
            "train_loss": train_loss,
            "watched_loss": watched_loss,
            "watched_accuracy": watched_accuracy,
            "chosen": int(epoch == read),
        }
        for epoch, train_loss, watched_loss, watched_accuracy in epochs
    ]


def _list_choices(
    key: Mapping[str, Any], fold: Fold, protocol: Protocol, fit: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """List what a fit chose, as far as the protocol reads it."""
    held = dict(zip(fit["choice_names"], fit["choice_values"], strict=True))
    last = {n.removeprefix(_LAST): v for n, v in held.items() if n.startswith(_LAST)}
    if not last or read_epoch(protocol) == "chosen":
        last = {n: v for n, v in held.items() if not n.startswith(_LAST)}
    return [
        {**key, "subject": fold.scope, "name": str(name), "value": float(value)}
        for name, value in last.items()
    ]


def _list_lag(
    key: Mapping[str, Any], fold: Fold, lag: FoundLag | None
) -> list[dict[str, Any]]:
    """List how a fold's lag was found, where its ratings move."""
    if lag is None:
        return []
    numbers = {LAG_COLUMN: lag.lag_s, "lag_low_s": lag.low_s, "lag_high_s": lag.high_s}
    numbers |= {"lag_share": lag.share, "lag_is_flat": float(lag.is_flat)}
    return [
        {**key, "subject": fold.scope, "name": name, "value": value}
        for name, value in numbers.items()
    ]


def say_lags(choices: pd.DataFrame, longest_s: float) -> list[str]:
    """Say by how much ratings that move follow the signals, where that was found.

    Parameters
    ----------
    choices : DataFrame
        Columns ``CHOICE_COLUMNS``.
    longest_s : float
        The longest lag that was tried.

    Returns
    -------
    list of str
        A sentence a target and stream set; none where ratings do not move, or a lag was
        given.
    """
    said = []
    lags = choices[choices["name"].str.startswith("lag_")]
    folds = ["protocol", "seed", "subject", "fold"]
    for (target, streams), mine in lags.groupby(["target", "streams"], sort=False):
        of_fold = mine.drop_duplicates([*folds, "name"]).pivot(
            index=folds, columns="name", values="value"
        )
        if of_fold["lag_share"].isna().all():
            continue
        found, is_flat = of_fold[LAG_COLUMN], of_fold["lag_is_flat"] > 0
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95])
        flat = (
            f"in {int(is_flat.sum())} of them no lag stands out"
            if is_flat.any()
            else "in each of them a lag stands out"
        )
        said.append(
            f"lag: {target} follows {streams} by {middle:g} s (median of "
            f"{say_count(len(found), 'fold')}, 90 % from {low:.3g} to {high:.3g} s, "
            f"tried up to {longest_s:g} s); {flat}"
        )
    return said


def list_segments(parts: Sequence[Part]) -> Iterator[pd.DataFrame]:
    """Yield tables that say, in a letter a fold, whether a row trained or tested."""
    for part in (one for whole in parts for one in whole.split()):
        letters = _spell_folds(part)
        names = ["subject", "trial", "stimulus", "segment", SESSION]
        units = part.table[[name for name in names if name in part.table]]
        for protocol in part.protocols:
            key = {"protocol": protocol.name, "target": str(part.target)}
            row = units.assign(**key, streams=part.streams, seed=part.seed)
            yield row.assign(folds=letters)


def _spell_folds(part: Part) -> list[str]:
    n_folds = max(fold.number for fold in part.folds) + 1
    letters = np.full((len(part.numbers), n_folds), results.PART_LETTERS["discarded"])
    for fold in part.folds:
        both = np.intersect1d(fold.validation, fold.train)
        for name, rows in (
            ("train", fold.train),
            ("validation", fold.validation),
            ("refitted", both),
            ("test", fold.test),
        ):
            letters[rows, fold.number] = results.PART_LETTERS[name]
    return ["".join(row) for row in letters]
