"""The manager's page: the board, the day's figures, who is connected, and what runs out, live."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, RED, Floor, hold_time, pass_time, unusable
from tests.browser.tickets import until

pytestmark = pytest.mark.browser

SIZES = [(1920, 1080), (1280, 800), (1024, 600), (640, 900), (360, 640)]
# Of the charts' texts, those that leave their card.
OUTSIDE_ITS_CARD = """() => [].filter.call(document.querySelectorAll('.chart text'), function (text) {
  var box = text.getBoundingClientRect(), card = text.closest('.card').getBoundingClientRect();
  return box.left < card.left || box.right > card.right || box.bottom > card.bottom;
}).map(function (text) { return text.textContent; })"""


@pytest.fixture
def office(page: Any, floor: Floor) -> Any:
    return floor.open(page, MANAGER, "/manager")


def lane(page: Any, key: str) -> Any:
    return page.locator(f'[data-lane="{key}"]')


def row(page: Any, pedido: dict[str, Any]) -> Any:
    return page.locator(f'.lane__row[data-pedido-id="{pedido["id"]}"]')


def figures(floor: Floor) -> dict[str, Any]:
    return floor.call("GET", "/api/cifras")


def test_the_board_and_the_figures_follow_a_day_that_begins_empty(office: Any, floor: Floor) -> None:
    # Nothing has happened: that is said, and no 0 and no NaN is drawn.
    for part in ("#per-hour", "#times", "#late", "#dishes"):
        expect(office.locator(part)).to_contain_text("sin datos")
    expect(lane(office, "en_cocina").locator(".lane__number")).to_have_text("ninguno")
    expect(office.locator("#stock")).to_have_text("Nada por acabarse")
    assert not re.search(r"NaN|null|undefined|\b0 (pedidos|%)", office.locator("body").inner_text())
    assert office.locator(".chart").count() == 0

    # Orders move from lane to lane as they go on.
    table = floor.place(mesa_numero=6, dishes={"Pupusa de queso": 4, "Horchata": 1})
    takeaway = floor.place(tipo="llevar", cliente_nombre="Luis")
    expect(lane(office, "espera")).to_contain_text("Mesa 6")
    expect(row(office, table)).to_contain_text(f"#{table['numero']} · $5.50")
    expect(lane(office, "por_cobrar")).to_contain_text("Llevar · Luis")
    floor.act(table, "iniciar")
    expect(lane(office, "en_cocina").locator(".lane__row")).to_have_count(1)
    expect(lane(office, "espera").locator(".lane__number")).to_have_text("ninguno")
    floor.act(table, "listo")
    expect(lane(office, "listo")).to_contain_text("Mesa 6")
    floor.act(floor.act(table, "servir"), "recuperar", razon="frías")
    floor.act(takeaway, "cancelar", razon="se fue")
    expect(row(office, takeaway)).to_have_count(0)
    expect(lane(office, "en_cocina")).to_contain_text("Mesa 6")

    # The figures are those of the service.
    for number in range(11, 17):
        floor.act(floor.place(mesa_numero=number), "iniciar")
    expect(office.locator("#per-hour .stat__value")).to_have_text("8pedidos · $17.50")
    expect(office.locator("#late .stat__value")).to_contain_text("1 cancelado · 1 recuperado")
    found = figures(floor)
    assert (found["pedidos"], found["ventas"], found["espera"]["medidos"]) == (8, 17.5, 7)
    expect(office.locator("#late .stat__number")).to_have_text("0 %")  # one was ready in time: that is known
    bars = office.locator("#per-hour .chart__bar")
    expect(bars).to_have_count(len(found["por_hora"]))
    expect(office.locator("#times .chart__value")).to_have_count(3)
    words = office.locator("#times .chart").get_attribute("aria-label")
    assert words.startswith("Tiempos en minutos. Espera: lo normal 0:0")
    dish = office.locator(".dish").first
    expect(dish).to_contain_text("Pupusa de queso")
    expect(dish.locator(".dish__count")).to_have_text("16")

    # A long lane opens by keyboard, and everything can be hit and read at every size.
    more = lane(office, "en_cocina").locator(".more")
    expect(more).to_have_text("y 3 más")
    more.focus()
    office.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(lane(office, "en_cocina").locator(".lane__row")).to_have_count(7)
    expect(more).to_be_focused()
    pass_time(office, seconds=16 * 60)
    expect(lane(office, "en_cocina").locator(".lane__late")).to_have_text("7 tarde")
    expect(office.locator('.lane__row[data-edad="tarde"]')).to_have_count(7)
    for width, height in SIZES:
        office.set_viewport_size({"width": width, "height": height})
        until(office, lambda: unusable(office) == [])
        until(office, lambda: office.evaluate(OUTSIDE_ITS_CARD) == [])

    # Yesterday has none, and says so.
    office.locator("#day-before").click()
    expect(office.locator("#per-hour")).to_contain_text("sin datos")
    expect(office.locator("#dishes")).to_have_text("sin datos")
    expect(office.locator("#figures-day")).not_to_contain_text("Hoy")
    office.locator("#day-after").click()
    expect(office.locator("#figures-day")).to_contain_text("Hoy, ")
    expect(office.locator("#per-hour .stat__number")).to_have_text("8")
    expect(office.locator("#day-after")).to_be_disabled()


def test_what_is_owed_is_one_lane_and_what_is_paid_and_served_another(office: Any, floor: Floor) -> None:
    takeaway = floor.place(tipo="llevar", cliente_nombre="Luis")
    table, second = floor.served(mesa_numero=6), floor.served(mesa_numero=7)
    owed = lane(office, "por_cobrar")
    expect(owed.locator(".lane__row")).to_have_count(3)
    expect(owed.locator(".lane__title")).to_have_text("Por cobrar")
    expect(lane(office, "por_cerrar")).to_be_hidden()
    row(office, table).click()
    expect(office.locator(".olist .pick").last).to_have_text("Por cobrar 3")
    expect(office.locator(".osheet__meta b")).to_have_text("Servido")
    floor.act(table, "cobrar", metodo_pago="efectivo", version=table["version"])
    expect(office.locator(".olist .pick").last).to_have_text("Por cobrar 2")
    office.keyboard.press("Escape")
    expect(owed.locator(".lane__row")).to_have_count(2)
    early = floor.act(takeaway, "cobrar", metodo_pago="efectivo", version=takeaway["version"])
    expect(owed.locator(".lane__row")).to_have_count(1)
    expect(row(office, second)).to_be_visible()
    row(office, early).click()
    expect(office.locator(".osheet__meta b")).to_have_text("Pagado")
    office.keyboard.press("Escape")
    ready = floor.act(early, "listo")
    floor.call("POST", "/api/notificaciones/eventos", {
        "tipo": "cambio_estado", "pedido_id": ready["id"], "estado": "servido", "operacion_id": "pos-1",
    })  # fmt: skip
    expect(lane(office, "por_cerrar")).to_contain_text("Llevar · Luis")


def test_a_tablet_that_disappears_turns_red_and_stock_that_runs_out_is_told(
    page: Any, make_server: Any, browser: Any
) -> None:
    floor = Floor(make_server(screen_seconds="0"))  # the alarm is another matter
    floor.call("PATCH", f"/api/productos/{floor.products['Yuca frita']}", {"id_pos": 5})  # ours of Loroco
    office = floor.open(page, MANAGER, "/manager")

    def device(name: str) -> Any:
        return office.locator(f'[data-device="{name}"]')

    floor.call("POST", "/api/productos", {"nombre": "Loroco", "precio": 1, "stock_actual": 3, "stock_minimo": 2})
    kitchen, till = browser.new_context(), browser.new_context()
    floor.open(kitchen.new_page(), COOK, "/cocina")
    floor.open(till.new_page(), CASHIER, "/caja")
    expect(device(COOK)).to_have_attribute("data-conectado", "true")
    expect(device(COOK).locator(".device__age")).to_have_text(re.compile(r"^(ahora|[1-9]\d* s)$"))
    expect(office.locator("#devices-sum")).to_have_text("2 de 2 en línea")
    expect(device(MANAGER)).to_have_attribute("data-conectado", "true")
    ground = "node => getComputedStyle(node).backgroundColor"
    calm = device(COOK).evaluate(ground)
    kitchen.close()
    expect(device(COOK)).to_have_attribute("data-conectado", "false")
    expect(device(COOK)).to_contain_text("sin señal")
    assert device(COOK).evaluate(ground) != calm == device(CASHIER).evaluate(ground)
    expect(device(COOK)).to_contain_text("avise en persona")
    expect(office.locator("#devices-sum")).to_have_text("1 de 2 en línea")
    head = office.locator('[data-devices="cocinero"]')
    expect(head).to_have_text("Cocina0 de 1")
    head.click()
    expect(head).to_contain_text(f"{COOK} sin señal")
    expect(device(COOK)).to_have_count(0)

    floor.products["Loroco"] = 5
    floor.place(dishes={"Loroco": 1})
    expect(office.locator("#stock")).to_contain_text("quedan 2, mínimo 2")
    floor.place(dishes={"Loroco": 1})  # it was low already: no alert
    expect(office.locator("#stock")).to_contain_text("queda 1, mínimo 2")
    floor.server.publish(
        {"tipo": "alerta_stock", "producto_id": 900, "nombre": "Ayote", "stock_actual": 0, "pedidos_afectados": [7]}
    )
    expect(office.locator("#stock .device").first).to_have_text("Ayote1 pedido afectadoSe acabó")
    # A POS's alert goes by its own numbers: what is Loroco's here is its number of the yuca.
    pos_s = {"tipo": "alerta_stock", "producto_id": 5, "nombre": "YUCA FR."}
    floor.server.publish({**pos_s, "stock_actual": 0})
    expect(office.locator("#stock")).to_contain_text("Yuca fritaSe acabó")
    expect(office.locator("#stock")).to_contain_text("queda 1, mínimo 2")
    floor.server.publish({**pos_s, "nivel": "disponible"})
    expect(office.locator("#stock")).not_to_contain_text("Yuca")
    floor.sold_out("Horchata")
    expect(office.locator("#stock-sum")).to_have_text("3 avisos")
    horchata = f"/api/productos/{floor.products['Horchata']}"
    floor.call("PATCH", horchata, {"oculto": True})  # nobody is told of what nobody can order
    floor.place(dishes={"Yuca frita": 1})
    expect(office.locator("#stock-sum")).to_have_text("2 avisos")
    floor.call("PATCH", horchata, {"oculto": False, "disponible": True})
    floor.server.publish({"tipo": "alerta_stock", "producto_id": 900, "nombre": "Ayote", "nivel": "disponible"})
    expect(office.locator("#stock .device")).to_have_text(["Lorocoqueda 1, mínimo 2Queda poco"])

    # Nobody waits for who has signed out, nor, after ten minutes, for who has gone.
    till.pages[0].evaluate("void fetch('/api/auth/logout', {method: 'POST'})")
    expect(device(CASHIER)).to_have_count(0)
    expect(office.locator('[data-devices="cajero"]')).to_have_text("Cajanadie en línea")
    pass_time(office, seconds=601)
    gone = office.locator('[data-devices="gone"]')
    expect(gone).to_have_text(re.compile(r"^1 que ya no estádesde las \d+:\d\d [ap]\. m\.$"))
    expect(office.locator("#devices .fold--late")).to_have_count(0)
    gone.click()
    expect(device(COOK)).to_contain_text("sin señal")
    till.close()


def test_who_looks_at_the_page_is_here_and_no_other_manager_is_missed(page: Any, floor: Floor) -> None:
    """Also where the service has heard nothing of the page yet, as while it loads."""

    def all_gone(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        for row in list(told["conexiones"]):
            row["conectado"] = False
            told["conexiones"].append({**row, "username": "Eva"})
        route.fulfill(response=answer, json=told)

    page.route("**/api/notificaciones/estado", all_gone)
    office = floor.open(page, MANAGER, "/manager")
    expect(office.locator('[data-devices="gone"]')).to_have_text(re.compile("^1 que ya no está"))
    expect(office.locator(f'[data-device="{MANAGER}"]')).to_have_attribute("data-conectado", "true")
    expect(office.locator("#devices .fold--late")).to_have_count(0)


def test_orders_that_the_kitchen_has_not_seen_and_a_kitchen_without_a_screen_are_told(
    page: Any, alarmed_floor: Floor
) -> None:
    floor = alarmed_floor
    kitchen = floor.kitchen_screen()
    floor.open(page, MANAGER, "/manager")
    assert page.locator("#unseen section").count() == 0
    page.click("#sonido")
    expect(page.locator("#sonido")).to_have_attribute("data-activo", "true")
    page.evaluate("void (posNotif.Sound.prototype._play = function (notes) { window.rung = notes.length; })")
    first, second = floor.place(), floor.place(mesa_numero=6)
    orders, room = page.locator("[data-sin-ver]"), page.locator('[data-sala="cocina"]')
    named = [f"#{first['numero']} (Mesa 5)", f"#{second['numero']} (Mesa 6)"]
    expect(orders).to_have_text("2 pedidos sin ver en cocina: " + ", ".join(named))
    until(page, lambda: page.evaluate("window.rung") == 5)  # the siren
    floor.acknowledge(first)
    expect(orders).to_have_text("1 pedido sin ver en cocina: " + named[1])
    kitchen.close()
    expect(room).to_have_text(re.compile(r"La pantalla de cocina no responde desde hace "))
    [lost] = floor.call("GET", "/api/notificaciones/eventos?tipo=sin_pantalla")["eventos"]
    hold_time(page, lost["desde"], seconds=7)
    expect(room).to_have_text(re.compile(r"La pantalla de cocina no responde desde hace 7 s"))
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        until(page, lambda: unusable(page) == [])
    expect(room).to_be_hidden()  # on a phone in the strip, until it is touched
    expect(page.locator("#strip")).to_have_css("background-color", RED)
    page.click("#strip")
    expect(room).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    expect(room).to_be_visible()
    expect(orders).to_have_count(1)
    floor.acknowledge(second)
    expect(orders).to_have_count(0)
    kitchen = floor.kitchen_screen()
    expect(room).to_have_count(0)
    kitchen.close()


def test_a_managers_minute_on_a_phone(page: Any, make_server: Any) -> None:
    """What is to be known is one sentence and one strip, and all of it is in one height."""
    floor = Floor(make_server(ack_seconds="0"))  # the kitchen's screen acknowledges nothing
    page.set_viewport_size({"width": 390, "height": 844})
    late, ready = floor.place(mesa_numero=12), floor.place(mesa_numero=5)
    floor.act(floor.act(ready, "iniciar"), "listo")
    kitchen = floor.kitchen_screen()
    floor.open(page, MANAGER, "/manager")
    expect(page.locator("#now-line")).to_have_text("1 en cocina · 1 listo")
    expect(page.locator("#now-sub")).to_contain_text("2 pedidos hoy · $")
    expect(page.locator("#latest-rows .latest")).to_have_count(5)
    expect(page.locator("#latest-rows .latest").first).to_contain_text("Mesa 5: ")
    for name in ("cocinero", "mesero", "cajero"):
        expect(page.locator(f'[data-devices="{name}"]')).to_have_attribute("aria-expanded", "false")
    expect(page.locator('[data-devices="cocinero"]')).to_have_text("Cocina1 de 1 en línea")
    expect(page.locator("#strip")).to_be_hidden()
    pass_time(page, seconds=16 * 60)
    expect(page.locator("#now-line")).to_have_text("1 en cocina · 1 tarde · 1 listo")
    fold = lane(page, "espera").locator(".lane__fold")
    expect(fold).to_contain_text("Mesa 12")
    expect(row(page, late)).to_be_hidden()
    fold.click()
    expect(row(page, late)).to_be_visible()
    fold.click()
    assert page.evaluate("document.querySelector('#latest').getBoundingClientRect().bottom") <= 844
    assert unusable(page) == []
    kitchen.close()
