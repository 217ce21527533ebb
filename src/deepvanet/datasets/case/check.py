"""Look at a copy of CASE: which videos are trials, and what is odd."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.case import reader as case
from deepvanet.datasets.case.facts import (
    CHANNELS,
    N_SUBJECTS,
    SCALE,
    SENSORS,
    TRACE_SFREQ,
    VIDEOS,
)
from deepvanet.datasets.case.files import FORMS, RAW, find_files
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
from deepvanet.findings import Finding, attempt, list_some, make_finding
from deepvanet.schema import Target

OTHER_FILES = {
    "signals of subjects that are left out, or in another form": (
        r"data/(?:interpolated|non-interpolated|raw)/(?:physiological|annotations)/"
        r"sub[^/]*\.(?:csv|txt)"
    ),
    "the same signals for MATLAB": r"data/initial/.*",
    "tables of videos and subjects": r"metadata/.*",
    "programs of the authors": r"scripts/.*",
    "what a program for versions left": r"\.git.*",
}
"""What a full copy has besides the files that are read, as regular expressions."""


@dataclass(frozen=True)
class TrialFacts:
    """What was seen of one subject and video.

    Attributes
    ----------
    baseline_s, seconds : float
        Length of the baseline and of the video.
    said : float
        Share of the trace that is known.
    """

    subject: str
    trial: str
    video: str
    baseline_s: float
    seconds: float
    said: float
    ratings: Mapping[Target, float]


@dataclass(frozen=True)
class CaseFacts:
    """What was seen of one subject.

    Attributes
    ----------
    levels : mapping
        Where the numbers of each channel lie.
    """

    subject: str
    form: str
    trials: tuple[TrialFacts, ...]
    levels: Mapping[str, ChannelLevel]
    findings: tuple[Finding, ...] = ()


def check_case(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every video of a copy of CASE, one subject at a time.

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
        Tables of subjects, videos and channels, and findings, the worst first.

    Raises
    ------
    UserError
        When there is no folder, or no subject in it.
    """
    subjects = leave_out(case.list_subjects(root), exclude)
    facts = examine_each(partial(examine_subject, root), subjects, execution)
    tables = (
        _tabulate_subjects(facts),
        _tabulate_videos(facts),
        _tabulate_channels(facts),
    )
    return make_result(tables, _find_all(root, facts))


@keep_findings
def examine_subject(root: Path, subject: str) -> CaseFacts:
    """Read one subject's files; what cannot be used becomes a finding."""
    files = find_files(root)[subject]
    recordings = attempt(
        lambda: list(case.read_recordings(root, subject)), source=files.physiology
    )
    if recordings is None:
        return CaseFacts(subject, files.form, (), {})
    (recording,) = recordings
    levels = report_levels(
        files.physiology, recording.bio, CHANNELS, sfreq=recording.sfreq
    )
    trials = tuple(
        TrialFacts(
            subject=subject,
            trial=span.trial,
            video=span.stimulus,
            baseline_s=span.baseline_s,
            seconds=span.end_s - span.onset_s,
            said=float(np.isfinite(span.trace.values).mean()) if span.trace else 0.0,
            ratings=span.ratings,
        )
        for span in recording.spans
    )
    return CaseFacts(subject, files.form, trials, levels)


def _find_all(root: Path, facts: Sequence[CaseFacts]) -> Iterator[Finding]:
    yield from (finding for subject in facts for finding in subject.findings)
    trials = [trial for subject in facts for trial in subject.trials]
    yield from _find_unrated(trials)
    yield from find_odd_ratings(
        [
            RatedTrial(t.subject, t.trial, t.ratings, t.video, float(t.trial))
            for t in trials
        ],
        source="the joystick",
        scale=SCALE,
        least_trials=count_usual([len(f.trials) for f in facts], full=len(VIDEOS)),
    )
    if trials:
        yield from _state_assumptions()
    yield from _find_forms(facts)
    absent = N_SUBJECTS - len(facts)
    if absent > 0 or len(trials) != N_SUBJECTS * len(VIDEOS):
        yield make_finding(
            "F03",
            f"{len(trials)} trials of {len(facts)} subjects; a full copy has "
            f"{len(VIDEOS)} of each of {N_SUBJECTS}",
        )
    used = [file for f in facts for file in case.input_files(root, f.subject)]
    yield from find_unused(root, "CASE", used, OTHER_FILES)
    yield from find_mark(root)


def _state_assumptions() -> Iterator[Finding]:
    low, high = SCALE
    yield make_finding(
        "R12",
        f"what it says from {low:g} to {high:g} is mapped to 1 to 9, linearly",
        source="the joystick",
    )
    yield make_finding(
        "R40",
        "the rating of a trial is the mean of what the joystick said during its video; "
        f"what it said is kept too, at {TRACE_SFREQ:g} Hz",
        source="the joystick",
    )
    yield make_finding(
        "R31",
        "the state of each trial is what its video was chosen to evoke, the same for "
        "all subjects; ratings are each subject's own",
    )


def _find_forms(facts: Sequence[CaseFacts]) -> Iterator[Finding]:
    for form in FORMS[1:]:
        named = [f"subject {int(f.subject)}" for f in facts if f.form == form]
        if named:
            how = ": volts and steps are converted as published" if form == RAW else ""
            yield make_finding(
                "F10",
                f"files in data/{form} are read of {len(named)} subjects, since there "
                f"are none in data/{FORMS[0]}{how}: {list_some(named)}",
            )


def _find_unrated(trials: Sequence[TrialFacts]) -> Iterator[Finding]:
    named = [f"subject {int(t.subject)} {t.video}" for t in trials if not t.ratings]
    if named:
        yield make_finding(
            "R06",
            f"the joystick says nothing in most of {len(named)} trials: "
            f"{list_some(named)}",
            assumed="they stay in, without a rating",
        )


def _tabulate_subjects(facts: Sequence[CaseFacts]) -> Table:
    return Table(
        title="Subjects",
        columns=("subject", "files", "trials", "seconds", "videos, in order"),
        rows=tuple(
            (
                subject.subject,
                subject.form,
                len(subject.trials),
                f"{sum(trial.seconds for trial in subject.trials):.0f}",
                ", ".join(trial.video for trial in subject.trials) or NOTHING,
            )
            for subject in facts
        ),
    )


def _tabulate_videos(facts: Sequence[CaseFacts]) -> Table:
    trials = [trial for subject in facts for trial in subject.trials]
    return Table(
        title="Videos",
        columns=(
            *("video", "trials", "shortest s", "median s", "longest s"),
            *("baseline s, median", "joystick known"),
            *(f"{target}, median" for target in Target),
        ),
        rows=tuple(
            (
                video,
                len(held),
                *(
                    f"{q:.1f}"
                    for q in np.percentile([t.seconds for t in held], [0, 50, 100])
                ),
                f"{np.median([t.baseline_s for t in held]):.1f}",
                f"{np.mean([t.said for t in held]):.1%}",
                *(_find_median(held, target) for target in Target),
            )
            for video in VIDEOS.values()
            if (held := [t for t in trials if t.video == video])
        ),
    )


def _find_median(trials: Sequence[TrialFacts], target: Target) -> str:
    rated = [t.ratings[target] for t in trials if target in t.ratings]
    return f"{np.median(rated):.3g}" if rated else NOTHING


def _tabulate_channels(facts: Sequence[CaseFacts]) -> Table:
    return tabulate_channels(
        [
            ChannelFacts(
                sensor.channel,
                f"column {sensor.column}",
                subject.levels[sensor.channel.name],
            )
            for subject in facts
            if subject.levels
            for sensor in SENSORS
        ]
    )
