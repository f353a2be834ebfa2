"""The steps of a pruning in SQLite, each a short one: what would go, which orders go on, and taking rows out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...events import OPEN, PRUNING
from ...orders.state import Order
from .events import read_bounds
from .fold import Fold
from .orders import delete_pruned, find_order

PAGE_ROWS = 1000
PAGE_ORDERS = 100
# A batch holds up the writer for some milliseconds.
BATCH_ROWS = 300
# On a disk that is nearly full: what it changes is written beside the file before it is written into it.
SMALL_BATCH_ROWS = 20


@dataclass(slots=True)
class Prefix:
    """The events that go: those before the first that is young enough. `head` is where the log ended meanwhile."""

    oldest: int
    head: int
    up_to: int
    anchor_hash: str = ""
    rows: int = 0
    order_ids: set[int] = field(default_factory=set)
    # Whether there is more in it than earlier prunings.
    worth_it: bool = False

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Prefix:
        """Begins with nothing; but the orders that an earlier pruning carries are in question too."""
        bounds = read_bounds(connection)
        prefix = cls(bounds.oldest, bounds.newest, bounds.oldest - 1)
        prefix.order_ids.update(Fold(connection).carried_ids)
        return prefix

    def extend(self, connection: sqlite3.Connection, before_ms: int) -> bool:
        """Takes in a page of rows that are older than `before_ms`. Returns whether there may be more."""
        found = connection.execute(
            "SELECT id, ms, type, order_id, hash FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (self.up_to, self.head, PAGE_ROWS),
        ).fetchall()
        for event_id, ms, kind, order_id, own_hash in found:
            if ms >= before_ms:
                return False
            self.up_to, self.anchor_hash = event_id, own_hash
            self.rows += 1
            self.worth_it = self.worth_it or kind != PRUNING
            if order_id is not None:
                self.order_ids.add(order_id)
        return len(found) == PAGE_ROWS


def orders_going_on(connection: sqlite3.Connection, fold: Fold, ids: Sequence[int], up_to: int) -> list[Order]:
    """Returns those of the orders that were open after the event `up_to` or have later events, as they stood after
    it."""
    going_on = []
    for order_id in ids:
        later = connection.execute(
            "SELECT 1 FROM events WHERE order_id = ? AND id > ? LIMIT 1", (order_id, up_to)
        ).fetchone()
        order = fold.order(order_id, up_to) if later else find_order(connection, order_id)
        if order is not None and (later or order.state in OPEN):
            going_on.append(order)
    return going_on


def delete_batch(connection: sqlite3.Connection, limit: int = BATCH_ROWS) -> int:
    """Deletes some rows below the oldest kept event, `limit` at most, with the orders and keys that only they knew.
    Returns how many rows went."""
    oldest = read_bounds(connection).oldest
    rows = connection.execute(
        "SELECT id, order_id FROM events WHERE id < ? ORDER BY id LIMIT ?", (oldest, limit)
    ).fetchall()
    if rows:
        last = rows[-1][0]
        delete_pruned(connection, {order_id for _, order_id in rows if order_id is not None})
        connection.execute("DELETE FROM idempotency_keys WHERE last_event_id <= ?", (last,))
        connection.execute("DELETE FROM events WHERE id <= ?", (last,))
    return len(rows)
