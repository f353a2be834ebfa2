"""The Socket.IO route under the names and settings that the official protocol test suites expect.

    python tests/conformance_app.py --port 3000 [--ping-interval 0.3 --ping-timeout 0.2 --connect-timeout 2]
        [--upgrade-timeout 10 --farewell 5]

The same code as the service's, with other settings: a bare Engine.IO echo at `/engine.io/`, Socket.IO at `/socket.io/`
with the namespaces `/` and `/custom`, both by websocket and by long-polling. Nobody signs in. The suites are in
github.com/socketio/socket.io, under `docs/engine.io-protocol/v4-test-suite` and
`docs/socket.io-protocol/v5-test-suite`. Who connects to no namespace has 2 s: their case of the heartbeat by polls
takes longer than one.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from quart import Quart

from pos_notif.counts import Counts
from pos_notif.server.connection import TcpConnection
from pos_notif.server.newcomers import Newcomers
from pos_notif.server.run import bind
from pos_notif.server.serving import Serving
from pos_notif.socketio import long_polling
from pos_notif.socketio.engine import EngineSession, EngineSettings
from pos_notif.socketio.packets import POLICY_VIOLATION
from pos_notif.socketio.sockets import Socket, Sockets
from pos_notif.web.socketio import mount

MAX_PAYLOAD = 1_000_000
# The suites listen anew for each message, and miss one that arrives with the one before it.
APART_SECONDS = 0.02


class Greeter:
    """Emits what it was sent with the CONNECT."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._auth: dict[str, Any] = {}

    async def authorize(self, auth: dict[str, Any]) -> str | None:
        self._auth = auth
        return None

    async def opened(self) -> None:
        await asyncio.sleep(APART_SECONDS)
        await self._socket.emit("auth", self._auth)

    async def event(self, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        if name == "message":
            await self._socket.emit("message-back", *arguments)
        if name == "end":
            self._socket.close(POLICY_VIOLATION, "ended", "last-words")
        return arguments if name == "message-with-ack" else None

    async def closed(self) -> None:
        pass


class Silent(Greeter):
    async def event(self, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        return None


def make_app(settings: EngineSettings, connect_seconds: float) -> Quart:
    app = Quart(__name__)

    async def echo(session: EngineSession) -> None:
        await session.run(session.send)

    async def talk(session: EngineSession) -> None:
        namespaces = {"/": Greeter, "/custom": Silent}
        await Sockets(session, namespaces, connect_seconds=connect_seconds).run()

    mount(app, "/engine.io/", lambda headers: echo, settings)
    mount(app, "/socket.io/", lambda headers: talk, settings)
    return app


async def serve(port: int, settings: EngineSettings, connect_seconds: float) -> None:
    config = Config()
    config.websocket_max_message_size = settings.max_payload
    app, context = ASGIWrapper(make_app(settings, connect_seconds)), WorkerContext(None)

    serving = Serving(
        app, lambda: None, config, context, Counts(), write_timeout=5.0, body_timeout=5.0, newcomers=Newcomers(1000)
    )
    listener = bind("127.0.0.1", port)
    server = await asyncio.get_running_loop().create_server(lambda: TcpConnection(serving), sock=listener)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=3000, help="0 takes a free one")
    parser.add_argument("--ping-interval", type=float, default=0.3, metavar="SECONDS")
    parser.add_argument("--ping-timeout", type=float, default=0.2, metavar="SECONDS")
    parser.add_argument("--connect-timeout", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--upgrade-timeout", type=float, default=long_polling.UPGRADE_SECONDS, metavar="SECONDS")
    parser.add_argument("--farewell", type=float, default=long_polling.FAREWELL_SECONDS, metavar="SECONDS")
    options = parser.parse_args()
    long_polling.UPGRADE_SECONDS, long_polling.FAREWELL_SECONDS = options.upgrade_timeout, options.farewell
    settings = EngineSettings(
        ping_interval=options.ping_interval, ping_timeout=options.ping_timeout, max_payload=MAX_PAYLOAD
    )
    asyncio.run(serve(options.port, settings, options.connect_timeout))


if __name__ == "__main__":
    main()
