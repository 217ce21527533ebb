"""The files of AMIGOS: a subject's signals and ratings, and its face videos."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target, UserError
from deepvanet.signal_io.matlab_arrays import Value, load_variables

SFREQ = 128.0  # Hz, after the authors' own down-sampling
BASELINE_S = 5.0  # before each stimulus, in the signals and in the video
SHORTEST_S = BASELINE_S + 1  # rest and one segment
N_CHANNELS = 17

_SHORT = "10 13 138 18 19 20 23 30 31 34 36 4 5 58 80 9"
SHORT = tuple(_SHORT.split())
LONG = ("N1", "P1", "B1", "U1")
"""Videos as they are called: 16 of a minute or two, four of a quarter of an hour."""
N_SUBJECTS = 40

RATED = {Target.AROUSAL: 0, Target.VALENCE: 1}
"""Columns of the self-assessment: arousal first, unlike DEAP's."""
FURTHER = (
    *("dominance", "liking", "familiarity"),
    *("neutral", "disgust", "happiness", "surprise", "anger", "fear", "sadness"),
)
"""Further columns of the self-assessment, in their order: ratings from 1 to 9, then
whether an emotion was felt."""
ANNOTATED = {Target.VALENCE: 1, Target.AROUSAL: 2}
"""Columns of what others saw in the face, after the number of the piece."""
N_RATED, N_ANNOTATED = 12, 3

SIGNALS, RATINGS, VIDEOS = "joined_data", "labels_selfassessment", "VideoIDs"
ANNOTATIONS = "labels_ext_annotation"

_FILE = re.compile(r"Data_Preprocessed_P(\d\d)\.mat", re.IGNORECASE)
_FACE = re.compile(r"P(\d+)_([A-Z]?\d+)_face\.(?:mov|mp4|avi)", re.IGNORECASE)

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Viewing:
    """What a subject's file holds of one video.

    Attributes
    ----------
    place : int
        In the file, from 1; the order of viewing is not known.
    bio : array, shape (channel, time)
        Rest, then stimulus; without samples where there are none.
    ratings : mapping
        From 1 to 9; empty where they were not asked.
    further : mapping
        What else was asked, by ``FURTHER``, as text.
    annotated : mapping
        What others saw in the face, from about -1 to 1; the mean over its pieces.
    """

    place: int
    video: str
    bio: Float[np.ndarray, "channel time"]
    ratings: Mapping[Target, float]
    further: Mapping[str, str]
    annotated: Mapping[Target, float]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it would need to be a trial."""
        has_signals = bool(np.isfinite(self.bio).any())
        named = {"signals": has_signals, "ratings": bool(self.ratings)}
        return tuple(name for name, is_there in named.items() if not is_there)


def find_files(root: Path) -> dict[str, Path]:
    """Return each subject's signals, in folders of their own or without.

    Raises
    ------
    UserError
        When the folder is missing, holds none, or two of one subject.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found: dict[str, Path] = {}
    for path in sorted(_list_candidates(root)):
        match = _FILE.fullmatch(path.name)
        if match is None:
            continue
        other = found.setdefault(match[1], path)
        if other != path:
            raise UserError(f"{path}: a second file of the subject of {other}")
    if not found:
        raise UserError(
            f"{root}: not AMIGOS as downloaded, no data_preprocessed/"
            "Data_Preprocessed_P01/Data_Preprocessed_P01.mat or others of its kind"
        )
    return dict(sorted(found.items()))


def _list_candidates(root: Path) -> Iterator[Path]:
    """Yield the MATLAB files that lie where people unpack the zips."""
    for folder in (root, root / "data_preprocessed"):
        yield from folder.glob("*.mat")
        yield from folder.glob("Data_Preprocessed_P*/*.mat")


def find_home(path: Path) -> tuple[Path, str] | None:
    """Return the data set's folder and the subject of a file of signals, or None."""
    match = _FILE.fullmatch(path.name)
    if match is None:
        return None
    file = path.absolute()
    homes = [folder for folder in file.parents[:3] if file in _list_candidates(folder)]
    return (homes[-1], match[1]) if homes else None


def find_faces(root: Path, subject: str) -> dict[str, Path]:
    """Return a subject's face videos, by the video that it saw.

    They may lie anywhere in the folder; zeros before the numbers mean nothing.

    Raises
    ------
    UserError
        When there are two of one.
    """
    faces: dict[str, Path] = {}
    for path in sorted(root.rglob("*_face.*")):
        match = _FACE.fullmatch(path.name)
        if match is None or int(match[1]) != int(subject) or not path.is_file():
            continue
        other = faces.setdefault(match[2].upper().lstrip("0"), path)
        if other != path:
            raise UserError(f"{path}: a second face video beside {other}")
    return faces


