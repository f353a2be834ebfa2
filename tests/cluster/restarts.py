"""Redis is killed and started again, and whoever has missed nothing reads on."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from tests.cluster.nodes import Cluster, Node, OnRedis, engine
from tests.cluster.torture import Torture
from tests.soak.check import Outcome
from tests.support.logs import opened
from tests.support.waiting import eventually

READERS = 50


def epochs(node: Node) -> list[tuple[str, int]]:
    """The epochs before the present one, and where each ended."""
    with opened(node.database) as connection:
        return connection.execute("SELECT epoch, last_id FROM epochs ORDER BY last_id").fetchall()


def restart_redis(directory: Path, rounds: int, seed: int, readers: int = READERS) -> Outcome:
    directory.mkdir(exist_ok=True)
    with contextlib.ExitStack() as ends:
        under_test = ends.enter_context(engine("redis", directory))
        assert isinstance(under_test, OnRedis)
        cluster = ends.enter_context(Cluster(directory, under_test, 2))
        torture = ends.enter_context(Torture(cluster.nodes, cluster.token, seed, publishers=2, readers=readers))
        problems, back = [], []
        for number in range(1, rounds + 1):
            torture.goes_on(40)
            under_test.redis.kill()
            eventually(lambda: not any(node.is_open() for node in cluster.nodes))
            under_test.redis.start()
            started = time.monotonic()
            cluster.wait_until_open()
            back.append(time.monotonic() - started)
            found = epochs(cluster.nodes[0])
            if len(found) != number:
                problems.append(f"after {number} restarts there were {len(found)} epochs: {found}")
        outcome = torture.end()
        outcome.problems[:0] = problems
        outcome.figures[:0] = [
            ("readers", str(readers)), ("restarts of Redis", str(rounds)),
            ("seconds until each node wrote again: longest", f"{max(back):.1f}"),
        ]  # fmt: skip
        return outcome
