"""The nouns that every stage shares: streams, targets, channels, trials, errors.

Nothing here loads an array library, so that the command line starts at once.
"""

import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy

LOWEST_RATING, HIGHEST_RATING = 1.0, 9.0


class UserError(Exception):
    """Something the user can put right; the message says what, where and got.

    Parameters
    ----------
    sentence : str
        What is wrong.
    field : str
        The argument or setting that is wrong, as Python names it; empty where the
        sentence is about something else. The command line names its option.

    Examples
    --------
    >>> str(UserError("needs a number, got 'x'", field="epochs"))
    "epochs: needs a number, got 'x'"
    """

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else self.sentence


class TaskError(Exception):
    """Some tasks failed while the others went on; the message says where to read it.

    Examples
    --------
    >>> raise TaskError("2 of 10 failed, see run/failures.txt")
    Traceback (most recent call last):
    deepvanet.schema.TaskError: 2 of 10 failed, see run/failures.txt
    """


class Target(StrEnum):
    """A rated dimension of affect, on a scale from 1 to 9."""

    VALENCE = "valence"
    AROUSAL = "arousal"


class ChannelType(StrEnum):
    """What a sensor measures; ``derived`` is what a device computed of it."""

    EEG = "eeg"
    EOG = "eog"
    EMG = "emg"
    ECG = "ecg"
    GSR = "gsr"
    RESPIRATION = "respiration"
    PLETHYSMOGRAPH = "plethysmograph"
    TEMPERATURE = "temperature"
    DERIVED = "derived"
    GAZE_POSITION = "gaze_position"
    PUPIL = "pupil"
    GAZE_VALIDITY = "gaze_validity"
    FACE_FEATURE = "face_feature"


GoalKind = Literal["high-low", "classes", "rating"]


@dataclass(frozen=True)
class Goal:
    """What a learner predicts of each row.

    Attributes
    ----------
    kind : str
        ``high-low``: the probability of the second of two classes; ``classes``: a
        probability for each; ``rating``: a number.
    classes : tuple of str
        Their names, in the order of their numbers; none of a rating.
    is_ordered : bool
        Whether their order is that of ratings, so that an ordinal loss can be used.
    moves : bool
        Whether a rating moves with time, so that rows of a trial differ.
    parts : tuple of Goal
        Where several targets are predicted at once: the goal of each, all of this kind.
    """

    kind: GoalKind
    classes: tuple[str, ...] = ()
    is_ordered: bool = False
    moves: bool = False
    parts: tuple["Goal", ...] = ()

    @property
    def is_binary(self) -> bool:
        """Whether it is high or low, of one target."""
        return self.kind == "high-low" and not self.parts

    @property
    def n_outputs(self) -> int:
        """How many numbers a row's prediction has."""
        if self.parts:
            return sum(part.n_outputs for part in self.parts)
        return len(self.classes) if self.kind == "classes" else 1


HIGH_OR_LOW = Goal("high-low", ("low", "high"))

QUADRANT_NAMES = ("low-low", "low-high", "high-low", "high-high")
"""Of two ratings, first valence, then arousal."""


Kind = Literal["signal", "images", "features"]
"""What a stream is made of: channels x time, images, or a vector a step."""


@dataclass(frozen=True)
class StreamSpec:
    """All that is known of a stream.

    Attributes
    ----------
    name : str
        As in stream sets, columns and files.
    kind : str
        ``signal``: channels at the store's sampling rate; ``images`` and ``features``,
        numbers made of images elsewhere: at its frame rate.
    types : tuple of ChannelType
        The channels that belong to it; none of images.
    encoder : str
        Of the paper's network: streams with the same one are read side by side.
    colour : str
        In figures.
    title : str
        In texts and figures.
    """

    name: str
    kind: Kind
    types: tuple[ChannelType, ...]
    encoder: str
    colour: str
    title: str


