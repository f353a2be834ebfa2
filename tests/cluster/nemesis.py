"""What breaks nodes and their engine under `torture`, and mends them again."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from random import Random

from tests.cluster.nodes import Cluster, Node, OnEtcd, OnRedis, engine
from tests.cluster.torture import Torture
from tests.soak.check import Outcome
from tests.support.live_server import run_cli
from tests.support.logs import opened
from tests.support.waiting import eventually

Failure = Callable[[], AbstractContextManager[None]]


class Nemesis:
    """`failures`: by name, each a block in which something is broken."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        self._rng = Random(seed)
        self._numbers = count()
        self.failures: dict[str, Failure] = {
            "a node killed": self.node_killed,
            "a node frozen": self.node_frozen,
            "a node cut off": self.node_cut,
            "a node whose engine's answers are held": self.answers_held,
            "a node's connections dropped": self.connections_dropped,
            "a node killed between append and COMMIT": self.node_killed_after_append,
            "the engine emptied, and recovered by a person": self.engine_emptied,
            "an older engine put back, and recovered": self.older_engine_put_back,
        }
        engine = cluster.engine
        if isinstance(engine, OnRedis):
            self._redis = engine.redis
            self.failures |= {"Redis killed": self.redis_killed, "Redis frozen": self.redis_frozen}
        elif len(engine.etcd.members) > 1:
            self._etcd = engine.etcd
            self.failures |= {
                "etcd's leader killed": self.leader_killed,
                "etcd's leader frozen": self.leader_frozen,
                "two of three etcd killed": self.two_killed,
            }

    def _node(self) -> Node:
        return self._rng.choice(self._cluster.nodes)

    @contextlib.contextmanager
    def node_killed(self) -> Iterator[None]:
        node = self._node()
        node.kill()
        yield
        node.start()

    @contextlib.contextmanager
    def node_frozen(self) -> Iterator[None]:
        node = self._node()
        node.freeze()
        yield
        node.thaw()

    @contextlib.contextmanager
    def node_cut(self) -> Iterator[None]:
        node = self._node()
        node.cut()
        yield
        node.mend()

    @contextlib.contextmanager
    def answers_held(self) -> Iterator[None]:
        node = self._node()
        node.hold_answers()
        yield
        node.mend()

    @contextlib.contextmanager
    def connections_dropped(self) -> Iterator[None]:
        for proxy in self._node().proxies:
            proxy.drop()
        yield

    @contextlib.contextmanager
    def node_killed_after_append(self) -> Iterator[None]:
        node = self._node()
        node.hold_an_append()
        with contextlib.suppress(AssertionError):
            eventually(lambda: node.is_held, 5)
            node.kill()
        node.mend()
        yield
        if node.process is None:
            node.start()

    @contextlib.contextmanager
    def engine_emptied(self) -> Iterator[None]:
        engine = self._cluster.engine
        if isinstance(engine, OnRedis):
            engine.redis.command("flushall")
        else:
            engine.etcd.wipe()
        yield
        self._recover()

    @contextlib.contextmanager
    def older_engine_put_back(self) -> Iterator[None]:
        engine, name = self._cluster.engine, f"older-{next(self._numbers)}"
        if isinstance(engine, OnRedis):
            kept = engine.redis.keep(name)
            yield
            engine.redis.put_back(kept)
        else:
            kept = self._cluster.folder / name
            engine.etcd.save(kept)
            yield
            engine.etcd.restore(kept, token=name)
        self._recover()

    def _recover(self) -> None:
        """The node that is furthest is gone on with; who was level goes on by itself, and the others copy it."""
        nodes = self._cluster.nodes
        eventually(lambda: not any(node.is_open() for node in nodes))
        first = max(nodes, key=lambda node: node.place[0])
        reached = first.place
        run_cli("cluster", "recover", "--yes", "--cluster", self._cluster.url(first), database=first.database)
        self._cluster.wait_until_open(first)
        for node in nodes:
            if node.place[0] < reached[0]:
                node.stop()
                self._cluster.rejoin(node, first)
                node.start()

    @contextlib.contextmanager
    def leader_killed(self) -> Iterator[None]:
        self._etcd.leader().kill()
        yield
        self._etcd.start()

    @contextlib.contextmanager
    def leader_frozen(self) -> Iterator[None]:
        leader = self._etcd.leader()
        leader.freeze()
        yield
        leader.thaw()

    @contextlib.contextmanager
    def two_killed(self) -> Iterator[None]:
        for member in self._rng.sample(self._etcd.members, 2):
            member.kill()
        yield
        self._etcd.start()

    @contextlib.contextmanager
    def redis_killed(self) -> Iterator[None]:
        self._redis.kill()
        yield
        self._redis.start()

    @contextlib.contextmanager
    def redis_frozen(self) -> Iterator[None]:
        self._redis.freeze()
        yield
        self._redis.thaw()


def torture_nodes(
    directory: Path, kind: str, rounds: int, seed: int, seconds: tuple[float, float] = (0.3, 3.0),
    enough: tuple[int, int] = (200, 20),
) -> Outcome:  # fmt: skip
    """Three nodes on an engine of this kind; each failure comes `rounds` times, in any order, for so long. It ends when
    so many publications have been answered and so many orders are followed, at the earliest."""
    directory.mkdir(exist_ok=True)
    with contextlib.ExitStack() as ends:
        under_test: OnEtcd | OnRedis = ends.enter_context(engine(kind, directory))
        cluster = ends.enter_context(Cluster(directory, under_test, 3))
        nemesis, rng = Nemesis(cluster, seed), Random(seed)
        torture = ends.enter_context(Torture(cluster.nodes, cluster.token, seed))
        began, back = time.monotonic(), []
        names = [name for name in nemesis.failures for _ in range(rounds)]
        rng.shuffle(names)
        problems = []
        for name in names:
            try:
                torture.goes_on()
                with nemesis.failures[name]():
                    time.sleep(rng.uniform(*seconds))
                mended = time.monotonic()
                cluster.wait_until_open()
                back.append(time.monotonic() - mended)
            except AssertionError as error:
                problems.append(f"{name}: {error}")
                break
        cluster.wait_until_open()
        if not problems:
            torture.reaches(*enough)
        outcome = torture.end()
        outcome.problems[:0] = problems
        with opened(cluster.nodes[0].database) as connection:
            epochs = connection.execute("SELECT count(*) + 1 FROM epochs").fetchone()[0]
        outcome.figures[:0] = [
            ("engine", kind),
            ("seconds", f"{time.monotonic() - began:.0f}"),
            ("failures", f"{len(names)}: {rounds} of each of {', '.join(nemesis.failures)}"),
            ("epochs", str(epochs)),
            ("seconds until each node wrote again: median, longest",
             f"{statistics.median(back or [0]):.1f}, {max(back or [0]):.1f}"),
        ]  # fmt: skip
        return outcome
