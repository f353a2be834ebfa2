"""The machine's clock is set by a day and a half while the pages are open: nothing that they measure goes by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Restaurant
from tests.browser.floor import WAITER, Floor
from tests.browser.tickets import change, ids, order, ticket, until
from tests.faults.test_clock import Held

pytestmark = pytest.mark.browser

HOUR = 3600
# Counts how often the page has looked for whether its session ends soon.
COUNT_LOOKS = """() => {
  const session = posNotif.Session.prototype, look = session._look;
  window.looks = 0;
  session._look = function () { look.call(this); window.looks++; };
}"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    made = Held(tmp_path, ACK_SECONDS="600", SCREEN_SECONDS="600")
    made.server.start()
    yield made
    made.server.close()


def hour_shown(page: Any) -> int:
    return int(page.locator("#clock").inner_text()[:2])


def set_clock(page: Any, held: Held, hours: int, since: int) -> None:
    """Sets the service's clock, which was `since` hours ahead, and waits until the page shows it."""
    before = hour_shown(page)
    held.set(hours * HOUR)
    shown = {(before + hours - since + late) % 24 for late in (0, 1)}
    until(page, lambda: hour_shown(page) in shown)


def finish_in_sight(page: Any, restaurant: Restaurant, number: int) -> None:
    ticket(page, number).wait_for()
    restaurant.publish(change(number, "listo"))
    ticket(page, number).wait_for(state="detached")


@pytest.mark.parametrize("hours", [34, -34])
def test_the_kitchens_board_is_the_same_whatever_the_clock_is_set_to(page: Any, held: Held, hours: int) -> None:
    restaurant = Restaurant(held.server)
    restaurant.publish(order(1), order(2))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    finish_in_sight(page, restaurant, 1)
    page.evaluate(COUNT_LOOKS)
    for now, since in ((hours, 0), (0, hours)):
        set_clock(page, held, now, since)
        # No ghost; what waits has waited for as long as it has; and no session ends.
        assert ids(page) == [2]
        assert re.fullmatch(r"0\d:\d\d", ticket(page, 2).locator(".ticket__time").inner_text())
        page.evaluate("window.looks = 0")
        until(page, lambda: page.evaluate("window.looks > 0"))
        assert page.locator("#notice").is_hidden()
        # What was ready before can be recalled, and what is ready from now on leaves in time.
        page.click("#recall")
        page.wait_for_selector('[data-listo-id="1"]')
        page.keyboard.press("Escape")
        new = 3 if now else 4
        restaurant.publish(order(new))
        finish_in_sight(page, restaurant, new)
        page.click("#recall")
        page.wait_for_selector(f'[data-listo-id="{new}"]')
        page.keyboard.press("Escape")
    # A snapshot has moments of both sides.
    page.evaluate("() => { __notif.desconectar(); __notif.conectar({ instantanea: true }); }")
    page.wait_for_selector("#conexion[data-modo=sse]")
    page.click("#recall")
    page.locator('[data-listo-id="1"]').get_by_role("button", name="Recuperar").click()
    page.wait_for_selector('[data-pedido-id="1"].ticket--recalled')
    assert ids(page) == [1, 2]


# It is morning or evening then, whichever it was not: the page's clock shows that it has been set.
@pytest.mark.parametrize("hours", [36, -36])
def test_a_ready_order_can_be_recalled_from_its_sheet_after_the_clock_was_set(
    page: Any, held: Held, hours: int
) -> None:
    floor = Floor(held.server)
    pedido = floor.act(floor.place(mesa_numero=6), "listo")
    pos = floor.open(page, WAITER, "/pos")
    pos.locator(f'#tables [data-pedido-id="{pedido["id"]}"]').click()
    expect(pos.get_by_role("button", name="Devolver")).to_be_visible()
    before = pos.locator("#clock").inner_text()
    held.set(hours * HOUR)
    until(pos, lambda: pos.locator("#clock").inner_text()[-5:] != before[-5:])
    expect(pos.get_by_role("button", name="Devolver")).to_be_visible()
