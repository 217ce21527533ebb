"""A bundle is trained and asked: ``train``, ``load``, ``predict``, ``explain``."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from deepvanet.bundle import train_bundle
from deepvanet.config import Execution, ReportSettings, TrainSettings
from deepvanet.explanation import Explanation
from deepvanet.explanation import explain as run_explain
from deepvanet.inference import Model, RecordingInput, Timeline, load_model
from deepvanet.inference import predict as run_predict
from deepvanet.interface.asking import (
    PathLike,
    read_optional_path,
    read_path,
    say_os_errors,
    settle,
    settle_asked,
    split_execution,
)
from deepvanet.interface.selection import find_folder
from deepvanet.schema import UserError, say_nearest
from deepvanet.store import TrialStore

_log = logging.getLogger(__name__)
_PATHS = ("video", "bio", "features", "trials")


def train(
    store: PathLike | TrialStore,
    out: PathLike,
    *,
    settings: TrainSettings | None = None,
    execution: Execution | None = None,
    face_weights: PathLike | None = None,
    group: str | Sequence[str] = (),
    people: PathLike | None = None,
    **asked: Any,
) -> Model:
    """Fit learners on all rows of a store, and keep them as a bundle; return it.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    out : str or Path
        Folder of the bundle; an interrupted training of the same settings goes on.
    settings : TrainSettings, optional
        What is fitted; keywords change them.
    execution : Execution, optional
        Where folds are fitted; one after another in this process if not given.
    face_weights : str or Path, optional
        What the face trunk starts from.
    group : str or sequence of str
        Columns of the store's trials by whose values people are scored apart, as
        ``sex``; for the card.
    people : str or Path, optional
        CSV file with a row for each subject, whose columns may be groups too.
    **asked : object
        Fields of ``TrainSettings`` (``targets``, ``streams``, ``learner`` and others),
        of ``NetworkSettings`` and of ``Execution``, by name.

    Returns
    -------
    Model
        What ``load`` returns of it.

    Raises
    ------
    UserError
        When the store lacks a stream or a class, or ``out`` holds another bundle.

    Examples
    --------
    >>> import deepvanet
    >>> model = deepvanet.train(
    ...     "store", "model", streams="bio", learner="trial-logistic"
    ... )  # doctest: +SKIP
    """
    execution, asked = split_execution(asked, execution)
    made = settle_asked(settings, TrainSettings, asked)
    with say_os_errors():
        bundle = train_bundle(
            find_folder(store),
            read_path(out, "out"),
            settings=made,
            execution=execution,
            face_weights=read_optional_path(face_weights, "face_weights"),
            group=settle(None, ReportSettings, {"group": group}).group,
            people=read_optional_path(people, "people"),
        )
    for line in bundle.lines():
        _log.info("%s", line)
    return Model(bundle)


def load(path: PathLike) -> Model:
    """Open a bundle that ``train`` wrote; runs no code from it.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Returns
    -------
    Model
        ``predict(video=..., bio=...)`` gives a table with a row a second.

    Raises
    ------
    UserError
        When there is no whole bundle.

    Examples
    --------
    >>> import deepvanet
    >>> model = deepvanet.load("model")  # doctest: +SKIP
    >>> table = model.predict(bio="recording.edf")  # doctest: +SKIP
    """
    with say_os_errors():
        return load_model(read_path(path, "path"))


def predict(
    model: PathLike | Model, *, out: PathLike | None = None, **recording: Any
) -> Timeline:
    """Score each second of a recording, or of its trials.

    Parameters
    ----------
    model : str, Path or Model
        A bundle.
    out : str or Path, optional
        Table to write.
    **recording : object
        Fields of ``RecordingInput``: ``video``, ``bio``, ``features``, ``trial``,
        ``trials``, ``video_offset_s``, ``baseline_s``, ``accept``.

    Returns
    -------
    Timeline
        ``table`` has a row a second; ``notes`` say what had to be assumed.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.predict("model", bio="recording.edf").table  # doctest: +SKIP
    """
    asked = _read_recording(recording)
    with say_os_errors():
        timeline = run_predict(_find_bundle(model), asked)
        if out is not None:
            timeline.write(read_path(out, "out"))
    return timeline


def explain(model: PathLike | Model, out: PathLike, **recording: Any) -> Explanation:
    """Say which streams, channels and parts of the face contributed to a prediction.

    Parameters
    ----------
    model : str, Path or Model
        A bundle.
    out : str or Path
        Folder of tables and figures.
    **recording : object
        As ``predict`` takes them.

    Returns
    -------
    Explanation
        What was written, as tables.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.

    Examples
    --------
    >>> import deepvanet
    >>> deepvanet.explain("model", "why", bio="recording.edf")  # doctest: +SKIP
    """
    asked = _read_recording(recording)
    with say_os_errors():
        return run_explain(_find_bundle(model), asked, read_path(out, "out"))


def _find_bundle(model: PathLike | Model) -> Any:
    return model.bundle.path if isinstance(model, Model) else read_path(model, "model")


def _read_recording(given: dict[str, Any]) -> RecordingInput:
    known = [item.name for item in dataclasses.fields(RecordingInput)]
    for name in given:
        if name not in known:
            raise UserError(
                f"there is no such part of a recording{say_nearest(name, known)}",
                field=name,
            )
    read: dict[str, Any] = {
        name: read_optional_path(value, name) if name in _PATHS else value
        for name, value in given.items()
    }
    return RecordingInput(**read)
