"""What everything above the log knows of it: cursors, events, pages, and what a transaction can do."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from ..clock import Instant, SteadyMs, WallMs
from ..events import EVENT_NAME
from ..orders.menu import Product
from ..orders.state import Order, SteadyOrder
from ..orders.waiting import Dish
from ..principal import Owner, Principal

T = TypeVar("T")

# Orders that one alert of a dish names.
MOST_AFFECTED = 100

# A reader of no room has only what it follows.
NO_ROOM = ""
NO_ORDERS: Mapping[int, int] = MappingProxyType({})

_CURSOR = re.compile(r"([0-9a-z]{1,32})-(0|[1-9][0-9]{0,29})", re.ASCII)
_SALAS = b',"salas":['


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to `id` of the log `epoch` has been considered for a reader."""

    epoch: str
    id: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """Reads a cursor. Returns None for a text that is no cursor of any log."""
        match = _CURSOR.fullmatch(text) if len(text) <= 64 else None
        return cls(match[1], int(match[2])) if match else None


def without_rooms(stored: bytes) -> bytes:
    """Returns the event's JSON without `salas`, as every transport but the download sends it."""
    return stored[: stored.rindex(_SALAS)] + b"}"


class LoggedEvent:
    """An event as every transport needs it; `json` is the stored bytes without `salas`."""

    __slots__ = ("filtered_rooms", "id", "json", "kitchen_json", "ms", "order_id", "tipo")

    def __init__(
        self,
        event_id: int,
        ms: int,
        tipo: str,
        filtered_rooms: frozenset[str],
        stored: bytes,
        order_id: int | None = None,
    ) -> None:
        self.id = event_id
        self.ms = ms
        self.tipo = tipo
        self.filtered_rooms = filtered_rooms
        self.order_id = order_id
        self.json = without_rooms(stored)
        self.kitchen_json: bytes | None = None

    @property
    def name(self) -> str:
        """Returns the event's name on SSE and Socket.IO."""
        return EVENT_NAME[self.tipo]


@dataclass(frozen=True, slots=True)
class Page:
    """Events of one room, oldest first, and the id up to which the log has been examined for it.

    `more` says that the page was cut at its limit, and that events of the room may follow it.
    """

    events: Sequence[LoggedEvent]
    examined: int
    more: bool


class Bounds(NamedTuple):
    """What the log `epoch` holds: the ids from `oldest` to `newest`. An empty one has `oldest` above `newest`."""

    epoch: str
    oldest: int
    newest: int

    def cursor(self, event_id: int | None = None) -> str:
        return f"{self.epoch}-{self.newest if event_id is None else event_id}"


class Pruned(Exception):
    """The reader's place is no longer in the log."""


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """An event that no kitchen screen has acknowledged, with the time of its append by both clocks."""

    event_id: int
    order_id: int
    ms: WallMs
    steady: SteadyMs


