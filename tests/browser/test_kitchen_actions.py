"""What a cook does on the kitchen page: taps and keys, on one tablet and on two, with and without a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import real_time, slow_time
from tests.browser.tickets import answered, change, ids, item, order, ticket, until

pytestmark = pytest.mark.browser

# Contrast of every text that is seen, against the nearest ground that is painted.
CONTRAST = """
() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let n = node; n; n = n.parentElement) {
      for (const part of [null, '::before']) {
        const c = parse(getComputedStyle(n, part).backgroundColor);
        if (c.length === 3 || c[3] === 1) { return c; }
      }
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), node = walker.currentNode.parentElement;
    if (!text || !node.getClientRects().length || node.closest('noscript')) { continue; }
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 7) { poor.push(text + ' ' + ratio.toFixed(1)); }
  }
  return poor;
}
"""

# For each node of a scope, the boxes of the buttons that are seen in it: all of one moment.
BUTTONS = """
(scope) => [...document.querySelectorAll(scope)].map(part =>
  [...part.querySelectorAll('button')].map(button => {
    const {x, y, width, height} = button.getBoundingClientRect();
    return {x, y, width, height, text: button.innerText, seen: getComputedStyle(button).visibility !== 'hidden'};
  }).filter(box => box.width && box.height && box.seen))
"""


def state(restaurant: Any, order_id: int) -> dict[str, Any]:
    return restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]


def events(restaurant: Any, order_id: int, kind: str) -> list[dict[str, Any]]:
    history = restaurant.server.request("GET", f"/api/pedidos/{order_id}")[2]["eventos"]
    return [event for event in history if event["tipo"] == kind]


def ready_events(restaurant: Any, order_id: int) -> int:
    return len([event for event in events(restaurant, order_id, "cambio_estado") if event["estado"] == "listo"])


def line(page: Any, order_id: int, item_id: int) -> Any:
    return ticket(page, order_id).locator(f'[data-item-id="{item_id}"]')


def press(page: Any, order_id: int, name: str) -> None:
    ticket(page, order_id).get_by_role("button", name=name).click()


def shows(page: Any, order_id: int, estado: str) -> None:
    page.wait_for_selector(f'[data-pedido-id="{order_id}"][data-estado={estado}]')


def takes_taps(page: Any, order_id: int) -> None:
    """The ticket's button is not another one that it was a moment ago."""
    expect(ticket(page, order_id).locator(".ticket__do")).to_be_enabled()


class Held:
    """The page's actions, kept back until they are released."""

    def __init__(self, page: Any) -> None:
        self.routes: list[Any] = []
        self.released = False
        page.route("**/acciones", self._on_route)

    def _on_route(self, route: Any) -> None:
        if self.released:
            route.continue_()
        else:
            self.routes.append(route)

    def release(self) -> None:
        self.released = True
        for route in self.routes:
            route.continue_()


@pytest.fixture
def tablet(browser: Any, restaurant: Any, complaints: list[str]) -> Iterator[Any]:
    """A second one."""
    context = browser.new_context(viewport={"width": 1024, "height": 600})
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    yield page
    context.close()


