"""A Socket.IO (or bare Engine.IO) route of a Quart application: `mount`.

It speaks the websocket transport alone: what comes by plain HTTP is refused as the reference server (engine.io,
`lib/server.ts`) refuses it, with its codes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from quart import Quart, Response, request, websocket
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from ..errors import MalformedRequest
from ..socketio.engine import PROTOCOL, TRANSPORT, ClientGone, EngineSession, EngineSettings
from .answers import json_answer
from .door import read_head
from .errors import whole_refusal
from .sinks import STATE_KEY

TRANSPORT_UNKNOWN = (0, "Transport unknown")
SESSION_UNKNOWN = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
FORBIDDEN = (4, "Forbidden")
UNSUPPORTED_PROTOCOL = (5, "Unsupported protocol version")
# Messages that a client may be ahead of its handler, before its connection is read no further.
MESSAGES_AHEAD = 1
INBOX = "pos_notif.inbox"
Inbox = asyncio.Queue[str | bytes | None]  # None: the client has gone


def mount(
    app: Quart,
    path: str,
    serve: Callable[[EngineSession], Awaitable[None]],
    settings: EngineSettings,
    *,
    is_foreign: Callable[[Any], bool] = lambda headers: False,
    refuse: Callable[[], Response | None] = lambda: None,
) -> None:
    """Serves websockets at `path`, which ends in a slash: `serve(session)` is each one's life.

    `is_foreign(headers)` tells whether plain HTTP from there is 403. `refuse()` may answer a good upgrade before it is
    accepted; what is to last must not be refused there, since stock clients then try for ever.
    """
    app.asgi_websocket_class = BoundedWebsocket
    paths = (path, path.rstrip("/"))

    async def plain_http() -> Response | None:
        """Refuses every method, the unknown ones too, which routing would answer with 405."""
        if request.path not in paths:
            return None
        if is_foreign(request.headers):
            return _refusal(FORBIDDEN, 403)
        return _refusal(_problem(request.method, request.args) or BAD_REQUEST)

    async def endpoint() -> Response | None:
        problem = _problem("GET", websocket.args)
        refusal = _refusal(problem) if problem is not None else refuse()
        if refusal is None:
            await websocket.accept()
            # Typed as a websocket in Quart 0.22, as a proxy of one in 0.23.
            client: Websocket = cast(Any, websocket)._get_current_object()
            await serve(EngineSession(_QuartTransport(client), settings))
        return refusal

    app.before_request(plain_http)
    app.add_websocket(path, view_func=endpoint, endpoint=f"websocket {path}", strict_slashes=False)


def _problem(method: str, args: Any) -> tuple[int, str] | None:
    """Returns what is wrong with a request beside not being an upgrade, in the reference's order; None where nothing
    is."""
    if args.get("transport") != TRANSPORT:
        return TRANSPORT_UNKNOWN
    if args.get("sid"):  # a session is one websocket: there is none to come back to
        return SESSION_UNKNOWN
    if method != "GET":
        return BAD_METHOD
    return UNSUPPORTED_PROTOCOL if args.get("EIO") != PROTOCOL else None


def _refusal(problem: tuple[int, str], status: int = 400) -> Response:
    code, message = problem
    return json_answer({"code": code, "message": message}, status)


class BoundedWebsocket(ASGIWebsocketConnection):
    """Quart's connection, but for how it reads: a client is no more than some messages ahead of its handler; an empty
    binary message is b"", where Quart hands on None; and the handler's end is the connection's, whatever the client
    says."""

    async def __call__(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        try:
            read_head(cast(dict[str, Any], self.scope))
        except MalformedRequest as error:
            return await _refuse_upgrade(send, *whole_refusal(error))
        loop = asyncio.get_running_loop()
        inbox: Inbox = asyncio.Queue(MESSAGES_AHEAD)
        cast(dict[str, Any], self.scope)[INBOX] = inbox
        handler = loop.create_task(self.handle_websocket(self._create_websocket_from_scope(send), send))
        reader = loop.create_task(_read(receive, inbox))
        try:
            await asyncio.wait((handler, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            handler.cancel()
            reader.cancel()
            ended = await asyncio.gather(handler, reader, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result


async def _refuse_upgrade(
    send: Callable[[Any], Awaitable[None]], status: int, headers: dict[str, str], body: bytes
) -> None:
    whole = {**headers, "Content-Length": str(len(body))}
    encoded = [(name.lower().encode(), value.encode()) for name, value in whole.items()]
    await send({"type": "websocket.http.response.start", "status": status, "headers": encoded})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


async def _read(receive: Callable[[], Awaitable[Any]], inbox: Inbox) -> None:
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.receive":
            text = event.get("text")
            await inbox.put(event["bytes"] if text is None else text)
    # Behind what it sent before: that is handled. The handler then ends, and with it this.
    await inbox.put(None)
    await asyncio.Event().wait()


class _QuartTransport:
    def __init__(self, accepted: Websocket) -> None:
        scope = cast(dict[str, Any], accepted.scope)
        self._inbox: Inbox = scope[INBOX]
        self._connection = (scope.get("state") or {}).get(STATE_KEY)
        self.send = accepted.send
        self.close = accepted.close

    async def receive(self) -> str | bytes:
        message = await self._inbox.get()
        if message is None:
            raise ClientGone
        return message

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
