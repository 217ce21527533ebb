"""Tests of :mod:`deepvanet.app.memory`."""

import os
import resource
import subprocess
import sys

import pytest

from deepvanet.app.memory import measure_free_memory

BOUND = """
import resource
from deepvanet.app.limits import Limits
from deepvanet.app.memory import bound_memory
bound_memory(Limits(running={running}))
print(resource.getrlimit(resource.RLIMIT_DATA)[0])
"""


def test_free_memory_is_some_of_what_the_machine_has():
    has = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    assert 0 < measure_free_memory() <= has


def test_workers_share_what_is_free():
    free = measure_free_memory()

    one, two = (bound_a_process(running=running) for running in (1, 2))

    assert one == pytest.approx(0.8 * free, rel=0.2)
    assert two == pytest.approx(one / 2, rel=0.2)


def test_a_worker_takes_no_more_than_its_server_may():
    allowed = 256 * 2**20

    assert bound_a_process(running=1, allowed=allowed) == allowed


def bound_a_process(*, running, allowed=None):
    def lower():
        if allowed is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))

    said = subprocess.run(
        [sys.executable, "-c", BOUND.format(running=running)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lower,
    )
    return int(said.stdout)
