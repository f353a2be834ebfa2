"""`pos-notif cluster`: the nodes of a log, from the first one on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from ..cluster.founding import found
from ..cluster.members import leave, read_members
from ..cluster.node import membership_of
from ..cluster.sequence import Unknown
from ..cluster.standing import Standing, look
from ..config import Config, from_environment
from ..database.file import opened, opened_to_read, told_in_one_line
from ..database.paths import exists, is_file
from ..database.threads import Database
from ..errors import CommandFailed, ConfigurationError, LogUnavailable
from ..upkeep.backup import refuse_in_use
from ..upkeep.joining import NodeClient
from ..upkeep.joining import join as join_log
from ..upkeep.leaving import detach
from ..upkeep.progress import Display
from ..wire.json_text import dump
from .accounts import cluster_option, database_option
from .cluster_repair import recover_command, rejoin_command
from .cluster_settings import (
    NO_CLUSTER,
    NodeName,
    catch_up,
    membership_for,
    no_engine,
    node_option,
    offered_by,
    own_name,
    replication,
    settings,
)

Command = TypeVar("Command", bound=Callable[..., Any])

URL = "http://10.0.0.11:5000"


class _Commands(click.Group):
    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in self.commands and not name.startswith("-"):
            alike = get_close_matches(name, self.commands, n=1)
            context.fail(f"No such command {name!r}." + (f" Did you mean {alike[0]!r}?" if alike else ""))
        return super().resolve_command(context, arguments)


@click.group("cluster", cls=_Commands)
def cluster_group() -> None:
    """Several machines on one log, which etcd or Redis puts in one order (docs/cluster.md)."""


@cluster_group.command("init", short_help="Make a log the first node.")
@cluster_option
@node_option
@database_option
def init_command(cluster: str | None, node: str | None, database: str | None) -> None:
    """Make a log, or a new one, the first node; the service must be stopped. Nobody who is connected is reset."""
    config, engine = settings(cluster, node, database)
    name, path = own_name(config), Path(config.database)
    with told_in_one_line(path):
        known = membership_of(path) if is_file(path) else None
        if known is not None:
            raise CommandFailed(f"{path}: is the node {known.name} already")
        refuse_in_use(path)
        with opened(path, create=True):
            pass
        membership = found(path, engine, name)
    click.echo(f"{path}: is the node {name}, the first one, of the log {membership.log_name}", err=True)
    click.echo("serve it with the same --cluster; the next one: pos-notif cluster join URL-OF-THIS-NODE", err=True)


@cluster_group.command("join", short_help="Be a new node, with a copy of another's log.")
@click.argument("url")
@cluster_option
@node_option
@database_option
def join_command(url: str, cluster: str | None, node: str | None, database: str | None) -> None:
    """Copy the log of the node at URL, and be a new node of the same cluster."""
    config, engine = settings(cluster, node, database)
    name, path = own_name(config), Path(config.database)
    if exists(path):
        raise CommandFailed(f"{path}: exists already; a new node begins without a file")
    client = NodeClient(url)
    with told_in_one_line(path), Display() as display:
        bulletin = engine.bulletin(offered_by(client, engine).log_name)
        try:
            sound = join_log(client, bulletin, name, path, display("bytes copied"), display("events verified"))
        except Unknown as error:
            raise no_engine(engine, error) from error
        finally:
            bulletin.close()
    position = asyncio.run(catch_up(config))
    state = sound.state
    click.echo(f"{path}: is the node {name}; {sound.rows:,} events, the head is {state.head_id}", err=True)
    click.echo(f"it stands at record {position:,}, as the engine does; serve it with the same --cluster", err=True)


@cluster_group.command("status", short_help="Show how far the nodes have come.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@cluster_option
@database_option
def status_command(as_json: bool, cluster: str | None, database: str | None) -> None:
    """Show how far the nodes have come, who leads, and whether this one can write: exit code 0, else 1."""
    config, engine = settings(cluster, None, database)
    path = Path(config.database)
    membership = membership_for(config, engine)
    with told_in_one_line(path), opened_to_read(path) as connection:
        standing = look(engine, membership, path, connection)
    if as_json:
        click.echo(dump(standing.told()))
    else:
        _show(standing)
    if standing.problem is not None:
        raise CommandFailed(f"{path}: cannot be written: {standing.problem}")


@cluster_group.command("detach", short_help="Make a node's file a log of its own.")
@click.argument("name", required=False, type=NodeName())
@cluster_option
@database_option
def detach_command(name: str | None, cluster: str | None, database: str | None) -> None:
    """Make this node's file a log of its own, with a new epoch; or, with NAME, take another node that is gone for good
    off the list of members."""
    config = from_environment(database=database, cluster=cluster)
    path = Path(config.database)
    membership = membership_of(path)
    if membership is None:
        raise CommandFailed(f"{path}: is no node's file; there is nothing to detach")
    if name is not None and name != membership.name:
        if not config.cluster:
            raise ConfigurationError(NO_CLUSTER)
        asyncio.run(_take_off(config, name))
        click.echo(f"{name} is no member any more; nothing is kept for it", err=True)
        return
    with told_in_one_line(path):
        refuse_in_use(path)
        is_told = _take_itself_off(config, membership.name)
        detach(path)
    click.echo(f"{path}: is a log of its own, with a new epoch; serve it without --cluster", err=True)
    if not is_told:
        click.echo(f"the others were not told: at one of them, pos-notif cluster detach {membership.name}", err=True)


def _take_itself_off(config: Config, name: str) -> bool:
    """Tells the other nodes that this one is none any more; returns whether they could be told."""
    if not config.cluster:
        return False
    try:
        asyncio.run(_take_off(config, name))
    except (CommandFailed, ConfigurationError, LogUnavailable):
        return False
    return True


async def _take_off(config: Config, name: str) -> None:
    """Takes a member off the list, in every node's file. Raises CommandFailed for one that is none."""
    database = await Database.open(config.database, create=False, replication=await replication(config))
    try:
        if not await database.write(partial(leave, name=name)):
            names = [member.name for member in await database.read(read_members)]
            alike = get_close_matches(name, names, n=1)
            raise CommandFailed(f"there is no node {name}." + (f" Did you mean {alike[0]!r}?" if alike else ""))
    finally:
        await database.close()


def _show(standing: Standing) -> None:
    own, head = standing.membership, standing.head
    click.echo(f"log {own.log_name}, ordered by {own.engine}")
    if head is not None:
        click.echo(f"its newest record: {head.position:,}  {head.hash.hex()[:16]}")
    for server in standing.servers:
        words = ["answers" if server.answers else "does not answer", *(["leads"] if server.leads else [])]
        click.echo(f"  {server.name:12} {server.address:24} {', '.join(words)}")
    click.echo(f"this file: epoch {standing.epoch}, record {own.place.position:,}  {own.place.hash.hex()[:16]}")
    for node in standing.nodes:
        behind = f"{max(0, head.position - node.position):,} behind" if head is not None else ""
        words = ["serves" if node.lives else "is not served"]
        words += ["leads"] if node.leads else []
        words += ["this file"] if node.is_here else []
        click.echo(f"  {node.member.name:12} {node.position:>12,} {behind:>14}  {', '.join(words)}")


cluster_group.add_command(rejoin_command)
cluster_group.add_command(recover_command)
