"""What other packages add: their entry points, found without importing them."""

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from deepvanet.schema import UserError


@cache
def find_plugins(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, sorted; nothing is imported.

    Parameters
    ----------
    group : str
        As ``deepvanet.datasets``.

    Raises
    ------
    UserError
        When two packages add the same name.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        # a package that lies on the path twice says the same twice
        if found.get(point.name, point).value != point.value:
            raise UserError(
                f"plug-in {point.name} of {group}: added by both "
                f"{name_package(found[point.name])} and {name_package(point)}"
            )
        found.setdefault(point.name, point)
    return found


def load_plugin(point: EntryPoint) -> Any:
    """Import what an entry point names.

    Raises
    ------
    UserError
        When it cannot be imported, for any reason.
    """
    try:
        return point.load()
    except Exception as error:
        said = str(error).strip() or type(error).__name__
        raise UserError(
            f"plug-in {point.name} of {name_package(point)}: cannot be loaded: "
            f"{said.splitlines()[0]}"
        ) from error


def name_package(point: EntryPoint) -> str:
    """Return the name of the package that an entry point comes from."""
    return point.dist.name if point.dist else point.module


def resolve(what: str, dotted: str, *, is_own: bool) -> Any:
    """Import what a record names: a module, or something in one.

    Parameters
    ----------
    what : str
        Whose record it is, for the sentence.
    dotted : str
        ``module`` or ``module:attribute``.
    is_own : bool
        Whether it belongs to this package: then an error is a bug, and is not changed.

    Returns
    -------
    Any
        The module, or its attribute.

    Raises
    ------
    UserError
        When another package's cannot be imported.
    """
    module, _, attribute = dotted.partition(":")
    try:
        found = import_module(module)
        return getattr(found, attribute) if attribute else found
    except (ImportError, AttributeError, ValueError) as error:
        if is_own:
            raise
        raise UserError(f"{what}: {dotted} cannot be loaded: {error}") from error
