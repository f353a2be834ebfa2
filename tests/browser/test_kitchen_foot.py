"""The strip at the foot of the kitchen's board, where everything is said that covers no ticket."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import COOK, Floor, slow_time
from tests.browser.test_kitchen_shift import REFUSES
from tests.browser.tickets import order, until
from tests.support.logs import stock_alert

pytestmark = pytest.mark.browser

# Whether what a node says, and the node, lie within the strip at the foot, and nothing lies on them.
WITHIN_THE_FOOT = """node => {
    var text = document.createRange(), foot = document.querySelector('.kfoot').getBoundingClientRect();
    text.selectNodeContents(node);
    return [text.getBoundingClientRect(), node.getBoundingClientRect()].every(function (box) {
        var top = document.elementFromPoint(box.right - 2, box.top + box.height / 2);
        return box.width > 0 && box.left >= foot.left && box.right <= foot.right && box.top >= foot.top &&
            box.bottom <= foot.bottom + 1 && node.contains(top);
    });
}"""
SAID_FOR_LONG = """() => {
    const later = setTimeout;
    window.setTimeout = (call, ms) => later(call, ms === 6000 ? 60000 : ms);
}"""
FULL_FOOTS = [(360, 640), (800, 1280), (1024, 600), (1280, 800)]


def full_foot(page: Any, restaurant: Any, width: int, height: int) -> None:
    """A board of which most is further down, and dishes that are sold out."""
    page.add_init_script(REFUSES)
    page.set_viewport_size({"width": width, "height": height})
    takeaway = {"tipo": "llevar", "tipo_pago": "al_final", "cliente_nombre": "María Fernanda Castellanos"}
    restaurant.publish(order(1, **takeaway), *(order(number) for number in range(2, 31)))
    restaurant.sign_in(page, in_shift=False)
    page.goto(restaurant.url + "/cocina")
    expect(page.locator("#shift-title")).to_have_text("30 pedidos esperan en cocina")
    for number, dish in enumerate(("Pupusa de chicharrón con queso", "Plátano frito con crema"), start=1):
        restaurant.publish(stock_alert(number, "agotado", nombre=dish))
    expect(page.locator("#stock")).to_contain_text("Plátano")
    slow_time(page)  # what can be taken back stands there for five seconds, and what is said for six
    page.evaluate(SAID_FOR_LONG)
    page.click("#shift-go")
    expect(page.locator("#below")).to_contain_text("más abajo")


@pytest.mark.parametrize(("width", "height"), FULL_FOOTS)
def test_what_is_said_at_the_foot_is_read_whole(page: Any, restaurant: Any, width: int, height: int) -> None:
    full_foot(page, restaurant, width, height)
    expect(page.locator("#say")).to_have_text("La pantalla puede apagarse. Ponga la tableta en «nunca apagar».")
    assert page.locator("#say").evaluate(WITHIN_THE_FOOT)


@pytest.mark.parametrize(("width", "height"), FULL_FOOTS)
def test_deshacer_of_iniciar_is_there_whatever_else_stands_at_the_foot(
    page: Any, restaurant: Any, width: int, height: int
) -> None:
    full_foot(page, restaurant, width, height)
    page.keyboard.press("1")
    page.keyboard.press("1")
    expect(page.locator("#undo button")).to_contain_text("Deshacer")
    assert page.locator("#undo button").evaluate(WITHIN_THE_FOOT)
    assert page.locator("#say").evaluate(WITHIN_THE_FOOT)  # that too stands there still


def test_the_foot_keeps_what_ran_out_while_the_first_menu_was_on_its_way(page: Any, floor: Floor) -> None:
    held: list[Any] = []
    page.route("**/api/productos", lambda route: held.append((route, route.fetch())))
    floor.open(page, COOK, "/cocina")
    until(page, lambda: bool(held))
    floor.sold_out("Horchata")
    expect(page.locator("#stock")).to_contain_text("Horchata")
    route, older = held.pop()
    route.fulfill(response=older)
    until(page, lambda: bool(held))  # the page asks anew
    page.wait_for_timeout(1200)  # the board is drawn each second
    expect(page.locator("#stock")).to_contain_text("Horchata", timeout=2000)


def test_the_foot_goes_by_the_menu_where_it_has_missed_that_a_dish_is_back(page: Any, floor: Floor) -> None:
    floor.open(page, COOK, "/cocina")
    floor.sold_out("Horchata")
    floor.sold_out("Yuca frita")
    for name in ("Horchata", "Yuca frita"):
        expect(page.locator("#stock")).to_contain_text(name)
    page.evaluate(
        "() => { const emit = __notif._emit;"
        "  __notif._emit = function (name, data) { if (name !== 'evento_alerta') { emit.call(this, name, data); } }; }"
    )
    floor.call("PATCH", f"/api/productos/{floor.products['Horchata']}", {"disponible": True})
    page.keyboard.press("a")  # the list of dishes asks for the menu
    expect(page.locator("#stock")).not_to_contain_text("Horchata")
    expect(page.locator("#stock")).to_contain_text("Yuca frita")
