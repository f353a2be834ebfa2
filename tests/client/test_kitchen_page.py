"""The old POS's calls on the kitchen's page, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Restaurant
from tests.browser.tickets import ids, ticket
from tests.client.flask_pos import COMBO, HORCHATA, PUPUSA, Till, product
from tests.support.chromium import PATIENCE_MS, launch
from tests.support.live_server import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="es-SV")
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def test_what_the_old_pos_does_is_on_the_page(server: LiveServer, till: Till, page: Any):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    Restaurant(server).sign_in(page)
    page.goto(f"{server.url}/cocina")
    order_id = till.order(1, product(PUPUSA, 2, notas="SIN sal"), {"combo_id": COMBO, "cantidad": 1, "es_combo": True})
    expect(ticket(page, order_id)).to_contain_text("Mesa 11")
    for words in ("Pupusa de queso", "SIN sal", "Combo familiar", "Horchata"):
        expect(ticket(page, order_id)).to_contain_text(words)
    assert "Desglose" not in ticket(page, order_id).inner_text()

    # The service goes, the POS works on, and the page has it all when both are back.
    server.stop()
    till.call("POST", f"/pedidos/{order_id}/items", {"producto_id": HORCHATA, "cantidad": 3})
    till.call("PUT", f"/pedidos/{order_id}/items/{till.line(order_id, 'Pupusa de queso')}", {"cantidad": 5})
    till.call("DELETE", f"/pedidos/{order_id}/items/{till.line(order_id, 'Combo familiar')}")
    takeaway = till.order(None, product(HORCHATA), payment="anticipado")
    till.call("PUT", f"/pedidos/{takeaway}/pago", {})
    till.call("POST", f"/pedidos/{order_id}/facturar", {"tipo": "factura"})
    assert ids(page) == [order_id]
    server.start()
    expect(ticket(page, takeaway)).to_contain_text("Horchata")
    for item in till.read(order_id)["items"]:
        line = ticket(page, order_id).locator(f'[data-item-id="{item["id"]}"]')
        expect(line).to_contain_text(item["producto_nombre"])
        expect(line).to_contain_text(str(int(item["cantidad"])))

    till.state(order_id, "cancelado")
    expect(page.locator(f'[data-pedido-id="{order_id}"][data-estado=cancelado]')).to_be_visible()
