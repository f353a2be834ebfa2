"""The open streams: an SSE stream is a cursor and what ends it. Nothing here knows HTTP."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from ..clock import SteadyMs
from ..errors import LogUnavailable
from ..events import MANAGERS
from ..log.live import LiveLog
from ..principal import Principal
from ..wire import sse
from ..wire.json_text import dump
from .by_hand import run_until_it_waits
from .connections import RESTART, SESSION_ENDED, Connections
from .fanout import OPENINGS_AT_ONCE, PAGES_AT_ONCE, REQUESTS_AT_ONCE, Chunk, Pump, Turns, set_done
from .presence import Directory
from .reader import Reader, Start

logger = logging.getLogger("pos_notif")

RETRY_MS = (2000, 5000)
RECONNECT_RETRY_MS = (100, 500)
RESTART_RETRY_MS = (500, 2500)
BUSY_RETRY_MS = 30_000

# Some proxies pass the greeting and nothing after it: by this heartbeat a client soon knows that its stream is not one
# of those. Where heartbeats come sooner, they tell.
FIRST_BEAT_SECONDS = 2.0

RECONNECT = "reconexion"
_END_RETRY = {RESTART: RESTART_RETRY_MS, RECONNECT: RECONNECT_RETRY_MS}


class Sink(Protocol):
    """Where a stream's bytes go: a client's connection, or any ASGI server's `send`."""

    async def send(self, body: bytes) -> None:
        """Writes with backpressure: returns once the connection takes more."""

    def push(self, chunk: Chunk) -> bool:
        """Writes without waiting. Returns False where this was taken, but `flush` is due before more."""

    async def flush(self) -> None:
        """Returns once what was pushed has left room for more, or the connection is gone."""


class WatchedSink(Sink, Protocol):
    """A sink that finds out by itself that its client has gone."""

    def on_close(self, call: Callable[[], None]) -> None:
        """Has `call()` made once the client has gone, at once if it has."""


@dataclass(slots=True)
class Streams:
    """What the streams share."""

    log: LiveLog
    directory: Directory
    connections: Connections
    # That of the pages' files, by which a page knows that it is an old one.
    version: str = ""
    requests: Turns = field(default_factory=lambda: Turns(REQUESTS_AT_ONCE))
    openings: Turns = field(default_factory=lambda: Turns(OPENINGS_AT_ONCE))
    pages: Turns = field(default_factory=lambda: Turns(PAGES_AT_ONCE))
    _pumps: dict[tuple[Any, ...], Pump] = field(default_factory=dict)

    def pump(self, reader: Reader) -> Pump:
        """Returns the room's pump, or the client's own while it follows orders."""
        follows = reader.follows if reader.orders else ()
        key = (reader.room, reader.kitchen, *follows)
        pump = self._pumps.get(key)
        if pump is None:
            log = self.log
            pump = self._pumps[key] = Pump(
                log.tail, MANAGERS if follows else reader.room,
                page=replace(reader, follows=follows).sse_page_in_memory,
                heartbeat=self.heartbeat, heartbeat_seconds=log.config.heartbeat_seconds,
                steady_clock=log.clocks.steady, written=log.written,
            )  # fmt: skip
        return pump

    def left(self, pump: Pump) -> None:
        """Is called after a stream has left: a client's own pump goes with its last one."""
        if pump.empty:
            for key in [key for key, kept in self._pumps.items() if kept is pump and len(key) > 2]:
                self._pumps.pop(key).retire()

    def tell_away(self) -> None:
        """Gives all streams a heartbeat now, and lets waiting polls answer: what they say of the engine has
        changed."""
        for pump in list(self._pumps.values()):  # a client's own goes with a stream that has fallen behind
            pump.beat()
        for connection in self.connections.open:
            if isinstance(connection, Stream):
                connection.beat_once_live()
        for poll in list(self.connections.polls):
            poll.end("")

    def heartbeat(self, after: int) -> bytes:
        cursor = self.log.cursor(after)
        data = {"hora_servidor": self.log.now(), "cursor": cursor, **self.log.away()}
        return sse.frame("latido", dump(data).encode(), cursor)


