"""A waiter's evening by clicking: two tables joined by mistake and moved, a dish sent back, a cancellation undone, a
dish that runs out, a shift handed over."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, WAITER, Floor, keep_toasts, unusable
from tests.browser.test_pos import card, dish, row
from tests.browser.test_settle import HOLD
from tests.browser.tickets import ticket, until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

RELIEF = "Rosa"
PHONE = {"width": 360, "height": 640}
# Tables that come within 0.3 s are one sentence: here that moment lasts until the test says that they have come.
TOLD_AT_A_WORD = """() => {
    var later = window.setTimeout;
    window.setTimeout = function (call, ms) {
        if (ms !== 300) { return later.apply(window, arguments); }
        window.tell = call;
    };
}"""


def back(pos: Any) -> None:
    pos.click(".pane--detail .pbar__back")


def order(pos: Any, floor: Floor, table: str, *names: str) -> None:
    pos.click("#new")
    pos.fill("#entry-table", table)
    for name in names:
        pos.get_by_role("button", name={"Horchata": "Bebidas", "Yuca frita": "Antojitos"}.get(name, "Pupusas")).click()
        dish(pos, floor, name).locator(".step__btn--add").click()
    pos.click("#entry-send")


def at(floor: Floor, table: int) -> list[dict[str, Any]]:
    return [pedido for pedido in floor.orders() if pedido["mesa_numero"] == table]


def move(pos: Any, table: int) -> None:
    pos.get_by_role("button", name="Otra mesa").click()
    pos.locator(f'.tile[data-mesa="{table}"]').click()
    pos.get_by_role("button", name=f"Pasar a Mesa {table}").click()


def test_an_evening_with_two_tables(page: Any, browser: Any, floor: Floor, complaints: list[str]) -> None:
    floor.server.create_user(RELIEF, "mesero", "2468")
    page.set_viewport_size(PHONE)
    pos = floor.open(page, WAITER, "/pos")
    pos.evaluate(HOLD)  # what was done can be taken back for as long as the test takes
    others = browser.new_context(viewport={"width": 1280, "height": 800}, locale="es-SV")
    others.set_default_timeout(PATIENCE_MS)
    kitchen = floor.open(watch(others.new_page(), complaints), COOK, "/cocina")

    keep_toasts(pos)
    order(pos, floor, "3", "Pupusa de queso", "Horchata")
    until(pos, lambda: len(at(floor, 3)) == 1)
    order(pos, floor, "5", "Yuca frita")
    until(pos, lambda: len(at(floor, 5)) == 1)
    three, five = at(floor, 3)[0], at(floor, 5)[0]

    # Joined by mistake, and taken back; then to where they do sit.
    row(pos, five["id"]).click()
    pos.get_by_role("button", name="Otra mesa").click()
    pos.locator('.tile[data-mesa="3"]').click()
    expect(pos.locator(".drawer__busy")).to_have_text("Mesa 3 ya tiene 1 pedido: ahí quedan cuentas aparte.")
    assert unusable(pos) == []
    pos.get_by_role("button", name="Pasar a Mesa 3").click()
    expect(ticket(kitchen, five["id"]).locator("h2")).to_have_text("Mesa 3")
    expect(pos.locator(".undobar")).to_contain_text("Cambió de mesa: Mesa 5 → 3")
    pos.get_by_role("button", name="Deshacer").click()
    expect(pos.locator("#toasts")).to_contain_text("Deshecho: Mesa 5")
    expect(ticket(kitchen, five["id"]).locator("h2")).to_have_text("Mesa 5")
    move(pos, 12)
    expect(pos.locator(".osheet__label")).to_have_text("Mesa 12")
    expect(ticket(kitchen, five["id"]).locator("h2")).to_have_text("Mesa 12")
    back(pos)

    # Delivered, and one dish goes back.
    floor.act(three, "listo", COOK)
    card(pos, three["id"]).get_by_role("button", name="Entregado").click()
    expect(pos.locator(".ready--undo")).to_contain_text("Mesa 3")
    row(pos, three["id"]).click()
    pos.get_by_role("button", name="Devolver", exact=True).click()
    pos.get_by_role("checkbox", name="1×Pupusa de queso").click()
    pos.get_by_role("radio", name="Llegó frío").click()
    assert unusable(pos) == []
    pos.get_by_role("button", name="Devolver 1 plato").click()
    expect(pos.locator(".undobar")).to_contain_text("Devuelto: 1 Pupusa de queso, Llegó frío")
    back(pos)
    expect(ticket(kitchen, three["id"]).locator(".ticket__band")).to_have_text("RECUPERADO")
    expect(ticket(kitchen, three["id"]).locator(".line")).to_have_text(["1×Pupusa de queso"])

    # Cancelled, and after all not.
    row(pos, five["id"]).click()
    pos.get_by_role("button", name="Cancelar", exact=True).click()
    pos.get_by_role("radio", name="El cliente se fue").click()
    pos.get_by_role("button", name="Cancelar el pedido").click()
    expect(ticket(kitchen, five["id"]).locator(".ticket__band")).to_have_text("CANCELADO")
    pos.get_by_role("button", name="Deshacer").click()
    expect(ticket(kitchen, five["id"])).to_have_attribute("data-estado", "en_mesa")
    back(pos)

    # The table has an order: the new dish is for that one, and then for an account of its own.
    order(pos, floor, "12", "Horchata")
    asked = pos.get_by_role("dialog", name="Mesa 12 ya tiene un pedido")
    expect(asked).to_contain_text(f"#{five['numero']} · de {WAITER}")
    assert unusable(pos) == []
    asked.get_by_role("button", name=f"Agregar a #{five['numero']}").click()
    until(pos, lambda: len(floor.order(five["id"])["items"]) == 2)
    order(pos, floor, "12", "Horchata")
    asked.get_by_role("button", name="Elegir otra mesa").click()
    expect(pos.locator("#entry-table")).to_be_focused()
    expect(pos.locator("#entry-busy")).to_contain_text(f"Mesa 12 ya tiene un pedido: #{five['numero']} · de {WAITER}")
    pos.click("#entry-send")
    asked.get_by_role("button", name="Pedido aparte, otra cuenta").click()
    until(pos, lambda: len(at(floor, 12)) == 2)

    # A dish runs out: another one in its place.
    floor.sold_out("Yuca frita")
    expect(pos.locator("#out")).to_contain_text("Se acabó Yuca fritaMesa 12 la espera.")
    expect(ticket(kitchen, five["id"]).locator(".line__out")).to_have_text(["SE ACABÓ"])
    assert unusable(pos) == []
    pos.locator("#out").get_by_role("button", name="Cambiar").click()
    expect(pos.locator("#entry-target")).to_have_text("Mesa 12: en lugar de Yuca frita")
    dish(pos, floor, "Pupusa revuelta").locator(".step__btn--add").click()
    pos.click("#entry-send")
    instead = ["Horchata", "Pupusa revuelta"]
    until(pos, lambda: [line["producto_nombre"] for line in floor.order(five["id"])["items"]] == instead)
    expect(pos.locator("#out")).to_be_empty()
    expect(kitchen.locator(".line__out")).to_have_count(0)

    # The shift is over: to Rosa, back, and to her again.
    relief = browser.new_context(viewport=PHONE, locale="es-SV")
    relief.set_default_timeout(PATIENCE_MS)
    rosa = floor.open(watch(relief.new_page(), complaints), RELIEF, "/pos")
    rosa.evaluate(TOLD_AT_A_WORD)
    expect(rosa.locator("#mine")).to_have_text("Mis mesas 0")
    expect(rosa.locator("#all")).to_have_text("Todas 3")

    def hand_over() -> None:
        pos.get_by_role("button", name="Entregar mis 3 mesas a …").click()
        pos.get_by_role("radio", name=RELIEF).click()
        pos.get_by_role("button", name=f"Entregar 3 mesas a {RELIEF}").click()

    hand_over()
    expect(rosa.locator("#mine")).to_have_text("Mis mesas 3")
    rosa.evaluate("tell()")
    expect(rosa.locator("#toasts")).to_contain_text(f"{WAITER} le entregó 3 mesas: ")
    expect(pos.locator("#mine")).to_have_text("Mis mesas 0")
    assert unusable(pos) == []
    pos.locator("#handover").get_by_role("button", name="Deshacer").click()
    expect(pos.locator("#mine")).to_have_text("Mis mesas 3")
    expect(rosa.locator("#mine")).to_have_text("Mis mesas 0")
    hand_over()
    expect(pos.locator(".undobar")).to_contain_text(f"3 mesas entregadas a {RELIEF}")
    assert {pedido["atiende"]["username"] for pedido in floor.orders()} == {RELIEF}
    relief.close()
    others.close()


def test_tables_that_were_taken_back_are_given_again_once_that_is_answered(page: Any, floor: Floor) -> None:
    floor.server.create_user(RELIEF, "mesero", "2468")
    page.set_viewport_size(PHONE)
    pedido = floor.place(mesa_numero=5)
    pos = floor.open(page, WAITER, "/pos")
    pos.evaluate(HOLD)
    given = pos.get_by_role("button", name="Entregar mi mesa a …")

    def hand_over() -> None:
        given.click()
        pos.get_by_role("radio", name=RELIEF).click()
        pos.get_by_role("button", name=f"Entregar 1 mesa a {RELIEF}").click()
        expect(pos.locator("#handover .undobar")).to_contain_text(f"1 mesa entregada a {RELIEF}")

    hand_over()
    held: list[Any] = []
    pos.route("**/acciones", lambda route: held.append((route, route.fetch())))
    pos.locator("#handover").get_by_role("button", name="Deshacer").click()
    until(pos, lambda: held)
    expect(pos.locator("#mine")).to_have_text("Mis mesas 1")  # the page hears of it before it is answered
    expect(given).to_have_count(0)
    [(route, answer)] = held
    route.fulfill(response=answer)
    pos.unroute("**/acciones")
    hand_over()
    assert floor.order(pedido["id"])["atiende"]["username"] == RELIEF


def test_a_table_for_which_the_till_has_ordered_since_asks_too(page: Any, floor: Floor) -> None:
    """Of an order that no waiter attends the waiters' room hears nothing until it is ready."""
    page.set_viewport_size(PHONE)
    pos = floor.open(page, WAITER, "/pos")
    expect(pos.locator("#all")).to_have_text("Todas 0")
    pedido = floor.place(CASHIER, mesa_numero=9)
    pos.click("#new")
    pos.fill("#entry-table", "9")
    expect(pos.locator("#entry-busy")).to_contain_text(f"Mesa 9 ya tiene un pedido: #{pedido['numero']} · de {CASHIER}")


