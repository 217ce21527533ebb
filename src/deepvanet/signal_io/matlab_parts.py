"""Read one part of a large struct of a MATLAB 5 file, without the others in memory.

DREAMER is one file with one struct that unpacks to 2 GB. A part is named by the way to
it: the name of a field, or the place of a cell. What lies before it is unpacked and
thrown away, a megabyte at a time; what lies behind it is not looked at. As in
``matlab_arrays``, no length is believed before its bytes were seen.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from deepvanet.schema import UserError
from deepvanet.signal_io.matlab_arrays import (
    CELL,
    COMPRESSED,
    DEEPEST_STRUCT,
    HEADER,
    MATRIX,
    STRUCT,
    Allowed,
    OddFileError,
    Value,
    check_count,
    check_header,
    check_single,
    name_fields,
    read_array,
    refuse_file,
)

LARGEST_PART = 2**28
"""Bytes of a part; a subject of DREAMER has about a third."""
LONGEST_SKIP = 2**32
"""Bytes that may be unpacked and thrown away; lengths have 32 bits."""
LONGEST_NAME = 2**16
"""Bytes of the names of a variable, or of all fields."""

_PIECE = 2**20
_TAG = 8
_ALLOWED = Allowed(DEEPEST_STRUCT, structs=True)

Step = str | int
"""The name of a field, or the place of a cell, from 0."""


@runtime_checkable
class _Source(Protocol):
    """Bytes of a variable, in order."""

    def read(self, n: int) -> bytes:
        """Return so many bytes, or fewer where they end."""


class _Packed:
    """Bytes that are unpacked as they are asked for."""

    def __init__(self, file: BinaryIO, n_packed: int) -> None:
        self._file, self._left = file, n_packed
        self._unpacker = zlib.decompressobj()

    def read(self, n: int) -> bytes:
        """Return so many bytes, or fewer where they end."""
        pieces: list[bytes] = []
        while n:
            waiting = self._unpacker.unconsumed_tail or self._read_packed()
            if not waiting:
                break
            try:
                piece = self._unpacker.decompress(waiting, n)
            except zlib.error:
                raise OddFileError("a compressed variable is damaged") from None
            pieces.append(piece)
            n -= len(piece)
        return b"".join(pieces)

    def _read_packed(self) -> bytes:
        packed = self._file.read(min(_PIECE, self._left))
        self._left -= len(packed)
        return packed


@dataclass(frozen=True)
class _Head:
    """How an array begins.

    Attributes
    ----------
    kind : int
        Its class.
    """

    kind: int
    shape: tuple[int, ...]
    name: str


def load_part(path: Path, name: str, steps: Sequence[Step]) -> Value:
    """Read a part of a variable: a struct as a dict, cells as a list.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Of the variable.
    steps : sequence of str or int
        The way to the part.

    Raises
    ------
    UserError
        When the file cannot be read, has no such part, or the part holds anything
        but numbers, text, cells and structs.
    """
    with _open_variable(path, name) as source:
        for step in steps:
            _go(source, _read_head(source), step)
        kind, length = _read_tag(source)
        if kind != MATRIX or length > LARGEST_PART:
            raise OddFileError("a part of it is no array, or is too large")
        return read_array(memoryview(_take(source, length)), allowed=_ALLOWED)


def count_cells(path: Path, name: str, steps: Sequence[Step]) -> int:
    """Return how many cells a part of a variable has.

    Raises
    ------
    UserError
        When the file cannot be read, or has no such cells.
    """
    with _open_variable(path, name) as source:
        for step in steps:
            _go(source, _read_head(source), step)
        head = _read_head(source)
        if head.kind != CELL:
            raise OddFileError(f"{_name_part(name, steps)} is no cell array")
        check_count(math.prod(head.shape))
        return math.prod(head.shape)


@contextmanager
def _open_variable(path: Path, name: str) -> Iterator[_Source]:
    """Yield a variable from its tag on; name the file in what is said of it."""
    try:
        with path.open("rb") as file:
            check_header(file.read(HEADER))
            yield _find_variable(file, name)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except OddFileError as error:
        raise refuse_file(path, error) from None


def _find_variable(file: BinaryIO, name: str) -> _Source:
    found = []
    while tag := file.read(_TAG):
        if len(tag) < _TAG:
            raise OddFileError("it breaks off")
        kind, length = struct.unpack("<II", tag)
        start = file.tell()
        if kind not in (MATRIX, COMPRESSED):
            raise OddFileError("it holds what is no variable")
        if kind == MATRIX:
            file.seek(start - _TAG)
        head = _read_head(file if kind == MATRIX else _Packed(file, length))
        if head.name == name:
            file.seek(start - _TAG if kind == MATRIX else start)
            return file if kind == MATRIX else _Packed(file, length)
        found.append(head.name[:20])
        file.seek(start + length + (-length % 8 if kind == MATRIX else 0))
    listed = ", ".join(found[:6]) or "none"
    raise OddFileError(f"its variable {name} is missing, got {listed}")


def _go(source: _Source, head: _Head, step: Step) -> None:
    """Go to a field of a struct, or to a cell; what lies before it is passed over."""
    if isinstance(step, str):
        if head.kind != STRUCT:
            raise OddFileError(f"it has no struct that could hold {step}")
        check_single(head.shape)
        fields = name_fields(_read_small(source), _read_small(source))
        if step not in fields:
            listed = ", ".join(fields[:8]) or "none"
            raise OddFileError(f"its field {step} is missing, got {listed}")
        n_before = fields.index(step)
    else:
        if head.kind != CELL or not 0 <= step < math.prod(head.shape):
            raise OddFileError(f"it has no cell {step + 1}")
        check_count(math.prod(head.shape))
        n_before = step
    for _ in range(n_before):
        kind, length = _read_tag(source)
        if kind != MATRIX:
            raise OddFileError("a cell is no array")
        _skip(source, length)


def _read_head(source: _Source) -> _Head:
    kind, _ = _read_tag(source)
    if kind != MATRIX:
        raise OddFileError("it holds what is no variable")
    flags, sizes, name = (_read_small(source) for _ in range(3))
    if len(flags) < 4 or len(sizes) % 4:
        raise OddFileError("it breaks off")
    shape = struct.unpack(f"<{len(sizes) // 4}i", sizes)
    if len(shape) != 2 or min(shape) < 0:
        raise OddFileError("it holds complex numbers, or what is no table")
    return _Head(flags[0], shape, name.decode("latin-1"))


def _read_small(source: _Source) -> bytes:
    """Return what an element holds that describes others."""
    tag = _take(source, _TAG)
    kind, length = struct.unpack("<II", tag)
    if kind >> 16:  # up to four bytes share the tag's own eight
        length = kind >> 16
        if length > 4:
            raise OddFileError("it breaks off")
        return tag[4 : 4 + length]
    if length > LONGEST_NAME:
        raise OddFileError("its names or sizes cannot be read")
    return _take(source, length + -length % 8)[:length]


def _read_tag(source: _Source) -> tuple[int, int]:
    kind, length = struct.unpack("<II", _take(source, _TAG))
    return kind, length


def _take(source: _Source, n: int) -> bytes:
    """Return so many bytes; a piece at a time, so that no length is believed."""
    pieces = []
    while n:
        piece = source.read(min(n, _PIECE))
        if not piece:
            raise OddFileError("it breaks off")
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)


def _skip(source: _Source, n: int) -> None:
    n += -n % 8
    if n > LONGEST_SKIP:
        raise OddFileError("it breaks off")
    while n:
        piece = source.read(min(n, _PIECE))
        if not piece:
            raise OddFileError("it breaks off")
        n -= len(piece)


def _name_part(name: str, steps: Sequence[Step]) -> str:
    return ".".join([name, *map(str, steps)])
