"""`pos-notif tail`: a role's events, one JSON a line, as they are appended."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import click

from ..cluster.bystander import Bystander
from ..config import from_environment
from ..database.paths import exists
from ..delivery.reader import Reader, Start
from ..errors import LogRefused
from ..events import ROLES
from ..log.event_log import Page
from ..log.live import LiveLog
from ..log.tail import Waiter
from ..wire.json_text import escaped
from .accounts import database_option


@click.command("tail")
@click.option("--role", type=click.Choice(ROLES), default="manager", show_default=True, help="Whose events.")
@click.option("--cursor", help="Begin after it; `inicio` is the oldest kept event.  [default: from now on]")
@database_option
def tail_command(role: str, cursor: str | None, database: str | None) -> None:
    """Follow a role's events in the terminal, one JSON a line."""
    config = from_environment(database=database)
    if not exists(Path(config.database)):
        raise LogRefused(f"{config.database}: does not exist")
    bystander = Bystander.of(config.database)
    asyncio.run(_follow(LiveLog(replace(config, cluster=""), node=bystander), role, cursor))


async def _follow(log: LiveLog, role: str, cursor: str | None) -> None:
    stopped = asyncio.Event()
    waiter = Waiter()

    def stop() -> None:
        stopped.set()
        waiter.wake()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await log.open(create=False)
    try:
        if stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
            # A pipe's writing end is "readable" once nobody reads: `| head` ends at once, not at the next event.
            loop.add_reader(sys.stdout.fileno(), stop)
        reader = Reader.of_role(log, role)
        log.tail.listen(waiter, reader.room)
        start = await reader.start(cursor)
        if start.reset is not None:
            click.echo(f"the cursor cannot be used ({start.reset['motivo']}); from now on", err=True)
        async with aclosing(reader.pages(start.after, reader.page, waiter=waiter)) as pages:
            async for page in pages:
                _print(reader, page)
                if stopped.is_set():
                    return
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        await log.close()


def _print(reader: Reader, page: Page | Start) -> None:
    if isinstance(page, Start):
        click.echo("events were pruned before they were shown; from now on", err=True)
        return
    for event in page.events:
        line = escaped(reader.json_of(event).decode("utf-8", "surrogatepass"))
        sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.flush()
