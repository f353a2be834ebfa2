"""Guests who move, tables with names, deliveries and combos, on every page that names them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor, keep_toasts, unusable
from tests.browser.test_settle import STAYS_DONE
from tests.browser.tickets import NOTE_FLASHES, change, has_flashed, item, order, ticket, until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 640}
COMBO = item(
    11, "Combo familiar", componentes=[{"producto_nombre": "Pupusa", "cantidad": 4, "notas": "sin curtido"}, "Carne"],
    modificadores=["extra queso", "sin chimol"],
)  # fmt: skip


def band(page: Any, order_id: int) -> Any:
    return ticket(page, order_id).locator(".ticket__band")


def cut(page: Any, selector: str) -> list[str]:
    """The texts that do not fit where they stand."""
    return page.eval_on_selector_all(
        selector,
        "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1 || n.scrollHeight > n.clientHeight + 10)"
        ".map(n => n.textContent)",
    )


def told_by_polling(page: Any) -> None:
    """Of a browser that has no stream: what comes is told apart by its type alone."""
    page.add_init_script("delete window.EventSource")


@pytest.mark.parametrize("transport", ["sse", "polling"])
def test_a_ticket_tells_where_its_guests_sit_now(page: Any, restaurant: Any, transport: str) -> None:
    restaurant.sign_in(page)
    if transport == "polling":
        told_by_polling(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector(f"#conexion[data-modo={transport}]")
    restaurant.publish(order(1), order(2), order(3, mesa_numero=8))
    ticket(page, 3).wait_for()
    restaurant.publish(
        {"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12},
        change(2, "en_cocina", mesa_numero=6),
        {"tipo": "item_modificado", "pedido_id": 3, "item_id": 30, "mesa": "Terraza de atrás 12",
         "cambios": {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}},
    )  # fmt: skip
    expect(band(page, 1)).to_contain_text("Mesa 5 → 12")
    expect(ticket(page, 1).locator("h2")).to_have_text("Mesa 12")
    expect(band(page, 2)).to_contain_text("Mesa 5 → 6")
    expect(band(page, 3)).to_contain_text("Mesa 8 → Terraza de atrás 12 · CAMBIÓ")
    expect(ticket(page, 3).locator("h2")).to_have_text("Terraza de atrás 12")
    assert cut(page, ".ticket__label, .ticket__band") == []
    ticket(page, 1).locator(".ticket__head").click()
    expect(band(page, 1)).to_have_count(0)
    expect(ticket(page, 1).locator("h2")).to_have_text("Mesa 12")
    restaurant.publish(change(1, "en_cocina", mesa_numero=12), change(2, "en_cocina", mesa_numero=5))
    expect(band(page, 2)).not_to_contain_text("→")  # back where they were
    expect(band(page, 1)).to_have_count(0)


def test_a_move_rings_is_acknowledged_and_survives_a_cut(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), order(2))
    ticket(kitchen, 2).wait_for()
    until(kitchen, lambda: kitchen.locator("#flash.is-on").count() == 0)  # the new orders' own flash is over
    kitchen.evaluate(NOTE_FLASHES)
    kitchen.evaluate(STAYS_DONE)  # what nobody has touched would flash again after 20 s
    kitchen.evaluate(
        "window.acked = []; var real = __notif.acusarRecibo;"
        "__notif.acusarRecibo = function (ids, o) { acked = acked.concat(ids); return real.call(__notif, ids, o); };"
    )
    restaurant.publish({"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12})
    until(kitchen, lambda: has_flashed(kitchen))
    expect(band(kitchen, 1)).to_contain_text("Mesa 5 → 12")
    _, _, told = restaurant.server.request("GET", "/api/pedidos/1")
    [waiting] = [event["id"] for event in told["eventos"] if event["tipo"] == "cambio_mesa"]
    until(kitchen, lambda: waiting in kitchen.evaluate("acked"))
    kitchen.context.set_offline(True)
    kitchen.evaluate("__notif.desconectar()")
    restaurant.publish({"tipo": "cambio_mesa", "pedido_id": 2, "mesa": "Barra"})
    kitchen.context.set_offline(False)
    kitchen.evaluate("__notif.conectar({ instantanea: true })")
    expect(band(kitchen, 2)).to_contain_text("Mesa 5 → Barra")


def test_what_a_dish_is_made_of_stands_under_its_line(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1, COMBO), order(2, mesa_numero=None, mesa="Terraza 3"), order(
        3, item(31, "Yuca"), tipo="domicilio", mesa_numero=None, cliente_nombre="Karla", direccion="Calle 4",
        telefono="7777", repartidor="Chepe",
    ))  # fmt: skip
    parts = ticket(kitchen, 1).locator(".line__parts")
    expect(parts.locator(".line__parts-line")).to_have_text(["4 Pupusa", "Carne", "extra queso"])
    expect(parts.locator(".line__note--sin")).to_have_text(["SIN curtido", "SIN chimol"])
    name, under = ticket(kitchen, 1).locator(".line__name").bounding_box(), parts.bounding_box()
    assert under["y"] >= name["y"] + name["height"]
    expect(ticket(kitchen, 2).locator("h2")).to_have_text("Terraza 3")
    expect(ticket(kitchen, 3).locator("h2")).to_have_text("DOMICILIO")
    assert cut(kitchen, ".ticket__label") == []
    expect(ticket(kitchen, 3).locator(".ticket__meta")).to_contain_text("Karla")
    for hidden in ("Calle 4", "7777", "Chepe"):
        assert hidden not in kitchen.locator("body").inner_text()
    restaurant.publish({
        "tipo": "item_modificado", "pedido_id": 1, "item_id": 11, "item": {"modificadores": ["extra curtido"]},
        "cambios": {"tipo_cambio": "notas_modificadas"},
    })  # fmt: skip
    expect(parts.locator(".line__parts-line").last).to_have_text("extra curtido")
    expect(ticket(kitchen, 1).locator(".line--noted")).to_have_count(1)
    # What comes back is known by them too: a combo's number says nothing of what is on the plate.
    restaurant.publish(change(1, "listo"))
    kitchen.click("#recall")
    again = kitchen.locator('[data-listo-id="1"] li')
    expect(again.locator(".line__parts-line")).to_have_text(["4 Pupusa", "Carne", "extra curtido"])
    expect(again.locator(".line__note--sin")).to_have_text(["SIN curtido"])


def test_a_waiter_moves_guests_and_everybody_is_told(page: Any, browser: Any, floor: Floor, complaints: Any) -> None:
    page.set_viewport_size(PHONE)
    pos = floor.open(page, WAITER, "/pos")
    others = browser.new_context(viewport={"width": 1280, "height": 800})
    others.set_default_timeout(PATIENCE_MS)
    board, till = (watch(others.new_page(), complaints) for _ in range(2))
    floor.open(board, MANAGER, "/manager")
    floor.open(till, CASHIER, "/caja")
    pedido = floor.place(WAITER)
    served = floor.served(who=WAITER, mesa_numero=3)
    pos.locator(f'#tables [data-pedido-id="{pedido["id"]}"]').click()
    pos.get_by_role("button", name="Otra mesa").click()
    assert unusable(pos) == []
    pos.get_by_role("button", name="Elija una mesa").click()
    expect(pos.locator("#detail-body [role=alert]")).to_have_text("Elija una mesa.")
    pos.get_by_label("Otra mesa").fill("Terraza 3")
    pos.get_by_role("button", name="Pasar a Terraza 3").click()
    expect(pos.locator(".osheet__label")).to_have_text("Terraza 3")
    moved = floor.order(pedido["id"])
    assert (moved["mesa_numero"], moved["mesa"]) == (None, "Terraza 3")
    expect(board.locator(f'.lane__row[data-pedido-id="{pedido["id"]}"]')).to_contain_text("Terraza 3")
    # Where they are already: refused, in words.
    pos.click(".pane--detail .pbar__back")
    pos.locator(f'#tables [data-pedido-id="{pedido["id"]}"]').click()
    pos.get_by_role("button", name="Otra mesa").click()
    pos.get_by_label("Otra mesa").fill("Terraza 3")
    pos.get_by_role("button", name="Pasar a Terraza 3").click()
    expect(pos.locator("#toasts")).to_contain_text("ya está en esa mesa")
    # By somebody else, also what is served.
    keep_toasts(pos, till)
    floor.act(served, "cambiar_mesa", CASHIER, mesa_numero=12)
    expect(pos.locator("#toasts")).to_contain_text("Mesa 3 → 12")
    expect(till.locator(f'.due[data-pedido-id="{served["id"]}"]')).to_contain_text("Mesa 12")
    expect(till.locator("#toasts")).to_contain_text("Mesa 3 → 12")
    others.close()


def test_a_waiter_orders_for_a_named_table_and_for_a_delivery(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    pos = floor.open(page, WAITER, "/pos")

    def write(kind: str) -> None:
        pos.locator("#new").press("Enter")  # where "Enviar" was: a second tap there is taken for a double one
        pos.click(kind)
        dish = pos.locator(f'[data-producto-id="{floor.products["Pupusa de queso"]}"]')
        dish.locator(".step__btn--add").click()

    write("#entry-mesa")
    assert pos.locator("#entry-table").get_attribute("inputmode") == "numeric"
    pos.click("#entry-keys")
    assert pos.locator("#entry-table").get_attribute("inputmode") == "text"
    pos.fill("#entry-table", "Terraza 3")
    expect(pos.locator("#entry-mesa")).to_have_text("Terraza 3")
    pos.click("#entry-send")
    expect(pos.locator("#tables .list__label").first).to_have_text("Terraza 3")
    write("#entry-domicilio")
    assert unusable(pos) == []
    pos.fill("#entry-customer", "Karla")
    pos.click("#entry-send")
    expect(pos.locator("#entry-error")).to_have_text("Escriba la dirección.")
    pos.fill("#entry-address", "Col. Escalón 4")
    pos.fill("#entry-phone", "7777-8888")
    expect(pos.locator("#entry-send")).to_have_text("Enviar a cocina")  # it is paid at the door
    pos.click("#entry-send")
    expect(pos.locator("#tables .list__label").first).to_have_text("Domicilio · Karla")
    until(pos, lambda: len(floor.orders()) == 2)  # the page shows what it has sent
    named, away = sorted(floor.orders(), key=lambda pedido: pedido["id"])
    assert (named["mesa"], named["mesa_numero"]) == ("Terraza 3", None)
    assert (away["tipo"], away["tipo_pago"], away["direccion"], away["telefono"]) == (
        "domicilio", "al_final", "Col. Escalón 4", "7777-8888",
    )  # fmt: skip
    pos.locator(f'#tables [data-pedido-id="{away["id"]}"]').click()
    expect(pos.locator(".osheet__goes")).to_have_text("Col. Escalón 4 · 7777-8888")
    expect(pos.get_by_role("button", name="Otra mesa")).to_have_count(0)


def test_the_till_hands_over_a_delivery_and_lists_what_a_combo_is_made_of(page: Any, floor: Floor) -> None:
    till = floor.open(page, CASHIER, "/caja")
    floor.server.publish({"eventos": [
        order(7, {**COMBO, "precio_unitario": 5}, tipo="domicilio", mesa_numero=None, cliente_nombre="Karla",
              direccion={"calle": "Escalón", "casa": 4}, repartidor="Chepe"),
        change(7, "listo"),
    ]})  # fmt: skip
    till.locator('.due[data-pedido-id="7"]').click()
    expect(till.locator(".bill__label")).to_have_text("Domicilio · Karla")
    expect(till.locator(".bill__goes")).to_have_text("Escalón, 4 · Lleva Chepe")
    expect(till.locator(".bill__lines .parts")).to_have_text("4 Pupusasin curtidoCarneextra quesosin chimol")
    till.locator("#act").click()
    till.locator('#paid .due[data-pedido-id="7"]').click()
    expect(till.locator("#act")).to_have_text("Entregar")
    till.locator("#act").click()
    expect(till.locator('.due[data-pedido-id="7"]')).not_to_contain_text("Listo")
    until(till, lambda: floor.order(7)["estado"] == "servido")  # which the row does not wait for


def test_the_managers_log_tells_a_move_and_finds_a_name(page: Any, floor: Floor) -> None:
    pedido = floor.act(floor.place(), "cambiar_mesa", WAITER, mesa="Terraza 3")
    floor.act(pedido, "iniciar", COOK)
    page.context.request.post(f"{floor.url}/api/auth/login", data={"username": MANAGER, "password": PIN})
    page.goto(floor.url + "/manager/registro")
    rows = page.locator("#events .events__row")
    page.get_by_role("button", name="Más filtros").click()
    page.get_by_label("Tipo", exact=True).select_option("cambio_mesa")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Terraza 3: cambio de mesa, Mesa 5 → Terraza 3")
    page.get_by_label("Tipo", exact=True).select_option("")
    page.get_by_label("Mesa", exact=True).fill("terraza 3")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
