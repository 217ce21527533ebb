"""Properties of time: what stamps say, and what was not recorded."""

from dataclasses import replace

import numpy as np
import pandas as pd

from field.bends import (
    add_table,
    edit_streams,
    edit_table,
    edit_trials,
    put,
    rename,
    set_cells,
    with_column,
    with_stamps,
)
from field.recordings import (
    ALL,
    LOSING,
    OWN,
    RATE,
    SECONDS,
    STAMPED,
    START,
    TABLES,
    Truth,
)
from field.records import Property

GAP = (5.0, 8.0)
SOME = ("csv", "parquet", "edf", "xdf")
"""For properties of the table of trials, which all formats share."""
_T = np.arange(SECONDS * RATE) / RATE


def _repeat_some(stamps):
    stamps[300:303] = stamps[300]
    return stamps


def _scatter(stamps):
    return stamps + np.random.default_rng(0).normal(0, 0.2 / RATE, len(stamps))


def _burst(stamps):
    """Return stamps of packets of 16 samples, 0.1 ms apart as they arrived."""
    packet = np.arange(len(stamps)) // 16 * 16
    late = np.random.default_rng(0).uniform(0, 0.01, len(stamps))[packet]
    return packet / RATE + late + 1e-4 * (np.arange(len(stamps)) % 16)


def _jump(stamps):
    stamps[RATE * 15 :] += 200_000
    return stamps


def _set_back(stamps):
    stamps[RATE * 15 :] -= 9
    return stamps


def _clock(t):
    """Return dates and times."""
    return np.datetime_as_string(
        np.datetime64("2026-01-01T12:00")
        + np.round(1e6 * np.asarray(t)).astype("timedelta64[us]")
    )


def _watch(t):
    """Return times of a day."""
    return [text[11:] for text in _clock(t)]


def _swap_parts(table):
    half = len(table) // 2
    return pd.concat([table[half:], table[:half]])


def _state_rate(hz):
    return edit_streams(lambda streams: streams[0].update(rate=hz))


def _delay(seconds):
    def change(streams):
        streams[1]["times"] = np.asarray(streams[1]["times"]) + seconds

    return edit_streams(change)


def _set_hosts(streams):
    for stream, host in zip(streams, ("a", "b", "a"), strict=True):
        stream.update(host=host, clock=None)


UNITS_OF_TIME = tuple(
    Property(
        f"time in {name}",
        "B",
        f"The column of times is called {column} and holds {what}.",
        TABLES,
        with_column(column, change),
        codes,
    )
    for name, column, what, change, codes in (
        ("ms", "time_ms", "milliseconds", lambda t: 1e3 * t, ("T05",)),
        ("us", "time_us", "microseconds", lambda t: 1e6 * t, ("T05",)),
        ("ns", "time_ns", "nanoseconds", lambda t: 1e9 * t, ("T05",)),
        (
            "ms, unsaid",
            "time",
            "milliseconds, which its name does not say",
            lambda t: 1e3 * t,
            ("T05",),
        ),
        ("Unix s", "timestamp", "seconds since 1970", lambda t: START + t, ("T05",)),
        (
            "Unix ms",
            "timestamp",
            "milliseconds since 1970",
            lambda t: (1e3 * (START + t)).round().astype(int),
            ("T05",),
        ),
        (
            "Unix us",
            "timestamp",
            "microseconds since 1970",
            lambda t: (1e6 * (START + t)).round().astype(int),
            ("T05",),
        ),
        (
            "Unix ns",
            "timestamp",
            "nanoseconds since 1970",
            lambda t: (1e9 * START + 1e9 * t).round().astype(int),
            ("T05",),
        ),
        ("date and time", "timestamp", "dates and times", _clock, ("T05",)),
        (
            "date and time with a zone",
            "timestamp",
            "dates and times with a zone",
            lambda t: [text + "+02:00" for text in _clock(t)],
            ("T05",),
        ),
        (
            "clock on the wall",
            "time",
            "hours, minutes and seconds",
            _watch,
            ("T05",),
        ),
        (
            "clock past midnight",
            "time",
            "a clock that goes past midnight",
            lambda t: _watch(t + 43_195),
            ("T05",),
        ),
    )
)

