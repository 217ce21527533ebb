"""What carried a prediction: which stream, which electrodes, where in the face.

The folder::

    FOLDER/streams.csv           a row a second, target and stream
           channels.csv          a row a second, target and channel
           face-valence.csv      a row a pixel of the crop: mean size over the seconds
           streams-valence.svg   what each stream added, second by second
           scalp-valence.png     how much electrodes moved the score
           peripheral-valence.svg
           face-valence.png      where in the face, over the mean crop

Attributions are parts of the calibrated logit: above 0 they speak for a high
self-rating. They say what the network used, not what the person felt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.bundle import Bundle, load_bundle
from deepvanet.files import make_folder, whole_file
from deepvanet.inference import Timeline, join_answers
from deepvanet.inference.answering import Answerer
from deepvanet.inference.opened import Opened, open_recording
from deepvanet.schema import BIO, Stream, Target, UserError

if find_spec("captum") is None:
    raise UserError(
        "explain: needs captum, which is not installed: "
        "pip install 'deepvanet[explain]'"
    )

from deepvanet.explanation.attributing import (
    Question,
    ask,
    divide_by_inputs,
    divide_by_streams,
)
from deepvanet.explanation.pictures import draw_all

STREAM_COLUMNS = ("time_s", "target", "stream", "attribution")
CHANNEL_COLUMNS = ("time_s", "target", "stream", "channel", "attribution")
AT_ONCE_S = 16
"""Seconds whose gradients are held."""


@dataclass
class FaceMap:
    """A sum of maps over the face, and of the faces themselves.

    Attributes
    ----------
    total : array, shape (height, width)
        Of how much each pixel moved the logit.
    faces : array, shape (height, width, 3)
        Sum of the crops.
    """

    n_seconds: int
    total: Float[np.ndarray, "height width"]
    faces: Float[np.ndarray, "height width 3"]

    @property
    def mean(self) -> Float[np.ndarray, "height width"]:
        """The mean over the seconds with a face."""
        return np.asarray(self.total / max(self.n_seconds, 1))


@dataclass(frozen=True)
class Explanation:
    """What was found, as tables.

    Attributes
    ----------
    streams : DataFrame
        Columns ``STREAM_COLUMNS``.
    channels : DataFrame
        Columns ``CHANNEL_COLUMNS``.
    faces : mapping
        A map for each target, where a face was seen.
    notes : tuple of str
        What had to be assumed, and what could not be drawn.
    """

    streams: pd.DataFrame
    channels: pd.DataFrame
    faces: dict[Target, FaceMap] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say which stream carried the decision."""
        said = []
        for target, rows in self.streams.groupby("target", sort=False):
            size = rows["attribution"].abs().groupby(rows["stream"], sort=False).mean()
            shares = (size / max(size.sum(), 1e-12)).sort_values(ascending=False)
            parts = [f"{stream} {share:.0%}" for stream, share in shares.items()]
            said.append(f"{target}: {', '.join(parts)}")
        return [*said, *self.notes]


