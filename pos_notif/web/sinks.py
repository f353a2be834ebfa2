"""Where a stream's bytes leave under ASGI: the connection that the server lends, or its `send`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, cast

from ..delivery.by_hand import run_until_it_waits
from ..delivery.fanout import Chunk
from ..delivery.streams import Stream

# Where a request finds its connection, if the server lends it: ASGI's scope["state"].
STATE_KEY = "pos_notif.connection"
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class LentConnection(Protocol):
    """An HTTP/1.1 connection that carries a stream without ASGI."""

    def carry(self, stream: Stream, status: int, headers: Mapping[str, str]) -> None:
        """Answers the present request by the stream, to its end: nothing is sent by ASGI."""


def lent_connection(scope: dict[str, Any]) -> LentConnection | None:
    """Returns the connection that the server lends for this request; None where it lends none, or it is no HTTP/1.1."""
    connection: LentConnection | None = (scope.get("state") or {}).get(STATE_KEY)
    return connection if scope["http_version"] == "1.1" else None


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
            self._rest = run_until_it_waits(coroutine)
        except OSError:
            self._gone_now()
            return False
        return self._rest is None

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


def _nothing() -> None:
    pass
