"""Look at a copy of AMIGOS: which viewings are trials, and what is odd."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.amigos import reader as amigos
from deepvanet.datasets.amigos.facts import (
    AmigosFacts,
    ViewingFacts,
    examine_subject,
)
from deepvanet.datasets.amigos.files import BASELINE_S, N_SUBJECTS, RATINGS, SHORT
from deepvanet.datasets.channel_facts import find_silent_channels
from deepvanet.datasets.findings import NOTHING, CheckResult, Table, make_result
from deepvanet.datasets.rating_findings import (
    LEAST_TRIALS,
    RatedTrial,
    find_odd_ratings,
)
from deepvanet.datasets.source_facts import ChannelFacts
from deepvanet.datasets.source_tables import tabulate_sources
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.datasets.synthetic_mark import find_mark
from deepvanet.datasets.unused_files import find_unused
from deepvanet.findings import Finding, list_some, make_finding, say_count
from deepvanet.schema import Target

OTHER_FILES = {
    "signals of subjects that are left out": r"(?:.*/)?Data_Preprocessed_P\d\d\.mat",
    "raw signals": r"(?:.*/)?Data_Original_P\d\d\.mat",
    "face videos of what is no trial here": (
        r"(?:.*/)?P\d+_[A-Z]?\d+_face\.(?:mov|mp4|avi)"
    ),
    "videos of the body": r"(?:.*/)?[^/]*(?:rgb|depth|body)[^/]*\.(?:mov|mp4|avi)",
    "questionnaires and other tables": r"(?:.*/)?[^/]*\.(?:xlsx?|ods|csv)",
    "archives": r"(?:.*/)?(?:Data_(?:Preprocessed|Original)|Exp\d)_P\d\d[^/]*\.zip",
}
"""What a full copy has besides the files of trials, as regular expressions."""
HIGH = 5.0
TOLERANCE_S = 1.0
"""How far a face video and its signals, or two subjects' signals, may differ."""
LEAST_SUBJECTS, LEAST_PAIRS = 3, 3
"""Who must have seen a video before its length is known, and pairs to correlate."""


def check_amigos(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
    videos: Sequence[str] = SHORT,
) -> CheckResult:
    """Look at every viewing of a copy of AMIGOS, one subject at a time.

    Parameters
    ----------
    root : Path
        The folder of the copy.
    exclude : sequence of str
        Subjects to leave out.
    execution : Execution | None
        How subjects are examined in parallel; by default one after the other.
    videos : sequence of str
        Which are looked at, short or long.

    Returns
    -------
    CheckResult
        Tables of what was found, and findings, the worst first.

    Raises
    ------
    UserError
        When there is no folder, or no subject in it.
    """
    subjects = leave_out(amigos.list_subjects(root), exclude)
    examine = partial(examine_subject, root, tuple(videos))
    facts = examine_each(examine, subjects, execution)
    tables = (
        _tabulate_subjects(facts),
        _tabulate_stimuli(facts, videos),
        _tabulate_ratings(facts),
        *_tabulate_sources(root, facts),
    )
    return make_result(tables, _find_all(root, facts, len(videos)))


def _find_all(
    root: Path, facts: Sequence[AmigosFacts], n_videos: int
) -> Iterator[Finding]:
    yield from (finding for subject in facts for finding in subject.findings)
    viewings = [viewing for subject in facts for viewing in subject.viewings]
    yield from _find_drift(viewings)
    yield from _find_odd_lengths(viewings)
    yield from find_silent_channels(viewings, "viewing")
    yield from _find_lacking(viewings)
    yield from _find_faceless(viewings)
    yield from _find_lone_faces(facts)
    yield from find_odd_ratings(
        _list_rated(facts), source=RATINGS, least_trials=min(LEAST_TRIALS, n_videos)
    )
    yield from _compare_with_full_copy(facts, n_videos)
    yield from find_unused(root, "AMIGOS", _list_used(facts), OTHER_FILES)
    yield from find_mark(root)