class Stream(StrEnum):
    """An input of a model. A row is all that a further one needs here."""

    spec: StreamSpec

    def __new__(cls, spec: StreamSpec) -> "Stream":
        """Make a text that carries its row."""
        member = str.__new__(cls, spec.name)
        member._value_ = spec.name
        member.spec = spec
        return member

    FACE = StreamSpec("face", "images", (), "face", "#D55E00", "face")
    EEG = StreamSpec("eeg", "signal", (ChannelType.EEG,), "bio", "#0072B2", "EEG")
    PERIPHERAL = StreamSpec(
        "peripheral",
        "signal",
        (
            ChannelType.EOG,
            ChannelType.EMG,
            ChannelType.ECG,
            ChannelType.GSR,
            ChannelType.RESPIRATION,
            ChannelType.PLETHYSMOGRAPH,
            ChannelType.TEMPERATURE,
            ChannelType.DERIVED,
        ),
        "bio",
        "#009E73",
        "peripheral",
    )
    GAZE = StreamSpec(
        "gaze",
        "signal",
        (ChannelType.GAZE_POSITION, ChannelType.PUPIL, ChannelType.GAZE_VALIDITY),
        "gaze",
        "#CC79A7",
        "gaze",
    )

    FACE_FEATURES = StreamSpec(
        "face-features",
        "features",
        (ChannelType.FACE_FEATURE,),
        "face-features",
        "#E69F00",
        "face features",
    )

    @property
    def is_at_fps(self) -> bool:
        """Whether it comes at the rate of images, from the onset of a stimulus on."""
        return self.spec.kind != "signal"

    @property
    def is_images(self) -> bool:
        """Whether it is made of images, and so has no channels."""
        return self.spec.kind == "images"


STREAMS: Mapping[str, Stream] = {str(stream): stream for stream in Stream}
"""The streams by name."""

SIGNALS = tuple(stream for stream in Stream if stream.spec.kind == "signal")
"""The streams of signals."""

WITH_CHANNELS = tuple(stream for stream in Stream if not stream.is_images)
"""The streams that have channels: signals, and features, each of which is one."""

BIO = tuple(stream for stream in Stream if stream.spec.encoder == "bio")
"""EEG and peripheral signals, which the paper's network reads side by side."""

STREAM_SETS: Mapping[str, tuple[Stream, ...]] = {
    "face": (Stream.FACE,),
    "eeg": (Stream.EEG,),
    "peripheral": (Stream.PERIPHERAL,),
    "bio": BIO,
    "face+eeg": (Stream.FACE, Stream.EEG),
    "face+peripheral": (Stream.FACE, Stream.PERIPHERAL),
    "face+bio": (Stream.FACE, *BIO),
}
"""The paper's seven modality sets (its Fig. 2), by name; others are asked for alike."""

PAPER_STREAMS = STREAM_SETS["face+bio"]
"""The paper's streams, of which every store has columns."""

ALL = "all"
"""The name of the set of all streams that a store holds."""

_STREAM_OF = {kind: stream for stream in Stream for kind in stream.spec.types}


def find_stream(kind: ChannelType) -> Stream:
    """Return the stream that channels of a type belong to."""
    return _STREAM_OF[kind]


LAST_VALUE = "last-value"
"""The prior that knows what a rating was when training ended."""

PRIORS = ("majority", "subject-prior", "stimulus-prior", "additive-prior", LAST_VALUE)
"""Learners that read no signal, in the order in which they are shown."""


class FrameState(IntEnum):
    """Where the face image of a frame comes from."""

    LOST = 0
    FOUND = 1
    FILLED = 2
    PADDED = 3


class ScoreKey(NamedTuple):
    """What one score, and one part of a run, is about."""

    protocol: str
    target: str
    streams: str
    learner: str


KEY_COLUMNS = ScoreKey._fields
"""Columns that identify a part of a run, in every table that has several."""

TRAINED_WITH = "trained_with"
"""A column of tables with several targets that one fit answers: the others, joined by
``+``. Blank of what was fitted on a target alone; tables without such a fit lack it."""


@dataclass(frozen=True)
class Channel:
    """A sensor: its name, what it measures, and the unit of its numbers."""

    name: str
    type: ChannelType
    unit: str

    @property
    def stream(self) -> Stream:
        """The input of a model that this channel belongs to."""
        return find_stream(self.type)


@dataclass(frozen=True)
class TraceFormat:
    """How ratings that move with time are kept: how often, and of what.

    Attributes
    ----------
    rate : float
        Samples a second, in Hz.
    targets : tuple of str
        What each column rates.
    """

    rate: float
    targets: tuple[str, ...]

    def count(self, seconds: float) -> int:
        """Return how many samples a stimulus of some seconds has."""
        return round(seconds * self.rate)


@dataclass(frozen=True)
class Trace:
    """Ratings that move with time, from the onset of a stimulus to its end.

    Attributes
    ----------
    form : TraceFormat
        The same for all trials of a data set.
    values : array, shape (sample, target)
        From 1 to 9, the first at the onset; not a number where nothing was said.
    """

    form: TraceFormat
    values: "numpy.ndarray[Any, Any]"


