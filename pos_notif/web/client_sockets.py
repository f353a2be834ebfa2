"""`/socket.io/`: the clients' actions over Socket.IO (docs/protocol.md, section 18), and the official client itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from quart import Quart, Response, current_app
from quart_schema import hide

from ..config import Config
from ..delivery.client_socket import Arrival, ClientConnection
from ..errors import NoCapacity
from ..socketio.engine import EngineSession, EngineSettings
from .access import cookies_of, credentials, is_own_or_allowed, origin_of
from .answers import json_answer
from .errors import RETRY_AFTER_SECONDS, error_json
from .services import services
from .socketio import mount

SOCKET_PATH = "/socket.io/"


# Files of static/vendor, under the addresses at which a Socket.IO server on Node.js has them.
CLIENT_SCRIPTS = ("socket.io.js", "socket.io.min.js")


def register(app: Quart, config: Config, sid_prefix: str = "") -> None:
    mount(
        app, SOCKET_PATH, _serve, EngineSettings(sid_prefix=sid_prefix), polling=config.socket_polling,
        is_foreign=_is_foreign, share=_share, refuse=_refuse,
    )  # fmt: skip
    for name in CLIENT_SCRIPTS:
        app.add_url_rule(
            SOCKET_PATH + name, endpoint=f"client {name}", view_func=_client_script, defaults={"name": name}
        )


@hide
async def _client_script(name: str) -> Response:
    return await current_app.send_static_file(f"vendor/{name}")


def _serve(headers: Any) -> Callable[[EngineSession], Awaitable[None]]:
    found = services()
    foreign = _is_foreign(headers)
    authorization = headers.get("Authorization")
    # A page of another origin cannot set the header; the cookie, its browser sends by itself.
    sent = credentials(authorization, None if foreign else cookies_of(headers), headers.get("Host", ""))
    arrival = Arrival(sent, foreign and authorization is None)
    return lambda engine: ClientConnection(engine, arrival, found.log, found.directory, found.connections).run()


def _is_foreign(headers: Any) -> bool:
    return not is_own_or_allowed(origin_of(headers), headers.get("Host", ""))


def _share(headers: Any) -> Mapping[str, str]:
    """Lets pages of the listed origins read the answers, refusals too."""
    origins, origin = services().config.origins, origin_of(headers)
    if origin not in origins:
        return {"Vary": "Origin"} if origins else {}
    return {
        "Access-Control-Allow-Origin": origin or "",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers", "Content-Type"),
        "Vary": "Origin",
    }


def _refuse() -> Response | None:
    """Refuses what would not be kept now. It is not for long: the client comes back."""
    connections = services().connections
    if not (connections.full or connections.crowded or connections.closing):
        return None
    body = error_json(NoCapacity().told())
    return json_answer(body, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
