"""Names that are written from right to left turn round nothing that stands beside them: no age, no number, no sum."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.floor import CASHIER, COOK, MANAGER, PIN, Floor
from tests.browser.tickets import ticket, until

pytestmark = pytest.mark.browser

WAITER, GUEST, TABLE, TERRACE, DISH, DRINK = "ليلى", "محمد", "شرفة", "حديقة", "فلافل", "شاي"
# The texts in sight in which such a name stands neither isolated nor alone in a box of its own.
LOOSE = r"""() => {
  var letters = /[\u0590-\u08ff]/, isolated = /\u2068[^\u2068\u2069]*\u2069/, found = [], node, box, alone, rest;
  var texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while ((node = texts.nextNode())) {
    box = node.parentElement;
    for (rest = node.data; isolated.test(rest);) { rest = rest.replace(isolated, ''); }
    if (!letters.test(rest) || !box.getClientRects().length) { continue; }
    alone = box.textContent.trim() === node.data.trim() && !/[^\u0590-\u08ff\s]/.test(node.data.trim());
    if (box.closest('bdi') || (alone && getComputedStyle(box).display !== 'inline')) { continue; }
    found.push(box.className + ': ' + box.parentElement.textContent);
  }
  return found;
}"""


@pytest.fixture
def house(floor: Floor) -> Floor:
    floor.server.create_user(WAITER, "mesero", PIN)
    for name in (DISH, DRINK):
        floor.products[name] = floor.call(
            "POST", "/api/productos", {"nombre": name, "categoria": "طعام", "precio": 2.5, "stock_actual": 3,
                                       "stock_minimo": 5}
        )["id"]  # fmt: skip
    return floor


def lived(house: Floor) -> dict[str, Any]:
    """Returns a table's order that has seen much: it was moved, made, carried, sent back, and has changed since."""
    pedido = house.place(WAITER, {DISH: 1, DRINK: 1}, mesa=TABLE)
    house.acknowledge(pedido)
    house.act(pedido, "cambiar_mesa", WAITER, mesa=TERRACE)
    house.act(pedido, "agregar_item", WAITER, items=[{"producto_id": house.products["Horchata"], "cantidad": 2}])
    house.act(pedido, "listo", COOK)
    house.act(pedido, "servir", WAITER)
    house.act(pedido, "recuperar", WAITER, razon="بارد", item_ids=[1])
    return house.act(pedido, "cambiar_cantidad", CASHIER, item_id=2, cantidad=0.5, razon="غال")


def test_on_the_tills_list_its_bill_and_the_sheet(page: Any, house: Floor) -> None:
    pedido = lived(house)
    house.act(house.act(pedido, "listo", COOK), "servir", WAITER)
    away = house.place(WAITER, {DISH: 1}, tipo="llevar", cliente_nombre=GUEST)
    till = house.open(page, CASHIER, "/caja")
    for order in (away, pedido):
        till.locator(f'.due[data-pedidos~="{order["id"]}"]').click()
        expect(till.locator(".bill__order, .bill__label").first).to_be_visible()
        assert till.evaluate(LOOSE) == []
    till.goto(f"{house.url}/caja#pedido-{pedido['id']}")
    expect(till.locator(".tl li")).not_to_have_count(0)
    assert till.evaluate(LOOSE) == []
    till.get_by_role("button", name="Otra mesa", exact=True).click()
    expect(till.locator(".drawer__box")).to_be_visible()
    assert till.evaluate(LOOSE) == []


def test_on_the_kitchens_board_and_its_lists(page: Any, house: Floor) -> None:
    cook = house.open(page, COOK, "/cocina")
    first = house.place(WAITER, {DISH: 2}, mesa=TABLE)
    away = house.act(
        house.place(WAITER, {DRINK: 1}, tipo="llevar", cliente_nombre=GUEST), "cobrar", CASHIER, metodo_pago="otro"
    )
    ticket(cook, away["id"]).wait_for()
    house.act(first, "cambiar_mesa", WAITER, mesa=TERRACE)
    expect(ticket(cook, first["id"]).locator(".ticket__band")).to_contain_text("→")
    assert cook.evaluate(LOOSE) == []
    house.act(first, "listo", COOK)
    house.act(away, "listo", COOK)
    cook.keyboard.press("r")
    cook.locator(f'[data-listo-id="{first["id"]}"]').wait_for()
    assert cook.evaluate(LOOSE) == []


def test_on_the_waiters_and_the_managers_pages(page: Any, house: Floor) -> None:
    pedido = lived(house)
    house.place(WAITER, {DISH: 1}, tipo="llevar", cliente_nombre=GUEST)
    ready = house.act(house.place(WAITER, {DRINK: 1}, mesa=TABLE), "listo", COOK)
    for who, path in ((WAITER, "/pos"), (MANAGER, "/manager"), (MANAGER, "/manager/menu")):
        page.context.clear_cookies()
        screen = house.open(page, who, path)
        until(screen, lambda: any(name in page.content() for name in (TERRACE, DISH)))
        assert screen.evaluate(LOOSE) == [], path
        for order in (pedido, ready) if path != "/manager/menu" else ():
            screen.goto(f"{house.url}{path}#pedido-{order['id']}")
            expect(screen.locator(".osheet__label")).to_be_visible()
            expect(screen.locator(".tl li")).not_to_have_count(0)
            assert screen.evaluate(LOOSE) == [], path
