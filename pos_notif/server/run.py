"""Serves the application: the socket, signals, the limit on connections, and a stop that ends.

Hypercorn parses HTTP; the rest of its server is replaced, since it waits for open streams before it lets the
application end them (hypercorn#308), and has no limit on connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import socket
import ssl
from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as HypercornConfig

from ..app import NotificationApp, create_app
from ..config import Config
from ..database.locks import serving_alone
from ..errors import ConfigurationError, PortUnavailable
from ..socketio.engine import EngineSettings
from ..web.services import EXTENSION
from .backpressure import give_up_unacknowledged
from .connection import KEEP_ALIVE_SECONDS, SEND_BUFFER_BYTES, TcpConnection
from .handshake import Handshake
from .logs import AccessLog, NoAccessLog
from .loop_watch import LoopWatch
from .newcomers import Newcomers
from .refusal import Refusal
from .serving import Closing, Serving
from .signals import stop_on_signals
from .tls import tls_context

if TYPE_CHECKING:
    from ..cluster.service import ClusterService

logger = logging.getLogger("pos_notif")

STOP_SECONDS = 2.0
GC_THRESHOLD = 10_000
# Besides the streams: polls, publications, pages.
OTHER_CONNECTIONS = 500
# That have sent no whole head yet, and half of all where those are fewer: browsers open some in advance.
MAX_NEWCOMERS = 1000
# What may wait for `accept`, in the kernel; and what is accepted in one turn of the loop.
KERNEL_BACKLOG = 4096
ACCEPTS_AT_ONCE = 4


def bind(host: str, port: int, write_timeout: float = 0.0, *, shared: bool = False) -> socket.socket:
    """Returns a listening socket, which is made before the database is opened. Raises PortUnavailable.

    The kernel gives up a peer that acknowledges nothing for 8 s, or for `write_timeout` seconds where that is longer
    (`server/backpressure.py`). A `shared` port is one of several sockets' of this user.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise PortUnavailable(f"{host}: {error.strerror}") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Accepted connections inherit these. A small kernel buffer: what a stalled reader may hold.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        give_up_unacknowledged(listener, write_timeout)
        if hasattr(socket, "TCP_KEEPIDLE"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        listener.bind(address)
        listener.listen(KERNEL_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise PortUnavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener


class Server:
    """Serves one application on one socket until `stop` is called or a signal comes."""

    def __init__(
        self, app: NotificationApp, config: Config, listener: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        self._app = app
        self._tls = tls
        self._listener = listener
        self._limit = config.max_connections + OTHER_CONNECTIONS if config.max_connections else None
        self._empty = asyncio.Event()
        self._stop = asyncio.Event()
        self._serving = Serving(
            ASGIWrapper(app), lambda: app.extensions.get(EXTENSION), _hypercorn_config(config), WorkerContext(None),
            app.notifier.log.counts, config.write_timeout_seconds, app.config["BODY_TIMEOUT"],
            Newcomers(min(MAX_NEWCOMERS, self._limit // 2) if self._limit else MAX_NEWCOMERS),
            log_accesses=config.access_log, fast_streams=config.fast_streams, on_empty=self._empty.set,
        )  # fmt: skip

    @property
    def connections(self) -> Collection[Closing]:
        """Returns the connections that are open."""
        return self._serving.connections

    def stop(self) -> None:
        self._stop.set()

    async def run(self, ready: Callable[[bool], None] = lambda has_users: None) -> None:
        """Serves, and calls `ready(has_users)` once requests are answered. Returns once everything is closed. Raises
        LogRefused where the log must not be used."""
        stop_on_signals(self.stop)
        async with self._app.serving() as services:
            server = await self._listen()
            try:
                ready(await services.accounts.has_users())
                await self._stop.wait()
            finally:
                server.close()
                await self._end_connections()

    async def _listen(self) -> asyncio.Server:
        # asyncio accepts up to a `backlog` of connections in one turn of the loop, while live events wait.
        server = await asyncio.get_running_loop().create_server(
            self._accept, sock=self._listener, backlog=ACCEPTS_AT_ONCE
        )
        self._listener.listen(KERNEL_BACKLOG)
        return server

    def _accept(self) -> asyncio.Protocol:
        return self._admit() if self._tls is None else Handshake(self._serving, self._tls, self._admit)

    def _admit(self) -> asyncio.Protocol:
        if self._limit is not None and len(self._serving.connections) >= self._limit:
            return Refusal(self._serving.counts)
        return TcpConnection(self._serving)

    async def _end_connections(self) -> None:
        """Ends all connections. What is being answered has 2 s; whoever has not taken it by then is cut."""
        serving = self._serving
        serving.stopping = True  # connections close after their answer
        await serving.context.terminated.set()
        await self._app.end_connections()
        for connection in list(serving.connections):
            connection.close_if_idle()
        await self._wait_until_empty(STOP_SECONDS)
        serving.over = True
        for connection in list(serving.connections):
            connection.abort()
        await self._wait_until_empty(1.0)
        for task in serving.tasks:
            task.cancel()
        await asyncio.gather(*serving.tasks, return_exceptions=True)

    async def _wait_until_empty(self, seconds: float) -> None:
        if self._serving.connections:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()


def collect_seldom() -> None:
    """Has what there is so far never collected, and the rest less often. Thousands of open streams are long-lived
    objects that every full collection would walk through; most of what a request makes is freed without the
    collector. What has grown old before it became garbage waits for a full one, which Python makes only where a
    quarter more has grown old since the last."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 10)


def serve(config: Config, announce: Callable[[int, bool], None]) -> None:
    """Serves until a signal stops it (`signals.py`). `announce(port, has_users)` is called once requests are answered.

    Raises PortUnavailable, LogRefused or ConfigurationError before that.
    """
    raise_file_limit(config.max_connections)
    collect_seldom()
    tls = tls_context(config)
    listener = bind(config.host, config.port, config.write_timeout_seconds)
    try:
        port = listener.getsockname()[1]

        async def main() -> None:
            app, run = create_app(config, cluster=cluster_of(config, port)), _runner(config, tls)
            with LoopWatch():
                await run(app, config, listener, lambda has_users: announce(port, has_users))

        with serving_alone(config.database):
            asyncio.run(main())
    finally:
        listener.close()


def cluster_of(config: Config, port: int) -> ClusterService | None:
    """Returns what the settings say of a cluster. Raises ConfigurationError or LogRefused."""
    if not config.cluster:
        return None
    from ..cluster.service import ClusterService  # what only a cluster needs is loaded by nobody else

    return ClusterService.of(config, port)


Runner = Callable[[NotificationApp, Config, socket.socket, Callable[[bool], None]], Coroutine[Any, Any, None]]


def _runner(config: Config, tls: ssl.SSLContext | None) -> Runner:
    if config.server == "hypercorn":
        return lambda app, config, listener, ready: Server(app, config, listener, tls).run(ready)
    try:
        from .uvicorn_server import run
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "POS_NOTIF_SERVER: uvicorn is not installed (pip install 'pos-notif[uvicorn]')"
        ) from error
    return run


def raise_file_limit(connections: int) -> None:
    """Asks the system for as many open files as there may be connections, each of which is one. Raises
    ConfigurationError where it does not allow as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (connections or 20_000) + OTHER_CONNECTIONS + 100
    if soft != resource.RLIM_INFINITY and soft < needed:
        wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < needed and connections:
            raise ConfigurationError(
                f"POS_NOTIF_MAX_CONNECTIONS: {connections} connections need {needed} open files,"
                f" the system allows {hard} (ulimit -n)"
            )


def _hypercorn_config(config: Config) -> HypercornConfig:
    hypercorn = HypercornConfig()
    hypercorn.include_server_header = False
    hypercorn.keep_alive_timeout = KEEP_ALIVE_SECONDS
    hypercorn.keep_alive_max_requests = 1_000_000
    hypercorn.h11_max_incomplete_size = 32 * 1024
    hypercorn.websocket_max_message_size = EngineSettings().max_payload
    hypercorn.errorlog = logging.getLogger("pos_notif.http")
    hypercorn.logger_class = AccessLog if config.access_log else NoAccessLog
    return hypercorn