TIMES = (
    *UNITS_OF_TIME,
    Property(
        "gap",
        "B",
        "Three seconds were not recorded.",
        ALL,
        lambda plan: replace(plan, lost_s=GAP),
        ("T01",),
        Truth(missing_s=GAP),
    ),
    Property(
        "gap of half a second",
        "B",
        "Half a second was not recorded.",
        STAMPED,
        lambda plan: replace(plan, lost_s=(5.0, 5.5)),
        ("T01",),
        Truth(missing_s=(5.0, 5.5)),
    ),
    Property(
        "gap before the step",
        "B",
        "Five seconds before the second trial were not recorded.",
        ALL,
        lambda plan: replace(plan, lost_s=(4.0, 9.0)),
        ("T01",),
        Truth(missing_s=(4.0, 9.0)),
    ),
    Property(
        "few samples lost",
        "B",
        "Six samples were lost, less than a tenth of a second.",
        STAMPED,
        lambda plan: replace(plan, lost_s=(5.0, 5.0 + 6 / RATE)),
        ("T01",),
    ),
    Property(
        "lost packets",
        "X",
        "A radio link lost a second and a half.",
        LOSING,
        lambda plan: replace(plan, lost_s=(2.0, 3.5)),
        ("T01",),
        Truth(missing_s=(2.0, 3.5)),
    ),
    Property(
        "repeated stamps",
        "B",
        "Three samples have one stamp.",
        STAMPED,
        with_stamps(_repeat_some),
        ("T03",),
    ),
    Property(
        "scattered stamps",
        "B",
        "Stamps are early or late by a fifth of a sample.",
        STAMPED,
        with_stamps(_scatter),
    ),
    Property(
        "bursts",
        "B",
        "Samples were stamped in packets of 16, as they arrived.",
        STAMPED,
        with_stamps(_burst),
        ("T03",),
    ),
    Property(
        "clock drift",
        "B",
        "The clock of the device runs slow: stamps lie 3 % further apart than its "
        "header states.",
        ("xdf",),
        _state_rate(RATE * 1.03),
        ("T07",),
    ),
    Property(
        "jump of the clock",
        "B",
        "The clock jumps by two days after 15 s.",
        STAMPED,
        with_stamps(_jump),
        ("T02",),
    ),
    Property(
        "clock set back",
        "B",
        "The clock is set back by 9 s after 15 s.",
        STAMPED,
        with_stamps(_set_back),
        ("T04",),
    ),
    Property(
        "parts in the wrong order",
        "B",
        "The second half of the rows stands before the first.",
        TABLES,
        edit_table(_swap_parts),
        ("T04",),
    ),
    Property(
        "a time that is a word",
        "B",
        "One stamp is no number.",
        TABLES[:-1],
        set_cells("time_s", slice(700, 701), "lost"),
        ("T20", "Q03"),
    ),
    Property(
        "no column of times",
        "B",
        "The table has no column of times.",
        TABLES,
        edit_table(lambda table: table.drop(columns="time_s")),
        ("T30",),
        None,
    ),
    Property(
        "two columns of times",
        "B",
        "Two columns look like times, and differ.",
        TABLES,
        edit_table(lambda table: table.insert(1, "timestamp", 1.5 * table["time_s"])),
        ("T31",),
    ),
    Property(
        "two columns of one time",
        "B",
        "A second column holds the same times in Unix milliseconds.",
        TABLES,
        edit_table(
            lambda table: table.insert(
                1, "unix_ms", (1e3 * (START + table["time_s"])).round().astype(int)
            )
        ),
        ("T05",),
    ),
    Property(
        "a rate that no sensor has",
        "B",
        "Times called seconds are thousands of seconds.",
        TABLES,
        with_column("time_s", lambda t: 1e3 * t),
        ("T06",),
        None,
    ),
    Property(
        "a wrong unit of time",
        "B",
        "The column time_ms holds seconds.",
        TABLES,
        with_column("time_ms", lambda t: t),
        ("T06",),
    ),
    Property(
        "day or month",
        "B",
        "Dates do not say whether day or month is first.",
        TABLES[:-1],
        with_column("timestamp", lambda t: ["02/01/2026 " + c for c in _watch(t)]),
        ("T05",),
    ),
    Property(
        "another start",
        "B",
        "Streams of one file begin 0.75 s apart.",
        ("xdf",),
        _delay(0.75),
        (),
        Truth(step=("GSR", 10.75), levels=(3.0, 6.0)),
    ),
    Property(
        "streams apart",
        "B",
        "Two streams of one file share no second.",
        ("xdf",),
        _delay(900),
        ("T08", "Q02"),
        Truth(step=None),
    ),
    Property(
        "streams of two computers",
        "B",
        "Streams come from two computers, and clocks were not compared.",
        ("xdf",),
        edit_streams(_set_hosts),
        ("T09",),
    ),
    Property(
        "a second file on another clock",
        "B",
        "A table of the skin has Unix time, the signals begin at 0.",
        ("csv", "eeglab"),
        add_table("skin.csv", START + _T, EDA=4 + np.sin(_T)),
        ("T09", "C04"),
        other={"eeglab": ("T09",)},
    ),
    Property(
        "a second file elsewhere",
        "B",
        "A table of the skin begins when the signals have ended.",
        ("csv", "parquet", "eeglab", "xdf"),
        add_table("skin.csv", 1000 + _T, EDA=4 + np.sin(_T)),
        ("C04",),
        other={"eeglab": ()},
    ),
    Property(
        "a trial past the end",
        "B",
        "The second trial ends 2 s after the signals.",
        SOME,
        edit_trials(put(duration_s=10), which=1),
        ("T12",),
    ),
    Property(
        "onset in milliseconds",
        "B",
        "The column onset_s holds milliseconds.",
        SOME,
        edit_trials(lambda row: row.update(onset_s=12000, marker=""), which=1),
        ("T12",),
        Truth(onsets=(2.0,)),
    ),
    Property(
        "trials that overlap",
        "B",
        "The first trial ends after the second began.",
        SOME,
        edit_trials(put(duration_s=12), which=0),
        ("T50",),
    ),
    Property(
        "two trials in the same seconds",
        "B",
        "Neither row says when its trial begins.",
        SOME,
        edit_trials(put(marker="")),
        ("T51",),
        None,
    ),
    Property(
        "trials without an end",
        "B",
        "The table does not say how long trials last.",
        SOME,
        edit_trials(put(duration_s="")),
        ("T52",),
    ),
    Property(
        "onset in place of onset_s",
        "A",
        "The column of onsets is called as in BIDS.",
        SOME,
        edit_trials(rename("marker", "onset")),
        ("R01", "T51"),
        None,
    ),
    Property(
        "seconds of the recording",
        "B",
        "Trials are placed by onset_s, after a gap of three seconds.",
        OWN,
        lambda plan: replace(
            edit_trials(
                lambda row: row.update(
                    onset_s={"11": 2.0, "12": 12.0}[row.pop("marker")[-2:]]
                )
            )(plan),
            lost_s=GAP,
        ),
        ("T01",),
        Truth(missing_s=GAP),
    ),
)
