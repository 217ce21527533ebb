"""The built documentation in a browser: who can read it, and that no table is empty."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from axe_core import find_violations
from browsers import STYLES, needs_browser, visit

ROOT = Path(__file__).parents[1]
NOT_BUILT = shutil.ignore_patterns("_build", "auto_gallery")
SEARCH = "search.html"
"""A page of the theme, without a heading of its own."""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, with the output of every example."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=NOT_BUILT)
    for page in ROOT.glob("*.md"):
        shutil.copy(page, folder)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html"]
    subprocess.run(
        [*command, folder / "docs", folder / "html"],
        env={**os.environ, "DEEPVANET_GALLERY": "all"},
        check=True,
    )
    return folder / "html"


def list_pages(site):
    return [page for page in sorted(site.rglob("*.html")) if page.name != SEARCH]


def test_every_table_has_a_row(site):
    empty = [
        page.name
        for page in list_pages(site)
        for table in re.findall(r"<table.*?</table>", page.read_text(), re.DOTALL)
        if "<td" not in table
    ]

    assert empty == []


@needs_browser
@pytest.mark.parametrize(("width", "style"), STYLES)
def test_axe_finds_nothing_in_any_page(site, browser, axe, width, style):
    tab = visit(browser, "about:blank", width, style)
    found = {}
    for page in list_pages(site):
        tab.goto(page.as_uri())
        across = tab.evaluate("document.documentElement.scrollWidth")
        if wrong := find_violations(tab, axe) + [across] * (across > width):
            found[page.name] = wrong
    tab.close()

    assert found == {}
