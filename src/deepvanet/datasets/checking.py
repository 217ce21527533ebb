"""What a folder of recordings holds, what is missing, and what looks wrong.

Nothing is repaired, and what is assumed is reported: numbers are shown beside what the
data set's documentation says, and each finding says where it was seen.
"""

from collections.abc import Sequence
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.datasets.findings import CheckResult
from deepvanet.datasets.records import find_data_set


def check(
    name: str,
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> CheckResult:
    """Look at every recording of a folder.

    Parameters
    ----------
    name : str
        Of a data set.
    root : Path
        The data set as downloaded, or the table of ``recordings``.
    exclude : sequence of str
        Subjects to leave out.
    execution : Execution, optional
        Where subjects are looked at; one after another if not given.

    Returns
    -------
    CheckResult
        Tables and findings.

    Raises
    ------
    UserError
        When the name is unknown or there is no such data set. What is wrong
        with single files is a finding.
    """
    run = find_data_set(name).load_check()
    return run(root, exclude=exclude, execution=execution)
