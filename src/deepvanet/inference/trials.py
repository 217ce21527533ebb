"""Where the trials of a recording lie: a table, as ``prepare recordings`` takes it.

Ratings and files may be missing from it. Where it names files, the rows that name this
recording's are its trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deepvanet.bundle import Bundle
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.trial_table import read_rows
from deepvanet.datasets.recordings.trials import TrialPlace, place_alone, place_rows
from deepvanet.inference.signal_reader import USUAL_BASELINE_S
from deepvanet.schema import TrialSpan, UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.signal_io.types import Signals


def find_trials(
    table: Path,
    bundle: Bundle,
    *,
    file: Signals | None,
    video: Path | None,
    features: Path | None = None,
) -> tuple[tuple[TrialSpan, ...], tuple[str, ...]]:
    """Return the trials of a recording, and what became of other rows.

    The baseline of each is as long as ``recordings.toml`` beside the table says, else
    as in training.

    Parameters
    ----------
    table : Path
        The table, as ``prepare recordings`` takes it.
    bundle : Bundle
        Knows how long the baseline was in training.
    file : Signals | None
        The recording's signals, where it has any.
    video : Path | None
        The recording's face video; it identifies rows where there are no signals.
    features : Path | None
        What was made of its frames, which identifies rows where there is neither.

    Returns
    -------
    tuple of TrialSpan, tuple of str
        The trials; and notes, a sentence each.

    Raises
    ------
    UserError
        When the table cannot be read, or none of its trials lies in the recording.
    """
    declared = read_declared(table.parent)
    rows = _pick_rows(table, declared, file, video, features)
    if file is None:
        placed = [place_alone(row, for_training=False) for row in rows]
        notes: tuple[str, ...] = ()
    else:
        baseline_s, notes = _choose_baseline(bundle, declared)
        told = replace(declared, baseline_s=baseline_s)
        placed = place_rows(rows, file, told, for_training=False)
    spans = tuple(item.span for item in placed if item.span)
    if not spans:
        raise UserError(
            f"{table}: no trial can be used: {_tell(placed)}", field="trials"
        )
    return spans, notes


def _pick_rows(
    table: Path,
    declared: Declaration,
    file: Signals | None,
    video: Path | None,
    features: Path | None,
) -> list[Row]:
    """Return the rows of this recording: those that name its file, if any name one."""
    rows = read_rows(table, declared, for_training=False)
    name: Callable[[Row], Path | None]
    path, name = features, lambda row: row.face_features
    if file is not None:
        path, name = file.path, lambda row: row.bio
    elif video is not None:
        path, name = video, lambda row: row.video
    if any(name(row) for row in rows):
        rows = [row for row in rows if is_same_file(name(row), path)]
    if not rows:
        raise UserError(f"{table}: no row names {path}", field="trials")
    subjects = list(dict.fromkeys(row.subject for row in rows))
    if len(subjects) > 1:
        raise UserError(
            f"{table}: holds trials of {', '.join(subjects[:4])}, and no column says "
            f"which of them lie in {path}",
            field="trials",
        )
    return rows


def is_same_file(one: Path | None, other: Path | None) -> bool:
    """Say whether two paths lead to one file."""
    if one is None or other is None or not (one.is_file() and other.is_file()):
        return False
    return one.samefile(other)


def _choose_baseline(
    bundle: Bundle, declared: Declaration
) -> tuple[float, tuple[str, ...]]:
    """Return the length of a trial's baseline, and a note if training's was another."""
    trained = bundle.rest_s
    if trained == 0:
        return 0.0, ()
    baseline_s = declared.baseline_s or trained or USUAL_BASELINE_S
    if baseline_s == trained:
        return baseline_s, ()
    there = "an unknown time" if trained is None else f"{trained:g} s"
    note = f"baseline: {baseline_s:g} s before each trial; in training {there}"
    return baseline_s, (note,)


def _tell(placed: Sequence[TrialPlace]) -> str:
    return next((note for item in placed for note in item.notes), "it holds none")
