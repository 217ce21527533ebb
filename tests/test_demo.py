"""Tests of :mod:`deepvanet.demo`."""

import re
from pathlib import Path

import pandas as pd
import pytest

from deepvanet.config import Execution, suggest_jobs
from deepvanet.demo import run_demo

README = Path(__file__).parents[1] / "README.md"


def without_numbers(line):
    return re.sub(r"\d+(\.\d+)?", "#", line)


@pytest.mark.slow
def test_the_demo_goes_the_whole_way_and_says_what_the_readme_shows(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    said = list(run_demo(Path("demo"), execution=Execution(suggest_jobs())))

    shown = re.search(r"```text\n(.*?)```", README.read_text(), flags=re.S)[1]
    wanted = [without_numbers(line) for line in shown.splitlines()]
    assert [without_numbers(line) for line in said] == wanted
    scores = pd.read_csv("demo/report/scores.csv")
    assert set(scores["dataset"]) == {"deap-synthetic"}
    network = scores[(scores["learner"] == "network") & (scores["streams"] == "bio")]
    segments = network.query("level == 'segment' and metric == 'accuracy'")
    mean = segments.set_index("protocol")["mean"]
    assert mean["paper"] > mean["trial"]
    timeline = pd.read_csv("demo/timeline.csv")
    assert timeline["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 4
