from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import LiveServer

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Starts services; settings by name without the prefix: `make_server(heartbeat_seconds="0.2")`."""
    servers: list[LiveServer] = []

    def make(database: Path | None = None, **settings: str) -> LiveServer:
        variables = {f"POS_NOTIF_{name.upper()}": value for name, value in settings.items()}
        server = LiveServer(database or tmp_path / f"log{len(servers)}.db", variables)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server: Callable[..., LiveServer]) -> LiveServer:
    return make_server()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and not os.environ.get("CI"):  # there, a missing browser is a failure
        skip = pytest.mark.skip(reason="needs Chromium (Debian: apt-get install -y chromium)")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)
