"""Sockets that stop reading, vanish or are many: nobody waits for them and little is held for them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Any

import pytest

from tests.benchmarks.sockets import measure
from tests.socketio.test_protocol import conformance_app
from tests.support.held_up import Pace, unless_held_up
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import SOCKET_PATH, Closed, SioClient, WsClient

pytestmark = pytest.mark.faults


def connected(server: LiveServer) -> int:
    return server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"]


def publish(server: LiveServer, count: int) -> None:
    server.publish({"eventos": [stock_alert(number, "agotado", nota="x" * 20_000) for number in range(1, count + 1)]})


def test_a_socket_that_reads_nothing_is_closed_and_resumes_by_its_cursor(make_server):
    unless_held_up(make_server, is_closed_and_resumes, write_timeout=3, stalled=1, max_backlog="0")


def is_closed_and_resumes(server: LiveServer, pace: Pace) -> None:
    auth = {"token": server.token}
    with (
        SioClient(server.port, auth, receive_buffer=4096) as stalled,
        SioClient(server.port, auth) as other,
    ):
        for client in (stalled, other):
            client.call("conectar_usuario", {"rol": "cocinero"})
        before = server.memory_kb()
        got: list[int] = []

        def read() -> None:
            """All the while: it would be a stalled one too."""
            with contextlib.suppress(Closed, OSError):  # dropped: `got` tells
                while len(got) < 500:
                    with pace.read():
                        got.append(other.event("evento_alerta")[1]["producto_id"])

        pace.begin()
        reading = threading.Thread(target=read)
        reading.start()
        for _ in range(5):
            publish(server, 100)
        reading.join()
        assert got == [number % 100 + 1 for number in range(500)]
        eventually(lambda: connected(server) == 1)
        # The log's newest events are most of it, which each process has.
        assert server.memory_kb() - before < 60_000 * len(server.processes())
        taken = []
        with contextlib.suppress(Exception):  # what the kernels still hold
            while True:
                taken.append(stalled.event("evento_alerta")[2])
    with SioClient(server.port, {**auth, "cursor": taken[-1] if taken else "inicio"}) as again:
        again.call("conectar_usuario", {"rol": "cocinero"})
        while len(taken) < 500:
            taken.append(again.event("evento_alerta")[2])
    assert [int(cursor.split("-")[1]) for cursor in taken] == list(range(1, 501))


def test_clients_that_vanish_in_any_state_leave_nothing_behind(server):
    auth = {"token": server.token}
    with SioClient(server.port, auth) as client:
        client.call("conectar_usuario", {})
    eventually(lambda: connected(server) == 0)
    files = server.open_files()

    def vanish(client: WsClient) -> None:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()

    for _ in range(20):
        vanish(WsClient(server.port))
        vanish(SioClient(server.port))
        vanish(SioClient(server.port, auth))
        half = SioClient(server.port, auth)
        half.send('451-["ping",{"_placeholder":true,"num":0}]')
        vanish(half)
        reading = SioClient(server.port, auth)
        reading.call("conectar_usuario", {})
        reading.call("suscribir_pedido", {"pedido_id": 1})
        vanish(reading)
        flooding = SioClient(server.port, auth)
        flooding.send(*['42["ping"]'] * 400)  # more than is read at once
        vanish(flooding)
    server.new_order(1)
    eventually(lambda: connected(server) == 0 and server.open_files() <= files + 2)
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_a_flood_that_ends_in_nonsense_is_closed(server):
    with SioClient(server.port, {"token": server.token}) as client:
        client.send(*['42["ping"]'] * 400, "nonsense")
        assert client.closed().code == 1002


def test_a_stop_does_not_wait_for_sockets_that_read_nothing(server):
    auth = {"token": server.token}
    with contextlib.ExitStack() as opened:
        for _ in range(50):
            client = opened.enter_context(SioClient(server.port, auth, receive_buffer=4096))
            client.call("conectar_usuario", {})
        publish(server, 100)
        with Stopwatch() as watch:
            assert server.stop() == 0
        assert watch.seconds < 8


def test_a_thousand_idle_sockets_are_cheap():
    memory, _ = measure(1000, pings=50)  # how long an answer takes is a figure: tests/benchmarks/sockets.py
    assert memory < 64


def upgrade(server: LiveServer, *without: str, then: bytes = b"", version: str = "1.1") -> socket.socket:
    """An upgrade request as it stands, and what follows it at once."""
    headers = {
        "Host": f"127.0.0.1:{server.port}", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name not in without)
    client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    client.sendall(f"GET {SOCKET_PATH} HTTP/{version}\r\n{lines}\r\n".encode() + then)
    return client


def frame(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    return bytes([(0x80 if final else 0) | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def longest_answer(server: LiveServer, count: int) -> float:
    longest = 0.0
    for _ in range(count):
        with Stopwatch() as watch:
            assert server.request("GET", "/healthz", token=None)[0] == 200
        longest = max(longest, watch.seconds)
    return longest


@pytest.mark.parametrize(
    "flood", [frame(b"", 9), frame(b"", 10), frame(b"", 0, final=False)], ids=["ping", "pong", "fragment"]
)
def test_a_flood_of_frames_without_a_message_holds_up_nobody(server, flood):
    client = upgrade(server)
    client.recv(4096)
    if flood[0] == 0:
        client.sendall(frame(b"4", final=False))
    stop, under_way = threading.Event(), threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                client.sendall(flood * 4000)
                under_way.set()

    def read() -> None:
        with contextlib.suppress(OSError):
            while client.recv(65536):
                pass

    threads = [threading.Thread(target=work, daemon=True) for work in (send, read)]
    for thread in threads:
        thread.start()
    assert under_way.wait(60)
    assert longest_answer(server, 100) < 1
    stop.set()
    client.close()


def test_what_is_no_handshake_leaves_no_connection(server):
    for refused in (
        upgrade(server, "Sec-WebSocket-Key"),
        upgrade(server, "Sec-WebSocket-Version"),
        upgrade(server, version="1.0"),
        upgrade(server, then=frame(b"40")),
        upgrade(server, then=b"GET / HTTP/1.1\r\n\r\n"),
    ):
        head = b""
        while more := refused.recv(4096):  # to the end: the server closes
            head += more
        assert head.startswith(b"HTTP/1.1 400"), head
        refused.close()
    empty = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    empty.sendall(b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert empty.recv(4096).startswith(b"HTTP/1.1 400")
    empty.close()
    assert not [line for line in server.stderr_lines if "Error" in line or "Traceback" in line]


@pytest.mark.one_process(reason="workers tell each other within a second how many connections they have")
def test_frames_after_a_refusal_are_nobodys(make_server):
    server = make_server(max_connections="1")
    with SioClient(server.port, {"token": server.token}):
        for _ in range(3):
            client = upgrade(server)
            assert client.recv(4096).startswith(b"HTTP/1.1 503")
            with contextlib.suppress(OSError):
                client.sendall(frame(b"40") * 10)
            client.close()
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Error" in line or "Traceback" in line]


def test_clients_that_vanish_with_much_unread_are_let_go_at_once(make_server):
    """Three times at most: at its end it writes, and the disk may be slow."""
    assert any(seconds_to_stop_without(make_server()) < 2.5 for _ in range(3))


def seconds_to_stop_without(server: LiveServer) -> float:
    for _ in range(30):
        client = upgrade(server)
        client.recv(4096)
        client.sendall(frame(b"40/x,") * 1500)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    time.sleep(1)
    with Stopwatch() as watch:
        assert server.stop() == 0
    return watch.seconds


def test_what_was_sent_before_closing_is_done(server):
    server.create_user("Ana", "cocinero")
    ids = [server.new_order(number)["id"] for number in range(1, 11)]
    with SioClient(server.port, headers={"Cookie": server.login("Ana")}) as client:
        actions = [frame(f'42["acusar_recibo",{{"evento_ids":[{event_id}]}}]'.encode()) for event_id in ids]
        client.socket.sendall(b"".join(actions) + frame(struct.pack("!H", 1000), 8))
    unseen = lambda: [n for n in range(1, 11) if server.request("GET", f"/api/pedidos/{n}")[2]["pedido"]["por_acusar"]]  # noqa: E731
    eventually(lambda: not unseen())


def test_nothing_follows_the_last_words(server):
    server.create_user("Ana", "cocinero")
    for _ in range(4):
        cookie = server.login("Ana")
        with SioClient(server.port, headers={"Cookie": cookie}) as client:
            client.call("conectar_usuario", {})
            stop = threading.Event()

            def publish_on(stop: threading.Event = stop) -> None:
                while not stop.is_set():
                    server.publish(stock_alert(1, "agotado", nota="x" * 5000))

            publishing = threading.Thread(target=publish_on)
            publishing.start()
            client.event("evento_alerta")
            server.request("POST", "/api/auth/logout", cookie=cookie)
            client.event("sesion_terminada")
            with pytest.raises(Closed) as closed:
                client.receive()
            stop.set()
            publishing.join()
            assert closed.value.code == 1008


def test_a_reader_too_slow_for_its_last_words_is_cut(server):
    server.create_user("Ana", "cocinero")
    cookie = server.login("Ana")
    with SioClient(server.port, headers={"Cookie": cookie}, receive_buffer=4096) as client:
        client.call("conectar_usuario", {})
        publish(server, 100)
        time.sleep(0.5)
        server.request("POST", "/api/auth/logout", cookie=cookie)
        with Stopwatch() as watch:
            eventually(lambda: connected(server) == 0)
        assert watch.seconds < 2.5


@pytest.mark.parametrize("again", [1, 5])
def test_asking_for_the_events_again_repeats_none_and_loses_none(server, again):
    with SioClient(server.port, {"token": server.token}, receive_buffer=4096) as client:
        client.call("conectar_usuario", {"rol": "cocinero"})
        server.publish({"eventos": [stock_alert(number, "agotado", nota="x" * 60_000) for number in range(1, 9)]})
        for _ in range(again):
            client.emit("conectar_usuario", {"rol": "cocinero"})
        assert [client.event("evento_alerta")[1]["id"] for _ in range(8)] == list(range(1, 9))
        client.call("ping")
        assert [event for event in client._events if event[0] == "evento_alerta"] == []


def change(order_id: int, name: str) -> dict[str, Any]:
    line = {"tipo_cambio": "item_agregado", "producto_nombre": name, "cantidad_nueva": 1}
    return {"tipo": "item_modificado", "pedido_id": order_id, "item_id": 9, "cambios": line}


def test_an_order_followed_before_the_events_loses_and_repeats_nothing(server):
    server.create_user("Rosa", "cajero")
    cookie = server.login("Rosa")
    begun = server.new_order(7)["cursor"]
    with SioClient(server.port, {"cursor": begun}, headers={"Cookie": cookie}, receive_buffer=4096) as client:
        client.call("suscribir_pedido", {"pedido_id": 7})
        server.publish({"eventos": [change(7, "x" * 200) for _ in range(100)]})
        assert client.event("evento_pedido")[1]["id"] == 2
        client.emit("conectar_usuario", {})
        assert [client.event("evento_pedido")[1]["id"] for _ in range(99)] == list(range(3, 102))
        server.publish(change(7, "last"))
        assert client.event("evento_pedido")[1]["id"] == 102


def test_a_busy_client_is_not_taken_for_a_dead_one():
    flags = ("--ping-interval", "1", "--ping-timeout", "1", "--connect-timeout", "45")
    with conformance_app(*flags) as port, SioClient(port) as client:
        client.receive()
        client.send(*['42["message"]'] * 800)  # eight seconds' worth beyond what is read at once
        for _ in range(800):
            assert client.receive() == '42["message-back"]'
