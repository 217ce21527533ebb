"""What a row of a table of trials, or a rated event of BIDS, says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deepvanet.schema import Target


@dataclass(frozen=True)
class Row:
    """A row of the table; None and empty are cells without a value.

    Attributes
    ----------
    table, line : Path, int
        Where it stands.
    video_offset_s, peripheral_offset_s : float | None
        Second of the signals at which those files start.
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
    peripheral: Path | None = None
    onset_s: float | None = None
    marker: str = ""
    duration_s: float | None = None
    video_offset_s: float | None = None
    video_marker: str = ""
    peripheral_offset_s: float | None = None
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
                *(self.bio, self.peripheral, self.video),
                *(self.face_features, self.trace),
            )
            if f
        )

    @property
    def signals(self) -> tuple[Path | None, Path | None]:
        """Where its signals lie; rows of one recording have the same."""
        return self.bio, self.peripheral
