"""What was taken out of raw EEG, as plain values for the page."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deepvanet.reporting.studies import Study, order_names
from deepvanet.results import NOTE_SEPARATOR, count_removed

CLASSES = ("eye", "muscle", "heart", "line", "channel")
"""What a component may be besides brain, in the order in which it is shown."""

MOST_NAMES = 8
"""Names that a sentence lists; the table has all."""

_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True)
class Range:
    """Middle and ends of a number over recordings; NaN where there is none."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class ClassRow:
    """Components of one class that were removed.

    Attributes
    ----------
    a_recording : Range
        Over the recordings with ICA.
    n_recordings : int
        In how many there was one.
    """

    name: str
    n_removed: int
    a_recording: Range
    n_recordings: int


@dataclass(frozen=True)
class CleaningSummary:
    """What the page says of a study's raw recordings.

    Attributes
    ----------
    was_asked_for : bool
        Whether ICA was requested for any recording.
    filtered_only : sequence of str
        Recordings that were to be and were not.
    n_components : int
        Found in all recordings with ICA.
    removed : Range
        Components removed from a recording.
    variance : Range
        Fraction of a recording's variance that went with them.
    n_with_bad : int
        Recordings with a bad channel.
    bad_channels : sequence of str
        With how often each was bad, the commonest first.
    notes : sequence of (str, int)
        What had to be assumed, and for how many recordings.
    table : sequence of mapping
        A row a recording, as in ``recordings.csv``.
    """

    n_recordings: int
    n_unmixed: int
    was_asked_for: bool
    filtered_only: Sequence[str]
    n_components: int
    n_removed: int
    removed: Range
    variance: Range
    classes: Sequence[ClassRow]
    n_with_bad: int
    bad_channels: Sequence[str]
    notes: Sequence[tuple[str, int]]
    table: Sequence[Mapping[str, Any]]


def describe_cleaning(study: Study) -> CleaningSummary | None:
    """Return what was done to raw recordings, or None where nothing was."""
    table = study.recordings
    if not is_telling(table):
        return None
    unmixed = table[table["is_unmixed"] == 1]
    asked = table[table["artefacts"] != "none"]
    others = asked[asked["is_unmixed"] != 1]
    bad = [_split(cell, "+") for cell in table["bad_channels"]]
    notes = [_split(cell, NOTE_SEPARATOR) for cell in table["note"]]
    return CleaningSummary(
        n_recordings=len(table),
        n_unmixed=len(unmixed),
        was_asked_for=len(asked) > 0,
        filtered_only=_shorten(
            f"{recording} (subject {subject})"
            for subject, recording in zip(
                others["subject"], others["recording"], strict=True
            )
        ),
        n_components=int(unmixed["n_components"].sum()),
        n_removed=int(unmixed["n_removed"].sum()),
        removed=_spread(unmixed["n_removed"]),
        variance=_spread(unmixed["variance_removed"]),
        classes=list_classes(table),
        n_with_bad=sum(map(bool, bad)),
        bad_channels=_shorten(
            f"{name} ({n_recordings})" for name, n_recordings in _count(bad)
        ),
        notes=_count_notes(notes),
        table=list(_list_rows(table)),
    )


def is_telling(recordings: pd.DataFrame) -> bool:
    """Whether anything was cleaned, or had to be noted."""
    marks = recordings[["bad_channels", "note"]].astype(str)
    return bool(
        (recordings["artefacts"] != "none").any() or (marks != "").any(axis=None)
    )


def list_classes(recordings: pd.DataFrame) -> list[ClassRow]:
    """Return how many components of each class were removed."""
    unmixed = recordings.loc[recordings["is_unmixed"] == 1, "removed"]
    counts = pd.DataFrame([count_removed(cell) for cell in unmixed]).fillna(0)
    return [
        ClassRow(
            name,
            int(counts[name].sum()),
            _spread(counts[name]),
            int((counts[name] > 0).sum()),
        )
        for name in order_names(map(str, counts), CLASSES)
    ]


def _spread(numbers: "pd.Series[Any]") -> Range:
    found = numbers.to_numpy(dtype=float)
    found = found[np.isfinite(found)]
    if not len(found):
        return Range(np.nan, np.nan, np.nan)
    return Range(float(np.median(found)), float(found.min()), float(found.max()))


def _count(lists: Iterable[Sequence[str]]) -> list[tuple[str, int]]:
    """Count in how many lists each name is, the commonest first."""
    counts = Counter(name for names in lists for name in dict.fromkeys(names))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _count_notes(notes: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
    """Count notes; those that differ in their numbers only are one."""
    texts: dict[str, str] = {}
    alike: dict[str, bool] = {}
    for text, _ in _count(notes):
        kind = _NUMBER.sub("#", text)
        alike[kind] = kind in texts
        texts.setdefault(kind, text)
    kinds = [[_NUMBER.sub("#", text) for text in several] for several in notes]
    return [
        (texts[kind] + (", or the like" if alike[kind] else ""), n_recordings)
        for kind, n_recordings in _count(kinds)
    ]


def _shorten(names: Iterable[str]) -> list[str]:
    held = list(names)
    more = len(held) - MOST_NAMES
    return held if more <= 1 else [*held[:MOST_NAMES], f"{more} more"]


def _split(cell: str, separator: str) -> list[str]:
    return [part for part in cell.split(separator) if part]


def _list_rows(recordings: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in recordings.to_dict("records"):
        yield {
            **{str(column): value for column, value in row.items()},
            "bad_channels": _split(row["bad_channels"], "+"),
            "removed": count_removed(row["removed"]),
            "seconds": float(row["seconds"]),
            "sfreq": float(row["sfreq"]),
        }
