"""Hours of the demo's restaurant in seconds: its people act on a real log, by the service's own functions."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from pos_notif.delivery.reader import snapshot
from pos_notif.demo.board import Board, Hands
from pos_notif.demo.guests import Guests
from pos_notif.demo.menu import MENU
from pos_notif.demo.people import PEOPLE, Deed
from pos_notif.demo.restaurant import Actor
from pos_notif.demo.staff import Staff
from pos_notif.errors import DomainError
from pos_notif.notifier import NotificadorPedidos
from pos_notif.orders.requests import NewProductBody, OrderBody, ProductBody, parse_action, parse_request
from pos_notif.principal import Principal
from pos_notif.publishing.menu import add_product, change_product
from pos_notif.publishing.placing import Done, place
from pos_notif.publishing.placing import act as act_on
from tests.support.in_process import HeldClock
from tests.support.logs import opened


@dataclass
class Day:
    """What a simulated restaurant did to a real log."""

    events: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    in_kitchen: list[int] = field(default_factory=list)  # at each tick
    states: dict[int, set[str]] = field(default_factory=dict)  # on the board, by the second
    refused: list[str] = field(default_factory=list)

    def of(self, tipo: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["tipo"] == tipo]


def run_restaurant(
    database: Path,
    seconds: int,
    seed: int,
    *,
    staff: bool = True,
    tick: int = 3,
    clock: HeldClock | None = None,
    slower: int = 1,
) -> Day:
    """Guests, and the staff, on the clock, which is moved on a tick at a time. The demo is in a hurry: `slower` times
    as long passes for the log."""
    actors = [Guests(seed), Staff(Random(seed))] if staff else [Guests(seed)]
    return asyncio.run(_run(database, range(0, seconds, tick), actors, clock or HeldClock(), slower))


async def _run(database: Path, ticks: range, actors: list[Actor], clock: HeldClock, slower: int) -> Day:
    day, hands, keys = Day(), Hands(180.0), count(1)
    people = {
        person: Principal("session", 1000 + number, number, person.username, person.role, None)
        for number, person in enumerate(PEOPLE, start=1)
    }
    async with NotificadorPedidos(database=str(database), clock=clock, ticks=clock.ticks) as notifier:
        with opened(database) as connection:
            for who in people.values():
                connection.execute(
                    "INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?, '', 0)",
                    (who.user_id, who.username, who.username.casefold(), who.role),
                )
                connection.execute(
                    "INSERT INTO sessions VALUES (?, ?, ?, '', 0, ?)",
                    (who.id, str(who.id).encode(), who.user_id, 2**60),
                )

        async def do(deed: Deed) -> Done | None:
            who, sent = people[deed.person], deed.body
            if deed.method == "PATCH":
                product_id = int(deed.path.rsplit("/", 1)[1])
                await change_product(notifier.publishing, who, product_id, parse_request(ProductBody, sent))
                return None
            sent = {**sent, "operacion_id": str(next(keys))}
            try:
                if deed.order_id is None:
                    return await place(notifier.publishing, who, parse_request(OrderBody, sent))
                return await act_on(notifier.publishing, who, deed.order_id, parse_action(sent))
            except DomainError as refusal:
                day.refused.append(f"{type(refusal).__name__}: {deed}")
                return None

        for dish in MENU:
            await add_product(notifier.publishing, people[PEOPLE[-1]], parse_request(NewProductBody, dish.product))
        for now in ticks:
            clock.advance(ticks.step * slower)
            orders = [order.pedido for order in (await snapshot(notifier.log, None))[0]]
            cancelled = [order for order in (await snapshot(notifier.log, "cocina"))[0] if order.state == "cancelado"]
            hands.look(orders, now)
            menu = [product.json() for product in await notifier.log.store.products()]
            board = Board(orders, menu, len(cancelled), hands.placed, hands.theirs)
            day.in_kitchen.append(board.in_kitchen)
            day.states[now] = {order["estado"] for order in orders}
            for actor in actors:
                deeds = actor.act(board, float(now))
                for deed in deeds:
                    done = await do(deed)
                    if done is not None:
                        hands.note(done.order.pedido, placed=deed.order_id is None)
                board = board.leaving_alone(deed.order_id for deed in deeds if deed.order_id is not None)
    with opened(database) as connection:
        day.events = [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]
        day.orders = [json.loads(data) for (data,) in connection.execute("SELECT data FROM orders ORDER BY id")]
    return day
