"""What the stamps of a column are: their unit, and where they count from.

Devices write seconds, milliseconds, microseconds or nanoseconds, since 1970, since
they were switched on, or since the file began; or a date and a clock as text. The
name of the column says it, or its numbers do: those since 1970 are so large that they
show their unit, and a unit must give a rate that a sensor can have.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.findings import refuse, report
from deepvanet.signal_io.cells import Column, find_numbers, report_texts

LEAST_HZ, MOST_HZ = 0.5, 100_000.0
"""Rates that a sensor can have."""
USUAL_HZ = (1.0, 20_000.0)
"""Rates that sensors of the body have."""
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
MINUTES = {"min": 60.0}
"""A unit that is only taken where the name of the column says so."""

_SCALES = UNITS | MINUTES
_UNIX_S = (946_684_800.0, 2_524_608_000.0)  # 2000 to 2050; LabVIEW's 1904 is outside
_LONGEST_S = 24 * 3600.0
_SHORTEST_S = 1.0
_RARE_HZ = 3.0  # below it, and a thousand times it, are both usual: 1 Hz, 1 kHz
_LEAST_FILE_S = 5.0  # of a recording at a rate that is not usual
_GAP = 4.0  # steps
_DAY_S = 86_400.0

_UNIT_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisec"), "ms"),
    **dict.fromkeys(("milliseconds", "millisecond"), "ms"),
    **dict.fromkeys(("us", "usec", "usecs", "micros", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanoseconds"), "ns"),
    **dict.fromkeys(("min", "mins", "minutes"), "min"),
}
_TIMES = frozenset(
    {"time", "times", "timestamp", "timestamps", "datetime", "date", "zeit"}
)
_UNIX_WORDS = frozenset({"unix", "epoch", "posix"})
_WORDS = frozenset(
    {
        *("utc", "gmt", "iso", "iso8601", "lsl", "local", "system", "sys", "elapsed"),
        *("relative", "rel", "abs", "absolute", "sample", "sampling", "sensor", "host"),
        *("pc", "phone", "device", "recording", "record", "since", "start", "from"),
        *("begin", "stamp", "stamps", "cal", "uncal", "raw", "formatted", "clock"),
        *("of", "day", "the", "in", "monotonic", "server"),
    }
)
_ALONE = frozenset(
    {("t",), ("unix",), ("lsl", "clock"), ("local", "clock"), ("seconds",), ("sec",)}
    | {("ms",), ("milliseconds",), ("time", "stamp"), ("minutes",), ("millisec",)}
    | {("milli", "sec")}
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RATE = re.compile(r"\d+(\.\d+)?\s*hz", re.IGNORECASE)
_STAMP = re.compile(
    r"\s*(?:(?P<ymd>\d{4}[-/.]\d{1,2}[-/.]\d{1,2})|(?P<dmy>\d{1,2}[-/.]\d{1,2}[-/.]\d{4}))?"
    r"[T\s,]*(?P<clock>\d{1,3}:\d{2}:\d{2}(?:[.,:]\d+)?|\d{1,3}:\d{2}[.,]\d+)"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|[-+]\d{2}:?\d{2})?\s*"
)
_ISO_ZONE = re.compile(r":\d{2}(?:[.,]\d+)? ?(?:Z|[-+]\d{2}:?\d{2})\s*$")
_SAMPLE = 1000


@dataclass(frozen=True)
class Clock:
    """The stamps of a column, in seconds.

    Attributes
    ----------
    seconds : NDArray
        Since the first stamp that can be read; not a number where none can be.
    start_unix_s : float | None
        That first stamp in seconds since 1970, where it is known.
    step_s : float
        The usual step between two samples, gaps left out; not a number without two.
    finest_s : float
        The median of the steps above 0: how finely the stamps are written.
    """

    seconds: NDArray[np.float64]
    start_unix_s: float | None
    step_s: float
    finest_s: float


def is_time_name(name: str) -> bool:
    """Return whether a column of this name holds the times of samples.

    Examples
    --------
    >>> [is_time_name(n) for n in ("Time (ms)", "LSLTimestamp", "t", "reaction time")]
    [True, True, True, False]
    """
    words = _split(name)
    if words in _ALONE:
        return True
    allowed = _TIMES | _UNIX_WORDS | _WORDS | set(_UNIT_WORDS) | {"t"}
    is_short = (
        len(words) == 2 and words[0] in {"t", *_UNIX_WORDS} and words[1] in _UNIT_WORDS
    )
    return is_short or (bool(_TIMES & set(words)) and set(words) <= allowed)


def find_unit(name: str) -> str | None:
    """Return the unit that a column's name says, or None.

    Examples
    --------
    >>> [find_unit(name) for name in ("time_ms", "Time [µs]", "lsl_timestamp", "time")]
    ['ms', 'us', 's', None]
    """
    words = _split(name)
    units = [_UNIT_WORDS[word] for word in words if word in _UNIT_WORDS]
    if not units and "lsl" in words:
        return "s"
    return units[-1] if units else None


def read_clock(
    name: str,
    stamps: Column,
    *,
    source: object,
    find_place: Callable[[int], str] = lambda row: f"row {row + 1}",
    least_hz: float = 0.0,
) -> Clock:
    """Return the stamps of a column in seconds, and report what they were taken for.

    Parameters
    ----------
    name : str
        Of the column, with its unit if it says one.
    stamps : pd.Series
        Numbers, texts, or dates. Whole numbers are subtracted before they are made
        floating, so that nanoseconds since 1970 keep their differences.
    source : object
        The file.
    find_place : callable
        Says where a row, from 0, stands in it.
    least_hz : float
        The rate that the channels beside it need, where that is known.

    Returns
    -------
    Clock
        With the findings T05, where it is not plain seconds; T06, where the name
        and the numbers contradict each other or two units are equally likely; Q03,
        where some cells hold no time.

    Raises
    ------
    FindingError
        When it holds no times at all.
    """
    place = f"column {name}"
    if pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        return _read_dates(stamps, source, place)
    if pd.api.types.is_timedelta64_dtype(stamps.dtype):
        return _make_clock(_count_seconds(stamps), None)
    texts = stamps.astype("string") if stamps.dtype == object else None
    if texts is not None and _are_stamps(texts):
        dates = _read_iso(texts)
        if dates is not None:
            return _read_dates(dates, source, place)
        return _read_texts(name, texts, source, find_place)
    numbers, no_number = find_numbers(stamps)
    if no_number.sum() * 2 > stamps.count() or not stamps.count():
        first = stamps[no_number].iloc[0] if no_number.any() else ""
        raise refuse(
            "T06",
            f"must hold numbers of seconds or clock times, got {str(first)[:40]!r}",
            source=source,
            place=place,
        )
    report_texts(name, stamps, no_number, source=source, find_place=find_place)
    return _read_numbers(name, numbers, source, least_hz)


def compare_clocks(one: Clock, other: Clock) -> bool:
    """Return whether two columns stamp the same samples by the same clock.

    Their differences must agree to within what the coarser of them can write.
    """
    apart = one.seconds - other.seconds
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return False
    bound = 1.5 * np.nanmax([one.finest_s, other.finest_s, one.step_s, other.step_s])
    return bool(np.ptp(apart) <= bound)


def _split(name: str) -> tuple[str, ...]:
    plain = name.strip().replace("\u00b5", "u").replace("\u03bc", "u")
    plain = _CAMEL.sub("_", _RATE.sub("", plain)).lower()
    return tuple(filter(None, re.split(r"[^a-z0-9]+", plain)))


def _make_clock(seconds: NDArray[np.float64], start: float | None) -> Clock:
    step, finest = _find_step(seconds)
    return Clock(seconds, start, step, finest)


def _find_step(seconds: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean step without gaps, and the median of the steps above 0."""
    steps = np.diff(seconds[np.isfinite(seconds)])
    rising = steps[steps > 0]
    if not len(rising):
        return np.nan, np.nan
    finest = float(np.median(rising))
    kept = steps[(steps >= 0) & (steps <= _GAP * finest)]
    return float(kept.mean()), finest


