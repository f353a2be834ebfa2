"""A publication while it is being written: its rows, on top of its group's, on top of the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, tzinfo
from heapq import merge
from itertools import chain as chain_events
from operator import itemgetter
from typing import Any

from ..clock import Instant, SteadyMs
from ..database.leader import read_leader
from ..database.literals import literals
from ..database.stored_times import StoredTimes
from ..errors import TooManySubscriptions
from ..events import KITCHEN, OPEN, ORDER_TYPES, OVER, READY, RECEIPT, STATE_CHANGE, TILLS, WAITERS
from ..orders.menu import Product
from ..orders.numbers import FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID, RESTORED_GAP, is_own, last_of
from ..orders.routing import all_rooms
from ..orders.state import Order, SteadyOrder
from ..orders.waiting import Dish, dishes_to_make
from ..principal import Owner, Principal
from ..wire.json_text import Encoded, encode
from .event_log import MOST_AFFECTED, LoggedEvent, Unacknowledged
from .hash_chain import chain
from .subscriptions import MAX_CLIENTS, MAX_SUBSCRIPTIONS, OVER_MS
from .tables import menu
from .tables.alarms import unacknowledged
from .tables.events import EVENT_COLUMNS, event_of, read_bounds
from .tables.fold import Fold
from .tables.given import last_given
from .tables.orders import (
    find_order,
    last_own_id,
    orders_by_dish,
    own_orders,
    pruned_number,
    steady_order,
    steady_time,
    unheard,
)
from .tables.said import find_said
from .tables.signed_in import check_signed_in


@dataclass(slots=True)
class Pending:
    """What a group is to write, or one publication on top of it."""

    head_id: int
    head_hash: str
    oldest: int | None = None  # where the log begins from now on, if that is being changed
    size: int = 0  # bytes of the events' JSON
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[LoggedEvent] = field(default_factory=list)
    # Each with its `pedido` as JSON, where an event has already needed that.
    orders: dict[int, tuple[Order, bytes | None]] = field(default_factory=dict)
    order_sizes: dict[int, int | None] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], tuple[bytes, list[int]]] = field(default_factory=dict)
    # What each publisher has said last of an order.
    said: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    # The id after which the owner follows the order; None: no more.
    follows: dict[tuple[Owner, int], int | None] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    on_commit: list[Callable[[], None]] = field(default_factory=list)
    # Whose session or token was found good: nobody can end one while the group is being written.
    signed_in: set[tuple[str, int, str]] = field(default_factory=set)

    def merge(self, other: Pending) -> None:
        self.head_id, self.head_hash = other.head_id, other.head_hash
        self.oldest = other.oldest or self.oldest
        self.size += other.size
        self.rows += other.rows
        self.events += other.events
        self.orders |= other.orders
        self.order_sizes |= other.order_sizes
        self.keys |= other.keys
        self.said |= other.said
        self.follows |= other.follows
        self.products |= other.products
        self.on_commit += other.on_commit


class SqliteTransaction:
    """Reads through its own rows, then the group's, then the database; writes only into its own."""

    def __init__(
        self, connection: sqlite3.Connection, group: Pending, times: StoredTimes, *, shared: bool = False
    ) -> None:
        """Begins with nothing of its own. `times` are those of the events. `shared` says that other machines append
        too, each by a clock of its own."""
        self._connection = connection
        self._shared = shared
        self._group = group
        self._times = times
        self.pending = Pending(group.head_id, group.head_hash)
        self._fold: Fold | None = None
        self._unheard: Set[int] = frozenset()
        # What is written does not change meanwhile, and an import of the menu asks of a thousand dishes.
        self._waiting: dict[Dish, list[tuple[int, int]]] | None = None

    def next_id(self) -> int:
        return self.pending.head_id + 1

    def newest_ms(self) -> int:
        if not self._shared:
            return 0
        for events in (self.pending.events, self._group.events):
            if events:
                return events[-1].ms
        row = self._connection.execute("SELECT ms FROM events ORDER BY id DESC LIMIT 1").fetchone()
        return int(row[0]) if row is not None else 0

    def check_signed_in(self, who: Principal, now: SteadyMs) -> None:
        name = (who.kind, who.id, who.role)
        if name in self._group.signed_in and (who.expires_ms is None or who.expires_ms > now):
            return
        check_signed_in(self._connection, who, now)
        self._group.signed_in.add(name)

    def order(self, order_id: int) -> Order | None:
        known = self.pending.orders.get(order_id) or self._group.orders.get(order_id)
        if known is not None:
            return known[0]
        return find_order(self._connection, order_id) if order_id not in self._unheard else None

    def look_ahead(self, order_ids: Collection[int]) -> None:
        self._unheard = unheard(self._connection, order_ids)

    def steady(self, order: Order, at: Instant) -> SteadyOrder:
        if not self._times.differ_where(at.set_by):
            return SteadyOrder(order)
        unwritten = self._unwritten(order.pedido["id"])
        return steady_order(self._connection, order, self._times, {event.ms: event.id for event in unwritten})

    def _unwritten(self, order_id: int) -> list[LoggedEvent]:
        return [event for event in (*self._group.events, *self.pending.events) if event.order_id == order_id]

    def seconds_since(self, event: LoggedEvent, at: Instant) -> int:
        return max(0, at.steady - self._times.steady(event.id, event.ms)) // 1000

    def last_own_order_id(self) -> int:
        own = range(FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID + 1)
        unwritten = [order_id for order_id in (*self._group.orders, *self.pending.orders) if order_id in own]
        return max(last_own_id(self._connection, own[0], own[-1]), *unwritten, 0)

    def waiting_for(self, dishes: Set[Dish], since: SteadyMs) -> list[int]:
        if self._waiting is None:
            self._waiting = orders_by_dish(self._connection, self._times.earliest(since))
        changed = {**self._group.orders, **self.pending.orders}
        found = {
            (order.first_event_id, order_id)
            for order_id, (order, _) in changed.items()
            if order.state in OPEN and not dishes.isdisjoint(dishes_to_make(order.pedido))
        }
        written = (waiting for dish in dishes for waiting in self._waiting.get(dish, ()))
        found.update((first, order_id) for first, order_id in written if order_id not in changed)
        return [order_id for _, order_id in sorted(found)[:MOST_AFFECTED]]

    def last_number(self, day: date, zone: tzinfo) -> int:
        changed = {**self._group.orders, **self.pending.orders}
        unwritten = [
            (order_id, order.pedido["numero"], order.pedido["timestamp"])
            for order_id, (order, _) in sorted(changed.items(), reverse=True)
            if is_own(order_id)
        ]
        written = own_orders(self._connection, FIRST_OWN_ORDER_ID, LAST_OWN_ORDER_ID)
        newest_first = merge(unwritten, written, key=itemgetter(0), reverse=True)
        found = last_of(day, (row[1:] for row in newest_first), zone)
        restored = last_given(self._connection, "orders") == self.last_own_order_id()
        return max(found, pruned_number(self._connection, day)) + RESTORED_GAP * restored

    def events_of(self, order_id: int) -> Iterator[tuple[dict[str, Any], SteadyMs]]:
        sql = (
            f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id = ? AND type IN ({literals(ORDER_TYPES)})"
            " AND id >= (SELECT oldest FROM log) ORDER BY id DESC"
        )
        written = (event_of(row) for row in self._connection.execute(sql, (order_id,)))
        for event in chain_events(reversed(self._unwritten(order_id)), written):
            if event.tipo in ORDER_TYPES:
                yield json.loads(event.json), self._times.steady(event.id, event.ms)

    def ready_lines(self, order_id: int) -> Sequence[int] | None:
        for found, _ in self.events_of(order_id):
            if found["tipo"] != STATE_CHANGE or found.get("deshecho"):
                continue
            if found["estado"] == READY != found["estado_anterior"]:
                lines: Sequence[int] | None = found.get("items_listos_ids")
                return lines
        return None

    def user(self, user_id: int) -> dict[str, Any] | None:
        sql = "SELECT id, username, role FROM users WHERE id = ?"
        row = self._connection.execute(sql, (user_id,)).fetchone()
        return dict(zip(("usuario_id", "username", "rol"), row, strict=True)) if row is not None else None

    def product(self, product_id: int) -> Product | None:
        known = self.pending.products.get(product_id) or self._group.products.get(product_id)
        return known or menu.find_product(self._connection, product_id)

    def product_of_pos(self, pos_id: int) -> Product | None:
        found = menu.find_product_of_pos(self._connection, pos_id)
        known = ({found.id: found} if found is not None else {}) | self._group.products | self.pending.products
        return next((product for product in known.values() if product.pos_id == pos_id), None)

    def products(self) -> list[Product]:
        written = {product.id: product for product in menu.all_products(self._connection)}
        return list((written | self._group.products | self.pending.products).values())

    def last_product_id(self) -> int:
        return max(menu.last_product_id(self._connection), *self._group.products, *self.pending.products, 0)

    def save_product(self, product: Product) -> None:
        self.pending.products[product.id] = product

    def append(
        self,
        event: dict[str, Any],
        filtered_rooms: set[str],
        at: Instant,
        order: Order | None,
        order_json: bytes | None = None,
        order_size: int | None = None,
    ) -> int:
        pending = self.pending
        event_id: int = event["id"]
        if event_id != pending.head_id + 1:
            raise ValueError(f"event {event_id} does not follow {pending.head_id}")
        order_id = carried_json = None
        if order is not None:
            order_id = order.pedido["id"]
            if event.get("pedido") is order.pedido:  # the greater part of the event: encoded once for both
                carried_json = order_json
            pending.orders[order_id] = (order, order_json)
            pending.order_sizes[order_id] = order_size
        stored = _stored(event, carried_json, all_rooms(filtered_rooms, order_id))
        pending.size += len(stored)
        self._times.note(event_id, at.set_by)
        pending.head_id = event_id
        pending.head_hash = chain(pending.head_hash, stored)
        pending.rows.append((
            event_id, at.ms, event["tipo"], KITCHEN in filtered_rooms, WAITERS in filtered_rooms,
            TILLS in filtered_rooms, stored.decode(), order_id, pending.head_hash,
        ))  # fmt: skip
        pending.events.append(LoggedEvent(event_id, at.ms, event["tipo"], frozenset(filtered_rooms), stored, order_id))
        return event_id

    def appended(self) -> list[str]:
        return [row[6] for row in self.pending.rows]

    def changed_orders(self) -> list[Order]:
        return [order for order, _ in self.pending.orders.values()]

    def size(self) -> int:
        return self.pending.size

    def order_size(self, order_id: int) -> int | None:
        sizes = self.pending.order_sizes if order_id in self.pending.order_sizes else self._group.order_sizes
        return sizes.get(order_id)

    def largest_order(self) -> int:
        return max((size or 0 for size in self.pending.order_sizes.values()), default=0)

    def find_key(self, publisher: str, route: str, key: str) -> tuple[bytes, list[int]] | None:
        name = (publisher, route, key)
        found = self.pending.keys.get(name) or self._group.keys.get(name)
        if found is not None:
            return found
        row = self._connection.execute(
            "SELECT digest, event_ids FROM idempotency_keys WHERE publisher = ? AND route = ? AND key = ?"
            " AND last_event_id >= (SELECT oldest FROM log)",
            name,
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def keep_key(self, publisher: str, route: str, key: str, digest: bytes, event_ids: list[int]) -> None:
        self.pending.keys[publisher, route, key] = (digest, event_ids)

    def last_said(self, order_id: int, publisher: str) -> dict[str, Any]:
        name = (order_id, publisher)
        known = self.pending.said.get(name) or self._group.said.get(name)
        return known or find_said(self._connection, order_id, publisher)

    def keep_said(self, order_id: int, publisher: str, said: dict[str, Any]) -> None:
        self.pending.said[order_id, publisher] = said

    def event(self, event_id: int) -> LoggedEvent | None:
        for event in (*self._group.events, *self.pending.events):
            if event.id == event_id:
                return event
        row = self._connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ? AND id >= (SELECT oldest FROM log)", (event_id,)
        ).fetchone()
        return event_of(row) if row else None

    def orders_since(self, after: int) -> set[int]:
        written = self._connection.execute("SELECT order_id FROM events WHERE id > ?", (after,)).fetchall()
        unwritten = [event.order_id for event in (*self._group.events, *self.pending.events) if event.id > after]
        return {order_id for order_id in (*(row[0] for row in written), *unwritten) if order_id is not None}

    def order_at(self, order_id: int, up_to: int) -> Order | None:
        if self._fold is None:
            self._fold = Fold(self._connection)
        return self._fold.order(order_id, up_to)

    def oldest(self) -> int:
        return read_bounds(self._connection).oldest

    def leader(self) -> tuple[str | None, int]:
        return read_leader(self._connection)

    def begin_after(self, up_to: int, anchor_hash: str) -> None:
        # At once, so that the group's next publications no longer know what is gone.
        self._connection.execute("UPDATE log SET oldest = ? + 1, anchor_hash = ?", (up_to, anchor_hash))
        self.pending.oldest = up_to + 1

    def unacknowledged(self, after: int, up_to: int, since: SteadyMs) -> list[Unacknowledged]:
        receipts = [event for event in (*self._group.events, *self.pending.events) if event.tipo == RECEIPT]
        seen = {json.loads(receipt.json)["evento_id"] for receipt in receipts}
        found = unacknowledged(self._connection, after, up_to, since, self._times)
        return [event for event in found if event.event_id not in seen]

    def follow(self, owner: Owner, order_id: int, now: SteadyMs) -> list[tuple[Owner, int]]:
        followed = self._followed(owner)
        if order_id in followed:
            return []
        if len(followed) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions
        given_up = [] if followed else self._make_room(owner, now)
        self.pending.follows.update((subscription, None) for subscription in given_up)
        self.pending.follows[owner, order_id] = self.pending.head_id
        return given_up

    def _make_room(self, owner: Owner, now: SteadyMs) -> list[tuple[Owner, int]]:
        """Returns the subscriptions that must go to make room for one more client. Raises TooManySubscriptions where
        that would not do."""
        column = f"{owner.kind}_id"
        followed = {
            (client, order_id)
            for client, order_id in self._connection.execute(
                f"SELECT client, order_id FROM subscriptions WHERE {column} = ?", (owner.id,)
            )
        }
        for (changed, order_id), after in (*self._group.follows.items(), *self.pending.follows.items()):
            if (changed.kind, changed.id) == (owner.kind, owner.id):
                (followed.discard if after is None else followed.add)((changed.client, order_id))
        if len({client for client, _ in followed}) < MAX_CLIENTS:
            return []
        since = SteadyMs(now - OVER_MS)
        over = {
            order_id
            for order_id, ms in self._connection.execute(
                "SELECT DISTINCT o.id, o.last_event_ms FROM subscriptions s JOIN orders o ON o.id = s.order_id"
                f" WHERE s.{column} = ? AND o.last_event_ms < ? AND o.state IN ({', '.join('?' * len(OVER))})",
                (owner.id, self._times.latest(since), *OVER),
            )
            if not self._times.differ or steady_time(self._connection, order_id, ms, self._times) < since
        }
        if len({client for client, order_id in followed if order_id not in over}) >= MAX_CLIENTS:
            raise TooManySubscriptions("Hay demasiados clientes con suscripciones en esta sesión o token.")
        return [(Owner(owner.kind, owner.id, client), order_id) for client, order_id in followed if order_id in over]

    def unfollow(self, owner: Owner, order_id: int) -> None:
        if order_id in self._followed(owner):
            self.pending.follows[owner, order_id] = None

    def _followed(self, owner: Owner) -> set[int]:
        rows = self._connection.execute(
            f"SELECT order_id FROM subscriptions WHERE {owner.kind}_id = ? AND client = ?", (owner.id, owner.client)
        )
        found = {order_id for (order_id,) in rows}
        for (changed, order_id), after in (*self._group.follows.items(), *self.pending.follows.items()):
            if changed == owner:
                (found.discard if after is None else found.add)(order_id)
        return found

    def on_commit(self, call: Callable[[], None]) -> None:
        self.pending.on_commit.append(call)


def _stored(event: dict[str, Any], order_json: bytes | None, rooms: list[str]) -> bytes:
    """Returns the event as JSON with `salas` as its last member, after `pedido` where its JSON is given."""
    if order_json is None:
        return encode({**event, "salas": rooms})
    return encode({**event, "pedido": Encoded(order_json), "salas": rooms})
