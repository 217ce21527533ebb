"""Look at when rows lie: what was trained on and what was tested may overlap in time.

``start_s`` counts from the start of ``recording`` where the table has that column.
Without it, from the start of the trial; but where no start of a subject is found in
two of its trials, they were taken from one clock of that subject. Trials that all hold
one same instant of it cannot have been, and are taken apart again.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import binom

from deepvanet.auditing.looks import CERTAIN, Look
from deepvanet.auditing.parts import AuditPart, FitRows, number_rows
from deepvanet.auditing.priors import measure_coincidence
from deepvanet.auditing.reading import TIMES
from deepvanet.findings import say_count
from deepvanet.protocols import columns_of

SLACK_S = 0.002
"""Rows that overlap by less only touch: starts and lengths are written in ms."""
GAP_S = 0.05
"""A trial that starts this near to another one's end goes on where that one ended."""

NAME = "times"


def look_at_times(audited: AuditPart) -> Look:
    """Look for overlap in time, and for pieces of one recording named as trials."""
    rows = audited.rows
    absent = [name for name in TIMES if name not in rows]
    if absent:
        return Look(NAME, missing=f"overlap in time (no column {' or '.join(absent)})")
    clock, source = _find_clocks(rows)
    start = rows["start_s"].to_numpy(dtype=float)
    end = start + rows["duration_s"].to_numpy(dtype=float)
    n_tested = sum(int(fit.test.sum()) for fit in audited.fits)
    n_in_both = sum(
        int(_find_overlap(fit, clock, start, end).sum()) for fit in audited.fits
    )
    if n_in_both:
        return Look(
            NAME,
            leak=f"{n_in_both / n_tested:.0%} of the tested rows overlap in time with "
            f"rows that were trained on (start_s was taken from the start of the "
            f"{source})",
        )
    return Look(NAME, leak=_find_pieces(audited, clock, start, end))


def _find_clocks(rows: pd.DataFrame) -> tuple[Int[np.ndarray, " row"], str]:
    """Return the clock that each row's start was read from, and what it is called."""
    if "recording" in rows:
        return number_rows(rows, columns_of("recording")), "recording"
    trials = rows.drop_duplicates(["subject", "trial", "start_s"])
    meet = trials.duplicated(["subject", "start_s"], keep=False)
    several = rows.groupby("subject")["trial"].transform("nunique") > 1
    apart = ~rows["subject"].isin(trials["subject"][meet]) & several
    apart &= ~rows["subject"].isin(_list_subjects_of_one_instant(rows))
    if not apart.any():
        return number_rows(rows, columns_of("trial")), "trial"
    clocks = rows[["subject"]].assign(trial=rows["trial"].mask(apart, ""))
    return number_rows(clocks, columns_of("trial")), "subject's recording"


def _list_subjects_of_one_instant(rows: pd.DataFrame) -> list[str]:
    """Return the subjects all of whose trials, three at least, hold one instant."""
    ends = rows["start_s"] + rows["duration_s"]
    spans = (
        rows.assign(end_s=ends)
        .groupby(columns_of("trial"))
        .agg(start_s=("start_s", "min"), end_s=("end_s", "max"))
        .groupby("subject")
        .agg(last=("start_s", "max"), first=("end_s", "min"), n=("end_s", "size"))
    )
    alike = (spans["last"] < spans["first"]) & (spans["n"] > 2)
    return spans.index[alike].tolist()


def _find_overlap(
    fit: FitRows,
    clock: Int[np.ndarray, " row"],
    start: Float[np.ndarray, " row"],
    end: Float[np.ndarray, " row"],
) -> Bool[np.ndarray, " test"]:
    """Return which tested rows share time with a row that was trained on."""
    found = np.zeros(len(clock), dtype=bool)
    for number in np.intersect1d(clock[fit.test], clock[fit.seen]):
        test = np.flatnonzero(fit.test & (clock == number))
        seen = np.flatnonzero(fit.seen & (clock == number))
        seen = seen[np.argsort(start[seen], kind="stable")]
        # of the seen rows that start before a tested one ends, the latest end counts
        latest = np.maximum.accumulate(end[seen])
        before = np.searchsorted(start[seen], end[test] - SLACK_S, side="left")
        reaches = np.where(before > 0, latest[np.maximum(before - 1, 0)], -np.inf)
        found[test] = reaches > start[test] + SLACK_S
    return np.asarray(found[fit.test])


def _find_pieces(
    audited: AuditPart,
    clock: Int[np.ndarray, " row"],
    start: Float[np.ndarray, " row"],
    end: Float[np.ndarray, " row"],
) -> str:
    """Say that trials go on where others end, on the other side, with their label."""
    rows = audited.rows.assign(clock=clock, start=start, end=end)
    rows = rows.assign(number=number_rows(rows, columns_of("trial")))
    if "stimulus" not in rows:
        rows = rows.assign(stimulus="")
    trials = rows.groupby(["clock", "number"], sort=False).agg(
        start=("start", "min"),
        end=("end", "max"),
        stimulus=("stimulus", "first"),
        label=("label", "first"),
    )
    pairs = pd.DataFrame(_list_neighbours(trials.reset_index()))
    if not len(pairs):
        return ""
    divided = np.zeros(len(pairs), dtype=bool)
    for fit in audited.fits:
        sides = [np.unique(rows["number"].to_numpy()[s]) for s in (fit.seen, fit.test)]
        for one, other in (sides, sides[::-1]):
            divided |= np.isin(pairs["one"], one) & np.isin(pairs["next"], other)
    pairs = pairs[divided & (pairs["stimuli"] == 1).to_numpy()]
    n_agree = int((pairs["labels"] == 1).sum())
    if "stimulus" in audited.rows:
        are_pieces, what = 0 < len(pairs) == n_agree, "of the same stimulus "
    else:
        are_pieces = _agree_beyond_chance(n_agree, len(pairs), trials["label"])
        what = ""
    if not are_pieces:
        return ""
    begins = say_count(len(pairs), f"trial {what}begins", f"trials {what}begin")
    return (
        f"{begins} where another one ends that is on the other side, {n_agree} of "
        "them with its label: pieces of one recording are named as trials"
    )


def _list_neighbours(trials: pd.DataFrame) -> Iterator[dict[str, int]]:
    """Yield the pairs of which one goes on where the other ends, by their numbers."""
    for _, mine in trials.sort_values("start", kind="stable").groupby("clock"):
        ends = mine["end"].to_numpy()[:-1]
        touches = np.abs(mine["start"].to_numpy()[1:] - ends) <= GAP_S
        for place in np.flatnonzero(touches):
            one, following = mine.iloc[place], mine.iloc[place + 1]
            yield {
                "one": one["number"],
                "next": following["number"],
                "stimuli": len({one["stimulus"], following["stimulus"]}),
                "labels": len({one["label"], following["label"]}),
            }


def _agree_beyond_chance(n_agree: int, n_pairs: int, label: "pd.Series[float]") -> bool:
    by_chance = measure_coincidence(label, 2)
    return n_pairs > 0 and bool(binom.sf(n_agree - 1, n_pairs, by_chance) < CERTAIN)
