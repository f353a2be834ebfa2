"""Idle signed-in sockets and the answer to a `ping`.

    python -m tests.benchmarks.sockets [--sockets 1000]

Prints the memory that each socket costs the server, and the answer's time with all of them open.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from pathlib import Path

from tests.support.live_server import LiveServer
from tests.support.websocket_client import SioClient


def measure(sockets: int, pings: int = 300) -> tuple[float, list[float]]:
    """KB a socket, and the answers' times in ms."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as opened:
        server = LiveServer(Path(directory) / "log.db", {"POS_NOTIF_ACCESS_LOG": "false"}).start()
        opened.callback(server.close)
        auth = {"token": server.token}
        connect = lambda: opened.enter_context(SioClient(server.port, auth))  # noqa: E731
        warm = [connect() for _ in range(20)]  # what the first ones load is not theirs
        for client in warm:
            client.call("conectar_usuario", {"rol": "cocinero"})
        before = server.memory_kb()
        clients = [connect() for _ in range(sockets)]
        for client in clients:
            client.call("conectar_usuario", {"rol": "cocinero"})
        memory = (server.memory_kb() - before) / sockets
        times = []
        for index in range(pings):
            started = time.perf_counter()
            clients[index % sockets].call("ping")
            times.append((time.perf_counter() - started) * 1000)
        return memory, times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sockets", type=int, default=1000)
    options = parser.parse_args()
    memory, times = measure(options.sockets)
    tenth = statistics.quantiles(times, n=100)
    print(f"memory per idle signed-in socket with events, KB    {memory:.1f}   ({options.sockets:,} sockets)")
    print(f"answer to a ping, ms                                {statistics.median(times):.2f}   (p99 {tenth[98]:.2f})")


if __name__ == "__main__":
    main()
