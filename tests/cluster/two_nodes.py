"""Two nodes of a cluster in this process, whose clocks and waits the test holds."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from pos_notif.app import create_app
from pos_notif.clock import system_clock
from pos_notif.cluster.service import ClusterService
from pos_notif.config import Config
from tests.cluster.nodes import Cluster, engine
from tests.support.in_process import InProcess


@contextlib.contextmanager
def _made(folder: Path) -> Any:
    """The files of two nodes, neither of which runs; and what `--cluster` is given. What `a.db` has is kept."""
    with engine("redis", folder) as under_test, Cluster(folder, under_test, 2, direct=True) as cluster:
        for node in cluster.nodes:
            node.stop()
        yield [node.database for node in cluster.nodes], cluster.url(cluster.nodes[0]), cluster.token


@contextlib.asynccontextmanager
async def two_nodes(folder: Path, *ahead_ms: int, **settings: Any) -> AsyncIterator[tuple[list[InProcess], str]]:
    """The nodes, whose clocks are ahead by so much, and a manager's token."""
    with _made(folder) as (files, url, token):
        async with contextlib.AsyncExitStack() as ends:
            nodes = []
            for number, (file, ahead) in enumerate(zip(files, ahead_ms, strict=True)):
                config = Config(database=str(file), cluster=url, ack_seconds=0, screen_seconds=0, **settings)
                cluster = ClusterService.of(config, 5000 + number, _clock(ahead))
                app = create_app(config, cluster=cluster)
                await ends.enter_async_context(app.test_app())
                nodes.append(InProcess(app))
            yield nodes, token


def _clock(ahead_ms: int) -> Callable[[], int]:
    return lambda: system_clock() + ahead_ms
