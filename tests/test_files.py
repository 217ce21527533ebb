"""Tests of :mod:`deepvanet.files`."""

import errno
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from deepvanet import files
from deepvanet.schema import UserError


def temporary(path, process):
    """Return where a process of this machine writes what will be ``path``."""
    with files.whole_file(path) as lent:
        lent.touch()
    path.unlink()
    return path.with_name(lent.name.replace(f"-{os.getpid()}.", f"-{process}."))


def test_a_file_is_not_seen_before_it_is_whole(tmp_path):
    path = tmp_path / "scores.csv"

    with files.whole_file(path) as unfinished:
        unfinished.write_text("half")
        assert not path.exists()

    assert path.read_text() == "half"
    assert [item.name for item in tmp_path.iterdir()] == ["scores.csv"]


def test_what_fails_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("before")

    with pytest.raises(ValueError, match="stop"), files.whole_file(path) as unfinished:
        unfinished.write_text("half")
        raise ValueError("stop")

    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with (
        pytest.raises(ValueError, match="stop"),
        files.whole_folder(tmp_path / "fit") as unfinished,
    ):
        (unfinished / "weights").write_text("half")
        raise ValueError("stop")

    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_writer_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    temporary(tmp_path / "fit", dead).mkdir()
    temporary(tmp_path / "fit.npz", dead).touch()
    alive = temporary(tmp_path / "other", os.getpid())
    alive.touch()

    files.remove_unfinished(tmp_path)

    assert list(tmp_path.iterdir()) == [alive]


def test_what_another_machine_writes_is_left_alone_until_it_is_a_day_old(tmp_path):
    # no such process lives here, which says nothing of the other machine
    fresh, old = (
        tmp_path / f".{name}.elsewhere-{2**22 + 1}.tmp" for name in ("fresh", "old")
    )
    fresh.touch()
    old.touch()
    a_day_ago = time.time() - 24 * 3600 - 1
    os.utime(old, (a_day_ago, a_day_ago))

    files.remove_unfinished(tmp_path)

    assert list(tmp_path.iterdir()) == [fresh]


def test_two_machines_with_processes_of_one_number_do_not_meet_in_one_file(tmp_path):
    with files.whole_file(tmp_path / "fit.npz") as lent:
        lent.touch()

    machine = re.sub("[^A-Za-z0-9]", "_", platform.node())
    assert lent.name == f".fit.npz.{machine}-{os.getpid()}.tmp"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="has no /proc")
def test_what_a_dead_writer_left_is_removed_though_nobody_waited_for_it(tmp_path):
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert zombie.stdout.read() == b""
    while "Z" not in Path(f"/proc/{zombie.pid}/stat").read_text().split():
        time.sleep(0.01)
    temporary(tmp_path / "fit", zombie.pid).mkdir()

    files.remove_unfinished(tmp_path)

    assert list(tmp_path.iterdir()) == []
    zombie.communicate()


def test_what_a_dead_writer_of_the_same_number_left_is_no_hindrance(tmp_path):
    left = temporary(tmp_path / "fit", os.getpid())
    left.mkdir()
    (left / "half").touch()

    with files.whole_folder(tmp_path / "fit") as unfinished:
        (unfinished / "weights").touch()

    assert [path.name for path in (tmp_path / "fit").iterdir()] == ["weights"]
    assert not left.exists()


@pytest.mark.parametrize("inside", [".", "subjects", "subjects/01"])
def test_an_out_that_is_a_file_is_named(tmp_path, inside):
    path = tmp_path / "store"
    path.touch()

    with pytest.raises(UserError, match=r"out: .*store: is a file, not a folder"):
        files.make_folder(path / inside)


def test_a_full_disk_is_the_user_s_to_put_right_and_a_missing_file_is_a_bug():
    full = OSError(errno.ENOSPC, "No space left on device", "store/face.npy")

    assert files.explain_os_error(full) == (
        "store/face.npy: cannot be written: the disk is full"
    )
    assert files.explain_os_error(OSError(errno.ENOENT, "No such file")) is None


@pytest.mark.parametrize("inside", [None, "weights"])
def test_an_error_names_the_place_that_its_reader_knows(tmp_path, inside):
    path = tmp_path / "bundle" / "fit"

    with (
        pytest.raises(OSError, match="No space") as full,
        files.whole_folder(path) as unfinished,
    ):
        where = None if inside is None else str(unfinished / inside)
        raise OSError(errno.ENOSPC, "No space left on device", where)

    assert files.explain_os_error(full.value) == (
        f"{path}: cannot be written: the disk is full"
    )


def test_a_full_disk_is_explained_for_a_video_too(tmp_path):
    path = tmp_path / "film.avi"

    with (
        pytest.raises(OSError, match="No space") as full,
        files.whole_file(path) as unfinished,
    ):
        raise av.error.OSError(errno.ENOSPC, "No space left", str(unfinished))

    assert files.explain_os_error(full.value) == (
        f"{path}: cannot be written: the disk is full"
    )


@pytest.mark.parametrize("name", ["folder", "nowhere/scores.csv"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()

    files.check_file(tmp_path / "scores.csv")
    with pytest.raises(UserError, match=r"out: .*: must be a file in a folder"):
        files.check_file(tmp_path / name)


@pytest.fixture
def places(tmp_path):
    """Paths at which nothing can be written, by why."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("")
    return {
        "in a circle": tmp_path / "loop" / "out",
        "too long": tmp_path / ("a" * 300),
        "a folder": tmp_path / "file" / "out",
    }


@pytest.mark.parametrize("why", ["in a circle", "too long", "a folder"])
@pytest.mark.parametrize("make", [files.make_folder, files.check_file])
def test_a_place_that_cannot_be_written_is_refused_in_a_sentence(places, why, make):
    with pytest.raises(UserError) as caught:
        make(places[why])

    assert caught.value.field == "out"
    in_no_folder = "must be a file in a folder that exists"
    assert why in str(caught.value) or in_no_folder in str(caught.value)


@pytest.mark.parametrize("make", [files.make_folder, files.check_file])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, make):
    (tmp_path / "out").symlink_to(tmp_path / "out")

    with pytest.raises(UserError, match=r"out: .*out: is a symbolic link that leads"):
        make(tmp_path / "out")


def test_a_long_name_has_room_for_its_temporary_name(tmp_path):
    files.write_text(tmp_path / ("a" * 251 + ".csv"), "whole")

    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def test_a_folder_that_is_deleted_while_a_file_is_written_is_named(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()

    with pytest.raises(OSError, match="scores") as caught:  # noqa: SIM117
        with files.whole_file(folder / "scores.csv") as unfinished:
            unfinished.write_text("half")
            shutil.rmtree(folder)

    said = files.explain_os_error(caught.value)
    assert said == (
        f"{folder / 'scores.csv'}: cannot be read or written: it is not there, or was "
        "deleted meanwhile"
    )


def test_what_is_gone_is_not_said_to_be_written(tmp_path):
    files.check_written(tmp_path)

    with pytest.raises(
        UserError, match=r"out: .*page\.html: cannot be read or written"
    ):
        files.check_written(tmp_path, tmp_path / "page.html")
