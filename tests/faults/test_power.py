"""kill -9 and a locked database: what was answered 201 is there once, and a retry adds nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import threading
import time

import pytest

from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.faults

TOTAL, PUBLISHERS = 2000, 16


def publish_all(server: LiveServer, numbers: list[int], answers: dict[int, tuple[int, int]], until: int) -> None:
    """Publishes the numbers over one connection, until the server is gone; notes status and id of each."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        for number in numbers:
            body = json.dumps(stock_alert(number, "agotado"))
            sent = {**headers, "Idempotency-Key": f"key-{number}"}
            connection.request("POST", "/api/notificaciones/eventos", body, sent)
            response = connection.getresponse()
            answer = json.loads(response.read())
            answers[number] = (response.status, answer["id"])
            if until and len(answers) >= until:  # whoever of them comes to it first
                assert server.process is not None
                server.process.kill()


def publish_concurrently(server: LiveServer, until: int = 0) -> dict[int, tuple[int, int]]:
    answers: dict[int, tuple[int, int]] = {}
    assert server.token
    threads = [
        threading.Thread(
            target=publish_all, args=(server, list(range(1 + part, TOTAL + 1, PUBLISHERS)), answers, until)
        )
        for part in range(PUBLISHERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_kill_in_the_middle_of_2000_publications_loses_and_repeats_nothing(server):
    found: list[int] = []
    with SseClient(server, "cocinero") as stream:
        cursor = stream.next_event("hola").id

        def read() -> None:
            with contextlib.suppress(OSError, AssertionError, ValueError):
                while True:
                    found.append(stream.take(1)[0].data["id"])

        reading = threading.Thread(target=read)
        reading.start()
        answered = publish_concurrently(server, until=TOTAL // 3)
        reading.join()
        cursor = stream.cursor
    assert TOTAL // 3 <= len(answered) < TOTAL
    assert {status for status, _ in answered.values()} == {201}
    assert server.kill() == -9
    server.start()

    with opened(server.database) as connection:
        rows = connection.execute(
            "SELECT id, json_extract(data, '$.operacion_id'), json_extract(data, '$.producto_id') FROM events"
        ).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    ids = {int(key.removeprefix("key-")): event_id for event_id, key, _ in rows}
    assert len(ids) == len(rows)
    assert all(ids[number] == event_id for number, (_, event_id) in answered.items())

    again = publish_concurrently(server)
    assert len(again) == TOTAL
    for number, (status, event_id) in again.items():
        assert (status, event_id) == (200, ids[number]) if number in ids else status == 201
    third = publish_concurrently(server)
    assert third == {number: (200, event_id) for number, (_, event_id) in again.items()}

    with SseClient(server, "cocinero", last_event_id=cursor) as stream:
        found += [frame.data["id"] for frame in stream.take(TOTAL - len(found))]
    assert found == list(range(1, TOTAL + 1))


def test_repeated_kills_leave_a_sound_chain(make_server, tmp_path):
    server = make_server(tmp_path / "log.db")
    for until in (50, 200, 20):
        publish_concurrently(server, until=until)
        server.kill()
        server.start()  # it checks the newest 1,000 rows, and would refuse
    with opened(server.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_that_another_program_locks_for_10_s_is_503_and_recovers(server):
    server.new_order(1)
    with SseClient(server, "cocinero") as stream:
        stream.next_event("hola")
        lock = sqlite3.connect(server.database, isolation_level=None)
        with contextlib.closing(lock):
            lock.execute("BEGIN IMMEDIATE")
            answers: list[tuple[int, str, str]] = []

            def publish(number: int) -> None:
                status, headers, answer = server.request(
                    "POST", "/api/notificaciones/eventos", stock_alert(number, "agotado")
                )
                answers.append((status, headers.get("Retry-After", ""), answer["error"]["codigo"]))

            threads = [threading.Thread(target=publish, args=(number,)) for number in (1, 2, 3)]
            started = time.monotonic()
            with Stopwatch() as watch:
                for thread in threads:
                    thread.start()
                # Reading goes on meanwhile.
                assert server.request("GET", "/api/notificaciones/polling/cocinero")[2]["total"] == 1
                assert server.request("GET", "/api/pedidos")[0] == 200
            assert watch.seconds < 4
            for thread in threads:
                thread.join()
            assert answers == [(503, "2", "registro_no_disponible")] * 3
            assert server.request("GET", "/readyz")[0] == 503
            # One that comes while it is locked and asks again, as it is told, is taken once it is not.
            late: list[int] = []

            def retry() -> None:
                while not late:
                    sent = {**stock_alert(8, "agotado"), "operacion_id": "key-8"}
                    status, _, answer = server.request("POST", "/api/notificaciones/eventos", sent)
                    if status == 201:
                        late.append(answer["id"])

            thread = threading.Thread(target=retry)
            thread.start()
            time.sleep(max(0.0, started + 10 - time.monotonic()))  # the other program's own time
            lock.execute("ROLLBACK")
            thread.join()
            assert late == [2]
        assert server.publish(stock_alert(9, "agotado"))["id"] == 3
        assert [frame.data["producto_id"] for frame in stream.take(2)] == [8, 9]
    assert server.request("GET", "/readyz")[0] == 200
