"""Elements of a MATLAB 5 file, so that a large struct is written part by part.

SciPy writes a variable at once, and needs all of it in memory.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.files import whole_file

HEADER = b"MATLAB 5.0 MAT-file, made by deepvanet synth".ljust(116) + bytes(8)
_ENDING = b"\x00\x01IM"
_LONGEST_FIELD = 32
_CELL, _STRUCT, _CHAR, _DOUBLE = 1, 2, 4, 6
_INT8, _INT32, _UINT32, _FLOAT64, _MATRIX, _COMPRESSED, _UTF8 = 1, 5, 6, 9, 14, 15, 16
_PIECE = 2**20


def make_numbers(values: NDArray[Any]) -> bytes:
    """Return an array of float64."""
    raw = np.asarray(values, "<f8").tobytes(order="F")
    return _make_matrix(_DOUBLE, values.shape, _make_element(_FLOAT64, raw))


def make_text(text: str) -> bytes:
    """Return a line of ASCII."""
    return _make_matrix(
        _CHAR, (1, len(text)), _make_element(_UTF8, text.encode("ascii"))
    )


def make_cells(cells: Sequence[bytes], *, is_row: bool = False) -> bytes:
    """Return an array of cells, a column or a row of them."""
    shape = (1, len(cells)) if is_row else (len(cells), 1)
    return _make_matrix(_CELL, shape, b"".join(cells))


def make_struct(fields: Mapping[str, bytes]) -> bytes:
    """Return a struct of arrays that were made before."""
    return _make_matrix(
        _STRUCT, (1, 1), _name_fields(fields) + b"".join(fields.values())
    )


def write_struct(
    path: Path,
    name: str,
    field: str,
    parts: Sequence[Path],
    others: Mapping[str, bytes],
) -> None:
    """Write a file of one struct whose first field is a row of cells that lie in files.

    Parameters
    ----------
    path : Path
        The file.
    name, field : str
        Of the variable, and of its first field.
    parts : sequence of Path
        Files, each with what one cell holds; one at a time is in memory.
    others : mapping
        The other fields, which follow.
    """
    n_bytes = sum(part.stat().st_size for part in parts)
    cells = _begin_matrix(_CELL, (1, len(parts)), n_bytes)
    rest = b"".join(others.values())
    names = _name_fields([field, *others])
    n_inner = len(names) + len(cells) + n_bytes + len(rest)
    start = _begin_matrix(_STRUCT, (1, 1), n_inner, name=name) + names + cells
    pieces: list[bytes | Path] = [start, *parts, rest]
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        file.write(HEADER + _ENDING + struct.pack("<II", _COMPRESSED, 0))
        n_packed = 0
        for piece in _pack(_read_each(pieces)):
            n_packed += file.write(piece)
        file.seek(len(HEADER) + len(_ENDING))
        file.write(struct.pack("<II", _COMPRESSED, n_packed))


def _read_each(pieces: Iterable[bytes | Path]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.read_bytes() if isinstance(piece, Path) else piece


def _pack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1)
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield packer.compress(piece[start : start + _PIECE])
    yield packer.flush()


def _make_matrix(kind: int, shape: tuple[int, ...], content: bytes) -> bytes:
    return _begin_matrix(kind, shape, len(content)) + content


def _begin_matrix(
    kind: int, shape: tuple[int, ...], n_bytes: int, *, name: str = ""
) -> bytes:
    """Return all of an array but its content, of which the length is known."""
    flags = _make_element(_UINT32, struct.pack("<II", kind, 0))
    sizes = _make_element(_INT32, struct.pack(f"<{len(shape)}i", *shape))
    head = flags + sizes + _make_element(_INT8, name.encode("ascii"))
    return struct.pack("<II", _MATRIX, len(head) + n_bytes) + head


def _name_fields(fields: Iterable[str]) -> bytes:
    # MATLAB keeps this length in the four bytes that a tag has left
    length = struct.pack("<HHi", _INT32, 4, _LONGEST_FIELD)
    names = [field.encode("ascii").ljust(_LONGEST_FIELD, b"\0") for field in fields]
    return length + _make_element(_INT8, b"".join(names))


def _make_element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)
