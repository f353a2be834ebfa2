"""Receipts of the kitchen's screens (docs/protocol.md, section 17)."""

from __future__ import annotations

import pytest

from tests.support.live_server import LiveServer
from tests.support.pos import assert_projection_is_the_fold
from tests.support.sse_client import SseClient

ACKNOWLEDGE = "/api/notificaciones/acuses"


@pytest.fixture
def cook(server: LiveServer) -> str:
    server.create_user("Ana", "cocinero")
    return server.login("Ana")


def acknowledge(server, cookie, *ids, **more):
    status, _, answer = server.request("POST", ACKNOWLEDGE, {"evento_ids": list(ids), **more}, cookie=cookie)
    assert status == 200, answer
    assert answer["ok"] is True
    return answer["nuevos"]


def order(server, order_id=7):
    return server.request("GET", f"/api/pedidos/{order_id}")[2]["pedido"]


def test_the_first_receipt_of_an_event_is_logged_and_told_to_the_waiters(server, cook):
    event_id = server.new_order(7)["id"]
    version = order(server)["version"]
    with SseClient(server, "mesero") as waiters:
        waiters.next_event("hola")
        assert acknowledge(server, cook, event_id, event_id) == 1
        assert acknowledge(server, cook, event_id) == 0
        server.publish({"tipo": "pedido_listo", "pedido_id": 7, "items_listos": []})
        first, second = waiters.take(2)
    assert first.event == "evento_sistema"
    told = first.data
    assert (told["tipo"], told["evento_id"], told["pedido_id"], told["entendido"]) == ("acuse_recibo", 1, 7, False)
    assert isinstance(told["segundos"], int)
    assert told["actor"]["username"] == "Ana"
    assert "version" not in told
    assert second.data["tipo"] == "pedido_listo"
    assert order(server)["por_acusar"] == []
    assert order(server)["visto_at"] == told["timestamp"]
    assert order(server)["version"] == version + 1  # the pedido_listo's
    server.stop()
    assert_projection_is_the_fold(server.database)


def test_the_log_tells_what_the_kitchen_saw_in_peoples_words(server, cook):
    placed = server.new_order(7, mesa_numero=5)["id"]
    moved = server.publish({"tipo": "cambio_mesa", "pedido_id": 7, "mesa_numero": 9})["id"]
    cancelled = server.publish({"tipo": "pedido_cancelado", "pedido_id": 7})["id"]
    acknowledge(server, cook, placed, moved, cancelled)
    acknowledge(server, cook, cancelled, entendido=True)
    log = server.request("GET", "/api/notificaciones/eventos?tipo=acuse_recibo&orden=asc")[2]
    told = ["vio el pedido", "vio el cambio de mesa", "vio la cancelación", "entendió la cancelación"]
    assert [text.split(", a los ")[0] for text in log["descripciones"]] == [f"Mesa 9: cocina {words}" for words in told]
    file = server.request("GET", "/api/notificaciones/eventos.csv?tipo=acuse_recibo")[2]
    assert all(f"Mesa 9: cocina {words}, a los " in str(file) for words in told)


def test_understanding_a_cancellation_clears_it_from_the_kitchens_view_on_every_tablet(server, cook):
    server.new_order(7)
    cancelled = server.publish({"tipo": "pedido_cancelado", "pedido_id": 7, "razon": "se fueron"})["id"]

    def in_view() -> bool:
        return bool(server.request("GET", "/api/pedidos?vista=cocina")[2]["pedidos"])

    with SseClient(server, "cocinero") as tablet:
        tablet.next_event("hola")
        assert acknowledge(server, cook, cancelled) == 1
        assert in_view()
        assert acknowledge(server, cook, cancelled, entendido=True) == 1
        assert acknowledge(server, cook, cancelled, entendido=True) == 0
        told = tablet.take(1)[0].data
    assert (told["tipo"], told["evento_id"], told["entendido"]) == ("acuse_recibo", cancelled, True)
    assert not in_view()
    assert order(server)["entendido_at"] == told["timestamp"]
    server.stop()
    assert_projection_is_the_fold(server.database)


def test_seen_and_understood_at_once_is_one_receipt(server, cook):
    server.new_order(7)
    cancelled = server.publish({"tipo": "pedido_cancelado", "pedido_id": 7})["id"]
    assert acknowledge(server, cook, 1, cancelled, entendido=True) == 2
    events = server.request("GET", "/api/pedidos/7")[2]["eventos"]
    assert [(event["evento_id"], event["entendido"]) for event in events[2:]] == [(1, False), (cancelled, True)]


def test_an_order_that_is_cancelled_by_its_state_can_be_understood_too(server, cook):
    server.new_order(7)
    cancelled = server.publish({"tipo": "cambio_estado", "pedido_id": 7, "estado": "cancelado"})["id"]
    assert order(server)["por_acusar"] == [1, cancelled]
    assert acknowledge(server, cook, cancelled, entendido=True) == 1
    assert server.request("GET", "/api/pedidos?vista=cocina")[2]["pedidos"] == []


def test_the_tills_are_told_of_a_takeaway(server, cook):
    server.new_order(7, tipo="llevar", estado="pagado")
    with SseClient(server, "cajero") as tills:
        tills.next_event("hola")
        assert acknowledge(server, cook, 1) == 1
        assert tills.take(1)[0].data["tipo"] == "acuse_recibo"


def test_what_cannot_be_acknowledged_is_refused_and_nothing_is_kept(server, cook):
    server.new_order(7)
    state = server.publish({"tipo": "cambio_estado", "pedido_id": 7, "estado": "en_cocina"})["id"]
    unpaid = server.new_order(8, tipo="llevar")["id"]  # not the kitchen's
    for wrong in (state, unpaid, 99):
        status, _, answer = server.request("POST", ACKNOWLEDGE, {"evento_ids": [1, wrong]}, cookie=cook)
        assert (status, list(answer["error"]["campos"])) == (422, ["evento_ids.1"])
    assert order(server)["por_acusar"] == [1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "evento_ids"),
        ({"evento_ids": []}, "evento_ids"),
        ({"evento_ids": [True]}, "evento_ids.0"),
        ({"evento_ids": ["1"]}, "evento_ids.0"),
        ({"evento_ids": [1], "entendido": "si"}, "entendido"),
        ({"evento_ids": [1], "otro": 1}, "otro"),
    ],
)
def test_a_bad_body_names_its_field(server, cook, body, field):
    status, _, answer = server.request("POST", ACKNOWLEDGE, body, cookie=cook)
    assert (status, list(answer["error"]["campos"])) == (422, [field])


def test_only_a_kitchen_screens_session_acknowledges(server, cook):
    server.new_order(7)
    server.create_user("Rosa", "cajero")
    server.create_user("Jefa", "manager")
    body = {"evento_ids": [1]}
    assert server.request("POST", ACKNOWLEDGE, body)[0] == 403  # a token is no screen
    assert server.request("POST", ACKNOWLEDGE, body, cookie=server.login("Rosa"))[0] == 403
    assert server.request("POST", ACKNOWLEDGE, body, token=None)[0] == 401
    assert acknowledge(server, server.login("Jefa"), 1) == 1
