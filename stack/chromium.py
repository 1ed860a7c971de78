"""Debian's Chromium, for browser tests and screenshots."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.debian import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def running() -> "Iterator[Browser]":
    """Run a headless browser until the end of the block."""
    from playwright.sync_api import sync_playwright  # in requirements-dev.txt only

    with sync_playwright() as playwright:
        # As root there is no sandbox to be had; small containers have a small /dev/shm.
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM.file, args=options)
        try:
            yield browser
        finally:
            browser.close()
