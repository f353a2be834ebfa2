"""Reading the orders' projection from SQLite: a view, one order, and their rows in both directions."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from .events import KITCHEN, TILLS, WAITERS
from .orders import KITCHEN_STATES, Order, ViewLimits, views_holding, waiter_sees
from .wire.json_text import dump

COLUMNS = "id, state, first_event_id, last_event_ms, ready_ms, kitchen_had_it, state_assumed, data"

# The states of which a view can hold an order; `views_holding` decides on each.
_VIEW_STATES = {
    KITCHEN: (*KITCHEN_STATES, "listo", "cancelado"),
    WAITERS: ("pendiente_pago", *KITCHEN_STATES, "listo", "servido"),
    TILLS: ("pendiente_pago", "servido", "listo"),
}
OPEN_STATES = _VIEW_STATES[WAITERS]


def find_order(connection: sqlite3.Connection, order_id: int) -> Order | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM orders WHERE id = ?", (order_id,)).fetchone()
    return _order(row) if row else None


def save_orders(connection: sqlite3.Connection, changed: dict[int, tuple[Order, str | None]]) -> None:
    """Each with its `pedido` as JSON, where that is known."""
    connection.executemany(
        f"INSERT OR REPLACE INTO orders ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(order_id, order, known_json) for order_id, (order, known_json) in changed.items()],
    )


def view(
    connection: sqlite3.Connection, room: str | None, now_ms: int, limits: ViewLimits, user_id: int | None
) -> list[Order]:
    """The orders in a room's view, in the order in which the log first heard of them; None: every open order. Of the
    waiters' view, what this user is shown."""
    states = OPEN_STATES if room is None else _VIEW_STATES[room]
    since = now_ms - limits.view_ms if limits.view_ms else 0
    sql = (
        f"SELECT {COLUMNS} FROM orders WHERE state IN ({','.join('?' * len(states))}) AND last_event_ms >= ?"
        " ORDER BY first_event_id"
    )
    found = [_order(row) for row in connection.execute(sql, (*states, since))]
    if room is None:
        return found
    held = [order for order in found if room in views_holding(order, now_ms, limits)]
    return held if room != WAITERS else [order for order in found if waiter_sees(order, user_id)]


def last_own_id(connection: sqlite3.Connection, first: int, last: int) -> int:
    """The greatest id of an order from `first` to `last`; `first - 1` where there is none."""
    row = connection.execute("SELECT max(id) FROM orders WHERE id BETWEEN ? AND ?", (first, last)).fetchone()
    return row[0] if row[0] is not None else first - 1


def _row(order_id: int, order: Order, known_json: str | None) -> tuple[Any, ...]:
    return (
        order_id,
        order.state,
        order.first_event_id,
        order.last_event_ms,
        order.ready_ms,
        order.kitchen_had_it,
        order.state_assumed,
        known_json or dump(order.pedido),
    )


def _order(row: tuple[Any, ...]) -> Order:
    _, _, first_event_id, last_event_ms, ready_ms, kitchen_had_it, state_assumed, data = row
    return Order(json.loads(data), first_event_id, last_event_ms, ready_ms, bool(kitchen_had_it), bool(state_assumed))
