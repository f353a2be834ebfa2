"""The service's own events (`evento_sistema`): a module of its own, since pruning and downloads need no order rules."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import tzinfo

from ..clock import Instant, iso
from ..log.event_log import Transaction
from ..orders.state import Json, Order


def append_system(
    transaction: Transaction,
    tipo: str,
    fields: Json,
    *,
    at: Instant,
    zone: tzinfo,
    rooms: Collection[str] = (),
    after: Callable[[Json], Order] | None = None,
) -> None:
    """Appends an event of the service itself, for the managers and for `rooms`. `after(event)` is its order after it,
    where it is about one."""
    at = at.not_before(transaction.newest_ms())
    event = {"id": transaction.next_id(), "tipo": tipo, "timestamp": iso(at.ms, zone), **fields}
    transaction.append(event, set(rooms), at, after(event) if after is not None else None)
