"""WESAD: 15 people rest, are stressed, amused, and meditate, with sensors on [1]_.

Read as downloaded, nothing renamed::

    S2/S2.pkl          chest at 700 Hz, wrist at 4 to 64 Hz, what was done at 700 Hz
    S2/S2_quest.csv    the order of conditions, and what was felt in each

A trial is one condition: a stretch of one label. Its ratings are those of the
self-assessment (``# DIM``: valence, then arousal) that followed it; short times of
reading were not rated and are no conditions. The state, which the label names, is kept
beside the ratings. A pickle is never unpickled (``signal_io.pickled_arrays``).

References
----------
.. [1] Schmidt, Reiss, Duerichen, Marberger, Van Laerhoven (2018). Introducing WESAD, a
   multimodal dataset for wearable stress and affect detection. ICMI, 400-408.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.datasets.file_trials import pick_trial
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import list_some, refuse, report, say_count
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Channel,
    ChannelType,
    Recording,
    Target,
    TrialSpan,
    UserError,
)
from deepvanet.signal_io.pickled_arrays import Tree, load_tree
from deepvanet.signal_io.time_grid import LARGEST, change_rate, shift

IS_RAW = True
SFREQ = 700.0  # Hz, of the chest and of the labels
SHORTEST_S = 2.0  # of a stretch that is a condition
MOST_APART_S = 5.0
"""By which what is worn on the chest and on the wrist may differ in length."""
SUBJECTS = tuple(f"{n:02d}" for n in (*range(2, 12), *range(13, 18)))
"""Of a full copy: the sensors of the first and the twelfth failed."""
N_CONDITIONS = 5

STATES: Mapping[int, str] = {
    1: "baseline",
    2: "stress",
    3: "amusement",
    4: "meditation",
}
"""By label; 0 is not defined, what is above is to be ignored."""
CONDITIONS: Mapping[str, int] = {"base": 1, "tsst": 2, "fun": 3, "medi": 4}
"""Labels by how the table calls a condition; meditation is numbered there."""

RATED = (Target.VALENCE, Target.AROUSAL)
"""Columns of ``# DIM``."""

MILLIVOLTS = 1e3  # microvolts


@dataclass(frozen=True)
class Sensor:
    """A channel, where its numbers lie, and what turns them into its unit."""

    channel: Channel
    place: str
    key: str
    sfreq: float
    factor: float = 1.0


SENSORS = (
    Sensor(Channel("ECG", ChannelType.ECG, "uV"), "chest", "ECG", SFREQ, MILLIVOLTS),
    Sensor(Channel("EMG", ChannelType.EMG, "uV"), "chest", "EMG", SFREQ, MILLIVOLTS),
    Sensor(Channel("EDA chest", ChannelType.GSR, "uS"), "chest", "EDA", SFREQ),
    Sensor(
        Channel("Temp chest", ChannelType.TEMPERATURE, "degC"),
        *("chest", "Temp", SFREQ),
    ),
    Sensor(Channel("Resp", ChannelType.RESPIRATION, "%"), "chest", "Resp", SFREQ),
    Sensor(Channel("BVP", ChannelType.PLETHYSMOGRAPH, "a.u."), "wrist", "BVP", 64.0),
    Sensor(Channel("EDA wrist", ChannelType.GSR, "uS"), "wrist", "EDA", 4.0),
    Sensor(
        Channel("Temp wrist", ChannelType.TEMPERATURE, "degC"),
        *("wrist", "TEMP", 4.0),
    ),
)
CHANNELS = tuple(sensor.channel for sensor in SENSORS)
NOT_USED = "ACC"
"""Acceleration of chest (in g) and wrist (in 1/64 g)."""

MOST_BYTES = 2**20
"""Of a table of answers."""

_FILE = re.compile(r"S(\d{1,3})\.pkl", re.IGNORECASE)

Numbers = NDArray[Any]
Row = Float[np.ndarray, " time"]


@dataclass(frozen=True)
class Condition:
    """What a subject did, and what it felt.

    Attributes
    ----------
    name : str
        As the table calls it.
    label : int
        A key of ``STATES``.
    ratings : mapping
        From 1 to 9; a target without a rating is absent.
    """

    name: str
    label: int
    ratings: Mapping[Target, float]

    @property
    def state(self) -> str:
        """What the label means."""
        return STATES[self.label]


@dataclass(frozen=True)
class Stretch:
    """Where one label stands without a break, in seconds."""

    label: int
    start_s: float
    end_s: float


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "wesad")


