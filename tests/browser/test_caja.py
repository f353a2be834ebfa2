"""The till's page: what is to be charged, and that it is charged once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, MANAGER, WAITER, Floor, keep_offers, pass_time, unusable
from tests.browser.network import Network
from tests.browser.tickets import until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser


@pytest.fixture
def till(page: Any, floor: Floor) -> Any:
    return floor.open(page, CASHIER, "/caja")


@pytest.fixture
def second_till(browser: Any, floor: Floor, complaints: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    floor.server.create_user("Tomás", "cajero", "2468")
    yield floor.open(page, "Tomás", "/caja")
    context.close()


def due(page: Any, pedido: dict[str, Any]) -> Any:
    return page.locator(f'.due[data-pedidos~="{pedido["id"]}"]')


def payments(floor: Floor, pedido: dict[str, Any]) -> list[str]:
    return [event["metodo_pago"] for event in floor.events(pedido["id"]) if event.get("metodo_pago")]


def charged_total(page: Any) -> Any:
    return page.locator("#bill .bill__total span")


def test_a_table_is_charged_in_one_go_also_what_is_still_in_the_kitchen(till: Any, floor: Floor) -> None:
    keep_offers(till)
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    first = floor.served(mesa_numero=7, dishes={"Pupusa de queso": 4, "Horchata": 1})
    again = floor.act(floor.place(mesa_numero=7, dishes={"Yuca frita": 1}), "iniciar")
    row = due(till, first)
    expect(row).to_contain_text("Mesa 7")
    expect(row).to_contain_text("2 pedidos")
    expect(row).to_contain_text("1 pedido aún en cocina")
    expect(row.locator(".due__total")).to_have_text("$8.25")
    expect(till.locator("#table-sum")).to_have_text("$8.25")
    expect(till.locator("#tab-due")).to_have_text("Por cobrar 1")
    row.click()
    expect(till.locator(".bill__note--kitchen")).to_have_text("1 pedido aún en cocina. Puede cobrarlo ya.")
    expect(charged_total(till)).to_have_text("$8.25")

    # What is not ticked stays; of what lies on the bill each change is heard, though the kitchen has it.
    ticks = till.get_by_role("checkbox")
    ticks.nth(1).click()
    expect(charged_total(till)).to_have_text("$5.50")
    expect(till.locator("#act")).to_have_text("Cobrar $5.50")
    ticks.nth(1).click()
    until(till, lambda: till.evaluate("__notif._acting === null && !__notif._actions.length"))  # it follows them by now
    floor.act(again, "agregar_item", WAITER, items=[{"producto_id": floor.products["Horchata"], "cantidad": 1}])
    expect(charged_total(till)).to_have_text("$9.75")
    expect(till.locator(".bill__note").first).to_contain_text("$2.75 → $4.25 · Karla agregó 1 Horchata")

    # Any amount; what is too little is said, and charges nothing.
    given = till.get_by_label("Recibido", exact=True)
    given.fill("9")
    expect(till.locator("#back")).to_contain_text("Faltan")
    expect(till.locator("#act")).to_be_disabled()
    given.fill("20,50")
    expect(till.locator("#back")).to_contain_text("de $20.50")
    expect(till.locator("#back-sum")).to_have_text("$10.75")
    till.evaluate("var b = document.getElementById('act'); b.click(); b.click();")
    expect(till.locator("#bill")).to_contain_text("Cobrado $9.75 · Mesa 7")
    expect(till.locator("#bill .back__sum")).to_have_text("$10.75")
    assert [payments(floor, pedido) for pedido in (first, again)] == [["efectivo"], ["efectivo"]]
    assert [floor.order(pedido["id"])["estado"] for pedido in (first, again)] == ["cerrado", "en_cocina"]

    # It is one thing to take back, too.
    bar = till.locator("#undo .undobar")
    expect(bar).to_contain_text("Cobrado: Mesa 7 $9.75 · vuelto $10.75")
    bar.get_by_role("button").click()
    expect(charged_total(till)).to_have_text("$9.75")
    assert [floor.order(pedido["id"]).get("pagado_at") for pedido in (first, again)] == [None, None]


def test_what_waits_stands_in_groups_with_total_and_age(till: Any, floor: Floor) -> None:
    table = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 1})
    before = floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Rosa")
    after = floor.act(floor.place(tipo="llevar", tipo_pago="al_final", cliente_nombre="Luis"), "listo")
    cooking = floor.place(mesa_numero=9)
    paid = floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Ana")
    floor.act(paid, "cobrar", metodo_pago="tarjeta")
    for pedido, group, words in (
        (table, "table", "Mesa 6"), (before, "togo", "Paga antes"), (after, "togo", "Listo"), (paid, "paid", "pagado"),
    ):  # fmt: skip
        expect(till.locator(f"#{group}").locator(due(till, pedido))).to_contain_text(words)
    expect(due(till, paid).locator(".due__total")).to_have_text(f"#{paid['numero']}")
    expect(till.locator("#togo-sum")).to_have_text("$4.00")
    expect(till.locator("#tab-due")).to_have_text("Por cobrar 3")
    assert due(till, cooking).count() == 0
    # Guests who have not been served yet may pay too: every table is there for who asks.
    till.get_by_role("button", name="Todas las mesas").click()
    due(till, cooking).click()
    expect(till.locator("#act")).to_have_text("Cobrar $2.00")
    till.get_by_role("button", name="Por cobrar").click()
    pass_time(till, seconds=360)
    expect(due(till, table)).to_contain_text("Servido hace 6 min")
    # A table has its name, however somebody has written it.
    named = [floor.served(mesa=name, dishes={"Horchata": 1}) for name in ("Terraza 3", "terraza 3")]
    expect(due(till, named[0])).to_contain_text("2 pedidos")
    expect(due(till, named[0]).locator(".due__total")).to_have_text("$3.00")


def test_a_till_that_nobody_looks_at_asks_for_nothing_and_knows_all_when_somebody_does(till: Any, floor: Floor) -> None:
    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });" + (
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    till.get_by_role("button", name="Todas las mesas").click()
    first = floor.place(mesa_numero=8)
    due(till, first).wait_for()  # nothing tells of it: it was asked for
    till.evaluate(hide, True)
    asked: list[str] = []
    till.on("request", lambda request: asked.append(request.url) if "todas=1" in request.url else None)
    cooking, served = floor.place(mesa_numero=9), floor.served(mesa_numero=6)
    expect(due(till, served)).to_be_visible()
    till.evaluate("new Promise(done => setTimeout(done, 1200))")  # longer than between two requests
    assert asked == []
    till.evaluate(hide, False)
    expect(due(till, cooking)).to_be_visible()
    assert asked != []


def test_a_queue_goes_by_the_keyboard_alone(till: Any, floor: Floor) -> None:
    """Two keys from an order to its charge; an amount; a card; the counter's own order; and back."""
    keep_offers(till)
    first = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4})
    second = floor.served(mesa_numero=8, dishes={"Horchata": 2})
    third = floor.served(mesa_numero=9, dishes={"Yuca frita": 1})
    expect(till.locator("#tab-due")).to_have_text("Por cobrar 3")
    press = till.keyboard.press

    press("ArrowDown")
    expect(due(till, first)).to_be_focused()
    press("Enter")
    expect(till.locator("#bill")).to_contain_text("Cobrado $4.00 · Mesa 6")
    press("Enter")  # what is held for too long charges nothing more
    expect(till.locator("#pay")).to_be_hidden()

    press("ArrowDown")
    till.keyboard.type("23.5")
    expect(till.locator("#given")).to_be_focused()
    press("Escape")
    expect(till.locator("#given")).to_have_value("")
    till.keyboard.type("20")
    expect(till.locator("#back-sum")).to_have_text("$17.00")
    press("Enter")
    expect(till.locator("#bill .back__sum")).to_have_text("$17.00")
    press("u")
    expect(till.locator("[data-cuenta]")).to_have_attribute("data-cuenta", str(second["id"]))
    press("t")
    press("Enter")
    expect(till.locator("#bill")).to_contain_text("Cobrado $3.00 · Mesa 8")
    until(till, lambda: payments(floor, second) == ["efectivo", "tarjeta"])
    assert payments(floor, first) == ["efectivo"]

    # Who comes to the counter: name, dishes by some of their letters, and the charge.
    press("n")
    till.keyboard.type("Rosa")
    expect(till.locator("#counter-menu")).to_contain_text("Horchata")  # the menu has come, of which it finds dishes
    till.get_by_label("Buscar plato").focus()
    for asked in ("3 queso", "hor"):
        till.keyboard.type(asked)
        press("Enter")
    expect(till.locator("#counter-total")).to_have_text("$4.50")
    till.get_by_label("Nota para Horchata").focus()
    till.keyboard.type("sin hielo")
    press("Enter")
    expect(till.get_by_label("Buscar plato")).to_be_focused()
    till.locator("#counter-send").focus()
    till.keyboard.down("Enter")
    expect(till.locator("#act")).to_have_text("Cobrar $4.50")
    charged: list[str] = []
    till.on("request", lambda request: charged.append(request.url) if "acciones" in request.url else None)
    till.keyboard.down("Enter")  # held for too long it repeats itself, and charges nothing
    till.keyboard.up("Enter")
    till.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
    assert charged == []
    placed = next(order for order in floor.orders() if order.get("cliente_nombre") == "Rosa")
    assert [(line["cantidad"], line["producto_nombre"], line["notas"]) for line in placed["items"]] == [
        (3, "Pupusa de queso", None), (1, "Horchata", "sin hielo"),
    ]  # fmt: skip
    press("Enter")
    expect(till.locator("#bill")).to_contain_text("Cobrado $4.50 · Llevar · Rosa")
    assert floor.order(placed["id"])["estado"] == "pagado"
    press("ArrowDown")
    press("e")
    press("Escape")
    expect(till.locator("#bill")).to_contain_text("Elija una mesa")
    assert payments(floor, third) == []


