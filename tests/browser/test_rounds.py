"""A table that orders again, one more of what was made, one dish that is sent back, made dishes that leave the bill:
what the kitchen, the waiter, the till and the manager see of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, MANAGER, WAITER, Floor, pass_time, unusable
from tests.browser.test_settle import HOLD, STAYS_DONE
from tests.browser.tickets import change, item, order, ticket, until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 640}
# Which tones the page has asked for.
RINGS = """
    window.rung = [];
    ['newOrder', 'changed', 'cancelled'].forEach(function (name) {
      var ring = posNotif.Sound.prototype[name];
      posNotif.Sound.prototype[name] = function () { window.rung.push(name); return ring.apply(this, arguments); };
    });
"""


@pytest.fixture
def people(browser: Any, complaints: list[str]) -> Iterator[Any]:
    """Opens pages of further people, each with cookies of its own: `people(width, height)`."""
    contexts: list[Any] = []

    def another(width: int, height: int) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, locale="es-SV"))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        return watch(contexts[-1].new_page(), complaints)

    yield another
    for context in contexts:
        context.close()


def rung(page: Any) -> list[str]:
    """The tones since it was last asked."""
    return page.evaluate("() => window.rung.splice(0)")


def row(page: Any, order_id: int) -> Any:
    return page.locator(f'#tables [data-pedido-id="{order_id}"]')


def line(page: Any, order_id: int, item_id: int) -> Any:
    return ticket(page, order_id).locator(f'[data-item-id="{item_id}"]')


def test_a_table_that_orders_again_rings_and_the_waiter_reads_what_is_seen_now(
    page: Any, people: Any, floor: Floor
) -> None:
    phone = floor.open(people(*PHONE.values()), WAITER, "/pos")
    pedido = floor.served(dishes={"Pupusa de queso": 3, "Horchata": 1})
    floor.acknowledge(pedido)
    expect(row(phone, pedido["id"])).to_have_attribute("data-visto", "yes")
    expect(row(phone, pedido["id"])).to_contain_text("Servido")
    # No kitchen screen is there: what was seen was the first round.
    floor.act(pedido, "agregar_item", WAITER, items=[{"producto_id": floor.products["Yuca frita"], "cantidad": 2}])
    expect(row(phone, pedido["id"])).to_have_attribute("data-visto", "saved")
    expect(row(phone, pedido["id"])).not_to_contain_text("Cocina lo vio")
    pass_time(phone, seconds=60)
    expect(row(phone, pedido["id"])).to_have_attribute("data-visto", "no")
    expect(phone.locator("#unseen .strip__text")).to_have_text("Mesa 5 sin ver")

    # The kitchen has it as a ticket of its own age, with what is to be made alone.
    kitchen = floor.open(page, COOK, "/cocina")
    expect(ticket(kitchen, pedido["id"]).locator(".ticket__band")).to_have_text("MÁS · 2.ª ronda")
    expect(row(phone, pedido["id"])).to_contain_text("Cocina lo vio")
    for name in ("listo", "servir"):
        floor.act(pedido, name)
    expect(ticket(kitchen, pedido["id"])).to_have_count(0)
    kitchen.evaluate(RINGS)
    floor.act(pedido, "cambiar_cantidad", WAITER, item_id=1, cantidad=4)
    third = ticket(kitchen, pedido["id"])
    expect(third.locator(".ticket__band")).to_have_text("MÁS · 3.ª ronda")
    expect(third.locator(".ticket__word")).to_have_text("NUEVO")
    assert rung(kitchen) == ["newOrder"]
    expect(line(kitchen, pedido["id"], 1)).to_contain_text("(3 hechas)")
    expect(line(kitchen, pedido["id"], 1).locator(".line__qty")).to_have_text("4×")
    expect(kitchen.locator("#allday")).to_contain_text("1Pupusa de queso")
    expect(third.locator(".line")).to_have_count(1)
    expect(third.locator(".ticket__aside")).to_have_text("Ya servidos: 3 platos")
    until(kitchen, lambda: floor.order(pedido["id"])["por_acusar"] == [])
    # A touch on the head is a look: it is no longer new, and shows what the guests have.
    third.locator(".ticket__head").click()
    expect(third.locator(".ticket__word")).to_have_text("")
    expect(third.locator(".line")).to_have_count(3)
    expect(third.locator(".ticket__band")).to_have_text("MÁS · 3.ª ronda")
    third.locator(".ticket__head").click()
    expect(third.locator(".line")).to_have_count(1)
    # Its clock is the round's: the first round would be late by far.
    assert third.get_attribute("data-edad") == "normal"
    pass_time(kitchen, seconds=16 * 60)
    expect(third).to_have_attribute("data-edad", "tarde")
    # What is to be carried is what the guests do not have.
    floor.act(pedido, "listo", COOK)
    expect(phone.locator(f'#ready [data-pedido-id="{pedido["id"]}"] .ready__items')).to_have_text("1× Pupusa de queso")


def test_a_poss_later_lines_reach_the_kitchen_and_a_charge_rings_nothing(kitchen: Any, restaurant: Any) -> None:
    added = {"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_agregado"}}
    restaurant.publish(order(1), order(3))
    ticket(kitchen, 1).wait_for()
    restaurant.publish(change(1, "servido"), change(3, "en_cocina"))
    expect(ticket(kitchen, 1)).to_have_count(0)
    kitchen.evaluate(RINGS)
    kitchen.evaluate(STAYS_DONE)  # what nobody touches would ring again after 20 s
    # A charge, on an order that was served and on one that is being cooked.
    charge = item(90, "Servicio 10 %", estado_item="servido")
    restaurant.publish(
        {**added, "pedido_id": 1, "item_id": 90, "item": charge},
        {**added, "pedido_id": 3, "item_id": 90, "item": charge},
    )
    expect(ticket(kitchen, 3).locator(".ticket__aside")).to_have_text("Ya servidos: 1 plato")
    expect(ticket(kitchen, 3).locator(".ticket__band")).to_have_count(0)
    assert ticket(kitchen, 1).count() == 0
    assert rung(kitchen) == []
    # A line, and the change of state that this POS sends after it.
    restaurant.publish({**added, "pedido_id": 1, "item_id": 11, "item": item(11, "Flan")}, change(1, "en_cocina"))
    expect(ticket(kitchen, 1).locator(".ticket__band")).to_have_text("MÁS · 2.ª ronda")
    expect(ticket(kitchen, 1).locator(".line")).to_have_text(["1×Flan"])
    assert rung(kitchen) == ["newOrder"]
    # A line of an order that nobody knows.
    restaurant.publish({**added, "pedido_id": 2, "item_id": 1, "item": item(1, "Sopa"), "mesa_numero": 8})
    expect(ticket(kitchen, 2).locator(".ticket__label")).to_have_text("Mesa 8")
    expect(ticket(kitchen, 2).locator(".ticket__word")).to_have_text("NUEVO")
    expect(ticket(kitchen, 2).locator(".line")).to_have_text(["1×Sopa"])
    assert rung(kitchen) == ["newOrder"]
    # An order of which the first word is that it is being cooked.
    restaurant.publish(change(4, "en_cocina", mesa_numero=9))
    expect(ticket(kitchen, 4).locator(".ticket__word")).to_have_text("NUEVO")
    assert rung(kitchen) == ["newOrder"]
    for number in (1, 2, 3, 4):
        path = f"/api/pedidos/{number}"
        until(kitchen, lambda path=path: restaurant.server.request("GET", path)[2]["pedido"]["por_acusar"] == [])


def test_an_order_that_comes_made_rings_nothing_and_is_nothing_new(kitchen: Any, restaurant: Any) -> None:
    """A dish that was carried from the counter is written down afterwards: no cook has to look."""
    kitchen.evaluate(RINGS)
    made = [item(10, "Horchata", estado_item="servido"), item(11, "Flan", estado_item="listo")]
    restaurant.publish(order(1, *made), order(2, *made, tipo="llevar"), change(2, "pagado"))
    for order_id in (1, 2):
        expect(ticket(kitchen, order_id).locator(".ticket__word")).to_have_text("")
    # Another's tone is the only one.
    restaurant.publish(order(3, *made, item(12, "Sopa")))
    expect(ticket(kitchen, 3).locator(".ticket__word")).to_have_text("NUEVO")
    assert rung(kitchen) == ["newOrder"]
    # Nor after a time without a connection.
    kitchen.evaluate("__notif.desconectar()")
    restaurant.publish(order(4, *made), {"tipo": "nuevo_pedido", "pedido": {"id": 5}})
    kitchen.evaluate("__notif.conectar({ instantanea: true })")
    expect(ticket(kitchen, 5).locator(".ticket__word")).to_have_text("NUEVO")
    expect(ticket(kitchen, 4).locator(".ticket__word")).to_have_text("")


def test_one_dish_is_sent_back_from_the_phone(page: Any, people: Any, floor: Floor) -> None:
    kitchen = floor.open(page, COOK, "/cocina")
    phone = floor.open(people(*PHONE.values()), WAITER, "/pos")
    dishes = {"Pupusa de queso": 3, "Yuca frita": 1, "Horchata": 2}
    pedido = floor.served(dishes=dishes)
    phone.evaluate(HOLD)  # what goes back waits for Deshacer until the sheet is left
    row(phone, pedido["id"]).click()
    phone.get_by_role("button", name="Devolver", exact=True).click()
    boxes = phone.get_by_role("checkbox")
    expect(boxes).to_have_count(3)
    expect(phone.get_by_role("checkbox", checked=True)).to_have_count(0)
    assert unusable(phone) == []
    phone.get_by_role("radio", name="Llegó frío").click()
    phone.get_by_role("dialog").get_by_role("button", name="Devolver", exact=True).click()
    expect(phone.get_by_role("alert").filter(has_text="Marque qué hay que volver a hacer")).to_be_visible()
    phone.locator('.opt--tick[data-item-id="3"]').click()
    expect(phone.get_by_role("button", name="Devolver 2 platos")).to_be_visible()
    phone.locator('.opt--tick[data-item-id="3"]').click()
    phone.locator('.opt--tick[data-item-id="2"]').click()
    phone.get_by_role("button", name="Devolver 1 plato").click()
    expect(phone.locator(".undobar")).to_contain_text("Devuelto: 1 Yuca frita, Llegó frío")
    phone.click(".pane--detail .pbar__back")  # nothing is taken back any more
    back = ticket(kitchen, pedido["id"])
    expect(back.locator(".ticket__band")).to_have_text("RECUPERADO")
    expect(back.locator(".ticket__reason")).to_have_text("Llegó frío")
    expect(back.locator(".line")).to_have_text(["1×Yuca frita"])
    expect(back.locator(".ticket__aside")).to_have_text("Ya servidos: 5 platos")
    expect(kitchen.locator("#allday")).to_contain_text("1Yuca frita")
    states = [line["estado_item"] for line in floor.order(pedido["id"])["items"]]
    assert states == ["servido", "pendiente", "servido"]


def test_made_dishes_leave_the_bill_by_the_till_and_the_manager_reads_who_took_them(
    page: Any, people: Any, floor: Floor
) -> None:
    pedido = floor.served(dishes={"Yuca frita": 3, "Horchata": 1, "Pupusa de queso": 2})
    phone = floor.open(people(*PHONE.values()), WAITER, "/pos")
    phone.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    made = phone.locator('#detail-body [data-item-id="1"]')
    made.locator(".oline").click()
    expect(made).to_contain_text("Ya se hizo: para quitarlo, pida en caja o al encargado.")
    expect(made.get_by_role("button", name="Quitar plato")).to_have_count(0)
    expect(made.get_by_role("button", name="Uno menos de Yuca frita")).to_be_disabled()
    expect(made.get_by_role("button", name="Uno más de Yuca frita")).to_be_enabled()

    till = floor.open(people(1280, 800), CASHIER, "/caja")
    till.locator(f'.due[data-pedido-id="{pedido["id"]}"]').click()
    taken = till.locator('.bill__lines [data-item-id="1"]')
    taken.get_by_role("button", name="Quitar de la cuenta: Yuca frita").click()
    assert unusable(till) == []
    till.get_by_role("button", name="Quitar 1", exact=True).click()
    expect(till.locator("#bill").get_by_role("alert")).to_have_text("Escriba o elija una razón.")
    till.get_by_role("button", name="Cortesía").click()
    till.get_by_role("button", name="Quitar 1", exact=True).click()
    expect(till.locator(".bill__total")).to_contain_text("$9.00")
    changed = [event for event in floor.events(pedido["id"]) if event["tipo"] == "item_modificado"]
    assert [(one["razon"], one["quitado"]) for one in changed] == [("Cortesía", {"cantidad": 1, "precio": 2.75})]

    office = floor.open(page, MANAGER, "/manager")
    expect(office.locator("#taken-off")).to_have_text("Platos ya hechos que se quitaron de la cuenta: Marta 1 · $2.75")
    # The manager takes them off on the waiter's page too, of an order of his own, with a reason.
    own = floor.served(who=MANAGER, mesa_numero=6, dishes={"Yuca frita": 2, "Horchata": 1})
    office.goto(f"{floor.url}/pos#pedido-{own['id']}")
    line = office.locator('#detail-body [data-item-id="1"]')
    line.locator(".oline").click()
    line.get_by_role("button", name="Quitar plato").click()
    asked = office.get_by_role("dialog")
    asked.get_by_role("button", name="Quitar −$5.50").click()
    expect(asked.get_by_role("alert")).to_have_text("Elija o escriba un motivo.")
    asked.get_by_role("radio", name="No lo quisieron").click()
    asked.get_by_role("button", name="Quitar −$5.50").click()
    office.click(".pane--detail .pbar__back")
    until(office, lambda: len(floor.order(own["id"])["items"]) == 1)
    assert [row["importe"] for row in floor.call("GET", "/api/cifras")["quitados"]] == [5.5, 2.75]
