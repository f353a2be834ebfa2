"""What a pruning leaves in place of what it takes: `poda` events with the orders that go on (docs/protocol.md,
section 12). All of it is pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..events import PRUNING
from ..orders.state import Order
from ..wire.json_text import dump

Json = dict[str, Any]

# An event of the log is at most so long, whatever is published; an order that is longer has an event of its own.
PART_BYTES = 256 * 1024
# For what else stands in the event, `salas` included.
_HEAD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Cut:
    """The log is to begin after `up_to`, whose hash is `anchor_hash`. So many `rows` go; no order that the service
    numbered had a greater id than `last_own_order` then, and the last number of this business `day` was
    `last_number`."""

    up_to: int
    anchor_hash: str
    rows: int
    last_own_order: int
    day: date
    last_number: int


def prunings(cut: Cut, orders: Iterable[Order]) -> list[Json]:
    """Returns the set of `poda` events, complete but for `id` and `timestamp`: at least one, each with as many of the
    orders as it has room for."""
    parts: list[list[Order]] = [[]]
    size = _HEAD_BYTES
    for order in orders:
        length = len(dump(order.pedido).encode()) + len(dump(_context(order))) + 2
        if parts[-1] and size + length > PART_BYTES:
            parts.append([])
            size = _HEAD_BYTES
        parts[-1].append(order)
        size += length
    return [
        {
            "tipo": PRUNING,
            "hasta_id": cut.up_to,
            "ancla_hash": cut.anchor_hash,
            "filas": cut.rows,
            "parte": number,
            "partes": len(parts),
            "ultimo_pedido_propio": cut.last_own_order,
            "dia_negocio": cut.day.isoformat(),
            "ultimo_numero": cut.last_number,
            "pedidos_abiertos": [order.pedido for order in part],
            "contexto": [_context(order) for order in part],
        }
        for number, part in enumerate(parts, 1)
    ]


def carried(event: Json) -> Iterator[Order]:
    """Yields the orders that a `poda` event carries, as they stood at its `hasta_id`."""
    for pedido, context in zip(event["pedidos_abiertos"], event["contexto"], strict=True):
        yield Order(
            pedido,
            context["primer_evento_id"],
            context["ultimo_evento_ms"],
            context["listo_ms"],
            context["cocina_lo_tuvo"],
            context["estado_supuesto"],
        )


def _context(order: Order) -> Json:
    """Returns what the fold knows of an order beside its `pedido`."""
    return {
        "primer_evento_id": order.first_event_id,
        "ultimo_evento_ms": order.last_event_ms,
        "listo_ms": order.ready_ms,
        "cocina_lo_tuvo": order.kitchen_had_it,
        "estado_supuesto": order.state_assumed,
    }
