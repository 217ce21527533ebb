"""Tests that work on a Ray cluster comes to the same files, whatever is lost.

Each test that loses something has a cluster of its own: two nodes on 127.0.0.1.
"""

import os
import re
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from deepvanet.cli import main
from portraits import film_portrait, video_of
from processes import kill_when, start, wait_until
from ray_nodes import find_children, start_two_nodes
from small_deap import write_small_deap

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.usefixtures("only_ray"),
]
N_SUBJECTS = 5
ALONE = ("--jobs", "1")
ON_RAY = ("--executor", "ray", "--jobs", "2")
QUICK = ("--target", "valence", "--streams", "bio", "--folds", "3", "--epochs", "2")
LONG = (*QUICK[:-1], "30")


def run(*parts, status=0):
    assert main([str(part) for part in parts]) == status


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Two subjects of noise with a rating in it, which nobody changes."""
    return tiny_store(tmp_path_factory.mktemp("ray") / "store", n_segments=8).path


@pytest.fixture(scope="module")
def alone(store, tmp_path_factory):
    """A run of quick fits by one process."""
    out = tmp_path_factory.mktemp("ray") / "run"
    run("evaluate", store, "--out", out, *QUICK, *ALONE)
    return out


def list_fits(out):
    return list(out.glob("fits/[!.]*.npz"))


def read_times(paths):
    return {path: path.stat().st_mtime_ns for path in paths}


def read_results(out):
    """Return the files of a run that do not tell which machine it was made on."""
    names = ("predictions.csv", "segments.csv", "history.csv", "leakage.json")
    return {name: (out / name).read_bytes() for name in names}


@pytest.mark.long
def test_a_run_loses_a_node_and_comes_to_the_same_bytes(store, tmp_path):
    out, local = tmp_path / "run", tmp_path / "local"
    command = ("evaluate", store, *LONG)

    with start_two_nodes() as nodes:
        process = start(
            *command, "--out", out, "--executor", "ray", "--address", nodes.address
        )
        wait_until(lambda: len(list_fits(out)) >= 8, process)
        kept = read_times(list_fits(out))
        nodes.kill_one()
        said = process.communicate(timeout=120)[1]

    assert process.returncode == 0, said
    n_fits = len(list_fits(out))
    assert len(kept) < n_fits
    assert kept.items() <= read_times(list_fits(out)).items()
    run(*command, "--out", local, *ALONE)
    assert len(list_fits(local)) == n_fits
    assert read_results(out) == read_results(local)
    assert not list(out.rglob(".*"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Subjects of noise with a face, who take a while to prepare."""
    root = tmp_path_factory.mktemp("ray") / "DEAP"
    write_small_deap(root, n_subjects=N_SUBJECTS, n_trials=2, seconds=2)
    film = film_portrait(video_of(root, 1, 1), n_frames=98)
    for subject in range(1, N_SUBJECTS + 1):
        for trial in (1, 2):
            video = video_of(root, subject, trial)
            video.parent.mkdir(exist_ok=True)
            if video != film:
                shutil.copy(film, video)
    return root


def read_store(path):
    return {
        file.relative_to(path): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


@pytest.mark.slow
def test_a_store_loses_a_node_and_comes_to_the_same_bytes(recordings, tmp_path):
    out, local = tmp_path / "store", tmp_path / "local"
    command = ("prepare", "deap", recordings)
    done = partial(out.glob, "subjects/[!.]*")

    with start_two_nodes() as nodes:
        process = start(
            *command, "--out", out, "--executor", "ray", "--address", nodes.address
        )
        wait_until(lambda: any(done()), process)
        kept = read_times(done())
        nodes.kill_one()
        said = process.communicate(timeout=120)[1]

    assert process.returncode == 0, said
    assert len(kept) < N_SUBJECTS
    assert kept.items() <= read_times(done()).items()
    run(*command, "--out", local, *ALONE)
    assert read_store(out) == read_store(local)


@pytest.mark.long
def test_a_bundle_that_a_cluster_trained_has_the_same_bytes(store, tmp_path):
    command = ("train", store, *QUICK)

    run(*command, "--out", tmp_path / "cluster", *ON_RAY)

    run(*command, "--out", tmp_path / "alone", *ALONE)
    assert read_store(tmp_path / "cluster") == read_store(tmp_path / "alone")


def kill_command(process):
    """Kill a command alone, as one for whom there is no memory is killed."""
    kill_when(process, lambda: True, group=False)


def interrupt(process):
    """Press Ctrl-C, which all processes of a terminal hear."""
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "end", [kill_command, pytest.param(interrupt, marks=pytest.mark.slow)]
)
def test_a_command_that_was_ended_leaves_no_ray_and_goes_on(store, tmp_path, end):
    out, local = tmp_path / "run", tmp_path / "local"
    command = ("evaluate", store, *LONG)

    process = start(*command, "--out", out, *ON_RAY)
    wait_until(lambda: len(list_fits(out)) >= 4, process)
    started = list_family(process.pid)
    end(process)
    wait_until(lambda: not any(map(can_work, started)))

    kept = read_times(list_fits(out))
    assert not (out / "predictions.csv").exists()
    run(*command, "--out", out, *ALONE)
    assert kept.items() <= read_times(list_fits(out)).items()
    run(*command, "--out", local, *ALONE)
    assert read_results(out) == read_results(local)
    assert not list(out.rglob(".*"))


