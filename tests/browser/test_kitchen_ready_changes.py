"""A change to an order that is ready is seen in the kitchen, and so is which of several dishes it was about."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import hold_time, pass_time, slow_time
from tests.browser.tickets import change, ids, item, order, ticket, until

pytestmark = pytest.mark.browser

NOTES = {"tipo_cambio": "notas_modificadas", "notas_nueva": "sin cebolla"}


def modified(item_id: int, cambios: dict[str, Any]) -> dict[str, Any]:
    return {"tipo": "item_modificado", "pedido_id": 1, "item_id": item_id, "cambios": cambios}


def burgers() -> dict[str, Any]:
    notes = ("sin cebolla", "sin tomate", "")
    return order(1, *(item(10 + n, "Hamburguesa", 1, note) for n, note in enumerate(notes)), notas="Primero la 3")


def first(restaurant: Any) -> dict[str, Any]:
    return restaurant.server.request("GET", "/api/pedidos/1")[2]["pedido"]


def seen(restaurant: Any) -> bool:
    return first(restaurant)["por_acusar"] == []


def test_a_ready_order_that_changes_comes_back_until_it_is_touched(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(burgers(), order(2), change(1, "listo"))
    until(kitchen, lambda: seen(restaurant))
    hold_time(kitchen, first(restaurant)["listo_at"], seconds=40)
    ticket(kitchen, 1).wait_for(state="detached")
    restaurant.publish(modified(12, NOTES))
    kitchen.wait_for_selector('[data-pedido-id="1"].ticket--ready')
    shown = ticket(kitchen, 1)
    expect(shown.locator(".ticket__band")).to_have_text("LISTO · CAMBIÓ")
    expect(shown.locator(".line--noted")).to_contain_text("cebolla")
    assert shown.locator(".ticket__time").inner_text() < "01:30"  # since it was ready
    until(kitchen, lambda: seen(restaurant))
    pass_time(kitchen, seconds=600)
    expect(shown.locator(".ticket__time")).to_have_text("10:40")
    assert ids(kitchen) == [1, 2]
    shown.get_by_role("button", name="ENTENDIDO").click()
    shown.wait_for(state="detached")
    assert first(restaurant)["estado"] == "listo"


def test_a_touch_on_a_line_of_it_has_that_line_made_again(kitchen: Any, restaurant: Any) -> None:
    """The others are on the pass and stay ready."""
    slow_time(kitchen)
    restaurant.publish(burgers(), change(1, "listo"))
    until(kitchen, lambda: seen(restaurant))
    hold_time(kitchen, first(restaurant)["listo_at"], seconds=40)
    ticket(kitchen, 1).wait_for(state="detached")
    restaurant.publish(modified(12, NOTES))
    kitchen.wait_for_selector('[data-pedido-id="1"].ticket--ready')
    ticket(kitchen, 1).locator('[data-item-id="12"]').click()
    kitchen.wait_for_selector('[data-pedido-id="1"][data-estado="en_cocina"]')
    expect(ticket(kitchen, 1).locator("[aria-pressed]")).to_have_count(3)
    expect(ticket(kitchen, 1).locator('[aria-pressed="false"]')).to_have_attribute("data-item-id", "12")
    assert [line["estado_item"] for line in first(restaurant)["items"]] == ["listo", "listo", "pendiente"]


def test_what_changed_while_no_page_was_open_is_marked(page: Any, restaurant: Any) -> None:
    """A snapshot names what nobody has seen by its ids alone."""
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 2}
    restaurant.publish(
        burgers(), order(2), order(3), order(4), change(1, "listo"), modified(11, {"tipo_cambio": "item_removido"}),
        {**modified(20, quantity), "pedido_id": 2}, {**modified(30, quantity), "pedido_id": 3}, change(3, "listo"),
        change(4, "listo"),
    )  # fmt: skip
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector('[data-pedido-id="1"].ticket--ready')
    gone = ticket(page, 1).locator(".line--removed")
    expect(gone).to_contain_text("Hamburguesa")
    expect(gone).to_contain_text("tomate")  # which of the three
    expect(ticket(page, 2).locator(".ticket__band")).to_contain_text("CAMBIÓ")
    expect(ticket(page, 2).locator(".line__new")).to_have_text("2")
    until(page, lambda: seen(restaurant))
    pass_time(page, seconds=6)
    for number in (3, 4):  # they changed before they were ready, or not at all
        ticket(page, number).wait_for(state="detached")
    assert ids(page) == [1, 2]
    page.keyboard.press("1")
    page.keyboard.press("1")
    ticket(page, 1).wait_for(state="detached")
    # What was removed is told with its note, and so is what comes back.
    answer = restaurant.server.request("GET", "/api/notificaciones/eventos?tipo=item_modificado&pedido_id=1")
    assert answer[2]["descripciones"] == ["Mesa 5: se quitó 1 Hamburguesa (sin tomate)"]
    page.keyboard.press("r")
    row = page.locator('[data-listo-id="1"]')
    expect(row.locator("li")).to_have_text(["1× Hamburguesa SIN cebolla", "1× Hamburguesa ", "Primero la 3"])


def test_no_number_and_no_tick_lies_on_a_name_and_the_pulse_ends(kitchen: Any, restaurant: Any) -> None:
    """A pulse of the opacity is the compositor's alone; names of any length and script stand beside what is theirs."""
    many = item(11, "Pupusa revuelta con loroco", 100)
    part = item(12, "Queso por libra", 0.75)
    slow_time(kitchen)
    restaurant.publish(order(1, many, part, item(13, "Flan"), cliente_nombre="محمد"))
    ticket(kitchen, 1).wait_for()
    assert (
        kitchen.evaluate("""() => [].filter.call(document.querySelectorAll('.line'), line => {
        var number = line.querySelector('.line__qty'), name = line.querySelector('.line__name');
        return number.getBoundingClientRect().right > name.getBoundingClientRect().left; })
        .map(line => line.textContent)""")
        == []
    )
    expect(ticket(kitchen, 1).locator(".ticket__meta b")).to_have_text("\u2068محمد\u2069")
    restaurant.publish(
        {"tipo": "item_modificado", "pedido_id": 1, "item_id": 13, "cambios": {
            "tipo_cambio": "cantidad_modificada", "cantidad_anterior": 1, "cantidad_nueva": 2}}
    )  # fmt: skip
    expect(ticket(kitchen, 1).locator(".ticket__band")).to_contain_text("CAMBIÓ")
    kitchen.emulate_media(reduced_motion="no-preference")
    pulse = ticket(kitchen, 1).evaluate(
        "node => { var look = getComputedStyle(node, '::after');"
        " return [getComputedStyle(node).animationName, look.animationName, look.animationIterationCount]; }"
    )
    assert pulse == ["none", "ticket-pulse", "10"]
    for said in ("INICIAR", "LISTO"):
        ticket(kitchen, 1).get_by_role("button", name=said).click()
    expect(ticket(kitchen, 1).locator(".ticket__band")).to_contain_text("LISTO")
    assert (
        kitchen.evaluate("""() => [].filter.call(document.querySelectorAll('.ticket .line'), line => {
        var tick = line.querySelector('.line__tick'), name = document.createRange();
        name.selectNodeContents(line.querySelector('.line__name'));
        return tick && name.getBoundingClientRect().right > tick.getBoundingClientRect().left;
    }).map(line => line.textContent)""")
        == []
    )