def test_from_start_to_recall_on_two_tablets(kitchen: Any, tablet: Any, restaurant: Any) -> None:
    slow_time(kitchen, tablet)
    restaurant.publish(order(1, item(10, "Pupusa de queso", 2), item(11, "Atol")), order(2))
    press(kitchen, 1, "INICIAR")
    for page in (kitchen, tablet):
        shows(page, 1, "en_cocina")
    expect(kitchen.locator("#undo")).to_contain_text("Mesa 5 en cocina")
    expect(tablet.locator("#undo")).to_be_hidden()  # it was not begun there
    kitchen.locator("#undo").get_by_role("button").click()
    for page in (kitchen, tablet):
        shows(page, 1, "en_mesa")
    press(kitchen, 1, "INICIAR")
    expect(kitchen.locator("#undo")).to_be_visible()
    line(tablet, 1, 10).click()
    expect(kitchen.locator("#undo")).to_be_hidden()  # something of it is done
    for page in (kitchen, tablet):
        expect(line(page, 1, 10)).to_have_class("line is-done")
        expect(line(page, 1, 10)).to_have_attribute("aria-pressed", "true")
    line(kitchen, 1, 10).click()
    expect(line(tablet, 1, 10)).to_have_attribute("aria-pressed", "false")
    answered(kitchen)
    line(kitchen, 1, 10).click()
    expect(line(tablet, 1, 10)).to_have_attribute("aria-pressed", "true")
    line(tablet, 1, 11).click()  # the last one
    for page in (kitchen, tablet):
        shows(page, 1, "listo")
    press(kitchen, 1, "Deshacer")
    for page in (kitchen, tablet):
        shows(page, 1, "en_cocina")
        expect(line(page, 1, 10)).to_have_attribute("aria-pressed", "true")
        expect(line(page, 1, 11)).to_have_attribute("aria-pressed", "false")
    press(tablet, 1, "LISTO")
    for page in (kitchen, tablet):
        shows(page, 1, "listo")
    real_time(kitchen, tablet)
    for page in (kitchen, tablet):
        ticket(page, 1).wait_for(state="detached")
    assert state(restaurant, 1)["estado"] == "listo"
    restaurant.publish(order(3))
    kitchen.click("#recall")
    expect(kitchen.locator('[data-listo-id="1"] li')).to_have_text(["2× Pupusa de queso", "1× Atol"])
    kitchen.locator('[data-listo-id="1"]').get_by_role("button", name="Recuperar").click()
    kitchen.locator("#side").get_by_text("Ningún pedido listo").wait_for()
    for page in (kitchen, tablet):
        page.wait_for_selector('[data-pedido-id="1"].ticket--recalled')
        assert page.locator("[data-pedido-id]").first.get_attribute("data-pedido-id") == "1"
    tablet.reload()
    tablet.wait_for_selector('[data-pedido-id="1"].ticket--recalled')
    assert "RECUPERADO" in ticket(tablet, 1).inner_text()
    assert tablet.locator("[data-pedido-id]").first.get_attribute("data-pedido-id") == "1"


def test_two_tablets_make_it_ready_at_once(kitchen: Any, tablet: Any, restaurant: Any) -> None:
    slow_time(kitchen, tablet)
    restaurant.publish(order(1), order(2), change(1, "en_cocina"))
    for page in (kitchen, tablet):
        shows(page, 1, "en_cocina")
    answers: list[int] = []
    tablet.on("response", lambda answer: answer.url.endswith("/acciones") and answers.append(answer.status))
    held = Held(tablet)
    press(tablet, 1, "LISTO")
    until(tablet, lambda: len(held.routes) == 1)
    press(kitchen, 1, "LISTO")
    shows(kitchen, 1, "listo")
    held.release()
    until(tablet, lambda: answers == [409])
    for page in (kitchen, tablet):
        shows(page, 1, "listo")
        assert page.locator(".ticket__said").count() == 0
        said = page.locator("#say")  # where a browser cannot keep its screen on, it says that alone
        assert not said.is_visible() or "puede apagarse" in said.inner_text()
    real_time(kitchen, tablet)
    for page in (kitchen, tablet):
        ticket(page, 1).wait_for(state="detached")
    assert ready_events(restaurant, 1) == 1


def test_a_change_that_the_cook_has_not_seen_is_not_made_ready(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1, item(10, "Pupusa", 2)), order(2), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    held = Held(kitchen)
    press(kitchen, 1, "LISTO")
    until(kitchen, lambda: len(held.routes) == 1)
    quantity = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 5}
    restaurant.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 10, "cambios": quantity})
    held.release()
    ticket(kitchen, 1).get_by_text("El pedido cambió: revíselo.").wait_for()
    assert ticket(kitchen, 1).locator(".line__new").inner_text() == "5"
    assert state(restaurant, 1)["estado"] == "en_cocina"
    press(kitchen, 1, "LISTO")
    shows(kitchen, 1, "listo")


