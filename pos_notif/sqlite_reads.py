"""Reading the log's rows: pages of a room and of followed orders, what another process appended, the hash chain."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .event_log import NO_ROOM, Bounds, LoggedEvent, Page, Pruned
from .events import KITCHEN, MANAGERS, TILLS, WAITERS
from .subscriptions import Owner

CHECKED_AT_START = 1000
EVENT_COLUMNS = "id, ms, type, to_kitchen, to_waiters, to_tills, data, order_id"

ROOM_FILTER = {MANAGERS: "", KITCHEN: "AND to_kitchen", WAITERS: "AND to_waiters", TILLS: "AND to_tills"}


def chain(previous_hash: str, stored: bytes) -> str:
    """The hash of an event from its predecessor's (docs/protocol.md, section 12)."""
    return hashlib.sha256(previous_hash.encode() + b"\n" + stored).hexdigest()


def read_bounds(connection: sqlite3.Connection) -> Bounds:
    return Bounds(*connection.execute("SELECT epoch, oldest, head_id FROM log").fetchone())


@dataclass(frozen=True, slots=True)
class Appended:
    """What is new in the store. `subscriptions` are all there are, where another process has changed some."""

    events: list[LoggedEvent]
    bounds: Bounds
    subscriptions_version: int
    subscriptions: list[tuple[Owner, int, int]] | None = None


def appended_since(connection: sqlite3.Connection, known_id: int, known_subscriptions: int) -> Appended:
    """What other processes have written. Readers get a gap from the database: only the newest events are fetched."""
    *row, version = connection.execute("SELECT epoch, oldest, head_id, subscriptions_version FROM log").fetchone()
    bounds = Bounds(*row)
    subscriptions = None if version == known_subscriptions else read_subscriptions(connection)
    if bounds.newest <= known_id:
        return Appended([], bounds, version, subscriptions)
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE id > ? ORDER BY id DESC LIMIT 1000", (known_id,)
    ).fetchall()
    return Appended([event_of(row) for row in reversed(rows)], bounds, version, subscriptions)


def read_subscriptions(connection: sqlite3.Connection) -> list[tuple[Owner, int, int]]:
    rows = connection.execute("SELECT session_id, token_id, client, order_id, after_id FROM subscriptions")
    return [
        (Owner("token", token, client) if session is None else Owner("session", session, client), order_id, after)
        for session, token, client, order_id, after in rows
    ]


def event_of(row: tuple) -> LoggedEvent:  # type: ignore[type-arg]
    event_id, ms, tipo, to_kitchen, to_waiters, to_tills, data, order_id = row
    flags = ((KITCHEN, to_kitchen), (WAITERS, to_waiters), (TILLS, to_tills))
    rooms = frozenset(room for room, flag in flags if flag)
    return LoggedEvent(event_id, ms, tipo, rooms, data.encode(), order_id)


def read_page(
    connection: sqlite3.Connection,
    after: int,
    up_to: int,
    room: str,
    limit: int,
    max_bytes: int,
    orders: Mapping[int, int],
) -> Page:
    if after < read_bounds(connection).oldest - 1:
        raise Pruned
    found = _room_rows(connection, after, up_to, room, limit + 1)
    if orders and room != MANAGERS:
        followed = _order_rows(connection, after, up_to, orders, limit + 1)
        found = iter(sorted({row[0]: row for row in (*found, *followed)}.values())[: limit + 1])
    events: list[LoggedEvent] = []
    size = 0
    for row in found:
        # A page holds at least one event, however large.
        if len(events) == limit or (events and size + len(row[6]) > max_bytes):
            return Page(events, events[-1].id, more=True)
        events.append(event_of(row))
        size += len(row[6])
    return Page(events, max(after, up_to), more=False)


def _room_rows(connection: sqlite3.Connection, after: int, up_to: int, room: str, limit: int) -> Iterator[tuple]:  # type: ignore[type-arg]
    if room == NO_ROOM:
        return iter(())
    return connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE id > ? AND id <= ? {ROOM_FILTER[room]} ORDER BY id LIMIT ?",
        (after, up_to, limit),
    )


def _order_rows(
    connection: sqlite3.Connection, after: int, up_to: int, orders: Mapping[int, int], limit: int
) -> Iterator[tuple]:  # type: ignore[type-arg]
    """By the orders' index, an order at a time: one condition for all would read every event."""
    for order_id, start in orders.items():
        yield from connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            (order_id, max(after, start), up_to, limit),
        )


def count_after(connection: sqlite3.Connection, after: int, room: str, up_to: int, orders: Mapping[int, int]) -> int:
    if orders and room != MANAGERS:
        rows = (
            *_room_rows(connection, after, 2**63 - 1, room, up_to),
            *_order_rows(connection, after, 2**63 - 1, orders, up_to),
        )
        return min(up_to, len({row[0] for row in rows}))
    if room == NO_ROOM:
        return 0
    sql = f"SELECT count(*) FROM (SELECT 1 FROM events WHERE id > ? {ROOM_FILTER[room]} LIMIT ?)"
    return int(connection.execute(sql, (after, up_to)).fetchone()[0])


def read_since(connection: sqlite3.Connection, ms: int, room: str, limit: int) -> Page:
    bounds = read_bounds(connection)
    sql = f"SELECT {EVENT_COLUMNS} FROM events WHERE id >= ? {ROOM_FILTER[room]} ORDER BY id DESC LIMIT ?"
    rows = [row for row in connection.execute(sql, (bounds.oldest, limit)) if row[1] >= ms]
    return Page([event_of(row) for row in reversed(rows)], bounds.newest, more=False)


def check_newest(connection: sqlite3.Connection) -> str | None:
    """The newest rows chain, and end at the recorded head."""
    oldest, head_id, head_hash, anchor = connection.execute(
        "SELECT oldest, head_id, head_hash, anchor_hash FROM log"
    ).fetchone()
    # Rows below `oldest` are pruned ones that have not been deleted yet.
    before = connection.execute(
        "SELECT id, hash FROM events WHERE id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?", (oldest, CHECKED_AT_START)
    ).fetchone()
    after, previous = before or (oldest - 1, anchor)
    last_id, last_hash, problem, _ = _check_rows(connection, after, previous, CHECKED_AT_START)
    if problem is None and (last_id, last_hash) != (head_id, head_hash):
        return f"the log ends at event {last_id}, but its head is {head_id}"
    return problem


def check_page(connection: sqlite3.Connection, after: int, previous: str) -> tuple[int, str, str | None, bool]:
    first, anchor = connection.execute("SELECT oldest - 1, anchor_hash FROM log").fetchone()
    if after < first:  # pruned meanwhile
        after, previous = first, anchor
    return _check_rows(connection, after, previous, 1000)


def _check_rows(
    connection: sqlite3.Connection, after: int, previous: str, limit: int
) -> tuple[int, str, str | None, bool]:
    """The last row's id and hash, the first row whose hash does not continue its predecessor's, in words, and
    whether there are no more rows."""
    count = 0
    # As bytes: what is no UTF-8 any more does not match its hash either.
    rows = connection.execute(
        "SELECT id, hash, CAST(data AS BLOB) FROM events WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
    )
    for event_id, found, data in rows:
        if chain(previous, data) != found:
            return event_id, found, f"event {event_id} does not match its hash", True
        after, previous = event_id, found
        count += 1
    return after, previous, None, count < limit
