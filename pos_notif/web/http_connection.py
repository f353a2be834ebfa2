"""Quart's HTTP connection, but for what has a short way (`hot_path.py`) and for streams, on any ASGI server.

A stream that a view has opened is served outside of Quart's two tasks and contexts a request; where the server lends
its connection, by that alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, cast

from quart.asgi import ASGIHTTPConnection

from ..errors import LogUnavailable, MalformedRequest
from ..principal import Principal
from . import errors
from .door import Head, read_scope
from .hot_path import (
    Answer,
    Asked,
    idle_answer,
    known_publisher,
    known_stream,
    publication_answer,
    stream_headers,
    too_slow,
)
from .polling import POLLING_PATH
from .publishing import PUBLISH_PATH
from .services import EXTENSION, Services
from .sinks import Receive, Send, SendSink, lent_connection
from .stream import StreamResponse


class HttpConnection(ASGIHTTPConnection):
    """One request on its way to its answer."""

    async def __call__(self, receive: Receive, send: Send) -> None:
        scope = cast(dict[str, Any], self.scope)
        try:
            head = read_scope(scope)
        except MalformedRequest as error:
            return await self._send_whole(send, errors.whole_refusal(error))
        services: Services | None = self.app.extensions.get(EXTENSION)
        if services is None:  # asked before it serves
            return await super().__call__(receive, send)
        method, path = scope["method"], scope["path"]
        asked = _asked(scope, head)
        if method == "GET" and path.startswith(errors.STREAM_PATH):
            return await self._serve_stream(services, asked, receive, send)
        if method == "GET" and path.startswith(POLLING_PATH) and asked is not None:
            answer = idle_answer(services, asked)
            if answer is not None:
                return await self._send_whole(send, answer)
        if method == "POST" and path == PUBLISH_PATH and asked is not None:
            publisher = known_publisher(services, asked)
            if publisher is not None:
                return await self._publish(services, receive, send, *publisher)
        with contextlib.suppress(LogUnavailable):  # of a download that breaks off, which is no fault: no last chunk
            await super().__call__(receive, send)

    async def _publish(
        self, services: Services, receive: Receive, send: Send, who: Principal, key: str | None, size: int
    ) -> None:
        try:
            body = await _read_whole(receive, self.app.config["BODY_TIMEOUT"])
        except TimeoutError:
            return await self._send_whole(send, too_slow(services))
        if body is not None:
            await self._send_whole(send, await publication_answer(services, who, body, key))

    async def _serve_stream(self, services: Services, asked: Asked | None, receive: Receive, send: Send) -> None:
        stream = known_stream(services, asked) if asked is not None else None
        if stream is not None:
            await services.streams.openings.take()
            headers = stream_headers(services)
        else:
            await services.streams.requests.take()
            response = await self._ask_view(send)
            if not isinstance(response, StreamResponse):
                return await self._send_response(send, response)
            stream, headers = response.stream, dict(response.headers)
        connection = lent_connection(cast(Any, self.scope)) if services.config.fast_streams else None
        if connection is not None:
            return connection.carry(stream, 200, headers)
        await self._send_head(send, 200, headers)
        sink = SendSink(receive, send)
        try:
            await stream.serve(sink)
            await sink.flush()
        finally:
            sink.close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _ask_view(self, send: Send) -> Any:
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        return await self.app.handle_request(request)

    async def _send_whole(self, send: Send, answer: Answer) -> None:
        status, headers, body = answer
        await self._send_head(send, status, headers)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_head(self, send: Send, status: int, headers: Mapping[str, str]) -> None:
        self._count(status)
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _send_response(self, send: Send, response: Any) -> None:
        self._count(response.status_code)
        await super()._send_response(send, response)

    def _count(self, status: int) -> None:
        """Counts an answer when its head leaves: a stream's body has no end."""
        self.app.notifier.log.counts.answers[status // 100] += 1  # type: ignore[attr-defined]


def _asked(scope: Mapping[str, Any], head: Head) -> Asked | None:
    """Returns what short ways look at; None for an address that is not spelled as it is read, which is the view's to
    refuse."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None or b"%" in raw or b"//" in raw:
        return None
    client = scope["client"][0] if scope.get("client") else None
    return Asked(scope["path"], scope["query_string"].decode("latin1"), head, client)


async def _read_whole(receive: Receive, seconds: float | None) -> bytes | None:
    """Reads a body of known length. Returns None where the client went away before it was whole. Raises
    TimeoutError."""
    parts = []
    async with asyncio.timeout(seconds):
        while (message := await receive())["type"] == "http.request":
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)
    return None
