"""A rehearsal: what a publication would append, without its being kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..log.event_log import Transaction
from ..wire.json_text import dump
from .publication import Publication

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`events` are the JSON of each event that would be appended, as it would be stored, with `salas`; `orders` what
    their orders would be after them. `duplicate` says that all has been published before, and nothing would be."""

    events: list[str]
    orders: list[Json]
    duplicate: bool

    @classmethod
    def of(cls, publication: Publication, transaction: Transaction) -> Rehearsal:
        """Publishes into a transaction of which nothing is kept. Raises what publishing raises."""
        published = publication.append_to(transaction)
        orders = [order.pedido for order in transaction.changed_orders()]
        return cls(transaction.appended(), orders, all(published.duplicates))

    def json(self) -> str:
        """Returns the rehearsal's answer as JSON (docs/protocol.md, section 7)."""
        events = ",".join(self.events)
        return f'{{"eventos":[{events}],"pedidos":{dump(self.orders)},"duplicado":{dump(self.duplicate)}}}'
