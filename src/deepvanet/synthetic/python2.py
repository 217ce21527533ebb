"""Write arrays as Python 2 pickled them.

DEAP's files are of protocol 2, and are written piece by piece; WESAD's are of
protocol 0, in which the bytes of an array are a line of text with escapes. The
opcodes are those that ``cPickle`` wrote with the numpy of its day: bytes are ``str``,
and the array's maker lives in ``numpy.core``. Python 3's own pickler can write neither,
and would need the whole array in memory.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tree: TypeAlias = Mapping[str, "NDArray[Any] | str | Tree"]
"""Arrays and text by name, and others of its kind."""

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


def write_tree(file: BinaryIO, tree: Tree) -> None:
    """Write arrays, text and dicts of such in protocol 0."""
    file.write(_write_dict(tree) + b".")


def _write_dict(tree: Tree) -> bytes:
    items = (
        _quote(name.encode("ascii")) + _write_item(item) + b"s"
        for name, item in tree.items()
    )
    return b"(d" + b"".join(items)


def _write_item(item: NDArray[Any] | str | Tree) -> bytes:
    if isinstance(item, str):
        return _quote(item.encode("latin-1"))
    return _write_old(item) if isinstance(item, np.ndarray) else _write_dict(item)


def _write_old(array: NDArray[Any]) -> bytes:
    """Return the opcodes of an array in protocol 0."""
    code = f"{array.dtype.kind}{array.dtype.itemsize}".encode("ascii")
    shape = b"".join(b"I%d\n" % length for length in array.shape)
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return b"".join(
        [
            b"cnumpy.core.multiarray\n_reconstruct\n",
            b"(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(" + shape + b"t",
            b"cnumpy\ndtype\n(" + _quote(code) + b"I0\nI1\ntR",
            b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb",
            b"I00\n" + _quote(raw) + b"tb",
        ]
    )


def _quote(raw: bytes) -> bytes:
    """Return the opcode of a string, its bytes escaped as Python 2 did."""
    # the mark in front makes the quotes single ones
    return b"S'" + repr(b'"' + raw)[3:-1].encode("ascii") + b"'\n"


def _string(text: bytes) -> bytes:
    return b"U" + struct.pack("<B", len(text)) + text
