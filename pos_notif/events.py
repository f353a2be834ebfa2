"""The words that travel: roles, rooms, services, event types and order states (docs/protocol.md, sections 2, 3 and 16).

Each is listed here and nowhere else, with the words that people read for it; a set of states or types by which more
than one module decides stands beside its list. A `case` names a word by the module (`case events.READY`): a bare name
would match everything. `tests/contract/test_words.py` holds all this, and that a type or a state which is added here
gets its row in every table that has one for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Roles and rooms

ROLE_ROOM = {"cocinero": "cocina", "mesero": "meseros", "cajero": "cajeros", "manager": "managers"}
ROLES = tuple(ROLE_ROOM)
COOK, WAITER, CASHIER, MANAGER = ROLES

KITCHEN, WAITERS, TILLS, MANAGERS = "cocina", "meseros", "cajeros", "managers"
# In the order in which an event's `salas` lists them.
FILTERED_ROOMS = (KITCHEN, WAITERS, TILLS)
ORDER_ROOM = "pedido_"


def order_room(order_id: int) -> str:
    return f"{ORDER_ROOM}{order_id}"


def may_read(session_role: str, role: str) -> bool:
    """Tells whether a session may read a role's room: its own role's, or a manager's session any."""
    return session_role in (role, MANAGER)


# Kinds of service: where an order goes

DINE_IN, TAKEAWAY, DELIVERY = SERVICES = ("mesa", "llevar", "domicilio")
TO_GO = (TAKEAWAY, DELIVERY)  # packed, and handed over at the till

# States

AWAITING_PAYMENT = "pendiente_pago"
PAID = "pagado"
AT_TABLE = "en_mesa"
COOKING = "en_cocina"
READY = "listo"
SERVED = "servido"
CLOSED = "cerrado"
CANCELLED = "cancelado"
# In the order in which an order goes through them.
STATE_WORD = {
    AWAITING_PAYMENT: "por cobrar",
    PAID: "pagado",
    AT_TABLE: "en espera",
    COOKING: "en cocina",
    READY: "listo",
    SERVED: "servido",
    CLOSED: "cerrado",
    CANCELLED: "cancelado",
}
STATES = tuple(STATE_WORD)

OVER = (CLOSED, CANCELLED)
OPEN = tuple(state for state in STATES if state not in OVER)
COOKABLE = (PAID, AT_TABLE)  # nobody has begun it
TO_COOK = (*COOKABLE, COOKING)
IN_KITCHEN = (*TO_COOK, READY)  # a cook is to see what changes
ON_BOARD = (*IN_KITCHEN, CANCELLED)  # the kitchen's view may hold it
FIRST_STATES = (AWAITING_PAYMENT, *COOKABLE)  # a publisher's new order may be in one of them
BEFORE_READY = (AWAITING_PAYMENT, *TO_COOK)
BEFORE_SERVED = (*BEFORE_READY, READY)

# A line is pending until it has one of the order's last states.
PENDING = "pendiente"
LINE_STATES = (PENDING, READY, SERVED, CANCELLED)

# Types

NEW_ORDER = "nuevo_pedido"
ORDER_READY = "pedido_listo"
STATE_CHANGE = "cambio_estado"
ITEM_CHANGED = "item_modificado"
ORDER_CANCELLED = "pedido_cancelado"
TABLE_CHANGED = "cambio_mesa"
STOCK_ALERT = "alerta_stock"
RECEIPT = "acuse_recibo"
UNSEEN = "sin_acuse"
NO_SCREEN = "sin_pantalla"
SCREEN_BACK = "pantalla_recuperada"
DOWNLOAD = "descarga"
PRUNING = "poda"

OF_ORDER, OF_STOCK, OF_SYSTEM = "evento_pedido", "evento_alerta", "evento_sistema"
EVENT_NAME = {
    NEW_ORDER: OF_ORDER,
    ORDER_READY: OF_ORDER,
    STATE_CHANGE: OF_ORDER,
    ITEM_CHANGED: OF_ORDER,
    ORDER_CANCELLED: OF_ORDER,
    TABLE_CHANGED: OF_ORDER,
    STOCK_ALERT: OF_STOCK,
    RECEIPT: OF_SYSTEM,
    UNSEEN: OF_SYSTEM,
    NO_SCREEN: OF_SYSTEM,
    SCREEN_BACK: OF_SYSTEM,
    DOWNLOAD: OF_SYSTEM,
    PRUNING: OF_SYSTEM,
}
TYPES = tuple(EVENT_NAME)
TYPE_WORD = {
    NEW_ORDER: "Nuevo",
    ORDER_READY: "Listo",
    STATE_CHANGE: "Estado",
    ITEM_CHANGED: "Cambio",
    ORDER_CANCELLED: "Cancelado",
    TABLE_CHANGED: "Mesa",
    STOCK_ALERT: "Existencias",
    RECEIPT: "Visto",
    UNSEEN: "Sin ver",
    NO_SCREEN: "Sin pantalla",
    SCREEN_BACK: "Con pantalla",
    DOWNLOAD: "Descarga",
    PRUNING: "Limpieza",
}

PUBLISHABLE = tuple(kind for kind in TYPES if EVENT_NAME[kind] != OF_SYSTEM)
# They alone raise their order's version.
ORDER_TYPES = tuple(kind for kind in TYPES if EVENT_NAME[kind] == OF_ORDER)
# Their stored events carry the whole order after them.
CARRIES_ORDER = (NEW_ORDER, ORDER_READY, STATE_CHANGE, TABLE_CHANGED)
ALARMS = (UNSEEN, NO_SCREEN, SCREEN_BACK)
_ACKNOWLEDGEABLE = (NEW_ORDER, ITEM_CHANGED, ORDER_CANCELLED, TABLE_CHANGED)


def acknowledgeable(event: Mapping[str, Any]) -> bool:
    """Tells whether a kitchen screen acknowledges the event once it was in sight for a second, where it was
    routed to the kitchen."""
    return event["tipo"] in _ACKNOWLEDGEABLE or cancels(event) or restores(event) or brings_work(event)


def brings_work(event: Mapping[str, Any]) -> bool:
    """Tells whether a change of state gives the kitchen something to make that it had not to make before: the service
    says so when it appends the event."""
    return event["tipo"] == STATE_CHANGE and event.get("por_hacer") is True


def cancels(event: Mapping[str, Any]) -> bool:
    """Tells whether the event cancels its order. A POS may say so in two ways; a cook must have seen it in both."""
    kind = event["tipo"]
    return bool(kind == ORDER_CANCELLED or (kind == STATE_CHANGE and event["estado"] == CANCELLED))


def restores(event: Mapping[str, Any]) -> bool:
    """Tells whether the event takes a cancellation back of what is to be cooked: a cook has put the ticket away."""
    return bool(
        event["tipo"] == STATE_CHANGE
        and event.get("deshecho") is True
        and event.get("deshace") == "cancelar"
        and event["estado"] in TO_COOK
    )
