"""Look at a user's own recordings: a line for each trial, and what is odd."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from deepvanet.config import EvaluateSettings, Execution
from deepvanet.datasets.findings import (
    CheckResult,
    Table,
    list_some,
    make_result,
)
from deepvanet.datasets.rating_findings import find_odd_ratings
from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.facts import (
    OwnFacts,
    ReadSource,
    RowFacts,
    examine_subject,
)
from deepvanet.datasets.recordings.rated_trials import list_rated_trials
from deepvanet.datasets.recordings.reader import read_source
from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.datasets.subjects import examine_each, leave_out
from deepvanet.findings import Finding, attempt, collect, make_finding
from deepvanet.labels import check_label_rule
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Channel,
    Stream,
    Target,
    UserError,
)
from deepvanet.signal_io.declared import FILE_NAME

NOTHING = "-"
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
        subjects = leave_out(sources.list_subjects(source), exclude)
        channels = attempt(lambda: sources.list_channels(source)) or ()
    examine = partial(examine_subject, read, root, channels)
    facts = examine_each(examine, subjects, execution)
    tables = (
        _tabulate_trials(facts),
        _tabulate_channels(channels),
        _tabulate_coverage(facts),
    )
    findings = (*found, *_find_all(source, facts))
    return make_result(tables, findings)


def _find_all(source: RecordingSource, facts: Sequence[OwnFacts]) -> Iterator[Finding]:
    rows = [row for subject in facts for row in subject.rows]
    yield from (finding for subject in facts for finding in subject.findings)
    for row in rows:
        yield from _find_odd_video(row)
    yield from _find_rated(source, rows)
    ignored = dict.fromkeys(label for subject in facts for label in subject.ignored)
    if ignored:
        text = f"{len(ignored)} channels are not used: {list_some(list(ignored))}"
        yield make_finding("C01", f"{text}; {FILE_NAME} can say what they measure")
    silent = [_name(row) for row in rows if row.used_s and row.row.video is None]
    if silent:
        text = f"{len(silent)} trials have no video: {list_some(silent)}"
        yield make_finding("V10", text)
    low, high = source.declared.rating_range
    if (low, high) != (LOWEST_RATING, HIGHEST_RATING):
        text = f"ratings from {low:g} to {high:g} are mapped to 1 to 9, linearly"
        yield make_finding("R12", text)
    if source.declared.label_rule:
        text = f"the label rule of these recordings is {source.declared.label_rule}"
        yield make_finding("R14", f"{text}: the label rule of evaluate takes it")


def _find_rated(source: RecordingSource, rows: Sequence[RowFacts]) -> Iterator[Finding]:
    rule = source.declared.label_rule or EvaluateSettings.label_rule
    try:
        check_label_rule(rule)
    except UserError as error:
        yield make_finding("R17", str(error), source=FILE_NAME)
        rule = EvaluateSettings.label_rule
    rated = list_rated_trials([row.row for row in rows if row.used_s])
    yield from find_odd_ratings(
        rated, rule, source=source.lists[0], scale=source.declared.rating_range
    )


def _find_odd_video(row: RowFacts) -> Iterator[Finding]:
    if row.drift_s is not None and abs(row.drift_s) > DRIFT_S:
        text = f"the video lasts {row.drift_s:+.2f} s against the clock of the signals"
        yield make_finding(
            "T10", f"{text}, over {row.video_s:.1f} s", source=_name(row)
        )
    if row.shown_s is not None and row.shown_s < SHOWN * row.used_s:
        text = f"the video shows {row.shown_s:.1f} s of the {row.used_s:.1f} s"
        yield make_finding("V03", f"{text} of the trial", source=_name(row))


def _name(row: RowFacts) -> str:
    return f"subject {row.row.subject} trial {row.row.trial}"


def _tabulate_trials(facts: Sequence[OwnFacts]) -> Table:
    return Table(
        title="Trials",
        columns=(
            *("subject", "trial", "stimulus", "signals s", "Hz", "EEG", "periph."),
            *("video s", "drift s", "used s", *Target),
        ),
        rows=tuple(_tabulate_trial(row) for subject in facts for row in subject.rows),
    )


def _tabulate_trial(facts: RowFacts) -> tuple[str | int, ...]:
    row = facts.row
    ratings = (row.ratings.get(target) for target in Target)
    return (
        *(row.subject, row.trial, row.stimulus),
        _write(facts.seconds, ".1f"),
        _write(facts.sfreq, "g"),
        facts.n_channels.get(Stream.EEG, 0),
        facts.n_channels.get(Stream.PERIPHERAL, 0),
        _write(facts.video_s, ".1f"),
        _write(facts.drift_s, "+.2f"),
        _write(facts.used_s or None, ".1f"),
        *(_write(rating, ".3g") for rating in ratings),
    )


def _write(number: float | None, form: str) -> str:
    return NOTHING if number is None else f"{number:{form}}"


def _tabulate_channels(channels: Sequence[Channel]) -> Table:
    rows = tuple((c.name, c.type.value, c.unit, c.stream.value) for c in channels)
    return Table("Channels", ("channel", "measures", "unit", "stream"), rows)


def _tabulate_coverage(facts: Sequence[OwnFacts]) -> Table:
    used = [row for subject in facts for row in subject.rows if row.used_s]
    has = {
        Stream.FACE: [bool(row.shown_s) for row in used],
        Stream.EEG: [row.n_channels.get(Stream.EEG, 0) > 0 for row in used],
        Stream.PERIPHERAL: [
            row.n_channels.get(Stream.PERIPHERAL, 0) > 0 for row in used
        ],
    }
    rows = tuple(
        (stream.value, sum(it), len(it) - sum(it)) for stream, it in has.items()
    )
    return Table("Coverage", ("stream", "trials with", "trials without"), rows)
