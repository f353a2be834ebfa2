"""How soon a revocation bites: the session or token is dead within a second, and so is what it has open."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pos_notif.delivery.reader import Reader
from pos_notif.delivery.streams import Stream
from tests.support.collecting_sink import CollectingSink
from tests.support.in_process import in_process
from tests.support.live_server import run_cli
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually


@pytest.fixture
async def service(tmp_path):
    async with in_process(tmp_path / "log.db") as running:
        yield running


def ended(stream):
    """The stream's last frame, and how long it took to end by itself."""
    with Stopwatch() as watch:
        *_, last = stream.frames()
    return last, watch.seconds


def open_stream(server, **who):
    stream = SseClient(server, "mesero", **who)
    assert stream.status == 200
    stream.next_event("hola")
    return stream


@pytest.fixture
def waiter(server):
    server.create_user("Ana", "mesero")
    server.create_user("Beto", "mesero")
    return server.login("Ana")


def cli_changes(server):
    """What ends Ana's session, as a command line."""
    sessions = run_cli("session", "list", database=server.database).stdout
    [session] = [line.split("\t")[0] for line in sessions.splitlines() if "\tAna\t" in line]
    return {
        "revoke": ("session", "revoke", session),
        "delete": ("user", "delete", "Ana"),
        "role": ("user", "role", "Ana", "cajero"),
        "password": ("user", "password", "Ana", "--password", "9999"),
    }


@pytest.mark.parametrize("change", ["revoke", "delete", "role", "password"])
def test_a_session_that_is_revoked_by_the_cli_is_dead_within_a_second(server, waiter, change):
    others = server.login("Beto")
    with open_stream(server, cookie=waiter) as stream, open_stream(server, cookie=others) as other:
        assert server.request("GET", "/api/auth/sesion", cookie=waiter)[0] == 200
        run_cli(*cli_changes(server)[change], database=server.database)
        last, seconds = ended(stream)
        assert (last.event, last.id) == ("sesion_terminada", None)
        assert seconds < 1
        assert server.request("GET", "/api/auth/sesion", cookie=waiter)[0] == 401
        with SseClient(server, "mesero", cookie=waiter) as again:
            assert again.status == 401
        server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0})
        assert other.next_event().data["nombre"] == "Queso"


def test_a_token_that_is_revoked_by_the_cli_is_dead_within_a_second(server):
    token = run_cli("token", "create", "pantalla", "--role", "mesero", database=server.database).stdout.strip()
    with open_stream(server, token=token) as stream:
        run_cli("token", "revoke", "pantalla", database=server.database)
        last, seconds = ended(stream)
        assert (last.event, last.id) == ("sesion_terminada", None)
        assert seconds < 1
    assert server.request("GET", "/api/auth/sesion", token=token)[0] == 401


def test_logout_ends_the_sessions_streams_and_no_others(server, waiter):
    again = server.login("Ana")
    with open_stream(server, cookie=waiter) as stream, open_stream(server, cookie=again) as other:
        assert server.request("POST", "/api/auth/logout", cookie=waiter)[0] == 204
        last, seconds = ended(stream)
        assert (last.event, last.id) == ("sesion_terminada", None)
        assert seconds < 1
        server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0})
        assert other.next_event().data["nombre"] == "Queso"


def test_streams_that_are_opened_at_the_moment_of_revocation_end_too(server, waiter):
    """Some are open before it, some after; what no stream does is to go on."""
    command = cli_changes(server)["revoke"]
    streams = []

    def keep_opening():
        while True:
            stream = SseClient(server, "mesero", cookie=waiter)
            if stream.status == 401:
                stream.close()
                return
            streams.append(stream)

    threads = [threading.Thread(target=keep_opening) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(streams) > 10)
    run_cli(*command, database=server.database)
    with Stopwatch() as watch:
        for thread in threads:
            thread.join()
        for stream in streams:
            last, _ = ended(stream)
            assert last.event == "sesion_terminada"
            stream.close()
    assert watch.seconds < 2


async def test_a_stream_that_begins_after_its_session_was_revoked_ends_at_once(service):
    """The request was let in before, and its stream is only now among those that a revocation finds."""
    await service.accounts.create_user("Ana", "mesero", "1234")
    principal, _ = await service.accounts.login("Ana", "1234", "")
    streams = service.app.extensions["pos_notif"].streams
    stream = Stream(streams, Reader.of_role(service.app.notifier.log, "mesero"), principal, [], None)
    await service.accounts.revoke_session(principal.id)
    await streams.connections.close()
    sink = CollectingSink()
    async with asyncio.timeout(60):
        await stream.serve(sink)
    assert b"event: sesion_terminada\ndata: " in sink.chunks[-1]
    assert b"id: " not in sink.chunks[-1]
    assert streams.connections.open == set()


def test_a_session_survives_a_restart_and_a_revocation_while_stopped(server, waiter):
    server.restart()
    assert server.request("GET", "/api/auth/sesion", cookie=waiter)[0] == 200
    command = cli_changes(server)["revoke"]
    server.stop()
    run_cli(*command, database=server.database)
    server.start()
    assert server.request("GET", "/api/auth/sesion", cookie=waiter)[0] == 401


def test_a_stream_ends_within_a_second_of_its_sessions_end(make_server):
    lasts = 14  # so that there is time to open it before
    server = make_server(session_hours=str(lasts / 3600), heartbeat_seconds="0.5")
    server.create_user("Ana", "mesero")
    began = time.monotonic()
    cookie = server.login("Ana")
    with Stopwatch() as watch, open_stream(server, cookie=cookie) as stream:
        last, _ = ended(stream)
    assert (last.event, last.id) == ("sesion_terminada", None)
    assert time.monotonic() - began > lasts - 0.1
    assert watch.seconds < lasts + 1.5
    assert server.request("GET", "/api/auth/sesion", cookie=cookie)[0] == 401


def test_what_identifies_anyone_is_in_no_log(server, waiter):
    server.request("GET", "/api/auth/sesion?token=in-the-query", cookie=waiter)
    server.request("GET", "/api/pedidos?secreto=in-the-query")
    server.request("POST", "/api/auth/login", {"username": "Ana", "password": "typed-pin"}, token=None)
    token = server.token
    server.stop()
    log = "".join(server.stderr_lines)
    assert '"path": "/api/pedidos"' in log
    for secret in ("in-the-query", waiter.partition("=")[2], token, "typed-pin", "1234", "?"):
        assert secret not in log, secret
