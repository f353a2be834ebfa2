"""`pos-notif push`: the key pair, the phones that are rung, and a test to a person's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import click

from ..accounts.accounts import Accounts, username_key
from ..clock import Clocks
from ..cluster.bystander import only_reading
from ..cluster.node import replication_of
from ..config import Config, from_environment
from ..database.replication import Replication
from ..database.threads import Database
from ..errors import CommandFailed, ConfigurationError
from ..push.devices import Device, service_name
from ..push.extra import check_installed
from ..push.store import PushStore
from ..push.telling import TEST
from ..push_settings import NTFY, WAYS, WEBPUSH
from .accounts import cluster_option, database_option, echo_row


@click.group("push")
def push_group() -> None:
    """Phones that are rung with the browser closed."""


@push_group.command("keys")
@database_option
@cluster_option
def keys(database: str | None, cluster: str | None) -> None:
    """Print the public key by which browsers subscribe.

    The pair is made where there is none. It stays with the log, in backups too: another one would end every
    subscription.
    """
    check_installed()
    from ..push.webpush_codec import encode_key

    config = from_environment(database=database, cluster=cluster)
    _, public = _run(config, replication_of(config), lambda store: store.keys())
    click.echo(encode_key(public))


@push_group.command("list")
@database_option
def list_devices(database: str | None) -> None:
    """List the phones that are rung.

    A line has id, role, name, push service, since, when something was last taken, and the last error.
    """
    config = from_environment(database=database)
    for device in _run(config, only_reading(config.database), lambda store: store.listed()):
        shown = [
            "-" if device.subscription_id is None else device.subscription_id, device.role, device.username,
            device.service, _local(device.created_ms), _local(device.sent_ms), device.error or "-",
        ]  # fmt: skip
        echo_row(*shown)


@push_group.command("test")
@click.argument("username", metavar="USER")
@database_option
def test(username: str, database: str | None) -> None:
    """Send a test to a person's phones, and say what came back."""
    config = from_environment(database=database)
    if not config.push_ways:
        raise ConfigurationError(
            "POS_NOTIF_PUSH: names no way to ring a phone: webpush (not with POS_NOTIF_PWA=false), ntfy"
        )
    check_installed()
    answers = _run(config, only_reading(config.database), lambda store: _test(config, store, username))
    if not answers:
        raise CommandFailed(f"{username} has no phone that is rung, or is signed in nowhere")
    for service, status in answers:
        echo_row(service, "no answer" if status is None else status)
    if not all(status is not None and status < 300 for _, status in answers):
        raise CommandFailed("not every phone was rung")


async def _test(config: Config, store: PushStore, username: str) -> list[tuple[str, int | None]]:
    from ..push.posting import Posting
    from ..push.webpush_codec import Signer

    async def signer() -> Signer:
        found = await store.kept_keys()
        if found is None:
            raise CommandFailed("there is no key pair yet (pos-notif push keys)")
        return Signer(found[0], config.push_contact)

    key = username_key(username)
    people = {person.user_id for person in await store.people() if person.name_key == key}
    if not people:
        raise CommandFailed(f"there is no user {username}")
    posting = Posting(Clocks(), config.ntfy_url, config.ntfy_token, signer)
    try:
        return [
            (_service(device), (await posting.post(device, TEST, TEST.ttl_seconds)).status)
            for device in await store.devices()
            if device.user_id in people
        ]
    finally:
        await posting.close()


def _service(device: Device) -> str:
    return service_name(device.address) if device.via == WEBPUSH else NTFY


def _run(config: Config, replication: Replication | None, work: Callable[[PushStore], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        opened = await Database.open(config.database, create=False, replication=replication)
        accounts = Accounts(opened, Clocks())
        try:
            return await work(PushStore(opened, accounts, Clocks(), config.push_ways or WAYS, config.push_hosts))
        finally:
            accounts.close()
            await opened.close()

    return asyncio.run(main())


def _local(ms: int | None) -> str:
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000).astimezone().isoformat(timespec="seconds")
