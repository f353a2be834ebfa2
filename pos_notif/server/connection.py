"""One client's connection: the first thing that sees a request, and all that a stream needs once its head is written.

A request with a short way (`web/hot_path.py`) is answered here. All others go to Hypercorn and Quart, for whom the
connection keeps a `LongWay` until they have answered. A stream that was opened by either is carried here alone: what
comes from the client is dropped, its end ends the stream, and what the socket does not take waits in the transport,
while the stream is given no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import Any

from ..delivery.fanout import Chunk
from ..delivery.streams import Stream
from ..principal import Principal
from ..web.errors import STREAM_PATH
from ..web.hot_path import (
    Answer,
    Asked,
    idle_answer,
    known_publisher,
    known_stream,
    publication_answer,
    stream_headers,
    too_slow,
)
from ..web.polling import POLLING_PATH
from ..web.publishing import PUBLISH_PATH
from ..web.services import Services
from .backpressure import Backpressure, address_of
from .heads import RequestHead, read_request, response_head
from .logs import log_access
from .long_way import LongWay
from .serving import Serving

# The kernel's. What it does not take of one write is all that a stalled reader holds in our memory: nothing more is
# written before that is gone.
SEND_BUFFER_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 75.0
# What a client may send ahead of its answer before it is read no more.
AHEAD_BYTES = 64 * 1024
_STREAM = b"GET " + STREAM_PATH.encode()
_LAST_CHUNK = b"0\r\n\r\n"


class TcpConnection(Backpressure):
    """One client's connection, from accept to close."""

    __slots__ = (
        "__weakref__", "_awaited", "_busy", "_closes", "_head", "_heard", "_long_way", "_newcomer",
        "_opened", "_received", "_socket", "_stream", "_timer",
    )  # fmt: skip

    def __init__(self, serving: Serving) -> None:
        super().__init__(serving)
        self._long_way: LongWay | None = None
        self._stream: Stream | None = None
        # While a short way's answer is made; what came meanwhile is in `_received`.
        self._busy = False
        self._received = b""
        self._awaited: asyncio.Future[None] | None = None
        self._newcomer = True
        self._closes = False  # after this answer
        self._head = b""  # that leaves with the stream's first bytes
        self._opened: tuple[str, str, float] | None = None
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # The socket's own `send`, for when the transport holds nothing: a tenth of a fan-out is what the transport does
        # around it. Not below TLS.
        self._socket: Any = None if self.is_secure else transport.get_extra_info("socket")._sock
        if self._serving.over:  # the log may be closing, and would refuse what the next process takes
            self.abort()
            return
        self._serving.connections.add(self)
        self._serving.newcomers.add(self, self._address)
        self._set_idle()

    def data_received(self, data: bytes) -> None:
        if self._long_way is not None:
            self._long_way.feed(data)
        elif self._stream is not None:
            self._closes = True  # a request behind the stream: its client has to ask again
        elif self._busy:
            self._received += data
            if self._awaited is not None and not self._awaited.done():
                self._awaited.set_result(None)
            elif len(self._received) > AHEAD_BYTES:
                self.transport.pause_reading()
        else:
            self._begin(data)

    def eof_received(self) -> bool:
        if self._long_way is None:
            if self._stream is not None:  # nobody reads what waits
                self.transport.abort()
            return False
        self._long_way.feed_eof()
        return self._socket is not None  # TLS cannot close one side

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        serving = self._serving
        serving.connections.discard(self)
        self.first_head_is_whole()
        self._stop_timer()
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
        if self._stream is not None:
            self._stream.gone()
            self._stream = None
            self._log_stream(None)
        if self._long_way is not None:
            self._long_way.lost()
        if not serving.connections:
            serving.on_empty()

    # Between two requests

    def close_if_idle(self) -> None:
        """Closes the connection where no request is being answered: after a stop none is waited for."""
        long_way = self._long_way
        if long_way.is_waiting if long_way is not None else not self._busy and self._stream is None:
            self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def _set_idle(self) -> None:
        """Gives the client its time for the next request. The timer stays when one comes, and looks then how long ago
        it was."""
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(KEEP_ALIVE_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        left = self._heard + KEEP_ALIVE_SECONDS - loop.time()
        if self._busy:
            left = KEEP_ALIVE_SECONDS
        if left > 0:
            self._timer = loop.call_later(left, self._close_if_silent)
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def first_head_is_whole(self) -> None:
        """Notes that somebody has asked for something; or will no more."""
        if self._newcomer:
            self._newcomer = False
            self._serving.newcomers.discard(self, self._address)

    # Requests

    def _begin(self, data: bytes) -> None:
        services = self._serving.services()
        if services is None or self._serving.stopping:
            self._take_long_way(data)
        elif not data.startswith(_STREAM):
            self._answer(services, data)
        elif self._serving.fast_streams:
            self._busy = True
            services.streams.openings.enter(partial(self._open, services, data))
        else:
            self._take_long_way(data)

    def _open(self, services: Services, data: bytes) -> None:
        """Opens a known session's stream, in its turn."""
        self._busy = False
        if self.lost:
            return
        self.transport.resume_reading()  # as `_next` does: much may have come while it waited
        data, self._received = data + self._received, b""
        found = read_request(data)
        stream = None
        if found is not None and found.size == len(data):
            stream = known_stream(services, self._asked(found))
        if found is None or stream is None:
            return self._take_long_way(data)
        self.first_head_is_whole()
        self.carry(stream, response_head(200, stream_headers(services)), found.path, closes=False)

    def _answer(self, services: Services, data: bytes) -> None:
        found = read_request(data)
        if found is None:
            return self._take_long_way(data)
        path = found.path
        if found.method == b"GET" and path.startswith(POLLING_PATH):
            answer = idle_answer(services, self._asked(found))
            if answer is not None:
                self.first_head_is_whole()
                self._received = data[found.size :]
                return self._send_answer(found, answer, time.monotonic())
        elif found.method == b"POST" and path == PUBLISH_PATH:
            publisher = known_publisher(services, self._asked(found))
            if publisher is not None:
                self.first_head_is_whole()
                self._busy = True
                self._received = data[found.size :]
                return self._serving.run(self._publish(services, found, *publisher), "publication")
        self._take_long_way(data)

    def _asked(self, found: RequestHead) -> Asked:
        return Asked(found.path, found.query, found.head, self._address)

    async def _publish(
        self, services: Services, found: RequestHead, who: Principal, key: str | None, body_bytes: int
    ) -> None:
        began = time.monotonic()
        answer: Answer
        try:
            body = await self._body(body_bytes)
        except TimeoutError:
            self._closes = True  # what may still come is no request
            answer = too_slow(services)
        else:
            if body is None:
                return
            answer = await publication_answer(services, who, body, key)
        self._busy = False
        self._send_answer(found, answer, began)

    async def _body(self, size: int) -> bytes | None:
        """Returns the body; None where the client went away before it was whole. Raises TimeoutError."""
        if len(self._received) < size:
            async with asyncio.timeout(self._serving.body_timeout):
                while len(self._received) < size and not self.lost:
                    self.transport.resume_reading()  # it was paused where much had come before this
                    self._awaited = asyncio.get_running_loop().create_future()
                    await self._awaited
            self._awaited = None
        body, self._received = self._received[:size], self._received[size:]
        return body if len(body) == size else None

    def _send_answer(self, found: RequestHead, answer: Answer, began: float) -> None:
        status, headers, body = answer
        if self.lost:
            return
        self._serving.counts.answers[status // 100] += 1
        self.transport.write(response_head(status, headers) + body)
        if self._serving.log_accesses:
            log_access(self._address, found.method.decode(), found.path, status, time.monotonic() - began)
        self._answered()

    def _answered(self) -> None:
        """Goes on after an answer: with the next request, which may be there already, once the client has taken it."""
        if self._serving.stopping or self._closes:
            self.transport.close()
        elif self.is_full:
            self._busy = True
            self._serving.run(self._after_room(), "slow-answer")
        else:
            self._go_on()

    async def _after_room(self) -> None:
        with contextlib.suppress(OSError):
            await self.drain()
            self._busy = False
            self._go_on()

    def _go_on(self) -> None:
        self._set_idle()
        if self._received:
            # Not from here: a client may send any number of requests at once.
            self._busy = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._busy = False
        data, self._received = self._received, b""
        if not self.lost:
            self.transport.resume_reading()
            self._begin(data)

    # The long way

    def _take_long_way(self, data: bytes) -> None:
        self._stop_timer()
        self._long_way = LongWay(self, self._serving, data)
        self._serving.run(self._long_way.run(), "request")

    def take_back(self) -> None:
        """Goes on without the long way, which has answered: nothing more has come."""
        self._long_way = None
        self._answered()

    @property
    def _address(self) -> str:
        return address_of(self.transport)

    # Streams

    def carry(self, stream: Stream, head: bytes, path: str, *, closes: bool) -> None:
        """Writes a stream after its `head`, from now to its end; `closes`: it is the connection's last answer."""
        self._long_way = None
        self._stop_timer()
        self.transport.resume_reading()  # what lies behind the request is nobody's; only so it is seen who leaves
        self._closes = closes
        self._serving.counts.answers[2] += 1
        self._head = head
        self._stream = stream
        if self._serving.log_accesses:
            self._opened = ("GET", path, time.monotonic())
        stream.begin(self, self._stream_ended)

    def _stream_ended(self) -> None:
        """Ends the body that the stream has filled."""
        self._stream = None
        self._log_stream(200)
        if not self.lost:
            self._write(_LAST_CHUNK)
            self._answered()

    def _log_stream(self, status: int | None) -> None:
        if self._opened is not None:
            method, path, began = self._opened
            self._opened = None
            log_access(self._address, method, path, status, time.monotonic() - began)

    def _write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        self.transport.write(data)

    async def send(self, body: bytes) -> None:
        """Writes a piece of the stream, and returns once the transport takes more."""
        if self.transport.is_closing():  # `connection_lost` is next, and ends who writes
            return await asyncio.sleep(0)
        self._write(b"%x\r\n%b\r\n" % (len(body), body))
        await self.flush()

    async def flush(self) -> None:
        if self.is_full:
            with contextlib.suppress(ConnectionError):  # the stream is told, and this task ended
                await self.drain()

    def push(self, chunk: Chunk) -> bool:
        framed = chunk.framed
        if self._socket is None or self._head:
            self._write(framed)
            return not self.is_full
        try:
            sent = self._socket.send(framed)
        except BlockingIOError:
            sent = 0  # no room now: the transport takes it from here
        except OSError:
            # Gone, and perhaps nobody has noticed. The transport may refuse a write by an error, which here would cost
            # the other readers of the room this chunk.
            self.transport.abort()
            return False
        if sent == len(framed):
            return True
        self.transport.write(framed[sent:])
        return False
