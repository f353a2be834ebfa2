"""Taking a step back that somebody at the tables or the till has just taken (docs/protocol.md, section 9, "Undo"): a
delivery, a payment, a closing, a cancellation. What the kitchen does meanwhile is no step of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..clock import SteadyMs
from ..events import (
    AWAITING_PAYMENT,
    CANCELLED,
    CLOSED,
    IN_KITCHEN,
    ITEM_CHANGED,
    NEW_ORDER,
    OPEN,
    ORDER_READY,
    PAID,
    READY,
    SERVED,
    STATE_CHANGE,
    TABLE_CHANGED,
    cancels,
)
from .state import CANCEL, CHARGE, CLOSE, SERVE, Json, Order, takes_back

UNDO_MS = 60_000


@dataclass(frozen=True, slots=True)
class Step:
    """The newest step at the tables or the till: the action's name, the event that it made, and whether the kitchen
    has done nothing since."""

    name: str
    event: Json
    newest: bool

    def stands(self, order: Order) -> bool:
        """Tells whether the order is still where the step has brought it."""
        if self.name != CHARGE:
            return order.state == {SERVE: SERVED, CLOSE: CLOSED, CANCEL: CANCELLED}[self.name]
        after = self.event["estado"]
        # A table's payment moves no state, and the kitchen goes on as it would have.
        return order.state == after if _moves(self.event) else order.state in OPEN

    def taken_by(self, actor: Json) -> bool:
        """Tells whether this person took the step; a program of no user is known by its name."""
        took = self.event["actor"]
        if actor.get("usuario_id") is not None:
            return bool(took.get("usuario_id") == actor["usuario_id"])
        return took.get("usuario_id") is None and bool(took.get("username") == actor.get("username"))

    def draft(self, order: Order) -> Json:
        """Returns what takes it back, as the fields of a `cambio_estado`."""
        back: Json = {"estado": order.state, "deshecho": True, "deshace": self.name}
        if _moves(self.event):
            back["estado"] = self.event["estado_anterior"]
        if self.name == SERVE:
            # A publisher's does not say which lines it served.
            served = [line["id"] for line in order.pedido["items"] if line["estado_item"] == SERVED]
            back["items_listos_ids"] = self.event.get("items_servidos_ids", served)
        if self.name == CANCEL:
            for name in ("items_pendientes_ids", "items_listos_ids"):
                back[name] = self.event[name]
        return back

    def stock(self) -> dict[int, float]:
        """Returns by product what taking it back takes from the stock, as negative amounts."""
        returned = self.event.get("repuesto", ()) if self.name == CANCEL else ()
        return {row["producto_id"]: -row["cantidad"] for row in returned}


def newest_step(events: Iterable[tuple[Json, SteadyMs]], now: SteadyMs) -> Step | None:
    """Returns the step that may be taken back by its time, from the order's events, the newest first; None where the
    newest that is not the kitchen's is another, or is too old."""
    newest = True
    for event, at in events:
        if at < now - UNDO_MS:
            return None
        if _follows(event):
            continue
        if not _is_kitchens(event):
            name = _name(event)
            return Step(name, event, newest) if name is not None else None
        newest = False
    return None


def _follows(event: Json) -> bool:
    """Tells whether the event is but the second half of a step, or that the guests sit elsewhere: no step is another
    for that."""
    kind = event["tipo"]
    return kind == TABLE_CHANGED or bool(
        (kind == NEW_ORDER and event.get("liberado")) or (kind == ORDER_READY and not event.get("parcial"))
    )


def _is_kitchens(event: Json) -> bool:
    if event["tipo"] == ITEM_CHANGED:
        return event["cambios"]["tipo_cambio"] in ("item_listo", "item_pendiente")
    if event["tipo"] != STATE_CHANGE:
        return bool(event["tipo"] == ORDER_READY)
    if event.get("deshecho"):
        return not takes_back(event)
    moves = event["estado"] in IN_KITCHEN and event["estado_anterior"] in IN_KITCHEN and _moves(event)
    return moves and not event.get("metodo_pago") and not event.get("recuperado")


def _name(event: Json) -> str | None:
    """Returns the action whose step the event is, or None for what is not taken back."""
    if cancels(event):
        # An older version's does not say which lines it cancelled.
        known = event["estado_anterior"] not in (None, CANCELLED) and "items_pendientes_ids" in event
        return CANCEL if known else None
    if event["tipo"] != STATE_CHANGE or any(event.get(word) for word in ("deshecho", "recuperado", "atiende")):
        return None
    way = (event["estado_anterior"], event["estado"])
    if way == (READY, SERVED):
        return SERVE
    if way == (AWAITING_PAYMENT, PAID):
        return CHARGE
    if way == (SERVED, CLOSED):
        return CHARGE if event.get("metodo_pago") else CLOSE
    return CHARGE if event.get("metodo_pago") and not _moves(event) else None


def _moves(event: Json) -> bool:
    return bool(event["estado_anterior"] != event.get("estado", CANCELLED))
