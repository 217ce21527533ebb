"""Files of saved learners: what is damaged or of another version ends in a sentence."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from deepvanet.schema import UserError


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
        *(RuntimeError, SafetensorError),
    ) as error:
        raise UserError(f"{path}: not a saved learner: {error}") from None


def read_saved(file: Path, known: str) -> dict[str, Any]:
    """Read a JSON file of a saved learner, of a known format.

    Raises
    ------
    UserError
        When it is missing, damaged or of another format.
    """
    with refuse_damage(file):
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if values["format"] != known:
            raise ValueError(f"its format is {values['format']!r}, expected {known!r}")
        return values
