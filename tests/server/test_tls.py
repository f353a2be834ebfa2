"""HTTPS by the service itself: streams, sockets and stalled readers as over plain HTTP, and files of no use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio
from cryptography.hazmat.primitives import serialization

from pos_notif.database.locks import lock_file, take
from tests.support.command_line import fails
from tests.support.held_up import Pace, unless_held_up
from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.stopwatch import Stopwatch
from tests.support.tls import Files, ask, asked
from tests.support.waiting import eventually
from tests.support.websocket_client import SOCKET_PATH


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


def publish(server: LiveServer, files: Files, body: Any) -> None:
    token = f"Bearer {server.token}"
    assert ask(server, files, "POST", "/api/notificaciones/eventos", body, Authorization=token)[0] == 201


@pytest.mark.parametrize("kind", ["hypercorn", "uvicorn"])
def test_streams_sockets_and_the_cookie_over_tls(make_server, files, kind):
    server = make_server(certfile=files.certfile, keyfile=files.keyfile, server=kind)
    server.create_user("Ana", "mesero")
    credentials = {"username": "Ana", "password": "1234"}
    status, headers = ask(server, files, "POST", "/api/auth/login", credentials)
    assert status == 200
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(headers["Set-Cookie"].split("; "))
    assert "Strict-Transport-Security" not in headers
    cookie = headers["Set-Cookie"].split(";")[0]
    own = f"https://127.0.0.1:{server.port}"
    with (
        asked(server, files, "GET", "/api/notificaciones/stream/mesero", Cookie=cookie) as stream,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        files.client.wrap_socket(plain, server_hostname="127.0.0.1") as websocket,
    ):
        assert stream.status == 200
        websocket.sendall(
            f"GET {SOCKET_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {own}\r\nCookie: {cookie}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        received = websocket.recv(4096)
        assert received.startswith(b"HTTP/1.1 101")
        websocket.sendall(b"\x81\x82\0\0\0\0" + b"40")
        while b'40{"sid"' not in received:
            received += websocket.recv(4096)
        publish(server, files, stock_alert(1, "agotado"))
        text = b""
        while b'"producto_id":1' not in text:
            text += stream.readline()
        assert ask(server, files, "POST", "/api/auth/logout", Cookie=cookie, Origin=own)[0] == 204
        while b"sesion_terminada" not in text:
            text += stream.readline()
        while b"sesion_terminada" not in received:
            received += websocket.recv(4096)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line or "Error" in line]


def test_the_certificate_and_its_key_may_stand_in_one_file(make_server, files):
    server = make_server(certfile=files.whole)
    assert ask(server, files, "GET", "/healthz")[0] == 200


def test_what_speaks_no_tls_is_let_go_and_logs_nothing(make_server, files):
    server = make_server(certfile=files.certfile, keyfile=files.keyfile)
    before = server.open_files()
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        contextlib.suppress(ConnectionError),
    ):
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)
    began = time.monotonic()  # no later than any of them
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(20)]
    with Stopwatch() as watch:
        assert silent[0].recv(1) == b""
    assert time.monotonic() - began > 4
    assert watch.seconds < 9
    eventually(lambda: server.open_files() <= before)
    for client in silent:
        client.close()
    assert ask(server, files, "GET", "/healthz")[0] == 200
    assert server.stop() == 0
    assert [line for line in server.stderr_lines if "Traceback" in line] == []


def test_a_stalled_reader_is_dropped_and_a_slow_one_is_not(make_server, files):
    settings = {"certfile": files.certfile, "keyfile": files.keyfile, "max_backlog": "0"}

    def trial(server: LiveServer, pace: Pace) -> None:
        with contextlib.ExitStack() as ends:
            is_dropped_alone(server, files, pace, ends)

    unless_held_up(make_server, trial, write_timeout=2, stalled=1, **settings)


def is_dropped_alone(server: LiveServer, files: Files, pace: Pace, ends: contextlib.ExitStack) -> None:
    connections = []
    for _ in range(2):
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(60)
        plain.connect(("127.0.0.1", server.port))
        reader = ends.enter_context(files.client.wrap_socket(plain, server_hostname="127.0.0.1"))
        reader.sendall(
            b"GET /api/notificaciones/stream/mesero HTTP/1.1\r\nHost: x\r\n"
            + f"Authorization: Bearer {server.token}\r\n\r\n".encode()
        )
        reader.recv(1000)
        connections.append(reader)
    stalled, slow = connections
    pace.begin()
    for _ in range(3):
        batch = [stock_alert(number, "agotado", nota="x" * 20_000) for number in range(1, 101)]
        publish(server, files, {"eventos": batch})

    def dropped() -> int:
        return len([line for line in server.stderr_lines if "stalled reader dropped" in line])

    taken, begun, told = 0, time.monotonic(), 0.0
    # Three times longer than it took to drop the other one, and longer than the kernel alone lets a slow one live.
    while not told or time.monotonic() < max(told + 6, begun + 10):
        with pace.read():
            taken += len(slow.recv(2000))  # 40 KB a second: far behind, and never idle
        time.sleep(0.05)
        told = told or (time.monotonic() if dropped() else 0.0)
        assert time.monotonic() < begun + 60
    assert dropped() == 1
    while taken < 6_000_000:
        with pace.read():
            more = len(slow.recv(65536))
        assert more
        taken += more
    for reader in (stalled, slow):
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_stop_over_tls_ends_in_time(make_server, files):
    server = make_server(certfile=files.certfile, keyfile=files.keyfile)
    token = f"Bearer {server.token}"
    with asked(server, files, "GET", "/api/notificaciones/stream/mesero", Authorization=token) as stream:
        with Stopwatch() as watch:
            server.send()
            assert b"reinicio" in stream.read()
        assert watch.seconds < 4
        assert server.ended() == 0


def is_taken(lock: Path) -> bool:
    try:
        take(lock).close()
    except BlockingIOError:
        return True
    return False


def received(connection: socket.socket) -> bytes:
    with contextlib.suppress(OSError):
        return connection.recv(1000)
    return b""


def told_after_a_stop(server: LiveServer, files: Files, request: bytes) -> bytes | None:
    """Returns what is answered to a request whose connection gets through TLS only when the service has ended all that
    there were; None where the machine was so busy that another, which waits for the log's lock, was answered first."""
    late, waiting = (socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(2))
    with opened(server.database) as connection, late, waiting:
        connection.execute("BEGIN IMMEDIATE")  # the log cannot be closed before what waits for it has failed
        with files.client.wrap_socket(waiting, server_hostname="127.0.0.1") as waits:
            waits.sendall(request)
            eventually(lambda: is_taken(lock_file(server.database, "writer")))
            server.process.send_signal(signal.SIGTERM)
            if received(waits):
                return None
        with contextlib.suppress(OSError), files.client.wrap_socket(late, server_hostname="127.0.0.1") as asks:
            asks.sendall(request)
            return received(asks)
        return b""