def list_family(process):
    """Return the processes that a process started, and those that they started."""
    children = find_children(process)
    return children + [one for child in children for one in list_family(child)]


def can_work(process):
    """Say whether a process lives, and is none of Ray's agents, which stay a minute."""
    folder = Path(f"/proc/{process}")
    try:
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and b"Agent" not in (folder / "cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(ALONE, id="local"),
        pytest.param(ON_RAY, id="ray", marks=pytest.mark.slow),
    ],
)
def test_a_fit_that_cannot_be_written_leaves_the_rest_and_is_tried_again(
    store, alone, tmp_path, capfd, engine
):
    out = tmp_path / "run"
    command = ("evaluate", store, "--out", out, *QUICK)
    taken = out / "fits" / sorted(list_fits(alone))[0].name
    taken.mkdir(parents=True)  # no file can be renamed to a folder

    run(*command, *engine, status=2)

    n_learners = 5  # the network and the priors
    n_tasks = len(list_fits(alone)) // n_learners
    said = capfd.readouterr().err
    assert f"deepvanet: {taken}: cannot be read or written: a folder stands" in said
    assert f"(evaluate: 1 of {n_tasks} failed, see {out / 'failures.txt'})" in said
    told = (out / "failures.txt").read_text()
    assert re.match(
        r"# (paper|trial-matched|trial) valence bio seed 0 0[12] fold [0-2]\n", told
    )
    assert "a folder stands where a file should be" in told
    assert not (out / "predictions.csv").exists()
    kept = read_times(path for path in list_fits(out) if path.is_file())
    assert len(kept) >= len(list_fits(alone)) - n_learners

    taken.rmdir()
    run(*command, *ALONE)

    assert kept.items() <= read_times(list_fits(out)).items()
    assert read_results(out) == read_results(alone)
    assert not (out / "failures.txt").exists()


def test_a_subject_that_cannot_be_read_is_refused_or_left_out_and_comes_later(
    tiny_deap, tmp_path, capfd
):
    root, store = tiny_deap(n_subjects=3), tmp_path / "store"
    signals = root / "data_preprocessed_python" / "s02.dat"
    whole = signals.read_bytes()
    signals.write_bytes(whole[:1000])

    run("prepare", "deap", root, "--out", store, *ALONE, status=2)

    assert "s02.dat" in capfd.readouterr().err
    assert not store.exists()
    run("prepare", "deap", root, "--out", store, *ALONE, "--exclude", "02")
    assert sorted(p.name for p in store.glob("subjects/*")) == ["01", "03"]
    signals.write_bytes(whole)
    run("prepare", "deap", root, "--out", store, *ALONE)
    assert sorted(p.name for p in store.glob("subjects/*")) == ["01", "02", "03"]
    assert not (store / "failures.txt").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--address localhost:6379", "--address: only --executor ray has a use for it"),
        ("--gpus-per-task 0.5", "--gpus-per-task: only --executor ray has a use"),
        ("--executor slurm", "'slurm' is not one of 'local', 'ray'"),
        (
            "--executor ray --address ray://localhost:1",
            "--address: needs HOST:PORT of the head",
        ),
        (
            "--executor ray --gpus-per-task 64",
            "--gpus-per-task: no machine of the Ray cluster has 64",
        ),
    ],
)
def test_what_cannot_be_executed_is_refused(store, tmp_path, options, sentence):
    # a process of its own: Ray reads its environment once, when it is imported
    process = start(
        "evaluate", store, "--out", tmp_path / "run", *QUICK, *options.split()
    )
    said = process.communicate(timeout=60)[1]

    assert process.returncode == 2
    assert sentence in said


def test_without_ray_it_is_said_how_to_install_it(store, tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed

    run("evaluate", store, "--out", tmp_path / "run", *QUICK, *ON_RAY, status=2)

    assert "pip install 'deepvanet[ray]'" in capfd.readouterr().err