def _list_used(facts: Sequence[AmigosFacts]) -> Iterator[Path]:
    for subject in facts:
        yield subject.file
        yield from (trial.face for trial in subject.trials if trial.face)


def _list_rated(facts: Sequence[AmigosFacts]) -> Iterator[RatedTrial]:
    """Yield the trials; in which order they were is not known."""
    for subject in facts:
        for viewing in subject.trials:
            yield RatedTrial(
                subject.subject, viewing.video, viewing.ratings, viewing.video
            )


def _find_drift(viewings: Sequence[ViewingFacts]) -> Iterator[Finding]:
    """Name the faces that are not as long as their signals: they share a clock."""
    apart = [
        f"{v.name} ({v.face_s:.1f} of {v.signals_s:.1f} s)"
        for v in viewings
        if v.face_s is not None
        and v.signals_s is not None
        and abs(v.face_s - v.signals_s) > TOLERANCE_S
    ]
    if apart:
        text = say_count(
            len(apart),
            "face video lasts another time than its signals",
            "face videos last another time than their signals",
        )
        yield make_finding("T10", f"{text}: {list_some(apart)}")


def _find_odd_lengths(viewings: Sequence[ViewingFacts]) -> Iterator[Finding]:
    """Name the signals that are not as long as those of others at the same video."""
    usual = {
        video: float(np.median(seconds))
        for video, seconds in _list_lengths(viewings).items()
        if len(seconds) >= LEAST_SUBJECTS
    }
    odd = [
        f"{v.name} ({v.signals_s:.1f} s, usually {usual[v.video]:.1f} s)"
        for v in viewings
        if v.signals_s is not None
        and v.video in usual
        and abs(v.signals_s - usual[v.video]) > TOLERANCE_S
    ]
    if odd:
        trials = say_count(len(odd), "trial has", "trials have")
        yield make_finding(
            "T14",
            f"{trials} signals of another length than the other subjects have at the "
            f"same video: {list_some(odd)}",
            assumed="they are used in full",
        )


def _list_lengths(viewings: Sequence[ViewingFacts]) -> Mapping[str, list[float]]:
    lengths: dict[str, list[float]] = {}
    for viewing in viewings:
        if viewing.signals_s is not None:
            lengths.setdefault(viewing.video, []).append(viewing.signals_s)
    return lengths


def _find_lacking(viewings: Sequence[ViewingFacts]) -> Iterator[Finding]:
    """Say why viewings are no trials."""
    for code, lacked, (one, many), what in (
        ("R06", "ratings", ("lacks", "lack"), "a rating of valence or arousal"),
        ("Q06", "signals", ("has", "have"), "no signals"),
    ):
        named = [v.name for v in viewings if lacked in v.lacks]
        if named:
            count = say_count(len(named), f"viewing {one}", f"viewings {many}")
            yield make_finding(code, f"{count} {what}: {list_some(named)}")


def _find_faceless(viewings: Sequence[ViewingFacts]) -> Iterator[Finding]:
    named = [v.name for v in viewings if v.is_usable and not v.has_face]
    if named:
        trials = say_count(len(named), "trial has", "trials have")
        yield make_finding("V10", f"{trials} no face video: {list_some(named)}")


def _find_lone_faces(facts: Sequence[AmigosFacts]) -> Iterator[Finding]:
    """Name the face videos that no signals belong to."""
    lone = [
        name
        for subject in facts
        for name in (
            *(v.name for v in subject.viewings if v.has_face and "signals" in v.lacks),
            *subject.unknown_videos,
        )
    ]
    if lone:
        text = say_count(
            len(lone),
            "face video has no signals and is not read",
            "face videos have no signals and are not read",
        )
        yield make_finding("V13", f"{text}: {list_some(lone)}")


