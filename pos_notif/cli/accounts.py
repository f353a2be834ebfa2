"""`pos-notif user`, `token` and `session`. A running service sees every change within a second."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from ..accounts.accounts import Accounts
from ..accounts.names import TOKEN_PUNCTUATION, USER_PUNCTUATION, new_name
from ..clock import Clocks
from ..cluster.bystander import only_reading
from ..cluster.node import replication_of
from ..config import Config, from_environment
from ..database.replication import Replication
from ..database.threads import Database
from ..errors import Invalid
from ..events import ROLES
from ..wire.json_text import escaped

Command = TypeVar("Command", bound=Callable[..., Any])

_ROLE = click.Choice(ROLES)


class FileName(click.Path):
    """A file's name, which is no empty text: that would be the present directory."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        if not str(value):
            self.fail("a file's name must not be empty", param, context)
        return super().convert(value, param, context)


class NewName(click.types.StringParamType):
    """What a new user or token may be called; another one is a wrong use of the command."""

    name = "name"

    def __init__(self, punctuation: str) -> None:
        self._punctuation = punctuation

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        try:
            return new_name(str(value), self.name, self._punctuation)
        except Invalid as error:
            self.fail(str(error.for_operator), param, context)


class SessionId(click.IntRange):
    name = "session id"


def database_option(command: Command) -> Command:
    return click.option(
        "--database",
        type=FileName(),
        metavar="PATH",
        help="SQLite file.  [POS_NOTIF_DATABASE; default: pos_notif.db]",
    )(command)


def cluster_option(command: Command) -> Command:
    return click.option(
        "--cluster",
        metavar="URL",
        help="Engine of the cluster that the file is a node's of.  [POS_NOTIF_CLUSTER]",
    )(command)


def run(
    database: str | None,
    work: Callable[[Accounts], Awaitable[Any]],
    *,
    create: bool = False,
    cluster: str | None = None,
) -> Any:
    """Runs `work`, which changes the accounts of a database, which must exist unless `create`; a node's through the
    engine of its cluster."""
    config = from_environment(database=database, cluster=cluster)
    return _run(config, replication_of(config), work, create)


def read(database: str | None, work: Callable[[Accounts], Awaitable[Any]]) -> Any:
    """Runs `work`, which reads the accounts of a database that must exist."""
    config = from_environment(database=database)
    return _run(config, only_reading(config.database), work, create=False)


def _run(
    config: Config, replication: Replication | None, work: Callable[[Accounts], Awaitable[Any]], create: bool
) -> Any:
    async def main() -> Any:
        opened = await Database.open(config.database, create=create, replication=replication)
        accounts = Accounts(opened, Clocks())
        try:
            return await work(accounts)
        finally:
            accounts.close()
            await opened.close()

    return asyncio.run(main())


@click.group("user")
def user_group() -> None:
    """People who sign in with a password or PIN."""


@user_group.command("create")
@click.argument("username", type=NewName(USER_PUNCTUATION))
@click.option("--role", type=_ROLE, required=True, help="What the user works as.")
@click.option("--password", help="Password or PIN, 4 characters or more; asked for where it is not given.")
@cluster_option
@database_option
def create_user(username: str, role: str, password: str | None, cluster: str | None, database: str | None) -> None:
    """Create a user."""
    secret = password if password is not None else _ask_password()
    run(database, lambda accounts: accounts.create_user(username, role, secret), create=True, cluster=cluster)
    click.echo(f"created {username} ({role})", err=True)


@user_group.command("list")
@database_option
def list_users(database: str | None) -> None:
    """List the users: id, role, name."""
    for row in read(database, lambda accounts: accounts.list_users()):
        echo_row(row["id"], row["role"], row["username"])


@user_group.command("role")
@click.argument("username")
@click.argument("role", type=_ROLE)
@cluster_option
@database_option
def change_role(username: str, role: str, cluster: str | None, database: str | None) -> None:
    """Change a user's role; the user's sessions end."""
    run(database, lambda accounts: accounts.set_role(username, role), cluster=cluster)
    click.echo(f"{username} is now {role}; open sessions have ended", err=True)


@user_group.command("password")
@click.argument("username")
@click.option("--password", help="The new one; asked for where it is not given.")
@cluster_option
@database_option
def change_password(username: str, password: str | None, cluster: str | None, database: str | None) -> None:
    """Change a user's password or PIN; the user's sessions end."""
    secret = password if password is not None else _ask_password()
    run(database, lambda accounts: accounts.set_password(username, secret), cluster=cluster)
    click.echo(f"changed the password of {username}; open sessions have ended", err=True)


@user_group.command("delete")
@click.argument("username")
@cluster_option
@database_option
def delete_user(username: str, cluster: str | None, database: str | None) -> None:
    """Delete a user; the user's sessions end."""
    run(database, lambda accounts: accounts.delete_user(username), cluster=cluster)
    click.echo(f"deleted {username}", err=True)


def _ask_password() -> str:
    """Asks a person twice, and reads the one line that a script pipes in."""
    if sys.stdin.isatty():
        return str(click.prompt("Password or PIN", hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("no password: give --password, or pipe it in")
    return line


def echo_row(*fields: object) -> None:
    """Prints a line of a list, its fields between tabs. A name of an older version may have in it what a terminal
    obeys."""
    click.echo("\t".join(escaped(str(field)) for field in fields))


@click.group("token")
def token_group() -> None:
    """API tokens, for the POS back end."""


@token_group.command("create")
@click.argument("name", type=NewName(TOKEN_PUNCTUATION))
@click.option("--role", type=_ROLE, default="manager", show_default=True, help="What the token may do.")
@cluster_option
@database_option
def create_token(name: str, role: str, cluster: str | None, database: str | None) -> None:
    """Create a token and print it, this once: its hash is stored."""
    click.echo(run(database, lambda accounts: accounts.create_token(name, role), create=True, cluster=cluster))


@token_group.command("list")
@database_option
def list_tokens(database: str | None) -> None:
    """List the tokens: role, name, when it was made."""
    for row in read(database, lambda accounts: accounts.list_tokens()):
        echo_row(row["role"], row["name"], _local(row["created_ms"]))


@token_group.command("revoke")
@click.argument("name")
@cluster_option
@database_option
def revoke_token(name: str, cluster: str | None, database: str | None) -> None:
    """Revoke a token; what it has open ends."""
    run(database, lambda accounts: accounts.revoke_token(name), cluster=cluster)
    click.echo(f"revoked {name}", err=True)


@click.group("session")
def session_group() -> None:
    """Who is signed in."""


@session_group.command("list")
@database_option
def list_sessions(database: str | None) -> None:
    """List the sessions: id, role, name, address, since, until."""
    for row in read(database, lambda accounts: accounts.list_sessions()):
        since, until = _local(row["created_ms"]), _local(row["expires_ms"])
        echo_row(row["id"], row["role"], row["username"], row["address"], since, until)


@session_group.command("revoke")
@click.argument("session_id", metavar="ID", type=SessionId(1, 2**63 - 1))
@cluster_option
@database_option
def revoke_session(session_id: int, cluster: str | None, database: str | None) -> None:
    """End a session; its streams end with it."""
    run(database, lambda accounts: accounts.revoke_session(session_id), cluster=cluster)
    click.echo(f"revoked session {session_id}", err=True)


def _local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(timespec="seconds")
