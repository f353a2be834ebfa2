"""A table orders again: what is to be made then is another round of its order, with a clock of its own.

An order whose dishes are all made is out of the kitchen's sight. Where a line of it is to be made, it goes back
`en_cocina` first, by an event of its own: which rooms hear of the line, and who is to acknowledge it, is decided on the
order as it is then.
"""

from __future__ import annotations

from ..events import AWAITING_PAYMENT, COOKING, NEW_ORDER, PAID, READY, SERVED, STATE_CHANGE, TO_COOK
from .made import anything_to_make, left_to_make, round_of, to_make
from .state import Json, Order


def begins_round(order: Order, change: Json) -> bool:
    """Tells whether a completed change to a line begins a round: it leaves something to be made, of an order that had
    nothing more to be made."""
    line: Json | None = change["item"]
    if line is None or to_make(line) <= 0:
        return False
    if order.state in (READY, SERVED):
        return True
    # Every dish of it was said to be ready, and nobody has said so of the order. Who takes that back orders nothing.
    lines = order.pedido["items"]
    taken_back = change["cambios"]["tipo_cambio"] == "item_pendiente"
    return order.state == COOKING and _any_made(lines) and not anything_to_make(lines) and not taken_back


def _any_made(lines: list[Json]) -> bool:
    return any(line["estado_item"] in (READY, SERVED) for line in lines)


def round_draft(order: Order) -> Json:
    """Returns the draft of the event by which the order goes back to the kitchen."""
    return {"tipo": STATE_CHANGE, "pedido_id": order.pedido["id"], "estado": COOKING}


def round_marks(order: Order) -> Json:
    """Returns what the service says in that event: which round it is, and that it brings the kitchen work."""
    return {"ronda": round_of(order.pedido) + 1, "por_hacer": True}


def brings_work(before: Order | None, after: Order, event: Json) -> bool:
    """Tells whether a change of state gives the kitchen something to make that it had not to make before, so that it
    rings and a kitchen screen is to acknowledge it. Not where the kitchen takes back what it said to be ready, nor for
    the payment that a `nuevo_pedido` follows."""
    if after.state not in TO_COOK or (before is not None and before.state == AWAITING_PAYMENT and after.state == PAID):
        return False
    if before is None:
        return True
    if event.get("items_pendientes_ids") is not None and not event["recuperado"]:
        return False
    in_kitchen = before.state in TO_COOK
    if not after.pedido["items"]:
        return not in_kitchen
    known = left_to_make(before.pedido["items"]) if in_kitchen else {}
    return any(amount > known.get(line_id, 0) for line_id, amount in left_to_make(after.pedido["items"]).items())


def arrives_made(event: Json) -> bool:
    """Tells whether an order comes with lines of which nothing is to be made: a cook has nothing to see of it. What an
    order without any lines asks for is not known."""
    lines = event["pedido"]["items"] if event["tipo"] == NEW_ORDER else ()
    return bool(lines) and not anything_to_make(lines)


def unseen(order: Order) -> Order:
    """Returns the order as one of which the kitchen has seen nothing: what it is to make now is news. What was not
    acknowledged before stands in the same ticket, and is seen with it."""
    pedido = {name: value for name, value in order.pedido.items() if name != "visto_at"}
    return order._replace(pedido={**pedido, "por_acusar": []})
