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
from collections.abc import Callable, Coroutine
from typing import Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as HypercornConfig

from ..app import NotificationApp, create_app
from ..config import Config
from ..delivery.streams import BUSY_RETRY_MS
from ..errors import ConfigurationError, NoCapacity, PortUnavailable
from ..socketio.engine import EngineSettings
from ..web.errors import STREAM_PATH
from ..web.stream import STREAM_HEADERS
from ..wire import sse
from ..wire.json_text import dump
from .connection import LINGER_SECONDS, SEND_BUFFER_BYTES, TcpConnection
from .logs import AccessLog, NoAccessLog
from .loop_watch import LoopWatch
from .newcomers import Newcomers
from .signals import stop_on_signals
from .tls import tls_context

logger = logging.getLogger("pos_notif")

STOP_SECONDS = 2.0
GC_THRESHOLD = 10_000
KEEP_ALIVE_SECONDS = 75.0
# Besides the streams: polls, publications, pages.
OTHER_CONNECTIONS = 500
# That have sent no whole head yet, and half of all where those are fewer: browsers open some in advance.
MAX_NEWCOMERS = 1000
REFUSAL_SECONDS = 2.0
# A client that says nothing in its TLS handshake.
HANDSHAKE_SECONDS = 5.0
# What may wait for `accept`, in the kernel; and what is accepted in one turn of the loop.
KERNEL_BACKLOG = 4096
ACCEPTS_AT_ONCE = 4
# A peer that lost its power says nothing; the kernel alone would wait 15 minutes for it.
UNACKNOWLEDGED_SECONDS = 8.0
_FULL_BODY = dump({"error": {"codigo": NoCapacity.code, "mensaje": NoCapacity.message}}).encode()
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 30\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)
_BUSY = b"HTTP/1.1 200 OK\r\n%bConnection: close\r\n\r\n%b%b" % (
    "".join(f"{name}: {value}\r\n" for name, value in STREAM_HEADERS.items()).encode(),
    sse.retry(BUSY_RETRY_MS),
    sse.frame("ocupado", b"{}"),
)


def bind(host: str, port: int, write_timeout: float = 0.0) -> socket.socket:
    """Returns a listening socket, which is made before the database is opened. Raises PortUnavailable.

    The kernel gives up a peer that acknowledges nothing for 8 s, or for `write_timeout` seconds where that is longer:
    to it, a reader that stopped reading is one too.
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
        # Accepted connections inherit these. A small kernel buffer: what a stalled reader may hold.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            patience = max(UNACKNOWLEDGED_SECONDS, write_timeout)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1000))
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
        self._config = config
        self._listener = listener
        self._hypercorn = _hypercorn_config(config)
        self._wrapped = ASGIWrapper(app)
        self._context = WorkerContext(None)
        self._limit = config.max_connections + OTHER_CONNECTIONS if config.max_connections else None
        self._newcomers = Newcomers(min(MAX_NEWCOMERS, self._limit // 2) if self._limit else MAX_NEWCOMERS)
        self._connections: set[TcpConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._stop = asyncio.Event()

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
        timeouts: dict[str, Any] = (
            {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": LINGER_SECONDS} if self._tls else {}
        )
        # asyncio accepts up to a `backlog` of connections in one turn of the loop, while live events wait.
        server = await asyncio.start_server(
            self._accept, sock=self._listener, backlog=ACCEPTS_AT_ONCE, ssl=self._tls, **timeouts
        )
        self._listener.listen(KERNEL_BACKLOG)
        return server

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._limit is not None and len(self._connections) >= self._limit:
            answer = await _refuse(reader, writer)
            if answer:
                self._app.notifier.log.counts.answers[int(answer[9:10])] += 1
            return
        address = (writer.get_extra_info("peername") or ("",))[0]
        connection = TcpConnection(
            self._wrapped,
            self._hypercorn,
            self._context,
            reader,
            writer,
            self._config.write_timeout_seconds,
            self._app.notifier.log.counts,
            on_first_head=lambda: self._newcomers.discard(connection, address),
        )
        self._connections.add(connection)
        self._newcomers.add(connection, address)
        try:
            await connection
        except Exception:
            logger.exception("connection failed")
        finally:
            self._connections.discard(connection)
            self._newcomers.discard(connection, address)
            if not self._connections:
                self._empty.set()

    async def _end_connections(self) -> None:
        """Ends all connections. What is being answered has 2 s; whoever has not taken it by then is cut."""
        await self._app.end_connections()
        await self._context.terminated.set()  # connections close after their answer
        for connection in list(self._connections):
            connection.close_if_idle()
        await self._wait_until_empty(STOP_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_empty(1.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_until_empty(self, seconds: float) -> None:
        if self._connections:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Answers a connection beyond all limits, and returns the answer, which is empty where nothing was asked. A stream
    is told to come back later: after a 503 a browser would not ask again."""
    answer = b""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(REFUSAL_SECONDS):
            # Read whole, or the reset for what is left would overtake the answer.
            head = await reader.readuntil(b"\r\n\r\n")
            answer = _BUSY if head.startswith(b"GET " + STREAM_PATH.encode()) else _FULL
            writer.write(answer)
    writer.close()
    return answer


def collect_seldom() -> None:
    """Has what there is so far never collected, and the rest less often. Thousands of open streams are long-lived
    objects that every full collection would walk through; most of what a request makes is freed without the
    collector."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)


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
            app, run = create_app(config), _runner(config, tls)
            with LoopWatch():
                await run(app, config, listener, lambda has_users: announce(port, has_users))

        asyncio.run(main())
    finally:
        listener.close()


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
