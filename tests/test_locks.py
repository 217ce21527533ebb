"""Tests that what ``make install`` takes is what the project asks for."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
UNCONSTRAINED = {"colorama", "editables", "psutil", "tomlkit"}
"""What another system than the one of ``constraints.txt`` needs, or a build alone."""


def read_lock(path):
    """Return the requirements of a lock, each with its number of hashes."""
    blocks = re.split(r"(?m)^(?=[^\s#])", path.read_text())
    return [
        (Requirement(block.partition("\\")[0]), block.count("--hash=sha256:"))
        for block in blocks[1:]
    ]


def read_all():
    """Return the locked versions by name."""
    return {
        canonicalize_name(need.name): Version(str(need.specifier)[2:])
        for path in LOCKS
        for need, _ in read_lock(path)
    }


def read_constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_locked_package_has_one_version_and_its_hashes(path):
    lock = read_lock(path)

    assert lock
    for need, n_hashes in lock:
        assert re.fullmatch(r"==[^,*]+", str(need.specifier)), need
        assert n_hashes, need


def test_the_locks_have_the_versions_of_the_constraints():
    locked, constraints = read_all(), read_constraints()

    assert not constraints.keys() - locked.keys()
    differ = [
        name
        for name, version in constraints.items()
        if Version(locked[name].public) != version
    ]
    assert not differ
    of_cuda = {name for name in locked if re.match(r"nvidia-|cuda-|triton$", name)}
    assert locked.keys() - constraints.keys() - of_cuda == UNCONSTRAINED


def test_the_locks_hold_all_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *chain(*project["project"]["optional-dependencies"].values()),
    ]
    locked = read_all()

    for text in asked:
        need = Requirement(text)
        name = canonicalize_name(need.name)
        if name != "deepvanet":
            assert need.specifier.contains(locked[name], prereleases=True), text


def test_the_install_takes_nothing_that_is_not_locked():
    rule = (ROOT / "Makefile").read_text().partition("$(INSTALLED): ")[2]
    commands = rule.partition("\n\n")[0].splitlines()

    installs = [line for line in commands if "pip install" in line]
    assert [line.split("--quiet ")[1] for line in installs] == [
        "--no-deps --no-build-isolation --editable ."
    ]
    assert sum("$(LOCKED)" in line for line in commands) == len(LOCKS)
    assert "--no-deps --no-build-isolation --require-hashes" in (
        (ROOT / "Makefile").read_text()
    )
