"""What is known of a recording before it is opened: its files, and their times."""

from dataclasses import dataclass
from pathlib import Path

from deepvanet.findings import check_codes
from deepvanet.schema import Stream, UserError


@dataclass(frozen=True)
class RecordingInput:
    """The files of a recording, and where its parts lie in time.

    Parameters
    ----------
    video, bio, features : Path, optional
        Face video, signals, and a table of numbers of the video's frames that another
        program made; at least one. The last is on the clock of the video.
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
    trial: str | None = None
    trials: Path | None = None
    video_offset_s: float | None = None
    baseline_s: tuple[float | None, float | None] = (None, None)
    accept: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that there are."""
        given = (self.video, self.bio, self.features)
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