def test_who_gets_through_only_after_a_stop_is_cut_and_told_nothing(make_server, files):
    """As one is whose connection was accepted in the last moment: the log is being closed by then."""
    server = make_server(certfile=files.certfile, keyfile=files.keyfile)
    body = json.dumps(stock_alert(2, "agotado"))
    request = (
        f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    told = None
    while told is None:
        publish(server, files, stock_alert(1, "agotado"))
        told = told_after_a_stop(server, files, request)
        assert server._end(signal.SIGCONT, 60) == 0
        server.start()
    assert told == b""


@pytest.mark.parametrize("new", [True, False], ids=["new connections", "kept connections"])
@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]], ids=["polls", "upgrade"])
async def test_a_stock_client_over_tls_whichever_workers_its_requests_reach(make_server, files, transports, new):
    """Each request may reach another worker than the one in which its session lives. The asynchronous client: the other
    one reads and writes its websocket in two threads, where Python's `ssl` now and then takes a write beside a read for
    the connection's end."""
    server = make_server(certfile=files.certfile, keyfile=files.keyfile, workers="3")
    address = f"https://127.0.0.1:{server.port}"
    told: list[list[int]] = []
    async with contextlib.AsyncExitStack() as ends:
        clients: list[socketio.AsyncClient] = []
        while len({client.eio.sid[0] for client in clients}) < 3:  # until each worker has a session
            connector = aiohttp.TCPConnector(ssl=files.client, force_close=new)
            session = await ends.enter_async_context(aiohttp.ClientSession(connector=connector))
            client = socketio.AsyncClient(reconnection=False, http_session=session)
            told.append([])
            client.on("evento_alerta", lambda event, *_, heard=told[-1]: heard.append(event["producto_id"]))
            await client.connect(address, auth={"token": server.token}, transports=transports, wait_timeout=20)
            ends.push_async_callback(client.disconnect)
            await client.call("conectar_usuario", {"rol": "mesero"}, timeout=20)
            clients.append(client)

        def publish_all() -> None:
            for number in range(1, 21):
                publish(server, files, stock_alert(number, "agotado"))
                if number % 5 == 0:
                    eventually(lambda number=number: all(heard[-1:] == [number] for heard in told), 20)

        await asyncio.to_thread(publish_all)
        assert told == [list(range(1, 21))] * len(clients)
        assert [client.transport() for client in clients] == [transports[-1]] * len(clients)

        def connected() -> list[str]:
            token = f"Bearer {server.token}"
            with asked(server, files, "GET", "/api/notificaciones/estado", Authorization=token) as answer:
                rows = [row for row in json.load(answer)["conexiones"] if row["conectado"]]
            return sorted(str(row["proceso"]) for row in rows)

        def all_are() -> bool:
            return connected() == sorted(client.eio.sid[0] for client in clients)

        # One that does not answer within a second is left out.
        await asyncio.to_thread(eventually, all_are)
    assert await asyncio.to_thread(server.stop) == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line or "Error" in line]


