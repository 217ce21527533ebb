"""Tests that the docstring of every public function is complete.

A function with four or more arguments documents each of them, and what it returns. A
function that raises ``UserError`` says when. ``python tests/test_docstrings.py`` lists
what is missing.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

SOURCE = Path(__file__).parents[1] / "src" / "deepvanet"
MODULES = sorted(
    path
    for path in SOURCE.rglob("*.py")
    if not any(part.startswith("_") for part in path.relative_to(SOURCE).parts)
)
MANY = 4
"""Arguments from which on all are documented."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_functions(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Function]]:
    """Yield public functions, and public methods of public classes, by name."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef):
                for name, method in list_functions(node):
                    yield f"{node.name}.{name}", method
            else:
                yield node.name, node


def list_arguments(function: Function) -> list[str]:
    args = function.args
    more = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    every = [*args.posonlyargs, *args.args, *more, *args.kwonlyargs]
    return [arg.arg for arg in every if arg.arg not in ("self", "cls")]


def list_documented(doc: NumpyDocString) -> list[str]:
    """Return the names of documented parameters; ``a, b : int`` names two."""
    names = ", ".join(item.name for item in doc["Parameters"] + doc["Other Parameters"])
    return [name.strip().lstrip("*") for name in names.split(",") if name.strip()]


def raises_user_error(function: Function) -> bool:
    """Say whether the function itself raises it, and not one inside of it."""
    waiting, found = list(function.body), False
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        raised = node.exc if isinstance(node, ast.Raise) else None
        called = raised.func if isinstance(raised, ast.Call) else raised
        found |= isinstance(called, ast.Name) and called.id == "UserError"
        waiting += ast.iter_child_nodes(node)
    return found


def is_command(function: Function) -> bool:
    """Say whether typer documents its arguments, by a ``help`` for each."""
    return any(
        re.search(r"typer\.|option\(", ast.unparse(arg.annotation))
        for arg in [*function.args.args, *function.args.kwonlyargs]
        if arg.annotation is not None
    )


def returns_something(function: Function) -> bool:
    trivial = ("None", "NoReturn", "Never", "Self")
    return function.returns is not None and ast.unparse(function.returns) not in trivial


def list_missing(function: Function) -> list[str]:
    """Return what the docstring of a function lacks."""
    doc = NumpyDocString(inspect.cleandoc(ast.get_docstring(function) or ""))
    missing = []
    arguments, documented = list_arguments(function), list_documented(doc)
    if unknown := [name for name in documented if name not in arguments]:
        missing.append(f"no such parameter: {', '.join(unknown)}")
    if len(arguments) >= MANY and not is_command(function):
        if silent := [name for name in arguments if name not in documented]:
            missing.append(f"Parameters: {', '.join(silent)}")
        if returns_something(function) and not doc["Returns"] + doc["Yields"]:
            missing.append("Returns")
    raised = [item.type for item in doc["Raises"]]
    if raises_user_error(function) and "UserError" not in raised:
        missing.append("Raises: UserError")
    return missing


def inspect_module(text: str) -> list[str]:
    return [
        f"{function.lineno}: {name}: {item}"
        for name, function in list_functions(ast.parse(text))
        for item in list_missing(function)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_public_functions_are_documented(module):
    assert inspect_module(module.read_text()) == []


def test_an_incomplete_docstring_is_found():
    complete = '''
def add(a: int, b: int, c: int, *, d: int) -> int:
    """Add.

    Parameters
    ----------
    a, b : int
        Two.
    c, d : int
        Two more.

    Returns
    -------
    int
        The sum.

    Raises
    ------
    UserError
        When it is too large.
    """
    raise UserError("too large")
'''
    assert inspect_module(complete) == []
    assert inspect_module(complete.replace("c, d :", "c :")) == [
        "2: add: Parameters: d"
    ]
    silent = complete.replace("Returns\n    -------", "Notes\n    -----")
    assert inspect_module(silent) == ["2: add: Returns"]
    assert inspect_module(complete.replace("    UserError\n", "    ValueError\n")) == [
        "2: add: Raises: UserError"
    ]
    assert inspect_module(complete.replace("a, b :", "a, b, e :")) == [
        "2: add: no such parameter: e"
    ]
    assert MODULES


if __name__ == "__main__":
    for path in MODULES:
        for line in inspect_module(path.read_text()):
            print(f"{path.relative_to(SOURCE.parents[1])}:{line}")  # noqa: T201
