"""Reads a day's events from SQLite, for its figures."""

from __future__ import annotations

import sqlite3
from typing import Any

from pydantic_core import from_json

from ...database.literals import literals
from ...events import OPEN, ORDER_READY, ORDER_TYPES, STATE_CHANGE
from ...orders.state import ViewLimits

# An order's events: they alone raise its version.
_ORDERS_EVENTS = f"""
    SELECT id, ms, type, data FROM events WHERE id > ? AND id < ? AND type IN ({literals(ORDER_TYPES)})
    ORDER BY id LIMIT ?
"""


def first_id_at(connection: sqlite3.Connection, ms: int) -> int:
    """Returns the id from which on events were appended at `ms` or later; above the newest where there are none.

    It halves, since times grow with ids, and reads a few rows by their ids. Where a clock was set back over `ms`, it
    may find either of the places where times pass it.
    """
    low, high = connection.execute("SELECT oldest, head_id + 1 FROM log").fetchone()
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT id, ms FROM events WHERE id >= ? AND id < ? ORDER BY id LIMIT 1", (middle, high)
        ).fetchone()
        if row is None or row[1] >= ms:
            high = middle
        else:
            low = row[0] + 1
    return int(low)


def read_orders_events(
    connection: sqlite3.Connection, after: int, before: int, limit: int
) -> tuple[list[tuple[int, dict[str, Any]]], int, bool]:
    """Returns the next `limit` events of orders between the two ids, each with its time; the id up to which the log has
    been examined; and whether there may be more."""
    newest = connection.execute("SELECT head_id FROM log").fetchone()[0]
    events = []
    for event_id, ms, kind, data in connection.execute(_ORDERS_EVENTS, (after, before, limit)):
        events.append((ms, _event(kind, data)))
        after = event_id
    if len(events) == limit:
        return events, after, True
    return events, max(after, min(newest, before - 1)), False


def _event(kind: str, data: str) -> dict[str, Any]:
    """Returns an event, without the whole order where it says nothing new with that: it stands last, and is the greater
    part of a day's log."""
    end = data.find(',"pedido":{') if kind in (STATE_CHANGE, ORDER_READY) else -1
    if end > 0:
        try:
            return from_json(data[:end] + "}")  # type: ignore[no-any-return]
        except ValueError:
            pass  # it was a publisher's own member, inside of another
    return from_json(data)  # type: ignore[no-any-return]


def count_open(connection: sqlite3.Connection, now_ms: int, limits: ViewLimits) -> dict[str, int]:
    """Counts by state the orders that the snapshot of all open ones holds."""
    since = now_ms - limits.view_ms if limits.view_ms else 0
    sql = (
        f"SELECT state, count(*) FROM orders WHERE state IN ({','.join('?' * len(OPEN))})"
        " AND last_event_ms >= ? GROUP BY state"
    )
    return {**dict.fromkeys(OPEN, 0), **dict(connection.execute(sql, (*OPEN, since)))}
