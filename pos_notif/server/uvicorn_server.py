"""The same application on uvicorn (`serve --server uvicorn`, the extra `uvicorn`): plain ASGI, every stream by `send`.

It is for who runs uvicorn anyway, where every client is trusted. uvicorn lends no connection: streams are slower, only
the kernel drops stalled peers, and a client that floods it with websocket pings is neither slowed down nor bounded.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from ..app import NotificationApp
from ..config import Config
from ..socketio.engine import EngineSettings
from ..web.services import EXTENSION, Services
from .signals import stop_on_signals

STOP_SECONDS = 2


class _Server(uvicorn.Server):
    def __init__(self, app: NotificationApp, config: uvicorn.Config, ready: Callable[[bool], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        services: Services = self._app.extensions[EXTENSION]
        self._ready(await services.accounts.has_users())

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `run`: uvicorn would raise them again after the stop, and the exit code would not be
        0."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends open responses first: uvicorn waits for them before the application could."""
        await self._app.end_connections()
        await super().shutdown(sockets)


async def run(app: NotificationApp, config: Config, listener: socket.socket, ready: Callable[[bool], None]) -> None:
    """Does as `Server.run` of `server/run.py`."""
    options = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=config.access_log, server_header=False,
        limit_concurrency=None, timeout_graceful_shutdown=STOP_SECONDS,
        ws="wsproto", ws_max_size=EngineSettings().max_payload, ws_per_message_deflate=False, ws_ping_interval=None,
        ssl_certfile=config.certfile or None, ssl_keyfile=config.keyfile or None,
    )  # fmt: skip
    server = _Server(app, options, ready)

    def stop() -> None:
        server.should_exit = True

    stop_on_signals(stop)
    async with app.serving():
        await server.serve(sockets=[listener])
