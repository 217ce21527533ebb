"""Read numbers, text, cells and structs of a MATLAB 5 file [1]_, and nothing else.

The threat: AMIGOS is a set of MATLAB files that people pass on. SciPy reads such
files, but believes them: it makes room for as many cells as a file of 192 bytes says
it has, 8 GB and more, and follows cells within cells until the stack overflows, which
ends the process. Neither can be caught from outside once it has begun.

Here what is no array of numbers, text or cells is refused, what is unpacked is
bounded, and no length is believed before its bytes were seen. A struct is read only
where one is asked for (``matlab_parts``).

References
----------
.. [1] The MathWorks. MAT-File Format, version 5.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepvanet.schema import UserError

Value: TypeAlias = NDArray[Any] | str | list[Any] | dict[str, Any]
"""An array, a line of text, the cells of an array in MATLAB's order, or a struct."""

LARGEST = 2**30
"""Bytes that one file may unpack to; a subject of AMIGOS has about a tenth."""
DEEPEST, MOST_CELLS = 2, 1000
"""Cells within cells, and how many of them one array may have."""
DEEPEST_STRUCT, MOST_FIELDS = 4, 100
"""Structs and cells within a struct, and how many fields one may have."""

HEADER = 128
"""Bytes before the first variable."""
MATRIX, COMPRESSED = 14, 15
"""Kinds of elements: a variable, and one that is packed."""
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
CELL, STRUCT = 1, 2
"""Classes of variables that hold others."""
_CHAR, _NUMERIC = 4, range(6, 16)
_COMPLEX = 0x0800
_OTHERS = {
    1: "cells too deep within others",
    2: "a struct",
    3: "an object",
    5: "a sparse matrix",
    16: "a function",
}


class OddFileError(Exception):
    """Why a file cannot be used, without its name."""


def refuse_file(path: Path, error: OddFileError) -> UserError:
    """Return the sentence on a file that cannot be used."""
    return UserError(f"{path}: not a MATLAB file that can be read: {error}")


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
            raise OddFileError(f"it is larger than {LARGEST / 2**30:g} GiB")
        data = path.read_bytes()
        check_header(data[:HEADER])
        return {
            name: read_array(content)
            for name, content in _list_variables(memoryview(data)[HEADER:])
            if name in names
        }
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except OddFileError as error:
        raise refuse_file(path, error) from None


def check_header(header: bytes) -> None:
    """Refuse a file of another kind by its first 128 bytes."""
    if header.startswith(b"MATLAB 7.3"):
        raise OddFileError("it is of version 7.3, save it as version 7")
    if len(header) < HEADER or not header.startswith(b"MATLAB 5.0"):
        raise OddFileError("it does not begin as one of version 5 to 7")
    if header[-2:] != b"IM":
        raise OddFileError("its numbers are not little-endian")


