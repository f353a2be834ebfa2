"""Reads and writes the orders' projection in SQLite: a view, one order, and their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from types import MappingProxyType
from typing import Any

from ...clock import SteadyMs
from ...database.inserting import insert_rows
from ...database.literals import literals
from ...database.stored_times import StoredTimes
from ...events import AWAITING_PAYMENT, KITCHEN, ON_BOARD, OPEN, OVER, PRUNING, READY, SERVED, TILLS, WAITERS
from ...orders.numbers import FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID
from ...orders.state import Order, SteadyOrder, ViewLimits, views_holding, waiter_sees
from ...orders.waiting import Dish, dishes_to_make
from ...wire.json_text import encode, load
from .given import last_given

# Unpaid orders of earlier days in a view.
MOST_OLD = 200

COLUMNS = "id, state, first_event_id, last_event_ms, ready_ms, kitchen_had_it, state_assumed, data"

_NONE: Mapping[int, int] = MappingProxyType({})

# The states of which a view can hold an order; `views_holding` decides on each.
_VIEW_STATES = {
    KITCHEN: ON_BOARD,
    WAITERS: OPEN,
    TILLS: (AWAITING_PAYMENT, SERVED, READY),
}
# A pruned order's row is gone with the log's new beginning, and deleted some time later.
_HAS_EVENT = "EXISTS (SELECT 1 FROM events WHERE order_id = orders.id AND events.id >= (SELECT oldest FROM log))"
_KEPT = f"(state NOT IN ({literals(OVER)}) OR {_HAS_EVENT})"

_FIND = f"SELECT {COLUMNS} FROM orders WHERE id = ? AND {_KEPT}"


def find_order(connection: sqlite3.Connection, order_id: int) -> Order | None:
    row = connection.execute(_FIND, (order_id,)).fetchone()
    return _order(row) if row else None


def unheard(connection: sqlite3.Connection, order_ids: Collection[int]) -> set[int]:
    """Returns those of the ids that no order has."""
    # Their rows are not read: of many large orders that would be too much at once.
    sql = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
    found = connection.execute(sql, (encode(list(order_ids)).decode(),))
    return set(order_ids) - {order_id for (order_id,) in found}


def delete_pruned(connection: sqlite3.Connection, order_ids: Iterable[int]) -> None:
    """Deletes those of the orders that the log no longer knows."""
    ids = [(order_id,) for order_id in order_ids]
    connection.executemany(f"DELETE FROM orders WHERE id = ? AND NOT {_KEPT}", ids)
    connection.executemany(
        "DELETE FROM order_words WHERE order_id = ?1 AND NOT EXISTS (SELECT 1 FROM orders WHERE id = ?1)", ids
    )


def save_orders(connection: sqlite3.Connection, changed: dict[int, tuple[Order, bytes | None]]) -> None:
    """Writes the orders, each given with its `pedido` as JSON where that is known."""
    insert_rows(
        connection,
        f"INSERT OR REPLACE INTO orders ({COLUMNS})",
        [_row(order_id, order, known_json) for order_id, (order, known_json) in changed.items()],
    )


def view(
    connection: sqlite3.Connection,
    room: str | None,
    now: SteadyMs,
    limits: ViewLimits,
    user_id: int | None,
    times: StoredTimes,
) -> list[Order]:
    """Returns the orders in a room's view, in the order in which the log first heard of them; every open order where
    the room is None. In the waiters' view it is what this user is shown. What only its payment keeps in the view has
    `antiguo: true`."""
    found = _young(connection, room, now, limits, user_id, times)
    if room in (None, TILLS):
        found += [
            order._replace(pedido={**order.pedido, "antiguo": True})
            for order in old_unpaid(connection, limits.since(now), times)
        ]
        found.sort(key=lambda order: order.first_event_id)
    return found


def _young(
    connection: sqlite3.Connection,
    room: str | None,
    now: SteadyMs,
    limits: ViewLimits,
    user_id: int | None,
    times: StoredTimes,
) -> list[Order]:
    """Returns the orders in the view that have had an event in the time that it goes back."""
    states = OPEN if room is None else _VIEW_STATES[room]
    since = limits.since(now)
    sql = (
        f"SELECT {COLUMNS} FROM orders WHERE state IN ({','.join('?' * len(states))}) AND last_event_ms >= ?"
        f" AND {_KEPT} ORDER BY first_event_id"
    )
    found = [_order(row) for row in connection.execute(sql, (*states, times.earliest(since)))]
    if room == WAITERS:
        found = [order for order in found if waiter_sees(order, user_id)]
    if room in (None, WAITERS):
        if not times.differ:
            return found
        return [order for order in found if steady_order(connection, order, times).last_event_ms >= since]
    steady = [(order, steady_order(connection, order, times)) for order in found]
    return [
        order for order, timed in steady if timed.last_event_ms >= since and room in views_holding(timed, now, limits)
    ]  # fmt: skip


def old_unpaid(connection: sqlite3.Connection, since: SteadyMs, times: StoredTimes) -> list[Order]:
    """Returns the orders placed here that are to be paid and have had no event since then: the MOST_OLD of which the
    log heard first."""
    # By the states' index: it has an entry for each order that was left open, and the table one for each there was.
    sql = (
        f"SELECT {COLUMNS} FROM orders INDEXED BY orders_view"
        f" WHERE state IN ({literals(OPEN)}) AND last_event_ms < ? AND id BETWEEN ? AND ?"
        " AND json_extract(data, '$.pagado_at') IS NULL AND json_type(data, '$.atiende') IS NOT NULL"
        " ORDER BY first_event_id"
    )
    found = map(_order, connection.execute(sql, (times.latest(since), FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID)))
    return list(
        islice((order for order in found if steady_order(connection, order, times).last_event_ms < since), MOST_OLD)
    )


def orders_by_dish(connection: sqlite3.Connection, since: int) -> dict[Dish, list[tuple[int, int]]]:
    """Returns the first event and the id of each open order with an event since then, by the dishes that are to be made
    for it."""
    sql = f"SELECT first_event_id, id, data FROM orders WHERE state IN ({literals(OPEN)}) AND last_event_ms >= ?"
    found: dict[Dish, list[tuple[int, int]]] = {}
    for first, order_id, data in connection.execute(sql, (since,)):
        for dish in dishes_to_make(load(data)):
            found.setdefault(dish, []).append((first, order_id))
    return found


def steady_order(
    connection: sqlite3.Connection, order: Order, times: StoredTimes, unwritten: Mapping[int, int] = _NONE
) -> SteadyOrder:
    """Returns the order with its times by the steady clock. `unwritten` are its events of a transaction that goes on:
    the id of the newest one of each time."""
    if not times.differ:
        return SteadyOrder(order)

    def steady(ms: int) -> SteadyMs:
        known = unwritten.get(ms)
        return times.steady(known, ms) if known else steady_time(connection, order.pedido["id"], ms, times)

    ready = None if order.ready_ms is None else steady(order.ready_ms)
    return SteadyOrder(order._replace(last_event_ms=steady(order.last_event_ms), ready_ms=ready))


def steady_time(connection: sqlite3.Connection, order_id: int, ms: int, times: StoredTimes) -> SteadyMs:
    """Returns by the steady clock what `ms` was, the time of one of the order's events."""
    # Of several of that time the newest; where it was pruned, the last id that was.
    sql = (
        "SELECT coalesce((SELECT id FROM events WHERE order_id = ? AND ms = ? AND id >= log.oldest"
        " ORDER BY id DESC LIMIT 1), log.oldest - 1) FROM log"
    )
    return times.steady(connection.execute(sql, (order_id, ms)).fetchone()[0], ms)