def _compare_with_full_copy(
    facts: Sequence[AmigosFacts], n_videos: int
) -> Iterator[Finding]:
    n_trials = sum(len(subject.trials) for subject in facts)
    n_named = sum(len(subject.viewings) for subject in facts)
    if (len(facts), n_named) != (N_SUBJECTS, N_SUBJECTS * n_videos):
        yield make_finding(
            "F03",
            f"{say_count(n_trials, 'trial')} of {say_count(len(facts), 'subject')}; a "
            f"full copy names {n_videos} videos for each of {N_SUBJECTS}, some without "
            "signals or ratings",
        )


def _tabulate_subjects(facts: Sequence[AmigosFacts]) -> Table:
    return Table(
        title="Viewings",
        columns=(
            *("subject", "videos", "no ratings", "no signals", "used", "with face"),
            *("seconds", "not finite", "flat"),
        ),
        rows=tuple(
            (
                subject.subject,
                len(subject.viewings),
                sum("ratings" in v.lacks for v in subject.viewings),
                sum("signals" in v.lacks for v in subject.viewings),
                len(subject.trials),
                sum(v.has_face for v in subject.trials),
                f"{sum(_measure_stimulus(v) for v in subject.trials):.0f}",
                sum(v.n_bad for v in subject.viewings),
                sum(v.n_flat for v in subject.viewings),
            )
            for subject in facts
        ),
    )


def _measure_stimulus(viewing: ViewingFacts) -> float:
    return (viewing.signals_s or BASELINE_S) - BASELINE_S


def _tabulate_stimuli(facts: Sequence[AmigosFacts], videos: Sequence[str]) -> Table:
    """List how long each video was seen, rest apart."""
    trials = [trial for subject in facts for trial in subject.trials]
    shown = {
        video: [_measure_stimulus(t) for t in trials if t.video == video]
        for video in videos
    }
    return Table(
        title="Stimuli",
        columns=("video", "trials", "shortest s", "median s", "longest s"),
        rows=tuple(
            (
                video,
                len(seconds),
                *(
                    (f"{q:.1f}" for q in np.percentile(seconds, [0, 50, 100]))
                    if seconds
                    else (NOTHING,) * 3
                ),
            )
            for video, seconds in shown.items()
        ),
    )


def _tabulate_sources(root: Path, facts: Sequence[AmigosFacts]) -> tuple[Table, ...]:
    """List face videos and channels; the arrays say nothing of times."""
    videos = {
        f.subject: [v.video_facts for v in f.trials if v.video_facts] for f in facts
    }
    channels = [
        ChannelFacts(channel, f"column {k}", f.levels[channel.name], keeps_level=False)
        for f in facts
        if f.levels
        for k, channel in enumerate(amigos.CHANNELS, start=1)
    ]
    return tabulate_sources(root, signals={}, videos=videos, channels=channels)


def _tabulate_ratings(facts: Sequence[AmigosFacts]) -> Table:
    """Lay what subjects felt beside what others saw in their faces."""
    trials = [trial for subject in facts for trial in subject.trials]
    return Table(
        title="Ratings",
        columns=(
            *("rating", "trials", "lowest", "median", "highest", ">= 5"),
            *("seen by others", "correlation"),
        ),
        rows=tuple(_tabulate_rating(trials, target) for target in Target),
    )


def _tabulate_rating(
    trials: Sequence[ViewingFacts], target: Target
) -> tuple[str | int, ...]:
    felt = [trial.ratings[target] for trial in trials]
    pairs = [
        (trial.ratings[target], trial.annotated[target])
        for trial in trials
        if target in trial.annotated
    ]
    return (
        target,
        len(felt),
        *(
            (f"{q:.2f}" for q in np.percentile(felt, [0, 50, 100]))
            if felt
            else (NOTHING,) * 3
        ),
        f"{sum(rating >= HIGH for rating in felt)} of {len(felt)}",
        len(pairs),
        _correlate(pairs),
    )


def _correlate(pairs: Sequence[tuple[float, float]]) -> str:
    x, y = np.reshape(pairs, (-1, 2)).T
    if len(pairs) < LEAST_PAIRS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return NOTHING
    return f"{np.corrcoef(x, y)[0, 1]:.2f}"
