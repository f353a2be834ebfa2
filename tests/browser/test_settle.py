"""What has moved under a finger takes no touch for a moment; a key, and what stands where it stood, are never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.console import watch
from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, WAITER, Floor
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

# The page's clock stands until the test moves it: how busy the machine is says nothing.
HOLD = "window.held = performance.now(); performance.now = function () { return window.held; };"

# So does the service's time for the page: a ticket that is done stays in sight.
STAYS_DONE = "var at = posNotif.clock.now(); posNotif.clock.now = function () { return at; };"


@pytest.fixture
def touched(browser: Any, complaints: list[str]) -> Iterator[Any]:
    """Opens pages that are touched: `touched(width, height)`."""
    contexts: list[Any] = []

    def another(width: int, height: int) -> Any:
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, locale="es-SV", has_touch=True)
        )
        contexts[-1].set_default_timeout(PATIENCE_MS)
        return watch(contexts[-1].new_page(), complaints)

    yield another
    assert complaints == []
    for context in contexts:
        context.close()


def spot(node: Any) -> tuple[float, float]:
    while (box := node.bounding_box()) is None:  # it is being drawn anew
        node.wait_for()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pass_a_moment(page: Any, ms: int = 400) -> None:
    page.evaluate("ms => { posNotif.settle.look(); window.held += ms; posNotif.settle.look(); }", ms)


def asked(page: Any) -> list[str]:
    """The actions that the page sends from now on, in order."""
    found: list[str] = []
    page.on(
        "request", lambda request: found.append(request.post_data_json["accion"]) if "acciones" in request.url else None
    )
    return found


def test_the_card_that_slides_under_the_thumb_is_not_delivered(touched: Any, floor: Floor) -> None:
    first, second = (floor.act(floor.place(mesa_numero=number), "listo") for number in (6, 7))
    pos = floor.open(touched(360, 640), WAITER, "/pos")
    cards = [pos.locator(f'#ready [data-pedido-id="{pedido["id"]}"]') for pedido in (first, second)]
    cards[1].wait_for()
    pos.locator("h2").first.tap()  # the plate that asks for it leaves
    expect(pos.locator("#sonido")).to_be_hidden()
    pos.evaluate(HOLD)
    pass_a_moment(pos)
    sent = asked(pos)
    where = spot(cards[0].get_by_role("button"))
    floor.act(first, "servir")
    expect(cards[0]).to_have_count(0)
    assert spot(cards[1].get_by_role("button")) == where
    pos.touchscreen.tap(*where)
    assert sent == []
    # By a key at once, by a finger a moment later.
    third = floor.act(floor.place(mesa_numero=8), "listo")
    pos.locator(f'#ready [data-pedido-id="{third["id"]}"] button').press("Enter")
    expect(pos.locator(".ready--undo")).to_contain_text("Mesa 8")
    pass_a_moment(pos)
    pos.touchscreen.tap(*where)
    expect(pos.locator(".ready--undo")).to_have_count(2)
    assert sent == ["servir", "servir"]
    assert floor.order(second["id"])["estado"] == "servido"
    # Where ENTREGADO was is Deshacer now: the second half of a double tap takes nothing back.
    pos.touchscreen.tap(*where)
    assert sent == ["servir", "servir"]
    pass_a_moment(pos)
    pos.touchscreen.tap(*where)
    expect(cards[1]).to_be_visible()
    assert sent == ["servir", "servir", "deshacer"]


def test_listo_does_not_land_on_the_ticket_that_takes_the_place_of_another(touched: Any, floor: Floor) -> None:
    first, second = (floor.act(floor.place(mesa_numero=number), "iniciar") for number in (6, 7))
    board = floor.open(touched(1280, 800), COOK, "/cocina")
    tickets = [board.locator(f'.ticket[data-pedido-id="{pedido["id"]}"]') for pedido in (first, second)]
    tickets[1].wait_for()
    board.evaluate(HOLD)
    pass_a_moment(board)
    sent = asked(board)
    where = spot(tickets[0].locator(".ticket__do"))
    floor.act(floor.act(first, "listo"), "servir")
    expect(tickets[0]).to_have_count(0)
    assert spot(tickets[1].locator(".ticket__do")) == where
    board.touchscreen.tap(*where)
    assert sent == []
    line = tickets[1].locator(".line")
    pass_a_moment(board)
    board.evaluate(STAYS_DONE)
    # Two touches of one ticket, one after the other: neither is lost.
    line.tap()
    expect(tickets[1]).to_have_attribute("data-estado", "listo")  # answered: what is on its way is not undone
    board.keyboard.press("u")
    expect(tickets[1]).to_have_attribute("data-estado", "en_cocina")
    expect(tickets[1].locator(".ticket__do")).to_be_enabled()
    for _ in range(2):
        board.keyboard.press("1")
    expect(tickets[1]).to_have_attribute("data-estado", "listo")
    assert sent == ["item_listo", "deshacer", "listo"]


def test_the_second_touch_of_a_ticket_is_heard(touched: Any, floor: Floor) -> None:
    pedido = floor.place(mesa_numero=6)
    board = floor.open(touched(1280, 800), COOK, "/cocina")
    button = board.locator(f'.ticket[data-pedido-id="{pedido["id"]}"] .ticket__do')
    button.wait_for()
    board.evaluate(HOLD)
    pass_a_moment(board)
    board.evaluate(STAYS_DONE)
    sent = asked(board)
    button.tap()
    expect(button).to_have_text(re.compile("^LISTO"))
    button.tap()
    expect(board.locator('.ticket[data-estado="listo"]')).to_be_visible()
    assert sent == ["iniciar", "listo"]


def test_who_scrolls_and_taps_is_heard(touched: Any, floor: Floor) -> None:
    orders = [floor.place(mesa_numero=number) for number in range(1, 13)]
    pos = floor.open(touched(360, 640), WAITER, "/pos")
    row = pos.locator(f'#tables [data-pedido-id="{orders[0]["id"]}"]')
    row.wait_for()
    pos.evaluate(HOLD)
    pass_a_moment(pos)
    row.scroll_into_view_if_needed()
    row.tap()
    expect(pos.locator(".osheet__label")).to_have_text("Mesa 1")


# A button that lies over the one that has just been touched, as a drawer's does.
OVER = """node => {
  var box = node.getBoundingClientRect(), over = document.createElement('button');
  over.textContent = 'Encima';
  over.style.cssText = 'position: fixed; z-index: 9999; left: ' + box.left + 'px; top: ' + box.top + 'px; width: ' +
    box.width + 'px; height: ' + box.height + 'px';
  over.onclick = function () { window.over = true; };
  document.body.appendChild(over);
}"""


def test_on_the_other_pages_too_what_has_moved_takes_no_touch(touched: Any, floor: Floor) -> None:
    """A button of each: it takes keys at once, and a touch when it has stood there for a moment."""
    page = touched(1280, 800)
    for who, path, button in (
        (None, "/login", "#reveal"), (CASHIER, "/caja", "#leave"), (MANAGER, "/manager", "#leave"),
        (MANAGER, "/manager/menu", "#leave"), (MANAGER, "/manager/registro", "#leave"), (MANAGER, "/", "#logout"),
        (COOK, "/sin-conexion?pantalla=cocina", "#larger"),
    ):  # fmt: skip
        if path.startswith("/sin-conexion"):
            page.route("**/cocina", lambda route: route.abort())  # or it would go on to the page itself
        if who is not None:
            page.context.request.post(f"{floor.url}/api/auth/login", data={"username": who, "password": PIN})
        page.goto(floor.url + path)
        node = page.locator(button)
        expect(node).to_be_visible()
        page.evaluate(HOLD)
        pass_a_moment(page)
        node.evaluate(
            "node => { node.onclick = function () { window.taken = (window.taken || 0) + 1; };"
            " node.style.position = 'relative'; node.style.top = '12px'; }"
        )
        page.touchscreen.tap(*spot(node))
        pass_a_moment(page, 390)
        page.touchscreen.tap(*spot(node))
        assert page.evaluate("window.taken || 0") == 0, path
        node.press("Enter")
        assert page.evaluate("window.taken || 0") == 1, path
        pass_a_moment(page)
        page.touchscreen.tap(*spot(node))
        assert page.evaluate("window.taken || 0") == 2, path
        # What comes to lie under the finger takes no second half of a double tap.
        node.evaluate(OVER)
        page.touchscreen.tap(*spot(node))
        assert page.evaluate("window.over || false") is False, path
        pass_a_moment(page)
        page.touchscreen.tap(*spot(node))
        assert page.evaluate("window.over") is True, path
