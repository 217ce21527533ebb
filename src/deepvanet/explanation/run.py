"""What carried a prediction: which stream, which electrodes, where in the face.

The folder::

    FOLDER/streams.csv           a row a second, target and stream
           channels.csv          a row a second, target and channel
           face-valence.csv      a row a pixel of the crop: mean size over the seconds
           streams-valence.svg   what each stream added, second by second
           scalp-valence.png     how much electrodes moved the score
           peripheral-valence.svg
           face-valence.png      where in the face, over the mean crop

Attributions are parts of the calibrated logit: above 0 they raise the probability of a
high self-rating. Of other tasks they are parts of the rating, or of the log odds of the
likeliest class. They say what the network used, not what the person felt.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.bundle import Bundle, load_bundle
from deepvanet.cells import write_csv
from deepvanet.config import NetworkSettings
from deepvanet.files import make_folder, whole_file
from deepvanet.inference import RecordingInput, Timeline, join_answers
from deepvanet.inference.answering import Answerer
from deepvanet.inference.open_recording import open_recording
from deepvanet.inference.recording import OpenRecording, Progress
from deepvanet.learners.making import find_learner
from deepvanet.optional_packages import tell_install
from deepvanet.schema import WITH_CHANNELS, Stream, UserError

if find_spec("captum") is None:
    raise UserError(
        f"explain: needs captum, which is not installed: {tell_install('captum')}"
    )

from deepvanet.explanation.attributing import (
    Question,
    ask,
    divide_by_inputs,
    divide_by_streams,
    leave_channels_out,
)
from deepvanet.explanation.pictures import plot_all
from deepvanet.explanation.records import (
    CHANNEL_COLUMNS,
    PARTS,
    STREAM_COLUMNS,
    Explanation,
    FaceMap,
)

AT_ONCE_S = 16
"""Seconds whose gradients are held."""


def explain(
    model: Path,
    recording: RecordingInput,
    out: Path,
    *,
    progress: Progress | None = None,
) -> Explanation:
    """Explain a prediction, and write tables and figures into a folder.

    Parameters
    ----------
    model : Path
        Folder that ``train`` wrote.
    recording : RecordingInput
        Its files, and how they lie in time.
    out : Path
        Folder of tables and figures.
    progress : callable, optional
        As in ``deepvanet.inference.predict``.

    Returns
    -------
    Explanation
        What was written, as tables.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    bundle = load_bundle(model)
    opened = open_recording(bundle, recording)
    made = attribute(bundle, opened, progress=progress)
    make_folder(out)
    _write(made, out)
    notes = (*opened.notes, *made.notes, *plot_all(made, bundle, out))
    return Explanation(made.streams, made.channels, made.faces, notes)


def attribute_streams(
    model: Path, recording: RecordingInput, *, progress: Progress | None = None
) -> pd.DataFrame:
    """Return what each stream added in each second.

    Much quicker than ``explain``. Parameters are those of
    ``deepvanet.inference.predict``.

    Returns
    -------
    DataFrame
        Columns ``STREAM_COLUMNS``; only the streams that a second has.
    """
    bundle = load_bundle(model)
    opened = open_recording(bundle, recording)
    parts = [_tabulate_streams(q) for q in _ask_all(bundle, opened, progress)]
    return _join(parts, STREAM_COLUMNS)


def predict_with_streams(
    bundle: Bundle,
    opened: OpenRecording,
    *,
    progress: Progress | None = None,
) -> tuple[Timeline, pd.DataFrame]:
    """Return a timeline, and what each stream added to it, in one reading.

    Returns
    -------
    tuple of Timeline and DataFrame
        As ``deepvanet.inference.predict`` and ``attribute_streams`` return them.
    """
    answerer = Answerer(bundle)
    answers, parts = [], []
    at_once = answerer.count_segments(opened)
    for chunk in opened.chunks(at_once=at_once, progress=progress):
        answers.append(answerer.answer(chunk))
        parts += [_tabulate_streams(question) for question in ask(answerer, chunk)]
    return join_answers(answers, opened, bundle), _join(parts, STREAM_COLUMNS)


def attribute(
    bundle: Bundle,
    opened: OpenRecording,
    *,
    progress: Progress | None = None,
) -> Explanation:
    """Attribute all seconds of a recording to streams, channels and pixels."""
    streams, channels = [], []
    faces: dict[str, FaceMap] = {}
    has_gradients = True
    for question in _ask_all(bundle, opened, progress):
        streams.append(_tabulate_streams(question))
        found = divide_by_inputs(question)
        has_gradients = bool(found)
        by_channel = {s: found[s].sum(axis=2) for s in WITH_CHANNELS if s in found}
        if not found and _knows_lost_channels(bundle.learner):
            by_channel = dict(leave_channels_out(question))
        channels += [
            _tabulate_channels(question, bundle, stream, part)
            for stream, part in by_channel.items()
        ]
        if Stream.FACE in found:
            _add_face(faces, question, found[Stream.FACE])
    return Explanation(
        _join(streams, STREAM_COLUMNS),
        _join(channels, CHANNEL_COLUMNS),
        faces,
        () if has_gradients else _tell_how(bundle),
    )


def _knows_lost_channels(learner: str) -> bool:
    return find_learner(learner)(NetworkSettings(), 0).traits.knows_lost_channels


def _tell_how(bundle: Bundle) -> tuple[str, ...]:
    """Say what is known of channels where there are no gradients."""
    learner = bundle.learner
    if not _knows_lost_channels(learner):
        return (f"channels are not explained: {learner} reads them together",)
    kind = next(iter(bundle.goals.values())).kind
    what = PARTS[kind].noun
    said = f"parts of channels: how far the {what} of {learner} falls without each"
    no_map = f"no map of the face: {learner} has no gradients"
    return (said, no_map) if Stream.FACE in bundle.streams else (said,)


def _ask_all(
    bundle: Bundle,
    opened: OpenRecording,
    progress: Progress | None,
) -> Iterator[Question]:
    answerer = Answerer(bundle)
    at_once = answerer.count_segments(opened, AT_ONCE_S, least=1)
    for chunk in opened.chunks(at_once=at_once, progress=progress):
        yield from ask(answerer, chunk)


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
    by_channel: Float[np.ndarray, "second channel"],
) -> pd.DataFrame:
    names = [channel.name for channel in bundle.channels_of(stream)]
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
    faces: dict[str, FaceMap],
    question: Question,
    found: Float[np.ndarray, "second frame colour height width"],
) -> None:
    moved = np.abs(found.sum(axis=2)).sum(axis=1, dtype=float)
    crops: NDArray[Any] = question.rows.read(Stream.FACE).mean(axis=1)
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
            write_csv(table, unfinished, float_format="%.6g")
