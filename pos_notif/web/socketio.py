"""A Socket.IO (or bare Engine.IO) route of a Quart application: `mount`.

It speaks both transports of Engine.IO: websockets, and polls by plain HTTP (`socketio_polling.py`), from which a client
may change to a websocket. What it refuses, it refuses as the reference server (engine.io, `lib/server.ts`) does, with
its codes and in its order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from quart import Quart, Response, request, websocket
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from ..errors import MalformedRequest
from ..socketio.engine import PROTOCOL, WEBSOCKET, ClientGone, EngineSession, EngineSettings, Transport
from ..socketio.long_polling import POLLING
from .answers import json_answer
from .door import read_scope
from .errors import whole_refusal
from .sinks import STATE_KEY, Receive, Send
from .socketio_polling import PollingSessions, Serve

TRANSPORT_UNKNOWN = (0, "Transport unknown")
SESSION_UNKNOWN = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
FORBIDDEN = (4, "Forbidden")
UNSUPPORTED_PROTOCOL = (5, "Unsupported protocol version")
NORMAL_CLOSURE = 1000
# Where a request's scope has what is to follow it.
LIFE = "pos_notif.life"
Life = Callable[[Transport], Awaitable[None]]


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
    """Serves clients at `path`, which ends in a slash: `serve(headers)` gives each one's life, and `headers` are those
    of the request that it began with, which is over by then. Without `polling` only websockets are taken.

    `is_foreign(headers)` tells whether plain HTTP from there is 403, and `share(headers)` by which headers a page of an
    allowed origin may read the answers. `refuse()` may answer whoever would be let in; what is to last must not be
    refused there, since stock clients then try for ever.
    """
    app.asgi_websocket_class = LeavingWebsocket
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
            return await self._sessions.poll(session, request.args.get("t"))
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
        cast(dict[str, Any], client.scope)[LIFE] = self._begin(client.headers) if session is None else session.probe
        return None

    def _begin(self, headers: Any) -> Life:
        """Returns the life of a session that begins with a websocket."""
        serve, settings = self._sessions.serve(headers), self._sessions.settings
        return lambda transport: serve(EngineSession(transport, settings))

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


class LeavingWebsocket(ASGIWebsocketConnection):
    """Quart's connection of a websocket, which is over once the client has been let in: its session then lives in the
    same task, with nothing of the request, its contexts and tasks. What the client sends is read when its handler asks,
    and a handler's end is the connection's."""

    async def __call__(self, receive: Receive, send: Send) -> None:
        scope = cast(dict[str, Any], self.scope)
        try:
            read_scope(scope)
        except MalformedRequest as error:
            return await _refuse_upgrade(send, *whole_refusal(error))
        await self.handle_websocket(self._create_websocket_from_scope(send), send)
        vars(self).pop("queue", None)  # Quart 0.22 has one here; nothing is read by it
        life: Life | None = scope.pop(LIFE, None)
        if life is not None and (await receive())["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            transport = _WebsocketTransport(scope, receive, send)
            scope["headers"] = []
            try:
                await life(transport)
            finally:
                await transport.close(NORMAL_CLOSURE, "")


async def _refuse_upgrade(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": status, "headers": encoded})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


class _WebsocketTransport:
    name = WEBSOCKET

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._connection = (scope.get("state") or {}).get(STATE_KEY)
        self._receive = receive
        self._send = send
        self._closed = False

    async def receive(self) -> str | bytes:
        event = await self._receive()
        if event["type"] != "websocket.receive":
            raise ClientGone
        text: str | None = event.get("text")
        return cast(bytes, event["bytes"]) if text is None else text

    async def send(self, data: str | bytes) -> None:
        text, binary = (data, None) if isinstance(data, str) else (None, data)
        await self._send({"type": "websocket.send", "text": text, "bytes": binary})

    async def close(self, code: int, reason: str) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def room(self, size: int) -> None:
        """Returns at once: a websocket has its next message when it has taken the one before."""

    def forget_unsent(self) -> None:
        pass  # it is on its way

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
