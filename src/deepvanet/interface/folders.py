"""Recordings become a store: ``synth``, ``check``, ``prepare``, ``open_store``."""

import logging
from collections.abc import Iterable
from typing import Any

from deepvanet import store as stores
from deepvanet.config import Execution, PrepareSettings, SynthSettings
from deepvanet.datasets import CheckResult
from deepvanet.datasets import check as run_check
from deepvanet.interface.asking import (
    PathLike,
    read_path,
    say_os_errors,
    settle,
    split_execution,
)
from deepvanet.preparation import prepare as run_prepare
from deepvanet.preparation import suggest_artefacts
from deepvanet.store import TrialStore
from deepvanet.synthetic import Knobs, write_data_set

_log = logging.getLogger(__name__)


def synth(
    dataset: str,
    root: PathLike,
    *,
    settings: SynthSettings | None = None,
    execution: Execution | None = None,
    **asked: Any,
) -> str:
    """Write synthetic recordings in the format of a real data set.

    Parameters
    ----------
    dataset : str
        Name of a data set that has a writer, as ``deap`` or ``recordings``.
    root : str or Path
        Folder to write.
    settings : SynthSettings, optional
        How many subjects and trials there are, and how strongly ratings show.
    execution : Execution, optional
        Where subjects are written; one after another if not given.
    **asked : object
        Fields of ``SynthSettings`` (``n_subjects``, ``n_trials``, ``seconds``,
        ``effect``, ``seed`` and others) and of ``Execution`` (``jobs``), by name.

    Returns
    -------
    str
        What was written, and how hard it is, in sentences.

    Raises
    ------
    UserError
        When the data set has no writer, or a number does not fit it.

    Examples
    --------
    >>> import deepvanet
    >>> print(deepvanet.synth("dreamer", "DREAMER", n_subjects=2))  # doctest: +SKIP
    """
    execution, asked = split_execution(asked, execution)
    made = settle(settings, SynthSettings, asked)
    knobs = Knobs(
        effect=made.effect,
        stimulus_effect=made.stimulus_effect,
        subject_effect=made.subject_effect,
    )
    with say_os_errors():
        return write_data_set(
            dataset,
            read_path(root, "root"),
            n_subjects=made.n_subjects,
            n_trials=made.n_trials,
            seconds=made.seconds,
            knobs=knobs,
            seed=made.seed,
            execution=execution,
            n_with_video=made.n_with_video,
            nested=made.nested,
        )


def check(
    dataset: str,
    root: PathLike,
    *,
    exclude: Iterable[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every recording of a folder, and report what is odd.

    Parameters
    ----------
    dataset : str
        Name of a data set.
    root : str or Path
        The data set as downloaded, or the table of ``recordings``.
    exclude : iterable of str
        Subjects to leave out.
    execution : Execution, optional
        Where subjects are looked at; one after another if not given.

    Returns
    -------
    CheckResult
        ``findings``, each with a code, and ``tables``.

    Raises
    ------
    UserError
        When there is no such data set. What is wrong with single files is a finding.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.check("recordings", "trials.csv").findings  # doctest: +SKIP
    """
    with say_os_errors():
        return run_check(
            dataset,
            read_path(root, "root"),
            exclude=_list_names(exclude),
            execution=execution,
        )


def prepare(
    dataset: str,
    root: PathLike,
    out: PathLike,
    *,
    settings: PrepareSettings | None = None,
    execution: Execution | None = None,
    exclude: Iterable[str] = (),
    accept: Iterable[str] = (),
    **asked: Any,
) -> TrialStore:
    """Turn recordings into a store, or complete one; return it.

    Parameters
    ----------
    dataset : str
        Name of a data set that has a reader.
    root : str or Path
        The data set as downloaded, or the table of ``recordings``.
    out : str or Path
        Folder of the store.
    settings : PrepareSettings, optional
        How signals and videos are processed.
    execution : Execution, optional
        Where subjects are prepared; one after another if not given.
    exclude, accept : iterable of str
        Subjects to leave out; codes of errors whose assumption is taken.
    **asked : object
        Fields of ``PrepareSettings`` (``artefacts``, ``face``, ``face_fps`` and others)
        and of ``Execution`` (``jobs``), by name.

    Returns
    -------
    TrialStore
        The trials of all subjects.

    Raises
    ------
    UserError
        When there is an error that is not accepted, or the store was made otherwise.
    TaskError
        When subjects failed otherwise; the others are prepared.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.prepare("recordings", "trials.csv", "store")  # doctest: +SKIP
    """
    execution, asked = split_execution(asked, execution)
    if settings is None and "artefacts" not in asked:
        asked["artefacts"] = suggest_artefacts(dataset)
    made = settle(settings, PrepareSettings, asked)
    folder = read_path(out, "out")
    with say_os_errors():
        done = run_prepare(
            dataset,
            read_path(root, "root"),
            folder,
            settings=made,
            execution=execution,
            exclude=_list_names(exclude),
            accept=_list_names(accept),
        )
    for line in done.lines():
        _log.info("%s", line)
    return open_store(folder)


def open_store(path: PathLike) -> TrialStore:
    """Open a store that ``prepare`` wrote; samples stay on disk until they are read.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Returns
    -------
    TrialStore
        Its trials; ``len`` counts them, ``table`` has a row for each, ``cut`` gives
        segments.

    Raises
    ------
    UserError
        When there is no store, or it is damaged.

    Examples
    --------
    >>> import deepvanet
    >>> store = deepvanet.open_store("store")  # doctest: +SKIP
    >>> segments = store.cut(deepvanet.Segmenting(segment_s=4))  # doctest: +SKIP
    """
    with say_os_errors():
        return stores.open_store(read_path(path, "path"))


def _list_names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(map(str, names))
