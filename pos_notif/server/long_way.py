"""The way of a request through Hypercorn and the application: of whatever has no short one. It knows Hypercorn's
inside, as only `http11.py` and `websocket.py` do beside it.

It is written against Hypercorn 0.18 (`asyncio/tcp_server.py`, `protocol/h11.py`). What it changes, and why:

- It lasts for the requests that come together: a connection that is idle has none of Hypercorn's objects and tasks.
- HTTP/2 in clear text is refused: it has no working backpressure there.
- A stream that the application opens is handed to the connection itself (`carry`): a chunk that is framed once goes to
  every stream without an event object, a lock, a task switch and h11 for each.
- A request that was answered before its body had arrived (a 413, a 404) does not leave the reader stuck on a full
  queue, and its client gets the answer instead of a reset: the rest of the body is read and dropped for 2 s.
- A response's head and body leave in one write.
- A request's head has 10 s to arrive; what is refused before the application (a head or an address that is too
  large) is answered in JSON.
- A websocket is a `WebSocketStream` of `websocket.py`; after our close frame the client has 2 s for its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11WSConnection
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from ..delivery.streams import Stream
from ..web.sinks import STATE_KEY
from .http11 import Http11
from .serving import Serving

logger = logging.getLogger("pos_notif")

LINGER_SECONDS = 2.0
# From a head's first byte to its end. An idle connection may stay so for longer.
HEAD_SECONDS = 10.0
READ_BYTES = 64 * 1024
_NO_HTTP2 = b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Carrier(Protocol):
    """The connection whose requests these are."""

    transport: asyncio.Transport
    lost: bool

    def first_head_is_whole(self) -> None: ...

    def take_back(self) -> None:
        """Goes on by itself: what was asked is answered, and nothing more has come."""

    def carry(self, stream: Stream, head: bytes, path: str, *, closes: bool) -> None:
        """Writes a stream after its `head`, from now to its end; `closes`: it is the connection's last answer."""

    async def drain(self) -> None:
        """Returns once the transport takes more. Raises ConnectionError."""


