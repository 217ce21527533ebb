"""Tests of who can read the page and its report, by axe-core: two widths and styles."""

import pytest

from axe_core import find_violations
from browsers import STYLES, needs_browser, visit
from pages import open_page, write_recording

pytestmark = [pytest.mark.long, needs_browser]
WAIT_MS = 120_000


@pytest.fixture(scope="module")
def page(filmed_bundle):
    with open_page(filmed_bundle) as served:
        yield served


@pytest.fixture(scope="module")
def answered(page, tmp_path_factory):
    """The number of a recording that was answered."""
    sent = page.send(**write_recording(tmp_path_factory.mktemp("all"), seconds=8))
    return page.wait(sent)["id"]


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
