"""Steps that are taken back on the pages, whose table it is, and what was never paid."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor, keep_toasts, unusable
from tests.browser.test_settle import HOLD
from tests.browser.tickets import until
from tests.support.live_server import with_accounts

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 640}


def undo(page: Any, text: str) -> Any:
    """The button that takes back what a card, the sheet's bar or a toast tells."""
    return page.locator(".ready--undo, .undobar, .toast__item", has_text=text).get_by_role("button", name="Deshacer")


def test_a_delivery_and_a_cancellation_are_taken_back_on_the_phone(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.act(floor.place(mesa_numero=6), "listo")
    pos = floor.open(page, WAITER, "/pos")
    pos.evaluate(HOLD)  # what was done can be taken back for as long as the test takes
    card = pos.locator(f'#ready [data-pedido-id="{pedido["id"]}"]')
    card.get_by_role("button", name="Entregado").click()
    expect(undo(pos, "Mesa 6Entregado")).to_be_visible()
    expect(card).to_have_count(0)
    expect(pos.locator("#ready-count")).to_have_text("0")
    assert unusable(pos) == []
    undo(pos, "Mesa 6Entregado").click()
    expect(card).to_be_visible()
    expect(undo(pos, "Mesa 6Entregado")).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "listo"
    last = floor.events(pedido["id"])[-1]
    assert (last["deshecho"], last["deshace"], last["actor"]["username"]) == (True, "servir", WAITER)
    # An order that is cancelled by mistake.
    other = floor.place(mesa_numero=7)
    pos.locator(f'#tables [data-pedido-id="{other["id"]}"]').click()
    pos.get_by_role("button", name="Cancelar", exact=True).click()
    pos.get_by_role("radio", name="Lo anoté mal").click()
    pos.get_by_role("button", name="Cancelar el pedido").click()
    expect(pos.locator('.osheet[data-estado="cancelado"]')).to_be_visible()
    expect(pos.locator(".osheet .act")).to_have_count(0)
    undo(pos, "Cancelado: Lo anoté mal").click()
    expect(pos.locator('.osheet[data-estado="en_mesa"]')).to_be_visible()
    # After five seconds nothing is offered; what comes too late is told.
    floor.act(pedido, "servir", WAITER)
    expect(card).to_have_count(0)
    expect(pos.locator(".toast__item", has_text="Cancelado")).to_have_count(0)


def test_a_step_can_be_taken_back_for_five_seconds(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.act(floor.place(mesa_numero=6), "listo")
    pos = floor.open(page, WAITER, "/pos")
    pos.evaluate(HOLD)
    pos.locator(f'#ready [data-pedido-id="{pedido["id"]}"]').get_by_role("button", name="Entregado").click()
    left = undo(pos, "Mesa 6Entregado").locator(".undo__left")
    expect(left).to_have_text("5 s")
    pos.evaluate("window.held += 4001;")
    expect(left).to_have_text("1 s")
    pos.evaluate("window.held += 1000;")
    expect(left).to_have_count(0)


def test_a_payment_is_taken_back_at_the_till_and_one_that_was_begun_is_not(page: Any, floor: Floor) -> None:
    table = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4})
    away = floor.place(tipo="llevar", cliente_nombre="Rosa")
    till = floor.open(page, CASHIER, "/caja")
    till.evaluate(HOLD)
    row = till.locator(f'.due[data-pedido-id="{table["id"]}"]')
    row.click()
    till.click("#act")
    expect(till.locator("#bill")).to_contain_text("Cobrado $4.00 · Mesa 6")
    expect(row).to_have_count(0)
    undo(till, "Cobrado: Mesa 6").click()
    expect(row).to_have_attribute("aria-pressed", "true")
    expect(till.locator("#act")).to_contain_text("Cobrar $4.00")
    pedido = floor.order(table["id"])
    assert (pedido["estado"], "pagado_at" in pedido) == ("servido", False)
    till.locator(f'.due[data-pedido-id="{away["id"]}"]').click()
    till.click("#act")
    undo(till, "Cobrado: Llevar · Rosa").wait_for()
    floor.act(away, "iniciar", COOK)
    undo(till, "Cobrado: Llevar · Rosa").click()
    expect(till.locator("#toasts")).to_contain_text("Llevar · Rosa: ya se está preparando, no se puede deshacer")
    assert floor.order(away["id"])["pagado_at"]


