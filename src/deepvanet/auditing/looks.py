"""What an audit looks at, and what it finds there.

A look says what it found in a sentence, of one of three weights; or why it could not
be made. All compare the rows of each fitted model's test with the rows that it saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from deepvanet.auditing.parts import WRITTEN, AuditPart, FitRows, number_rows
from deepvanet.auditing.priors import is_personal, measure_coincidence
from deepvanet.protocols import SHARES, columns_of
from deepvanet.protocols.forward import measure_gap

COUNTED: Mapping[str, Sequence[str]] = {
    **{name: columns_of(name) for name in ("segment", "trial", *SHARES)},
    "repeat": ("subject", "stimulus"),
}
"""Columns that identify units. A ``repeat`` is a clip that the same subject saw in
training, in any trial."""

CERTAIN = 0.01
"""A coincidence less probable than this is none."""


@dataclass(frozen=True)
class Look:
    """What one look found.

    Attributes
    ----------
    name : str
        What was looked at.
    leak, doubt, note : str
        A sentence, or nothing: why the score leaks, why it cannot be judged, and what
        is merely worth knowing.
    missing : str
        Why the look could not be made, or nothing.
    """

    name: str
    leak: str = ""
    doubt: str = ""
    note: str = ""
    missing: str = ""


def measure_shared(audited: AuditPart) -> dict[str, float | None]:
    """Return how many of the tested rows are of a unit that also trained.

    Returns
    -------
    dict
        For each of ``COUNTED`` a fraction, over all fits; None where the table does not
        have the unit.
    """
    return {
        unit: _measure(audited, names)
        if set(names) <= set(audited.rows.columns)
        else None
        for unit, names in COUNTED.items()
    }


def _measure(audited: AuditPart, names: Sequence[str]) -> float:
    number = number_rows(audited.rows, names)
    n_shared = sum(int(find_shared(number, fit).sum()) for fit in audited.fits)
    return n_shared / sum(int(fit.test.sum()) for fit in audited.fits)


def find_shared(
    number: Int[np.ndarray, " row"], fit: FitRows
) -> Bool[np.ndarray, " test"]:
    """Return which tested rows are of a unit that also trained."""
    return np.isin(number[fit.test], number[fit.seen])


def look_at_trials(audited: AuditPart, shared: Mapping[str, float | None]) -> Look:
    """Look for trials, and for single rows, that are on both sides.

    Of a rating that moves the past of a trial may train where its future tests.
    """
    name = "shared trials"
    if shared["segment"]:
        part = f"{shared['segment']:.0%} of the tested rows were trained on themselves"
        return Look(name, leak=part)
    if shared["trial"]:
        if audited.form.moves and "segment" in audited.rows and _is_forward(audited):
            said = "of a trial on both sides the past trains and the future tests"
            return Look(name, note=said)
        part = f"{shared['trial']:.0%} of the tested rows are of trials that were "
        return Look(name, leak=f"{part}trained on")
    return Look(name)


def _is_forward(audited: AuditPart) -> bool:
    """Say whether all rows of a trial that were seen lie before those that test."""
    trial = number_rows(audited.rows, COUNTED["trial"])
    place = pd.to_numeric(audited.rows["segment"], errors="coerce").to_numpy(float)
    return all(
        measure_gap(trial, place, place, seen=fit.seen, test=fit.test) > 0
        for fit in audited.fits
    )


def look_at_people(audited: AuditPart, shared: Mapping[str, float | None]) -> Look:
    """Look for people on both sides where a label belongs to a person."""
    name = "labels of people"
    if not is_personal(audited):
        return Look(name)
    if shared["subject"]:
        return Look(
            name,
            leak="each subject has one label over all its trials, and "
            f"{shared['subject']:.0%} of the tested rows are of subjects that were "
            f"trained on: a subject that is recognised is known to be {_say(audited)}",
        )
    return Look(name, note="each subject has one label, so that people are scored")


def _say(audited: AuditPart) -> str:
    form = audited.form
    return "so rated" if form.is_rating else " or ".join(form.classes[::-1])


def look_at_training(audited: AuditPart) -> Look:
    """Look whether there was anything to learn from."""
    name = "labels in training"
    label = audited.rows["label"].to_numpy(dtype=float)
    known = np.isfinite(label)
    n_both = sum(len(np.unique(label[fit.seen & known])) > 1 for fit in audited.fits)
    if n_both:
        return Look(name)
    which = "both" if len(audited.form.classes) == 2 else "different"
    return Look(name, doubt=f"no fold trains on rows of {which} labels")


def look_at_recordings(audited: AuditPart) -> Look:
    """Look for recordings on both sides where a label belongs to a recording.

    What was cut from one recording, and called trials, has one label.
    """
    name = "labels of recordings"
    rows = audited.rows
    if "recording" not in rows:
        return Look(name, missing="pieces of one recording (no column recording)")
    trials = rows[rows["label"].notna()].drop_duplicates(columns_of("trial"))
    held = trials.groupby(columns_of("recording"))["label"].agg(["size", "nunique"])
    several = held[held["size"] > 1]
    if not len(several) or not (several["nunique"] == 1).all():
        return Look(name)
    labels = dict(list(trials.groupby("subject")["label"]))
    subjects = several.index.get_level_values("subject")
    by_chance = float(
        np.prod(
            [
                measure_coincidence(labels[subject], int(size))
                for subject, size in zip(subjects, several["size"], strict=True)
            ]
        )
    )
    shared = _measure(audited, columns_of("recording"))
    if not shared or not by_chance < CERTAIN:
        return Look(name)
    return Look(
        name,
        leak="all trials of a recording have one label, and "
        f"{shared:.0%} of the tested rows are of recordings that were trained on: they "
        "are pieces of what is one trial",
    )


def look_at_names(audited: AuditPart, shared: Mapping[str, float | None]) -> Look:
    """Look for subjects and trials that are apart only as their names are written."""
    name = "names that differ by blanks or case"
    for unit in ("trial", "subject"):
        written = [f"{WRITTEN}{column}" for column in COUNTED[unit]]
        as_written = _measure(audited, written)
        if (shared[unit] or 0) > as_written:
            pair = _find_pair(audited.rows, unit)
            return Look(
                name,
                leak=f"{pair} are one {unit}, but stand on both sides as two",
            )
    return Look(name)


def _find_pair(rows: pd.DataFrame, unit: str) -> str:
    """Return two names of one unit that differ as they are written."""
    names = [f"{WRITTEN}{column}" for column in COUNTED[unit]]
    spelt = rows[[*COUNTED[unit], *names]].drop_duplicates(names)
    several = spelt[spelt.duplicated(list(COUNTED[unit]), keep=False)]
    first = several.groupby(list(COUNTED[unit]), sort=False).head(2)[:2]
    spellings = (" ".join(map(repr, row)) for row in first[names].to_numpy())
    return f"{unit}s {' and '.join(spellings)}"
