"""What is no text, and secrets that must come out nowhere: over a socket, as it stands on the wire."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.abuse.attacks import connected, read_answer
from tests.support.live_server import LiveServer, run_cli
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.websocket_client import SioClient


def raw(server: LiveServer, head: bytes) -> int:
    with connected(server.port) as client:
        client.sendall(head)
        return read_answer(client, whole=False)


@pytest.mark.parametrize(
    "name", [b"Cookie", b"Authorization", b"Origin", b"Idempotency-Key", b"If-None-Match", b"Host"]
)
def test_bytes_that_are_no_text_are_no_fault_of_ours(server, name):
    host = b"" if name == b"Host" else b"Host: x\r\n"
    for value in (b"pos_notif_sesion=\xca\xfe", b"Bearer \x80", b"\xff"):
        head = b"GET /api/pedidos HTTP/1.1\r\n" + host + name + b": " + value + b"\r\n\r\n"
        assert raw(server, head) in (400, 401)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_oversized_everything_is_refused(make_server):
    server = make_server(access_log="false")
    token = f"Authorization: Bearer {server.token}\r\n".encode()
    for head in (
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 7000 + b"\r\n",
    ):
        assert raw(server, head) in (400, 431)
    publish = b"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + token
    assert raw(server, publish + b"Content-Length: 999999999999\r\n\r\n") == 413
    assert raw(server, publish + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n") in (400, 413)
    for body in (
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 1_000_000,
        b'{"tipo":' + b"9" * 5000 + b"}",
        b'"' + b"x" * 10**6,
    ):
        assert raw(server, publish + b"Content-Length: %d\r\n\r\n" % len(body) + body) in (400, 413, 422)
    assert server.request("GET", "/healthz")[0] == 200
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line or "ERROR" in line]


def test_slow_heads_and_bodies_hold_up_nobody(make_server):
    server = make_server(access_log="false")
    server.request("GET", "/healthz")
    before = server.open_files()
    head = b"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {server.token}\r\nContent-Length: 5000\r\n\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(300)]
    for number, client in enumerate(slow):
        client.sendall(head[:20] if number % 2 else head + b'{"tipo"')
    for _ in range(5):
        for client in slow:
            with contextlib.suppress(OSError):  # after some seconds the service cuts it
                client.sendall(b" ")
        assert server.request("GET", "/healthz")[0] == 200
        server.new_order(1 + len(server.request("GET", "/api/pedidos")[2]["pedidos"]))
    for client in slow:
        client.close()
    eventually(lambda: server.open_files() <= before + 3)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line or "ERROR" in line]


def test_secrets_are_in_no_answer_and_no_log(server):
    """A working day of them: right ones, wrong ones, and each where it does not belong."""
    server.create_user("Ana", "mesero", "pin-of-ana")
    cookie = server.login("Ana", "pin-of-ana")
    secret, token = cookie.partition("=")[2], server.token
    answers = []
    credentials = (
        {"username": "Ana", "password": "wrong-pin"},
        {"username": "typed-as-name", "password": {"a": "wrong-pin"}},
    )
    for body in (*credentials, b'{"password": "wrong-pin"', b'["wrong-pin"]'):
        answers.append(server.request("POST", "/api/auth/login", body, token=None))
    for place in (f"/api/auth/sesion?token={token}", f"/api/{token}", f"/login?next={secret}x", f"/{secret}"):
        answers.append(server.request("GET", place, token=None))
    answers.append(server.request("GET", "/api/auth/sesion", token=secret))
    answers.append(server.request("GET", "/api/auth/sesion", cookie=f"pos_notif_sesion={token}"))
    answers.append(server.request("GET", "/api/notificaciones/estado"))
    with (
        SseClient(server, "mesero", cookie=cookie) as stream,
        SioClient(server.port, {"token": "wrong-token"}) as other,
    ):
        assert "wrong-token" not in other.greeting
        stream.next_event("hola")
        with SioClient(server.port, {"token": token}) as client:
            assert token not in client.greeting + str(
                client.call("conectar_usuario", {"rol": "mesero", "token": token})
            )
    listed = [run_cli(*words, database=server.database).stdout for words in
              (("user", "list"), ("token", "list"), ("session", "list"))]  # fmt: skip
    server.stop()
    told = "".join(str(answer[2]) + str(answer[1]) for answer in answers if "/login" not in str(answer[2])) + "".join(
        listed
    )
    for hidden in ("pin-of-ana", "wrong-pin", "wrong-token"):
        assert hidden not in told
        assert hidden not in "".join(server.stderr_lines)
    assert secret not in "".join(listed)
    assert token not in "".join(listed)
