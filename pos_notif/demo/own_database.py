"""The demo's database: never one with a restaurant's real log, and with the demo's people in it."""

from __future__ import annotations

import os
from pathlib import Path

from ..accounts.accounts import Accounts
from ..accounts.holders import read_holders
from ..database.paths import is_file
from ..errors import BadCredentials, LogRefused
from ..events import MANAGER
from ..notifier import NotificadorPedidos
from ..orders.requests import NewProductBody, parse_request
from ..publishing.menu import add_product
from .menu import MENU
from .people import PEOPLE

# The token's name is also what marks a database as the demo's.
TOKEN_NAME = "simulador (pos-notif demo)"  # noqa: S105 - a name


def refuse_foreign(path: str) -> None:
    """Raises LogRefused unless the file is new, empty, or the demo's own. It only reads: a real log stays untouched,
    and is not migrated either."""
    file = Path(path)
    if not is_file(file) or file.stat().st_size == 0:
        return
    try:
        found = read_holders(file)
    except LogRefused as error:
        raise LogRefused(f"{path}: cannot be used for the demo ({error})") from error
    foreign = sorted(set(found.users) - {person.username for person in PEOPLE})
    if not foreign and (TOKEN_NAME in found.tokens or not (found.users or found.tokens or found.has_events)):
        return
    holders = (
        f"users that the demo did not make ({', '.join(foreign[:3])})"
        if foreign
        else "a log that the demo did not make"
    )
    raise LogRefused(f"{path}: has {holders}; the demo never mixes with a real log: name a new file, or none")


async def prepare(path: str | os.PathLike[str]) -> str:
    """Makes the file where it is not there, and the demo's people, its menu and a fresh token in it. Returns the token.
    PINs and roles are set back to those that are shown; whoever is still signed in stays so, and what was done to the
    menu stays too."""
    async with NotificadorPedidos(database=str(path)) as notifier:
        accounts = Accounts(notifier.log.database, notifier.log.clocks)
        try:
            # The token comes first: it marks the file as the demo's.
            if any(token["name"] == TOKEN_NAME for token in await accounts.list_tokens()):
                await accounts.revoke_token(TOKEN_NAME)
            token = await accounts.create_token(TOKEN_NAME)
            await _hire(accounts)
            await _write_menu(notifier, accounts)
        finally:
            accounts.close()
    return token


async def _hire(accounts: Accounts) -> None:
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


async def _write_menu(notifier: NotificadorPedidos, accounts: Accounts) -> None:
    known = {product.name for product in await notifier.log.store.products()}
    manager = next(person for person in PEOPLE if person.role == MANAGER)
    signed_in, _ = await accounts.login(manager.username, manager.pin, "pos-notif demo")
    for dish in MENU:
        if dish.name not in known:
            await add_product(notifier.publishing, signed_in, parse_request(NewProductBody, dish.product))
    await accounts.logout(signed_in)
