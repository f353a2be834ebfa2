"""Readers that stall, crawl or vanish: nobody waits for them and little is held for them."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from tests.faults.namespaces import unshare
from tests.support.bare_rows import bare_rows, seconds_for
from tests.support.held_up import Pace, unless_held_up
from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


def alerts(count: int, size: int = 2000) -> dict[str, Any]:
    return {"eventos": [stock_alert(number, "agotado", nota="x" * size) for number in range(1, count + 1)]}


def publish_seconds(server: LiveServer, count: int) -> float:
    """What a publication takes longer than a bare row on the same disk just before it: the median."""
    longer = []
    with bare_rows(server.database.parent) as put:
        for number in range(1, count + 1):
            row = seconds_for(put)
            alert = stock_alert(number, "agotado", nota="x" * 2000)
            longer.append(seconds_for(lambda alert=alert: server.publish(alert)) - row)
    return max(0.0, statistics.median(longer))


def connected(server: LiveServer) -> int:
    return server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"]


def test_readers_that_stop_reading_slow_nobody_and_cost_little_memory_each(make_server):
    """6 MB are published for each; what is not taken stays in the log."""
    server = make_server(write_timeout_seconds="3600", max_backlog="0", tail_bytes="1000000")

    def publish_for_a_live_reader(batches: int = 60) -> float:
        """The seconds of a publication, while one reader takes all."""
        with SseClient(server, "cocinero") as live:
            first = int(live.next_event("hola").id.split("-")[1]) + 1
            count = batches * 50 + 100
            taken: list[int] = []
            reading = threading.Thread(target=lambda: taken.extend(f.data["id"] for f in live.take(count)))
            reading.start()
            for _ in range(batches):  # small ones: a large one's own memory would hide what is measured
                server.publish(alerts(50))
            seconds = publish_seconds(server, 100)
            reading.join()
            assert taken == list(range(first, first + count))
            return seconds

    publish_for_a_live_reader()
    before = publish_for_a_live_reader()
    with contextlib.ExitStack() as stalled:

        def stall(count: int) -> list[SseClient]:
            return [stalled.enter_context(SseClient(server, "cocinero", receive_buffer=4096)) for _ in range(count)]

        # The first ones also make the allocator's peak: the others tell what each costs.
        first = stall(20)[0]
        publish_for_a_live_reader()
        memory = server.memory_kb()
        stall(60)
        during = publish_for_a_live_reader()
        grown = server.memory_kb() - memory
        state = server.request("GET", "/api/notificaciones/estado")[2]
        assert state["por_rol"]["manager"] >= 80
        assert max(row["atraso"] for row in state["conexiones"] if row["conectado"]) > 100
        assert during < before * 3 + 0.01
        assert grown < 60 * 300, f"{grown / 60} KB a reader"
        # One of them reads again: it catches up, with nothing lost.
        assert [frame.data["id"] for frame in first.take(6200)] == list(range(6201, 12401))
    eventually(lambda: connected(server) == 0)


def test_a_burst_of_20000_events_reaches_who_reads_past_500_who_do_not(make_server):
    server = make_server(write_timeout_seconds="3600", max_backlog="0")
    burst = 20_000
    with contextlib.ExitStack() as stalled, SseClient(server, "cocinero") as live:
        for _ in range(500):
            stalled.enter_context(SseClient(server, "cocinero", receive_buffer=4096))
        live.next_event("hola")
        memory = server.memory_kb()
        taken: list[int] = []
        reading = threading.Thread(target=lambda: taken.extend(frame.data["id"] for frame in live.take(burst)))
        reading.start()
        slowest = 0.0
        for _ in range(burst // 500):
            server.publish(alerts(500, size=200))
            with Stopwatch() as watch:
                assert server.request("GET", "/healthz", token=None)[0] == 200
            slowest = max(slowest, watch.seconds)
        reading.join()
        assert taken == list(range(1, burst + 1))
        assert slowest < 1, slowest
        assert connected(server) == 501
        assert server.memory_kb() - memory < 500 * 200  # 10 MB were sent to each
    eventually(lambda: connected(server) == 0)
    # What they did not take is in the log, for the cursor that they came with.
    cursor = server.request("GET", "/api/pedidos")[2]["cursor"]
    with SseClient(server, "cocinero", last_event_id=f"{cursor.split('-')[0]}-{burst - 5}") as again:
        assert [frame.data["id"] for frame in again.take(5)] == list(range(burst - 4, burst + 1))


def test_a_reader_that_stops_reading_is_dropped_and_resumes_by_its_cursor(make_server):
    unless_held_up(make_server, is_dropped_and_resumes, write_timeout=1, stalled=1)


def is_dropped_and_resumes(server: LiveServer, pace: Pace) -> None:
    with SseClient(server, "cocinero", receive_buffer=4096) as stalled, SseClient(server, "cocinero") as live:
        stalled.next_event("hola")
        live.next_event("hola")
        taken: list[int] = []

        def read() -> None:
            """All the while: it would be a stalled one too."""
            with contextlib.suppress(AssertionError, OSError, ValueError):  # dropped: `taken` tells
                while len(taken) < 1000:
                    with pace.read():
                        taken.append(live.take(1)[0].data["id"])

        pace.begin()
        reading = threading.Thread(target=read)
        reading.start()
        for _ in range(2):
            server.publish(alerts(500))
        reading.join()
        assert taken == list(range(1, 1001))
        eventually(lambda: connected(server) == 1)
        found = []
        with contextlib.suppress(ConnectionResetError, ValueError):  # the rest of a chunk never came
            for frame in stalled.frames():
                found.append(frame)
        cursor = stalled.cursor
    assert 0 < len(found) < 1000
    with SseClient(server, "cocinero", last_event_id=cursor) as again:
        rest = again.take(1000 - len(found))
    assert [frame.data["id"] for frame in found + rest] == list(range(1, 1001))
    eventually(lambda: [line for line in server.stderr_lines if "stalled reader dropped" in line])
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_a_slow_reader_is_not_dropped(make_server):
    """10 KB a second, with a timeout of 1.5 s for writes without any progress: 10 s of 400 KB, in which its window
    never takes what is next. The kernel gives such a peer up after 8."""
    unless_held_up(make_server, is_not_dropped, write_timeout=1.5, stalled=0, heartbeat_seconds="0")


def is_not_dropped(server: LiveServer, pace: Pace) -> None:
    server.publish(alerts(200))
    with SseClient(server, "cocinero", query="?cursor=inicio", receive_buffer=4096) as slow:
        received = 0
        pace.begin()
        for _ in range(100):
            with pace.read():
                piece = slow._raw.read1(1000)
            assert piece, "dropped"
            received += len(piece)
            time.sleep(0.1)  # the reader's own pace, not a wait for the server
        assert received > 50_000
        assert connected(server) == 1
        assert not [line for line in server.stderr_lines if "stalled" in line]


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_reader_that_goes_away_is_noticed_at_once(server, how):
    streams = [SseClient(server, "cocinero") for _ in range(10)]
    for stream in streams:
        stream.next_event("hola")
    assert connected(server) == 10
    for stream in streams:
        if how == "reset":
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
    with Stopwatch() as watch:
        eventually(lambda: connected(server) == 0)
    assert watch.seconds < 5
    server.new_order(1)


def test_a_reader_that_goes_away_in_the_middle_of_its_replay_is_noticed(server):
    for _ in range(6):
        server.publish(alerts(500))
    for _ in range(10):
        with SseClient(server, "cocinero", query="?cursor=inicio", receive_buffer=4096) as stream:
            stream.take(3)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: connected(server) == 0)
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_readers_whose_machine_vanishes_are_noticed_by_their_silence(tmp_path):
    """No FIN, no RST: a cable that is pulled, between two network namespaces, which need no privilege where user
    namespaces are allowed."""
    command = unshare("--net", ["ip", "link", "add", "name", "near", "type", "veth"])
    module = [sys.executable, "-m", "tests.faults.vanishing", str(tmp_path)]
    done = subprocess.run([*command, *module], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    # 8 s for what was sent and not acknowledged: an event here, else a heartbeat or a socket's ping.
    assert float(done.stdout) < 20


def test_1000_connects_and_disconnects_leave_nothing_behind(server):
    """Streams, long polls and requests, closed politely, by reset, and in the middle of the request."""
    token = server.token.encode()
    paths = [
        b"/api/notificaciones/stream/cocinero?cursor=inicio",
        b"/api/notificaciones/stream/manager?cursor=zzzzzz-5",
        b"/api/notificaciones/polling/mesero?espera=25",
        b"/api/pedidos",
    ]

    def visit(number: int) -> None:
        request = b"GET %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n\r\n" % (paths[number % 4], token)
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(request if number % 7 else request[: number % len(request)])
            if number % 7 and number % 4 != 2:
                client.recv(1000)
            if number % 3 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def visit_many(first: int, count: int) -> None:
        threads = [
            threading.Thread(target=lambda part=part: [visit(n) for n in range(first + part, first + count, 8)])
            for part in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: connected(server) == 0)

    for number in range(1, 101):
        server.new_order(number)
    visit_many(0, 1000)  # warms up: caches, allocator
    eventually(lambda: server.open_files() < 40 * len(server.processes()))
    files, threads, memory = server.open_files(), server.threads(), server.memory_kb()
    visit_many(1000, 1000)
    eventually(lambda: server.open_files() <= files)
    assert server.threads() <= threads + 10  # a pool begins one more where it is busy, not one for each of a thousand
    assert server.memory_kb() - memory < 5000 * len(server.processes())  # 1,000 streams that were kept would be 20 MB
    state = server.request("GET", "/api/notificaciones/estado")[2]
    assert (state["total_conexiones"], state["por_rol"]) == (0, {})
    assert json.dumps(state).count('"sid"') <= 200
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_shutdown_with_200_streams_and_one_that_does_not_read(make_server):
    """Three times at most: at its end it writes, and the disk may be slow."""
    assert any(seconds_to_stop(make_server(write_timeout_seconds="3600")) < 5 for _ in range(3))


def seconds_to_stop(server: LiveServer) -> float:
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(SseClient(server, "cocinero")) for _ in range(200)]
        stalled = opened.enter_context(SseClient(server, "cocinero", receive_buffer=4096))
        for stream in (*streams, stalled):
            stream.next_event("hola")
        server.publish(alerts(500))
        for stream in streams:
            stream.take(500)
        ends: list[str | None] = []
        threads = [
            threading.Thread(target=lambda stream=stream: ends.append([f.event for f in stream.frames()][-1]))
            for stream in streams
        ]
        for thread in threads:
            thread.start()
        with Stopwatch() as watch:
            assert server.stop() == 0
        for thread in threads:
            thread.join()
        assert ends == ["reinicio"] * 200
    assert not [line for line in server.stderr_lines if "Traceback" in line or "rror" in line]
    return watch.seconds
