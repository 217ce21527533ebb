"""Tests of :mod:`deepvanet.demo`, and of the numbers of it that the README shows.

``docs/figures/demo-numbers.csv`` is the ``numbers.csv`` of the demo that the README
shows: what it prints and plots comes from there.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import Execution, suggest_jobs
from deepvanet.demo import run_demo

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FIGURES = ROOT / "docs" / "figures"
PART = ["target", "streams", "learner", "n_seeds"]
SVG = "{http://www.w3.org/2000/svg}"


def without_numbers(line):
    return re.sub(r"[+-]?\d+(\.\d+)?", "#", line)


def read_shown():
    """Return the lines that the README shows of the demo."""
    return re.search(r"```text\n(.*?)```", README.read_text(), flags=re.S)[1]


def read_parts(text):
    """Return the lines below each line that names a target, learner and streams."""
    head = r"^(\w+), (\S+) on (\S+?)(?:, (\d+) seeds)?:$"
    found = re.split(head, text, flags=re.M)[1:]
    return {
        (target, streams, learner, int(seeds or 1)): rest
        for target, learner, streams, seeds, rest in zip(
            *(found[place::5] for place in range(5)), strict=True
        )
    }


def compare_numbers(text, numbers):
    """Compare what is printed of each part with a table of numbers."""
    by_part = {
        key: rows.set_index("protocol")["mean"] for key, rows in numbers.groupby(PART)
    }
    parts = read_parts(text)
    assert set(parts) == set(by_part)
    for key, said in parts.items():
        means = 100 * by_part[key]
        for name in ("paper", "trial"):
            assert f"{name} {means[name]:.1f} %" in said, key
        (leakage,) = re.findall(r"paper minus trial-matched: ([+-][\d.]+) points", said)
        assert float(leakage) == pytest.approx(
            means["paper"] - means["trial-matched"], abs=0.051
        )
        assert "(balanced accuracy of trials" in said
    assert set(numbers["metric"]) == {"balanced_accuracy"}


def test_the_readme_shows_the_numbers_that_the_demo_wrote():
    numbers = pd.read_csv(FIGURES / "demo-numbers.csv")

    compare_numbers(read_shown(), numbers)

    assert numbers.groupby("learner")["target"].agg(set).to_dict() == {
        "network": {"valence"},
        "bandpower-logistic": {"valence", "arousal"},
    }


def read_bars(file):
    """Return the heights of the bars of a figure, from left to right, by its axis."""
    root = ET.parse(file).getroot()
    ticks = [g for g in root.iter(f"{SVG}g") if g.get("id", "").startswith("ytick_")]
    known = [
        (float(next(tick.iter(f"{SVG}use")).get("y")), "".join(tick.itertext()).strip())
        for tick in ticks
    ]
    known = [(at, float(text.replace("\N{MINUS SIGN}", "-"))) for at, text in known]
    slope, start = np.polyfit(*zip(*known, strict=True), 1)
    tops = []
    for path in root.iter(f"{SVG}path"):
        corners = re.findall(r"([\d.-]+) ([\d.-]+)", path.get("d", ""))
        where = np.array(corners, dtype=float)
        if "clip-path" in path.attrib and len(where) == 4:
            tops.append((where[:, 0].min(), slope * where[:, 1].min() + start))
    return [height for _, height in sorted(tops)]


def test_the_figure_of_the_readme_shows_the_same_numbers():
    numbers = pd.read_csv(FIGURES / "demo-numbers.csv").query("learner == 'network'")
    [said] = re.findall(
        r"!\[(.*?)\]\(docs/figures/demo-bars\.svg\)", README.read_text()
    )

    heights = read_bars(FIGURES / "demo-bars.svg")

    means = numbers.set_index("protocol")["mean"]
    wanted = [means[name] for name in ("paper", "trial-matched", "trial")]
    assert heights == pytest.approx(100 * np.array(wanted), abs=0.1)
    for name, mean in means.items():
        assert f"{name} {100 * mean:.1f} %" in said


@pytest.mark.long
def test_the_demo_goes_the_whole_way_and_says_what_the_readme_shows(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    said = list(run_demo(Path("demo"), execution=Execution(suggest_jobs())))

    wanted = [without_numbers(line) for line in read_shown().splitlines()]
    assert [without_numbers(line) for line in said] == wanted
    numbers = pd.read_csv("demo/numbers.csv")
    compare_numbers("\n".join(said), numbers)
    committed = pd.read_csv(FIGURES / "demo-numbers.csv")
    assert numbers.drop(columns="mean").equals(committed.drop(columns="mean"))
    scores = pd.read_csv("demo/report/scores.csv")
    assert set(scores["dataset"]) == {"deap-synthetic"}
    shown = scores.query("level == 'trial' and metric == 'balanced_accuracy'")
    keys = ["target", "streams", "learner", "protocol"]
    joined = numbers.merge(shown, on=keys, suffixes=("", "_reported"))
    assert len(joined) == len(numbers)
    assert joined["mean_reported"].to_numpy() == pytest.approx(
        joined["mean"].to_numpy(), abs=1e-6
    )
    heights = read_bars("demo/report/figures/bars-valence-network.svg")
    plotted = numbers.query("learner == 'network'")["mean"]
    assert sorted(heights) == pytest.approx(sorted(100 * plotted), abs=0.1)
    assert set(pd.read_csv("demo/report/seeds.csv")["n_seeds"]) == {3}
    timeline = pd.read_csv("demo/timeline.csv")
    assert timeline["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 2