def read_viewings(path: Path) -> list[Viewing]:
    """Read what a subject's file holds, a viewing for each video it names.

    Raises
    ------
    UserError
        When it is not as documented.
    """
    variables = load_variables(path, (SIGNALS, RATINGS, VIDEOS, ANNOTATIONS))
    names = _name_videos(path, _list_cells(path, variables, VIDEOS))
    signals = _list_cells(path, variables, SIGNALS, n_cells=len(names))
    ratings = _list_cells(path, variables, RATINGS, n_cells=len(names))
    seen: list[Value] = [np.empty((0, 0))] * len(names)
    if ANNOTATIONS in variables:
        seen = _list_cells(path, variables, ANNOTATIONS, n_cells=len(names))
    return [
        Viewing(
            place=k + 1,
            video=name,
            bio=_take_signals(f"{path} {SIGNALS} {k + 1}", signals[k]),
            ratings=_take_ratings(f"{path} {RATINGS} {k + 1}", ratings[k]),
            further=_take_further(ratings[k]),
            annotated=_take_annotations(f"{path} {ANNOTATIONS} {k + 1}", seen[k]),
        )
        for k, name in enumerate(names)
        if name
    ]


def list_trials(
    path: Path, viewings: Sequence[Viewing], videos: Sequence[str]
) -> list[Viewing]:
    """Return the viewings of some videos that lack nothing.

    Raises
    ------
    UserError
        When there is none.
    """
    usable = [v for v in viewings if v.video in videos and not v.lacks]
    if not usable:
        subject = int(path.stem[-2:])
        raise UserError(
            f"{path}: has no trial with signals and ratings of {' '.join(videos)}, "
            f"leave out subject {subject}"
        )
    return usable


def _list_cells(
    path: Path,
    variables: Mapping[str, Value],
    name: str,
    *,
    n_cells: int | None = None,
) -> list[Value]:
    if name not in variables:
        found = ", ".join(variables) or "none of those that are needed"
        raise UserError(f"{path}: variable {name} is missing, got {found}")
    cells = variables[name]
    if not isinstance(cells, list):
        raise UserError(f"{path}: {name} must be a cell array")
    if n_cells is not None and len(cells) != n_cells:
        raise UserError(
            f"{path}: {name} must have {n_cells} cells, as {VIDEOS}, got {len(cells)}"
        )
    return cells


def _name_videos(path: Path, cells: Sequence[Value]) -> list[str]:
    """Return the video of each cell; an empty name where there is none."""
    names = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
    for place, (cell, name) in enumerate(zip(cells, names, strict=True), start=1):
        is_empty = len(cell) == 0
        if name not in (*SHORT, *LONG) and not is_empty:
            got = repr(name) if isinstance(cell, str) else "no text"
            raise UserError(
                f"{path}: {VIDEOS} {place} must name a video, as 10 or N1, got {got}"
            )
        if name and names.index(name) != place - 1:
            raise UserError(f"{path}: {VIDEOS} names {name} twice")
    return names


def _take_signals(where: str, cell: Value) -> Float[np.ndarray, "channel time"]:
    samples = _take_numbers(where, cell)
    if not samples.size:
        return np.empty((N_CHANNELS, 0))
    if samples.ndim != 2 or samples.shape[1] != N_CHANNELS:
        raise UserError(
            f"{where}: must be of shape (samples, {N_CHANNELS}), got {samples.shape}"
        )
    if len(samples) < SHORTEST_S * SFREQ:
        raise UserError(
            f"{where}: must last {SHORTEST_S:g} s at {SFREQ:g} Hz or longer, got "
            f"{len(samples)} samples"
        )
    is_float = samples.dtype.kind == "f"
    return samples.T if is_float else samples.T.astype(np.float64)


def _take_ratings(where: str, cell: Value) -> dict[Target, float]:
    """Return the ratings of both targets, nothing where one was not given."""
    row = _take_numbers(where, cell).ravel().astype(np.float64)
    if not row.size:
        return {}
    if row.size != N_RATED:
        raise UserError(f"{where}: must have {N_RATED} columns, got {row.size}")
    ratings = {target: float(row[column]) for target, column in RATED.items()}
    if not np.isfinite(list(ratings.values())).all():
        return {}
    for target, rating in ratings.items():
        if not LOWEST_RATING <= rating <= HIGHEST_RATING:
            raise UserError(f"{where}: {target} must be from 1 to 9, got {rating:g}")
    return ratings


def _take_further(cell: Value) -> dict[str, str]:
    """Return the other answers; of a row without ratings none."""
    row = np.asarray(cell).ravel()
    if row.size != N_RATED:
        return {}
    answers = row[len(RATED) :].astype(np.float64)
    return {
        name: f"{answer:.10g}" if np.isfinite(answer) else ""
        for name, answer in zip(FURTHER, answers, strict=True)
    }


def _take_annotations(where: str, cell: Value) -> dict[Target, float]:
    pieces = _take_numbers(where, cell)
    if not pieces.size:
        return {}
    if pieces.ndim != 2 or pieces.shape[1] != N_ANNOTATED:
        raise UserError(
            f"{where}: must be of shape (pieces, {N_ANNOTATED}), got {pieces.shape}"
        )
    found = {t: pieces[:, column] for t, column in ANNOTATED.items()}
    known = {target: values[np.isfinite(values)] for target, values in found.items()}
    return {t: float(values.mean()) for t, values in known.items() if values.size}


def _take_numbers(where: str, cell: Value) -> Numbers:
    if not isinstance(cell, np.ndarray):
        raise UserError(f"{where}: must be numbers")
    return cell
