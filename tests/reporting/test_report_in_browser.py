"""Tests of a report's page in a real browser: who can read it, and at which width."""

import pytest

from axe_core import find_violations
from browsers import STYLES, needs_browser, visit
from deepvanet.reporting import write_report
from fake_run import write_run

pytestmark = [pytest.mark.long, needs_browser]
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    run = write_run(
        tmp_path_factory.mktemp("runs") / "run",
        protocol_names=("paper", "trial", "subject", "subject-stimulus"),
        targets=("valence",),
        streams=("eeg", "peripheral", "eeg+peripheral"),
        learners=("network", "bandpower-logistic"),
        n_trials=10,
        n_segments=2,
    )
    return write_report([run], tmp_path_factory.mktemp("reports") / "report")


def open_report(browser, report, width, style="light"):
    tab = visit(browser, report.as_uri(), width, style)
    tab.evaluate(OPEN_ALL)
    return tab


@pytest.mark.parametrize(("width", "style"), STYLES)
def test_axe_finds_nothing(browser, report, axe, width, style):
    tab = open_report(browser, report, width, style)

    assert find_violations(tab, axe) == []
    tab.close()


def test_leaks_are_seen_at_1200_pixels_without_scrolling(browser, report):
    tab = open_report(browser, report, 1200)

    heads = tab.query_selector_all("table.scores thead th")
    ends = {h.inner_text(): h.bounding_box() for h in heads}
    assert "Leaks" in ends
    for name, box in ends.items():
        assert box["x"] + box["width"] <= 1200, name
    tab.close()


def test_a_narrow_page_does_not_scroll_sideways(browser, report):
    tab = open_report(browser, report, 480)

    assert tab.evaluate("document.documentElement.scrollWidth") <= 480
    first = tab.query_selector(".answer h3")
    assert first.bounding_box()["y"] < 900
    tab.close()