class LongWay:
    """Requests of one connection on their way through Hypercorn, from their first bytes until nothing more is asked."""

    def __init__(self, connection: Carrier, serving: Serving, data: bytes) -> None:
        self._connection = connection
        self._serving = serving
        self._loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(READ_BYTES, self._loop)
        self._reader.set_transport(connection.transport)
        self._reader.feed_data(data)
        self._sending = asyncio.Lock()
        self._reading = asyncio.timeout(None)
        self._is_reading = False
        self._lingering = False
        self._client_ended = False
        self._is_over = False  # the connection goes on without
        self._head_timer: asyncio.TimerHandle | None = None
        self._protocol: Any = None

    def feed(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def feed_eof(self) -> None:
        self._client_ended = True
        self._reader.feed_eof()

    def lost(self) -> None:
        """Is told that the connection is no more."""
        self._reader.feed_eof()
        self._stop_reading()

    async def run(self) -> None:
        """Answers what comes, until the connection is given back or closed."""
        transport = self._connection.transport
        secure = transport.get_extra_info("ssl_object") is not None
        try:
            socket = transport.get_extra_info("socket")
            client = parse_socket_addr(socket.family, socket.getpeername())
            server = parse_socket_addr(socket.family, socket.getsockname())
            async with TaskGroup(self._loop) as task_group:
                self._protocol = Http11(
                    self._serving.app, self._serving.hypercorn, self._serving.context, task_group,
                    ConnectionState({STATE_KEY: self}), secure, client, server, self._send,
                )  # fmt: skip
                await self._read()
        except OSError:
            pass
        except Exception:
            logger.exception("connection failed")
        finally:
            self._stop_head_timer()
            if not self._is_over:
                transport.close()

    # What the application may ask of its connection

    def abort(self) -> None:
        self._connection.transport.abort()

    def carry(self, stream: Stream, status: int, headers: Mapping[str, str]) -> None:
        """Hands the stream that the present request has opened to the connection; nothing of the request is kept."""
        given_up = None if self.is_waiting else self._protocol.give_up(status, headers)
        if self._lingering:  # it was refused, and ends by itself
            return
        self._leave()
        if given_up is None or self._client_ended or self._connection.lost:
            self._connection.transport.close()
            return
        head, path = given_up
        closes = b"connection: close" in head.lower() or self._protocol.peer_may_send
        self._connection.carry(stream, head, path, closes=closes)

    # Hypercorn's side

    @property
    def is_waiting(self) -> bool:
        """Tells whether no request is being answered: a head is on its way, or nothing."""
        return self._protocol is None or self._protocol.stream is None

    async def _send(self, event: Event) -> None:
        if self._is_over:  # a body that is never whole ends here; its stream does not
            return
        if isinstance(event, RawData):
            async with self._sending:
                try:
                    if not self._connection.lost:
                        self._connection.transport.write(event.data)
                    await self._connection.drain()
                except (OSError, RuntimeError):  # a peer that lost its power: ETIMEDOUT, which is no ConnectionError
                    await self._protocol.handle(Closed())
                    self._stop_reading()
        elif isinstance(event, Closed):
            if self._is_reading and self._protocol.peer_may_send and not self._lingering:
                self._lingering = True
                self._reading.reschedule(0)  # ends `_read`, wherever it waits; it lingers, then closes
            else:
                self._connection.transport.close()
                self._stop_reading()
        elif isinstance(event, Updated):
            if not event.idle:
                self._stop_head_timer()
                self._connection.first_head_is_whole()
            elif not self._protocol.head_begun and not self._reader_holds_something() and not self._reader.at_eof():
                self._leave()
                self._connection.take_back()

    def _reader_holds_something(self) -> bool:
        return bool(self._reader._buffer)  # type: ignore[attr-defined]

    def _leave(self) -> None:
        self._is_over = True
        self._stop_head_timer()
        self._reader.feed_eof()
        self._stop_reading()

    def _stop_reading(self) -> None:
        """Ends the reading of a connection that is over: bytes of a second request wait for the first one's end, which
        does not come. What a websocket's client sent before it left is still read."""
        if self._is_reading and (self._is_over or not isinstance(self._protocol.connection, H11WSConnection)):
            with contextlib.suppress(RuntimeError):  # it is ending
                self._reading.reschedule(0)

    async def _read(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._reading:
                self._is_reading = True
                try:
                    await self._read_requests()
                finally:
                    self._is_reading = False
        if self._lingering:
            await self._linger()
        elif not self._is_over:
            await self._protocol.handle(Closed())

    async def _read_requests(self) -> None:
        first = True
        while not self._reader.at_eof() and not self._lingering:
            try:
                data = await self._reader.read(READ_BYTES)
            except OSError:
                break
            if first and data.startswith(b"PRI * HTTP/2"):
                self._connection.transport.write(_NO_HTTP2)
                break
            first = False
            await self._protocol.handle(RawData(data))
            self._watch_head()

    def _watch_head(self) -> None:
        """Gives a head its time: however slowly its bytes come, they do not keep the connection for longer."""
        if self._head_timer is None and not self._is_over and self.is_waiting and self._protocol.head_begun:
            self._head_timer = self._loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._connection.transport.write(self._protocol.error(408))
        self._connection.transport.close()

    def count(self, status: int) -> None:
        """Counts an answer that no application has made."""
        self._serving.counts.answers[status // 100] += 1

    async def _linger(self) -> None:
        """Reads on and drops what comes: our answer is out, and a reset for what the peer still sends could overtake it
        (RFC 9112, section 9.6)."""
        transport = self._connection.transport
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            if transport.can_write_eof():  # TLS cannot close one side
                transport.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(READ_BYTES):
                    pass
        await self._protocol.handle(Closed())
