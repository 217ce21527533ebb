"""What the makers of devices export, written as their programs write it.

All hold the same: a tone in one channel, a step in another, and a marker; rows of a
span may be lost, as when a radio link drops packets.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = 1_700_000_000.0
STEP_S = 4.0
MARKER_S = 6.0
MARKER = "3"
TONE_UV = 20.0
NO_LOSS = (0.0, 0.0)


def make_tone(rate: float, n: int, *, hz: float = 2.0) -> np.ndarray:
    return TONE_UV * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def make_step(rate: float, n: int) -> np.ndarray:
    """Return 2 before ``STEP_S`` and 5 from then on."""
    return np.where(np.arange(n) / rate < STEP_S, 2.0, 5.0)


def keep_rows(rate: float, n: int, lost: tuple[float, float]) -> np.ndarray:
    """Return the samples that were not lost."""
    at = np.arange(n) / rate
    return np.flatnonzero((at < lost[0]) | (at >= lost[1]))


def write_openbci(
    path: Path,
    *,
    rate: float = 250.0,
    n_exg: int = 8,
    seconds: float = 12,
    lost: tuple[float, float] = NO_LOSS,
    names: tuple[str, ...] = (),
    drift: float = 0.0,
) -> Path:
    """Write what the GUI writes from version 5 on; stamps are those of packets.

    ``drift`` is by how much a second of the device is longer than one of the stamps'.
    """
    n = round(seconds * rate)
    exg = names or tuple(f"EXG Channel {k}" for k in range(n_exg))
    others = ("Other",) * 7
    header = (
        *("Sample Index", *exg, *(f"Accel Channel {k}" for k in range(3)), *others),
        *(f"Analog Channel {k}" for k in range(3)),
        *("Timestamp", "Marker Channel", "Timestamp (Formatted)"),
    )
    lines = [
        "%OpenBCI Raw EXG Data",
        f"%Number of channels = {n_exg}",
        f"%Sample Rate = {rate:g} Hz",
        "%Board = OpenBCI_GUI$BoardCytonSerial",
        ", ".join(header),
    ]
    signals = [make_tone(rate, n), make_step(rate, n)]
    signals += [np.zeros(n)] * (n_exg - 2)
    for k in keep_rows(rate, n, lost):
        stamp = START + (k // 10 * 10) / rate * (1 + drift)
        text = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        code = float(MARKER) if k == round(MARKER_S * rate) else 0.0
        cells = [
            *(str(k % 256), *(f"{row[k]:.5f}" for row in signals)),
            *(["0.01"] * 3 + ["0.0"] * 7 + ["512.0"] * 3),
            *(f"{stamp:.6f}", f"{code:.1f}", text),
        ]
        lines.append(", ".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_openbci_4(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write what version 4 of the GUI wrote: no header row, Unix milliseconds last."""
    rate, n = 250.0, 3000
    lines = [
        "%OpenBCI Raw EEG Data",
        "%Number of channels = 8",
        "%Sample Rate = 250.0 Hz",
        "%First Column = SampleIndex",
        "%Last Column = Timestamp ",
    ]
    tone, step = make_tone(rate, n), make_step(rate, n)
    for k in keep_rows(rate, n, lost):
        ms = round(1000 * (START + (k // 10 * 10) / rate))
        rest = ", ".join(["0.00"] * 6)
        lines.append(
            f"{k % 256}, {tone[k]:.2f}, {step[k]:.2f}, {rest}, 0.0, 0.0, 0.9, "
            f"22:13:20.{ms % 1000:03d}, {ms}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def write_brainflow(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write what BrainFlow's ``write_file`` writes for a Cyton: 24 columns, tabs."""
    rate, n = 250.0, 3000
    tone, step = make_tone(rate, n), make_step(rate, n)
    lines = []
    for k in keep_rows(rate, n, lost):
        code = float(MARKER) if k == round(MARKER_S * rate) else 0.0
        cells = [k % 256, tone[k], step[k], *[0.0] * 19, START + k / rate, code]
        lines.append("\t".join(f"{cell:.6f}" for cell in cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_mind_monitor(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write what Mind Monitor writes: late stamps in the phone's time, events apart."""
    rate, n = 256.0, 12 * 256
    electrodes = ("TP9", "AF7", "AF8", "TP10")
    header = [
        *("TimeStamp", *(f"Alpha_{name}" for name in electrodes)),
        *(f"RAW_{name}" for name in electrodes),
        *("AUX_RIGHT", "Accelerometer_X", "HeadBandOn", "Battery", "Elements"),
    ]
    tone, step = make_tone(rate, n), make_step(rate, n)
    late = np.random.default_rng(0).uniform(0, 0.02, n)
    start = datetime.fromtimestamp(START, UTC).replace(tzinfo=None)

    def write(seconds: float) -> str:
        return (start + timedelta(seconds=seconds)).isoformat(" ", "milliseconds")

    rows = []
    for k in keep_rows(rate, n, lost):
        packet = k // 12 * 12
        stamp = (packet + 11) / rate + late[packet]
        raw = f"{tone[k]:.4f},{step[k]:.4f},800,800"
        rows.append((stamp, f"{write(stamp)},0.1,0.2,0.3,0.4,{raw},800,0.1,1,85,"))
    at = MARKER_S + 0.045
    rows.append((at, f"{write(at)}{',' * 13}/Marker/{MARKER}"))
    rows.sort(key=lambda row: row[0])
    path.write_text("\n".join([",".join(header), *(row for _, row in rows)]) + "\n")
    return path


def write_muse_lsl(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write what muse-lsl records, with BlueMuse or without."""
    rate, n = 256.0, 12 * 256
    tone, step = make_tone(rate, n), make_step(rate, n)
    lines = ["timestamps,TP9,AF7,AF8,TP10,Right AUX,Marker0"]
    for k in keep_rows(rate, n, lost):
        code = int(MARKER) if k == round(MARKER_S * rate) else 0
        lines.append(
            f"{START + k / rate:.3f},{tone[k]:.3f},{step[k]:.3f},1.0,1.0,0.0,{code}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def write_emotiv(
    path: Path,
    *,
    lost: tuple[float, float] = NO_LOSS,
    made_up: tuple[float, float] = NO_LOSS,
) -> Path:
    """Write what EmotivPRO writes; motion has fewer rows than EEG."""
    rate, n = 128.0, 12 * 128
    first = (
        f"title:session one, start timestamp:{START:.6f}, stop timestamp:"
        f"{START + 12:.6f}, headset type:EPOCX, headset serial:E2, "
        f"headset firmware:930, channels:14, sampling rate:eeg_128;mot_64, "
        f"samples:{n}, version:2.1,"
    )
    header = (
        "Timestamp,OriginalTimestamp,EEG.Counter,EEG.Interpolated,EEG.AF3,EEG.F7,"
        "EEG.RawCq,EEG.Battery,MarkerIndex,MarkerType,MarkerValueInt,"
        "EEG.MarkerHardware,CQ.AF3,MOT.AccX"
    )
    lines = [first, header]
    tone, step = make_tone(rate, n), make_step(rate, n)
    for k in keep_rows(rate, n, lost):
        is_marked = k == round(MARKER_S * rate)
        marks = f"1,1,{MARKER},0" if is_marked else ",,0,0"
        stamp = START + k / rate
        is_made_up = int(made_up[0] <= k / rate < made_up[1])
        lines.append(
            f"{stamp:.6f},{stamp:.6f},{k % 128},{is_made_up},{4200 + tone[k]:.5f},"
            f"{4200 + step[k]:.5f},3,4,{marks},4.0,{'0.5' if k % 2 else ''}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def write_testbench(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write what TestBench wrote: one line of labels, a counter from 0 to 128."""
    rate, n = 128.0, 12 * 128
    first = (
        "title:one, recorded:31.07.23 11.43.06, sampling:128, subject:a, "
        "labels:COUNTER INTERPOLATED AF3 F7 RAW_CQ GYROX MARKER , chan:7, units:emotiv"
    )
    tone, step = make_tone(rate, n), make_step(rate, n)
    lines = [first]
    for k in keep_rows(rate, n, lost):
        code = MARKER if k == round(MARKER_S * rate) else "0"
        lines.append(
            f"{k % 129}, 0, {4200 + tone[k]:.4f}, {4200 + step[k]:.4f}, 0, 1700, {code}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def write_e4(folder: Path) -> Path:
    """Write the folder of a session of Empatica E4: a tone in BVP, a step in EDA."""
    folder.mkdir(parents=True, exist_ok=True)

    def write(name: str, start: float, rate: float, values: np.ndarray) -> None:
        lines = [f"{start:.6f}", f"{rate:.6f}", *(f"{v:.6f}" for v in values)]
        (folder / name).write_text("\n".join(lines) + "\n")

    write("BVP.csv", START, 64, make_tone(64, 12 * 64))
    write("EDA.csv", START, 4, make_step(4, 12 * 4))
    write("TEMP.csv", START, 4, np.full(12 * 4, 33.5))
    write("HR.csv", START + 10, 1, np.full(2, 71.0))
    acc = "\n".join(["1,2,62"] * 12 * 32)
    start = ", ".join([f"{START:.6f}"] * 3)
    rate = ", ".join(["32.000000"] * 3)
    (folder / "ACC.csv").write_text(f"{start}\n{rate}\n{acc}\n")
    (folder / "IBI.csv").write_text(f"{START:.6f}, IBI\n1.5,0.84\n2.34,0.85\n")
    (folder / "tags.csv").write_text(f"{START + MARKER_S:.2f}\n")
    (folder / "info.txt").write_text(".csv files in this archive are ...\n")
    return folder


def write_shimmer(
    path: Path,
    *,
    lost: tuple[float, float] = NO_LOSS,
    separator: str = ",",
    decimal: str = ".",
) -> Path:
    """Write what Consensys writes: a tone in PPG, a step in skin conductance."""
    rate, n = 128.0, 12 * 128
    device = "Shimmer_AE34_"
    units = {
        "Timestamp_Unix_CAL": "ms",
        "Accel_LN_X_CAL": "m/(s^2)",
        "Battery_CAL": "mV",
        "GSR_Range_CAL": "no_units",
        "GSR_Skin_Conductance_CAL": "uS",
        "GSR_Skin_Resistance_CAL": "kOhms",
        "PPG_A13_CAL": "mV",
        "Temperature_BMP280_CAL": "Degrees Celsius *",
    }
    said = "\\t" if separator == "\t" else separator
    lines = [
        f'"sep={said}"',
        "".join(device + name + separator for name in units),
        "".join(unit + separator for unit in units.values()),
    ]
    tone, step = make_tone(rate, n), make_step(rate, n)
    for k in keep_rows(rate, n, lost):
        cells = [
            *(1000 * (START + k / rate), 9.8, 3900.0, 1.0, step[k]),
            *(1000 / step[k], tone[k] / 1000, 31.0),
        ]
        texts = [f"{cell:.6f}".replace(".", decimal) for cell in cells]
        lines.append("".join(text + separator for text in texts))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_polar_ecg(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write the ECG that Polar Sensor Logger records of an H10."""
    rate, n = 130.0, 12 * 130
    return _write_polar(
        path,
        "timestamp [ms];ecg [uV]",
        rate,
        lost,
        lambda k: f"{1000 * k / rate:.6f};{make_tone(rate, n)[k]:.3f}",
    )


def write_polar_ppg(path: Path, *, lost: tuple[float, float] = NO_LOSS) -> Path:
    """Write the optical channels that Polar Sensor Logger records of an OH1."""
    rate, n = 135.0, 12 * 135
    tone, step = make_tone(rate, n), make_step(rate, n)
    return _write_polar(
        path,
        "channel 0;channel 1;channel 2;ambient",
        rate,
        lost,
        lambda k: f"{tone[k]:.3f};{step[k]:.3f};0;-2000",
    )


def _write_polar(
    path: Path,
    columns: str,
    rate: float,
    lost: tuple[float, float],
    write: Callable[[int], str],
) -> Path:
    lines = [f"Phone timestamp;sensor timestamp [ns];{columns}"]
    for k in keep_rows(rate, round(12 * rate), lost):
        phone = datetime.fromtimestamp(START + (k // 73 * 73) / rate, UTC)
        text = phone.replace(tzinfo=None).isoformat(timespec="milliseconds")
        ns = 599_616_000_000_000_000 + round(k / rate * 1e9)
        lines.append(f"{text};{ns};{write(k)}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_acq(path: Path, *, pause_s: float | None = None) -> Path:
    """Write AcqKnowledge 4.4: a tone at 256 Hz, a step at a quarter of the rate.

    A marker says when recording went on, where ``pause_s`` is given.
    """
    rate, n = 256.0, 12 * 256
    tone, step = make_tone(rate, n), make_step(rate / 4, n // 4)
    header = struct.pack("<hiihhhd", 2400, 128, 2400, 2, 0, 0, 1000 / rate)
    parts = [header.ljust(2400, b"\0")]
    for number, (name, unit, row, divider) in enumerate(
        [("ECG - ECG100C", "mV", tone, 1), ("EDA - EDA100C", "microsiemens", step, 4)]
    ):
        parts.append(
            struct.pack(
                "<ih40s4xhdd20siddhh40xh",
                *(154, number, name.encode(), 0, 0.0, 0.0, unit.encode(), len(row)),
                *(1.0, 0.0, number, 0, divider),
            )
        )
    parts.append(struct.pack("<i", 4))
    parts.append(struct.pack("<hh", 8, 1) * 2)
    for k in range(n):
        parts.append(struct.pack("<d", tone[k] / 1000))
        if k % 4 == 0:
            parts.append(struct.pack("<d", step[k // 4]))
    markers = [(0, b"apnd", "Segment 1", START), (MARKER_S, b"usr1", MARKER, START + 6)]
    if pause_s is not None:
        markers.append((8.0, b"apnd", "Segment 2", START + 8 + pause_s))
    parts.append(
        struct.pack("<iii6x5sh16x", 0, len(markers) + 1, len(markers), b"defl", 0)
    )
    for seconds, style, text, made in markers:
        letters = text.encode() + b"\0"
        parts.append(
            struct.pack(
                "<I4xh4sQ8xh",
                *(round(seconds * rate), -1, style, round(made * 1000), len(letters)),
            )
            + letters
        )
    parts.append(struct.pack("<i", 4))
    path.write_bytes(b"".join(parts))
    return path


@dataclass(frozen=True)
class ExportCase:
    """An export with a known truth.

    Attributes
    ----------
    tone, step : tuple of (str, str)
        The labels of their channels, and the units.
    offset : float
        What lies under both.
    tone_scale : float
        Of the numbers of the tone, in the unit of its channel.
    step_doubt_s, marker_doubt_s : float
        By which the device itself may be wrong.
    """

    name: str
    write: Callable[..., Path]
    file: str
    sfreq: float
    tone: tuple[str, str]
    step: tuple[str, str]
    marker: str | None = MARKER
    start: float | None = START
    offset: float = 0.0
    tone_scale: float = 1.0
    step_doubt_s: float = 0.01
    marker_doubt_s: float = 0.005
    loses: bool = True


_EXG = (("EXG Channel 0", "uV"), ("EXG Channel 1", "uV"))
_MUSE = (("TP9", "uV"), ("AF7", "uV"))
_EMOTIV = (("AF3", "uV"), ("F7", "uV"))

CASES = (
    ExportCase("OpenBCI GUI .txt", write_openbci, "a.txt", 250, *_EXG),
    ExportCase("OpenBCI GUI .csv", write_openbci, "a.csv", 250, *_EXG),
    ExportCase("OpenBCI GUI 4", write_openbci_4, "a.txt", 250, *_EXG, marker=None),
    ExportCase("BrainFlow", write_brainflow, "a.csv", 250, *_EXG),
    ExportCase(
        "Mind Monitor",
        write_mind_monitor,
        "a.csv",
        256,
        *_MUSE,
        marker=f"/Marker/{MARKER}",
        start=None,
        marker_doubt_s=0.05,
    ),
    ExportCase("muse-lsl", write_muse_lsl, "a.csv", 256, *_MUSE),
    ExportCase("EmotivPRO", write_emotiv, "a.csv", 128, *_EMOTIV, offset=4200),
    ExportCase(
        "Emotiv TestBench",
        write_testbench,
        "a.csv",
        128,
        *_EMOTIV,
        offset=4200,
        start=None,
        loses=False,  # its counter goes round in a second, and there are no stamps
    ),
    ExportCase(
        "Empatica E4",
        write_e4,
        "e4",
        64,
        ("BVP", "a.u."),
        ("EDA", "uS"),
        marker="tag",
        step_doubt_s=0.2,
        loses=False,
    ),
    ExportCase(
        "Shimmer",
        write_shimmer,
        "a.csv",
        128,
        ("PPG_A13", "mV"),
        ("GSR_Skin_Conductance", "uS"),
        marker=None,
        tone_scale=1e-3,
    ),
    ExportCase(
        "Polar PPG",
        write_polar_ppg,
        "a_PPG.txt",
        135,
        ("PPG 0", "a.u."),
        ("PPG 1", "a.u."),
        marker=None,
        start=None,
    ),
    ExportCase(
        "BIOPAC",
        write_acq,
        "a.acq",
        256,
        ("ECG - ECG100C", "mV"),
        ("EDA - EDA100C", "uS"),
        tone_scale=1e-3,
        step_doubt_s=0.02,
        loses=False,
    ),
)
