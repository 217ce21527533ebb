"""One recording of known truth, written in each format that people have.

Three electrodes hold tones, the skin a step at 10 s, and two trials begin at markers.
A property bends the plan; each writer then writes what is asked, in its own way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from deepvanet.schema import Channel, ChannelType
from device_exports import CASES, NO_LOSS, ExportCase
from interrupted_recordings import (
    write_eeglab,
    write_interrupted_edf,
    write_segments,
)
from small_recordings import RANGES, write_edf, write_trials, write_xdf

RATE, SECONDS = 128, 20
TONES = {"Fp1": (10, 30.0), "Fp2": (12, 20.0), "Cz": (9, 40.0)}
"""Frequency in Hz and amplitude in uV."""
STEP_S, LEVELS = 10.0, (3.0, 6.0)
ONSETS, LASTS_S = (2.0, 12.0), 6.0
START = 1_767_268_800.0  # noon of 1 January 2026
ROWS = tuple(
    {
        "subject": "1",
        "trial": number,
        "stimulus": f"clip {number}",
        "marker": f"{10 + number}",
        "duration_s": LASTS_S,
        "valence": rating,
        "arousal": 10 - rating,
    }
    for number, rating in ((1, 8), (2, 2))
)

Rows = Sequence[Mapping[str, object]]


def sample_values(rate: int = RATE) -> dict[str, np.ndarray]:
    """Return the truth, in uV and uS."""
    t = np.arange(SECONDS * rate) / rate
    tones = {
        label: amplitude * np.sin(2 * np.pi * hz * t)
        for label, (hz, amplitude) in TONES.items()
    }
    skin = np.where(t < STEP_S, *LEVELS) + 0.05 * np.sin(2 * np.pi * 0.3 * t)
    return tones | {"GSR": skin}


def keep(value):
    """Return what is given: nothing is bent."""
    return value


@dataclass(frozen=True)
class Plan:
    """A recording, and how its files depart from what is usual.

    Attributes
    ----------
    values : mapping
        Numbers of each channel as the file has them, by label.
    units : mapping
        As the file spells them; empty: it states none.
    stamps : array
        Seconds that the file states, where its format has stamps.
    lost_s : tuple of float
        Seconds without samples.
    markers : tuple of (float, str)
        Their onset in seconds and text.
    edit_table, edit_streams, edit_trials, edit_file : callable
        Change columns, streams, rows of the table of trials, or what was written.
    header : str
        What is replaced in a header of text, as ``old=new``.
    """

    values: Mapping[str, np.ndarray] = field(default_factory=sample_values)
    units: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(TONES, "uV") | {"GSR": "uS"}
    )
    stamps: np.ndarray = field(default_factory=lambda: np.arange(SECONDS * RATE) / RATE)
    lost_s: tuple[float, float] = NO_LOSS
    markers: tuple[tuple[float, str], ...] = ((2.0, "11"), (12.0, "12"))
    toml: str = ""
    edit_table: Callable[[pd.DataFrame], pd.DataFrame] = keep
    edit_streams: Callable[[list[dict]], list[dict]] = keep
    edit_trials: Callable[[list[dict]], list[dict]] = keep
    edit_file: Callable[[Path], object] = keep
    edit_folder: Callable[[Path], object] = keep

    @property
    def is_there(self) -> np.ndarray:
        """Whether each sample was recorded."""
        t = np.arange(len(self.stamps)) / RATE
        return (t < self.lost_s[0]) | (t >= self.lost_s[1])

    @property
    def bio(self) -> np.ndarray:
        """Return the numbers that the file has."""
        return np.stack([row[self.is_there] for row in self.values.values()])

    @property
    def channels(self) -> list[Channel]:
        """Channels with what they measure."""
        kinds = {"GSR": ChannelType.GSR}
        return [
            Channel(label, kinds.get(label, ChannelType.EEG), unit)
            for label, unit in self.units.items()
        ]


@dataclass(frozen=True)
class Written:
    """What was written: the root of a data set, and its file of signals."""

    data_set: str
    root: Path
    file: Path
    subject: str = "1"


@dataclass(frozen=True)
class Truth:
    """What must be read.

    Attributes
    ----------
    tones : mapping
        Amplitudes, by channel, in ``units``.
    step : tuple of (str, float) or None
        The channel of the step, and its second.
    missing_s : tuple of float
        Seconds that must be missing; all others must be there.
    absent : tuple of str
        Channels that must not be read.
    ratings : tuple of (float or None, float or None)
        Valence and arousal of each trial, None where there must be none.
    inputs : tuple of str
        Names of files whose change must be noticed.
    pictures_hz : float
        Each picture shows its own number; so many of them were taken a second.
    unseen_s : tuple of float
        Seconds of the video without a picture.
    """

    tones: Mapping[str, float] = field(
        default_factory=lambda: {name: height for name, (_, height) in TONES.items()}
    )
    units: Mapping[str, str] = field(default_factory=dict)
    step: tuple[str, float] | None = ("GSR", STEP_S)
    levels: tuple[float, float] = LEVELS
    step_doubt_s: float = 0.03
    onsets: tuple[float, ...] = ONSETS
    onset_doubt_s: float = 0.01
    missing_s: tuple[float, float] = NO_LOSS
    absent: tuple[str, ...] = ()
    ratings: tuple[tuple[float | None, float | None], ...] = ((8, 2), (2, 8))
    inputs: tuple[str, ...] = ()
    pictures_hz: float = 0.0
    unseen_s: tuple[float, float] = NO_LOSS


Writer = Callable[[Path, Plan], Path]


def _make_table(plan: Plan) -> pd.DataFrame:
    columns: dict[str, object] = {"time_s": plan.stamps}
    for label, row in plan.values.items():
        unit = plan.units[label]
        columns[f"{label} [{unit}]" if unit else label] = row
    texts = np.full(len(plan.stamps), "", object)
    for onset, text in plan.markers:
        texts[round(onset * RATE)] = text
    columns["marker"] = texts
    table = pd.DataFrame(columns)[plan.is_there].reset_index(drop=True)
    return plan.edit_table(table)


def write_csv(folder: Path, plan: Plan) -> Path:
    path = folder / "a.csv"
    _make_table(plan).to_csv(path, index=False)
    return path


def write_tsv(folder: Path, plan: Plan) -> Path:
    path = folder / "a.tsv"
    _make_table(plan).to_csv(path, index=False, sep="\t")
    return path


def write_semicolons(folder: Path, plan: Plan) -> Path:
    path = folder / "a.csv"
    _make_table(plan).to_csv(path, index=False, sep=";", decimal=",")
    return path


def write_utf16(folder: Path, plan: Plan) -> Path:
    path = folder / "a.txt"
    _make_table(plan).to_csv(path, index=False, sep="\t", encoding="utf-16")
    return path


def write_parquet(folder: Path, plan: Plan) -> Path:
    path = folder / "a.parquet"
    _make_table(plan).to_parquet(path)
    return path


def write_edf_plus(folder: Path, plan: Plan, *, suffix: str = ".edf") -> Path:
    labels, units = list(plan.values), list(plan.units.values())
    options = {"labels": labels, "units": units, "sfreq": RATE}
    bio = np.clip(plan.bio, *np.array([_range(unit) for unit in units]).T[..., None])
    path = folder / f"a{suffix}"
    if plan.lost_s == NO_LOSS:
        markers = [(onset, 0.0, text) for onset, text in plan.markers]
        return write_edf(path, bio, markers=markers, **options)
    starts = [s for s in range(SECONDS) if not plan.lost_s[0] <= s < plan.lost_s[1]]
    return write_interrupted_edf(path, bio, starts, markers=plan.markers, **options)


def _range(unit: str) -> tuple[float, float]:
    return RANGES.get(unit, (-4000, 4000))


def write_bdf(folder: Path, plan: Plan) -> Path:
    return write_edf_plus(folder, plan, suffix=".bdf")


def write_fif(folder: Path, plan: Plan) -> Path:
    kinds = ["gsr" if label == "GSR" else "eeg" for label in plan.values]
    info = mne.create_info(list(plan.values), float(RATE), kinds)
    values = np.stack(list(plan.values.values())) * 1e-6
    raw = mne.io.RawArray(values, info, verbose="ERROR")
    notes = [(onset, 0.0, text) for onset, text in plan.markers]
    if plan.lost_s != NO_LOSS:
        start, end = plan.lost_s
        notes.append((start, end - start - 1 / RATE, "BAD_ACQ_SKIP"))
    raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)))
    path = folder / "a_raw.fif"
    raw.save(path, fmt="double", buffer_size_sec=1.0, verbose="ERROR")
    return path


def write_brainvision(folder: Path, plan: Plan) -> Path:
    start, end = plan.lost_s
    segments = [(0, "20260101120000000000")]
    if plan.lost_s != NO_LOSS:
        segments.append((round(start * RATE), f"202601011200{end:02.0f}000000"))
    stimuli = [
        (round((s if s < end or not end else s - end + start) * RATE), f"S {text}")
        for s, text in plan.markers
    ]
    path = folder / "a.vhdr"
    write_segments(path, plan.bio, plan.channels, segments, stimuli=stimuli)
    lines = path.read_text().split("[Channel Infos]")[0]
    described = "\n".join(
        f"Ch{k}={label},,1,{unit.replace('u', 'µ')}"
        for k, (label, unit) in enumerate(
            zip(plan.values, plan.units.values(), strict=True), 1
        )
    )
    path.write_text(f"{lines}[Channel Infos]\n{described}\n")
    return path


def write_set(folder: Path, plan: Plan) -> Path:
    start, end = plan.lost_s
    events = [
        {
            "type": text,
            "latency": 1 + (s if s < end or not end else s - end + start) * RATE,
            "duration": 0.0,
        }
        for s, text in plan.markers
    ]
    if plan.lost_s != NO_LOSS:
        lasts = (end - start) * RATE
        at = start * RATE + 0.5
        events.insert(1, {"type": "boundary", "latency": at, "duration": lasts})
    path = folder / "a.set"
    return write_eeglab(path, plan.bio, list(plan.values), events)


def write_streams(folder: Path, plan: Plan) -> Path:
    times = 5000 + plan.stamps[plan.is_there]
    skin = [k for k, label in enumerate(plan.values) if label == "GSR"]
    heads = [k for k, label in enumerate(plan.values) if label != "GSR"]
    labels, units = list(plan.values), list(plan.units.values())
    streams: list[dict] = [
        {
            "name": name,
            "type": name,
            "rate": RATE,
            "times": times,
            "values": plan.bio[rows].T,
            "labels": [labels[k] for k in rows],
            "units": [units[k] for k in rows],
        }
        for name, rows in (("EEG", heads), ("GSR", skin))
        if rows
    ]
    streams.append(
        {
            "name": "Events",
            "type": "Markers",
            "times": [5000 + s for s, _ in plan.markers],
            "values": [text for _, text in plan.markers],
        }
    )
    return write_xdf(folder / "a.xdf", plan.edit_streams(streams))


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "tsv": write_tsv,
    "semicolons": write_semicolons,
    "utf-16": write_utf16,
    "parquet": write_parquet,
    "edf": write_edf_plus,
    "bdf": write_bdf,
    "fif": write_fif,
    "brainvision": write_brainvision,
    "eeglab": write_set,
    "xdf": write_streams,
}
TEXTS = ("csv", "tsv", "semicolons", "utf-16")
TABLES = (*TEXTS, "parquet")
STAMPED = (*TABLES, "xdf")
EDFS = ("edf", "bdf")
LABORATORY = (*EDFS, "fif", "brainvision", "eeglab")
OWN = tuple(WRITERS)
ALL = (*OWN, "bids")
STATED = (*TABLES, *EDFS, "brainvision", "xdf", "bids")
"""Formats that state the unit of each channel in words."""
_SKIN = '[units]\n"GSR" = "uS"\n'


def write_recording(folder: Path, plan: Plan, name: str) -> Written:
    """Write a recording and the table of its trials, in a format."""
    if name == "bids":
        return _write_bids(folder, plan)
    file = WRITERS[name](folder, plan)
    plan.edit_file(file)
    rows = [dict(row) | {"bio": file.name} for row in ROWS]
    for row in rows if name == "brainvision" else ():
        row["marker"] = f"Stimulus/S {row['marker']}"
    root = write_trials(folder / "trials.csv", plan.edit_trials(rows))
    toml = plan.toml + (
        _SKIN if name == "eeglab" and "[units]" not in plan.toml else ""
    )
    if toml:
        (folder / "recordings.toml").write_text(toml)
    plan.edit_folder(folder)
    return Written("recordings", root, file)


def _write_bids(folder: Path, plan: Plan) -> Written:
    eeg = folder / "sub-1" / "eeg"
    eeg.mkdir(parents=True)
    stem = eeg / "sub-1_task-film"
    file = eeg / "sub-1_task-film_eeg.edf"
    write_edf_plus(folder, plan).rename(file)
    events = [
        {
            "onset": plan.markers[k][0],
            "duration": row["duration_s"],
            "trial_type": row["stimulus"],
            "valence": row["valence"],
            "arousal": row["arousal"],
        }
        for k, row in enumerate(ROWS)
    ]
    table = pd.DataFrame(plan.edit_trials(events))
    table.to_csv(f"{stem}_events.tsv", sep="\t", index=False, na_rep="n/a")
    kinds = ["GSR" if label == "GSR" else "EEG" for label in plan.values]
    names = {"name": list(plan.values), "type": kinds}
    described = pd.DataFrame(names | {"units": list(plan.units.values())})
    described.to_csv(f"{stem}_channels.tsv", sep="\t", index=False)
    (folder / "dataset_description.json").write_text(
        '{"Name": "x", "BIDSVersion": "1.8.0"}'
    )
    if plan.toml:
        (folder / "recordings.toml").write_text(plan.toml)
    plan.edit_file(file)
    plan.edit_folder(folder)
    return Written("bids", folder, file)


EXPORTS: dict[str, ExportCase] = {case.name: case for case in CASES}
LOSING = tuple(case.name for case in CASES if case.loses)
_NAMELESS = '["EXG Channel 0", "EXG Channel 1"]'


def write_export(folder: Path, plan: Plan, name: str) -> Written:
    """Write what a device exports; only lost packets and edits of a plan count."""
    case = EXPORTS[name]
    options = {"lost": plan.lost_s} if plan.lost_s != NO_LOSS else {}
    file = case.write(folder / case.file, **options)
    plan.edit_file(file)
    rows = [dict(row) | {"bio": file.name} for row in ROWS]
    for row, onset in zip(rows, (1.0, 7.0), strict=True):
        del row["marker"]
        row |= {"onset_s": onset, "duration_s": 4.0}
    if case.marker:
        rows[1] |= {"marker": case.marker, "onset_s": ""}
    root = write_trials(folder / "trials.csv", plan.edit_trials(rows))
    toml = plan.toml
    if case.tone[0].startswith("EXG"):
        toml = f"eeg = {_NAMELESS}\n" + toml
    (folder / "recordings.toml").write_text(toml)
    return Written("recordings", root, file)


def find_export_truth(name: str, truth: Truth) -> Truth:
    """Return what an export must give."""
    case = EXPORTS[name]
    (tone, tone_unit), (step, step_unit) = case.tone, case.step
    return replace(
        truth,
        tones={tone: 20.0 * case.tone_scale},
        units={tone: tone_unit, step: step_unit},
        step=(step, 4.0),
        levels=(2.0 + case.offset, 5.0 + case.offset),
        step_doubt_s=case.step_doubt_s + 0.01,
        onsets=(1.0, 6.0 if case.marker else 7.0),
        onset_doubt_s=case.marker_doubt_s + 0.005,
    )
