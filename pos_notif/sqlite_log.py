"""The event log in SQLite: one writer with group commit; hash chain, keys and projection in the same transaction."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .database import Database
from .errors import LogRefused, LogUnavailable
from .event_log import Bounds, LoggedEvent, Page, Pruned, Transaction
from .events import KITCHEN, TILLS, WAITERS, all_rooms
from .orders import Order, ViewLimits
from .sqlite_orders import find_order, save_orders, view
from .wire.json_text import dump

T = TypeVar("T")

# A group commit takes at most so many publications: the last of them waits for the work of all.
MAX_GROUP = 512
CHECKED_AT_START = 1000

_ROOM_FILTER = {KITCHEN: "AND to_kitchen", WAITERS: "AND to_waiters", TILLS: "AND to_tills"}
_EVENT_COLUMNS = "id, ms, type, to_kitchen, to_waiters, to_tills, data"


def chain(previous_hash: str, stored: bytes) -> str:
    """The hash of an event from its predecessor's (docs/protocol.md, section 12)."""
    return hashlib.sha256(previous_hash.encode() + b"\n" + stored).hexdigest()


class SqliteLog:
    """Use `SqliteLog.open`. `on_append` is called in the loop with what has become durable, in the log's order,
    other processes' events included, before the publisher is answered."""

    def __init__(self, database: Database, bounds: Bounds, on_append: Callable[[list[LoggedEvent]], None]) -> None:
        self.bounds = bounds
        self._database = database
        self._on_append = on_append
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_groups(), name="event-log-writer")

    @classmethod
    async def open(
        cls, database: Database, on_append: Callable[[list[LoggedEvent]], None] = lambda events: None
    ) -> SqliteLog:
        """Raises LogRefused where the newest 1,000 rows do not chain up to the head."""
        try:
            bounds, problem = await database.read(
                lambda connection: (_read_bounds(connection), _check_newest(connection))
            )
        except LogUnavailable as error:
            raise LogRefused(f"{database.path}: is damaged ({error.__cause__})") from error
        if problem:
            raise LogRefused(f"{database.path}: is damaged: {problem}")
        return cls(database, bounds, on_append)

    async def close(self) -> None:
        """Writes what was accepted, then stops. The database stays open."""
        self._closing = True
        self._wake.set()
        await self._writer

    # Writing

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        if self._closing:
            raise LogUnavailable
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._wake.set()
        # A publisher that goes away must not take its group with it.
        result: T = await asyncio.shield(job.future)
        return result

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def _write_groups(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
                await self._write(group)
            if self._closing:
                return

    async def _write(self, group: list[_Job]) -> None:
        known = self.bounds.newest
        try:
            written = await self._database.write(lambda connection: _commit(connection, group, known))
        except BaseException as error:
            failure = error if isinstance(error, LogUnavailable) else LogUnavailable()
            for job in group:
                job.fail(failure)
            if not isinstance(error, Exception):
                raise
            if failure is not error:
                asyncio.get_running_loop().call_exception_handler({"message": "group commit", "exception": error})
            return
        self._publish(written)
        for job in group:
            job.answer()

    def _publish(self, found: _Appended) -> None:
        """A commit and a refresh may each be told of what the other has read, in either order: what is known stays
        known, and nothing is handed on twice."""
        known, bounds = self.bounds, found.bounds
        if bounds.epoch == known.epoch:
            oldest, newest = max(known.oldest, bounds.oldest), max(known.newest, bounds.newest)
            bounds = Bounds(known.epoch, oldest, newest)
        self.bounds = bounds
        events = found.events
        if events and events[0].id <= known.newest:
            events = [event for event in events if event.id > known.newest]
        if events:
            self._on_append(events)

    # Reading

    async def refresh(self) -> Bounds:
        known = self.bounds.newest
        self._publish(await self._database.read(lambda connection: _appended_since(connection, known)))
        return self.bounds

    async def read(self, after: int, room: str, *, limit: int, max_bytes: int) -> Page:
        return await self._database.read(lambda connection: _read_page(connection, after, room, limit, max_bytes))

    async def read_since(self, ms: int, room: str, *, limit: int) -> Page:
        return await self._database.read(lambda connection: _read_since(connection, ms, room, limit))

    async def count(self, after: int, room: str, *, up_to: int) -> int:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM events WHERE id > ? {_ROOM_FILTER.get(room, '')} LIMIT ?)"
        return await self._database.read(lambda connection: int(connection.execute(sql, (after, up_to)).fetchone()[0]))

    async def snapshot(self, room: str | None, now_ms: int, limits: ViewLimits) -> tuple[list[Order], Bounds]:
        """A view's orders and the log's bounds, of the same moment."""
        return await self._database.read(
            lambda connection: (view(connection, room, now_ms, limits), _read_bounds(connection))
        )

    async def order_history(self, order_id: int, limit: int) -> tuple[Order | None, list[LoggedEvent]]:
        """An order and its newest `limit` events, oldest first."""
        sql = f"SELECT {_EVENT_COLUMNS} FROM events WHERE order_id = ? ORDER BY id DESC LIMIT ?"

        def work(connection: sqlite3.Connection) -> tuple[Order | None, list[LoggedEvent]]:
            rows = connection.execute(sql, (order_id, limit)).fetchall()
            return find_order(connection, order_id), [_event(row) for row in reversed(rows)]

        return await self._database.read(work)

    async def newest_events(self, limit: int) -> list[LoggedEvent]:
        """Of all rooms, oldest first."""
        sql = f"SELECT {_EVENT_COLUMNS} FROM events ORDER BY id DESC LIMIT ?"
        rows = await self._database.read(lambda connection: connection.execute(sql, (limit,)).fetchall())
        return [_event(row) for row in reversed(rows)]

    async def check_before_newest(self, pause_seconds: float = 0.05) -> str | None:
        """Checks the chain from the oldest row up, a page at a time; the first fault in words, or None."""
        after, previous = await self._database.read(
            lambda connection: connection.execute("SELECT oldest - 1, anchor_hash FROM log").fetchone()
        )
        while True:
            after, previous, problem, done = await self._database.read(
                lambda connection, after=after, previous=previous: _check_page(connection, after, previous)  # type: ignore[misc]
            )
            if problem or done:
                return str(problem) if problem else None
            await asyncio.sleep(pause_seconds)


