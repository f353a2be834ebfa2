"""What a stored log shows, asked from outside: its boards and its orders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pos_notif import Config, create_app

# Everybody's in every stored log. The PIN is that of a log that is public.
PIN = "1234"
PEOPLE = {"cocinero": "Rosa", "mesero": "Beto", "cajero": "Carla", "manager": "Ana"}


class Caller:
    """Calls an application that serves, without a socket, as somebody."""

    def __init__(self, app: Any) -> None:
        self._client = app.test_client(use_cookies=False)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the answer's JSON, or its bytes where it is none. A text is sent as a file."""
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = {"Content-Type": "text/csv" if isinstance(body, str) else "application/json"} if data else {}
        answer = await self._client.open(path, method=method, data=data, headers={**sent, **headers})
        content = await answer.get_data(as_text=False)
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.status_code, json.loads(content) if is_json else content

    async def sign_in(self, name: str) -> dict[str, str]:
        """The header by which this person calls."""
        body = json.dumps({"username": name, "password": PIN}).encode()
        headers = {"Content-Type": "application/json"}
        answer = await self._client.open("/api/auth/login", method="POST", data=body, headers=headers)
        assert answer.status_code == 200, await answer.get_data()
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


async def boards(database: Path, now_ms: int, orders: list[int]) -> dict[str, Any]:
    """The snapshot of each role at that time, as its screen gets it, these orders as the manager finds them by their
    ids, and the menu. The service raises no alarms meanwhile and prunes nothing, so the log stays as it is."""
    config = Config(database=str(database), ack_seconds=0, screen_seconds=0)
    app = create_app(config, clock=lambda: now_ms, ticks=lambda: now_ms)
    async with app.test_app():
        caller = Caller(app)
        who = {role: await caller.sign_in(name) for role, name in PEOPLE.items()}
        views = {role: (await caller.call("GET", "/api/pedidos", **who[role]))[1] for role in PEOPLE}
        found = {}
        for order in orders:
            status, answer = await caller.call("GET", f"/api/pedidos/{order}", **who["manager"])
            found[str(order)] = answer["pedido"] if status == 200 else None
        menu = (await caller.call("GET", "/api/productos", **who["manager"]))[1]["productos"]
    return {"views": views, "orders": found, "menu": menu}
