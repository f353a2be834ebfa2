"""Answers and events that come in another order than they were given: what is over stays over, what is new is told."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, WAITER, Floor
from tests.browser.tickets import until

pytestmark = pytest.mark.browser


class Held:
    """What the service has answered to a page's next request of that address, which the page has not got yet."""

    def __init__(self, page: Any, address: str) -> None:
        self._page = page
        self._address = address
        self._answers: list[tuple[Any, Any]] = []
        page.route(address, lambda route: self._answers.append((route, route.fetch())), times=1)

    def wait(self) -> None:
        until(self._page, lambda: bool(self._answers))

    def let_go(self) -> None:
        [(route, response)] = self._answers
        with self._page.expect_response(self._address):
            route.fulfill(response=response)


def test_an_older_answer_brings_no_charged_table_back_to_another_till(page: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6)
    floor.open(page, CASHIER, "/caja")
    charged = page.locator(f'.due[data-pedidos~="{pedido["id"]}"]')
    expect(charged).to_have_count(1)
    open_orders = Held(page, "**/api/pedidos?vista=cajeros&todas=1")
    floor.served(mesa_numero=7)  # has the page ask for all that are open
    open_orders.wait()
    floor.act(pedido, "cobrar", metodo_pago="efectivo")
    expect(charged).to_have_count(0)
    with page.expect_response("**/api/pedidos?vista=cajeros&todas=1"):  # the next one is asked for once it was taken
        open_orders.let_go()
    other = floor.served(mesa_numero=8)
    expect(page.locator(f'.due[data-pedidos~="{other["id"]}"]')).to_have_count(1)  # all is drawn anew
    expect(charged).to_have_count(0)


@pytest.mark.parametrize("asked", ["everybody's tables", "the order's sheet"])
def test_an_older_answer_brings_no_closed_order_back_to_its_waiter(page: Any, floor: Floor, asked: str) -> None:
    pedido = floor.served(mesa_numero=6)
    floor.open(page, WAITER, "/pos")
    closed = page.locator(f'#tables [data-pedido-id="{pedido["id"]}"]')
    expect(closed).to_have_count(1)
    if asked == "everybody's tables":
        answer = Held(page, "**/api/pedidos?vista=meseros&todas=1")
        page.click("#all")
    else:
        answer = Held(page, f"**/api/pedidos/{pedido['id']}")
        closed.click()
    answer.wait()
    floor.act(pedido, "cobrar", metodo_pago="efectivo")
    expect(closed).to_have_count(0)
    answer.let_go()
    if asked != "everybody's tables":
        page.go_back()
    other = floor.place(mesa_numero=8)
    expect(page.locator(f'#tables [data-pedido-id="{other["id"]}"]')).to_have_count(1)  # all is drawn anew
    expect(closed).to_have_count(0)


def test_an_older_answer_makes_no_dish_available_that_has_run_out_since(page: Any, floor: Floor) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    floor.open(page, WAITER, "/pos")

    def out(name: str) -> Any:
        return page.locator(f'.is-out[data-producto-id="{floor.products[name]}"]')

    menu = Held(page, "**/api/productos")
    page.click("#new")  # asks for it anew
    menu.wait()
    floor.sold_out("Pupusa revuelta")
    expect(out("Pupusa revuelta")).to_contain_text("Se acabó")
    menu.let_go()
    floor.sold_out("Pupusa de queso")
    expect(out("Pupusa de queso")).to_contain_text("Se acabó")  # all is drawn anew
    expect(out("Pupusa revuelta")).to_contain_text("Se acabó")


def test_what_is_ready_is_told_also_where_an_answer_was_faster_than_its_event(page: Any, floor: Floor) -> None:
    floor.open(page, WAITER, "/pos")
    pedido = floor.place()
    expect(page.locator(f'#tables [data-pedido-id="{pedido["id"]}"]')).to_have_count(1)
    page.evaluate(
        "() => { const emit = __notif._emit; window.held = [];"
        "  __notif._emit = function (name, data) {"
        "    if (name === 'evento_pedido') { held.push(data); } else { emit.call(this, name, data); } };"
        "  window.letGo = () => held.splice(0).forEach(data => emit.call(__notif, 'evento_pedido', data)); }"
    )
    floor.act(pedido, "listo")
    until(page, lambda: page.evaluate("held.some(event => event.tipo === 'pedido_listo')"))
    page.click("#all")  # asks for all that are open
    page.wait_for_selector(f"#ready [data-pedido-id='{pedido['id']}']", state="attached")
    expect(page.locator("#said")).not_to_contain_text("Mesa 5")
    page.evaluate("letGo()")
    expect(page.locator("#said")).to_contain_text("Mesa 5")


def test_an_answer_to_a_charge_that_comes_late_leaves_the_next_guests_payment_as_it_is(page: Any, floor: Floor) -> None:
    first, second = floor.served(mesa_numero=6), floor.served(mesa_numero=7)
    floor.open(page, CASHIER, "/caja")
    page.locator(f'.due[data-pedidos~="{first["id"]}"]').click()
    answer = Held(page, "**/acciones")
    page.click("#act")
    answer.wait()
    page.locator(f'.due[data-pedidos~="{second["id"]}"]').click()
    page.click("#pay-tarjeta")
    expect(page.locator("#pay-tarjeta")).to_have_attribute("aria-pressed", "true")
    answer.let_go()
    expect(page.locator(f'.due[data-pedidos~="{first["id"]}"]')).to_have_count(0)
    page.click("#act")
    until(
        page, lambda: [event["metodo_pago"] for event in floor.events(second["id"]) if event.get("metodo_pago")] != []
    )
    assert [event["metodo_pago"] for event in floor.events(second["id"]) if event.get("metodo_pago")] == ["tarjeta"]
