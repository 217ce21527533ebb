"""Files beside a table of trials, or within BIDS, that nothing names."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.datasets.synthetic_mark import SYNTHETIC_MARK
from deepvanet.findings import list_some, report, say_count
from deepvanet.signal_io.declared import FILE_NAME
from deepvanet.signal_io.open_file import COMPANIONS, list_parts

MOST_SEEN = 10_000
"""Files that are looked at; a table may lie in a folder that holds all else."""
MOST_NAMED = 12
DESCRIBING = ("readme", "license", "licence", "changes", "citation")
"""How files begin that are for people to read."""
SIDECARS = ("channels", "electrodes", "coordsystem", "scans", "sessions")
"""Tables of BIDS that say more of a recording."""


def report_unused_files(source: RecordingSource) -> None:
    """Report files of a folder that no row names, and that belong to none named.

    Hidden files, those for people to read and what declares something are no
    recordings. A folder of which nothing is used is named as one.

    Parameters
    ----------
    source : RecordingSource
        All trials of a data set.
    """
    folder = source.folder.resolve()
    named = _list_named(source)
    inside = tuple(f"{path}{os.sep}" for path in named if path.is_dir())
    found = list(islice(_list_files(folder), MOST_SEEN))
    spare = [
        path
        for path in found
        if not (path in named or str(path).startswith(inside))
        and not (path.is_symlink() and path.resolve() in named)
        and not _describes(path)
    ]
    if spare:
        parts = _list_parts(source, spare)
        spare = [path for path in spare if path not in parts]
    if spare:
        used = {parent for path in set(found) - set(spare) for parent in path.parents}
        bound = f", of the first {MOST_SEEN} that lie there"
        files = say_count(
            len(spare),
            "file is not used, as no trial names it",
            "files are not used, as no trial names them",
        )
        report(
            "F02",
            f"{files}{bound if len(found) == MOST_SEEN else ''}: "
            f"{list_some(_group(spare, folder, used), MOST_NAMED)}",
            source=source.folder,
        )


def _list_named(source: RecordingSource) -> set[Path]:
    """Return all that rows and lists name; a stimulus may be a file too."""
    folder = source.folder
    own = [folder / FILE_NAME, folder / SYNTHETIC_MARK, *source.lists, *source.silent]
    for row in source.rows:
        own += [*row.files, row.table]
        own += [folder / text[:200] for text in (row.stimulus, *row.more.values())]
    for path in dict.fromkeys((*_list_signals(source), *source.silent)):
        own += source.beside(path)
    return {path.resolve() for path in own if path != folder and "\0" not in str(path)}


def _list_signals(source: RecordingSource) -> list[Path]:
    return list(dict.fromkeys(f for row in source.rows for f in row.signals if f))


def _list_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are not hidden, in the order of names."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, n) for n in sorted(names) if not n.startswith("."))


def _describes(path: Path) -> bool:
    """Return whether a file is for people, or a side-car of BIDS."""
    stem, suffix = path.stem.lower(), path.suffix.lower()
    is_sidecar = stem.startswith(("sub-", "task-")) and (
        suffix == ".json" or (suffix == ".tsv" and stem.endswith(SIDECARS))
    )
    return is_sidecar or stem.startswith((*DESCRIBING, "participants"))


def _list_parts(source: RecordingSource, spare: Sequence[Path]) -> set[Path]:
    """Return files that are opened with those that rows name.

    Headers are read only where names do not say it.
    """
    signals = [*_list_signals(source), *source.silent]
    parts = {
        path.with_suffix(suffix).resolve()
        for path in signals
        for suffix in COMPANIONS.get(path.suffix.lower(), ())
    }
    endings = {".fif", *(s for own in COMPANIONS.values() for s in own)}
    if any(path.suffix.lower() in endings and path not in parts for path in spare):
        parts |= {part.resolve() for path in signals for part in list_parts(path)}
    return parts


def _group(spare: Sequence[Path], folder: Path, used: "set[Path]") -> list[str]:
    """Return names of files, then those of folders of which nothing is used."""
    alone: list[str] = []
    whole: Counter[str] = Counter()
    for path in spare:
        idle = [p for p in path.parents if p != folder and p not in used]
        top = next((p for p in reversed(idle) if folder in p.parents), None)
        if top is None:
            alone.append(path.relative_to(folder).as_posix()[:100])
        else:
            whole[top.relative_to(folder).as_posix()[:100]] += 1
    return [*alone, *(f"{name}/ ({say_count(n, 'file')})" for name, n in whole.items())]
