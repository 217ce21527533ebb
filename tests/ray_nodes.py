"""A Ray cluster of two nodes on 127.0.0.1, of which one can be killed.

It lives in a process of its own: this file, run as a script.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

STORE_BYTES = 80 * 2**20
LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # what keeps Ray on 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
}


@dataclass
class Nodes:
    """Two nodes of one processor each; commands run on the first."""

    address: str
    process: subprocess.Popen

    def kill_one(self) -> None:
        """Kill the second node and its workers without warning."""
        self.process.stdin.write("kill\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "killed\n"


@contextmanager
def start_two_nodes() -> Iterator[Nodes]:
    """Start a cluster, which commands find in the environment how to talk to."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **LOOPBACK,
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }.items():
            patch.setenv(name, value)
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Nodes(process.stdout.readline().strip(), process)
        finally:
            process.communicate(timeout=60)


def find_children(parent: int) -> list[int]:
    """Return the processes that a process started."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in listed.split()]


def kill(node) -> None:
    """Kill a node as a power cut does: everything, at once."""
    raylet = node.all_processes["raylet"][0].process.pid
    for process in (raylet, *find_children(raylet)):
        os.kill(process, signal.SIGKILL)


def say(line: str) -> None:
    """Answer whoever started this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def serve() -> None:
    """Run a cluster until there is no more to read."""
    from ray.cluster_utils import Cluster

    common = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            **common,
            "include_dashboard": False,
            "node_ip_address": "127.0.0.1",
            "_system_config": quick,
        },
    )
    node = cluster.add_node(**common, node_ip_address="127.0.0.1")
    cluster.wait_for_nodes()
    say(cluster.address)
    for _ in sys.stdin:
        kill(node)
        say("killed")
    cluster.shutdown()


if __name__ == "__main__":
    serve()
