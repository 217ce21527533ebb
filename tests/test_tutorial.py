"""Follows the tutorial: every command of it, to the timeline in the page."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pages import serve_page

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"


def list_commands():
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


@pytest.mark.long
def test_a_stranger_gets_from_three_files_to_the_page(tmp_path):
    *commands, last = list_commands()
    assert {command[0] for command in [*commands, last]} == {"deepvanet"}

    said = {}
    for _, *arguments in commands:
        done = subprocess.run(
            [sys.executable, "-m", "deepvanet", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said[arguments[0]] = done.stdout

    assert "72 seconds, 72 with a face" in said["prepare"]
    assert "valence from face+bio" in said["train"]
    shown = (tmp_path / "mine" / "trials.csv").read_text()
    assert shown.startswith(re.search(r"```text\n(.*?)```", PAGE.read_text(), re.S)[1])
    timeline = pd.read_csv(tmp_path / "timeline.csv", keep_default_na=False)
    assert len(timeline) == 108
    before, *during = timeline["streams"]  # the video starts a second late
    assert before == "bio"
    assert len(set(during)) == 1
    assert set(during) <= {"face", "bio", "face+bio"}

    assert last[1] == "serve"
    mine = tmp_path / "mine"
    with serve_page(tmp_path / last[2]) as (page, _):
        sent = page.send(
            video=mine / "s01.mp4", bio=mine / "s01.bdf", video_offset_s="1"
        )
        assert page.wait(sent)["state"] == "done"
        rows = page.get(f"{sent.headers['location']}/result").read()["rows"]
    assert [row["valence"] for row in rows] == pytest.approx(
        timeline["valence"].tolist(), abs=1e-5
    )
