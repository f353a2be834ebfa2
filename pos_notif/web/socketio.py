"""A Socket.IO (or bare Engine.IO) route of a Quart application: `mount`.

It speaks both transports of Engine.IO: websockets, and polls by plain HTTP (`socketio_polling.py`), from which a client
may change to a websocket. What it refuses, it refuses as the reference server (engine.io, `lib/server.ts`) does, with
its codes and in its order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from quart import Quart, Response, request, websocket
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from ..errors import MalformedRequest
from ..socketio.engine import PROTOCOL, WEBSOCKET, ClientGone, EngineSession, EngineSettings
from ..socketio.long_polling import POLLING
from .answers import json_answer
from .door import read_head
from .errors import whole_refusal
from .sinks import STATE_KEY
from .socketio_polling import PollingSessions

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
Serve = Callable[[EngineSession, Any], Awaitable[None]]


def mount(
    app: Quart,
    path: str,
    serve: Serve,
    settings: EngineSettings,
    *,
    polling: bool = True,
    is_foreign: Callable[[Any], bool] = lambda headers: False,
    share: Callable[[Any], Mapping[str, str]] = lambda headers: {},
    refuse: Callable[[], Response | None] = lambda: None,
) -> None:
    """Serves clients at `path`, which ends in a slash: `serve(session, headers)` is each one's life, and `headers` are
    those of the request that it began with. Without `polling` only websockets are taken.

    `is_foreign(headers)` tells whether plain HTTP from there is 403, and `share(headers)` by which headers a page of an
    allowed origin may read the answers. `refuse()` may answer whoever would be let in; what is to last must not be
    refused there, since stock clients then try for ever.
    """
    app.asgi_websocket_class = BoundedWebsocket
    sessions = PollingSessions(serve, settings)
    route = _Route(sessions, polling, is_foreign, refuse)
    paths = (path, path.rstrip("/"))

    async def plain_http() -> Response | None:
        """Answers every method, the unknown ones too, which routing would answer with 405."""
        if request.path not in paths:
            return None
        response = await route.plain_http()
        response.headers.update(share(request.headers))
        return response

    app.before_request(plain_http)
    app.add_websocket(path, view_func=route.websocket, endpoint=f"websocket {path}", strict_slashes=False)
    app.after_serving(sessions.close)


class _Route:
    def __init__(
        self,
        sessions: PollingSessions,
        polling: bool,
        is_foreign: Callable[[Any], bool],
        refuse: Callable[[], Response | None],
    ) -> None:
        self._sessions = sessions
        self._transports = (WEBSOCKET, POLLING) if polling else (WEBSOCKET,)
        self._is_foreign = is_foreign
        self._refuse = refuse

    async def plain_http(self) -> Response:
        if self._is_foreign(request.headers):
            return _refusal(FORBIDDEN, 403)
        if request.method == "OPTIONS" and request.headers.get("Access-Control-Request-Method"):
            return Response(b"", 204)
        problem = self._problem(request.method, request.args, POLLING)
        if problem is not None:
            return _refusal(problem)
        session = self._sessions.find(request.args.get("sid"))
        if session is None:
            return self._refuse() or await self._sessions.begin(request.headers)
        if request.method == "GET":
            return await self._sessions.poll(session)
        if request.method == "POST":
            return await self._sessions.post(session)
        return _refusal(BAD_METHOD)

    async def websocket(self) -> Response | None:
        # Typed as a websocket in Quart 0.22, as a proxy of one in 0.23.
        client: Websocket = cast(Any, websocket)._get_current_object()
        sid = client.args.get("sid")
        if sid and self._is_foreign(client.headers):
            return _refusal(FORBIDDEN, 403)
        problem = self._problem("GET", client.args, WEBSOCKET)
        refusal = _refusal(problem) if problem is not None else None if sid else self._refuse()
        if refusal is not None:
            return refusal
        session = self._sessions.find(sid)
        await client.accept()
        transport = _QuartTransport(client)
        if session is not None:
            await session.probe(transport)
        else:
            await self._sessions.serve(EngineSession(transport, self._sessions.settings), client.headers)
        return None

    def _problem(self, method: str, args: Any, way: str) -> tuple[int, str] | None:
        """Returns what is wrong with a request that came by that way, in the reference's order; None where nothing
        is."""
        transport = args.get("transport")
        if transport not in self._transports:
            return TRANSPORT_UNKNOWN
        if args.get("sid"):
            session = self._sessions.find(args["sid"])
            if session is None:
                return SESSION_UNKNOWN
            # A second websocket is let in and closed, as the reference does.
            return BAD_REQUEST if transport != way or (way == POLLING and session.name != POLLING) else None
        if method != "GET":
            return BAD_METHOD
        if args.get("EIO") != PROTOCOL:
            return UNSUPPORTED_PROTOCOL
        return BAD_REQUEST if transport != way else None


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
    name = WEBSOCKET

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

    def forget_unsent(self) -> None:
        pass  # it is on its way

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
