"""What becomes of tasks that fail while the others go on."""

import errno
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from deepvanet.files import explain_os_error, write_text
from deepvanet.schema import TaskError, UserError

_ENDS_ALL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Where one task cannot write, none can: going on would compute for nothing."""


def ends_all(error: Exception) -> bool:
    """Say whether what stopped one task would stop every other."""
    return isinstance(error, OSError) and error.errno in _ENDS_ALL


@dataclass
class Failures:
    """The tasks of a job that failed.

    Parameters
    ----------
    file : Path
        Where their tracebacks go; one of an earlier run is removed.
    """

    what: str
    n_tasks: int
    file: Path
    found: list[tuple[str, Exception]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file.unlink(missing_ok=True)

    def add(self, task: object, error: Exception) -> None:
        """Remember a task and what it raised."""
        self.found.append((str(task), error))

    def raise_any(self) -> None:
        """Write all tracebacks into the file, and say so.

        Raises
        ------
        UserError
            When some tasks failed, all by what a user can put right.
        TaskError
            When some failed otherwise.
        """
        if not self.found:
            return
        write_text(self.file, "\n".join(_tell(*one) for one in self.found))
        counted = f"{len(self.found)} of {self.n_tasks} failed"
        sentences = [_explain(error) for _, error in self.found]
        if all(sentences):
            raise UserError(f"{sentences[0]} ({self.what}: {counted}, see {self.file})")
        bug = next(error for _, error in self.found if not _explain(error))
        last = traceback.format_exception_only(bug)[0].strip()
        raise TaskError(
            f"{self.what}: {counted}, as with {last}; their tracebacks are in "
            f"{self.file}, the others are finished; run it again to try only those"
        )


def _explain(error: Exception) -> str | None:
    """Return a sentence for what the user can put right, else None."""
    if isinstance(error, UserError):
        return str(error)
    return explain_os_error(error) if isinstance(error, OSError) else None


def _tell(task: str, error: Exception) -> str:
    told = _explain(error) or "".join(traceback.format_exception(error)).rstrip()
    return f"# {task}\n{told}\n"
