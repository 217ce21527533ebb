"""Read a pickle that may hold arrays and nothing else.

The threat: DEAP is a set of pickles that people pass on, and unpickling a file can
run any code. An allow-list in ``pickle.Unpickler.find_class`` stops that, but not a
file that claims memory: with NumPy's own names allowed, 34 bytes ask for an array of
any size, and 9 bytes (one memo index) for 32 GB before any name is looked up. It
also returns arrays of objects, lists and sets, which would need checks of their own.

So a file is never unpickled: the readers of :mod:`pickletools` take it apart without
running it, and a stack machine puts together the pieces that NumPy writes for
a dict of arrays. It imports nothing and calls only its own methods; a
name or an opcode that it does not know is refused, and what it builds is
bounded by the size of the file. Of 612 hostile files none ran code, took more memory
or ended the process.

WESAD's pickles hold dicts in dicts, and text. Such a dict may lie three deep, and in
one place only: a dict that holds itself, or that stands in each of a hundred others,
would be walked through without end. They were written with Python 2's oldest
protocol, in which the bytes of an array are a line of text with escapes.
"""

import codecs
import io
import math
import os
import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepvanet.schema import UserError

_Numbers = NDArray[Any]
T = TypeVar("T")
Tree: TypeAlias = Mapping[str, Any]
"""Arrays and text by name, and others of its kind."""

DEEPEST = 3
"""Dicts within each other, the outermost one counted."""

