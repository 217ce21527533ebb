"""Long work in a process that may not hold more than it is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from material import (
    write_full_size_store,
    write_full_size_subject,
    write_recordings,
)

MEGABYTE = 2**20

BOUNDED = """
import resource, sys
from pathlib import Path

from deepvanet.config import (
    EvaluateSettings, Execution, NetworkSettings, PrepareSettings
)
from deepvanet.evaluation import evaluate
from deepvanet.preparation.run import prepare

where, out, megabytes = *map(Path, sys.argv[1:3]), int(sys.argv[3])

def hold_no_more():
    lines = Path("/proc/self/status").read_text().splitlines()
    data = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (data * 1024 + megabytes * 2**20,) * 2)
"""

PREPARE = """
hold_no_more()
prepare("deap", where, out, settings=PrepareSettings(), execution=Execution())
"""

EVALUATE = """
settings = EvaluateSettings(
    protocols=("subject",), targets=("valence",), streams=("bio",), folds=3,
    network=NetworkSettings(epochs=1),
)
hold_no_more()
evaluate(where, out, settings=settings, execution=Execution())
"""


def run_bounded(script: str, where: Path, out: Path, megabytes: int):
    words = [sys.executable, "-c", BOUNDED + script, str(where), str(out)]
    return subprocess.run([*words, str(megabytes)], capture_output=True, text=True)


@pytest.mark.slow
def test_a_subject_is_prepared_within_600_megabytes(tmp_path):
    videos = write_recordings(tmp_path / "DEAP", n_trials=1, seconds=4).rglob("*.avi")
    root = write_full_size_subject(tmp_path / "subject", videos)

    done = run_bounded(PREPARE, root, tmp_path / "store", 600)

    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_all_of_deap_is_evaluated_within_a_gigabyte_and_not_within_a_tenth(tmp_path):
    write_full_size_store(tmp_path / "store")

    done = run_bounded(EVALUATE, tmp_path / "store", tmp_path / "run", 1000)
    refused = run_bounded(EVALUATE, tmp_path / "store", tmp_path / "other", 100)

    assert done.returncode == 0, done.stderr
    assert refused.returncode != 0  # the limit limits
