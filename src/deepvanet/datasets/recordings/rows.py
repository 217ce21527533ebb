"""What a row of a table of trials, or a rated event of BIDS, says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deepvanet.schema import Target


@dataclass(frozen=True)
class PeripheralFile:
    """A file of signals beside the one that has the clock.

    Attributes
    ----------
    column : str
        Of the table of trials.
    offset_s : float | None
        Second of the signals at which it starts, where that is said.
    """

    column: str
    path: Path
    offset_s: float | None = None


@dataclass(frozen=True)
class Row:
    """A row of the table; None and empty are cells without a value.

    Attributes
    ----------
    table, line : Path, int
        Where it stands.
    peripherals : tuple of PeripheralFile
        Files of signals beside ``bio``.
    video_offset_s : float | None
        Second of the signals at which the video starts.
    marker, video_marker : str
        Markers at which the stimulus and the video start.
    ratings : mapping
        On the scale from 1 to 9.
    more : mapping
        Columns that mean nothing here.
    face_choice, session, face_features : str, str, Path | None
        As in ``Trial``.
    trace : Path | None
        Ratings that move with time.
    """

    table: Path
    line: int
    subject: str
    trial: str
    stimulus: str
    video: Path | None = None
    bio: Path | None = None
    peripherals: tuple[PeripheralFile, ...] = ()
    onset_s: float | None = None
    marker: str = ""
    duration_s: float | None = None
    video_offset_s: float | None = None
    video_marker: str = ""
    ratings: Mapping[Target, float] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    face_choice: str = ""
    session: str = ""
    trace: Path | None = None
    face_features: Path | None = None

    @property
    def where(self) -> str:
        """The file and line, for sentences."""
        return f"{self.table} line {self.line}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is made of."""
        return tuple(
            f
            for f in (
                *(*self.signals, self.video),
                *(self.face_features, self.trace),
            )
            if f
        )

    @property
    def signals(self) -> tuple[Path | None, ...]:
        """Where its signals lie; rows of one recording have the same."""
        return (self.bio, *(item.path for item in self.peripherals))

    def names(self, column: str) -> bool:
        """Say whether it names a file in a column; the first of its signals is bio."""
        if column in ("video", "bio"):
            return getattr(self, column) is not None
        return any(item.column == column for item in self.peripherals)
