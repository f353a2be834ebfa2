"""Roles, rooms, event types, and which event goes to which room (docs/protocol.md, sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ROLE_ROOM = {"cocinero": "cocina", "mesero": "meseros", "cajero": "cajeros", "manager": "managers"}
ROLES = tuple(ROLE_ROOM)
COOK, WAITER, CASHIER, MANAGER = ROLES

KITCHEN, WAITERS, TILLS, MANAGERS = "cocina", "meseros", "cajeros", "managers"
# In the order in which an event's `salas` lists them.
FILTERED_ROOMS = (KITCHEN, WAITERS, TILLS)

EVENT_NAME = {
    "nuevo_pedido": "evento_pedido",
    "pedido_listo": "evento_pedido",
    "cambio_estado": "evento_pedido",
    "item_modificado": "evento_pedido",
    "pedido_cancelado": "evento_pedido",
    "alerta_stock": "evento_alerta",
    "acuse_recibo": "evento_sistema",
    "sin_acuse": "evento_sistema",
    "sin_pantalla": "evento_sistema",
    "pantalla_recuperada": "evento_sistema",
    "descarga": "evento_sistema",
    "poda": "evento_sistema",
}
PUBLISHABLE = tuple(tipo for tipo, name in EVENT_NAME.items() if name != "evento_sistema")
RECEIPT = "acuse_recibo"
CANCELLED = "cancelado"
_ACKNOWLEDGEABLE = frozenset({"nuevo_pedido", "item_modificado", "pedido_cancelado"})

_KITCHEN_STATES = frozenset({"pagado", "en_mesa", "en_cocina", "listo"})
_COOKABLE_STATES = frozenset({"pagado", "en_mesa"})


def may_read(session_role: str, role: str) -> bool:
    """A role reads its own room; a manager any."""
    return session_role in (role, MANAGER)


def acknowledgeable(event: Mapping[str, Any]) -> bool:
    """What a kitchen screen acknowledges once it has drawn it, where it was routed to the kitchen."""
    return event["tipo"] in _ACKNOWLEDGEABLE or cancels(event)


def cancels(event: Mapping[str, Any]) -> bool:
    """A POS may say that an order is cancelled in either way; a cook must have seen it in both."""
    kind = event["tipo"]
    return bool(kind == "pedido_cancelado" or (kind == "cambio_estado" and event["estado"] == CANCELLED))


def rooms_for_receipt(*, takeaway: bool, understood: bool) -> set[str]:
    return {WAITERS} | ({TILLS} if takeaway else set()) | ({KITCHEN} if understood else set())


def rooms_for_stock(level: str) -> set[str]:
    return set() if level == "bajo" else set(FILTERED_ROOMS)


def rooms_for_order(
    event: Mapping[str, Any],
    *,
    known: bool,
    old_state: str | None,
    new_state: str,
    takeaway: bool,
    held_before: Iterable[str],
    holds_after: Iterable[str],
) -> set[str]:
    """The filtered rooms of an order's event.

    `held_before` and `holds_after` name the rooms whose view held the order before the event and holds it
    after. Each of them gets the event whatever the table says, so that every screen converges.
    """
    return _table(event, known, {old_state, new_state}, new_state, takeaway).union(held_before, holds_after)


def _table(event: Mapping[str, Any], known: bool, states: set[str | None], new_state: str, takeaway: bool) -> set[str]:
    """The table's rows, without what it says of views: that is the rule for all events."""
    rooms: set[str] = set()
    match event["tipo"]:
        case "nuevo_pedido":
            if new_state in _COOKABLE_STATES:
                rooms.add(KITCHEN)
            elif new_state == "pendiente_pago":
                rooms.add(TILLS)
        case "cambio_estado":
            paid = bool(event.get("metodo_pago"))
            if states & _KITCHEN_STATES:
                rooms.add(KITCHEN)
            if "listo" in states or new_state in ("servido", "pagado", "cerrado") or paid:
                rooms.add(WAITERS)
            if new_state in ("pagado", "servido", "cerrado") or (new_state == "listo" and takeaway) or paid:
                rooms.add(TILLS)
        case "pedido_listo":
            rooms |= {KITCHEN, WAITERS}
            if takeaway:
                rooms.add(TILLS)
        case "item_modificado":
            rooms.add(WAITERS)
        case "pedido_cancelado":
            rooms |= {WAITERS, TILLS}
            if not known:
                rooms.add(KITCHEN)
    return rooms


ORDER_ROOM = "pedido_"


def order_room(order_id: int) -> str:
    return f"{ORDER_ROOM}{order_id}"


def all_rooms(filtered: set[str], order_id: int | None) -> list[str]:
    """`salas` as stored: the filtered rooms, `managers`, and the order's own room."""
    rooms = [room for room in FILTERED_ROOMS if room in filtered]
    rooms.append(MANAGERS)
    if order_id is not None:
        rooms.append(order_room(order_id))
    return rooms
