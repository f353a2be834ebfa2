"""A kitchen's board that is full, and what comes in on it."""

from __future__ import annotations

from typing import Any

from tests.browser.tickets import SOMEBODY, change, item, order, ticket

OPEN_TICKETS = 60
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


def open_full_board(page: Any, restaurant: Any) -> None:
    """The page of a cook, with so many tickets, which has begun to hear of orders by its stream."""
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
    draws(page, restaurant, order(100))  # what comes on time by the stream: the page goes on with it


def draws(page: Any, restaurant: Any, event: dict[str, Any]) -> None:
    """Publishes the event, and returns when the page has drawn what has come of it."""
    with page.expect_console_message(lambda message: message.text == "drawn"):
        restaurant.publish(event)


def events() -> list[dict[str, Any]]:
    """Each of what a kitchen sees most, six times."""
    found = []
    for n in range(1, 7):
        modified = {"tipo_cambio": "cantidad_modificada", "cantidad_anterior": 2, "cantidad_nueva": 3}
        found += [
            order(100 + n),
            {"tipo": "item_modificado", "pedido_id": n, "item_id": n * 10 + 1, "cambios": modified},
            change(20 + n, "en_cocina"),
            {"tipo": "pedido_cancelado", "pedido_id": 40 + n},
        ]
    return found