def test_a_dish_that_leaves_the_bill_at_the_till_can_stay_for_five_seconds(page: Any, floor: Floor) -> None:
    table = floor.served(mesa_numero=6, dishes={"Yuca frita": 2, "Horchata": 1, "Pupusa de queso": 1})
    till = floor.open(page, CASHIER, "/caja")
    till.evaluate(HOLD)
    till.locator(f'.due[data-pedido-id="{table["id"]}"]').click()
    yuca = till.locator('.bill__lines [data-item-id="1"]')

    def take_off(dish: str) -> None:
        till.get_by_role("button", name=f"Quitar de la cuenta: {dish}").click()
        till.get_by_role("button", name="Cortesía").click()
        till.get_by_role("button", name="Quitar 1", exact=True).click()

    take_off("Horchata")
    expect(till.locator('.bill__lines [data-item-id="2"]')).to_have_class("is-gone")
    expect(till.locator(".due__total")).to_have_text("$8.00")  # nothing is on its way yet
    undo(till, "Quitado: Mesa 6 1× Horchata").click()
    expect(till.locator('.bill__lines [data-item-id="2"]').get_by_role("button")).to_have_text("Quitar")
    # A second dish has the first one sent, and can itself be taken back.
    take_off("Yuca frita")
    take_off("Pupusa de queso")
    expect(yuca).to_contain_text("1×")
    expect(till.locator(".bill__total")).to_contain_text("$5.25")
    expect(till.locator("#act")).to_have_text("Quitar ya")
    till.keyboard.press("u")
    expect(till.locator("#act")).to_have_text("Cobrar $5.25")
    # Who has no time for that goes on: what is charged is known then.
    take_off("Pupusa de queso")
    till.keyboard.press("Enter")
    expect(till.locator("#act")).to_have_text("Cobrar $4.25")
    expect(undo(till, "Quitado")).to_have_count(0)
    changed = [event for event in floor.events(table["id"]) if event["tipo"] == "item_modificado"]
    assert [event["quitado"]["cantidad"] for event in changed] == [1, 1]


