"""Small tables as people save them: usual encodings and separators -> rows of cells.

Spreadsheets write semicolons, tabs, UTF-16 or the code page of Windows, and a first
line ``sep=;``. What was recognised is a finding, and so is a row that is longer or
shorter than the header. Nothing here knows what a column means.
"""

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepvanet.findings import list_some, refuse, report

MOST_BYTES = 64 * 2**20
"""Of a table with a row for each trial; what is larger holds signals."""
MOST_QUOTED = 60
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
BINARY = {
    b"PK\x03\x04": "a workbook of a spreadsheet program: save it there as CSV",
    b"\xd0\xcf\x11\xe0": "a workbook of an old spreadsheet program: save it as CSV",
    b"PAR1": "a table in Parquet, expected one in CSV",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_LISTED = 4


@dataclass(frozen=True)
class TextRow:
    """A row: the line on which it ends, and its cells by column, without blanks."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class SmallTable:
    """A table as it was read.

    Attributes
    ----------
    columns : tuple of str
        Each once; a column that has no name is called by its place.
    separator : str
        The sign between cells.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[TextRow, ...]
    separator: str = ","

    def has(self, column: str) -> bool:
        """Return whether some cell of a column holds something."""
        return any(row.cells.get(column) for row in self.rows)


def read_table(path: Path, *, what: str, known: Collection[str] = ()) -> SmallTable:
    """Read a table, and report how it was written where that is not plain CSV.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it should be, for sentences: ``table of trials``.
    known : collection of str
        Names of columns, by which the sign between them is found.

    Returns
    -------
    SmallTable
        Its rows; blank ones are left out.

    Raises
    ------
    UserError
        When it cannot be read as a table.
    """
    text, encoding = _read_text(path, what)
    text, separator, n_skipped = _find_separator(path, text, known)
    layout = [encoding] if encoding not in ("UTF-8", "ASCII") else []
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    if separator != usual:
        layout += [f"columns are separated by {SEPARATORS.get(separator, separator)}"]
    if layout:
        report("F39", f"read as {', '.join(layout)}", source=path)
    lines = list(_read_cells(path, text, separator, n_skipped))
    if not lines:
        raise refuse("F01", f"is empty, expected a {what}", source=path)
    return _join(path, separator, lines)


def shorten(text: str) -> str:
    """Return quoted text for a sentence: bounded, and with nothing invisible.

    Examples
    --------
    >>> print(shorten("noon"), shorten("a" * 500)[:8], len(shorten("a" * 500)))
    'noon' 'aaaaaaa 65
    """
    return repr(text) if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]!r}..."


def _read_text(path: Path, what: str) -> tuple[str, str]:
    data = _read_bytes(path, what)
    for start, name in BINARY.items():
        if data.startswith(start):
            raise refuse("F01", f"is {name}", source=path)
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return _decode(path, data, codec, what), name
    for zeros, codec in ((data[1::2], "utf-16-le"), (data[::2], "utf-16-be")):
        if len(zeros) > 1 and zeros.count(0) > len(zeros) / 2:
            return _decode(path, data, codec, what), "UTF-16"
    try:
        return _refuse_zeros(path, data.decode(), what), "UTF-8"
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        return _refuse_zeros(path, text, what), "Windows-1252, since it is not UTF-8"


def _read_bytes(path: Path, what: str) -> bytes:
    try:
        if path.is_dir():
            raise refuse("F01", f"is a folder, expected a {what} in CSV", source=path)
        if not path.is_file():
            sentence = f"no such file, expected a {what} in CSV"
            raise refuse("F01", sentence, source=path)
        if path.stat().st_size > MOST_BYTES:
            size = f"{path.stat().st_size / 2**20:.0f} MiB"
            sentence = f"is too large for a {what}, got {size}"
            raise refuse("F01", sentence, source=path)
        return path.read_bytes()
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}"
        raise refuse("F01", sentence, source=str(path)[-200:]) from None


def _decode(path: Path, data: bytes, codec: str, what: str) -> str:
    try:
        return _refuse_zeros(path, data.decode(codec), what)
    except UnicodeDecodeError as error:
        sentence = f"is not a {what} in CSV: {error}"
        raise refuse("F01", sentence, source=path) from None


def _refuse_zeros(path: Path, text: str, what: str) -> str:
    if "\0" in text:
        raise refuse("F01", f"is no text, expected a {what} in CSV", source=path)
    return text


def _find_separator(
    path: Path, text: str, known: Collection[str]
) -> tuple[str, str, int]:
    """Return the text without a line ``sep=``, the separator, and lines left out."""
    first, _, rest = text.partition("\n")
    stated = first.strip().strip('"')
    if stated.lower().startswith("sep=") and len(stated) == 5:
        return rest, stated[4], 1
    header = next((line for line in text.splitlines() if line.strip()), "")
    usual = ["\t"] if path.suffix.lower() == ".tsv" else []
    wanted = {name.lower() for name in known}

    def count(separator: str) -> tuple[int, int]:
        cells = [cell.strip(' "').lower() for cell in header.split(separator)]
        return sum(cell in wanted for cell in cells), len(cells)

    return text, max([*usual, *SEPARATORS], key=count), 0


def _read_cells(
    path: Path, text: str, separator: str, n_skipped: int
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=separator != " ",
        strict=True,
    )
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield reader.line_num + n_skipped, stripped
    except csv.Error as error:
        sentence = f"is not a table in CSV: {error}; is a quotation mark not closed?"
        place = f"line {reader.line_num + n_skipped}"
        raise refuse("F01", sentence, source=path, place=place) from None


def _join(
    path: Path, separator: str, lines: Sequence[tuple[int, list[str]]]
) -> SmallTable:
    (_, header), *body = lines
    places = _name_columns(path, header, [cells for _, cells in body])
    _report_ragged(path, len(header), body)
    rows = tuple(
        TextRow(line, {n: cells[i] if i < len(cells) else "" for n, i in places})
        for line, cells in body
    )
    return SmallTable(path, tuple(name for name, _ in places), rows, separator)


def _name_columns(
    path: Path, header: Sequence[str], body: Sequence[Sequence[str]]
) -> list[tuple[str, int]]:
    """Return each column's name and place; an empty one without a name is none."""
    named: dict[str, int] = {}
    for place, given in enumerate(header):
        name = given or f"column {place + 1}"
        if not given and not any(place < len(cells) and cells[place] for cells in body):
            continue
        if name in named:
            report(
                "R03",
                f"two columns are called {name[:MOST_QUOTED]}",
                source=path,
                place=f"columns {named[name] + 1} and {place + 1}",
                assumed="the first of them is used",
            )
        named.setdefault(name, place)
    return list(named.items())


def _report_ragged(
    path: Path, n_columns: int, body: Sequence[tuple[int, list[str]]]
) -> None:
    long = [line for line, cells in body if any(cells[n_columns:])]
    short = [line for line, cells in body if len(cells) < n_columns]
    for lines, more, assumed in (
        (long, "more", "cells beyond the last column are not used"),
        (short, "fewer", "cells that are missing at the end are empty"),
    ):
        if lines:
            report(
                "R20",
                f"{len(lines)} of {len(body)} rows have {more} cells than the header, "
                f"which has {n_columns}",
                source=path,
                place=name_lines(lines),
                assumed=assumed,
            )


def name_lines(lines: Sequence[int]) -> str:
    """Return where some rows stand, for a finding.

    Examples
    --------
    >>> name_lines([2]), name_lines([2, 3, 4, 5, 6, 9])
    ('line 2', 'lines 2, 3, 4, 5 and 2 more')
    """
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {list_some(lines, _LISTED)}"
