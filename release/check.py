"""Build what is released, and install it where nothing else is: ``make package``.

    build/release/dist/    the wheel and the source distribution
    build/release/EXTRA/   an environment with the wheel and one of its extras, removed
                           once it was tried
    build/release/tried/   what the commands of the environments wrote

Checked are the metadata (twine), that both hold every file that they should and no
other, and in each environment that its packages agree, that every module of the package
can be imported, and that the commands of ``TRIES`` run.
``python release/check.py page`` installs that extra alone, after the two that make what
its commands read.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "release"
TRIED = BUILT / "tried"
TOOLS = ("build==1.6.1", "twine==7.0.0")
NOT_RELEASED = (".ci/", ".github/")
WITH_ALL = ("all", "dev")
"""Extras with which every module can be imported."""
BASE = "base"
"""The environment without an extra."""
MAKES_RECORDINGS = "synth"
"""The extra that is installed first: the commands of others read what it makes."""
PREPARE = "deepvanet prepare deap DEAP --jobs 1 --out"
EVALUATE = "deepvanet evaluate store --streams eeg --permutations 0 --out"
VIDEO = "--video DEAP/face_video/s01/s01_trial01.avi"
TRIES = {
    MAKES_RECORDINGS: ["deepvanet synth deap DEAP --subjects 2 --trials 8 --seconds 2"],
    BASE: [
        f"{PREPARE} store --face yunet",
        f"{EVALUATE} run --learner bandpower-logistic",
        "deepvanet report run --out report",
        "deepvanet train store --out model --streams face --epochs 1",
        f"deepvanet predict model {VIDEO} --out timeline.csv",
    ],
    "dlib": [f"{PREPARE} store-of-dlib --face dlib5"],
    "dlib68": [f"{PREPARE} store-of-dlib68 --face dlib68"],
    "baselines": [f"{EVALUATE} run-of-baselines --learner riemann,trial-logistic"],
    "biopac": ["python -c 'import bioread'"],
    "fer": ["python -c 'import h5py'"],
    "ray": [
        f"{EVALUATE} run-of-ray --learner bandpower-logistic --executor ray",
    ],
    "recordings": ["python -c 'import mne_bids, pyarrow.parquet, pyxdf'"],
    "explain": [f"deepvanet explain model {VIDEO} --out explanation"],
    "page": ["deepvanet serve --help"],
    "all": ["deepvanet demo --help"],
    "docs": ["sphinx-build --version"],
}
"""Commands that must run with an extra, in the order in which they are tried."""

IMPORT_ALL = """
import importlib, pkgutil, re, deepvanet
from deepvanet.schema import UserError
lacks = set()
seen = lambda name: None  # the package itself was tried before what is in it
for module in pkgutil.walk_packages(deepvanet.__path__, "deepvanet.", seen):
    try:
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        lacks.add(error.name)
    except UserError as error:
        said = re.search(r"needs (\\S+), which is not installed", str(error))
        if not said:
            raise
        lacks.add(said[1])
print(*sorted(lacks))
"""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command in a folder; return what it printed."""
    parts = [str(part) for part in command]
    alone = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
    done = subprocess.run(parts, cwd=cwd, env=alone, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(parts)}\n{done.stdout}{done.stderr}")
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
    start = time.monotonic()
    python = make_environment(extra)
    asked = str(wheel) if extra == BASE else f"{wheel}[{extra}]"
    pip = (python, "-m", "pip")
    run(
        *pip,
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
        "constraints.txt",
        asked,
    )
    run(*pip, "check")
    took = time.monotonic() - start
    lacks = run(python, "-I", "-c", IMPORT_ALL).split()
    if lacks and (extra in WITH_ALL or any(n.startswith("deepvanet") for n in lacks)):
        raise SystemExit(f"{extra}: modules lack {', '.join(lacks)}")
    commands = ["deepvanet --version", *TRIES.get(extra, [])]
    for program, *arguments in map(shlex.split, commands):
        run(python.parent / program, *arguments, cwd=TRIED)
    shutil.rmtree(python.parents[1])
    print(
        f"{extra}: installed in {took:.0f} s, {len(commands)} commands ran; "
        f"of other extras: {', '.join(lacks) or '-'}",
        flush=True,
    )


def main() -> None:
    """Build, look into what was built, and install it with each extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = list(project["optional-dependencies"])
    asked = sys.argv[1:] or extras
    if strange := sorted(set(asked) - {BASE, *extras}):
        raise SystemExit(f"no extra of the package: {', '.join(strange)}")
    wheel, sdist = build()
    tracked = list_tracked()
    check_wheel(wheel, tracked)
    check_sdist(sdist, tracked)
    print(f"{wheel.name}, {sdist.name}: built and checked", flush=True)
    shutil.rmtree(TRIED, ignore_errors=True)
    TRIED.mkdir(parents=True)
    for extra in dict.fromkeys([MAKES_RECORDINGS, BASE, *asked]):
        install(wheel, extra)


if __name__ == "__main__":
    main()
