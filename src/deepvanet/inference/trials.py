"""Where the trials of a recording lie: a table, as ``prepare recordings`` takes it.

Ratings and files may be missing from it. Where it names files, the rows that name this
recording's are its trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deepvanet.bundle import Bundle
from deepvanet.datasets.declared import Declared, read_declared
from deepvanet.datasets.own_trials import Placed, place_alone, place_rows
from deepvanet.datasets.signal_files import Signals
from deepvanet.datasets.trial_table import Row, read_rows
from deepvanet.inference.signals import USUAL_REST_S
from deepvanet.schema import TrialSpan, UserError


def find_trials(
    table: Path, bundle: Bundle, *, file: Signals | None, video: Path | None
) -> tuple[tuple[TrialSpan, ...], tuple[str, ...]]:
    """Return the trials of a recording, and what became of other rows.

    The rest of each is as long as ``recordings.toml`` beside the table says, else as
    in training.

    Parameters
    ----------
    file : Signals | None
        The recording's signals, where it has any.

    Raises
    ------
    UserError
        When the table cannot be read, or none of its trials lies in the recording.
    """
    declared = read_declared(table.parent)
    rows = _pick_rows(table, declared, file, video)
    if file is None:
        placed = [place_alone(row, for_training=False) for row in rows]
        notes: tuple[str, ...] = ()
    else:
        rest_s, notes = _choose_rest(bundle, declared)
        told = replace(declared, baseline_s=rest_s)
        placed = place_rows(rows, file, told, for_training=False)
    notes += tuple(note for item in placed for note in item.notes)
    spans = tuple(item.span for item in placed if item.span)
    if not spans:
        raise UserError(f"--trials {table}: no trial can be used: {_tell(placed)}")
    return spans, notes


def _pick_rows(
    table: Path, declared: Declared, file: Signals | None, video: Path | None
) -> list[Row]:
    """Return the rows of this recording: those that name its file, if any name one."""
    rows = read_rows(table, declared, for_training=False)
    name: Callable[[Row], Path | None]
    path = video if file is None else file.path
    name = (lambda row: row.video) if file is None else (lambda row: row.bio)
    if any(name(row) for row in rows):
        rows = [row for row in rows if is_same_file(name(row), path)]
    if not rows:
        raise UserError(f"--trials {table}: no row names {path}")
    subjects = list(dict.fromkeys(row.subject for row in rows))
    if len(subjects) > 1:
        raise UserError(
            f"--trials {table}: holds trials of {', '.join(subjects[:4])}, and no "
            f"column says which of them lie in {path}"
        )
    return rows


def is_same_file(one: Path | None, other: Path | None) -> bool:
    """Say whether two paths lead to one file."""
    if one is None or other is None or not (one.is_file() and other.is_file()):
        return False
    return one.samefile(other)


def _choose_rest(bundle: Bundle, declared: Declared) -> tuple[float, tuple[str, ...]]:
    """Return the length of a trial's rest, and a note where training's was another."""
    trained = bundle.rest_s
    if trained == 0:
        return 0.0, ()
    rest_s = declared.baseline_s or trained or USUAL_REST_S
    if rest_s == trained:
        return rest_s, ()
    there = "an unknown time" if trained is None else f"{trained:g} s"
    return rest_s, (f"baseline: {rest_s:g} s before each trial; in training {there}",)


def _tell(placed: Sequence[Placed]) -> str:
    return next((note for item in placed for note in item.notes), "it holds none")
