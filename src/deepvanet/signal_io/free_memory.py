"""How much memory there is, and whether what a file claims fits into it."""

import os
from pathlib import Path

from deepvanet.findings import refuse

SHARE = 0.5
"""Of the free memory that the numbers of one file may take."""

_MIB = 1024**2


def find_free_memory() -> int:
    """Return the bytes that can be used now, at most those that a container has."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        fields = (line.split() for line in meminfo.read_text().splitlines())
        sizes = {field[0]: int(field[1]) * 1024 for field in fields}
        free = sizes.get("MemAvailable:", free)
    bounds = [
        Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current")
    ]
    texts = [path.read_text().strip() for path in bounds if path.is_file()]
    if len(texts) == len(bounds) and all(text.isdigit() for text in texts):
        free = min(free, max(int(texts[0]) - int(texts[1]), 0))
    return free


def check_room(path: Path, n_bytes: int) -> None:
    """Raise where the numbers of a file would take too much of the free memory.

    Raises
    ------
    FindingError
        It names both sizes.
    """
    free = find_free_memory()
    if n_bytes > SHARE * free:
        raise refuse(
            "F01",
            f"cannot be read: its numbers would take {n_bytes // _MIB} MiB, "
            f"{free // _MIB} MiB of memory are free",
            source=path,
            cure="cut the file into shorter recordings, or use a machine with more "
            "memory",
        )
