"""What other packages add: their entry points, found without importing them."""

from functools import cache
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
