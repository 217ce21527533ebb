"""Predictions that were made elsewhere, scored beside the priors of a run.

A CSV file as ``deepvanet audit`` reads it. Its rows must be trials of the run, with the
run's labels; it is scored by the same metrics, and the run's priors on the same trials.
What training and test shared is what the file states in columns ``leaks`` and
``shares``, and else not known: so it has no p-value and no verdict.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet.cells import read_numbers
from deepvanet.findings import say_count
from deepvanet.metrics import (
    HIGH_LOW,
    METRIC_RECORDS,
    PROBABILITY,
    Form,
    find_form,
    find_interval,
    measure,
    tabulate_scores,
)
from deepvanet.protocols import columns_of
from deepvanet.protocols.known import LEAKS, SHARES
from deepvanet.reporting.studies import Study
from deepvanet.results import (
    add_probabilities,
    check_predictions,
    read_cells,
    read_given_predictions,
)
from deepvanet.schema import KEY_COLUMNS, PRIORS, ScoreKey, UserError, quote

NOT_STATED = "not stated"
ELSEWHERE_COLUMNS = (
    *("file", "made", "dataset", KEY_COLUMNS[0], "task", *KEY_COLUMNS[1:]),
    *("level", "metric", "mean", "sd", "ci_low", "ci_high", "n_subjects", "n_trials"),
    *("difference", "difference_low", "difference_high", "leaks", "shares"),
)
"""Columns of ``elsewhere.csv``. ``made`` is ``elsewhere``, or ``in the run`` of a prior
on the same trials, whose ``difference`` is by how much the file's scores exceed it."""

_TRIAL = ["subject", "trial"]
_ROW = ["seed", *_TRIAL, "segment"]
_SAME_RATING = 1e-6


def tabulate_elsewhere(study: Study, files: Sequence[Path]) -> pd.DataFrame:
    """Score predictions that were made elsewhere, and the priors on the same trials.

    Parameters
    ----------
    study : Study
        Of which the trials are.
    files : sequence of Path
        Each a CSV file.

    Returns
    -------
    DataFrame
        Columns ``ELSEWHERE_COLUMNS``; without a row if there is no file.

    Raises
    ------
    UserError
        When a file cannot be read, or its rows are not those of the run.
    """
    rows = [row for file in dict.fromkeys(files) for row in _score_file(study, file)]
    return pd.DataFrame(rows, columns=list(ELSEWHERE_COLUMNS))


def read_elsewhere(study: Study, path: Path) -> pd.DataFrame:
    """Read predictions, and give them what they do not state.

    Returns
    -------
    DataFrame
        As the predictions of a run, with columns ``leaks`` and ``shares``; stimuli are
        those of the run. A learner without a name has that of the file.

    Raises
    ------
    UserError
        When it cannot be read, or its rows are not those of the run.
    """
    if study.form.moves:
        raise _refuse(path, "ratings that move with time are not read from files")
    table = read_given_predictions(path)
    defaults = {
        "protocol": _name_only(path, "protocol", study.protocols),
        "target": _name_only(path, "target", study.targets),
        "streams": NOT_STATED,
        "learner": path.stem,
        "seed": "0",
        "fold": "0",
        "segment": "0",
        "leaks": NOT_STATED,
        "shares": NOT_STATED,
    }
    for name, usual in defaults.items():
        if name not in table:
            table[name] = usual() if callable(usual) else usual
        table[name] = table[name].str.strip()
    for name, known in (("protocol", study.protocols), ("target", study.targets)):
        for value in table[name].unique():
            if value not in known:
                raise _refuse(
                    path,
                    f"{name} {quote(value)} is none of the run, which has "
                    f"{', '.join(known)}",
                )
    for name, words in (("leaks", LEAKS), ("shares", SHARES)):
        _check_words(path, name, table, words)
    for name in ("seed", "fold"):
        numbers = read_numbers(table[name])
        wrong = ~(numbers % 1 == 0)
        _refuse_row(path, table, wrong, f"column {name} must be a whole number")
        table[name] = numbers.astype(np.int64)
    parts = [
        _read_part(study, path, rows)
        for _, rows in table.groupby(["target", "protocol"], sort=False)
    ]
    return pd.concat(parts, ignore_index=True)


