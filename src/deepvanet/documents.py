"""JSON of others: read with bounds, and compared with a schema before it is used.

A schema is a dataclass, whose fields say by their types what they take, with the bounds
of an ``About``; classes may lie within each other::

    @dataclass(frozen=True)
    class Saved:
        threads: Annotated[int, About("Threads of one fit.", least=1, most=1024)]
        scalings: Mapping[Stream, Numbers]

A document has every field, but those that ``MAY_LACK`` marks, and no other. Numbers are
finite, texts and files bounded.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from deepvanet.fields import MAY_LACK, About, list_hints
from deepvanet.schema import UserError, quote, say_nearest

MOST_BYTES = 2**26
"""Of a file; a bundle of a thousand channels has a hundredth of it."""
MOST_TEXT = 10_000
"""Characters of one text."""
MOST_WHOLE = 2**53
"""Whole numbers up to it are exact in every program that reads JSON."""

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Known:
    """In the type of a text: the texts that it may be."""

    names: tuple[str, ...]


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    UserError
        When it cannot be read, is no JSON, is larger than ``MOST_BYTES``, or is nested
        too deeply.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"has {size} bytes, at most {MOST_BYTES} are read")
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise UserError(f"{path.name} is nested too deeply") from None
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path.name} is no JSON: {error}") from None


def build(kind: type[T], values: Any, *, place: str = "") -> T:
    """Return an instance of a dataclass with the values of a document.

    Parameters
    ----------
    kind : type
        A dataclass: the schema.
    values : Any
        What was read.
    place : str
        Of the values in their document, for sentences.

    Raises
    ------
    UserError
        For the first value that is missing, unknown, or not what its field takes.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> build(make_dataclass("Size", [("width", int)]), {"width": "wide"})
    Traceback (most recent call last):
    deepvanet.schema.UserError: width: needs a whole number, got 'wide'
    """
    if not isinstance(values, dict):
        raise _refuse(place, "a table", values)
    hints = list_hints(kind)
    for name in values:
        if name not in hints:
            raise UserError(
                f"{_join(place, name)}: there is no such key"
                f"{say_nearest(name, list(hints))}"
            )
    found = {}
    for name, hint in hints.items():
        if name not in values and MAY_LACK in getattr(hint, "__metadata__", ()):
            continue
        if name not in values:
            raise UserError(f"{_join(place, name)}: is missing")
        found[name] = _read(hint, values[name], _join(place, name))
    try:
        return kind(**found)
    except UserError as error:  # what a class checks itself
        raise UserError(f"{_join(place, error.field)}: {error.sentence}") from None


def _read(hint: Any, value: Any, place: str) -> Any:
    if type(hint) is type and hint in _READERS:  # most are, of a long document
        return _READERS[hint](value, place)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        found = _read(parts[0], value, place)
        for said in hint.__metadata__:
            if isinstance(said, Known):
                _pick(found, said.names, place)
            _check_bounds(found, said, place)
        return found
    if origin is Literal:
        return _pick(value, parts, place)
    if origin in (types.UnionType, typing.Union):
        if value is None and types.NoneType in parts:
            return None
        for part in parts:
            if typing.get_origin(part) is Literal and value in typing.get_args(part):
                return value
        return _read(next(p for p in parts if p is not types.NoneType), value, place)
    if origin is tuple:
        return _read_list(parts[0], value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _read_table(parts, value, place)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast("type[Any]", hint), value, place=place)
    if issubclass(hint, Enum):
        return hint(_pick(value, [str(member) for member in hint], place))
    return _READERS[hint](value, place)


def _read_list(hint: Any, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _refuse(place, "a list", value)
    return tuple(_read(hint, item, f"{place}[{k}]") for k, item in enumerate(value))


def _read_table(hints: tuple[Any, ...], value: Any, place: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _refuse(place, "a table", value)
    return {
        _read(hints[0], name, place): _read(hints[1], item, _join(place, name))
        for name, item in value.items()
    }


def _read_whole(value: Any, place: str) -> int:
    if type(value) is not int or abs(value) > MOST_WHOLE:
        raise _refuse(place, "a whole number", value)
    return value


def _read_number(value: Any, place: str) -> float:
    is_number = type(value) is float or (
        type(value) is int and abs(value) <= MOST_WHOLE
    )
    if not is_number or not math.isfinite(value):
        raise _refuse(place, "a finite number", value)
    return float(value)


def _read_text(value: Any, place: str) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise _refuse(place, f"text of at most {MOST_TEXT} characters", value)
    return value


def _read_truth(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(place, "true or false", value)
    return value


def _read_anything(value: Any, _place: str) -> Any:
    return value


_READERS: Mapping[Any, Any] = {
    int: _read_whole,
    float: _read_number,
    str: _read_text,
    bool: _read_truth,
    Any: _read_anything,
}


def _check_bounds(value: Any, about: Any, place: str) -> None:
    if not isinstance(about, About) or value is None:
        return
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, str):
            continue
        if about.least is not None and item < about.least:
            raise _refuse(place, f"{about.least:g} or more", item)
        if about.most is not None and item > about.most:
            raise _refuse(place, f"{about.most:g} or less", item)


def _pick(value: Any, known: Sequence[Any], place: str) -> Any:
    if not isinstance(value, str) or value not in known:
        raise _refuse(place, f"one of {', '.join(map(str, known))}", value)
    return value


def _refuse(place: str, expected: str, value: Any) -> UserError:
    what = f"needs {expected}, got {quote(value)}"
    return UserError(f"{place}: {what}" if place else what)


def _join(place: str, name: object) -> str:
    shown = str(name) if str(name).isidentifier() else quote(name)
    return f"{place}.{shown}" if place else shown


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
