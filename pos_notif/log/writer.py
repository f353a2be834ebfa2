"""The event log in SQLite: one writer with group commit; hash chain, keys and projection in the same transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from ..clock import Clocks, SteadyMs, WallMs
from ..database.file import ZERO_HASH
from ..database.stored_times import StoredTimes
from ..database.thread import Outcome
from ..database.threads import Database, in_snapshot
from ..errors import LogRefused, LogUnavailable, TooLarge
from ..events import WAITERS
from ..orders.menu import Product
from ..orders.state import Order, ViewLimits
from .event_log import NO_ORDERS, Bounds, Cursor, LoggedEvent, Page, Transaction
from .group import Job, Written, commit, fail_all
from .hash_chain import ChainWalk
from .listeners import NO_LISTENERS, LogListeners
from .tables.alarms import Kept, alarms_to_show, count_unacknowledged, read_kept, save_screen
from .tables.epochs import ID_GAP, read_earlier
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
# A node's is one record of the cluster, of 1 MiB once it is compressed.
MAX_RECORD_GROUP_BYTES = 1024 * 1024
# Who was just answered is heard again before the next group begins, so that publishers back to back share one commit,
# and one write to every stream, instead of two halves that take turns at it: the turns of the loop in which the answers
# leave and the streams are written, the sockets are read, and the requests go from task to task. Only where somebody
# waits already; a publisher alone is not held up.
GATHER_TURNS = 6


class SqliteLog:
    """Use `SqliteLog.open`. What it is asked for since some moment goes by the steady clock, whatever the wall clock
    wrote meanwhile. `earlier` are the epochs before that of `bounds`, each with the last id that it had here."""

    def __init__(
        self,
        database: Database,
        bounds: Bounds,
        earlier: Mapping[str, int],
        listeners: LogListeners,
        clocks: Clocks,
    ) -> None:
        self.bounds = bounds
        self.earlier = earlier
        self._database = database
        self._times = StoredTimes(clocks, bounds.newest)
        self._listeners = listeners
        self._subscriptions_version = self._accounts_version = -1
        self._waiting: deque[Job] = deque()
        self._writing = False  # whether a group is being written, or begun
        self._alone = 0  # how many of those that wait go without company
        self._over: list[asyncio.Future[None]] = []
        self._closing = False

    @classmethod
    async def open(
        cls,
        database: Database,
        listeners: LogListeners = NO_LISTENERS,
        clocks: Clocks | None = None,
    ) -> SqliteLog:
        """Opens the log in its database. Raises LogRefused where the newest 1,000 rows do not chain up to the head."""
        try:
            bounds, earlier, problem = await database.read(
                lambda db: (read_bounds(db), read_earlier(db), check_newest(db))
            )
        except LogUnavailable as error:
            raise LogRefused(f"{database.path}: is damaged ({error.__cause__})") from error
        if problem:
            raise LogRefused(f"{database.path}: is damaged: {problem}")
        log = cls(database, bounds, earlier, listeners, clocks or Clocks())
        await log.refresh()  # the subscriptions
        return log

    async def close(self) -> None:
        """Writes what was accepted, then stops. The database stays open."""
        self._closing = True
        while self._writing:
            await self._commit_over()

    # Writing

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` with the next group, and returns its result once that is durable. Raises what `work` raises, with
        nothing kept of it, or LogUnavailable."""
        if self._closing:
            raise LogUnavailable
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future())
        self._waiting.append(job)
        if not self._writing:
            self._writing = True
            loop.call_soon(self._begin)  # who publishes in this turn of the loop shares the commit
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

    def _begin(self) -> None:
        """Hands the next group to the writer's thread."""
        size = 1 if self._alone else min(len(self._waiting), MAX_GROUP)
        self._alone = max(0, self._alone - 1)
        group = [self._waiting.popleft() for _ in range(size)]
        limit = MAX_RECORD_GROUP_BYTES if self._database.is_replicated else MAX_GROUP_BYTES
        known, version, times = self.bounds, self._subscriptions_version, self._times
        self._database.begin_write(
            partial(
                self._commit,
                group=group,
                max_bytes=limit,
                known=known,
                known_subscriptions=version,
                times=times,
                shared=self._database.is_replicated,
            ),
            partial(self._committed, group),
        )

    def _commit(self, connection: sqlite3.Connection, group: list[Job], *, shared: bool, **how: Any) -> Written:
        """Is what the writer's thread does, once it is this process's turn. Who has come while another process wrote
        joins the group: of several processes each would else write its publishers' events in two halves, which take
        turns. Meanwhile the loop only adds to those that wait."""
        while not shared and self._waiting and len(group) < MAX_GROUP:
            group.append(self._waiting.popleft())
        return commit(connection, group, shared=shared, **how)

    def _committed(self, group: list[Job], outcome: Outcome[Written]) -> None:
        """Answers the group's publishers, hands on what is new, and goes on with who waits by now."""
        try:
            written, hooks, left = outcome.get()
        except TooLarge as error:
            self._part(group, error)
        except BaseException as error:  # noqa: BLE001 - it is the thread's
            fail_all(group, error)
        else:
            self._listeners.own(written.own)
            if left:
                self._waiting.extendleft(reversed(left))
                del group[-len(left) :]
            self._hand_on(group, written, hooks)
        finally:
            over, self._over = self._over, []
            for waiter in over:
                if not waiter.done():
                    waiter.set_result(None)
            self._go_on(GATHER_TURNS)

    def _part(self, group: list[Job], error: TooLarge) -> None:
        """Lets the publications of a group that is too large for the other nodes go one by one."""
        if len(group) == 1:
            group[0].fail(error)
        else:
            self._alone = len(group)
            self._waiting.extendleft(reversed(group))

    def _hand_on(self, group: list[Job], written: Appended, hooks: list[Callable[[], None]]) -> None:
        # Of several publishers the answers leave first, in the loop's next turn: each writes its next event while the
        # streams are written. One alone has nobody to share a commit with, and its readers go first.
        if len(group) == 1:
            try:
                self._publish(written, hooks)
            finally:
                group[0].answer()  # it is durable, whatever became of its readers
        else:
            for job in group:
                job.answer()
            self._publish(written, hooks)

    def _go_on(self, turns: int) -> None:
        if not self._waiting:
            self._writing = False
        elif turns and not self._closing:
            asyncio.get_running_loop().call_soon(self._go_on, turns - 1)
        else:
            self._begin()

    async def _commit_over(self) -> None:
        """Returns once the commit that is under way has been handed on."""
        waiter = asyncio.get_running_loop().create_future()
        self._over.append(waiter)
        await waiter

    def _publish(self, found: Appended, hooks: list[Callable[[], None]]) -> None:
        """Hands on what is new. Who follows what comes first: then no event passes a reader that has begun to follow
        its order. What is known stays known, and nothing is handed on twice: a commit and a refresh may have read in
        either order."""
        if found.subscriptions_version > self._subscriptions_version:
            self._subscriptions_version = found.subscriptions_version
            if found.subscriptions is not None:
                self._listeners.subscriptions(found.subscriptions)
        if found.accounts_version > self._accounts_version:
            self._accounts_version = found.accounts_version
            self._listeners.accounts()
        for call in hooks:
            call()
        known, bounds = self.bounds, found.bounds
        newer = bounds if bounds.newest > known.newest else known
        self.bounds = Bounds(newer.epoch, max(known.oldest, bounds.oldest), newer.newest)
        events = found.events
        if events and events[0].id <= known.newest:
            events = [event for event in events if event.id > known.newest]
        if newer.epoch != known.epoch:
            self.earlier = found.earlier or {}
            if found.whole:
                self._listeners.epoch(events[0].id - 1 if events else newer.newest)
        if events:
            self._listeners.appended(events)

    async def look_at_files(self) -> None:
        """Looks whether the database's files are the ones that are open: another log that was copied over one is found
        by its head, or by what is missing among its newest rows. What is found stands in `Database.lost` and
        `Database.damage`."""
        known = self.bounds

        def fault(connection: sqlite3.Connection, written: bool) -> str | None:
            found = connection.execute("SELECT epoch, head_id FROM log").fetchone() or ("none", 0)
            # A node begins a new epoch in its own file, and what is known here follows a moment later.
            up_to = found[1] if found[0] == known.epoch else read_earlier(connection).get(known.epoch, -1)
            if up_to < known.newest:
                return f"its head is {found[0]}-{found[1]}, and was {known.cursor()}"
            return missing_among_newest(connection) if written else None

        await self._database.look(fault)

    # Reading

    def id_of(self, cursor: Cursor) -> int | None:
        """Returns the id up to which this log has what the cursor's reader has read; None where that reader has read
        another log, or a part that is lost. What it has not heard of yet is above `bounds.newest`."""
        if cursor.epoch == self.bounds.epoch:
            return cursor.id
        return cursor.id if cursor.id <= self.earlier.get(cursor.epoch, -1) else None

    def behind(self, after: int) -> int:
        """Returns how many events there may be after this id: ids that an epoch has left out are none."""
        left_out = sum(max(0, last + ID_GAP - 1 - max(last, after)) for last in self.earlier.values())
        return max(0, self.bounds.newest - after - left_out)

    async def refresh(self) -> Bounds:
        """Hands on what other processes have written, and returns the log's bounds."""
        known, version = self.bounds, self._subscriptions_version
        found = await self._database.read(lambda db: appended_since(db, known, version))
        self._times.heard(found.bounds.newest)
        if self._writing:  # it may be in what was found, and its hooks have not run
            await self._commit_over()
        self._publish(found, [])
        return self.bounds

    async def read(
        self, after: int, room: str, *, limit: int, max_bytes: int, orders: Mapping[int, int] = NO_ORDERS
    ) -> Page:
        """Returns the room's next events, and those of `orders`, from the disk. Raises Pruned or LogUnavailable."""
        # Beyond what is known here the reader may have begun to follow an order that `orders` lacks.
        up_to = self.bounds.newest
        return await self._database.read(lambda db: read_page(db, after, up_to, room, limit, max_bytes, orders))

    def steady(self, event: LoggedEvent) -> SteadyMs:
        """Returns by the steady clock when the event was appended."""
        return self._times.steady(event.id, event.ms)

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
