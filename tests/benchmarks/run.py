"""Prints the service's speed on this machine: publishing, the last of many streams, memory a stream.

    python -m tests.benchmarks.run [--quick] [--repetitions 3]

The service runs on the first core and the load on the second (`taskset`). The streams' client is in C (`ssefan.c`,
built with `cc`): one in Python would be the bottleneck. It checks every delivery for loss and repetition. Figures
are medians with minimum and maximum; compare only figures of one run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import LiveServer

HERE = Path(__file__).parent
ALERT = (
    '{"tipo":"alerta_stock","producto_id":1,"nombre":"Pupusa de queso","stock_actual":0,"nivel":"agotado",'
    '"seq":%SEQ%,"t":%T%}'
)


def pinned(core: int, *command: str) -> list[str]:
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset else list(command)


def build_ssefan(directory: Path) -> Path:
    binary = directory / "ssefan"
    subprocess.run(["cc", "-O2", "-o", str(binary), str(HERE / "ssefan.c")], check=True)
    return binary


@contextmanager
def service(directory: Path) -> Iterator[LiveServer]:
    server = LiveServer(directory / "bench.db", {"POS_NOTIF_ACCESS_LOG": "false"})
    server.command = pinned(0, sys.executable, "-m", "pos_notif")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        for file in directory.glob("bench.db*"):
            file.unlink()


def publish(server: LiveServer, connections: int, batch: int, seconds: float) -> float:
    arguments = (server.url, server.token, str(connections), str(seconds), str(batch))
    command = pinned(1, sys.executable, str(HERE / "publish_load.py"), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["per_second"])


def streams(server: LiveServer, ssefan: Path, count: int, *arguments: str) -> dict[str, Any]:
    assert server.process is not None
    authorization = f"Authorization: Bearer {server.token}"
    command = pinned(
        1, str(ssefan), "-u", f"{server.url}/api/notificaciones/stream/cocinero", "-H", authorization,
        "-P", f"{server.url}/api/notificaciones/eventos", "-Q", authorization, "-T", "application/json", "-b", ALERT,
        "-n", str(count), "-s", str(server.process.pid), "-j", *arguments,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if result.get("missing") or result.get("dup"):
        raise SystemExit(f"events were lost or repeated: {result}")
    return result


def measures(ssefan: Path, quick: bool) -> dict[str, Callable[[LiveServer], float]]:
    seconds, count, rounds = (0.5, 50, "1") if quick else (4.0, 1000, "5")

    def rate(server: LiveServer, figure: str) -> float:
        return float(streams(server, ssefan, count, "-r", "10", "-d", rounds, "-k", "64")[figure])

    return {
        "durable publishes/s, 1 connection": lambda server: publish(server, 1, 1, seconds),
        "durable publishes/s, 16 connections": lambda server: publish(server, 16, 1, seconds),
        "durable events/s, batches of 500": lambda server: publish(server, 4, 500, seconds),
        f"{count} streams, 10 events/s: last has it, ms (p50)": lambda server: rate(server, "last_p50"),
        f"{count} streams, 10 events/s: last has it, ms (p99)": lambda server: rate(server, "last_p99"),
        f"{count} streams, 4 publishers: deliveries/s": lambda server: float(
            streams(server, ssefan, count, "-m", "20" if quick else "400")["deliv_per_s"]
        ),
        f"{count} idle streams: KB a stream": lambda server: float(
            streams(server, ssefan, count, "-i", "1")["kb_per_conn"]
        ),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    options.add_argument("--repetitions", type=int, default=3)
    chosen = options.parse_args()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ssefan = build_ssefan(directory)
        for _ in range(1 if chosen.quick else chosen.repetitions):
            for label, measure in measures(ssefan, chosen.quick).items():
                with service(directory) as server:
                    figures.setdefault(label, []).append(measure(server))
    print(f"{'':58}{'median':>10}{'min':>10}{'max':>10}")
    for label, values in figures.items():
        print(f"{label:58}{statistics.median(values):>10.1f}{min(values):>10.1f}{max(values):>10.1f}")


if __name__ == "__main__":
    main()
