"""Clients that connect and leave, cut at every stage of a connection's life: nothing of them is left in the service."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import struct
import time
from collections import Counter
from pathlib import Path
from random import Random

from pos_notif import Config
from pos_notif.app import NotificationApp, create_app
from pos_notif.delivery.streams import Stream
from pos_notif.server.connection import TcpConnection
from pos_notif.server.long_way import LongWay
from pos_notif.server.run import Server, bind
from pos_notif.web.services import EXTENSION, Services
from tests.soak.check import Outcome

KINDS = (TcpConnection, LongWay, Stream)
CLIENTS = 20
STREAM = "/api/notificaciones/stream/cocinero"
POLL = "/api/notificaciones/polling/cocinero"
EVENTS = "/api/notificaciones/eventos"
PATHS = (STREAM, STREAM + "?cursor=inicio", STREAM + "?cliente=t1", POLL, "/healthz", EVENTS)
# After how much of what is sent, or of what comes back, the client goes.
STAGES = ("connect", "half a head", "head", "answer's head", "greeting", "an event", "half a body")


class Churn:
    """`count` connections of CLIENTS clients, against a server in this process."""

    def __init__(self, directory: Path, count: int, seed: int) -> None:
        self._directory = directory
        self._left = count
        self._count = count
        self._random = Random(seed)
        self._done: Counter[str] = Counter()
        self._port = 0
        self._token = ""

    async def run(self) -> Outcome:
        config = Config(database=str(self._directory / "churn.db"), access_log=False, heartbeat_seconds=0)
        listener = bind("127.0.0.1", 0)
        self._port = listener.getsockname()[1]
        app = create_app(config)
        server, ready = Server(app, config, listener), asyncio.Event()
        running = asyncio.create_task(server.run(lambda has_users: ready.set()))
        await ready.wait()
        services: Services = app.extensions[EXTENSION]
        self._token = await services.accounts.create_token("churn")
        await self._visits(100)  # what the first ones load is not theirs
        await self._quiet(server, services, tasks=0)
        files, tasks, objects = _open_files(), len(asyncio.all_tasks()), _objects()
        self._left = self._count
        errors = _Errors()
        logging.getLogger("pos_notif").addHandler(errors)
        began = time.monotonic()
        publishing = asyncio.create_task(self._publish(app))
        await asyncio.gather(*(self._visits(self._count) for _ in range(CLIENTS)))
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        seconds = time.monotonic() - began
        outcome = Outcome([("connections", f"{self._count:,}"), ("seconds", f"{seconds:.0f}")])
        outcome.figures += [(f"left after {stage}", f"{number:,}") for stage, number in sorted(self._done.items())]
        try:
            await self._quiet(server, services, tasks)
        except TimeoutError:
            outcome.problems.append(f"{len(services.connections.open)} streams stay open")

        def found() -> dict[str, int]:
            now = {"descriptors": _open_files() - files, "tasks": len(asyncio.all_tasks()) - tasks}
            now |= {name: number - objects[name] for name, number in _objects().items()}
            now["who is connected"] = sum(
                each["conectado"] and each["transporte"] != "polling"
                for each in services.directory.state(str)["conexiones"]
            )
            now["live streams"] = sum(len(pump._live) for pump in services.streams._pumps.values())
            return {name: number for name, number in now.items() if number > 0}

        # A cancelled timer keeps the context of its request until it would be due; asyncio lets go of all that are
        # cancelled once they are most. A connection that was closed before it was accepted is gone soon.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while found():
                    for _ in range(5000):
                        asyncio.get_running_loop().call_later(3600, int).cancel()
                    await asyncio.sleep(0.1)
        logging.getLogger("pos_notif").removeHandler(errors)
        outcome.problems += errors.told[:5]
        outcome.problems += [f"left behind: {number} {name}" for name, number in found().items()]
        server.stop()
        await running
        listener.close()
        return outcome

    async def _visits(self, most: int) -> None:
        while self._left > 0 and most > 0:
            self._left -= 1
            most -= 1
            await self._visit(self._random.choice(STAGES))

    async def _visit(self, stage: str) -> None:
        """One connection, up to that stage."""
        chance = self._random.random
        self._done[stage] += 1
        token = self._token if chance() < 0.9 else "wrong"
        kind = self._random.choice(PATHS)
        head = f"{'POST' if kind == EVENTS else 'GET'} {kind} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        if kind == EVENTS:
            head += "Content-Type: application/json\r\nContent-Length: 40\r\n"
        if chance() < 0.3:  # the long way
            head += "Origin: http://x\r\n"
        sent = head.encode() + b"\r\n" + (b'{"tipo":"nada",' if kind == EVENTS else b"")
        if chance() < 0.1:
            sent += b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            if stage == "half a head":
                writer.write(sent[: self._random.randrange(1, len(head))])
                await asyncio.sleep(0)
            elif stage != "connect":
                writer.write(sent)
            async with asyncio.timeout(0.05 if chance() < 0.5 else 0.3):
                if stage in ("answer's head", "greeting", "an event"):
                    await reader.readuntil(b"\r\n\r\n")
                if stage in ("greeting", "an event") and kind.startswith(STREAM):
                    await reader.readuntil(b"event: hola")
                if stage == "an event" and kind.startswith(STREAM):
                    await reader.readuntil(b"evento_alerta")
        if chance() < 0.5:  # by a reset
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if chance() < 0.3:
            writer.transport.abort()
        else:
            writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _publish(self, app: NotificationApp) -> None:
        while True:
            await app.notifier.notificar_stock_bajo(1, "Queso", 0, nivel="agotado")
            await asyncio.sleep(0.02)

    async def _quiet(self, server: Server, services: Services, tasks: int) -> None:
        """Returns once nobody is connected and no more than so many tasks are there; what is refused is read for some
        seconds yet."""
        async with asyncio.timeout(60):
            while server.connections or services.connections.open:
                await asyncio.sleep(0.05)
            await services.connections.close()
            while tasks and len(asyncio.all_tasks()) > tasks:
                await asyncio.sleep(0.05)


class _Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


def _objects() -> Counter[str]:
    gc.collect()
    found = Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, KINDS))
    return Counter({kind.__name__: found[kind.__name__] for kind in KINDS})


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def churn(directory: Path, count: int, seed: int) -> Outcome:
    return asyncio.run(Churn(directory, count, seed).run())
