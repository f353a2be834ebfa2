"""The log as this process has it open: what every way of publishing and of reading stands on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..clock import Clocks, iso
from ..config import Config
from ..counts import Counts
from ..database.threads import Database
from ..errors import LogUnavailable
from ..orders.kitchen_copy import kitchen_copier
from ..orders.state import Order, ViewLimits
from ..principal import Principal
from .clock_check import ClockCheck, read_newest_ms
from .event_log import NO_ORDERS, Bounds, LoggedEvent, Page, Pruned, Transaction
from .subscriptions import Subscriptions
from .tail import PAGE_BYTES, PAGE_EVENTS, Tail
from .writer import SqliteLog

T = TypeVar("T")

logger = logging.getLogger("pos_notif")

# How soon this process sees what another one has written: a revocation must bite within a second.
WATCH_SECONDS = 0.25
# How soon it is known that another file was copied over the log's: each look opens the file anew.
LOOK_SECONDS = 1.0


class LiveLog:
    """`open` it before anything else; `close` it before the loop ends.

    `store` is the log in SQLite, `tail` its newest events in memory; `database` is the file, for what is no event.
    `clocks` are the two by which everything in this process goes.
    `damage` says in words what the check of the whole chain found; None while it found nothing. `clock_check` says what
    the log knows of the wall clock.
    """

    database: Database
    store: SqliteLog
    clock_check: ClockCheck

    def __init__(self, config: Config, clocks: Clocks | None = None) -> None:
        self.config = config
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
        self._foreign_commit: list[Callable[[], None]] = []

    async def open(self, *, create: bool = True) -> None:
        """Opens the log, or makes it where `create`; opening what is open does nothing. Raises LogRefused where the
        file must not be used."""
        if self._tasks:
            return
        self.database = await Database.open(self.config.database, create=create)
        try:
            # Before the log's bounds are read: what is committed in between is found by the first look.
            version = await self.database.data_version()
            self.store = await SqliteLog.open(
                self.database, self._appended, self.subscriptions.load, clocks=self.clocks
            )
            # As much as the check at start has read anyway: the first reconnects need no disk.
            newest = await self.store.newest_events(min(1000, self.config.tail_events))
            self.tail.start(self.bounds.newest, newest)
            self.clock_check = ClockCheck(self.clocks, await self.database.read(read_newest_ms))
            self.clock_check.look(self.bounds.newest)
        except BaseException:
            await self.database.close()
            raise
        self._tasks = [
            asyncio.create_task(self._watch(version), name="foreign-commit-watch"),
            asyncio.create_task(self._look(), name="log-files-look"),
            asyncio.create_task(self._check_rest(), name="log-check"),
        ]

    async def close(self) -> None:
        """Closes the log once all publications that were accepted are written."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.store.close()
        await self.database.close()

    def end_waits(self) -> None:
        """Makes long polls answer now with what there is: the service is stopping."""
        self.closing = True
        self.tail.wake_all()

    def on_foreign_commit(self, call: Callable[[], None]) -> None:
        """Has `call()` made each time another process has written: accounts may have changed."""
        self._foreign_commit.append(call)

    def _appended(self, events: list[LoggedEvent]) -> None:
        self.counts.events.update([event.tipo for event in events])
        # Another process's commit is only known from when it was found.
        committed_at = self.database.committed_at
        self._commit_at = committed_at if committed_at > self._commit_at else time.perf_counter()
        self.tail.append(events)

    def written(self) -> None:
        """Notes that a room's streams have been written what the last commit brought."""
        self.counts.wire_seconds.add(time.perf_counter() - self._commit_at)

    async def _watch(self, version: int) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.clock_check.look(self.bounds.newest)
            try:
                found = await self.database.data_version()
                if found != version:
                    await self.store.refresh()
                    version = found
                    for call in self._foreign_commit:
                        call()
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

    def cursor(self, event_id: int) -> str:
        return self.bounds.cursor(event_id)

    def now(self) -> str:
        """Returns the time as events carry it."""
        return iso(self.clocks.wall(), self.zone)

    async def transact(self, work: Callable[[Transaction], T], who: Principal | None = None) -> T:
        """Runs `work` in the writer's thread and transaction, and returns its result once that is durable. Raises what
        `work` raises, with nothing kept of it, or LogUnavailable.

        `who` is whose work it is: since it was let in, its body may have taken a minute to arrive. Raises
        NotAuthenticated where the session or token has ended by now.
        """
        return await self.store.transact(self._of(who, work))

    async def rehearse(self, work: Callable[[Transaction], T], who: Principal | None = None) -> T:
        """Runs `work` as `transact` would, on what is committed now, and keeps nothing of it. Raises what `transact`
        would, but for a disk that can be read and not written."""
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
