"""What a folder of recordings holds, what is missing, and what looks wrong.

Nothing is repaired and nothing is guessed: numbers are shown beside what the
data set's documentation says, and each finding says where it was seen.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deepvanet.config import Execution
from deepvanet.inspection.afew_va import inspect_afew_va
from deepvanet.inspection.deap import inspect_deap
from deepvanet.inspection.deap_original import inspect_deap_original
from deepvanet.inspection.findings import Finding, Inspection, Severity, Table
from deepvanet.inspection.mahnob import inspect_mahnob
from deepvanet.inspection.own import inspect_bids, inspect_recordings
from deepvanet.schema import pick

__all__ = [
    "INSPECTORS",
    "Finding",
    "Inspection",
    "Severity",
    "Table",
    "inspect",
    "inspect_afew_va",
    "inspect_bids",
    "inspect_deap",
    "inspect_deap_original",
    "inspect_mahnob",
    "inspect_recordings",
]

INSPECTORS: Mapping[str, Callable[..., Inspection]] = {
    "deap": inspect_deap,
    "deap-original": inspect_deap_original,
    "mahnob": inspect_mahnob,
    "afew-va": inspect_afew_va,
    "recordings": inspect_recordings,
    "bids": inspect_bids,
}
"""The layouts that can be inspected, by name."""


def inspect(
    layout: str,
    root: Path,
    *,
    exclude: Sequence[str] = (),
    execution: Execution | None = None,
) -> Inspection:
    """Look at every recording of a folder.

    Parameters
    ----------
    layout : str
        A name of ``INSPECTORS``.
    root : Path
        The data set as downloaded, or the table of ``recordings``.
    exclude : sequence of str
        Subjects to leave out.

    Raises
    ------
    UserError
        When the layout is unknown or there is no such data set. What is wrong
        with single files is a finding.
    """
    run = INSPECTORS[pick("layout", layout, INSPECTORS)]
    return run(root, exclude=exclude, execution=execution)
