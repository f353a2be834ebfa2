"""`pos-notif menu`: the menu from a CSV file, and as one, beside a running service or without one."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from ..cluster.bystander import only_reading
from ..config import Config, from_environment
from ..database.threads import Database
from ..errors import CommandFailed
from ..log.tables.menu import all_products
from ..orders.menu import Product
from ..orders.menu_changes import Change, MenuChanges
from ..orders.menu_csv import MAX_BYTES, read_menu, write_menu
from ..orders.menu_faults import COLUMNS, NAME, Fault
from ..wire.json_text import dump, escaped
from .accounts import FileName, cluster_option, database_option
from .output import output_option, write_output
from .terminal import TERMINAL, input_name, publishing, read_input


@click.group("menu")
def menu_group() -> None:
    """The menu, from a spreadsheet's file and as one."""


@menu_group.command("import")
@click.argument("file", type=FileName(allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@cluster_option
@database_option
def import_menu_command(file: str, dry_run: bool, cluster: str | None, database: str | None) -> None:
    """Change the menu as a CSV file says, all of it or nothing.

    `-` is standard input. A row is the dish with its id_pos, else the one of its nombre; dishes that are not in the
    file stay. A running service's screens hear of what has run out or is back.
    """
    config = from_environment(database=database, cluster=cluster)
    content = read_input(file, MAX_BYTES)
    found = asyncio.run(_import(config, content, dry_run))
    name = input_name(file)
    for fault in found.faults:
        click.echo(escaped(f"pos-notif: {name}: {_place(fault)}{fault.english}"), err=True)
    if dry_run:
        for change in found.changes:
            click.echo(escaped(_told(change)))
    if found.faults:
        raise CommandFailed(f"{name}: nothing was changed")
    counts = f"{found.new:,} new, {found.changed:,} changed, {found.same:,} as they were"
    click.echo(f"{name}: " + (f"would be {counts}" if dry_run else counts), err=True)


async def _import(config: Config, content: bytes, dry_run: bool) -> MenuChanges:
    from ..publishing.menu import import_menu, rehearse_menu  # what checks drafts takes a second to load

    file = read_menu(content)
    async with publishing(config) as opened:
        if dry_run:
            return await rehearse_menu(opened, file)
        return await import_menu(opened, TERMINAL, file)


def _place(fault: Fault) -> str:
    row = f"row {fault.row}" if fault.row is not None else ""
    place = ", ".join(filter(None, (row, fault.column)))
    return f"{place}: " if place else ""


def _told(change: Change) -> str:
    """Says in one line what a row makes of the menu, in the words of the file's columns."""
    after = change.after.json()
    if change.before is None:
        said = [f"{name} {dump(after[name])}" for name in COLUMNS if name != NAME and after[name] is not None]
        return f"row {change.row}: new: {change.after.name}: {', '.join(said)}"
    said = [f"{name} {dump(old)} -> {dump(after[name])}" for name, old in change.old_values.items()]
    return f"row {change.row}: changed: {change.before.name}: {', '.join(said)}"


@menu_group.command("export")
@output_option
@database_option
def export_menu_command(output: str, database: str | None) -> None:
    """Write the menu as a CSV file; imported, it changes nothing."""
    products = asyncio.run(_products(from_environment(database=database)))
    content = write_menu(products)
    if write_output(output, lambda out: out.write(content)) is not None:
        click.echo(f"exported {len(products):,} dishes", err=True)


async def _products(config: Config) -> list[Product]:
    # An older file is brought up by it, and so has the columns.
    reading = await asyncio.to_thread(only_reading, config.database)
    opened = await Database.open(config.database, create=False, replication=reading)
    try:
        products: list[Any] = await opened.read(all_products)
        return products
    finally:
        await opened.close()
