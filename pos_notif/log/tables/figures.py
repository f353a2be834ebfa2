"""Reads a day's events from SQLite, for its figures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

from pydantic_core import from_json

from ...clock import SteadyMs
from ...database.literals import literals
from ...database.stored_times import StoredTimes
from ...events import OPEN, ORDER_READY, ORDER_TYPES, STATE_CHANGE, TABLE_CHANGED
from ...orders.state import ViewLimits
from .orders import old_unpaid, steady_time

# An order's events: they alone raise its version.
_ORDERS_EVENTS = f"""
    SELECT id, ms, type, data FROM events WHERE id > ? AND id < ? AND type IN ({literals(ORDER_TYPES)})
    ORDER BY id LIMIT ?
"""


def ids_at(connection: sqlite3.Connection, since_ms: int, until_ms: int) -> tuple[int, int]:
    """Returns the first and the last id of the events that were appended from `since_ms` on and before `until_ms`.
    Where there are none, the first is that of the event which came next, and the last is before it.

    Between the two others may lie, since the clock may have been set.
    """
    oldest, newest = connection.execute("SELECT oldest, head_id FROM log").fetchone()
    first, last = connection.execute(
        "SELECT min(id), max(id) FROM events WHERE ms >= ? AND ms < ? AND id >= ?", (since_ms, until_ms, oldest)
    ).fetchone()
    if first is not None:
        return first, last
    following = connection.execute(
        "SELECT id FROM events WHERE ms >= ? AND id >= ? ORDER BY ms, id LIMIT 1", (until_ms, oldest)
    ).fetchone()
    first = following[0] if following is not None else newest + 1
    return first, first - 1


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
    end = data.find(',"pedido":{') if kind in (STATE_CHANGE, ORDER_READY, TABLE_CHANGED) else -1
    if end > 0:
        try:
            return from_json(data[:end] + "}")  # type: ignore[no-any-return]
        except ValueError:
            pass  # it was a publisher's own member, inside of another
    return from_json(data)  # type: ignore[no-any-return]


def count_open(connection: sqlite3.Connection, now: SteadyMs, limits: ViewLimits, times: StoredTimes) -> dict[str, int]:
    """Counts by state the orders that the snapshot of all open ones holds."""
    since = limits.since(now)
    where = f"WHERE state IN ({','.join('?' * len(OPEN))}) AND last_event_ms >= ?"
    values = (*OPEN, times.earliest(since))
    old = Counter(order.state for order in old_unpaid(connection, since, times))
    if times.differ:
        rows = connection.execute(f"SELECT id, state, last_event_ms FROM orders {where}", values)
        young = (state for order_id, state, ms in rows if steady_time(connection, order_id, ms, times) >= since)
        return {**dict.fromkeys(OPEN, 0), **(old + Counter(young))}
    counted = connection.execute(f"SELECT state, count(*) FROM orders {where} GROUP BY state", values)
    return {**dict.fromkeys(OPEN, 0), **(old + Counter(dict(counted)))}