def _name_only(path: Path, column: str, names: Sequence[str]) -> Any:
    """Return what names the only protocol or target of the run, or refuses."""

    def name() -> str:
        if len(names) > 1:
            raise _refuse(
                path,
                f"column {column} is missing, and the run has several: "
                f"{', '.join(names)}",
            )
        return names[0]

    return name


def _check_words(
    path: Path, name: str, table: pd.DataFrame, words: Sequence[str]
) -> None:
    """Refuse what states something else of training and test than a run does."""
    known = {*words, "none"}
    for value in table[name].unique():
        if value != NOT_STATED and not set(value.split("+")) <= known:
            raise _refuse(
                path,
                f"column {name} must be none, or some of {', '.join(words)} joined by "
                f"+, got {quote(value)}",
            )


def _read_part(study: Study, path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Read the values of one target and protocol, and compare them with the run's."""
    target, protocol = (str(rows[name].iloc[0]) for name in ("target", "protocol"))
    form = study.forms[target]
    has_labels = "truth" not in rows
    if has_labels != (form.task == HIGH_LOW):
        one, other = ("label, score", "truth, prediction")
        got, needed = (one, other) if has_labels else (other, one)
        raise _refuse(path, f"has columns {got}, where the run has {needed}")
    rows = _read_high_low(path, rows) if has_labels else _read_task(path, rows, form)
    mine = study.predictions[
        (study.predictions["target"] == target)
        & (study.predictions["protocol"] == protocol)
    ]
    asked = mine.drop_duplicates(columns_of("trial"))
    known = pd.MultiIndex.from_frame(asked[_TRIAL].astype(str))
    place = known.get_indexer(pd.MultiIndex.from_frame(rows[_TRIAL]))
    where = f"of the run under {protocol}, {target}"
    _refuse_row(path, rows, pd.Series(place < 0, rows.index), f"is no trial {where}")
    again = rows.duplicated(["learner", "streams", *_ROW])
    _refuse_row(path, rows, again, "is there twice")
    _compare_truth(path, rows, asked.iloc[place], mine, form)
    return rows.assign(stimulus=asked["stimulus"].to_numpy()[place])


def _read_high_low(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    label, score = (read_numbers(rows[name]) for name in ("label", "score"))
    _refuse_row(path, rows, ~label.isin([0, 1]), "column label must be 0 or 1")
    wrong = ~score.between(0, 1)
    _refuse_row(path, rows, wrong, "column score must be a probability from 0 to 1")
    return rows.assign(label=label.astype(np.int64), score=score.astype(float))


def _read_task(path: Path, rows: pd.DataFrame, form: Form) -> pd.DataFrame:
    read = add_probabilities(read_cells(rows))
    if find_form(read).is_rating != form.is_rating:
        what = "ratings" if form.is_rating else f"classes {', '.join(form.classes)}"
        raise _refuse(path, f"predicts something else than the run, which has {what}")
    if form.is_rating:
        check_predictions(read, form, path)
        return read
    named = [name for name in map(str, read) if name.startswith(PROBABILITY)]
    for name in named:
        if name not in form.values:
            raise _refuse(
                path,
                f"column {name} is of a class that the run has not, which has "
                f"{', '.join(form.classes)}",
            )
    absent = {name: 0.0 for name in form.values if name not in read}
    others = [name for name in read if name not in named]
    read = read.assign(**absent)[[*others, *form.values]]
    check_predictions(read, form, path)
    return read


def _compare_truth(
    path: Path, rows: pd.DataFrame, asked: pd.DataFrame, mine: pd.DataFrame, form: Form
) -> None:
    """Refuse labels that are not those of the run, where the run has one a trial."""
    n_labels = mine.groupby(_TRIAL)[form.truth].nunique()
    if n_labels.max() > 1:  # by a rule that follows the training rows of a fold
        return
    ours, theirs = asked[form.truth].to_numpy(), rows[form.truth].to_numpy()
    if form.is_rating:
        wrong = np.abs(ours.astype(float) - theirs.astype(float)) > _SAME_RATING
    else:
        wrong = ours.astype(str) != theirs.astype(str)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise _refuse(
            path,
            f"{_name_row(rows.iloc[first])}: {form.truth} is {theirs[first]}, in the "
            f"run it is {ours[first]}",
        )


def _refuse(path: Path, sentence: str) -> UserError:
    return UserError(f"{path}: {sentence}", field="predictions")


def _refuse_row(
    path: Path, rows: pd.DataFrame, wrong: "pd.Series[bool]", sentence: str
) -> None:
    if wrong.any():
        raise _refuse(path, f"{_name_row(rows[wrong].iloc[0])}: {sentence}")


def _name_row(row: "pd.Series[Any]") -> str:
    return f"subject {row['subject']}, trial {row['trial']}"


def _score_file(study: Study, path: Path) -> Iterator[dict[str, Any]]:
    table = read_elsewhere(study, path)
    has_segments = table["segment"].nunique() > 1
    for key, part in table.groupby(list(KEY_COLUMNS), sort=False):
        named = ScoreKey(*map(str, key))
        sides = [(named, part), *_list_priors(study, named, part)]
        ours = measure(part, "trial")
        for one, rows in sides:
            is_mine = rows is part
            stated = [part[name].iloc[0] for name in ("leaks", "shares")]
            leaks, shares = stated if is_mine else study.sharing[one]
            scores = tabulate_scores(
                rows, dataset=study.dataset, sharing={one: (NOT_STATED, shares)}
            )
            theirs = None if is_mine else measure(rows, "trial")
            for score in scores.to_dict("records"):
                if score["level"] == "segment" and not has_segments:
                    continue
                found = {str(name): value for name, value in score.items()}
                if theirs is not None and score["level"] == "trial":
                    found |= _compare(ours, theirs, str(score["metric"]))
                yield found | {
                    "file": path.name,
                    "made": "elsewhere" if is_mine else "in the run",
                    "n_trials": len(rows.drop_duplicates(_TRIAL)),
                    "leaks": leaks,
                    "shares": shares,
                }


def _compare(ours: Any, theirs: Any, metric: str) -> dict[str, float]:
    """Return by how much one exceeds the other, paired over subjects."""
    if METRIC_RECORDS[metric].is_pooled:
        return {}
    apart = ours[metric].minus(theirs[metric])
    low, high = find_interval(apart.mean, apart.spread)
    return {
        "difference": apart.mean,
        "difference_low": low,
        "difference_high": high,
    }


def _list_priors(
    study: Study, named: ScoreKey, part: pd.DataFrame
) -> Iterator[tuple[ScoreKey, pd.DataFrame]]:
    """Yield each prior of the run that has all trials of a part, on these trials."""
    trials = pd.MultiIndex.from_frame(part[_TRIAL].drop_duplicates())
    for prior in PRIORS:
        for one, rows in study.parts.items():
            if one[:2] != named[:2] or one.learner != prior:
                continue
            mine = pd.MultiIndex.from_frame(rows[_TRIAL].astype(str))
            if trials.isin(mine).all():
                yield one, rows[mine.isin(trials)]
                break


def describe_elsewhere(study: Study, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page says of each file, learner, target and protocol.

    Returns
    -------
    list of dict
        ``title``, ``said`` and ``rows``: its own score by the headline, and the
        priors'.
    """
    rows = table[(table["level"] == "trial") & (table["metric"] == study.form.headline)]
    found: list[dict[str, Any]] = []
    for row in rows.to_dict("records"):
        if row["made"] == "elsewhere":
            found.append({"said": _say_part(row), "rows": []})
            found[-1]["title"] = (
                f"{row['target']}, {row['protocol']}: {row['learner']} from "
                f"{row['file']}"
            )
        found[-1]["rows"].append({str(name): value for name, value in row.items()})
    return found


def _say_part(row: dict[Any, Any]) -> str:
    """Say what is known of how the predictions were made."""
    leaks, shares = str(row["leaks"]), str(row["shares"])
    if leaks == shares == NOT_STATED:
        shared = "What its training and test shared is not stated."
    else:
        shared = f"Its file states: leaks {leaks}, shares {shares}; nothing checked it."
    trials = say_count(int(row["n_trials"]), "trial")
    subjects = say_count(int(row["n_subjects"]), "scored subject")
    return (
        f"Made elsewhere, on streams {row['streams']}. {shared} {trials}, {subjects}."
    )