def _list_variables(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    left = LARGEST
    while len(data):
        kind, content, data = split_element(data, is_padded=False)
        if kind == COMPRESSED:
            unpacked = _unpack(content, left)
            left -= len(unpacked)
            kind, content, _ = split_element(memoryview(unpacked))
        if kind != MATRIX:
            raise OddFileError("it holds what is no variable")
        yield _read_name(content), content


def split_element(
    data: memoryview, *, is_padded: bool = True
) -> tuple[int, memoryview, memoryview]:
    """Return the kind and the content of the first element, and what follows it."""
    if len(data) < 8:
        raise OddFileError("it breaks off")
    kind, length = struct.unpack_from("<II", data)
    start, end = 8, 8 + length
    if kind >> 16:  # up to four bytes share the tag's own eight
        kind, length = kind & 0xFFFF, kind >> 16
        start, end = 4, 4 + length
        following = 8
    else:
        # compressed variables follow each other without a gap
        is_packed = kind == COMPRESSED and not is_padded
        following = end if is_packed else end + -length % 8
    if end > len(data) or (start == 4 and length > 4):
        raise OddFileError("it breaks off")
    return kind, data[start:end], data[following:]


def _unpack(packed: memoryview, most: int) -> bytes:
    try:
        unpacked = zlib.decompressobj().decompress(packed, most + 1)
    except zlib.error:
        raise OddFileError("a compressed variable is damaged") from None
    if len(unpacked) > most:
        raise OddFileError(f"it unpacks to more than {LARGEST / 2**30:g} GiB")
    return unpacked


def _read_name(content: memoryview) -> str:
    _, _, rest = split_element(content)
    _, _, rest = split_element(rest)
    _, name, _ = split_element(rest)
    return bytes(name).decode("latin-1")


@dataclass(frozen=True)
class Allowed:
    """What an array may hold: how many within each other, and whether structs."""

    deepest: int = DEEPEST
    structs: bool = False


def read_array(
    content: memoryview, depth: int = 0, *, allowed: Allowed = Allowed()
) -> Value:
    """Return what an element of numbers, text, cells or fields holds.

    Parameters
    ----------
    content : memoryview
        Of the element, without its tag.
    depth : int
        How many arrays it lies within.
    allowed : Allowed
        What it may hold.
    """
    if not len(content):
        return np.empty((0, 0))
    _, flags, rest = split_element(content)
    _, sizes, rest = split_element(rest)
    _, _, rest = split_element(rest)
    if len(flags) < 4 or len(sizes) % 4:
        raise OddFileError("it breaks off")
    word = int(np.frombuffer(flags[:4], "<u4")[0])
    shape = [int(length) for length in np.frombuffer(sizes, "<i4")]
    kind = word & 0xFF
    if len(shape) != 2 or min(shape) < 0 or word & _COMPLEX:
        raise OddFileError("it holds complex numbers, or what is no table")
    if kind == CELL and depth < allowed.deepest:
        return list(_read_cells(rest, math.prod(shape), depth + 1, allowed))
    if kind == STRUCT and allowed.structs and depth < allowed.deepest:
        return _read_struct(rest, shape, depth + 1, allowed)
    if kind == _CHAR:
        return _read_text(rest)
    if kind in _NUMERIC:
        return _read_numbers(rest, shape)
    raise OddFileError(
        f"it holds {_OTHERS.get(kind, 'what is neither number nor text')}"
    )


def _read_cells(
    data: memoryview, count: int, depth: int, allowed: Allowed
) -> Iterator[Value]:
    check_count(count)
    for _ in range(count):
        kind, content, data = split_element(data)
        if kind != MATRIX:
            raise OddFileError("a cell is no array")
        yield read_array(content, depth, allowed=allowed)


def check_count(n_cells: int) -> None:
    """Refuse an array of more cells than a file of recordings has."""
    if n_cells > MOST_CELLS:
        raise OddFileError(f"it holds {n_cells} cells in one array")


def _read_struct(
    data: memoryview, shape: Sequence[int], depth: int, allowed: Allowed
) -> dict[str, Value]:
    check_single(shape)
    _, length, data = split_element(data)
    _, names, data = split_element(data)
    fields = name_fields(bytes(length), bytes(names))
    values = _read_cells(data, len(fields), depth, allowed)
    return dict(zip(fields, values, strict=True))


def check_single(shape: Sequence[int]) -> None:
    """Refuse several structs in one array."""
    if math.prod(shape) != 1:
        raise OddFileError("it holds several structs in one array")


def name_fields(length: bytes, names: bytes) -> list[str]:
    """Return the names of a struct's fields.

    Parameters
    ----------
    length : bytes
        How long a name is, zeros at its end included, as a number of 4 bytes.
    names : bytes
        All names, one after the other.
    """
    step = int.from_bytes(length, "little", signed=True) if len(length) == 4 else 0
    if step < 1 or len(names) % step or len(names) // step > MOST_FIELDS:
        raise OddFileError("the names of its fields cannot be read")
    parts = [names[k : k + step] for k in range(0, len(names), step)]
    fields = [part.split(b"\0")[0].decode("latin-1") for part in parts]
    if len(set(fields)) < len(fields):
        raise OddFileError("two of its fields have one name")
    return fields


def _read_text(data: memoryview) -> str:
    kind, text, _ = split_element(data)
    try:
        return bytes(text).decode(_TEXTS[kind])
    except (KeyError, UnicodeDecodeError):
        raise OddFileError("a text is in no known code") from None


def _read_numbers(data: memoryview, shape: Sequence[int]) -> NDArray[Any]:
    kind, numbers, _ = split_element(data)
    dtype = np.dtype(_NUMBERS.get(kind, "V1"))
    if dtype.kind == "V" or len(numbers) != math.prod(shape) * dtype.itemsize:
        raise OddFileError("an array has more or fewer numbers than its shape")
    return np.frombuffer(numbers, dtype).reshape(shape, order="F")
