"""Write the lock files: every package that ``make install`` takes, with its hashes.

    build.txt          what builds packages: this one, and one that has no wheel
    requirements.txt   the package's dependencies, all extras, and the tools
    cuda.txt           what PyTorch's CUDA build needs besides, on Linux

Versions are those of ``constraints.txt``, for every system and every Python since
``PYTHON``; hashes are those of all files of a version, by uv. ``make lock`` runs it.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = "3.11.5"
BUILDERS = ("editables", "hatchling", "setuptools")
CPU_TORCH = {
    "2.13.0": ("6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",),
}
"""Digests of PyTorch's builds without CUDA, not on PyPI: Linux, Python 3.11."""
_OF_CUDA = re.compile(r"(nvidia-|cuda-|triton\b)")


def compile_lock(*sources: str, options: Iterable[str] = (), text: str = "") -> str:
    """Return what uv resolves: blocks of a version and its hashes."""
    command = ["uv", "pip", "compile", *sources, *options, "--universal"]
    command += ["--constraint", "constraints.txt", "--python-version", PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def split_blocks(lock: str) -> list[str]:
    """Return the packages of a lock, each with its hashes."""
    return [block for block in re.split(r"(?m)^(?=\S)", lock) if block.strip()]


def add_hashes(block: str) -> str:
    """Add the hashes of the builds that uv does not see."""
    found = re.match(r"torch==(\S+)", block)
    if not found:
        return block
    hashes = [f" \\\n    --hash=sha256:{digest}" for digest in CPU_TORCH[found[1]]]
    return block.rstrip() + "".join(hashes) + "\n"


def main() -> None:
    """Write the files."""
    extras = ["--extra", "dev", "--extra", "docs"]
    blocks = split_blocks(compile_lock("pyproject.toml", options=extras))
    build = compile_lock("-", text="\n".join(BUILDERS))
    cuda = [block for block in blocks if _OF_CUDA.match(block)]
    rest = [add_hashes(block) for block in blocks if block not in cuda]
    files = {"build": build, "requirements": "".join(rest), "cuda": "".join(cuda)}
    for name, text in files.items():
        Path(__file__).with_name(f"{name}.txt").write_text(
            f"# Written by `make lock`: do not change by hand.\n{text}"
        )


if __name__ == "__main__":
    main()
