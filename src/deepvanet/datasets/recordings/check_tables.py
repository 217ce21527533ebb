"""The tables of a check of own recordings."""

from collections.abc import Sequence
from pathlib import Path

from deepvanet.datasets.findings import Table, fold_rows
from deepvanet.datasets.recordings.facts import OwnFacts, RowFacts
from deepvanet.datasets.source_tables import (
    tabulate_channels,
    tabulate_signals,
    tabulate_videos,
    write_number,
)
from deepvanet.schema import PAPER_STREAMS, SIGNALS, Stream, Target


def make_tables(folder: Path, facts: Sequence[OwnFacts]) -> tuple[Table, ...]:
    """Return tables of trials, signals, videos, channels and coverage, if any.

    Parameters
    ----------
    folder : Path
        Files are named relative to it.
    facts : sequence of OwnFacts
        What was found of each subject.
    """
    tables = (
        _tabulate_trials(facts),
        tabulate_signals(folder, {own.subject: own.signals for own in facts}),
        tabulate_videos(folder, {own.subject: own.videos for own in facts}),
        tabulate_channels([one for own in facts for one in own.channels]),
        _tabulate_coverage(facts),
    )
    return tuple(table for table in tables if table.rows)


def _tabulate_trials(facts: Sequence[OwnFacts]) -> Table:
    """Return a row for each trial, folded by subject where they are many."""
    trials = [row for subject in facts for row in subject.rows]
    rows = tuple(map(_tabulate_trial, trials))
    return Table(
        title="Trials",
        columns=(
            *("subject", "trial", "stimulus", "signals s", "Hz", "EEG", "periph."),
            *("video s", "drift s", "used s", *Target),
        ),
        rows=rows,
        folded=fold_rows(rows, [one.row.subject for one in trials]),
    )


def _tabulate_trial(facts: RowFacts) -> tuple[str | int, ...]:
    row = facts.row
    ratings = (row.ratings.get(target) for target in Target)
    return (
        *(row.subject, row.trial, row.stimulus),
        write_number(facts.seconds, ".1f"),
        write_number(facts.sfreq, "g"),
        facts.n_channels.get(Stream.EEG, 0),
        facts.n_channels.get(Stream.PERIPHERAL, 0),
        write_number(facts.video_s, ".1f"),
        write_number(facts.drift_s, "+.2f"),
        write_number(facts.used_s or None, ".1f"),
        *(write_number(rating, ".3g") for rating in ratings),
    )


def _tabulate_coverage(facts: Sequence[OwnFacts]) -> Table:
    used = [row for subject in facts for row in subject.rows if row.used_s]
    has = {
        Stream.FACE: [bool(row.shown_s) for row in used],
        **{s: [row.n_channels.get(s, 0) > 0 for row in used] for s in SIGNALS},
    }
    rows = tuple(
        (stream.value, sum(it), len(it) - sum(it))
        for stream, it in has.items()
        if stream in PAPER_STREAMS or any(it)
    )
    return Table("Coverage", ("stream", "trials with", "trials without"), rows)
