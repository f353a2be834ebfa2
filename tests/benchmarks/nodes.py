"""Nodes on each engine beside one plain process: what a publication takes, when it is at another node, and how many a
second there are.

    python -m tests.benchmarks.nodes [--seconds 10] [--engines etcd3,redis] [--nodes 1,2,3]

`steady` is 30 events a second in all, each by the next node: the time until it is answered, and until a stream at every
other node has it. `flood` is 48 publishers, divided among the nodes, who publish as fast as they are answered. All
processes, the engine's and the clients', share this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import itertools
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.publish_load import order
from tests.cluster.nodes import Cluster, engine
from tests.cluster.torture import SETTINGS
from tests.cluster.workload import furnish
from tests.support.live_server import LiveServer

# Opens a connection to the place that is measured.
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

PER_SECOND = 30
FLOOD = 48


@dataclass
class Figures:
    """Milliseconds, events a second of each node, and conflicts in a hundred events, of nodes on an engine: `steady`'s
    and `flood`'s."""

    answered: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)
    flood: list[float] = field(default_factory=list)
    flood_answered: list[float] = field(default_factory=list)
    conflicts: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        cells = [
            name, *(f"{share(self.answered, part):.1f}" for part in (0.5, 0.99)),
            *(f"{share(self.delivered, part):.1f}" if self.delivered else "–" for part in (0.5, 0.99)),
            f"{sum(self.flood):.0f}", "/".join(f"{each:.0f}" for each in self.flood),
            *(f"{share(self.flood_answered, part):.0f}" for part in (0.5, 0.99)),
            "/".join(f"{each:.1f}" for each in self.conflicts) or "–",
        ]  # fmt: skip
        return "| " + " | ".join(cells) + " |"


HEAD = """\
| | steady, ms p50 | p99 | elsewhere, ms p50 | p99 | flood: events/s | by node | answered, ms p50 | p99 | conflicts, % |
|---|---|---|---|---|---|---|---|---|---|"""


def share(found: Sequence[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * part))] if found else 0.0


def to(node: LiveServer) -> Connect:
    return lambda: asyncio.open_connection("127.0.0.1", node.port, limit=2**20)


