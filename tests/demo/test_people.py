"""What the demo's simulated people decide, and how it reaches the service."""

from __future__ import annotations

import http.server
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

import pytest

from pos_notif.demo.board import Board, Hands
from pos_notif.demo.client import Client, Refused, Stopped
from pos_notif.demo.guests import MOST_OPEN, Guests
from pos_notif.demo.menu import choose_allergy
from pos_notif.demo.people import PEOPLE, Deed, act
from pos_notif.demo.screens import Eyes
from pos_notif.demo.staff import LATE_SECONDS, WARN_SECONDS, Staff
from pos_notif.errors import SoldOut
from pos_notif.events import PUBLISHABLE
from tests.support.simulated_day import Day, run_restaurant
from tests.support.waiting import eventually

LONG = 60.0  # for a machine that does much else


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return run_restaurant(tmp_path_factory.mktemp("demo") / "shift.db", 2400, seed=1)


def test_forty_minutes_keep_the_kitchen_busy_and_show_everything_that_can_happen(shift):
    after_warm_up = shift.in_kitchen[20:]
    assert sum(4 <= count <= 10 for count in after_warm_up) > 0.9 * len(after_warm_up)
    assert min(after_warm_up) >= 2
    assert max(after_warm_up) <= 13  # recalls and second rounds come on top
    assert max(after_warm_up) - min(after_warm_up) >= 5  # a rush, and a quiet time
    assert {event["tipo"] for event in shift.events} == set(PUBLISHABLE)
    assert 100 < len(shift.orders) < 220
    changes = {event["cambios"]["tipo_cambio"] for event in shift.of("item_modificado")}
    assert changes == {"item_agregado", "item_removido", "cantidad_modificada", "notas_modificadas", "item_listo"}
    assert {event["nivel"] for event in shift.of("alerta_stock")} == {"bajo", "agotado", "disponible"}
    assert {"efectivo", "tarjeta"} <= {event.get("metodo_pago") for event in shift.events}
    assert any(event.get("recuperado") and event["razon"] for event in shift.events)
    assert all(event["razon"] for event in shift.of("pedido_cancelado"))
    assert any(event.get("parcial") for event in shift.events)
    assert any((order["notas"] or "").startswith("ALERGIA: ") for order in shift.orders)
    lines = [line for order in shift.orders for line in order["items"]]
    assert any((line["notas"] or "").startswith("SIN ") for line in lines)
    assert {len(order["items"]) for order in shift.orders} >= {1, 2, 3, 4, 5, 6}


def test_most_of_the_time_a_ticket_lies_longer_than_the_limits(shift):
    ages = oldest_ages(shift)
    for seconds, share in ((WARN_SECONDS, 0.6), (LATE_SECONDS, 0.3)):
        assert share < sum(age >= seconds for age in ages) / len(ages) < 1


def oldest_ages(day: Day) -> list[float]:
    """Each quarter of a minute, for how long the kitchen has had the oldest of what is to be cooked."""
    spans = []
    for order in day.orders:
        began = datetime.fromisoformat(order.get("pagado_at") or order["timestamp"])
        ended = order.get("listo_at") or order.get("servido_at")
        if ended:
            spans.append((began.timestamp(), datetime.fromisoformat(ended).timestamp()))
    first = min(began for began, _ in spans)
    ticks = [first + second for second in range(120, 2300, 15)]
    return [max((tick - began for began, ended in spans if began <= tick < ended), default=0.0) for tick in ticks]


def test_nothing_that_is_tried_is_against_the_rules(shift):
    """Only a dish that was ordered away between look and order; every body parsed, or the run had raised Invalid."""
    assert [refusal for refusal in shift.refused if not refusal.startswith(SoldOut.__name__)] == []
    assert len(shift.refused) < 10
    roles = {person.username: person.role for person in PEOPLE}
    assert all(event["actor"]["rol"] == roles[event["actor"]["username"]] for event in shift.events)
    assert {event["actor"]["username"] for event in shift.events} == set(roles)


def test_everyone_pays_once_and_no_unpaid_takeaway_is_cooked(shift):
    ways = Counter()
    for order in shift.orders:
        events = [event for event in shift.events if event.get("pedido_id") == order["id"]]
        states = [event["estado"] for event in events if event["tipo"] == "cambio_estado"]
        if order["tipo"] == "llevar" and states:
            assert states[0] == "pagado"
        if order["estado"] == "cerrado":
            payments = [event["metodo_pago"] for event in events if event.get("metodo_pago")]
            assert len(payments) == 1
            ways[order["tipo"]] += 1
    assert ways["llevar"] > 20
    assert ways["mesa"] > 50


