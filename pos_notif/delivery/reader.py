"""Readers: whose events, from where on, and in which of the two copies. They are the same for every transport."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..clock import SteadyMs, business_day, business_day_start
from ..errors import NotFound
from ..events import KITCHEN, MANAGERS, ROLE_ROOM, order_room
from ..log.event_log import NO_ORDERS, Cursor, LoggedEvent, Page, Pruned
from ..log.live import LiveLog
from ..log.subscriptions import Followed
from ..log.tail import PAGE_BYTES, PAGE_EVENTS, Waiter
from ..orders.state import Order
from ..wire import sse
from ..wire.json_text import dump

FROM_OLDEST = "inicio"
SNAPSHOT_URL = "/api/pedidos"
RECENT_MS = 5 * 60 * 1000
# What a cursor may come to when a stream or socket starts with it.
UP_TO_DATE, REPLAYED, RESET = "al_dia", "repetido", "resincronizar"
MAX_ORDER_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Start:
    """Where a reader goes on: after the id `after`. `reset` is told to it where its cursor cannot be used."""

    after: int
    reset: dict[str, Any] | None = None


class Examined(Protocol):
    """What a read of the log gives: the id up to which it went, and whether there may be more at once."""

    @property
    def examined(self) -> int: ...

    @property
    def more(self) -> bool: ...


P = TypeVar("P", bound=Examined)


@dataclass(frozen=True, slots=True)
class SsePage:
    """A page as frames in one piece, empty where nothing is left, and the id that they reach."""

    body: bytes
    examined: int

    @property
    def more(self) -> bool:
        return bool(self.body)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose events: a role's room and the orders that its client follows, in the full or the kitchen's copy."""

    log: LiveLog
    role: str
    room: str
    kitchen: bool
    follows: tuple[Followed, ...] = ()

    @classmethod
    def of_role(cls, log: LiveLog, role: str, *follows: Followed) -> Reader:
        room = ROLE_ROOM[role]
        return cls(log, role, room, room == KITCHEN, follows)

    @property
    def orders(self) -> Mapping[int, int]:
        """Returns the orders that are followed now, each with the id after which its events match; none for a manager's
        room, which has them all."""
        if self.room == MANAGERS or not self.follows:
            return NO_ORDERS
        if len(self.follows) == 1:
            return self.follows[0].orders
        return {order: after for followed in self.follows for order, after in followed.orders.items()}

    @property
    def rooms(self) -> list[str]:
        return [*filter(None, [self.room]), *map(order_room, self.orders)]

    async def best_of(self, cursors: Sequence[str], *, allow_oldest: bool = True) -> str | None:
        """Returns the cursor by which a reader goes on that came with several: the usable one with the greatest id,
        else the first, which then says why not; None where none came."""
        if len(cursors) < 2:
            return cursors[0] if cursors else None
        best, best_id = cursors[0], -1
        for cursor in cursors:
            sent = Cursor.parse(cursor)
            found = await self.log.find(sent) if sent is not None else None
            bounds = self.log.bounds
            if cursor == FROM_OLDEST and allow_oldest:
                found = bounds.oldest - 1
            if found is not None and max(bounds.oldest - 1, best_id + 1) <= found <= bounds.newest:
                best, best_id = cursor, found
        return best

    async def start(self, cursor: str | None, *, allow_oldest: bool = True) -> Start:
        """Returns where this reader goes on with this cursor, or from now without one. No cursor is an error."""
        found = await self._start(cursor, allow_oldest)
        if cursor is not None and allow_oldest:  # a poll's is no replay
            counts, behind = self.log.counts, self.log.store.behind(found.after)
            result = RESET if found.reset is not None else REPLAYED if behind else UP_TO_DATE
            counts.replays[result] += 1
            if found.reset is None:
                counts.replayed.add(behind)
        return found

    async def _start(self, cursor: str | None, allow_oldest: bool) -> Start:
        log = self.log
        bounds = log.bounds
        if cursor is None:
            return Start(bounds.newest)
        if cursor == FROM_OLDEST and allow_oldest:
            return Start(bounds.oldest - 1)
        parsed = Cursor.parse(cursor)
        if parsed is None:
            return self._reset("desconocido", cursor)
        after = await log.find(parsed)
        bounds = log.bounds
        if after is None:
            return self._reset("epoca", cursor)
        if after > bounds.newest:
            return self._reset("futuro", cursor)
        if after < bounds.oldest - 1:
            return self._reset("expirado", cursor)
        backlog = log.config.max_backlog
        if (
            backlog
            and log.store.behind(after) > backlog
            and await log.store.count(after, self.room, up_to=backlog + 1, orders=self.orders) > backlog
        ):
            return self._reset("atraso", cursor)
        return Start(after)

    def _reset(self, reason: str, received: str) -> Start:
        bounds = self.log.bounds
        self.log.counts.resets[reason] += 1
        return Start(
            bounds.newest,
            {
                "motivo": reason,
                "cursor_recibido": received[:64],
                "mas_antiguo": bounds.cursor(bounds.oldest - 1),
                "cursor": bounds.cursor(),
                "instantanea": SNAPSHOT_URL,
            },
        )

    def pruned(self, after: int) -> Start:
        """Returns where a reader goes on whose place was pruned while it was connected."""
        return self._reset("expirado", self.log.cursor(after))

    async def page(self, after: int, *, limit: int = PAGE_EVENTS, max_bytes: int = PAGE_BYTES) -> Page:
        """Returns the reader's next events, from memory or from the disk. Raises Pruned or LogUnavailable."""
        return await self.log.page(after, self.room, limit=limit, max_bytes=max_bytes, orders=self.orders)

    async def pages(
        self,
        after: int,
        read: Callable[[int], Awaitable[P]],
        *,
        waiter: Waiter | None = None,
        deadline: float | None = None,
    ) -> AsyncGenerator[P | Start, None]:
        """Yields what `read` gives from `after` on, page by page, and a Start where the reader's place was pruned, from
        which it goes on.

        Where nothing is left it ends; with a `waiter`, which the caller has told to the tail, it waits for more, and
        after `deadline` (by `time.monotonic`) looks once more at each turn. Raises LogUnavailable. Close it where it
        is left early (`contextlib.aclosing`).
        """
        while True:
            if waiter is not None:
                waiter.clear()
            try:
                page = await read(after)
            except Pruned:
                start = self.pruned(after)
                yield start
                after = start.after
                continue
            yield page
            after = page.examined
            if page.more:
                continue
            if waiter is None:
                return
            await waiter.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))

    async def recent(self, limit: int) -> Page:
        """Returns the newest events of the last 5 minutes, for a reader without a cursor."""
        since = SteadyMs(self.log.clocks.steady() - RECENT_MS)
        return await self.log.store.read_since(since, self.room, limit=limit)

    async def sse_page(self, after: int) -> SsePage:
        """Returns the reader's next events as SSE frames. Raises Pruned or LogUnavailable."""
        self.log.check_kept(after)
        found = self.sse_page_in_memory(after)
        if found is None:
            page = await self.log.store.read(
                after, self.room, limit=PAGE_EVENTS, max_bytes=PAGE_BYTES, orders=self.orders
            )
            found = self._frames(page), page.examined
        return SsePage(*found)

    def sse_page_in_memory(self, after: int) -> tuple[bytes, int] | None:
        """Returns the frames and the id that they reach, or None where memory does not go back so far."""
        return self.log.tail.encoded(after, self.room, self.kitchen, self._frames, self.orders)

    def _frames(self, page: Page) -> bytes:
        """Returns a page's frames in one piece; nothing for an empty page."""
        return sse.frames(
            self.log.bounds.epoch,
            [(event.id, event.name, event_json(self.log, event, self.kitchen)) for event in page.events],
        )

    def json_of(self, event: LoggedEvent) -> bytes:
        """Returns the event in this reader's copy."""
        return event_json(self.log, event, self.kitchen)


