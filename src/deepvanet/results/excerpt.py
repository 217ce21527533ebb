"""Seconds of a recording before and after cleaning: ``excerpt.npz``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.schema import UserError

EXCERPT_ARRAYS = (
    "before",
    "after",
    "sfreq",
    "channels",
    "subject",
    "recording",
    "start_s",
)


@dataclass(frozen=True)
class CleaningExcerpt:
    """Seconds of a recording, filtered only and cleaned.

    Attributes
    ----------
    before, after : array, shape (channel, time)
        In microvolts; ``before`` is filtered as ``after`` is.
    sfreq : float
        In Hz.
    start_s : float
        Of the first sample, since the recording's first.
    """

    before: Float[np.ndarray, "channel time"]
    after: Float[np.ndarray, "channel time"]
    sfreq: float
    channels: tuple[str, ...]
    subject: str
    recording: str
    start_s: float


def read_excerpt(path: Path) -> CleaningExcerpt | None:
    """Read seconds before and after cleaning, or None where there is no file.

    Raises
    ------
    UserError
        When the file is damaged, or its arrays do not belong together.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            values = {name: held[name] for name in EXCERPT_ARRAYS}
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as an excerpt: {error}") from None
    shapes = {name: array.shape for name, array in values.items()}
    before = shapes["before"]
    wanted = {"before": before, "after": before, "channels": before[:1]}
    if len(before) != 2 or shapes != dict.fromkeys(EXCERPT_ARRAYS, ()) | wanted:
        raise UserError(
            f"{path}: expected before and after as (channel, time), got {shapes}"
        )
    return _make_excerpt(path, values)


def _make_excerpt(path: Path, values: Mapping[str, NDArray[Any]]) -> CleaningExcerpt:
    try:
        excerpt = CleaningExcerpt(
            before=values["before"].astype(np.float32),
            after=values["after"].astype(np.float32),
            sfreq=float(values["sfreq"]),
            channels=tuple(map(str, values["channels"])),
            subject=str(values["subject"]),
            recording=str(values["recording"]),
            start_s=float(values["start_s"]),
        )
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as an excerpt: {error}") from None
    if not excerpt.sfreq > 0:
        raise UserError(f"{path}: expected a rate above 0 Hz, got {excerpt.sfreq:g}")
    return excerpt
