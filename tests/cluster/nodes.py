"""Nodes of a cluster as real processes on a real engine, each of whose connections to it goes through a proxy."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from tests.cluster.checker import place
from tests.cluster.torture import SETTINGS
from tests.cluster.workload import furnish
from tests.support.etcd import CLIENTS, Etcd
from tests.support.live_server import LiveServer, run_cli
from tests.support.logs import opened
from tests.support.proxies import Proxy
from tests.support.redis import RedisServer
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

Address = tuple[str, int]


class EngineUnderTest(Protocol):
    """What runs the engine's processes, and ends them."""

    # What stands in the question by which a record is appended, and in no other.
    append_mark: bytes

    @property
    def addresses(self) -> list[Address]: ...

    def url(self, addresses: Sequence[str]) -> str:
        """What `--cluster` is given, of proxies before its addresses."""


@dataclass
class OnEtcd:
    etcd: Etcd
    append_mark = b'"request_put"'

    @property
    def addresses(self) -> list[Address]:
        return [(member.host, CLIENTS) for member in self.etcd.members]

    def url(self, addresses: Sequence[str]) -> str:
        return f"etcd://{','.join(addresses)}"

    def kill(self) -> None:
        for member in self.etcd.members:
            member.kill()

    def start(self) -> None:
        self.etcd.start()


@dataclass
class OnRedis:
    redis: RedisServer
    append_mark = b"*11\r\n$7\r\nEVALSHA"  # no other script has so many arguments

    @property
    def addresses(self) -> list[Address]:
        return [("127.0.0.1", self.redis.port)]

    def url(self, addresses: Sequence[str]) -> str:
        return f"redis://{addresses[0]}"

    def kill(self) -> None:
        self.redis.kill()

    def start(self) -> None:
        self.redis.start()


@contextlib.contextmanager
def engine(kind: str, folder: Path) -> Iterator[OnEtcd | OnRedis]:
    """`etcd`, `etcd3` (three members) or `redis`."""
    if kind == "redis":
        redis = RedisServer(folder / "redis").start()
        try:
            yield OnRedis(redis)
        finally:
            redis.kill()
    else:
        with Etcd(folder / "etcd", 3 if kind == "etcd3" else 1) as etcd:
            yield OnEtcd(etcd)


@dataclass
class Node(LiveServer):
    """`pos-notif serve` as the node `name`. `proxies` stand between it and each address of the engine."""

    name: str = ""
    proxies: list[Proxy] = field(default_factory=list)
    append_mark: bytes = b""

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def cut(self) -> None:
        """It hears nothing of its engine any more, and is told nothing of that."""
        for proxy in self.proxies:
            proxy.cut()

    def hold_answers(self) -> None:
        """Its engine does what it asks, and its answers wait."""
        for proxy in self.proxies:
            proxy.hold_answers()

    def mend(self) -> None:
        for proxy in self.proxies:
            proxy.mend()

    def hold_an_append(self) -> None:
        """Has the answer to its next record held back, which its engine has by then; `is_held` tells."""
        for proxy in self.proxies:
            proxy.hold_answer_of(self.append_mark)

    @property
    def is_held(self) -> bool:
        return any(proxy.held.is_set() for proxy in self.proxies)

    def ask(self, *request: Any, **how: Any) -> tuple[int, Any, Any]:
        """Does as `request`, for an answer that is one: a node that does not hear of its engine within a second says
        503, and is asked again, with the same key."""
        answers: list[tuple[int, Any, Any]] = []

        def is_answered() -> bool:
            answers.append(self.request(*request, **how))
            return answers[-1][0] != 503

        eventually(is_answered)
        return answers[-1]

    def publish(self, event: dict[str, Any], **headers: str) -> dict[str, Any]:
        """With a key of its own where it was given none, so that it may be repeated."""
        if "operacion_id" not in event:
            headers.setdefault("Idempotency-Key", f"{self.name}-{uuid4()}")
        status, _, answer = self.ask("POST", "/api/notificaciones/eventos", event, headers=headers)
        assert status in (200, 201), answer
        return dict(answer)

    def login(self, username: str, password: str = "1234") -> str:
        body = {"username": username, "password": password}
        status, headers, answer = self.ask("POST", "/api/auth/login", body, token=None)
        assert status == 200, (status, answer)
        return str(headers["Set-Cookie"].split(";")[0])

    def stream(self, role: str, **how: Any) -> tuple[SseClient, dict[str, Any]]:
        """A stream, and what its `hola` says. A node that does not hear of its engine within a second may end it
        before, and it is opened again."""
        found: list[tuple[SseClient, dict[str, Any]]] = []

        def is_greeted() -> bool:
            client = SseClient(self, role, **how)
            try:
                found.append((client, client.next_event("hola").data))
            except AssertionError:
                client.close()
            return bool(found)

        eventually(is_greeted)
        return found[0]

    @property
    def place(self) -> tuple[int, bytes]:
        """How far its file is."""
        with opened(self.database) as connection:
            return place(connection)

    @property
    def is_ready(self) -> bool:
        """Whether it runs and has an engine."""
        with contextlib.suppress(OSError):
            return self.process is not None and self.request("GET", "/readyz", token=None)[0] == 200
        return False

    def is_open(self) -> bool:
        """Whether it can write now."""
        with contextlib.suppress(OSError):
            event = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Agua", "nivel": "bajo"}
            return self.request("POST", "/api/notificaciones/eventos", event)[0] == 201
        return False


