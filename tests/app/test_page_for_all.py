"""Tests of who can read the page and its report, by axe-core: two widths and styles."""

import shutil

import pytest

from axe_core import fetch_axe, find_violations
from pages import open_page, write_recording

browser_path = next(
    (p for name in ("chromium", "google-chrome") if (p := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(browser_path is None, reason="no Chromium"),
]
WAIT_MS = 120_000
STYLES = [(width, style) for width in (1200, 480) for style in ("light", "dark")]


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    return fetch_axe(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(filmed_bundle):
    with open_page(filmed_bundle) as served:
        yield served


@pytest.fixture(scope="module")
def answered(page, tmp_path_factory):
    """The number of a recording that was answered."""
    sent = page.send(**write_recording(tmp_path_factory.mktemp("all"), seconds=8))
    return page.wait(sent)["id"]


def visit(browser, address, width, style):
    size = {"width": width, "height": 900}
    tab = browser.new_page(viewport=size, color_scheme=style)
    tab.goto(address)
    return tab


@pytest.mark.parametrize(("width", "style"), STYLES)
def test_axe_finds_nothing_in_the_form(browser, page, axe, width, style):
    tab = visit(browser, page.address, width, style)
    tab.wait_for_selector(".need")

    assert find_violations(tab, axe) == []
    tab.close()


@pytest.mark.parametrize(("width", "style"), STYLES)
def test_axe_finds_nothing_in_a_result(browser, page, answered, axe, width, style):
    tab = visit(browser, f"{page.address}#{answered}", width, style)
    tab.wait_for_selector("#result:not([hidden])", timeout=WAIT_MS)
    tab.click("#picked")

    assert find_violations(tab, axe) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()


@pytest.mark.parametrize(("width", "style"), STYLES)
def test_axe_finds_nothing_in_a_report(
    browser, page, answered, axe, tmp_path, width, style
):
    report = page.get(f"/api/jobs/{answered}/report.html").body
    (tmp_path / "report.html").write_bytes(report)
    tab = visit(browser, (tmp_path / "report.html").as_uri(), width, style)

    assert find_violations(tab, axe) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()
