"""Chromium by Playwright, with its windows: what a cook has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.chromium import PATIENCE_MS, WHOLE, launch

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, BrowserType, Page


class Chromium:
    def __init__(self, chromium: BrowserType) -> None:
        self._browser = launch(chromium, WHOLE, heard=True)
        self._context: BrowserContext | None = None

    def tab(self) -> ChromiumTab:
        if self._context is None:
            self._context = self._browser.new_context(reduced_motion="reduce")  # nobody sees what pulses
            self._context.set_default_timeout(PATIENCE_MS)
        return ChromiumTab(self._context.new_page())

    def fresh(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None

    def close(self) -> None:
        self._browser.close()


class ChromiumTab:
    def __init__(self, page: Page) -> None:
        self._page = page

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def back(self) -> None:
        self._page.go_back(wait_until="commit")

    def run(self, script: str) -> Any:
        from playwright.sync_api import Error

        try:
            return self._page.evaluate(f"() => {{ {script} }}")
        except Error as error:
            if "navigation" in error.message:
                return None
            raise

    def tap(self, selector: str) -> None:
        self._page.click(selector)

    def write(self, selector: str, text: str) -> None:
        self._page.locator(selector).press_sequentially(text)

    def size(self, width: int, height: int) -> None:
        self._page.set_viewport_size({"width": width, "height": height})

    def close(self) -> None:
        self._page.close()
