"""``events.tsv``: the rated events are trials, all others are named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from deepvanet.datasets.recordings.cells import (
    clear,
    read_number,
    read_ratings,
    refuse_cell,
    rescale_declared,
)
from deepvanet.datasets.recordings.column_names import Vocabulary, judge_columns
from deepvanet.datasets.recordings.row_checks import find_half_rated
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.trial_columns import WORDS as TRIAL_WORDS
from deepvanet.datasets.small_tables import (
    MOST_QUOTED,
    SmallTable,
    TextRow,
    name_lines,
    read_table,
)
from deepvanet.findings import attempt, list_some, report
from deepvanet.schema import Target
from deepvanet.signal_io.declared import Declaration

STIMULI = ("stimulus", "stim_file", "trial_type")
KNOWN = ("onset", "duration", *STIMULI, *Target)
WORDS = Vocabulary(
    KNOWN,
    {
        "onset": TRIAL_WORDS.synonyms["onset_s"],
        "duration": TRIAL_WORDS.synonyms["duration_s"],
        "trial_type": ("condition", "event_type", "trialtype"),
        "stim_file": ("stimulus_file", "stimfile"),
        "stimulus": ("stimulus_id", "stimulus_name", "stim_id", "stim"),
        "valence": TRIAL_WORDS.synonyms["valence"],
        "arousal": TRIAL_WORDS.synonyms["arousal"],
    },
    standard=("sample", "value", "response_time", "hed", "channel", "identifier"),
)


def read_events(
    path: Path, signals: Path, subject: str, declared: Declaration
) -> list[Row]:
    """Return the rated events of a recording, not numbered yet.

    Parameters
    ----------
    path : Path
        The file ``events.tsv``.
    signals : Path
        The recording.
    subject : str
        Whose it is.
    declared : Declaration
        Says on which scale ratings are.

    Returns
    -------
    list of Row
        An event that cannot be used is reported and left out.

    Raises
    ------
    UserError
        When the file cannot be read as a table.
    """
    table = read_table(path, what="table of events", known=KNOWN)
    judge_columns(table, WORDS, declared.ratings)
    ratings = read_ratings(table, declared)
    table = rescale_declared(table, declared)
    _report_unrated(table, ratings)
    source = _find_stimuli(table)
    read = [
        attempt(partial(_read_row, table, row, rated, (signals, subject), source))
        for row, rated in zip(table.rows, ratings, strict=True)
        if rated
    ]
    rows = [row for row in read if row is not None]
    find_half_rated(rows, table)
    _report_lengths(table, rows)
    return rows


def _read_row(
    table: SmallTable,
    text: TextRow,
    rated: Mapping[Target, float],
    recording: tuple[Path, str],
    source: Sequence[str],
) -> Row:
    cells, (signals, subject) = text.cells, recording
    stimulus = next(filter(None, (clear(cells.get(c)) for c in source)), "")
    if not stimulus:
        raise refuse_cell(
            table.path,
            text.line,
            f"needs a column {', '.join(STIMULI)} that says what was shown",
        )
    onset, duration = (
        read_number(table.path, text.line, name, cells.get(name, ""))
        for name in ("onset", "duration")
    )
    if onset is None:
        sentence = "onset is n/a, so it is not known when the event was"
        raise refuse_cell(table.path, text.line, sentence)
    used = ("onset", "duration", *source[:1], *Target)
    return Row(
        table=table.path,
        line=text.line,
        subject=subject,
        trial="",
        stimulus=stimulus,
        bio=signals,
        onset_s=onset,
        duration_s=duration or None,
        ratings=rated,
        more={k: v for k, v in cells.items() if k not in used},
    )


def _find_stimuli(table: SmallTable) -> list[str]:
    """Return the columns that say what was shown, the one that is used first."""
    held = [column for column in STIMULI if table.has(column)]
    if len(held) > 1:
        report(
            "R02",
            f"{', '.join(held[1:])}: kept, not used, since {held[0]} says what was "
            "shown",
            source=table.path,
        )
    return held


def _report_unrated(
    table: SmallTable, ratings: Sequence[Mapping[Target, float]]
) -> None:
    """Name the events without a rating, with counts."""
    silent = Counter(
        next(filter(None, (clear(row.cells.get(c)) for c in STIMULI)), "n/a")
        for row, rated in zip(table.rows, ratings, strict=True)
        if not rated
    )
    if silent:
        named = [f"{text[:MOST_QUOTED]} ({n})" for text, n in silent.items()]
        report(
            "T13",
            f"{silent.total()} events have no rating and are not used: "
            f"{list_some(named)}",
            source=table.path,
        )


def _report_lengths(table: SmallTable, rows: Sequence[Row]) -> None:
    endless = [row.line for row in rows if row.duration_s is None]
    if endless:
        report(
            "T53",
            f"the duration of {len(endless)} of {len(rows)} rated events is n/a or 0",
            source=table.path,
            place=name_lines(endless),
            assumed="each lasts to the end of the recording",
        )
