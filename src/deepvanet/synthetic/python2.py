"""Write arrays as Python 2 pickled them, protocol 2, piece by piece.

The opcodes are those that ``cPickle`` wrote with the numpy of its day: bytes are
``str``, and the array's maker lives in ``numpy.core``. Python 3's own pickler
can write neither, and would need the whole array in memory.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_PROTOCOL_2 = b"\x80\x02"
_DICT, _MARK, _SET_ITEMS, _STOP = b"}", b"(", b"u", b"."
_MAKE = (
    b"cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R"  # (ndarray, (0,), 'b')
)
_FLOAT64 = (
    b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"  # dtype('f8', 0, 1)
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
_LONGEST = 2**31 - 1
"""Bytes in one Python 2 string, whose length is a signed 32-bit number."""


@dataclass(frozen=True)
class Pieces:
    """A float64 array that is made piece by piece along its first axis."""

    shape: tuple[int, ...]
    pieces: Iterable[NDArray[Any]]


def write_pickle(file: BinaryIO, arrays: Mapping[str, Pieces]) -> None:
    """Write a dict of arrays, holding one piece at a time in memory."""
    file.write(_PROTOCOL_2 + _DICT + _MARK)
    for name, array in arrays.items():
        file.write(_string(name.encode("ascii")))
        _write_array(file, array)
    file.write(_SET_ITEMS + _STOP)


def _write_array(file: BinaryIO, array: Pieces) -> None:
    n_bytes = 8 * int(np.prod(array.shape))
    if n_bytes > _LONGEST:
        raise ValueError(f"{n_bytes} bytes do not fit a Python 2 string")
    shape = b"".join(b"J" + struct.pack("<i", length) for length in array.shape)
    state = _MARK + b"K\x01" + _MARK + shape + b"t" + _FLOAT64 + b"\x89"
    file.write(_MAKE + state + b"T" + struct.pack("<i", n_bytes))
    for piece in array.pieces:
        file.write(np.ascontiguousarray(piece, "<f8").tobytes())
    file.write(b"tb")


def _string(text: bytes) -> bytes:
    return b"U" + struct.pack("<B", len(text)) + text
