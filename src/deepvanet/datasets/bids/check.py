"""Look at a data set in EEG-BIDS, as at a table of recordings."""

from collections.abc import Sequence
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.datasets.bids.reader import read_source
from deepvanet.datasets.findings import CheckResult
from deepvanet.datasets.recordings.check import check_source


def check_bids(
    root: Path, *, exclude: Sequence[str] = (), execution: Execution | None = None
) -> CheckResult:
    """Look at all rated events of a data set in EEG-BIDS, one subject at a time.

    Raises
    ------
    UserError
        When there is no such data set, or nothing in it is rated.
    """
    return check_source(read_source, root, exclude, execution)
