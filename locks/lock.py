"""Write the lock files: every package that ``make install`` takes, with its hashes.

    build.txt          what builds packages: this one, and one that has no wheel
    torch-cpu.txt      PyTorch without CUDA, which is not on PyPI; taken where it lies
    requirements.txt   the package's dependencies, all extras, and the tools
    cuda.txt           what PyTorch from PyPI needs besides, on Linux

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
    "2.13.0": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
}
"""Digests of PyTorch's builds without CUDA for Linux on x86_64, Python 3.11."""
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


def lock_cpu_torch(blocks: Iterable[str]) -> str:
    """Return a lock of the build without CUDA of the version that is in the blocks."""
    (version,) = (block.split()[0][7:] for block in blocks if block[:7] == "torch==")
    if version not in CPU_TORCH:
        raise SystemExit(f"{__file__}: CPU_TORCH lacks the digest of {version}+cpu")
    system = "sys_platform == 'linux' and platform_machine == 'x86_64'"
    return (
        f"torch=={version}+cpu ; {system} and python_version == '3.11' \\\n"
        f"    --hash=sha256:{CPU_TORCH[version]}\n"
    )


def main() -> None:
    """Write the files."""
    extras = ["--extra", "dev", "--extra", "docs"]
    blocks = split_blocks(compile_lock("pyproject.toml", options=extras))
    build = compile_lock("-", text="\n".join(BUILDERS))
    cuda = [block for block in blocks if _OF_CUDA.match(block)]
    files = {
        "build": build,
        "torch-cpu": lock_cpu_torch(blocks),
        "requirements": "".join(block for block in blocks if block not in cuda),
        "cuda": "".join(cuda),
    }
    for name, text in files.items():
        Path(__file__).with_name(f"{name}.txt").write_text(
            f"# Written by `make lock`: do not change by hand.\n{text}"
        )


if __name__ == "__main__":
    main()
