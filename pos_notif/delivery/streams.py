"""The open streams: an SSE stream is a cursor and what ends it. Nothing here knows HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..clock import SteadyMs
from ..errors import LogUnavailable
from ..events import MANAGERS
from ..log.live import LiveLog
from ..principal import Principal
from ..wire import sse
from ..wire.json_text import dump
from .connections import RESTART, SESSION_ENDED, Connections
from .fanout import OPENINGS_AT_ONCE, PAGES_AT_ONCE, Chunk, Pump, Turns
from .presence import Directory
from .reader import Reader, Start

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
    """Where a stream's bytes go: a connection's transport, or any ASGI server's `send`."""

    async def send(self, body: bytes) -> None:
        """Writes with backpressure: returns once the connection takes more."""

    def push(self, chunk: Chunk) -> bool:
        """Writes without waiting. Returns False where this was taken, but `flush` is due before more."""

    async def flush(self) -> None:
        """Returns once what was pushed has left room for more, or the connection is gone."""

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

    def heartbeat(self, after: int) -> bytes:
        cursor = self.log.cursor(after)
        data = {"hora_servidor": self.log.now(), "cursor": cursor}
        return sse.frame("latido", dump(data).encode(), cursor)


class Stream:
    """One reader's stream. `serve` is its whole life; cancelling it at any point leaves nothing behind."""

    __slots__ = (
        "__weakref__", "_after", "_beat_due", "_beat_timer", "_client", "_cursor", "_ending", "_gone", "_live",
        "_presence", "_reader", "_seen", "_streams", "_wake", "principal", "push",
    )  # fmt: skip

    def __init__(
        self, streams: Streams, reader: Reader, principal: Principal, cursor: str | None, client: str | None
    ) -> None:
        self.principal = principal
        self._streams = streams
        self._reader = reader
        self._cursor = cursor
        self._client = client
        self._after = 0
        self._seen = SteadyMs(0)
        self._live: Pump | None = None
        self._wake: asyncio.Future[None] | None = None
        self._ending: str | None = None
        self._gone = False
        self._beat_due = False
        self._beat_timer: asyncio.TimerHandle | None = None

    def end(self, reason: str) -> None:
        """Makes the stream say why and end, as soon as what it is writing has been taken."""
        self._ending = self._ending or reason
        self._leave()

    def _served(self) -> tuple[int, SteadyMs]:
        """Returns the id up to which the stream has been served, and when it was last written to."""
        if self._live is not None:
            return self._live.reached, max(self._seen, self._live.last_write)
        return self._after, self._seen

    # As the pump sees it; `push` is the sink's own

    def left_behind(self, after: int) -> None:
        pump, self._live = self._live, None
        self._after = after
        if pump is not None:
            self._seen = max(self._seen, pump.last_write)
            self._streams.left(pump)
        self._resume()

    def _resume(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _leave(self) -> None:
        if self._live is not None:
            self.left_behind(self._live.leave(self))

    def _follow(self) -> None:
        """Goes on from here in another pump, since the client follows other orders than before."""
        self._presence.rooms = self._reader.rooms
        self._leave()

    def _client_gone(self) -> None:
        self._gone = True
        self._leave()

    # Its own task

    async def serve(self, sink: Sink) -> None:
        log, connections = self._streams.log, self._streams.connections
        if connections.full:
            return await sink.send(sse.retry(BUSY_RETRY_MS) + self._note("ocupado"))
        if connections.closing:
            return await sink.send(self._last_words(RESTART))
        self.push = sink.push
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
            self._follow()
        timer = self._schedule_end()
        # The session may have ended between the request's check and our entry.
        connections.verify()
        sink.on_close(self._client_gone)
        try:
            await self._run(sink)
        except LogUnavailable:
            return  # the client comes back by its cursor
        finally:
            self._leave()
            for started in (timer, self._beat_timer):
                if started is not None:
                    started.cancel()
            if owner is not None:
                log.subscriptions.detach(owner, self._follow)
            connections.open.discard(self)
            self._streams.directory.disconnect(self._presence)

    async def _run(self, sink: Sink) -> None:
        start = await self._reader.start(self._cursor)
        self._after = start.after
        await sink.send(sse.PADDING + sse.retry(random.randint(*RETRY_MS)) + self._hello(start.after, start.reset))
        if heartbeat_seconds := self._streams.log.config.heartbeat_seconds:
            seconds = min(FIRST_BEAT_SECONDS, heartbeat_seconds)
            self._beat_timer = asyncio.get_running_loop().call_later(seconds, self._first_beat)
        while not self._gone:
            await self._catch_up(sink)
            if self._gone:
                return
            if self._ending is not None:
                return await sink.send(self._last_words(self._ending))
            # No await from the last look at the log to here: nothing can come in between.
            pump = self._streams.pump(self._reader)
            if pump.join(self, self._after):
                self._live = pump
                self._wake = asyncio.get_running_loop().create_future()
                if self._beat_due:
                    self._first_beat()
                await self._wake
                self._wake = None
                await sink.flush()
            else:
                self._streams.left(pump)
                await self._streams.pages.take()

    def _first_beat(self) -> None:
        """Gives the first heartbeat now, or once the stream is live."""
        self._beat_timer = None
        self._beat_due = self._live is None
        if self._live is not None:
            self._seen = self._streams.log.clocks.steady()
            self._live.beat_one(self)

    async def _catch_up(self, sink: Sink) -> None:
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
                    await sink.send(body)
                    self._seen = streams.log.clocks.steady()
                self._after = after
                if self._gone or self._ending is not None:
                    return

    def _schedule_end(self) -> asyncio.TimerHandle | None:
        """Arranges the end: with the session, or after the longest life of a stream, whichever comes first."""
        config, expires = self._streams.log.config, self.principal.expires_ms
        ends = []
        if config.stream_seconds:
            ends.append((config.stream_seconds * random.uniform(0.8, 1.0), RECONNECT))
        if expires is not None:
            ends.append((max(0.0, (expires - self._streams.log.clocks.steady()) / 1000), SESSION_ENDED))
        if not ends:
            return None
        seconds, reason = min(ends)
        return asyncio.get_running_loop().call_later(seconds, self.end, reason)

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
