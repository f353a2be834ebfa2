"""The POS's side of the service in this process: publishing, and what the log and the screens then hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pos_notif.log.pruning import carried
from pos_notif.orders.state import Order, fold
from tests.support.in_process import Answer, HeldClock, InProcess, in_process
from tests.support.logs import opened

START_MS = 1_795_568_712_345  # 2026-11-24T19:05:12.345-06:00
START = "2026-11-24T19:05:12.345-06:00"
ROOMS = ("cocina", "meseros", "cajeros")
PUBLISH = "/api/notificaciones/eventos"
MINUTE, HOUR = 60, 3600
LINES = [
    {
        "id": 7,
        "producto_id": 3,
        "producto_nombre": "Pupusa",
        "cantidad": 2,
        "precio_unitario": 0.75,
        "notas": "sin sal",
    },
    {"id": 8, "producto_nombre": "Café", "cantidad": 1, "precio_unitario": 1.25, "categoria": "Bebidas"},
]


@dataclass
class Pos:
    service: InProcess
    path: Path
    clock: HeldClock
    token: str
    _tokens: dict[str, str] = field(default_factory=dict)

    async def token_of(self, role: str) -> str:
        if role not in self._tokens:
            self._tokens[role] = await self.service.accounts.create_token(f"ficha-{role}", role)
        return self._tokens[role]

    async def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = "", **rest: Any
    ) -> Answer:  # fmt: skip
        """With the manager's token unless told otherwise."""
        if token == "" and "cookie" not in rest:
            token = self.token
        return await self.service.call(method, path, body, token=token or None, **rest)

    async def get(self, path: str, role: str = "manager") -> Any:
        answer = await self.request("GET", path, token=await self.token_of(role))
        assert answer.status == 200, answer.body
        return answer.json

    async def post(self, body: Any, **rest: Any) -> Answer:
        return await self.request("POST", PUBLISH, body, **rest)

    async def publish(self, tipo: str, **fields: Any) -> dict[str, Any]:
        """Publishes an event that must be accepted; returns it as it was stored."""
        answer = await self.post({"tipo": tipo, **fields})
        assert answer.status == 201, answer.body
        return self.stored(answer.json["id"])

    async def new_order(self, order_id: int, **fields: Any) -> dict[str, Any]:
        items = fields.pop("items", [{"id": 1, "producto_nombre": "Pupusa", "cantidad": 2, "precio_unitario": 0.75}])
        return await self.publish("nuevo_pedido", pedido={"id": order_id, "items": items, **fields})

    async def set_state(self, order_id: int, state: str, **fields: Any) -> dict[str, Any]:
        return await self.publish("cambio_estado", pedido_id=order_id, estado=state, **fields)

    def stored_events(self) -> list[dict[str, Any]]:
        """The whole log, with `salas`."""
        with opened(self.path) as connection:
            return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]

    def stored(self, event_id: int) -> dict[str, Any]:
        return next(event for event in self.stored_events() if event["id"] == event_id)

    def last(self) -> dict[str, Any]:
        return self.stored_events()[-1]

    @property
    def head(self) -> int:
        with opened(self.path) as connection:
            return int(connection.execute("SELECT head_id FROM log").fetchone()[0])

    def contents(self) -> list[Any]:
        """Everything that a publication can leave behind."""
        with opened(self.path) as connection:
            return [
                connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("log", "events", "orders", "order_words", "idempotency_keys")
            ]

    async def view(self, room: str) -> set[int]:
        """The ids in a room's view, as its snapshot gives them."""
        return {order["id"] for order in (await self.get(f"/api/pedidos?vista={room}"))["pedidos"]}

    async def views(self, order_id: int) -> set[str]:
        """The rooms whose view holds the order."""
        return {room for room in ROOMS if order_id in await self.view(room)}

    async def order(self, order_id: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/api/pedidos/{order_id}"))["pedido"]
        return found


@asynccontextmanager
async def running_pos(path: Path, *, start_ms: int = START_MS, **settings: Any) -> AsyncIterator[Pos]:
    clock = HeldClock(start_ms)
    async with in_process(path, clock, **settings) as service:
        name = "caja-pos" if start_ms == START_MS else f"caja-pos-{start_ms}"  # a log may be opened again
        yield Pos(service, path, clock, await service.accounts.create_token(name))


async def change_line(pos: Pos, item_id: int, kind: str, **fields: Any) -> dict[str, Any]:
    """Publishes a change to a line of order 1; returns the event as it was stored."""
    own = {name: fields.pop(name) for name in ("item", "total", "subtotal", "impuesto") if name in fields}
    cambios = {"tipo_cambio": kind, **fields}
    return await pos.publish("item_modificado", pedido_id=1, item_id=item_id, cambios=cambios, **own)


def line_states(pedido: dict[str, Any]) -> list[str]:
    return [line["estado_item"] for line in pedido["items"]]


def stored_orders(path: Path) -> dict[int, Order]:
    """The orders table as it is in the file."""
    with opened(path) as connection:
        return _orders_in(connection)


def _orders_in(connection: sqlite3.Connection) -> dict[int, Order]:
    columns = "id, first_event_id, last_event_ms, ready_ms, kitchen_had_it, state_assumed, data"
    return {
        row[0]: Order(json.loads(row[6]), row[1], row[2], row[3], bool(row[4]), bool(row[5]))
        for row in connection.execute(f"SELECT {columns} FROM orders")
    }


def rebuild(events: list[dict[str, Any]]) -> dict[int, Order]:
    """The projection of a whole log: the orders of its newest `poda` set, then the events above its anchor."""
    found: dict[int, Order] = {}
    after = 0
    prunings = [event for event in events if event["tipo"] == "poda"]
    if prunings:
        after = prunings[-1]["hasta_id"]
        for part in prunings[-prunings[-1]["partes"] :]:
            found |= {order.pedido["id"]: order for order in carried(part)}
    for event in events:
        if event["id"] > after and event.get("pedido_id") is not None:
            order = fold(found.get(event["pedido_id"]), event)
            if order is not None:
                found[event["pedido_id"]] = order
    return found


def assert_projection_is_the_fold(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("BEGIN")  # both of one moment: a service may be writing
        events = [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]
        orders = _orders_in(connection)
    assert rebuild(events) == orders