def event_json(log: LiveLog, event: LoggedEvent, kitchen: bool) -> bytes:
    """Returns the event in one of its two copies, the same bytes for every transport. Each is encoded once."""
    if not kitchen:
        return event.json
    if event.kitchen_json is None:
        event.kitchen_json = dump(log.kitchen_copy(json.loads(event.json))).encode()
    return event.kitchen_json


async def snapshot(
    log: LiveLog, room: str | None, user_id: int | None = None
) -> tuple[list[Order], str, list[dict[str, Any]]]:
    """Returns the orders in a room's view (all open ones for None), the cursor after which a stream misses nothing, and
    the alarms of this business day that are to be shown there. In the waiters' view it is what this user is shown."""
    now = log.clocks.now()
    day_start = business_day_start(business_day(now.ms, log.zone), log.zone)
    # What was raised an hour ago is of this day, though the clock was set on by two since.
    alarms_since = SteadyMs(now.steady - (now.ms - day_start))
    orders, bounds, alarms = await log.store.snapshot(room, now.steady, log.limits, user_id, alarms_since)
    return orders, bounds.cursor(), alarms


async def check_exists(log: LiveLog, order_id: int) -> None:
    """Raises NotFound for an order that the log does not know: of several nodes, what any of them has. Raises
    LogUnavailable where that cannot be found out."""
    found = await log.store.has_order(order_id)
    if not found and log.node is not None:
        await log.catch_up_with_nodes()
        found = await log.store.has_order(order_id)
    if not found:
        raise _no_order(order_id)


async def order_history(log: LiveLog, order_id: int) -> tuple[Order, list[LoggedEvent]]:
    """Returns the order and its newest events, oldest first. Raises what `check_exists` raises."""
    order, events = await log.store.order_history(order_id, MAX_ORDER_EVENTS)
    if order is None:
        await check_exists(log, order_id)  # it may be another node's that has just been told of
        order, events = await log.store.order_history(order_id, MAX_ORDER_EVENTS)
    if order is None:
        raise _no_order(order_id)
    return order, events


def _no_order(order_id: int) -> NotFound:
    return NotFound(f"No existe el pedido {order_id}.")
