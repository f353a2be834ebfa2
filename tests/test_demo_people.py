"""What the demo's simulated people decide, and how it reaches the service."""

from __future__ import annotations

import http.server
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from pos_notif.completion import complete
from pos_notif.demo.board import PEOPLE, Board
from pos_notif.demo.client import Client, Refused, Stopped
from pos_notif.demo.guests import Guests
from pos_notif.demo.menu import MENU, amounts, choose_allergy
from pos_notif.demo.staff import Staff
from pos_notif.drafts import parse_draft
from pos_notif.events import PUBLISHABLE
from pos_notif.orders import Order, apply

LONG = 60.0  # for a machine that does much else


class Service:
    """The service's own rules for orders, in memory, at simulated times."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.events: list[dict[str, Any]] = []

    def publish(self, draft: dict[str, Any], now: float) -> None:
        sent = parse_draft(json.loads(json.dumps(draft)))
        if sent["tipo"] == "alerta_stock":
            self.events.append(sent)
            return
        number = sent["pedido"]["id"] if sent["tipo"] == "nuevo_pedido" else sent["pedido_id"]
        order = self.orders.get(number)
        minutes, seconds = divmod(int(now), 60)
        timestamp = f"2026-11-24T{12 + minutes // 60}:{minutes % 60:02}:{seconds:02}.000-06:00"
        event = complete(sent, order, tax_rate=0.13, timestamp=timestamp, retime=str)
        version = order.pedido["version"] + 1 if order is not None else 1
        event.update(id=len(self.events) + 1, timestamp=timestamp, version=version)
        self.orders[number] = apply(order, event)
        self.events.append(event)

    def board(self) -> Board:
        orders = [order.pedido for order in self.orders.values()]
        cancelled = [order for order in self.orders.values() if order.state == "cancelado" and order.kitchen_had_it]
        return Board([order for order in orders if order["estado"] not in ("cerrado", "cancelado")], len(cancelled))


def run_restaurant(seconds: int, seed: int) -> tuple[Service, list[int]]:
    """The service after so long a time, and the number of tickets in the kitchen at each second."""
    service, tickets = Service(), []
    actors = [Guests(PEOPLE, seed, 101), Staff(PEOPLE, seed)]
    for now in range(seconds):
        board = service.board()
        for actor in actors:
            drafts = actor.act(board, float(now))
            for draft in drafts:
                service.publish(draft, now)
            board = board.without({draft["pedido_id"] for draft in drafts if "pedido_id" in draft})
        tickets.append(service.board().in_kitchen)
    return service, tickets


def test_an_hour_keeps_the_kitchen_busy_and_shows_everything_that_can_happen():
    service, tickets = run_restaurant(3600, seed=1)
    after_warm_up = tickets[60:]
    assert sum(4 <= count <= 10 for count in after_warm_up) > 0.9 * len(after_warm_up)
    assert min(after_warm_up) >= 2
    assert max(after_warm_up) <= 12  # recalls come on top
    events = service.events
    assert {event["tipo"] for event in events} == set(PUBLISHABLE)
    assert 120 < sum(event["tipo"] == "nuevo_pedido" for event in events) < 300
    changes = {event["cambios"]["tipo_cambio"] for event in events if event["tipo"] == "item_modificado"}
    assert changes == {"item_agregado", "cantidad_modificada", "notas_modificadas", "item_listo"}
    assert {event["nivel"] for event in events if event["tipo"] == "alerta_stock"} == {"bajo", "agotado", "disponible"}
    assert any(event.get("recuperado") for event in events)
    assert any(event["razon"] for event in events if event["tipo"] == "pedido_cancelado")
    assert any(event.get("parcial") for event in events)
    notes = [order.pedido["notas"] for order in service.orders.values() if order.pedido["notas"]]
    assert any(note.startswith("ALERGIA: ") for note in notes)
    lines = [line for order in service.orders.values() for line in order.pedido["items"]]
    assert any((line["notas"] or "").startswith("SIN ") for line in lines)


def test_everyone_pays_once_and_no_unpaid_takeaway_is_cooked():
    service, _ = run_restaurant(3600, seed=2)
    ways = Counter()
    for number, order in service.orders.items():
        events = [event for event in service.events if event.get("pedido_id") == number]
        states = [event["estado"] for event in events if event["tipo"] == "cambio_estado"]
        if order.takeaway and states:
            assert states[0] == "pagado"
        if order.state == "cerrado":
            payments = [event["metodo_pago"] for event in events if event.get("metodo_pago")]
            assert len(payments) == 1
            ways[order.takeaway] += 1
    assert ways[True] > 20
    assert ways[False] > 50


def test_totals_are_those_of_the_lines_after_every_change():
    service, _ = run_restaurant(1800, seed=3)
    for order in service.orders.values():
        pedido = order.pedido
        assert pedido["total"] == round(sum(line["cantidad"] * line["precio_unitario"] for line in pedido["items"]), 2)
        assert round(pedido["subtotal"] * 1.13, 2) == pytest.approx(pedido["total"], abs=0.011)
    changed = [event for event in service.events if event.get("cambios", {}).get("nuevo_total")]
    assert changed
    assert all(event["total"] == event["cambios"]["nuevo_total"] for event in changed)


def test_a_seed_repeats_itself_and_another_one_does_not():
    first, again, other = (run_restaurant(300, seed)[0].events for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_nobody_orders_what_is_sold_out():
    gone = frozenset(dish.id for dish in MENU if dish.name != "Tamal pisque" and dish.category != "Bebidas")
    [*drafts] = Guests(PEOPLE, 6, 101).act(Board([], 0, gone), 0.0)
    names = {line["producto_nombre"] for draft in drafts for line in draft["pedido"]["items"]}
    assert "Tamal pisque" in names
    assert not names & {dish.name for dish in MENU if dish.id in gone}


def test_an_allergy_does_not_contradict_the_dishes():
    cheese = [dish for dish in MENU if dish.name == "Pupusa de queso"]
    assert {choose_allergy(random.Random(n), cheese) for n in range(50)} == {"ALERGIA: mariscos", "ALERGIA: maní"}
    assert amounts([{"subtotal": 1.13}]) == {"subtotal": 1.0, "impuesto": 0.13, "total": 1.13}


def test_staff_leave_an_order_alone_that_somebody_else_has_moved_on():
    staff = Staff(PEOPLE, 7)
    order = {"id": 5, "version": 1, "estado": "en_mesa", "tipo": "mesa", "mesero": None, "items": []}
    assert staff.act(Board([order]), 0.0) == []
    moved = {**order, "version": 2, "estado": "listo"}
    assert staff.act(Board([moved]), 19.9) == []  # what was planned for version 1 is off
    [served] = [draft for draft in staff.act(Board([moved]), 60.0) if "pedido_id" in draft]
    assert served["estado"] in ("servido", "en_cocina")


# The publisher


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers each POST with the next of `answers`: a status, or None to hang up without one."""

    answers: list[int | None]
    keys: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keys.append(body["operacion_id"])
        status = self.answers.pop(0)
        if status is not None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Any]:
    handler = type("Handler", (Stub,), {"answers": [], "keys": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        handler.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def client(stub: Any) -> Iterator[Client]:
    """Gives up after a while, so that a fault here is a failure and not a hang."""
    stop = threading.Event()
    timer = threading.Timer(LONG, stop.set)
    timer.start()
    yield Client(stub.url, "t", stop)
    timer.cancel()


def test_an_event_is_sent_again_with_its_key_until_it_is_answered(stub, client):
    stub.answers[:] = [503, None, 201, 201]
    assert client.publish({"tipo": "alerta_stock"}) is True
    assert len(stub.keys) == 3
    assert len(set(stub.keys)) == 1
    assert client.publish({"tipo": "alerta_stock"}) is True
    assert stub.keys[3] != stub.keys[0]


def test_a_conflict_is_let_go_and_another_refusal_is_not(stub, client):
    stub.answers[:] = [409, 422]
    assert client.publish({"tipo": "alerta_stock"}) is False
    with pytest.raises(Refused, match="422"):
        client.publish({"tipo": "alerta_stock"})


def test_a_stop_ends_the_repetition(stub):
    stop = threading.Event()
    stub.answers[:] = [503] * 10 + [201]
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with pytest.raises(Stopped):
        Client(stub.url, "t", stop).publish({"tipo": "alerta_stock"})
    timer.join()
    assert 1 <= len(stub.keys) < 10
