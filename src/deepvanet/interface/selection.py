"""Rows of a store with what is to be learnt from them: ``select_rows``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.asking import join_targets, name_sets
from deepvanet.evaluation.parts import RowSelection
from deepvanet.evaluation.parts import select_rows as select
from deepvanet.interface.asking import PathLike, read_path, say_os_errors, settle_asked
from deepvanet.schema import UserError, parse_streams
from deepvanet.store import Rows, SegmentStore, TrialStore, open_store, pick_subjects
from deepvanet.tasks import check_task


def select_rows(store: PathLike | TrialStore, **asked: Any) -> Rows:
    """Select the segments that have a stream set and a rating, as ``evaluate`` does.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    **asked : object
        Fields of ``EvaluateSettings`` that say which rows and which labels:
        ``targets`` (one; valence if not given), ``streams`` (one set; all that the
        store holds if not given), ``task``, ``label_rule``, ``classes``, ``segment``,
        ``step``, ``baseline``, ``subjects``.

    Returns
    -------
    Rows
        ``read(stream)`` gives arrays, ``label`` what is to be learnt, ``table`` who
        and when each row is.

    Raises
    ------
    UserError
        When no segment has them, or a keyword does not fit the store.

    Examples
    --------
    >>> import deepvanet
    >>> rows = deepvanet.select_rows("store", streams="eeg")  # doctest: +SKIP
    >>> rows.read(deepvanet.Stream.EEG).shape  # doctest: +SKIP
    (1920, 32, 128)
    """
    settings, segments, streams = settle_rows(store, asked)
    return find_rows(settings, segments, streams).open(segments, streams)


def settle_rows(
    store: PathLike | TrialStore, asked: dict[str, Any]
) -> tuple[EvaluateSettings, SegmentStore, str]:
    """Return settings of one target and one stream set, the segments, and the set.

    Raises
    ------
    UserError
        When several are asked for, or one does not fit the store.
    """
    settings = settle_asked(
        None, EvaluateSettings, {"targets": "valence", "streams": "all", **asked}
    )
    check_task(
        settings.task,
        rule=settings.label_rule,
        classes=settings.classes,
        segment=settings.segment,
    )
    with say_os_errors():
        trials = (
            store
            if isinstance(store, TrialStore)
            else open_store(read_path(store, "store"))
        )
        segments = trials.cut(settings.segmenting)
    settings = replace(
        settings,
        targets=join_targets(settings),
        streams=name_sets(settings.streams, segments),
        subjects=pick_subjects(segments, settings.subjects),
    )
    for field in ("targets", "streams"):
        names = getattr(settings, field)
        if len(names) != 1:
            raise UserError(f"needs one, got {', '.join(names)}", field=field)
    parse_streams(settings.streams[0], segments.held)
    return settings, segments, settings.streams[0]


def find_rows(
    settings: EvaluateSettings, segments: SegmentStore, streams: str
) -> RowSelection:
    """Return the rows of the one target of settings."""
    return select(segments, settings, settings.targets[0], streams)


def find_folder(store: PathLike | TrialStore) -> Path:
    """Return the folder of a store."""
    return store.path if isinstance(store, TrialStore) else read_path(store, "store")
