"""A stream whose connection has ended in a way of its own costs the others of its room nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from quart import Quart

from pos_notif.counts import Counts
from pos_notif.delivery.fanout import Chunk
from pos_notif.server.connection import TcpConnection
from pos_notif.server.newcomers import Newcomers
from pos_notif.server.run import OTHER_CONNECTIONS, bind
from pos_notif.server.serving import Serving
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.websocket_client import SOCKET_PATH, WsClient

pytestmark = pytest.mark.faults


def serving(write_timeout: float) -> Serving:
    return Serving(
        ASGIWrapper(Quart(__name__)), lambda: None, Config(), WorkerContext(None), Counts(),
        write_timeout=write_timeout, body_timeout=5.0, newcomers=Newcomers(10),
    )  # fmt: skip


async def test_a_push_after_our_end_of_the_connection_raises_nothing():
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs:
        transport, connection = await loop.create_connection(lambda: TcpConnection(serving(5.0)), sock=ours)
        assert connection.push(Chunk(b"one"))
        transport.write_eof()
        assert not connection.push(Chunk(b"two"))
        assert not connection.push(Chunk(b"three"))
        async with asyncio.timeout(60):
            while not connection.lost:
                await asyncio.sleep(0)
        assert theirs.recv(100) == Chunk(b"one").framed


async def test_a_peer_that_the_kernel_gives_up_while_its_connection_closes_is_no_fault_of_the_application(caplog):
    """As a reader that has taken nothing for eight seconds when the service stops."""
    with bind("127.0.0.1", 0) as listener, socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(listener.getsockname())
        listener.setblocking(True)
        ours, _ = listener.accept()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 200)
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(lambda: TcpConnection(serving(0.0)), sock=ours)
        transport.write(b"x" * 10_000_000)
        transport.close()
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(60):
                await connection.drain()
    assert not caplog.records


async def test_the_kernel_judges_a_peer_again_once_it_has_taken_what_it_was_behind():
    """While one is behind, the kernel would give it up however much it takes."""
    loop = asyncio.get_running_loop()
    with bind("127.0.0.1", 0) as listener, socket.socket() as slow:
        slow.connect(listener.getsockname())
        slow.setblocking(False)
        listener.setblocking(True)
        ours, _ = listener.accept()
        transport, connection = await loop.create_connection(lambda: TcpConnection(serving(0.1)), sock=ours)
        patience = lambda: ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)  # noqa: E731
        assert patience() == 8000
        transport.write(b"x" * 10_000_000)
        assert patience() == 0
        taken = 0
        async with asyncio.timeout(60):
            while taken < 10_000_000:
                taken += len(await loop.sock_recv(slow, 1_000_000))
            while patience() != 8000:
                await asyncio.sleep(0.01)
        assert not connection.is_full
        transport.abort()


STREAM = b"GET /api/notificaciones/stream/cocinero HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n\r\n"


def connected(server: LiveServer) -> int:
    found: int = server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"]
    return found


def test_clients_that_sent_much_behind_their_streams_and_left_are_let_go_at_once(make_server):
    """No heartbeat and no event: that they have left is read behind all that."""
    server = make_server(heartbeat_seconds="0")
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            much = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 300_000
            client.sendall(STREAM % server.token.encode() + much)
        eventually(lambda: connected(server) == 20)
    eventually(lambda: connected(server) == 0)


def test_a_client_that_sent_more_and_left_is_let_go_at_the_next_event(server: LiveServer):
    """What it sent waits to be read behind its stream, and so would its end."""
    with SseClient(server, "cocinero") as other:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as gone:
            gone.sendall(STREAM % server.token.encode() + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: connected(server) == 2)
        for number in range(1, 21):
            server.publish(stock_alert(number, "agotado"))
        assert [frame.data["producto_id"] for frame in other.take(20)] == list(range(1, 21))
        eventually(lambda: connected(server) == 1)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "raised exception" in line or "Traceback" in line]


def test_clients_that_leave_amid_a_page_with_more_sent_behind_it_take_nobodys_place(make_server):
    """Their answer is too large for the kernel; they need no credential."""
    server = make_server(access_log="false", max_connections="1")
    for _ in range(1 + OTHER_CONNECTIONS + 20):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(60)
            client.connect(("127.0.0.1", server.port))
            client.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\nX")
            client.recv(1000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves with a reset
    eventually(lambda: server.request("GET", "/healthz")[0] == 200)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_a_socket_that_is_ended_amid_what_its_client_has_sent_ahead_is_let_go(server: LiveServer):
    server.request("GET", "/healthz")
    before = server.open_files()
    for _ in range(10):
        with WsClient(server.port, SOCKET_PATH) as client:
            client.receive()
            client.send(f'40{{"token":"{server.token}"}}', "41", *['42["ping"]'] * 50)
            assert client.closed().code == 1002
    eventually(lambda: server.open_files() <= before)


@pytest.mark.parametrize(
    ("length", "sent"),
    [
        pytest.param("Content-Length: 5", b"", id="body that does not come"),
        pytest.param("Content-Length: 5", b"ab", id="half a body"),
        pytest.param("Transfer-Encoding: chunked", b"", id="chunks that do not come"),
        pytest.param("Transfer-Encoding: chunked", b"5\r\nab", id="half a chunk"),
    ],
)
def test_a_stream_whose_request_is_never_whole_goes_on(server: LiveServer, length: str, sent: bytes):
    """A stream's body is nobody's, and so is its end."""
    head = STREAM.rstrip() % server.token.encode() + f"\r\n{length}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client, client.makefile("rb") as answer:
        client.sendall(head + sent)
        eventually(lambda: connected(server) == 1)
        server.publish(stock_alert(7, "agotado"))
        assert any(b'"producto_id":7' in line for line in answer)
    eventually(lambda: connected(server) == 0)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nabcdefghijk\r\n"])
def test_a_stream_whose_request_is_refused_for_its_body_is_refused_once(server: LiveServer, body: bytes):
    """The application opens it nonetheless, before or after the refusal has left."""
    head = STREAM.rstrip() % server.token.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(head + body)
            with client.makefile("rb") as answer:
                whole = answer.read()
        assert whole.startswith(b"HTTP/1.1 400 ")
        assert whole.count(b"HTTP/1.1") == 1
    assert connected(server) == 0
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line or '"status": 500' in line]
