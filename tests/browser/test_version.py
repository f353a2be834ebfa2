"""A page that was open during an upgrade says so, and loads itself anew only where nobody loses anything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor, begin_shift, pass_time
from tests.browser.tickets import until

pytestmark = pytest.mark.browser

WORDS = "Hay versión nueva: toque para actualizar"
NOTICE = "#notice:not([hidden]), #banner .obanner__do"


class Loads:
    """The page's documents: the first `old` ones are those of an older version."""

    def __init__(self, page: Any, path: str, old: int = 1) -> None:
        self.count = 0
        self._old = old
        page.route(re.compile(rf"^http://[^/]+{path}(\?.*)?$"), self._serve)

    def _serve(self, route: Any) -> None:
        answer = route.fetch()
        body = answer.text()
        self.count += 1
        if self.count <= self._old:
            body = re.sub(r'data-version="\w+"', 'data-version="000000000000"', body)
        route.fulfill(response=answer, body=body)


def stays(page: Any) -> bool:
    """Whether it does not load itself anew when it hears of a version: it would write that down first, and at once."""
    heard = (
        "(() => { __notif._emit('version', {version: 'another'}); return sessionStorage.getItem('notif:version'); })()"
    )
    return page.evaluate(heard) is None


def is_new(page: Any) -> None:
    page.wait_for_selector('body:not([data-version="000000000000"])')
    page.wait_for_selector("#conexion[data-modo=sse]")
    assert page.locator(NOTICE).count() == 0


def test_in_a_shift_the_kitchen_is_asked(page: Any, floor: Floor) -> None:
    loads = Loads(page, "/cocina")
    order = floor.place()
    floor.open(page, COOK, "/cocina")
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    pass_time(page, seconds=3600)
    button = page.locator(f'[data-pedido-id="{order["id"]}"] .ticket__do')
    button.click()
    expect(button).to_have_text(re.compile("^LISTO"))
    assert loads.count == 1
    page.click(NOTICE)
    is_new(page)
    assert loads.count == 2
    assert page.locator("#shift").is_hidden()


def test_before_the_shift_it_loads_itself_anew_and_only_once(page: Any, floor: Floor) -> None:
    loads = Loads(page, "/cocina", old=9)
    page.context.request.post(f"{floor.url}/api/auth/login", data={"username": COOK, "password": PIN})
    page.goto(floor.url + "/cocina")
    until(page, lambda: loads.count == 2)
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    with page.expect_response("**/api/pedidos*"):
        page.evaluate("__notif._loadSnapshot()")
    assert loads.count == 2


@pytest.mark.parametrize(("who", "path"), [(CASHIER, "/caja"), (MANAGER, "/manager")])
def test_an_office_page_does_so_where_nobody_has_touched_it_for_ten_minutes(
    page: Any, floor: Floor, who: str, path: str
) -> None:
    loads = Loads(page, path)
    floor.open(page, who, path)
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    pass_time(page, seconds=9 * 60)
    page.mouse.click(5, 5)
    pass_time(page, seconds=9 * 60)
    assert stays(page)
    assert loads.count == 1
    pass_time(page, seconds=61)
    is_new(page)


def test_the_log_has_no_stream_and_does_so_all_the_same(page: Any, floor: Floor) -> None:
    loads = Loads(page, "/manager/registro")
    floor.open(page, MANAGER, "/manager/registro", ready="#foot")
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    pass_time(page, seconds=9 * 60)
    page.keyboard.press("Shift")
    pass_time(page, seconds=9 * 60)
    page.evaluate(
        "() => { const look = posNotif.Version.prototype._look; window.looked = 0;"
        " posNotif.Version.prototype._look = function () { look.call(this); window.looked++; }; }"
    )
    until(page, lambda: page.evaluate("window.looked > 0"))
    assert page.evaluate("sessionStorage.getItem('notif:version')") is None
    pass_time(page, seconds=61)
    until(page, lambda: loads.count == 2)
    page.wait_for_selector("#foot")
    expect(page.locator(NOTICE)).to_have_count(0)


def test_what_waits_to_be_sent_holds_it_back_and_a_waiters_page_is_only_asked(page: Any, floor: Floor) -> None:
    till = Loads(page, "/caja")
    served = floor.served()
    floor.open(page, CASHIER, "/caja")
    page.route("**/acciones", lambda route: route.abort())
    page.locator(f'[data-pedido-id="{served["id"]}"]').first.click()
    page.click("#act")
    page.keyboard.press("Escape")  # a table on the bill would hold it back as well
    pass_time(page, seconds=11 * 60)
    assert stays(page)
    assert till.count == 1
    manager = Loads(page, "/manager")
    floor.open(page, MANAGER, f"/manager#pedido-{floor.place()['id']}")
    page.click("[data-accion=tomar]")
    page.keyboard.press("Escape")
    expect(page.locator("section.spanel")).to_be_hidden()
    pass_time(page, seconds=11 * 60)
    assert stays(page)
    page.click("#leave")
    expect(page.locator("#leave")).to_have_text("Espere: falta enviar algo")
    assert manager.count == 1
    menu = Loads(page, "/manager/menu")
    floor.open(page, MANAGER, "/manager/menu#nuevo")
    page.fill("#f-nombre", "Ponche")
    pass_time(page, seconds=11 * 60)
    assert stays(page)
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    assert menu.count == 1
    waiter = Loads(page, "/pos")
    page.unroute("**/acciones")
    floor.open(page, WAITER, "/pos")
    pass_time(page, seconds=3600)
    assert stays(page)
    expect(page.locator(NOTICE)).to_have_text(WORDS)
    assert waiter.count == 1


def test_who_comes_back_after_a_sessions_end_has_the_new_one(page: Any, floor: Floor) -> None:
    loads = Loads(page, "/pos")
    answer = page.context.request.post(f"{floor.url}/api/auth/login", data={"username": WAITER, "password": PIN})
    begin_shift(page, answer.json()["usuario_id"])
    page.goto(floor.url + "/pos")
    page.wait_for_selector("#conexion[data-modo=sse]")
    page.evaluate("__notif._endSession()")
    for digit in PIN:
        page.click(f"#door [data-key='{digit}']")
    page.click("#door [data-key=enter]")
    is_new(page)
    assert loads.count == 2
