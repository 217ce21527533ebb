"""What carried a prediction: which stream, which electrodes, where in the face."""

from deepvanet.explanation.records import (
    CHANNEL_COLUMNS,
    STREAM_COLUMNS,
    Explanation,
    FaceMap,
)
from deepvanet.explanation.run import (
    AT_ONCE_S,
    attribute,
    attribute_streams,
    explain,
    predict_with_streams,
)

__all__ = [
    "AT_ONCE_S",
    "CHANNEL_COLUMNS",
    "STREAM_COLUMNS",
    "Explanation",
    "FaceMap",
    "attribute",
    "attribute_streams",
    "explain",
    "predict_with_streams",
]
