"""`pos-notif cluster rejoin` and `recover`: what a person decides where nodes have not the same log any more."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from ..cluster.recovery import Foreseen, OnlyHere, foresee, only_here, recover
from ..cluster.sequence import Conflict, Unfit, Unknown
from ..database.file import told_in_one_line
from ..database.paths import exists, private
from ..errors import CommandFailed
from ..log.tables.epochs import begin_epoch
from ..upkeep.backup import refuse_in_use
from ..upkeep.joining import NodeClient
from ..upkeep.joining import rejoin as rejoin_log
from ..upkeep.progress import Display
from .accounts import cluster_option, database_option
from .cluster_settings import catch_up, membership_for, no_engine, node_option, offered_by, own_name, settings

_SHOWN = 5


@click.command("rejoin", short_help="Copy another node's log anew.")
@click.argument("url")
@click.option("--yes", is_flag=True, help="Do not ask, though this file has what the other one has not.")
@cluster_option
@node_option
@database_option
def rejoin_command(url: str, yes: bool, cluster: str | None, node: str | None, database: str | None) -> None:
    """Copy the log of the node at URL in the place of this node's, which must not be served. The old file is kept,
    with a list beside it of what was there only."""
    config, engine = settings(cluster, node, database)
    path = Path(config.database)
    name = membership_for(config, engine).name if exists(path) else own_name(config)
    client = NodeClient(url)
    found: list[OnlyHere] = []

    def compare(copy: Path) -> None:
        if not exists(path):
            return
        found.append(only_here(path, copy))
        if any(found[0]):
            display.clear()
            _ask(f"{path} has what {url} has not: {_in_words(found[0])}. It is kept beside the new file", yes)

    with told_in_one_line(path), Display() as display:
        refuse_in_use(path)
        bulletin = engine.bulletin(offered_by(client, engine).log_name)
        try:
            sound, aside = rejoin_log(
                client, bulletin, name, path, compare, display("bytes copied"), display("events verified")
            )
        except Unknown as error:
            raise no_engine(engine, error) from error
        finally:
            bulletin.close()
        written = _write_list(aside, found[0]) if aside is not None and found and any(found[0]) else []
    position = asyncio.run(catch_up(config))
    click.echo(f"{path}: is the node {name}; {sound.rows:,} events, the head is {sound.state.head_id}", err=True)
    if aside is not None:
        click.echo(f"what was there before: {aside}", err=True)
    for file in written:
        click.echo(f"what was there only: {file}", err=True)
    click.echo(f"it stands at record {position:,}, as the engine does; serve it with the same --cluster", err=True)


def _in_words(only: OnlyHere) -> str:
    known = sum(is_known for _, is_known in only.events)
    words = []
    if only.events:
        words.append(f"{len(only.events):,} events ({known:,} are there by their key)")
    for what, names in (("users", only.users), ("tokens", only.tokens), ("dishes", only.products)):
        if names:
            shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
            words.append(f"{what} {shown}")
    return "; ".join(words)


def _write_list(aside: Path, only: OnlyHere) -> list[Path]:
    """Writes what was in the old file only beside it: its events, one a line, and the names of the rest."""
    files = []
    if only.events:
        file = Path(f"{aside}.ndjson")
        with open(file, "x", encoding="utf-8", opener=private) as lines:
            for data, is_known in only.events:
                lines.write(_line(data, is_known))
        files.append(file)
    names = {"usuarios": only.users, "tokens": only.tokens, "platos": only.products}
    if any(names.values()):
        file = Path(f"{aside}.json")
        with open(file, "x", encoding="utf-8", opener=private) as told:
            json.dump({what: sorted(found) for what, found in names.items() if found}, told, ensure_ascii=False)
            told.write("\n")
        files.append(file)
    return files


def _line(data: str, is_known: bool) -> str:
    event: dict[str, Any] = json.loads(data)
    return json.dumps({**event, "conocido": is_known}, ensure_ascii=False, separators=(",", ":")) + "\n"


@click.command("recover", short_help="Go on with this node's log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@cluster_option
@database_option
def recover_command(yes: bool, cluster: str | None, database: str | None) -> None:
    """Have the cluster go on with this node's log, where the engine has lost something, was emptied or is another one.
    Says what would be lost, and asks. The other nodes may run."""
    config, engine = settings(cluster, None, database)
    path = Path(config.database)
    membership = membership_for(config, engine)
    try:
        with told_in_one_line(path):
            foreseen = foresee(engine, path)
            _say(path, membership.name, foreseen)
            if foreseen.is_open:
                raise CommandFailed(f"{path}: the engine is open, and nodes can write: there is nothing to recover")
            _ask(f"the log goes on with {path}, at a new epoch", yes)
            place = recover(engine, path, foreseen, begin_epoch)
    except Conflict as error:
        raise CommandFailed("it has moved on since: look again") from error
    except Unfit as error:
        raise CommandFailed(f"the engine cannot be used: {error}") from error
    except Unknown as error:
        raise no_engine(engine, error) from error
    click.echo(f"the log goes on at record {place.position:,}; nodes that stood at the same place do so too", err=True)
    click.echo("one that had more, or something else, stops, and names `cluster rejoin`", err=True)


def _say(path: Path, name: str, foreseen: Foreseen) -> None:
    own = foreseen.own
    click.echo(f"this file, {name}: epoch {own.epochs + 1}, record {own.position:,}", err=True)
    for other, at in sorted(foreseen.others.items()):
        further = " (further than this one)" if other in foreseen.further else ""
        click.echo(f"{other}, which runs: epoch {at.epochs + 1}, record {at.position:,}{further}", err=True)
    if not foreseen.others:
        click.echo("no other node runs: start them first, to see whether one is further", err=True)
    seen, lost = foreseen.seen.position, foreseen.lost
    what = "this file may lack some of them" if lost is None else f"{lost:,} of them would be lost"
    click.echo(f"the engine's newest record is {seen:,}; {what}" if seen else "the engine has no record", err=True)
    if foreseen.other_logs:
        named = ", ".join(foreseen.other_logs)
        click.echo(f"it has another log, {named}: see that --cluster names the engine that is meant", err=True)


def _ask(what: str, yes: bool) -> None:
    """Asks whether to go on, and ends the command where nobody says so. Raises UsageError where nobody can be
    asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}. Say --yes if that is meant.")
    click.confirm(f"{what}. Go on?", abort=True, err=True)
