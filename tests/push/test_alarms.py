"""Alarms, sold-out dishes and the default wording, from a real service to phones."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pos_notif.config import Config
from tests.push.test_sending import phone, ready
from tests.support.live_server import LiveServer
from tests.support.push_service import PushService
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually


def titles(service: PushService, name: str) -> list[str]:
    return [message["notification"]["title"] for message in service.of(name)]


def logged(server: LiveServer, tipo: str) -> list[dict[str, Any]]:
    rows = server.request("GET", f"/api/notificaciones/eventos?tipo={tipo}")[2]["eventos"]
    return [row for row in rows if row["tipo"] == tipo]


def another_shift() -> str:
    """Two hours from now it begins, in the restaurant's zone, for one hour."""
    now = datetime.datetime.now(ZoneInfo(Config().timezone))
    begin, end = (now + datetime.timedelta(hours=hours) for hours in (2, 3))
    return f"{begin:%H:%M}-{end:%H:%M}"


def test_an_order_that_no_kitchen_sees_rings_its_waiter_and_the_managers_and_a_lost_screen_the_managers(
    make_ringing, service
):
    server = make_ringing(ack_seconds="1", screen_seconds="1")
    for name, role in (("Ana", "mesero"), ("Luis", "mesero"), ("Rosa", "manager")):
        phone(server, service, name, role)
    server.create_user("Beto", "cocinero")
    cook = server.login("Beto")
    unseen, lost = "La cocina NO ha visto el pedido 5", "Cocina sin pantalla desde las "
    with SseClient(server, "cocinero", cookie=cook) as screen:
        screen.next_event("hola")
        server.new_order(5, mesero="ana", mesa_numero=5)
        [of_ana] = eventually(lambda: service.of("Ana"))
        [of_rosa] = eventually(lambda: service.of("Rosa"))
    for message, page in ((of_ana, "/pos?pedido=5"), (of_rosa, "/manager")):
        said = message["notification"]
        assert (said["title"], said["tag"], message["topic"]) == (unseen, "acuse", "acuse")
        assert 0 < message["ttl"] <= 300
        assert said["navigate"].startswith(page)
    message = eventually(lambda: service.of("Rosa")[1:])[0]
    assert message["notification"]["title"].startswith(lost)
    assert message["notification"]["tag"] == "pantalla-cocina"
    assert 0 < message["ttl"] <= 900
    with SseClient(server, "cocinero", cookie=cook) as screen:
        screen.next_event("hola")
        eventually(lambda: len(service.of("Rosa")) == 3)
    assert titles(service, "Rosa")[2] == "Cocina con pantalla otra vez"
    assert service.of("Rosa")[2]["notification"]["tag"] == "pantalla-cocina"  # in the place of the alarm
    assert (titles(service, "Ana"), titles(service, "Luis"), service.faults) == ([unseen], [], [])


def test_an_alarm_that_is_not_of_the_shift_rings_nobody_and_a_ready_order_does(make_ringing, service):
    server = make_ringing(ack_seconds="1", push_wait_seconds="60")
    phone(server, service, "Ana")
    phone(server, service, "Rosa", "manager")
    server.create_user("Beto", "cocinero")
    with SseClient(server, "cocinero", cookie=server.login("Beto")) as screen:
        screen.next_event("hola")
        server.new_order(5, mesero="ana", mesa_numero=5)
        eventually(lambda: logged(server, "sin_acuse"))
    server.stop()  # before anybody was told
    assert service.requests == []
    server.settings.update(POS_NOTIF_SHIFT=another_shift(), POS_NOTIF_PUSH_WAIT_SECONDS="0.2")
    server.start()
    ready(server, 6, mesero="ana")
    eventually(lambda: service.of("Ana"))  # each event is told after those before it
    assert (titles(service, "Ana"), titles(service, "Rosa")) == (["Mesa 6 lista"], [])


@pytest.mark.parametrize(("setting", "expected"), [("true", ["Agotado: Queso"]), (None, [])])
def test_what_has_run_out_rings_the_managers_where_that_is_asked_for(make_ringing, service, setting, expected):
    server = make_ringing(push_stock=setting, push_detail=None)
    phone(server, service, "Ana")
    phone(server, service, "Rosa", "manager")
    for level, amount in (("bajo", 2), ("agotado", 0)):
        server.publish({
            "tipo": "alerta_stock", "producto_id": 7, "nombre": "Queso", "stock_actual": amount, "stock_minimo": 5,
            "nivel": level,
        })  # fmt: skip
    # By itself a locked screen shows the table, and neither dishes nor guests.
    ready(server, 6, mesero="ana", cliente_nombre="Sofía")
    [message] = eventually(lambda: service.of("Ana"))
    assert (message["notification"]["title"], message["notification"]["body"]) == ("Mesa 6: listo", "")
    eventually(lambda: titles(service, "Rosa") == expected)
    if expected:
        [message] = service.of("Rosa")
        assert (message["notification"]["tag"], message["topic"]) == ("stock-7", "stock7")
        assert 3500 < message["ttl"] <= 3600
