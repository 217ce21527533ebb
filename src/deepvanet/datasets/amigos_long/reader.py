"""The four long videos of AMIGOS, seen alone or in a group; see ``amigos``.

Each is one trial of a quarter of an hour with one rating, so they are a data set of
their own beside the short ones.
"""

from collections.abc import Iterator
from pathlib import Path

from deepvanet.datasets.amigos import reader as amigos
from deepvanet.datasets.amigos.files import LONG
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import Recording

IS_RAW = amigos.IS_RAW
CHANNELS = amigos.CHANNELS


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "amigos-long")


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have a file, with any content."""
    return amigos.list_subjects(root)


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Read a subject's file, then yield each trial as a recording of its own."""
    return amigos.read_recordings(root, subject, videos=LONG)


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return amigos.input_files(root, subject, videos=LONG)
