"""The server around the application: start, stop, limits, and connections that behave badly."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from pos_notif.app import create_app
from pos_notif.config import Config
from pos_notif.errors import PortUnavailable
from pos_notif.log.tail import Waiter
from pos_notif.server.run import Server, bind
from pos_notif.web.services import EXTENSION, Services
from tests.support.command_line import without_pauses
from tests.support.live_server import LiveServer, clean_environment
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

STREAM = "/api/notificaciones/stream/cocinero"
# Each would end the process without a word if nobody took it.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def exchange(server: LiveServer, *pieces: bytes, half_close: bool = False) -> bytes:
    """Sends the pieces, and returns all that comes back until the server closes. One that has answered already may do
    so before all is sent: it reads on for two seconds."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while data := client.recv(65536):
                answer += data
        return answer


def tracebacks(server: LiveServer) -> list[str]:
    return [line for line in server.stderr_lines if "Traceback" in line or "Error" in line]


# Start


def test_a_port_in_use_is_one_clear_line_and_leaves_the_database_alone(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "pos_notif", "serve", "--port", port, "--database", str(tmp_path / "log.db")],
            capture_output=True, text=True, timeout=60, env=clean_environment(),
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert port in done.stderr
    assert "in use" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_ours_is_a_clear_error():
    with pytest.raises(PortUnavailable, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)
    with pytest.raises(PortUnavailable, match="no-such-host"):
        bind("no-such-host.invalid", 0)


@pytest.mark.parametrize(("write_timeout", "given_up_ms"), [(1.5, 8000), (3600, 3_600_000)])
def test_accepted_connections_give_up_on_a_peer_that_acknowledges_nothing(write_timeout, given_up_ms):
    """A tablet that loses its power sends no FIN; the kernel alone would wait for a quarter of an hour. And it would
    take a reader for lost that is given longer than that."""
    with bind("127.0.0.1", 0, write_timeout) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == given_up_ms
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 256 * 1024


# Stop


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_a_signal_stops_it_with_exit_code_0(server, number):
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        with Stopwatch() as watch:
            server.send(number)
            assert [frame.event for frame in stream.frames()][-1] == "reinicio"
            assert (idle.recv(1000).partition(b"\r\n\r\n")[2], silent.recv(1)) == (b"", b"")
        assert watch.seconds < 4
        assert server.ended() == 0
        idle.close()
        silent.close()
    assert tracebacks(server) == []


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_a_signal_stops_uvicorn_too(make_server, number):
    server = make_server(server="uvicorn")
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        server.process.send_signal(number)
        assert server.process.wait(60) == 0
        assert [frame.event for frame in stream.frames()][-1] == "reinicio"


@pytest.mark.parametrize("kind", ["hypercorn", "uvicorn"])
def test_a_hang_up_means_nothing_where_there_is_no_terminal(make_server, kind):
    server = make_server(server=kind)
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        server.new_order(1)
        assert stream.next_event().data["pedido_id"] == 1
        assert server.stop() == 0
        assert [frame.event for frame in stream.frames()][-1] == "reinicio"


@pytest.mark.parametrize(
    "command",
    [["serve"], ["serve", "--server", "uvicorn"], ["serve", "--workers", "2"], ["demo", "--no-staff"]],
    ids=" ".join,
)
def test_a_terminal_that_goes_stops_it(tmp_path, command):
    """By the kernel's own SIGHUP, after which nothing can be written to standard error."""
    terminal, its_end = pty.openpty()
    database = tmp_path / "log.db"

    def take_terminal() -> None:
        fcntl.ioctl(its_end, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "pos_notif", *command, "--port", "0", "--database", str(database)],
        stdin=its_end, stdout=subprocess.PIPE, stderr=its_end, text=True, env=clean_environment(),
        start_new_session=True, preexec_fn=take_terminal,
    )  # fmt: skip
    try:
        os.close(its_end)
        server = LiveServer(database, port=int(process.stdout.readline().rsplit(":", 1)[1]))
        with SseClient(server, "manager") as stream:
            stream.next_event("hola")
            os.close(terminal)
            assert [frame.event for frame in stream.frames()][-1] == "reinicio"
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_nohup_is_obeyed_at_a_terminal_too(tmp_path):
    terminal, its_end = pty.openpty()
    database = tmp_path / "log.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "pos_notif", "serve", "--port", "0", "--database", str(database)],
        stdout=subprocess.PIPE, stderr=its_end, text=True, env=clean_environment(),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    try:
        os.close(its_end)
        server = LiveServer(database, port=int(process.stdout.readline().rsplit(":", 1)[1]))
        with SseClient(server, "manager") as stream:
            stream.next_event("hola")
            process.send_signal(signal.SIGHUP)
            server.new_order(1)
            assert stream.next_event("evento_pedido").data["pedido_id"] == 1
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(terminal)