def explain(
    model: Path,
    out: Path,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    trials: Path | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
    progress: Callable[[float, float], None] | None = None,
) -> Explanation:
    """Explain a prediction, and write tables and figures into a folder.

    Parameters are those of ``deepvanet.inference.predict``.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    bundle = load_bundle(model)
    opened = open_recording(
        bundle,
        video=video,
        bio=bio,
        trial=trial,
        trials=trials,
        video_offset_s=video_offset_s,
        baseline_s=baseline_s,
    )
    made = attribute(bundle, opened, progress=progress)
    make_folder(out)
    _write(made, out)
    undrawn = draw_all(made, bundle, out)
    return Explanation(
        made.streams, made.channels, made.faces, (*opened.notes, *undrawn)
    )


def attribute_streams(
    model: Path,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    trials: Path | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
    progress: Callable[[float, float], None] | None = None,
) -> pd.DataFrame:
    """Return what each stream added in each second: which of them spoke.

    Much quicker than ``explain``. Parameters are those of
    ``deepvanet.inference.predict``.

    Returns
    -------
    DataFrame
        Columns ``STREAM_COLUMNS``; only the streams that a second has.
    """
    bundle = load_bundle(model)
    opened = open_recording(
        bundle,
        video=video,
        bio=bio,
        trial=trial,
        trials=trials,
        video_offset_s=video_offset_s,
        baseline_s=baseline_s,
    )
    parts = [_tabulate_streams(q) for q in _ask_all(bundle, opened, progress)]
    return _join(parts, STREAM_COLUMNS)


def predict_with_streams(
    bundle: Bundle,
    opened: Opened,
    *,
    progress: Callable[[float, float], None] | None = None,
) -> tuple[Timeline, pd.DataFrame]:
    """Return a timeline, and what each stream added to it, in one reading.

    Returns
    -------
    tuple of Timeline and DataFrame
        As ``deepvanet.inference.predict`` and ``attribute_streams`` return them.
    """
    answerer, in_all, done = Answerer(bundle), float(opened.n_seconds), 0.0
    answers, parts = [], []
    for chunk in opened.read():
        answers.append(answerer.answer(chunk))
        parts += [_tabulate_streams(question) for question in ask(answerer, chunk)]
        done += len(chunk)
        if progress is not None:
            progress(done, in_all)
    return join_answers(answers, opened, bundle), _join(parts, STREAM_COLUMNS)


def attribute(
    bundle: Bundle,
    opened: Opened,
    *,
    progress: Callable[[float, float], None] | None = None,
) -> Explanation:
    """Attribute all seconds of a recording to streams, channels and pixels."""
    streams, channels = [], []
    faces: dict[Target, FaceMap] = {}
    for question in _ask_all(bundle, opened, progress):
        streams.append(_tabulate_streams(question))
        found = divide_by_inputs(question)
        channels += [
            _tabulate_channels(question, bundle, stream, found[stream])
            for stream in BIO
            if stream in found
        ]
        if Stream.FACE in found:
            _add_face(faces, question, found[Stream.FACE])
    return Explanation(
        _join(streams, STREAM_COLUMNS), _join(channels, CHANNEL_COLUMNS), faces
    )


def _ask_all(
    bundle: Bundle,
    opened: Opened,
    progress: Callable[[float, float], None] | None,
) -> Iterator[Question]:
    answerer, in_all, done = Answerer(bundle), float(opened.n_seconds), 0.0
    for chunk in opened.read(at_once_s=AT_ONCE_S):
        yield from ask(answerer, chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, in_all)


def _tabulate_streams(question: Question) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "time_s": question.seconds,
                "target": str(question.target),
                "stream": str(stream),
                "attribution": part,
            }
        )
        for stream, part in divide_by_streams(question).items()
    )


def _tabulate_channels(
    question: Question,
    bundle: Bundle,
    stream: Stream,
    found: Float[np.ndarray, "second channel time"],
) -> pd.DataFrame:
    names = [channel.name for channel in bundle.channels_of(stream)]
    by_channel = found.sum(axis=2)
    return pd.DataFrame(
        {
            "time_s": np.repeat(question.seconds, len(names)),
            "target": str(question.target),
            "stream": str(stream),
            "channel": names * len(question.seconds),
            "attribution": by_channel.ravel(),
        }
    )


def _add_face(
    faces: dict[Target, FaceMap],
    question: Question,
    found: Float[np.ndarray, "second frame colour height width"],
) -> None:
    moved = np.abs(found.sum(axis=2)).sum(axis=1, dtype=float)
    crops: NDArray[Any] = question.arrays[Stream.FACE].mean(axis=1)
    if question.target not in faces:
        nothing = np.zeros(moved.shape[1:])
        faces[question.target] = FaceMap(0, nothing, np.zeros(crops.shape[1:]))
    mine = faces[question.target]
    mine.n_seconds += len(moved)
    mine.total += moved.sum(axis=0)
    mine.faces += crops.sum(axis=0)


def _join(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(columns))
    keys = ["target", "time_s"]
    table = pd.concat(parts).sort_values(keys, kind="stable", ascending=[False, True])
    return table.reset_index(drop=True)


def _write(made: Explanation, out: Path) -> None:
    tables = {"streams": made.streams, "channels": made.channels}
    for target, faces in made.faces.items():
        rows, columns = np.indices(faces.mean.shape)
        tables[f"face-{target}"] = pd.DataFrame(
            {
                "row": rows.ravel(),
                "column": columns.ravel(),
                "attribution": faces.mean.ravel(),
            }
        )
    for name, table in tables.items():
        with whole_file(out / f"{name}.csv") as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6g")
