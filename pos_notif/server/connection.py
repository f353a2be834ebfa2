"""A connection that drops stalled peers and speaks HTTP/1.1 only. It knows Hypercorn's inside, as only `http11.py`
and `websocket.py` do beside it.

It is written against Hypercorn 0.18 (`asyncio/tcp_server.py`, `protocol/h11.py`). What it changes, and why:

- A write that makes no progress for some seconds closes the connection; Hypercorn waits for ever.
- HTTP/2 in clear text is refused: it has no working backpressure there.
- A stream can be written to the socket itself (`TcpConnection.send_now`): a chunk that is framed once goes to
  every stream without an event object, a lock, a task switch and h11 for each.
- A request that was answered before its body had arrived (a 413, a 404) does not leave the reader stuck on a full
  queue, and its client gets the answer instead of a reset: the rest of the body is read and dropped for 2 s.
- A response's head and body leave in one write; an idle connection has a timer instead of a task.
- A request's head has 10 s to arrive; what is refused before the application (a head or an address that is too
  large) is answered in JSON.
- A client that closes an idle connection is let go at once; Hypercorn keeps it until the idle time is over.
- A websocket is a `WebSocketStream` of `websocket.py`; after our close frame the client has 2 s for its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import struct
import termios
from collections.abc import Callable, Mapping
from ssl import SSLError
from typing import Any

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as HypercornConfig
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11WSConnection
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

from ..counts import Counts
from ..web.sinks import STATE_KEY
from .http11 import Http11

logger = logging.getLogger("pos_notif")

# The kernel's. What it does not take of one write is all that a stalled reader holds in our memory: nothing more is
# written before that is gone.
SEND_BUFFER_BYTES = 64 * 1024
LINGER_SECONDS = 2.0
# From a head's first byte to its end. An idle connection may stay so for longer.
HEAD_SECONDS = 10.0
_NO_HTTP2 = b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TcpConnection(TCPServer):
    """One client's connection, from accept to close: await it."""

    def __init__(
        self,
        app: AppWrapper,
        config: HypercornConfig,
        context: WorkerContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        write_timeout: float,
        counts: Counts,
        on_first_head: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(app, asyncio.get_running_loop(), config, context, {}, reader, writer)
        self._write_timeout = write_timeout
        self._counts = counts
        self._on_first_head = on_first_head
        self._reading = asyncio.timeout(None)
        self._is_reading = False
        self._lingering = False
        self.closed = False
        self._on_close: Callable[[], None] | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._secure = writer.get_extra_info("ssl_object") is not None
        # Nothing may wait. asyncio's TLS pauses at the limit, not above it: 0 would be a pause for ever.
        writer.transport.set_write_buffer_limits(high=1 if self._secure else 0)

    def abort(self) -> None:
        self.writer.transport.abort()

    def close_if_idle(self) -> None:
        """Closes the connection where no request is being answered: after a stop none is waited for."""
        if self._idle_timer is not None:
            self.writer.transport.close()

    @property
    def transport(self) -> asyncio.WriteTransport:
        """Returns the transport, for bodies that are framed already: only between two `send`s of the same response, and
        only for HTTP/1.1."""
        return self.writer.transport

    async def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answers the open request at once, instead of ASGI's `send`."""
        await self.protocol.send_whole(status, headers, body)

    @property
    def send_now(self) -> Callable[[bytes], int]:
        """Returns the socket's own `send`, for when the transport holds nothing: it sends as much as the kernel takes,
        or raises OSError.

        A tenth of a fan-out is what the transport does around it. Once the transport has closed, this raises:
        it is the socket object's method, and does not remember a file number that somebody else may have by then.
        """
        send: Callable[[bytes], int] = self.writer.get_extra_info("socket")._sock.send
        return send

    async def flush(self) -> None:
        """Returns once the transport takes more; a peer that takes nothing for long is dropped."""
        try:
            await self._drain()
        except OSError:
            # By whatever error. Reading may not come to the end for long: a second request waits for this answer's.
            self._tell_closed()

    def on_close(self, call: Callable[[], None]) -> None:
        """Has `call()` made once the peer has gone, at once if it has."""
        if self.closed:
            call()
        else:
            self._on_close = call

    async def run(self) -> None:
        socket = self.writer.get_extra_info("socket")
        try:
            client = parse_socket_addr(socket.family, socket.getpeername())
            server = parse_socket_addr(socket.family, socket.getsockname())
            async with TaskGroup(self.loop) as task_group:
                self._task_group = task_group
                state = ConnectionState({**self.state, STATE_KEY: self})
                self.protocol: Any = Http11(
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    state,
                    self._secure,
                    client,
                    server,
                    self.protocol_send,
                )
                self._set_idle(True)
                await self._read_data()
        except OSError:
            pass
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            async with self.send_lock:
                try:
                    self.writer.write(event.data)
                    await self._drain()
                except (OSError, RuntimeError):  # a peer that lost its power: ETIMEDOUT, which is no ConnectionError
                    await self.protocol.handle(Closed())
                    self._stop_reading()
        elif isinstance(event, Closed) and self._is_reading and self.protocol.peer_may_send and not self._lingering:
            self._lingering = True
            self._reading.reschedule(0)  # ends `_read_data`, wherever it waits; it lingers, then closes
        elif isinstance(event, Updated):
            self._set_idle(event.idle)
            if self._on_first_head is not None and not event.idle:
                self._on_first_head()
                self._on_first_head = None
        else:
            await super().protocol_send(event)
            if isinstance(event, Closed):
                self._stop_reading()

    async def _close(self) -> None:
        """Closes the transport, which may say now by what error its peer had gone: in a stop by ETIMEDOUT too, when the
        kernel gives up a reader meanwhile that has taken nothing for long."""
        with contextlib.suppress(OSError):
            await super()._close()

    def _stop_reading(self) -> None:
        """Ends the reading of a connection that is over: bytes of a second request wait for the first one's end, which
        does not come. What a websocket's client sent before it left is still read."""
        if self._is_reading and not isinstance(self.protocol.connection, H11WSConnection):
            with contextlib.suppress(RuntimeError):  # it is ending
                self._reading.reschedule(0)

    def _set_idle(self, idle: bool) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if idle and not self.closed:
            # Closing the transport ends the reading, as if the client had closed it.
            self._idle_timer = self.loop.call_later(self.config.keep_alive_timeout, self.writer.transport.close)

    def _watch_head(self) -> None:
        """Gives a head its time: however slowly its bytes come, they do not keep the connection for longer."""
        if self._idle_timer is not None and self._head_timer is None and self.protocol.head_begun:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self.writer.write(self.protocol.error(408))
        self.writer.transport.close()

    async def _drain(self) -> None:
        """Waits for room in the transport, as long as the peer takes something every few seconds."""
        transport = self.writer.transport
        if not transport.get_write_buffer_size() or not self._write_timeout:
            return await self.writer.drain()
        self._watch_progress(self._unsent())
        try:
            await self.writer.drain()
        finally:
            self._progress_timer.cancel()

    def _watch_progress(self, waiting: int) -> None:
        """Watches by a timer, since the pump drives `send` outside of any task."""
        self._progress_timer = self.loop.call_later(self._write_timeout, self._check_progress, waiting)

    def _check_progress(self, waiting: int) -> None:
        unsent = self._unsent()
        if unsent >= waiting:
            logger.info("stalled reader dropped")
            self._counts.stalled += 1
            self.abort()  # wakes `drain` with an error
        else:
            self._watch_progress(unsent)

    def _unsent(self) -> int:
        """Counts the bytes that the peer has yet to acknowledge: a slow reader moves these long before our buffer
        empties."""
        transport: Any = self.writer.transport
        size = transport.get_write_buffer_size()
        if (below := getattr(transport, "_ssl_protocol", None)) is not None and below._transport is not None:
            size += below._transport.get_write_buffer_size()  # TLS: what is encrypted already waits one floor below
        socket = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError, ValueError):
            size += struct.unpack("i", fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        return int(size)

    async def _read_data(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._reading:
                self._is_reading = True
                try:
                    await self._read_requests()
                finally:
                    self._is_reading = False
        self._tell_closed()
        self._set_idle(False)
        if self._lingering:
            await self._linger()
        else:
            await self.protocol.handle(Closed())

    def _tell_closed(self) -> None:
        self.closed = True
        if self._on_close is not None:
            self._on_close()

    async def _read_requests(self) -> None:
        first = True
        while not self.reader.at_eof():
            try:
                data = await self.reader.read(MAX_RECV)
            except (OSError, SSLError):
                break
            if first and data.startswith(b"PRI * HTTP/2"):
                self.writer.write(_NO_HTTP2)
                break
            first = False
            await self.protocol.handle(RawData(data))
            self._watch_head()

    async def _linger(self) -> None:
        """Reads on and drops what comes: our answer is out, and a reset for what the peer still sends could overtake it
        (RFC 9112, section 9.6)."""
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            if self.writer.can_write_eof():  # TLS cannot close one side
                self.writer.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                while await self.reader.read(MAX_RECV):
                    pass
        await self.protocol.handle(Closed())