class Transaction(Protocol):
    """One publication's view of the log while it is being written. What it appends is kept whole or not at all."""

    def next_id(self) -> int: ...

    def newest_ms(self) -> int:
        """Returns when the newest event was appended where other machines append too; 0 where this one alone does, and
        its clock says all."""

    def check_signed_in(self, who: Principal, now: SteadyMs) -> None:
        """Raises NotAuthenticated where the session or token has ended, or has another role by now."""

    def order(self, order_id: int) -> Order | None: ...

    def look_ahead(self, order_ids: Collection[int]) -> None:
        """Finds at once which of these orders nobody has heard of: each will be asked for, and most are new."""

    def steady(self, order: Order, at: Instant) -> SteadyOrder:
        """Returns the order with its times by the steady clock: for what is decided by how long ago something was. `at`
        is now."""

    def seconds_since(self, event: LoggedEvent, at: Instant) -> int:
        """Returns how many whole seconds before `at` the event was appended, however the clock was set since."""

    def event(self, event_id: int) -> LoggedEvent | None:
        """Returns the event, or None where its id was never given or it is no longer kept."""

    def unacknowledged(self, after: int, up_to: int, since: SteadyMs) -> list[Unacknowledged]:
        """Returns the events of the kitchen's new and cancelled orders in `(after, up_to]`, appended since `since`,
        that no kitchen screen has acknowledged, oldest first."""

    def last_own_order_id(self) -> int:
        """Returns the greatest id that the service has given to an order; below FIRST_OWN_ORDER_ID where it has given
        none."""

    def ready_lines(self, order_id: int) -> Sequence[int] | None:
        """Returns the lines that became ready when the order last did; None where its events do not say."""

    def waiting_for(self, dishes: Set[Dish], since: SteadyMs) -> list[int]:
        """Returns the open orders with a pending line that names its dish in one of these ways and an event since then:
        the first MOST_AFFECTED of which the log heard. `since` is the same in all of a transaction."""

    def last_number(self, day: date, zone: tzinfo) -> int:
        """Returns the last number of this business day's series that orders placed here have, or may have had before
        the log was pruned or restored; 0 where there is none."""

    def events_of(self, order_id: int) -> Iterator[tuple[dict[str, Any], SteadyMs]]:
        """Yields the events by which the order became what it is, the newest first, each with its time."""

    def product(self, product_id: int) -> Product | None: ...

    def product_of_pos(self, pos_id: int) -> Product | None:
        """Returns the dish that the POS calls so, or None."""

    def products(self) -> list[Product]:
        """Returns the whole menu, what is hidden too."""

    def user(self, user_id: int) -> dict[str, Any] | None:
        """Returns a user as an `actor`: id, name and role."""

    def last_product_id(self) -> int: ...

    def save_product(self, product: Product) -> None: ...

    def append(
        self,
        event: dict[str, Any],
        filtered_rooms: set[str],
        at: Instant,
        order: Order | None,
        order_json: bytes | None = None,
        order_size: int | None = None,
    ) -> int:
        """Appends an event that is complete but for `salas`, and returns its id; `order` is its order after it. As JSON
        that one's `pedido` is `order_json` and has `order_size` bytes, where the caller knows."""

    def appended(self) -> list[str]:
        """Returns the JSON of each event that this publication has appended, as it is stored, with `salas`."""

    def changed_orders(self) -> list[Order]:
        """Returns the orders of those events as they are after them, in the order in which they were first changed."""

    def size(self) -> int:
        """Returns how many bytes the events have that this publication has appended, as JSON."""

    def order_size(self, order_id: int) -> int | None:
        """Returns how many bytes the order has as JSON, at most, where that was told with its last event and is not
        written yet; else None."""

    def largest_order(self) -> int:
        """Returns how many bytes the largest of the orders has that this publication has changed, as JSON."""

    def find_key(self, publisher: str, route: str, key: str) -> tuple[bytes, list[int]] | None:
        """Returns the digest and the ids that were published under the key, or None."""

    def keep_key(self, publisher: str, route: str, key: str, digest: bytes, event_ids: list[int]) -> None: ...

    def last_said(self, order_id: int, publisher: str) -> dict[str, Any]:
        """Returns what the publisher has said last of the order's table, guest and waiter."""

    def keep_said(self, order_id: int, publisher: str, said: dict[str, Any]) -> None: ...

    def orders_since(self, after: int) -> set[int]:
        """Returns the orders that events above `after` are about."""

    def order_at(self, order_id: int, up_to: int) -> Order | None:
        """Returns the order as it stood after the event `up_to`, which is durable."""

    def oldest(self) -> int:
        """Returns the oldest kept id."""

    def leader(self) -> tuple[str | None, int]:
        """Returns which process of a cluster leads, and in which term."""

    def begin_after(self, up_to: int, anchor_hash: str) -> None:
        """Makes the log begin after this event. A publication does it last: it is not taken back where that fails."""

    def follow(self, owner: Owner, order_id: int, now: SteadyMs) -> list[tuple[Owner, int]]:
        """Makes the owner follow the order from the next event on, unless it does already. Returns the subscriptions
        that are given up for it, those of orders that are long over. Raises TooManySubscriptions."""

    def unfollow(self, owner: Owner, order_id: int) -> None: ...

    def on_commit(self, call: Callable[[], None]) -> None:
        """Has `call()` made in the loop once all this is durable, before any event after it is handed on."""
