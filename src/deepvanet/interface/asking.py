"""What the functions of the interface are given: paths, and settings by keyword."""

import dataclasses
import os
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from deepvanet.config import (
    CompareSettings,
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    ReportSettings,
    SynthSettings,
    TrainSettings,
)
from deepvanet.files import explain_os_error
from deepvanet.recipes import settle_recipe
from deepvanet.schema import UserError, quote, say_nearest

PathLike: TypeAlias = str | os.PathLike[str]
"""A path as people write it."""

Asked = TypeVar("Asked", EvaluateSettings, TrainSettings)
K = TypeVar("K")
S = TypeVar("S", PrepareSettings, SynthSettings, CompareSettings, ReportSettings)


@contextmanager
def say_os_errors() -> Iterator[None]:
    """Turn what a person can put right about files into a sentence.

    Raises
    ------
    UserError
        When a file cannot be read or written for a reason outside of this package.
    """
    try:
        yield
    except OSError as error:
        sentence = explain_os_error(error)
        if sentence is None:
            raise
        raise UserError(sentence) from error


def read_path(value: object, field: str) -> Path:
    """Return a path that was given as text or as a path.

    Raises
    ------
    UserError
        When it is neither, or empty.
    """
    if not isinstance(value, str | os.PathLike):
        kind = type(value).__name__
        raise UserError(f"needs a path as text or Path, got a {kind}", field=field)
    text = os.fspath(value)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise UserError(f"needs a file or folder, got {quote(str(text))}", field=field)
    return Path(text)


def read_optional_path(value: object, field: str) -> Path | None:
    """Return a path, or None where there is none."""
    return None if value is None else read_path(value, field)


def split_execution(
    asked: Mapping[str, Any], execution: Execution | None
) -> tuple[Execution, dict[str, Any]]:
    """Return where work runs, and the keywords that are about something else.

    Parameters
    ----------
    asked : mapping
        Keywords; those that ``Execution`` has change ``execution``.
    execution : Execution, optional
        One job in this process, without a display, if not given.
    """
    names = {item.name for item in dataclasses.fields(Execution)}
    own = {name: value for name, value in asked.items() if name in names}
    rest = {name: value for name, value in asked.items() if name not in names}
    return dataclasses.replace(execution or Execution(), **own), rest


def settle(settings: S | None, kind: type[S], asked: Mapping[str, Any]) -> S:
    """Return settings with what keywords ask for.

    Raises
    ------
    UserError
        When a keyword is none of theirs, or its value cannot be had.
    """
    base = _check_kind(settings, kind) or kind()
    return dataclasses.replace(base, **_read_values(asked, kind, others=()))


def settle_asked(
    settings: Asked | None, kind: type[Asked], asked: Mapping[str, Any]
) -> Asked:
    """Return settings of ``evaluate`` or ``train``, those of networks among them.

    Keywords are fields of ``kind`` or of ``NetworkSettings``. Where no settings are
    given, others are those of the recipe; ``recipe`` itself is a keyword.

    Parameters
    ----------
    settings : EvaluateSettings or TrainSettings, optional
        What keywords change.
    kind : type
        Of the settings.
    asked : mapping
        Keywords.

    Returns
    -------
    EvaluateSettings or TrainSettings
        Of ``kind``.

    Raises
    ------
    UserError
        When a keyword is none of theirs, its value cannot be had, or a recipe is named
        beside settings.
    """
    of_network = {item.name for item in dataclasses.fields(NetworkSettings)}
    network = {name: value for name, value in asked.items() if name in of_network}
    own = {name: value for name, value in asked.items() if name not in of_network}
    own = _read_values(own, kind, others=of_network)
    network = _read_values(network, NetworkSettings, others=())
    base = _check_kind(settings, kind)
    if base is not None:
        if "recipe" in own:
            raise UserError("cannot be given beside settings", field="recipe")
        whole = own.pop("network", base.network)
        return dataclasses.replace(
            base, network=dataclasses.replace(whole, **network), **own
        )
    if "network" in own:
        return kind(
            **{**own, "network": dataclasses.replace(own["network"], **network)}
        )
    of_recipe = {
        name: own.pop(name) for name in ("baseline", "label_rule") if name in own
    }
    recipe = own.get("recipe", kind().recipe)
    rule, values = settle_recipe(recipe, {**of_recipe, **network})
    return kind(
        label_rule=rule,
        baseline=values.pop("baseline"),
        network=NetworkSettings(**values),
        **own,
    )


def _check_kind(settings: Any, kind: type[K]) -> K | None:
    if settings is None or isinstance(settings, kind):
        return settings
    raise UserError(
        f"needs {kind.__name__}, got {type(settings).__name__}", field="settings"
    )


def _read_values(
    asked: Mapping[str, Any], kind: type, *, others: Iterable[str]
) -> dict[str, Any]:
    """Return keywords as settings take them: names become tuples of names."""
    hints = {item.name: item.type for item in dataclasses.fields(kind)}
    for name in asked:
        if name not in hints:
            known = [*hints, *others]
            raise UserError(
                f"there is no such setting{say_nearest(name, known)}", field=name
            )
    return {name: _read(value, hints[name]) for name, value in asked.items()}


def _read(value: Any, hint: Any) -> Any:
    """Return a value as a field has it; a text of several names is cut at commas."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is not tuple:
        return value
    item = typing.get_args(hint)[0]
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    elif isinstance(value, Integral):
        value = [value]
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        value = tuple(value)
    if isinstance(value, tuple) and item is int:
        return tuple(int(v) if isinstance(v, Integral) else v for v in value)
    return value
