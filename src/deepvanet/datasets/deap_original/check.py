"""Look at a copy of DEAP's raw recordings: what was found, and what is odd."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.datasets.deap import files as deap_files
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap import signs as deap_signs
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.deap_original.events import STIMULUS_S, Status
from deepvanet.datasets.deap_original.facts import OriginalFacts, examine_subject
from deepvanet.datasets.findings import NOTHING, CheckResult, Table, make_result
from deepvanet.datasets.source_facts import ChannelFacts, sum_shared
from deepvanet.datasets.source_tables import tabulate_sources
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.findings import Finding, list_some, make_finding
from deepvanet.schema import UserError

OHM = 1e4, 1e7
"""A skin's resistance; beyond it, its numbers are in another unit."""


def check_deap_original(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every file of DEAP's raw recordings, one subject at a time.

    Parameters
    ----------
    exclude : sequence of str
        Subjects to leave out.

    Raises
    ------
    UserError
        When there is no folder, or no subject in it.
    """
    subjects = leave_out(deap_original.list_subjects(root), exclude)
    examine = partial(examine_subject, root)
    facts = examine_each(examine, subjects, execution)
    try:
        rows = deap.read_ratings(root)
    except UserError:
        rows = []  # already a finding of every subject
    tables = [_tabulate_recordings(facts), _tabulate_trials(facts)]
    tables += _tabulate_sources(root, facts)
    return make_result(tables, _find_all(root, facts, rows))


def _find_all(
    root: Path, facts: Sequence[OriginalFacts], rows: Sequence[deap.RatingsRow]
) -> Iterator[Finding]:
    locate = deap_original.signals_file
    yield from (finding for subject in facts for finding in subject.findings)
    yield from find_left_out(facts)
    yield from find_flat_channels(facts)
    yield from find_odd_skin(facts)
    yield from find_other_orders(facts)
    yield from find_odd_codes(facts)
    yield from deap_signs.find_odd_ratings(facts, rows)
    yield from deap_files.find_odd_videos(facts)
    yield from deap_files.find_other_rates(facts)
    yield from deap_files.find_absent_videos(root, facts)
    yield from find_other_lengths(facts)
    yield from deap_files.find_absent_subjects(root, facts, locate)
    yield from deap_files.find_ignored_files(root, facts, locate)
    yield from find_mark(root)


def find_left_out(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Name the trials that ``prepare`` would leave out."""
    for subject in facts:
        for note in subject.notes:
            yield make_finding("T12", note, source=f"s{subject.subject}")


def find_flat_channels(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Name the channels that never change."""
    for subject in facts:
        flat = subject.signals.flat if subject.signals else ()
        if flat:
            n_all = len(deap_original.CHANNELS)
            text = f"{len(flat)} of {n_all} channels never change: {list_some(flat)}"
            yield make_finding("Q02", text, source=f"s{subject.subject}")


def find_odd_skin(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Say whose skin touches nothing, or resists as no skin does."""
    for subject in facts:
        if subject.signals is None:
            continue
        name, ohm = f"s{subject.subject}", subject.signals.ohm
        if subject.signals.skinless:
            yield make_finding(
                "C11",
                f"GSR touches no skin for {subject.signals.skinless:.2%} of the "
                "recording",
                source=name,
                assumed="its samples are missing there",
            )
        if not math.isnan(ohm) and not _is_of_skin(ohm):
            unit = _name_unit(subject.subject)
            fits = _is_of_skin(1e9 / ohm)
            other = "Ohm" if unit == "nS" else "nS"
            yield make_finding(
                "C05",
                f"GSR, read as {unit}, has a median of {ohm:.3g} Ohm, which no skin "
                f"has{f'; its numbers would fit {other}' if fits else ''}",
                source=name,
            )


def find_other_orders(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Name the recordings whose electrodes are in an order not documented."""
    for subject in facts:
        if subject.header is None or subject.signals is None:
            continue
        documented = _name_laboratory(subject.subject)
        if subject.header.order != documented:
            yield make_finding(
                "C14",
                f"the electrodes are in {subject.header.order} order, documented is "
                f"{documented}",
                source=f"s{subject.subject}",
                assumed="they are found by their labels, so the order changes nothing",
            )


def find_odd_codes(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Name the recordings whose stimuli do not come with all of their codes."""
    around = (
        Status.SYNC,
        Status.FIXATION,
        Status.STIMULUS,
        Status.AFTER,
    )
    for subject in facts:
        if subject.signals is None:
            continue
        counts = {code: len(subject.signals.events.find(code)) for code in around}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{n} times code {code:d}" for code, n in counts.items())
            yield make_finding(
                "T16",
                "the trigger codes of a trial do not occur equally often in the status "
                f"channel: {listed}",
                source=f"s{subject.subject}",
                assumed="a trial begins at a code 4 (the video starts), and ends a "
                "minute later or at the next code",
            )


def find_other_lengths(facts: Sequence[OriginalFacts]) -> Iterator[Finding]:
    """Say where stimuli last another time than published."""
    named = []
    for subject in facts:
        stimuli_s = subject.signals.stimuli_s if subject.signals else ()
        other = [length for length in stimuli_s if length != STIMULUS_S]
        if other:
            text = f"s{subject.subject} {len(other)} of {len(stimuli_s)}"
            named.append(f"{text}, the shortest {min(other):g} s")
    if named:
        yield make_finding(
            "T15",
            f"stimuli of another length than {STIMULUS_S:g} s: {list_some(named)}",
            assumed="each is used as long as it was shown",
        )


def _is_of_skin(ohm: float) -> bool:
    lowest, highest = OHM
    return lowest <= ohm <= highest


def _name_laboratory(subject: str) -> str:
    return "Twente" if subject in deap_original.TWENTE else "Geneva"


def _name_unit(subject: str) -> str:
    return "nS" if subject in deap_original.TWENTE else "Ohm"


def _tabulate_recordings(facts: Sequence[OriginalFacts]) -> Table:
    return Table(
        title="Recordings",
        columns=(
            *("subject", "Hz", "minutes", "channels", "electrodes", "status"),
            *("above codes", "GSR unit", "median kOhm", "flat"),
        ),
        rows=tuple(_tabulate_recording(subject) for subject in facts),
    )


def _tabulate_recording(facts: OriginalFacts) -> tuple[str | int, ...]:
    header, signals = facts.header, facts.signals
    return (
        facts.subject,
        *(
            (NOTHING,) * 5
            if header is None
            else (
                f"{header.sfreq:g}",
                f"{header.seconds / 60:.1f}",
                header.n_channels,
                header.order,
                ", ".join(header.status) or NOTHING,
            )
        ),
        *(
            (NOTHING,) * 4
            if signals is None
            else (
                f"0x{signals.above:06X}",
                _name_unit(facts.subject),
                NOTHING if math.isnan(signals.ohm) else f"{signals.ohm / 1000:.4g}",
                len(signals.flat),
            )
        ),
    )


def _tabulate_sources(root: Path, facts: Sequence[OriginalFacts]) -> tuple[Table, ...]:
    read = [(subject, subject.signals) for subject in facts if subject.signals]
    videos = {f.subject: deap_files.place_videos(f, f.onsets_s) for f in facts}
    files = {
        subject.subject: [
            replace(
                signals.file,
                filmed_s=sum_shared(
                    signals.file.span, [video.span for video in videos[subject.subject]]
                ),
            )
        ]
        for subject, signals in read
    }
    channels = [
        ChannelFacts(
            channel,
            f"label {' - '.join(deap_original.SOURCES[channel.name])}",
            signals.levels[channel.name],
        )
        for _, signals in read
        for channel in deap_original.CHANNELS
    ]
    return tabulate_sources(root, signals=files, videos=videos, channels=channels)


def _tabulate_trials(facts: Sequence[OriginalFacts]) -> Table:
    return Table(
        title="Trials",
        columns=(
            *("subject", *(f"code {code:d}" for code in Status), "stimulus s"),
            *("ratings", "whole", "videos", "short", "broken"),
        ),
        rows=tuple(_tabulate_subject(subject) for subject in facts),
    )


def _tabulate_subject(facts: OriginalFacts) -> tuple[str | int, ...]:
    signals, videos = facts.signals, facts.videos or ()
    expected = len(deap_files.list_expected(facts)) if facts.rows else "?"
    return (
        facts.subject,
        *(
            NOTHING if signals is None else len(signals.events.find(code))
            for code in Status
        ),
        NOTHING if facts.stimulus_s is None else f"{facts.stimulus_s:g}",
        NOTHING if facts.rows is None else len(facts.rows),
        len(facts.onsets_s),
        f"{len(videos)} of {expected}",
        sum(deap_files.is_short(facts, video) for video in videos),
        sum(not v.is_readable or not v.starts for v in videos),
    )