def test_what_is_no_change_for_the_cook_does_not_stop_him(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1, item(10, "Pupusa"), item(11, "Atol")), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    held = Held(kitchen)
    press(kitchen, 1, "LISTO")
    until(kitchen, lambda: len(held.routes) == 1)
    restaurant.publish(change(1, "en_cocina", metodo_pago="efectivo"))
    held.release()
    shows(kitchen, 1, "listo")
    assert state(restaurant, 1)["estado"] == "listo"


def test_a_double_tap_acts_once(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    kitchen.clock.install()
    bodies: list[Any] = []
    kitchen.on(
        "request", lambda request: request.url.endswith("/acciones") and bodies.append(request.post_data_json["accion"])
    )
    restaurant.publish(order(1, item(10, "Pupusa"), item(11, "Atol")))
    ticket(kitchen, 1).get_by_role("button", name="INICIAR").dblclick()
    shows(kitchen, 1, "en_cocina")
    takes_taps(kitchen, 1)
    kitchen.evaluate("globalThis.__pwClock.controller.pauseAt(Date.now() + 1000)")
    ticket(kitchen, 1).get_by_role("button", name="LISTO").click()

    def is_ready() -> bool:
        kitchen.clock.run_for(20)  # by which it is drawn, and no more
        return ticket(kitchen, 1).get_attribute("data-estado") == "listo"

    until(kitchen, is_ready)
    spot = ticket(kitchen, 1).locator(".ticket__do").bounding_box()
    kitchen.mouse.dblclick(spot["x"] + 40, spot["y"] + 30)  # too early for a button that was another
    kitchen.clock.run_for(300)
    assert bodies == ["iniciar", "listo"]
    kitchen.clock.resume()
    restaurant.publish(order(2, item(20, "Pupusa"), item(21, "Atol")))
    line(kitchen, 2, 20).wait_for()
    kitchen.evaluate("() => { const n = document.querySelector('[data-item-id=\"20\"]'); n.click(); n.click(); }")
    until(kitchen, lambda: state(restaurant, 2)["estado"] == "en_cocina")
    expect(line(kitchen, 2, 20)).to_have_attribute("aria-pressed", "true")
    assert bodies == ["iniciar", "listo", "item_listo"]


def test_a_line_that_is_tapped_while_the_order_is_being_begun_is_ready_after_it(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1, item(10, "Pupusa"), item(11, "Atol")))
    held = Held(kitchen)
    press(kitchen, 1, "INICIAR")
    line(kitchen, 1, 10).click()
    expect(line(kitchen, 1, 10)).to_have_attribute("aria-pressed", "true")
    held.release()
    until(kitchen, lambda: state(restaurant, 1)["items"][0]["estado_item"] == "listo")
    assert state(restaurant, 1)["estado"] == "en_cocina"
    assert state(restaurant, 1)["items"][1]["estado_item"] == "pendiente"


def test_no_line_takes_a_tap_while_the_whole_order_is_being_made_ready(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1, item(10, "Pupusa"), item(11, "Atol")), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    held = Held(kitchen)
    press(kitchen, 1, "LISTO")
    expect(line(kitchen, 1, 10)).to_be_disabled()
    held.release()
    shows(kitchen, 1, "listo")


@pytest.mark.faults
def test_a_tap_without_the_service_is_kept_and_applied_once(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), order(2, item(20, "Pupusa"), item(21, "Atol")), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    restaurant.server.stop()
    press(kitchen, 1, "LISTO")
    line(kitchen, 2, 20).click()
    for waiting in (ticket(kitchen, 1).locator(".ticket__do"), line(kitchen, 2, 20)):
        expect(waiting).to_contain_text("Se enviará al volver")
        expect(waiting).to_be_disabled()
    restaurant.server.start()
    until(kitchen, lambda: state(restaurant, 1)["estado"] == "listo")
    until(kitchen, lambda: state(restaurant, 2)["items"][0]["estado_item"] == "listo")
    kitchen.wait_for_selector("#conexion[data-modo=sse]")
    ticket(kitchen, 1).wait_for(state="detached")
    expect(line(kitchen, 2, 20)).to_have_class("line is-done")
    assert ready_events(restaurant, 1) == 1
    assert len(events(restaurant, 2, "item_modificado")) == 1


