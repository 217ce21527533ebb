"""Write files and folders whole or not at all.

Everything is written under a temporary name in the folder where it will stay,
then renamed, so that a crash, an interrupt or a full disk leaves nothing that
could be taken for a result. The temporary name holds the machine's and the process's,
since several may write into one folder.
"""

import errno
import hashlib
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deepvanet.schema import UserError

UNFINISHED = ".tmp"
"""How the name of everything half-written ends; it begins with a dot."""

ABANDONED_S = 24 * 3600
"""Age at which what another machine has not finished counts as left behind."""

_MACHINE = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())

_OF_THE_USER = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "not allowed",
    errno.EPERM: "not allowed",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENOENT: "it is not there, or was deleted meanwhile",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where a file should be",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the disk is gone",
    errno.EFBIG: "the file is too large for the file system",
    errno.EMFILE: "too many files are open",
}

_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
MOST_NAME = 150
"""Bytes of a name that a temporary name repeats; all of it may have 255."""


def explain_os_error(error: OSError) -> str | None:
    """Return a sentence for an error that the user can put right, else None."""
    reason = _OF_THE_USER.get(error.errno or 0)
    where = error.filename or "output"
    is_bug = error.errno == errno.ENOENT and error.filename is None
    if reason is None or is_bug:
        return None
    may_be_read = error.errno not in (*_OF_WRITING, errno.EACCES, errno.EPERM)
    verb = "read or written" if may_be_read else "written"
    return f"{where}: cannot be {verb}: {reason}"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Lend a temporary path; rename it to ``path`` if the block succeeds."""
    unfinished = _temporary(path)
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise _place(error, path) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Lend a temporary folder; rename it to ``path`` if the block succeeds.

    What was at ``path`` before is replaced.
    """
    unfinished = _temporary(path)
    # what bears this process's number was left by a dead one of the same number
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        if path.exists():
            shutil.rmtree(path)
        unfinished.replace(path)
    except OSError as error:
        raise _place(error, path) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that died left in a folder."""
    for left in folder.glob(f".*{UNFINISHED}"):
        if _is_being_written(left):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def is_file(path: Path) -> bool:
    """Say whether a file is there; a name that no file can have is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def check_file(path: Path, field: str = "out") -> None:
    """Refuse a path at which no file can be written.

    Raises
    ------
    UserError
        When a folder stands there, its own folder does not exist, or nothing can be
        written into that.
    """
    with _explained(field):
        if path.is_dir() or not path.parent.is_dir():
            raise UserError(
                f"{path}: must be a file in a folder that exists", field=field
            )
        _refuse_broken_link(path, field)
        _try_to_write(path)


def check_written(*paths: Path) -> None:
    """Raise unless what was written is there, before a command says so.

    Raises
    ------
    UserError
        When a file or folder is gone.
    """
    for path in paths:
        with _explained("out"):
            path.stat()


def make_folder(path: Path, field: str = "out") -> Path:
    """Make a folder for output.

    Raises
    ------
    UserError
        When a file stands where the folder should be, or it cannot be made.
    """
    with _explained(field):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            _refuse_broken_link(path, field)
            places = [path, *path.parents]
            taken = next((p for p in places if p.exists() and not p.is_dir()), path)
            raise UserError(f"{taken}: is a file, not a folder", field=field) from None
    return path


def _try_to_write(path: Path) -> None:
    """Raise ``OSError`` now for what would be one after all the work."""
    unfinished = _temporary(path)
    try:
        unfinished.touch()
        unfinished.unlink()
    except OSError as error:
        raise _place(error, path) from error


@contextmanager
def _explained(field: str) -> Iterator[None]:
    """Turn an error of the file system into a sentence on an argument."""
    try:
        yield
    except OSError as error:
        sentence = explain_os_error(error)
        if sentence is None:
            raise
        raise UserError(sentence, field=field) from None


def _refuse_broken_link(path: Path, field: str) -> None:
    if path.is_symlink() and not path.exists():
        raise UserError(f"{path}: is a symbolic link that leads nowhere", field=field)


def _temporary(path: Path) -> Path:
    name = path.name
    if len(os.fsencode(name)) > MOST_NAME:
        name = f"{hashlib.sha256(os.fsencode(name)).hexdigest()}"
    return path.with_name(f".{name}.{_MACHINE}-{os.getpid()}{UNFINISHED}")


def _is_being_written(left: Path) -> bool:
    owner = left.name.removesuffix(UNFINISHED).rpartition(".")[2]
    machine, _, process = owner.rpartition("-")
    if machine in ("", _MACHINE):
        return process.isdigit() and _is_alive(int(process))
    # who lives on another machine cannot be asked from here
    try:
        return time.time() - left.stat().st_mtime < ABANDONED_S
    except FileNotFoundError:
        return True


def _place(error: OSError, path: Path) -> OSError:
    """Return an error that names the path that was asked for."""
    if error.errno is None and not path.parent.is_dir():
        return FileNotFoundError(errno.ENOENT, "is gone", str(path))  # pandas has none
    if _is_placed(error):
        return error
    return OSError(error.errno, error.strerror, str(path))


def _is_placed(error: OSError) -> bool:
    """Say whether an error names a path that its reader knows."""
    if error.errno is None or error.filename is None:
        return error.errno is None
    parts = Path(os.fsdecode(error.filename)).parts
    return not any(p.startswith(".") and p.endswith(UNFINISHED) for p in parts)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    """Say whether a process is dead but its parent has not collected its status."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] in ("Z", "X")
