"""Install the lowest versions that ``pyproject.toml`` allows: ``make test-oldest``.

    build/oldest/          an environment with them and what tests need
    build/oldest.txt       the versions

They are those of all extras that a user chooses, but of PyTorch, which has none without
CUDA on PyPI: its version is that of ``constraints.txt``. An extra that asks for a newer
NumPy than the package does is left out.
"""

import re
import subprocess
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / "build" / "oldest"
VERSIONS = ROOT / "build" / "oldest.txt"
UV = ROOT / "build" / "lock" / "bin" / "uv"
PYTHON = "3.11"
TESTING = ("beartype", "playwright", "pytest", "pytest-xdist", "setuptools")
"""What tests need of the extra ``dev``."""
LEFT_OUT = ("biopac", "dev", "docs")
"""Extras that are not installed; that of BIOPAC needs NumPy 2.2.3."""
_OF_CUDA = re.compile(r"(nvidia-|cuda-|triton\b)")


def list_requirements() -> Iterator[str]:
    """Yield what the package and its extras ask for, and what tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    yield from project["dependencies"]
    for extra, asked in project["optional-dependencies"].items():
        for text in asked:
            name = re.split(r"[\[<>=]", text)[0]
            chosen = extra not in LEFT_OUT or (extra == "dev" and name in TESTING)
            if chosen and name != "deepvanet":
                yield text


def resolve() -> str:
    """Return the lowest version of each requirement, and what these need."""
    constraints = (ROOT / "constraints.txt").read_text()
    torch = ROOT / "build" / "oldest-torch.txt"
    torch.write_text("".join(re.findall(r"(?m)^torch==.*$", constraints)))
    command = [UV, "pip", "compile", "-", "--resolution", "lowest-direct", "--quiet"]
    command += ["--python-version", PYTHON, "--override", torch]
    done = subprocess.run(
        [*command, "--no-header", "--no-annotate"],
        cwd=ROOT,
        input="\n".join(list_requirements()),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not _OF_CUDA.match(line))


def main() -> None:
    """Make the environment."""
    VERSIONS.write_text(resolve())
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet"]
    for asked in (
        ["--requirement", VERSIONS],
        ["--requirement", "locks/build.txt"],
        ["--no-build-isolation", "--editable", "."],
    ):
        subprocess.run([*pip, "--no-deps", *asked], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
