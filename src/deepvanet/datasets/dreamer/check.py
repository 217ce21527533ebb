"""Look at a copy of DREAMER: which clips are trials, and what is odd."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.channel_facts import (
    ChannelLevel,
    find_silent_channels,
    report_levels,
)
from deepvanet.datasets.dreamer import reader as dreamer
from deepvanet.datasets.findings import (
    NOTHING,
    CheckResult,
    Table,
    keep_findings,
    make_result,
)
from deepvanet.datasets.rating_findings import RatedTrial, find_odd_ratings
from deepvanet.datasets.source_facts import ChannelFacts
from deepvanet.datasets.source_tables import tabulate_channels
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.unused_files import find_unused
from deepvanet.findings import Finding, attempt, list_some, make_finding, say_count
from deepvanet.preprocessing.bio import find_silence
from deepvanet.schema import Target

OTHER_FILES = {"other tables": r"[^/]*\.(?:xlsx?|csv|docx?)"}
"""What may lie beside the file, as regular expressions."""
HIGH = 5.0
TOLERANCE_S = 1.0
"""How far the lengths of a clip may differ between subjects."""
LEAST_SUBJECTS = 3
"""Who must have seen a clip before its length is known."""


@dataclass(frozen=True)
class TrialFacts:
    """What was seen of one subject and clip.

    Attributes
    ----------
    baseline_s, seconds : float
        Length of the baseline and of the clip.
    n_bad, n_flat : int
        Channels with a number that is not finite, and that never change.
    """

    subject: str
    clip: str
    baseline_s: float
    seconds: float
    n_bad: int
    n_flat: int
    ratings: Mapping[Target, float]
    dominance: float | None

    @property
    def name(self) -> str:
        """Subject and clip, as ``predict`` takes them."""
        return f"{int(self.subject)}/{int(self.clip)}"


@dataclass(frozen=True)
class DreamerFacts:
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


def check_dreamer(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every trial of a copy of DREAMER, one subject at a time.

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
        Tables of subjects, clips, channels and ratings, and findings, the worst first.

    Raises
    ------
    UserError
        When there is no file, or no subject in it.
    """
    subjects = leave_out(dreamer.list_subjects(root), exclude)
    facts = examine_each(partial(examine_subject, root), subjects, execution)
    tables = (
        _tabulate_subjects(facts),
        _tabulate_clips(facts),
        _tabulate_channels(facts),
        _tabulate_ratings(facts),
    )
    return make_result(tables, _find_all(root, facts))


@keep_findings
def examine_subject(root: Path, subject: str) -> DreamerFacts:
    """Read one subject's part of the file; what cannot be used becomes a finding."""
    path = dreamer.find_file(root)
    viewings = attempt(lambda: dreamer.read_viewings(path, subject), source=path)
    if viewings is None:
        return DreamerFacts(subject, (), {})
    levels = report_levels(
        f"subject {subject}",
        np.concatenate([viewing.bio for viewing in viewings], axis=1),
        dreamer.CHANNELS,
        sfreq=dreamer.SFREQ,
    )
    trials = tuple(_examine(subject, viewing) for viewing in viewings)
    return DreamerFacts(subject, trials, levels)


def _examine(subject: str, viewing: dreamer.Viewing) -> TrialFacts:
    n_bad, n_flat = (int(np.sum(found)) for found in find_silence(viewing.bio))
    return TrialFacts(
        subject=subject,
        clip=f"{viewing.clip:02d}",
        baseline_s=viewing.baseline_s,
        seconds=viewing.bio.shape[1] / dreamer.SFREQ - viewing.baseline_s,
        n_bad=n_bad,
        n_flat=n_flat,
        ratings=viewing.ratings,
        dominance=viewing.dominance,
    )


def _find_all(root: Path, facts: Sequence[DreamerFacts]) -> Iterator[Finding]:
    yield from (finding for subject in facts for finding in subject.findings)
    trials = [trial for subject in facts for trial in subject.trials]
    yield from find_silent_channels(trials, "trial")
    yield from _find_odd_lengths(trials)
    yield from _find_other_baselines(trials)
    yield from find_odd_ratings(
        # in which order the clips were is not known
        [RatedTrial(t.subject, t.clip, t.ratings, t.clip) for t in trials],
        source=dreamer.FILE,
        scale=dreamer.SCALE,
    )
    if trials:
        low, high = dreamer.SCALE
        sentence = f"ratings from {low:g} to {high:g} are mapped to 1 to 9, linearly"
        yield make_finding("R12", sentence, source=dreamer.FILE)
    if (len(facts), len(trials)) != (
        dreamer.N_SUBJECTS,
        dreamer.N_SUBJECTS * dreamer.N_CLIPS,
    ):
        yield make_finding(
            "F03",
            f"{say_count(len(trials), 'trial')} of "
            f"{say_count(len(facts), 'subject')}; a full copy has "
            f"{dreamer.N_CLIPS} of each of {dreamer.N_SUBJECTS}",
        )
    if root.is_dir():
        used = [dreamer.find_file(root)]
        yield from find_unused(root, "DREAMER", used, OTHER_FILES)
    yield from find_mark(root)


