"""Read numbers, text and cells of a MATLAB 5 file [1]_, and nothing else.

The threat: AMIGOS is a set of MATLAB files that people pass on. SciPy reads such
files, but believes them: it makes room for as many cells as a file of 192 bytes says
it has, 8 GB and more, and follows cells within cells until the stack overflows, which
ends the process. Neither can be caught from outside once it has begun.

Here what is no array of numbers, text or cells is refused, what is unpacked is
bounded, and no length is believed before its bytes were seen.

References
----------
.. [1] The MathWorks. MAT-File Format, version 5.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepvanet.schema import UserError

Value: TypeAlias = NDArray[Any] | str | list[Any]
"""An array, a line of text, or the values of a cell array in MATLAB's order."""

LARGEST = 2**30
"""Bytes that one file may unpack to; a subject of AMIGOS has about a tenth."""
DEEPEST, MOST_CELLS = 2, 1000
"""Cells within cells, and how many of them one array may have."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "<i1",
    2: "<u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
}
_TEXTS = {2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_CELL, _CHAR, _NUMERIC = 1, 4, range(6, 16)
_COMPLEX = 0x0800
_OTHERS = {
    1: "cells too deep within others",
    2: "a struct",
    3: "an object",
    5: "a sparse matrix",
    16: "a function",
}


class _OddFileError(Exception):
    """Why a file cannot be used, without its name."""


def load_variables(path: Path, names: Sequence[str]) -> dict[str, Value]:
    """Read the variables of these names that a file holds.

    Raises
    ------
    UserError
        When it cannot be read, is no MATLAB 5 file, or one of them is neither
        numbers nor text nor a cell array of such.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise _OddFileError(f"it is larger than {LARGEST / 2**30:g} GiB")
        data = path.read_bytes()
        _check_header(data[:_HEADER])
        return {
            name: _read_array(content)
            for name, content in _list_variables(memoryview(data)[_HEADER:])
            if name in names
        }
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except _OddFileError as error:
        raise UserError(
            f"{path}: not a MATLAB file that can be read: {error}"
        ) from None


def _check_header(header: bytes) -> None:
    if header.startswith(b"MATLAB 7.3"):
        raise _OddFileError("it is of version 7.3, save it as version 7")
    if len(header) < _HEADER or not header.startswith(b"MATLAB 5.0"):
        raise _OddFileError("it does not begin as one of version 5 to 7")
    if header[-2:] != b"IM":
        raise _OddFileError("its numbers are not little-endian")


def _list_variables(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    left = LARGEST
    while len(data):
        kind, content, data = _split(data, is_padded=False)
        if kind == _COMPRESSED:
            unpacked = _unpack(content, left)
            left -= len(unpacked)
            kind, content, _ = _split(memoryview(unpacked))
        if kind != _MATRIX:
            raise _OddFileError("it holds what is no variable")
        yield _read_name(content), content


def _split(
    data: memoryview, *, is_padded: bool = True
) -> tuple[int, memoryview, memoryview]:
    """Return the kind and the content of the first element, and what follows it."""
    if len(data) < 8:
        raise _OddFileError("it breaks off")
    kind, length = struct.unpack_from("<II", data)
    start, end = 8, 8 + length
    if kind >> 16:  # up to four bytes share the tag's own eight
        kind, length = kind & 0xFFFF, kind >> 16
        start, end = 4, 4 + length
        following = 8
    else:
        # compressed variables follow each other without a gap
        is_packed = kind == _COMPRESSED and not is_padded
        following = end if is_packed else end + -length % 8
    if end > len(data) or (start == 4 and length > 4):
        raise _OddFileError("it breaks off")
    return kind, data[start:end], data[following:]


def _unpack(packed: memoryview, most: int) -> bytes:
    try:
        unpacked = zlib.decompressobj().decompress(packed, most + 1)
    except zlib.error:
        raise _OddFileError("a compressed variable is damaged") from None
    if len(unpacked) > most:
        raise _OddFileError(f"it unpacks to more than {LARGEST / 2**30:g} GiB")
    return unpacked


def _read_name(content: memoryview) -> str:
    _, _, rest = _split(content)
    _, _, rest = _split(rest)
    _, name, _ = _split(rest)
    return bytes(name).decode("latin-1")


def _read_array(content: memoryview, depth: int = 0) -> Value:
    if not len(content):
        return np.empty((0, 0))
    _, flags, rest = _split(content)
    _, sizes, rest = _split(rest)
    _, _, rest = _split(rest)
    if len(flags) < 4 or len(sizes) % 4:
        raise _OddFileError("it breaks off")
    word = int(np.frombuffer(flags[:4], "<u4")[0])
    shape = [int(length) for length in np.frombuffer(sizes, "<i4")]
    kind = word & 0xFF
    if len(shape) != 2 or min(shape) < 0 or word & _COMPLEX:
        raise _OddFileError("it holds complex numbers, or what is no table")
    if kind == _CELL and depth < DEEPEST:
        return list(_read_cells(rest, math.prod(shape), depth + 1))
    if kind == _CHAR:
        return _read_text(rest)
    if kind in _NUMERIC:
        return _read_numbers(rest, shape)
    raise _OddFileError(
        f"it holds {_OTHERS.get(kind, 'what is neither number nor text')}"
    )


def _read_cells(data: memoryview, count: int, depth: int) -> Iterator[Value]:
    if count > MOST_CELLS:
        raise _OddFileError(f"it holds {count} cells in one array")
    for _ in range(count):
        kind, content, data = _split(data)
        if kind != _MATRIX:
            raise _OddFileError("a cell is no array")
        yield _read_array(content, depth)


def _read_text(data: memoryview) -> str:
    kind, text, _ = _split(data)
    try:
        return bytes(text).decode(_TEXTS[kind])
    except (KeyError, UnicodeDecodeError):
        raise _OddFileError("a text is in no known code") from None


def _read_numbers(data: memoryview, shape: Sequence[int]) -> NDArray[Any]:
    kind, numbers, _ = _split(data)
    dtype = np.dtype(_NUMBERS.get(kind, "V1"))
    if dtype.kind == "V" or len(numbers) != math.prod(shape) * dtype.itemsize:
        raise _OddFileError("an array has more or fewer numbers than its shape")
    return np.frombuffer(numbers, dtype).reshape(shape, order="F")
