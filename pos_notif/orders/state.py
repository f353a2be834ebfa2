"""The orders' state: a pure fold over the log, and the views of it. It needs no clock, no database and no request.

`apply` gives the order after a completed event (`orders/completion.py`); `fold` does the same from a stored one, for a
rebuild.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple, NewType

from .. import events
from ..clock import SteadyMs, parse_iso
from ..events import (
    AT_TABLE,
    AWAITING_PAYMENT,
    BEFORE_READY,
    BEFORE_SERVED,
    CANCELLED,
    CARRIES_ORDER,
    COOKING,
    DINE_IN,
    IN_KITCHEN,
    ITEM_CHANGED,
    KITCHEN,
    MANAGER,
    NEW_ORDER,
    OPEN,
    ORDER_READY,
    PENDING,
    READY,
    RECEIPT,
    SERVED,
    TABLE_CHANGED,
    TAKEAWAY,
    TILLS,
    TO_COOK,
    TO_GO,
    WAITER,
    WAITERS,
    acknowledgeable,
)
from .details import BEFORE, TABLE, TABLE_BEFORE, table_of
from .made import sent_back
from .numbers import is_own

Json = dict[str, Any]

# The actions whose step may be taken back; those of the kitchen are folded like any change of state.
SERVE, CHARGE, CLOSE, CANCEL = "servir", "cobrar", "cerrar", "cancelar"
FLOOR_STEPS = (SERVE, CHARGE, CLOSE, CANCEL)
UNDOABLE = (*FLOOR_STEPS, READY, "iniciar")

# Who has the waiter's page.
SERVING = (WAITER, MANAGER)

# What any event of an order may tell of it, where the order does not know it yet.
DETAILS = ("mesa_numero", "cliente_nombre", "mesero")


class Order(NamedTuple):
    """`pedido` is what travels; the rest is bookkeeping that the log implies and no reader sees. Its times are the wall
    clock's, as its events have them."""

    pedido: Json
    first_event_id: int
    last_event_ms: int
    ready_ms: int | None = None
    kitchen_had_it: bool = False
    # No event has said the state yet: a stub made by a change to a line, or of its table.
    state_assumed: bool = False

    @property
    def state(self) -> str:
        state: str = self.pedido["estado"]
        return state

    @property
    def takeaway(self) -> bool:
        """Tells whether it is packed and handed over at the till: a delivery is."""
        return self.pedido["tipo"] in TO_GO

    @property
    def incomplete(self) -> bool:
        return bool(self.pedido.get("incompleto", False))


# An order whose times are by the steady clock instead: what is decided by how long ago something was is given this one.
SteadyOrder = NewType("SteadyOrder", Order)


@dataclass(frozen=True, slots=True)
class ViewLimits:
    """How long views hold an order, in milliseconds: none does after `view_ms` without an event (0: no limit), but the
    till's one that is `owed`; and the kitchen's holds a ready order for `ready_ms`."""

    view_ms: int
    ready_ms: int

    def since(self, now: SteadyMs) -> SteadyMs:
        """Returns when an order must have had its last event for a view to hold it now."""
        return SteadyMs(now - self.view_ms if self.view_ms else 0)


def views_holding(order: SteadyOrder | None, now: SteadyMs, limits: ViewLimits) -> set[str]:
    """Returns the rooms whose view holds the order (docs/protocol.md, section 9, "Views")."""
    if order is None:
        return set()
    if order.last_event_ms < limits.since(now):
        return {TILLS} if owed(order) else set()
    views = set()
    state = order.state
    if (
        state in TO_COOK
        or (state == READY and (order.ready_ms or 0) >= now - limits.ready_ms)
        or (state == CANCELLED and order.kitchen_had_it and "entendido_at" not in order.pedido)
    ):
        views.add(KITCHEN)
    if state in (AWAITING_PAYMENT, SERVED) or (state == READY and order.takeaway):
        views.add(TILLS)
    if state == READY or (state in OPEN and attendant(order).get("rol") in SERVING):
        views.add(WAITERS)
    return views


