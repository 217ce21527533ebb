"""Tests of :mod:`deepvanet.demo`."""

import re
from pathlib import Path

import pandas as pd
import pytest

from deepvanet.config import Execution, suggest_jobs
from deepvanet.demo import run_demo

README = Path(__file__).parents[1] / "README.md"


def without_numbers(line):
    return re.sub(r"[+-]?\d+(\.\d+)?", "#", line)


@pytest.mark.long
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
    shown = scores.query("level == 'trial' and metric == 'balanced_accuracy'")
    for learner in ("network", "bandpower-logistic"):
        means = shown[shown["learner"] == learner].set_index("protocol")["mean"]
        ends = [f"{100 * means[name]:.1f} %" for name in ("paper", "trial")]
        assert any(all(end in line for end in ends) for line in said), learner
    assert set(pd.read_csv("demo/report/seeds.csv")["n_seeds"]) == {3}
    timeline = pd.read_csv("demo/timeline.csv")
    assert timeline["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 2
