"""The clients that people have: npm's `socket.io-client` and `python-socketio`, unchanged, through a whole session."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.live_server import LiveServer, clean_environment, run_cli

SECONDS = 20.0
HERE = Path(__file__).with_name("stock_clients")


class StockClient:
    """A program that speaks lines of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def do(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def _line(self, deadline: float) -> dict[str, Any]:
        return self._lines.get(timeout=max(0.01, deadline - time.monotonic()))

    def next(self, key: str, value: Any = None) -> dict[str, Any]:
        """The next line that has the key (with the value). Those before it are skipped; logged events never are."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = self._line(deadline)
            if key in found and value in (None, found[key]):
                return found
            assert not str(found.get("event")).startswith("evento_"), found

    def call(self, name: str, argument: Any = None) -> Any:
        """With an ack: its answer, which came as an event too."""
        self.do(emit=[name, argument], ack=True)
        event, deadline = None, time.monotonic() + SECONDS
        while "ack" not in (line := self._line(deadline)):
            assert not str(line.get("event")).startswith("evento_"), line
            event = line.get("data")
        assert line["ack"] == event
        return event

    def orders(self, count: int) -> list[int]:
        """The orders of the next events. Connects its user again whenever the socket has."""
        found: list[int] = []
        deadline = time.monotonic() + SECONDS
        while len(found) < count:
            line = self._line(deadline)
            if line.get("event") == "evento_pedido":
                found.append(line["data"]["pedido_id"])
            elif "connected" in line:
                self.do(emit=["conectar_usuario", {"rol": "cocinero"}])
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=["javascript", "python"])
def stock(request: pytest.FixtureRequest) -> Iterator[Callable[[], StockClient]]:
    environment = clean_environment()
    if request.param == "javascript":
        environment["NODE_PATH"] = str(request.getfixturevalue("node_modules"))
        command = ["node", str(HERE / "session.js")]
    else:
        command = [sys.executable, str(HERE / "session.py")]
    clients: list[StockClient] = []

    def start() -> StockClient:
        clients.append(StockClient(command, environment))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def who(server: LiveServer, by: str) -> dict[str, str]:
    if by == "token":
        return {"url": server.url, "token": server.token}
    server.create_user("Ana", "manager")
    return {"url": server.url, "cookie": server.login("Ana")}


@pytest.mark.parametrize("by", ["cookie", "token"])
def test_a_whole_session(server, stock, by):
    client = stock()
    client.do(connect=who(server, by))
    client.next("connected")

    # Its role, with and without an ack; a wrong one is refused.
    client.do(emit=["conectar_usuario", {"usuario_id": 1, "rol": "cocinero", "username": "Ana"}])
    assert client.next("event", "conexion_confirmada")["data"]["salas"] == ["cocina"]
    assert client.call("conectar_usuario", {"rol": "cocinero"})["rol"] == "cocinero"
    assert client.call("conectar_usuario", {"rol": "pirata"})["codigo"] == "rol_no_permitido"

    # Events, and those of an order that is not the kitchen's.
    server.new_order(1)
    assert client.orders(1) == [1]
    assert client.call("suscribir_pedido", {"pedido_id": 2})["pedido"] is None
    server.new_order(2, tipo="llevar", estado="pendiente_pago")
    assert client.orders(1) == [2]
    assert client.call("desuscribir_pedido", {"pedido_id": 2}) == {"pedido_id": 2}
    server.new_order(3, tipo="llevar", estado="pendiente_pago")
    assert "cursor" in client.call("ping")  # and no event came before it

    # The service goes away and comes back; what happened meanwhile comes from the cursor.
    server.stop()
    client.next("disconnected")
    server.start()
    server.new_order(4)
    client.next("connected")
    server.new_order(5)
    assert client.call("conectar_usuario", {"rol": "cocinero"})["rol"] == "cocinero"
    server.new_order(6)
    assert client.orders(3) == [4, 5, 6]
    assert "cursor" in client.call("ping")

    client.do(disconnect=True)
    client.next("disconnected")


def test_a_killed_service_costs_and_repeats_nothing(server, stock):
    client = stock()
    client.do(connect=who(server, "token"))
    client.next("connected")
    client.call("conectar_usuario", {"rol": "cocinero"})
    for first in (1, 6, 11):
        for number in range(first, first + 3):
            server.new_order(number)
        server.kill()
        server.start()
        for number in range(first + 3, first + 5):
            server.new_order(number)
        assert client.orders(5) == list(range(first, first + 5))
    assert "cursor" in client.call("ping")  # and nothing came twice before it


def test_a_refusal_is_final(server, stock):
    client = stock()
    client.do(connect={"url": server.url})
    refused = client.next("refused")
    assert refused["refused"] == "no_autenticado"
    assert not refused.get("active")


def test_the_sessions_end_is_told_and_the_client_does_not_come_back(server, stock):
    client = stock()
    client.do(connect=who(server, "cookie"))
    client.next("connected")
    client.call("conectar_usuario", {"rol": "cocinero"})
    cookie = server.login("Ana")
    server.request("POST", "/api/auth/logout", cookie=cookie)  # another of her sessions
    assert "cursor" in client.call("ping")
    run_cli("user", "password", "Ana", "--password", "4321", database=server.database)
    client.next("event", "sesion_terminada")
    client.next("disconnected")
    assert client.next("refused")["refused"] == "no_autenticado"