def test_charging_removes_it_on_every_till(till: Any, second_till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4})
    due(second_till, pedido).click()
    due(till, pedido).click()
    till.get_by_role("button", name="$10", exact=True).click()
    expect(till.locator("#back-sum")).to_have_text("$6.00")
    till.click("#act")
    for page in (till, second_till):
        expect(due(page, pedido)).to_have_count(0)
    expect(second_till.locator("[data-aviso=otra_caja]")).to_contain_text("Mesa 6 ya se cobró en otra caja (Marta)")
    expect(second_till.locator("#act")).to_be_hidden()
    assert payments(floor, pedido) == ["efectivo"]


def test_who_looks_at_an_order_is_told_too_that_another_till_has_charged_it(till: Any, floor: Floor) -> None:
    pedido = floor.place(tipo="llevar", cliente_nombre="Rosa")
    due(till, pedido).click()
    till.get_by_role("button", name="Ver pedido").click()
    expect(till.locator(".osheet__label")).to_contain_text("Rosa")
    floor.sold_out("Pupusa de queso")
    expect(till.locator(".osheet")).to_contain_text("Se acabó")
    floor.act(pedido, "cobrar", metodo_pago="tarjeta")
    expect(till.locator("#toasts")).to_contain_text("Rosa ya se cobró en otra caja")
    expect(till.locator("[data-aviso=otra_caja]")).to_have_count(1)


