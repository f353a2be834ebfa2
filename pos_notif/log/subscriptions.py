"""Which client follows which order, in memory; the database has it too (table `subscriptions`).

A subscription belongs to a client (a tab's UUID) of a session or token, and acts on that client's streams, polls and
sockets; one without a client belongs to its socket and is kept nowhere else. It matches events after the id at which it
began. The log's writer records it, and it is in force here before any event after that id is handed on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..principal import Owner

MAX_SUBSCRIPTIONS = 100
# Of a session or token. Tabs come and go, and a token's subscriptions end with it alone: at the limit those of orders
# that have been over for a day are given up.
MAX_CLIENTS = 500
OVER_MS = 24 * 3600 * 1000


def client_name(text: Any) -> str | None:
    """Reads the `cliente` that somebody sent, a tab's UUID. Returns None for a malformed one, which is ignored."""
    try:
        return str(uuid.UUID(text))
    except (AttributeError, TypeError, ValueError):
        return None


class Followed:
    """The orders that one client or socket follows: each with the id after which its events match."""

    __slots__ = ("listeners", "orders")

    def __init__(self) -> None:
        self.orders: Mapping[int, int] = {}
        self.listeners: set[Callable[[], None]] = set()

    def change(self, orders: Mapping[int, int]) -> None:
        """Replaces what is followed, and tells the listeners. The mapping is never altered: readers keep the one that
        they began to read with."""
        self.orders = orders
        for call in list(self.listeners):
            call()

    def add(self, order_id: int, after: int) -> None:
        """Adds an order; one that is followed already keeps its start."""
        if order_id not in self.orders:
            self.change({**self.orders, order_id: after})

    def discard(self, order_id: int) -> None:
        if order_id in self.orders:
            self.change({other: after for other, after in self.orders.items() if other != order_id})


NOTHING = Followed()
"""This is what a client follows that follows no order."""


class Subscriptions:
    """The subscriptions of all clients."""

    def __init__(self) -> None:
        self._of: dict[Owner, Followed] = {}

    def of(self, owner: Owner) -> Followed:
        """Returns what one read goes by; who reads on uses `followed`."""
        return self._of.get(owner) or NOTHING

    @contextmanager
    def followed(
        self, owner: Owner | None, listener: Callable[[], None] | None = None
    ) -> Iterator[tuple[Followed, ...]]:
        """Yields what a reader follows, for as long as it reads; it stays true to what changes meanwhile. `listener()`
        is called after each change."""
        if owner is None:
            yield ()
            return
        call = listener or (lambda: None)
        try:
            yield (self.attach(owner, call),)
        finally:
            self.detach(owner, call)

    def attach(self, owner: Owner, listener: Callable[[], None]) -> Followed:
        """Returns what the owner follows. `listener()` is called after each change, until it is detached."""
        followed = self._of.get(owner)
        if followed is None:
            followed = self._of[owner] = Followed()
        followed.listeners.add(listener)
        return followed

    def detach(self, owner: Owner, listener: Callable[[], None]) -> None:
        followed = self._of.get(owner)
        if followed is not None:
            followed.listeners.discard(listener)
            self._drop_empty(owner, followed)

    def add(self, owner: Owner, order_id: int, after: int) -> None:
        self._of.setdefault(owner, Followed()).add(order_id, after)

    def discard(self, owner: Owner, order_id: int) -> None:
        followed = self._of.get(owner)
        if followed is not None:
            followed.discard(order_id)
            self._drop_empty(owner, followed)

    def owners(self) -> set[Owner]:
        return set(self._of)

    def end(self, owners: Iterable[Owner]) -> None:
        """Drops what these owners follow: their session or token is no more, and the database has dropped theirs with
        it."""
        for owner in owners:
            followed = self._of.get(owner)
            if followed is not None:
                followed.change({})
                self._drop_empty(owner, followed)

    def load(self, rows: Iterable[tuple[Owner, int, int]]) -> None:
        """Puts what the database has, each `(owner, order, start)`, in the place of what is known."""
        found: dict[Owner, dict[int, int]] = {}
        for owner, order_id, after in rows:
            found.setdefault(owner, {})[order_id] = after
        for owner, followed in list(self._of.items()):
            orders = found.pop(owner, {})
            if followed.orders != orders:
                followed.change(orders)
            self._drop_empty(owner, followed)
        for owner, orders in found.items():
            self._of[owner] = Followed()
            self._of[owner].orders = orders

    def _drop_empty(self, owner: Owner, followed: Followed) -> None:
        if not followed.orders and not followed.listeners:
            self._of.pop(owner, None)