def _read_numbers(
    name: str, numbers: NDArray[Any], source: object, least_hz: float
) -> Clock:
    offsets, first, level = _subtract_first(numbers)
    step, _ = _find_step(offsets)
    span = float(np.nanmax(offsets) - np.nanmin(offsets))
    named = find_unit(name)
    low, high = _UNIX_S
    unix = next((u for u, scale in UNITS.items() if low <= level * scale <= high), None)
    place = f"column {name}"
    fitting = _list_units(step, span, least_hz)
    unit = _choose_unit(name, named, unix, step, fitting, source)
    seconds = offsets * _SCALES[unit]
    shown = f"its first stamp is {first:.15g}, its steps are {step:.4g}"
    rate = 1 / (step * _SCALES[unit]) if step > 0 else np.nan
    if unix is not None and unix == unit:
        start = first * _SCALES[unit]
        said = f"Unix time in {unit}, {rate:.4g} samples a second"
        report("T05", shown, source=source, place=place, assumed=said)
        return _make_clock(seconds, start if low <= start <= high else None)
    if _UNIX_WORDS & set(_split(name)):
        report(
            "T06",
            f"is no Unix time as its name says: {shown}",
            source=source,
            place=place,
            assumed=f"{unit} since the first sample",
            cure=f"name the column time_{unit}, or correct its numbers",
        )
    elif unit != "s" or abs(first) > _SHORTEST_S + 2 * abs(step):
        said = f"{unit} since the first sample, {rate:.4g} samples a second"
        report("T05", shown, source=source, place=place, assumed=said)
    return _make_clock(seconds, None)