def test_a_restart_at_once_gets_the_same_port(server):
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        server.restart()
    assert server.request("GET", "/readyz")[0] == 200


# Connections


def test_a_refused_request_is_answered_though_its_body_is_still_coming(server):
    """The answer must not be lost to a reset, nor the connection stay stuck on a body that nobody reads."""
    head = b"POST /nada HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"
    with Stopwatch() as watch:
        answer = exchange(server, head + b"x" * 200_000, b"x" * 1_000_000)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"no_encontrado" in answer or b"404" in answer
    assert watch.seconds < 10
    assert tracebacks(server) == []


@pytest.mark.parametrize("path", ["/nada", "/api/auth/login", "/api/notificaciones/eventos"])
@pytest.mark.parametrize("sent", [0, 3, 100_000])
@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_a_client_that_sends_half_a_body_and_closes_is_no_error(shared_server, method, path, sent):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n"
    for half_close in (True, False):
        with socket.create_connection(("127.0.0.1", shared_server.port), timeout=60) as client:
            client.sendall(head.encode() + b"x" * sent)
            if half_close:
                client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(65536):
                        pass
    assert shared_server.request("GET", "/healthz")[0] == 200
    assert tracebacks(shared_server) == []


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("server") / "log.db").start()
    yield server
    server.close()


def test_http2_is_refused_and_an_upgrade_to_it_ignored(shared_server):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert exchange(shared_server, preface).startswith(b"HTTP/1.1 505")
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    with socket.create_connection(("127.0.0.1", shared_server.port), timeout=60) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_what_is_no_http_is_refused(shared_server):
    assert exchange(shared_server, b"\x16\x03\x01\x02\x00hola\r\n\r\n").startswith(b"HTTP/1.1 400")
    huge = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"
    assert exchange(shared_server, huge).split(b" ")[1] in (b"431", b"400")
    assert tracebacks(shared_server) == []


def test_a_connection_is_kept_for_the_next_request(shared_server):
    with socket.create_connection(("127.0.0.1", shared_server.port), timeout=60) as client:
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = client.recv(1000)
            while not answer.endswith(b"}"):
                more = client.recv(1000)
                assert more, answer
                answer += more
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_client_that_sends_more_while_its_stream_is_open_gets_its_events(server):
    with SseClient(server, "manager") as stream:
        stream.next_event("hola")
        stream.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        server.new_order(1)
        assert stream.next_event().data["pedido_id"] == 1
        with Stopwatch() as watch:
            server.send()
            assert [frame.event for frame in stream.frames()][-1] == "reinicio"
        assert watch.seconds < 5
        assert server.ended() == 0


def test_the_log_has_a_line_of_json_for_each_request_without_its_query(server):
    with SseClient(server, "manager", query="?cursor=inicio") as stream:
        stream.next_event("hola")
    eventually(lambda: [line for line in server.stderr_lines if "/stream/" in line])  # its end is heard of in its turn
    server.request("GET", "/api/pedidos?vista=todos")
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.stderr_lines if line.startswith("{") and without_pauses(line)]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/api/notificaciones/stream/manager", None),  # its client went away
        ("/api/pedidos", 200),
    ]


