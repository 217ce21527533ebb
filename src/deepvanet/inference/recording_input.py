"""What is known of a recording before it is opened: its files, and their times."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepvanet.datasets.recordings.input_files import InputFile
from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.datasets.recordings.trial_columns import PERIPHERALS
from deepvanet.findings import check_codes
from deepvanet.schema import Stream, UserError


def gather_files(
    items: Iterable[InputFile], *, video_offset_s: float | None = None
) -> dict[str, Any]:
    """Return files as arguments of ``RecordingInput``.

    Parameters
    ----------
    items : iterable of InputFile
        Each column at most once; those of peripheral signals in any order.
    video_offset_s : float, optional
        Second of the signals at which the video starts, where its file does not say.

    Returns
    -------
    dict
        Some of ``video``, ``bio``, ``features``, ``peripherals``, ``video_offset_s``.

    Raises
    ------
    UserError
        When a column is named twice, or the video starts at two places.

    Examples
    --------
    >>> gather_files([InputFile("bio", "a.edf")])["bio"].name
    'a.edf'
    """
    named: dict[str, InputFile] = {}
    for item in items:
        if item.column in named:
            raise UserError(f"{item.column} is given twice", field="input")
        named[item.column] = item
    video = named.get("video")
    if video and video.offset_s is not None:
        if video_offset_s not in (None, video.offset_s):
            raise UserError(
                f"the video starts at {video.offset_s:g} s and at {video_offset_s:g} s",
                field="video_offset",
            )
        video_offset_s = video.offset_s
    paths = {column: Path(item.name) for column, item in named.items()}
    return {
        "video": paths.get("video"),
        "bio": paths.get("bio"),
        "features": paths.get("face_features"),
        "peripherals": tuple(
            PeripheralFile(column, paths[column], named[column].offset_s)
            for column in PERIPHERALS
            if column in named
        ),
        "video_offset_s": video_offset_s,
    }


@dataclass(frozen=True)
class RecordingInput:
    """The files of a recording, and where its parts lie in time.

    Parameters
    ----------
    video, bio, features : Path, optional
        Face video, signals, and a table of numbers of the video's frames that another
        program made; at least one. The last is on the clock of the video.
    peripherals : tuple of PeripheralFile
        Further files of signals. Where there is no ``bio``, the first of them has the
        clock.
    trial : str, optional
        Which trial of a signal file that holds several.
    trials : Path, optional
        A table of trials, as ``prepare recordings`` takes it; ratings and files may be
        missing. Only their seconds are scored, from each one's onset and with its own
        baseline, as in training, and the trials themselves.
    video_offset_s : float, optional
        Second of the signals at which the video, and its features, start; where it is
        not given, where the data set's videos do, as at the stimulus, or the table
        says, else 0.
    baseline_s : (float | None, float | None)
        Start and end of the baseline that the bundle's recipe subtracts, in seconds of
        the signals. None is the baseline before the stimulus of a data set's file,
        else the first three seconds.
    accept : tuple of str
        Codes of errors whose assumption is taken.

    Examples
    --------
    >>> RecordingInput(bio=Path("s01.dat"), trial="1").video is None
    True
    """

    video: Path | None = None
    bio: Path | None = None
    features: Path | None = None
    peripherals: tuple[PeripheralFile, ...] = ()
    trial: str | None = None
    trials: Path | None = None
    video_offset_s: float | None = None
    baseline_s: tuple[float | None, float | None] = (None, None)
    accept: tuple[str, ...] = ()

    @property
    def signals(self) -> Path | None:
        """The file of signals that has the clock."""
        first = self.peripherals[0].path if self.peripherals else None
        return first if self.bio is None else self.bio

    @property
    def beside(self) -> tuple[PeripheralFile, ...]:
        """The files of signals beside it."""
        return self.peripherals[1:] if self.bio is None else self.peripherals

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that there are."""
        others = (item.path for item in self.peripherals)
        given = (self.video, self.bio, *others, self.features)
        return tuple(path for path in given if path is not None)

    @property
    def streams_beside(self) -> tuple[Stream, ...]:
        """The streams of other files than that of the signals."""
        return (
            *(() if self.video is None else (Stream.FACE,)),
            *(() if self.features is None else (Stream.FACE_FEATURES,)),
        )

    def check(self) -> None:
        """Refuse what says nothing, or two things at once.

        Raises
        ------
        UserError
            When there is no file, a code is not known, or a table of trials stands
            beside what it says.
        """
        check_codes(self.accept, field="accept", families=False)
        if not self.files:
            raise UserError("predict: needs video, bio or features")
        if self.bio is None and self.peripherals and self.peripherals[0].offset_s:
            item = self.peripherals[0]
            raise UserError(
                f"{item.column} is the only file of signals, or the first of them, so "
                f"it has the clock and no offset, got {item.offset_s:g}",
                field="input",
            )
        if self.trials is None:
            return
        if self.trial is not None:
            raise UserError(
                f"only one of trials and trial is used, got {self.trials} and "
                f"{self.trial}",
                field="trials",
            )
        if any(second is not None for second in self.baseline_s):
            raise UserError(
                f"{self.trials}: each trial has its own baseline, so none can be given",
                field="trials",
            )