class Publisher:
    """A connection that is kept."""

    def __init__(self, connect: Connect, token: str) -> None:
        self._connect = connect
        self._token = token

    async def open(self) -> Publisher:
        self._reader, self._writer = await self._connect()
        return self

    async def publish(self, order_id: int) -> tuple[float, int]:
        """Milliseconds, and the id."""
        body = json.dumps(order(order_id)).encode()
        head = (
            f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 201 " not in answer.split("\r\n")[0]:
            raise SystemExit(f"not accepted: {answer}")
        told = await self._reader.readexactly(int(answer.split("content-length:")[1].split("\r\n")[0]))
        return 1000 * (time.perf_counter() - began), json.loads(told)["id"]

    def close(self) -> None:
        self._writer.close()


async def listen(connect: Connect, token: str, arrived: dict[int, float], ready: asyncio.Event) -> None:
    """When each event was at this node's stream."""
    reader, writer = await connect()
    head = f"GET /api/notificaciones/stream/manager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    with contextlib.closing(writer):
        while line := await reader.readline():
            if line.startswith(b"event: hola"):
                ready.set()
            if line.startswith(b'data: {"id":'):
                arrived[int(line[12:].split(b",")[0])] = time.perf_counter()


async def steady(
    nodes: Sequence[Connect], token: str, seconds: float, figures: Figures, ids: itertools.count[int]
) -> None:
    arrived: list[dict[int, float]] = [{} for _ in nodes]
    ready = [asyncio.Event() for _ in nodes]
    listeners = [
        asyncio.ensure_future(listen(node, token, times, event))
        for node, times, event in zip(nodes, arrived, ready, strict=True)
    ]
    for event in ready:
        await event.wait()
    publishers = [await Publisher(node, token).open() for node in nodes]
    sent: dict[int, tuple[int, float]] = {}

    async def publish(number: int) -> None:
        which = number % len(nodes)
        began = time.perf_counter()
        took, event_id = await publishers[which].publish(next(ids))
        figures.answered.append(took)
        sent[event_id] = which, began

    began, under_way = time.perf_counter(), []
    for number in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        if number >= len(nodes):
            await under_way[number - len(nodes)]  # a connection has one request at a time
        under_way.append(asyncio.ensure_future(publish(number)))
    await asyncio.gather(*under_way)
    async with asyncio.timeout(30):
        while any(event_id not in times for event_id in sent for times in arrived):
            await asyncio.sleep(0.01)
    for event_id, (which, at) in sent.items():
        figures.delivered += [
            1000 * (times[event_id] - at) for place, times in enumerate(arrived) if place != which or len(nodes) == 1
        ]
    for listener in listeners:
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    for publisher in publishers:
        publisher.close()


async def flood(
    nodes: Sequence[Connect], token: str, seconds: float, figures: Figures, ids: itertools.count[int], publishers: int
) -> None:
    opened = [await Publisher(nodes[number % len(nodes)], token).open() for number in range(publishers)]
    until = time.perf_counter() + seconds

    async def publish(publisher: Publisher) -> int:
        done = 0
        while time.perf_counter() < until:
            took, _ = await publisher.publish(next(ids))
            figures.flood_answered.append(took)
            done += 1
        publisher.close()
        return done

    counts = await asyncio.gather(*map(publish, opened))
    figures.flood = [sum(counts[place :: len(nodes)]) / seconds for place in range(len(nodes))]


def conflicts_of(nodes: Sequence[LiveServer]) -> int:
    """How many transactions the nodes have decided again so far, since another node's came first."""
    name, found = "pos_notif_node_conflicts_total ", 0
    for node in nodes:
        lines = node.request("GET", "/metrics", token=None)[2].splitlines()
        found += sum(int(float(line.removeprefix(name))) for line in lines if line.startswith(name))
    return found


def measure(
    nodes: Sequence[Connect],
    token: str,
    seconds: float,
    publishers: int = FLOOD,
    conflicts: Callable[[], int] | None = None,
) -> Figures:
    figures, ids = Figures(), itertools.count(1_000_000)
    asyncio.run(flood(nodes, token, 1.0, Figures(), ids, publishers))  # warms up
    for load, events in (
        (steady(nodes, token, seconds, figures, ids), figures.answered),
        (flood(nodes, token, seconds, figures, ids, publishers), figures.flood_answered),
    ):
        before = conflicts() if conflicts else 0
        asyncio.run(load)
        if conflicts:
            figures.conflicts.append(100 * (conflicts() - before) / len(events))
    return figures


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[tuple[list[LiveServer], str]]:
    token = furnish(folder / "log.db")
    server = LiveServer(folder / "log.db", dict(SETTINGS), forked=True).start()
    try:
        yield [server], token
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--engines", default="etcd3,redis")
    parser.add_argument("--nodes", default="1,2,3")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", HEAD, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="nodes-") as name:
        folder = Path(name)
        (folder / "plain").mkdir()
        with plain(folder / "plain") as (servers, token):
            print(measure([*map(to, servers)], token, options.seconds).row("one process, no engine"), flush=True)
        for kind, count in itertools.product(options.engines.split(","), map(int, options.nodes.split(","))):
            place = folder / f"{kind}-{count}"
            place.mkdir()
            with engine(kind, place) as under_test, Cluster(place, under_test, count, direct=True) as cluster:
                name = f"{count} node{'s' if count > 1 else ''} on {kind}"
                places = [*map(to, cluster.nodes)]
                conflicts = functools.partial(conflicts_of, cluster.nodes)
                print(measure(places, cluster.token, options.seconds, conflicts=conflicts).row(name), flush=True)


if __name__ == "__main__":
    main()
