"""Recordings that wait, are worked on, and stay a while when done.

Only the thread of the server calls ``Jobs``; the work itself is done in processes.
"""

import errno
import json
import logging
import multiprocessing
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from deepvanet.app.limits import Limits
from deepvanet.app.worker import FULL_DISK, WorkOrder, work

_log = logging.getLogger(__name__)
_ID_BYTES = 24


@dataclass
class Job:
    """One recording, with an address that cannot be guessed.

    Attributes
    ----------
    state : str
        arriving, waiting, running, done or failed.
    at : float
        When that state began, or a finished job was last asked for.
    """

    id: str
    folder: Path
    state: str = "arriving"
    at: float = field(default_factory=time.monotonic)
    order: WorkOrder | None = None
    process: SpawnProcess | None = None
    error: str = ""

    def enter(self, state: str) -> None:
        """Go on to another state."""
        self.state, self.at = state, time.monotonic()


class Jobs:
    """All recordings of a server.

    Parameters
    ----------
    folder : Path
        Temporary; each recording gets a folder in it.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._jobs: dict[str, Job] = {}
        self.start_error = ""  # why the last start of a worker failed, if it did

    def count(self, *states: str) -> int:
        """Return how many recordings are in one of these states."""
        return sum(job.state in states for job in self._jobs.values())

    @property
    def is_full(self) -> bool:
        """Whether no more may come."""
        room = self._limits.running + self._limits.waiting
        return self.count("arriving", "waiting", "running") >= room

    @property
    def n_workers(self) -> int:
        """How many processes are at work."""
        processes = [job.process for job in self._jobs.values()]
        return sum(process is not None and process.is_alive() for process in processes)

    def open(self) -> Job:
        """Make room for a recording that is about to arrive."""
        name = secrets.token_urlsafe(_ID_BYTES)
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        self._jobs[name] = job = Job(name, folder)
        return job

    def submit(self, job: Job, order: WorkOrder) -> None:
        """Let a recording wait for its turn."""
        job.order = order
        job.enter("waiting")
        self.tick()

    def find(self, name: str) -> Job | None:
        """Return a recording, which stays longer for having been asked for."""
        job = self._jobs.get(name)
        if job and job.state in ("done", "failed"):
            job.at = time.monotonic()
        return job

    def remove(self, job: Job) -> None:
        """Stop work on a recording, and remove all that is left of it."""
        _stop(job)
        shutil.rmtree(job.folder, ignore_errors=True)
        self._jobs.pop(job.id, None)

    def close(self) -> None:
        """Remove everything."""
        for job in list(self._jobs.values()):
            self.remove(job)

    def describe(self, job: Job) -> dict[str, Any]:
        """Return what is known of a recording, as JSON has it."""
        said: dict[str, Any] = {"id": job.id, "state": job.state}
        if job.state == "waiting":
            waiting = [j.id for j in self._jobs.values() if j.state == "waiting"]
            said["ahead"] = waiting.index(job.id) + self.count("running")
        if job.state == "running":
            said |= _read_progress(job.folder)
        if job.error:
            said["error"] = job.error
        return said

    def tick(self) -> None:
        """See what has ended, end what took too long, start what waits."""
        for job in list(self._jobs.values()):
            if job.state == "running":
                self._take_step(job, self._watch)
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        for job in waiting[: max(0, self._limits.running - self.count("running"))]:
            self._take_step(job, self._start)
        self._expire()

    def _take_step(self, job: Job, step: Callable[[Job], None]) -> None:
        """Go on with a recording; an error is the end of this one only."""
        try:
            step(job)
        except Exception as error:  # noqa: BLE001  the queue goes on
            _log.exception("a recording could not be gone on with")
            self._fail(job, f"This machine could not go on with it: {_name(error)}.")

    def _start(self, job: Job) -> None:
        process = multiprocessing.get_context("spawn").Process(
            target=work, args=(job.order, self._limits), daemon=True
        )
        try:
            process.start()
        except (OSError, MemoryError) as error:
            self.start_error = (
                f"This machine could not start the work on it: {_name(error)}."
            )
            self._fail(job, self.start_error)
            return
        self.start_error = ""
        job.process = process
        job.enter("running")

    def _watch(self, job: Job) -> None:
        process = job.process
        if process is not None and process.is_alive():
            if time.monotonic() - job.at < self._limits.job_s:
                return
            self._fail(job, f"It took longer than {self._limits.job_s:g} s.")
        elif (said := job.folder / "error.txt").is_file():
            self._fail(job, said.read_text())
        elif (job.folder / "result.json").is_file():
            _stop(job)
            job.enter("done")
        elif process is not None and process.exitcode == errno.ENOSPC:
            self._fail(job, FULL_DISK)
        else:
            self._fail(job, "The work on it ended early: it may need too much memory.")

    def _fail(self, job: Job, error: str) -> None:
        """Remember why, and nothing else."""
        _stop(job)
        shutil.rmtree(job.folder, ignore_errors=True)
        job.error = error
        job.enter("failed")

    def _expire(self) -> None:
        ended = [job for job in self._jobs.values() if job.state in ("done", "failed")]
        ended.sort(key=lambda job: job.at)
        surplus = len(ended) - self._limits.kept
        for number, job in enumerate(ended):
            if number < surplus or time.monotonic() - job.at > self._limits.keep_s:
                self.remove(job)


def _stop(job: Job) -> None:
    if job.process is not None:
        job.process.kill()
        job.process.join()
        job.process.close()
        job.process = None


def _name(error: Exception) -> str:
    """Return what went wrong, without where files lie."""
    return getattr(error, "strerror", None) or type(error).__name__


def _read_progress(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "progress.json").read_text()))
    except FileNotFoundError:
        return {"stage": "starting", "done": None}
