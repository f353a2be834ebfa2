"""The service's own socket over long-polling: who may, what comes, how it ends, and what it may cost."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.socketio.test_protocol import conformance_app
from tests.support.live_server import LiveServer, run_cli
from tests.support.polling_client import PollingClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import WsClient

FOREIGN = "https://otra.example"
LISTED = "https://pagina.example"


@pytest.fixture
def polling(server: LiveServer) -> Iterator[Callable[..., PollingClient]]:
    """A session that has been opened, with the cook's cookie or what is given."""
    with ExitStack() as opened:

        def begin(service: LiveServer = server, **headers: str) -> PollingClient:
            client = opened.enter_context(PollingClient(service.port, headers=headers))
            client.open()
            return client

        yield begin


@pytest.fixture
def cook(server: LiveServer) -> str:
    server.create_user("Ana", "cocinero")
    return server.login("Ana")


def events(packets: list[str]) -> Iterator[tuple[str, Any]]:
    for packet in packets:
        if packet.startswith("42["):
            name, data, *_ = json.loads(packet[2:])
            yield name, data


def orders(packets: list[str]) -> list[int]:
    return [data["pedido_id"] for name, data in events(packets) if name == "evento_pedido"]


def connections(server: LiveServer) -> list[tuple[str, str]]:
    found = server.request("GET", "/api/notificaciones/estado")[2]["conexiones"]
    return [(each["username"], each["transporte"]) for each in found if each["conectado"]]


def test_a_session_by_polls_alone(server, polling, cook):
    client = polling(Cookie=cook)
    assert client.connect()[0].startswith('40{"sid":"')
    assert client.post('42["conectar_usuario",{"rol":"cocinero"}]').body == "ok"
    [(name, answer)] = events(client.packets())
    assert (name, answer["salas"]) == ("conexion_confirmada", ["cocina"])
    assert connections(server) == [("Ana", "polling-largo")]
    assert (
        'pos_notif_connections{role="cocinero",transport="polling-largo"} 1.0' in server.request("GET", "/metrics")[2]
    )
    waiting = client.begin()
    server.new_order(1)
    assert orders(client.answer(waiting).body.split("\x1e")) == [1]
    assert client.post('427["ping"]').body == "ok"
    assert [packet[:3] for packet in client.packets()] == ["42[", "437"]
    assert client.post("1").body == "ok"
    assert connections(server) == []


def test_a_token_in_the_connect_wins(polling, cook, server):
    client = polling(Cookie=cook)
    assert client.connect({"token": server.token})[0].startswith('40{"sid"')
    assert client.post('42["conectar_usuario",{"rol":"manager"}]').body == "ok"
    assert [name for name, _ in events(client.packets())] == ["conexion_confirmada"]


def test_who_is_nobody_is_refused_by_the_connect(polling):
    assert polling().connect() == ['44{"message":"no_autenticado"}']


def test_the_change_to_a_websocket_is_seen(server, polling, cook):
    client = polling(Cookie=cook)
    client.connect()
    client.post('42["conectar_usuario",{"rol":"cocinero"}]')
    client.packets()
    with WsClient(server.port, client.url(transport="websocket")) as websocket:
        websocket.send("2probe")
        websocket.receive()
        websocket.send("5")
        server.new_order(1)
        assert orders([str(websocket.receive())]) == [1]
        assert connections(server) == [("Ana", "websocket")]


def test_a_thousand_events_while_a_client_changes_come_once_and_in_order(server, polling):
    client = polling()
    client.connect({"token": server.token})
    client.post('42["conectar_usuario",{"rol":"cocinero"}]')
    client.packets()
    batches = [
        [
            {"tipo": "nuevo_pedido", "pedido": {"id": first + n, "mesa_numero": 1, "items": []}}
            for n in range(50)
        ]
        for first in range(1, 1001, 50)
    ]  # fmt: skip

    def publish() -> None:
        for batch in batches:
            server.publish({"eventos": batch})

    publisher = threading.Thread(target=publish)
    publisher.start()
    found: list[int] = []
    while len(found) < 100:
        found += orders(client.packets())
    with WsClient(server.port, client.url(transport="websocket")) as websocket:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
        found += orders(client.packets())  # or nothing but a NOOP
        websocket.send("5")
        while len(found) < 1000:
            found += orders([str(websocket.receive())])
    publisher.join()
    assert found == list(range(1, 1001))


