"""The one order sheet: what it tells, and what each role may do on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor, hold_time, pass_time, unusable
from tests.browser.test_settle import HOLD
from tests.browser.tickets import item, order, ticket, until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 640}


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


def past(page: Any) -> list[str]:
    """What has happened, as the sheet tells it, without the times."""
    return page.locator(".tl .tl__what").all_inner_texts()


def actions(page: Any) -> list[str]:
    return page.locator(".osheet .act").all_inner_texts()


def cancel(page: Any, reason: str) -> None:
    page.get_by_role("button", name="Cancelar", exact=True).click()
    page.get_by_role("radio", name=reason).click()
    page.get_by_role("button", name="Cancelar el pedido").click()


def test_a_manager_opens_any_order_from_the_board_and_cancels_what_is_being_cooked(
    page: Any, people: Any, floor: Floor
) -> None:
    page.set_viewport_size(DESK)
    pedido = floor.place(mesa_numero=7, dishes={"Pupusa de queso": 2, "Yuca frita": 1}, notas="alergia: maní")
    floor.acknowledge(pedido)
    floor.act(pedido, "cambiar_mesa", WAITER, mesa_numero=9)
    begun_at = floor.act(pedido, "iniciar", COOK)["cocina_at"]
    floor.act(pedido, "item_listo", COOK, item_id=2)
    office = floor.open(page, MANAGER, "/manager")
    hold_time(office, begun_at, seconds=30)
    office.locator(f'.lane__row[data-pedido-id="{pedido["id"]}"]').click()
    expect(office.locator(".osheet__label")).to_have_text("Mesa 9")
    expect(office.locator(".osheet__meta")).to_contain_text(f"{WAITER} · 1 de 3 platos listos")
    expect(office.locator(".osheet__notes .line__note--allergy")).to_have_text("ALERGIA: maní")
    until(office, lambda: len(past(office)) == 8)
    assert past(office) == [
        f"Enviado · {WAITER}", f"Visto por cocina · {COOK}", f"Mesa 7 → 9 · {WAITER}", f"Empezado · {COOK}",
        f"Listo, Yuca frita · {COOK}", "Listo", "Entregado", "Cobrado",
    ]  # fmt: skip
    expect(office.locator(".tl .is-next")).to_have_text(["Listo", "Entregado", "Cobrado"])
    # Each at its own time, here a minute after the other.
    events = [
        {**event, "timestamp": f"2026-11-24T19:{minute:02}:00.000-06:00"}
        for minute, event in enumerate(floor.events(pedido["id"]))
    ]
    times = office.evaluate("events => posNotif.timeline.rows(events[0].pedido, events).map(row => row.at)", events)
    assert times[:5] == [event["timestamp"] for event in events[:5]]
    expect(office.locator('[data-item-id="2"] .oline__state')).to_contain_text("Listo ")
    expect(office.locator('[data-item-id="1"] .oline__state')).to_have_text("En cocina, 0 min")
    assert actions(office) == ["Agregar", "Otra mesa", "Tomar", "Cancelar"]
    assert unusable(office, smallest=40) == []
    kitchen = floor.open(people(*DESK.values()), COOK, "/cocina")
    hold_time(office, begun_at, seconds=16 * 60)
    expect(office.locator(".osheet__head [data-edad=tarde] .age")).to_contain_text("tarde")
    expect(office.locator('[data-item-id="1"] .oline__state')).to_have_text("En cocina, 16 min")
    # Nothing is done without a reason; the drawer leaves by Escape, the panel by the next.
    office.get_by_role("button", name="Cancelar", exact=True).click()
    office.get_by_role("button", name="Cancelar el pedido").click()
    expect(office.get_by_role("alert").filter(has_text="Elija o escriba un motivo.")).to_be_visible()
    expect(office.get_by_role("dialog")).to_contain_text("Ya hay 1 plato hecho: queda en el registro con su nombre")
    office.keyboard.press("Escape")
    expect(office.get_by_role("dialog")).to_have_count(0)
    office.evaluate(HOLD)  # what is cancelled can be taken back for as long as the test takes
    cancel(office, "El cliente se fue")
    expect(office.locator('.osheet[data-estado="cancelado"] .undobar')).to_contain_text("Cancelado: El cliente se fue")
    expect(ticket(kitchen, pedido["id"]).locator(".ticket__band")).to_have_text("CANCELADO")
    office.get_by_role("button", name="Deshacer").click()
    expect(office.locator('.osheet[data-estado="en_cocina"]')).to_be_visible()
    expect(ticket(kitchen, pedido["id"])).to_have_attribute("data-estado", "en_cocina")
    until(office, lambda: f"Deshecho: la cancelación · {MANAGER}" in past(office))
    assert f"Cancelado, El cliente se fue · {MANAGER}" in past(office)
    office.keyboard.press("Escape")
    expect(office.locator(".spanel")).to_be_hidden()


def test_a_manager_cancels_a_paid_takeaway_and_goes_from_one_order_to_the_next(page: Any, floor: Floor) -> None:
    page.set_viewport_size(DESK)
    away = floor.act(floor.place(tipo="llevar", cliente_nombre="Rosa"), "cobrar", CASHIER, metodo_pago="tarjeta")
    floor.act(away, "iniciar", COOK)
    served = floor.served(mesa_numero=8)
    office = floor.open(page, MANAGER, f"/manager#pedido-{away['id']}")
    expect(office.locator(".osheet__label")).to_have_text("Llevar · Rosa")
    until(office, lambda: f"Cobrado, tarjeta · {CASHIER}" in past(office))
    assert actions(office) == ["Tomar", "Cancelar"]  # paid: nothing is added; packed: no table
    expect(office.locator(".olist tbody tr")).to_have_count(2)
    for around, inside in ((".olist tbody tr", ".olist tbody .age"), (".osheet__top", ".osheet__top .age")):
        outer, age = (office.locator(part).first.bounding_box() for part in (around, inside))
        assert outer["y"] <= age["y"] < age["y"] + age["height"] <= outer["y"] + outer["height"]
    office.get_by_role("button", name="Por cobrar 1").click()
    expect(office.locator(".olist tbody tr")).to_have_count(1)
    office.get_by_role("button", name="Mesa 8").click()
    expect(office.locator(".osheet__label")).to_have_text("Mesa 8")
    assert actions(office) == ["Agregar", "Otra mesa", "Tomar", "Devolver", "Cancelar"]
    office.go_back()
    expect(office.locator(".osheet__label")).to_have_text("Llevar · Rosa")
    office.evaluate(HOLD)
    cancel(office, "Pedido repetido")
    expect(office.locator(".undobar")).to_contain_text("Pedido repetido")
    assert floor.order(away["id"])["estado"] == "cancelado"
    # What is over is still shown by its link; an order that never was is said to be none.
    office.goto(f"{floor.url}/manager#pedido-{away['id']}")
    office.reload()
    expect(office.locator(".osheet__meta")).to_contain_text("Cancelado")
    assert actions(office) == []
    office.goto(f"{floor.url}/manager#pedido-12345")
    expect(office.locator(".osheet__none")).to_have_text("Ese pedido no existe.")
    # "Agregar" leads to the order entry.
    office.goto(f"{floor.url}/manager#pedido-{served['id']}")
    office.get_by_role("button", name="Agregar", exact=True).click()
    expect(office.locator("#entry-target")).to_have_text("Agregar a Mesa 8")


def test_a_manager_changes_a_quantity_by_finger(page: Any, floor: Floor) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    pedido = floor.place(mesa_numero=3)
    office = floor.open(page, MANAGER, "/manager")
    office.goto(f"{floor.url}/manager#pedido-{pedido['id']}")
    office.locator(".olines [data-item-id='1']").click()
    buttons = office.locator(".ledit .step__btn")
    expect(buttons).to_have_count(2)
    assert buttons.evaluate_all("all => all.map(b => [b.offsetWidth, b.offsetHeight])") == [[48, 48]] * 2


def test_a_colleagues_order_is_shown_also_when_it_is_over(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    floor.server.create_user("Luis", "mesero", "2468")
    pedido = floor.served(who="Luis", mesa_numero=4)
    closed = floor.act(pedido, "cobrar", CASHIER, metodo_pago="efectivo")
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(f"{floor.url}/pos#pedido-{closed['id']}")
    expect(pos.locator(".osheet__meta")).to_contain_text("Cerrado · Luis")
    until(pos, lambda: past(pos)[-1:] == [f"Cobrado, efectivo · {CASHIER}"])
    assert actions(pos) == []
    other = floor.place("Luis", mesa_numero=5)
    pos.goto(f"{floor.url}/pos#pedido-{other['id']}")
    expect(pos.locator(".osheet__label")).to_have_text("Mesa 5")
    assert actions(pos) == ["Otra mesa", "Tomar", "Cancelar"]
    assert unusable(pos) == []
    # It lives: what others do is seen at once.
    floor.act(other, "iniciar", COOK)
    expect(pos.locator('.osheet[data-estado="en_cocina"]')).to_be_visible()
    assert actions(pos) == ["Otra mesa", "Tomar"]


def test_what_a_dish_is_made_of_stands_on_the_kitchens_plates(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    combo = item(
        11, "Combo familiar", notas="sin cebolla, para compartir",
        componentes=[{"producto_nombre": "Pupusa", "cantidad": 4, "notas": "sin curtido"}, "Carne"],
        modificadores=["extra queso", "sin chimol"],
    )  # fmt: skip
    floor.server.publish({"eventos": [order(7, combo)]})
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(floor.url + "/pos#pedido-7")
    line = pos.locator('.olines [data-item-id="11"]')
    expect(line.locator(".parts-line")).to_have_text(["4 Pupusa", "Carne", "extra queso"])
    expect(line.locator(".line__note--sin")).to_have_text(["SIN cebolla", "SIN curtido", "SIN chimol"])
    expect(line.locator(".line__note:not(.line__note--sin)")).to_have_text(["para compartir"])
    assert unusable(pos) == []


def test_what_goes_back_or_off_waits_for_deshacer_and_leaves_with_the_page(page: Any, floor: Floor) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.served(mesa_numero=6, dishes={"Yuca frita": 1, "Horchata": 2})
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")

    pos.evaluate(HOLD)  # it waits for Deshacer until the sheet is left

    def send_back() -> None:
        pos.get_by_role("button", name="Devolver", exact=True).click()
        pos.locator('.opt--tick[data-item-id="1"]').click()
        pos.get_by_role("radio", name="Está mal hecho").click()
        pos.get_by_role("button", name="Devolver 1 plato").click()

    send_back()
    expect(pos.locator(".undobar")).to_contain_text("Devuelto: 1 Yuca frita, Está mal hecho")
    pos.get_by_role("button", name="Deshacer").click()
    expect(pos.get_by_role("button", name="Devolver", exact=True)).to_be_visible()
    assert [event for event in floor.events(pedido["id"]) if event.get("recuperado")] == []
    # Who goes on means it, also by closing the page.
    send_back()
    pos.goto("about:blank")
    until(pos, lambda: floor.order(pedido["id"])["estado"] == "en_cocina")
    assert [event["razon"] for event in floor.events(pedido["id"]) if event.get("recuperado")] == ["Está mal hecho"]


def test_what_has_left_with_the_page_is_not_taken_back_when_it_comes_again_and_that_is_said(
    page: Any, floor: Floor
) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.served(mesa_numero=6, dishes={"Yuca frita": 1, "Horchata": 2})
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    pos.evaluate(HOLD)
    pos.get_by_role("button", name="Devolver", exact=True).click()
    pos.locator('.opt--tick[data-item-id="1"]').click()
    pos.get_by_role("radio", name="Está mal hecho").click()
    pos.get_by_role("button", name="Devolver 1 plato").click()
    expect(pos.locator(".undobar")).to_be_visible()
    # The waiter looks into another page, and comes back within the five seconds; a tap that comes before the page has
    # been drawn again still meets the button.
    pos.evaluate(
        "() => { const button = [...document.querySelectorAll('button')].find(one => /Deshacer/.test(one.textContent));"
        " ['pagehide', 'pageshow'].forEach(kind => dispatchEvent(new PageTransitionEvent(kind, {persisted: true})));"
        " button.click(); }"
    )
    expect(pos.locator("#toasts")).to_contain_text("Mesa 6: ya se envió, no se puede deshacer")
    until(pos, lambda: floor.order(pedido["id"])["estado"] == "en_cocina")
    expect(pos.get_by_role("button", name="Deshacer")).to_have_count(0)
    assert floor.order(pedido["id"])["estado"] == "en_cocina"


def test_what_goes_back_is_sent_once_also_by_a_page_that_was_lost_without_a_connection(
    page: Any, complaints: list[str], floor: Floor
) -> None:
    page.set_viewport_size(PHONE)
    pedido = floor.served(mesa_numero=6, dishes={"Yuca frita": 1, "Horchata": 2})
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    expect(pos.get_by_role("button", name="Devolver", exact=True)).to_be_visible()
    pos.evaluate(HOLD)
    page.context.set_offline(True)
    pos.get_by_role("button", name="Devolver", exact=True).click()
    pos.locator('.opt--tick[data-item-id="1"]').click()
    pos.get_by_role("radio", name="Está mal hecho").click()
    pos.get_by_role("button", name="Devolver 1 plato").click()
    expect(pos.locator(".undobar")).to_contain_text("Devuelto")
    assert floor.order(pedido["id"])["estado"] == "servido"
    pos.close()  # what it says as it goes may arrive by itself, for it ends the cut; else the next page says it
    page.context.set_offline(False)
    complaints.clear()  # of the cut
    again = page.context.new_page()
    again.goto(floor.url + "/pos")
    until(again, lambda: floor.order(pedido["id"])["estado"] == "en_cocina")
    again.reload()
    again.wait_for_selector("#conexion[data-modo=sse]")
    assert len([event for event in floor.events(pedido["id"]) if event.get("recuperado")]) == 1


OFFERED = {
    "cobrar": "Cobrar", "servir": "Entregado", "agregar_item": "Agregar", "cambiar_mesa": "Otra mesa", "tomar": "Tomar",
    "recuperar": "Devolver", "cerrar": "Cerrar", "cancelar": "Cancelar",
}  # fmt: skip


def permitted(floor: Floor, who: str, pedido: dict[str, Any]) -> set[str]:
    """What the service lets this person do to the order, in the words of the sheet: a refusal says it."""
    body = {"accion": "deshacer", "deshace": "cerrar", "operacion_id": f"prueba-permitidas-{pedido['id']}"}
    answer = floor.server.request(
        "POST", f"/api/pedidos/{pedido['id']}/acciones", body, cookie=floor.server.login(who, PIN)
    )
    return {OFFERED[name] for name in answer[2]["error"]["permitidas"] if name in OFFERED}


@pytest.mark.parametrize(("who", "path"), [(WAITER, "/pos"), (CASHIER, "/caja")])
def test_what_may_be_done_is_offered_and_who_may_not_cancel_an_order_reads_who_can(
    page: Any, floor: Floor, who: str, path: str
) -> None:
    page.set_viewport_size(PHONE)
    manager, till = "Para cancelarlo, pida al encargado.", "Para cancelarlo, pida en caja o al encargado."
    placed = [floor.place(mesa_numero=number) for number in range(1, 6)]
    floor.act(placed[1], "cobrar", CASHIER, metodo_pago="efectivo")
    floor.act(placed[2], "iniciar", COOK)
    floor.act(placed[3], "listo", COOK)
    floor.act(floor.act(placed[4], "listo", COOK), "servir", WAITER)
    packed = floor.act(floor.place(tipo="llevar", cliente_nombre="Rosa"), "cobrar", CASHIER, metodo_pago="tarjeta")
    cooked = floor.act(floor.place(tipo="llevar", cliente_nombre="Ana"), "cobrar", CASHIER, metodo_pago="tarjeta")
    floor.act(cooked, "iniciar", COOK)
    # A POS may tell of a line that was made before anything was begun.
    floor.server.publish({"eventos": [order(9, item(1, "Flan", estado_item="listo"))]})
    elsewhere = floor.order(9)
    paid = floor.act(floor.place(mesa_numero=6), "cobrar", CASHIER, metodo_pago="efectivo")
    floor.act(floor.act(paid, "listo", COOK), "servir", WAITER)
    screen = floor.open(page, who, path)
    read = []
    for pedido in (*placed, packed, cooked, elsewhere, paid):
        screen.goto(f"{floor.url}{path}#pedido-{pedido['id']}")
        expect(screen.locator(f'.osheet[data-pedido-id="{pedido["id"]}"] .osheet__label')).to_be_visible()
        text = screen.locator(".osheet__who")
        read.append(text.inner_text() if text.is_visible() else "")
        assert ("Cancelar" in actions(screen)) == (read[-1] == "")
        # A waiter has his own tables already, and at the till a dish is a new order.
        assert set(actions(screen)) == permitted(floor, who, pedido) - {"Agregar" if who == CASHIER else "Tomar"}
        # As the service sees it: nothing is offered that it refuses, and nothing kept back that it would do.
        body = {"accion": "cancelar", "operacion_id": f"prueba-{who}-{pedido['id']}", "razon": "prueba"}
        cookie = floor.server.login(who, PIN)
        status, _, _ = floor.server.request("POST", f"/api/pedidos/{pedido['id']}/acciones", body, cookie=cookie)
        assert (status == 200) == (read[-1] == "")
    waiters = ["", till, manager, manager, manager, till, manager, till, manager]
    assert read == (waiters if who == WAITER else ["", "", manager, manager, manager, "", manager, "", manager])
    # What has been ready for long goes back no more, as the service will say.
    screen.goto(f"{floor.url}{path}#pedido-{placed[3]['id']}")
    expect(screen.locator('.osheet[data-estado="listo"]')).to_be_visible()
    assert ("Devolver" in actions(screen)) == (who == WAITER)
    pass_time(screen, seconds=31 * 60)
    until(screen, lambda: "Devolver" not in actions(screen))
    assert [floor.act(pedido, "cancelar", MANAGER, razon="prueba")["estado"] for pedido in (placed[2], cooked)] == [
        "cancelado", "cancelado",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(390, 844), (360, 640)])
def test_a_short_order_is_white_down_to_its_buttons(page: Any, floor: Floor, size: tuple[int, int]) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    pedido = floor.place(mesa_numero=5)
    pos = floor.open(page, WAITER, "/pos")
    pos.goto(f"{floor.url}/pos#pedido-{pedido['id']}")
    expect(pos.locator(".osheet__foot .act").first).to_be_visible()
    expect(pos.locator(".tl .tl__what").first).to_have_text(f"Enviado · {WAITER}")  # what has happened is told
    foot = pos.locator(".osheet__foot").bounding_box()
    body = pos.locator(".osheet__past").bounding_box()
    assert body["y"] + body["height"] < foot["y"] - 30
    band, white = (
        pos.screenshot(clip={"x": width / 2, "y": y, "width": 40, "height": 6}) for y in (foot["y"] - 20, foot["y"] + 2)
    )
    assert band == white
