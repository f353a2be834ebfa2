"""`pos-notif export`: the log, or what filters leave of it, as NDJSON or CSV."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from ..config import Config, from_environment
from ..database.file import is_database, open_for_reading
from ..database.paths import exists, is_directory, is_file
from ..database.threads import Database
from ..errors import CommandFailed, Invalid, LogRefused
from ..history.csv_rows import SEPARATORS
from ..history.filters import NAMES, parse_after, parse_filters
from ..history.query import CSV, FORMATS, NDJSON, Export, read_log_state
from ..log.event_log import Pruned
from ..upkeep.progress import Display
from .accounts import database_option

Command = TypeVar("Command", bound=Callable[..., Any])
STANDARD_OUTPUT = "-"


def filter_options(command: Command) -> Command:
    """Adds an option for each filter of the HTTP downloads, by its name there."""
    for name in reversed((*NAMES, "desde_id")):
        command = click.option("--" + name.replace("_", "-"), name, metavar="TEXT", help=_HELP[name])(command)
    return command


_HELP = {
    "desde": "From this time or date on (ISO 8601; without an offset: the restaurant's).",
    "hasta": "Up to this time or date, which is included.",
    "dia": "A business day, e.g. 2026-11-24: from 4 in the morning to 4 in the morning.",
    "tipo": "Type of event, e.g. cambio_estado.",
    "pedido_id": "Id of the order.",
    "mesa": "Number of the table.",
    "usuario": "Who did it: name or id.",
    "rol": "The role of who did it.",
    "sala": "A room that got the event: cocina, meseros, cajeros, managers, pedido_<id>.",
    "estado": "The state that the event brought its order to.",
    "q": "A text in the stored JSON.",
    "desde_id": "Only the events after this one: goes on with an export that broke off.",
}


@click.command("export")
@click.option("--format", "kind", type=click.Choice(FORMATS), default=NDJSON, show_default=True)
@filter_options
@click.option("--separador", type=click.Choice(tuple(SEPARATORS)), help="Of CSV.  [default: coma]")
@click.option(
    "--output", default=STANDARD_OUTPUT, metavar="F", help="File to write, whole or not at all.  [default: -]"
)
@database_option
def export_command(kind: str, separador: str | None, output: str, database: str | None, **sent: str | None) -> None:
    """Export the log, as it is now, in constant memory. The service may go on."""
    if separador is not None and kind != CSV:
        raise click.UsageError("--separador is of CSV alone: add --format csv")
    config = from_environment(database=database)
    given = {name: text for name, text in sent.items() if text is not None}
    try:
        filters, after = parse_filters(given, config.zone), parse_after(given)
    except Invalid as error:
        problems = (f"--{name.replace('_', '-')} {problem}" for name, problem in error.fields.items())
        raise click.UsageError("; ".join(problems)) from error
    asyncio.run(_check(config))
    with contextlib.closing(open_for_reading(config.database)) as connection:
        export = Export(kind, filters, separador or "coma", after, read_log_state(connection), config.zone)
        try:
            with _terminable(), _opened(output) as out:
                reading = export.begin(connection)
                done = _write(reading.pages, reading.remaining, out)
        except Pruned as error:
            raise LogRefused(
                f"{config.database}: rows were pruned before they were exported; export it anew"
            ) from error
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
            raise CommandFailed(f"{output}: {error.strerror or error}") from error
    click.echo(f"exported {done:,} events", err=True)


async def _check(config: Config) -> None:
    """Raises LogRefused for what is no log of ours, and brings the log up to the present schema."""
    await (await Database.open(config.database, create=False)).close()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end what is inside as Ctrl+C does: nothing is left behind."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    if output == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    _check_output(Path(output))
    partial = Path(f"{output}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(output)
    except BaseException:  # Ctrl+C too
        partial.unlink(missing_ok=True)
        raise


def _check_output(output: Path) -> None:
    """Checks where the export goes before anything is read. An export may be replaced by a newer one, a log or its
    backup never."""
    if exists(output) and not is_file(output):
        raise CommandFailed(f"{output}: is a directory" if is_directory(output) else f"{output}: is no file")
    if not is_directory(output.parent):
        raise CommandFailed(f"{output}: the directory {output.parent} does not exist")
    log = Path(str(output).removesuffix("-wal").removesuffix("-shm"))
    if is_file(log) and is_database(log):
        raise CommandFailed(f"{output}: is a database, which an export does not replace")


def _write(pages: Iterator[tuple[int, bytes]], total: int, out: BinaryIO) -> int:
    """Writes the pages, and returns how many rows they had."""
    done = 0
    with Display() as display:
        progress = display("exported")
        for rows, page in pages:
            out.write(page)
            done += rows
            progress(done, total)
    return done
