"""Which side-car of BIDS applies to a file: the inheritance principle.

A side-car applies to the files of its own folder and of those below, if its name has no
entity that theirs lacks: ``task-rest_events.tsv`` in the root is that of each rest.
The nearest one counts.
"""

from pathlib import Path

from deepvanet.findings import report


def find_sidecar(root: Path, path: Path, ending: str) -> Path | None:
    """Return the side-car that applies to a file of signals, None if there is none.

    Parameters
    ----------
    root : Path
        The data set.
    path : Path
        The file of signals, below the root.
    ending : str
        The end of the side-car's name, as ``events.tsv``.
    """
    entities = _list_entities(path.name)
    for folder in _list_folders(root, path):
        near = [
            file
            for file in sorted(folder.glob(f"*{ending}"))
            if file.name in (ending,) or file.name.endswith(f"_{ending}")
            if file.is_file() and _list_entities(file.name) <= entities
        ]
        if len(near) > 1:
            near = sorted(near, key=lambda file: -len(_list_entities(file.name)))
            _report_several(path, near)
        if near:
            return near[0]
    return None


def _report_several(path: Path, near: list[Path]) -> None:
    counts = [len(_list_entities(file.name)) for file in near]
    if counts[0] > counts[1]:
        return
    report(
        "R29",
        f"{near[0].name} and {near[1].name} both belong to it by their names, and "
        "only one may",
        source=path,
        assumed=f"{near[0].name} is used",
    )


def _list_folders(root: Path, path: Path) -> list[Path]:
    """Return the folders from that of a file up to the root."""
    folders = [path.parent]
    while folders[-1] != root and folders[-1] != folders[-1].parent:
        folders.append(folders[-1].parent)
    return folders


def _list_entities(name: str) -> frozenset[str]:
    """Return the entities of a name, as ``task-film``."""
    return frozenset(part for part in name.split("_")[:-1] if "-" in part)
