"""Where a stream's bytes leave: its connection's transport, or any ASGI server's `send`."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from functools import partial
from typing import Any, Protocol, cast

from ..delivery.fanout import Chunk

# Where a request finds its connection, if the server lends it: ASGI's scope["state"].
STATE_KEY = "pos_notif.connection"
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class LentTransport(Protocol):
    """An HTTP/1.1 connection that lets framed chunks be written beside its responses."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...

    @property
    def send_now(self) -> Callable[[bytes], int]:
        """Returns the function that sends as much as the kernel takes, while the transport holds nothing, and answers
        how much that was. It raises OSError."""

    async def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Sends the whole answer in one write, in the place of ASGI's `send`."""

    async def flush(self) -> None: ...

    def on_close(self, call: Callable[[], None]) -> None: ...


def lent_transport(scope: dict[str, Any]) -> LentTransport | None:
    """Returns the connection that the server lends for this request; None where it lends none, or it is no plain
    HTTP/1.1."""
    connection: LentTransport | None = (scope.get("state") or {}).get(STATE_KEY)
    return connection if scope["http_version"] == "1.1" and scope["scheme"] == "http" else None


def make_sink(scope: dict[str, Any], receive: Receive, send: Send, *, fast: bool) -> TransportSink | SendSink:
    """Returns the way out of a stream: where it may be `fast`, and the server lends it, the connection itself."""
    connection = lent_transport(scope) if fast else None
    return SendSink(receive, send) if connection is None else TransportSink(connection, send)


class TransportSink:
    """Framed chunks go to the socket, and what it does not take to the transport; what can wait goes through ASGI."""

    __slots__ = ("_connection", "_send", "_send_now", "_write")

    def __init__(self, connection: LentTransport, send: Send) -> None:
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
    """The way out of any ASGI server. `send` is run by hand as far as it goes without waiting: no task an event."""

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
