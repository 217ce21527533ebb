"""Tables in text, of any encoding, separator and decimal sign.

What a reader of one export needs is read in three steps, of which each can be used
alone: the encoding (``find_encoding``), the layout (``find_layout``: separator,
names, lines that hold no cells), the cells (``read_text_table``). All three are
bounded by what is in the file.
"""

import codecs
import csv
import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pandas as pd

from deepvanet.cells import EXACT
from deepvanet.findings import refuse, report
from deepvanet.signal_io.free_memory import check_room
from deepvanet.signal_io.read_errors import explain_error, report_warnings

LONGEST_LINE = 4 * 1024**2
"""Characters; a line of 10,000 cells has 0.2 million."""
MOST_COLUMNS = 10_000
COMMENTS = ("#", "%")
SEPARATORS = (",", ";", "\t", "|")
SPACES = r"\s+"
"""What separates the cells of a table that is aligned with spaces."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1024**2
_MOST_COMMENTS = 100_000
_SAMPLE = 50
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_SEP_LINE = re.compile(r'"?sep=(.|\\t)?"?', re.IGNORECASE)
_BYTES_PER_CELL = 24
"""The number, its copy on equal steps, and what pandas needs on the way."""
_CELLS_PER_BYTE = 4
"""A cell and its separator are a byte or more; only cells that are not there
cost nothing."""


@dataclass(frozen=True)
class Layout:
    """How a text holds a table.

    Attributes
    ----------
    separator : str
        A character, or ``SPACES``.
    names : tuple of str
        Of the columns, stripped, as the header has them; empty where it has none.
    header : int
        The line of the header, from 1; 0 where there is none.
    above : tuple of str
        Lines before the header, without their ends.
    comments : tuple of int
        Lines after it that are comments; rising.
    skipped : sequence of int
        All lines after it that are no row: comments, blank ones, parts of a cell.
    n_rows, width : int
        Lines that are rows, and the most cells that one of them has.
    is_cut : bool
        Whether the last row, and no other, lacks cells and the end of its line.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    header: int
    above: tuple[str, ...]
    comments: tuple[int, ...]
    skipped: Sequence[int]
    n_rows: int
    width: int
    is_cut: bool = False

    def find_line(self, row: int) -> int:
        """Return the line of the file, from 1, in which a row stands, from 0."""
        line = self.header + 1 + row
        while (
            moved := self.header + 1 + row + bisect_right(self.skipped, line)
        ) > line:
            line = moved
        return line


@dataclass(frozen=True)
class TextTable:
    """The cells of a table in text.

    Attributes
    ----------
    frame : pd.DataFrame
        Columns by their place, from 0. A column of numbers has numbers; any other
        has texts, with missing values where cells are empty.
    """

    layout: Layout
    frame: pd.DataFrame


