"""Put the built documentation beside that of other versions.

    python release/site.py docs/_build/html SITE main      # SITE/latest
    python release/site.py docs/_build/html SITE v0.2.1    # SITE/0.2 and SITE/stable

Versions that differ in their last number share a folder. ``stable`` is a copy of the
newest release. Every page of every version gets a list of all of them in its sidebar,
which leads to the same page of another version, where that has one.
"""

import re
import shutil
import sys
from pathlib import Path

LATEST, STABLE = "latest", "stable"
MARK, END = "<!-- versions -->", "<!-- end of versions -->"


def name_folder(ref: str) -> str:
    """Return where the pages of a branch or tag lie: of ``v0.2.1``, ``0.2``."""
    if ref == "main":
        return LATEST
    release = re.fullmatch(r"v(\d+\.\d+)\.\d+", ref)
    if not release:
        raise SystemExit(f"neither main nor a version as v1.2.3: {ref!r}")
    return release[1]


def list_versions(site: Path) -> list[str]:
    """Return the folders of releases, newest first."""
    names = (path.name for path in site.iterdir() if path.is_dir())
    releases = [name for name in names if re.fullmatch(r"\d+\.\d+", name)]
    return sorted(releases, key=lambda name: [*map(int, name.split("."))], reverse=True)


def replace(source: Path, target: Path) -> None:
    """Make a folder the copy of another one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".doctrees"))


def write_list(site: Path, page: Path, versions: dict[str, str]) -> str:
    """Return the list of versions for the sidebar of a page."""
    here, *inside = page.relative_to(site).parts
    up = "../" * len(inside)
    items = []
    for name, shown in versions.items():
        same = site.joinpath(name, *inside).is_file()
        path = "/".join([name, *(inside if same else ["index.html"])])
        current = ' aria-current="true"' if name == here else ""
        items.append(
            f'<li class="toctree-l1{" current-page" if current else ""}">'
            f'<a class="reference internal" href="{up}{path}"{current}>{shown}</a></li>'
        )
    title = '<p class="caption"><span class="caption-text">Versions</span></p>'
    return "\n".join([MARK, title, "<ul>", *items, "</ul>", END])


def publish(built: Path, site: Path, ref: str) -> None:
    """Copy built pages into a site, and renew the lists of versions of all pages."""
    site.mkdir(parents=True, exist_ok=True)
    replace(built, site / name_folder(ref))
    releases = list_versions(site)
    versions = {LATEST: LATEST} if (site / LATEST).is_dir() else {}
    if releases:
        replace(site / releases[0], site / STABLE)
        versions[STABLE] = f"{STABLE} ({releases[0]})"
    versions |= {name: name for name in releases}
    for folder in versions:
        for page in (site / folder).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            if MARK in text:
                before, _, rest = text.partition(MARK)
                after = rest.partition(END)[2]
                new = write_list(site, page, versions)
                page.write_text(f"{before}{new}{after}", encoding="utf-8")
    first = STABLE if releases else LATEST
    (site / "index.html").write_text(
        f'<!doctype html><title>deepvanet</title><meta http-equiv="refresh" '
        f'content="0; url={first}/index.html"><a href="{first}/index.html">{first}</a>'
    )
    (site / ".nojekyll").touch()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    publish(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
