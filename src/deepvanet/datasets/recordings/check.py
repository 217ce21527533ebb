"""Look at a user's own recordings: a line for each trial, and what is odd."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from deepvanet.config import EvaluateSettings, Execution
from deepvanet.datasets.findings import CheckResult, make_result
from deepvanet.datasets.rating_findings import find_odd_ratings
from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.check_tables import make_tables
from deepvanet.datasets.recordings.facts import (
    OwnFacts,
    ReadSource,
    RowFacts,
    examine_subject,
)
from deepvanet.datasets.recordings.rated_trials import list_rated_trials
from deepvanet.datasets.recordings.reader import read_source
from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.datasets.recordings.unused_files import report_unused_files
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.findings import (
    Finding,
    attempt,
    collect,
    list_some,
    make_finding,
    say_count,
)
from deepvanet.labels import check_label_rule
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    UserError,
)
from deepvanet.signal_io.declared import FILE_NAME

DRIFT_S = 0.1
"""Half of what lies between two face images."""
SHOWN = 0.98
"""Of a stimulus; a video that shows less is named."""


def check_recordings(
    root: Path, *, exclude: Sequence[str] = (), execution: Execution | None = None
) -> CheckResult:
    """Look at all that a table of trials names, one subject at a time.

    Parameters
    ----------
    root : Path
        The table.
    exclude : sequence of str
        Subjects to leave out.

    Raises
    ------
    UserError
        When the table itself cannot be used.
    """
    return check_source(read_source, root, exclude, execution)


def check_source(
    read: ReadSource, root: Path, exclude: Sequence[str], execution: Execution | None
) -> CheckResult:
    """Look at all that a source of trials lists.

    Parameters
    ----------
    read : callable
        Reads the source that a root names.
    root : Path
        The table of trials, or the folder of a data set in BIDS.
    exclude : sequence of str
        Subjects to leave out.
    execution : Execution | None
        How subjects are examined in parallel; by default one after the other.

    Returns
    -------
    CheckResult
        Tables of trials, channels and coverage, and findings, the worst first.

    Raises
    ------
    UserError
        When the source itself cannot be used.
    """
    with collect() as found:
        source = read(root)
        report_unused_files(source)
        subjects = leave_out(sources.list_subjects(source), exclude)
        channels = attempt(lambda: sources.list_channels(source)) or ()
    examine = partial(examine_subject, read, root, channels)
    facts = examine_each(examine, subjects, execution)
    tables = make_tables(source.folder, facts)
    findings = (*found, *_find_all(source, facts))
    return make_result(tables, findings)


def _find_all(source: RecordingSource, facts: Sequence[OwnFacts]) -> Iterator[Finding]:
    rows = [row for subject in facts for row in subject.rows]
    yield from (finding for subject in facts for finding in subject.findings)
    apart = _list_apart(rows)
    yield from _find_apart(apart)
    named = [id(row) for own in apart for row in own]
    for row in rows:
        yield from () if id(row) in named else _find_odd_video(row)
    yield from _find_rated(source, rows)
    silent = [_name(row) for row in rows if row.used_s and row.row.video is None]
    if silent:
        trials = say_count(len(silent), "trial has", "trials have")
        yield make_finding("V10", f"{trials} no video: {list_some(silent)}")
    scales = {"rating_range": source.declared.rating_range, **source.declared.ratings}
    for name, (low, high) in scales.items():
        if (low, high) != (LOWEST_RATING, HIGHEST_RATING):
            what = "ratings" if name == "rating_range" else f"ratings of {name}"
            text = f"{what} from {low:g} to {high:g} are mapped to 1 to 9, linearly"
            yield make_finding("R12", text, source=FILE_NAME, place=name)
    if source.declared.label_rule:
        rule = source.declared.label_rule
        yield make_finding(
            "R14",
            f"{FILE_NAME} states the label rule {rule}",
            assumed="check judges ratings by it; evaluate does not read it",
            cure=f"give it to evaluate as --label-rule '{rule}'",
        )


def _find_rated(source: RecordingSource, rows: Sequence[RowFacts]) -> Iterator[Finding]:
    rule = source.declared.label_rule or EvaluateSettings.label_rule
    try:
        check_label_rule(rule)
    except UserError as error:
        rule = EvaluateSettings.label_rule
        said = f"check judges ratings by {rule}"
        yield make_finding("R17", str(error), source=FILE_NAME, assumed=said)
    rated = list_rated_trials([row.row for row in rows if row.used_s])
    yield from find_odd_ratings(
        rated, rule, source=source.lists[0], scale=source.declared.rating_range
    )


def _list_apart(rows: Sequence[RowFacts]) -> list[list[RowFacts]]:
    """Return the trials of each video that shows nothing of any of them."""
    by_video: dict[Path | None, list[RowFacts]] = {}
    for row in rows:
        if row.shown_s is not None:
            by_video.setdefault(row.row.video, []).append(row)
    return [own for own in by_video.values() if not any(row.shown_s for row in own)]


def _find_apart(videos: Sequence[Sequence[RowFacts]]) -> Iterator[Finding]:
    """Name the videos that share no second with their trials."""
    for rows in videos:
        first = rows[0]
        yield make_finding(
            "T08",
            f"shows no second of its {say_count(len(rows), 'trial')}: it lasts from "
            f"0 s to {first.video_s or 0:.6g} s, the first trial from "
            f"{first.begins_s or 0:.6g} s to "
            f"{(first.begins_s or 0) + first.used_s:.6g} s of it: "
            f"{list_some([_name(row) for row in rows])}",
            source=first.row.video,
            assumed="these trials have no face stream",
            cure="write into the column video_offset_s of the table of trials the "
            "second of the signals at which the video begins",
        )


def _find_odd_video(row: RowFacts) -> Iterator[Finding]:
    if row.drift_s is not None and abs(row.drift_s) > DRIFT_S:
        other = "longer" if row.drift_s > 0 else "shorter"
        yield make_finding(
            "T10",
            f"the video of {row.video_s:.1f} s is {abs(row.drift_s):.2f} s {other} "
            "than the same time on the clock of the signals",
            source=row.row.video,
            place=_name(row),
            assumed="the two clocks drift apart; it is not corrected, so that at the "
            "end faces are off by this much",
        )
    if row.shown_s is not None and row.shown_s < SHOWN * row.used_s:
        text = f"the video shows {row.shown_s:.1f} s of the {row.used_s:.1f} s"
        text = f"{text} of the trial"
        yield make_finding("V03", text, source=row.row.video, place=_name(row))


def _name(row: RowFacts) -> str:
    return f"subject {row.row.subject} trial {row.row.trial}"
