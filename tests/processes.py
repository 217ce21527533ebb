"""Commands that run on their own, and are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 60


def start(*command: object) -> subprocess.Popen:
    """Start a command as the leader of a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "deepvanet", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_when(process: subprocess.Popen, is_time: Callable[[], bool], *, group: bool):
    """Kill a command without warning in the middle of its work.

    Parameters
    ----------
    group : bool
        Whether its workers are killed too.
    """
    end = time.monotonic() + DEADLINE_S
    while not is_time():
        if process.poll() is not None or time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"not killed in time: {process.communicate()[1]}")
        time.sleep(0.005)
    kill = os.killpg if group else os.kill
    kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)


def wait_until(
    is_time: Callable[[], bool], process: subprocess.Popen | None = None
) -> None:
    """Wait for something; fail where it does not come, or its process ends before."""
    end = time.monotonic() + DEADLINE_S
    while not is_time():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended too early: {process.communicate()[1]}")
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.005)


def wait_until_none_is_left(session: int) -> None:
    """Wait for the last process of a session; fail where one stays."""
    end = time.monotonic() + DEADLINE_S
    while left := list_alive(session):
        if time.monotonic() > end:
            raise AssertionError(f"still running: {left}")
        time.sleep(0.02)


def list_alive(session: int) -> list[str]:
    """Return the processes of a session that still run."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = stat.read_text().partition(" (")
        except OSError:
            continue
        name, _, fields = rest.rpartition(") ")
        state, _, _, its_session = fields.split()[:4]
        if int(its_session) == session and state not in "ZX":
            alive.append(f"{number} {name}")
    return alive


def list_children(parent: int) -> list[int]:
    """Return the numbers of the processes that a process started."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]
