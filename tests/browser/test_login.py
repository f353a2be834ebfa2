"""Signing in and out in a browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import PIN, WAITER, Floor

pytestmark = pytest.mark.browser


def fill(page: Any, username: str, password: str) -> None:
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("#login-submit")


def test_a_wrong_pin_is_told_in_spanish_and_the_right_one_goes_on(page: Any, restaurant: Any) -> None:
    page.goto(restaurant.url + "/cocina")
    assert "/login" in page.url
    fill(page, restaurant.cook, "0000")
    error = page.locator("#login-error")
    error.wait_for(state="visible")
    assert re.search(r"PIN|contraseña|usuario", error.inner_text())
    assert page.locator("#password").get_attribute("aria-invalid") == "true"
    fill(page, restaurant.cook, restaurant.pin)
    page.wait_for_url(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")


def test_too_many_failures_make_the_button_wait(page: Any, restaurant: Any) -> None:
    page.goto(restaurant.url + "/login")
    for attempt in range(6):
        with page.expect_response("**/api/auth/login"):
            fill(page, "nadie", f"000{attempt}")
    expect(page.locator("#login-submit")).to_have_text(re.compile("^Espere 1[45]:"))
    assert page.locator("#login-submit").is_disabled()
    assert page.locator("#login-error").inner_text() != ""


def test_never_goes_on_to_another_site(page: Any, restaurant: Any) -> None:
    page.goto(restaurant.url + "/login?next=//example.org/")
    fill(page, restaurant.cook, restaurant.pin)
    page.wait_for_url(lambda url: "/login" not in url)
    assert page.url.startswith(restaurant.url)


def test_the_pin_can_be_shown(page: Any, restaurant: Any) -> None:
    page.goto(restaurant.url + "/login")
    page.click("#reveal")
    assert page.locator("#password").get_attribute("type") == "text"
    page.click("#reveal")
    assert page.locator("#password").get_attribute("type") == "password"


def test_signing_out_ends_the_session(page: Any, restaurant: Any) -> None:
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/")
    page.click("#logout")
    page.wait_for_url(restaurant.url + "/login*")
    page.goto(restaurant.url + "/cocina")
    assert "/login" in page.url


@pytest.mark.parametrize("size", [(360, 640), (1024, 600), (1280, 800)])
def test_login_fits(page: Any, restaurant: Any, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(restaurant.url + "/login")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert page.locator("#login-submit").bounding_box()["height"] >= 48


def test_a_tap_on_a_notification_after_the_session_has_ended_leads_to_its_order(page: Any, floor: Floor) -> None:
    pedido = floor.place()
    page.goto(f"{floor.url}/pos?pedido={pedido['id']}")
    fill(page, WAITER, PIN)
    expect(page.locator("#detail-body")).to_contain_text("Pupusa de queso")
    assert page.evaluate("location.pathname + location.hash") == f"/pos#pedido-{pedido['id']}"
