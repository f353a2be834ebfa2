"""The log as this process has it open: what every way of publishing and of reading stands on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from ..clock import Clocks, iso
from ..cluster.central import Central
from ..config import Config
from ..counts import Counts
from ..database.listeners import DatabaseListeners
from ..database.replication import Replication
from ..database.threads import Database
from ..errors import EngineAway, LogUnavailable
from ..orders.kitchen_copy import kitchen_copier
from ..orders.state import Order, ViewLimits
from ..principal import Principal
from .clock_check import ClockCheck, read_newest_ms
from .event_log import NO_ORDERS, Bounds, Cursor, LoggedEvent, Page, Pruned, Transaction
from .listeners import LogListeners
from .siblings import Siblings
from .subscriptions import Subscriptions
from .tables.epochs import begin_epoch
from .tail import PAGE_BYTES, PAGE_EVENTS, Tail
from .writer import SqliteLog

T = TypeVar("T")

logger = logging.getLogger("pos_notif")

# How soon this process sees what another one has written: a revocation must bite within a second.
WATCH_SECONDS = 0.25
# How soon it is known that another file was copied over the log's: each look opens the file anew.
LOOK_SECONDS = 1.0


class LogNode(Protocol):
    """What makes a log's file one of several nodes' that hold the same rows."""

    @property
    def central(self) -> Central:
        """Returns whether there is an engine now."""

    def replication(self) -> Replication:
        """Returns what orders the database's transactions."""

    def follow(self, database: Database, begin_epoch: Callable[[sqlite3.Connection], object]) -> None:
        """Begins to apply what other nodes write. `begin_epoch` is what a log goes on with where its engine may have
        lost something."""

    async def catch_up(self) -> bool:
        """Applies what any node has written until now. Tells whether there was anything. Raises LogUnavailable where
        the engine does not answer."""

    async def close(self) -> None:
        """Ends that."""


