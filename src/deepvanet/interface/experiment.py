"""Learners are scored: ``evaluate``, ``report``, ``compare``, ``audit``."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet import results
from deepvanet.auditing import Audit
from deepvanet.auditing import audit as run_audit
from deepvanet.comparison import Comparison
from deepvanet.comparison import compare as run_compare
from deepvanet.config import (
    CompareSettings,
    EvaluateSettings,
    Execution,
    ReportSettings,
)
from deepvanet.evaluation import evaluate as run_evaluate
from deepvanet.interface.asking import (
    PathLike,
    read_optional_path,
    read_path,
    say_os_errors,
    settle,
    settle_asked,
    split_execution,
)
from deepvanet.interface.own_learners import name_learners
from deepvanet.interface.selection import find_folder
from deepvanet.reporting import write_report
from deepvanet.reporting.studies import gather_runs, make_study
from deepvanet.results import Run
from deepvanet.schema import UserError
from deepvanet.store import TrialStore

_log = logging.getLogger(__name__)

OneOrMoreRuns = PathLike | Run | Sequence[PathLike | Run]


def evaluate(
    store: PathLike | TrialStore,
    out: PathLike,
    *,
    settings: EvaluateSettings | None = None,
    execution: Execution | None = None,
    face_weights: PathLike | None = None,
    **asked: Any,
) -> Run:
    """Train and test under each protocol, or complete such a run; return it.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    out : str or Path
        Folder of the run; new, or of a run of the same settings.
    settings : EvaluateSettings, optional
        What is evaluated, and how; keywords change them.
    execution : Execution, optional
        Where fits run; one after another in this process if not given.
    face_weights : str or Path, optional
        What the face trunk starts from.
    **asked : object
        Fields of ``EvaluateSettings`` (``protocols``, ``targets``, ``streams``,
        ``learners``, ``task`` and others), of ``NetworkSettings`` (``epochs`` and
        others) and of ``Execution`` (``jobs``), by name. Several names are a sequence,
        or a text with commas. Of ``learners`` each is a name, ``FILE.py:CLASS``, an
        object with a method ``fit``, or what makes one.

    Returns
    -------
    Run
        ``predictions`` has a row a tested segment; ``tabulate_scores`` scores them.

    Raises
    ------
    UserError
        When the settings do not fit the store, or ``out`` holds another run.
    TaskError
        When fits failed; the others are finished.

    Notes
    -----
    What was left out, and folds with one class in training, are warnings of the logger
    ``deepvanet``; all else that the command prints is at level INFO. With ``jobs`` of
    more than 1 a script needs ``if __name__ == "__main__":``, as for any processes of
    Python.

    Examples
    --------
    >>> import deepvanet
    >>> run = deepvanet.evaluate(
    ...     "store", "run", protocols="trial", streams="bio", learners="trial-logistic"
    ... )  # doctest: +SKIP
    """
    execution, asked = split_execution(asked, execution)
    if "learners" in asked:
        asked["learners"] = name_learners(asked["learners"])
    made = settle_asked(settings, EvaluateSettings, asked)
    folder = read_path(out, "out")
    with say_os_errors():
        done = run_evaluate(
            find_folder(store),
            folder,
            settings=made,
            execution=execution,
            face_weights=read_optional_path(face_weights, "face_weights"),
        )
    for line in done.lines():
        is_warned = line in done.left_out
        _log.log(logging.WARNING if is_warned else logging.INFO, "%s", line)
    return open_run(folder)


def open_run(path: PathLike) -> Run:
    """Open a folder that ``evaluate`` finished.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Returns
    -------
    Run
        Its tables; ``len`` counts predictions.

    Raises
    ------
    UserError
        When there is no finished run, or one of its files is damaged.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.open_run("run").predictions  # doctest: +SKIP
    """
    with say_os_errors():
        return results.open_run(read_path(path, "path"))


def tabulate_scores(runs: OneOrMoreRuns) -> pd.DataFrame:
    """Return the scores of runs, with the columns of ``scores.csv``.

    Parameters
    ----------
    runs : str, Path, Run, or several of them
        Finished runs of one store and recipe.

    Returns
    -------
    DataFrame
        A row a protocol, target, stream set, learner, level and metric: ``mean``,
        ``ci_low``, ``ci_high``, ``p_value``, ``leaks`` and others.

    Raises
    ------
    UserError
        When a run cannot be read, or runs are of several stores or recipes.

    Examples
    --------
    >>> import deepvanet
    >>> scores = deepvanet.tabulate_scores("run")  # doctest: +SKIP
    """
    gathered = gather_runs(_list_folders(runs))
    if len(gathered) > 1:
        raise UserError(
            f"these are runs of {len(gathered)} stores or recipes, whose scores do not "
            "belong into one table: tabulate each alone",
            field="runs",
        )
    return make_study(gathered[0]).scores


def report(
    runs: OneOrMoreRuns,
    out: PathLike,
    *,
    settings: ReportSettings | None = None,
    predictions: PathLike | Sequence[PathLike] = (),
    people: PathLike | None = None,
    **asked: Any,
) -> Path:
    """Turn runs into scores, figures and a page; return the page.

    Parameters
    ----------
    runs : str, Path, Run, or several of them
        Finished runs.
    out : str or Path
        Folder of the report.
    settings : ReportSettings, optional
        Figures, and groups of people; keywords change them.
    predictions : str, Path, or several of them
        CSV files of predictions that were made elsewhere, of trials of the runs.
    people : str or Path, optional
        CSV file with a row for each subject, whose columns may be groups too.
    **asked : object
        Fields of ``ReportSettings`` (``group``, ``figure_width``, ``font_size``).

    Returns
    -------
    Path
        ``index.html`` in it.

    Raises
    ------
    UserError
        When a run cannot be read, two hold the same scores, there are no such groups,
        a table of people has none of the subjects, predictions are not of their
        trials, or ``out`` is a file.

    Examples
    --------
    >>> import deepvanet
    >>> page = deepvanet.report("run", "report")  # doctest: +SKIP
    """
    made = settle(settings, ReportSettings, asked)
    with say_os_errors():
        given = predictions if isinstance(predictions, list | tuple) else [predictions]
        return write_report(
            _list_folders(runs),
            read_path(out, "out"),
            settings=made,
            predictions=[read_path(one, "predictions") for one in given],
            people=read_optional_path(people, "people"),
        )


def compare(
    run: PathLike | Run,
    a: str,
    b: str,
    *,
    settings: CompareSettings | None = None,
    **asked: Any,
) -> Comparison:
    """Test two learners, stream sets or protocols of a run against each other.

    Parameters
    ----------
    run : str, Path or Run
        A finished run.
    a, b : str
        A protocol, stream set or learner, or several with commas.
    settings : CompareSettings, optional
        What is compared, and how.
    **asked : object
        Fields of ``CompareSettings`` (``metric``, ``level``, ``unit``, ``seed``).

    Returns
    -------
    Comparison
        ``table`` has a row a pair; ``lines()`` says it in sentences.

    Raises
    ------
    UserError
        When a side names nothing of the run, or both are the same.

    Examples
    --------
    >>> import deepvanet
    >>> made = deepvanet.compare("run", "face+bio", "bio")  # doctest: +SKIP
    """
    made = settle(settings, CompareSettings, asked)
    (folder,) = _list_folders(run)
    return run_compare(folder, a, b, settings=made)


def audit(
    path: PathLike | Run,
    *,
    table: PathLike | None = None,
    control: PathLike | None = None,
    per_subject: bool | None = None,
) -> Audit:
    """Say what training and test shared, and how much of a score that explains.

    Parameters
    ----------
    path : str, Path or Run
        A run, or the predictions of any study as a CSV file.
    table : str or Path, optional
        With predictions: all rows and the fold in which each tests.
    control : str or Path, optional
        With a run: the same run on shuffled labels.
    per_subject : bool, optional
        With predictions: whether a model was fitted for each subject.

    Returns
    -------
    Audit
        ``verdict``, and ``lines()``, which says why.

    Raises
    ------
    UserError
        When a file is of another shape.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.audit("predictions.csv", table="segments.csv")  # doctest: +SKIP
    """
    (folder,) = _list_folders(path)
    with say_os_errors():
        return run_audit(
            folder,
            table=read_optional_path(table, "table"),
            control=read_optional_path(control, "control"),
            per_subject=per_subject,
        )


def _list_folders(runs: OneOrMoreRuns) -> list[Path]:
    if isinstance(runs, Run):
        return [runs.path]
    if isinstance(runs, list | tuple):
        return [folder for run in runs for folder in _list_folders(run)]
    return [read_path(runs, "runs")]
