"""The exports that are read directly, one row for each maker.

To add one, write a module with ``recognise`` and ``read``, and a row here; where an
export is several files, the module has ``list_parts`` too. Modules are resolved on use,
so a maker's library is loaded for its own files only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepvanet.files import is_file
from deepvanet.plugins import resolve
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.text_columns import read_head
from deepvanet.signal_io.types import Signals


@runtime_checkable
class ExportReader(Protocol):
    """A module that reads what one maker exports."""

    def recognise(self, head: str, path: Path) -> bool:
        """Say whether a file that begins so, or a folder, is of this maker."""

    def read(self, path: Path, declared: Declaration) -> Signals:
        """Read it, or raise ``UserError``."""


@dataclass(frozen=True)
class Export:
    """What one maker exports.

    Attributes
    ----------
    name : str
        As people call it.
    suffixes : tuple of str
        Of its files; "" is a folder.
    reader : str
        The dotted name of an ``ExportReader``.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str

    def load_reader(self) -> ExportReader:
        """Import the module that reads it."""
        reader: ExportReader = resolve(self.name, self.reader, is_own=True)
        return reader


_HERE = "deepvanet.signal_io.exports"

EXPORTS: Sequence[Export] = (
    Export("OpenBCI GUI, BrainFlow", (".txt", ".csv"), f"{_HERE}.openbci"),
    Export("Muse", (".csv",), f"{_HERE}.muse"),
    Export("Emotiv", (".csv",), f"{_HERE}.emotiv"),
    Export("Empatica E4", ("", ".csv", ".zip"), f"{_HERE}.empatica"),
    Export("Shimmer Consensys", (".csv", ".txt"), f"{_HERE}.shimmer"),
    Export("BIOPAC AcqKnowledge", (".acq",), f"{_HERE}.biopac"),
    Export("Polar Sensor Logger", (".txt", ".csv"), f"{_HERE}.polar"),
)


def open_export(path: Path, declared: Declaration) -> Signals | None:
    """Read a file or folder that a known maker exported, or return None.

    Raises
    ------
    UserError
        When it is such an export, but cannot be read.
    """
    export = find_export(path)
    return export.load_reader().read(path, declared) if export else None


def list_export_parts(path: Path) -> list[Path]:
    """Return the files that an export is read from; none where it is no export."""
    export = find_export(path)
    if export is None:
        return []
    list_parts = getattr(export.load_reader(), "list_parts", None)
    return list_parts(path) if list_parts else [path]


def find_export(path: Path) -> Export | None:
    """Return the row of the maker that a file or folder is of, or None."""
    is_folder = not is_file(path) and _is_folder(path)
    if not is_folder and not is_file(path):
        return None
    suffix = "" if is_folder else path.suffix.lower()
    fitting = [export for export in EXPORTS if suffix in export.suffixes]
    head = read_head(path) if fitting and not is_folder else ""
    return next((e for e in fitting if e.load_reader().recognise(head, path)), None)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False