def find_files(root: Path) -> dict[str, Path]:
    """Return each subject's signals, in the subject's own folder.

    Raises
    ------
    UserError
        When the folder is missing, or holds none.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found = {
        f"{int(match[1]):02d}": path
        for path in root.glob("*/*")
        if (match := _FILE.fullmatch(path.name)) and holds(path)
    }
    if not found:
        raise UserError(f"{root}: not WESAD as downloaded, no S2/S2.pkl or others")
    return dict(sorted(found.items()))


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have signals, "02" to "17" in a full copy.

    Raises
    ------
    UserError
        When the folder is missing, or is not WESAD.
    """
    return list(find_files(root))


def answers_file(path: Path) -> Path:
    """Return where the answers of the subject of a file of signals lie."""
    return path.with_name(f"{path.stem}_quest.csv")


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    path = find_files(root)[subject]
    return [path, answers_file(path)]


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Read a subject's files, then yield each condition as a recording, in order.

    Raises
    ------
    UserError
        When a file is not as documented, or there is no trial.
    """
    return _read(find_files(root)[subject], subject)


def holds(path: Path) -> bool:
    """Say whether a file is one of the data set: it lies in the subject's folder."""
    match = _FILE.fullmatch(path.name)
    return match is not None and path.absolute().parent.name.lower() == f"s{match[1]}"


def read_file(path: Path, trial: str | None) -> Recording:
    """Read one condition of a subject's file.

    Parameters
    ----------
    trial : str
        Its place in time, from 1.

    Raises
    ------
    UserError
        When the file cannot be read or has no such trial.
    """
    match = _FILE.fullmatch(path.name)
    if match is None:
        raise UserError(f"{path}: no file of WESAD")
    found = _read(path, f"{int(match[1]):02d}")
    return pick_trial(path, trial, {recording.name: recording for recording in found})


def _read(path: Path, subject: str) -> Iterator[Recording]:
    conditions = read_conditions(answers_file(path))
    signals, stretches = read_signals(path)
    placed = place_conditions(path, conditions, stretches)
    return (
        _make_recording(subject, number, condition, stretch, signals)
        for number, (condition, stretch) in enumerate(placed, start=1)
    )


def read_signals(path: Path) -> tuple[Mapping[str, Row], list[Stretch]]:
    """Read a subject's signals by channel, each at its own rate, and its labels.

    Raises
    ------
    UserError
        When the file cannot be read, or is not as documented.
    """
    held = load_tree(path)
    label = _find(path, held, "label")
    if label.dtype.kind == "f" and not np.isfinite(label).all():
        raise refuse("F01", "label must be whole numbers", source=path)
    signals = {sensor.channel.name: _take(path, held, sensor) for sensor in SENSORS}
    usual_s = label.size / SFREQ
    for sensor in SENSORS:
        lasts_s = signals[sensor.channel.name].size / sensor.sfreq
        if abs(lasts_s - usual_s) > MOST_APART_S:
            report(
                "Q01",
                f"{sensor.channel.name} lasts {lasts_s:.1f} s, the labels "
                f"{usual_s:.1f} s",
                source=path,
                place=sensor.channel.name,
                assumed="all begin in the same moment; what is absent is missing",
            )
    return signals, find_stretches(label.ravel())


def find_stretches(label: Numbers) -> list[Stretch]:
    """Return where a label that names a state stands, without the shortest."""
    edges = np.flatnonzero(np.diff(label)) + 1
    starts, ends = np.r_[0, edges], np.r_[edges, label.size]
    return [
        Stretch(int(label[start]), start / SFREQ, end / SFREQ)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if label[start] in STATES and end - start >= SHORTEST_S * SFREQ
    ]


def read_conditions(path: Path) -> list[Condition]:
    """Read which conditions a subject went through, and what it felt in each.

    Raises
    ------
    UserError
        When the file is not as documented.
    """
    rows = _read_rows(path)
    names = [name for name in rows.get("ORDER", [[]])[0] if _find_label(name)]
    felt = rows.get("DIM", [])
    if not names or len(names) != len(felt):
        raise refuse(
            "R21",
            f"# ORDER names {say_count(len(names), 'rated condition')}, but "
            f"{say_count(len(felt), 'row # DIM rates', 'rows # DIM rate')} one",
            source=path,
        )
    wrong: list[str] = []
    conditions = [
        Condition(name, _find_label(name), _rate(name, cells, wrong))
        for name, cells in zip(names, felt, strict=True)
    ]
    if wrong:
        wrongly = say_count(
            len(wrong),
            "rating of # DIM is no number",
            "ratings of # DIM are no numbers",
        )
        report(
            "R16",
            f"{wrongly} from 1 to 9: {list_some(wrong)}",
            source=path,
        )
    return conditions


