"""Recordings as they were downloaded, read into trials, one module a layout."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepvanet.datasets import bids, deap, deap_original, mahnob, own_recordings
from deepvanet.schema import Channel, Recording, UserError

logger = logging.getLogger(__name__)


@runtime_checkable
class Layout(Protocol):
    """How one data set lies on disk; a module of this package is one.

    Each function raises ``UserError`` for what the user can put right.

    Attributes
    ----------
    IS_RAW : bool
        Whether nobody filtered its signals yet.
    CHANNELS : tuple of Channel
        Those of every recording, in their order; empty for an ``OpenLayout``.
    """

    IS_RAW: bool
    CHANNELS: tuple[Channel, ...]

    def name_dataset(self, root: Path) -> str:
        """Return what results call the data set of this folder."""

    def list_subjects(self, root: Path) -> list[str]:
        """Return the ids of the subjects found, in order."""

    def read_recordings(self, root: Path, subject: str) -> Iterator[Recording]:
        """Check a subject's files, then yield the recordings in viewing order."""

    def input_files(self, root: Path, subject: str) -> list[Path]:
        """Return every file that a subject's trials are made of."""


@runtime_checkable
class OpenLayout(Layout, Protocol):
    """A layout of whatever people recorded: each data set has its own channels."""

    def list_channels(self, root: Path) -> tuple[Channel, ...]:
        """Return those that the recordings of a data set share, EEG first."""


LAYOUTS: Mapping[str, Layout] = {
    "deap": deap,
    "deap-original": deap_original,
    "mahnob": mahnob,
    "recordings": own_recordings,
    "bids": bids,
}
"""The layouts that can be read, by name."""


def list_channels(layout: Layout, root: Path) -> tuple[Channel, ...]:
    """Return the channels of a data set, those that any of its recordings may have."""
    return (
        layout.list_channels(root)
        if isinstance(layout, OpenLayout)
        else (layout.CHANNELS)
    )


def leave_out(subjects: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """Return the subjects but those to leave out; ``9`` leaves out ``09``.

    One that is not there is said and passed over: lists of whom to leave out name
    subjects who have nothing that could be used.

    Raises
    ------
    UserError
        When none is left.
    """
    there = {name.lstrip("0"): name for name in subjects}
    for name in exclude:
        if name.lstrip("0") not in there:
            logger.warning("--exclude %s: there is no such subject", name)
    numbers = [name.lstrip("0") for name in exclude]
    left = [name for number, name in there.items() if number not in numbers]
    if not left:
        raise UserError(f"--exclude {','.join(exclude)}: leaves no subject")
    return left
