"""Why a file cannot be read, in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepvanet.schema import UserError


@contextmanager
def explain(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be read.

    Raises
    ------
    UserError
        In place of any other error that is raised in the ``with`` block.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  readers raise all kinds on bad files
        said = str(error).strip() or "not a format that MNE knows"
        reason = said.splitlines()[0].partition(". ")[0]
        raise UserError(f"{path}: cannot be read: {reason}") from None
