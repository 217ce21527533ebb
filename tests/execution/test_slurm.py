"""The SLURM template of the documentation, run for real: nodes are processes here."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deepvanet.cli import main

pytestmark = pytest.mark.usefixtures("only_ray")
TEMPLATE = Path(__file__).parents[2] / "docs" / "slurm.sh"
SRUN = """#!/bin/sh
# what srun does, on this machine: drops its own options and runs the command
while [ "${1#--}" != "$1" ]; do shift; done
echo "$*" >> "$SRUN_LOG"
exec "$@"
"""
SCONTROL = """#!/bin/sh
[ "$1 $2" = "show hostnames" ] && printf 'one\\ntwo\\n'
"""
PYTHON = """#!/bin/sh
# a node's own address is that of the loopback here
case "$2" in *gethostname*) echo 127.0.0.1 ;; *) exec "$REAL_PYTHON" "$@" ;; esac
"""
QUICK = ("--target", "valence", "--streams", "bio", "--folds", "3", "--epochs", "1")


@pytest.fixture
def slurm(tmp_path):
    """An environment as sbatch leaves it, two nodes of one processor."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("python", PYTHON)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(tools), str(scripts), os.environ["PATH"]]),
        "REAL_PYTHON": sys.executable,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_PORT": str(port),
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SRUN_LOG": str(tmp_path / "srun.log"),
    }


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="SLURM runs on Linux")
def test_the_template_comes_to_the_bytes_of_one_process(slurm, tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store").path
    command = ["evaluate", str(store), *QUICK, "--out"]

    done = subprocess.run(
        ["bash", TEMPLATE, *command, str(tmp_path / "run")],
        env=slurm,
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert done.returncode == 0, done.stderr
    assert main([*command, str(tmp_path / "alone"), "--jobs", "1"]) == 0
    there, here = (
        (tmp_path / run / "predictions.csv").read_bytes() for run in ("run", "alone")
    )
    assert there == here
    started = Path(slurm["SRUN_LOG"]).read_text()
    assert started.count("ray start --head") == 1
    assert started.count("ray start --block") == 1


def test_the_template_says_that_it_is_for_sbatch(slurm):
    del slurm["SLURM_JOB_NODELIST"]

    done = subprocess.run(
        ["bash", TEMPLATE], env=slurm, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert "run this under sbatch" in done.stderr
