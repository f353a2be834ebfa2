"""Polling as clients see it (docs/protocol.md, section 6). Unusable cursors are in tests/delivery/test_streams.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest

from pos_notif import NotificadorPedidos
from pos_notif.delivery.polling import Patience
from pos_notif.delivery.polling import poll as poll_log
from pos_notif.delivery.reader import Reader
from tests.support.in_process import in_process
from tests.support.live_server import LiveServer
from tests.support.logs import fill_log, opened, prune_log, stock_alert
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

POLLING = "/api/notificaciones/polling/"
EVENTS = "/api/notificaciones/eventos"


def poll(server: LiveServer, query: str = "", role: str = "cocinero", **how: Any) -> dict[str, Any]:
    status, _, answer = server.request("GET", POLLING + role + query, **how)
    assert status == 200, answer
    return answer


def cursor_at(server: LiveServer, event_id: int) -> str:
    with opened(server.database) as connection:
        return f"{connection.execute('SELECT epoch FROM log').fetchone()[0]}-{event_id}"


def ids(answer: dict[str, Any]) -> list[int]:
    return [event["id"] for event in answer["eventos"]]


def publish_alerts(server: LiveServer, count: int) -> None:
    server.publish({"eventos": [stock_alert(number, "agotado") for number in range(1, count + 1)]})


def test_an_answer_holds_the_events_after_the_cursor_oldest_first(server):
    server.new_order(1)
    server.new_order(2)
    server.new_order(3)
    status, headers, answer = server.request("GET", POLLING + "cocinero?cursor=" + cursor_at(server, 1))
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["ETag"] == f'"{cursor_at(server, 3)}"'
    assert list(answer) == ["eventos", "total", "timestamp", "cursor", "hay_mas", "siguiente_ms"]
    assert (ids(answer), answer["total"], answer["hay_mas"]) == ([2, 3], 2, False)
    assert (answer["cursor"], answer["siguiente_ms"]) == (cursor_at(server, 3), 3000)
    assert answer["timestamp"].endswith("-06:00")
    assert "precio" not in str(answer["eventos"])


def test_without_a_cursor_the_newest_of_the_last_5_minutes_come(tmp_path, make_server):
    fill_log(tmp_path / "log.db", [stock_alert(number, "agotado") for number in range(1, 301)])
    with opened(tmp_path / "log.db") as connection:
        connection.execute("UPDATE events SET ms = ms - 301000 WHERE id <= 150")
    server = make_server(tmp_path / "log.db")
    answer = poll(server)
    assert (ids(answer), answer["total"]) == (list(range(201, 301)), 100)
    assert (answer["cursor"], answer["hay_mas"]) == (cursor_at(server, 300), False)
    assert ids(poll(server, "?limite=500")) == list(range(151, 301))
    assert ids(poll(server, "?limite=3&cursor=")) == [298, 299, 300]


def test_pages_are_followed_by_the_cursor_until_hay_mas_is_false(server):
    publish_alerts(server, 250)
    cursor, found, more = cursor_at(server, 0), [], []
    for _ in range(3):
        answer = poll(server, "?cursor=" + cursor)
        found += ids(answer)
        cursor = answer["cursor"]
        more.append((answer["hay_mas"], answer["siguiente_ms"]))
    assert found == list(range(1, 251))
    assert more == [(True, 0), (True, 0), (False, 3000)]
    assert cursor == cursor_at(server, 250)


def test_hay_mas_is_false_where_exactly_limite_events_are_left(server):
    publish_alerts(server, 20)
    assert poll(server, f"?cursor={cursor_at(server, 10)}&limite=10")["hay_mas"] is False
    assert poll(server, f"?cursor={cursor_at(server, 9)}&limite=10")["hay_mas"] is True


def test_the_cursor_moves_on_though_nothing_matched(server):
    server.publish(stock_alert(1))
    answer = poll(server, "?cursor=" + cursor_at(server, 0))
    assert (ids(answer), answer["cursor"]) == ([], cursor_at(server, 1))


def test_of_several_cursors_the_newest_that_can_be_used_counts(server):
    publish_alerts(server, 5)
    first, third = cursor_at(server, 1), cursor_at(server, 3)
    for query, expected in (
        (f"?cursor={first}&cursor={third}", [4, 5]),
        (f"?cursor={third}&cursor={first}", [4, 5]),
        (f"?cursor=x&cursor={first}", [2, 3, 4, 5]),
        (f"?cursor=&cursor={third}&cursor=inicio", [4, 5]),
        (f"?cursor={cursor_at(server, 5)}&cursor={first}", []),
        (f"?cursor={first}&cursor={cursor_at(server, 5)}", []),
    ):
        assert ids(poll(server, query)) == expected, query
    assert poll(server, "?cursor=inicio&cursor=zzzzzz-1")["resincronizar"]["motivo"] == "desconocido"
    assert poll(server, "?cursor=zzzzzz-1&cursor=inicio")["resincronizar"]["motivo"] == "epoca"


def test_a_poll_takes_nothing_away(server):
    server.new_order(1)
    assert [ids(poll(server)) for _ in range(3)] == [[1]] * 3


def test_a_bad_limite_is_named(server):
    for limit in ("0", "501", "-1", "x", "1.5", "1e2", "٣", "99999999999999999999"):
        status, _, answer = server.request("GET", POLLING + "cocinero?limite=" + quote(limit))
        assert status == 422
        assert (answer["error"]["codigo"], list(answer["error"]["campos"])) == ("datos_invalidos", ["limite"])


def test_a_bad_espera_is_named(server):
    for wait in ("0", "26", "-1", "x", "1.5"):
        status, _, answer = server.request("GET", POLLING + "cocinero?espera=" + wait)
        assert (status, list(answer["error"]["campos"])) == (422, ["espera"])


def test_sign_in_role_and_path_are_checked(server):
    server.create_user("ana", "cocinero")
    cookie = server.login("ana")
    assert server.request("GET", POLLING + "cocinero", token=None)[0] == 401
    assert server.request("GET", POLLING + "pirata", token=None)[0] == 401
    assert server.request("GET", POLLING + "pirata", cookie=cookie)[0] == 404
    assert server.request("GET", POLLING + "mesero", cookie=cookie)[0] == 403
    assert server.request("GET", POLLING + "mesero?limite=0", cookie=cookie)[0] == 403
    assert server.request("POST", POLLING + "cocinero", cookie=cookie)[0] == 405
    assert poll(server, cookie=cookie)["total"] == 0


def test_inicio_is_malformed_here(server):
    server.new_order(1)
    answer = poll(server, "?cursor=inicio")
    assert (answer["resincronizar"]["motivo"], ids(answer)) == ("desconocido", [])


def test_too_far_behind_is_atraso_also_between_two_polls(make_server):
    server = make_server(max_backlog="50")
    start = cursor_at(server, 0)
    publish_alerts(server, 50)
    assert len(ids(poll(server, f"?cursor={start}"))) == 50
    server.publish({"eventos": [stock_alert(number) for number in range(1, 501)]})
    assert len(ids(poll(server, f"?cursor={start}"))) == 50
    publish_alerts(server, 1)
    assert poll(server, f"?cursor={start}")["resincronizar"]["motivo"] == "atraso"
    assert poll(server, f"?cursor={start}", role="manager")["resincronizar"]["motivo"] == "atraso"


def test_a_cursor_that_is_pruned_between_two_polls_is_expirado(server):
    publish_alerts(server, 20)
    start = cursor_at(server, 5)
    assert len(ids(poll(server, f"?cursor={start}"))) == 15
    prune_log(server.database, 6)
    eventually(lambda: poll(server, f"?cursor={start}").get("resincronizar", {}).get("motivo") == "expirado")
    assert poll(server, f"?cursor={cursor_at(server, 6)}")["eventos"][0]["id"] == 7


# ETag


def test_304_exactly_where_the_answer_would_return_the_same_cursor(server):
    server.new_order(1)
    one = cursor_at(server, 1)

    def status(query: str, tag: str) -> int:
        code, headers, body = server.request("GET", POLLING + "cocinero" + query, headers={"If-None-Match": tag})
        if code == 304:
            assert (headers["ETag"], headers["Cache-Control"], body) == (tag, "private, no-store", "")
        return code

    assert status(f"?cursor={one}", f'"{one}"') == 304
    assert status("", f'"{one}"') == 304
    assert status(f"?cursor={one}", f'"{cursor_at(server, 0)}"') == 200
    assert status(f"?cursor={one}", one) == 200
    weak = server.request("GET", f"{POLLING}cocinero?cursor={one}", headers={"If-None-Match": f'"other", W/"{one}"'})
    assert (weak[0], weak[1]["ETag"]) == (304, f'"{one}"')
    # The same cursor in the request and in If-None-Match, but other rooms' events moved it.
    server.publish(stock_alert(1))
    assert status(f"?cursor={one}", f'"{one}"') == 200
    two = cursor_at(server, 2)
    assert status(f"?cursor={two}", f'"{two}"') == 304
    server.new_order(2)
    assert status(f"?cursor={two}", f'"{two}"') == 200


def test_never_304_for_resincronizar(server):
    server.new_order(1)
    newest = cursor_at(server, 1)
    for cursor in ("zzzzzz-1", "x", cursor_at(server, 2)):
        status, headers, answer = server.request(
            "GET", f"{POLLING}cocinero?cursor={cursor}", headers={"If-None-Match": f'"{newest}"'}
        )
        assert (status, headers["ETag"], answer["cursor"]) == (200, f'"{newest}"', newest)
        assert answer["resincronizar"]["cursor"] == newest


# Long polls


class LongPoll(threading.Thread):
    """The service has the request when this is made: what is asked after it is answered while it waits."""

    def __init__(self, server: LiveServer, query: str) -> None:
        super().__init__()
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {server.token}"}
        self._begun, self._watch = time.monotonic(), Stopwatch()
        self._watch.__enter__()
        self._connection.request("GET", POLLING + "cocinero" + query, headers=headers)
        assert server.request("GET", "/healthz")[0] == 200  # by its answer, the other has had its turn too
        self.start()

    def run(self) -> None:
        with contextlib.closing(self._connection), self._connection.getresponse() as answer:
            self.status, self.answer = answer.status, json.load(answer)
        self._watch.__exit__()
        self.passed, self.seconds = time.monotonic() - self._begun, self._watch.seconds


def test_espera_answers_as_soon_as_there_is_an_event_of_mine(server):
    waiting = [LongPoll(server, f"?espera=25&cursor={cursor_at(server, 0)}") for _ in range(3)]
    server.publish({"eventos": [stock_alert(number) for number in range(1, 101)]})
    waiting[0].join(0.5)
    assert all(poll.is_alive() for poll in waiting)
    with Stopwatch() as watch:
        server.new_order(1)
        for one in waiting:
            one.join()
    assert watch.seconds < 3
    assert [ids(one.answer) for one in waiting] == [[101]] * 3
    assert waiting[0].answer["cursor"] == cursor_at(server, 101)


def test_espera_answers_at_once_where_there_is_something(server):
    server.new_order(1)
    for query in ("?espera=25", f"?espera=25&cursor={cursor_at(server, 0)}", "?espera=25&cursor=x"):
        one = LongPoll(server, query)
        one.join()
        assert one.seconds < 5


def test_espera_ends_with_an_empty_answer_and_the_cursor_considered(server):
    start = cursor_at(server, 0)
    server.publish(stock_alert(1))
    one = LongPoll(server, f"?espera=1&cursor={start}")
    one.join()
    assert one.passed >= 0.9
    assert one.seconds < 5
    assert (one.status, ids(one.answer)) == (200, [])
    assert one.answer["cursor"] == cursor_at(server, 1)


def test_espera_wakes_for_another_processs_event(tmp_path, make_server):
    server = make_server(tmp_path / "log.db")
    one = LongPoll(server, f"?espera=25&cursor={cursor_at(server, 0)}")
    fill_log(tmp_path / "log.db", [stock_alert(number, "agotado") for number in range(1, 2001)])
    one.join()
    assert one.seconds < 15
    found = ids(one.answer)
    assert found == list(range(1, len(found) + 1))
    assert found


def test_long_polls_are_answered_when_the_service_stops(server):
    waiting = [LongPoll(server, f"?espera=25&cursor={cursor_at(server, 0)}") for _ in range(5)]
    waiting[0].join(0.5)
    with Stopwatch() as watch:
        assert server.stop() == 0
    assert watch.seconds < 5
    for one in waiting:
        one.join()
    assert [(one.status, ids(one.answer)) for one in waiting] == [(200, [])] * 5


def test_a_long_poll_of_a_client_that_goes_away_leaves_nothing(server):
    """Its waiter is gone: see also the 1,000 connects of tests/faults."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                f"GET {POLLING}cocinero?espera=25 HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {server.token}\r\n\r\n".encode()
            )
    server.new_order(1)
    assert ids(poll(server)) == [1]
    assert server.stop() == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


