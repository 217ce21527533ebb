"""The package of the page on plug-ins: built, installed, and used on its own files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "plugins.md"
N_SUBJECTS, N_TRIALS, SECONDS = 3, 12, 5
NAMES = (
    "pyproject.toml",
    "deepvanet_lab/__init__.py",
    "deepvanet_lab/reader.py",
    "deepvanet_lab/check.py",
    "deepvanet_lab/skin.py",
)


def write_sources(folder):
    """Write the files that the page shows, in its order."""
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, text in zip(NAMES, blocks, strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def write_lab(root):
    """Write subjects whose skin conducts better when valence is rated high."""
    rng = np.random.default_rng(0)
    root.mkdir()
    for number in range(1, N_SUBJECTS + 1):
        ratings = rng.permuted(np.tile([[3.0, 7.0], [7.0, 3.0]], (N_TRIALS // 2, 1)))
        bio = rng.normal(size=(N_TRIALS, 2, 128 * (3 + SECONDS))).astype(np.float32)
        bio[:, 1, 3 * 128 :] += (ratings[:, :1] > 5) * 2.0
        np.savez(root / f"s{number:02d}.npz", bio=bio, ratings=ratings)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with the recordings, and the installed package beside it."""
    folder = tmp_path_factory.mktemp("lab")
    write_sources(folder / "source")
    write_lab(folder / "LAB")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, *wheel, "--wheel-dir", folder, folder / "source"], check=True)
    (built,) = folder.glob("*.whl")
    install = ["install", "--no-deps", "--no-index", "--target", folder / "site", built]
    subprocess.run([*pip, *install], check=True)
    return folder


@pytest.mark.slow
def test_a_wheel_adds_a_data_set_and_a_learner_from_files_to_a_prediction(lab):
    paths = [str(lab / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    said = ""
    skin = "--streams peripheral --learner skin --target valence --jobs 1"
    for command in (
        "check lab LAB",
        "prepare lab LAB --out store --jobs 1",
        f"evaluate store --out run --protocol trial {skin}",
        f"train store --out model {skin}",
        "predict model --bio LAB/s01.npz --trial 1 --out timeline.csv",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "deepvanet", *command.split()],
            cwd=lab,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout

    assert "3 subjects, published are 20" in said
    predictions = pd.read_csv(lab / "run" / "predictions.csv")
    skin = predictions[predictions["learner"] == "skin"]
    assert ((skin["score"] > 0.5) == skin["label"]).mean() > 0.8
    with np.load(lab / "LAB" / "s01.npz") as held:
        is_high = held["ratings"][0, 0] > 5
    timeline = pd.read_csv(lab / "timeline.csv")
    assert timeline["valence_label"].iloc[3:].mode()[0] == is_high
    assert (timeline["streams"].iloc[3:] == "peripheral").all()


def test_each_part_of_the_page_is_under_sixty_lines():
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)

    assert len(blocks) == len(NAMES)
    assert all(block.count("\n") < 60 for block in blocks)
