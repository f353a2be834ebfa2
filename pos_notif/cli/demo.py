"""The command `pos-notif demo`."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..config import Config
from ..demo.parts import AWAY_SECONDS, ENGINES, ETCD, NAMES, Parts
from ..demo.people import PEOPLE
from ..demo.staff import LATE_SECONDS, WARN_SECONDS
from ..errors import ConfigurationError
from .serve import announce as announce_service
from .serve import config_of

FASTEST_PACE = 100.0
RESTAURANT_NAME = "Pupusería La Ceiba"


@click.command("demo")
@click.option("--host", metavar="STR", help="Address to listen on.  [POS_NOTIF_HOST; default: 127.0.0.1]")
@click.option("--port", metavar="INT", help="Port to listen on; 0 takes a free one.  [POS_NOTIF_PORT; default: 5000]")
@click.option(
    "--database",
    metavar="PATH",
    envvar="POS_NOTIF_DATABASE",
    help="SQLite file to keep, new or of an earlier demo.  [POS_NOTIF_DATABASE; default: a temporary one]",
)
@click.option("--workers", metavar="TEXT", help="Processes that serve together.  [POS_NOTIF_WORKERS; default: 1]")
@click.option(
    "--nodes",
    type=click.IntRange(2, len(NAMES)),
    help="Serve by several nodes of a cluster, each with a port and a temporary database of its own.",
)
@click.option(
    "--engine", type=click.Choice(ENGINES), default=ETCD, show_default=True, help="What orders for the nodes."
)
@click.option(
    "--pace",
    metavar="FLOAT",
    default="1",
    show_default=True,
    help=f"4 is four times as fast, 0.5 half as fast; at most {FASTEST_PACE:g}.",
)
@click.option(
    "--no-staff",
    is_flag=True,
    help="Guests only: nothing is cooked, served or charged but by people.",
)
@click.option("--seed", type=int, help="The same guests order the same again.  [default: random]")
def demo_command(
    host: str | None, port: str | None, database: str | None, workers: str | None, nodes: int | None,
    engine: str, pace: str, no_staff: bool, seed: int | None,
) -> None:  # fmt: skip
    """Run the service with demo users, a menu and a simulated restaurant: guests order, and what no person at a screen
    touches for a while is cooked, served and charged. An order that you touch is yours for three minutes.

    The first line on standard output is its URL. Ctrl-C ends it.
    """
    from ..server.logs import set_up_logging

    if nodes is not None and (database is not None or workers is not None):
        raise click.UsageError("--nodes has a temporary database and one process for each: no --database, no --workers")
    speed, seed = _pace(pace), secrets.randbits(32) if seed is None else seed
    with ExitStack() as cleanup:
        path = database
        if path is None:
            directory = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pos-notif-demo-"))
            path = os.path.join(directory, "demo.db")
        # The simulation's own requests would bury the users and PINs under access log lines.
        # Plain HTTP: they would not know whom to trust.
        alone = {"access_log": "false", "certfile": "", "keyfile": "", "cluster": "", "node": ""}
        given = {"host": host, "port": port, "database": path, "workers": workers, **alone}
        config = of_the_demo(config_of(given), speed)
        set_up_logging()
        if nodes is None:
            _run_one(config, speed, seed, not no_staff, database)
        else:
            _run_nodes(config, nodes, engine, speed, seed, not no_staff)


def _run_one(config: Config, speed: float, seed: int, staff: bool, kept: str | None) -> None:
    from ..demo.own_database import refuse_foreign
    from ..demo.service import run_demo

    refuse_foreign(config.database)
    run_demo(
        config, pace=speed, seed=seed, staff=staff, announce=lambda port: _announce(config, port, seed, kept)
    )  # fmt: skip


def _run_nodes(config: Config, count: int, engine: str, speed: float, seed: int, staff: bool) -> None:
    from ..demo.nodes import run_nodes
    from ..demo.service import actors_of

    run_nodes(
        config,
        count,
        engine,
        Path(config.database).parent,
        actors_of(seed, staff, speed),
        speed,
        partial(_announce_nodes, seed=seed),
        partial(click.echo, err=True),
        has_screens=staff,
    )


def of_the_demo(config: Config, pace: float) -> Config:
    """Gives the restaurant a name and limits that fit its pace, where the environment has none."""
    usual = Config()
    most = 24 * 60.0
    own: dict[str, Any] = {
        "restaurant_name": RESTAURANT_NAME,
        "warn_minutes": min(WARN_SECONDS / 60 / pace, most),
        "late_minutes": min(LATE_SECONDS / 60 / pace, most),
    }
    given = {name for name in own if getattr(config, name) != getattr(usual, name)}
    return replace(config, **{name: value for name, value in own.items() if name not in given})


def _pace(text: str) -> float:
    with contextlib.suppress(ValueError):
        pace = float(text)
        if 0 < pace <= FASTEST_PACE:
            return pace
    raise ConfigurationError(f"--pace: {text!r} is not a number above 0 and at most {FASTEST_PACE:g}")


def _announce_nodes(parts: Parts, seed: int) -> None:
    from ..web.pages import SCREENS

    click.echo(parts.nodes[0].url)
    sys.stdout.flush()
    for node in parts.nodes:
        pages = "  ".join(f"{node.url}{screen.url}" for screen in SCREENS[:4])
        click.echo(f"node {node.name}, process {node.number}:  {pages}", err=True)
    for part in parts.engine:
        click.echo(f"{part.name}, process {part.number}", err=True)
    _announce_people()
    victim = parts.nodes[-1]
    click.echo(
        f"Open the kitchen of two nodes side by side, and kill one: kill -9 {victim.number}. The others go on, and in"
        f" {AWAY_SECONDS:g} s it comes back, with what it missed. The same with a process of the engine.",
        err=True,
    )
    click.echo(f"The databases are temporary and are removed at the end. Seed: {seed}. Ctrl-C ends the demo.", err=True)


def _announce_people() -> None:
    click.echo("Demo users:", err=True)
    for person in PEOPLE:
        click.echo(f"  {person.role:8}  {person.username:8}  PIN {person.pin}", err=True)


def _announce(config: Config, port: int, seed: int, kept: str | None) -> None:
    announce_service(config, port, True)
    _announce_people()
    where = f"Database: {kept}." if kept else "The database is temporary and is removed at the end."
    click.echo(f"{where} Seed: {seed}. Ctrl-C ends the demo.", err=True)
