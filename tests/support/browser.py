"""A real browser for the tests of the page: headless Chromium, and a page that may complain of nothing."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Run a browser while the context is open."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class watched:  # noqa: N801 - reads as a sentence: with watched(browser, address) as page
    """A page whose console and requests are looked at when it closes, but for complaints that were expected."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page, self.address = browser.new_page(reduced_motion="reduce", **options), address
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def __enter__(self) -> Any:
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"http://{self.address}/")
        self.page.wait_for_selector("#link[data-link=live]")
        return self.page

    def expect(self, words: str) -> None:
        """Forget complaints with these words in them."""
        self.complaints = [said for said in self.complaints if words not in said]

    def __exit__(self, *error: object) -> None:
        self.page.close()
        if error[0] is None:
            assert self.complaints == [], self.complaints
            elsewhere = [url for url in self.asked if not url.startswith((f"http://{self.address}/", "blob:"))]
            assert elsewhere == [], elsewhere