def test_an_answer_that_was_lost_is_asked_for_again(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    bodies: list[Any] = []

    def lose(route: Any) -> None:
        bodies.append(route.request.post_data_json)
        if len(bodies) == 1:
            route.fetch()  # it arrives, and nobody hears the answer
            route.abort()
        elif len(bodies) == 2:
            route.fulfill(status=503, content_type="application/json", body='{"error": {}}')
        else:
            route.continue_()

    kitchen.route("**/acciones", lose)
    press(kitchen, 1, "LISTO")
    until(kitchen, lambda: len(bodies) == 3)
    ticket(kitchen, 1).wait_for(state="detached")
    assert bodies[0] == bodies[1] == bodies[2]
    assert ready_events(restaurant, 1) == 1


def test_taps_survive_a_reload_and_go_in_their_order(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1, item(10, "Pupusa"), item(11, "Atol")), change(1, "en_cocina"), order(2))
    shows(kitchen, 1, "en_cocina")
    bodies: list[Any] = []
    kitchen.on("request", lambda request: request.url.endswith("/acciones") and bodies.append(request.post_data_json))
    kitchen.route("**/acciones", lambda route: route.abort())
    line(kitchen, 1, 10).click()
    line(kitchen, 1, 11).click()
    expect(line(kitchen, 1, 11)).to_contain_text("Se enviará al volver")
    kitchen.reload()
    for item_id in (10, 11):
        expect(line(kitchen, 1, item_id)).to_contain_text("Se enviará al volver")
    # A cook elsewhere, and what is no change for this one, make neither of the two stale.
    restaurant.publish(change(1, "en_cocina", metodo_pago="efectivo"))
    assert {body["item_id"] for body in bodies} == {10}  # the second waits for the first
    kitchen.unroute("**/acciones")
    until(kitchen, lambda: state(restaurant, 1)["estado"] == "listo")
    until(kitchen, lambda: list(dict.fromkeys(body["item_id"] for body in bodies)) == [10, 11])
    assert len(events(restaurant, 1, "item_modificado")) == 2
    assert ready_events(restaurant, 1) == 1
    answered(kitchen)


def test_many_lost_tries_make_no_tap_stale(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(order(1), order(2), change(1, "en_cocina"))
    shows(kitchen, 1, "en_cocina")
    kitchen.evaluate("() => { const later = window.setTimeout; window.setTimeout = (f, ms) => later(f, ms / 20); }")
    tries: list[Any] = []
    kitchen.route(
        "**/acciones", lambda route: (tries.append(route), route.abort() if paid == [] else route.continue_())
    )
    paid: list[bool] = []
    press(kitchen, 1, "LISTO")
    until(kitchen, lambda: len(tries) > 6)
    restaurant.publish(change(1, "en_cocina", metodo_pago="efectivo"))
    paid.append(True)
    until(kitchen, lambda: state(restaurant, 1)["estado"] == "listo")


def test_a_ready_order_that_was_served_is_not_recalled(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1), order(2), change(1, "listo"))
    shows(kitchen, 1, "listo")
    held = Held(kitchen)
    press(kitchen, 1, "Deshacer")
    until(kitchen, lambda: len(held.routes) == 1)
    restaurant.publish(change(1, "servido"))
    held.release()
    kitchen.get_by_text("Mesa 5: Ya se entregó.").wait_for()
    ticket(kitchen, 1).wait_for(state="detached")


