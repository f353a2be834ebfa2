"""Sockets that stop reading, vanish or are many: nobody waits for them and little is held for them."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

import pytest

from tests.benchmarks.sockets import measure
from tests.support import LiveServer, eventually, stock_alert
from tests.websocket_client import SioClient, WsClient

pytestmark = pytest.mark.faults


def connected(server: LiveServer) -> int:
    return server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"]


def publish(server: LiveServer, count: int) -> None:
    server.publish({"eventos": [stock_alert(number, "agotado", nota="x" * 20_000) for number in range(1, count + 1)]})


def test_a_socket_that_reads_nothing_is_closed_and_resumes_by_its_cursor(make_server):
    server = make_server(write_timeout_seconds="1", max_backlog="0")
    auth = {"token": server.token}
    with (
        SioClient(server.port, auth, receive_buffer=4096) as stalled,
        SioClient(server.port, auth) as other,
    ):
        for client in (stalled, other):
            client.call("conectar_usuario", {"rol": "cocinero"})
        before = server.memory_kb()
        for _ in range(5):
            publish(server, 100)
        for number in range(500):
            assert other.event("evento_alerta")[1]["producto_id"] == number % 100 + 1
        eventually(lambda: connected(server) == 1)
        assert server.memory_kb() - before < 60_000  # the log's newest events are most of it
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
    eventually(lambda: connected(server) == 0 and server.open_files() <= files + 2, 30)
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
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8


def test_a_thousand_idle_sockets_are_cheap():
    memory, times = measure(1000, pings=50)
    assert memory < 64
    assert sorted(times)[25] < 50  # ten times what a quiet machine takes, and more
