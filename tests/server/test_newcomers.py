"""Connections that send nothing, or never the whole of their first request."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import sys
from collections.abc import Iterator

import pytest

from pos_notif.server.run import MAX_NEWCOMERS
from tests.support.live_server import LiveServer
from tests.support.sse_client import SseClient
from tests.support.tls import Files
from tests.support.waiting import eventually

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """As many as the connections that a test opens."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def connect(server: LiveServer, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60, source_address=(address, 0))


def answers(client: socket.socket) -> bool:
    """Asks on a connection that is open, and reads the whole answer."""
    client.sendall(HEAD)
    answer = b""
    while not answer.endswith(b"}"):
        more = client.recv(1000)
        if not more:
            return False
        answer += more
    return answer.startswith(b"HTTP/1.1 200")


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        client.settimeout(60)


def flood(
    opened: contextlib.ExitStack, server: LiveServer, count: int, address: str = "127.0.0.1", said: bytes = b""
) -> list[socket.socket]:
    clients = []
    for _ in range(count):
        client = opened.enter_context(connect(server, address))
        with contextlib.suppress(ConnectionError):
            client.sendall(said)
        clients.append(client)
    return clients


@pytest.mark.one_process(reason="each worker keeps places for as many that have sent nothing")
@pytest.mark.parametrize("settings", [{}, {"max_connections": "100"}, {"max_connections": "0"}], ids=str)
def test_thousands_that_send_nothing_keep_nobody_out(make_server, settings):
    """Also where all that may be open are fewer than a thousand."""
    server = make_server(**settings)
    limit = 300 if settings.get("max_connections") == "100" else MAX_NEWCOMERS
    with contextlib.ExitStack() as opened, SseClient(server, "manager") as stream:
        stream.next_event("hola")
        known = [opened.enter_context(connect(server)) for _ in range(20)]
        assert all(map(answers, known))
        others = flood(opened, server, 10, "127.0.0.2")
        clients = flood(opened, server, limit + 400)
        assert server.request("GET", "/healthz")[0] == 200
        # The oldest of the address that has the most, and nobody else.
        eventually(lambda: all(map(is_closed, clients[:410])))
        assert not any(map(is_closed, [*known, *others, *clients[420:]]))
        assert all(map(answers, [*known, others[0], clients[-1]]))
        server.new_order(1)
        assert stream.next_event().data["pedido_id"] == 1
    assert server.stop() == 0
    told = [line for line in server.stderr_lines if "have sent no request" in line]
    assert len(told) >= 1
    assert "127.0.0.1" in told[0]
    assert not [line for line in server.stderr_lines if "Traceback" in line or "ERROR" in line]


@pytest.mark.one_process(reason="each worker keeps places for as many that have sent nothing")
def test_thousands_that_send_nothing_over_tls_keep_nobody_out(tmp_path):
    """They count from their accept, and not from their handshake: the service may open no more files than its own
    limit asks for."""
    files = Files(tmp_path)
    server = LiveServer(
        tmp_path / "log.db",
        {"POS_NOTIF_CERTFILE": files.certfile, "POS_NOTIF_KEYFILE": files.keyfile, "POS_NOTIF_MAX_CONNECTIONS": "100"},
        command=["prlimit", "--nofile=700", sys.executable, "-m", "pos_notif"],
    ).start()
    with contextlib.closing(server), contextlib.ExitStack() as opened:

        def greeted(address: str) -> ssl.SSLSocket:
            plain = opened.enter_context(connect(server, address))
            return opened.enter_context(files.client.wrap_socket(plain, server_hostname="127.0.0.1"))

        known = greeted("127.0.0.1")
        assert answers(known)
        clients = flood(opened, server, 1500)
        # Through the handshake, and no request yet: also these are among those that have sent none.
        later = greeted("127.0.0.2")
        assert answers(known)
        assert answers(later)
        eventually(lambda: all(map(is_closed, clients[:1190])))
        assert server.stop() == 0
    told = [line for line in server.stderr_lines if "have sent no request" in line]
    assert len(told) >= 1
    assert "127.0.0.1" in told[0]
    assert not [line for line in server.stderr_lines if "Traceback" in line or "ERROR" in line or "resource" in line]


def test_those_that_never_end_their_first_head_keep_nobody_out(make_server):
    server = make_server(max_connections="100")
    with contextlib.ExitStack() as opened:
        known, other = (opened.enter_context(connect(server, address)) for address in ("127.0.0.1", "127.0.0.2"))
        assert answers(known)
        clients = flood(opened, server, 700, said=HEAD[:20])
        assert server.request("GET", "/healthz")[0] == 200
        eventually(lambda: is_closed(clients[0]))
        assert answers(known)
        assert answers(other)


def test_who_has_sent_a_head_counts_as_before(make_server):
    """A proxy is one address, and keeps its connections."""
    server = make_server()
    with contextlib.ExitStack() as opened:
        clients = []
        for _ in range(MAX_NEWCOMERS + 100):
            clients.append(opened.enter_context(connect(server)))
            clients[-1].sendall(HEAD)
        for client in clients:
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert not any(map(is_closed, clients))
        assert answers(clients[0])
    assert not [line for line in server.stderr_lines if "have sent no request" in line]


def test_those_that_have_gone_take_no_place(make_server):
    server = make_server(max_connections="100")
    for _ in range(5):
        with contextlib.ExitStack() as opened:
            clients = flood(opened, server, 200)
            assert answers(clients[0])
    assert not [line for line in server.stderr_lines if "have sent no request" in line]
