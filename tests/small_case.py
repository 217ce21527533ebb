"""Small copies of CASE in its real formats, whose numbers are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

SFREQ, TRACE_HZ = 1000, 20
SENSORS = ("ecg", "bvp", "gsr", "rsp", "skt", "emg_zygo", "emg_coru", "emg_trap")
LEVELS = (0.0, 40.0, 5.0, 35.0, 33.0, 6.0, 7.0, 8.0)
SPREADS = (0.3, 3.0, 0.1, 2.0, 0.05, 1.0, 1.0, 1.0)
USUAL = ((10, 3), (7, 4), (11, 3), (1, 4), (11, 3), (3, 3), (12, 2))
"""Videos and seconds: a calm film, then scary-1, amusing-1 and boring-1, a blue screen
between two, and a film at the end."""
NAMES = {1: "amusing-1", 3: "boring-1", 7: "scary-1"} | {
    10: "startVid",
    11: "bluVid",
    12: "endVid",
}
FELT = {7: (2.0, 8.0), 1: (8.0, 6.0), 3: (6.0, 1.0)}
"""Valence and arousal of each video, on the joystick's scale."""
VOLTS = {
    "ecg": lambda x: x / 1000 * 50 + 2.8,
    "bvp": lambda x: (x + 115.09) / 58.962,
    "gsr": lambda x: (x + 49.2) / 24,
    "rsp": lambda x: (x + 115.01) / 58.923,
    "skt": lambda x: (x + 32.085) / 21.341,
    **dict.fromkeys(
        ("emg_zygo", "emg_coru", "emg_trap"), lambda x: x / 1e6 * 4000 + 2.0
    ),
}


def make_signals(
    sequence: Sequence[tuple[int, float]] = USUAL, *, seed: int = 0
) -> pd.DataFrame:
    """Return a table of signals: noise around what each sensor usually says."""
    rng = np.random.default_rng(seed)
    video = np.repeat(*zip(*[(v, round(s * SFREQ)) for v, s in sequence], strict=True))
    noise = rng.standard_normal((len(video), len(SENSORS)))
    table = pd.DataFrame(LEVELS + SPREADS * noise, columns=list(SENSORS)).round(3)
    table.insert(0, "daqtime", np.arange(len(table)))
    return table.assign(video=video)


def make_traces(
    sequence: Sequence[tuple[int, float]] = USUAL,
    felt: Mapping[int, tuple[float, float]] = FELT,
) -> pd.DataFrame:
    """Return a table of the joystick: a ramp about what was felt, 1 high in a trial."""
    rows = []
    for video, seconds in sequence:
        n = round(seconds * TRACE_HZ)
        about = felt.get(video, (5.0, 5.0))
        slope = ramp(n) if video in felt else np.zeros(n)
        rows.append(np.column_stack([about[0] + slope, about[1] + slope]))
    table = pd.DataFrame(np.concatenate(rows), columns=["valence", "arousal"])
    table.insert(0, "jstime", np.arange(len(table)) * 1000 // TRACE_HZ)
    counts = [round(seconds * TRACE_HZ) for _, seconds in sequence]
    return table.assign(video=np.repeat([video for video, _ in sequence], counts))


def ramp(n: int) -> np.ndarray:
    """Return a line of ``n`` samples, from -0.5 to 0.5."""
    return np.linspace(-0.5, 0.5, n)


def write_case_subject(
    root: Path,
    number: int = 1,
    *,
    form: str = "interpolated",
    signals: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
    sequence: Sequence[tuple[int, float]] = USUAL,
) -> Path:
    """Write a subject's two files, for ``raw`` the metadata too; return the signals."""
    signals = make_signals(sequence, seed=number) if signals is None else signals
    traces = make_traces(sequence) if traces is None else traces
    names = f"sub_{number}.csv", f"sub_{number}.csv"
    options: dict[str, object] = {"index": False}
    if form == "raw":
        names = f"sub{number}_DAQ.txt", f"sub{number}_joystick.txt"
        signals, traces = _to_volts(signals), _to_steps(traces)
        options |= {"header": False, "sep": "\t"}
        _write_metadata(root, number, sequence)
    paths = []
    for place, table, name in zip(
        ("physiological", "annotations"), (signals, traces), names, strict=True
    ):
        folder = root / "data" / form / place
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(folder / name)
        table.to_csv(paths[-1], **options)
    return paths[0]


def _to_volts(signals: pd.DataFrame) -> pd.DataFrame:
    volts = {name: turn(signals[name]) for name, turn in VOLTS.items()}
    return pd.DataFrame({"daqtime": signals["daqtime"] / 1000, **volts}).round(9)


def _to_steps(traces: pd.DataFrame) -> pd.DataFrame:
    steps = {
        name: ((traces[name] - 0.5) / 9 * 52450 - 26225).round().astype(int)
        for name in ("valence", "arousal")
    }
    return pd.DataFrame({"jstime": traces["jstime"] / 1000, **steps})


def _write_metadata(
    root: Path, number: int, sequence: Sequence[tuple[int, float]]
) -> None:
    """Write both tables as published: quoted, and a row that ends in a tab."""
    folder = root / "metadata"
    folder.mkdir(parents=True, exist_ok=True)
    columns = range(1, number + 1)
    order = ["\t".join(f'"seq_sub{k}"' for k in columns)]
    order += ["\t".join(f'"{NAMES[video]}"' for _ in columns) for video, _ in sequence]
    (folder / "seqs_order.txt").write_text("\n".join([*order, ""]))
    lengths = ['"video_name"\t"video_duration"']
    lengths += [f'"{NAMES[v]}"\t{1000 * s:g}' for v, s in dict(sequence).items()]
    lengths[-1] += "\t"
    (folder / "videos_duration.txt").write_text("\n".join([*lengths, ""]))
