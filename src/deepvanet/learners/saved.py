"""Files of saved learners: what is damaged or of another version ends in a sentence."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from deepvanet.documents import build, read_json
from deepvanet.schema import UserError, quote

T = TypeVar("T")


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a saved learner's files into a sentence.

    Raises
    ------
    UserError
        When a file is missing or does not hold what it should.
    """
    try:
        yield
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError),
        *(RuntimeError, SafetensorError, OverflowError),
    ) as error:
        raise UserError(f"{path}: not a saved learner: {error}") from None


def read_saved(file: Path, known: str, kind: type[T]) -> T:
    """Read a JSON file of a saved learner, of a known format.

    Parameters
    ----------
    file : Path
        The file.
    known : str
        Its format.
    kind : type
        The schema of all else: a dataclass, as ``documents.build`` takes it.

    Raises
    ------
    UserError
        When it is missing, damaged, of another format, or holds another value than its
        schema says.
    """
    try:
        values = read_json(file)
        if not isinstance(values, dict):
            raise UserError(f"needs a table, got {quote(values)}")
        found = values.pop("format", None)
        if found != known:
            raise UserError(f"its format is {quote(found)}, expected {known!r}")
        return build(kind, values)
    except UserError as error:
        raise UserError(f"{file}: not a saved learner: {error}") from None


Layout = Mapping[str, tuple[str, tuple[str | int, ...]]]
"""Of each array the kinds of numbers, as numpy's letters, and its axes: a name that
stands for the same length everywhere, or a length."""


def check_arrays(
    arrays: Mapping[str, NDArray[Any]],
    layout: Layout,
    *,
    may_miss: Collection[str] = (),
    **lengths: int,
) -> None:
    """Compare arrays with what is needed; numbers are finite.

    Parameters
    ----------
    arrays : mapping
        Arrays by name.
    layout : mapping
        What must be there.
    may_miss : collection of str
        Arrays in which NaN says that something is missing.
    **lengths : int
        Of axes that are known before.

    Raises
    ------
    ValueError
        When an array is missing, or of another kind or shape, or not finite.
    """
    for name, (kinds, axes) in layout.items():
        if name not in arrays:
            raise ValueError(f"array {name} is missing")
        array = arrays[name]
        if array.dtype.kind not in kinds or array.ndim != len(axes):
            raise ValueError(
                f"{name} needs {len(axes)} axes of kind {kinds}, got "
                f"{array.dtype} of shape {array.shape}"
            )
        for axis, length in zip(axes, array.shape, strict=True):
            needed = axis if isinstance(axis, int) else lengths.setdefault(axis, length)
            if length != needed:
                raise ValueError(f"{name} needs length {needed}, got {array.shape}")
        is_whole = array.dtype.kind != "f" or name in may_miss
        if not (is_whole or np.isfinite(array).all()):
            raise ValueError(f"{name} holds numbers that are not finite")