@dataclass(frozen=True)
class TrialSpan:
    """Where a trial lies in a recording, and all that is known of it.

    Attributes
    ----------
    trial, stimulus : str
        The place in the order of viewing, and what was shown.
    onset_s, end_s : float
        Of the stimulus, in seconds since the recording's first sample.
    baseline_s : float
        Seconds of baseline before the onset that belong to the trial.
    video, fps, video_onset_s : Path | None, float | None, float
        As in ``Trial``.
    more : mapping
        As in ``Trial``.
    face_choice, session, face_features : str, str, Path | None
        As in ``Trial``.
    trace : Trace | None
        As in ``Trial``.
    """

    trial: str
    stimulus: str
    onset_s: float
    end_s: float
    baseline_s: float
    video: Path | None
    fps: float | None
    ratings: Mapping[Target, float]
    video_onset_s: float = 0.0
    more: Mapping[str, str] = field(default_factory=dict)
    face_choice: str = ""
    session: str = ""
    trace: Trace | None = None
    face_features: Path | None = None


@dataclass(frozen=True)
class Recording:
    """Signals of one subject without a gap, and the trials that lie in them.

    What is done to continuous signals (ICA, filter, resample) is done to a
    recording; then its trials are cut out.

    Attributes
    ----------
    subject : str
        Whose signals they are.
    name : str
        What results call it, unique within the subject.
    bio : array, shape (channel, time)
        Signals in the units of ``channels``.
    sfreq : float
        Samples a second of ``bio``, in Hz.
    is_raw : bool
        Whether it was never filtered. Only then can it be cleaned.
    notes : tuple of str
        What had to be assumed, a sentence each.
    """

    subject: str
    name: str
    bio: "numpy.ndarray[Any, Any]"
    sfreq: float
    channels: tuple[Channel, ...]
    spans: tuple[TrialSpan, ...]
    is_raw: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One stimulus shown to one subject, as recorded.

    Attributes
    ----------
    subject, trial, stimulus : str
        Who saw it, the place in the order of viewing, and what was shown.
    bio : array, shape (channel, time)
        Signals in the units of ``channels``, ``baseline_s`` of rest first.
    sfreq : float
        Samples a second of ``bio``, in Hz.
    video : Path | None
        Face video, or None.
    fps : float | None
        The video's true rate where its container cannot be trusted.
    video_onset_s : float
        Second of the video at which the stimulus starts.
    more : mapping
        What else is known, by the name of a column.
    face_choice : str
        Which face of the video is the subject's: ``left``, ``right``, ``largest`` or a
        box ``x,y,width,height`` in pixels or shares; empty for the one seen longest.
    session : str
        On which visit it was recorded; empty where that is not known.
    trace : Trace | None
        Ratings that move with time, where there are any.
    face_features : Path | None
        Numbers of the frames of the video, which others made.
    """

    subject: str
    trial: str
    stimulus: str
    bio: "numpy.ndarray[Any, Any]"
    sfreq: float
    baseline_s: float
    channels: tuple[Channel, ...]
    video: Path | None
    fps: float | None
    ratings: Mapping[Target, float]
    video_onset_s: float = 0.0
    more: Mapping[str, str] = field(default_factory=dict)
    face_choice: str = ""
    session: str = ""
    trace: Trace | None = None
    face_features: Path | None = None


def as_recording(trial: Trial) -> Recording:
    """Return a trial that was cut by others, as a recording of nothing else."""
    span = TrialSpan(
        trial=trial.trial,
        stimulus=trial.stimulus,
        onset_s=trial.baseline_s,
        end_s=trial.bio.shape[1] / trial.sfreq,
        baseline_s=trial.baseline_s,
        video=trial.video,
        fps=trial.fps,
        ratings=trial.ratings,
        video_onset_s=trial.video_onset_s,
        more=trial.more,
        face_choice=trial.face_choice,
        session=trial.session,
        trace=trial.trace,
        face_features=trial.face_features,
    )
    return Recording(
        subject=trial.subject,
        name=trial.trial,
        bio=trial.bio,
        sfreq=trial.sfreq,
        channels=trial.channels,
        spans=(span,),
        is_raw=False,
    )


MOST_QUOTED = 80
"""Characters of what a sentence quotes."""

_quotes = reprlib.Repr()
_quotes.maxlevel = 3
_quotes.maxstring = _quotes.maxother = _quotes.maxlong = MOST_QUOTED


def quote(value: object) -> str:
    r"""Return what a sentence says that it got: bounded, with nothing invisible.

    Examples
    --------
    >>> print(quote("\x1b[2Jclear"), len(quote("x" * 10**6)))
    '\x1b[2Jclear' 80
    """
    return _shorten(_quotes.repr(value))


def _shorten(text: str) -> str:
    half = MOST_QUOTED // 2
    if len(text) <= MOST_QUOTED:
        return text
    return f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[1 - half :]}"


def make_printable(text: str) -> str:
    r"""Return text that a terminal shows and does not obey: lines of a bounded length.

    Signs that control a terminal or turn the direction of writing are spelled out.

    Examples
    --------
    >>> print(make_printable("red \x1b[31m"))
    red \x1b[31m
    """
    return "\n".join(map(_make_line, text.split("\n")))


MOST_LINE = 4000
"""Characters of a line that is printed."""


def _make_line(line: str) -> str:
    if len(line) > MOST_LINE:
        line = f"{line[:MOST_LINE]}\N{HORIZONTAL ELLIPSIS}"
    if line.isprintable():
        return line
    return "".join(
        sign if sign.isprintable() or sign == "\t" else _spell(sign) for sign in line
    )


def _spell(sign: str) -> str:
    return " " if sign.isspace() and sign > "\x7f" else ascii(sign)[1:-1]


def pick(kind: str, name: str, known: Iterable[str]) -> str:
    """Return ``name`` if it is known, else say which known name is nearest.

    Raises
    ------
    UserError
        When ``name`` is not among ``known``.

    Examples
    --------
    >>> pick("protocol", "trail", ["paper", "trial"])
    Traceback (most recent call last):
    deepvanet.schema.UserError: unknown protocol 'trail', did you mean 'trial'? \
Known: paper, trial
    """
    names = [str(name) for name in known]
    if name in names:
        return name
    raise UserError(f"unknown {kind} {quote(name)}{say_nearest(name, names)}")


def say_nearest(name: object, known: Sequence[str]) -> str:
    """Return the end of a sentence on an unknown name: the nearest, and all."""
    text = str(name)[:MOST_QUOTED]
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    hint = f", did you mean {near[0]!r}?" if near else "."
    return f"{hint} Known: {', '.join(known)}"


def parse_streams(
    name: str, held: Iterable[Stream] = PAPER_STREAMS
) -> tuple[Stream, ...]:
    """Return the streams of a stream set: any names, joined by ``+``.

    Parameters
    ----------
    name : str
        ``bio`` stands for EEG and peripheral signals, ``all`` for all that are held.
    held : iterable of Stream
        The streams that a store holds.

    Returns
    -------
    tuple of Stream
        Each once, in the order of ``Stream``.

    Raises
    ------
    UserError
        When there is no stream of a name.

    Examples
    --------
    >>> [str(stream) for stream in parse_streams("gaze+bio")]
    ['eeg', 'peripheral', 'gaze']
    """
    sets = {
        **{name: (one,) for name, one in STREAMS.items()},
        "bio": BIO,
        ALL: tuple(held),
    }
    names = [part.strip() for part in name.split("+")]
    wanted = {stream for part in names for stream in sets[pick("stream", part, sets)]}
    return tuple(stream for stream in Stream if stream in wanted)


def name_streams(streams: Iterable[Stream]) -> str:
    """Return the name of a stream set.

    Examples
    --------
    >>> name_streams([Stream.GAZE, Stream.PERIPHERAL, Stream.EEG, Stream.FACE])
    'face+bio+gaze'
    """
    wanted = set(streams)
    if wanted.issuperset(BIO):
        names = ["bio" if s is BIO[0] else str(s) for s in Stream if s not in BIO[1:]]
        return "+".join(n for n in names if n == "bio" or n in wanted)
    return "+".join(stream for stream in Stream if stream in wanted)


def list_within(streams: Iterable[Stream]) -> tuple[str, ...]:
    """Return all stream sets that some streams hold, small ones first.

    Examples
    --------
    >>> list_within({Stream.EEG, Stream.FACE})
    ('face', 'eeg', 'face+eeg')
    """
    known = [stream for stream in Stream if stream in set(streams)]
    names = [
        name_streams(few)
        for size in range(1, len(known) + 1)
        for few in combinations(known, size)
    ]
    order = {name: place for place, name in enumerate(STREAM_SETS)}
    return tuple(sorted(names, key=lambda name: order.get(name, len(order))))
