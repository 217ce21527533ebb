"""Several versions of the documentation in one folder."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = runpy.run_path(str(ROOT / "release" / "site.py"))
CONF = """
import runpy
held = runpy.run_path({conf!r})
project, html_theme = held["project"], held["html_theme"]
html_sidebars, templates_path = held["html_sidebars"], [{templates!r}]
version = release = {version!r}
"""


def build(folder, version, *pages):
    """Build pages in the way of our own; return where they lie."""
    docs, source = ROOT / "docs", folder / version
    source.mkdir()
    conf = {"conf": str(docs / "conf.py"), "templates": str(docs / "_templates")}
    (source / "conf.py").write_text(CONF.format(**conf, version=version))
    listed = "\n".join(f"   {name}" for name in pages)
    (source / "index.rst").write_text(f"Title\n=====\n\n.. toctree::\n\n{listed}\n")
    for name in pages:
        (source / f"{name}.rst").parent.mkdir(exist_ok=True)
        (source / f"{name}.rst").write_text("Title\n=====\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html"]
    subprocess.run([*command, source, source / "html"], check=True)
    return source / "html"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """The pages of an older version, and of a newer one that has one more."""
    folder = tmp_path_factory.mktemp("docs")
    return build(folder, "0.9.1", "old"), build(folder, "0.10.0", "old", "api/new")


def read_links(page):
    """Return the list of versions of a page: what is shown, and where it leads."""
    listed = re.search(r"<!-- versions -->(.*?)<!-- end", page.read_text(), re.S)[1]
    links = re.findall(r'href="(.*?)"( aria-current="true")?>(.*?)<', listed)
    current = [shown for _, here, shown in links if here]
    return {shown: (page.parent / path).resolve() for path, _, shown in links}, current


def test_versions_of_the_documentation_lie_beside_each_other(versions, tmp_path):
    site = tmp_path / "site"
    first, second = versions
    assert "Version 0.10.0" in (second / "index.html").read_text()

    for built, ref in ((first, "v0.9.1"), (second, "main"), (second, "v0.10.0")):
        SITE["publish"](built, site, ref)

    shown = ["latest", "stable (0.10)", "0.10", "0.9"]
    folders = dict(zip(shown, ("latest", "stable", "0.10", "0.9"), strict=True))
    for folder in folders.values():
        links, current = read_links(site / folder / "old.html")
        assert list(links) == shown
        assert [folders[name] for name in current] == [folder]
        for name, target in links.items():
            assert target == site / folders[name] / "old.html"
    deep, _ = read_links(site / "latest" / "api" / "new.html")
    assert deep["0.10"] == site / "0.10" / "api" / "new.html"
    assert deep["0.9"] == site / "0.9" / "index.html"
    assert all(path.is_file() for path in deep.values())
    assert "url=stable/index.html" in (site / "index.html").read_text()
    assert "Version 0.10.0" not in (site / "stable" / "index.html").read_text()


def test_a_corrected_release_takes_the_place_of_the_one_before(versions, tmp_path):
    site = tmp_path / "site"
    first, second = versions

    SITE["publish"](first, site, "v1.0.0")
    SITE["publish"](second, site, "v1.0.1")

    assert {path.name for path in site.iterdir() if path.is_dir()} == {"stable", "1.0"}
    assert (site / "stable" / "api" / "new.html").is_file()
    with pytest.raises(SystemExit, match=r"neither main nor a version .*: 'x'"):
        SITE["publish"](first, site, "x")


def test_the_workflow_publishes_with_this_script():
    text = (ROOT / ".github" / "workflows" / "docs.yml").read_text()

    assert 'release/site.py docs/_build/html pages "$REF"' in text
