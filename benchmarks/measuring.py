"""Time calls in turn, or in processes of their own, and show what came out."""

import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

MEGABYTE = 2**20
FASTER_KINDS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
"""What a processor may have that decides how fast it multiplies."""

Call = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    values : list of float
        One a repetition.
    unit : str
        What a value is, as the table says it.
    beside : str
        The numbers behind the ratio.
    """

    what: str
    values: list[float]
    unit: str
    goal: str = ""
    beside: str = ""

    @property
    def median(self) -> float:
        """The middle of the repetitions."""
        return statistics.median(self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        spread = {"median": self.median, "min": min(self.values)}
        return {**vars(self), **spread, "max": max(self.values)}


def take_turns(
    *calls: Call, repeats: int, clock: Callable[[], float] = time.process_time
) -> list[list[float]]:
    """Time the calls in turn, each once unmeasured first.

    Returns
    -------
    list
        Of each call, the seconds of every repetition.
    """
    for call in calls:
        call()
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, taken in zip(calls, seconds, strict=True):
            start = clock()
            call()
            taken.append(clock() - start)
    return seconds


def measure_apart(work: Call, *, repeats: int) -> tuple[list[float], list[float]]:
    """Return the seconds and megabytes of work in fresh processes."""
    context = multiprocessing.get_context("spawn")
    measured = []
    for _ in range(repeats):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            measured.append(pool.submit(_measure_here, work).result())
    seconds, megabytes = zip(*measured, strict=True)
    return list(seconds), list(megabytes)


def _measure_here(work: Call) -> tuple[float, float]:
    before = _read_memory("VmRSS")
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return seconds, max(0.0, _read_memory("VmHWM") - before)


def _read_memory(name: str) -> float:
    """Return megabytes that this process holds (VmRSS), or held at most (VmHWM).

    Not ``resource.getrusage``: its peak is handed down from the parent process.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(name))
    return int(kilobytes) * 1024 / MEGABYTE


def run_command(*words: str) -> tuple[float, float]:
    """Run a command of the package; return its seconds by the clock and of a core."""
    main = "import sys; from deepvanet.cli import main; sys.exit(main())"
    start = time.perf_counter(), _children_s()
    subprocess.run(
        [sys.executable, "-c", main, *words], check=True, capture_output=True
    )
    return time.perf_counter() - start[0], _children_s() - start[1]


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def describe_machine() -> dict[str, Any]:
    """Say what was measured on, and with what."""
    return {
        "processor": _read_processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "commit": _read_commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("deepvanet", "torch", "numpy", "av")},
        },
    }


def _read_processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = {}
    for line in lines:
        name, _, value = line.partition(":")
        named[name.strip()] = value.strip()
    can = [kind for kind in FASTER_KINDS if kind in named.get("flags", "").split()]
    return f"{named.get('model name', platform.machine())} ({', '.join(can)})"


def _read_commit() -> str:
    asked = ("git", "rev-parse", "--short", "HEAD")
    here = Path(__file__).parent
    said = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else "none"


def plot_table(rows: Sequence[Row], before: Mapping[str, float]) -> str:
    """Return a table in Markdown; ``before`` has the medians of another run."""
    head = ["what", "median (least to most)", "goal", "behind it", "before"]
    table = [head]
    for row in rows:
        earlier = _round(before[row.what]) if row.what in before else ""
        table.append([row.what, _show(row), row.goal, row.beside, earlier])
    if not before:
        table = [line[:-1] for line in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in table
    )


def _show(row: Row) -> str:
    low, middle, high = map(_round, (min(row.values), row.median, max(row.values)))
    return f"{middle} ({low} to {high}) {row.unit}"


def _round(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def read_medians(file: Path | None) -> dict[str, float]:
    """Return what an earlier run wrote, by row."""
    if file is None:
        return {}
    return {row["what"]: row["median"] for row in json.loads(file.read_text())["rows"]}
