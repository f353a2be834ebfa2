"""An order's whole life, on the screens of everyone who has to do with it, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor
from tests.browser.test_pos import PHONE, card, row, write
from tests.browser.tickets import ticket, until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

COUNT_TONES = """
    window.tones = 0;
    var create = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () { window.tones++; return create.call(this); };
"""
DESK = {"width": 1280, "height": 800}


@pytest.fixture(params=["sse", "polling"])
def screen(request: Any, browser: Any, floor: Floor, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Opens a page for a person, in a context of its own, with and without EventSource."""
    contexts: list[Any] = []

    def opened(who: str, path: str, viewport: dict[str, int] = DESK) -> Any:
        context = browser.new_context(viewport=viewport, locale="es-SV")
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(COUNT_TONES)
        if request.param == "polling":
            context.add_init_script("delete window.EventSource;")
        return floor.open(watch(context.new_page(), complaints), who, path, transport=request.param)

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.long
def test_from_the_table_to_the_figures(screen: Callable[..., Any], floor: Floor) -> None:
    waiter, kitchen = screen(WAITER, "/pos", PHONE), screen(COOK, "/cocina")
    till, manager = screen(CASHIER, "/caja"), screen(MANAGER, "/manager")

    # Sound is unlocked on the empty board: the first order rings there.
    kitchen.click("#sonido")
    waiter.click("#sonido")
    expect(kitchen.locator("#sonido[data-activo=true]")).to_be_visible()
    before = kitchen.evaluate("tones")
    write(waiter, floor, table="7", quantity=2)
    waiter.get_by_role("button", name="Bebidas").click()
    waiter.locator(f'[data-producto-id="{floor.products["Horchata"]}"] .step__btn--add').click()
    waiter.get_by_role("button", name="Enviar a cocina").click()
    kitchen.wait_for_selector("[data-pedido-id]")
    until(kitchen, lambda: kitchen.evaluate("tones") > before)
    (pedido,) = floor.orders()
    number = pedido["id"]
    expect(ticket(kitchen, number)).to_contain_text("Mesa 7")
    expect(row(waiter, number)).to_have_attribute("data-visto", "yes")  # the kitchen has drawn it

    # It is started, two lines are ready one by one, and the last makes the order ready.
    ticket(kitchen, number).locator(".ticket__do").click()
    kitchen.wait_for_selector(f'[data-pedido-id="{number}"][data-estado=en_cocina]')
    expect(ticket(kitchen, number).locator(".ticket__do")).to_be_enabled()  # answered: until then no line takes a tap
    before = waiter.evaluate("tones")
    expect(manager.locator('[data-lane="en_cocina"]')).to_contain_text("Mesa 7")
    first, last = (item["id"] for item in pedido["items"])
    ticket(kitchen, number).locator(f'[data-item-id="{first}"]').click()
    expect(card(waiter, number)).to_contain_text("falta 1 plato")
    ticket(kitchen, number).locator(f'[data-item-id="{last}"]').click()
    expect(card(waiter, number)).not_to_contain_text("falta")
    assert floor.order(number)["estado"] == "listo"
    until(waiter, lambda: waiter.evaluate("tones") > before)

    # It is carried to the table, and charged.
    assert till.locator(f'.due[data-pedido-id="{number}"]').count() == 0
    card(waiter, number).get_by_role("button", name="Entregado").click()
    expect(card(waiter, number)).to_have_count(0)
    till.locator(f'.due[data-pedido-id="{number}"]').click()
    till.get_by_role("button", name="$10", exact=True).click()
    till.click("#act")
    for page in (till, waiter, manager):
        expect(page.locator(f'[data-pedido-id="{number}"]')).to_have_count(0)
    done = floor.order(number)
    assert (done["estado"], done["total"]) == ("cerrado", 3.5)
    expect(manager.locator("#per-hour .stat__value")).to_have_text("1pedido · $3.50")
    expect(manager.locator("#times .chart__value")).to_have_count(3)  # waiting, cooking, pick-up
    expect(manager.locator(".dish").first).to_contain_text("Pupusa de queso")
