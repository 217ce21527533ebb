"""Files in the folder of a public data set that nothing reads, by kind.

What the documentation of a data set describes is named in one line for each kind,
and everything else in another.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deepvanet.datasets.synthetic_mark import SYNTHETIC_MARK
from deepvanet.findings import Finding, list_some, make_finding

MOST_FILES = 500_000
"""That are looked at; a full copy of the largest data set has a tenth."""
KNOWN = ""
"""The kind of files that are looked at elsewhere, and not named here."""
COMMON: Mapping[str, str] = {
    KNOWN: re.escape(SYNTHETIC_MARK),
    "documentation": r"(?:.*/)?(?:(?:readme|licen[cs]e)[^/]*|[^/]*\.(?:pdf|html?))",
    "archives": r"[^/]*\.(?:zip|rar|7z|tar|tgz|gz)(?:\.\d+)?",
}
"""What lies beside the files of any data set."""


def find_unused(
    root: Path,
    title: str,
    used: Iterable[Path],
    kinds: Mapping[str, str],
    *,
    passed: Iterable[Path] = (),
) -> Iterator[Finding]:
    """Name the files that nothing reads.

    Parameters
    ----------
    root : Path
        The folder of the data set.
    title : str
        What people call the data set.
    used : iterable of Path
        Files that are read.
    kinds : mapping
        Regular expressions of other files that the data set has, by what they are;
        they are compared with the whole path below the root. The first one that fits
        counts.
    passed : iterable of Path
        Folders that are no part of the data set, and are not looked into.

    Returns
    -------
    iterator of Finding
        Notes, one for each kind, and one for all that is no part of the data set.
    """
    strange = {path.relative_to(root).as_posix() for path in passed}
    by_kind, others, needed = _sort_files(root, used, kinds, strange)
    for kind, names in by_kind.items():
        more = " and others" if len(names) > 1 else ""
        text = f"not used, {kind} ({len(names)}): {names[0]}{more}"
        yield make_finding("F02", text)
    strange.update(_fold(name, needed) for name in others)
    if strange:
        text = f"ignored, no part of {title} ({len(strange)})"
        yield make_finding("F02", f"{text}: {list_some(sorted(strange))}")


def _sort_files(
    root: Path,
    used: Iterable[Path],
    kinds: Mapping[str, str],
    passed: set[str],
) -> tuple[dict[str, list[str]], list[str], set[str]]:
    """Return unused files of each kind, all others, and folders of what is known."""
    read = {path.relative_to(root).as_posix() for path in used}
    forms = (*COMMON.items(), *kinds.items())
    patterns = [(kind, re.compile(form, re.IGNORECASE)) for kind, form in forms]
    by_kind: dict[str, list[str]] = {kind: [] for kind, _ in patterns}
    others: list[str] = []
    needed: set[str] = set()
    for folder, name in _walk(root, passed):
        kind = KNOWN if name in read else _find_kind(name, patterns)
        if kind is None:
            others.append(name)
            continue
        needed.add(folder)
        if kind:
            by_kind[kind].append(name)
    return {kind: names for kind, names in by_kind.items() if names}, others, needed


def _walk(root: Path, passed: set[str]) -> Iterator[tuple[str, str]]:
    """Yield folder and path of each file and each empty folder; links lead nowhere."""
    n_left = MOST_FILES
    for at, folders, names in os.walk(root):
        below = os.path.relpath(at, root).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        folders[:] = sorted(f for f in folders if f"{prefix}{f}" not in passed)
        if not folders and not names and prefix:
            yield prefix.rpartition("/")[0], below
        for name in sorted(names)[:n_left]:
            yield prefix, f"{prefix}{name}"
        n_left -= len(names)
        if n_left <= 0:
            return


def _find_kind(
    name: str, patterns: Sequence[tuple[str, re.Pattern[str]]]
) -> str | None:
    return next((kind for kind, form in patterns if form.fullmatch(name)), None)


def _fold(name: str, needed: set[str]) -> str:
    """Return the outermost folder of a file in which nothing is known, or the file."""
    parts = name.split("/")
    for n_parts in range(1, len(parts)):
        prefix = "/".join(parts[:n_parts]) + "/"
        if not any(folder.startswith(prefix) for folder in needed):
            return prefix[:-1]
    return name
