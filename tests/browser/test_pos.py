"""The waiter's page, from a tap to the service and back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, RED, WAITER, Floor, hold_time, pass_time, people_read, unusable
from tests.browser.network import Network
from tests.browser.test_settle import HOLD
from tests.browser.tickets import NOTE_FLASHES, has_flashed, until
from tests.support.chromium import WHOLE, launch

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 640}
# What the phone does besides the page: recorded, since no phone is there.
RECORD = """
    window.told = [];
    window.Notification = function (title, options) { told.push(['aviso', title, options.body, options.tag]); };
    window.Notification.permission = 'granted';
    navigator.vibrate = function () { told.push(['vibra']); return true; };
"""

# Chromium forgets a notification that is asked for while it is being shown: what is stored and not on the screen yet is
# taken for what is left of an earlier start.
ASK_ONCE_SHOWN = """
    window.shown = null;
    var show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
        return show.call(this, title, options).then(() => this.getNotifications()).then(function (list) {
            window.shown = list.map(n => [n.title, n.body]);
        });
    };
"""


@pytest.fixture
def pos(page: Any, floor: Floor) -> Any:
    page.set_viewport_size(PHONE)
    page.add_init_script(RECORD)
    page.add_init_script(NOTE_FLASHES)
    return floor.open(page, WAITER, "/pos")


def dish(page: Any, floor: Floor, name: str) -> Any:
    return page.locator(f'[data-producto-id="{floor.products[name]}"]')


def write(page: Any, floor: Floor, table: str = "7", quantity: int = 2) -> None:
    page.click("#new")
    page.fill("#entry-table", table)
    for _ in range(quantity):
        dish(page, floor, "Pupusa de queso").locator(".step__btn--add").click()


def row(page: Any, order_id: int) -> Any:
    return page.locator(f'#tables [data-pedido-id="{order_id}"]')


def card(page: Any, order_id: int) -> Any:
    return page.locator(f'#ready [data-pedido-id="{order_id}"]')


def cancel(page: Any, reason: str) -> None:
    page.get_by_role("button", name="Cancelar", exact=True).click()
    page.get_by_role("radio", name="Otro motivo").click()
    page.get_by_label("Escriba el motivo").fill(reason)


def drawn_anew(page: Any) -> None:
    page.evaluate("document.getElementById('clock').textContent = ''")
    expect(page.locator("#clock")).not_to_be_empty()


def test_an_order_is_saved_and_then_seen_by_the_kitchen(pos: Any, floor: Floor) -> None:
    write(pos, floor)
    dish(pos, floor, "Pupusa de queso").locator(".menu__what").click()
    pos.get_by_role("button", name="SIN", exact=True).click()
    pos.get_by_role("button", name="curtido", exact=True).click()
    pos.click("#note-accept")
    pos.get_by_role("button", name="Bebidas").click()
    dish(pos, floor, "Horchata").locator(".step__btn--add").click()
    pos.click("#entry-notes")
    pos.fill("#note-other", "para compartir")
    pos.click("#note-accept")
    expect(pos.locator("#entry-total")).to_have_text("$3.50")
    # By keyboard: a click here at once would be the second half of a double tap on "Aceptar".
    pos.get_by_role("button", name="Enviar a cocina").press("Enter")
    pos.wait_for_selector("#tables [data-visto=saved]")
    (pedido,) = floor.orders()
    assert (pedido["mesa_numero"], pedido["mesero"], pedido["notas"]) == (7, WAITER, "Para compartir")
    assert [(line["producto_nombre"], line["cantidad"], line["notas"]) for line in pedido["items"]] == [
        ("Pupusa de queso", 2, "SIN curtido"),
        ("Horchata", 1, None),
    ]
    assert f"Guardado {people_read(pedido['timestamp'])}" in row(pos, pedido["id"]).inner_text()
    floor.acknowledge(pedido)
    pos.wait_for_selector("#tables [data-visto=yes]")
    seen_at = floor.order(pedido["id"])["visto_at"]
    assert f"Cocina lo vio {people_read(seen_at)}" in row(pos, pedido["id"]).inner_text()
    pos.reload()
    pos.wait_for_selector("#tables [data-visto=yes]")


def test_where_no_alarm_comes_what_the_kitchen_has_not_seen_is_red_after_twenty_three_seconds(
    pos: Any, floor: Floor
) -> None:
    pedido = floor.place()
    row(pos, pedido["id"]).wait_for()
    plate = pos.locator("#unseen .strip__row")
    strip = pos.locator("#unseen .strip__text")
    hold_time(pos, pedido["timestamp"], seconds=22.9)
    drawn_anew(pos)
    assert plate.count() == 0
    assert row(pos, pedido["id"]).get_attribute("data-visto") == "saved"
    hold_time(pos, pedido["timestamp"], seconds=23)
    expect(strip).to_have_text("Mesa 5 sin ver")
    expect(pos.locator("#unseen .strip")).to_have_css("background-color", RED)
    pos.locator("#unseen .strip").click()
    expect(plate).to_have_text(f"Mesa 5: la cocina NO lo ha vistoVaya a decirlo · #{pedido['numero']}, hace 23 sVer")
    plate.get_by_role("link", name="Ver").click()
    expect(pos.locator("#detail-body h2")).to_have_text("Mesa 5")
    pos.go_back()
    assert row(pos, pedido["id"]).get_attribute("data-visto") == "no"
    pos.click("#new")
    expect(pos.locator("#strip")).to_have_text("Mesa 5 sin ver")
    pos.click("#strip")
    floor.acknowledge(pedido)
    expect(plate).to_have_count(0)
    expect(row(pos, pedido["id"])).to_have_attribute("data-visto", "yes")

    # Where the restaurant wants no alarm, the page gives none.
    def without(route: Any) -> None:
        page = route.fetch().text().replace('data-ack-seconds="20"', 'data-ack-seconds="0"')
        route.fulfill(body=page, content_type="text/html")

    pos.route("**/pos", without)
    pos.reload()
    other = floor.place(mesa_numero=9)
    row(pos, other["id"]).wait_for()
    hold_time(pos, other["timestamp"], seconds=600)
    drawn_anew(pos)
    assert plate.count() == 0


def test_the_services_alarms_are_red_and_ring_until_they_are_over(page: Any, alarmed_floor: Floor) -> None:
    floor = alarmed_floor
    page.set_viewport_size(PHONE)
    page.add_init_script(NOTE_FLASHES)
    kitchen = floor.kitchen_screen()
    floor.open(page, WAITER, "/pos")
    assert page.locator("#unseen .strip__row").count() == 0
    # The POS's order belongs to nobody's phone.
    floor.call("POST", "/api/notificaciones/eventos", {"tipo": "nuevo_pedido", "pedido": {"id": 77, "items": []}})
    pedido = floor.place()
    hold_time(page, pedido["timestamp"], seconds=0)  # by itself the page would wait for ever
    orders, room = page.locator("[data-sin-ver]"), page.locator('[data-sala="cocina"]')
    both = [re.compile("^Pedido #77: la cocina NO lo ha visto"), re.compile("^Mesa 5: la cocina NO lo ha visto")]
    expect(orders).to_have_text(both)
    expect(page.locator("#unseen .strip")).to_have_text("22 pedidos sin ver")
    until(page, lambda: has_flashed(page))  # no tap yet: the siren's stand-in
    expect(row(page, pedido["id"])).to_have_attribute("data-visto", "no")
    with page.expect_response("**/api/pedidos?vista=meseros&todas=1"):
        page.reload()  # what is still open is in the snapshot
    pass_time(page, seconds=2)  # what others attend, and nobody, is known to the page too
    expect(orders).to_have_text(both)
    until(page, lambda: has_flashed(page))
    floor.acknowledge({"id": 77})
    expect(orders).to_have_text(both[1:])
    page.reload()
    expect(orders).to_have_text(both[1:])
    floor.acknowledge(pedido)
    expect(orders).to_have_count(0)
    expect(page.locator("#unseen .strip")).to_be_hidden()

    kitchen.close()
    expect(page.locator("#unseen .strip")).to_have_text("1cocina no responde")
    expect(room).to_have_text(re.compile(r"^La pantalla de cocina no respondeDesde hace .* Avise en persona.$"))
    told = floor.call("GET", "/api/notificaciones/eventos?tipo=sin_pantalla")["eventos"]
    [lost] = [event for event in told if event["sala"] == "cocina"]  # this phone may be missed while it loads anew
    hold_time(page, lost["desde"], seconds=7)
    expect(room).to_have_text("La pantalla de cocina no respondeDesde hace 7 s. Avise en persona.")
    page.reload()
    page.locator("#unseen .strip").click()
    expect(room).to_be_visible()
    pass_time(page, seconds=130)
    expect(room).to_contain_text("Desde hace 2 min")
    assert unusable(page) == []
    page.click("#new")
    expect(page.locator("#strip")).to_have_text("cocina no responde")
    kitchen = floor.kitchen_screen()
    expect(page.locator("#strip")).to_be_hidden()
    expect(room).to_have_count(0)
    kitchen.close()


def test_a_double_tap_makes_one_order(pos: Any, floor: Floor) -> None:
    write(pos, floor)
    pos.evaluate(HOLD)  # however long the page takes over the two, they are one double tap
    box = pos.locator("#entry-send").bounding_box()
    # The second half falls on "Nuevo pedido", which is in its place by then.
    pos.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    pos.wait_for_selector("#tables [data-visto=saved]")
    assert pos.locator("#pos").get_attribute("data-screen") == "inicio"
    write(pos, floor, "8")
    pos.evaluate("var b = document.getElementById('entry-send'); b.click(); b.click(); b.form.requestSubmit();")
    expect(pos.locator("#tables [data-visto=saved]")).to_have_count(2)
    assert sorted(order["mesa_numero"] for order in floor.orders()) == [7, 8]


@pytest.mark.faults
def test_an_order_whose_answer_is_lost_is_sent_again_and_made_once(pos: Any, floor: Floor) -> None:
    keys: list[str] = []

    def lose_the_first(route: Any) -> None:
        keys.append(route.request.post_data_json["operacion_id"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    pos.route("**/api/pedidos", lose_the_first)
    write(pos, floor)
    pos.click("#entry-send")
    expect(pos.locator("#tables [data-visto]")).to_have_count(1)
    until(pos, lambda: len(keys) == 2)
    assert keys[0] == keys[1]
    expect(pos.locator("#tables [data-operacion]")).to_have_count(0)
    assert len(floor.orders()) == 1


@pytest.mark.faults
def test_an_order_without_a_connection_is_kept_over_a_reload_and_sent_once(
    page: Any, floor: Floor, complaints: list[str]
) -> None:
    with Network(floor.server.port) as network:
        page.set_viewport_size(PHONE)
        floor.open(page, WAITER, "/pos", network.url)
        network.up = False
        network.cut()
        page.wait_for_selector("#conexion[data-modo=sin_conexion]")
        write(page, floor)
        page.click("#entry-send")
        waiting = page.locator("#tables [data-operacion=waiting]")
        expect(waiting).to_contain_text("Se enviará al volver")
        expect(waiting).to_contain_text("Mesa 7")
        network.up = True
        page.reload()
        page.wait_for_selector("#tables [data-visto=saved]")
        assert [order["mesa_numero"] for order in floor.orders()] == [7]
    complaints.clear()


def test_an_order_found_unsent_much_later_asks_whether_it_is_still_wanted(pos: Any, floor: Floor) -> None:
    pos.route("**/api/pedidos", lambda route: route.abort())
    write(pos, floor)
    pos.click("#entry-send")
    pos.locator("#tables [data-operacion=waiting]").wait_for()
    # Nor does it get through when the page is left, which sends what waits.
    pos.evaluate("""
        XMLHttpRequest.prototype.send = function () { return; };
        var key = Object.keys(localStorage).filter(function (k) { return k.indexOf('notif:operacion:') === 0; })[0];
        var kept = JSON.parse(localStorage[key]);
        kept.at -= 20 * 60000;
        kept.deviceAt -= 20 * 60000;
        localStorage[key] = JSON.stringify(kept);
    """)
    page_of_waiter = pos.url
    pos.goto("about:blank")  # or it would be sent before the page is made anew
    pos.unroute("**/api/pedidos")
    pos.goto(page_of_waiter)
    held = pos.locator("#tables [data-operacion=held]")
    expect(held).to_contain_text("Sin enviar")
    expect(held).to_contain_text("hace 20 min")
    assert floor.orders() == []
    held.get_by_role("button", name="Enviar").click()
    pos.wait_for_selector("#tables [data-visto=saved]")
    assert len(floor.orders()) == 1


def test_sold_out_dishes_are_greyed_and_refused(pos: Any, floor: Floor) -> None:
    write(pos, floor)
    dish(pos, floor, "Pupusa revuelta").locator(".step__btn--add").click()
    floor.sold_out("Pupusa revuelta")
    out = pos.locator(f'.is-out[data-producto-id="{floor.products["Pupusa revuelta"]}"]')
    expect(out).to_contain_text("Se acabó")
    assert out.locator(".step__btn--add").count() == 0
    pos.click("#entry-send")
    expect(pos.locator("#entry-error")).to_have_text("Se acabó: Pupusa revuelta. Quítelo del pedido.")
    assert floor.orders() == []
    dish(pos, floor, "Pupusa revuelta").locator(".step__btn--less").click()
    pos.click("#entry-send")
    pos.wait_for_selector("#tables [data-visto=saved]")


def test_what_the_service_refuses_says_why_and_can_be_corrected(pos: Any, floor: Floor) -> None:
    write(pos, floor, quantity=4)
    floor.call("PATCH", f"/api/productos/{floor.products['Pupusa de queso']}", {"stock_actual": 3})
    pos.click("#entry-send")
    refused = pos.locator("#tables [data-operacion=refused]")
    expect(refused).to_contain_text("No se envió")
    expect(refused).to_contain_text(re.compile("agotad|quedan|stock|existencia", re.IGNORECASE))
    pos.get_by_role("button", name="Entendido").click()
    pos.get_by_role("button", name="Corregir").click()
    expect(pos.locator("#entry-table")).to_have_value("7")
    dish(pos, floor, "Pupusa de queso").locator(".step__btn--less").press("Enter")
    pos.click("#entry-send")
    pos.wait_for_selector("#tables [data-visto=saved]")
    assert [order["items"][0]["cantidad"] for order in floor.orders()] == [3]


def test_a_ready_order_is_told_once_and_stays_until_it_is_delivered(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    row(pos, pedido["id"]).wait_for()
    ready_at = floor.act(pedido, "listo")["listo_at"]
    until(pos, lambda: has_flashed(pos))  # no tap yet: the tone's stand-in
    expect(card(pos, pedido["id"])).to_contain_text("2× Pupusa de queso")
    assert pos.evaluate("told") == [["aviso", "Mesa 5, listo", "2× Pupusa de queso", f"pedido-{pedido['id']}"]]
    pos.click("h2 >> nth=0")
    pos.wait_for_selector("#sonido[data-activo=true]", state="attached")
    hold_time(pos, ready_at, seconds=119)
    expect(card(pos, pedido["id"]).locator(".ready__time")).to_contain_text("1:59")
    assert card(pos, pedido["id"]).get_attribute("data-edad") == "normal"
    hold_time(pos, ready_at, seconds=120)
    expect(card(pos, pedido["id"])).to_have_attribute("data-edad", "tarde")
    assert "ready--late" in card(pos, pedido["id"]).get_attribute("class")
    pos.reload()
    pos.evaluate("document.body.click()")
    card(pos, pedido["id"]).get_by_role("button").click()
    expect(card(pos, pedido["id"])).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "servido"
    second = floor.act(floor.place(mesa_numero=6), "listo")
    card(pos, second["id"]).wait_for()
    assert pos.evaluate("told.map(function (t) { return t[0]; })") == ["vibra", "aviso"]


def test_a_served_table_says_since_when_and_whether_it_is_paid(pos: Any, floor: Floor) -> None:
    pedido = floor.act(floor.act(floor.place(), "listo"), "servir")
    at = pos.evaluate("at => posNotif.clock.timeOf(at)", pedido["servido_at"])
    expect(row(pos, pedido["id"])).to_contain_text(f"Servido {at}#{pedido['numero']} · por cobrar")
    paid = floor.act(floor.act(floor.place(mesa_numero=6), "cobrar", metodo_pago="efectivo"), "listo")
    floor.act(paid, "servir")
    expect(row(pos, paid["id"])).to_contain_text(f"#{paid['numero']} · pagado")


def test_of_a_partly_ready_order_only_what_is_ready_is_listed(pos: Any, floor: Floor) -> None:
    pedido = floor.place(dishes={"Pupusa de queso": 3, "Horchata": 1, "Yuca frita": 1})
    pos.evaluate(HOLD)  # what was delivered can be taken back for as long as the test takes
    floor.act(pedido, "item_listo", item_id=pedido["items"][0]["id"])
    items = card(pos, pedido["id"]).locator(".ready__items")
    expect(items).to_have_text("3× Pupusa de quesofaltan 2 platos")
    expect(row(pos, pedido["id"])).to_contain_text(f"#{pedido['numero']} · faltan 2")
    assert pos.evaluate("told[0].slice(0, 2)") == ["aviso", "Mesa 5, listo en parte"]
    card(pos, pedido["id"]).get_by_role("button").click()
    expect(card(pos, pedido["id"])).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "en_cocina"
    pos.locator(".ready--undo").get_by_role("button", name="Deshacer").click()  # this phone alone knows of it
    expect(items).to_have_text("3× Pupusa de quesofaltan 2 platos")
    card(pos, pedido["id"]).get_by_role("button").click()
    expect(card(pos, pedido["id"])).to_have_count(0)
    pos.reload()
    row(pos, pedido["id"]).wait_for()
    assert card(pos, pedido["id"]).count() == 0
    floor.act(pedido, "listo")
    expect(items).to_have_text("1× Horchata1× Yuca frita")


def test_a_recalled_order_leaves_the_ready_ones(pos: Any, floor: Floor) -> None:
    pedido = floor.act(floor.place(), "listo")
    card(pos, pedido["id"]).wait_for()
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    pos.get_by_role("button", name="Devolver", exact=True).click()
    pos.locator(".opt--tick").click()
    pos.get_by_role("button", name="Devolver 2 platos").click()
    expect(pos.get_by_role("alert").filter(has_text="motivo")).to_be_visible()
    pos.get_by_role("radio", name="Llegó frío").click()
    pos.get_by_role("button", name="Devolver 2 platos").click()
    pos.click(".pane--detail .pbar__back")  # it can be taken back until one goes on
    expect(card(pos, pedido["id"])).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "en_cocina"


def test_an_own_order_is_cancelled_with_a_reason(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    row(pos, pedido["id"]).click()
    cancel(pos, "Se fueron")
    pos.get_by_role("button", name="Cancelar el pedido").click()
    until(pos, lambda: floor.order(pedido["id"])["estado"] == "cancelado")
    assert floor.order(pedido["id"])["razon"] == "Se fueron"
    pos.goto(floor.url + "/pos#inicio")
    expect(row(pos, pedido["id"])).to_have_count(0)


def test_a_refusal_says_why(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    row(pos, pedido["id"]).click()
    cancel(pos, "Se fueron")

    def start_cooking(route: Any) -> None:
        floor.act(pedido, "iniciar")
        route.continue_()

    pos.route("**/acciones", start_cooking)
    pos.get_by_role("button", name="Cancelar el pedido").click()
    expect(pos.locator("#toasts")).to_contain_text("Mesa 5: ya no se puede cancelar aquí")


def test_dishes_are_added_to_an_order(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    row(pos, pedido["id"]).click()
    pos.get_by_role("button", name="Agregar", exact=True).click()
    expect(pos.locator("#entry-target")).to_have_text("Agregar a Mesa 5")
    pos.get_by_role("button", name="Bebidas").click()
    dish(pos, floor, "Horchata").locator(".step__btn--add").click()
    pos.click("#entry-send")
    until(pos, lambda: len(floor.order(pedido["id"])["items"]) == 2)
    assert len(floor.orders()) == 1


def detail_line(page: Any, item_id: int) -> Any:
    return page.locator(f'#detail-body [data-item-id="{item_id}"]')


def edit_line(pos: Any, item_id: int) -> None:
    """Opens it once it can be: while something is on its way, as the foot says then, no line is a button."""
    detail_line(pos, item_id).locator("button.oline").click()


def test_lines_of_a_sent_order_are_changed_and_removed(pos: Any, floor: Floor) -> None:
    pedido = floor.act(floor.place(dishes={"Pupusa de queso": 2, "Horchata": 1}), "iniciar")
    first, second = (item["id"] for item in pedido["items"])
    row(pos, pedido["id"]).wait_for()
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    pos.evaluate(HOLD)  # a dish that is taken off can be put back until the sheet is left
    edit_line(pos, first)
    pos.get_by_role("button", name="Uno más").click()
    pos.get_by_role("button", name="Nota para cocina").click()
    pos.fill("#note-other", "sin curtido")
    floor.act(pedido, "item_listo", item_id=second)  # a cook elsewhere in the order stops nobody
    expect(detail_line(pos, second)).to_contain_text("Listo")
    pos.click("#note-accept")
    expect(detail_line(pos, first).locator(".notebtn")).to_contain_text("Sin curtido")
    pos.get_by_role("button", name="Guardar").click()
    until(pos, lambda: floor.order(pedido["id"])["items"][0]["notas"] == "Sin curtido")
    assert floor.order(pedido["id"])["items"][0]["cantidad"] == 3
    expect(detail_line(pos, first)).to_contain_text("3×")
    # A change that this waiter had not seen: nothing is written over it, and it is shown.
    edit_line(pos, first)
    pos.get_by_role("button", name="Uno menos").click()
    floor.act(pedido, "cambiar_cantidad", item_id=first, cantidad=5)
    expect(detail_line(pos, first)).to_contain_text("5×")
    pos.get_by_role("button", name="Guardar").click()
    expect(pos.locator("#toasts")).to_contain_text("Mesa 5: cambió mientras tanto: revise y toque de nuevo")
    assert floor.order(pedido["id"])["items"][0]["cantidad"] == 5
    pos.get_by_role("button", name="Entendido").click()
    floor.act(pedido, "item_pendiente", item_id=second)  # what was made is not taken off here
    expect(detail_line(pos, second)).not_to_contain_text("Listo")
    edit_line(pos, second)
    pos.get_by_role("button", name="Quitar plato").click()
    expect(pos.get_by_role("dialog")).to_contain_text("Quitar 1× Horchata")
    assert len(floor.order(pedido["id"])["items"]) == 2
    pos.get_by_role("button", name="Quitar −$1.50").click()
    expect(detail_line(pos, second).locator(".oline")).to_have_class(re.compile("is-gone"))
    pos.locator(".pane--detail .pbar__back").press("Enter")
    expect(row(pos, pedido["id"])).to_be_visible()  # the pane is shown a moment after the touch
    row(pos, pedido["id"]).press("Enter")
    expect(detail_line(pos, second)).to_have_count(0)
    until(pos, lambda: [item["id"] for item in floor.order(pedido["id"])["items"]] == [first])
    edit_line(pos, first)
    expect(detail_line(pos, first)).to_contain_text("Es el único plato")

    def pay_first(route: Any) -> None:
        floor.act(pedido, "cobrar", CASHIER, metodo_pago="tarjeta")
        route.continue_()

    pos.route("**/acciones", pay_first)
    pos.get_by_role("button", name="Uno menos").click()
    pos.get_by_role("button", name="Guardar").click()
    expect(pos.locator("#toasts")).to_contain_text("Mesa 5: ya está pagado: lo demás va en otro pedido")
    expect(detail_line(pos, first).get_by_role("button")).to_have_count(0)


@pytest.fixture
def whole_browser(browser: Any) -> Any:
    whole = launch(browser.browser_type, WHOLE)
    yield whole
    whole.close()


def test_a_granted_notification_is_shown_by_the_service_worker(whole_browser: Any, floor: Floor) -> None:
    """The shell of Chromium never answers what notifications there are."""
    page = whole_browser.new_page()
    page.add_init_script(ASK_ONCE_SHOWN)
    page.context.grant_permissions(["notifications"], origin=floor.url)
    floor.open(page, WAITER, "/pos")
    expect(page.locator("#allow")).to_be_hidden()
    floor.act(floor.place(), "listo")  # whether or not the worker is there yet
    until(page, lambda: page.evaluate("shown") is not None)
    assert page.evaluate("shown") == [["Mesa 5, listo", "2× Pupusa de queso"]]


def test_a_takeaway_that_is_paid_in_advance_waits_at_the_till(pos: Any, floor: Floor) -> None:
    pos.click("#new")
    pos.click("#entry-llevar")
    dish(pos, floor, "Pupusa de queso").locator(".step__btn--add").click()
    pos.click("#entry-send")
    expect(pos.locator("#entry-error")).to_have_text("Escriba el nombre del cliente.")
    pos.fill("#entry-customer", "Rosa")
    pos.get_by_role("button", name="Enviar a caja").click()
    pos.wait_for_selector("#tables [data-estado=pendiente_pago]")
    (pedido,) = floor.orders()
    assert (pedido["tipo_pago"], pedido["cliente_nombre"]) == ("anticipado", "Rosa")
    expect(row(pos, pedido["id"])).to_contain_text("por cobrar")
    pass_time(pos, seconds=60)
    drawn_anew(pos)
    assert pos.locator("#unseen .strip__row").count() == 0
    floor.act(pedido, "cobrar", CASHIER, metodo_pago="tarjeta")
    expect(row(pos, pedido["id"])).to_have_attribute("data-estado", "pagado")


def test_the_draft_survives_a_reload(pos: Any, floor: Floor) -> None:
    write(pos, floor)
    pos.reload()
    expect(pos.locator("#entry-table")).to_have_value("7")
    expect(pos.locator("#entry-count")).to_have_text("2 platos")


def test_a_waiter_sees_own_orders_only(pos: Any, floor: Floor) -> None:
    floor.server.create_user("Luis", "mesero", "2468")
    other, mine = floor.place("Luis", mesa_numero=1), floor.place(mesa_numero=2)
    row(pos, mine["id"]).wait_for()
    assert row(pos, other["id"]).count() == 0
    floor.act(other, "listo")
    expect(card(pos, other["id"])).to_contain_text("de Luis")


def test_everything_can_be_hit_and_read_on_a_phone(pos: Any, floor: Floor) -> None:
    long = "Pupusa de chicharrón con queso, loroco y otras " + "muchas" * 5
    floor.products[long] = floor._add(long, "Pupusas", 12.5)["id"]
    floor.sold_out("Pupusa revuelta")
    pedido = floor.act(floor.place(dishes={long: 12}, notas=long), "listo")
    floor.place(tipo="llevar", tipo_pago="al_final", cliente_nombre=long)
    card(pos, pedido["id"]).wait_for()
    pass_time(pos, seconds=130)
    pos.locator(".ready--late").wait_for()
    pos.locator("#unseen .strip").click()
    assert unusable(pos) == []
    write(pos, floor)
    dish(pos, floor, long).locator(".step__btn--add").click()
    dish(pos, floor, long).locator(".menu__what").click()
    assert unusable(pos) == []
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    edit_line(pos, pedido["items"][0]["id"])
    assert unusable(pos) == []
    pos.get_by_role("button", name="Devolver", exact=True).click()
    assert unusable(pos) == []
    pos.set_viewport_size({"width": 1024, "height": 600})
    assert unusable(pos) == []


def test_what_is_ready_is_told_once_for_each_time_that_it_gets_ready(pos: Any, floor: Floor) -> None:
    pedido = floor.place(dishes={"Pupusa de queso": 2, "Horchata": 1})
    first = pedido["items"][0]["id"]
    row(pos, pedido["id"]).wait_for()

    def told() -> list[str]:
        return pos.evaluate("told.map(function (t) { return t[2]; })")

    floor.act(pedido, "iniciar")
    floor.act(pedido, "item_listo", COOK, item_id=first)
    floor.act(pedido, "listo")
    one, both = "2× Pupusa de queso", "2× Pupusa de queso, 1× Horchata"
    until(pos, lambda: told() == [one, both])
    # Taken back while one of its dishes waits to be carried, and made again.
    floor.act(pedido, "deshacer", deshace="listo")
    expect(card(pos, pedido["id"])).not_to_contain_text("Horchata")
    floor.act(pedido, "listo")
    until(pos, lambda: told() == [one, both, both])
    # Nobody has carried it yet, and its guests order again: nothing is new to carry.
    floor.act(pedido, "agregar_item", items=[{"producto_id": floor.products["Yuca frita"], "cantidad": 1}])
    expect(row(pos, pedido["id"])).to_have_attribute("data-visto", "saved")
    other = floor.act(floor.place(mesa_numero=6), "listo")
    card(pos, other["id"]).wait_for()
    assert told() == [one, both, both, one]


def test_a_managers_cancellation_that_the_kitchen_has_not_seen_is_an_alarm_here(pos: Any, floor: Floor) -> None:
    pedido = floor.place()
    floor.acknowledge(pedido)
    expect(row(pos, pedido["id"])).to_have_attribute("data-visto", "yes")
    floor.act(pedido, "iniciar")
    floor.act(pedido, "cancelar", MANAGER, razon="Se fueron")
    expect(pos.locator("#toasts")).to_contain_text("Se fueron")
    pass_time(pos, seconds=30)
    expect(pos.locator("#unseen .strip__text")).to_have_text("Mesa 5: cancelación sin ver")
    floor.acknowledge(pedido)
    expect(pos.locator("#unseen .strip")).to_be_hidden()