def test_a_second_till_at_the_same_moment_is_told_and_charges_nothing(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6)
    other = floor.served(mesa_numero=6, dishes={"Horchata": 2})
    due(till, pedido).click()

    def other_till_first(route: Any) -> None:
        if not payments(floor, pedido):
            floor.act(pedido, "cobrar", metodo_pago="tarjeta")
        route.continue_()

    till.route("**/acciones", other_till_first)
    till.get_by_label("Recibido", exact=True).fill("10")
    till.click("#act")
    expect(till.locator("#toasts")).to_contain_text("Mesa 6 ya se cobró en otra caja. Aquí no se cobró otra vez.")
    # The guest gets back what is left of what was taken here.
    expect(till.locator("#toasts")).to_contain_text("De Mesa 6 se cobró $3.00. Lo demás no se cobró: revise.")
    expect(till.locator("#bill .back__sum")).to_have_text("$7.00")
    assert (payments(floor, pedido), payments(floor, other)) == (["tarjeta"], ["efectivo"])


def test_a_change_updates_the_total_live_and_says_so(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 2})
    due(till, pedido).click()
    floor.act(pedido, "cambiar_cantidad", MANAGER, item_id=pedido["items"][1]["id"], cantidad=1, razon="se cayó")
    expect(due(till, pedido).locator(".due__total")).to_have_text("$5.50")
    expect(due(till, pedido)).to_contain_text("Cambió")
    note = till.locator(".bill__note:not(.bill__note--kitchen)")
    expect(note).to_have_text("El total cambió: $7.00 → $5.50 · Ana: 2 → 1 Horchata")
    expect(till.locator("#act")).to_have_text("Cobrar $5.50")
    # More dishes send it back to the kitchen; it stays on the bill, and comes back with the new total.
    floor.act(pedido, "agregar_item", WAITER, items=[{"producto_id": floor.products["Yuca frita"], "cantidad": 1}])
    expect(till.locator("#toasts")).to_contain_text("Mesa 6 volvió a cocina")
    expect(till.locator(".bill__note--kitchen")).to_be_visible()
    floor.act(floor.act(pedido, "listo"), "servir")
    expect(note).to_contain_text("El total cambió: $7.00 → $8.25")
    expect(note).to_contain_text("Yuca frita")
    expect(till.locator(".is-new")).to_contain_text("Yuca frita")
    expect(till.locator(".bill__note--kitchen")).to_be_hidden()


