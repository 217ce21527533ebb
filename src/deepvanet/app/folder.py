"""The temporary folder of a server, which holds faces and must not outlive it.

A server that ends removes its folder. Of one that is killed, a second process removes
it, which waits for nothing else; and if both were killed, or the machine lost its
power, the next server does: a folder whose lock no process holds belongs to a dead one.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PREFIX = "deepvanet-page-"
_LOCK = "owner.lock"
_REMOVAL = Path(__file__).with_name("removal.py")


@contextmanager
def open_folder() -> Iterator[Path]:
    """Lend a temporary folder that is removed however this process ends."""
    remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        with _hold(folder), _removed_after_death(folder):
            yield folder


def remove_left() -> None:
    """Remove the folders of servers of this user that are dead."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_own(folder) and _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Lock a folder; the kernel releases the lock when this process ends."""
    new = folder / f"{_LOCK}.new"
    with new.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(folder / _LOCK)  # so that no lock is seen that is not held
        yield


@contextmanager
def _removed_after_death(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-I", "-S", os.fspath(_REMOVAL), os.fspath(folder)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # the end of a terminal does not reach it
    ):
        yield


def _is_own(folder: Path) -> bool:
    try:
        is_folder = folder.is_dir() and not folder.is_symlink()
        return is_folder and folder.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_left(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as lock:
            return _can_lock(lock)
    except OSError:
        return False  # it is being made


def _can_lock(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