@pytest.mark.one_process(reason="each worker lets in as many connections of any kind")
def test_beyond_all_limits_a_stream_is_told_ocupado_and_others_503(make_server):
    server = make_server(max_connections="1")
    authorization = f"Authorization: Bearer {server.token}\r\n".encode()
    with contextlib.ExitStack() as held:
        for _ in range(501):
            client = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        stream = b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (STREAM.encode(), authorization)
        refused = eventually(lambda: _refused(server, stream))
        head, body = refused.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200")
        assert b"text/event-stream" in head
        assert body.startswith(b"retry: 30000\n\nevent: ocupado\ndata: ")
        poll = exchange(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert poll.startswith(b"HTTP/1.1 503")
        assert b"Retry-After" in poll
    eventually(lambda: server.request("GET", "/healthz")[0] == 200 if _free(server) else False)


def _refused(server: LiveServer, request: bytes) -> bytes:
    answer = exchange(server, request)
    return answer if b"ocupado" in answer else b""


def _free(server: LiveServer) -> bool:
    with contextlib.suppress(OSError):
        return exchange(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[9:12] == b"200"
    return False


# In this process: its tasks can be counted


async def test_streams_polls_and_connections_leave_no_task_and_no_waiter_behind(tmp_path):
    config = Config(database=str(tmp_path / "log.db"), access_log=False)
    listener = bind("127.0.0.1", 0)
    app = create_app(config)
    server, ready = Server(app, config, listener), asyncio.Event()
    running = asyncio.create_task(server.run(lambda has_users: ready.set()))
    async with asyncio.timeout(60):
        await ready.wait()
    services: Services = app.extensions[EXTENSION]
    token = await services.accounts.create_token("test")
    paths = (STREAM, STREAM + "?cursor=x", "/api/notificaciones/polling/cocinero?espera=25", "/healthz", "/nada")

    async def visit(path: str, *, abort: bool) -> None:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        if "espera" not in path:
            await reader.readuntil(b"\r\n\r\n")
        if abort:
            writer.transport.abort()
        else:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def settled(count: int) -> None:
        async with asyncio.timeout(60):
            while len(asyncio.all_tasks()) > count or services.connections.open or server.connections:
                await asyncio.sleep(0.02)

    before = len(asyncio.all_tasks())
    for _ in range(10):
        await asyncio.gather(*[visit(path, abort=abort) for path in paths for abort in (True, False)])
    await settled(before)
    assert not any(pump._live for pump in services.streams._pumps.values())
    assert not any(
        isinstance(listener, Waiter) for room in app.notifier.log.tail._waiters.values() for listener in room
    )
    assert (await app.notifier.obtener_estado_conexiones())["total_conexiones"] == 0
    server.stop()
    async with asyncio.timeout(60):
        await running
    listener.close()


# The second tier: any ASGI server


@pytest.mark.parametrize("settings", [{"server": "uvicorn"}, {"fast_streams": "false"}], ids=str)
def test_streams_of_plain_asgi_are_live_replayed_and_ended(make_server, settings):
    server = make_server(heartbeat_seconds="0.3", **settings)
    with SseClient(server, "cocinero") as stream, SseClient(server, "cocinero") as gone:
        hello = stream.next_event("hola")
        gone.next_event("hola")
        assert [server.new_order(number)["id"] for number in range(1, 11)] == list(range(1, 11))
        assert [frame.data["id"] for frame in stream.take(10)] == list(range(1, 11))
        assert stream.next_event("latido").id.endswith("-10")
        with SseClient(server, "cocinero", last_event_id=hello.id) as again:
            assert [frame.data["id"] for frame in again.take(10)] == list(range(1, 11))
        gone.close()
        state = "/api/notificaciones/estado"
        eventually(lambda: server.request("GET", state)[2]["por_rol"] == {"manager": 1})
        with Stopwatch() as watch:
            server.send()
            assert stream.next_event("reinicio").id is None
            assert list(stream.frames()) == []
        assert watch.seconds < 5
        assert server.ended() == 0
    assert "Traceback" not in "".join(server.stderr_lines)