def test_a_total_that_changed_while_the_button_was_tapped_is_not_charged(till: Any, floor: Floor) -> None:
    pedido = floor.served(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 2})
    due(till, pedido).click()

    def change_first(route: Any) -> None:
        if len(floor.order(pedido["id"])["items"]) == 2:
            floor.act(pedido, "quitar_item", item_id=pedido["items"][1]["id"], razon="se cayó")
        route.continue_()

    till.route("**/acciones", change_first)
    till.click("#act")
    expect(till.locator("#toasts")).to_contain_text("Mesa 6: cambió mientras tanto: revise y toque de nuevo")
    assert payments(floor, pedido) == []
    expect(till.locator("#act")).to_have_text("Cobrar $4.00")
    till.get_by_role("button", name="Tarjeta").click()
    till.click("#act")
    expect(due(till, pedido)).to_have_count(0)
    assert payments(floor, pedido) == ["tarjeta"]


def test_a_takeaway_is_charged_released_and_handed_over(till: Any, floor: Floor) -> None:
    pedido = floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre="Rosa")
    due(till, pedido).click()
    till.click("#act")
    expect(till.locator("#paid").locator(due(till, pedido))).to_contain_text("pagado")
    assert floor.order(pedido["id"])["estado"] == "pagado"
    floor.act(pedido, "listo")
    expect(till.locator("#paid").locator(due(till, pedido))).to_contain_text("Listo")
    expect(till.locator("#sum")).to_have_text("Nada por cobrar")
    due(till, pedido).click()
    till.get_by_role("button", name="Entregar").click()
    expect(till.locator("#act")).to_have_text("Cerrar la cuenta")
    till.click("#act")
    expect(due(till, pedido)).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "cerrado"
    assert payments(floor, pedido) == ["efectivo"]


def test_a_delivery_and_a_table_are_taken_at_the_counter(till: Any, floor: Floor) -> None:
    till.locator("#new").click()
    till.get_by_role("button", name="Domicilio").click()
    till.locator("#counter-send").click()
    expect(till.locator("#counter-error")).to_have_text("Escriba el nombre del cliente.")
    till.get_by_label("Cliente").fill("Karla")
    till.get_by_label("Dirección").fill("Calle 5, casa 12")
    till.get_by_label("Teléfono").fill("7777-0000")
    till.get_by_label("Lo lleva").fill("Beto")
    till.locator("#counter-menu").get_by_role("button", name="Yuca frita").click()
    till.reload()  # what was written is not lost
    till.wait_for_selector("#conexion[data-modo=sse]")
    till.locator("#new").click()
    expect(till.get_by_label("Dirección")).to_have_value("Calle 5, casa 12")

    # A dish that runs out meanwhile is refused; nothing of the rest is lost, nor sent twice.
    floor.sold_out("Yuca frita")
    expect(till.locator("#counter-lines")).to_contain_text("Se acabó")
    till.locator("#counter-send").click()
    expect(till.locator("#counter-error")).to_contain_text("Se acabó: Yuca frita")
    till.get_by_role("button", name="Quitar Yuca frita").click()
    till.locator("#counter-menu").get_by_role("button", name="Horchata").click()
    till.evaluate("var b = document.getElementById('counter-send'); b.click(); b.click();")
    until(till, lambda: len(floor.orders()) == 1)
    order = floor.orders()[0]
    sent = ("tipo", "tipo_pago", "cliente_nombre", "direccion", "telefono", "repartidor", "estado")
    assert [order[name] for name in sent] == [
        "domicilio", "al_final", "Karla", "Calle 5, casa 12", "7777-0000", "Beto", "en_mesa",
    ]  # fmt: skip
    till.locator("#new").click()
    till.get_by_role("button", name="Mesa", exact=True).click()
    till.locator("#counter-mesa").fill("Terraza 3")
    till.locator("#counter-menu").get_by_role("button", name="Horchata").click()
    till.locator("#counter-send").click()
    until(till, lambda: [order.get("mesa") for order in floor.orders()] == [None, "Terraza 3"])


