"""Tests of :mod:`deepvanet.execution`: the same of every engine."""

import errno
import os
import signal
import time
from collections import UserList
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from deepvanet.config import Execution
from deepvanet.execution import hold_workers, run_tasks
from deepvanet.schema import TaskError, UserError

HERE, BESIDE = Execution(jobs=1), Execution(jobs=2)
RAY = Execution(jobs=2, executor="ray")


@pytest.fixture(scope="module")
def ray(only_ray):  # noqa: ARG001  no other file may start one meanwhile
    """A Ray of this machine, which all tests share; its workers find this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        with hold_workers(RAY):
            yield RAY


@pytest.fixture(params=["here", "beside", "ray"])
def execution(request):
    """Every engine."""
    if request.param == "ray":
        return request.getfixturevalue("ray")
    return {"here": HERE, "beside": BESIDE}[request.param]


def slow_first(number: int) -> tuple[int, int]:
    """Take longest for the first task; tell who did it."""
    time.sleep(0.3 if number == 0 else 0.0)
    return number, os.getpid()


def refuse(number: int) -> int:
    """Fail as user input does."""
    raise UserError(f"subject {number}: refused")


def divide(number: int) -> float:
    """Fail as a bug does, for the task 0."""
    return 1 / number


def spoil(folder: Path, number: int) -> int:
    """Fail in many ways; say that it was tried."""
    with (folder / f"tried-{number}").open("a") as file:
        file.write("x")
    if number == 1:
        refuse(number)
    if number == 2:
        divide(0)
    if number == 3:
        raise PermissionError(errno.EACCES, "Permission denied", "s03.dat")
    return number


def fill_disk(folder: Path, number: int) -> None:
    """Find the disk full, from the task 1 on."""
    (folder / str(number)).touch()
    if number:
        raise OSError(errno.ENOSPC, "No space left on device", "store/face.npy")


def write_into(task: tuple[int, np.ndarray]) -> float:
    """Change what was given."""
    number, array = task
    array += number
    return float(array.sum())


def tell_place(name: str) -> tuple[str, list[int]]:
    """Read a relative path; tell how many threads linear algebra has."""
    blas = [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]
    return Path(name).read_text(), blas


def end_process(number: int) -> None:
    """Die as a process does for which there is no memory."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def run(function, tasks, execution, **options):
    return list(run_tasks(function, tasks, execution=execution, what="job", **options))


def test_results_come_in_the_order_of_the_tasks(execution):
    results = run(slow_first, range(30), execution)

    assert [number for number, _ in results] == list(range(30))


@pytest.mark.parametrize("engine", ["beside", "ray"])
def test_several_jobs_are_several_processes(engine, request):
    execution = BESIDE if engine == "beside" else request.getfixturevalue("ray")

    workers = {process for _, process in run(slow_first, range(4), execution)}

    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2


def test_a_refusal_reaches_the_caller_from_any_process(execution):
    with pytest.raises(UserError, match=r"^subject 0: refused$"):
        run(refuse, range(2), execution)


def test_a_bug_reaches_the_caller_with_the_place_where_it_happened(execution):
    with pytest.raises(ZeroDivisionError, match="division by zero") as raised:
        run(divide, [1, 0], execution)

    told = f"{raised.getrepr(chain=True)}"
    assert "return 1 / number" in told


def test_what_fails_leaves_the_rest_alone_and_is_told_at_the_end(execution, tmp_path):
    file, came = tmp_path / "failures.txt", []
    job = run_tasks(
        partial(spoil, tmp_path),
        range(6),
        execution=execution,
        what="evaluate",
        failures=file,
    )

    with pytest.raises(TaskError) as raised:
        came.extend(job)

    assert came == [0, 4, 5]
    assert str(raised.value) == (
        "evaluate: 3 of 6 failed, as with ZeroDivisionError: division by zero; their "
        f"tracebacks are in {file}, the others are finished; run it again to try only "
        "those"
    )
    told = file.read_text()
    assert told.index("# 1\nsubject 1: refused\n") < told.index("# 2\n")
    assert "return 1 / number" in told
    assert "# 3\ns03.dat: cannot be written: not allowed\n" in told
    assert "\x1b" not in told
    assert [len((tmp_path / f"tried-{n}").read_text()) for n in range(6)] == [1] * 6


def test_where_the_user_can_put_all_of_it_right_a_sentence_says_so(tmp_path):
    file = tmp_path / "failures.txt"
    said = r"^subject 0: refused \(job: 2 of 2 failed, see .*failures\.txt\)$"

    with pytest.raises(UserError, match=said):
        run(refuse, range(2), HERE, failures=file)

    assert file.read_text() == "# 0\nsubject 0: refused\n\n# 1\nsubject 1: refused\n"
    run(slow_first, [1], HERE, failures=file)
    assert not file.exists()


def test_a_full_disk_ends_everything_at_once(tmp_path):
    with pytest.raises(OSError, match="No space left"):
        run(partial(fill_disk, tmp_path), range(50), HERE, failures=tmp_path / "f")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_a_task_may_change_the_arrays_it_was_given(execution):
    tasks = [(number, np.zeros(50_000)) for number in range(3)]

    assert run(write_into, tasks, execution) == [0.0, 50_000.0, 100_000.0]


def test_paths_and_threads_are_the_same_everywhere(execution, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store").write_text("here")

    for text, blas in run(tell_place, ["store"] * 3, execution):
        assert text == "here"
        assert blas
        assert set(blas) == {1}


def test_a_worker_that_is_killed_is_said_to_want_memory():
    with pytest.raises(UserError, match="worker process was ended from outside"):
        run(end_process, range(4), BESIDE)


def test_a_job_of_many_tasks_is_handed_out_little_by_little(execution):
    asked = []

    class Watched(UserList):
        def __iter__(self):
            for number in self.data:
                asked.append(number)
                yield number

    first = next(
        run_tasks(slow_first, Watched(range(10_000)), execution=execution, what="job")
    )

    assert first[0] == 0
    assert 1 <= len(asked) < 1_000


def test_progress_is_plain_lines_where_there_is_no_terminal(capfd):
    execution = Execution(jobs=1, progress=True)

    list(run_tasks(slow_first, range(25), execution=execution, what="prepare"))

    lines = capfd.readouterr().err.splitlines()
    assert lines[-1] == "prepare: 25 of 25"
    assert len(lines) <= 10


class Dying:
    """Interrupts while it is destroyed."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def lose_an_interrupt(task):
    dying = Dying()
    del dying  # Python drops what is raised here
    return task


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_ends_the_work_all_the_same():
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            done.extend(
                run_tasks(lose_an_interrupt, range(3), execution=HERE, what="test")
            )
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

    assert done == []