def test_what_is_paid_or_over_takes_no_dish_and_an_orders_only_one_does_not_go_off(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    over = floor.place(mesa_numero=4)
    paid = floor.place(mesa_numero=5, dishes={"Horchata": 1, "Yuca frita": 1})
    floor.act(paid, "cobrar", metodo_pago="efectivo")
    alone, more = (
        floor.place(mesa_numero=6, dishes={"Horchata": 1}),
        floor.place(mesa_numero=7, dishes={"Horchata": 1, "Yuca frita": 1}),
    )
    pos = floor.open(page, WAITER, "/pos")
    expect(row(pos, over["id"])).to_be_visible()
    floor.act(over, "cancelar", razon="Se fueron")
    expect(row(pos, over["id"])).to_have_count(0)
    order(pos, floor, "4", "Yuca frita")
    until(pos, lambda: len(at(floor, 4)) == 1)
    order(pos, floor, "5", "Yuca frita")
    asked = pos.get_by_role("dialog", name="Mesa 5 ya tiene un pedido")
    expect(asked).to_contain_text("Ya está pagado: lo nuevo va en otra cuenta.")
    expect(asked.get_by_role("button", name="Agregar")).to_have_count(0)
    asked.get_by_role("button", name="Pedido aparte, otra cuenta").click()
    until(pos, lambda: len(at(floor, 5)) == 2)
    floor.sold_out("Horchata")
    for pedido, buttons in ((paid, ["Ver pedido"]), (alone, ["Cambiar", "Ver pedido"]), (more, ["Cambiar", "Quitar"])):
        waiting = pos.locator(f'#out [data-pedido-id="{pedido["id"]}"]')
        expect(waiting.get_by_role("button")).to_have_text(buttons)
        assert ("ya pagado" in waiting.inner_text()) == (pedido is paid)
