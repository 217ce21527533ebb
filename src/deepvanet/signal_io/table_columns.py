"""Columns of a table, read one at a time, from text or from Parquet."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.findings import refuse
from deepvanet.signal_io.cells import Column
from deepvanet.signal_io.delimited_text import MOST_COLUMNS, read_text_table
from deepvanet.signal_io.free_memory import check_room
from deepvanet.signal_io.read_errors import explain_error

PARQUET = ".parquet"

_BYTES_PER_CELL = 24
_MIB = 1024**2
_HARMLESS = 64 * _MIB
_MOST_PACKED = 1000
"""How many times larger than its file a table of measured numbers can be."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes
    ----------
    names : tuple of str
        As the file has them; empty where it has none.
    read : callable
        Returns the cells of a column, by its place, or None where it has no cells
        but lists.
    find_place : callable
        Says where a row, from 0, stands in the file.
    """

    names: tuple[str, ...]
    n_rows: int
    read: "Callable[[int], Column | None]"
    find_place: Callable[[int], str]


def open_columns(path: Path) -> Columns:
    """Open a table.

    Raises
    ------
    FindingError
        When it is no table, or claims more than the file or the memory can hold.
    """
    if path.suffix.lower() == PARQUET:
        return _open_parquet(path)
    table = read_text_table(path)
    rows = table.frame.index.to_numpy()
    frame = table.frame.reset_index(drop=True)
    return Columns(
        names=table.layout.names,
        n_rows=len(frame),
        read=lambda place: frame[place],
        find_place=lambda row: f"line {table.layout.find_line(int(rows[row]))}",
    )


def _open_parquet(path: Path) -> Columns:
    with explain_error(path):
        import pyarrow as pa
        from pyarrow import parquet

        file = parquet.ParquetFile(path)
        schema, n_rows = file.schema_arrow, int(file.metadata.num_rows)
        names = tuple(str(name).strip() for name in schema.names)
        _check_claims(path, file.metadata, len(names))
        texts = [f.name for f in schema if pa.types.is_string(f.type)]
        file = parquet.ParquetFile(path, read_dictionary=texts)
    is_nested = [pa.types.is_nested(field.type) for field in schema]

    def read(place: int) -> "Column | None":
        if is_nested[place]:
            return None
        with explain_error(path):
            read = file.read(columns=[schema.names[place]], use_pandas_metadata=False)
            cells: Column = read.column(0).to_pandas()
        is_text = cells.dtype.name in ("category", "object")
        return cells.astype(object) if is_text else cells

    return Columns(
        names=tuple("" if name == "__index_level_0__" else name for name in names),
        n_rows=n_rows,
        read=read,
        find_place=lambda row: f"row {row + 1}",
    )


def _check_claims(path: Path, metadata: Any, n_columns: int) -> None:
    """Raise where a file says to hold more than it can, before it is unpacked."""
    if n_columns > MOST_COLUMNS:
        raise refuse(
            "F01",
            f"cannot be read: it has {n_columns} columns, at most {MOST_COLUMNS} are "
            f"read",
            source=path,
        )
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    unpacked = sum(int(group.total_byte_size) for group in groups)
    claimed = max(int(metadata.num_rows) * n_columns * 8, unpacked)
    size = path.stat().st_size
    if claimed > max(_HARMLESS, _MOST_PACKED * size):
        raise refuse(
            "F01",
            f"cannot be read: it claims {metadata.num_rows} rows of {n_columns} "
            f"columns, {claimed // _MIB} MiB, in a file of {size / _MIB:.2f} MiB; no "
            f"measured numbers can be packed so far",
            source=path,
            cure="write the table again, from the recording",
        )
    check_room(path, int(np.ceil(claimed / 8)) * _BYTES_PER_CELL)
