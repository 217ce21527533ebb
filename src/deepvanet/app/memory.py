"""How much memory this machine can still give to a worker."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from deepvanet.app.limits import Limits

_KERNEL = Path("/proc/meminfo")
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")
_FILES = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""The bound and the use of a control group, of version 2 and version 1."""


def bound_memory(limits: Limits) -> None:
    """Let this process take a share of what is free, and no more than it may."""
    share = int(measure_free_memory() * limits.memory_share / limits.running)
    most = share if limits.memory_bytes is None else limits.memory_bytes
    _, allowed = resource.getrlimit(resource.RLIMIT_DATA)
    if allowed != resource.RLIM_INFINITY:
        most = min(most, allowed)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def measure_free_memory() -> int:
    """Return the bytes that are free on this machine, or in its container if fewer.

    Where the kernel does not say what is free, all of the machine's memory counts.
    """
    return min([_read_available(), *_read_groups()])


def _read_available() -> int:
    try:
        lines = _KERNEL.read_text().splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    said = {name: rest.split() for name, _, rest in (ln.partition(":") for ln in lines)}
    return int(said.get("MemAvailable", said["MemFree"])[0]) * 1024


def _read_groups() -> Iterator[int]:
    """Yield what each control group around this process leaves free."""
    try:
        lines = _GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            yield from _read_group(_ROOT / controllers / group)


def _read_group(folder: Path) -> Iterator[int]:
    for bound, use in _FILES:
        try:
            most, used = ((folder / name).read_text().strip() for name in (bound, use))
        except OSError:
            continue
        if most.isdecimal():
            yield max(0, int(most) - int(used) + _read_cache(folder))


def _read_cache(folder: Path) -> int:
    """Return the bytes of files that the kernel gives up when memory is needed."""
    try:
        lines = (folder / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    said = dict(line.split(" ", 1) for line in lines if " " in line)
    return int(said.get("total_inactive_file", said.get("inactive_file", "0")))