# In Python


async def test_the_python_poll_answers_the_same_and_empties_nothing(tmp_path):
    async with NotificadorPedidos(database=str(tmp_path / "log.db")) as notifier:
        await notifier.notificar_nuevo_pedido({"id": 1, "items": []})
        cursor = (await notifier.obtener_eventos_pendientes("cocinero"))["cursor"]
        await notifier.notificar_nuevo_pedido({"id": 2, "items": []})
        answers = [await notifier.obtener_eventos_pendientes("cocinero", cursor) for _ in range(2)]
        assert [ids(answer) for answer in answers] == [[2], [2]]
        assert (await notifier.obtener_eventos_pendientes("cocinero", "x-1"))["resincronizar"]["motivo"] == "epoca"


async def test_a_poll_that_waits_moves_on_over_what_is_not_its_own(tmp_path):
    async with NotificadorPedidos(database=str(tmp_path / "log.db")) as notifier:
        reader = Reader.of_role(notifier.log, "cocinero")
        waiting = asyncio.create_task(poll_log(reader, notifier.log.bounds.cursor(), limit=10, patience=Patience(3600)))
        await asyncio.sleep(0)
        await notifier.notificar_stock_bajo(1, "Queso", 3, nivel="bajo")
        notifier.log.end_waits()
        async with asyncio.timeout(60):
            answer = await waiting
        assert (json.loads(answer.body)["eventos"], answer.cursor) == ([], notifier.log.bounds.cursor())
        assert answer.cursor.endswith("-1")


