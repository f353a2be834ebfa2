"""Reads the log's rows: pages of a room and of followed orders, what another process appended, the hash chain."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ...clock import SteadyMs, parse_iso
from ...database.stored_times import StoredTimes
from ...events import EVENT_NAME, FILTERED_ROOMS, KITCHEN, MANAGERS, ORDER_ROOM, TILLS, WAITERS
from ...principal import Owner
from ..event_log import NO_ROOM, Bounds, LoggedEvent, Page, Pruned
from ..hash_chain import ChainWalk, chain
from .epochs import read_earlier

CHECKED_AT_START = 1000
# Of other processes' events, which are kept in memory for whoever reads next.
MOST_NEW = 1000
EVENT_COLUMNS = "id, ms, type, to_kitchen, to_waiters, to_tills, data, order_id"

# Rows below `oldest` are pruned ones that have not been deleted yet.
KEPT = "id >= (SELECT oldest FROM log)"

ROOM_FILTER = {MANAGERS: "", KITCHEN: "AND to_kitchen", WAITERS: "AND to_waiters", TILLS: "AND to_tills"}


def read_bounds(connection: sqlite3.Connection) -> Bounds:
    return Bounds(*connection.execute("SELECT epoch, oldest, head_id FROM log").fetchone())


class Appended(NamedTuple):
    """What is new in the store, up to the event whose hash is `head_hash`. `subscriptions` are all there are, where
    another process has changed some. `accounts_version` grows where sessions, tokens or roles have ended.
    `own` are those of the events that this process has appended. `earlier` are the epochs before this one, where it is
    another than the known one; `whole` says that `events` lack none after the known head."""

    events: list[LoggedEvent]
    bounds: Bounds
    head_hash: str
    subscriptions_version: int
    subscriptions: list[tuple[Owner, int, int]] | None = None
    accounts_version: int = 0
    own: Sequence[LoggedEvent] = ()
    earlier: Mapping[str, int] | None = None
    whole: bool = True


def appended_since(connection: sqlite3.Connection, known: Bounds, known_subscriptions: int) -> Appended:
    """Returns what other processes have written: no more than the newest events, since readers get a gap from the
    database."""
    sql = "SELECT epoch, oldest, head_id, head_hash, subscriptions_version, accounts_version FROM log"
    *row, head_hash, version, accounts = connection.execute(sql).fetchone()
    bounds = Bounds(*row)
    subscriptions = None if version == known_subscriptions else read_subscriptions(connection)
    earlier = None if bounds.epoch == known.epoch else read_earlier(connection)
    if bounds.newest <= known.newest:
        return Appended([], bounds, head_hash, version, subscriptions, accounts, (), earlier)
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE id > ? ORDER BY id DESC LIMIT {MOST_NEW}", (known.newest,)
    ).fetchall()
    events = [event_of(row) for row in reversed(rows)]
    whole = len(events) < MOST_NEW
    return Appended(events, bounds, head_hash, version, subscriptions, accounts, (), earlier, whole)


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


def row_of(stored: str) -> tuple[Any, ...]:
    """Returns an event's row, in the order of EVENT_COLUMNS, from its stored JSON alone. Raises KeyError, TypeError or
    ValueError for what is no event."""
    event = json.loads(stored)
    rooms = event["salas"]
    order_id = None
    if rooms[-1] != MANAGERS:
        order_id = int(rooms[-1].removeprefix(ORDER_ROOM))
    flags = [int(room in rooms) for room in FILTERED_ROOMS]
    if event["tipo"] not in EVENT_NAME:
        raise ValueError(f"unknown type {event['tipo']}")
    return (event["id"], parse_iso(event["timestamp"]), event["tipo"], *flags, stored, order_id)


def read_page(
    connection: sqlite3.Connection,
    after: int,
    up_to: int,
    room: str,
    limit: int,
    max_bytes: int,
    orders: Mapping[int, int],
) -> Page:
    """Returns the next events of the room, and of `orders` after the id that each has, up to the event `up_to`. Raises
    Pruned."""
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
    """Reads by the orders' index, an order at a time: one condition for all would read every event."""
    for order_id, start in orders.items():
        yield from connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            (order_id, max(after, start), up_to, limit),
        )


