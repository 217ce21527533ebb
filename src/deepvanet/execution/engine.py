"""What carries out tasks, and the two engines of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Engine(Generic[T, R]):
    """What carries out tasks.

    Attributes
    ----------
    submit : callable
        Starts a task, now or later.
    count_places : callable
        Returns how many tasks may be under way or wait for their turn.
    """

    submit: Callable[[T], Future[R]]
    count_places: Callable[[], int]


def open_here(work: Callable[[T], R]) -> Engine[T, R]:
    """Work in this process, one task after another."""
    return Engine(partial(_call, work), lambda: 1)


def _call(work: Callable[[T], R], task: T) -> Future[R]:
    future: Future[R] = Future()
    try:
        future.set_result(work(task))
    except Exception as error:  # noqa: BLE001
        future.set_exception(error)
    return future


@contextmanager
def open_processes(work: Callable[[T], R], n_processes: int) -> Iterator[Engine[T, R]]:
    """Work in other processes of this machine.

    Parameters
    ----------
    work : callable
        Picklable: a function of a module, or a ``functools.partial`` of one.
    """
    # fresh processes: a fork of a process that has used threads may hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        n_processes, mp_context=context, initializer=_end_with_parent
    )
    others = set(multiprocessing.active_children())
    try:
        yield Engine(lambda task: pool.submit(work, task), lambda: 2 * n_processes)
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
