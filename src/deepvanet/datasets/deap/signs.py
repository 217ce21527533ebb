"""Signs in signals and ratings that a copy of DEAP is not as it was published.

Facts in, findings out; each function looks for one kind of sign.
"""

import math
from collections.abc import Iterator, Sequence

from deepvanet.datasets import rating_findings
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap.facts import BAND_HZ, DeapFacts, Viewer
from deepvanet.datasets.rating_findings import RatedTrial
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import Finding, list_some, make_finding
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING

N_RATINGS = 1280  # rows of the published table
N_HIGH = {"Valence": 724, "Arousal": 754}  # ratings >= 5 among the published ones
RATING_TOLERANCE = 0.011  # the table is rounded to two digits
MIRRORS = (9.0, 10.0)  # sums of a rating and its flipped label in circulating copies
MOST_OUTSIDE = 0.2  # of the EEG's power may lie outside its band


def find_silent_channels(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Name the channels that are not finite or never change."""
    for subject in facts:
        if subject.signals is None:
            continue
        for code, what, places in (
            ("Q01", "have samples that are no numbers", subject.signals.bad),
            ("Q02", "never change", subject.signals.flat),
        ):
            named = [
                f"{subject.name_trial(row)} {deap.CHANNELS[channel].name}"
                for row, channel in places
            ]
            if named:
                n_trials, n_all = subject.signals.n_trials, len(deap.CHANNELS)
                text = (
                    f"{len(named)} of {n_all * n_trials} channels {what} ({n_all} "
                    f"channels x {n_trials} trials)"
                )
                yield make_finding(
                    code,
                    f"{text}: {list_some(named)}",
                    source=f"s{subject.subject}",
                )


def find_low_gsr(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Name the subjects whose skin resistance is not positive."""
    named = [
        f"s{f.subject} in {len(f.signals.low_gsr)} of {f.signals.n_trials}"
        for f in facts
        if f.signals is not None and f.signals.low_gsr
    ]
    if named:
        yield make_finding(
            "C11",
            "GSR is 0 Ohm or less, which no resistance is (it is never inverted "
            f"here), in some trials: {list_some(named)}",
        )


def find_odd_eeg(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Name subjects whose EEG has another rate or filter than documented."""
    for subject in facts:
        if subject.signals is None:
            continue
        if subject.signals.outside_band > MOST_OUTSIDE:
            yield make_finding(
                "Q04",
                f"{subject.signals.outside_band:.0%} of the EEG's power lies below "
                f"{BAND_HZ[0]:g} Hz or above {BAND_HZ[1]:g} Hz; published DEAP is "
                "filtered to 4-45 Hz, so this copy has another rate, or was processed "
                "otherwise",
                source=f"s{subject.subject}",
                assumed="it is used as it is",
            )


def find_copies(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Name trials whose signals are those of another trial, bit by bit."""
    first: dict[str, str] = {}
    copies = []
    for subject in facts:
        for row, digest in enumerate(
            subject.signals.digests if subject.signals else ()
        ):
            name = f"s{subject.subject} {subject.name_trial(row)}"
            if digest and first.setdefault(digest, name) != name:
                copies.append(f"{name} = {first[digest]}")
    if copies:
        yield make_finding(
            "Q05",
            f"trials with the signals of another ({len(copies)}): {list_some(copies)}",
            assumed="all are used, though one of each pair is probably a copy",
        )


def find_flipped_labels(facts: Sequence[DeapFacts]) -> Iterator[Finding]:
    """Compare the labels in the ``.dat`` files with the ratings table."""
    n_compared, differing = 0, []
    n_mirrored = dict.fromkeys(MIRRORS, 0)
    for subject in facts:
        for row in subject.rows or ():
            pairs = [
                (label, rating)
                for label, rating in _pair_labels(subject, row)
                if not abs(label - rating) <= RATING_TOLERANCE
            ]
            n_compared += 1
            if pairs:
                differing.append(f"s{subject.subject} trial {row.number('Trial'):02d}")
            for mirror in MIRRORS if pairs else ():
                n_mirrored[mirror] += all(
                    abs(label + rating - mirror) <= RATING_TOLERANCE
                    for label, rating in pairs
                )
    if differing:
        mirrored = [
            f", {n} of them by label = {mirror:g} - rating"
            for mirror, n in n_mirrored.items()
            if n
        ]
        yield make_finding(
            "R13",
            f"labels in the .dat files differ from participant_ratings.csv in "
            f"{len(differing)} of {n_compared} trials{''.join(mirrored)}: "
            f"{list_some(differing)}",
            assumed="the ratings of the table are used",
        )


def _pair_labels(
    subject: DeapFacts, row: deap.RatingsRow
) -> Iterator[tuple[float, float]]:
    if subject.signals is None:
        return
    labels = subject.signals.labels[row.number("Experiment_id") - 1]
    for column, label in zip(deap.LABELS, labels, strict=True):
        rating = to_float(row.values.get(column, ""))
        if math.isfinite(rating):
            yield float(label), rating


def find_odd_ratings(
    facts: Sequence[Viewer], rows: Sequence[deap.RatingsRow]
) -> Iterator[Finding]:
    """Name what is odd of the ratings table, as for any data set and as published.

    Parameters
    ----------
    facts : sequence of Viewer
        Of the subjects that are looked at.
    rows : sequence of RatingsRow
        The whole table.
    """
    yield from rating_findings.find_odd_ratings(
        _list_rated(facts, rows), source=deap.RATINGS_NAME
    )
    yield from _find_odd_cells(rows)
    yield from _find_unpublished(rows)


def _list_rated(
    facts: Sequence[Viewer], rows: Sequence[deap.RatingsRow]
) -> Iterator[RatedTrial]:
    subjects = {float(subject.subject): subject.subject for subject in facts}
    for row in rows:
        subject = subjects.get(to_float(row.values["Participant_id"]))
        order = to_float(row.values["Trial"])
        if subject is not None:
            yield RatedTrial(
                subject,
                row.values["Trial"],
                {
                    target: to_float(row.values[column])
                    for target, column in deap.TARGET_COLUMNS.items()
                },
                row.values["Experiment_id"],
                None if math.isnan(order) else order,
            )


def _find_odd_cells(rows: Sequence[deap.RatingsRow]) -> Iterator[Finding]:
    """Name ratings outside 1 to 9 of what no model is trained for."""
    for column in deap.LABELS:
        odd = [
            row.where.rpartition(" ")[2]
            for row in rows
            if column in row.values
            and column not in deap.TARGET_COLUMNS.values()
            and not LOWEST_RATING <= to_float(row.values[column]) <= HIGHEST_RATING
        ]
        if odd:
            yield make_finding(
                "R16",
                f"{column} is no number from 1 to 9 in {len(odd)} of {len(rows)} rows: "
                f"line {list_some(odd)}",
                source=deap.RATINGS_NAME,
                assumed="no model is trained on them, so nothing changes",
            )


def _find_unpublished(rows: Sequence[deap.RatingsRow]) -> Iterator[Finding]:
    """Compare a full table with the published one."""
    if len(rows) != N_RATINGS:
        return
    for column, n_published in N_HIGH.items():
        n_high = sum(to_float(row.values[column]) >= 5 for row in rows)
        if n_high != n_published:
            yield make_finding(
                "R13",
                f"{n_high} of {len(rows)} {column} ratings are >= 5, the published "
                f"table has {n_published}",
                source=deap.RATINGS_NAME,
            )
