"""Tables of numbers a frame that other programs made: action units, embeddings.

OpenFace and Py-feat write a row a frame of a video, or a row a face of it. The time is
a column of seconds, or follows from the frame's number and the rate of the video.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from deepvanet.schema import Channel, ChannelType, UserError

TIMES = ("timestamp", "time_s", "time", "seconds")
"""Columns of seconds, the first that is there."""
FRAME, RATE, SUCCESS = "frame", "fps", "success"
FACES = ("face_id", "faceid", "identity")
"""Columns that distinguish several faces; that of most rows is read."""
_BESIDE = re.compile(
    r"frame|fps|success|confidence|face_?id|identity|input|approx_time|"
    r"face_?(?:rect|score|x|y|width|height)\w*|unnamed.*|index"
    rf"|{'|'.join(TIMES)}"
)
"""Columns that say when, where and how surely, and not what is seen."""
_UNIT = re.compile(r"au\d+(?:_[rc])?")
_WITH_UNITS = re.compile(
    r"au\d+(?:_[rc])?|gaze_angle_[xy]|pose_r[xyz]|pitch|roll|yaw|valence|arousal|"
    r"anger|disgust|fear|happiness|sadness|surprise|neutral"
)
"""What is read of a table with action units; else all columns of numbers are."""


@dataclass(frozen=True)
class FeatureTable:
    """What a file says.

    Attributes
    ----------
    time_s : array, shape (frame,)
        Since the first frame of the video.
    values : array, shape (frame, feature)
        NaN where no face was found.
    """

    names: tuple[str, ...]
    time_s: Float[np.ndarray, " frame"]
    values: Float[np.ndarray, "frame feature"]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The features as channels of a store."""
        return tuple(Channel(n, ChannelType.FACE_FEATURE, "a.u.") for n in self.names)

    def sample(
        self, names: Sequence[str], *, start_s: float, n_steps: int, fps: float
    ) -> Float32[np.ndarray, "step feature"]:
        """Return the nearest frame to each step; NaN where none is within half of one.

        Parameters
        ----------
        names : sequence of str
            Features that are wanted; one that is not there is NaN.
        start_s : float
            Second of the video at which the first step lies.
        n_steps : int
            How many steps.
        fps : float
            Steps a second.

        Returns
        -------
        array, shape (step, feature)
            In the order of ``names``.
        """
        wanted = start_s + np.arange(n_steps) / fps
        after = np.searchsorted(self.time_s, wanted).clip(1, len(self.time_s) - 1)
        is_later = wanted - self.time_s[after - 1] > self.time_s[after] - wanted
        nearest = np.where(is_later, after, after - 1)
        found = np.full((n_steps, len(names)), np.nan, np.float32)
        for column, name in enumerate(names):
            if name in self.names:
                found[:, column] = self.values[nearest, self.names.index(name)]
        found[np.abs(self.time_s[nearest] - wanted) > 0.5 / fps] = np.nan
        return found


def read_features(path: Path, fps: float | None = None) -> FeatureTable:
    """Read a table of features.

    Parameters
    ----------
    fps : float, optional
        Of the video, where the table has numbers of frames only.

    Returns
    -------
    FeatureTable
        Of one face, in the order of time.

    Raises
    ------
    UserError
        When it is no such table, or nothing says when its frames were.
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    lower = {name.lower(): name for name in reversed(table.columns)}
    table = _keep_one_face(table, lower)
    time_s = _find_times(path, table, lower, fps)
    names = _choose(table)
    if not names or len(table) < 2:
        raise UserError(
            f"{path}: has no columns of features, as AU01_r, in two rows or more, got "
            f"{', '.join(lower)[:80]}"
        )
    values = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if SUCCESS in lower:
        values[pd.to_numeric(table[lower[SUCCESS]], errors="coerce") == 0] = np.nan
    order = np.argsort(time_s, kind="stable")
    order = order[np.isfinite(time_s[order])]
    if len(order) < 2:
        raise UserError(
            f"{path}: its frames have no times: fill in column {TIMES[0]}, in seconds"
        )
    return FeatureTable(tuple(names), time_s[order], values[order])


def _keep_one_face(table: pd.DataFrame, lower: dict[str, str]) -> pd.DataFrame:
    column = next((lower[name] for name in FACES if name in lower), None)
    if column is None or table[column].nunique() < 2:
        return table
    one_face: pd.DataFrame = table[table[column] == table[column].mode().iloc[0]]
    return one_face


def _find_times(
    path: Path, table: pd.DataFrame, lower: dict[str, str], fps: float | None
) -> Float[np.ndarray, " frame"]:
    column = next((lower[name] for name in TIMES if name in lower), None)
    if column is not None:
        return pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    if FRAME not in lower:
        raise UserError(
            f"{path}: needs a column {TIMES[0]} of seconds, or {FRAME}, got "
            f"{', '.join(lower)[:80]}"
        )
    rate = fps if RATE not in lower else float(table[lower[RATE]].iloc[0])
    if not rate or not rate > 0:
        raise UserError(
            f"{path}: nothing says how many frames a second there are: add a column "
            f"{RATE}, or {TIMES[0]} of seconds, or name the video in the same row"
        )
    numbers = pd.to_numeric(table[lower[FRAME]], errors="coerce").to_numpy(float)
    return np.asarray(numbers / rate)


def _choose(table: pd.DataFrame) -> list[str]:
    kept = [
        name
        for name in table.columns
        if not _BESIDE.fullmatch(name.lower())
        and pd.to_numeric(table[name], errors="coerce").notna().any()
    ]
    if any(_UNIT.fullmatch(name.lower()) for name in kept):
        return [name for name in kept if _WITH_UNITS.fullmatch(name.lower())]
    return kept