@pytest.mark.parametrize(
    ("certfile", "keyfile", "said"),
    [
        ("{folder}/none.pem", "{keyfile}", "POS_NOTIF_CERTFILE: {folder}/none.pem: No such file or directory"),
        ("{certfile}", "{folder}/none.pem", "POS_NOTIF_KEYFILE: {folder}/none.pem: No such file or directory"),
        ("{folder}", "{keyfile}", "POS_NOTIF_CERTFILE: {folder}: Is a directory"),
        ("{certfile}", "{other_key}", "POS_NOTIF_KEYFILE: {other_key} is not the key of {certfile}"),
        ("{certfile}", "", "POS_NOTIF_CERTFILE: no certificate with its key in PEM format ({certfile}, for both)"),
        ("{keyfile}", "{certfile}", "POS_NOTIF_CERTFILE: no certificate with its key in PEM format"),
        ("", "{keyfile}", "POS_NOTIF_KEYFILE: a key needs its certificate (POS_NOTIF_CERTFILE)"),
        ("{certfile}", "{locked}", "POS_NOTIF_KEYFILE: the key has a passphrase"),
    ],
    ids=["no cert", "no key", "directory", "mismatch", "cert alone", "swapped", "key alone", "passphrase"],
)
def test_files_that_cannot_be_used_are_one_line(tmp_path, files, certfile, keyfile, said):
    locked = tmp_path / "locked.pem"
    key = serialization.load_pem_private_key(Path(files.keyfile).read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"secret")
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(encoding, kind, secret))
    names = {**vars(files), "folder": tmp_path, "locked": locked}
    paths = [text.format(**names) for text in (certfile, keyfile)]
    options = [
        part for name, path in zip(("--certfile", "--keyfile"), paths, strict=True) if path for part in (name, path)
    ]
    assert said.format(**names) in fails(2, "serve", "--port", "0", *options, "--database", str(tmp_path / "log.db"))
    assert not (tmp_path / "log.db").exists()
