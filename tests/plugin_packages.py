"""Packages as an installer leaves them: a module, and metadata with entry points."""

from collections.abc import Mapping
from pathlib import Path


def write_package(
    folder: Path, name: str, groups: Mapping[str, Mapping[str, str]], code: str
) -> Path:
    """Write the module ``NAME_code`` and the metadata of a package; return its folder.

    Parameters
    ----------
    groups : mapping
        Entry points by group and name.
    """
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    )
    lines: list[str] = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (folder / f"{name}_code.py").write_text(code)
    return folder
