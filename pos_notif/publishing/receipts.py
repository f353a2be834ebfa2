"""Receipts: a kitchen screen had an event in sight (docs/protocol.md, section 17). They are appended inside the log's
transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any

from ..clock import Instant
from ..errors import Invalid
from ..events import CANCELLED, KITCHEN, RECEIPT, acknowledgeable, cancels
from ..log.event_log import LoggedEvent, Transaction
from ..orders import state as orders
from ..orders.routing import rooms_for_receipt
from ..orders.state import Order
from .system_events import append_system

MAX_RECEIPTS = 500


@dataclass(frozen=True, slots=True)
class Receipts:
    """What one screen says that it had in sight. `append_to` appends an `acuse_recibo` for the first receipt of each
    event, and for the first that says of a cancellation that it was understood."""

    event_ids: Sequence[int]
    understood: bool
    actor: dict[str, Any]
    at: Instant
    zone: tzinfo

    def append_to(self, transaction: Transaction) -> int:
        """Runs in the transaction, and tells how many it appended. Raises Invalid, with nothing kept."""
        appended = 0
        for index, event_id in enumerate(self.event_ids):
            event = transaction.event(event_id)
            order = transaction.order(event.order_id) if event is not None and event.order_id is not None else None
            if event is None or order is None or not _may_be(event):
                raise Invalid(fields={f"evento_ids.{index}": f"el evento {event_id} no se puede acusar"})
            appended += self._acknowledge(transaction, event, order)
        return appended

    def _acknowledge(self, transaction: Transaction, event: LoggedEvent, order: Order) -> int:
        first = event.id in order.pedido["por_acusar"]
        understood = (
            self.understood
            and cancels(json.loads(event.json))
            and order.state == CANCELLED
            and "entendido_at" not in order.pedido
        )
        if not first and not understood:
            return 0
        fields = {
            "pedido_id": order.pedido["id"],
            "actor": self.actor,
            "evento_id": event.id,
            "segundos": transaction.seconds_since(event, self.at),
            "entendido": understood,
        }
        append_system(
            transaction, RECEIPT, fields, at=self.at, zone=self.zone,
            rooms=rooms_for_receipt(takeaway=order.takeaway, understood=understood),
            after=partial(orders.acknowledge, order),
        )  # fmt: skip
        return 1


def _may_be(event: LoggedEvent) -> bool:
    return KITCHEN in event.filtered_rooms and acknowledgeable(json.loads(event.json))
