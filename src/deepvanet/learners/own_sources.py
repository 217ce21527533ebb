"""Where a person's own learners come from: objects of this process, and files of code.

An object gets a name (:func:`register`), and is then a learner of this process. A file
names itself: ``FILE.py:CLASS`` is what that file calls so. The file is run, with all
that a program of yours may do; other processes run it again.
"""

import hashlib
import importlib.util
import inspect
import pickle
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepvanet.schema import UserError, quote

FILE = re.compile(r"(?P<path>.+\.py):(?P<attribute>[^\W\d]\w*)")
"""The name of a learner of a file."""
_NAME = re.compile(r"[^\W\d][\w.+-]*")


@dataclass(frozen=True)
class OwnSource:
    """What makes a person's own learner.

    Attributes
    ----------
    name : str
        In results.
    thing : object
        A learner, or what makes one.
    digest : str
        Of its code, and of the values that it holds.
    """

    name: str
    thing: Any
    digest: str


_registered: dict[str, OwnSource] = {}
_files: dict[tuple[Path, str], OwnSource] = {}


def is_own(name: str) -> bool:
    """Say whether a learner of that name is a person's own.

    Examples
    --------
    >>> is_own("mine.py:Best"), is_own("network")
    (True, False)
    """
    return name in _registered or FILE.fullmatch(name) is not None


def find_source(name: str) -> OwnSource:
    """Return what makes a person's own learner; runs its file if it was not yet.

    Raises
    ------
    UserError
        When the file cannot be run, or does not have what is named.
    """
    if name in _registered:
        return _registered[name]
    found = FILE.fullmatch(name)
    if found is None:
        raise KeyError(name)
    return _load(name, Path(found["path"]), found["attribute"])


def list_registered(names: Iterable[str]) -> tuple[OwnSource, ...]:
    """Return the sources of those names that are objects of this process."""
    return tuple(_registered[name] for name in names if name in _registered)


def digest_sources(names: Iterable[str]) -> Mapping[str, str]:
    """Return the digest of each name that is a person's own learner."""
    return {name: find_source(name).digest for name in names if is_own(name)}


def register(source: OwnSource) -> None:
    """Make a source known in this process, in place of one of the same name."""
    _registered[source.name] = source


def describe_object(thing: Any) -> OwnSource:
    """Return the source that an object is: its name, and a digest of what it is.

    The name is its attribute ``name`` where it has one, else that of its class, or of
    the function.

    Raises
    ------
    UserError
        When it has no name that can stand in a table.
    """
    is_made = not inspect.isclass(thing) and callable(getattr(thing, "fit", None))
    if not is_made and not callable(thing):
        raise UserError(
            "needs names, objects with a method fit, or functions that make one, got "
            f"a {type(thing).__name__}",
            field="learners",
        )
    usual = type(thing).__name__ if is_made else getattr(thing, "__name__", "")
    name = getattr(thing, "name", usual) if is_made else usual
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(
            "an own learner needs a name of letters, digits, and .+-_, got "
            f"{quote(str(name))}: give it an attribute name",
            field="learners",
        )
    return OwnSource(name, thing, _digest_object(thing))


def _digest_object(thing: Any) -> str:
    code = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    try:
        text = inspect.getsource(code)
    except (OSError, TypeError):  # written where Python keeps no source
        text = f"{code.__module__}.{code.__qualname__}"
    try:
        values = pickle.dumps(getattr(thing, "__dict__", {}), protocol=5)
    except Exception:  # noqa: BLE001  objects raise what they like
        values = b""
    if inspect.isclass(thing) or inspect.isroutine(thing):
        values = b""
    return hashlib.sha256(text.encode() + b"\0" + values).hexdigest()[:16]


def _load(name: str, path: Path, attribute: str) -> OwnSource:
    try:
        code = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"learner {name}: {path} cannot be read: {error.strerror}", field="learners"
        ) from None
    digest = hashlib.sha256(code).hexdigest()[:16]
    key = path.resolve(), attribute
    if key not in _files or _files[key].digest != digest:
        module = _run(name, path, f"deepvanet_own_{path.stem}_{digest}")
        try:
            thing = getattr(module, attribute)
        except AttributeError:
            own = [
                item
                for item, value in vars(module).items()
                if getattr(value, "__module__", "") == module.__name__
            ]
            raise UserError(
                f"learner {name}: {path} has no {attribute}; it has "
                f"{', '.join(own) or 'nothing of its own'}",
                field="learners",
            ) from None
        _files[key] = OwnSource(name, thing, digest)
    found = _files[key]
    return OwnSource(name, found.thing, found.digest)


def _run(name: str, path: Path, module_name: str) -> Any:
    """Run a file as a module, with its folder on the path as for a program."""
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"learner {name}: {path} is no Python file", field="learners")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        said = (str(error).strip() or "nothing").splitlines()[0]
        raise UserError(
            f"learner {name}: {path} cannot be run: {type(error).__name__}: {said}",
            field="learners",
        ) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module
