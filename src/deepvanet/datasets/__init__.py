"""Recordings as they were downloaded, read into trials, one module a layout."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from deepvanet.datasets import deap
from deepvanet.schema import Trial


class Layout(Protocol):
    """How one data set lies on disk; a module of this package is one.

    Each function raises ``UserError`` for what the user can put right.
    """

    def name_dataset(self, root: Path) -> str:
        """Return what results call the data set of this folder."""

    def list_subjects(self, root: Path) -> list[str]:
        """Return the ids of the subjects found, in order."""

    def read_subject(self, root: Path, subject: str) -> Iterator[Trial]:
        """Check a subject's files, then yield the trials in viewing order."""

    def input_files(self, root: Path, subject: str) -> list[Path]:
        """Return every file that a subject's trials are made of."""


LAYOUTS: Mapping[str, Layout] = {"deap": deap}
"""The layouts that can be read, by name."""
