"""The demo with several nodes: the engine, the nodes and the simulation, each a process of its own on this machine, put
together as an operator does it. What is killed is started again after a while, so that one sees how the rest goes on
without it, and how it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..cluster.engine import Engine, parse
from ..cluster.founding import found
from ..cluster.sequence import Unknown
from ..config import Config
from ..errors import CommandFailed, ConfigurationError
from ..server.signals import stop_on_signals
from .client import Client, Refused
from .own_database import prepare
from .parts import AWAY_SECONDS, ETCD, NAMES, REDIS, Part, Parts
from .restaurant import Actor, Restaurant
from .screens import Screens

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_PROGRAM = (sys.executable, "-m", "pos_notif")
_HOST = "127.0.0.1"


def run_nodes(
    config: Config,
    count: int,
    engine: str,
    directory: Path,
    actors: list[Actor],
    pace: float,
    announce: Callable[[Parts], None],
    tell: Callable[[str], None],
    *,
    has_screens: bool,
) -> None:
    """Runs until SIGINT or SIGTERM. `announce` is called once all nodes answer; `tell` says in a line what becomes of
    those that end. Raises ConfigurationError or CommandFailed."""
    parts = Parts([], [])
    try:
        address = _start_engine(parts, engine, directory, 3 if count > 2 else 1)
        database = directory / f"{NAMES[0]}.db"
        token = asyncio.run(prepare(database))
        found(database, parse(address), NAMES[0])
        for number, name in enumerate(NAMES[:count]):
            _add_node(parts, config, address, directory, name, config.port + number if config.port else _free_port())
        asyncio.run(_run(config, parts, token, actors, pace, announce, tell, has_screens=has_screens))
    finally:
        parts.end()


def _start_engine(parts: Parts, engine: str, directory: Path, members: int) -> str:
    """Starts what orders the transactions, and returns its address. Raises ConfigurationError where it is not
    installed."""
    program, package = {ETCD: ("etcd", "etcd-server"), REDIS: ("redis-server", "redis-server")}[engine]
    path = shutil.which(program)
    if path is None:
        raise ConfigurationError(f"--engine {engine}: needs {program} (Debian: apt-get install -y {package})")
    if engine == REDIS:
        port = _free_port()
        settings = {
            "bind": _HOST, "port": port, "dir": directory, "save": "", "appendonly": "yes", "appendfsync": "always",
            "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        command = [path, *(word for name, value in settings.items() for word in (f"--{name}", str(value)))]
        parts.engine = [Part("redis", command, directory / "redis.says")]
        address = f"redis://{_HOST}:{port}"
    else:
        ports, peers = [_free_port() for _ in range(members)], [_free_port() for _ in range(members)]
        cluster = ",".join(f"etcd{number}=http://{_HOST}:{peer}" for number, peer in enumerate(peers, 1))
        for number, (port, peer) in enumerate(zip(ports, peers, strict=True), 1):
            options = {
                "name": f"etcd{number}", "data-dir": directory / f"etcd{number}", "initial-cluster": cluster,
                "listen-client-urls": f"http://{_HOST}:{port}", "advertise-client-urls": f"http://{_HOST}:{port}",
                "listen-peer-urls": f"http://{_HOST}:{peer}", "initial-advertise-peer-urls": f"http://{_HOST}:{peer}",
            }  # fmt: skip
            command = [path, *(f"--{name}={value}" for name, value in options.items())]
            parts.engine.append(Part(f"etcd{number}", command, directory / f"etcd{number}.says"))
        address = "etcd://" + ",".join(f"{_HOST}:{port}" for port in ports)
    for part in parts.engine:
        part.start()
    made = parse(address)
    _wait(parts.engine[-1], lambda: _orders(made))
    return address


def _add_node(parts: Parts, config: Config, address: str, directory: Path, name: str, port: int) -> None:
    """Starts a node, which copies the first one's log where it is another."""
    database = str(directory / f"{name}.db")
    cluster = ["--cluster", address, "--node", name, "--database", database]
    if parts.nodes:
        joined = subprocess.run(
            [*_PROGRAM, "cluster", "join", parts.nodes[0].url, *cluster], capture_output=True, text=True, check=False
        )
        if joined.returncode:
            raise CommandFailed(f"the node {name} could not join: {joined.stderr.strip().splitlines()[-1:]}")
    own = {"host", "port", "database", "cluster", "node", "workers"}
    options = [word for option in _given(config) if option[0] not in own for word in (_flag(option[0]), option[1])]
    command = [*_PROGRAM, "serve", *cluster, "--host", config.host, "--port", str(port), *options, "--workers", "1"]
    node = Part(name, command, directory / f"{name}.says", f"http://{_HOST}:{port}")
    node.start()
    parts.nodes.append(node)
    _wait(node, lambda: _is_ready(node.url))