class Cluster:
    """`with Cluster(folder, engine, 3) as cluster:` has that many nodes, founded and started, until the block ends.
    `direct`: there are no proxies. `settings` are the nodes', and `environment` what is none of ours."""

    def __init__(
        self, folder: Path, engine: OnEtcd | OnRedis, count: int = 3, *, direct: bool = False,
        environment: dict[str, str] | None = None, **settings: str,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.engine = engine
        self.token = ""
        self.nodes: list[Node] = []
        self._count = count
        self._direct = direct
        self._settings = {**SETTINGS, **{f"POS_NOTIF_{name.upper()}": value for name, value in settings.items()}}
        self._settings.update(environment or {})
        # What a node's process is, where it is not the service as it stands.
        self.command_of: Callable[[Node], list[str]] | None = None
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Cluster:
        with contextlib.ExitStack() as ends:
            ends.callback(self.close)
            first = self.folder / "a.db"
            self.token = furnish(first)
            node, *others = [self.add("abcdefghi"[number]) for number in range(self._count)]
            run_cli("cluster", "init", "--cluster", self.url(node), "--node", "a", database=first)
            node.start()
            for other in others:
                self.join(other)
            with ThreadPoolExecutor() as pool:
                list(pool.map(Node.start, others))
            ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for node in self.nodes:
            if node.process is not None:
                node.thaw()
            node.close()
        self._ends.close()

    def add(self, name: str) -> Node:
        """A node with its proxies, of which there is no file yet."""
        behind = [] if self._direct else self.engine.addresses
        proxies = [self._ends.enter_context(Proxy(address)) for address in behind]
        node = Node(self.folder / f"{name}.db", forked=True, name=name, proxies=proxies, _token=self.token)
        node.append_mark = self.engine.append_mark
        if self.command_of is not None:
            node.forked, node.command = False, self.command_of(node)
        node.settings = {**self._settings, "POS_NOTIF_CLUSTER": self.url(node), "POS_NOTIF_NODE": name}
        self.nodes.append(node)
        return node

    def join(self, node: Node) -> None:
        """Copies the first node, which runs."""
        run_cli(
            "cluster", "join", self.nodes[0].url, "--cluster", self.url(node), "--node", node.name,
            database=node.database,
        )  # fmt: skip

    def rejoin(self, node: Node, other: Node) -> None:
        """Copies a node in the place of one that does not run, as a person does."""
        run_cli("cluster", "rejoin", "--yes", other.url, "--cluster", self.url(node), database=node.database)

    def url(self, node: Node) -> str:
        behind = [f"{host}:{port}" for host, port in self.engine.addresses]
        return self.engine.url([proxy.address for proxy in node.proxies] or behind)

    def wait_until_open(self, *nodes: Node, seconds: float = 60.0) -> None:
        for node in nodes or self.nodes:
            eventually(node.is_open, seconds)

    def wait_until_level(self) -> None:
        """Until all files are at one place."""
        eventually(lambda: len({node.place for node in self.nodes}) == 1)