def _subtract_first(
    numbers: NDArray[Any],
) -> tuple[NDArray[np.float64], float, float]:
    """Return numbers since the first, the first, and their median."""
    if numbers.dtype.kind == "u" and int(numbers.max()) < 2**63:
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind == "i" and int(numbers.max()) - int(numbers.min()) < 2**63:
        return (
            (numbers - numbers[0]).astype(np.float64),
            float(numbers[0]),
            float(np.median(numbers)),
        )
    floats = numbers.astype(np.float64)
    known = floats[np.isfinite(floats)]
    first = float(known[0]) if len(known) else np.nan
    return floats - first, first, float(np.median(known)) if len(known) else np.nan


def _choose_unit(
    name: str,
    named: str | None,
    unix: str | None,
    step: float,
    fitting: list[str],
    source: object,
) -> str:
    """Return the unit that name and numbers agree on, or report that they do not."""
    if not step > 0:
        return named or unix or "s"
    if unix is not None:
        if named not in (None, unix) and not _is_possible(step, named):
            _report_contradiction(name, str(named), unix, step, source)
            return unix
        return unix if named is None else named
    if named is not None:
        others = [u for u in fitting if u != named]
        if _is_possible(step, named) or not others:
            return named
        _report_contradiction(name, named, others[0], step, source)
        return others[0]
    fitting = fitting or ["s"]
    if len(fitting) > 1:
        rates = " and ".join(f"{1 / (step * UNITS[u]):.4g} Hz in {u}" for u in fitting)
        report(
            "T06",
            f"does not say its unit: its steps of {step:.4g} are {rates}",
            source=source,
            place=f"column {name}",
            assumed=f"its numbers are in {fitting[0]}",
            cure=f"name the column {' or '.join(f'time_{u}' for u in fitting)}",
        )
    return fitting[0]


def _is_possible(step: float, unit: str | None) -> bool:
    return unit is not None and LEAST_HZ <= 1 / (step * _SCALES[unit]) <= MOST_HZ