def test_the_keyboard(kitchen: Any, restaurant: Any) -> None:
    slow_time(kitchen)
    restaurant.publish(order(1), order(2), order(3), {"tipo": "pedido_cancelado", "pedido_id": 2})
    shows(kitchen, 2, "cancelado")
    keys = kitchen.keyboard
    keys.press("1")
    kitchen.wait_for_selector('[data-pedido-id="1"].is-selected')
    assert state(restaurant, 1)["estado"] == "en_mesa"
    keys.press("Enter")
    shows(kitchen, 1, "en_cocina")
    expect(kitchen.locator("#undo")).to_be_visible()
    keys.press("u")
    shows(kitchen, 1, "en_mesa")
    takes_taps(kitchen, 1)
    keys.press("1")
    keys.press("1")
    shows(kitchen, 1, "en_cocina")
    takes_taps(kitchen, 1)
    keys.press("1")
    keys.press("1")
    shows(kitchen, 1, "listo")
    keys.press("u")
    shows(kitchen, 1, "en_cocina")
    keys.press("2")
    keys.press("Enter")  # ENTENDIDO
    ticket(kitchen, 2).wait_for(state="detached")
    takes_taps(kitchen, 1)
    keys.press("1")
    keys.press("Enter")
    shows(kitchen, 1, "listo")
    keys.press("r")
    kitchen.wait_for_selector('[data-listo-id="1"]')
    keys.press("1")
    keys.press("Enter")
    kitchen.wait_for_selector('[data-pedido-id="1"].ticket--recalled')
    keys.press("a")
    expect(kitchen.locator(".side__title")).to_have_text("POR HACER")
    keys.press("Escape")
    expect(kitchen.locator("#side")).to_be_hidden()
    keys.press("m")
    expect(kitchen.locator("#sonido")).to_contain_text("Silencio")
    keys.press("m")
    expect(kitchen.locator("#sonido")).not_to_contain_text("Silencio")


def test_a_new_ticket_rings_again_until_it_is_touched(kitchen: Any, restaurant: Any) -> None:
    kitchen.evaluate(
        "() => { window.rings = 0; const ring = posNotif.Sound.prototype.newOrder;"
        "  posNotif.Sound.prototype.newOrder = function () { window.rings++; ring.call(this); };"
        "  const now = posNotif.clock.now; window.later = 0;"
        "  posNotif.clock.now = function () { return now() + window.later; }; }"
    )
    restaurant.publish(order(1))
    until(kitchen, lambda: kitchen.evaluate("rings") == 1)
    kitchen.wait_for_timeout(1200)
    for rings in (2, 3):
        kitchen.evaluate("later += 20000")
        until(kitchen, lambda rings=rings: kitchen.evaluate("rings") == rings)
    ticket(kitchen, 1).locator(".ticket__head").click()
    kitchen.evaluate("later += 60000")
    kitchen.wait_for_timeout(1500)
    assert kitchen.evaluate("rings") == 3


def test_all_day_sums_what_is_pending_and_marks_what_is_sold_out(kitchen: Any, restaurant: Any) -> None:
    for name in ("Pupusa de loroco", "Horchata"):
        body = {"nombre": name, "precio": 1.5}
        assert restaurant.server.request("POST", "/api/productos", body)[0] == 201
    menu = {dish["nombre"]: dish["id"] for dish in restaurant.server.request("GET", "/api/productos")[2]["productos"]}
    loroco = {"producto_id": menu["Pupusa de loroco"]}
    restaurant.publish(
        order(1, item(10, "Pupusa de loroco", 2) | loroco, item(11, "Atol", 1)),
        order(2, item(20, "Pupusa de loroco", 3) | loroco, item(21, "Atol", 4, estado_item="listo")),
        order(3, item(30, "Atol", 7)),
        change(3, "listo"),
        order(4, item(40, "Atol", 9)),
        {"tipo": "pedido_cancelado", "pedido_id": 4},
    )
    expect(kitchen.locator(".allday__item")).to_have_text(["5Pupusa de loroco", "1Atol"])
    kitchen.click("#allday")
    dish = kitchen.locator(f'[data-producto-id="{menu["Pupusa de loroco"]}"]')
    expect(dish).to_contain_text("5")
    expect(kitchen.locator(".side__row")).to_have_count(3)  # what is pending, then the rest of the menu
    dish.get_by_role("button", name="Se acabó").click()
    kitchen.get_by_text("Se acabó Pupusa de loroco").wait_for()
    dish.get_by_role("button", name="Ya hay").click()
    kitchen.get_by_text("Ya hay Pupusa de loroco").wait_for()
    line(kitchen, 1, 10).click()
    expect(kitchen.locator(".allday__item")).to_have_text(["3Pupusa de loroco", "1Atol"])
    kitchen.locator(".side__close").click()
    expect(kitchen.locator("#side")).to_be_hidden()


