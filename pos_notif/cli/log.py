"""`pos-notif verify`, `import`, `backup`, `restore` and `prune`: what an operator does with the log as a whole."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import click

from ..clock import Clocks, Instant, iso
from ..cluster.node import replication_of
from ..config import Config, from_environment
from ..database.file import is_database, opened_to_read, reason_of, told_in_one_line
from ..database.threads import Database
from ..errors import CommandFailed, LogUnavailable
from ..log.writer import SqliteLog
from ..upkeep.backup import back_up, refuse_in_use
from ..upkeep.backup import restore as restore_backup
from ..upkeep.backup_time import note_backup
from ..upkeep.importing import import_log
from ..upkeep.progress import Display
from ..upkeep.retention import DAY_MS, Foreseen, Overtaken, PruningResult, foresee, prune
from ..upkeep.verification import Head, Sound, naming, verify_database, verify_export
from .accounts import FileName, cluster_option, database_option

_FILE = FileName(path_type=Path)


class NotedHead(click.ParamType):  # type: ignore[type-arg]
    """A head as `<id> <hash>`, as a download's header and the manager's page show it."""

    name = "ID HASH"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Head:
        found = re.fullmatch(r"\s*([0-9]{1,18})\s+([0-9a-f]{64})\s*", str(value).lower())
        if found is None:
            self.fail('give the id and the 64 hex digits of the hash, in quotes: "1042 3f9a…"', param, context)
        return Head(int(found[1]), found[2])


class Age(click.ParamType):  # type: ignore[type-arg]
    """An age like `400d` or `36h`, in milliseconds."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        found = re.fullmatch(r"([0-9]{1,6})([dh])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a number of days or hours, like 400d or 36h", param, context)
        if int(found[1]) == 0:
            self.fail(f"{value!r} would keep nothing; a log is emptied by beginning a new file", param, context)
        return int(found[1]) * (DAY_MS if found[2] == "d" else DAY_MS // 24)


@click.command("verify")
@click.argument("file", required=False, type=_FILE)
@click.option("--head", type=NotedHead(), help="A head noted elsewhere: only that shows a cut tail.")
@database_option
def verify_command(file: Path | None, head: Head | None, database: str | None) -> None:
    """Verify the log, a complete NDJSON export or a backup. Prints the head's id and hash."""
    path = file if file is not None else _database(database)
    with told_in_one_line(path), Display() as display:
        if file is not None and not is_database(file):
            sound = verify_export(file, head, display("bytes verified"))
        else:
            with naming(path), opened_to_read(path) as connection:
                sound = verify_database(connection, head, display("events verified"), display("orders verified"))
    _tell(f"{path}: sound", sound)
    click.echo(f"{sound.state.head_id} {sound.state.head_hash}")


@click.command("import")
@click.argument("file", type=_FILE)
@database_option
def import_command(file: Path, database: str | None) -> None:
    """Import a complete NDJSON export into an empty log."""
    path = _database(database)
    with told_in_one_line(path), Display() as display:
        if is_database(file):
            raise CommandFailed(f"{file}: is a database and no NDJSON export; pos-notif restore takes a backup")
        refuse_in_use(path)
        sound = import_log(file, path, display("bytes imported"), display("orders made"))
    _tell(f"{path}: imported", sound)


@click.command("backup")
@click.argument("file", type=_FILE)
@database_option
def backup_command(file: Path, database: str | None) -> None:
    """Back the log up, users included, while it is served, and verify the copy."""
    path = _database(database)
    with told_in_one_line(path), Display() as display:
        sound = back_up(path, file, display("pages copied"), display("events verified"))
    _tell(f"{file}: backed up", sound)
    try:
        note_backup(path)
    except OSError as error:
        click.echo(f"pos-notif: warning: {error.filename}: {error.strerror}; /metrics is not told of it", err=True)


@click.command("restore")
@click.argument("file", type=_FILE)
@database_option
def restore_command(file: Path, database: str | None) -> None:
    """Put a backup in the log's place; the service must be stopped. The log that was there is kept."""
    path = _database(database)
    with told_in_one_line(path), Display() as display:
        restored = restore_backup(file, path, display("pages copied"), display("events verified"))
    _tell(f"{path}: restored", restored.sound)
    click.echo(f"the next event is {restored.next_id}; everybody signs in again", err=True)
    if restored.aside is not None:
        click.echo(f"what was there before: {restored.aside}", err=True)


@click.command("prune")
@click.option("--keep", type=Age(), required=True, help="How far back the log goes on reaching: 400d, 36h.")
@click.option("--yes", is_flag=True, help="Do not ask, though more than half of the events go.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
@cluster_option
@database_option
def prune_command(keep: int, yes: bool, dry_run: bool, cluster: str | None, database: str | None) -> None:
    """Take events out of the log that are older, while it is served. Orders that are open go on."""
    config = from_environment(database=database, cluster=cluster)
    path = Path(config.database)
    now = Clocks().now()
    before_ms = now.ms - keep
    with told_in_one_line(path), opened_to_read(path) as connection:
        foreseen = foresee(connection, before_ms)
    if foreseen is None or dry_run:
        what = "no event is so old" if foreseen is None else f"would go: {_in_words(foreseen, now, config)}"
        click.echo(f"{path}: {what}", err=True)
    if dry_run:
        return
    if foreseen is not None and 2 * foreseen.result.rows > foreseen.total and not yes:
        _ask(f"{path}: more than half of the log would go: {_in_words(foreseen, now, config)}")
    try:
        with told_in_one_line(path), Display() as display:
            pruned = asyncio.run(_prune(config, before_ms, now, display))
    except KeyboardInterrupt as error:
        raise CommandFailed(
            f"{path}: interrupted; rows that are pruned but still there go at the next start"
        ) from error
    if pruned is not None:
        done = f"pruned {pruned.rows:,} events up to {pruned.up_to}; {pruned.orders:,} orders go on"
        click.echo(f"{path}: {done}", err=True)


def _in_words(foreseen: Foreseen, now: Instant, config: Config) -> str:
    result = foreseen.result
    words = (
        f"{result.rows:,} of {foreseen.total:,} events, up to {result.up_to} of {iso(foreseen.up_to_ms, config.zone)};"
        f" {result.orders:,} orders go on"
    )
    days = round((now.ms - foreseen.newest_ms) / DAY_MS)
    return words + (f". The newest event is {days:,} days old: is the clock right?" if days > 1 else "")


def _ask(what: str) -> None:
    """Asks whether to go on, and ends the command where nobody says so. Raises UsageError where nobody can be
    asked."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}. Say --yes if they are to go.")
    click.confirm(f"{what}. Go on?", abort=True, err=True)


async def _prune(config: Config, before_ms: int, now: Instant, display: Display) -> PruningResult | None:
    replication = await asyncio.to_thread(replication_of, config)
    database = await Database.open(config.database, create=False, replication=replication)
    try:
        log = await SqliteLog.open(database)
        try:
            return await prune(
                database, log, before_ms=before_ms, at=now, zone=config.zone, progress=display("events deleted")
            )
        except Overtaken as error:
            raise CommandFailed(f"{config.database}: another process has pruned it just now") from error
        except LogUnavailable as error:
            raise CommandFailed(f"{config.database}: {reason_of(error)}") from error
        finally:
            await log.close()
    finally:
        await database.close()


def _database(option: str | None) -> Path:
    return Path(from_environment(database=option).database)


def _tell(what: str, sound: Sound) -> None:
    state = sound.state
    begin = f", after the pruned {state.anchor_id}" if state.anchor_id else ""
    click.echo(f"{what}: {sound.rows:,} events{begin}; the head is {state.head_id} {state.head_hash}", err=True)