def _report_contradiction(
    name: str, named: str, likely: str, step: float, source: object
) -> None:
    said, other = (1 / (step * _SCALES[unit]) for unit in (named, likely))
    report(
        "T06",
        f"is not in {named} as its name says: its steps of {step:.4g} would be "
        f"{said:.4g} Hz; in {likely} they are {other:.4g} Hz",
        source=source,
        place=f"column {name}",
        assumed=f"its numbers are in {likely}",
        cure=f"name the column time_{likely}, or correct its numbers",
    )


def _list_units(step: float, span: float, least_hz: float) -> list[str]:
    """Return the units that stamps can be in, the longest first.

    Seconds are what a table has that says nothing else. Steps of 200 may be 5 Hz in
    milliseconds or 5 kHz in microseconds: the length of the recording says which, or
    what its channels need.
    """
    if not step > 0:
        return []
    possible = [unit for unit in UNITS if _is_possible(step, unit)]
    low, high = USUAL_HZ
    usual = [u for u in possible if low <= 1 / (step * UNITS[u]) * 1.001 and
             1 / (step * UNITS[u]) <= high]  # fmt: skip
    fitting = usual or possible
    if len(fitting) < 2:
        return fitting
    long = [u for u in fitting if span * UNITS[u] <= _LONGEST_S]
    fitting = long or fitting
    lasting = [u for u in fitting if span * UNITS[u] >= _SHORTEST_S]
    fitting = lasting or fitting[:1]
    rates = [1 / (step * UNITS[unit]) for unit in fitting]
    whole = [u for u, rate in zip(fitting, rates, strict=True) if _is_whole(rate)]
    if rates[0] < _RARE_HZ and whole and whole[0] != fitting[0]:
        return whole
    if fitting[0] == "s":
        return fitting[:1] if rates[0] >= _RARE_HZ else fitting
    enough = [u for u, r in zip(fitting, rates, strict=True) if r * 1.01 >= least_hz]
    first, *others = enough or fitting
    least_s = _LEAST_FILE_S if rates[0] >= _RARE_HZ else _SHORTEST_S
    return [first, *(u for u in others if span * UNITS[u] >= least_s)]


def _is_whole(rate: float) -> bool:
    return abs(rate - round(rate)) < 2e-3 * rate


def _are_stamps(texts: Column) -> bool:
    """Return whether most of the first texts are dates or clocks."""
    first = texts.dropna().iloc[:_SAMPLE]
    return bool(first.str.fullmatch(_STAMP).sum() * 2 >= len(first) > 0)


def _read_iso(texts: Column) -> "Column | None":
    """Return dates where all texts are in ISO 8601, all or none with a zone."""
    n_zones = int(texts.str.contains(_ISO_ZONE).sum())
    if n_zones not in (0, int(texts.count())):
        return None
    try:
        return pd.to_datetime(texts, format="ISO8601", utc=n_zones > 0)
    except ValueError:
        return None


def _read_dates(stamps: Column, source: object, place: str) -> Clock:
    known = stamps.dropna()
    if not len(known):
        raise refuse("T06", "holds no times", source=source, place=place)
    first = known.iloc[0]
    seconds = _count_seconds(stamps - first)
    has_zone = first.tzinfo is not None
    start = first.timestamp() if has_zone else None
    _report_dates(str(first), has_zone, source, place)
    return _make_clock(seconds, start)


def _count_seconds(spans: Column) -> NDArray[np.float64]:
    return np.asarray(spans.dt.total_seconds(), np.float64)


def _report_dates(first: str, has_zone: bool, source: object, place: str) -> None:
    said = "a clock with its zone" if has_zone else "a clock without a zone"
    report(
        "T05",
        f"its first stamp is {first}",
        source=source,
        place=place,
        assumed=f"{said}; seconds are counted from that stamp",
    )


