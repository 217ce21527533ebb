"""Names of columns that are near to known ones, as other programs write them.

A column of no meaning is kept, and named in a note. One that is spelt nearly as a known
column is an error: ``onset`` was hardly written to mean nothing.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from deepvanet.datasets.recordings.cells import NOTHING
from deepvanet.datasets.small_tables import MOST_QUOTED, SmallTable
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import list_some, report, say_count
from deepvanet.schema import Target

NEAR = 0.8
"""Share of letters in common from which on a name is a mistake in another."""
TIMES = ("onset", "duration")
"""In seconds, as BIDS calls them."""
FACTORS = (1.0, 1e3, 1e6)
"""Of two columns of one time in seconds, milliseconds or microseconds."""

_UNIT = re.compile(
    r"_?(in_)?(s|sec|secs|seconds?|ms|msecs?|milliseconds?|us|ns|min|samples?|frames?)$"
)
_RATING_WORDS = {
    *("rating", "ratings", "rated", "score", "response", "resp", "slider", "sam"),
    *("self", "report", "reported", "felt", "value", "level", "scale", "key", "keys"),
}


@dataclass(frozen=True)
class Vocabulary:
    """The columns that a table may have.

    Attributes
    ----------
    known : tuple of str
        Columns that mean something; all others are kept.
    synonyms : mapping
        How other programs call a known column, in lower case, words joined by ``_``.
    standard : tuple of str
        Columns of which is known that they are of no meaning here.
    """

    known: tuple[str, ...]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standard: tuple[str, ...] = ()


def judge_columns(
    table: SmallTable, words: Vocabulary, ratings: Collection[str] = ()
) -> None:
    """Report columns that are nearly known (R01, R03), and those not used (R02).

    Parameters
    ----------
    table : SmallTable
        What was read.
    words : Vocabulary
        The columns that it may have.
    ratings : collection of str
        Columns that are declared as ratings.
    """
    unused: list[str] = []
    for column in table.columns:
        if column in words.known or column in ratings:
            continue
        near = find_near(column, table.columns, words)
        if near is None or near in table.columns:
            is_twice = near is not None and is_same(column, near)
            shown = column[:MOST_QUOTED]
            unused.append(f"{shown} ({near} is used)" if is_twice else shown)
        else:
            _report_near(table, column, near)
        if near in table.columns and is_same(column, str(near)):
            _compare(table, column, str(near))
    if unused:
        columns = say_count(len(unused), "column is", "columns are")
        said = f"{columns} kept, not used: {list_some(unused)}"
        report("R02", said, source=table.path, **_judge_numbers(table, unused))


def _judge_numbers(table: SmallTable, unused: Sequence[str]) -> dict[str, str]:
    """Say what is assumed of columns of numbers, which may be ratings."""
    named = [name[:MOST_QUOTED] for name in unused if _holds_numbers(table, name)]
    if not named:
        return {}
    hold = "holds" if len(named) == 1 else "hold"
    return {
        "assumed": (
            f"{list_some(named)} {hold} numbers, but no declared rating: a --target of "
            "that name takes them as they stand, on no scale that is checked"
        ),
        "cure": (
            "nothing, unless it is a rating: then declare its scale in "
            "recordings.toml, under [ratings], as stress = [1, 7]"
        ),
    }


def _holds_numbers(table: SmallTable, column: str) -> bool:
    """Say whether all that a column holds are numbers, and some cell does."""
    cells = [row.cells.get(column, "").strip() for row in table.rows]
    held = [cell for cell in cells if cell.lower() not in NOTHING]
    return bool(held) and all(math.isfinite(to_float(cell)) for cell in held)


def find_near(column: str, present: Sequence[str], words: Vocabulary) -> str | None:
    """Return the known column that a name is near to, None if it is far from all.

    Examples
    --------
    >>> words = Vocabulary(("onset_s", "valence"), {"onset_s": ("start",)})
    >>> for column in ("Onset", "start", "valnce", "slider_valence.response", "age"):
    ...     print(column, find_near(column, (), words))
    Onset onset_s
    start onset_s
    valnce valence
    slider_valence.response valence
    age None
    """
    if spell(column) in words.standard:
        return None
    for known in words.known:
        if is_same(column, known):
            return known
    for known in words.known:
        if spell(column) in words.synonyms.get(known, ()) or _is_rating(column, known):
            return known
    absent = [known for known in words.known if known not in present]
    close = difflib.get_close_matches(spell(column), absent, n=1, cutoff=NEAR)
    return close[0] if close else None


def is_same(column: str, known: str) -> bool:
    """Return whether a name differs from a known one by spelling or unit only."""
    spelled = spell(column)
    if known.endswith("_s") or known in TIMES:
        return bare(spelled) == bare(known)
    return spelled == known


def spell(column: str) -> str:
    """Return a name in lower case, its words joined by ``_``.

    Examples
    --------
    >>> spell("Video Offset (s)"), spell("trials.thisN")
    ('video_offset_s', 'trials_thisn')
    """
    return re.sub(r"[^a-z0-9]+", "_", column.casefold()).strip("_")


def bare(spelled: str) -> str:
    """Return a name without the unit at its end."""
    return _UNIT.sub("", spelled)


def _is_rating(column: str, known: str) -> bool:
    words = set(spell(column).split("_"))
    return known in list(Target) and known in words and words - {known} <= _RATING_WORDS


def _report_near(table: SmallTable, column: str, near: str) -> None:
    in_seconds = ", in seconds" if near.endswith("_s") or near in TIMES else ""
    report(
        "R01",
        f"not known, the nearest is {near}",
        source=table.path,
        place=f"column {column[:MOST_QUOTED]}",
        assumed="it is kept with the trials, but not used",
        cure=f"rename it to {near}{in_seconds}",
    )


def _compare(table: SmallTable, column: str, known: str) -> None:
    """Report two columns of one thing, unless both say the same."""
    ours, theirs = ([row.cells[name] for row in table.rows] for name in (known, column))
    if ours == theirs or _are_equal(ours, theirs):
        return
    report(
        "R03",
        f"columns {known} and {column[:MOST_QUOTED]} differ, and mean one thing",
        source=table.path,
        place=f"column {column[:MOST_QUOTED]}",
        assumed=f"{known} is used",
        cure="delete one of the two, or rename it",
    )


def _are_equal(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    try:
        one, other = np.array(ours, float), np.array(theirs, float)
    except ValueError:
        return False
    return any(np.allclose(one * f, other, rtol=1e-4) for f in FACTORS)
