"""Writes what a group of publications has come to."""

from __future__ import annotations

import sqlite3

from ..database.inserting import insert_rows
from ..wire.json_text import encode
from .tables.events import EVENT_COLUMNS
from .tables.menu import save_products
from .tables.orders import save_orders
from .tables.said import save_said
from .transaction import Pending


def write_rows(connection: sqlite3.Connection, pending: Pending) -> None:
    """Writes all that is pending, and the log's new head."""
    insert_rows(connection, f"INSERT INTO events ({EVENT_COLUMNS}, hash)", pending.rows)
    save_orders(connection, pending.orders)
    save_said(connection, pending.said)
    if pending.products:
        save_products(connection, pending.products.values())
    insert_rows(
        connection,
        # A key whose events were pruned may be used anew before it is deleted.
        "INSERT OR REPLACE INTO idempotency_keys (publisher, route, key, digest, event_ids, last_event_id)",
        [(*name, digest, encode(ids).decode(), max(ids)) for name, (digest, ids) in pending.keys.items()],
    )
    for (owner, order_id), after in pending.follows.items():
        column = f"{owner.kind}_id"
        connection.execute(
            f"DELETE FROM subscriptions WHERE {column} = ? AND client = ? AND order_id = ?",
            (owner.id, owner.client, order_id),
        )
        if after is not None:
            connection.execute(
                f"INSERT INTO subscriptions ({column}, client, order_id, after_id) VALUES (?, ?, ?, ?)",
                (owner.id, owner.client, order_id, after),
            )
    connection.execute(
        "UPDATE log SET head_id = ?, head_hash = ?, subscriptions_version = subscriptions_version + ?",
        (pending.head_id, pending.head_hash, len(pending.follows)),
    )
