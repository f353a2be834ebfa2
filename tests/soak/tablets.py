"""A restaurant's screens: each reads by one transport, from its own cursor, folds what it gets, and acknowledges what a
kitchen must have seen."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from pos_notif.events import CANCELLED, KITCHEN, ROLE_ROOM
from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient
from tests.support.websocket_client import Closed, SioClient

SSE, SOCKET, POLLING = "sse", "websocket", "polling"
POLL_SECONDS = 1.0
_SEEN_BY_A_COOK = ("nuevo_pedido", "item_modificado", "pedido_cancelado")
# The connection was cut, in whatever place; AssertionError: SseClient's, for a stream that ended.
_CUT = (OSError, http.client.HTTPException, ValueError, AssertionError, Closed)

Json = dict[str, Any]


class Fault(Exception):
    """The service did what it must never do."""


class Tablet:
    """`handled`: the ids of the events that it has folded into `orders`, in the order in which they came. `fault`: what
    ended it before `stop`."""

    def __init__(self, server: LiveServer, name: str, user: tuple[str, str, str], transport: str, seed: int) -> None:
        """`user`: name, role and PIN."""
        self.name = name
        self.client = str(UUID(int=seed + 1))
        self.username, self.role, self._pin = user
        self.room = ROLE_ROOM[self.role]
        self.transport = transport
        self.handled: list[int] = []
        self.orders: dict[int, Json] = {}
        self.connections = self.resets = 0
        self.fault: Exception | None = None
        self._server = server
        self._rng = Random(seed)
        self._stop = threading.Event()
        self._power = threading.Event()
        self._power.set()
        self._link: socket.socket | None = None
        self._unacknowledged: list[tuple[int, bool]] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Signs in and takes the snapshot; what follows it is read in a thread."""
        self.cookie = self._server.login(self.username, self._pin)
        self._load()
        self.first = self.position
        self._thread.start()

    def cut(self) -> None:
        """Breaks the connection, wherever it is."""
        link = self._link
        if link is not None:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def power(self, on: bool) -> None:
        if on:
            self._power.set()
        else:
            self._power.clear()
            self.cut()

    def end(self) -> None:
        self._stop.set()
        self._power.set()
        self.cut()
        self._thread.join(40)

    @property
    def position(self) -> int:
        return int(self._cursor.rsplit("-", 1)[1])

    @property
    def is_done(self) -> bool:
        return not self._unacknowledged

    def due(self, events: list[Json]) -> list[int]:
        """Of the whole log, what this tablet must have handled."""
        return [event["id"] for event in events if event["id"] > self.first and self.room in event["salas"]]

    def reading_problems(self, events: list[Json]) -> list[str]:
        problems = [f"{self.name}: {self.fault!r}"] if self.fault else []
        due = self.due(events)
        # The service may say something still, an alarm say, after the log was read.
        handled = [event_id for event_id in self.handled if not events or event_id <= events[-1]["id"]]
        if handled != due:
            missing, extra = sorted(set(due) - set(handled)), sorted(set(handled) - set(due))
            problems.append(
                f"{self.name} lacks {missing[:5]} ({len(missing)}), has {extra[:5]} ({len(extra)}) too many"
            )
        if self.resets:
            problems.append(f"{self.name} was told to resynchronise {self.resets} times")
        return problems

    # Reading

    def _run(self) -> None:
        read = {SSE: self._stream, SOCKET: self._socket, POLLING: self._poll}[self.transport]
        try:
            while not self._stop.is_set():
                self._power.wait()
                with contextlib.suppress(*_CUT):
                    self.connections += 1
                    self._server = self._choose()
                    self._acknowledge()
                    read()
                self._link = None
                self._stop.wait(self._rng.uniform(0.05, 0.5))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.fault = error

    def _choose(self) -> LiveServer:
        """Which of several services it goes to next."""
        return self._server

    def _stream(self) -> None:
        query = f"?cliente={self.client}"
        with SseClient(self._server, self.role, cookie=self.cookie, last_event_id=self._cursor, query=query) as stream:
            self._hold(stream.socket)
            if stream.status in (401, 403):
                raise Fault(f"{self.name}: {stream.status}")
            for frame in stream.frames():
                if frame.event == "resincronizar":
                    self._reset()
                    return
                if frame.id is not None:
                    self._cursor = frame.id
                if (frame.event or "").startswith("evento_"):
                    self._handle(frame.data)

    def _socket(self) -> None:
        port, headers = self._server.port, {"Cookie": self.cookie}
        with SioClient(port, {"cursor": self._cursor}, headers=headers) as client:
            self._hold(client.socket)
            if not client.greeting.startswith("40"):
                raise Fault(f"{self.name}: {client.greeting}")
            client.emit("conectar_usuario", {"rol": self.role, "cliente": self.client})
            while True:
                name, *arguments = client.event()
                if name == "resincronizar":
                    self._reset()
                    return
                if name.startswith("evento_"):
                    event, self._cursor = arguments
                    self._handle(event)

    def _poll(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=10)
        with contextlib.closing(connection):
            connection.connect()
            self._hold(connection.sock)
            while self._power.is_set() and not self._stop.is_set():
                path = f"/api/notificaciones/polling/{self.role}?cursor={self._cursor}&cliente={self.client}"
                connection.request("GET", path, headers={"Cookie": self.cookie})
                with connection.getresponse() as response:
                    answer = json.loads(response.read())
                if response.status in (401, 403, 422):
                    raise Fault(f"{self.name}: {answer}")
                if response.status != 200:
                    return
                if "resincronizar" in answer:
                    self._reset()
                    return
                for event in answer["eventos"]:
                    self._handle(event)
                self._cursor = answer["cursor"]
                if not answer["hay_mas"]:
                    self._stop.wait(POLL_SECONDS)

    def _hold(self, link: socket.socket) -> None:
        self._link = link
        if not self._power.is_set() or self._stop.is_set():
            self.cut()  # the cut came while we connected

    def _reset(self) -> None:
        self.resets += 1
        self._load()

    def _load(self) -> None:
        answer = self.view()
        self.orders = {order["id"]: order for order in answer["pedidos"]}
        self._cursor: str = answer["cursor"]

    def view(self) -> Json:
        """The snapshot that its page would load."""
        status, _, answer = self._server.request("GET", "/api/pedidos", cookie=self.cookie)
        if status != 200:
            raise OSError(f"no snapshot: {status}")
        return answer  # type: ignore[no-any-return]

    # Folding

    def _handle(self, event: Json) -> None:
        if event["id"] <= (self.handled[-1] if self.handled else self.first):
            raise Fault(f"{self.name}: event {event['id']} came again, after {self.handled[-3:]}")
        self.handled.append(event["id"])
        fold(self.orders, event)
        if self.room == KITCHEN and event["tipo"] in _SEEN_BY_A_COOK:
            self._unacknowledged.append((event["id"], event["tipo"] == "pedido_cancelado"))
            self._acknowledge()

    def _acknowledge(self) -> None:
        while self._unacknowledged and self._power.is_set():
            event_id, cancelled = self._unacknowledged[0]
            body = {"evento_ids": [event_id], **({"entendido": True} if cancelled else {})}
            path = "/api/notificaciones/acuses"
            status, _, answer = self._server.request("POST", path, body, cookie=self.cookie)
            if status in (429, 503):
                raise OSError("later")
            if status != 200:
                raise Fault(f"{self.name}: receipt of {event_id}: {status} {answer}")
            self._unacknowledged.pop(0)


