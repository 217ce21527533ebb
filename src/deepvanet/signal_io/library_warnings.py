"""Warnings of libraries, which become findings with their whole text."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepvanet.findings import report


@contextmanager
def quote_warnings(path: Path, library: str) -> Iterator[None]:
    """Report each warning that is raised in the ``with`` block as a finding.

    Parameters
    ----------
    library : str
        What the sentence calls the one who warns.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(" ".join(str(w.message).split()) for w in caught):
        report("F04", f"{library} says: {text}", source=path)
