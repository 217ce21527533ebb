"""Tests of :mod:`deepvanet.execution`."""

import os
import time

import pytest

from deepvanet.config import Execution
from deepvanet.execution import run_tasks
from deepvanet.schema import UserError


def slow_first(number: int) -> tuple[int, int]:
    """Take longest for the first task; tell who did it."""
    time.sleep(0.3 if number == 0 else 0.0)
    return number, os.getpid()


def refuse(number: int) -> int:
    """Fail as user input does."""
    raise UserError(f"subject {number}: refused")


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs):
    results = list(
        run_tasks(slow_first, range(4), execution=Execution(jobs=jobs), what="tasks")
    )

    assert [number for number, _ in results] == [0, 1, 2, 3]


def test_several_jobs_are_several_processes():
    results = run_tasks(slow_first, range(4), execution=Execution(jobs=2), what="tasks")

    workers = {process for _, process in results}
    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_refusal_reaches_the_caller_from_any_process(jobs):
    with pytest.raises(UserError, match="subject 0: refused"):
        list(run_tasks(refuse, range(2), execution=Execution(jobs=jobs), what="tasks"))


def test_progress_is_plain_lines_where_there_is_no_terminal(capfd):
    execution = Execution(jobs=1, progress=True)

    list(run_tasks(slow_first, range(25), execution=execution, what="prepare"))

    lines = capfd.readouterr().err.splitlines()
    assert lines[-1] == "prepare: 25 of 25"
    assert len(lines) <= 10