def test_an_order_is_looked_at_and_cancelled_and_what_is_cooked_is_the_managers(till: Any, floor: Floor) -> None:
    keep_offers(till)
    pedido = floor.act(floor.place(tipo="llevar", cliente_nombre="Rosa"), "cobrar", metodo_pago="efectivo")
    due(till, pedido).click()
    till.get_by_role("button", name="Cancelar pedido").click()
    till.get_by_role("radio", name="El cliente se fue").click()
    till.get_by_role("button", name="Cancelar el pedido").click()
    until(till, lambda: floor.order(pedido["id"])["estado"] == "cancelado")
    till.get_by_role("button", name="Deshacer").click()
    until(till, lambda: floor.order(pedido["id"])["estado"] == "pagado")
    floor.act(pedido, "iniciar")
    due(till, pedido).click()
    expect(till.get_by_role("button", name="Ver pedido")).to_be_visible()
    expect(till.get_by_role("button", name="Cancelar pedido")).to_have_count(0)


@pytest.mark.faults
def test_what_is_done_without_a_connection_waits_visibly_and_happens_once(
    page: Any, floor: Floor, complaints: list[str]
) -> None:
    pedido = floor.served(mesa_numero=6)
    with Network(floor.server.port) as network:
        floor.open(page, CASHIER, "/caja", network.url)
        page.locator("#new").click()
        expect(page.locator("#counter-menu")).to_contain_text("Horchata")  # it has the menu
        page.click("#counter-close")
        due(page, pedido).click()
        network.up = False
        network.cut()
        page.wait_for_selector("#conexion[data-modo=sin_conexion]")
        page.click("#act")
        expect(page.locator("#act")).to_have_text("Se enviará al volver")
        assert page.locator("#act").is_disabled()
        page.locator("#banner").wait_for(state="visible")
        assert "Sin conexión" in page.locator("#banner").inner_text()
        page.locator("#new").click()
        page.get_by_label("Cliente").fill("Rosa")
        page.locator("#counter-menu").get_by_role("button", name="Horchata").click()
        page.locator("#counter-send").click()
        expect(page.locator("#sending")).to_contain_text("Llevar · Rosa")
        network.up = True
        expect(page.locator("#sending")).to_be_empty()
        until(page, lambda: payments(floor, pedido) == ["efectivo"])
    assert [order["cliente_nombre"] for order in floor.orders()] == ["Rosa"]
    complaints.clear()


SIZES = [(1280, 800), (1440, 900), (1024, 768), (1024, 600), (820, 1180), (768, 1024), (390, 844), (360, 640)]


def test_everything_can_be_hit_and_read(till: Any, floor: Floor) -> None:
    long = "Pupusa de chicharrón con queso, loroco y otras " + "muchas" * 5
    floor.products[long] = floor._add(long, "Pupusas", 1234.5)["id"]
    pedido = floor.served(mesa_numero=6, dishes={long: 12, "Horchata": 2, "Yuca frita": 1, "Pupusa de queso": 3})
    floor.place(mesa_numero=6)
    floor.place(tipo="llevar", tipo_pago="anticipado", cliente_nombre=long)
    due(till, pedido).click()
    floor.act(pedido, "cambiar_cantidad", item_id=pedido["items"][1]["id"], cantidad=1, razon="se cayó")
    till.locator(".bill__note").first.wait_for()
    till.get_by_label("Recibido", exact=True).fill("99999.99")
    for width, height in SIZES:
        till.set_viewport_size({"width": width, "height": height})
        assert unusable(till) == [], (width, height)
        if width > 720:
            expect(till.locator("#act")).to_be_in_viewport()
    till.locator("#new").click()
    till.locator("#counter-menu").get_by_role("button", name=long).click()
    for width, height in SIZES:
        till.set_viewport_size({"width": width, "height": height})
        assert unusable(till) == [], (width, height)
