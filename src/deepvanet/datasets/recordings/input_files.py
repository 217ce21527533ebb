"""Files of a recording, as a command line names them: ``COLUMN=FILE[@OFFSET]``."""

import math
from dataclasses import dataclass

from deepvanet.datasets.recordings.cells import to_number
from deepvanet.datasets.recordings.trial_columns import FILES, PLACES
from deepvanet.datasets.small_tables import shorten
from deepvanet.schema import UserError


@dataclass(frozen=True)
class InputFile:
    """A file of a recording.

    Attributes
    ----------
    column : str
        What it is: a column of files of a table of trials.
    name : str
        Its path, as it was given.
    offset_s : float | None
        Second of the signals at which it starts, where that is said.
    """

    column: str
    name: str
    offset_s: float | None = None


def read_input(text: str, field: str = "input") -> InputFile:
    """Read what ``--input`` takes.

    Parameters
    ----------
    text : str
        ``COLUMN=FILE`` or ``COLUMN=FILE@OFFSET``.
    field : str
        What an error names.

    Raises
    ------
    UserError
        When the column is not known, there is no file, or it can have no offset.

    Examples
    --------
    >>> read_input("peripheral=gsr.csv@-1.5")
    InputFile(column='peripheral', name='gsr.csv', offset_s=-1.5)
    """
    column, equals, rest = text.partition("=")
    column = column.strip()
    if not equals or column not in FILES:
        known = ", ".join(FILES[:4])
        raise UserError(
            f"needs COLUMN=FILE or COLUMN=FILE@OFFSET, with a column such as {known}, "
            f"got {shorten(text)}",
            field=field,
        )
    return read_file(column, rest, field)


def read_file(column: str, text: str, field: str) -> InputFile:
    """Read ``FILE`` or ``FILE@OFFSET`` of a known column.

    A sign ``@`` with anything but a number behind it is a part of the name.

    Parameters
    ----------
    column : str
        One of the columns of files.
    text : str
        The file, and where it starts.
    field : str
        What an error names.

    Raises
    ------
    UserError
        When there is no file, or it can have no offset.
    """
    name, at, behind = text.strip().rpartition("@")
    offset_s = to_number(behind) if at else math.nan
    if not math.isfinite(offset_s):
        name = text.strip()
    if not name or "\0" in name:
        raise UserError(f"names no file, got {shorten(text)}", field=field)
    if not math.isfinite(offset_s):
        return InputFile(column, name)
    if f"{column}_offset_s" not in PLACES:
        said = "has the clock" if column == "bio" else "starts with its video"
        raise UserError(
            f"{column} {said}, so it can have no offset, got {shorten(text)}",
            field=field,
        )
    return InputFile(column, name, offset_s)
