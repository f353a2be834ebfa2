"""A kitchen page in a full restaurant: what arrives is seen at once."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from tests.browser.tickets import change, item, order, ticket, until

pytestmark = pytest.mark.browser

OPEN_TICKETS = 60
DRAWN_WITHIN_MS = 50
# From an event's arrival in the page to the end of the frame that shows its change of the board.
MEASURE = """
    window.took = [];
    window.arrivedAt = null;
    var listen = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (name, listener, options) {
      listen.call(this, name, function (message) {
        if (name === 'evento_pedido') { window.arrivedAt = performance.now(); }
        listener.call(this, message);
      }, options);
    };
    document.addEventListener('DOMContentLoaded', function () {
      new MutationObserver(function () {
        var since = window.arrivedAt;
        if (since === null) { return; }
        window.arrivedAt = null;
        requestAnimationFrame(function () {
          setTimeout(function () { window.took.push(performance.now() - since); }, 0);
        });
      }).observe(document.getElementById('columns'), { subtree: true, childList: true, attributes: true });
    });
"""


def test_an_event_is_drawn_at_once_on_a_board_of_sixty(page: Any, restaurant: Any) -> None:
    page.add_init_script(MEASURE)
    restaurant.publish(
        *(
            order(n, *(item(n * 10 + k + 1, f"Plato {k}", 2, "sin cebolla") for k in range(5)))
            for n in range(1, OPEN_TICKETS + 1)
        )
    )
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    ticket(page, OPEN_TICKETS).wait_for()
    events = []
    for n in range(1, 7):
        modified = {"tipo_cambio": "cantidad_modificada", "cantidad_anterior": 2, "cantidad_nueva": 3}
        events += [
            order(100 + n),
            {"tipo": "item_modificado", "pedido_id": n, "item_id": n * 10 + 1, "cambios": modified},
            change(20 + n, "en_cocina"),
            {"tipo": "pedido_cancelado", "pedido_id": 40 + n},
        ]
    for count, event in enumerate(events, 1):
        restaurant.publish(event)
        until(page, lambda count=count: page.evaluate("took.length") >= count)
    took = page.evaluate("took")
    assert statistics.median(took) <= DRAWN_WITHIN_MS, took
