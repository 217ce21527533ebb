"""How the files of a recording lie on one clock."""

from collections.abc import Sequence

from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.findings import report
from deepvanet.signal_io.types import Signals

ROUNDING_S = 0.001
HOUR_S, QUARTER_S = 3600.0, 900.0
"""Most zones differ by hours, some by quarters of an hour."""
FARTHEST_ZONE_S = 14 * HOUR_S


def place_files(
    files: Sequence[Signals], peripherals: Sequence[PeripheralFile]
) -> list[float]:
    """Return the second of the first file at which each of the others starts.

    Parameters
    ----------
    files : sequence of Signals
        The file that has the clock, and those beside it.
    peripherals : sequence of PeripheralFile
        What the table says of these.

    Returns
    -------
    list of float
        In seconds.
    """
    return [
        find_offset(files[0], other, item.offset_s, item.column)
        for other, item in zip(files[1:], peripherals, strict=True)
    ]


def find_offset(
    main: Signals, other: Signals, stated: float | None, column: str = "peripheral"
) -> float:
    """Return the second of the first file at which the other one starts.

    It is the one that is stated. Else it follows from when both files say that they
    were recorded; where none says so, both begin in the same moment. Files that share
    no second, or no clock, are reported.

    Parameters
    ----------
    main, other : Signals
        The file that has the clock, and the one beside it.
    stated : float | None
        What the table says.
    column : str
        In which column of the table it is.

    Returns
    -------
    float
        In seconds.

    Raises
    ------
    FindingError
        When they share no second or no clock, and nothing collects findings.
    """
    offset = _measure_offset(main, other, column) if stated is None else stated
    if not _overlap(main, other, offset):
        report(
            "T08",
            f"does not overlap with {main.path.name}: it lasts from {offset:.6g} s to "
            f"{offset + other.seconds:.6g} s, the other from 0 s to "
            f"{main.seconds:.6g} s",
            source=other.path,
            assumed="it has no samples in the recording",
            cure=_say_where(main, other, column),
        )
    return offset


def _measure_offset(main: Signals, other: Signals, column: str) -> float:
    """Return by how much the other file starts later, by the clocks of both."""
    if main.start_unix_s is None or other.start_unix_s is None:
        _report_lone_clock(main, other, column)
        return 0.0
    apart = other.start_unix_s - main.start_unix_s
    offset = apart
    if main.has_zone != other.has_zone:
        offset = _choose_zone(main, other, apart, column)
    if abs(offset) > ROUNDING_S and _overlap(main, other, offset):
        way = "after" if offset > 0 else "before"
        zone = " in some zone" if main.has_zone != other.has_zone else ""
        report(
            "T05",
            f"begins {abs(offset):.6g} s {way} {main.path.name}, by the time that both "
            f"files state{zone}",
            source=other.path,
            assumed=f"{column}_offset_s is {offset:.6g}",
            cure=_say_where(main, other, column),
        )
    return offset


def _report_lone_clock(main: Signals, other: Signals, column: str) -> None:
    """Report that one file has Unix time, and the other does not say when it was."""
    for one, silent in ((main, other), (other, main)):
        is_unix = one.start_unix_s is not None and one.has_zone
        if is_unix and silent.start_unix_s is None:
            report(
                "T09",
                f"{one.path.name} has Unix time, {silent.path.name} does not say when "
                "it was recorded",
                source=other.path,
                assumed="both begin in the same moment",
                cure=_say_where(main, other, column),
            )


def _choose_zone(main: Signals, other: Signals, apart: float, column: str) -> float:
    """Return the offset in the only zone in which both files share seconds.

    One has the time of a clock on the wall, the other Unix time.
    """
    for step in (HOUR_S, QUARTER_S):
        n_steps = round(FARTHEST_ZONE_S / step)
        zones = (apart + step * k for k in range(-n_steps, n_steps + 1))
        shared = [offset for offset in zones if _overlap(main, other, offset)]
        if shared:
            break
    else:
        return apart
    nearest = min(shared, key=abs)
    if len(shared) > 1:
        report(
            "T09",
            f"{main.path.name} and {other.path.name} share seconds in "
            f"{len(shared)} zones of time, and one of them does not say its zone",
            source=other.path,
            assumed=f"{column}_offset_s is {nearest:.6g}",
            cure=_say_where(main, other, column),
        )
    return nearest


def _say_where(main: Signals, other: Signals, column: str) -> str:
    return (
        f"write into the column {column}_offset_s of the table of trials the second "
        f"of {main.path.name} at which {other.path.name} begins, 0 if both begin in "
        "the same moment"
    )


def _overlap(main: Signals, other: Signals, offset: float) -> bool:
    return offset < main.seconds and offset + other.seconds > 0
