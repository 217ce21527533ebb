"""Follows the quickstart: every command of its pipeline, and how long they take."""

import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from deepvanet.cli import main

PAGE = Path(__file__).parents[1] / "docs" / "quickstart.md"
MOST_S = 5 * 60
"""What the page states, on two cores."""


def list_commands():
    """Return the commands of the first block of the pipeline, and of the second one."""
    text = PAGE.read_text().partition("## The whole pipeline")[2]
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S)[:2]
    return [
        [
            shlex.split(line, comments=True)
            for line in block.replace("\\\n", " ").splitlines()
            if line.strip()
        ]
        for block in blocks
    ]


def measure_cpu():
    """Return the processor seconds of the programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.long
def test_the_quickstart_takes_less_than_five_minutes_of_two_cores(tmp_path):
    pipeline, estimate = list_commands()
    assert [command[1] for command in pipeline] == [
        *("synth", "check", "prepare", "evaluate", "report", "train", "predict")
    ]
    assert "less than five minutes on two cores" in PAGE.read_text()
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    said, took = {}, {}
    for _, *arguments in [*pipeline, *estimate]:
        before = measure_cpu()
        done = subprocess.run(
            [sys.executable, "-m", "deepvanet", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        name = " ".join([arguments[0], *arguments[-1:]])
        said[name], took[name] = done.stdout, measure_cpu() - before

    *own, last = took.values()
    # where other programs run as well, processor seconds say what two idle cores take
    assert sum(own) < MOST_S, took
    assert last < 60
    assert "estimate: " in said["evaluate --estimate"]
    timeline = pd.read_csv(tmp_path / "timeline.csv", keep_default_na=False)
    assert "face+bio" in set(timeline["streams"])
    assert (tmp_path / "report" / "index.html").is_file()


def test_pages_with_commands_that_take_long_say_where_their_times_stand():
    docs = PAGE.parent
    takes_long = re.compile(
        r"^deepvanet (evaluate|train|pretrain|reproduce|prepare|synth)\b", re.M
    )
    pages = [p for p in docs.glob("*.md") if takes_long.search(p.read_text())]
    stated = "(quickstart.md#how-long-commands-take)"
    without = {p.name for p in pages if stated not in p.read_text()}
    assert len(pages) > 15
    # the first has the table, the other says that it takes ten minutes
    assert without == {"quickstart.md", "tutorial.md"}
    assert "ten minutes" in (docs / "tutorial.md").read_text()
    assert "\n## How long commands take\n" in PAGE.read_text()


@pytest.mark.parametrize("command", ["prepare", "evaluate", "train", "reproduce"])
def test_commands_that_take_long_can_say_how_long(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    assert main([command, "--help"]) == 0

    assert "--estimate" in capsys.readouterr().out
