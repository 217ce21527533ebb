"""``participants.tsv``: what is known of each person is kept with the trials."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deepvanet.datasets.small_tables import SmallTable, read_table
from deepvanet.findings import attempt, list_some, report, say_count

PARTICIPANTS = "participants.tsv"
KEY = "participant_id"


def read_participants(
    root: Path, subjects: Sequence[str]
) -> dict[str, Mapping[str, str]]:
    """Return the columns of each subject; what is absent or not used is reported."""
    path = root / PARTICIPANTS
    if not path.is_file():
        return {}
    table = attempt(
        lambda: read_table(path, what="table of participants", known=(KEY,)),
        source=path,
    )
    if table is None or not _has_key(table):
        return {}
    columns = [column for column in table.columns if column != KEY]
    if columns:
        kept = say_count(len(columns), "column is kept", "columns are kept")
        sentence = f"{kept} with the trials, not used: {list_some(columns)}"
        report("R02", sentence, source=path)
    people = {
        row.cells[KEY].removeprefix("sub-"): {c: row.cells[c] for c in columns}
        for row in table.rows
    }
    _compare(path, list(people), list(dict.fromkeys(subjects)))
    return dict(people)


def _has_key(table: SmallTable) -> bool:
    if KEY in table.columns:
        return True
    report(
        "F08",
        f"has no column {KEY}, got {list_some(table.columns)}",
        source=table.path,
        assumed="nothing of it is used",
    )
    return False


def _compare(path: Path, listed: Sequence[str], there: Sequence[str]) -> None:
    absent = [subject for subject in there if subject not in listed]
    if absent:
        sentence = say_count(
            len(absent),
            "subject with EEG is not listed",
            "subjects with EEG are not listed",
        )
        report("F08", f"{sentence}: {list_some(absent)}", source=path)
    lacking = [subject for subject in listed if subject not in there]
    if lacking:
        sentence = f"{len(lacking)} of {len(listed)} participants have no EEG here"
        report("F03", f"{sentence}: {list_some(lacking)}", source=path)
