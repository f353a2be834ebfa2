"""Requests that do not go through all of Quart: streams, polls that find nothing, and publications.

A stream's request is routed, checked and answered by Quart; the `StreamResponse` of its view is then served here,
outside of Quart's two tasks and contexts a request: an idle stream costs what its connection costs.

Most polls find nothing, and a POS publishes more often than it does anything else. A poll of a session that is
remembered and of a cursor that memory covers, and a publication with a credential that is remembered, a JSON body of
known length and no Origin, are answered here without a Quart request, by the functions that their views use; everything
else, refusals of access included, is left to the view.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from quart import Response
from quart.asgi import ASGIHTTPConnection

from ..delivery.polling import idle
from ..delivery.reader import Reader
from ..delivery.streams import Stream
from ..errors import DomainError, Invalid, LogUnavailable, MalformedRequest, TooManyRequests
from ..events import MANAGER, ROLE_ROOM, may_read
from ..principal import Principal
from . import errors
from .access import credentials
from .door import Head, read_head
from .polling import POLLING_PATH, PollRequest, count_poll, poll_answer
from .publishing import PUBLISH_PATH, publish_body
from .services import EXTENSION, Services
from .sinks import Receive, Send, lent_transport, make_sink


class StreamResponse(Response):
    """The head of a stream, which Quart makes; `HotPath` writes the body."""

    def __init__(self, stream: Stream, headers: dict[str, str]) -> None:
        super().__init__(b"", headers=headers)
        del self.headers["Content-Length"]
        self.stream = stream


class HotPath(ASGIHTTPConnection):
    """Quart's HTTP connection, but for streams, idle polls and publications."""

    async def __call__(self, receive: Receive, send: Send) -> None:
        scope = cast(dict[str, Any], self.scope)
        try:
            head = read_head(scope)
        except MalformedRequest as error:
            return await self._send_whole(send, *errors.whole_refusal(error))
        services: Services | None = self.app.extensions.get(EXTENSION)
        if services is None:  # asked before it serves
            return await super().__call__(receive, send)
        method, path = scope["method"], scope["path"]
        if method == "GET" and path.startswith(errors.STREAM_PATH):
            return await self._serve_stream(services, receive, send)
        if method == "GET" and path.startswith(POLLING_PATH):
            answer = idle_answer(services, scope, head)
            if answer is not None:
                return await self._send_whole(send, *answer)
        if method == "POST" and path == PUBLISH_PATH:
            publisher = short_publisher(services, scope, head)
            if publisher is not None:
                return await self._publish(services, receive, send, *publisher)
        with contextlib.suppress(LogUnavailable):  # of a download that breaks off, which is no fault: no last chunk
            await super().__call__(receive, send)

    async def _publish(self, services: Services, receive: Receive, send: Send, who: Principal, key: str | None) -> None:
        try:
            body = await _read_whole(receive, self.app.config["BODY_TIMEOUT"])
        except TimeoutError:
            return await self._send_whole(send, *too_slow())
        if body is not None:
            await self._send_whole(send, *await short_answer(services, who, body, key))

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
        connection = lent_transport(cast(Any, self.scope))
        if connection is not None and self.scope["method"] != "HEAD":
            self._count(status)
            return await connection.send_whole(status, headers, body)
        await self._send_head(send, status, {**headers, "Content-Length": str(len(body))} if body else headers)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer(self, send: Send) -> Stream | None:
        """Sends Quart's answer, or only the head of a stream's. Returns the stream that is to follow, or None."""
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        response = await self.app.handle_request(request)
        if not isinstance(response, StreamResponse):
            await self._send_response(send, response)
            return None
        await self._send_head(send, response.status_code, dict(response.headers))
        return response.stream

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


# Polls that find nothing


def idle_answer(found: Services, scope: Mapping[str, Any], head: Head) -> tuple[int, dict[str, str], bytes] | None:
    """Answers a GET of POLLING_PATH where that can be done at once. Returns None where it is the view's."""
    if not head.keys().isdisjoint(_NOT_POLLED) or not _is_spelled_out(scope):
        return None
    who = _remembered(found, head)
    role = scope["path"][len(POLLING_PATH) :]
    if who is None or role not in ROLE_ROOM or not may_read(who.role, role):
        return None
    pairs = parse_qsl(scope["query_string"].decode("latin1"), keep_blank_values=True)
    args = dict(pairs)
    if len(args) < len(pairs):  # which of them counts is the view's to say
        return None
    try:
        asked = PollRequest.parse(args, _text(head, b"if-none-match"))
    except Invalid:
        return None
    if asked.cursor is None or asked.wait:
        return None
    owner = who.owner(asked.client)
    log = found.log
    reader = Reader.of_role(log, role, *([log.subscriptions.of(owner)] if owner is not None else []))
    answer = idle(reader, asked.cursor)
    if answer is None:
        return None
    try:
        count_poll(found, who, asked, scope["client"][0] if scope.get("client") else None)
    except TooManyRequests as error:
        return errors.whole_refusal(error)
    return poll_answer(found, who, reader, asked, answer)


# A request with a body, or from a page of another origin, whose answer needs CORS, goes the whole way.
_NOT_POLLED = frozenset({b"origin", b"content-length", b"transfer-encoding"})


def _is_spelled_out(scope: Mapping[str, Any]) -> bool:
    """Tells whether the address is written as it is read; any other spelling is the view's to refuse."""
    raw: bytes | None = scope.get("raw_path")
    return raw is not None and b"%" not in raw and b"//" not in raw


def _remembered(found: Services, head: Head) -> Principal | None:
    """Returns whose request it is, where that is known of the first credential; those that may count instead of it are
    the view's to look up."""
    sent = credentials(_text(head, b"authorization"), _text(head, b"cookie"), _text(head, b"host") or "")
    return found.accounts.remembered(sent[0].kind, sent[0].secret) if sent else None


def _text(head: Head, name: bytes) -> str | None:
    value = head.get(name)
    return value.decode("latin1") if value is not None else None


# Publications of known publishers


def short_publisher(found: Services, scope: Mapping[str, Any], head: Head) -> tuple[Principal, str | None] | None:
    """Returns who publishes, and the idempotency key, of a POST to PUBLISH_PATH that needs no view; None where it is
    the view's."""
    if scope["query_string"] or b"origin" in head or b"transfer-encoding" in head or not _is_spelled_out(scope):
        return None
    size = head.get(b"content-length", b"")
    if not size.isdigit() or int(size) > found.config.max_body_bytes:
        return None
    if head.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return None
    who = _remembered(found, head)
    return (who, _text(head, b"idempotency-key")) if who is not None and who.role == MANAGER else None


def too_slow() -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body for a client whose body did not arrive in time."""
    headers = {**errors.API_HEADERS, "Content-Type": "application/json"}
    return 408, headers, errors.error_json(errors.http_told(408)).encode()


async def short_answer(
    found: Services, who: Principal, body: bytes, key: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Publishes. Returns status, headers and body as the view would answer, also where the body is refused."""
    try:
        status, answer = await publish_body(found, who, body, key)
    except DomainError as error:
        refused = error
    except Exception as error:  # noqa: BLE001 - it is logged, and the client is answered
        refused = errors.unexpected(error, "POST", PUBLISH_PATH)
    else:
        return status, {**errors.API_HEADERS, "Content-Type": "application/json"}, answer.encode()
    found.log.counts.failed_publications[refused.code] += 1
    return errors.whole_refusal(refused)