def test_a_dish_that_ran_out_goes_off_the_phone_and_back(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.place(mesa_numero=7, dishes={"Horchata": 1, "Yuca frita": 1})
    pos = floor.open(page, WAITER, "/pos")
    pos.evaluate(HOLD)
    floor.sold_out("Horchata")
    row = pos.locator("#out [data-item-id]")
    row.get_by_role("button", name="Quitar").click()
    expect(row).to_contain_text("Quitado")
    expect(pos.locator("#tables")).to_contain_text("en espera")
    expect(pos.locator("#tables")).not_to_contain_text("Enviando")
    assert unusable(pos) == []
    row.get_by_role("button", name="Deshacer").click()
    expect(row.get_by_role("button")).to_have_text(["Cambiar", "Quitar"])
    assert len(floor.events(pedido["id"])) == 1
    row.get_by_role("button", name="Quitar").click()
    pos.evaluate("window.held += 5001;")
    until(pos, lambda: len(floor.order(pedido["id"])["items"]) == 1)
    expect(pos.locator("#out")).to_be_empty()


def test_the_kitchen_hears_of_a_cancellation_that_is_taken_back_and_not_of_one_of_served_dishes(
    page: Any, floor: Floor
) -> None:
    pedido = floor.place(mesa_numero=6)
    served = floor.served(mesa_numero=7)
    kitchen = floor.open(page, COOK, "/cocina")
    ticket = kitchen.locator(f'.ticket[data-pedido-id="{pedido["id"]}"]')
    expect(ticket).to_have_attribute("data-estado", "en_mesa")
    floor.act(pedido, "cancelar", WAITER, razon="se fueron")
    ticket.get_by_role("button", name="ENTENDIDO").click()
    expect(ticket).to_have_count(0)
    floor.act(served, "cancelar", MANAGER, razon="cortesía")
    floor.act(pedido, "deshacer", WAITER)
    expect(ticket).to_have_attribute("data-estado", "en_mesa")
    expect(ticket).to_contain_text("NUEVO")
    expect(kitchen.locator(".ticket")).to_have_count(1)  # the served one never came
    until(kitchen, lambda: floor.order(pedido["id"])["por_acusar"] == [])


def test_a_manager_cancels_what_was_served_on_the_phone(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    served = floor.act(floor.act(floor.place(MANAGER, mesa_numero=8), "listo"), "servir")
    pos = floor.open(page, MANAGER, "/pos")
    pos.evaluate(HOLD)
    pos.locator(f'#tables [data-pedido-id="{served["id"]}"]').click()
    pos.get_by_role("button", name="Cancelar", exact=True).click()
    pos.get_by_role("radio", name="Se fue sin pagar").click()
    pos.get_by_role("button", name="Cancelar el pedido").click()
    expect(undo(pos, "Cancelado: Se fue sin pagar")).to_be_visible()
    assert floor.order(served["id"])["razon"] == "Se fue sin pagar"


def test_a_table_goes_from_one_phone_to_the_other(page: Any, browser: Any, floor: Floor) -> None:
    async def hire(accounts: Any) -> None:
        await accounts.create_user("Rosa", "mesero", "2468")

    with_accounts(floor.server.database, hire)
    page.set_viewport_size(PHONE)
    pedido = floor.place(mesa_numero=6)
    mine = floor.open(page, WAITER, "/pos")
    row = f'#tables [data-pedido-id="{pedido["id"]}"]'
    expect(mine.locator(row)).to_be_visible()
    context = browser.new_context(viewport=PHONE)
    other = floor.open(context.new_page(), "Rosa", "/pos")
    assert other.locator(row).count() == 0
    other.get_by_role("button", name="Todas").click()
    listed = other.locator(row)
    expect(listed).to_contain_text(f"de {WAITER}")
    assert unusable(other) == []
    listed.click()
    expect(other.locator(".osheet__meta")).to_contain_text(WAITER)
    assert other.get_by_role("button", name="Agregar", exact=True).count() == 0
    keep_toasts(mine, other)
    other.get_by_role("button", name="Tomar").click()
    expect(other.locator("#toasts")).to_contain_text("Ahora atiende Mesa 6")
    expect(other.get_by_role("button", name="Agregar", exact=True)).to_be_visible()
    other.click(".pane--detail .pbar__back")
    other.get_by_role("button", name="Mis mesas").click()
    expect(other.locator(row)).to_be_visible()
    expect(mine.locator(row)).to_have_count(0)
    expect(mine.locator("#toasts")).to_contain_text("Mesa 6: ahora atiende Rosa")
    # Its guests' dish runs out: who attends them now is told.
    floor.sold_out("Pupusa de queso")
    expect(other.locator("#out")).to_contain_text("Se acabó Pupusa de quesoMesa 6 la espera.")
    expect(mine.locator(f'.is-out[data-producto-id="{floor.products["Pupusa de queso"]}"]')).to_have_count(
        1
    )  # it knows
    assert mine.locator("#out").inner_text() == ""
    context.close()


def test_what_was_never_paid_stands_apart_at_the_till_and_with_the_manager(
    page: Any, browser: Any, make_server: Any
) -> None:
    floor = Floor(make_server(view_hours="0.0003"))  # a second
    old = floor.place(mesa_numero=6, dishes={"Yuca frita": 4, "Horchata": 4, "Pupusa revuelta": 2})
    paid = floor.act(floor.place(mesa_numero=7), "cobrar", metodo_pago="efectivo")
    till = floor.open(page, CASHIER, "/caja")
    row = till.locator(f'#old .due[data-pedido-id="{old["id"]}"]')
    for _ in range(100):
        if row.count():
            break
        till.reload()
        till.wait_for_selector("#conexion[data-modo=sse]")
        till.wait_for_timeout(100)
    expect(till.locator("#old-title")).to_have_text("De días anteriores (1)")
    expect(till.locator("#old-sum")).to_have_text("$19.50")
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    expect(row).to_contain_text(f"#{old['numero']} (Mesa 6)")
    assert unusable(till) == []
    # Who looks at it does not put it on today's table.
    row.click()
    till.get_by_role("button", name="Ver pedido").click()
    expect(till.locator(".osheet")).to_contain_text("Yuca frita")
    till.keyboard.press("Escape")
    expect(till.locator("#old-title")).to_have_text("De días anteriores (1)")
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    office = floor.open(context.new_page(), MANAGER, "/manager")
    expect(office.locator("#owed-title")).to_have_text("De días anteriores (1) $19.50")
    expect(office.locator("#owed-rows")).to_contain_text(f"#{old['numero']} (Mesa 6)")
    expect(office.locator("#board [data-pedido-id]")).to_have_count(0)
    assert floor.order(paid["id"])["pagado_at"]
    row.click()
    till.click("#act")
    expect(till.locator("#old-head")).to_be_hidden()
    expect(office.locator("#owed")).to_be_hidden()
    assert floor.order(old["id"])["pagado_at"]
    context.close()
