"""Tasks on the machines of a Ray cluster, or on this one by a Ray of its own.

Ray places tasks, and starts one again when its worker or its machine is lost. All
machines must see the same folders under the same names. A Ray that is started here
listens on 127.0.0.1 only, asks for a token, has no dashboard and sends no reports.
"""

import copy
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from deepvanet.config import Execution
from deepvanet.execution.engine import Engine
from deepvanet.optional_packages import tell_install
from deepvanet.schema import UserError

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 3
"""How often a task is started again whose worker or machine was lost."""

OBJECT_STORE = 200 * 2**20
"""Bytes that a Ray of our own shares between processes; tasks are small."""

_LOOK_AGAIN_S = 5.0
"""How old the count of a cluster's processors may be, which come and go."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class RemoteError(Exception):
    """A traceback of another machine, as text."""


@contextmanager
def open_cluster(
    work: Callable[[T], R], execution: Execution, *, threads: int
) -> Iterator[Engine[T, R]]:
    """Work on a Ray cluster.

    Parameters
    ----------
    threads : int
        Processors that a task takes.

    Raises
    ------
    UserError
        When there is no Ray, no such cluster, or no machine of it fits a task.
    """
    with connect(execution, threads=threads) as ray:
        _check_fits(ray, execution, threads)
        call = ray.remote(_work_in).options(
            num_cpus=threads,
            num_gpus=execution.gpus_per_task,
            max_retries=RETRIES,
        )
        start = partial(call.remote, Path.cwd(), ray.put(work))
        running: set[Any] = set()
        try:
            yield Engine(
                partial(_submit, start, running),
                _Places(ray, execution, threads),
            )
        finally:
            for reference in tuple(running):
                ray.cancel(reference, force=True)


@contextmanager
def connect(execution: Execution, *, threads: int = 1) -> Iterator[Any]:
    """Lend Ray, connected to a cluster; leave a connection that is there as it is."""
    ray = _import_ray(is_local=not execution.address)
    if ray.is_initialized():
        yield ray
        return
    if execution.address:
        _join(ray, execution.address)
    else:
        ray.init(
            address="local",
            num_cpus=execution.jobs * threads,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
        )
    try:
        yield ray
    finally:
        ray.shutdown()


def _import_ray(*, is_local: bool) -> Any:
    """Import Ray, which reads its environment when it is imported."""
    if find_spec("ray") is None:
        raise UserError(
            f"Ray is not installed: {tell_install('ray')}", field="executor"
        )
    settings = {
        "RAY_USAGE_STATS_ENABLED": "0",
        # else a task without a share of a GPU sees them all
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    }
    if is_local:
        settings |= {
            # "no cluster", by which Ray stays on 127.0.0.1 on every system
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    import ray

    return ray


def _join(ray: Any, address: str) -> None:
    if "://" in address:
        raise UserError(
            "needs HOST:PORT of the head of a Ray cluster, on one of whose machines "
            f"this command runs, got {address}",
            field="address",
        )
    try:
        ray.init(address=address, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        said = str(error).strip().split("\n")[0]
        raise UserError(
            f"no Ray cluster at {address}: {said}", field="address"
        ) from error


def _check_fits(ray: Any, execution: Execution, threads: int) -> None:
    """Refuse tasks that no machine could ever take; Ray would wait for one."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for field, resource, wanted in (
        ("threads", "CPU", threads),
        ("gpus_per_task", "GPU", execution.gpus_per_task),
    ):
        most = max((machine.get(resource, 0.0) for machine in machines), default=0.0)
        if wanted > most:
            raise UserError(
                f"no machine of the Ray cluster has {wanted:g}, the most is {most:g}",
                field=field,
            )


def _work_in(folder: Path, work: Callable[[T], R], task: T) -> R:
    """Work where the command was called: relative paths mean the same there."""
    os.chdir(folder)
    # Ray lends arrays that cannot be written to; other engines give them away
    return work(copy.deepcopy(task))


def _submit(start: Callable[[T], Any], running: set[Any], task: T) -> Future[R]:
    reference = start(task)
    running.add(reference)
    future: Future[R] = Future()

    def pass_on(found: Future[R]) -> None:
        running.discard(reference)
        error = found.exception()
        if error is None:
            future.set_result(found.result())
        else:
            future.set_exception(_unwrap(error))

    reference.future().add_done_callback(pass_on)
    return future


def _unwrap(error: BaseException) -> BaseException:
    """Return what a task raised itself, with its traceback as text beside it."""
    from ray.exceptions import RayTaskError

    cause = getattr(error, "cause", None)
    if not isinstance(error, RayTaskError) or not isinstance(cause, Exception):
        return error
    cause.__cause__ = RemoteError("\n" + _COLOUR.sub("", str(error)))
    return cause


class _Places:
    """Twice as many tasks as a cluster has room for, as it is now."""

    def __init__(self, ray: Any, execution: Execution, threads: int) -> None:
        self._ray = ray
        self._of_a_task = {"CPU": threads, "GPU": execution.gpus_per_task}
        self._counted_at = -_LOOK_AGAIN_S
        self._places = 0

    def __call__(self) -> int:
        if time.monotonic() - self._counted_at >= _LOOK_AGAIN_S:
            there = self._ray.cluster_resources()
            fitting = min(
                int(there.get(name, 0) / amount)
                for name, amount in self._of_a_task.items()
                if amount
            )
            self._places = 2 * max(1, fitting)
            self._counted_at = time.monotonic()
        return self._places