def count_after(connection: sqlite3.Connection, after: int, room: str, up_to: int, orders: Mapping[int, int]) -> int:
    """Counts the events after `after` of the room and of `orders`, to `up_to` of them: whoever has more to come need
    not know how many."""
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


def read_since(connection: sqlite3.Connection, since: SteadyMs, room: str, limit: int, times: StoredTimes) -> Page:
    """Returns those of the room's newest `limit` events that were appended at `since` or later."""
    bounds = read_bounds(connection)
    sql = f"SELECT {EVENT_COLUMNS} FROM events WHERE id >= ? {ROOM_FILTER[room]} ORDER BY id DESC LIMIT ?"
    rows = [row for row in connection.execute(sql, (bounds.oldest, limit)) if times.steady(row[0], row[1]) >= since]
    return Page([event_of(row) for row in reversed(rows)], bounds.newest, more=False)


def check_newest(connection: sqlite3.Connection) -> str | None:
    """Returns in words why the newest rows do not chain or do not end at the recorded head, or None where they do."""
    oldest, anchor = connection.execute("SELECT oldest, anchor_hash FROM log").fetchone()
    before = connection.execute(
        "SELECT id, hash FROM events WHERE id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?", (oldest, CHECKED_AT_START)
    ).fetchone()
    walk = ChainWalk(*(before or (oldest - 1, anchor)))
    return walk_rows(connection, walk, CHECKED_AT_START)[0] or missing_tail(connection, walk)


def missing_among_newest(connection: sqlite3.Connection) -> str | None:
    """Says in words which of the newest rows are not there; None where all are. It looks into none but where ids do not
    follow one another, as after a restore."""
    oldest, anchor, head_id, head_hash = connection.execute(
        "SELECT oldest, anchor_hash, head_id, head_hash FROM log"
    ).fetchone()
    rows = connection.execute(
        "SELECT id, hash FROM events WHERE id >= ? ORDER BY id DESC LIMIT ?", (oldest, CHECKED_AT_START)
    ).fetchall()
    if (rows[0][1] if rows else anchor) != head_hash:
        return f"the log ends at event {rows[0][0] if rows else oldest - 1}, but its head is {head_id}"
    if len(rows) < CHECKED_AT_START:
        rows.append((oldest - 1, anchor))
    for (event_id, own_hash), (before, previous_hash) in pairwise(rows):
        if event_id != before + 1:
            [stored] = connection.execute("SELECT CAST(data AS BLOB) FROM events WHERE id = ?", (event_id,)).fetchone()
            if chain(previous_hash, stored) != own_hash:
                return f"events {before + 1} to {event_id - 1} are missing before event {event_id}"
    return None


def missing_tail(connection: sqlite3.Connection, walk: ChainWalk) -> str | None:
    """Says in words that the log does not end where its head says; None where it does. After a restore the head's id is
    above its event's."""
    head_id, head_hash = connection.execute("SELECT head_id, head_hash FROM log").fetchone()
    if walk.last_hash == head_hash and walk.last_id <= head_id:
        return None
    return f"the log ends at event {walk.last_id}, but its head is {head_id}"


def check_page(connection: sqlite3.Connection, walk: ChainWalk) -> tuple[str | None, bool]:
    """Does as `walk_rows`, from the anchor where that has overtaken the walk."""
    first, anchor = connection.execute("SELECT oldest - 1, anchor_hash FROM log").fetchone()
    if walk.last_id < first:
        walk.last_id, walk.last_hash = first, anchor
    return walk_rows(connection, walk, 1000)


def walk_rows(connection: sqlite3.Connection, walk: ChainWalk, limit: int) -> tuple[str | None, bool]:
    """Takes the walk on by `limit` rows. Returns what is wrong with the first row that does not follow, in words, and
    whether that is the end of the walk: there are no more rows, or one was wrong."""
    count = 0
    # As bytes: what is no UTF-8 any more does not match its hash either.
    rows = connection.execute(
        "SELECT id, CAST(data AS BLOB), hash FROM events WHERE id > ? ORDER BY id LIMIT ?", (walk.last_id, limit)
    )
    for row in rows:
        problem = walk.row(*row)
        if problem is not None:
            return problem, True
        count += 1
    return None, count < limit
