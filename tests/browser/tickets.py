"""What is published, and what the kitchen page shows of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def item(id: int, name: str, quantity: int = 1, notes: str = "", **fields: Any) -> dict[str, Any]:
    return {"id": id, "producto_id": id, "producto_nombre": name, "cantidad": quantity, "notas": notes, **fields}


def order(id: int, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    pedido = {
        "id": id,
        "mesa_numero": 5,
        "tipo": "mesa",
        "mesero": "Karla",
        "items": list(items) or [item(id * 10, "Pupusa de queso", 2)],
        **fields,
    }
    return {"tipo": "nuevo_pedido", "pedido": pedido}


def change(pedido_id: int, estado: str, **fields: Any) -> dict[str, Any]:
    return {"tipo": "cambio_estado", "pedido_id": pedido_id, "estado": estado, **fields}


def ticket(page: Any, id: int) -> Any:
    return page.locator(f'[data-pedido-id="{id}"]')


def ids(page: Any) -> list[int]:
    return page.eval_on_selector_all(
        "[data-pedido-id]", "nodes => nodes.map(n => Number(n.getAttribute('data-pedido-id'))).sort((a, b) => a - b)"
    )


def end_session_of(page: Any) -> None:
    """As the service does that ends it; once its socket is open: Chromium complains of one that is cut as it opens."""
    until(page, lambda: page.evaluate("__notif.getEstado().websocket_activo"))
    page.evaluate("__notif._endSession()")


def answered(page: Any) -> None:
    """What was done here waits for the service no more: a line that does takes no tap."""
    until(page, lambda: page.evaluate("Object.keys(localStorage).filter(k => /^notif:operacion/.test(k))") == [])


# From now on, or from a page's beginning, `has_flashed` tells of each time the screen flashes, which takes less than
# two seconds. The whole document is watched: a page may flash before its last bytes have come, and is loaded only then.
NOTE_FLASHES = """
(function () {
  window.flashes = 0;
  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      window.flashes += change.target.id === 'flash' && change.target.className === 'flash is-on';
    });
  }).observe(document, { attributes: true, attributeFilter: ['class'], subtree: true });
}());
"""


def has_flashed(page: Any) -> bool:
    return page.evaluate("flashes") > 0


# At once, too: a page that nobody has touched for long may get to what comes before it gets to its timers.
SOMEBODY = """
  window.busy = setInterval(() => document.dispatchEvent(new Event('wheel')), 100);
  document.dispatchEvent(new Event('wheel'));
"""


def somebody_is_at_it(page: Any) -> None:
    """Touches the kitchen's page all the time, so that nothing is shown by itself."""
    page.evaluate(SOMEBODY)


def nobody_is_at_it(page: Any) -> None:
    page.evaluate("clearInterval(window.busy)")


def until(page: Any, condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Lets Playwright go on meanwhile: its events and routes are handled in this thread.

    `wait_for_function` is not for the service's pages: their policy may forbid the browser to evaluate its text.
    """
    deadline, pause = time.monotonic() + seconds, 20.0
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        page.wait_for_timeout(pause)
        pause = min(100.0, 1.1 * pause)  # to look costs the browser and its driver something each time
