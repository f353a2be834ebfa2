"""The demo's database: never one with a restaurant's real log, and with the demo's people in it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from ..accounts import Accounts
from ..clock import system_clock
from ..database import Database
from ..errors import BadCredentials, LogRefused
from .board import PEOPLE, Person

# The token's name is also what marks a database as the demo's.
TOKEN_NAME = "simulador (pos-notif demo)"  # noqa: S105 - a name
FIRST_NUMBER = 101
_FIRST_OWN_ID = 1_000_000_000  # ids from here on are the service's (docs/protocol.md, section 9)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`first_number`: above every order that the log has had."""

    crew: tuple[Person, ...]
    token: str
    first_number: int


def refuse_foreign(path: str) -> None:
    """Raises LogRefused unless the file is new, empty, or the demo's own. Reads only: a real log stays untouched,
    and is not migrated either."""
    file = Path(path)
    if not file.is_file() or file.stat().st_size == 0:
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            users = [row[0] for row in database.execute("SELECT username FROM users ORDER BY id")]
            tokens = [row[0] for row in database.execute("SELECT name FROM tokens")]
            has_events = database.execute("SELECT head_id FROM log").fetchone()[0] > 0
    except (sqlite3.Error, TypeError) as error:
        raise LogRefused(f"{path}: cannot be used for the demo ({error})") from error
    foreign = sorted(set(users) - {person.username for person in PEOPLE})
    if not foreign and (TOKEN_NAME in tokens or not (users or tokens or has_events)):
        return
    found = (
        f"users that the demo did not make ({', '.join(foreign[:3])})"
        if foreign
        else "a log that the demo did not make"
    )
    raise LogRefused(f"{path}: has {found}; the demo never mixes with a real log: name a new file, or none")


async def prepare(path: str | os.PathLike[str]) -> Prepared:
    """Makes the file where it is not there, and the demo's people and a fresh token in it. PINs and roles are set
    back to those that are shown; whoever is still signed in stays so."""
    database = await Database.open(path)
    accounts = Accounts(database, system_clock)
    try:
        # The token comes first: it marks the file as the demo's.
        if any(token["name"] == TOKEN_NAME for token in await accounts.list_tokens()):
            await accounts.revoke_token(TOKEN_NAME)
        token = await accounts.create_token(TOKEN_NAME)
        crew = await _hire(accounts)
        newest = await database.read(
            lambda db: db.execute("SELECT max(id) FROM orders WHERE id < ?", (_FIRST_OWN_ID,)).fetchone()[0]
        )
    finally:
        accounts.close()
        await database.close()
    return Prepared(crew, token, max(FIRST_NUMBER, (newest or 0) + 1))


async def _hire(accounts: Accounts) -> tuple[Person, ...]:
    known = {user["username"]: user for user in await accounts.list_users()}
    for person in PEOPLE:
        user = known.get(person.username)
        if user is None:
            await accounts.create_user(person.username, person.role, person.pin)
            continue
        if user["role"] != person.role:
            await accounts.set_role(person.username, person.role)
        try:
            signed_in, _ = await accounts.login(person.username, person.pin, "pos-notif demo")
            await accounts.logout(signed_in)
        except BadCredentials:
            await accounts.set_password(person.username, person.pin)
    ids = {user["username"]: user["id"] for user in await accounts.list_users()}
    return tuple(replace(person, user_id=ids[person.username]) for person in PEOPLE)