def fold(orders: dict[int, Json], event: Json) -> None:
    """What a page keeps of an event, in the words of docs/protocol.md alone."""
    if event["tipo"] == "acuse_recibo":
        if event["entendido"] and event["pedido_id"] in orders:
            orders[event["pedido_id"]]["entendido_at"] = event["timestamp"]
        return
    if "version" not in event:
        return
    if event.get("pedido"):
        orders[event["pedido_id"]] = event["pedido"]
        return
    order = orders.get(event["pedido_id"])
    if order is None:
        return  # a change to what is not on this screen
    order = orders[event["pedido_id"]] = {**order, "version": event["version"]}
    if event["tipo"] == "pedido_cancelado":
        order["estado"] = CANCELLED
        order["items"] = [{**line, "estado_item": "cancelado"} for line in order["items"]]
    elif event["tipo"] == "item_modificado":
        others = [line for line in order["items"] if line["id"] != event["item_id"]]
        order["items"] = others if event["item"] is None else [*others, event["item"]]
        order.update({name: event[name] for name in ("subtotal", "impuesto", "total") if name in event})


def core(order: Json) -> tuple[Any, ...]:
    """What a screen shows of an order."""
    lines = sorted((line["id"], line["cantidad"], line["notas"] or "", line["estado_item"]) for line in order["items"])
    return (order["estado"], order["version"], order.get("total"), *lines)


def shown(orders: dict[int, Json], room: str) -> Iterator[int]:
    """The orders that a screen of that room must be showing, for all it knows."""
    for order_id, order in orders.items():
        state, takeaway = order["estado"], order["tipo"] == "llevar"
        if {
            "cocina": state in ("pagado", "en_mesa", "en_cocina", "listo")
            or (state == CANCELLED and "entendido_at" not in order),
            "meseros": state == "listo",
            "cajeros": state in ("pendiente_pago", "servido") or (state == "listo" and takeaway),
            "managers": state not in ("cerrado", CANCELLED),
        }[room]:
            yield order_id
