"""Very many idle streams on one process: what each costs, and whether an event reaches all.

    python -m tests.benchmarks.many_streams [--streams 50000]

Opens them from several loopback addresses, since one has some 28,000 ports for one server, in processes of as many as
the system lets one have open (`ulimit -n`). The server is one process: where it may not open as many files, so many
are opened as it may, and the figures say how many those were.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import select
import socket
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert

STREAMS_AN_ADDRESS = 20_000
NOT_STREAMS = 1000


def open_streams(port: int, request: bytes, addresses: Sequence[str], told: Connection) -> None:
    """Opens a stream from each of the addresses, says so, waits for one event on all, and says that."""
    streams = []
    for address in addresses:
        stream = socket.create_connection(("127.0.0.1", port), timeout=120, source_address=(address, 0))
        stream.sendall(request)
        streams.append(stream)
    for stream in streams:
        _read_until(stream, b"event: hola")
    told.send(len(streams))
    poll = select.poll()
    waiting = {stream.fileno(): (stream, b"") for stream in streams}
    for number in waiting:
        poll.register(number, select.POLLIN)
    while waiting:
        for number, _ in poll.poll(120_000):
            stream, seen = waiting[number]
            seen += stream.recv(65536)
            waiting[number] = stream, seen
            if b"event: evento_alerta" in seen:
                poll.unregister(number)
                del waiting[number]
    told.send(len(streams))
    told.recv()


def _read_until(stream: socket.socket, text: bytes) -> None:
    seen = b""
    while text not in seen:
        part = stream.recv(65536)
        if not part:
            raise SystemExit(f"a stream ended: {seen[-200:]!r}")
        seen += part


def measure(directory: Path, wanted: int) -> dict[str, Any]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(wanted, hard - NOT_STREAMS)
    settings = {"access_log": "false", "max_connections": str(count), "heartbeat_seconds": "3600"}
    server = LiveServer(directory / "many.db", {f"POS_NOTIF_{name.upper()}": value for name, value in settings.items()})
    server.start()
    try:
        before = server.memory_kb()
        request = (
            f"GET /api/notificaciones/stream/cocinero HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {server.token}\r\n\r\n"
        ).encode()
        addresses = [f"127.0.0.{2 + number // STREAMS_AN_ADDRESS}" for number in range(count)]
        at_once = hard - NOT_STREAMS
        began = time.perf_counter()
        clients = []
        for first in range(0, count, at_once):
            ours, theirs = multiprocessing.Pipe()
            part = addresses[first : first + at_once]
            client = multiprocessing.Process(target=open_streams, args=(server.port, request, part, theirs))
            client.start()
            clients.append((client, ours))
        opened = sum(ours.recv() for _, ours in clients)
        seconds = time.perf_counter() - began
        time.sleep(3)  # each has its first heartbeat
        idle = server.memory_kb()
        began = time.perf_counter()
        server.publish(stock_alert(1, "agotado"))
        reached = sum(ours.recv() for _, ours in clients)
        delivered = time.perf_counter() - began
        for client, ours in clients:
            ours.send("done")
            client.join()
        return {
            "streams": opened, "seconds to open them": round(seconds, 1), "MB before": round(before / 1024),
            "MB idle": round(idle / 1024), "KB a stream": round((idle - before) / opened, 2), "reached": reached,
            "ms until all have an event": round(delivered * 1000),
        }  # fmt: skip
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=50_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(measure(Path(directory), options.streams), indent=2))


if __name__ == "__main__":
    main()