@pytest.mark.parametrize("seed", range(8))
def test_a_minute_has_orders_in_every_state_and_something_for_each_screen(tmp_path, seed):
    day = run_restaurant(tmp_path / "minute.db", 61, seed, tick=1)
    reached = set().union(*day.states.values()) | {order["estado"] for order in day.orders}
    wanted = {"pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado"}
    assert wanted <= reached
    assert "en_cocina" in day.states[60]
    assert day.states[60] & {"pendiente_pago", "servido"}  # the till's


def test_without_staff_tickets_lie_and_the_guests_stop_coming(tmp_path):
    day = run_restaurant(tmp_path / "log.db", 900, 4, staff=False)
    assert day.of("cambio_estado") == []
    assert {order["estado"] for order in day.orders} <= {"pendiente_pago", "en_mesa", "cancelado"}
    assert 8 <= sum(order["estado"] != "cancelado" for order in day.orders) <= 10
    assert day.of("item_modificado")


def test_guests_stop_coming_where_nobody_serves(tmp_path):
    """The kitchen works and is never full; the rest of the restaurant is full."""
    ready = [
        {"id": number, "version": 1, "estado": "listo", "mesa_numero": None, "items": []}
        for number in range(MOST_OPEN - 1)
    ]
    [_] = Guests(1).act(Board(ready, [_product()]), 0.0)
    assert Guests(1).act(Board([*ready, {**ready[0], "id": 99}], [_product()]), 0.0) == []


def test_a_seed_repeats_itself_and_another_one_does_not():
    menu = [_product(number) for number in range(1, 30)]
    first, again, other = (Guests(seed).act(Board([], menu), 0.0) for seed in (4, 4, 5))
    assert len(first) == 8
    assert first == again
    assert first != other


def _product(number: int = 1, **fields: Any) -> dict[str, Any]:
    product = {"id": number, "nombre": f"Plato {number}", "categoria": "Pupusas", "precio": 1.0}
    return {**product, "stock_actual": None, "stock_minimo": None, "disponible": True, **fields}


def test_nobody_orders_what_is_sold_out_nor_more_than_there_is():
    menu = [_product(1, disponible=False), _product(2, stock_actual=0, disponible=False), _product(3, stock_actual=1)]
    lines = [line for deed in Guests(6).act(Board([], menu), 0.0) for line in deed.body["items"]]
    assert {(line["producto_id"], line["cantidad"]) for line in lines} == {(3, 1)}
    assert Guests(6).act(Board([], menu[:2]), 0.0) == []


def test_the_manager_brings_back_what_was_ordered_away_and_not_what_was_marked():
    menu = [_product(1, disponible=False, stock_actual=7), _product(2, stock_actual=0, disponible=False)]
    staff = Staff(Random(1))
    assert staff.act(Board([], menu), 0.0) == []
    [deed] = staff.act(Board([], menu), 151.0)
    assert (deed.person.role, deed.method, deed.path) == ("manager", "PATCH", "/api/productos/2")


def test_an_allergy_does_not_contradict_the_dishes():
    found = {choose_allergy(random.Random(n), ["Pupusa de queso"]) for n in range(50)}
    assert found == {"ALERGIA: mariscos", "ALERGIA: maní"}


ORDER = {"id": 5, "version": 1, "estado": "en_mesa", "tipo": "mesa", "mesero": None, "mesa_numero": 1, "items": []}


def test_staff_leave_an_order_alone_that_somebody_else_has_moved_on():
    staff = Staff(Random(7))
    assert staff.act(Board([ORDER], []), 100.0) == []
    moved = {**ORDER, "version": 2, "estado": "listo"}
    assert staff.act(Board([moved], []), 129.9) == []  # what was planned for version 1 is off
    [served] = staff.act(Board([moved], []), 170.0)
    assert served.body["accion"] in ("servir", "recuperar", "cobrar")


def test_a_persons_touch_keeps_everyone_away_for_a_while():
    hands, staff = Hands(180.0), Staff(Random(7))

    def look(now: float, **order: Any) -> list[Deed]:
        orders = [{**ORDER, **order}]
        hands.look(orders, now)
        return staff.act(Board(orders, [], 0, hands.placed, hands.theirs), now)

    assert look(0) == []  # there at the start: nobody's
    hands.note({**ORDER, "version": 2}, placed=False)
    assert (look(100, version=2), hands.theirs) == ([], frozenset())  # our own deed
    assert (look(101, version=3), hands.theirs) == ([], {5})  # a person's
    assert look(280, version=3) == []
    assert (look(281, version=3), hands.theirs) == ([], frozenset())  # planned only now
    [deed] = look(1300, version=3)
    assert deed.order_id == 5
    hands.look([], 1301)
    hands.look([{**ORDER, "version": 9}], 1302)
    assert hands.theirs == {5}  # placed by a person
    assert hands.placed == frozenset()


