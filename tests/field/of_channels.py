"""Properties of channels: what they measure, in which unit, and which are read."""

from dataclasses import replace

import numpy as np

from field.bends import (
    declare,
    edit_file,
    edit_folder,
    edit_streams,
    edit_table,
    join,
    relabel,
    replace_bytes,
    scale,
    set_cells,
    with_channel,
)
from field.recordings import (
    ALL,
    EDFS,
    RATE,
    SECONDS,
    STATED,
    TABLES,
    TEXTS,
    TONES,
    Truth,
)
from field.records import Property

_TRUE = Truth()
_N = SECONDS * RATE
_T = np.arange(_N) / RATE
_TONE = 25 * np.sin(2 * np.pi * 7 * _T)
_BEATS = 400 * np.exp(-((_T % 0.8 - 0.4) ** 2) / 0.001) + 50 * np.sin(2 * np.pi * _T)
NO_SKIN = Truth(step=None)
SPOKEN = (*TABLES, "bdf", "brainvision", "xdf", "bids")
"""Formats whose units are words, and whose numbers have room for others than uV."""


def _off(values):
    return np.where(np.arange(len(values)) < len(values) / 4, values, -0.2)


def _set_values(label, change):
    return lambda plan: replace(
        plan, values={**plan.values, label: change(plan.values[label])}
    )


def _shrink(streams):
    """Let the skin be sampled at 8 Hz."""
    slow = streams[1]
    slow.update(rate=8, times=slow["times"][::16], values=slow["values"][::16])


def _add_stream(streams):
    streams.insert(
        1, dict(streams[0], name="EEG of another", labels=["Fp1", "Fp2", "Cz"])
    )


def _blank_slow(table):
    name = next(name for name in table if name.startswith("GSR"))
    table.loc[table.index % 16 != 0, name] = np.nan


def _mark_bad(folder):
    (path,) = folder.glob("sub-1/eeg/*channels.tsv")
    lines = path.read_text().splitlines()
    lines = [f"{lines[0]}\tstatus", *(f"{line}\tgood" for line in lines[1:])]
    lines[2] = lines[2].replace("good", "bad")
    path.write_text("\n".join(lines) + "\n")


def _contradict(folder):
    (path,) = folder.glob("sub-1/eeg/*channels.tsv")
    path.write_text(path.read_text().replace("EEG\tuV", "EEG\tmV"))


def _drop_range(path):
    """Let the header state a physical range from 0 to 0 for the skin."""
    content = bytearray(path.read_bytes())
    n = int(content[252:256])
    place = 256 + n * (16 + 80 + 8) + 8 * 3
    for start in (place, place + 8 * n):
        content[start : start + 8] = b"0       "
    path.write_bytes(content)


VOLTS = tuple(
    Property(
        f"Fp1 in {unit}",
        "C",
        f"One electrode is in {unit}, all others in uV.",
        formats,
        scale("Fp1", unit, factor),
    )
    for unit, factor, formats in (
        ("mV", 1e-3, ("csv", "semicolons", "parquet", "brainvision", "xdf")),
        ("V", 1e-6, ("csv", "semicolons", "parquet", "brainvision", "xdf")),
        ("nV", 1e3, ("csv", "semicolons", "parquet", "brainvision", "xdf")),
        ("microvolts", 1.0, (*TABLES, "xdf")),
        ("uv", 1.0, (*TABLES, "edf", "bdf", "xdf", "bids")),
    )
)
SKINS = tuple(
    Property(
        f"GSR in {unit}",
        "C",
        f"The skin is in {unit}.",
        formats,
        lambda plan, unit=unit, change=change: replace(
            plan,
            values={**plan.values, "GSR": change(plan.values["GSR"])},
            units={**plan.units, "GSR": unit},
        ),
    )
    for unit, change, formats in (
        ("kOhm", lambda us: 1e3 / us, (*TABLES, "edf", "bdf", "brainvision", "xdf")),
        ("Ohm", lambda us: 1e6 / us, (*TABLES, "brainvision", "xdf")),
        ("nS", lambda us: 1e3 * us, (*TABLES, "brainvision", "xdf")),
        ("umho", lambda us: us, (*TABLES, "edf", "bdf", "brainvision", "xdf")),
        ("microsiemens", lambda us: us, (*TABLES, "xdf")),
    )
)

