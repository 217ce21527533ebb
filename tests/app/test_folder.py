"""Tests of :mod:`deepvanet.app.folder`: no face outlives the server it was sent to."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from deepvanet.app.folder import PREFIX, open_folder
from processes import list_children, wait_until

HOLD = """
import sys
from deepvanet.app.folder import open_folder
with open_folder() as folder:
    (folder / "video.mp4").write_bytes(b"a face")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _temporary_files_lie_here(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def owner():
    """A process that has such a folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_folder_is_removed_when_its_owner_is_killed(owner):
    process, folder = owner
    assert (folder / "video.mp4").is_file()

    process.send_signal(signal.SIGKILL)

    wait_until(lambda: not folder.exists())


def test_what_was_left_when_all_were_killed_is_removed_by_the_next(owner):
    process, folder = owner
    for each in list_children(process.pid):
        os.kill(each, signal.SIGKILL)
    process.kill()
    process.wait()
    assert (folder / "video.mp4").is_file()

    with open_folder() as mine:
        assert not folder.exists()
        assert mine.is_dir()

    assert not mine.exists()


def test_the_folder_of_a_server_that_lives_is_left_alone(owner):
    _, folder = owner

    with open_folder() as mine:
        assert mine != folder
        assert (folder / "video.mp4").is_file()


def test_folders_that_no_server_made_are_left_alone(tmp_path):
    others = [tmp_path / "deepvanet-runs", tmp_path / f"{PREFIX}mine"]
    for folder in others:
        folder.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(others[0])

    with open_folder():
        assert all(folder.is_dir() for folder in others)
        assert (tmp_path / f"{PREFIX}link").is_symlink()