@dataclass(slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        if self.error is not None:
            self.fail(self.error)
        elif not self.future.done():
            self.future.set_result(self.result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # a caller that was cancelled will not fetch it


@dataclass(frozen=True, slots=True)
class _Appended:
    events: list[LoggedEvent]
    bounds: Bounds


@dataclass(slots=True)
class _Pending:
    """Rows to be written: of a group, or of one publication on top of it."""

    head_id: int
    head_hash: str
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[LoggedEvent] = field(default_factory=list)
    # Each with its `pedido` as JSON, where an event has already needed that.
    orders: dict[int, tuple[Order, str | None]] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], tuple[bytes, list[int]]] = field(default_factory=dict)


class _Transaction:
    """Reads through its own rows, then the group's, then the database; writes only into its own."""

    def __init__(self, connection: sqlite3.Connection, group: _Pending) -> None:
        self._connection = connection
        self._group = group
        self.pending = _Pending(group.head_id, group.head_hash)

    def next_id(self) -> int:
        return self.pending.head_id + 1

    def order(self, order_id: int) -> Order | None:
        known = self.pending.orders.get(order_id) or self._group.orders.get(order_id)
        return known[0] if known is not None else find_order(self._connection, order_id)

    def append(self, event: dict[str, Any], filtered_rooms: set[str], ms: int, order: Order | None) -> int:
        pending = self.pending
        event_id: int = event["id"]
        if event_id != pending.head_id + 1:
            raise ValueError(f"event {event_id} does not follow {pending.head_id}")
        order_id = order_json = None
        if order is not None:
            order_id = order.pedido["id"]
            if event.get("pedido") is order.pedido:  # the greater part of the event: encoded once for both
                order_json = dump(order.pedido)
            pending.orders[order_id] = (order, order_json)
        data = _stored(event, order_json, all_rooms(filtered_rooms, order_id))
        stored = data.encode()
        pending.head_id = event_id
        pending.head_hash = chain(pending.head_hash, stored)
        rooms = [room in filtered_rooms for room in (KITCHEN, WAITERS, TILLS)]
        pending.rows.append((event_id, ms, event["tipo"], *rooms, data, order_id, pending.head_hash))
        pending.events.append(LoggedEvent(event_id, ms, event["tipo"], frozenset(filtered_rooms), stored))
        return event_id

    def find_key(self, publisher: str, route: str, key: str) -> tuple[bytes, list[int]] | None:
        name = (publisher, route, key)
        found = self.pending.keys.get(name) or self._group.keys.get(name)
        if found is not None:
            return found
        row = self._connection.execute(
            "SELECT digest, event_ids FROM idempotency_keys WHERE publisher = ? AND route = ? AND key = ?",
            name,
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def keep_key(self, publisher: str, route: str, key: str, digest: bytes, event_ids: list[int]) -> None:
        self.pending.keys[publisher, route, key] = (digest, event_ids)

    def merge(self) -> None:
        self._group.head_id, self._group.head_hash = self.pending.head_id, self.pending.head_hash
        self._group.rows += self.pending.rows
        self._group.events += self.pending.events
        self._group.orders |= self.pending.orders
        self._group.keys |= self.pending.keys


def _stored(event: dict[str, Any], order_json: str | None, rooms: list[str]) -> str:
    """The event as JSON with `salas` as its last member, after `pedido` where its JSON is given."""
    if order_json is None:
        return dump({**event, "salas": rooms})
    head = dump({name: value for name, value in event.items() if name != "pedido"})
    return f'{head[:-1]},"pedido":{order_json},"salas":{dump(rooms)}}}'


def _commit(connection: sqlite3.Connection, group: list[_Job], known_id: int) -> _Appended:
    """In the writer's thread, inside the transaction. A publication that fails leaves the others as they are."""
    found = _appended_since(connection, known_id)
    head_id, head_hash = connection.execute("SELECT head_id, head_hash FROM log").fetchone()
    pending = _Pending(head_id, head_hash)
    for job in group:
        transaction = _Transaction(connection, pending)
        try:
            job.result = job.work(transaction)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the job's caller, who gets it
            job.error = error
        else:
            transaction.merge()
    if pending.rows or pending.keys:
        _write_rows(connection, pending)
    bounds = Bounds(found.bounds.epoch, found.bounds.oldest, pending.head_id)
    return _Appended(found.events + pending.events, bounds)


def _write_rows(connection: sqlite3.Connection, pending: _Pending) -> None:
    connection.executemany(
        f"INSERT INTO events ({_EVENT_COLUMNS}, order_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        pending.rows,
    )
    save_orders(connection, pending.orders)
    connection.executemany(
        "INSERT INTO idempotency_keys (publisher, route, key, digest, event_ids, last_event_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(*name, digest, dump(ids), max(ids)) for name, (digest, ids) in pending.keys.items()],
    )
    connection.execute("UPDATE log SET head_id = ?, head_hash = ?", (pending.head_id, pending.head_hash))


def _read_bounds(connection: sqlite3.Connection) -> Bounds:
    return Bounds(*connection.execute("SELECT epoch, oldest, head_id FROM log").fetchone())


def _appended_since(connection: sqlite3.Connection, known_id: int) -> _Appended:
    """What other processes have appended. Readers get a gap from the database: only the newest are fetched."""
    bounds = _read_bounds(connection)
    if bounds.newest <= known_id:
        return _Appended([], bounds)
    rows = connection.execute(
        f"SELECT {_EVENT_COLUMNS} FROM events WHERE id > ? ORDER BY id DESC LIMIT 1000", (known_id,)
    ).fetchall()
    return _Appended([_event(row) for row in reversed(rows)], bounds)


def _event(row: tuple[Any, ...]) -> LoggedEvent:
    event_id, ms, tipo, to_kitchen, to_waiters, to_tills, data = row
    flags = ((KITCHEN, to_kitchen), (WAITERS, to_waiters), (TILLS, to_tills))
    return LoggedEvent(event_id, ms, tipo, frozenset(room for room, flag in flags if flag), data.encode())


def _read_page(connection: sqlite3.Connection, after: int, room: str, limit: int, max_bytes: int) -> Page:
    bounds = _read_bounds(connection)
    if after < bounds.oldest - 1:
        raise Pruned
    sql = f"SELECT {_EVENT_COLUMNS} FROM events WHERE id > ? {_ROOM_FILTER.get(room, '')} ORDER BY id LIMIT ?"
    events: list[LoggedEvent] = []
    size = 0
    for row in connection.execute(sql, (after, limit + 1)):
        # A page holds at least one event, however large.
        if len(events) == limit or (events and size + len(row[6]) > max_bytes):
            return Page(events, events[-1].id, more=True)
        events.append(_event(row))
        size += len(row[6])
    return Page(events, max(after, bounds.newest), more=False)


def _read_since(connection: sqlite3.Connection, ms: int, room: str, limit: int) -> Page:
    bounds = _read_bounds(connection)
    sql = f"SELECT {_EVENT_COLUMNS} FROM events WHERE id >= ? {_ROOM_FILTER.get(room, '')} ORDER BY id DESC LIMIT ?"
    rows = [row for row in connection.execute(sql, (bounds.oldest, limit)) if row[1] >= ms]
    return Page([_event(row) for row in reversed(rows)], bounds.newest, more=False)


def _check_newest(connection: sqlite3.Connection) -> str | None:
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


def _check_page(connection: sqlite3.Connection, after: int, previous: str) -> tuple[int, str, str | None, bool]:
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
