"""Bends: each returns a plan of a recording that is odd in one thing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from field.recordings import RATE, Plan

Bend = Callable[[Plan], Plan]


def edit_trials(change: Callable[[dict], object], *, which: int | None = None):
    """Return a bend that changes rows of the table of trials."""

    def edit(rows: list[dict]) -> list[dict]:
        for row in rows if which is None else [rows[which]]:
            change(row)
        return rows

    return lambda plan: replace(plan, edit_trials=edit)


def rename(old: str, new: str):
    """Return a change of a row: a column is called otherwise."""
    return lambda row: row.__setitem__(new, row.pop(old))


def put(**cells: object):
    """Return a change of a row: cells are added or replaced."""
    return lambda row: row.update(cells)


def with_stamps(change: Callable[[np.ndarray], np.ndarray]):
    return lambda plan: replace(plan, stamps=change(plan.stamps.copy()))


def with_column(name: str, change: Callable):
    """Return a bend: the column of times is called so, and holds other numbers."""

    def edit(table):
        table.insert(0, name, change(table.pop("time_s")))
        return table

    return lambda plan: replace(plan, edit_table=edit)


def with_channel(label: str, unit: str, values: np.ndarray | None = None):
    more = 5 + np.sin(np.arange(20 * RATE) / RATE) if values is None else values
    return lambda plan: replace(
        plan,
        values={**plan.values, label: more},
        units={**plan.units, label: unit},
    )


def edit_file(change: Callable[[Path], object]) -> Bend:
    """Return a bend that changes the file after it was written."""
    return lambda plan: replace(plan, edit_file=change)


def replace_bytes(old: bytes, new: bytes) -> Bend:
    """Return a bend that replaces bytes of the file, which must be there."""

    def change(path: Path) -> None:
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return edit_file(change)


def edit_table(change: Callable[[pd.DataFrame], object]) -> Bend:
    """Return a bend that changes columns in place, or returns another table."""

    def edit(table: pd.DataFrame) -> pd.DataFrame:
        made = change(table)
        return made if isinstance(made, pd.DataFrame) else table

    return lambda plan: replace(plan, edit_table=edit)


def edit_streams(change: Callable[[list[dict]], object]) -> Bend:
    """Return a bend that changes streams of XDF in place."""

    def edit(streams: list[dict]) -> list[dict]:
        change(streams)
        return streams

    return lambda plan: replace(plan, edit_streams=edit)


def declare(toml: str) -> Bend:
    """Return a bend: recordings.toml says so."""
    return lambda plan: replace(plan, toml=toml)


def scale(label: str, unit: str, factor: float) -> Bend:
    """Return a bend: a channel is in another unit, with numbers to match."""
    return lambda plan: replace(
        plan,
        values={**plan.values, label: factor * plan.values[label]},
        units={**plan.units, label: unit},
    )


def join(*bends: Bend) -> Bend:
    """Return all bends, one after the other."""

    def bend(plan: Plan) -> Plan:
        for one in bends:
            plan = one(plan)
        return plan

    return bend


def relabel(names: dict[str, str]) -> Bend:
    """Return a bend that calls channels otherwise."""

    def bend(plan: Plan) -> Plan:
        values, units = (
            {names.get(label, label): item for label, item in mapping.items()}
            for mapping in (plan.values, plan.units)
        )
        return replace(plan, values=values, units=units)

    return bend


def set_cells(column: str, rows: slice, value: object) -> Bend:
    """Return a bend that puts something into cells of a table."""

    def change(table: pd.DataFrame) -> None:
        (name,) = [name for name in table if name.startswith(column)]
        table[name] = table[name].astype(object)
        table.loc[table.index[rows], name] = value

    return edit_table(change)


def add_table(name: str, stamps: np.ndarray, **columns: np.ndarray) -> Bend:
    """Return a bend: a second file of signals stands beside the first."""

    def write(folder: Path) -> None:
        pd.DataFrame({"time": stamps} | columns).to_csv(folder / name, index=False)

    add = edit_trials(put(peripheral=name))
    return lambda plan: replace(add(plan), edit_folder=write)


def edit_folder(change: Callable[[Path], object]) -> Bend:
    """Return a bend that changes the folder after all was written."""
    return lambda plan: replace(plan, edit_folder=change)
