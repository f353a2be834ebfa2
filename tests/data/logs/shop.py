"""A restaurant that makes a stored log: the service with a clock that is told when to move, its people and its POS."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pos_notif import Config, create_app
from tests.data.logs.reading import PEOPLE, PIN, Caller

START_MS = 1_795_568_712_345  # 2026-11-24T19:05:12.345-06:00


class Shop:
    """A service whose clock stands still until it is told to move, its people, and the POS with its token."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.now_ms = START_MS
        self.who: dict[str, dict[str, str]] = {}
        self._operations = 0
        for role, name in PEOPLE.items():
            self.run("user", "create", name, "--role", role, "--password", PIN)
        self.pos = {"Authorization": "Bearer " + self.run("token", "create", "caja-pos").strip()}

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "pos_notif", *arguments, "--database", str(self.database)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    @contextlib.asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Shop]:
        """The service runs. Without alarms, unless they are asked for."""
        values = {"ack_seconds": 0, "screen_seconds": 0, "session_hours": 0, "poll_rate": 0, **settings}
        app = create_app(
            Config(database=str(self.database), **values), clock=lambda: self.now_ms, ticks=lambda: self.now_ms
        )
        async with app.test_app():
            self.caller = Caller(app)
            self.notifier = app.notifier
            self.who = {name: await self.caller.sign_in(name) for name in PEOPLE.values()}
            yield self

    def later(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def call(self, method: str, path: str, body: Any, who: dict[str, str], expected: int, **headers: str) -> Any:
        self.later(3.071)
        status, answer = await self.caller.call(method, path, body, **{**who, **headers})
        assert status == expected, (method, path, body, status, answer)
        return answer

    async def publish(self, tipo: str, *, expected: int = 201, key: str | None = None, **fields: Any) -> Any:
        headers = {"Idempotency-Key": key} if key is not None else {}
        body = {"tipo": tipo, **fields}
        return await self.call("POST", "/api/notificaciones/eventos", body, self.pos, expected, **headers)

    async def publish_batch(self, *events: dict[str, Any], expected: int = 201, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return await self.call(
            "POST", "/api/notificaciones/eventos", {"eventos": list(events)}, self.pos, expected, **headers
        )

    async def order(self, order_id: int, **pedido: Any) -> Any:
        return await self.publish("nuevo_pedido", pedido={"id": order_id, **pedido})

    async def state(self, order_id: int, *states: str, **fields: Any) -> None:
        for state in states:
            await self.publish("cambio_estado", pedido_id=order_id, estado=state, **fields)

    async def change(self, order_id: int, item_id: int, tipo_cambio: str, **fields: Any) -> Any:
        """What is no field of the event itself belongs to its `cambios`."""
        own = {name: fields.pop(name) for name in ("item", "total", "subtotal", "impuesto") if name in fields}
        cambios = {"tipo_cambio": tipo_cambio, **fields}
        return await self.publish("item_modificado", pedido_id=order_id, item_id=item_id, cambios=cambios, **own)

    async def add_product(self, nombre: str, precio: float, **fields: Any) -> int:
        body = {"nombre": nombre, "precio": precio, **fields}
        return int((await self.call("POST", "/api/productos", body, self.who["Ana"], 201))["id"])

    async def set_product(self, product: int, who: str = "Ana", **fields: Any) -> None:
        await self.call("PATCH", f"/api/productos/{product}", fields, self.who[who], 200)

    async def import_menu(self, text: str) -> None:
        await self.call("POST", "/api/productos/importar", text, self.who["Ana"], 200)

    def _operation(self) -> str:
        self._operations += 1
        return f"toque-{self._operations}"

    async def place(self, who: str, *items: dict[str, Any], expected: int = 201, **fields: Any) -> int:
        body = {"operacion_id": self._operation(), "tipo": "mesa", "items": list(items), **fields}
        answer = await self.call("POST", "/api/pedidos", body, self.who[who], expected)
        return int(answer["pedido"]["id"]) if expected == 201 else 0

    async def act(self, who: str, order_id: int, *actions: str, expected: int = 200, **fields: Any) -> None:
        for action in actions:
            body = {"operacion_id": self._operation(), "accion": action, **fields}
            await self.call("POST", f"/api/pedidos/{order_id}/acciones", body, self.who[who], expected)

    async def acknowledge(self, *event_ids: int, who: str = "Rosa", understood: bool = False) -> None:
        body = {"evento_ids": list(event_ids), "entendido": understood}
        await self.call("POST", "/api/notificaciones/acuses", body, self.who[who], 200)

    async def poll(self, who: str, role: str) -> None:
        """As a screen of that role without streams."""
        status, _ = await self.caller.call("GET", f"/api/notificaciones/polling/{role}", **self.who[who])
        assert status == 200, status

    async def events(self) -> list[dict[str, Any]]:
        status, answer = await self.caller.call(
            "GET", "/api/notificaciones/eventos?orden=asc&limite=500", **self.who["Ana"]
        )
        assert status == 200
        return list(answer["eventos"])

    async def appended(self, tipo: str, count: int = 1) -> None:
        """Waits until the service itself has appended so many of this type."""
        for _ in range(600):
            if sum(event["tipo"] == tipo for event in await self.events()) >= count:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"no {tipo} within 30 s")
