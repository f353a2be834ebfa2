"""Three browsers behind one small interface: Chromium, Firefox ESR and WebKitGTK, each as Debian has it.

Only what all three can do is here; a test of one browser's own uses its driver.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.support.engines.chromium import Chromium
from tests.support.engines.firefox import Firefox
from tests.support.engines.webkit import WebKit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The commands that each needs, and the packages that have them.
NEEDS = {
    "chromium": (["chromium"], "chromium"),
    "firefox": (["firefox-esr"], "firefox-esr"),
    "webkit": (["WebKitWebDriver", "Xvfb"], "webkit2gtk-driver xvfb"),
}


class Tab(Protocol):
    def goto(self, url: str) -> None:
        """Returns once the page has loaded."""

    def back(self) -> None:
        """May return before the page is there."""

    def run(self, script: str) -> Any:
        """The value, as JSON, that a function with this body returns in the page; None of a page that is being left."""

    def tap(self, selector: str) -> None:
        """A click of the mouse, as a person's."""

    def write(self, selector: str, text: str) -> None:
        """Key by key, into a field that is empty."""

    def size(self, width: int, height: int) -> None:
        """Gives the page a window of so many pixels."""

    def close(self) -> None: ...


class Engine(Protocol):
    def tab(self) -> Tab:
        """A new tab in front of the others, with which it shares cookies and storage."""

    def fresh(self) -> None:
        """Closes all tabs and forgets their cookies."""

    def close(self) -> None: ...


def start(name: str, browser: Callable[[], Browser]) -> Engine:
    """`browser` gives that of the other tests, whose driver Chromium has too. An engine plays by the sound server that
    the environment names. Skips where the engine is missing; in CI that is a failure."""
    commands, packages = NEEDS[name]
    if not all(map(shutil.which, commands)):
        reason = f"needs {name.title()} (Debian: apt-get install -y {packages})"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    if name == "chromium":
        return Chromium(browser().browser_type)
    return Firefox() if name == "firefox" else WebKit()
