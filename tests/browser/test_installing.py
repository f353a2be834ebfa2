"""How one puts a page on the home screen: what /pos says of it, and what a phone's browser reads of each page."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor

pytestmark = pytest.mark.browser

OFFERED = "() => window.dispatchEvent(new Event('beforeinstallprompt', {cancelable: true}))"
EARLY = """
  document.addEventListener('DOMContentLoaded', () => window.dispatchEvent(new Event('beforeinstallprompt')));
"""
ON_AN_IPHONE = "Object.defineProperty(navigator, 'standalone', {value: %s});"


def test_the_waiters_page_says_how_it_is_installed_where_the_browser_offers_it(page: Any, floor: Floor) -> None:
    floor.open(page, WAITER, "/pos")
    expect(page.locator("#install")).to_be_hidden()
    page.evaluate(OFFERED)
    expect(page.locator("#install")).to_have_text("Instalar: menú → Añadir a pantalla de inicio.")
    expect(page.locator("#install")).to_be_visible()
    page.evaluate("() => window.dispatchEvent(new Event('appinstalled'))")
    expect(page.locator("#install")).to_be_hidden()


def test_what_is_offered_while_the_page_is_loaded_is_said_too(page: Any, floor: Floor) -> None:
    page.add_init_script(EARLY)
    floor.open(page, WAITER, "/pos")
    expect(page.locator("#install")).to_be_visible()


@pytest.mark.parametrize(("standalone", "is_said"), [("false", True), ("true", False)])
def test_on_an_iphone_it_is_said_in_a_tab_and_not_on_the_home_screen(
    page: Any, floor: Floor, standalone: str, is_said: bool
) -> None:
    page.add_init_script(ON_AN_IPHONE % standalone)
    floor.open(page, WAITER, "/pos")
    expect(page.locator("#install")).to_be_visible(visible=is_said)
    if is_said:
        expect(page.locator("#install")).to_have_text("Instalar: Compartir → Añadir a pantalla de inicio.")


def test_each_page_names_its_icon_for_an_iphone_and_opens_as_an_app(page: Any, floor: Floor) -> None:
    for who, path in ((COOK, "/cocina"), (WAITER, "/pos"), (CASHIER, "/caja"), (MANAGER, "/manager")):
        floor.open(page, who, path)
        icon = page.get_attribute("link[rel=apple-touch-icon]", "href")
        assert page.get_attribute("meta[name=mobile-web-app-capable]", "content") == "yes"
        answer = page.context.request.get(floor.url + icon)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        png = answer.body()
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        # Without transparency, which an iPhone fills with black: of three channels, 180 by 180.
        assert struct.unpack(">II", png[16:24]) == (180, 180)
        assert png[25] == 2
