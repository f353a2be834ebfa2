"""What bad readers cost the others, and what 1,000 that come back together cost a live event.

    python -m tests.benchmarks.isolation [--rounds 3]

Two figures: the 99th percentile of 1,000 streams' latency at 20 events/s with a stalled, a slow (10 KB/s) and a
vanished reader among them, beside the same without; and the longest that a live reader waited for an event while
1,000 streams came back, each owed 500 events.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.contestants import Target, ours, pinned
from tests.benchmarks.run import build
from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient

STREAMS = 1000
SLOW_BYTES_A_SECOND = 10 * 1024
PADDING = "x" * 400


@contextlib.contextmanager
def bad_readers(server: LiveServer) -> Iterator[None]:
    """One that never reads, one that reads 10 KB/s, one whose process is frozen with its socket open."""
    stopped = threading.Event()
    stalled = SseClient(server, "cocinero", receive_buffer=4096)
    slow = SseClient(server, "cocinero", receive_buffer=4096)
    script = "import socket, sys, time; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); " + (
        "s.sendall(sys.argv[2].encode()); time.sleep(600)"
    )
    request = (
        f"GET /api/notificaciones/stream/cocinero HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    )
    vanished = subprocess.Popen([sys.executable, "-c", script, str(server.port), request])

    def read_slowly() -> None:
        with contextlib.suppress(OSError):
            while not stopped.wait(0.1) and slow.socket.recv(SLOW_BYTES_A_SECOND // 10):
                pass

    reading = threading.Thread(target=read_slowly)
    reading.start()
    try:
        yield
    finally:
        stopped.set()
        reading.join()
        stalled.close()
        slow.close()
        vanished.kill()
        vanished.wait()


def latency(directory: Path, target: Target) -> float:
    """The 99th percentile, in ms, of 1,000 streams at 20 events of half a kilobyte a second."""
    arguments = [argument.replace('"seq"', f'"relleno":"{PADDING}","seq"') for argument in target.arguments]
    command = pinned(
        1, str(directory / "ssefan"), *arguments, "-n", str(STREAMS), "-r", "20", "-d", "8", "-k", "16", "-j"
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if result["missing"] or result["dup"]:
        raise SystemExit(f"events were lost or repeated: {result}")
    return float(result["lat_p99"])


def longest_wait_during_replay(directory: Path, target: Target) -> float:
    """In ms, publishing included: events are published one by one, on a connection that is kept as a POS keeps it,
    for a live reader while `ssefan -y` opens 1,000 streams from `inicio`."""
    server = target.server
    assert server is not None
    waits: list[float] = []
    over = threading.Event()

    event = json.dumps({"tipo": "pedido_cancelado", "pedido_id": 1})
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    def publish_and_wait() -> None:
        publisher = http.client.HTTPConnection("127.0.0.1", server.port)
        with contextlib.closing(publisher), SseClient(server, "cajero") as stream:
            stream.next_event("hola")
            while not over.is_set():
                began = time.perf_counter()
                publisher.request("POST", "/api/notificaciones/eventos", event, headers)
                while stream.next_event().data["tipo"] != "pedido_cancelado":
                    pass  # the load client's own
                waits.append((time.perf_counter() - began) * 1000)
                publisher.getresponse().read()
                time.sleep(0.01)

    watching = threading.Thread(target=publish_and_wait)
    watching.start()
    command = pinned(
        1, str(directory / "ssefan"), *target.replay_arguments, "-n", str(STREAMS), "-m", "500", "-y", "-j", "-w", "20"
    )
    subprocess.run(command, capture_output=True, text=True, timeout=120)
    over.set()
    watching.join()
    return max(waits)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    alone, among, waits = [], [], []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        build(directory)
        for _ in range(rounds):
            with ours(directory) as target:
                alone.append(latency(directory, target))
            with ours(directory) as target:
                assert target.server is not None
                with bad_readers(target.server):
                    among.append(latency(directory, target))
            with ours(directory) as target:
                waits.append(longest_wait_during_replay(directory, target))
    for label, values in (
        ("p99 of 1,000 streams, ms", alone),
        ("the same with a stalled, a slow and a vanished reader, ms", among),
        ("longest wait of a live reader while 1,000 come back, ms", waits),
    ):
        print(f"{label:60}{statistics.median(values):8.1f}  ({min(values):.1f} to {max(values):.1f})")


if __name__ == "__main__":
    main()
