"""What is too much, too often or too slow, on a real service: a clear answer, and whoever is served stays."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pos_notif.log.writable import space_problem
from pos_notif.web.rate_limit import Buckets
from tests.support.in_process import Answer, HeldClock, in_process
from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

POLL = "/api/notificaciones/polling/cocinero"
EVENTS = "/api/notificaciones/eventos"
TABS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_has_its_burst_and_its_rate_and_lends_to_who_has_one():
    clock = Time()
    bucket = Buckets(30, 2.0, clock)
    assert [bucket.take("a") for _ in range(30)] == [0.0] * 30
    assert bucket.take("a") == pytest.approx(0.5)
    assert bucket.take("b") == 0.0  # nobody else's business
    clock.now += 0.5
    assert bucket.take("a") == 0.0
    assert bucket.take("a") == pytest.approx(0.5)  # what was refused took nothing
    bucket.give_back("a")
    assert bucket.take("a") == 0.0
    clock.now += 1000  # never more than full
    assert [bucket.take("a") for _ in range(31)][-2:] == [0.0, pytest.approx(0.5)]
    clock.now += 1000
    assert bucket.take("a", 500) == 0.0
    assert bucket.take("a") == pytest.approx((500 - 30 + 1) / 2)
    assert not any(Buckets(30, 0.0, clock).take("a") for _ in range(100))


def test_buckets_stay_few_however_many_clients_there_are():
    clock = Time()
    buckets = Buckets(2, 1.0, clock, max_keys=100)
    buckets.take("kept", 50)
    for number in range(99):
        buckets.take(number)
    clock.now += 2  # those are full
    for number in range(100, 150):
        buckets.take(number)
    assert buckets.take("kept") > 0
    for number in range(1000):
        assert buckets.take(("new", number)) == 0.0
        assert len(buckets._full_at) <= 100


@pytest.mark.one_process(reason="each worker keeps the rates, and is told within a second what others gave")
def test_polls_have_a_burst_a_rate_and_free_ones(make_server):
    rate = 0.01  # nothing is given back while this is asked
    server = make_server(poll_rate=str(rate))
    for number in (1, 2, 3):
        server.publish(stock_alert(number, "agotado"))
    cursor = server.request("GET", f"{POLL}?cliente={TABS[0]}")[2]["cursor"]
    epoch = cursor.partition("-")[0]
    idle = f"{POLL}?cursor={cursor}&cliente={TABS[0]}"
    statuses = [server.request("GET", idle)[0] for _ in range(30)]
    assert statuses == [200] * 29 + [429]
    # On the short way and on the view's: with a cursor of which there is news.
    for path in (idle, f"{POLL}?cursor={epoch}-1&cliente={TABS[0]}", f"{POLL}?cliente={TABS[0]}"):
        status, headers, answer = server.request("GET", path)
        assert (status, answer["error"]["codigo"]) == (429, "demasiadas_solicitudes")
        assert "Espere" in answer["error"]["mensaje"]
        assert 1 <= int(headers["Retry-After"]) <= 1 / rate
        assert headers["Cache-Control"] == "no-store"
    # Another tab, and who has no name, are other clients.
    assert server.request("GET", f"{POLL}?cursor={cursor}&cliente={TABS[1]}")[0] == 200
    assert server.request("GET", f"{POLL}?cursor={cursor}")[0] == 200
    # Each of these has waited: the next one is free.
    with ThreadPoolExecutor(20) as pool:
        waits = [f"{POLL}?cursor={cursor}&espera=1&cliente={TABS[3]}"] * 20
        for _ in range(2):
            assert {status for status, _, _ in pool.map(lambda path: server.request("GET", path), waits)} == {200}
    # Each of these has more.
    for number in range(4, 44):
        server.publish(stock_alert(number, "agotado"))
    page = {"cursor": f"{epoch}-1", "hay_mas": True}
    for _ in range(35):
        status, _, page = server.request("GET", f"{POLL}?cursor={page['cursor']}&limite=1&cliente={TABS[2]}")
        assert (status, page["hay_mas"]) == (200, True)
    # Who asks for the same one again and again does not go on.
    same = [server.request("GET", f"{POLL}?cursor={epoch}-1&limite=1&cliente={TABS[4]}")[0] for _ in range(35)]
    assert 429 in same


@pytest.mark.one_process(reason="each worker keeps the rates, and is told within a second what others gave")
def test_publications_over_the_rate_are_refused_whole(make_server):
    rate = 0.01  # nothing is given back while this is asked
    server = make_server(publish_rate=str(rate))
    batch = {"eventos": [stock_alert(number, "agotado") for number in range(1, 16)]}
    assert server.request("POST", EVENTS, batch)[0] == 201  # lent: there was room for one
    # By the short way; and by the view, to which a foreign origin's or a chunked request goes.
    for headers in ({}, {"Origin": server.url}):
        status, answered, refused = server.request("POST", EVENTS, batch, headers=headers)
        assert (status, refused["error"]["codigo"]) == (429, "demasiadas_solicitudes")
        assert 14 < int(answered["Retry-After"]) * rate <= 15
    with opened(server.database) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (15,)
    server.create_user("ana", "manager")
    own = {"cookie": server.login("ana")}
    assert server.request("POST", EVENTS, stock_alert(1, "agotado"), **own)[0] == 201  # another publisher


async def test_who_publishes_again_when_he_was_told_to_is_taken(tmp_path: Path):
    async with in_process(tmp_path / "log.db", publish_rate=10.0) as service:
        await service.create_tokens()
        clock = Time()
        service.app.extensions["pos_notif"].publish_limit._clock = clock

        async def publish(events: int) -> Answer:
            batch = {"eventos": [stock_alert(number, "agotado") for number in range(1, events + 1)]}
            return await service.call("POST", EVENTS, batch, token=service.manager)

        assert (await publish(15)).status == 201
        refused = await publish(15)
        assert refused.status == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 2
        clock.now += int(refused.headers["Retry-After"])
        assert (await publish(1)).status == 201


def test_what_is_too_large_is_refused_in_words(server):
    code, refusal = "demasiado_grande", {}
    for name, head in (
        ("url", b"GET /api/pedidos?x=%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 17_000)),
        ("head", b"GET /api/pedidos HTTP/1.1\r\nHost: x\r\nX-Large: %b\r\n\r\n" % (b"a" * 200_000)),
        ("line", b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 200_000)),
        ("garbage", b"\x16\x03\x01 nonsense\r\n\r\n"),
    ):
        with connect(server) as one:
            with contextlib.suppress(OSError):
                one.sendall(head)
            refusal[name] = read_answer(one)
            assert one.recv(1) == b""  # closed
    found = {name: (status, json.loads(body)["error"]["codigo"]) for name, (status, _, body) in refusal.items()}
    assert found.pop("garbage") == (400, "solicitud_invalida")
    assert found == {"url": (414, code), "head": (431, code), "line": (431, code)}
    with connect(server) as one:  # whose answer has no body
        one.sendall(b"HEAD /api/pedidos?x=%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 17_000))
        told = b"".join(iter(lambda: one.recv(65536), b""))
        assert told.startswith(b"HTTP/1.1 414 ")
        assert told.endswith(b"\r\n\r\n")
    assert not [line for line in server.stderr_lines if "Traceback" in line]
    with connect(server) as one:  # just below
        one.sendall(b"GET /api/pedidos?x=%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 16_000))
        assert read_answer(one)[0] == 401
    # A body is refused by its length, before it is sent.
    with connect(server) as one:
        one.sendall(
            b"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: 99999999\r\n\r\n" % server.token.encode()
        )
        status, _, body = read_answer(one)
        assert (status, json.loads(body)["error"]["codigo"]) == (413, code)


def test_a_slow_head_is_cut_and_nobody_else_is(server):
    with SseClient(server, "cocinero") as stream, connect(server) as quiet, connect(server) as slow:
        stream.next_event("hola")
        begun = time.monotonic()
        with Stopwatch() as watch:
            for byte in b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 1000:
                try:
                    slow.sendall(bytes([byte]))
                except OSError:
                    break
                if slow in ready_to_read(slow, 0.1):
                    break
            status, _, body = read_answer(slow)
        assert time.monotonic() - begun > 9
        assert watch.seconds < 13
        assert (status, json.loads(body)["error"]["codigo"]) == (408, "tiempo_agotado")
        assert slow.recv(1) == b""
        quiet.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # it was only idle
        assert read_answer(quiet)[0] == 200
        server.publish(stock_alert(1, "agotado"))
        assert stream.next_event("evento_alerta").data["producto_id"] == 1


@pytest.mark.one_process(reason="workers tell each other within a second how many connections they have")
def test_at_the_limit_the_newcomer_is_refused_and_everybody_stays(make_server):
    server = make_server(max_connections="1")
    with SseClient(server, "cocinero") as served, contextlib.ExitStack() as stack:
        served.next_event("hola")
        open_files = server.open_files()
        with SseClient(server, "mesero") as second:
            assert next(frame for frame in second.frames() if frame.event).event == "ocupado"
        eventually(lambda: server.open_files() <= open_files)  # it counts until the service has closed it
        others = []
        for _ in range(500):  # each asks at once: of those that have asked for nothing yet only so many may be there
            others.append(stack.enter_context(connect(server)))
            others[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(others[-1])[0] == 200
        with connect(server) as newcomer:
            newcomer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            status, head, body = read_answer(newcomer)
            assert (status, json.loads(body)["error"]["codigo"]) == (503, "sin_capacidad")
            assert b"Retry-After: 30" in head
        post = json.dumps(stock_alert(1, "agotado")).encode()
        others[0].sendall(
            b"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (server.token.encode(), len(post), post)
        )
        assert read_answer(others[0])[0] == 201
        assert served.next_event("evento_alerta").data["producto_id"] == 1


async def test_what_ended_sessions_followed_is_forgotten(tmp_path: Path):
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock=clock) as service:
        await service.accounts.create_user("ana", "cajero", "1234")
        following = service.app.notifier.log.subscriptions

        async def sign_in() -> str:
            sent = {"username": "ana", "password": "1234"}
            return (await service.call("POST", "/api/auth/login", sent)).cookie

        async def until(followers: int) -> None:
            async with asyncio.timeout(60):
                while len(following.owners()) != followers:
                    await asyncio.sleep(0.01)

        for tab in TABS[:2]:
            cookie = await sign_in()
            for order in (7, 8):
                path = f"/api/notificaciones/suscripciones/{order}?cliente={tab}"
                assert (await service.call("PUT", path, cookie=cookie)).status == 200
        assert len(following.owners()) == 2
        assert (await service.call("POST", "/api/auth/logout", cookie=cookie)).status == 204
        await until(1)
        clock.advance(13 * 3600)  # the other one has run out, which the next sign-in finds
        await sign_in()
        await until(0)


def test_a_disk_with_less_than_the_reserve_is_told(server, tmp_path: Path):
    assert server.request("GET", "/readyz", token=None)[2] == {"estado": "listo"}
    assert space_problem(tmp_path, 0) is None
    problem = space_problem(tmp_path, 1 << 60)
    assert problem is not None
    assert "disk nearly full" in problem


def connect(server: LiveServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def ready_to_read(one: socket.socket, seconds: float) -> list[socket.socket]:
    return select.select([one], [], [], seconds)[0]


def read_answer(one: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of one answer."""
    with one.makefile("rb") as answer:
        head = b""
        while (line := answer.readline()) not in (b"\r\n", b""):
            head += line
        [length] = [int(size) for size in re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)]
        return int(head.split()[1]), head, answer.read(length)
