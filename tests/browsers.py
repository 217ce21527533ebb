"""A real Chromium, in which tests look at pages as a person sees them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

browser_path = os.environ.get("DEEPVANET_BROWSER") or next(
    (path for name in NAMES if (path := shutil.which(name))), None
)
STYLES = [(width, style) for width in (1200, 480) for style in ("light", "dark")]
"""In which pages are looked at."""
needs_browser = pytest.mark.skipif(
    browser_path is None,
    reason="NO PAGE IS LOOKED AT: no Chromium, install it or set DEEPVANET_BROWSER",
)


@contextmanager
def open_browser() -> Iterator:
    """Lend a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path)
        yield browser
        browser.close()


def visit(browser, address, width, style="light"):
    """Open an address in a window of a width, in a light or a dark style."""
    size = {"width": width, "height": 900}
    tab = browser.new_page(viewport=size, color_scheme=style)
    tab.goto(address)
    return tab
