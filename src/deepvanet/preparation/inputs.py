"""What a subject was made from, and whether that is still so."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class _Input:
    size: int
    changed_ns: int
    sha256: str


def fingerprint(files: Sequence[Path], root: Path) -> Mapping[str, Any]:
    """Return size, time and digest of each file, by its place in the data set."""
    return {
        name: asdict(_Input(path.stat().st_size, path.stat().st_mtime_ns, _hash(path)))
        for path, name in _named(files, root)
    }


def is_current(out: Path, subject: str, files: Sequence[Path], root: Path) -> bool:
    """Return whether a subject was made from these files as they are now.

    Parameters
    ----------
    out : Path
        The store.
    subject : str
        Its folder there.
    files : sequence of Path
        What it would be made from.
    root : Path
        The data set that they belong to.

    Returns
    -------
    bool
        False for a subject that is not in the store.
    """
    record = out / "subjects" / subject / "subject.json"
    if not record.is_file():
        return False
    named = {name: path for path, name in _named(files, root)}
    try:
        made_from = json.loads(record.read_text())["inputs"]
        if made_from.keys() != named.keys():
            return False
        return all(_is_same(path, made_from[name]) for name, path in named.items())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False  # what it was made from is not known


def _named(files: Sequence[Path], root: Path) -> Iterator[tuple[Path, str]]:
    """Name files by their place, seen from the data set, which may be a table."""
    folder = root.parent if root.is_file() else root
    return ((path, Path(os.path.relpath(path, folder)).as_posix()) for path in files)


def _is_same(path: Path, was: Mapping[str, Any]) -> bool:
    now = path.stat()
    if now.st_size != was["size"]:
        return False
    # a copied data set has new times but the same bytes
    return bool(now.st_mtime_ns == was["changed_ns"] or _hash(path) == was["sha256"])


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
