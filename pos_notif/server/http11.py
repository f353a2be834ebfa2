"""Hypercorn's HTTP/1.1 of one connection, with what changes on it. It knows Hypercorn's inside, as `long_way.py`
does, which says what changes and why."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import h11
from hypercorn.events import Closed, RawData
from hypercorn.protocol.events import Request
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import ASGIHTTPState

from ..web.errors import error_json, http_told
from ..web.sinks import STATE_KEY
from .websocket import WebSocketStream

# Of a request's line. The whole head may have `h11_max_incomplete_size`.
MAX_URL_BYTES = 16 * 1024


class Http11(H11Protocol):
    """Hypercorn's HTTP/1.1 of one connection, with what changes on it."""

    _head = b""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Ignores an `Upgrade: h2c`, as RFC 9110 (section 7.8) lets a server do."""

    async def _create_stream(self, request: h11.Request) -> None:
        problem = 0
        if not request.target.startswith((b"/", b"http")) and request.target != b"*":
            problem = 400
        elif len(request.target) > MAX_URL_BYTES:
            problem = 414
        if problem:
            await self._send_error_response(problem)
            return await self.send(Closed())
        if not _asks_for_websocket(request):
            return await super()._create_stream(request)
        self.stream = WebSocketStream(
            self.app, self.config, self.context, self.task_group, self.ssl, self.client, self.server,
            self.stream_send, STREAM_ID,
        )  # fmt: skip
        self.connection = H11WSConnection(cast(h11.Connection, self.connection))
        asked = Request(
            stream_id=STREAM_ID, headers=list(request.headers), http_version=request.http_version.decode(),
            method="GET", raw_path=request.target, state=self.connection_state,
        )  # fmt: skip
        await self.stream.handle(asked)

    async def _send_h11_event(self, event: Any) -> None:
        """Lets a response's head leave with the first of its body: one write, and one wake-up of the client, less."""
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            self._head = data or b""
            return
        whole, self._head = self._head + (data or b""), b""
        if whole:
            await self.send(RawData(data=whole))

    def give_up(self, status: int, headers: Mapping[str, str]) -> tuple[bytes, str] | None:
        """Ends the open request without an answer. Returns the head of the one that its connection gives in its place,
        in chunks; and its path. None where the request was refused meanwhile, for what came of its body."""
        stream = cast(Any, self.stream)
        stream.state, stream.closed, self.stream = ASGIHTTPState.CLOSED, True, None
        if self.connection.their_state is h11.ERROR:
            return None
        own = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        response = h11.Response(status_code=status, headers=[*own, *self.config.response_headers("h11")])
        return self.connection.send(response) or b"", stream.scope["path"]

    async def _send_error_response(self, status_code: int) -> None:
        """Answers what no application is asked; the connection closes after it."""
        await self.send(RawData(data=self.error(status_code)))

    def error(self, status: int) -> bytes:
        """Returns the whole answer of a refusal; nothing where one is on its way already."""
        body = error_json(http_told(status)).encode()
        headers = [
            (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"connection", b"close"),
        ]  # fmt: skip
        response = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
        sent = b""
        with contextlib.suppress(h11.LocalProtocolError):  # a HEAD has no body; or its answer is on its way already
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                sent += self.connection.send(event) or b""
            cast(Any, self.connection_state)[STATE_KEY].count(status)
        return sent

    @property
    def head_begun(self) -> bool:
        """Tells whether, between two requests, some of the next one's head is there."""
        return bool(self.connection.trailing_data[0])

    @property
    def peer_may_send(self) -> bool:
        """Tells whether the rest of a body, of what was refused, or a websocket's close frame, may still come."""
        return isinstance(self.connection, H11WSConnection) or self.connection.their_state in (h11.SEND_BODY, h11.ERROR)


def _asks_for_websocket(request: h11.Request) -> bool:
    def tokens(wanted: bytes) -> set[bytes]:
        lists = (value.lower().split(b",") for name, value in request.headers if name == wanted)
        return {token.strip() for tokens in lists for token in tokens}

    return request.method == b"GET" and b"websocket" in tokens(b"upgrade") and b"upgrade" in tokens(b"connection")
