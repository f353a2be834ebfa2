"""One Chromium for the package, one page with its own cookies for each test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = os.environ.get("POS_NOTIF_TEST_CHROMIUM") or "/usr/bin/chromium"
EXPECTED_NOISE = re.compile(r"Failed to load resource|net::ERR_")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Closed with the package: Playwright's loop would refuse the asyncio tests of other modules.
    if not shutil.which(CHROMIUM):
        if os.environ.get("CI"):
            pytest.fail(f"no Chromium at {CHROMIUM}, and this is CI: apt-get install -y chromium")
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="es-SV")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the console said that it should not; a test may clear what it provoked."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    page = context.new_page()

    def on_console(message) -> None:
        if message.type in ("error", "assert") and not EXPECTED_NOISE.search(message.text):
            complaints.append(message.text)

    def on_dialog(dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", on_dialog)
    yield page
    assert complaints == []
