"""Learners that are given as objects: each gets a name in this process."""

from collections.abc import Iterable
from typing import Any

from deepvanet.learners import list_learners
from deepvanet.learners.known import LEARNERS
from deepvanet.learners.own_sources import OwnSource, describe_object, register
from deepvanet.schema import UserError


def name_learners(asked: Any) -> Any:
    """Return learners by name; those that are objects are made known in this process.

    Raises
    ------
    UserError
        When one is no learner, or two have one name.
    """
    if isinstance(asked, str):
        return asked
    if not isinstance(asked, Iterable):
        asked = [asked]
    own: dict[str, OwnSource] = {}
    names = []
    for thing in asked:
        if isinstance(thing, str):
            names.append(thing)
            continue
        source = describe_object(thing)
        is_known = any(record.has_name(source.name) for record in LEARNERS.values())
        if is_known or source.name in list_learners():
            raise UserError(
                f"the name {source.name} is that of another learner: give yours an "
                "attribute name",
                field="learners",
            )
        if source.name in own:
            raise UserError(
                f"two are called {source.name}: give each an attribute name",
                field="learners",
            )
        own[source.name] = source
        names.append(source.name)
    for source in own.values():
        register(source)
    return names
