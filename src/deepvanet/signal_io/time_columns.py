"""Which column of a table holds the times of its samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from deepvanet.findings import (
    Finding,
    FindingError,
    Severity,
    collect,
    hand_on,
    refuse,
    report,
)
from deepvanet.signal_io.table_columns import Columns
from deepvanet.signal_io.time_units import (
    Clock,
    compare_clocks,
    is_time_name,
    read_clock,
)

_SHOWN = 6
_SCALES = (1.0, 1e-3, 1e-6, 1e-9, 1e3, 1e6)


@dataclass(frozen=True)
class TimeColumn:
    """The column that is used, and others that stamp the same samples.

    Attributes
    ----------
    places : tuple of int
        Of all of them, so that none is taken for a channel.
    """

    clock: Clock
    places: tuple[int, ...]


@dataclass(frozen=True)
class _Candidate:
    place: int
    name: str
    clock: Clock
    found: Sequence[Finding]

    @property
    def is_sure(self) -> bool:
        return all(f.severity is not Severity.ERROR for f in self.found)

    @property
    def n_stamps(self) -> int:
        return len(np.unique(self.clock.seconds[np.isfinite(self.clock.seconds)]))


def find_clock(
    path: Path,
    columns: Columns,
    places: Sequence[int],
    *,
    declared: str,
    least_hz: float,
) -> TimeColumn:
    """Return the times of a table's rows, and report which column they are from.

    Parameters
    ----------
    path : Path
        The table.
    columns : Columns
        Its columns.
    places : sequence of int
        Of those that may hold times.
    declared : str
        The name that ``recordings.toml`` states; empty where it does not.
    least_hz : float
        The rate that the channels beside it need, where that is known.

    Returns
    -------
    TimeColumn
        Where two columns stamp the same samples by one clock, the finer of them.

    Raises
    ------
    FindingError
        When there is no column of times.
    """
    if declared:
        wanted = [p for p in places if columns.names[p].lower() == declared.lower()]
    else:
        wanted = [p for p in places if is_time_name(columns.names[p])]
    if not wanted:
        raise _refuse_without(path, columns, places, declared)
    if len(wanted) == 1 or declared:
        clock = _read(path, columns, wanted[0], least_hz)
        return TimeColumn(clock, (wanted[0],))
    return _choose(path, columns, wanted, least_hz)


def _read(path: Path, columns: Columns, place: int, least_hz: float) -> Clock:
    name, cells = columns.names[place], columns.read(place)
    if cells is None:
        raise refuse(
            "T06", "holds lists, no times", source=path, place=f"column {name}"
        )
    return read_clock(
        name, cells, source=path, find_place=columns.find_place, least_hz=least_hz
    )


def _refuse_without(
    path: Path, columns: Columns, places: Sequence[int], declared: str
) -> FindingError:
    names = [columns.names[place] for place in places]
    near = get_close_matches(declared or "time_s", names, n=1, cutoff=0.7)
    hint = f"; the nearest is {near[0]}" if near else ""
    if any("<html" in name.lower() or "<!doctype" in name.lower() for name in names):
        return refuse(
            "T30",
            f"is a web page, not a table: it begins with {' '.join(names)[:80]}",
            source=path,
            cure="download the file again, after you have logged in",
        )
    shown = ", ".join(name[:40] for name in names[:_SHOWN]) or "no column"
    more = ", ..." if len(names) > _SHOWN else ""
    return refuse(
        "T30",
        f"no column of seconds called {declared or 'time_s'}, got {shown}{more}{hint}",
        source=path,
    )


def _choose(
    path: Path, columns: Columns, places: Sequence[int], least_hz: float
) -> TimeColumn:
    """Return the finest of the columns that are clocks, or report that they differ."""
    candidates: list[_Candidate] = []
    first_error: FindingError | None = None
    for place in places:
        with collect() as found:
            try:
                clock = _read(path, columns, place, least_hz)
            except FindingError as error:
                first_error = first_error or error
                continue
        if _is_rising(clock):
            candidates.append(_Candidate(place, columns.names[place], clock, found))
    if not candidates:
        if first_error is not None:
            raise first_error
        return TimeColumn(_read(path, columns, places[0], least_hz), (places[0],))
    chosen = max(candidates, key=lambda c: (c.is_sure, c.n_stamps))
    for finding in chosen.found:
        hand_on(finding)
    others = [c for c in candidates if c is not chosen]
    alike = [c for c in others if _is_alike(chosen, c)]
    _report_others(path, chosen, others, alike)
    starts = (c.clock.start_unix_s for c in (chosen, *alike))
    start = next((s for s in starts if s is not None), None)
    clock = replace(chosen.clock, start_unix_s=start)
    return TimeColumn(clock, (chosen.place, *(c.place for c in others)))


def _is_rising(clock: Clock) -> bool:
    steps = np.diff(clock.seconds[np.isfinite(clock.seconds)])
    return bool((steps > 0).any() and (steps >= 0).mean() > 0.5)


def _is_alike(chosen: _Candidate, other: _Candidate) -> bool:
    """Return whether another column is the same clock; its unit may be unknown."""
    scales = _SCALES[:1] if other.is_sure else _SCALES
    clock = other.clock
    scaled = (
        replace(
            clock,
            seconds=clock.seconds * scale,
            step_s=clock.step_s * scale,
            finest_s=clock.finest_s * scale,
        )
        for scale in scales
    )
    return any(
        compare_clocks(chosen.clock, it) and it.step_s > 0.5 * chosen.clock.step_s
        for it in scaled
    )


def _report_others(
    path: Path,
    chosen: _Candidate,
    others: Sequence[_Candidate],
    alike: Sequence[_Candidate],
) -> None:
    if alike:
        named = ", ".join(c.name for c in alike)
        report(
            "T05",
            f"has the same differences as column {named}",
            source=path,
            place=f"column {chosen.name}",
            assumed=f"{chosen.name} is the time of the samples",
        )
    for other in others:
        if other not in alike:
            report(
                "T31",
                f"columns {chosen.name} and {other.name} both look like the time of "
                f"the samples, and differ",
                source=path,
                assumed=f"{chosen.name} is the time of the samples",
                cure=f'write time = "{chosen.name}" or time = "{other.name}" under '
                f"[tables] in recordings.toml",
            )
