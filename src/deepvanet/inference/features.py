"""Numbers of the frames of a face that other programs made, as a store has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from deepvanet.bundle import Bundle
from deepvanet.findings import list_some, report
from deepvanet.preprocessing.video import probe
from deepvanet.preprocessing.windows import WindowGrid, cut_bio
from deepvanet.schema import Stream, UserError
from deepvanet.signal_io.feature_tables import FeatureTable, read_features

MOST_S = 24 * 3600.0
"""Later frames are on another clock than that of a video."""


@dataclass(frozen=True)
class FeatureReader:
    """Cuts segments from the steps of a table of features.

    Attributes
    ----------
    values : array, shape (feature, step)
        From the first segment on; NaN where no face was found.
    fps : float
        Steps a second.
    most_missing, least_channels : float
        As in ``PrepareSettings``: which segments have the stream.
    """

    values: Float32[np.ndarray, "feature step"]
    fps: float
    grid: WindowGrid
    most_missing: float
    least_channels: float

    def read(
        self, start: int, stop: int
    ) -> tuple[
        Float32[np.ndarray, "segment feature step"], Bool[np.ndarray, " segment"]
    ]:
        """Return segments ``start`` to ``stop``, and which of them have features."""
        places = self.grid.place(np.arange(start, stop), self.fps)
        cut = cut_bio(self.values, places, self.grid.measure(self.fps))
        lost = np.isnan(cut).mean(axis=2)
        there = np.mean(lost <= self.most_missing, axis=1)
        return cut, np.asarray(there >= self.least_channels)


@dataclass(frozen=True)
class FeatureFile:
    """A table of features that a bundle can answer from.

    Attributes
    ----------
    names : tuple of str
        The bundle's features, in its order.
    notes : tuple of str
        What had to be assumed, a sentence each.
    """

    path: Path
    bundle: Bundle
    table: FeatureTable
    names: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def lasts_s(self) -> float:
        """Seconds from the first frame of the video to the end of the last one."""
        time_s = self.table.time_s
        return float(time_s[-1] + np.median(np.diff(time_s)))

    def open(self, start_s: float, n_segments: int) -> FeatureReader:
        """Return a reader of so many segments.

        Parameters
        ----------
        start_s : float
            Second of the video at which the first segment starts.
        n_segments : int
            How many segments.
        """
        recipe, grid = self.bundle.recipe, self.bundle.grid
        places = grid.place(np.arange(n_segments), recipe.face_fps)
        n_steps = int(places[-1]) + grid.measure(recipe.face_fps) if n_segments else 0
        sampled = self.table.sample(
            self.names, start_s=start_s, n_steps=n_steps, fps=recipe.face_fps
        )
        return FeatureReader(
            np.ascontiguousarray(sampled.T),
            recipe.face_fps,
            grid,
            recipe.most_missing,
            recipe.least_channels,
        )


def open_features(path: Path, bundle: Bundle, *, video: Path | None) -> FeatureFile:
    """Open a table of features, and find the bundle's in it.

    Parameters
    ----------
    path : Path
        The table, as ``prepare recordings`` takes it.
    bundle : Bundle
        Knows which features it was trained on.
    video : Path | None
        Its rate counts where the table has numbers of frames only.

    Returns
    -------
    FeatureFile
        A feature that it lacks is missing data, and is reported.

    Raises
    ------
    UserError
        When the bundle reads no features, or the table has too few of them.
    """
    names = tuple(c.name for c in bundle.channels_of(Stream.FACE_FEATURES))
    if Stream.FACE_FEATURES not in bundle.streams:
        raise UserError(
            f"{path}: the bundle reads no {Stream.FACE_FEATURES}, it knows "
            f"{', '.join(bundle.stream_sets)}",
            field="features",
        )
    table = read_features(path, None if video is None else probe(video).fps)
    lacking = [name for name in names if name not in table.names]
    _check_names(path, names, lacking, table.names, bundle)
    if table.time_s[-1] > MOST_S:
        raise UserError(
            f"{path}: its frames end at second {table.time_s[-1]:.6g}, but their times "
            "count from the first frame of the video",
            field="features",
        )
    notes = []
    if lacking:
        said = f"columns of features are missing: {list_some(lacking)}"
        report(
            "C07",
            said,
            source=path,
            assumed="nothing is known of them, as of a channel that is bad",
        )
        notes.append(said)
    unused = [name for name in table.names if name not in names]
    if unused:
        notes.append(f"columns of features that are not used: {list_some(unused)}")
    n_lost = int(np.isnan(table.values).all(axis=1).sum())
    if n_lost:
        notes.append(
            f"{n_lost} of {len(table.time_s)} frames of {path.name} have no features"
        )
    return FeatureFile(path, bundle, table, names, tuple(notes))


def _check_names(
    path: Path,
    names: Sequence[str],
    lacking: Sequence[str],
    there: Sequence[str],
    bundle: Bundle,
) -> None:
    """Refuse a table of which most columns are not those of training."""
    if len(names) - len(lacking) >= bundle.recipe.least_channels * len(names):
        return
    raise UserError(
        f"{path}: the bundle was trained on the columns {list_some(list(names))}, got "
        f"{list_some(list(there))}",
        field="features",
    )