def _given(config: Config) -> Iterator[tuple[str, str]]:
    """Yields the settings that are not the usual ones, as text."""
    for setting in fields(Config):
        value: Any = getattr(config, setting.name)
        if value != setting.default:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            yield setting.name, text.lower() if isinstance(value, bool) else text


def _flag(setting: str) -> str:
    return "--" + setting.replace("_", "-")


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as free:
        return int(free.getsockname()[1])


def _orders(engine: Engine) -> bool:
    """Tells whether the engine has a server that leads."""
    with contextlib.suppress(Unknown):
        return any(server.leads for server in engine.servers())
    return False


def _is_ready(url: str) -> bool:
    # A proxy of the environment is for the internet, not for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/readyz", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _wait(part: Part, is_there: Callable[[], bool]) -> None:
    """Waits until it is there. Raises CommandFailed where it ends, or does not come."""
    deadline = time.monotonic() + _START_SECONDS
    while not is_there():
        if not part.is_up or time.monotonic() > deadline:
            raise CommandFailed(f"{part.name} does not start: {part.last_words()}")
        time.sleep(_LOOK_SECONDS / 2)


async def _run(
    config: Config,
    parts: Parts,
    token: str,
    actors: list[Actor],
    pace: float,
    announce: Callable[[Parts], None],
    tell: Callable[[str], None],
    *,
    has_screens: bool,
) -> None:
    stop = threading.Event()
    stop_on_signals(stop.set)
    urls = [node.url for node in parts.nodes]
    client = Client(urls[0], token, stop, *urls[1:])
    ports = [int(url.rpartition(":")[2]) for url in urls]
    announce(parts)
    simulation = asyncio.create_task(asyncio.to_thread(Restaurant(client, actors, pace).run, stop))
    screens = Screens(client, _HOST, ports[0], stop, *ports[1:]) if has_screens else None
    watching = asyncio.create_task(screens.run()) if screens is not None else None
    try:
        await _keep_up(parts, simulation, stop, tell)
    finally:
        stop.set()
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        try:
            await simulation
        except Refused as refused:
            raise CommandFailed(str(refused)) from refused


async def _keep_up(
    parts: Parts, simulation: asyncio.Task[None], stop: threading.Event, tell: Callable[[str], None]
) -> None:
    """Starts again what has ended, until `stop` is set or the simulation ends."""
    loop = asyncio.get_running_loop()
    away: dict[str, float] = {}
    while not stop.is_set() and not simulation.done():
        for part in (*parts.engine, *parts.nodes):
            if part.name not in away and not part.is_up:
                away[part.name] = loop.time() + AWAY_SECONDS
                tell(f"{part.name} (process {part.number}) has ended; in {AWAY_SECONDS:g} s it is started again")
            elif part.name in away and loop.time() >= away[part.name]:
                del away[part.name]
                part.start()
                tell(f"{part.name} is started again, as process {part.number}")
        await asyncio.sleep(_LOOK_SECONDS)