def find_encoding(path: Path) -> str:
    """Return how a text is encoded; what is no UTF is Latin-1, with a note.

    Raises
    ------
    FindingError
        When it holds zero bytes, so that it is no text.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    zeros = [head[start::2].count(0) for start in (0, 1)]
    if max(zeros) > len(head) // 4 and min(zeros) == 0:
        return "utf-16-le" if zeros[1] else "utf-16-be"
    if any(zeros):
        raise refuse("F01", "cannot be read: it holds zero bytes, it is no text",
                     source=path)  # fmt: skip
    if _is_utf8(path):
        return "utf-8"
    report(
        "F25",
        "is no text in UTF-8",
        source=path,
        assumed="it is in Latin-1",
    )
    return "latin-1"


def read_head(path: Path, n_lines: int = _SAMPLE) -> list[str]:
    """Return the first lines of a text, without their ends.

    Parameters
    ----------
    n_lines : int
        How many, at most; a line of more than ``LONGEST_LINE`` ends there.
    """
    return [line for _, line in islice(_read_lines(path, find_encoding(path)), n_lines)]


def find_layout(
    path: Path, *, header: int | None = None, names: Sequence[str] = ()
) -> Layout:
    """Return how a text holds a table, from all of its lines.

    Parameters
    ----------
    header : int | None
        The line of the header, from 1, where it is known; else it is the first line
        that is neither blank, nor a comment, nor ``sep=``.
    names : sequence of str
        What the columns are called of a text that has no header.

    Raises
    ------
    FindingError
        When it is no table: no header, binary, a line without an end, lines with
        more cells than the header.
    """
    encoding = find_encoding(path)
    head = list(islice(_read_lines(path, encoding), _SAMPLE + (header or 0)))
    if names:
        rows = [line for _, line in head if _is_row(line)]
        separator = _find_separator(rows[0] if rows else "", rows)
        return _survey(
            path, _start(encoding, separator, names), _read_lines(path, encoding)
        )
    found, said = _find_header(path, head, header)
    number, text = found
    following = [line for at, line in head if at > number and _is_row(line)]
    separator = said or _find_separator(text, following)
    cells = [name.strip() for name in split_line(text, separator)]
    _check_names(path, cells)
    above = tuple(line for at, line in head if at < number)
    return _survey(
        path,
        _start(encoding, separator, cells, header=number, above=above),
        _read_lines(path, encoding),
    )


def _start(
    encoding: str,
    separator: str,
    names: Sequence[str],
    *,
    header: int = 0,
    above: tuple[str, ...] = (),
) -> Layout:
    """Return a layout of which no row was looked at yet."""
    return Layout(
        encoding=encoding,
        separator=separator,
        names=tuple(names),
        header=header,
        above=above,
        comments=(),
        skipped=(),
        n_rows=0,
        width=len(names),
    )


def read_text_table(path: Path, layout: Layout | None = None) -> TextTable:
    """Read the cells of a table in text.

    Parameters
    ----------
    layout : Layout | None
        As ``find_layout`` returned it, where it is known.

    Raises
    ------
    FindingError
        When it is no table, or there is no room for its numbers.
    """
    layout = layout or find_layout(path)
    cells = layout.n_rows * layout.width
    if cells > _CELLS_PER_BYTE * path.stat().st_size:
        raise refuse(
            "F01",
            f"cannot be read: most of its {layout.n_rows} lines lack most of the "
            f"{layout.width} cells that the header names",
            source=path,
        )
    check_room(path, cells * _BYTES_PER_CELL)
    comments = [line - 1 for line in layout.comments]
    with (
        explain_error(path),
        report_warnings(path, "pandas"),
        path.open(encoding=layout.encoding) as file,
    ):
        frame = pd.read_csv(
            file,
            sep=layout.separator,
            header=None,
            names=list(range(layout.width)),
            skiprows=[*range(layout.header), *comments],
            index_col=False,
            decimal="," if _has_decimal_commas(path, layout) else ".",
            skipinitialspace=True,
            low_memory=False,
            float_precision=EXACT,
        )
    frame = frame.iloc[:-1] if layout.is_cut else frame
    frame = frame.dropna(how="all")
    _check_surplus(path, layout, frame)
    return TextTable(layout, frame[list(range(len(layout.names)))])


def split_line(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without quotes.

    Examples
    --------
    >>> split_line('time;"Fp1; raw"', ";"), split_line(" 1   2 ", SPACES)
    (['time', 'Fp1; raw'], ['1', '2'])
    """
    if separator == SPACES:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a cell of more than 131072 characters
        return line.split(separator)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, with a point or a comma, or nothing.

    Examples
    --------
    >>> [is_number(cell) for cell in ("1,5", "-2e3", "", "Fp1", "12:30")]
    [True, True, True, False, False]
    """
    return not cell.strip() or _NUMBER.fullmatch(cell.strip()) is not None


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _read_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers, never more than a bounded part of a file."""
    with explain_error(path), path.open(encoding=encoding) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise refuse(
                    "F01",
                    f"cannot be read: the line has more than {LONGEST_LINE} characters",
                    source=path,
                    place=f"line {number}",
                )
            if "\0" in line:
                raise refuse(
                    "F01",
                    "cannot be read: it holds zero bytes there; it is no text, or was "
                    "not closed",
                    source=path,
                    place=f"line {number}",
                )
            yield number, line.rstrip("\r\n")


def _is_row(line: str, separator: str = "\t") -> bool:
    if not line.strip():
        return separator == "\t" and separator in line
    return not line.lstrip().startswith(COMMENTS)


def _find_header(
    path: Path, head: Sequence[tuple[int, str]], header: int | None
) -> tuple[tuple[int, str], str]:
    """Return the header's line and number, and the separator that a line states."""
    said = ""
    comment: tuple[int, str] | None = None
    for number, line in head:
        stated = _SEP_LINE.fullmatch(line.strip(" \ufeff"))
        if stated and not said:
            said = (stated[1] or "\t").replace("\\t", "\t")
        elif header is not None and number == header:
            return (number, line), said
        elif header is None and _is_row(line):
            return _take_comment(comment, (number, line)), said
        elif line.strip():
            comment = number, line
    raise refuse("F01", "cannot be read: it has no line of names and no numbers",
                 source=path)  # fmt: skip


def _take_comment(
    comment: tuple[int, str] | None, first: tuple[int, str]
) -> tuple[int, str]:
    """Return the header; numpy writes it as a comment, right above the numbers."""
    if comment is None or comment[0] != first[0] - 1:
        return first
    separator = _find_separator(first[1], [])
    names = split_line(comment[1].lstrip("#% "), separator)
    cells = split_line(first[1], separator)
    is_header = len(names) == len(cells) and all(is_number(cell) for cell in cells)
    return (comment[0], comment[1].lstrip("#% ")) if is_header else first


