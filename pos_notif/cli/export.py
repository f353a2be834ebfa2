"""`pos-notif export`: the log, or what filters leave of it, as NDJSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from ..config import from_environment
from ..database.file import opened_to_read, told_in_one_line
from ..errors import Invalid, LogRefused
from ..events import FILTERED_ROOMS, MANAGERS, ORDER_ROOM, STATES, TYPES
from ..history.csv_rows import SEPARATORS
from ..history.filters import MAX_TEXT, SUBJECTS, parse_after, parse_filters
from ..history.query import CSV, FORMATS, NDJSON, Export, read_log_state
from ..log.event_log import Pruned
from ..upkeep.progress import Display
from .accounts import database_option
from .output import output_option, write_output

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FilterOption:
    """What a filter is called here, its help, and what its text must be."""

    name: str
    metavar: str
    help: str
    must_be: str


_TIME = "a date (2026-11-24) or an ISO 8601 time (2026-11-24T19:05:12-06:00)"
_TEXT = f"a text of up to {MAX_TEXT} printable characters"
_ROOMS = ", ".join((*FILTERED_ROOMS, MANAGERS, f"{ORDER_ROOM}<id>"))
# By their names in the HTTP downloads.
FILTERS = {
    "desde": FilterOption(
        "from", "TIME", "From this time or date on, by the restaurant's clock unless it has an offset.", _TIME
    ),
    "hasta": FilterOption("to", "TIME", "Up to this time or date, which is included.", _TIME),
    "dia": FilterOption(
        "day", "DATE", "A business day, from 4 in the morning to 4 in the morning.", "a date, such as 2026-11-24"
    ),
    "tipo": FilterOption("type", "TYPE", "Type of event, e.g. cambio_estado.", "one of " + ", ".join(TYPES)),
    "asunto": FilterOption(
        "subject", "WORD", "What it is about: " + ", ".join(SUBJECTS) + ".", "one of " + ", ".join(SUBJECTS)
    ),
    "pedido_id": FilterOption("order", "ID", "Id of the order.", "the number of an order"),
    "numero": FilterOption("number", "NUMBER", "Number by which people know the order, e.g. C12.", _TEXT),
    "mesa": FilterOption("table", "TABLE", "Number or name of the table.", _TEXT),
    "usuario": FilterOption("user", "NAME", "Who did it: name or id.", _TEXT),
    "rol": FilterOption("role", "ROLE", "The role of who did it, e.g. cajero.", _TEXT),
    "sala": FilterOption("room", "ROOM", f"A room that got the event: {_ROOMS}.", f"one of {_ROOMS}"),
    "estado": FilterOption(
        "state", "STATE", "The state that the event brought its order to, e.g. servido.", "one of " + ", ".join(STATES)
    ),
    "q": FilterOption("text", "TEXT", "A text in the stored JSON.", _TEXT),
    "desde_id": FilterOption(
        "after",
        "ID",
        "Only the events after this one: goes on with an export that broke off.",
        "the number of an event",
    ),
}


def filter_options(command: Command) -> Command:
    """Adds an option for each filter of the HTTP downloads."""
    for sent_as, option in reversed(FILTERS.items()):
        command = click.option("--" + option.name, sent_as, metavar=option.metavar, help=option.help)(command)
    return command


def _in_english(name: str) -> str:
    """Takes a filter by its name in the HTTP downloads too, but for the role, which has one name in all commands."""
    return _ALIASES.get(name, name)


_ALIASES = {sent_as.replace("_", "-"): option.name for sent_as, option in FILTERS.items() if sent_as != "rol"}
_ALIASES["separador"] = "separator"


@click.command("export", context_settings={"token_normalize_func": _in_english})
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), default=NDJSON, show_default=True, help="Of what is written."
)
@filter_options
@click.option("--separator", type=click.Choice(tuple(SEPARATORS)), help="Of CSV.  [default: coma]")
@output_option
@database_option
def export_command(kind: str, separator: str | None, output: str, database: str | None, **sent: str | None) -> None:
    """Export the log, as it is now, in constant memory. The service may go on."""
    if separator is not None and kind != CSV:
        raise click.UsageError("--separator is of CSV alone: add --format csv")
    config = from_environment(database=database)
    given = {name: text for name, text in sent.items() if text is not None}
    try:
        filters, after = parse_filters(given, config.zone), parse_after(given)
    except Invalid as error:
        wrong = (f"--{FILTERS[name].name}: {given[name]!r} is not {FILTERS[name].must_be}" for name in error.fields)
        raise click.UsageError("; ".join(wrong)) from error
    path = Path(config.database)
    with told_in_one_line(path), opened_to_read(path) as connection:
        export = Export(kind, filters, separator or "coma", after, read_log_state(connection), config.zone)

        def write(out: BinaryIO) -> int:
            reading = export.begin(connection)
            return _write(reading.pages, reading.remaining, out)

        try:
            done = write_output(output, write)
        except Pruned as error:
            raise LogRefused(f"{path}: rows were pruned before they were exported; export it anew") from error
    if done is not None:
        click.echo(f"exported {done:,} events", err=True)


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
