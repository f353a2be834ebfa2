"""Who signs out leaves nothing in the browser: no guest's address in a draft, no notification on the lock screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, PIN, WAITER, Floor
from tests.browser.tickets import until

pytestmark = pytest.mark.browser

ALL = "() => [localStorage, sessionStorage].map(store => Object.entries(store).sort())"
SHOWN = "() => navigator.serviceWorker.ready.then(one => one.getNotifications()).then(all => all.length)"
# What is the device's own, and the names that it offers for the next sign-in.
OF_THE_DEVICE = {"notif:salida", "notif:personas", "notif:aparato", "notif:mesas", "notif:letra"}
OF_THE_TAB = {"notif:cliente", "notif:vivo"}


def enter(page: Any, floor: Floor, who: str, path: str) -> Any:
    """As a person does: `Floor.open` begins a kitchen's shift in each page of the tab, also in the next person's."""
    answer = page.context.request.post(f"{floor.url}/api/auth/login", data={"username": who, "password": PIN})
    assert answer.status == 200
    page.goto(floor.url + path)
    return page


def live(page: Any) -> Any:
    page.wait_for_selector("#conexion[data-modo=sse]")
    return page


def keys(page: Any) -> tuple[set[str], set[str]]:
    browser, tab = page.evaluate(ALL)
    return {key for key, _ in browser}, {key for key, _ in tab}


def left_by(page: Any) -> str:
    """What anybody reads in the browser's storage now."""
    page.wait_for_url("**/login*")
    page.wait_for_selector("#names, #form-back", state="attached")
    browser, tab = keys(page)
    assert browser <= OF_THE_DEVICE | {key for key in browser if key.startswith("notif:operacion:")}
    assert tab <= OF_THE_TAB
    return str(page.evaluate(ALL))


def write(page: Any, prefix: str, fields: dict[str, str]) -> None:
    for selector, text in fields.items():
        page.fill(selector, text)
    until(page, lambda: any(key.startswith(prefix) for key in keys(page)[1]))


def test_of_a_waiter_nothing_stays_in_any_tab_nor_a_notification(device: Any, pushing: Floor) -> None:
    device.grant_permissions(["notifications"], origin=pushing.url)
    pedido = pushing.place(dishes={"Pupusa de queso": 1, "Yuca frita": 1}, cliente_nombre="Sofía")
    pedido = pushing.act(pedido, "iniciar")
    pushing.act(pedido, "item_listo", item_id=pedido["items"][0]["id"])
    page = live(enter(device.pages[0], pushing, WAITER, "/pos"))
    until(page, lambda: page.evaluate("!!navigator.serviceWorker.controller"))
    page.locator(f"#ready [data-pedido-id='{pedido['id']}'] button").click()  # a part is carried
    page.click("#new")
    page.click("#entry-domicilio")
    draft = {"#entry-customer": "Sofía", "#entry-phone": "7777-1234", "#entry-address": "Calle Secreta 5"}
    write(page, "notif:borrador:", draft)
    page.evaluate("navigator.serviceWorker.ready.then(one => one.showNotification('Sofía, listo', {tag: 'pedido-9'}))")
    until(page, lambda: page.evaluate(SHOWN) == 1)
    until(page, lambda: {key.split(":")[1] for key in keys(page)[1]} >= {"borrador", "llevado", "cursor"})
    other = device.new_page()
    other.goto(pushing.url + "/")
    other.click("#logout")
    for each in (other, page):
        said = left_by(each)
        for word in ("Sof", "7777", "Secreta"):
            assert word not in said
    assert page.evaluate(SHOWN) == 0


def test_of_a_cashier_nothing_stays(page: Any, floor: Floor) -> None:
    live(enter(page, floor, CASHIER, "/caja"))
    page.keyboard.press("n")
    page.click("#counter-domicilio-kind")
    write(page, "notif:mostrador:", {"#counter-cliente": "Sofía", "#counter-direccion": "Calle Secreta 5"})
    page.keyboard.press("Escape")
    page.click("#leave")
    said = left_by(page)
    assert "Sof" not in said
    assert "Secreta" not in said


