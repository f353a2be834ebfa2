"""The real server and the simulated restaurant, in one process; between them there is only HTTP."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from random import Random

import click

from ..app import NotificationApp, create_app
from ..config import Config
from ..database.locks import serving_alone
from ..errors import CommandFailed
from ..server.run import Server, bind, raise_file_limit
from ..server.signals import stop_on_signals
from ..server.workers.parent import serve_by_workers
from .client import Client, Refused
from .guests import Guests
from .own_database import prepare
from .restaurant import Actor, Restaurant
from .screens import Eyes, Screens
from .staff import Staff


def run_demo(config: Config, *, pace: float, seed: int, staff: bool, announce: Callable[[int], None]) -> None:
    """Runs until SIGINT or SIGTERM. `announce(port)` is called once requests are answered; only then the first guests
    come.

    Raises PortUnavailable or LogRefused before that, and ClickException where the service refuses the simulation.
    """
    if config.worker_count > 1:
        return _run_by_workers(config, pace=pace, seed=seed, staff=staff, announce=announce)
    raise_file_limit(config.max_connections)
    listener = bind(config.host, config.port, config.write_timeout_seconds)
    try:
        with serving_alone(config.database):
            asyncio.run(_run(config, listener, actors_of(seed, staff, pace), pace, announce, has_screens=staff))
    finally:
        listener.close()


def _run_by_workers(config: Config, *, pace: float, seed: int, staff: bool, announce: Callable[[int], None]) -> None:
    """Does as `run_demo`, with the simulation in a process of its own beside the workers."""

    def make_ready() -> Callable[[int], None]:
        # In a process of its own too: what is forked later must not have had a log open.
        with ProcessPoolExecutor(1, get_context("fork")) as pool:
            token = pool.submit(_prepare, config.database).result()
        return partial(_simulate_beside, config.host, token, actors_of(seed, staff, pace), pace, has_screens=staff)

    serve_by_workers(config, lambda port, has_users: announce(port), make_ready)


def _prepare(database: str) -> str:
    return asyncio.run(prepare(database))


def _simulate_beside(host: str, token: str, actors: list[Actor], pace: float, port: int, *, has_screens: bool) -> None:
    """Raises CommandFailed where the service refuses the simulation."""

    async def run() -> None:
        stop = threading.Event()
        stop_on_signals(stop.set)
        client = _client(host, port, token, stop)
        screens = Screens(client, _reachable(host), port, stop) if has_screens else None
        watching = asyncio.create_task(screens.run()) if screens is not None else None
        try:
            await asyncio.to_thread(Restaurant(client, actors, pace).run, stop)
        except Refused as refused:
            raise CommandFailed(str(refused)) from refused
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.wait([watching])

    asyncio.run(run())


def _client(host: str, port: int, token: str, stop: threading.Event) -> Client:
    reachable = _reachable(host)
    return Client(f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}", token, stop)


def actors_of(seed: int, staff: bool, pace: float) -> list[Actor]:
    return [Guests(seed), Staff(Random(f"{seed}:staff")), Eyes(pace)] if staff else [Guests(seed)]


class _DemoServer(Server):
    """The demo's server, whose stop ends the simulation first, while its last request is still answered. What is
    connecting in the moment in which a server closes may be neither served nor reset (asyncio, Python 3.11 to 3.13),
    and hold its client up."""

    def __init__(self, app: NotificationApp, config: Config, listener: socket.socket) -> None:
        super().__init__(app, config, listener)
        self.simulation: asyncio.Task[None] | None = None
        self.screens: asyncio.Task[None] | None = None
        self.simulation_stop = threading.Event()

    def stop(self) -> None:
        self.simulation_stop.set()
        if self.simulation is None or self.simulation.done():
            super().stop()

    def start_simulation(self, restaurant: Restaurant, screens: Screens | None) -> None:
        self.simulation = asyncio.create_task(asyncio.to_thread(restaurant.run, self.simulation_stop))
        self.simulation.add_done_callback(lambda done: self.stop())
        self.screens = asyncio.create_task(screens.run()) if screens is not None else None


async def _run(
    config: Config,
    listener: socket.socket,
    actors: list[Actor],
    pace: float,
    announce: Callable[[int], None],
    *,
    has_screens: bool,
) -> None:
    server = _DemoServer(create_app(config), config, listener)
    stop_on_signals(server.stop)  # also while the database is being prepared
    token = await prepare(config.database)
    port = listener.getsockname()[1]
    host = _reachable(config.host)
    client = _client(config.host, port, token, server.simulation_stop)
    restaurant = Restaurant(client, actors, pace)
    screens = Screens(client, host, port, server.simulation_stop) if has_screens else None

    def open_doors(has_users: bool) -> None:
        announce(port)
        server.start_simulation(restaurant, screens)

    try:
        await server.run(open_doors)
    finally:
        server.simulation_stop.set()
        if server.screens is not None:
            server.screens.cancel()
            await asyncio.wait([server.screens])
        if server.simulation is not None:
            try:
                await server.simulation
            except Refused as refused:
                raise click.ClickException(str(refused)) from refused


def _reachable(host: str) -> str:
    """Returns an address of this machine for what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