def place_conditions(
    path: Path, conditions: Sequence[Condition], stretches: Sequence[Stretch]
) -> list[tuple[Condition, Stretch]]:
    """Find the stretch of each condition, and report those that cannot be found.

    Returns
    -------
    list of tuple
        In order of time.
    """
    placed: list[tuple[Condition, Stretch]] = []
    for label, state in STATES.items():
        named = [condition for condition in conditions if condition.label == label]
        found = [stretch for stretch in stretches if stretch.label == label]
        if len(named) == len(found):
            placed += zip(named, found, strict=True)
            continue
        report(
            "T11",
            f"label {label} ({state}) marks "
            f"{say_count(len(found), 'stretch', 'stretches')}, but # ORDER of "
            f"{answers_file(path).name} names "
            f"{say_count(len(named), 'such condition')}",
            source=path,
            assumed=f"there is no trial of {state}",
        )
    if not placed:
        raise refuse("F01", "no condition has signals and ratings", source=path)
    return sorted(placed, key=lambda both: both[1].start_s)


def _make_recording(
    subject: str,
    number: int,
    condition: Condition,
    stretch: Stretch,
    signals: Mapping[str, Row],
) -> Recording:
    n_samples = round((stretch.end_s - stretch.start_s) * SFREQ)
    bio = np.stack(
        [
            _cut(signals[sensor.channel.name], sensor, stretch, n_samples)
            for sensor in SENSORS
        ]
    )
    span = TrialSpan(
        trial=f"{number:02d}",
        stimulus=condition.name,
        onset_s=0.0,
        end_s=n_samples / SFREQ,
        baseline_s=0.0,
        video=None,
        fps=None,
        ratings=condition.ratings,
        more={"state": condition.state},
    )
    return Recording(
        subject=subject,
        name=span.trial,
        bio=bio,
        sfreq=SFREQ,
        channels=CHANNELS,
        spans=(span,),
        is_raw=IS_RAW,
    )


def _cut(values: Row, sensor: Sensor, stretch: Stretch, n_samples: int) -> Row:
    """Return a channel in a stretch, in its unit, at the rate of the chest."""
    first, last = (
        round(second * sensor.sfreq) for second in (stretch.start_s, stretch.end_s)
    )
    part = np.asarray(values[first:last], np.float64)
    if not part.size:
        return np.full(n_samples, np.nan)
    part = sensor.factor * np.where(np.abs(part) > LARGEST, np.nan, part)
    at_rate = change_rate(part[None], sfreq=sensor.sfreq, to=SFREQ)
    return np.asarray(shift(at_rate, by=0, length=n_samples)[0])


def _take(path: Path, held: Tree, sensor: Sensor) -> Row:
    values = _find(path, held, "signal", sensor.place, sensor.key)
    if not values.ndim or values.size != len(values):
        raise refuse(
            "F01",
            f"signal {sensor.place} {sensor.key} must be one channel, got an array of "
            f"shape {values.shape}",
            source=path,
        )
    return values.ravel()


def _find(path: Path, held: Tree, *steps: str) -> Numbers:
    """Return the array at the end of a way through the dicts of a file."""
    found: object = held
    for step in steps:
        if not isinstance(found, Mapping) or step not in found:
            there = list_some(list(found)) if isinstance(found, Mapping) else "no dict"
            sentence = f"{' '.join(steps)} is missing, got {there or 'nothing'}"
            raise refuse("F01", sentence, source=path)
        found = found[step]
    if not isinstance(found, np.ndarray):
        raise refuse("F01", f"{' '.join(steps)} must be numbers", source=path)
    return found


def _read_rows(path: Path) -> Mapping[str, list[list[str]]]:
    """Return the cells of each row by what it is called, without the empty ones."""
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise refuse("F01", "is too large for a table of answers", source=path)
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}"
        raise refuse("F01", sentence, source=path) from None
    rows: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        first, *cells = (cell.strip() for cell in line.split(";"))
        if first.startswith("#"):
            named = rows.setdefault(first.lstrip("# ").upper(), [])
            named.append([cell for cell in cells if cell])
    return rows


def _find_label(name: str) -> int:
    """Return the label of a condition, 0 of what was not rated.

    Examples
    --------
    >>> _find_label("TSST"), _find_label("Medi 2"), _find_label("sRead")
    (2, 4, 0)
    """
    return CONDITIONS.get(name.lower().rstrip(" 0123456789"), 0)


def _rate(name: str, cells: Sequence[str], wrong: list[str]) -> dict[Target, float]:
    """Return the ratings of a row; add what is none to a list."""
    ratings = {}
    for k, target in enumerate(RATED):
        text = cells[k] if k < len(cells) else ""
        rating = to_float(text)
        if LOWEST_RATING <= rating <= HIGHEST_RATING:
            ratings[target] = rating
        else:
            wrong.append(f"{target} of {name[:20]} ({text[:20]!r})")
    return ratings
