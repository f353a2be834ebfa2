"""Receipts: a kitchen screen has drawn an event (docs/protocol.md, section 17). Runs inside the log's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from ..clock import iso
from ..errors import Invalid
from ..events import CANCELLED, KITCHEN, RECEIPT, acknowledgeable, cancels
from ..log.event_log import LoggedEvent, Transaction
from ..orders import state as orders
from ..orders.routing import rooms_for_receipt
from ..orders.state import Order

MAX_RECEIPTS = 500


class Receipts:
    """Appends an `acuse_recibo` for the first receipt of each event, and for the first that says of a cancellation
    that it was understood. Call it with the transaction; it tells how many it appended. Raises Invalid, with nothing
    kept."""

    def __init__(
        self, event_ids: Sequence[int], *, understood: bool, actor: dict[str, Any], now_ms: int, zone: tzinfo
    ) -> None:
        self._event_ids = event_ids
        self._understood = understood
        self._actor = actor
        self._now_ms = now_ms
        self._zone = zone

    def __call__(self, transaction: Transaction) -> int:
        appended = 0
        for index, event_id in enumerate(self._event_ids):
            event = transaction.event(event_id)
            order = transaction.order(event.order_id) if event is not None and event.order_id is not None else None
            if event is None or order is None or not _may_be(event):
                raise Invalid(fields={f"evento_ids.{index}": f"el evento {event_id} no se puede acusar"})
            appended += self._acknowledge(transaction, event, order)
        return appended

    def _acknowledge(self, transaction: Transaction, event: LoggedEvent, order: Order) -> int:
        first = event.id in order.pedido["por_acusar"]
        understood = (
            self._understood
            and cancels(json.loads(event.json))
            and order.state == CANCELLED
            and "entendido_at" not in order.pedido
        )
        if not first and not understood:
            return 0
        receipt = {
            "id": transaction.next_id(),
            "tipo": RECEIPT,
            "timestamp": iso(self._now_ms, self._zone),
            "pedido_id": order.pedido["id"],
            "actor": self._actor,
            "evento_id": event.id,
            "segundos": max(0, self._now_ms - event.ms) // 1000,
            "entendido": understood,
        }
        after = orders.acknowledge(order, receipt)
        rooms = rooms_for_receipt(takeaway=order.takeaway, understood=understood)
        transaction.append(receipt, rooms, self._now_ms, after)
        return 1


def _may_be(event: LoggedEvent) -> bool:
    return KITCHEN in event.filtered_rooms and acknowledgeable(json.loads(event.json))
