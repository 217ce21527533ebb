"""A bundle, a face video and signals -> valence and arousal for each second.

A recording goes this way: ``RecordingInput`` (which files) -> ``open_recording`` ->
``OpenRecording``, whose chunks are read by a ``SignalReader`` and a ``FaceReader`` ->
``Answerer`` (a network for each second) -> ``Timeline``.
"""

from deepvanet.inference.answering import TIMELINE_COLUMNS, TRIAL_COLUMNS
from deepvanet.inference.recording_input import RecordingInput, gather_files
from deepvanet.inference.timelines import (
    Model,
    Timeline,
    join_answers,
    load_model,
    predict,
)

__all__ = [
    "TIMELINE_COLUMNS",
    "TRIAL_COLUMNS",
    "Model",
    "RecordingInput",
    "Timeline",
    "gather_files",
    "join_answers",
    "load_model",
    "predict",
]
