"""Look at the long videos of a copy of AMIGOS."""

from collections.abc import Sequence
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.datasets.amigos.check import check_amigos
from deepvanet.datasets.amigos.files import LONG
from deepvanet.datasets.findings import CheckResult


def check_amigos_long(
    root: Path, *, exclude: Sequence[str] = (), execution: Execution | None = None
) -> CheckResult:
    """Look at every viewing of a long video, as ``check_amigos`` does."""
    return check_amigos(root, exclude=exclude, execution=execution, videos=LONG)
