"""What a restaurant does to several nodes at once, and keeps of it for `checker`: who was answered what, and who read
what. Each says the same again, with its key, to whichever node, until it is answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.soak.tablets import POLLING, SOCKET, SSE, Tablet
from tests.support.live_server import LiveServer, with_accounts
from tests.support.logs import opened, stock_alert
from tests.support.waiting import eventually

PUBLISHERS = 6
PAUSE_SECONDS = 0.05
FOLLOWED = 90  # a screen; 100 it may
HOP_SECONDS = (0.3, 2.0)
STOCK = 1_000_000
SCARCE = 12  # of this there is so little that they take the last one from each other
PIN = "1234"
COOKS = ("Marta", "Olga")
READERS = (
    ("Marta", "cocinero", SSE), ("Olga", "cocinero", SOCKET), ("Elena", "mesero", POLLING), ("Luis", "mesero", SSE),
    ("Rosa", "cajero", SOCKET), ("Ana", "manager", SSE), ("Beto", "manager", POLLING),
)  # fmt: skip
PUBLISH = "/api/notificaciones/eventos"

Json = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """What was answered by 200 or 201: the `ids` of the events, and by which `keys` they stand in the log. It was first
    asked for at `began`, and the answer was there at `ended`, by the steady clock of this machine."""

    key: str
    ids: tuple[int, ...]
    keys: tuple[str, ...]
    began: float
    ended: float


@dataclass
class History:
    """`sold` is how many of the scarce dish have been ordered, `refused` the keys of what was sold out then; `wrong` is
    what no service may answer."""

    answered: list[Answered] = field(default_factory=list)
    sold: int = 0
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    longest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, answered: Answered) -> None:
        with self.lock:
            self.answered.append(answered)
            self.longest = max(self.longest, answered.ended - answered.began)


def furnish(database: Path) -> str:
    """Makes the people, a token and the menu of a log that no node has yet; returns the token."""
    for name, role in {(name, role) for name, role, _ in READERS}:
        with_accounts(database, lambda accounts, name=name, role=role: accounts.create_user(name, role, PIN))
    token: str = with_accounts(database, lambda accounts: accounts.create_token("pos"))
    with opened(database) as connection:
        add_dishes(connection)
    return token


def add_dishes(connection: sqlite3.Connection) -> None:
    for number, name, stock in ((1, "Pupusa", STOCK), (2, "Flan", SCARCE)):
        connection.execute(
            "INSERT INTO products (id, name, price, stock, available) VALUES (?, ?, 1.5, ?, 1)", (number, name, stock)
        )


class Publishers:
    """Threads that publish, place orders and act on them, one after the other, at nodes that they choose anew for each
    try. Each begins at a node of its own."""

    def __init__(self, nodes: Sequence[LiveServer], token: str, seed: int, how_many: int = PUBLISHERS) -> None:
        self.history = History()
        self._nodes = nodes
        self._token = token
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(part, Random(seed + part)), name=f"publisher-{part}", daemon=True)
            for part in range(how_many)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """What was begun is answered first."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                self.history.wrong.append(f"{thread.name} was not answered within a minute")

    def _run(self, part: int, rng: Random) -> None:
        try:
            for number in count(1):
                self._order(part, number, rng)
                if self._stop.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.history.wrong.append(f"publisher {part}: {error!r}")

    def _order(self, part: int, number: int, rng: Random) -> None:
        """An order's life, each step at another node perhaps: none may say that it does not know what the step before
        was answered for."""
        name = f"{part}-{number}"
        if number % 10 == part % 10:
            self._sign_in(rng)
        order_id = (part + 1) * 1_000_000 + number
        if number % 3:
            steps: list[Json] = [{"tipo": "nuevo_pedido", "pedido": {"id": order_id}}]
            steps += [
                {"tipo": "cambio_estado", "pedido_id": order_id, "estado": state} for state in ("en_cocina", "listo")
            ]
            steps.append(stock_alert(number, "agotado"))
            for step, event in enumerate(steps):
                self._ask(f"{name}-{step}", PUBLISH, event, rng)
            batch = [stock_alert(number, "bajo", operacion_id=f"{name}-b{place}") for place in range(2)]
            self._ask(f"{name}-batch", PUBLISH, {"eventos": batch}, rng)
            return
        dish = 1 + (number % 2)
        body = {"tipo": "mesa", "mesa_numero": part, "items": [{"producto_id": dish, "cantidad": 1}]}
        placed = self._ask(f"{name}-place", "/api/pedidos", body, rng, may_be_refused=dish == 2)
        if placed is None:
            return
        if dish == 2:
            with self.history.lock:
                self.history.sold += 1
        address = f"/api/pedidos/{placed['pedido']['id']}/acciones"
        for action in ("iniciar", "listo", "servir", "cobrar"):
            extra = {"metodo_pago": "efectivo"} if action == "cobrar" else {}
            self._ask(f"{name}-{action}", address, {"accion": action, **extra}, rng)

    def _sign_in(self, rng: Random) -> None:
        """Who has signed in at one node is known at the next request to another."""
        name, role, _ = rng.choice(READERS)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            status, headers, answer = rng.choice(self._nodes).request(
                "POST", "/api/auth/login", {"username": name, "password": PIN}, token=None
            )
            if status == 503:
                return
            if status != 200:
                self.history.wrong.append(f"{name} signs in: {status} {answer}")
                return
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
            status, answer = ask(rng.choice(self._nodes), "GET", "/api/auth/sesion", None, cookie)
            if status != 503 and (status, answer.get("rol")) != (200, role):
                self.history.wrong.append(f"{name} has signed in, and is not known: {status} {answer}")

    def _ask(self, key: str, path: str, body: Json, rng: Random, *, may_be_refused: bool = False) -> Json | None:
        self._stop.wait(rng.uniform(0, 2 * PAUSE_SECONDS))
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if path == PUBLISH:
            headers["Idempotency-Key"] = key
        else:
            body = {**body, "operacion_id": key}
        began = time.monotonic()
        while True:
            node = rng.choice(self._nodes)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                sent = time.monotonic()
                status, answer = ask(node, "POST", path, body, headers)
                ended = time.monotonic()
                if status in (200, 201):
                    ids = answer.get("ids") or answer.get("evento_ids") or [answer.get("id", answer.get("evento_id"))]
                    keys = [event["operacion_id"] for event in body.get("eventos", ())] or [key]
                    self.history.keep(Answered(key, tuple(ids), tuple(keys), began, ended))
                    self.history.milliseconds.append(1000 * (ended - sent))
                    return answer
                if may_be_refused and answer.get("error", {}).get("codigo") == "producto_agotado":
                    self.history.refused.append(key)
                    return None
                if status != 503:
                    self.history.wrong.append(f"{key}: {status} {answer}")
                    return None
            time.sleep(0.05)


