"""What a folder of recordings holds, what is missing, and what looks wrong.

Nothing is repaired and nothing is guessed: numbers are shown beside what the
data set's documentation says, and each finding says where it was seen.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.inspection.deap import inspect_deap
from deepvanet.inspection.findings import Finding, Inspection, Severity, Table
from deepvanet.schema import pick

__all__ = [
    "INSPECTORS",
    "Finding",
    "Inspection",
    "Severity",
    "Table",
    "inspect",
    "inspect_deap",
]

INSPECTORS: Mapping[str, Callable[..., Inspection]] = {"deap": inspect_deap}
"""The layouts that can be inspected, by name."""


def inspect(
    layout: str, root: Path, *, execution: Execution | None = None
) -> Inspection:
    """Look at every recording of a folder.

    Parameters
    ----------
    layout : str
        A name of ``INSPECTORS``.
    root : Path
        The data set as downloaded.

    Raises
    ------
    UserError
        When the layout is unknown or there is no such data set. What is wrong
        with single files is a finding.
    """
    run = INSPECTORS[pick("layout", layout, INSPECTORS)]
    return run(root, execution=execution)