@pytest.mark.parametrize("size", [(1024, 600), (1280, 800), (1920, 1080)])
def test_everything_can_be_hit_and_read(page: Any, restaurant: Any, size: tuple[int, int]) -> None:
    compact = size[1] < 700  # A-: targets of one ticket may touch each other
    page.set_viewport_size({"width": size[0], "height": size[1]})
    long = "Pupusa de chicharrón con queso, loroco y ayote"
    lines = [item(n, long, 12, "sin curtido, alergia al maní") for n in range(20, 24)]
    restaurant.server.request("POST", "/api/productos", {"nombre": long, "precio": 1.5})
    restaurant.publish(
        *(order(n, *({**one, "id": n * 100 + one["id"]} for one in lines), mesero=long) for n in range(1, 8)),
        change(1, "en_cocina"),
        change(2, "en_cocina"),
        change(2, "listo"),
        change(3, "listo"),
        change(3, "en_cocina", recuperado=True, razon="Venían frías"),
        {"tipo": "pedido_cancelado", "pedido_id": 4, "razon": "Se fueron"},
        {"tipo": "alerta_stock", "producto_id": 7, "nombre": "Ayote", "stock_actual": 0},
        *({"tipo": "item_modificado", "pedido_id": 1, "item_id": 120, "cambios": {"tipo_cambio": "item_listo"}},),
    )
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    shows(page, 4, "cancelado")
    for panel in ("", "r", "a"):
        if panel:
            page.keyboard.press(panel)
            page.wait_for_selector(".side__row")
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate(CONTRAST) == []
        boxes = [box for part in page.evaluate(BUTTONS, "body") for box in part]
        assert len(boxes) > 20
        for box in boxes:
            assert min(box["width"], box["height"]) >= 64, box
        for scope in (".ticket", ".kbar", ".side"):
            for part in page.evaluate(BUTTONS, scope):
                assert apart(part, 0 if compact and scope == ".ticket" else 12)
    sizes = page.evaluate(
        "() => ['.line__name', '.line__qty', '.ticket__label'].map(s =>"
        "  Math.min(...[...document.querySelectorAll(s)].map(n => parseFloat(getComputedStyle(n).fontSize))))"
    )
    assert min(sizes[:2]) >= 22
    assert sizes[2] >= (27 if compact else 32)


def apart(boxes: list[dict[str, float]], gap: float) -> bool:
    """At least so many px between any two, in one direction or the other."""
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            across = max(b["x"] - a["x"] - a["width"], a["x"] - b["x"] - b["width"])
            down = max(b["y"] - a["y"] - a["height"], a["y"] - b["y"] - b["height"])
            if max(across, down) < gap - 0.1:
                return False
    return True


def test_a_board_of_forty_tickets_is_all_there(kitchen: Any, restaurant: Any) -> None:
    restaurant.publish(*(order(number) for number in range(1, 41)))
    ticket(kitchen, 40).wait_for()
    assert ids(kitchen) == list(range(1, 41))
    assert sorted(kitchen.locator(".ticket__key").all_inner_texts()) == [str(key) for key in range(1, 10)]
