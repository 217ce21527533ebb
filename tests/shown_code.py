"""What the documentation shows: pages, their blocks of code, and their commands."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BESIDE = ("CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "README", "SECURITY")
PAGES = [
    *(ROOT / f"{name}.md" for name in BESIDE),
    *sorted((ROOT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def read_blocks(page: Path, *languages: str) -> list[str]:
    """Return the blocks of code of a page in some languages, in its order."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


def split_lines(block: str) -> list[str]:
    """Return the commands of a block of a shell, without comments."""
    joined = block.replace("\\\n", " ").splitlines()
    lines = [" ".join(re.sub(r"\s#.*", "", line).split()) for line in joined]
    return [line for line in lines if line]


def list_lines() -> Iterator[tuple[Path, str]]:
    """Yield each command that a page shows, with the page."""
    for page in PAGES:
        for block in read_blocks(page, "sh"):
            for line in split_lines(block):
                yield page, line


def read_prose(page: Path) -> str:
    """Return the text of a page without its blocks and words of code."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"(`+).+?\1", "", text)


def name_headings(page: Path) -> set[str]:
    """Return the anchors of a page: of headings, as GitHub makes them, and named ones.

    Those are MyST's: ``(name)=`` in a line of its own.
    """
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    anchors = set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))
    for heading in re.findall(r"^#+ +(.+?) *#*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown.strip()).replace(" ", "-")
        numbered = (f"{anchor}-{number}" for number in range(1, 99))
        anchors.add(next(numbered) if anchor in anchors else anchor)
    return anchors
