"""Fan-out: one pump a room and copy writes what is new, encoded once, to every stream that has caught up.

A stream is *live* while it has everything up to the pump's place and its connection takes what it is given. A live
stream has no task, queue, buffer or timer of its own here. One that falls behind is handed back to its own task,
which reads pages from the log with ordinary backpressure and joins again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ..clock import SteadyMs
from ..log.tail import Tail

# So many streams get a heartbeat in one turn of the loop: an event waits for no more.
BEATS_A_TURN = 256
# So many streams are opened by a request or by the short way, and so many pages written, in one turn of the loop: a few
# milliseconds' work. A live event goes through half a dozen turns, from its publisher's connection by the writer's
# thread to its reader.
REQUESTS_AT_ONCE = 2
OPENINGS_AT_ONCE = 16
PAGES_AT_ONCE = 16


class Chunk:
    """What is new, as an ASGI body and framed for HTTP/1.1 (RFC 9112, section 7.1), made once for everybody."""

    __slots__ = ("body", "framed")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.framed = b"%x\r\n%b\r\n" % (len(body), body)


class Live(Protocol):
    """A stream as the pump sees it."""

    @property
    def push(self) -> Callable[[Chunk], bool]:
        """Returns the function that writes without waiting. Where that answers False, the chunk was taken, but the
        stream is given no more before its own task has caught up."""

    def left_behind(self, after: int) -> None:
        """Tells the stream that it is out of the pump, and has everything up to `after`."""


class Pump:
    """The live streams that get the same bytes: those of one room and copy, or of one client that follows orders.

    `page(after)` gives what is new as one body and the id that it reaches, or None where memory does not go back so
    far. The tail wakes the pump for the events of `room`. `written` is called once everybody has been given them.
    """

    def __init__(
        self,
        tail: Tail,
        room: str,
        *,
        page: Callable[[int], tuple[bytes, int] | None],
        heartbeat: Callable[[int], bytes],
        heartbeat_seconds: float,
        steady_clock: Callable[[], SteadyMs],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._tail = tail
        self._room = room
        self._page = page
        self._heartbeat = heartbeat
        self._heartbeat_seconds = heartbeat_seconds
        self._steady_clock = steady_clock
        self._on_written = written
        self._live: dict[Live, None] = {}
        self._scheduled = False
        self._beat_timer: asyncio.TimerHandle | None = None
        self._written_at = 0.0
        self.reached = tail.reached
        self.last_write = SteadyMs(0)
        tail.listen(self, room)

    @property
    def empty(self) -> bool:
        return not self._live

    def retire(self) -> None:
        """Ends a pump that is not used again: the tail wakes it no more."""
        self._tail.forget(self, self._room)

    def join(self, stream: Live, after: int) -> bool:
        """Makes a stream live that has everything up to `after`. Returns False where there is already more for it."""
        if self._live:
            self.run()  # everybody else is brought up to where it is
        else:
            self.reached = self._tail.reached
        if after != self.reached:
            return False
        self._live[stream] = None
        if self._beat_timer is None and self._heartbeat_seconds:
            self._written_at = time.monotonic()
            self._arm(self._heartbeat_seconds)
        return True

    def leave(self, stream: Live) -> int:
        """Takes a live stream out, and returns the id up to which it has been served."""
        self._live.pop(stream, None)
        return self.reached

    def beat_one(self, stream: Live) -> None:
        """Gives a heartbeat to a live stream alone, which breaks nobody else's silence."""
        self.run()
        if stream in self._live and not stream.push(Chunk(self._heartbeat(self.reached))):
            self._hand_back(stream)

    def beat(self) -> None:
        """Gives all live streams a heartbeat now."""
        if self._live:
            self._beat(list(self._live))

    def wake(self) -> None:
        """Is called by the tail. What piles up until the loop's next turn leaves as one write."""
        if not self._scheduled and self._live:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.run)

    def run(self) -> None:
        """Writes everything that is new to the live streams."""
        self._scheduled = False
        while self._live:
            found = self._page(self.reached)
            if found is None:  # more came at once than memory holds: each reads it from the log
                for stream in list(self._live):
                    self._hand_back(stream)
                return
            body, reached = found
            self.reached = reached
            if not body:
                return
            self._write(Chunk(body), self._live)
            self._on_written()

    def _write(self, chunk: Chunk, streams: dict[Live, None] | list[Live]) -> None:
        behind = [stream for stream in streams if not stream.push(chunk)]
        self._written_at = time.monotonic()
        self.last_write = self._steady_clock()
        for stream in behind:
            self._hand_back(stream)

    def _hand_back(self, stream: Live) -> None:
        self._live.pop(stream, None)
        stream.left_behind(self.reached)

    def _arm(self, seconds: float) -> None:
        self._beat_timer = asyncio.get_running_loop().call_later(seconds, self._beat_if_silent)

    def _beat_if_silent(self) -> None:
        self._beat_timer = None
        if not self._live:
            return
        silent = time.monotonic() - self._written_at
        if silent < self._heartbeat_seconds:
            self._arm(self._heartbeat_seconds - silent)
            return
        self._arm(self._heartbeat_seconds)
        self._beat(list(self._live))

    def _beat(self, streams: list[Live]) -> None:
        """Sends the heartbeat in portions, each with the cursor of its moment, since an id must never go back on a
        stream."""
        self.run()  # other rooms' events have not woken us: the cursor moves on all the same
        now, later = streams[:BEATS_A_TURN], streams[BEATS_A_TURN:]
        self._write(Chunk(self._heartbeat(self.reached)), [stream for stream in now if stream in self._live])
        if later:
            asyncio.get_running_loop().call_soon(self._beat, later)


def set_done(future: asyncio.Future[None]) -> None:
    """Lets go whoever waits for the future, if anybody does still."""
    if not future.done():
        future.set_result(None)


class Turns:
    """Lets a few of many through in each turn of the loop, first come first served: 1,000 streams that come back
    together must not make a live event wait for all of them."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._given = 0
        self._waiting: deque[Callable[[], Any]] = deque()
        self._scheduled = False

    def enter(self, call: Callable[[], Any]) -> None:
        """Has `call()` made, at once where nobody waits and this turn of the loop has room."""
        if self._has_room():
            call()
        else:
            self._waiting.append(call)

    async def take(self) -> None:
        """Returns when it is the caller's turn."""
        if not self._has_room():
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(partial(set_done, turn))
            await turn

    def _has_room(self) -> bool:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._let_through)
        if self._waiting or self._given == self._at_once:
            return False
        self._given += 1
        return True

    def _let_through(self) -> None:
        self._given = 0
        # Scheduled first: a call that raises must not keep the others waiting.
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._let_through)
        while self._waiting and self._given < self._at_once:
            self._given += 1
            self._waiting.popleft()()
