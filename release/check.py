"""Build what is released, and install it where nothing else is: ``make package``.

    build/release/dist/    the wheel and the source distribution
    build/release/EXTRA/   an environment with the wheel and one of its extras

Checked are the metadata (twine), that both hold every file that they should and no
other, and in each environment that its packages agree, that every module of the package
can be imported and that the command answers. ``python release/check.py base page``
installs these only.
"""

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "release"
TOOLS = ("build==1.6.1", "twine==7.0.0")
NOT_RELEASED = (".ci/", ".github/")
WITH_ALL = ("all", "dev")
"""Extras with which every module can be imported."""
BASE = "base"
"""The environment without an extra."""

IMPORT_ALL = """
import importlib, pkgutil, deepvanet
lacks = set()
for module in pkgutil.walk_packages(deepvanet.__path__, "deepvanet."):
    try:
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        lacks.add(error.name)
print(*sorted(lacks))
"""


def run(*command: str | Path) -> str:
    """Run a command in the project's folder; return what it printed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_environment(name: str) -> Path:
    """Make a fresh environment; return its Python."""
    folder = BUILT / name
    venv.create(folder, clear=True, with_pip=True)
    return folder / "bin" / "python"


def build() -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel; check their metadata."""
    python = make_environment("tools")
    run(python, "-m", "pip", "install", "--quiet", *TOOLS)
    dist = BUILT / "dist"
    for old in dist.glob("*"):
        old.unlink()
    run(python, "-m", "build", "--outdir", dist)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    run(python, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel, sdist


def list_tracked() -> set[str]:
    """Return the files of the project under version control."""
    command = ["git", "ls-files", "-z"]
    found = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(filter(None, found.stdout.split("\0")))


def compare(what: str, held: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise unless both are the same files."""
    missing, other = set(wanted) - set(held), set(held) - set(wanted)
    if missing or other:
        raise SystemExit(
            f"{what}: lacks {sorted(missing)}, has besides {sorted(other)}"
        )


def check_wheel(wheel: Path, tracked: set[str]) -> None:
    """Raise unless a wheel holds the package and its description alone."""
    with zipfile.ZipFile(wheel) as held:
        names = {n for n in held.namelist() if ".dist-info/" not in n}
    prefix = "src/"
    wanted = {n.removeprefix(prefix) for n in tracked if n.startswith(prefix)}
    compare(wheel.name, names, wanted)


def check_sdist(sdist: Path, tracked: set[str]) -> None:
    """Raise unless a source distribution holds the project, without what tests it."""
    with tarfile.open(sdist) as held:
        names = {m.name.partition("/")[2] for m in held.getmembers() if m.isfile()}
    wanted = {name for name in tracked if not name.startswith(NOT_RELEASED)}
    compare(sdist.name, names - {"PKG-INFO"}, wanted)


def install(wheel: Path, extra: str) -> None:
    """Install a wheel with one of its extras in a fresh environment, and try it."""
    python = make_environment(extra)
    asked = str(wheel) if extra == BASE else f"{wheel}[{extra}]"
    constraints = ("--constraint", "constraints.txt")
    run(python, "-m", "pip", "install", "--quiet", *constraints, asked)
    run(python, "-m", "pip", "check")
    lacks = run(python, "-I", "-c", IMPORT_ALL).split()
    if lacks and (extra in WITH_ALL or any(n.startswith("deepvanet") for n in lacks)):
        raise SystemExit(f"{extra}: modules lack {', '.join(lacks)}")
    run(python.parent / "deepvanet", "--help")
    print(f"{extra}: installed; of other extras: {', '.join(lacks) or '-'}", flush=True)


def main() -> None:
    """Build, look into what was built, and install it with each extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = sys.argv[1:] or [BASE, *project["optional-dependencies"]]
    wheel, sdist = build()
    tracked = list_tracked()
    check_wheel(wheel, tracked)
    check_sdist(sdist, tracked)
    print(f"{wheel.name}, {sdist.name}: built and checked", flush=True)
    for extra in asked:
        install(wheel, extra)


if __name__ == "__main__":
    main()