def test_the_kitchens_tablet_offers_the_names_for_the_next_sign_in_and_keeps_its_letters(
    page: Any, restaurant: Any
) -> None:
    page.goto(restaurant.url + "/login?next=/cocina")
    page.fill("#username", restaurant.cook)
    page.fill("#password", restaurant.pin)
    page.click("#login-submit")
    page.click("#shift-go")
    page.click("#larger")
    until(page, lambda: {key.split(":")[1] for key in keys(page)[1]} >= {"turno", "cursor"})
    page.goto(restaurant.url + "/")
    page.click("#logout")
    left_by(page)
    assert keys(page)[0] >= {"notif:personas", "notif:letra"}
    assert restaurant.cook in page.inner_text("#names")
    # Whoever begins there begins a shift anew.
    page.click(f"[data-username='{restaurant.cook}']")
    for digit in restaurant.pin:
        page.click(f"#pad [data-key='{digit}']")
    page.click("#pad [data-key=enter]")
    page.wait_for_url(restaurant.url + "/cocina")
    expect(page.locator("#shift-go")).to_be_visible()
    expect(page.locator("#larger")).to_have_attribute("aria-pressed", "true")


def test_nobody_leaves_by_the_start_page_while_something_waits_to_be_sent(page: Any, floor: Floor) -> None:
    live(enter(page, floor, WAITER, "/pos"))
    page.evaluate("""
        XMLHttpRequest.prototype.send = function () { return; };
        localStorage.setItem('notif:operacion:/pos:' + document.body.dataset.usuarioId + ':x', JSON.stringify({
            path: '/api/pedidos', at: Date.now() - 3600000, info: {summary: '', place: ''}, begun: true,
            body: {tipo: 'mesa', mesa_numero: 7, items: [], operacion_id: 'x'},
        }));
        localStorage.setItem('notif:operacion:/pos:999:y', '{}');
    """)
    page.goto(floor.url + "/")
    page.click("#logout")
    expect(page.locator("#logout-error")).to_have_text(
        "Falta enviar algo: abra Mesero, espere a que se envíe y salga después."
    )
    assert floor.call("GET", "/api/auth/sesion", who=WAITER)["username"] == WAITER
    # What waits is somebody's who has gone before: it goes once that person is back, and holds up nobody here.
    page.evaluate("localStorage.removeItem(Object.keys(localStorage).filter(key => /:x$/.test(key))[0])")
    page.click("#logout")
    left_by(page)
    assert "notif:operacion:/pos:999:y" in keys(page)[0]


def test_what_a_page_keeps_after_its_person_has_left_is_gone_too(page: Any, floor: Floor) -> None:
    """Its stream goes on until the browser has the next page: here, an event that comes meanwhile."""
    live(enter(page, floor, WAITER, "/pos"))
    page.evaluate("""
        posNotif.kept.leave = (go) => {
            go();
            sessionStorage.setItem('notif:cursor:mesero:1', '"x-9"');
            posNotif.storage.tab.set('notif:borrador:1', {cliente: 'Sofía'});
        };
        0
    """)
    page.click("#leave")
    left_by(page)


def test_signing_out_where_the_service_is_away_takes_nothing_away(page: Any, floor: Floor) -> None:
    live(enter(page, floor, COOK, "/cocina"))
    page.goto(floor.url + "/")
    page.route("**/api/auth/logout", lambda route: route.fulfill(status=503, body="{}"))
    before = page.evaluate("Object.keys(sessionStorage).sort()")
    page.click("#logout")
    expect(page.locator("#logout-error")).to_have_text("No se pudo cerrar la sesión. Intente de nuevo.")
    assert page.evaluate("Object.keys(sessionStorage).sort()") == before
    assert page.url == floor.url + "/"
