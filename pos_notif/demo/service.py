"""The real server and the simulated restaurant, in one process; between them there is only HTTP."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from random import Random

import click

from ..app import NotificationApp, create_app
from ..config import Config
from ..server.run import Server, bind, raise_file_limit
from ..server.signals import stop_on_signals
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
    raise_file_limit(config.max_connections)
    listener = bind(config.host, config.port, config.write_timeout_seconds)
    try:
        asyncio.run(_run(config, listener, _actors(seed, staff, pace), pace, announce, has_screens=staff))
    finally:
        listener.close()


def _actors(seed: int, staff: bool, pace: float) -> list[Actor]:
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
    client = Client(f"http://{f'[{host}]' if ':' in host else host}:{port}", token, server.simulation_stop)
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
