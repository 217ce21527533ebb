"""Properties of copies of public data sets."""

import csv
import json
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from field.recordings import Written
from field.records import DATA_SETS, Property
from small_afew_va import write_small_afew_va
from small_amigos import write_small
from small_case import write_case_subject
from small_deap import pickle_as_python_2, write_small_deap
from small_deap_original import write_small_original
from small_dreamer import write_dreamer_mat
from small_mahnob import number_of, write_session
from small_wesad import write_wesad_subject


def _write_mahnob(root: Path) -> None:
    for trial in (1, 2):
        write_session(root, number_of(1, trial), has_video=False)


BUILDERS: Mapping[str, Callable[[Path], object]] = {
    "deap": write_small_deap,
    "deap-original": write_small_original,
    "mahnob": _write_mahnob,
    "amigos": write_small,
    "dreamer": write_dreamer_mat,
    "wesad": write_wesad_subject,
    "case": write_case_subject,
    "afew-va": partial(write_small_afew_va, n_clips=4),
}
SIGNALS = {
    "deap": "data_preprocessed_python/s01.dat",
    "deap-original": "**/s01.bdf",
    "mahnob": "**/*.bdf",
    "amigos": "**/*.mat",
    "dreamer": "*.mat",
    "wesad": "**/*.pkl",
    "case": "**/physiological/*.csv",
    "afew-va": "001/*.json",
}


def _build(
    folder: Path, name: str, *, change: Callable[[Path, Path], object] | None = None
) -> Written:
    root = folder / "copy"
    BUILDERS[name](root)
    file = sorted(root.glob(SIGNALS[name]))[0]
    if change:
        change(root, file)
    return Written(name, root, file)


def _rate(value: str) -> Callable[[Path, Path], None]:
    def change(root: Path, _: Path) -> None:
        path = root / "metadata_csv" / "participant_ratings.csv"
        with path.open(newline="") as lines:
            rows = list(csv.reader(lines))
        rows[1][4] = value
        with path.open("w", newline="") as lines:
            csv.writer(lines).writerows(rows)

    return change


def _change_deap(change: Callable[[np.ndarray], None]) -> Callable[[Path, Path], None]:
    def edit(_: Path, file: Path) -> None:
        arrays = pickle.loads(file.read_bytes(), encoding="latin1")
        arrays = {name: array.copy() for name, array in arrays.items()}
        change(arrays["data"])
        file.write_bytes(pickle_as_python_2(arrays))

    return edit


def _lose_numbers(data: np.ndarray) -> None:
    data[0, 3, 200:260] = np.nan


def _stand_still(data: np.ndarray) -> None:
    data[:, 5] = 0


def _to_volts(data: np.ndarray) -> None:
    data[:, :32] *= 1e-6


def _copy_trial(data: np.ndarray) -> None:
    data[1] = data[0]


def _rate_clip(_: Path, file: Path) -> None:
    content = json.loads(file.read_text())
    for frame in content["frames"].values():
        frame["valence"] = 99
    file.write_text(json.dumps(content))


PUBLIC = tuple(
    Property(name, "P", odd, formats, codes=codes, truth=None, build=build, other=other)
    for name, odd, formats, codes, build, other in (
        ("a sound copy", "Nothing is odd.", DATA_SETS, (), _build, {}),
        (
            "a file of no meaning",
            "A file lies in the folder that is no part of the data set.",
            DATA_SETS,
            ("F02",),
            partial(
                _build,
                change=lambda _, file: (file.parent / "notes.txt").write_text(""),
            ),
            {},
        ),
        (
            "signals that are none",
            "A file of the copy holds something else.",
            DATA_SETS,
            ("F01",),
            partial(_build, change=lambda _, file: file.write_bytes(b"no signals")),
            {},
        ),
        (
            "an empty file of a copy",
            "A file of the copy is empty.",
            DATA_SETS,
            ("F01",),
            partial(_build, change=lambda _, file: file.write_bytes(b"")),
            {},
        ),
        (
            "a published rating outside of its scale",
            "A rating of the table is 12.",
            ("deap", "deap-original"),
            ("F01", "R16"),
            partial(_build, change=_rate("12")),
            {},
        ),
        (
            "a published rating that is a word",
            "A rating of the table is a word.",
            ("deap", "deap-original"),
            ("F01", "R16"),
            partial(_build, change=_rate("high")),
            {},
        ),
        (
            "an annotation outside of its scale",
            "The valence of a clip is 99.",
            ("afew-va",),
            ("F01",),
            partial(_build, change=_rate_clip),
            {},
        ),
        (
            "numbers that are missing",
            "Half a second of an electrode is not a number.",
            ("deap",),
            ("Q01",),
            partial(_build, change=_change_deap(_lose_numbers)),
            {},
        ),
        (
            "an electrode that stands still",
            "An electrode is 0 throughout.",
            ("deap",),
            ("Q02",),
            partial(_build, change=_change_deap(_stand_still)),
            {},
        ),
        (
            "published EEG in volts",
            "EEG is a millionth of what was published.",
            ("deap",),
            ("C05",),
            partial(_build, change=_change_deap(_to_volts)),
            {},
        ),
        (
            "signals of another trial",
            "Two trials have the same signals.",
            ("deap",),
            ("Q05",),
            partial(_build, change=_change_deap(_copy_trial)),
            {},
        ),
    )
)
