"""Look at a copy of WESAD: which conditions are trials, and what is odd."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.channel_facts import ChannelLevel, report_levels
from deepvanet.datasets.findings import (
    NOTHING,
    CheckResult,
    Table,
    keep_findings,
    make_result,
)
from deepvanet.datasets.rating_findings import (
    RatedTrial,
    count_usual,
    find_odd_ratings,
)
from deepvanet.datasets.source_facts import ChannelFacts
from deepvanet.datasets.source_tables import tabulate_channels
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.unused_files import find_unused
from deepvanet.datasets.wesad import reader as wesad
from deepvanet.findings import Finding, attempt, list_some, make_finding, say_count
from deepvanet.schema import Target

OTHER_FILES = {
    "signals of subjects that are left out": r"S\d+/S\d+(?:\.pkl|_quest\.csv)",
    "files of the devices": r"S\d+/(?:S\d+_E4_Data(?:\.zip|/.*)|S\d+_respiban\.txt)",
    "descriptions of subjects": r"S\d+/S\d+_readme\.txt",
}
"""What a full copy has besides the files that are read, as regular expressions."""


@dataclass(frozen=True)
class TrialFacts:
    """What was seen of one subject in one condition."""

    subject: str
    trial: str
    condition: str
    state: str
    seconds: float
    ratings: Mapping[Target, float]


@dataclass(frozen=True)
class WesadFacts:
    """What was seen of one subject.

    Attributes
    ----------
    levels : mapping
        Where the numbers of each channel lie.
    """

    subject: str
    trials: tuple[TrialFacts, ...]
    levels: Mapping[str, ChannelLevel]
    findings: tuple[Finding, ...] = ()


def check_wesad(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every condition of a copy of WESAD, one subject at a time.

    Parameters
    ----------
    root : Path
        The folder of the copy.
    exclude : sequence of str
        Subjects to leave out.
    execution : Execution | None
        How subjects are examined in parallel; by default one after the other.

    Returns
    -------
    CheckResult
        Tables of subjects, conditions and channels, and findings, the worst first.

    Raises
    ------
    UserError
        When there is no folder, or no subject in it.
    """
    subjects = leave_out(wesad.list_subjects(root), exclude)
    facts = examine_each(partial(examine_subject, root), subjects, execution)
    tables = (
        _tabulate_subjects(facts),
        _tabulate_conditions(facts),
        _tabulate_channels(facts),
    )
    return make_result(tables, _find_all(root, facts))


@keep_findings
def examine_subject(root: Path, subject: str) -> WesadFacts:
    """Read one subject's files; what cannot be used becomes a finding."""
    path = wesad.find_files(root)[subject]
    recordings = attempt(
        lambda: list(wesad.read_recordings(root, subject)), source=path
    )
    if recordings is None:
        return WesadFacts(subject, (), {})
    levels = report_levels(
        f"S{int(subject)}",
        np.concatenate([recording.bio for recording in recordings], axis=1),
        wesad.CHANNELS,
        sfreq=wesad.SFREQ,
    )
    trials = tuple(
        TrialFacts(
            subject=subject,
            trial=span.trial,
            condition=span.stimulus,
            state=span.more["state"],
            seconds=span.end_s - span.onset_s,
            ratings=span.ratings,
        )
        for recording in recordings
        for span in recording.spans
    )
    return WesadFacts(subject, trials, levels)


def _find_all(root: Path, facts: Sequence[WesadFacts]) -> Iterator[Finding]:
    yield from (finding for subject in facts for finding in subject.findings)
    trials = [trial for subject in facts for trial in subject.trials]
    yield from _find_unrated(trials)
    yield from find_odd_ratings(
        [
            RatedTrial(t.subject, t.trial, t.ratings, t.condition, float(t.trial))
            for t in trials
        ],
        source="# DIM",
        least_trials=count_usual(
            [len(f.trials) for f in facts], full=wesad.N_CONDITIONS
        ),
    )
    if trials:
        yield make_finding(
            "R31",
            "the state of each trial is that of its condition, the same for all "
            "subjects; ratings are each subject's own",
        )
        yield make_finding(
            "C01",
            "the acceleration of chest and wrist is not used: no stream holds it",
            place=wesad.NOT_USED,
        )
    absent = [name for name in wesad.SUBJECTS if name not in {f.subject for f in facts}]
    if absent:
        yield make_finding(
            "F03",
            f"{say_count(len(trials), 'trial')} of "
            f"{say_count(len(facts), 'subject')}; a full copy has "
            f"{wesad.N_CONDITIONS} of each of {len(wesad.SUBJECTS)}: "
            f"{list_some([f'S{int(name)}' for name in absent])} are not there",
        )
    used = [file for f in facts for file in wesad.input_files(root, f.subject)]
    yield from find_unused(root, "WESAD", used, OTHER_FILES)
    yield from find_mark(root)


def _find_unrated(trials: Sequence[TrialFacts]) -> Iterator[Finding]:
    named = [f"S{int(t.subject)} {t.condition}" for t in trials if not t.ratings]
    if named:
        conditions = say_count(len(named), "condition has", "conditions have")
        yield make_finding(
            "R06",
            f"{conditions} no rating: {list_some(named)}",
            assumed="they stay in: their state is known",
        )


def _tabulate_subjects(facts: Sequence[WesadFacts]) -> Table:
    return Table(
        title="Subjects",
        columns=("subject", "trials", "seconds", "conditions, in order"),
        rows=tuple(
            (
                subject.subject,
                len(subject.trials),
                f"{sum(trial.seconds for trial in subject.trials):.0f}",
                ", ".join(trial.condition for trial in subject.trials) or NOTHING,
            )
            for subject in facts
        ),
    )


def _tabulate_conditions(facts: Sequence[WesadFacts]) -> Table:
    trials = [trial for subject in facts for trial in subject.trials]
    names = dict.fromkeys((trial.condition, trial.state) for trial in trials)
    return Table(
        title="Conditions",
        columns=(
            *("condition", "state", "trials", "shortest s", "median s", "longest s"),
            *(f"{target}, median" for target in Target),
        ),
        rows=tuple(
            (
                condition,
                state,
                len(held),
                *(
                    f"{q:.1f}"
                    for q in np.percentile([t.seconds for t in held], [0, 50, 100])
                ),
                *(_find_median(held, target) for target in Target),
            )
            for condition, state in names
            for held in [[t for t in trials if t.condition == condition]]
        ),
    )


def _find_median(trials: Sequence[TrialFacts], target: Target) -> str:
    rated = [t.ratings[target] for t in trials if target in t.ratings]
    return f"{np.median(rated):g}" if rated else NOTHING


def _tabulate_channels(facts: Sequence[WesadFacts]) -> Table:
    return tabulate_channels(
        [
            ChannelFacts(
                sensor.channel,
                f"key, {sensor.sfreq:g} Hz",
                subject.levels[sensor.channel.name],
            )
            for subject in facts
            if subject.levels
            for sensor in wesad.SENSORS
        ]
    )
