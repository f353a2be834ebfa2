"""How large an order may become. Each of its events carries it whole, to the log and to every screen."""

from __future__ import annotations

from ..errors import OrderTooLarge
from ..events import ITEM_CHANGED, NEW_ORDER
from ..wire.json_text import encode
from .details import NAMES, TABLE
from .drafts import MAX_ITEMS
from .made import LINE_MARKS
from .state import Json, Order

MAX_ORDER_BYTES = 512 * 1024


# What a change to a line may write elsewhere in its order: sums, a version, an event to be acknowledged.
_BESIDE_A_LINE = 200


def measure(before: Order | None, after: Order, event: Json, size_before: int | None) -> tuple[bytes | None, int]:
    """Returns the order after the event as JSON, and how many bytes that has.

    Where the size before is known, a change to a line is added to it, and there is no JSON while the sum, which is no
    less than the order's size, is allowed: many lines that change together would have a long order encoded for each.
    """
    if before is not None and size_before is not None and event["tipo"] == ITEM_CHANGED:
        old, line = _line(before, event["item_id"]), event["item"]
        told = all(before.pedido.get(name) == after.pedido.get(name) for name in (*TABLE, *NAMES))
        size = size_before + _length(line) - _length(old) + _BESIDE_A_LINE
        if told and size <= MAX_ORDER_BYTES:
            return None, size
    order_json = encode(after.pedido)
    return order_json, len(order_json)


def check_size(before: Order | None, after: Order, event: Json, size: int) -> None:
    """Raises OrderTooLarge where the event adds to an order and that has too many lines, or too many bytes, then.

    What adds nothing is never refused: an order that is larger from before there was a limit, or that is just below it,
    is lessened, cooked, charged, served and cancelled, whatever times and reasons that writes into it.
    """
    lines_before = len(before.pedido["items"]) if before is not None else 0
    if len(after.pedido["items"]) > max(MAX_ITEMS, lines_before):
        raise OrderTooLarge(f"El pedido tendría más de {MAX_ITEMS} líneas.")
    if size > MAX_ORDER_BYTES and _adds(before, event, size):
        raise OrderTooLarge(f"El pedido pasaría de {MAX_ORDER_BYTES // 1024} KiB.")


def _adds(before: Order | None, event: Json, size: int) -> bool:
    if event["tipo"] == NEW_ORDER:
        # A known order's is the service's own: it was paid.
        return before is None or (before.incomplete and size > _length(before.pedido))
    return event["tipo"] == ITEM_CHANGED and _adds_to_line(before, event)


def _adds_to_line(before: Order | None, event: Json) -> bool:
    line: Json | None = event["item"]
    if line is None:
        return False
    old = _line(before, event["item_id"]) if before is not None else None
    return old is None or line["cantidad"] > old["cantidad"] or _length(_texts(line)) > _length(_texts(old))


def _line(order: Order, line_id: int) -> Json | None:
    return next((line for line in order.pedido["items"] if line["id"] == line_id), None)


def _texts(line: Json) -> Json:
    """Returns what a line says. Its numbers and its state may need more characters for less."""
    return {name: value for name, value in line.items() if name not in _NO_TEXT}


def _length(value: Json | None) -> int:
    return len(encode(value)) if value is not None else 0


_NO_TEXT = frozenset({"cantidad", "precio_unitario", "subtotal", "estado_item", "ronda", *LINE_MARKS})
