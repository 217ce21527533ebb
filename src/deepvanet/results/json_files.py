"""Plain values as JSON files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepvanet.files import write_text
from deepvanet.schema import UserError


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values as JSON."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object of plain values, or raise ``UserError``.

    Raises
    ------
    UserError
        When the file cannot be read, is not JSON, or holds no object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected an object, got {type(values).__name__}")
    return values