def _read_texts(
    name: str,
    texts: Column,
    source: object,
    find_place: Callable[[int], str],
) -> Clock:
    """Read dates and clocks that are written as texts."""
    place = f"column {name}"
    parts = texts.str.extract("^" + _STAMP.pattern + "$")
    seconds = _read_clock_texts(parts["clock"], parts["half"])
    days = _read_days(parts, source, place)
    if parts["ymd"].isna().all() and parts["dmy"].isna().all():
        # a clock without a date starts again at midnight
        steps = np.diff(seconds, prepend=seconds[:1])
        days = np.cumsum(steps < -_DAY_S / 2).astype(np.float64)
    seconds = seconds + days * _DAY_S
    zones = parts["zone"].dropna()
    has_zone = len(zones) == int(texts.count()) > 0
    if has_zone:
        seconds = seconds - parts["zone"].map(_read_zone).to_numpy(np.float64)
    no_time = np.isnan(seconds) & texts.notna().to_numpy(bool)
    report_texts(name, texts, no_time, source=source, find_place=find_place)
    known = np.flatnonzero(np.isfinite(seconds))
    if not len(known):
        raise refuse("T06", "holds no times", source=source, place=place)
    _report_dates(str(texts.iloc[known[0]]), has_zone, source, place)
    first = float(seconds[known[0]])
    has_date = first > _DAY_S * 366
    return _make_clock(seconds - first, first if has_zone and has_date else None)


def _read_clock_texts(clocks: Column, halves: Column) -> NDArray[np.float64]:
    """Return the seconds of a day; a fraction may follow a point, comma or colon."""
    plain = clocks.str.replace(r"^(\d+:\d+:\d+):(\d+)$", r"\1.\2", regex=True)
    fields = plain.str.replace(",", ".").str.extract(r"^(?:(\d+):)?(\d+):([\d.]+)$")
    hours, minutes, seconds = (
        pd.to_numeric(fields[k]).astype("float64").to_numpy(np.float64)
        for k in range(3)
    )
    hours = np.nan_to_num(hours)
    half = halves.str[:1].str.lower()
    hours = np.where(half.notna(), hours % 12, hours) + 12 * half.eq("p").fillna(False)
    return np.asarray(hours * 3600 + minutes * 60 + seconds, np.float64)


def _read_days(parts: pd.DataFrame, source: object, place: str) -> NDArray[np.float64]:
    """Return days since 1970; those without a date are 0."""
    days = np.zeros(len(parts))
    for column in ("ymd", "dmy"):
        written = parts[column].dropna()
        if len(written):
            by_text = _read_each_day(list(written.unique()), column, source, place)
            days[written.index] = written.map(by_text).to_numpy(np.float64)
    return days


def _read_each_day(
    texts: list[str], order: str, source: object, place: str
) -> dict[str, float]:
    fields = {text: [int(f) for f in re.split(r"[-/.]", text)] for text in texts}
    if order == "dmy":
        month_first = any(f[1] > 12 for f in fields.values())
        is_open = not month_first and all(f[0] <= 12 for f in fields.values())
        if is_open and len(texts) > 1 and "." not in texts[0]:
            report(
                "T06",
                f"does not say whether day or month is first, as in {texts[0]}",
                source=source,
                place=place,
                assumed="the day is first",
                cure="write dates as 2023-11-14",
            )
        turn = (2, 0, 1) if month_first else (2, 1, 0)
        fields = {text: [f[k] for k in turn] for text, f in fields.items()}
    days = {}
    for text, (year, month, day) in fields.items():
        date = pd.to_datetime(f"{year:04}-{month:02}-{day:02}", errors="coerce")
        days[text] = np.nan if pd.isna(date) else date.timestamp() / _DAY_S
    return days


def _read_zone(text: object) -> float:
    if not isinstance(text, str) or text in ("Z", "UTC"):
        return 0.0
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return float(sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60))