def test_a_cook_sees_what_was_in_sight_for_a_second_of_real_time_and_says_so_until_it_is_known():
    eyes = Eyes(pace=4.0)
    assert eyes.act(Board([], [], unseen=(7, 9)), 10.0) == []
    assert eyes.act(Board([], [], unseen=(7, 9, 11)), 13.9) == []
    [deed] = eyes.act(Board([], [], unseen=(7, 9, 11)), 14.0)
    assert (deed.person.role, deed.path) == ("cocinero", "/api/notificaciones/acuses")
    assert (deed.body, deed.keyed) == ({"evento_ids": [7, 9]}, False)
    assert eyes.act(Board([], [], unseen=(11,)), 17.0) == []
    assert eyes.act(Board([], [], unseen=()), 30.0) == []


def test_only_guests_who_were_placed_here_change_their_minds():
    changed = []
    for number in range(1, 60):
        line = {"id": 1, "estado_item": "pendiente", "categoria": "Pupusas", "cantidad": 2, "notas": None}
        order = {**ORDER, "id": number, "mesero": "Elena", "items": [line, {**line, "id": 2}]}
        for placed, left_alone in ((True, False), (True, True), (False, False)):
            ids = frozenset({number})
            board = Board(
                [order] * 10, [_product()], 0, ids if placed else frozenset(), ids if left_alone else frozenset()
            )
            guests = Guests(1)
            guests.act(board, 0.0)
            deeds = guests.act(board, 45.0)
            assert guests.act(board, 500.0) == []  # once
            changed += [(placed, left_alone)] * bool(deeds)
    assert set(changed) == {(True, False)}


# The requests


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers each request but a sign-in with the next of `answers`: a status, or None to hang up without one."""

    answers: list[int | None]
    sent: list[tuple[str, str]]  # key and cookie
    logins: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/auth/login":
            self.logins.append(body["username"])
            self.send_response(200)
            self.send_header("Set-Cookie", f"sesion={len(self.logins)}; HttpOnly")
        else:
            self.sent.append((body["operacion_id"], self.headers["Cookie"]))
            status = self.answers.pop(0)
            if status is None:
                return
            self.send_response(status)
        self.end_headers()
        self.wfile.write(b'{"pedido": {"id": 5}}')

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Any]:
    handler = type("Handler", (Stub,), {"answers": [], "sent": [], "logins": []})
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


DEED = act(PEOPLE[0], ORDER, "iniciar")


def test_a_deed_is_sent_again_with_its_key_until_it_is_answered(stub, client):
    stub.answers[:] = [503, None, 429, 200, 200]
    assert client.do(DEED) == {"id": 5}
    assert len(stub.sent) == 4
    assert len(set(stub.sent)) == 1
    assert client.do(DEED) == {"id": 5}
    assert stub.sent[4][0] != stub.sent[0][0]
    assert stub.logins == ["Marta"]


def test_a_refusal_is_let_go_and_told_of_where_it_is_not_ordinary(stub, client, caplog):
    stub.answers[:] = [409, 404, 422]
    assert [client.do(DEED), client.do(DEED), caplog.messages] == [None, None, []]
    assert client.do(DEED) is None
    [message] = caplog.messages
    assert "422" in message


def test_a_session_that_was_ended_is_begun_anew_once(stub, client):
    stub.answers[:] = [200, 401, 200, 401, 401]
    client.do(DEED)
    assert client.do(DEED) == {"id": 5}
    assert stub.sent[1][0] == stub.sent[2][0]
    assert [cookie for _, cookie in stub.sent] == ["sesion=1", "sesion=1", "sesion=2"]
    with pytest.raises(Refused, match="401"):
        client.do(DEED)


def test_a_stop_ends_the_repetition(stub):
    stop = threading.Event()
    stub.answers[:] = [503] * 1000 + [200]

    def stop_once_it_is_repeated() -> None:
        eventually(lambda: len(stub.sent) >= 2)
        stop.set()

    stopping = threading.Thread(target=stop_once_it_is_repeated)
    stopping.start()
    with pytest.raises(Stopped):
        Client(stub.url, "t", stop).do(DEED)
    stopping.join()
    assert 2 <= len(stub.sent) < 1000
