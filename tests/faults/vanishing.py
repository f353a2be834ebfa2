"""Readers whose machine vanishes: no FIN, no RST, no answer. Run it in a network namespace of its own:

    unshare --net --user --map-root-user python -m tests.faults.vanishing DIRECTORY

A child in a namespace behind a veth reads a stream and a socket; then its end of the cable goes down and it is killed.
Prints the seconds until the server had noticed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import SioClient

NEAR, FAR = "10.77.0.1", "10.77.0.2"


def ip(*arguments: str, inside: int | None = None) -> None:
    enter = ["nsenter", "--target", str(inside), "--net"] if inside else []
    subprocess.run([*enter, "ip", *arguments], check=True, timeout=10)


def connected(server: LiveServer) -> int:
    return cast(int, server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"])


def read_from_afar(port: str, token: str) -> None:
    """The child: holds its connections until it is killed."""
    there = cast(Any, SimpleNamespace(port=int(port), token=token))
    with SseClient(there, "cocinero", host=NEAR) as stream, SioClient(int(port), {"token": token}, host=NEAR) as other:
        stream.next_event("hola")
        other.call("conectar_usuario", {"rol": "mesero"})
        print("connected", flush=True)
        signal.pause()


def main(directory: str) -> None:
    ip("link", "set", "lo", "up")
    settings = {"POS_NOTIF_HOST": "0.0.0.0", "POS_NOTIF_HEARTBEAT_SECONDS": "0.5"}
    server = LiveServer(Path(directory) / "log.db", settings).start()
    child = None
    try:
        module = [sys.executable, "-m", "tests.faults.vanishing", "--read", str(server.port), server.token]
        # It waits for its cable: the address is there before it connects.
        child = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", 'read ready && exec "$@"', "sh", *module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        eventually(lambda: os.readlink(f"/proc/{child.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(child.pid))
        for device, address, inside in (("near", NEAR, None), ("far", FAR, child.pid)):
            ip("addr", "add", f"{address}/24", "dev", device, inside=inside)
            ip("link", "set", device, "up", inside=inside)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("ready\n")
        child.stdin.flush()
        assert child.stdout.readline() == "connected\n"
        assert connected(server) == 2
        ip("link", "set", "far", "down", inside=child.pid)
        child.kill()
        child.wait()
        with Stopwatch() as watch:
            server.publish(stock_alert(1, "agotado"))  # for both of them, and not held up by them
        assert watch.seconds < 2, watch.seconds
        with Stopwatch() as watch:
            eventually(lambda: connected(server) == 0)
        print(f"{watch.seconds:.1f}")
        assert server.stop() == 0
        assert not [line for line in server.stderr_lines if "Traceback" in line], server.stderr_lines
    finally:
        if child is not None:
            child.kill()
        server.close()


if __name__ == "__main__":
    if sys.argv[1] == "--read":
        read_from_afar(*sys.argv[2:])
    else:
        main(sys.argv[1])
