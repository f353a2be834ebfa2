"""The orders' projection as the log implies it: the newest set of `poda` events, then the rows above its anchor. It
goes an order at a time, so that it needs no memory for all."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right

from ...database.literals import literals
from ...events import PRUNING
from ...orders import state as orders
from ...orders.state import Order
from ..pruning import carried


class Fold:
    """The fold of one snapshot of the database; `renewed` takes it to the next. `up_to` and `anchor_hash` are what the
    newest set of `poda` events says of the log's beginning: 0 and None where there is none."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.up_to = 0
        self.anchor_hash: str | None = None
        self._part_of: dict[int, int] = {}
        # Of one part, since orders are asked for by increasing ids, as the parts hold them.
        self._part: tuple[int, dict[int, Order]] = (0, {})
        self.newest = _newest(connection)
        if self.newest is not None:
            last = self._event(self.newest)
            self.up_to, self.anchor_hash = last["hasta_id"], last["ancla_hash"]
            for event_id in range(self.newest - last["partes"] + 1, self.newest + 1):
                for order in carried(self._event(event_id)):
                    self._part_of[order.pedido["id"]] = event_id
        self.carried_ids = sorted(self._part_of)

    def renewed(self) -> Fold:
        """Returns the fold of the present snapshot: this one where the log was not pruned meanwhile."""
        return self if _newest(self._connection) == self.newest else Fold(self._connection)

    def order(self, order_id: int, up_to: int = 2**63 - 1) -> Order | None:
        """Returns the order as it stands after the event `up_to`."""
        order = self._carried(order_id)
        rows = self._connection.execute(
            "SELECT data FROM events WHERE order_id = ? AND id > ? AND id <= ? ORDER BY id",
            (order_id, self.up_to, up_to),
        )
        for (data,) in rows:
            order = orders.fold(order, json.loads(data))
        return order

    def ids(self, after: int, limit: int) -> list[int]:
        """Returns the ids of the next orders that the log or its projection knows, in order."""
        rows = self._connection.execute(
            "SELECT id FROM orders WHERE id > ?1 UNION SELECT order_id FROM events WHERE order_id > ?1"
            " ORDER BY 1 LIMIT ?2",
            (after, limit),
        )
        carried_ids = self.carried_ids[bisect_right(self.carried_ids, after) :][:limit]
        return sorted({*(row[0] for row in rows), *carried_ids})[:limit]

    def _carried(self, order_id: int) -> Order | None:
        part = self._part_of.get(order_id)
        if part is None:
            return None
        if self._part[0] != part:
            self._part = (part, {order.pedido["id"]: order for order in carried(self._event(part))})
        return self._part[1][order_id]

    def _event(self, event_id: int) -> orders.Json:
        row = self._connection.execute("SELECT data FROM events WHERE id = ?", (event_id,)).fetchone()
        found: orders.Json = json.loads(row[0])
        return found


def _newest(connection: sqlite3.Connection) -> int | None:
    row = connection.execute(
        f"SELECT id FROM events WHERE type = {literals([PRUNING])} AND id >= (SELECT oldest FROM log)"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return row[0] if row else None