async def test_a_poll_that_waits_while_its_place_is_pruned_is_told_so_the_next_time(tmp_path):
    path = tmp_path / "log.db"
    async with NotificadorPedidos(database=str(path)) as notifier:
        reader = Reader.of_role(notifier.log, "cocinero")
        start = notifier.log.bounds.cursor()
        # For as long as it takes to fill the log and to prune it.
        waiting = asyncio.create_task(poll_log(reader, start, limit=10, patience=Patience(3600)))
        await asyncio.sleep(0)
        await asyncio.to_thread(fill_log, path, [stock_alert(number) for number in range(1, 2001)])
        await asyncio.to_thread(prune_log, path, 1990)
        await notifier.log.store.refresh()
        notifier.log.end_waits()
        async with asyncio.timeout(60):
            answer = await waiting
        again = await poll_log(reader, answer.cursor, limit=10)
        assert (answer.reset, again.reset) == (False, True)


# The short way


async def test_an_idle_poll_touches_no_disk_and_answers_as_any_other(tmp_path):
    async with in_process(tmp_path / "log.db") as service:
        await service.create_tokens()
        await service.call("POST", EVENTS, {"tipo": "nuevo_pedido", "pedido": {"id": 1}}, token=service.manager)
        cook = service.tokens["cocinero"]
        cursor = (await service.call("GET", POLLING + "cocinero", token=cook)).json["cursor"]
        idle = f"{POLLING}cocinero?cursor={cursor}&limite=7"
        # A page of our own origin is answered by the view, one without an Origin by the short way.
        by_view = await service.call("GET", idle, token=cook, origin="http://localhost")
        await service.app.notifier.log.database.close()
        by_short_way = await service.call("GET", idle, token=cook)
        assert by_short_way.status == by_view.status == 200
        assert {**by_short_way.json, "timestamp": 0} == {**by_view.json, "timestamp": 0}
        assert by_short_way.headers["Content-Length"] == str(len(by_short_way.body))
        names = {name: value for name, value in by_view.headers.items() if name not in ("Date", "Vary")}
        assert dict(by_short_way.headers) == names
        unchanged = await service.call("GET", idle, token=cook, headers={"If-None-Match": f'"{cursor}"'})
        assert (unchanged.status, unchanged.body, unchanged.headers["ETag"]) == (304, b"", f'"{cursor}"')
        seen = service.app.notifier.directory.state(str)
        assert [row["transporte"] for row in seen["conexiones"]] == ["polling"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("mesero?cursor={cursor}", 403),
        ("nadie?cursor={cursor}", 404),
        ("cocinero?cursor={cursor}&limite=0", 422),
        ("cocinero?cursor={cursor}&espera=x", 422),
        ("cocinero?cursor=basura", 200),
        ("cocinero?cursor={cursor}&cursor=basura", 200),
    ],
)
async def test_the_short_way_lets_nobody_in_whom_the_view_refuses(tmp_path, path, status):
    async with in_process(tmp_path / "log.db") as service:
        await service.create_tokens()
        cursor = service.app.notifier.log.bounds.cursor()
        url = POLLING + path.format(cursor=cursor)
        for _ in range(2):  # the token is remembered from the first on
            assert (await service.call("GET", url, token=service.tokens["cocinero"])).status == status
            assert (await service.call("GET", url, token="wrong")).status == 401
        await service.accounts.revoke_token("cocinero")
        assert (await service.call("GET", url, token=service.tokens["cocinero"])).status == 401
