"""The newest events in memory, and the wake-up of who waits for more.

A wake-up carries no event. It is a level, "the log has reached N", so it cannot be missed between a reader's check
and its wait.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ..events import FILTERED_ROOMS, MANAGERS
from .event_log import NO_ORDERS, LoggedEvent, Page

# What is waiting for a reader is written in pieces of about this size: few writes, and little held for a slow one.
PAGE_BYTES = 64 * 1024
PAGE_EVENTS = 500
_NONE: list[LoggedEvent] = []


class Waiter:
    """One reader's wake-up. `clear` before the check, `wait` after it: a wake-up in between ends the wait at once."""

    __slots__ = ("_future", "_woken")

    def __init__(self) -> None:
        self._woken = False
        self._future: asyncio.Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """Tells whether the reader waits and nothing has come since the `clear` before."""
        return self._future is not None and not self._woken

    def clear(self) -> None:
        self._woken = False

    def wake(self) -> None:
        self._woken = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, timeout: float | None = None) -> None:
        """Returns at the next `wake`, or after `timeout` seconds."""
        if self._woken:
            return
        loop = asyncio.get_running_loop()
        self._future = loop.create_future()
        timer = loop.call_later(timeout, self.wake) if timeout is not None else None
        try:
            await self._future
        finally:
            if timer is not None:
                timer.cancel()
            self._future = None


class Listener(Protocol):
    """A reader that is told that there is more; it then looks for itself."""

    def wake(self) -> None: ...


class Tail:
    """Holds every event after `floor`, up to `reached`. It belongs to the event loop; readers have only to read."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._by_room: dict[str, list[LoggedEvent]] = {room: [] for room in (*FILTERED_ROOMS, MANAGERS)}
        self._waiters: dict[str, set[Listener]] = {room: set() for room in self._by_room}
        self._encoded: dict[tuple[str, bool, int], tuple[bytes, int]] = {}
        self.floor = 0
        self.reached = 0

    def start(self, newest: int, events: Sequence[LoggedEvent]) -> None:
        """Begins with the log's newest `events`, without a hole. Those above `newest` come again, by `append`; what was
        appended before, while the log was being opened, is among them."""
        self._empty()
        self.reached = self.floor = newest
        events = [event for event in events if event.id <= newest]
        if events:
            self.floor = events[0].id - 1
            self._keep(events)

    def skip(self, up_to: int) -> None:
        """Takes the ids up to this one, which no event has: a new epoch begins above them."""
        self.reached = max(self.reached, up_to)
        self._encoded.clear()

    def append(self, events: Sequence[LoggedEvent]) -> None:
        """Takes durable events, in the log's order, and wakes the readers of their rooms."""
        if events[0].id != self.reached + 1:  # another process wrote more than is fetched for us
            self._empty()
            self.floor = events[0].id - 1
        self.reached = events[-1].id
        self._encoded.clear()
        self._keep(events)
        for room in {MANAGERS}.union(*[event.filtered_rooms for event in events]):
            for waiter in self._waiters[room]:
                waiter.wake()

    def _empty(self) -> None:
        for kept in self._by_room.values():
            kept.clear()
        self._bytes = 0
        self._encoded.clear()

    def _keep(self, events: Sequence[LoggedEvent]) -> None:
        everything = self._by_room[MANAGERS]
        everything += events
        for event in events:
            for room in event.filtered_rooms:
                self._by_room[room].append(event)
            self._bytes += len(event.json)
        if len(everything) > self._max_events or self._bytes > self._max_bytes:
            self._forget(everything)

    def _forget(self, everything: list[LoggedEvent]) -> None:
        """Drops the oldest tenth, or as much as the bytes ask for: seldom, so that it costs little an event."""
        drop = max(len(everything) - self._max_events + self._max_events // 10, 0)
        freed = sum(len(event.json) for event in everything[:drop])
        while drop < len(everything) - 1 and self._bytes - freed > self._max_bytes:
            freed += len(everything[drop].json)
            drop += 1
        if not drop:
            return
        self.floor = everything[drop - 1].id
        self._bytes -= freed
        for kept in self._by_room.values():
            del kept[: bisect_right(kept, self.floor, key=_id)]

    def page(
        self,
        after: int,
        room: str,
        *,
        limit: int = PAGE_EVENTS,
        max_bytes: int = PAGE_BYTES,
        orders: Mapping[int, int] = NO_ORDERS,
    ) -> Page | None:
        """Returns the next events of the room, and of `orders` after the id that each has; None where memory does not
        go back so far."""
        if after < self.floor:
            return None
        kept = self._events(after, room, orders)
        start = bisect_right(kept, after, key=_id)
        end = min(start + limit, len(kept))
        size = 0
        for index in range(start, end):
            size += len(kept[index].json)
            if size > max_bytes and index > start:
                end = index
                break
        events = kept[start:end]
        more = end < len(kept)
        return Page(events, events[-1].id if more else max(after, self.reached), more)

    def _events(self, after: int, room: str, orders: Mapping[int, int]) -> list[LoggedEvent]:
        """Returns those events in memory, at least from `after` on."""
        if room == MANAGERS or not orders:
            return self._by_room.get(room, _NONE)
        everything = self._by_room[MANAGERS]
        return [
            event
            for event in everything[bisect_right(everything, after, key=_id) :]
            if room in event.filtered_rooms or event.id > orders.get(event.order_id or 0, event.id)
        ]

    def count(self, after: int, room: str, orders: Mapping[int, int] = NO_ORDERS) -> int:
        """Counts the events in memory that `page` would give after `after`, without a limit."""
        kept = self._events(after, room, orders)
        return len(kept) - bisect_right(kept, after, key=_id)

    def encoded(
        self,
        after: int,
        room: str,
        kitchen: bool,
        encode: Callable[[Page], bytes],
        orders: Mapping[int, int] = NO_ORDERS,
    ) -> tuple[bytes, int] | None:
        """Returns the next page's bytes and the id they reach, the same object for every reader of a room at the same
        place; None where memory does not go back so far."""
        key = (room, kitchen, after)
        found = None if orders else self._encoded.get(key)
        if found is None:
            page = self.page(after, room, orders=orders)
            if page is None:
                return None
            found = (encode(page) if page.events else b"", page.examined)
            if not orders:
                if len(self._encoded) > 256:
                    self._encoded.clear()
                self._encoded[key] = found
        return found

    def listen(self, waiter: Listener, room: str) -> None:
        self._waiters[room].add(waiter)

    def wake_all(self) -> None:
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()

    def forget(self, waiter: Listener, room: str) -> None:
        self._waiters[room].discard(waiter)


def _id(event: LoggedEvent) -> int:
    return event.id