CHANNELS = (
    *VOLTS,
    *SKINS,
    Property(
        "a unit that is not known",
        "C",
        "The unit of the skin is spelt as no table of units has it.",
        STATED[:-1],
        scale("GSR", "furlong", 1.0),
        ("C03",),
        NO_SKIN,
    ),
    Property(
        "no unit",
        "C",
        "No unit is stated for an electrode.",
        (*TABLES, "edf", "bdf", "xdf"),
        scale("Fp1", "", 1.0),
        ("C04",),
    ),
    Property(
        "volts called microvolts",
        "C",
        "Numbers of the electrodes are volts, the file says microvolts.",
        ("csv", "parquet", "brainvision", "eeglab", "fif", "xdf"),
        join(*(scale(label, "uV", 1e-6) for label in TONES)),
        ("C05",),
        Truth(tones={k: 1e-6 * a for k, (_, a) in TONES.items()}),
    ),
    Property(
        "siemens called microsiemens",
        "C",
        "Numbers of the skin are siemens, the file says microsiemens.",
        ("csv", "parquet", "brainvision", "eeglab", "fif", "xdf"),
        scale("GSR", "uS", 1e-6),
        ("C11",),
        Truth(levels=(3e-6, 6e-6)),
    ),
    Property(
        "a unit of something else",
        "C",
        "The skin is said to be in microvolts.",
        STATED,
        scale("GSR", "uV", 1.0),
        ("C20",),
        NO_SKIN,
    ),
    Property(
        "a declared unit",
        "C",
        "recordings.toml says that the electrodes are in mV.",
        ("csv", "parquet", "brainvision", "xdf"),
        join(
            *(scale(label, "uV", 1e-3) for label in TONES),
            declare('[units]\n"eeg" = "mV"\n'),
        ),
    ),
    Property(
        "no physical range",
        "C",
        "The header states a physical range from 0 to 0 for the skin.",
        EDFS,
        edit_file(_drop_range),
        ("C06",),
        NO_SKIN,
    ),
    Property(
        "a side-car that contradicts",
        "C",
        "channels.tsv says mV, the header uV.",
        ("bids",),
        edit_folder(_contradict),
        ("C08",),
    ),
    Property(
        "a bad channel",
        "C",
        "channels.tsv marks an electrode as bad.",
        ("bids",),
        edit_folder(_mark_bad),
        ("C09",),
        Truth(tones={"Fp1": 30.0, "Cz": 40.0}),
    ),
    Property(
        "a sensor that is not connected",
        "C",
        "The skin conducts less than nothing for most of the time.",
        ALL,
        _set_values("GSR", _off),
        ("C11",),
        NO_SKIN,
    ),
    Property(
        "a channel that is not used",
        "A",
        "One channel is of no known kind.",
        (*TABLES, *EDFS, "brainvision", "eeglab", "xdf"),
        with_channel("Photosensor", "uV", _TONE),
        ("C01",),
        Truth(absent=("Photosensor",)),
        other=dict.fromkeys(("xdf", "eeglab", "brainvision"), ()),
    ),
    Property(
        "a word beside a known one",
        "E",
        "A label holds the name of a sensor and says something else.",
        (*TABLES, *EDFS),
        with_channel("ECG quality", "", 0.9 + 0 * _T),
        ("C01",),
        Truth(absent=("ECG quality", "ECG")),
    ),
    Property(
        "temperature of the skin",
        "E",
        "A label names the skin and measures its temperature.",
        (*TABLES, *EDFS, "brainvision"),
        with_channel("Skin Temperature", "degC", 33 + 0.1 * np.sin(_T)),
    ),
    Property(
        "labels that differ by their first word",
        "E",
        "EOG left and EMG left are two channels.",
        (*TABLES, *EDFS, "bids"),
        join(
            with_channel("EOG left", "uV", 3 * _TONE),
            with_channel("EMG left", "uV", 2 * _TONE),
        ),
        (),
        Truth(
            tones={**_TRUE.tones, "EOG left": 75.0, "EMG left": 50.0},
        ),
    ),
    Property(
        "labels in capital letters",
        "E",
        "Electrodes are called FP1, fp2 and CZ.",
        ALL,
        relabel({"Fp1": "FP1", "Fp2": "fp2", "Cz": "CZ"}),
    ),
    Property(
        "labels with a reference",
        "E",
        "Electrodes are called EEG Fp1-REF and so on.",
        (*TABLES, *EDFS, "fif", "brainvision", "eeglab"),
        relabel({name: f"EEG {name}-REF" for name in TONES}),
    ),
    Property(
        "two channels of one name",
        "A",
        "Two channels have one label.",
        EDFS,
        replace_bytes(b"Fp2 ", b"Fp1 "),
        ("C02",),
        Truth(tones={"Fp1": 30.0, "Cz": 40.0}),
    ),
    Property(
        "two columns of one name",
        "A",
        "Two columns have one header.",
        TEXTS[:3],
        replace_bytes(b"Fp2 [", b"Fp1 ["),
        ("C02",),
        Truth(tones={"Fp1": 30.0, "Cz": 40.0}),
    ),
    Property(
        "two channels of one name in a header",
        "A",
        "Two channels of the header have one label.",
        ("brainvision",),
        replace_bytes(b"=Fp2,", b"=Fp1,"),
        ("C02",),
        None,
    ),
    Property(
        "a second stream of EEG",
        "H",
        "A file holds the EEG of two people.",
        ("xdf",),
        edit_streams(_add_stream),
        ("C10",),
    ),
    Property(
        "a column without a header",
        "A",
        "A column has no name.",
        TEXTS[:3],
        edit_table(lambda table: table.rename(columns={"Cz [uV]": ""})),
        ("C01",),
        Truth(tones={"Fp1": 30.0, "Fp2": 20.0}),
    ),
    Property(
        "a column of words",
        "A",
        "A column holds words.",
        TABLES,
        edit_table(lambda table: table.insert(1, "phase", "rest")),
        ("C01",),
    ),
    Property(
        "one cell that is a word",
        "F",
        "An amplifier wrote OVF into a cell.",
        TEXTS,
        set_cells("Fp1", slice(700, 701), "OVF"),
        ("Q03", "Q01"),
        Truth(tones={"Fp2": 20.0, "Cz": 40.0}),
    ),
    Property(
        "cells that are empty",
        "F",
        "Two seconds of an electrode are empty cells.",
        TABLES,
        set_cells("Fp1", slice(5 * RATE, 7 * RATE), np.nan),
        ("Q01",),
        Truth(tones={"Fp2": 20.0, "Cz": 40.0}),
    ),
    Property(
        "a slow channel with blanks",
        "F",
        "The skin has a number in each 16th row.",
        TABLES,
        edit_table(_blank_slow),
        ("Q20",),
        Truth(step_doubt_s=0.15),
    ),
    Property(
        "a slow stream",
        "F",
        "The skin was recorded at 8 Hz.",
        ("xdf",),
        edit_streams(_shrink),
        (),
        Truth(step_doubt_s=0.15),
    ),
    Property(
        "an empty channel",
        "F",
        "An electrode has no number at all.",
        TABLES,
        set_cells("Cz", slice(None), np.nan),
        ("Q02",),
        Truth(tones={"Fp1": 30.0, "Fp2": 20.0}),
    ),
    Property(
        "a channel that stands still",
        "F",
        "An electrode is 0 throughout.",
        ALL,
        _set_values("Cz", np.zeros_like),
        ("Q02",),
        Truth(tones={"Fp1": 30.0, "Fp2": 20.0}),
    ),
    Property(
        "a clipped channel",
        "F",
        "An electrode was driven beyond what its amplifier can hold.",
        ALL,
        _set_values("Cz", lambda v: np.clip((12 + np.sin(0.37 * _T)) * v, -200, 200)),
        ("C11",),
        Truth(tones={"Fp1": 30.0, "Fp2": 20.0, "Cz": 200.0}),
    ),
    Property(
        "an ECG beside the EEG",
        "S",
        "The file holds an ECG in mV.",
        (*TABLES, "brainvision", "bdf"),
        with_channel("ECG", "mV", _BEATS / 1e3),
    ),
    Property(
        "channels that are declared",
        "C",
        "recordings.toml names the electrodes to use.",
        (*TABLES, *EDFS, "fif", "brainvision", "xdf"),
        declare('eeg = ["Fp1", "Cz"]\n'),
        (),
        Truth(tones={"Fp1": 30.0, "Cz": 40.0}, absent=("Fp2",)),
    ),
    Property(
        "a declared channel of another name",
        "E",
        "recordings.toml says that EXG1 is an ECG.",
        (*TABLES, *EDFS, "brainvision"),
        join(
            with_channel("EXG1", "uV", _BEATS),
            declare('[peripherals]\n"EXG1" = "ecg"\n"GSR" = "gsr"\n'),
        ),
        (),
        Truth(tones={**_TRUE.tones, "EXG1": 250.0}),
    ),
)