def _find_odd_lengths(trials: Sequence[TrialFacts]) -> Iterator[Finding]:
    """Name the trials that are not as long as those of others at the same clip."""
    usual = {
        clip: float(np.median(seconds))
        for clip, seconds in _group_seconds(trials).items()
        if len(seconds) >= LEAST_SUBJECTS
    }
    odd = [
        f"{t.name} ({t.seconds:.1f} s, usually {usual[t.clip]:.1f} s)"
        for t in trials
        if t.clip in usual and abs(t.seconds - usual[t.clip]) > TOLERANCE_S
    ]
    if odd:
        lengths = say_count(len(odd), "trial has", "trials have")
        yield make_finding(
            "T14",
            f"{lengths} another length than those of other subjects at the same clip: "
            f"{list_some(odd)}",
            assumed="they are used in full",
        )


def _find_other_baselines(trials: Sequence[TrialFacts]) -> Iterator[Finding]:
    usual = dreamer.BASELINE_S
    odd = [t for t in trials if abs(t.baseline_s - usual) > TOLERANCE_S]
    if odd:
        seconds = [t.baseline_s for t in odd]
        yield make_finding(
            "T15",
            f"{len(odd)} of {len(trials)} baselines do not last {usual:g} s: "
            f"{min(seconds):.1f} to {max(seconds):.1f} s",
            assumed="each is used in full",
        )


def _group_seconds(trials: Sequence[TrialFacts]) -> Mapping[str, list[float]]:
    grouped: dict[str, list[float]] = {}
    for trial in trials:
        grouped.setdefault(trial.clip, []).append(trial.seconds)
    return dict(sorted(grouped.items()))


def _tabulate_subjects(facts: Sequence[DreamerFacts]) -> Table:
    return Table(
        title="Subjects",
        columns=("subject", "trials", "seconds", "not finite", "flat"),
        rows=tuple(
            (
                subject.subject,
                len(subject.trials),
                f"{sum(trial.seconds for trial in subject.trials):.0f}",
                sum(trial.n_bad for trial in subject.trials),
                sum(trial.n_flat for trial in subject.trials),
            )
            for subject in facts
        ),
    )


def _tabulate_clips(facts: Sequence[DreamerFacts]) -> Table:
    trials = [trial for subject in facts for trial in subject.trials]
    return Table(
        title="Clips",
        columns=("clip", "trials", "shortest s", "median s", "longest s"),
        rows=tuple(
            (
                clip,
                len(seconds),
                *(f"{q:.1f}" for q in np.percentile(seconds, [0, 50, 100])),
            )
            for clip, seconds in _group_seconds(trials).items()
        ),
    )


def _tabulate_channels(facts: Sequence[DreamerFacts]) -> Table:
    return tabulate_channels(
        [
            ChannelFacts(channel, f"column {column}", subject.levels[channel.name])
            for subject in facts
            if subject.levels
            for column, channel in enumerate(dreamer.CHANNELS, start=1)
        ]
    )


def _tabulate_ratings(facts: Sequence[DreamerFacts]) -> Table:
    trials = [trial for subject in facts for trial in subject.trials]
    columns = {
        str(target): [t.ratings[target] for t in trials if target in t.ratings]
        for target in Target
    }
    columns["dominance"] = [t.dominance for t in trials if t.dominance is not None]
    return Table(
        title="Ratings, mapped to 1 to 9",
        columns=("rating", "trials", "lowest", "median", "highest", ">= 5"),
        rows=tuple(
            (
                name,
                len(given),
                *(
                    (f"{q:g}" for q in np.percentile(given, [0, 50, 100]))
                    if given
                    else (NOTHING,) * 3
                ),
                f"{sum(rating >= HIGH for rating in given)} of {len(given)}",
            )
            for name, given in columns.items()
        ),
    )