def owed(order: Order) -> bool:
    """Tells whether the order was placed here and is to be paid still: no time takes it out of the till's view. One of
    an older version, which did not say who attends it, leaves as it did."""
    pedido = order.pedido
    return is_own(pedido["id"]) and "atiende" in pedido and order.state in OPEN and not pedido.get("pagado_at")


def waiter_sees(order: Order, user_id: int | None) -> bool:
    """Tells whether one waiter is shown an order of the waiters' view: one that is ready, or that he attends."""
    return order.state == READY or (user_id is not None and attendant(order).get("usuario_id") == user_id)


def attendant(order: Order) -> Json:
    """Returns who attends an order: who made it here, until somebody takes it. An empty object where nobody is known: a
    publisher's own `creado_por` may be anything."""
    found = order.pedido.get("atiende") or order.pedido.get("creado_por")
    return found if isinstance(found, dict) else {}


def fold(order: Order | None, event: Json) -> Order | None:
    """Returns the order after a stored event, which has `salas`; one that is about no order leaves it as it was."""
    if event["tipo"] == RECEIPT and order is not None:
        return acknowledge(order, event)
    if "version" not in event:
        return order
    after = apply(order, event)
    if event["tipo"] in CARRIES_ORDER:
        return after._replace(pedido=event["pedido"])
    return await_receipt(after, event, event["salas"])


def await_receipt(order: Order, event: Json, rooms: Collection[str]) -> Order:
    """Returns the order with the event among those that a kitchen screen has yet to acknowledge, where it is one."""
    if KITCHEN not in rooms or not acknowledgeable(event):
        return order
    pedido = {**order.pedido, "por_acusar": [*order.pedido["por_acusar"], event["id"]]}
    return Order(pedido, *order[1:])  # half the time of `_replace`, for each new order


def acknowledge(order: Order, receipt: Json) -> Order:
    """Returns the order after an `acuse_recibo`: `visto_at` is when the kitchen last saw something new of it."""
    waiting = [event_id for event_id in order.pedido["por_acusar"] if event_id != receipt["evento_id"]]
    after = {**order.pedido, "por_acusar": waiting}
    if len(waiting) < len(order.pedido["por_acusar"]):
        after["visto_at"] = receipt["timestamp"]
    if receipt["entendido"] and order.state == CANCELLED:
        after["entendido_at"] = receipt["timestamp"]
    return order._replace(pedido=after)


def apply(order: Order | None, event: Json) -> Order:
    """Returns the order after a completed event with `id`, `timestamp` and `version`. The order given stays as it is.
    Raises ValueError for an event of no order."""
    now_ms = parse_iso(event["timestamp"])
    kind = event["tipo"]
    if kind == NEW_ORDER:
        before = order.pedido if order is not None else event["pedido"]  # it tells all of the order itself
    else:
        before = _with_details(order.pedido, event) if order is not None else _stub(event)
    match kind:
        case events.NEW_ORDER:
            after = dict(event["pedido"])
        case events.STATE_CHANGE if takes_over(event):
            name = event["atiende"].get("username")
            after = {**before, "atiende": event["atiende"], "mesero": name or before["mesero"]}
        case events.STATE_CHANGE if takes_back(event):
            after = _taken_back(before, event)
        case events.STATE_CHANGE:
            after = _with_state(before, event["estado"], event)
            if event.get("pagado_at"):
                after["pagado_at"] = event["pagado_at"]
        case events.ORDER_READY:
            ready = set(event["items_listos_ids"])
            after = before if event["parcial"] else _with_state(before, READY, event)
            after = {**after, "items": [_ready_line(line, ready) for line in after["items"]]}
        case events.ITEM_CHANGED:
            after = {**before, "items": with_line(before["items"], event)}
            after.update({name: event[name] for name in ("subtotal", "impuesto", "total")})
        case events.ORDER_CANCELLED:
            after = {**_with_state(before, CANCELLED, event), "razon": event["razon"]}
        case events.TABLE_CHANGED:
            after = dict(before)
        case _:
            raise ValueError(f"no event of an order: {kind}")
    after["version"] = event["version"]
    state = after["estado"]
    undone, silent = takes_back(event), event.get("sin_cocina") is True
    if silent:
        after["por_acusar"] = []
    was_ready = order.ready_ms if order is not None else None
    since = parse_iso(after["listo_at"]) if undone and after.get("listo_at") else now_ms
    unknown_and_cancelled = order is None and state == CANCELLED
    return Order(
        pedido=after,
        first_event_id=order.first_event_id if order is not None else event["id"],
        last_event_ms=now_ms,
        ready_ms=(was_ready if before["estado"] == READY and was_ready else since) if state == READY else None,
        kitchen_had_it=(order is not None and order.kitchen_had_it and not silent)
        or state in IN_KITCHEN
        or unknown_and_cancelled
        or (undone and state == SERVED),
        state_assumed=(order is None or order.state_assumed)
        and (kind in (ITEM_CHANGED, TABLE_CHANGED) or (kind == ORDER_READY and event["parcial"])),
    )


