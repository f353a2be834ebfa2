"""`/socket.io/`: the clients' actions over a Socket.IO-compatible websocket (docs/protocol.md, section 18)."""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, websocket

from ..delivery.client_socket import Arrival, ClientWebsocket
from ..errors import NoCapacity
from ..socketio.engine import EngineSession, EngineSettings
from .access import cookies_of, credentials, is_own_or_allowed, origin_of
from .answers import json_answer
from .errors import RETRY_AFTER_SECONDS, error_json
from .services import services
from .socketio import mount

SOCKET_PATH = "/socket.io/"


def register(app: Quart) -> None:
    mount(app, SOCKET_PATH, _serve, EngineSettings(), is_foreign=_is_foreign, refuse=_refuse)


async def _serve(engine: EngineSession) -> None:
    found, headers = services(), websocket.headers
    foreign = _is_foreign(headers)
    authorization = headers.get("Authorization")
    # A page of another origin cannot set the header; the cookie, its browser sends by itself.
    sent = credentials(authorization, None if foreign else cookies_of(headers), headers.get("Host", ""))
    arrival = Arrival(sent, foreign and authorization is None)
    await ClientWebsocket(engine, arrival, found.log, found.directory, found.connections).run()


def _is_foreign(headers: Any) -> bool:
    return not is_own_or_allowed(origin_of(headers), headers.get("Host", ""))


def _refuse() -> Response | None:
    """Refuses what would not be kept now. It is not for long: the client comes back."""
    connections = services().connections
    if not (connections.full or connections.crowded or connections.closing):
        return None
    body = error_json(NoCapacity().told())
    return json_answer(body, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