def _find_separator(header: str, following: Sequence[str]) -> str:
    """Return the separator by which most lines have as many cells as the header."""

    def judge(separator: str) -> tuple[int, int]:
        width = len(split_line(header, separator))
        alike = sum(len(split_line(line, separator)) == width for line in following)
        return (alike if width > 1 else -1), width

    best = max(SEPARATORS, key=judge)
    if len(split_line(header, best)) > 1:
        return best
    return SPACES if judge(SPACES)[0] > 0 else ","


def _check_names(path: Path, names: Sequence[str]) -> None:
    filled = [name for name in names if name]
    if len(names) > MOST_COLUMNS:
        raise refuse(
            "F01",
            f"cannot be read: it has {len(names)} columns, at most {MOST_COLUMNS} are "
            f"read",
            source=path,
        )
    if filled and all(is_number(name) for name in filled):
        shown = ", ".join(filled[:3])[:60]
        raise refuse(
            "F01",
            f"cannot be read: its first line has numbers ({shown}), expected names of "
            f"columns",
            source=path,
            cure="write a line of names above the numbers, one of them time_s",
        )


def _survey(path: Path, layout: Layout, lines: Iterator[tuple[int, str]]) -> Layout:
    """Look at every line below the header: how many cells, and which are no rows."""
    skipped, comments = array("q"), array("q")
    widths: Counter[int] = Counter()
    firsts: dict[int, int] = {}
    n_rows = last = 0
    is_open = False
    for number, line in lines:
        if number <= layout.header:
            continue
        was_open, is_open = is_open, is_open ^ (line.count('"') % 2 == 1)
        if was_open or not _is_row(line, layout.separator):
            skipped.append(number)
            if line.strip() and not was_open:
                comments.append(number)
            continue
        n_rows, last = n_rows + 1, number
        if not is_open:
            width = _count_cells(line, layout.separator)
            widths[width] += 1
            firsts.setdefault(width, number)
    _check_widths(path, widths, firsts, len(comments))
    found = replace(
        layout,
        skipped=skipped,
        comments=tuple(comments),
        n_rows=n_rows,
        width=max([*widths, layout.width]),
        is_cut=len(widths) > 1 and firsts[min(widths)] == last and not _is_ended(path),
    )
    _report_short(path, found, widths, firsts)
    return found


def _is_ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4, 0))
        return file.read().rstrip(b"\0")[-1:] in (b"\n", b"\r")


def _count_cells(line: str, separator: str) -> int:
    if separator == SPACES or '"' in line:
        return len(split_line(line, separator))
    return line.count(separator) + 1


def _check_widths(
    path: Path, widths: Counter[int], firsts: dict[int, int], n_comments: int
) -> None:
    widest = max(widths, default=0)
    if widest > MOST_COLUMNS:
        raise refuse(
            "F01",
            f"cannot be read: the line has {widest} cells, at most {MOST_COLUMNS} are "
            f"read",
            source=path,
            place=f"line {firsts[widest]}",
        )
    if n_comments > _MOST_COMMENTS:
        raise refuse(
            "F01",
            f"cannot be read: {n_comments} of its lines are comments",
            source=path,
        )


def _report_short(
    path: Path,
    layout: Layout,
    widths: Counter[int],
    firsts: dict[int, int],
) -> None:
    """Report lines that have fewer cells than the header."""
    full = max((at for at, name in enumerate(layout.names, 1) if name), default=0)
    short = {width: n for width, n in widths.items() if width < full}
    if not short:
        return
    n_short, first = sum(short.values()), min(firsts[width] for width in short)
    what = f"{n_short} of {layout.n_rows} lines have fewer cells than the header"
    if layout.is_cut:
        what = "the last line is cut off"
    report(
        "F26",
        f"{what}: {min(short)} of {full} cells",
        source=path,
        place=f"line {first}",
        assumed="the line is left out"
        if layout.is_cut
        else "cells that are not there are missing samples",
    )


def _check_surplus(path: Path, layout: Layout, frame: pd.DataFrame) -> None:
    """Raise where cells stand behind the last column that has a name."""
    n_names = len(layout.names)
    filled = frame[list(range(n_names, layout.width))].notna()
    rows = filled.index[filled.any(axis=1)]
    if not len(rows):
        return
    cure = "write one name above each column"
    if layout.separator == ",":
        cure += ", and numbers with points in place of decimal commas"
    raise refuse(
        "F01",
        f"cannot be read: {len(rows)} of {layout.n_rows} lines have more cells than "
        f"the header, which has {n_names} names",
        source=path,
        place=f"line {layout.find_line(int(rows[0]))}",
        cure=cure,
    )


def _has_decimal_commas(path: Path, layout: Layout) -> bool:
    """Return whether the first rows have numbers with commas, and none with points."""
    if layout.separator == ",":
        return False
    lines = (
        line
        for number, line in _read_lines(path, layout.encoding)
        if number > layout.header and _is_row(line)
    )
    cells = [
        cell
        for line in islice(lines, _SAMPLE)
        for cell in split_line(line, layout.separator)
    ]
    return any(_DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
