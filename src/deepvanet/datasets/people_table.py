"""A table of people, a row each: columns for groups that no trial has.

DEAP and AMIGOS keep sex and age of their participants in tables of their own, and so do
most labs. Subjects are found by their names; ``1`` is ``01`` unless that is listed too.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.datasets.recordings.trial_columns import find_subject
from deepvanet.datasets.small_tables import SmallTable, read_table
from deepvanet.findings import FindingError, list_some, say_count
from deepvanet.schema import UserError

KEY = "subject"
_FIELD = "people"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class People:
    """What is known of people, beside the trials.

    Attributes
    ----------
    path : Path
        The table.
    cells : mapping
        By name of the subject, the cells of all columns but that of the names.
    """

    path: Path
    cells: Mapping[str, Mapping[str, str]]

    def add_to(self, trials: pd.DataFrame) -> pd.DataFrame:
        """Return trials with a further row for each subject of the table.

        A column that both have must then say the same of a subject, or it gives no
        groups. Who is not listed is said in a warning.

        Parameters
        ----------
        trials : DataFrame
            A row a trial, with a column ``subject``.

        Raises
        ------
        UserError
            When the table lists none of the subjects, or one of them twice.
        """
        subjects = list(dict.fromkeys(map(str, trials[KEY])))
        found = {name: self._find(name) for name in subjects}
        absent = [name for name, listed in found.items() if not listed]
        if len(absent) == len(subjects):
            raise UserError(
                f"{self.path} lists none of the subjects {list_some(subjects)}, got "
                f"{list_some(list(self.cells))}",
                field=_FIELD,
            )
        if absent:
            said = say_count(len(absent), "subject is", "subjects are")
            logger.warning("%s: %s not listed: %s", self.path, said, list_some(absent))
        rows = [
            {KEY: name, **self.cells[listed]}
            for name, listed in found.items()
            if listed
        ]
        return pd.concat([trials, pd.DataFrame(rows)], ignore_index=True)

    def _find(self, subject: str) -> str:
        """Return the name of a subject in the table; empty: not listed."""
        if subject in self.cells:
            return subject
        number = subject.lstrip("0")
        alike = [name for name in self.cells if name.lstrip("0") == number]
        if len(alike) > 1:
            raise UserError(
                f"{self.path}: {list_some(alike)} are all subject {subject}",
                field=_FIELD,
            )
        return "".join(alike)


def read_people(path: Path, group: Sequence[str]) -> People:
    """Read a table of people.

    Parameters
    ----------
    path : Path
        CSV with a column of subjects, as a table of trials may call it; any others.
    group : sequence of str
        Columns of groups that are asked for, of the table or of trials.

    Raises
    ------
    UserError
        When no group is asked for, it cannot be read, no column names subjects, there
        is none beside it, or a subject has two rows or no name.
    """
    if not group:
        raise UserError(
            f"{path} is read for groups, and none is asked for", field="group"
        )
    try:
        table = read_table(path, what="table of people")
    except FindingError as error:  # whose cures are those of recordings
        raise UserError(f"{path}: {error.finding.sentence}", field=_FIELD) from None
    key = _find_key(table)
    others = [column for column in table.columns if column != key]
    if not others:
        raise UserError(f"{path}: has no column beside {key}", field=_FIELD)
    cells: dict[str, Mapping[str, str]] = {}
    for row in table.rows:
        name = row.cells[key]
        if not name or name in cells:
            what = f"a second row of subject {name}" if name else f"no {key}"
            raise UserError(f"{path}: line {row.line} has {what}", field=_FIELD)
        cells[name] = {column: row.cells[column] for column in others}
    return People(path, cells)


def _find_key(table: SmallTable) -> str:
    found = KEY if KEY in table.columns else find_subject(table)
    if found:
        return found
    raise UserError(
        f"{table.path}: no column names subjects, as {KEY} does; got "
        f"{list_some(table.columns)}",
        field=_FIELD,
    )
