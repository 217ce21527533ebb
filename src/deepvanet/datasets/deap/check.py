"""Look at a copy of DEAP: what was found in three tables, and what is odd."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.deap import files as deap_files
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap import signs as deap_signs
from deepvanet.datasets.deap.facts import DeapFacts, examine_subject
from deepvanet.datasets.findings import NOTHING, CheckResult, Table, make_result
from deepvanet.datasets.source_facts import ChannelFacts
from deepvanet.datasets.source_tables import tabulate_sources
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import Finding
from deepvanet.schema import UserError


def check_deap(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every file of a copy of DEAP, one subject at a time.

    Parameters
    ----------
    exclude : sequence of str
        Subjects to leave out.

    Raises
    ------
    UserError
        When there is no folder, or no subject in it.
    """
    subjects = leave_out(deap.list_subjects(root), exclude)
    examine = partial(examine_subject, root)
    facts = examine_each(examine, subjects, execution)
    try:
        rows = deap.read_ratings(root)
    except UserError:
        rows = []  # already a finding of every subject
    tables = [_tabulate_subjects(facts), *_tabulate_sources(root, facts)]
    tables += [_tabulate_ratings(facts, rows)] if rows else []
    return make_result(tables, _find_all(root, facts, rows))


def _find_all(
    root: Path, facts: Sequence[DeapFacts], rows: Sequence[deap.RatingsRow]
) -> Iterator[Finding]:
    yield from (finding for subject in facts for finding in subject.findings)
    yield from deap_signs.find_silent_channels(facts)
    yield from deap_signs.find_low_gsr(facts)
    yield from deap_signs.find_odd_eeg(facts)
    yield from deap_signs.find_copies(facts)
    yield from deap_signs.find_flipped_labels(facts)
    yield from deap_signs.find_odd_ratings(facts, rows)
    yield from deap_files.find_odd_videos(facts)
    yield from deap_files.find_other_rates(facts)
    yield from deap_files.find_absent_videos(root, facts)
    yield from deap_files.find_absent_subjects(root, facts, deap.signals_file)
    yield from deap_files.find_other_size(facts)
    yield from deap_files.find_ignored_files(root, facts, deap.signals_file)
    yield from find_mark(root)


def _tabulate_subjects(facts: Sequence[DeapFacts]) -> Table:
    return Table(
        title="Subjects",
        columns=(
            *("subject", "trials", "channels", "samples", "seconds", "ratings"),
            *("videos", "short", "broken", "not finite", "flat", "GSR <= 0"),
        ),
        rows=tuple(_tabulate_subject(subject) for subject in facts),
    )


def _tabulate_subject(facts: DeapFacts) -> tuple[str | int, ...]:
    signals, videos = facts.signals, facts.videos or ()
    expected = len(deap_files.list_expected(facts)) if facts.rows else "?"
    n_broken = sum(not v.is_readable or not v.starts for v in videos)
    return (
        facts.subject,
        *(
            (NOTHING,) * 4
            if signals is None
            else (
                signals.n_trials,
                len(deap.CHANNELS),
                signals.n_samples,
                f"{deap.BASELINE_S:g} + {signals.stimulus_s:g}",
            )
        ),
        NOTHING if facts.rows is None else len(facts.rows),
        f"{len(videos)} of {expected}",
        sum(deap_files.is_short(facts, video) for video in videos),
        n_broken,
        *(
            (NOTHING,) * 3
            if signals is None
            else (len(signals.bad), len(signals.flat), len(signals.low_gsr))
        ),
    )


def _tabulate_sources(root: Path, facts: Sequence[DeapFacts]) -> tuple[Table, ...]:
    """List videos and channels; the arrays say nothing of times."""
    channels = [
        ChannelFacts(
            channel,
            f"row {row}",
            subject.signals.levels[channel.name],
            keeps_level=False,
        )
        for subject in facts
        if subject.signals
        for row, channel in enumerate(deap.CHANNELS, start=1)
    ]
    videos = {subject.subject: deap_files.place_videos(subject) for subject in facts}
    return tabulate_sources(root, signals={}, videos=videos, channels=channels)


def _tabulate_ratings(
    facts: Sequence[DeapFacts], rows: Sequence[deap.RatingsRow]
) -> Table:
    labels = [f.signals.labels for f in facts if f.signals is not None]
    stacked = np.concatenate(labels) if labels else np.empty((0, len(deap.LABELS)))
    cells = []
    for number, column in enumerate(deap.LABELS):
        ratings = np.array([to_float(row.values.get(column, "")) for row in rows])
        finite = ratings[np.isfinite(ratings)]
        lowest, median, highest = (
            np.percentile(finite, [0, 50, 100]) if finite.size else (np.nan,) * 3
        )
        cells.append(
            (
                *(column, len(finite), f"{lowest:.2f}", f"{median:.2f}"),
                *(f"{highest:.2f}", f"{np.sum(finite >= 5)} of {len(finite)}"),
                f"{np.sum(stacked[:, number] >= 5)} of {len(stacked)}",
                deap_signs.N_HIGH.get(column, NOTHING),
            )
        )
    return Table(
        title="Ratings",
        columns=(
            *("rating", "rows", "lowest", "median", "highest", ">= 5 in the table"),
            *(">= 5 in the .dat files", f"published, of {deap_signs.N_RATINGS}"),
        ),
        rows=tuple(cells),
    )