class LiveLog:
    """`open` it before anything else; `close` it before the loop ends.

    `store` is the log in SQLite, `tail` its newest events in memory; `database` is the file, for what is no event.
    `clocks` are the two by which everything in this process goes.
    `node` is what makes this process one of a cluster's, None where there is none.
    `damage` says in words what the check of the whole chain found; None while it found nothing. `clock_check` says what
    the log knows of the wall clock. `siblings` are the other processes of the same service, where there are any.
    """

    database: Database
    store: SqliteLog
    clock_check: ClockCheck

    def __init__(
        self,
        config: Config,
        clocks: Clocks | None = None,
        siblings: Siblings | None = None,
        node: LogNode | None = None,
    ) -> None:
        self.config = config
        self.node = node
        self.siblings = siblings
        self.clocks = clocks or Clocks()
        self.zone = config.zone
        self.limits = ViewLimits(
            view_ms=int(config.view_hours * 3_600_000), ready_ms=int(config.ready_minutes * 60_000)
        )
        self.tail = Tail(config.tail_events, config.tail_bytes)
        self.kitchen_copy = kitchen_copier(config.kitchen_hides)
        self.subscriptions = Subscriptions()
        self.counts = Counts()
        self.damage: str | None = None
        self.closing = False
        self._commit_at = 0.0
        self._tasks: list[asyncio.Task[Any]] = []
        self._accounts_change: list[Callable[[], None]] = []
        self._fault: list[Callable[[], None]] = []
        # How often siblings were found to have committed, and how often when the last look began that has ended.
        self._wakes = 0
        self._caught_up = 0
        self._catching_up: asyncio.Task[None] | None = None

    async def open(self, *, create: bool = True) -> None:
        """Opens the log, or makes it where `create`; opening what is open does nothing. Raises LogRefused where the
        file must not be used."""
        if self._tasks:
            return
        is_first = self.siblings is None or self.siblings.first
        if self.node is None and self.config.cluster:
            from ..cluster.node import Node  # what only a cluster needs is loaded by nobody else

            self.node = await asyncio.to_thread(Node.of, self.config)
        replication = self.node.replication() if self.node is not None else None
        loop = asyncio.get_running_loop()
        listeners = DatabaseListeners(
            self._committed, partial(_call_in, loop, self._woken), partial(_call_in, loop, self._faulted)
        )
        self.database = await Database.open(
            self.config.database, create=create, replication=replication, listeners=listeners
        )
        try:
            # Before the log's bounds are read: what is committed in between is found by the first look.
            version = await self.database.data_version()
            self.store = await SqliteLog.open(
                self.database,
                LogListeners(
                    self._appended, self._count_own, self.tail.skip, self.subscriptions.load, self._accounts_changed
                ),
                self.clocks,
            )
            # As much as the check at start has read anyway: the first reconnects need no disk.
            newest = await self.store.newest_events(min(1000, self.config.tail_events))
            self.tail.start(self.bounds.newest, newest)
            newest_ms = await self.database.read(read_newest_ms)
            self.clock_check = ClockCheck(self.clocks, newest_ms, tells=is_first)
            self.clock_check.look(self.bounds.newest)
        except BaseException:
            await self.database.close()
            raise
        self._tasks = [
            asyncio.create_task(self._watch(version), name="foreign-commit-watch"),
            asyncio.create_task(self._look(), name="log-files-look"),
        ]
        if is_first:
            self._tasks.append(asyncio.create_task(self._check_rest(), name="log-check"))
        if self.node is not None:
            self.node.follow(self.database, begin_epoch)
        if self.siblings is not None:
            asyncio.get_running_loop().add_reader(self.siblings.own, self.is_behind)

    async def close(self) -> None:
        """Closes the log once all publications that were accepted are written."""
        if self.siblings is not None:
            asyncio.get_running_loop().remove_reader(self.siblings.own)
        if self.node is not None:
            await self.node.close()
        for task in (*self._tasks, *filter(None, [self._catching_up])):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.store.close()
        await self.database.close()

    def end_waits(self) -> None:
        """Makes long polls answer now with what there is: the service is stopping."""
        self.closing = True
        self.tail.wake_all()

    def on_accounts_change(self, call: Callable[[], None]) -> None:
        """Has `call()` made when a session, a token or a role has ended, whichever process has written that: within a
        quarter of a second."""
        self._accounts_change.append(call)

    def _accounts_changed(self) -> None:
        for call in self._accounts_change:
            call()

    def _committed(self) -> None:
        """Is called in the writer's thread after each commit."""
        if self.siblings is not None:
            self.siblings.wake()

    def _appended(self, events: list[LoggedEvent]) -> None:
        if self._is_alone:
            self._count(events)
        # Another process's commit is only known from when it was found.
        committed_at = self.database.committed_at
        self._commit_at = committed_at if committed_at > self._commit_at else time.perf_counter()
        self.tail.append(events)

    @property
    def _is_alone(self) -> bool:
        return self.siblings is None and self.node is None

    def _count_own(self, events: Sequence[LoggedEvent]) -> None:
        if not self._is_alone:
            self._count(events)

    def _count(self, events: Sequence[LoggedEvent]) -> None:
        """Counts events: all of them where this process is alone, else those that it has appended itself, since each of
        its siblings, or of the other nodes, does the same."""
        for event in events:
            self.counts.events[event.tipo] += 1

    def written(self) -> None:
        """Notes that a room's streams have been written what the last commit brought."""
        self.counts.wire_seconds.add(time.perf_counter() - self._commit_at)

    def is_behind(self) -> bool:
        """Tells whether a sibling has committed what is not known here yet, and begins to look for it. Its publisher's
        answer left after we were woken: who was told of an event by one process finds it at every other one, where
        what that one reads is asked of `catch_up` first."""
        if self.siblings is not None and self.siblings.woken():
            self._woken()
        return self._wakes > self._caught_up

    def _woken(self) -> None:
        """Is called when others have committed what is not known here."""
        self._wakes += 1
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up_until_done(), name="catching-up")

    async def _catch_up_until_done(self) -> None:
        while self.is_behind():
            if not await self.catch_up():
                return  # the watch looks again

    async def catch_up(self) -> bool:
        """Takes in what siblings have committed until now. Tells whether the log could be read."""
        wakes = self._wakes
        try:
            await self.store.refresh()
        except LogUnavailable:
            return False
        self._caught_up = max(self._caught_up, wakes)
        return True

    async def catch_up_with_nodes(self) -> bool:
        """Takes in what any node of the cluster has committed until now: asked before somebody is refused for what this
        one does not know. Tells whether there may be anything new, be it that the follower has taken it in meanwhile;
        without a cluster there is not. Raises LogUnavailable where that cannot be found out."""
        if self.node is None:
            return False
        await self.node.catch_up()
        await self.catch_up()
        return True

    async def _watch(self, version: int) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.clock_check.look(self.bounds.newest)
            try:
                found = await self.database.data_version()
                if found != version:
                    if self.siblings is not None:
                        # It may be nobody's of ours: whoever hears of it by us finds it at each of them.
                        self.siblings.wake()
                    await self.store.refresh()
                    version = found
            except LogUnavailable as error:
                logger.warning("the database cannot be read: %s", error.__cause__)

    async def _look(self) -> None:
        """Looks at the log's files from time to time, and tells once what is wrong with them, whoever found it."""
        database, path = self.database, self.database.path
        lost = damaged = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.store.look_at_files()
            if database.lost and not lost:
                logger.error("nothing is written to %s any more until a restart: %s", path, database.lost)
            if database.damage and not damaged:
                logger.error("the database %s is damaged: %s", path, database.damage)
            lost, damaged = bool(database.lost), bool(database.damage)

    async def _check_rest(self) -> None:
        """Checks the chain before the newest rows; those were checked when the log was opened."""
        try:
            self.damage = await self.store.check_before_newest()
        except LogUnavailable as error:
            self.damage = str(error.__cause__)
        if self.damage:
            logger.error("the event log %s is damaged: %s", self.database.path, self.damage)

    @property
    def bounds(self) -> Bounds:
        return self.store.bounds

    @property
    def stopped(self) -> str | None:
        """Returns why this node takes part in its cluster no more, so that what it has must not be shown; None where it
        does, and without a cluster."""
        return None if self.node is None else self.node.central.stopped

    def cursor(self, event_id: int) -> str:
        return self.bounds.cursor(event_id)

    async def find(self, cursor: Cursor) -> int | None:
        """Returns the id from which the cursor's reader goes on, however new it is to this process; None where the log
        is another than what it has read. Raises LogUnavailable, also where the cluster's nodes cannot be asked."""
        found = self.store.id_of(cursor)
        if found is None or found > self.bounds.newest:
            # Who has the cursor may have it from a commit that we are only about to hear of.
            await self.store.refresh()
            found = self.store.id_of(cursor)
            if (found is None or found > self.bounds.newest) and await self.catch_up_with_nodes():
                found = self.store.id_of(cursor)
        return found

    def away(self) -> dict[str, str]:
        """Returns what answers say while this node has no engine, so that nothing can be kept: `sin_central_desde`;
        nothing else."""
        since = self.node.central.away_since if self.node is not None else None
        return {} if since is None else {"sin_central_desde": iso(since, self.zone)}

    def on_central(self, call: Callable[[], None]) -> None:
        """Has `call()` made in the loop when this node's engine goes or comes, or the node stops."""
        if self.node is not None:
            self.node.central.on_change(partial(_call_in, asyncio.get_running_loop(), call))

    def now(self) -> str:
        """Returns the time as events carry it."""
        return iso(self.clocks.wall(), self.zone)

    def on_fault(self, call: Callable[[], None]) -> None:
        """Has `call()` made in the loop when the database's file was found to be lost or damaged, or its disk full."""
        self._fault.append(call)

    def _faulted(self) -> None:
        for call in self._fault:
            call()

    async def transact(self, work: Callable[[Transaction], T], who: Principal | None = None) -> T:
        """Runs `work` in the writer's thread and transaction, and returns its result once that is durable. Raises what
        `work` raises, with nothing kept of it, or LogUnavailable.

        `who` is whose work it is: since it was let in, its body may have taken a minute to arrive. Raises
        NotAuthenticated where the session or token has ended by now.
        """
        return await self.store.transact(self._of(who, work))

    async def rehearse(self, work: Callable[[Transaction], T], who: Principal | None = None) -> T:
        """Runs `work` as `transact` would, on what is committed now, and keeps nothing of it. Raises what `transact`
        would, EngineAway too while this node knows that it has no engine, but for a disk that can be read and not
        written."""
        if self.node is not None and not self.node.central.may_write:
            raise EngineAway("La central no responde: ahora no se puede publicar. Intente de nuevo.")
        return await self.store.rehearse(self._of(who, work))

    def _of(self, who: Principal | None, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        if who is None:
            return work

        def checked(transaction: Transaction) -> T:
            transaction.check_signed_in(who, self.clocks.steady())
            return work(transaction)

        return checked

    async def page(
        self,
        after: int,
        room: str,
        *,
        limit: int = PAGE_EVENTS,
        max_bytes: int = PAGE_BYTES,
        orders: Mapping[int, int] = NO_ORDERS,
    ) -> Page:
        """Returns the room's next events, and those of `orders`, from memory or from the disk. Raises Pruned where
        `after` is older than the log, or LogUnavailable."""
        self.check_kept(after)
        page = self.tail.page(after, room, limit=limit, max_bytes=max_bytes, orders=orders)
        if page is None:
            page = await self.store.read(after, room, limit=limit, max_bytes=max_bytes, orders=orders)
        return page

    def check_kept(self, after: int) -> None:
        """Raises Pruned where events after this id are no longer in the log."""
        if after < self.bounds.oldest - 1:
            raise Pruned

    def order_json(self, order: Order, kitchen: bool) -> Any:
        """Returns the order in one of its two copies."""
        return self.kitchen_copy(order.pedido) if kitchen else order.pedido


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(call)
