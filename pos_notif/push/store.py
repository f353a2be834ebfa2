"""What is stored of phones, for the event loop: whole transactions in the database's threads."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

from ..accounts.accounts import Accounts
from ..clock import Clocks
from ..database.threads import Database
from ..errors import LogUnavailable
from ..log.tables.signed_in import check_signed_in
from ..principal import Principal
from ..push_settings import WEBPUSH
from . import tables
from .addresses import endpoint_problem
from .devices import Device
from .tables import Change, Listed, Subscription
from .telling import Person

logger = logging.getLogger("pos_notif")

T = TypeVar("T")

WRITE_RETRY_SECONDS = 1.0
# Letters and digits: 142 bits that nobody guesses.
_TOPIC_LENGTH = 24
_TOPIC_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Audience(NamedTuple):
    """Who could be told now: all users, what may be rung, and who has seen the event on a page."""

    people: list[Person]
    devices: list[Device]
    seen: set[int]


class PushStore:
    """`ways` and `hosts` are those of the settings: what they name no more is rung no more. Close it after whoever
    saves by it."""

    def __init__(
        self, database: Database, accounts: Accounts, clocks: Clocks, ways: Collection[str], hosts: Collection[str]
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._clocks = clocks
        self.ways = tuple(ways)
        self._hosts = tuple(hosts)
        self._changes: list[tuple[Change, asyncio.Future[None]]] = []
        self._saving: asyncio.Task[None] | None = None
        self._keys: tuple[bytes, bytes] | None = None

    async def close(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)

    async def keys(self) -> tuple[bytes, bytes]:
        """Returns the private and the public key, which are made where there are none yet. Raises LogUnavailable."""
        if self._keys is None:
            from .webpush_codec import new_keys

            found = await self.kept_keys()
            if found is None:
                made = await asyncio.to_thread(new_keys)
                now = self._clocks.wall()
                found = await self._database.write(lambda db: tables.keep_keys(db, *made, now))
            self._keys = found
        return self._keys

    async def kept_keys(self) -> tuple[bytes, bytes] | None:
        """Returns the private and the public key, or None where none were made yet."""
        return await self._database.read(tables.read_keys)

    async def topic(self, who: Principal, user_id: int, origin: str) -> str:
        """Returns the user's topic, which is made where there is none yet. `origin` is where the pages are. Raises
        NotAuthenticated."""
        found = await self._database.read(lambda db: tables.read_topic(db, user_id))
        if found is not None and found[1] == origin:
            return found[0]
        new, now = "".join(secrets.choice(_TOPIC_ALPHABET) for _ in range(_TOPIC_LENGTH)), self._clocks.wall()
        return await self._write_for(who, lambda db: tables.keep_topic(db, user_id, new, origin, now))

    async def subscribe(self, who: Principal, wanted: Subscription) -> tuple[int, bool]:
        """Returns the subscription's id, and whether it is new. Raises NotAuthenticated, TooManySubscriptions or
        LogUnavailable."""
        now = self._clocks.wall()
        return await self._write_for(who, lambda db: tables.save_subscription(db, who.id, wanted, now))

    async def unsubscribe(self, who: Principal, endpoint: str) -> None:
        """Forgets the session's subscription, where it has that one. Raises NotAuthenticated or LogUnavailable."""
        await self._write_for(who, lambda db: tables.delete_subscription(db, who.id, endpoint))

    async def note_seen(self, who: Principal, user_id: int, event_ids: Collection[int]) -> int:
        """Notes what the user has seen on a page, and returns how much of it phones might still have been rung for.
        Raises NotAuthenticated or LogUnavailable."""
        return await self._write_for(who, lambda db: tables.save_seen(db, user_id, event_ids))

    async def _write_for(self, who: Principal, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does a person's `work`, unless their session has ended since they were let in."""

        def checked(db: sqlite3.Connection) -> T:
            check_signed_in(db, who, self._clocks.steady())
            return work(db)

        return await self._database.write(checked)

    async def listed(self) -> list[Listed]:
        living = await self._living()
        return await self._database.read(lambda db: tables.list_devices(db, self.ways, living, self._may_be_called))

    async def devices(self, session_id: int | None = None) -> list[Device]:
        """Returns what may be rung, all of it or one session's."""
        living = await self._living()
        sessions = None if session_id is None else [session_id]
        return await self._database.read(lambda db: self._rung(tables.read_devices(db, self.ways, living, sessions)))

    async def audience(self, event_id: int) -> Audience:
        """Returns who could be told of an event now. Raises LogUnavailable."""
        living = await self._living()

        def work(db: sqlite3.Connection) -> Audience:
            devices = self._rung(tables.read_devices(db, self.ways, living))
            return Audience(tables.read_people(db, living), devices, tables.read_seen(db, event_id))

        return await self._database.read(work)

    async def people(self) -> list[Person]:
        """Returns all users."""
        living = await self._living()
        return await self._database.read(lambda db: tables.read_people(db, living))

    async def orders(self, order_ids: Collection[int]) -> dict[int, dict[str, Any]]:
        return await self._database.read(lambda db: tables.read_orders(db, order_ids)) if order_ids else {}

    async def cursor(self) -> int | None:
        return await self._database.read(tables.read_cursor)

    async def save_cursor(self, event_id: int) -> None:
        await self._database.write(lambda db: tables.save_cursor(db, event_id))

    async def current(self, device: Device) -> Device | None:
        """Returns the device as it is now, or None where its session is over. Waits until that can be read."""
        while True:
            try:
                return next((each for each in await self.devices() if each.key == device.key), None)
            except LogUnavailable:
                await asyncio.sleep(WRITE_RETRY_SECONDS)

    async def save(self, change: Change) -> None:
        """Notes what has come of a message, together with what others save meanwhile: one commit for all. Waits until
        it can be written, since without it the same would be sent again."""
        done = asyncio.get_running_loop().create_future()
        self._changes.append((change, done))
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save_all(), name="push-save")
        await done

    async def _save_all(self) -> None:
        told = False
        while self._changes:
            batch = [change for change, _ in self._changes]
            try:
                await self._database.write(lambda db, batch=batch: tables.save_changes(db, batch))  # type: ignore[misc]
            except LogUnavailable as error:
                if not told:
                    logger.warning("phones' notifications wait: the log cannot be written: %s", error.reason)
                    told = True
                await asyncio.sleep(WRITE_RETRY_SECONDS)
                continue
            written, self._changes = self._changes[: len(batch)], self._changes[len(batch) :]
            for _, done in written:
                if not done.done():
                    done.set_result(None)

    def _may_be_called(self, endpoint: str) -> bool:
        """Tells whether the settings allow it still: the operator may have taken its host out since it was stored."""
        return endpoint_problem(endpoint, self._hosts) is None

    def _rung(self, devices: list[Device]) -> list[Device]:
        return [device for device in devices if device.via != WEBPUSH or self._may_be_called(device.address)]

    async def _living(self) -> dict[int, str]:
        """Returns the sessions that are good now, with their roles."""
        found = await self._accounts.living()
        return {identity: role for kind, identity, role in found if kind == "session"}