class Stream:
    """One reader's stream: owed something, when a task writes that; or live, in a pump; or over.

    What it is owed is written at once as far as the client takes it, so that a stream which is owed nothing never has a
    task. Whoever begins one calls `gone` when the client has gone, at any point; nothing is left behind.
    """

    __slots__ = (
        "__weakref__", "_after", "_beat_due", "_beat_timer", "_client", "_cursors", "_end_timer", "_ended", "_ending",
        "_is_over", "_live", "_presence", "_reader", "_seen", "_sink", "_streams", "_task", "principal", "push",
    )  # fmt: skip

    def __init__(
        self, streams: Streams, reader: Reader, principal: Principal, cursors: Sequence[str], client: str | None
    ) -> None:
        self.principal = principal
        self._streams = streams
        self._reader = reader
        self._cursors = cursors
        self._client = client
        self._after = 0
        self._seen = SteadyMs(0)
        self._live: Pump | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: str | None = None
        self._is_over = False
        self._beat_due = False
        self._beat_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    async def serve(self, sink: WatchedSink) -> None:
        """Is the stream's whole life, for a caller that waits for its end; cancelling it leaves nothing behind."""
        over = asyncio.get_running_loop().create_future()
        sink.on_close(partial(set_done, over))
        try:
            self.begin(sink, partial(set_done, over))
            await over
        finally:
            self.gone()

    def begin(self, sink: Sink, ended: Callable[[], None]) -> None:
        """Begins to write to `sink`. `ended()` is called once the stream has said its last, and not after `gone`."""
        self._sink, self._ended, self.push = sink, ended, sink.push
        log, connections = self._streams.log, self._streams.connections
        if connections.full or connections.closing:
            self._is_over = True
            refusal = sse.retry(BUSY_RETRY_MS) + self._note("ocupado")
            self.push(Chunk(refusal if connections.full else self._last_words(RESTART)))
            ended()
            return
        connections.open.add(self)
        self._presence = self._streams.directory.connect(
            user_id=self.principal.user_id, role=self.principal.role, username=self.principal.username,
            transport="sse", room=self._reader.room, client=self._client, served=self._served,
            is_screen=self.principal.is_person, who=self.principal,
        )  # fmt: skip
        owner = self.principal.owner(self._client)
        if owner is not None:
            followed = log.subscriptions.attach(owner, self._follow)
            self._reader = replace(self._reader, follows=(followed,))
            self._presence.rooms = self._reader.rooms
        self._schedule_end()
        # The session may have ended between the request's check and our entry.
        connections.verify()
        self._go_on(self._greet())

    def end(self, reason: str) -> None:
        """Makes the stream say why and end, as soon as what it is writing has been taken."""
        self._ending = self._ending or reason
        self._leave()

    def gone(self) -> None:
        """Is told that the client has gone."""
        if not self._is_over:
            self._close()
            if self._task is not None:
                self._task.cancel()

    def _served(self) -> tuple[int, SteadyMs]:
        """Returns the id up to which the stream has been served, and when it was last written to."""
        if self._live is not None:
            return self._live.reached, max(self._seen, self._live.last_write)
        return self._after, self._seen

    # As the pump sees it; `push` is the sink's own

    def left_behind(self, after: int) -> None:
        self._forget_pump(after)
        # Not from here: the pump is writing to the others.
        asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if not self._is_over:
            self._go_on(self._become_live(flush=True))

    def _leave(self) -> None:
        if self._live is not None:
            self.left_behind(self._live.leave(self))

    def _forget_pump(self, after: int) -> None:
        pump, self._live = self._live, None
        self._after = after
        if pump is not None:
            self._seen = max(self._seen, pump.last_write)
            self._streams.left(pump)

    def _follow(self) -> None:
        """Goes on from here in another pump, since the client follows other orders than before."""
        self._presence.rooms = self._reader.rooms
        self._leave()

    # What it is owed

    def _go_on(self, owed: Coroutine[Any, Any, bool]) -> None:
        rest = run_until_it_waits(self._guarded(owed))
        self._task = asyncio.get_running_loop().create_task(rest, name="stream") if rest is not None else None

    async def _guarded(self, owed: Coroutine[Any, Any, bool]) -> None:
        try:
            if await owed:
                return
        except LogUnavailable:
            pass  # the client comes back by its cursor
        except Exception:
            logger.exception("a stream failed")
        if not self._is_over:
            self._close()
            self._ended()

    async def _greet(self) -> bool:
        start = await self._reader.start(await self._reader.best_of(self._cursors))
        self._cursors = ()
        self._after = start.after
        retry = sse.retry(random.randint(*RETRY_MS))
        await self._sink.send(sse.PADDING + retry + self._hello(start.after, start.reset))
        if heartbeat_seconds := self._streams.log.config.heartbeat_seconds:
            seconds = min(FIRST_BEAT_SECONDS, heartbeat_seconds)
            self._beat_timer = asyncio.get_running_loop().call_later(seconds, self._first_beat)
        return await self._become_live()

    async def _become_live(self, *, flush: bool = False) -> bool:
        """Writes what the stream is owed and enters its pump, which may have handed it back by then; or says its last
        words and returns False."""
        if flush:
            await self._sink.flush()
        while True:
            await self._catch_up()
            if self._ending is not None:
                await self._sink.send(self._last_words(self._ending))
                return False
            # No await from the last look at the log to here: nothing can come in between.
            pump = self._streams.pump(self._reader)
            if pump.join(self, self._after):
                self._live = pump
                if self._beat_due:
                    self._first_beat()
                return True
            self._streams.left(pump)
            await self._streams.pages.take()

    def beat_once_live(self) -> None:
        """Has a stream that is not live yet given a heartbeat when it is."""
        self._beat_due = self._beat_due or self._live is None

    def _first_beat(self) -> None:
        """Gives the first heartbeat now, or once the stream is live."""
        self._beat_timer = None
        self._beat_due = self._live is None
        if self._live is not None:
            self._seen = self._streams.log.clocks.steady()
            self._live.beat_one(self)

    async def _catch_up(self) -> None:
        """Sends everything that the log has for us now, in pages, giving way to the others between them."""
        if self._ending is not None:
            return
        reader, streams = self._reader, self._streams
        async with aclosing(reader.pages(self._after, reader.sse_page)) as pages:
            async for page in pages:
                if isinstance(page, Start):
                    body, after = self._resync(page.reset or {}), page.after
                else:
                    body, after = page.body, page.examined
                if body:
                    await streams.pages.take()
                    await self._sink.send(body)
                    self._seen = streams.log.clocks.steady()
                self._after = after
                if self._ending is not None:
                    return

    def _close(self) -> None:
        """Takes the stream out of everything that knows it."""
        self._is_over = True
        if self._live is not None:
            self._forget_pump(self._live.leave(self))
        for timer in (self._end_timer, self._beat_timer):
            if timer is not None:
                timer.cancel()
        owner = self.principal.owner(self._client)
        if owner is not None:
            self._streams.log.subscriptions.detach(owner, self._follow)
        self._streams.connections.open.discard(self)
        self._streams.directory.disconnect(self._presence)

    def _schedule_end(self) -> None:
        """Arranges the end: with the session, or after the longest life of a stream, whichever comes first."""
        config, expires = self._streams.log.config, self.principal.expires_ms
        ends = []
        if config.stream_seconds:
            ends.append((config.stream_seconds * random.uniform(0.8, 1.0), RECONNECT))
        if expires is not None:
            ends.append((max(0.0, (expires - self._streams.log.clocks.steady()) / 1000), SESSION_ENDED))
        if ends:
            seconds, reason = min(ends)
            self._end_timer = asyncio.get_running_loop().call_later(seconds, self.end, reason)

    def _hello(self, after: int, reset: dict[str, Any] | None) -> bytes:
        log = self._streams.log
        cursor = log.cursor(after) if reset is None else None
        data = {
            "cursor": cursor,
            "rol": self._reader.role,
            "salas": [self._reader.room],
            "hora_servidor": log.now(),
            "latido_ms": int(log.config.heartbeat_seconds * 1000),
            "version": self._streams.version,
            **log.away(),
        }
        hello = sse.frame("hola", dump(data).encode(), cursor)
        return hello if reset is None else hello + self._resync(reset)

    def _resync(self, reset: dict[str, Any]) -> bytes:
        return sse.frame("resincronizar", dump(reset).encode(), reset["cursor"])

    def _last_words(self, reason: str) -> bytes:
        retry = _END_RETRY.get(reason)
        return (sse.retry(random.randint(*retry)) if retry else b"") + self._note(reason)

    def _note(self, event: str) -> bytes:
        return sse.frame(event, dump({"hora_servidor": self._streams.log.now()}).encode())
