"""The event log in SQLite: one writer with group commit; hash chain, keys and projection in the same transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..clock import Clocks, SteadyMs, WallMs
from ..database.file import ZERO_HASH
from ..database.stored_times import StoredTimes
from ..database.threads import Database, in_snapshot
from ..errors import LogRefused, LogUnavailable
from ..events import WAITERS
from ..orders.menu import Product
from ..orders.state import Order, ViewLimits
from ..principal import Owner
from .event_log import NO_ORDERS, Bounds, LoggedEvent, Page, Transaction
from .hash_chain import ChainWalk
from .pending_rows import write_rows
from .tables.alarms import Kept, alarms_to_show, count_unacknowledged, read_kept, save_screen
from .tables.events import (
    EVENT_COLUMNS,
    KEPT,
    Appended,
    appended_since,
    check_newest,
    check_page,
    count_after,
    event_of,
    missing_among_newest,
    read_bounds,
    read_page,
    read_since,
)
from .tables.figures import count_open, ids_at, read_orders_events
from .tables.menu import all_products
from .tables.orders import find_order, view
from .transaction import Pending, SqliteTransaction

T = TypeVar("T")

# A group commit takes at most so many publications: the last of them waits for the work of all.
MAX_GROUP = 512
# Nor does it begin another one once it has written so much.
MAX_GROUP_BYTES = 16 * 1024 * 1024
# Who was just answered is heard again before the next group begins, so that publishers back to back share one commit,
# and one write to every stream, instead of two halves that take turns at it: the turns of the loop in which the answers
# leave and the streams are written, the sockets are read, and the requests go from task to task. Only where somebody
# waits already; a publisher alone is not held up.
GATHER_TURNS = 6


class SqliteLog:
    """Use `SqliteLog.open`. `on_append` is called in the loop with what has become durable, in the log's order,
    other processes' events included, before the publisher is answered. `on_subscriptions` is called with all that there
    are where another process has changed some. What it is asked for since some moment goes by the steady clock,
    whatever the wall clock wrote meanwhile."""

    def __init__(
        self,
        database: Database,
        bounds: Bounds,
        on_append: Callable[[list[LoggedEvent]], None],
        on_subscriptions: Callable[[Iterable[tuple[Owner, int, int]]], None],
        clocks: Clocks,
    ) -> None:
        self.bounds = bounds
        self._database = database
        self._times = StoredTimes(clocks, bounds.newest)
        self._on_append = on_append
        self._on_subscriptions = on_subscriptions
        self._subscriptions_version = -1
        self._committing: asyncio.Future[None] | None = None
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_groups(), name="event-log-writer")

    @classmethod
    async def open(
        cls,
        database: Database,
        on_append: Callable[[list[LoggedEvent]], None] = lambda events: None,
        on_subscriptions: Callable[[Iterable[tuple[Owner, int, int]]], None] = lambda rows: None,
        clocks: Clocks | None = None,
    ) -> SqliteLog:
        """Opens the log in its database. Raises LogRefused where the newest 1,000 rows do not chain up to the head."""
        try:
            bounds, problem = await database.read(
                lambda connection: (read_bounds(connection), check_newest(connection))
            )
        except LogUnavailable as error:
            raise LogRefused(f"{database.path}: is damaged ({error.__cause__})") from error
        if problem:
            raise LogRefused(f"{database.path}: is damaged: {problem}")
        log = cls(database, bounds, on_append, on_subscriptions, clocks or Clocks())
        await log.refresh()  # the subscriptions
        return log

    async def close(self) -> None:
        """Writes what was accepted, then stops. The database stays open."""
        self._closing = True
        self._wake.set()
        await self._writer

    # Writing

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` with the next group, and returns its result once that is durable. Raises what `work` raises, with
        nothing kept of it, or LogUnavailable."""
        if self._closing:
            raise LogUnavailable
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._wake.set()
        result: T = await job.future  # a publisher that goes away takes its answer with it, not its group
        return result

    async def rehearse(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a transaction of which nothing is kept, beside the writer, and returns its result. Raises what
        `work` raises, or LogUnavailable."""
        if self._closing:
            raise LogUnavailable
        times = self._times.copy()

        # A transaction writes into its own rows, and those are never merged into a group. It needs no write lock: a
        # publisher waits for nobody's rehearsal, and SQLite could not keep it if it would.
        def run(connection: sqlite3.Connection) -> T:
            newest, head_hash = connection.execute("SELECT head_id, head_hash FROM log").fetchone()
            times.heard(newest)
            return work(SqliteTransaction(connection, Pending(newest, head_hash), times))

        return await self._database.search(lambda connection: in_snapshot(connection, run))

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
                if self._waiting and not self._closing:
                    for _ in range(GATHER_TURNS):
                        await asyncio.sleep(0)
            if self._closing:
                return

    async def _write(self, group: list[_Job]) -> None:
        self._committing = asyncio.get_running_loop().create_future()
        try:
            await self._commit(group)
        finally:
            self._committing.set_result(None)
            self._committing = None

    async def _commit(self, group: list[_Job]) -> None:
        known, version = self.bounds.newest, self._subscriptions_version
        try:
            written, hooks, left = await self._database.write(
                lambda connection: _commit(connection, group, known, version, self._times)
            )
        except BaseException as error:
            failure = error if isinstance(error, LogUnavailable) else LogUnavailable()
            for job in group:
                job.fail(failure)
            if not isinstance(error, Exception):
                raise
            if failure is not error:
                asyncio.get_running_loop().call_exception_handler({"message": "group commit", "exception": error})
            return
        if left:
            self._waiting.extendleft(reversed(left))
            del group[-len(left) :]
        # Of several publishers the answers leave first, in the loop's next turn: each writes its next event while the
        # streams are written. One alone has nobody to share a commit with, and its readers go first.
        if len(group) == 1:
            self._publish(written, hooks)
        for job in group:
            job.answer()
        if len(group) > 1:
            self._publish(written, hooks)

    def _publish(self, found: Appended, hooks: list[Callable[[], None]]) -> None:
        """Hands on what is new. Who follows what comes first: then no event passes a reader that has begun to follow
        its order. What is known stays known, and nothing is handed on twice: a commit and a refresh may have read in
        either order."""
        if found.subscriptions_version > self._subscriptions_version:
            self._subscriptions_version = found.subscriptions_version
            if found.subscriptions is not None:
                self._on_subscriptions(found.subscriptions)
        for call in hooks:
            call()
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

    async def look_at_files(self) -> None:
        """Looks whether the database's files are the ones that are open: another log that was copied over one is found
        by its head, or by what is missing among its newest rows. What is found stands in `Database.lost` and
        `Database.damage`."""
        known = self.bounds

        def fault(connection: sqlite3.Connection, written: bool) -> str | None:
            found = connection.execute("SELECT epoch, head_id FROM log").fetchone() or ("none", 0)
            if found[0] != known.epoch or found[1] < known.newest:
                return f"its head is {found[0]}-{found[1]}, and was {known.cursor()}"
            return missing_among_newest(connection) if written else None

        await self._database.look(fault)

    # Reading

    async def refresh(self) -> Bounds:
        """Hands on what other processes have written, and returns the log's bounds."""
        known, version = self.bounds.newest, self._subscriptions_version
        found = await self._database.read(lambda db: appended_since(db, known, version))
        self._times.heard(found.bounds.newest)
        if self._committing is not None:  # it may be in what was found, and its hooks have not run
            await asyncio.shield(self._committing)
        self._publish(found, [])
        return self.bounds

    async def read(
        self, after: int, room: str, *, limit: int, max_bytes: int, orders: Mapping[int, int] = NO_ORDERS
    ) -> Page:
        """Returns the room's next events, and those of `orders`, from the disk. Raises Pruned or LogUnavailable."""
        # Beyond what is known here the reader may have begun to follow an order that `orders` lacks.
        up_to = self.bounds.newest
        return await self._database.read(lambda db: read_page(db, after, up_to, room, limit, max_bytes, orders))

    async def read_since(self, since: SteadyMs, room: str, *, limit: int) -> Page:
        """Returns those of the room's newest `limit` events that were appended at `since` or later."""
        return await self._database.read(lambda connection: read_since(connection, since, room, limit, self._times))

    async def count(self, after: int, room: str, *, up_to: int, orders: Mapping[int, int] = NO_ORDERS) -> int:
        """Counts the events after `after` of the room and of `orders`, to `up_to` of them."""
        return await self._database.read(lambda connection: count_after(connection, after, room, up_to, orders))

    async def snapshot(
        self, room: str | None, now: SteadyMs, limits: ViewLimits, user_id: int | None, alarms_since: SteadyMs
    ) -> tuple[list[Order], Bounds, list[dict[str, Any]]]:
        """Returns a view's orders, the log's bounds and the alarms since then that the view's readers are told, all of
        the same moment."""
        times = self._times

        def work(connection: sqlite3.Connection) -> tuple[list[Order], Bounds, list[dict[str, Any]]]:
            alarms = alarms_to_show(connection, alarms_since, times) if room in (None, WAITERS) else []
            return view(connection, room, now, limits, user_id, times), read_bounds(connection), alarms

        return await self._database.read(work)

    async def kept_alarms(self, since: SteadyMs) -> Kept:
        """Returns what whoever begins to raise alarms has to know, without the kitchen's events before `since`."""
        return await self._database.read(lambda connection: read_kept(connection, since, self._times))

    async def note_screen(self, room: str, ms: WallMs) -> None:
        """Notes that the room had a screen then."""
        await self._database.write(lambda connection: save_screen(connection, room, ms))

    async def count_unacknowledged(self, since: SteadyMs) -> int:
        """Counts the orders with an event since then of which no kitchen screen has acknowledged something."""
        return await self._database.read(lambda connection: count_unacknowledged(connection, since, self._times))

    async def products(self) -> list[Product]:
        return await self._database.read(all_products)

    async def has_order(self, order_id: int) -> bool:
        return await self._database.read(lambda connection: find_order(connection, order_id)) is not None

    async def order_history(self, order_id: int, limit: int) -> tuple[Order | None, list[LoggedEvent]]:
        """Returns an order and its newest `limit` events, oldest first."""
        sql = f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id = ? AND {KEPT} ORDER BY id DESC LIMIT ?"

        def work(connection: sqlite3.Connection) -> tuple[Order | None, list[LoggedEvent]]:
            rows = connection.execute(sql, (order_id, limit)).fetchall()
            return find_order(connection, order_id), [event_of(row) for row in reversed(rows)]

        return await self._database.read(work)

    async def ids_at(self, since_ms: WallMs, until_ms: WallMs) -> tuple[int, int]:
        """Returns the first and the last id of the events that the wall clock has from the one time until before the
        other; where it has none, the last is the one before the first."""
        return await self._database.read(lambda connection: ids_at(connection, since_ms, until_ms))

    async def orders_events(
        self, after: int, before: int, *, limit: int
    ) -> tuple[list[tuple[int, dict[str, Any]]], int, bool]:
        """Returns orders' next events between two ids, each with its time, to be folded; the id up to which those are
        all; and whether there may be more."""
        return await self._database.read(lambda connection: read_orders_events(connection, after, before, limit))

    async def count_open(self, now: SteadyMs, limits: ViewLimits) -> dict[str, int]:
        return await self._database.read(lambda connection: count_open(connection, now, limits, self._times))

    async def newest_events(self, limit: int) -> list[LoggedEvent]:
        """Returns the newest `limit` events of all rooms, oldest first."""
        sql = f"SELECT {EVENT_COLUMNS} FROM events WHERE {KEPT} ORDER BY id DESC LIMIT ?"
        rows = await self._database.read(lambda connection: connection.execute(sql, (limit,)).fetchall())
        return [event_of(row) for row in reversed(rows)]

    async def check_before_newest(self, pause_seconds: float = 0.05) -> str | None:
        """Checks the chain from the oldest row up, a page at a time. Returns the first fault in words, or None."""
        walk = ChainWalk(0, ZERO_HASH)  # taken to the anchor by the first page
        while True:
            problem, done = await self._database.read(lambda connection: check_page(connection, walk))
            if problem or done:
                return problem
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


def _commit(
    connection: sqlite3.Connection, group: list[_Job], known_id: int, known_subscriptions: int, times: StoredTimes
) -> tuple[Appended, list[Callable[[], None]], list[_Job]]:
    """Runs a group's publications in the writer's thread, inside the transaction. One that fails leaves the others as
    they are. Returns also those that were left to the next group: this one was large enough without them."""
    found = appended_since(connection, known_id, known_subscriptions)
    times.heard(found.bounds.newest)
    pending = Pending(found.bounds.newest, found.head_hash)
    left: list[_Job] = []
    for index, job in enumerate(group):
        if pending.size >= MAX_GROUP_BYTES:
            left = group[index:]
            break
        transaction = SqliteTransaction(connection, pending, times)
        try:
            job.result = job.work(transaction)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the job's caller, who gets it
            job.error = error
        else:
            pending.merge(transaction.pending)
    if pending.rows or pending.keys or pending.follows or pending.products:
        write_rows(connection, pending)
    bounds = Bounds(found.bounds.epoch, pending.oldest or found.bounds.oldest, pending.head_id)
    version = found.subscriptions_version + len(pending.follows)
    written = Appended(found.events + pending.events, bounds, pending.head_hash, version, found.subscriptions)
    return written, pending.on_commit, left