def last_own_id(connection: sqlite3.Connection, first: int, last: int) -> int:
    """Returns the greatest id from `first` to `last` that an order has, had before the log was pruned, or may have had
    before it was restored; `first - 1` where there is none."""
    kept = connection.execute("SELECT max(id) FROM orders WHERE id BETWEEN ? AND ?", (first, last)).fetchone()[0]
    pruned = connection.execute(
        f"SELECT json_extract(data, '$.ultimo_pedido_propio') FROM events WHERE type = {literals([PRUNING])}"
        " AND id >= (SELECT oldest FROM log) ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return max(kept or 0, pruned[0] if pruned else 0, last_given(connection, "orders"), first - 1)


def own_orders(connection: sqlite3.Connection, first: int, last: int) -> Iterator[tuple[int, Any, str]]:
    """Yields the id, the `numero` and the `timestamp` of the orders with an id from `first` to `last`, the greatest
    first."""
    yield from connection.execute(
        "SELECT id, json_extract(data, '$.numero'), json_extract(data, '$.timestamp') FROM orders"
        " WHERE id BETWEEN ? AND ? ORDER BY id DESC",
        (first, last),
    )


def pruned_number(connection: sqlite3.Connection, day: date) -> int:
    """Returns the last number of a business day's series when the log was last pruned; 0 where that was in another
    day."""
    row = connection.execute(
        f"SELECT json_extract(data, '$.ultimo_numero') FROM events WHERE type = {literals([PRUNING])}"
        " AND json_extract(data, '$.dia_negocio') = ? AND id >= (SELECT oldest FROM log) ORDER BY id DESC LIMIT 1",
        (day.isoformat(),),
    ).fetchone()
    return row[0] if row else 0


def _row(order_id: int, order: Order, known_json: bytes | None) -> tuple[Any, ...]:
    return (
        order_id,
        order.state,
        order.first_event_id,
        order.last_event_ms,
        order.ready_ms,
        order.kitchen_had_it,
        order.state_assumed,
        (known_json or encode(order.pedido)).decode(),
    )


def _order(row: tuple[Any, ...]) -> Order:
    _, _, first_event_id, last_event_ms, ready_ms, kitchen_had_it, state_assumed, data = row
    return Order(load(data), first_event_id, last_event_ms, ready_ms, bool(kitchen_had_it), bool(state_assumed))
