"""Show how far a long job is: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_LINES = 10
"""How many lines of progress a long job writes where there is no terminal."""


@contextmanager
def show_progress(
    what: str, n_tasks: int, *, shown: bool
) -> Iterator[Callable[[], None]]:
    """Lend a function that says that one more task has ended."""
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
