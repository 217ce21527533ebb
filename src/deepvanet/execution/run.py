"""Run independent tasks: in this process, in several, or on several machines.

Results come back in the order of the tasks, so nothing that follows depends on
where tasks ran, how many at once, or which of them was faster.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from deepvanet.config import Execution
from deepvanet.execution.cluster import connect, open_cluster
from deepvanet.execution.engine import Engine, open_here, open_processes
from deepvanet.execution.failures import Failures, ends_all
from deepvanet.execution.progress import show_progress
from deepvanet.schema import UserError

T = TypeVar("T")
R = TypeVar("R")
FAILURES = "failures.txt"
"""Where a folder keeps the tracebacks of what failed to go into it."""


def run_tasks(
    function: Callable[[T], R],
    tasks: Sequence[T],
    *,
    execution: Execution,
    what: str,
    threads: int = 1,
    failures: Path | None = None,
) -> Iterator[R]:
    """Yield ``function(task)`` for each task, in the order of the tasks.

    Parameters
    ----------
    function : callable
        Picklable unless all is done in this process: a function of a module, or a
        ``functools.partial`` of one.
    tasks : sequence
        What ``function`` is called with, one call for each.
    execution : Execution
        Where tasks run, how many at once, and whether progress is shown.
    what : str
        The work in a word or two, for the progress display.
    threads : int
        Threads of a task, for which a cluster keeps as many processors, and to
        which linear algebra is held: its sums change with their number.
    failures : Path | None
        File for the tracebacks of tasks that fail while the rest goes on. None: the
        first failure ends everything.

    Yields
    ------
    object
        What ``function`` returned; nothing for a task that failed.

    Raises
    ------
    UserError, TaskError
        At the end, when some tasks failed that were to leave the rest alone.
    """
    failed = None if failures is None else Failures(what, len(tasks), failures)
    ended: dict[int, Future[R]] = {}
    turn = 0
    work = partial(_hold_threads, function, threads)
    with (
        _heed_interrupts() as heed,
        show_progress(what, len(tasks), shown=execution.progress) as advance,
        _open_engine(work, len(tasks), execution, threads) as engine,
    ):
        for number, future in _run_all(engine, tasks):
            heed()
            ended[number] = future
            advance()
            while turn in ended:
                yield from _take(ended.pop(turn), tasks[turn], failed)
                turn += 1
    if failed is not None:
        failed.raise_any()


@contextmanager
def _heed_interrupts() -> Iterator[Callable[[], None]]:
    """Lend a function that raises an interrupt again which was lost.

    Python drops what is raised while something is destroyed, and so it drops a
    Ctrl-C that comes at that moment, as it may among Ray's references.
    """
    usual = signal.default_int_handler
    heard = threading.Event()
    is_main = threading.current_thread() is threading.main_thread()

    def hear(_number: int, _frame: object) -> None:
        heard.set()
        raise KeyboardInterrupt

    def heed() -> None:
        if heard.is_set():
            raise KeyboardInterrupt

    if not is_main or signal.getsignal(signal.SIGINT) is not usual:
        yield heed
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield heed
        heed()
    finally:
        signal.signal(signal.SIGINT, usual)


def _take(future: Future[R], task: object, failed: Failures | None) -> Iterator[R]:
    """Yield the result of a task that has ended, or nothing where it failed."""
    try:
        result = future.result()
    except BrokenProcessPool as error:
        raise UserError(_LOST_WORKER) from error
    except Exception as error:
        if failed is None or ends_all(error):
            raise
        failed.add(task, error)
    else:
        yield result


_LOST_WORKER = (
    "a worker process was ended from outside, as for want of memory: try fewer "
    "jobs; what is finished stays"
)


def hold_workers(execution: Execution) -> AbstractContextManager[Any]:
    """Stay connected to a cluster while several jobs are run one after another."""
    return connect(execution) if execution.executor == "ray" else nullcontext()


def _open_engine(
    work: Callable[[T], R], n_tasks: int, execution: Execution, threads: int
) -> AbstractContextManager[Engine[T, R]]:
    if n_tasks == 0:
        return nullcontext(open_here(work))
    if execution.executor == "ray":
        return open_cluster(work, execution, threads=threads)
    if execution.jobs == 1 or n_tasks == 1:
        return nullcontext(open_here(work))
    return open_processes(work, min(execution.jobs, n_tasks))


def _run_all(
    engine: Engine[T, R], tasks: Sequence[T]
) -> Iterator[tuple[int, Future[R]]]:
    """Yield the number of each task when it has ended, with what came of it.

    Only so many are under way at a time, however many there are.
    """
    ended: SimpleQueue[Future[R]] = SimpleQueue()
    running: dict[Future[R], int] = {}
    waiting = iter(enumerate(tasks))
    while True:
        for number, task in islice(
            waiting, max(0, engine.count_places() - len(running))
        ):
            future = engine.submit(task)
            running[future] = number
            future.add_done_callback(ended.put)
        if not running:
            return
        future = ended.get()
        yield running.pop(future), future


def _hold_threads(function: Callable[[T], R], threads: int, task: T) -> R:
    with threadpool_limits(threads, user_api="blas"):
        return function(task)
