"""What an XDF file claims, compared with what it has, before its samples are read.

A file is a row of chunks, each with its length; pyxdf makes room for as many numbers
as a header claims. The format is that of [1]_.

References
----------
.. [1] https://github.com/sccn/xdf/wiki/Specifications
"""

import gzip
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MAGIC, GZIP = b"XDF:", b"\x1f\x8b"
MOST_UNPACKED = 300  # times the size of a file that is packed
_HEADER, _SAMPLES = 2, 3
_SIZES = {
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "float32": 4,
    "int64": 8,
    "double64": 8,
    "string": 2,  # at the least: the length of its length, and its length
}
_COUNT = re.compile(rb"<channel_count>\s*(-?\d+)\s*</channel_count>")
_FORMAT = re.compile(rb"<channel_format>\s*(\w+)\s*</channel_format>")
_NAME = re.compile(rb"<name>(.*?)</name>", re.DOTALL)


def check_chunks(path: Path) -> None:
    """Compare the numbers of channels and samples with the bytes that are there.

    Raises
    ------
    ValueError
        When the file is no XDF, or claims more than it has.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == GZIP:
        with gzip.open(path, "rb") as unpacked:
            _check(unpacked, MOST_UNPACKED * size)
    else:
        with path.open("rb") as file:
            _check(file, size)


def _check(file: IO[bytes] | gzip.GzipFile, most: int) -> None:
    if file.read(4) != MAGIC:
        raise ValueError("not a file in XDF")
    row: dict[int, int] = {}
    for tag, length, begin in _list_chunks(file, most):
        number = struct.unpack("<I", begin[:4])[0] if len(begin) >= 4 else -1
        if tag == _HEADER:
            row[number] = _measure_row(begin[4:], length)
        elif tag == _SAMPLES and number in row:
            n_samples = _read_length(begin[4:])
            if n_samples * row[number] > length:
                raise ValueError(
                    f"a chunk of {length} bytes claims {n_samples} samples of "
                    f"{row[number]} bytes"
                )


def _list_chunks(
    file: IO[bytes] | gzip.GzipFile, most: int
) -> Iterator[tuple[int, int, bytes]]:
    """Yield the tag and length of each chunk, and its content or how that begins."""
    while begin := file.read(1):
        width = begin[0]
        length = int.from_bytes(file.read(width), "little") if width in (1, 4, 8) else 0
        tag = int.from_bytes(file.read(2), "little")
        if length < 2 or file.tell() + length - 2 > most:
            return  # it is damaged or cut off here, which pyxdf says
        there = length - 2
        content = file.read(there if tag == _HEADER else min(there, 16))
        yield tag, there, content
        file.seek(there - len(content), 1)


def _measure_row(header: bytes, length: int) -> int:
    """Return the bytes of one sample of all channels, as a header claims them."""
    count, kind = _COUNT.search(header), _FORMAT.search(header)
    n_channels = int(count[1]) if count else 0
    name = _NAME.search(header)
    said = name[1].decode("utf-8", "replace") if name else ""
    if not 0 <= n_channels <= 100_000:
        raise ValueError(
            f"stream {said!r} claims {n_channels} channels in a header of {length} "
            "bytes"
        )
    return n_channels * _SIZES.get(kind[1].decode() if kind else "", 1)


def _read_length(content: bytes) -> int:
    width = content[0] if content else 0
    return int.from_bytes(content[1 : 1 + width], "little")
