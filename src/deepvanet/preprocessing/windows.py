"""Where segments of one length lie in time, one each step: in trials and recordings."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from deepvanet.schema import UserError

ROUNDING = 1e-6
"""Of a sample, a frame or a segment: what rounding makes of whole numbers."""

_UNITS = {"samples": "Hz", "frames": "images a second"}

Numbers = Int[np.ndarray, " window"]


@dataclass(frozen=True)
class WindowGrid:
    """Windows of one length, one each step, from second 0 on.

    Attributes
    ----------
    length_s, step_s : float
        Of a window, and from the start of one to that of the next; infinite where each
        trial is one window, however long it is (``WHOLE``).

    Examples
    --------
    >>> grid = WindowGrid(length_s=4.0, step_s=0.5)
    >>> grid.count(5.0), grid.place(np.arange(3), rate=128), grid.measure(128)
    (3, array([  0,  64, 128]), 512)
    """

    length_s: float = 1.0
    step_s: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether each trial is one window, however long it is."""
        return math.isinf(self.length_s)

    def settle(self, lasts_s: float | int) -> "WindowGrid":
        """Return the windows of a trial that lasts so many seconds."""
        return WindowGrid(lasts_s, lasts_s) if self.is_whole else self

    def count(self, lasts_s: float | int) -> int:
        """Return how many whole windows fit into so many seconds."""
        return int(self.count_each(np.array([lasts_s], dtype=float))[0])

    def count_each(self, lasts_s: Float[np.ndarray, " span"]) -> Int[np.ndarray, " _"]:
        """Return how many whole windows fit into each of several spans."""
        if self.is_whole:
            return (lasts_s > 0).astype(np.int64)
        spare_s = lasts_s - self.length_s
        fitting = np.floor(spare_s / self.step_s + ROUNDING).astype(np.int64) + 1
        return np.where(spare_s < -ROUNDING * self.length_s, 0, np.maximum(fitting, 0))

    def place(self, windows: Numbers, rate: float | int) -> Numbers:
        """Return the sample, or frame, at which each window starts."""
        if self.is_whole:
            return np.zeros_like(windows)
        return np.rint(windows * (self.step_s * rate)).astype(np.int64)

    def time(self, windows: Numbers) -> NDArray[Any]:
        """Return the second at which each window starts; whole where steps are."""
        if self.is_whole:
            return np.zeros(len(windows))
        step = int(self.step_s) if float(self.step_s).is_integer() else self.step_s
        return np.round(windows * step, 9)

    def measure(self, rate: float | int) -> int:
        """Return how many samples, or frames, a window has."""
        return round(self.length_s * rate)

    def find_obstacle(self, rate: float) -> tuple[str, str]:
        """Return the setting that is no whole number of samples, and its value."""
        if self.is_whole:
            return "", ""
        for name, seconds in (("segment", self.length_s), ("step", self.step_s)):
            n_samples = seconds * rate
            if round(n_samples) < 1 or abs(n_samples - round(n_samples)) > ROUNDING:
                return name, f"{seconds:g} s"
        return "", ""

    def check(self, rate: float, what: str) -> None:
        """Refuse windows and steps that are no whole number of samples or frames.

        Raises
        ------
        UserError
            Which names the setting.
        """
        name, seconds = self.find_obstacle(rate)
        if name:
            raise UserError(
                f"needs a whole number of {what} at {rate:g} {_UNITS[what]}, got "
                f"{seconds}",
                field=name,
            )


SECONDS = WindowGrid()
"""One after the other."""

WHOLE = WindowGrid(math.inf, math.inf)
"""Each trial is one, however long it is."""


def cut_bio(
    bio: Float[np.ndarray, "channel time"], start: Numbers, length: int
) -> Float[np.ndarray, "window channel sample"]:
    """Cut signals into windows of so many samples; they may overlap."""
    whole = sliding_window_view(bio, length, axis=1)[:, start]
    return np.ascontiguousarray(whole.transpose(1, 0, 2), dtype=np.float32)


def say_grid(grid: WindowGrid) -> str:
    """Say how long windows are, and how far from each other.

    Examples
    --------
    >>> say_grid(WindowGrid(4.0, 0.5))
    '4 s, one each 0.5 s'
    """
    if grid.is_whole:
        return "any length"
    return f"{grid.length_s:g} s, one each {grid.step_s:g} s"


def name_segments(grid: WindowGrid) -> str:
    """Return what windows are called: seconds, where that is what they are."""
    if grid.is_whole:
        return "whole trials"
    return "seconds" if grid == SECONDS else "segments"
