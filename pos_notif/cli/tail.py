"""`pos-notif tail`: a role's events, one JSON a line, as they are appended."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys

import click

from ..config import Config, from_environment
from ..errors import LogRefused
from ..events import ROLES
from ..log.event_log import Pruned
from ..log.tail import Waiter
from .accounts import database_option


@click.command("tail")
@click.option("--role", type=click.Choice(ROLES), default="manager", show_default=True)
@click.option("--cursor", help="Begin after it; `inicio` is the oldest kept event. Default: from now on.")
@database_option
def tail_command(role: str, cursor: str | None, database: str | None) -> None:
    """Follow a role's events in the terminal, one JSON a line."""
    config = from_environment(database=database)
    if not os.path.exists(config.database):
        raise LogRefused(f"{config.database}: does not exist")
    asyncio.run(_follow(config, role, cursor))


async def _follow(config: Config, role: str, cursor: str | None) -> None:
    from ..notifier import NotificadorPedidos, Reader

    reader = Reader.of_role(role)
    stopped = asyncio.Event()
    waiter = Waiter()

    def stop() -> None:
        stopped.set()
        waiter.wake()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with NotificadorPedidos(config=config) as notifier:
        if stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
            # A pipe's writing end is "readable" once nobody reads: `| head` ends at once, not at the next event.
            loop.add_reader(sys.stdout.fileno(), stop)
        notifier.tail.listen(waiter, reader.room)
        start = await notifier.start(reader, cursor)
        if start.reset is not None:
            click.echo(f"the cursor cannot be used ({start.reset['motivo']}); from now on", err=True)
        after = start.after
        try:
            while not stopped.is_set():
                waiter.clear()
                try:
                    page = await notifier.page(reader, after)
                except Pruned:
                    click.echo("events were pruned before they were shown; from now on", err=True)
                    after = notifier.bounds.newest
                    continue
                for event in page.events:
                    sys.stdout.write(notifier.event_json(event, reader.kitchen).decode() + "\n")
                sys.stdout.flush()
                after = page.examined
                if not page.more:
                    await waiter.wait()
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