def ask(node: LiveServer, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and answer of a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        with connection.getresponse() as response:  # a node that is killed may leave it half
            return response.status, json.loads(response.read())


class Followers:
    """A thread that has screens follow orders that are to come, or are there already."""

    def __init__(self, tablets: Sequence[Hopper], seed: int) -> None:
        self._tablets = [tablet for tablet in tablets if tablet.room != "managers"]
        self._rng = Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="followers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        for number in count(1):
            if self._stop.wait(0.2) or number > FOLLOWED * len(self._tablets):
                return
            order_id = self._rng.randint(1, PUBLISHERS) * 1_000_000 + number // 2
            self._tablets[number % len(self._tablets)].follow(order_id)


class Hopper(Tablet):
    """A screen that goes on at another node every now and then, by its cursor, and follows orders of other rooms.

    `seen`: what was in each event, by its id, so that no id has two meanings.
    """

    def __init__(self, nodes: Sequence[LiveServer], user: tuple[str, str], transport: str, seed: int) -> None:
        super().__init__(nodes[seed % len(nodes)], f"{user[0]}-{transport}", (*user, PIN), transport, seed)
        self.seen: dict[int, tuple[Any, ...]] = {}
        self.followed: dict[int, int] = {}  # order → the cursor of the answer
        # From which event on each order is followed; the checker takes it from the log.
        self.follows_after: dict[int | None, int] = {}
        self._nodes = nodes
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """A node that has just begun does not know its engine yet."""
        body = {"username": self.username, "password": PIN}
        kind = {"Content-Type": "application/json"}
        eventually(lambda: ask(self._server, "POST", "/api/auth/login", body, kind)[0] != 503)
        super().start()

    def follow(self, order_id: int) -> None:
        """Asks one node after the other until one has answered."""
        path = f"/api/notificaciones/suscripciones/{order_id}?cliente={self.client}"
        while not self._stop.is_set():
            node = self._rng.choice(self._nodes)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, answer = ask(node, "PUT", path, None, {"Cookie": self.cookie})
                if status == 200:
                    self.followed[order_id] = id_of(answer["cursor"])
                    return
                if status != 503:
                    self.fault = AssertionError(f"{self.name} follows {order_id}: {status} {answer}")
                    return
            time.sleep(0.05)

    def due(self, events: list[Json]) -> list[int]:
        def is_due(event: Json) -> bool:
            follows = self.room != "managers" and event["id"] > self.follows_after.get(event.get("pedido_id"), 1 << 60)
            return event["id"] > self.first and (self.room in event["salas"] or follows)

        return [event["id"] for event in events if is_due(event)]

    def end(self) -> None:
        super().end()
        if self._timer is not None:
            self._timer.cancel()

    def _choose(self) -> LiveServer:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._rng.uniform(*HOP_SECONDS), self.cut)
        self._timer.daemon = True
        self._timer.start()
        return self._rng.choice(self._nodes)

    def _handle(self, event: Json) -> None:
        super()._handle(event)
        self.seen[event["id"]] = what(event)


def what(event: Json) -> tuple[Any, ...]:
    """By which an event is told from another of the same id, in every copy."""
    return event["tipo"], event["timestamp"], event.get("pedido_id"), event.get("operacion_id")


def id_of(cursor: str) -> int:
    return int(cursor.rsplit("-", 1)[1])


def hoppers(nodes: Sequence[LiveServer], seed: int, how_many: int = len(READERS)) -> list[Hopper]:
    who = [READERS[number % len(READERS)] for number in range(how_many)]
    return [Hopper(nodes, (name, role), transport, seed + n) for n, (name, role, transport) in enumerate(who)]
