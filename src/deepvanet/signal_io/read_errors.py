"""Why a file cannot be read, in one sentence, with all that a library says."""

import logging
import struct
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from deepvanet.findings import refuse, report
from deepvanet.optional_packages import tell_install
from deepvanet.schema import UserError

MOST_HEADERS = 100  # in a folder, which are looked at for the name of a file
LONGEST = 600  # of a sentence that a library says

_FORMATS = {
    b"XDF:": "XDF (.xdf)",
    b"\xffBIOSEMI": "BDF (.bdf)",
    b"0       ": "EDF (.edf)",
    b"GDF ": "GDF (.gdf)",
    b"Brain Vision Data Exchange Header": "a header of BrainVision (.vhdr)",
    b"BrainVision Data Exchange Header": "a header of BrainVision (.vhdr)",
    b"Brain Vision Data Exchange Marker": "markers of BrainVision: name the .vhdr",
    b"BrainVision Data Exchange Marker": "markers of BrainVision: name the .vhdr",
    b"PAR1": "Parquet (.parquet)",
    b"MATLAB ": "a file of MATLAB; EEGLAB's have the suffix .set",
    b"\x89HDF": "HDF5, as MATLAB 7.3 writes it",
    b"PK\x03\x04": "a zip archive or a spreadsheet: export it as CSV",
    b"\x1f\x8b": "packed by gzip: unpack it",
    b"%OpenBCI": "a text file of the OpenBCI GUI",
    b"\xff\xfe": "text in UTF-16",
    b"%PDF": "a PDF document",
    b"<!DOCTYPE": "a web page, perhaps in place of a download",
    b"<html": "a web page, perhaps in place of a download",
    b"version https://git-lfs": "a pointer of Git LFS, in place of the file itself",
    b"/annex/objects": "a pointer of git-annex, in place of the file itself",
}
"""What files begin with."""
_SUFFIXES = {
    ".xdf": "XDF (.xdf)",
    ".bdf": "BDF (.bdf)",
    ".edf": "EDF (.edf)",
    ".gdf": "GDF (.gdf)",
    ".vhdr": "a header of BrainVision (.vhdr)",
    ".parquet": "Parquet (.parquet)",
    ".set": "a file of MATLAB; EEGLAB's have the suffix .set",
}
_HEADERS = {
    ".eeg": (".vhdr", ".VHDR"),
    ".dat": (".vhdr", ".VHDR"),
    ".vmrk": (".vhdr", ".VHDR"),
    ".avg": (".vhdr",),
    ".fdt": (".set",),
}
"""Where the header lies of files that cannot be read without one."""

_OF_PROGRAMS = (
    *(LookupError, AttributeError, TypeError, AssertionError, ArithmeticError),
    *(MemoryError, RecursionError, EOFError, struct.error),
)
"""What libraries raise where a file is not what they expect: no help to a user."""
_OF_MISTAKES = (AttributeError, TypeError, NameError, AssertionError)
"""What a line of our own raises only if it is wrong."""


@contextmanager
def explain_error(path: Path, *, beside: str = "") -> Iterator[None]:
    """Say in one sentence why a file cannot be read.

    Parameters
    ----------
    path : Path
        The file.
    beside : str
        What is read with it, and may be at fault.

    Raises
    ------
    UserError
        In place of any other error of reading that is raised in the ``with`` block.
    AttributeError, TypeError, NameError, AssertionError
        Where a line of our own has a mistake: that is no fault of the file.
    """
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        package = (error.name or "pyarrow").partition(".")[0]
        command = tell_install(package)
        sentence = (
            f"needs the package {package}, which this command installs: {command}"
        )
        raise refuse("F05", sentence, source=path) from None
    except Exception as error:  # readers raise all kinds on bad files
        if isinstance(error, _OF_MISTAKES) and _is_ours(error):
            raise
        said = write_on_one_line(str(error)) or "not a format that MNE knows"
        if isinstance(error, _OF_PROGRAMS):
            damaged = f"it or {beside} are" if beside else "it is"
            said = f"{damaged} damaged or cut off ({type(error).__name__}: {said})"
        what = f"cannot be read with {beside}" if beside else "cannot be read"
        hint = guess_format(path)
        raise refuse("F01", f"{what}: {said}", source=path, cure=hint) from None


def _is_ours(error: BaseException) -> bool:
    """Return whether a line of this package raised an error, and no library did."""
    frames = traceback.walk_tb(error.__traceback__)
    last = [frame.f_globals.get("__name__", "") for frame, _ in frames][-1]
    return str(last).partition(".")[0] == __name__.partition(".")[0]


def write_on_one_line(text: str) -> str:
    """Return what a library says, whole but on one line, without control characters."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def guess_format(path: Path) -> str:
    """Return what to do with a file that looks like another format, or nothing."""
    suffix = path.suffix.lower()
    headers = (path.with_suffix(s) for s in _HEADERS.get(suffix, ()))
    header = next((h for h in headers if h.is_file()), None) or _find_header(path)
    if header:
        return f"name {header.name}: the file holds numbers of that recording"
    try:
        with path.open("rb") as file:
            begin = file.read(64).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return ""
    if not begin:
        return "the file is empty"
    found = next((v for k, v in _FORMATS.items() if begin.startswith(k)), "")
    if found and found != _SUFFIXES.get(suffix, ""):
        return f"it looks like {found}"
    if suffix in _HEADERS:
        return "name the header of the recording, as .vhdr of BrainVision"
    return ""


def _find_header(path: Path) -> Path | None:
    """Return the header of BrainVision beside a file, of any name, that names it."""
    if path.suffix.lower() not in _HEADERS:
        return None
    name = path.name.encode()
    headers = islice(path.parent.glob("*.vhdr"), MOST_HEADERS)
    return next((h for h in headers if name in h.read_bytes()), None)


@contextmanager
def report_warnings(
    path: Path, library: str, *, besides: Sequence[str] = ()
) -> Iterator[None]:
    """Report what a library warns of in the ``with`` block, with its whole text.

    Parameters
    ----------
    path : Path
        The file that it reads.
    library : str
        What the sentence calls it.
    besides : sequence of str
        Parts of warnings that are not passed on, as findings of our own say more.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        _tell(path, library, str(warning.message), besides)


@contextmanager
def report_log(
    path: Path, library: str, *, besides: Sequence[str] = ()
) -> Iterator[None]:
    """Report what a library logs as a warning in the ``with`` block.

    Parameters
    ----------
    path : Path
        The file that it reads.
    library : str
        The name of its logger.
    besides : sequence of str
        Parts of messages that are not passed on, as findings of our own say more.
    """
    kept = _Keep(logging.WARNING)
    log = logging.getLogger(library)
    level, propagates = log.level, log.propagate
    log.addHandler(kept)
    log.setLevel(logging.WARNING)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(kept)
        log.setLevel(level)
        log.propagate = propagates
    for message in kept.messages:
        _tell(path, library, message, besides)


class _Keep(logging.Handler):
    """Keeps messages."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _tell(path: Path, library: str, message: str, besides: Sequence[str]) -> None:
    if not any(part in message for part in besides):
        sentence = f"{library} says: {write_on_one_line(message)}"
        report("F04", sentence, source=path, assumed="all that was read is used")