def takes_over(event: Json) -> bool:
    """Tells whether the event says no more than who attends the order from now on."""
    return isinstance(event.get("atiende"), dict) and event["estado"] == event["estado_anterior"]


def takes_back(event: Json) -> bool:
    """Tells whether the event takes a step at the tables or the till back."""
    return event.get("deshecho") is True and event.get("deshace") in FLOOR_STEPS


def _taken_back(pedido: Json, event: Json) -> Json:
    """Returns the order as if the step had not been: with its times, and the lines as the event says."""
    step, state = event["deshace"], event["estado"]
    after = {**pedido, "estado": state}
    gone = {SERVE: ("servido_at",), CHARGE: ("pagado_at",), CANCEL: ("razon", "entendido_at")}.get(step, ())
    for name in gone:
        after.pop(name, None)
    if state == AWAITING_PAYMENT and step == CHARGE:
        # The next payment sends it to the kitchen anew: what was seen of this one counts no more.
        after["por_acusar"] = []
        after.pop("visto_at", None)
    was = CANCELLED if step == CANCEL else SERVED
    states = {line_id: READY for line_id in event.get("items_listos_ids", ())}
    states.update((line_id, PENDING) for line_id in event.get("items_pendientes_ids", ()))
    after["items"] = [_line_as(line, (was,), states.get(line["id"], was)) for line in pedido["items"]]
    return after


def _stub(event: Json) -> Json:
    """Returns an order of which only this event is known: without lines, and at a table where the event does not say
    otherwise."""
    stub = {
        "id": event["pedido_id"],
        "numero": event["pedido_id"],
        "mesa_numero": event.get("mesa_numero"),
        "tipo": event.get("tipo_servicio") or DINE_IN,
        "tipo_pago": "anticipado" if event.get("tipo_servicio") == TAKEAWAY else "al_final",
        "cliente_nombre": event.get("cliente_nombre"),
        "mesero": event.get("mesero"),
        "notas": None,
        "estado": AT_TABLE,
        "items": [],
        "subtotal": None,
        "impuesto": None,
        "total": None,
        "timestamp": event["timestamp"],
        "por_acusar": [],
        "incompleto": True,
    }
    return _at_table(stub, event, None)


def _with_details(pedido: Json, event: Json) -> Json:
    """Returns the order with what the event says of it: where the order does not know it yet, or where the event says
    that it changes it."""
    news = {name: event[name] for name in DETAILS if pedido[name] is None and event.get(name) is not None}
    news |= {name: event[name] for name, before in BEFORE.items() if _changes(event, before, pedido[name], {name})}
    return _at_table({**pedido, **news} if news else pedido, event, table_of(pedido))


