"""The clients that people have: npm's `socket.io-client` and `python-socketio`, unchanged, through a whole session."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.live_server import LiveServer, clean_environment, run_cli
from tests.support.ports import free_port
from tests.support.proxies import Proxy
from tests.support.waiting import eventually

SECONDS = 20.0
HERE = Path(__file__).with_name("stock_clients")


class StockClient:
    """A program that speaks lines of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._early: list[dict[str, Any]] = []
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

    def call(self, name: str, argument: Any = None, *, events_follow: bool = False) -> Any:
        """With an ack: its answer, which comes as an event too. A client with threads tells of either first, and of the
        events that follow it (`events_follow`), which are kept for `orders`."""
        assert not self._early
        self.do(emit=[name, argument], ack=True)
        told: dict[str, Any] = {}
        deadline = time.monotonic() + SECONDS
        while "ack" not in told or told["ack"] != told.get("data"):
            line = self._line(deadline)
            if str(line.get("event")).startswith("evento_"):
                assert events_follow, line
                self._early.append(line)
            else:
                told |= line
        return told["ack"]

    def orders(self, count: int) -> list[int]:
        """The orders of the next events. Connects its user again whenever the socket has."""
        found: list[int] = []
        deadline = time.monotonic() + SECONDS
        while len(found) < count:
            line = self._early.pop(0) if self._early else self._line(deadline)
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


# By which transports: as the client does by itself, which is polling and then a websocket.
DEFAULT: dict[str, Any] = {}
WEBSOCKET = {"transports": ["websocket"]}
POLLING = {"transports": ["polling"]}
NO_UPGRADE = {"upgrade": False}
CLIENTS: dict[str, list[str]] = {
    "javascript": ["node", str(HERE / "session.js"), "socket.io-client"],
    "javascript 3": ["node", str(HERE / "session.js"), "socket.io-client-3"],
    "python": [sys.executable, str(HERE / "session.py")],
    "python threads": [sys.executable, str(HERE / "session_sync.py")],
}
WAYS = {
    "javascript": ("javascript", DEFAULT), "python": ("python", DEFAULT),
    "javascript by websocket": ("javascript", WEBSOCKET), "python by websocket": ("python", WEBSOCKET),
}  # fmt: skip
MORE_WAYS = {
    "javascript 3": ("javascript 3", DEFAULT), "python threads": ("python threads", DEFAULT),
    "javascript without upgrade": ("javascript", NO_UPGRADE), "python by polling": ("python", POLLING),
}  # fmt: skip


class Stock:
    """One of the clients, and the options with which it connects."""

    def __init__(
        self, command: list[str], environment: dict[str, str], options: dict[str, Any], *, threads: bool = False
    ) -> None:
        self.options = options
        self.in_order: Callable[[list[int]], list[int]] = sorted if threads else list
        self._command = command
        self._environment = environment
        self.threads = threads
        self._started: list[StockClient] = []

    def __call__(self) -> StockClient:
        self._started.append(StockClient(self._command, self._environment))
        return self._started[-1]

    def close(self) -> None:
        for client in self._started:
            client.close()


@pytest.fixture
def stock(way: tuple[str, dict[str, Any]], request: pytest.FixtureRequest) -> Iterator[Stock]:
    kind, options = way
    environment = clean_environment()
    if CLIENTS[kind][0] == "node":
        environment["NODE_PATH"] = str(request.getfixturevalue("node_modules"))
    stock = Stock(CLIENTS[kind], environment, options, threads=kind == "python threads")
    yield stock
    stock.close()


def ways(found: dict[str, tuple[str, dict[str, Any]]]) -> Any:
    return pytest.mark.parametrize("way", list(found.values()), ids=list(found))


