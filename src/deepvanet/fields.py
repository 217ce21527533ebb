"""What a field of settings is, what it may be, and settings as plain values.

A field's type says what it may be, and an ``About`` in it what a person should know::

    epochs: Annotated[int, About("Passes of training.", least=1)] = 50

A value that a field does not take ends in a ``UserError`` that names the field,
whether it comes from a file, from Python or from the command line.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Literal

from deepvanet.schema import UserError, say_nearest

MAY_LACK = "may be lacking"
"""In the type of a field that has a default: a document may do without it."""


@dataclass(frozen=True)
class About:
    """What a person should know of a setting, and the bounds of a number.

    Attributes
    ----------
    help : str
        For the command line: one sentence, or two.
    least, most : int | float | None
        The bounds, which belong to it.
    shown : str
        What help shows in place of the default value.
    metavar : str
        What stands for a value, as ``HOST:PORT``.
    """

    help: str
    least: int | float | None = None
    most: int | float | None = None
    shown: str = ""
    metavar: str = ""


class CheckedSettings:
    """Settings whose values are checked when they are made."""

    __no_type_check__ = True  # by tests: what is wrong is said to a person here

    def __post_init__(self) -> None:
        for name, hint in list_hints(type(self)).items():
            _check(name, getattr(self, name), hint)


def find_about(kind: type, name: str) -> About:
    """Return what is said of a field."""
    metadata = list_hints(kind)[name].__metadata__
    return next(item for item in metadata if isinstance(item, About))


def list_hints(kind: type) -> dict[str, Any]:
    """Return the type of each field, with its ``About``."""
    return {item.name: item.type for item in dataclasses.fields(kind)}


def _check(name: str, value: Any, hint: Any) -> None:
    """Raise ``UserError`` for a value that a field does not take."""
    about = None
    if typing.get_origin(hint) is Annotated:
        hint, *said = typing.get_args(hint)
        about = next((item for item in said if isinstance(item, About)), None)
    if not _is_one(value, hint):
        known = _list_choices(hint)
        if known:
            raise UserError(f"unknown {value!r}{say_nearest(value, known)}", field=name)
        raise UserError(f"needs {_describe(hint)}, got {value!r}", field=name)
    if about is not None:
        for item in value if isinstance(value, tuple) else (value,):
            _check_bounds(name, item, about)


def _list_choices(hint: Any) -> list[str]:
    """Return the names that a field may have; none where it is no name."""
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return list(parts)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return [name for part in parts for name in _list_choices(part)]
    return []


def _check_bounds(name: str, value: Any, about: About) -> None:
    least, most = about.least, about.most
    if value is None or isinstance(value, str):
        return
    if least is not None and not value >= least:
        bounds = f"{least:g} or more" if most is None else f"{least:g} to {most:g}"
        raise UserError(f"must be {bounds}, got {value}", field=name)
    if most is not None and not value <= most:
        raise UserError(f"must be {least:g} to {most:g}, got {value}", field=name)


_KINDS: Mapping[Any, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "text"),
    types.NoneType: (types.NoneType, "nothing"),
}


def _is_one(value: Any, hint: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in parts
    if origin in (types.UnionType, typing.Union):
        return any(_is_one(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(_is_one(v, parts[0]) for v in value)
    kind = _KINDS.get(hint, (hint, ""))[0]
    return isinstance(value, kind) and (hint is bool or not isinstance(value, bool))


def _describe(hint: Any) -> str:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return f"a list, each {_describe(parts[0])}"
    if parts:
        return " or ".join(map(_describe, parts))
    return _KINDS[hint][1] if hint in _KINDS else str(hint.__name__)
