"""Tests of how a page ends: by a signal, by a closed terminal, by force."""

import os
import resource
import signal
import time
from pathlib import Path

import pytest

from deepvanet.app.folder import PREFIX
from pages import serve_page, write_recording
from processes import list_children, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def recording(tmp_path):
    return write_recording(tmp_path / "recording")


def list_workers(server):
    """Return the processes that work on a recording of a server."""
    return [pid for pid in list_children(server) if b"spawn_main" in read_command(pid)]


def read_command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_for_work(page, sent):
    wait_until(
        lambda: page.get(sent.headers["location"]).read().get("stage") == "reading"
    )


def is_alive(pid):
    return b"spawn_main" in read_command(pid)


def test_a_server_that_is_killed_leaves_no_worker_and_no_video(
    filmed_bundle, recording, temporary
):
    with serve_page(filmed_bundle) as (page, process):
        sent = page.send(**recording)
        wait_for_work(page, sent)
        (worker,) = list_workers(process.pid)
        process.kill()
        process.wait()

        wait_until(lambda: not is_alive(worker))
        wait_until(lambda: not list(temporary.glob(f"{PREFIX}*")))


def test_the_next_start_removes_what_was_left_when_all_was_killed(
    filmed_bundle, recording, temporary
):
    with serve_page(filmed_bundle) as (page, process):
        wait_for_work(page, page.send(**recording))
        for child in list_children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()
    assert list(temporary.glob(f"{PREFIX}*/*/video.mp4"))

    with serve_page(filmed_bundle) as (page, _):
        assert page.get("/health").status == 200
        assert not list(temporary.glob(f"{PREFIX}*/*/video.mp4"))


def test_a_closed_terminal_ends_a_page_that_is_sent_to_and_works(
    filmed_bundle, recording, temporary
):
    with serve_page(filmed_bundle) as (page, process):
        wait_for_work(page, page.send(**recording))
        process.send_signal(signal.SIGHUP)
        _, said = process.communicate(timeout=60)

    assert "Traceback" not in said
    assert process.returncode == 0
    assert not list(temporary.glob(f"{PREFIX}*"))


def count_open_files(pid):
    """Count them when no connection of before is open: for two seconds as many."""
    counts = []
    while len(counts) < 20 or len(set(counts[-20:])) > 1:
        time.sleep(0.1)
        counts.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
    return counts[-1]


@pytest.mark.long  # counts open files, which needs an idle machine
@pytest.mark.usefixtures("temporary")
def test_a_worker_that_cannot_start_is_one_failed_recording(filmed_bundle):
    with serve_page(filmed_bundle) as (page, process):
        n_open = count_open_files(process.pid)
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (n_open + 2, most))
        said = page.wait(page.send(example="1"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
        failing = page.get("/health")
        again = page.send(example="1")
        wait_until(lambda: page.get("/health").read()["workers"] == 1)
        health = page.get("/health")
        assert page.ask("DELETE", again.headers["location"]).status == 204

    assert said["state"] == "failed"
    assert said["error"] == (
        "This machine could not start the work on it: Too many open files."
    )
    assert failing.status == 503
    assert failing.read()["status"] == "failing"
    assert failing.read()["error"] == said["error"]
    assert health.status == 200
    assert health.read() == {
        "status": "ok",
        "running": 1,
        "workers": 1,
        "waiting": 0,
        "room": 5,
    }
