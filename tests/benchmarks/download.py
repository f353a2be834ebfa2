"""A whole log downloaded while the service works: seconds, more memory, and what the streams notice of it.

    python -m tests.benchmarks.download [--events 1000000]

Writes the log by the real writer (some minutes), then publishes 20 events/s to 200 streams, and downloads it in each
format. Nothing is pinned to a core: the service, the process that reads, the client and the load share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pos_notif import Config, NotificadorPedidos
from pos_notif.publishing.publication import Publisher
from tests.benchmarks.contestants import EVENT
from tests.benchmarks.run import build
from tests.support.live_server import LiveServer

STREAMS, RATE = 200, 20
ORDERS_A_BATCH = 80
PUBLISHER = Publisher("bench", {"usuario_id": None, "username": "bench", "rol": "manager"}, names_actor=True)
LINES = [
    {"id": 1, "producto_id": 1, "producto_nombre": "Pupusa de queso", "cantidad": 2, "precio_unitario": 0.75},
    {
        "id": 2,
        "producto_id": 2,
        "producto_nombre": "Horchata",
        "cantidad": 1,
        "precio_unitario": 1.25,
        "notas": "sin hielo",
    },
]


def life(order_id: int) -> list[dict[str, Any]]:
    """Six events of 1 KB: an order is placed, changed, cooked, ready, served and paid."""
    actor = {"usuario_id": order_id % 7, "username": "Juan Pérez", "rol": "mesero"}
    change = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    names = [line["producto_nombre"] for line in LINES]
    events: list[dict[str, Any]] = [
        {"tipo": "nuevo_pedido", "pedido": {"id": order_id, "mesa_numero": order_id % 20, "items": LINES}},
        {"tipo": "item_modificado", "pedido_id": order_id, "item_id": 1, "cambios": change},
        {"tipo": "cambio_estado", "pedido_id": order_id, "estado": "en_cocina"},
        {"tipo": "pedido_listo", "pedido_id": order_id, "items_listos": names},
        {"tipo": "cambio_estado", "pedido_id": order_id, "estado": "servido"},
        {"tipo": "cambio_estado", "pedido_id": order_id, "estado": "cerrado", "metodo_pago": "efectivo"},
    ]
    return [{**event, "actor": actor} for event in events]


async def fill(database: Path, count: int) -> None:
    async with NotificadorPedidos(config=Config(database=str(database))) as notifier:
        order_id = 0
        while notifier.log.bounds.newest < count:
            orders = range(order_id + 1, order_id + 1 + ORDERS_A_BATCH)
            drafts = [event for number in orders for event in life(number)]
            await notifier.publishing.publish(
                drafts[: count - notifier.log.bounds.newest], publisher=PUBLISHER, batch=True
            )
            order_id = orders[-1]


def download(server: LiveServer, suffix: str) -> tuple[float, int]:
    """Seconds and bytes."""
    head = f"GET /api/notificaciones/eventos.{suffix} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
    buffer, size, end = bytearray(1 << 20), 0, b""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"{head}Connection: close\r\n\r\n".encode())
        while count := client.recv_into(buffer):
            size += count
            end = (end + bytes(buffer[max(0, count - 8) : count]))[-8:]
    if not end.endswith(b"0\r\n\r\n"):
        raise SystemExit("the download broke off")
    return time.perf_counter() - began, size


class Memory(threading.Thread):
    """The most that the service and the processes that it started had at once, in KB."""

    def __init__(self, server: LiveServer) -> None:
        super().__init__()
        assert server.process is not None
        self._tasks = Path(f"/proc/{server.process.pid}/task")
        self._server = server
        self._over = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self.now())

    def now(self) -> int:
        total = self._server.memory_kb()
        for children in self._tasks.glob("*/children"):
            try:
                for child in children.read_text().split():
                    status = Path(f"/proc/{child}/status").read_text()
                    total += int(status.split("VmRSS:")[1].split()[0])
            except (OSError, IndexError):  # it has just ended
                continue
        return total

    def stop(self) -> None:
        self._over.set()
        self.join()


def load(directory: Path, server: LiveServer, cookie: str, seconds: float) -> subprocess.Popen[str]:
    command = [
        str(directory / "ssefan"), "-u", f"{server.url}/api/notificaciones/stream/cocinero", "-H", f"Cookie: {cookie}",
        "-P", f"{server.url}/api/notificaciones/eventos", "-Q", f"Authorization: Bearer {server.token}",
        "-T", "application/json", "-b", EVENT, "-n", str(STREAMS), "-r", str(RATE), "-d", f"{seconds:g}", "-j",
        "-k", "16",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def p99(load: subprocess.Popen[str]) -> float:
    result: dict[str, Any] = json.loads(load.communicate(timeout=300)[0].strip().splitlines()[-1])
    if result["missing"] or result["dup"]:
        raise SystemExit(f"events were lost or repeated: {result}")
    return float(result["lat_p99"])


def measure(directory: Path, server: LiveServer, cookie: str, suffix: str | None, seconds: float) -> None:
    streams = load(directory, server, cookie, seconds)
    time.sleep(2)  # all streams are open
    memory = Memory(server)
    before = memory.now()
    memory.start()
    took, size = download(server, suffix) if suffix else (0.0, 0)
    latency = p99(streams)
    memory.stop()
    more = (memory.most - before) / 1024
    label = f"{suffix}, {size / 1e6:,.0f} MB" if suffix else "no download"
    print(f"{label:24}{took:10.1f}{more:20.1f}{latency:32.1f}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=1_000_000)
    events = options.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        build(directory)
        asyncio.run(fill(directory / "log.db", events))
        os.sync()  # or a publication's commit waits for all of it
        server = LiveServer(directory / "log.db", {"POS_NOTIF_ACCESS_LOG": "false"})
        server.create_user("Ana", "cocinero")
        server.start()
        try:
            cookie = server.login("Ana")
            print(
                f"{f'{events:,} events':24}{'seconds':>10}{'more memory, MB':>20}{f'p99 of {STREAMS} streams, ms':>32}"
            )
            # Long enough for the slowest that is allowed; what is left after a download dilutes no percentile of note.
            for suffix, seconds in ((None, 8.0), ("ndjson", 8.0), ("csv", 24.0)):
                measure(directory, server, cookie, suffix, seconds)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
