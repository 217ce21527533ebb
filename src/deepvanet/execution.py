"""Run independent tasks in this process or in several, and show how far they are.

Results come back in the order of the tasks, so nothing that follows depends on
how many processes there were or on which of them was faster.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deepvanet.config import Execution

T = TypeVar("T")
R = TypeVar("R")
PLAIN_LINES = 10
"""How many lines of progress a long job writes where there is no terminal."""


def run_tasks(
    function: Callable[[T], R],
    tasks: Sequence[T],
    *,
    execution: Execution,
    what: str,
) -> Iterator[R]:
    """Yield ``function(task)`` for each task, in the order of the tasks.

    Parameters
    ----------
    function : callable
        Picklable when ``execution.jobs`` is more than 1: a function of a module,
        or a ``functools.partial`` of one.
    what : str
        The work in a word or two, for the progress display.
    """
    with _show_progress(what, len(tasks), shown=execution.progress) as advance:
        results = (
            _run_in_processes(function, tasks, min(execution.jobs, len(tasks)))
            if execution.jobs > 1 and len(tasks) > 1
            else map(function, tasks)
        )
        for result in results:
            advance()
            yield result


def _run_in_processes(
    function: Callable[[T], R], tasks: Sequence[T], n_processes: int
) -> Iterator[R]:
    # fresh processes: a fork of a process that has used threads may hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        n_processes, mp_context=context, initializer=_end_with_parent
    )
    others = set(multiprocessing.active_children())
    try:
        yield from pool.map(function, tasks)
    except KeyboardInterrupt:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """Let a worker end when its parent was killed, and only its parent hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent,), daemon=True).start()


def _wait_and_end(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _show_progress(
    what: str, n_tasks: int, *, shown: bool
) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    if not shown or n_tasks == 0:
        yield lambda: None
    elif not console.is_terminal:
        yield _PlainProgress(what, n_tasks)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(what, total=n_tasks)
            yield lambda: progress.advance(task)


class _PlainProgress:
    """Write a line to standard error now and then."""

    def __init__(self, what: str, n_tasks: int) -> None:
        self._what = what
        self._n_tasks = n_tasks
        self._n_done = 0

    def __call__(self) -> None:
        self._n_done += 1
        step = max(1, -(-self._n_tasks // PLAIN_LINES))
        if self._n_done % step == 0 or self._n_done == self._n_tasks:
            line = f"{self._what}: {self._n_done} of {self._n_tasks}\n"
            sys.stderr.write(line)
            sys.stderr.flush()
