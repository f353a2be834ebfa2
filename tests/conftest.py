from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import chromium
from tests.support.live_server import LiveServer
from tests.support.pos import Pos, assert_projection_is_the_fold, running_pos


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Starts services; settings by name without the prefix: `make_server(heartbeat_seconds="0.2")`."""
    servers: list[LiveServer] = []

    def make(database: Path | None = None, **settings: str) -> LiveServer:
        variables = {f"POS_NOTIF_{name.upper()}": value for name, value in settings.items()}
        server = LiveServer(database or tmp_path / f"log{len(servers)}.db", variables, forked=True)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server: Callable[..., LiveServer]) -> LiveServer:
    return make_server()


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What package.json names, fetched once a run, whoever of those that run side by side needs it first."""
    if not (shutil.which("node") and shutil.which("npm")):
        assert not os.environ.get("CI"), "needs Node.js with npm"
        pytest.skip("needs Node.js with npm (Debian: apt-get install -y nodejs npm)")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    directory, fetched = shared / "node", shared / "node" / "fetched"
    with (shared / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not fetched.exists():
            directory.mkdir(exist_ok=True)
            shutil.copy(Path(__file__).with_name("package.json"), directory)
            npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(directory)]
            subprocess.run(npm, check=True, timeout=300)
            fetched.touch()
    return directory / "node_modules"


def pytest_configure(config: pytest.Config) -> None:
    """Python is started hundreds of times: where it may not leave its bytecode beside the sources, which has each start
    compile them all, it leaves it in a folder of this run's own."""
    if sys.dont_write_bytecode and not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="pos-notif-bytecode-")
        config.add_cleanup(folder.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = folder.name
        del os.environ["PYTHONDONTWRITEBYTECODE"]


# How fast hypothesis draws, and how long an example takes, is the machine's affair.
settings.register_profile(
    "unhurried", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: a test in three waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium.PATH is None and not os.environ.get("CI"):  # there, a missing browser is a failure
        skip = pytest.mark.skip(reason="needs Chromium (Debian: apt-get install -y chromium-headless-shell)")
        for item in items:
            if item.get_closest_marker("browser") and "engine" not in getattr(item, "fixturenames", ()):
                item.add_marker(skip)


@pytest.fixture
async def pos(tmp_path: Path) -> AsyncIterator[Pos]:
    """The service in this process, with a clock that stands still. After the test, its orders are the log's fold."""
    async with running_pos(tmp_path / "log.db") as running:
        yield running
        assert_projection_is_the_fold(running.path)