def test_a_foreign_page_can_do_nothing_with_an_id_that_it_knows(server, polling, cook):
    client = polling(Cookie=cook)
    client.headers["Origin"] = FOREIGN
    for answer in (client.get(), client.post("40"), client.answer(client.begin("OPTIONS")), client.get(sid="")):
        assert (answer.status, json.loads(answer.body)["code"]) == (403, 4)
        assert "access-control-allow-origin" not in answer.headers
    with WsClient(server.port, client.url(transport="websocket"), headers={"Origin": FOREIGN}) as websocket:
        assert websocket.status == 403
    client.headers["Origin"] = server.url
    assert client.post("40").body == "ok"


def test_a_listed_pages_polls_may_be_read_by_it(make_server, polling):
    service = make_server(origins=LISTED)
    service.create_user("Ana", "cocinero")
    client = polling(service, Origin=LISTED, Cookie=service.login("Ana"))
    assert client.connect()[0].startswith("40{")
    assert polling(service, Origin=LISTED).connect({"token": service.token})[0].startswith("40{")  # without a cookie
    answers = [client.post("42"), client.get(), client.get(transport="abc"), client.post("x" * 65_537)]
    assert [answer.status for answer in answers] == [400, 400, 400, 400]
    client.headers |= {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-mine"}
    preflight = client.answer(client.begin("OPTIONS"))
    assert (preflight.status, preflight.headers["access-control-allow-headers"]) == (204, "x-mine")
    for answer in (*answers, preflight):
        assert answer.headers["access-control-allow-origin"] == LISTED
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"


def test_the_sessions_end_is_told_to_a_poll_that_waits_and_to_the_next_one(server, polling, cook):
    other = server.login("Ana")
    waits, comes_later = polling(Cookie=cook), polling(Cookie=other)
    for client in (waits, comes_later):
        client.connect()
        client.post('42["conectar_usuario",{"rol":"cocinero"}]')
        client.packets()
    waiting = waits.begin()
    server.new_order(1)  # what nobody has polled is not given to who is signed out
    assert orders(waits.answer(waiting).body.split("\x1e")) == [1]
    waiting = waits.begin()
    run_cli("user", "password", "Ana", "--password", "4321", database=server.database)
    told = [waits.answer(waiting).body, comes_later.get().body]
    for body in told:
        packets = body.split("\x1e")
        if packets[-1] != "1":  # it was under way: the end is in the next one
            packets = comes_later.packets()
        assert [name for name, _ in events(packets)] == ["sesion_terminada"]
        assert packets[-1] == "1"
    for client in (waits, comes_later):
        assert client.get().status == 400


def test_a_poll_that_waits_when_its_session_is_revoked_ends_long_before_the_next_ping(server, polling, cook):
    client = polling(Cookie=cook)
    client.connect()
    client.post('42["conectar_usuario",{"rol":"cocinero"}]')
    client.packets()
    waiting = client.begin()
    assert server.request("GET", "/healthz")[0] == 200  # requests are begun as they come: the poll waits now
    run_cli("user", "password", "Ana", "--password", "4321", database=server.database)
    with Stopwatch() as watch:
        packets = client.answer(waiting).body.split("\x1e")
    assert [name for name, _ in events(packets)] == ["sesion_terminada"]
    assert packets[-1] == "1"
    assert watch.seconds < 5  # a second is meant, and the ping comes after 25


def test_a_stop_answers_polls_at_once_and_so_that_clients_come_back(server, polling):
    client = polling()
    client.connect({"token": server.token})
    waiting = client.begin()
    # Requests are begun in the order in which they come: once this one is answered, the poll waits.
    assert server.request("GET", "/healthz")[0] == 200
    with Stopwatch() as watch:
        assert server.stop() == 0
        assert client.answer(waiting).status == 503
    assert watch.seconds < 20  # a poll waits for 25


def test_a_body_of_more_than_64_kib_is_refused_and_changes_nothing(server, polling):
    client = polling()
    client.connect({"token": server.token})
    assert client.post("4" + "x" * 65_536).status == 413
    assert client.post('427["ping"]').body == "ok"
    assert [packet[:3] for packet in client.packets()] == ["42[", "437"]


@pytest.mark.one_process(reason="each worker lets in as many strangers")
def test_strangers_are_only_so_many(server, polling, cook):
    with PollingClient(server.port, headers={"Cookie": cook}) as late:
        opening = HTTPConnection("127.0.0.1", server.port, timeout=60)  # one for all: they are gone after 45 s
        with closing(opening):
            for _ in range(500):
                opening.request("GET", late.url())
                answer = opening.getresponse()
                assert (answer.status, answer.read()[:7]) == (200, b'0{"sid"')
        assert late.get().status == 503


HASTY = """
from pos_notif.socketio.sockets import Sockets
from pos_notif.__main__ import main
Sockets.__init__.__kwdefaults__["connect_seconds"] = 0.5
main()
"""


@pytest.mark.one_process(reason="each worker lets in as many strangers")
def test_strangers_who_never_come_back_are_gone_and_leave_their_room(tmp_path):
    server = LiveServer(tmp_path / "log.db", command=[sys.executable, "-c", HASTY]).start()
    try:
        strangers = [PollingClient(server.port) for _ in range(500)]  # as many as there is room for
        for client in strangers:
            client.open()
        for client in strangers:
            eventually(lambda client=client: client.post("3").status == 400)
        late = PollingClient(server.port)
        eventually(lambda: late.get().status == 200)
    finally:
        server.close()


def test_who_connects_to_nothing_is_gone(make_server):
    """The same clock ends whoever began by a websocket: tests/socketio has it."""
    with conformance_app("--ping-timeout", "20", "--connect-timeout", "0.2") as port, PollingClient(port) as client:
        client.open()
        while client.get().status == 200:
            pass
        assert json.loads(client.get().body)["code"] == 1


def test_who_never_polls_holds_one_large_event_or_little(server, polling):
    """40 of them are owed 9 MB each, by events of almost the size that one may have."""
    readers, events_each = 40, 40
    items = [{"id": n, "producto_nombre": "Pupusa " + "x" * 190, "notas": "y" * 1900} for n in range(1, 100)]

    def publish(first: int) -> None:
        for number in range(first, first + events_each):
            server.publish({"tipo": "nuevo_pedido", "pedido": {"id": number, "items": items}})

    def growth(first: int) -> int:
        before = server.memory_kb()
        publish(first)
        return server.memory_kb() - before

    publish(1)  # what the service itself keeps, whoever reads
    alone = growth(1001)
    waiting = [polling() for _ in range(readers)]
    for client in waiting:
        client.connect({"token": server.token})
        client.post('42["conectar_usuario",{"rol":"cocinero"}]')
        client.packets()
    assert growth(2001) - max(0, alone) < readers * 300 + 8_000
    found: list[int] = []
    while len(found) < events_each:
        found += orders(waiting[0].packets())
    assert found == list(range(2001, 2001 + events_each))


def test_it_can_be_switched_off(make_server):
    service = make_server(socket_polling="false")
    with PollingClient(service.port) as client:
        assert (client.get().status, json.loads(client.get().body)["code"]) == (400, 0)
    with WsClient(service.port) as websocket:
        assert json.loads(str(websocket.receive())[1:])["upgrades"] == []


@pytest.mark.parametrize("name", ["socket.io.js", "socket.io.min.js"])
def test_the_official_client_is_there_as_npm_has_it(server, node_modules, name):
    package = node_modules / "socket.io-client"
    status, headers, body = server.request("GET", f"/socket.io/{name}")
    assert status == 200
    assert headers["Content-Type"].startswith("text/javascript")
    assert body == (package / "dist" / name).read_text()
    assert json.loads((package / "package.json").read_text())["version"] in body