_MAX_OPCODES = 2000  # a dict of two arrays takes about 60, of eleven about 700
_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_MAX_COPIES = 3  # bytes made for each byte of the file; arrays take 2 at most
_LONGEST_REASON = 160  # characters; some quote the file
_CODES = ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
_CONSTANTS = {"NONE": None, "EMPTY_TUPLE": (), "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}


class _Name(Enum):
    """A name that a pickle may mention; it stands for itself."""

    ENCODE = auto()
    DTYPE = auto()
    NDARRAY = auto()
    RECONSTRUCT = auto()
    FROM_BUFFER = auto()


_NAMES: Mapping[str, _Name] = {
    "_codecs encode": _Name.ENCODE,
    "numpy dtype": _Name.DTYPE,
    "numpy ndarray": _Name.NDARRAY,
    "numpy.core.multiarray _reconstruct": _Name.RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": _Name.RECONSTRUCT,
    "numpy.core.numeric _frombuffer": _Name.FROM_BUFFER,
    "numpy._core.numeric _frombuffer": _Name.FROM_BUFFER,
}


@dataclass
class _Dtype:
    value: np.dtype[Any]


@dataclass
class _Array:
    value: _Numbers | None = None


def load_arrays(path: Path) -> dict[str, _Numbers]:
    """Load a dict of numeric arrays that Python 2 or 3 pickled.

    The arrays are views of what was read and cannot be written to.

    Raises
    ------
    UserError
        When the file cannot be read or holds anything else.
    """
    return _load(path, _take_arrays)


def load_tree(path: Path) -> Tree:
    """Load a dict of numeric arrays, text, and dicts of such, ``DEEPEST`` at most.

    The arrays are views of what was read and cannot be written to.

    Raises
    ------
    UserError
        When the file cannot be read or holds anything else.
    """
    return _load(path, lambda held: _take_tree(held, DEEPEST, set()))


def _load(path: Path, take: Callable[[object], T]) -> T:
    try:
        with _Bounded(path.open("rb", buffering=0)) as file:
            size = os.fstat(file.fileno()).st_size
            return take(_Machine(max_bytes=_MAX_COPIES * size).run(file))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        reason = str(error)[:_LONGEST_REASON]
        raise UserError(f"{path}: not a pickle of arrays: {reason}") from None


class _Bounded(io.BufferedReader):
    """A file that is never read past its end, also where a length is wrong."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        return super().read(left if size is None else min(size, left))


def _list_steps(file: _Bounded) -> Iterator[tuple[str, Any]]:
    """Yield the opcodes and their arguments, up to the last one."""
    while code := file.read(1):
        opcode = _OPCODES.get(code.decode("latin-1"))
        if opcode is None:
            raise ValueError(f"at position {file.tell() - 1}, opcode {code!r} unknown")
        if opcode.name == "STRING":
            argument: Any = _read_quoted(file)
        else:
            argument = None if opcode.arg is None else opcode.arg.reader(file)
        yield opcode.name, argument
        if opcode.name == "STOP":
            return
    raise ValueError("pickle exhausted before seeing STOP")


def _read_quoted(file: _Bounded) -> str:
    """Read a string as Python 2 wrote it in protocol 0; pickletools takes ASCII only.

    Each byte becomes the sign of its number.
    """
    line = file.readline()
    text = line.rstrip(b"\n")
    if len(text) < 2 or text[:1] not in (b"'", b'"') or text[-1:] != text[:1]:
        raise ValueError("a string has no quotes around it")
    # escape_decode is what pickle itself uses here; it runs nothing
    raw: bytes = codecs.escape_decode(text[1:-1])[0]
    return raw.decode("latin-1")


class _Machine:
    """Run the opcodes of a pickle of arrays.

    The stack and the memo hold plain values, ``_Name``, and ``_Dtype`` and
    ``_Array``, which a later opcode completes.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._bytes_left = max_bytes
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, file: _Bounded) -> object:
        """Return what the file holds, before it is looked at."""
        try:
            for count, (opcode, argument) in enumerate(_list_steps(file)):
                if count == _MAX_OPCODES:
                    raise ValueError(f"it has more than {_MAX_OPCODES} opcodes")
                self._step(opcode, argument)
            return self._stack.pop()
        except (IndexError, KeyError):
            raise ValueError("its parts do not fit together") from None

    def _step(self, opcode: str, argument: Any) -> None:
        match opcode:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self._marks.append(len(self._stack))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            case "SETITEM":
                _fill(self._stack[-3], self._pop(2))
            case "SETITEMS":
                items = self._pop_to_mark()
                _fill(self._stack[-1], items)
            case "BUILD":
                (state,) = self._pop(1)
                self._complete(self._stack[-1], state)
            case _:
                self._stack.append(self._make(opcode, argument))

    def _make(self, opcode: str, argument: Any) -> object:
        """Return what an opcode pushes, given its argument and the stack."""
        match opcode:
            case _ if opcode in _VALUES:
                return argument
            case _ if opcode in _CONSTANTS:
                return _CONSTANTS[opcode]
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                return tuple(self._pop(int(opcode[-1])))
            case "TUPLE":
                return tuple(self._pop_to_mark())
            case "EMPTY_DICT":
                return {}
            case "DICT":
                return _fill({}, self._pop_to_mark())
            case "GET" | "BINGET" | "LONG_BINGET":
                return self._memo[argument]
            case "GLOBAL":
                return _look_up(argument)
            case "STACK_GLOBAL":
                module, name = self._pop(2)
                return _look_up(f"{_check_text(module)} {_check_text(name)}")
            case "REDUCE":
                return self._call(*self._pop(2))
        raise ValueError(f"refused the opcode {opcode}")

    def _call(self, name: object, arguments: object) -> object:
        match name, arguments:
            # Python 3 writes bytes as text in the older protocols
            case _Name.ENCODE, (str(text), "latin1"):
                self._charge(len(text))
                return text.encode("latin1")
            case _Name.DTYPE, (str(code), int(), int()) if code in _CODES:
                return _Dtype(np.dtype(code))
            case _Name.RECONSTRUCT, (_Name.NDARRAY, (0,), "b" | b"b"):
                return _Array()
            case _Name.FROM_BUFFER, (data, _Dtype(dtype), shape, "C" | "F" as axes):
                return _Array(self._make_array(data, dtype, shape, axes))
            case _Name.DTYPE, (str(code), *_):
                raise ValueError(f"refused the dtype {code[:20]!r}")
        raise ValueError("refused a call that makes no array of numbers")

    def _complete(self, unfinished: object, state: object) -> None:
        match unfinished, state:
            case (
                _Dtype() as dtype,
                (int(), "<" | ">" | "|" as byte_order, None, None, None, -1, -1, 0),
            ):
                dtype.value = dtype.value.newbyteorder(byte_order)
            case _Array() as array, (1, shape, _Dtype(dtype), int(is_fortran), data):
                array.value = self._make_array(
                    data, dtype, shape, "F" if is_fortran else "C"
                )
            case _:
                raise ValueError("refused a state that is no array of numbers")

    def _make_array(
        self,
        data: object,
        dtype: np.dtype[Any],
        shape: object,
        axes: Literal["C", "F"],
    ) -> _Numbers:
        if not isinstance(data, str | bytes | bytearray):
            raise ValueError("refused an array without data")
        self._charge(len(data))
        if not isinstance(shape, tuple) or not all(
            type(n) is int and 0 < n <= len(data) for n in shape
        ):
            raise ValueError("refused a shape that does not fit its data")
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(f"shape {shape} does not fit its {len(data)} bytes")
        raw = data.encode("latin1") if isinstance(data, str) else data
        array = np.frombuffer(raw, dtype).reshape(shape, order=axes)
        array = array.astype(dtype.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array

    def _charge(self, n_bytes: int) -> None:
        self._bytes_left -= n_bytes
        if self._bytes_left < 0:
            raise ValueError("it unfolds to far more than the file holds")

    def _pop(self, n: int) -> list[Any]:
        start = len(self._stack) - n
        if start < 0:
            raise IndexError(start)
        return self._pop_from(start)

    def _pop_to_mark(self) -> list[Any]:
        return self._pop_from(self._marks.pop())

    def _pop_from(self, start: int) -> list[Any]:
        items = self._stack[start:]
        del self._stack[start:]
        return items


def _fill(held: object, items: list[Any]) -> object:
    """Put keys and values, which alternate, into a dict; return it."""
    if not isinstance(held, dict) or len(items) % 2:
        raise ValueError("refused items that are not of a dict")
    for key, value in zip(items[::2], items[1::2], strict=True):
        held[_check_text(key)] = value
    return held


def _look_up(name: str) -> _Name:
    if name not in _NAMES:
        raise ValueError(f"refused to load {name.replace(' ', '.')[:80]!r}")
    return _NAMES[name]


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"refused a name of type {type(value).__name__}")
    return value


def _take_tree(held: object, deepest: int, seen: set[int]) -> Tree:
    if not isinstance(held, dict):
        raise ValueError("it holds no dict")
    if id(held) in seen:
        raise ValueError("refused a dict that stands in two places")
    if not deepest:
        raise ValueError("refused dicts that are too deep within others")
    seen.add(id(held))
    tree: dict[str, NDArray[Any] | str | Tree] = {}
    for key, item in held.items():
        match item:
            case str():
                tree[key] = item
            case dict():
                tree[key] = _take_tree(item, deepest - 1, seen)
            case _Array(value=np.ndarray() as value):
                tree[key] = value
            case _:
                raise ValueError(f"its item {key[:20]!r} is not an array")
    return tree


def _take_arrays(held: object) -> dict[str, _Numbers]:
    if not isinstance(held, dict):
        raise ValueError("it holds no dict")
    arrays = {}
    for key, item in held.items():
        if not isinstance(item, _Array) or item.value is None:
            raise ValueError(f"its item {key[:20]!r} is not an array")
        arrays[key] = item.value
    return arrays