def _changes(event: Json, mark: str, was: Any, names: Collection[str]) -> bool:
    """Tells whether the event says one of `names` anew, and has the service's mark of that: what it `was`. An earlier
    version kept a publisher's own member of the mark's name, and followed none: one that says otherwise is such."""
    return mark in event and bool(event[mark] == was) and any(name in event for name in names)


def _at_table(pedido: Json, event: Json, was: str | int | None) -> Json:
    """Returns the order, whose table `was` this, at the table of an event that moves it; a table is its number and its
    name together."""
    if not _changes(event, TABLE_BEFORE, was, TABLE):
        return pedido
    after = {**pedido, "mesa_numero": event.get("mesa_numero")}
    after.pop("mesa", None)
    return {**after, "mesa": event["mesa"]} if event.get("mesa") is not None else after


def _with_state(pedido: Json, state: str, event: Json) -> Json:
    at = event["timestamp"]
    after = {**pedido, "estado": state}
    if state in BEFORE_READY:
        after.pop("listo_at", None)
    if state in BEFORE_SERVED:
        after.pop("servido_at", None)
    items = after["items"]
    if pedido["estado"] == CANCELLED and state != CANCELLED:
        # Taken back: its lines are to be made after all, and it can be cancelled anew.
        for name in ("razon", "entendido_at"):
            after.pop(name, None)
        items = [_line_as(line, (CANCELLED,), PENDING) for line in items]
    if state == COOKING:
        after.setdefault("cocina_at", at)  # a recalled order's clock keeps its first start
        if event.get("recuperado"):
            after["recuperado_at"] = at
            after.pop("recuperado_razon", None)
            if event.get("razon"):
                after["recuperado_razon"] = event["razon"]
            items = _recalled(items, event)
        else:
            # `deshacer` takes back what had just become ready.
            again = event.get("items_pendientes_ids") or ()
            items = [_line_as(line, (READY,), PENDING) if line["id"] in again else line for line in items]
        if event.get("ronda"):
            after["ronda"], after["ronda_at"] = event["ronda"], at
    elif state == READY and pedido["estado"] != READY:
        after["listo_at"] = at
    elif state == SERVED:
        after.setdefault("servido_at", at)
    return {**after, "items": lines_of(state, items)}


def _recalled(lines: list[Json], event: Json) -> list[Json]:
    """Returns the lines after a recall: those that the event names are to be made anew, or all where it names none."""
    ids, reason = event.get("items_pendientes_ids"), event.get("razon")
    if ids is None:
        return [sent_back(line, reason) for line in lines]
    return [
        sent_back(line, reason) if line["id"] in ids and line["estado_item"] in (READY, SERVED) else line
        for line in lines
    ]


def lines_of(state: str, lines: list[Json]) -> list[Json]:
    """Returns the lines as they are in an order of this state: a ready order has no pending line, and so on."""
    earlier = _LINES_BEFORE.get(state)
    if earlier is None:
        return lines
    return [_line_as(line, earlier, state) for line in lines]


_LINES_BEFORE = {
    READY: (PENDING,),
    SERVED: (PENDING, READY),
    CANCELLED: (PENDING, READY),
}


def _line_as(line: Json, states: tuple[str, ...], state: str) -> Json:
    return {**line, "estado_item": state} if line["estado_item"] in states else line


def _ready_line(line: Json, ready: set[int]) -> Json:
    return _line_as(line, (PENDING,), READY) if line["id"] in ready else line


def with_line(lines: list[Json], event: Json) -> list[Json]:
    """Returns the lines after an `item_modificado`."""
    line_id, item = event["item_id"], event["item"]
    if removes_line(event["cambios"]):
        return [line for line in lines if line["id"] != line_id]
    if item is None:
        return lines
    if all(line["id"] != line_id for line in lines):
        return [*lines, item]
    return [item if line["id"] == line_id else line for line in lines]


def removes_line(changes: Json) -> bool:
    kind = changes["tipo_cambio"]
    return bool(kind == "item_removido" or (kind == "cantidad_modificada" and changes.get("cantidad_nueva") == 0))
