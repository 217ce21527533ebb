"""What was found in the recordings that a store was made from."""

from pathlib import Path

from deepvanet.findings import Finding, read_findings


def read_store_findings(store: Path) -> tuple[Finding, ...]:
    """Return all findings of a store, each once; none for a store of an old version.

    Raises
    ------
    UserError
        When a file of findings cannot be read.
    """
    folders = [store, *sorted(store.glob("subjects/[!.]*"))]
    found = (finding for folder in folders for finding in read_findings(folder))
    return tuple(dict.fromkeys(found))