NGINX = """
daemon off; pid {directory}/pid; error_log {directory}/error.log; worker_processes 1;
events {{}}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {url}; proxy_http_version 1.1; proxy_set_header Host $http_host; {more} }}
  }}
}}
"""
PASSES_UPGRADES = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
CADDY = """
{{
	admin off
	auto_https off
}}
http://127.0.0.1:{port} {{
	bind 127.0.0.1
	reverse_proxy {address} {{
		flush_interval -1
		{more}
	}}
}}
"""
DROPS_UPGRADES = "header_up -Upgrade"


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def behind(program: str, directory: Path, url: str, more: str) -> Iterator[str]:
    """A proxy in front of the service; nginx passes no upgrade on unless it is told to, Caddy does. Yields its
    address."""
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"needs {program}"
        pytest.skip(f"needs {program} (Debian: apt-get install -y nginx-light caddy)")
    port = free_port()
    file, log = directory / "proxy.conf", directory / "error.log"
    if program == "nginx":
        file.write_text(NGINX.format(directory=directory, port=port, url=url, more=more))
        command = ["nginx", "-c", str(file), "-p", str(directory), "-e", str(log)]
    else:
        file.write_text(CADDY.format(port=port, address=url.removeprefix("http://"), more=more))
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    with log.open("ab") as said:
        process = subprocess.Popen(command, stderr=said, env={**os.environ, "HOME": str(directory)})
    try:
        deadline = time.monotonic() + SECONDS
        while not is_listening(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def who(server: LiveServer, by: str) -> dict[str, str]:
    if by == "token":
        return {"url": server.url, "token": server.token}
    server.create_user("Ana", "manager")
    return {"url": server.url, "cookie": server.login("Ana")}


@pytest.mark.parametrize("by", ["cookie", "token"])
@ways(WAYS)
def test_a_whole_session(server, stock, by):
    whole_session(server, stock, who(server, by))


@ways(MORE_WAYS)
def test_a_whole_session_of_another_version_or_by_polls_alone(server, stock):
    whole_session(server, stock, who(server, "token"))


@ways({name: WAYS[name] for name in ("javascript", "python")})
def test_a_whole_session_through_a_proxy_that_drops_upgrades(server, stock, tmp_path):
    with behind("nginx", tmp_path, server.url, "") as address:
        whole_session(server, stock, {**who(server, "token"), "url": address})


def whole_session(server, stock, account):
    client = stock()
    client.do(connect={**account, "options": stock.options})
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
    answer = client.call("conectar_usuario", {"rol": "cocinero"}, events_follow=stock.threads)
    assert answer["rol"] == "cocinero"
    server.new_order(6)
    # The client with threads handles each event in one of its own, and may be done with a later one first.
    assert stock.in_order(client.orders(3)) == [4, 5, 6]
    assert "cursor" in client.call("ping")

    client.do(disconnect=True)
    client.next("disconnected")


@pytest.mark.parametrize(
    ("program", "more", "transport"),
    [
        pytest.param("nginx", "", "polling-largo", id="nginx drops upgrades"),
        pytest.param("nginx", PASSES_UPGRADES, "websocket", id="nginx passes upgrades"),
        pytest.param("caddy", DROPS_UPGRADES, "polling-largo", id="caddy drops upgrades"),
        pytest.param("caddy", "", "websocket", id="caddy passes upgrades"),
    ],
)
@ways({"javascript": ("javascript", DEFAULT)})
def test_behind_a_proxy_every_event_comes_once_and_in_order(server, stock, tmp_path, program, more, transport):
    with behind(program, tmp_path, server.url, more) as address:
        client = stock()
        client.do(connect={"url": address, "token": server.token})
        client.next("connected")
        client.do(emit=["conectar_usuario", {"rol": "cocinero"}])
        client.next("event", "conexion_confirmada")
        for first in range(1, 2001, 100):
            batch = [{"tipo": "nuevo_pedido", "pedido": {"id": first + n, "items": []}} for n in range(100)]
            server.publish({"eventos": batch})
        assert client.orders(2000) == list(range(1, 2001))

        def transports() -> list[str]:
            found = server.request("GET", "/api/notificaciones/estado")[2]["conexiones"]
            return [each["transporte"] for each in found]

        eventually(lambda: transports() == [transport])  # all of it may have come before the change to a websocket


@ways(WAYS)
def test_a_killed_service_costs_and_repeats_nothing(server, stock):
    client = stock()
    client.do(connect={**who(server, "token"), "options": stock.options})
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


@ways({name: MORE_WAYS[name] for name in ("javascript without upgrade", "python by polling")})
def test_an_answer_to_a_poll_that_is_lost_on_the_way_costs_and_repeats_nothing(server, stock):
    """The service has handed its events over, and counts on no receipt: the client says its cursor when it comes
    back."""
    numbers = itertools.count(2)

    def is_on_its_way() -> bool:
        server.new_order(next(numbers))
        return proxy.held.is_set()

    with Proxy((server.host, server.port)) as proxy:
        client = stock()
        account = {**who(server, "token"), "url": f"http://{proxy.address}"}
        client.do(connect={**account, "options": stock.options})
        client.next("connected")
        client.call("conectar_usuario", {"rol": "cocinero"})
        server.new_order(1)
        assert client.orders(1) == [1]  # so that it has a cursor
        proxy.hold_answer_of(b"GET /socket.io/")
        eventually(is_on_its_way)
        time.sleep(2)  # the network's own: longer than between two polls that a coarse clock stamps alike
        proxy.drop()
        proxy.mend()
        last = next(numbers)
        server.new_order(last)
        assert client.orders(last - 1) == list(range(2, last + 1))
        assert "cursor" in client.call("ping")  # and nothing came twice before it
        client.close()  # or it would connect while the proxy ends


@ways(WAYS)
def test_a_refusal_is_final(server, stock):
    client = stock()
    client.do(connect={"url": server.url, "options": stock.options})
    refused = client.next("refused")
    assert refused["refused"] == "no_autenticado"
    assert not refused.get("active")


@ways(WAYS)
def test_the_sessions_end_is_told_and_the_client_does_not_come_back(server, stock):
    client = stock()
    client.do(connect={**who(server, "cookie"), "options": stock.options})
    client.next("connected")
    client.call("conectar_usuario", {"rol": "cocinero"})
    cookie = server.login("Ana")
    server.request("POST", "/api/auth/logout", cookie=cookie)  # another of her sessions
    assert "cursor" in client.call("ping")
    run_cli("user", "password", "Ana", "--password", "4321", database=server.database)
    client.next("event", "sesion_terminada")
    client.next("disconnected")
    assert client.next("refused")["refused"] == "no_autenticado"
