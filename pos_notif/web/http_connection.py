"""Answers that do not go through all of Quart: streams, polls that find nothing, and publications.

A stream's bytes leave by its connection's transport, or by any ASGI server's `send`.

A stream's request is routed, checked and answered by Quart; the `StreamResponse` of its view is then served here,
outside of Quart's two tasks and contexts a request: an idle stream costs what its connection costs. Polls and
publications of a known credential are answered here by the functions that their views use; whatever those would have
to refuse for its access goes to the view.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from functools import partial
from typing import Any, Protocol, cast

from quart import Response
from quart.asgi import ASGIHTTPConnection

from ..delivery.fanout import Chunk
from ..delivery.streams import Stream
from ..errors import LogUnavailable
from .errors import STREAM_PATH
from .polling import POLLING_PATH, idle_answer
from .publishing import PUBLISH_PATH, short_answer, short_publisher, too_slow
from .services import EXTENSION, Services

# Where a request finds its connection, if the server lends it: ASGI's scope["state"].
STATE_KEY = "pos_notif.connection"
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class LentConnection(Protocol):
    """An HTTP/1.1 connection that lets framed chunks be written beside its responses."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...

    @property
    def send_now(self) -> Callable[[bytes], int]:
        """As much as the kernel takes, while the transport holds nothing; raises OSError."""

    async def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """The whole answer in one write, in the place of ASGI's `send`."""

    async def flush(self) -> None: ...

    def on_close(self, call: Callable[[], None]) -> None: ...


class StreamResponse(Response):
    """Headers from Quart, body by `HttpConnection`."""

    def __init__(self, stream: Stream, headers: dict[str, str]) -> None:
        super().__init__(b"", headers=headers)
        del self.headers["Content-Length"]
        self.stream = stream


class HttpConnection(ASGIHTTPConnection):
    """Quart's HTTP connection, but for streams, idle polls and publications."""

    async def __call__(self, receive: Receive, send: Send) -> None:
        services: Services | None = self.app.extensions.get(EXTENSION)
        if services is None:  # asked before it serves
            return await super().__call__(receive, send)
        method, path = self.scope["method"], self.scope["path"]
        if method == "GET" and path.startswith(STREAM_PATH):
            return await self._serve_stream(services, receive, send)
        if method == "GET" and path.startswith(POLLING_PATH):
            answer = idle_answer(services, cast(Any, self.scope))
            if answer is not None:
                return await self._send_whole(send, *answer)
        if method == "POST" and path == PUBLISH_PATH:
            publisher = short_publisher(services, cast(Any, self.scope))
            if publisher is not None:
                who, key = publisher
                try:
                    body = await _read_whole(receive, self.app.config["BODY_TIMEOUT"])
                except TimeoutError:
                    return await self._send_whole(send, *too_slow())
                if body is not None:
                    await self._send_whole(send, *await short_answer(services, who, body, key))
                return None
        with contextlib.suppress(LogUnavailable):  # of a download that breaks off, which is no fault: no last chunk
            await super().__call__(receive, send)

    async def _serve_stream(self, services: Services, receive: Receive, send: Send) -> None:
        await services.streams.openings.take()
        stream = await self._answer(send)
        if stream is not None:
            sink = make_sink(cast(Any, self.scope), receive, send, fast=services.config.fast_streams)
            try:
                await stream.serve(sink)
            finally:
                sink.close()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_whole(self, send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
        connection = lent_connection(cast(Any, self.scope))
        if connection is not None:
            return await connection.send_whole(status, headers, body)
        await _send_head(send, status, {**headers, "Content-Length": str(len(body))} if body else headers)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer(self, send: Send) -> Stream | None:
        """Quart's answer; the stream that is to follow its head, if it is one."""
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        response = await self.app.handle_request(request)
        if not isinstance(response, StreamResponse):
            await self._send_response(send, response)
            return None
        await _send_head(send, response.status_code, dict(response.headers))
        return response.stream


async def _read_whole(receive: Receive, seconds: float | None) -> bytes | None:
    """A body of known length; None where the client went away before it was whole. Raises TimeoutError."""
    parts = []
    async with asyncio.timeout(seconds):
        while (message := await receive())["type"] == "http.request":
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)
    return None


async def _send_head(send: Send, status: int, headers: Mapping[str, str]) -> None:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def lent_connection(scope: dict[str, Any]) -> LentConnection | None:
    connection: LentConnection | None = (scope.get("state") or {}).get(STATE_KEY)
    return connection if scope["http_version"] == "1.1" and scope["scheme"] == "http" else None


def make_sink(scope: dict[str, Any], receive: Receive, send: Send, *, fast: bool) -> TransportSink | SendSink:
    connection = lent_connection(scope) if fast else None
    return SendSink(receive, send) if connection is None else TransportSink(connection, send)


class TransportSink:
    """Framed chunks go to the socket, and what it does not take to the transport; what can wait goes through ASGI."""

    __slots__ = ("_connection", "_send", "_send_now", "_write")

    def __init__(self, connection: LentConnection, send: Send) -> None:
        self._connection = connection
        self._send = send
        self._write = connection.transport.write
        self._send_now = connection.send_now

    async def send(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def push(self, chunk: Chunk) -> bool:
        framed = chunk.framed
        try:
            sent = self._send_now(framed)
        except BlockingIOError:
            sent = 0  # no room now: the transport takes it from here
        except OSError:
            # Gone, and perhaps nobody has noticed. The transport may refuse a write by an error, which here would cost
            # the other readers of the room this chunk.
            self._connection.transport.abort()
            return False
        if sent == len(framed):
            return True
        self._write(framed[sent:])
        return False

    async def flush(self) -> None:
        await self._connection.flush()

    def on_close(self, call: Callable[[], None]) -> None:
        self._connection.on_close(call)

    def close(self) -> None:
        self._connection.on_close(_nothing)


class SendSink:
    """Any ASGI server. `send` is run by hand as far as it goes without waiting: no task an event."""

    __slots__ = ("_call", "_gone", "_receive", "_rest", "_send", "_watch")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._rest: Coroutine[Any, Any, None] | None = None
        self._gone = False
        self._call: Callable[[], None] = _nothing
        self._watch = asyncio.get_running_loop().create_task(self._watch_client(), name="stream-client")

    async def send(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def push(self, chunk: Chunk) -> bool:
        sending = self._send({"type": "http.response.body", "body": chunk.body, "more_body": True})
        coroutine = cast(Coroutine[Any, Any, None], sending)  # ASGI asks for no less
        try:
            self._rest = _Started(coroutine, coroutine.send(None)).finish()
        except StopIteration:
            return True
        except OSError:
            self._gone_now()
        return False

    async def flush(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            try:
                await rest
            except OSError:
                self._gone_now()

    def on_close(self, call: Callable[[], None]) -> None:
        self._call = call
        if self._gone:
            call()

    def close(self) -> None:
        self._call = _nothing
        self._watch.cancel()
        if self._rest is not None:
            self._rest.close()

    async def _watch_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone_now()

    def _gone_now(self) -> None:
        self._gone = True
        self._call()


class _Started:
    """A coroutine that was run by hand up to its first wait, to be continued inside a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    async def finish(self) -> None:
        await self._steps()

    @types.coroutine
    def _steps(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                got = yield waits_for
            except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine, cancellation included
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, got)
            try:
                waits_for = step()
            except StopIteration:
                return


def _nothing() -> None:
    pass
