"""What is open and belongs to somebody: streams, sockets, downloads and polls that wait. They are counted, and end with
their session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ..accounts.accounts import Accounts
from ..errors import LogUnavailable
from ..log.subscriptions import Subscriptions
from ..principal import Principal
from .presence import Directory

RESTART = "reinicio"
SESSION_ENDED = "sesion_terminada"
MAX_STRANGERS = 500
# Between two checks of everybody: each stream that opens asks for one, and a thousand may open at once.
VERIFY_PAUSE_SECONDS = 0.1


class Connection(Protocol):
    """What a client has open: a stream, a socket, a download or a poll that waits."""

    @property
    def principal(self) -> Principal | None:
        """Returns whose it is; None while nobody has signed in on it."""

    def end(self, reason: str) -> None:
        """Ends the connection soon, after telling the client why."""


@dataclass(slots=True)
class Connections:
    """All that is open: at most `limit` streams and sockets that belong to somebody (0: no limit), and MAX_STRANGERS
    others. What ended sessions followed is forgotten, and so is that they were here."""

    accounts: Accounts
    limit: int
    subscriptions: Subscriptions
    directory: Directory
    open: set[Connection] = field(default_factory=set)
    strangers: set[Connection] = field(default_factory=set)  # who has not signed in yet
    downloads: set[Connection] = field(default_factory=set)  # few, by a limit of their own
    polls: set[Connection] = field(default_factory=set)  # that wait for an event
    closing: bool = False
    elsewhere: int = 0  # open at the other processes of the service, as far as they have told
    _verifying: asyncio.Task[None] | None = None
    _verify_again: bool = False

    @property
    def full(self) -> bool:
        return bool(self.limit) and len(self.open) + self.elsewhere >= self.limit

    @property
    def crowded(self) -> bool:
        """Tells whether too many are open that nobody has signed in on."""
        return len(self.strangers) >= MAX_STRANGERS

    def end_all(self, reason: str) -> None:
        """Ends all that is open. Streams and sockets that come later end at once."""
        self.closing = True
        for connection in (*self.open, *self.strangers, *self.downloads, *self.polls):
            connection.end(reason)

    @contextmanager
    def waiting(self, poll: Connection) -> Iterator[None]:
        """Has a poll among what ends with its session, while it waits."""
        self.polls.add(poll)
        self.verify()  # the session may have ended since the request was let in
        try:
            yield
        finally:
            self.polls.discard(poll)

    def verify(self) -> None:
        """Ends the connections and the subscriptions whose session or token is no more; soon, and by one query however
        many they are."""
        self._verify_again = True
        if self._verifying is None or self._verifying.done():
            self._verifying = asyncio.get_running_loop().create_task(self._verify(), name="verify-connections")

    async def _verify(self) -> None:
        while self._verify_again:
            self._verify_again = False
            # Before the answer, which knows nothing of who comes later.
            everybody = (*self.open, *self.downloads, *self.polls)
            asked_for = [(connection, connection.principal) for connection in everybody]
            followers, people = self.subscriptions.owners(), self.directory.people()
            try:
                living = await self.accounts.living()
            except LogUnavailable:
                return  # the watch asks again after the next commit; nobody can be revoked meanwhile
            ended = [each for each, who in asked_for if who is not None and (who.kind, who.id, who.role) not in living]
            if ended:  # another process may have ended them, of which this one has not heard yet
                self.accounts.forget_known()
            for connection in ended:
                connection.end(SESSION_ENDED)
            known = {(kind, identity) for kind, identity, _ in living}
            self.subscriptions.end(owner for owner in followers if (owner.kind, owner.id) not in known)
            # A tablet whose session ran out by itself is missed all the same.
            gone = (who for who in people if (who.kind, who.id, who.role) not in living)
            self.directory.end({who for who in gone if not self._ran_out(who)})
            if self._verify_again and not self.closing:
                await asyncio.sleep(VERIFY_PAUSE_SECONDS)

    def _ran_out(self, who: Principal) -> bool:
        return who.expires_ms is not None and who.expires_ms <= self.directory.clocks.steady()

    async def close(self) -> None:
        if self._verifying is not None:
            await self._verifying
