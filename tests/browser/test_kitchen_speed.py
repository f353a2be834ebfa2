"""A kitchen page in a full restaurant: what arrives is seen at once."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from tests.browser.tickets import SOMEBODY, change, item, order, ticket

pytestmark = pytest.mark.browser

OPEN_TICKETS = 60
DRAWN_WITHIN_MS = 50
# Says so at the end of the frame that shows an event's change of the board.
TELL = """
    var arrived = false, listen = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (name, listener, options) {
      listen.call(this, name, function (message) {
        if (name === 'evento_pedido') { arrived = true; }
        listener.call(this, message);
      }, options);
    };
    document.addEventListener('DOMContentLoaded', function () {
      new MutationObserver(function () {
        if (!arrived) { return; }
        arrived = false;
        requestAnimationFrame(function () {
          setTimeout(function () { console.log('drawn'); }, 0);
        });
      }).observe(document.getElementById('columns'), { subtree: true, childList: true, attributes: true });
    });
"""


class MainThread:
    """The time that the page's main thread has worked, which other processes make no longer."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked_ms(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def test_an_event_is_drawn_at_once_on_a_board_of_sixty(page: Any, restaurant: Any) -> None:
    page.add_init_script(TELL)
    page.add_init_script(SOMEBODY)  # nothing is shown by itself meanwhile
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
    with page.expect_console_message(lambda message: message.text == "drawn"):
        restaurant.publish(order(100))  # what comes on time by the stream: the page goes on with it
    events = []
    for n in range(1, 7):
        modified = {"tipo_cambio": "cantidad_modificada", "cantidad_anterior": 2, "cantidad_nueva": 3}
        events += [
            order(100 + n),
            {"tipo": "item_modificado", "pedido_id": n, "item_id": n * 10 + 1, "cambios": modified},
            change(20 + n, "en_cocina"),
            {"tipo": "pedido_cancelado", "pedido_id": 40 + n},
        ]
    thread, took = MainThread(page), []
    for event in events:
        before = thread.worked_ms()
        with page.expect_console_message(lambda message: message.text == "drawn"):
            restaurant.publish(event)
        took.append(thread.worked_ms() - before)
    assert statistics.median(took) <= DRAWN_WITHIN_MS, took
