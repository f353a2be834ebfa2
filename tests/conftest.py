from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pos_notif.accounts import passwords
from tests.support import bytecode, chromium, kept
from tests.support.live_server import LiveServer
from tests.support.pos import Pos, assert_projection_is_the_fold, running_pos

# A job in the background is deaf to Ctrl-C, and so is what the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
    if hasattr(config, "workerinput"):
        return
    if sys.dont_write_bytecode:
        folder = tempfile.TemporaryDirectory(prefix="pos-notif-bytecode-")
        config.add_cleanup(folder.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = folder.name
        del os.environ["PYTHONDONTWRITEBYTECODE"]
    if config.getoption("numprocesses", None):
        bytecode.make(config.args)


kept.keep()

# Of the people whom the tests create, and sign in thousands of times: a hash says itself what checking it costs, to a
# service in a process of its own too. What such a process hashes has the real cost.
REAL_COST, passwords.COST = passwords.COST, (1, 8, 1)


@pytest.fixture
def real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what depends on how long a password takes, or on what it takes up."""
    monkeypatch.setattr(passwords, "COST", REAL_COST)


# How fast hypothesis draws, and how long an example takes, is the machine's affair.
settings.register_profile(
    "unhurried", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: nothing of it is looked through for garbage, which takes a third of the time
    that collecting takes, and a part of each test's."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are cores: with one more, a third of their time is idle; with four more, they are busy enough
    for what lasts seconds to take a quarter of a minute."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip_without_a_browser(items)
    leave_out_what_is_of_one(config, items)
    if hasattr(config, "workerinput"):
        begin_with_the_long(items, config.workerinput["workercount"])


def leave_out_what_is_of_one(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where every service is of several processes."""
    if "POS_NOTIF_TEST_WORKERS" in os.environ:
        left_out = [item for item in items if item.get_closest_marker("one_process")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def begin_with_the_long(items: list[pytest.Item], workers: int) -> None:
    """Each worker is given a stretch of the tests, and those that have none left take theirs from the end of another's.
    The long ones stand where the stretches begin, by turns, or one of them would begin when all the rest has ended."""
    long = [item for item in items if item.get_closest_marker("long")]
    if len(long) + workers > len(items) // 2:  # few are asked for, and a stretch may have no room for its part
        return
    others = iter([item for item in items if not item.get_closest_marker("long")])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        stretch = (len(items) - len(ordered)) // (workers - worker)
        begins = long[worker::workers]
        ordered += begins
        ordered += islice(others, stretch - len(begins))
    assert len(ordered) == len(items), "a test would not run"
    items[:] = ordered


def skip_without_a_browser(items: list[pytest.Item]) -> None:
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
