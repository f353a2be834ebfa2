"""The stream as clients see it, over real sockets (docs/protocol.md, section 5)."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pos_notif import NotificadorPedidos
from pos_notif.accounts.accounts import Accounts
from pos_notif.clock import Clocks
from pos_notif.config import Config
from pos_notif.delivery.connections import Connections
from pos_notif.delivery.polling import Patience, poll
from pos_notif.delivery.reader import Reader
from pos_notif.delivery.streams import Stream, Streams
from tests.support.collecting_sink import CollectingSink
from tests.support.live_server import LiveServer
from tests.support.logs import fill_log, opened, prune_log, stock_alert
from tests.support.sse_client import Frame, SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

STREAM = "/api/notificaciones/stream/"


def start_of(stream: SseClient, *, reset: bool = False) -> list[Frame]:
    """The stream's first frames: `retry`, `hola`, and `resincronizar` where it must come."""
    frames = stream.frames()
    found = [next(frames) for _ in range(3 if reset else 2)]
    assert found[0].retry is not None
    assert found[1].event == "hola"
    if reset:
        assert found[2].event == "resincronizar"
    return found


def cursor_at(server: LiveServer, event_id: int) -> str:
    with opened(server.database) as connection:
        return f"{connection.execute('SELECT epoch FROM log').fetchone()[0]}-{event_id}"


def ids(frames: list[Frame]) -> list[int]:
    return [frame.data["id"] for frame in frames]


@pytest.fixture(scope="module")
def large_log(tmp_path_factory) -> Path:
    """50,000 events: for every room the first and the last 3 of each 1,000, for managers only the others."""
    path = tmp_path_factory.mktemp("large") / "log.db"
    levels = ["agotado" if number % 1000 == 1 or number % 1000 > 997 else "bajo" for number in range(1, 50_001)]
    levels[-3:] = ["agotado"] * 3
    fill_log(path, [stock_alert(number, level) for number, level in enumerate(levels, 1)])
    return path


@pytest.fixture
def large_server(large_log, tmp_path, make_server) -> LiveServer:
    shutil.copy(large_log, tmp_path / "large.db")
    return make_server(tmp_path / "large.db")


@pytest.fixture
def calm(make_server) -> LiveServer:
    """Without heartbeats: two seconds after its beginning, one would stand among a stream's other frames."""
    return make_server(heartbeat_seconds="0")


# What is on the wire


def test_an_event_arrives_live_with_its_cursor_as_id(server):
    with SseClient(server, "cocinero") as stream:
        assert stream.status == 200
        hello = stream.next_event("hola")
        assert hello.data["salas"] == ["cocina"]
        answer = server.new_order(5)
        event = stream.next_event()
        assert (event.event, event.id) == ("evento_pedido", answer["cursor"])
        assert event.data["tipo"] == "nuevo_pedido"


def test_the_headers_keep_proxies_from_storing_or_buffering(server):
    with SseClient(server, "mesero") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "private, no-store, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"


def test_a_stream_begins_with_padding_retry_and_hola(server):
    server.publish(stock_alert(1))
    with SseClient(server, "mesero") as stream:
        body = stream.read_until(b"hola")
        padding, retry, hello = body.split(b"\n\n")[:3]
        assert padding.startswith(b":")
        assert len(padding) >= 2048
        assert 2000 <= int(retry.removeprefix(b"retry: ")) <= 5000
        name, event, data = hello.split(b"\n")
        assert (name, event) == (b"id: " + cursor_at(server, 1).encode(), b"event: hola")
        fields = json.loads(data.removeprefix(b"data: "))
        assert list(fields) == ["cursor", "rol", "salas", "hora_servidor", "latido_ms", "version"]
        assert fields["cursor"] == cursor_at(server, 1)
        assert (fields["rol"], fields["salas"], fields["latido_ms"]) == ("mesero", ["meseros"], 15000)
        assert fields["version"] == server.request("GET", "/api/pedidos")[2]["version"] != ""
        assert fields["hora_servidor"].endswith("-06:00")


def test_events_are_named_by_their_kind_and_hold_the_polled_bytes(calm):
    with SseClient(calm, "manager") as stream:
        start_of(stream)
        calm.new_order(7, notas="Sin sal")
        calm.publish(stock_alert(3))
        body = stream.read_until(b"alerta_stock")
        polled = calm.request("GET", "/api/notificaciones/polling/manager")[2]["eventos"]
        expected = b"".join(
            b"id: %b\nevent: %b\ndata: %b\n\n"
            % (
                cursor_at(calm, event["id"]).encode(),
                name,
                json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(),
            )
            for event, name in zip(polled, (b"evento_pedido", b"evento_alerta"), strict=True)
        )
        assert body == expected


def test_cr_lf_and_nul_in_any_field_begin_no_field(calm):
    evil = "x\r\nid: robado\r\n\r\nevent: resincronizar\ndata: {}\n\n\0\u2028\x85"
    with SseClient(calm, "manager") as stream:
        start_of(stream)
        calm.new_order(
            1, notas=evil, cliente_nombre=evil, items=[{"producto_nombre": evil, "cantidad": 1, "notas": evil}]
        )
        calm.publish(stock_alert(1, nombre=evil, **{evil: evil}))
        calm.publish({"tipo": "pedido_cancelado", "pedido_id": 1, "razon": evil, "actor": {"username": evil}})
        body = stream.read_until(b"pedido_cancelado")
        assert b"\r" not in body
        assert b"\0" not in body
        names = [line.split(b": ")[0] for line in body.split(b"\n") if line]
        assert names == [b"id", b"event", b"data"] * 3
        data = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]
        assert data[0]["pedido"]["notas"] == data[1][evil] == data[2]["razon"] == evil


def test_cr_lf_and_nul_in_the_query_begin_no_field(server):
    evil = "x\r\nevent: malo\n\n\0"
    for where in ("cursor", "lastEventId", "last_event_id", "cliente"):
        with SseClient(server, "manager", query=f"?{where}={quote(evil)}") as stream:
            body = stream.read_until(b"hola")
            assert b"event: malo" not in body.split(b"\n")
            assert b"\0" not in body


def test_a_cook_gets_the_kitchens_copy_and_a_manager_reading_the_kitchen_too(server):
    server.create_user("ana", "cocinero")
    with SseClient(server, "cocinero", cookie=server.login("ana")) as cook, SseClient(server, "cocinero") as manager:
        start_of(cook)
        start_of(manager)
        server.new_order(1, total=1.5)
        ours, theirs = cook.take(1)[0], manager.take(1)[0]
        assert ours == theirs
        assert "precio" not in json.dumps(ours.data)
        assert "total" not in json.dumps(ours.data)


def test_head_is_answered_without_a_body(server):
    for role in ("cocinero", "manager"):
        status, headers, body = server.request("HEAD", STREAM + role)
        assert (status, body) == (200, "")
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert headers["Cache-Control"] == "private, no-store, no-transform"
    assert server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"] == 0


def test_only_sign_in_role_and_path_are_errors(server):
    server.create_user("ana", "cocinero")
    cookie = server.login("ana")
    assert server.request("GET", STREAM + "cocinero", token=None)[0] == 401
    assert server.request("GET", STREAM + "mesero", cookie=cookie)[0] == 403
    assert server.request("GET", STREAM + "pirata", cookie=cookie)[0] == 404
    assert server.request("GET", STREAM + "pirata", token=None)[0] == 401


def test_silence_is_broken_by_a_named_heartbeat_with_the_cursor_considered(make_server):
    server = make_server(heartbeat_seconds="0.2")
    server.create_user("ana", "cocinero")
    with SseClient(server, "cocinero", cookie=server.login("ana")) as stream:
        hello = start_of(stream)[1]
        assert hello.data["latido_ms"] == 200
        beat = stream.next_event("latido")
        assert list(beat.data) == ["hora_servidor", "cursor"]
        assert beat.id == beat.data["cursor"] == cursor_at(server, 0)
        server.publish(stock_alert(1))
        eventually(lambda: stream.next_event("latido").id == cursor_at(server, 1))


def test_the_first_heartbeat_does_not_wait_for_silence_and_is_for_the_newcomer_alone(make_server):
    server = make_server(heartbeat_seconds="3600")
    with SseClient(server, "cocinero") as first:
        beat = first.next_event("latido")
        assert beat.id == beat.data["cursor"] == cursor_at(server, 0)
        with SseClient(server, "cocinero") as second:
            second.next_event("latido")
            server.new_order(1)
            after = [next(frame for frame in stream.frames() if frame.event) for stream in (first, second)]
    assert [frame.event for frame in after] == ["evento_pedido"] * 2


def test_a_stream_ends_with_reconexion_and_the_next_one_goes_on(make_server):
    server = make_server(stream_seconds="1")
    found: list[Frame] = []
    cursor, number = None, 0
    for _ in range(3):
        with SseClient(server, "cocinero", last_event_id=cursor) as stream:
            assert 2000 <= start_of(stream)[0].retry <= 5000
            number += 1
            server.new_order(number)
            frames = list(stream.frames())
            found += [frame for frame in frames if frame.event == "evento_pedido"]
            retry, last = frames[-2:]
            assert last.event == "reconexion"
            assert last.id is None
            assert 100 <= retry.retry <= 500
            cursor = stream.cursor
        number += 1
        server.new_order(number)
    with SseClient(server, "cocinero", last_event_id=cursor) as stream:
        found += stream.take(6 - len(found))  # one that was published as late as the last one's end is due here too
    assert [frame.data["pedido_id"] for frame in found] == list(range(1, 7))


def test_a_stream_ends_with_reinicio_when_the_service_stops(calm):
    with SseClient(calm, "cocinero") as stream:
        start_of(stream)
        stopping = threading.Thread(target=calm.stop)
        stopping.start()
        frames = list(stream.frames())
        stopping.join()
    assert [frame.event for frame in frames] == [None, "reinicio"]
    assert 500 <= frames[0].retry <= 2500
    assert frames[1].id is None


@pytest.mark.one_process(reason="workers tell each other within a second how many connections they have")
def test_over_capacity_a_stream_is_told_ocupado_with_status_200(make_server):
    server = make_server(max_connections="2")
    with SseClient(server, "cocinero") as one, SseClient(server, "mesero") as two:
        start_of(one)
        start_of(two)
        with SseClient(server, "cocinero") as busy:
            assert busy.status == 200
            assert [(frame.event, frame.retry, frame.id) for frame in busy.frames()] == [
                (None, 30000, None),
                ("ocupado", None, None),
            ]
        server.publish(stock_alert(1, "agotado"))
        assert ids(one.take(1)) == ids(two.take(1)) == [1]
    eventually(lambda: server.request("GET", "/api/notificaciones/estado")[2]["total_conexiones"] == 0)
    with SseClient(server, "cocinero") as stream:
        start_of(stream)


def test_a_stream_ends_with_its_session(calm):
    calm.create_user("ana", "cocinero")
    cookie = calm.login("ana")
    with SseClient(calm, "cocinero", cookie=cookie) as stream, SseClient(calm, "cocinero") as other:
        start_of(stream)
        start_of(other)
        assert calm.request("POST", "/api/auth/logout", cookie=cookie)[0] == 204
        frames = list(stream.frames())
        assert [(frame.event, frame.id) for frame in frames] == [("sesion_terminada", None)]
        calm.new_order(1)
        assert ids(other.take(1)) == [1]


def test_a_stream_ends_when_its_session_expires(make_server):
    server = make_server(session_hours="0.004", heartbeat_seconds="0")  # 14 s: it has time to begin
    server.create_user("ana", "cocinero")
    with SseClient(server, "cocinero", cookie=server.login("ana")) as stream:
        start_of(stream)
        assert [frame.event for frame in stream.frames()] == ["sesion_terminada"]


# Resuming


def test_nothing_is_lost_or_repeated_when_events_are_published_during_a_replay(server):
    """The replay of 1,500 events meets 500 that are published one by one while it runs."""
    server.publish({"eventos": [stock_alert(number, "agotado") for number in range(1, 501)]})
    start = cursor_at(server, 0)
    for first in (501, 1001):
        server.publish({"eventos": [stock_alert(number, "agotado") for number in range(first, first + 500)]})

    assert server.token

    def publish() -> None:
        for number in range(1501, 1901):
            server.publish(stock_alert(number, "agotado"))

    publishing = threading.Thread(target=publish)
    publishing.start()
    replayed = []
    for _ in range(5):
        with SseClient(server, "cocinero", last_event_id=start) as stream:
            replayed.append(ids(stream.take(1500)))
    with SseClient(server, "cocinero", last_event_id=start) as stream:
        assert ids(stream.take(1900)) == list(range(1, 1901))
    publishing.join()
    assert replayed == [list(range(1, 1501))] * 5


def test_every_reader_sees_each_event_once_whenever_it_came(server):
    """Readers connect, drop and resume while four publishers append: the check and the wait of each meet appends
    at every point."""
    total, stop = 800, threading.Event()
    assert server.token  # made here, not by each thread
    chances = random.Random(7)
    found: list[list[int]] = [[] for _ in range(6)]

    def publish(part: int) -> None:
        for number in range(part, total, 4):
            server.publish(stock_alert(number + 1, "agotado"))

    def read(mine: list[int], pieces: list[int]) -> None:
        cursor: str | None = cursor_at(server, 0)
        while len(mine) < total and not stop.is_set():
            with SseClient(server, "cocinero", last_event_id=cursor) as stream:
                wanted = min(pieces.pop() if pieces else total, total - len(mine))
                mine += ids(stream.take(wanted))
                cursor = stream.cursor

    readers = [
        threading.Thread(target=read, args=(mine, [chances.randint(1, 60) for _ in range(20)])) for mine in found
    ]
    publishers = [threading.Thread(target=publish, args=(part,)) for part in range(4)]
    for thread in readers + publishers:
        thread.start()
    for thread in publishers:
        thread.join()
    for thread in readers:
        thread.join(60)
    stop.set()
    assert found == [list(range(1, total + 1))] * 6


def test_2500_missed_events_come_in_one_connection_in_order_and_once(server):
    start = cursor_at(server, 0)
    for first in range(1, 2501, 500):
        server.publish({"eventos": [stock_alert(number, "agotado") for number in range(first, first + 500)]})
    with SseClient(server, "mesero", query=f"?cursor={start}") as stream:
        frames = stream.take(2500)
        assert ids(frames) == list(range(1, 2501))
        assert [frame.id for frame in frames[:2]] == [cursor_at(server, 1), cursor_at(server, 2)]
        server.publish(stock_alert(1, "agotado"))
        assert ids(stream.take(1)) == [2501]


def test_a_client_that_missed_the_newest_3_of_50000_gets_exactly_3(large_server):
    """The server has started on this log and nothing was published since; then after a restart again."""
    for _ in range(2):
        with SseClient(large_server, "cocinero", last_event_id=cursor_at(large_server, 49_997)) as stream:
            assert start_of(stream)[1].id == cursor_at(large_server, 49_997)
            assert ids(stream.take(3)) == [49_998, 49_999, 50_000]
        large_server.restart()
    with SseClient(large_server, "cocinero", last_event_id=cursor_at(large_server, 49_997)) as stream:
        assert ids(stream.take(3)) == [49_998, 49_999, 50_000]
        assert large_server.publish(stock_alert(1, "agotado"))["id"] == 50_001
        assert ids(stream.take(1)) == [50_001]


def test_the_backlog_counts_the_readers_rooms_only(large_server):
    """49,000 events after the cursor, of which the kitchen has about 200; a manager has all."""
    with opened(large_server.database) as connection:
        rows = connection.execute("SELECT id FROM events WHERE id > 1000 AND to_kitchen ORDER BY id").fetchall()
    expected = [row[0] for row in rows]
    with SseClient(large_server, "cocinero", last_event_id=cursor_at(large_server, 1000)) as stream:
        assert ids(stream.take(len(expected))) == expected
    with SseClient(large_server, "manager", last_event_id=cursor_at(large_server, 1000)) as stream:
        assert start_of(stream, reset=True)[2].data["motivo"] == "atraso"
    with SseClient(large_server, "manager", last_event_id=cursor_at(large_server, 45_000)) as stream:
        assert ids(stream.take(5000)) == list(range(45_001, 50_001))
    with SseClient(large_server, "manager", last_event_id=cursor_at(large_server, 44_999)) as stream:
        assert start_of(stream, reset=True)[2].data["motivo"] == "atraso"


def test_a_quiet_rooms_cursor_is_still_good_after_10000_events_of_other_rooms(make_server):
    server = make_server(heartbeat_seconds="0.2", max_backlog="100")
    server.create_user("ana", "cocinero")
    cookie = server.login("ana")
    with SseClient(server, "cocinero", cookie=cookie) as stream:
        before = start_of(stream)[1].id
        for _ in range(20):
            server.publish({"eventos": [stock_alert(number) for number in range(1, 501)]})
        eventually(lambda: stream.next_event("latido").id == cursor_at(server, 10_000))
        kept = stream.cursor
    server.new_order(1)
    for cursor in (before, kept):
        with SseClient(server, "cocinero", cookie=cookie, last_event_id=cursor) as stream:
            assert start_of(stream)[1].id == cursor
            assert ids(stream.take(1)) == [10_001]


def test_inicio_reads_from_the_oldest_kept_event_however_many_there_are(large_server):
    with SseClient(large_server, "manager", query="?cursor=inicio") as stream:
        assert start_of(stream)[1].id == cursor_at(large_server, 0)
        assert ids(stream.take(50_000)) == list(range(1, 50_001))
        large_server.publish(stock_alert(1))
        assert ids(stream.take(1)) == [50_001]


def test_without_a_cursor_a_stream_begins_now(server):
    server.new_order(1)
    with SseClient(server, "cocinero") as stream:
        assert start_of(stream)[1].id == cursor_at(server, 1)
        server.new_order(2)
        assert ids(stream.take(1)) == [2]


def test_of_several_cursors_the_newest_that_can_be_used_counts(server):
    server.publish({"eventos": [stock_alert(number) for number in range(1, 6)]})
    epoch = cursor_at(server, 0).split("-")[0]
    for header, query, expected in (
        ("{}-1", "?lastEventId={}-2&last_event_id={}-3&cursor={}-4", 4),
        ("{}-4", "?lastEventId={}-2&last_event_id={}-3&cursor={}-1", 4),
        (None, "?lastEventId={}-4&cursor={}-2", 4),
        (None, "?last_event_id={}-2&lastEventId={}-3", 3),
        (None, "?cursor={}-1&cursor={}-3&cursor={}-2", 3),
        ("{}-1\r\nLast-Event-ID: {}-3\r\nLast-Event-ID: {}-2", "", 3),
        ("x", "?cursor={}-2", 2),
        ("zzzzzz-4", "?cursor={}-2", 2),
        ("{}-6", "?cursor={}-2&cursor=", 2),
        ("{}-1", "?cursor=inicio", 1),
        ("inicio", "?cursor={}-1", 1),
        ("inicio", "?cursor=x", 0),
        ("", "?lastEventId=&last_event_id=&cursor={}-4", 4),
        ("", "?cursor=", 5),
    ):
        last = header.replace("{}", epoch) if header is not None else None
        with SseClient(server, "manager", last_event_id=last, query=query.replace("{}", epoch)) as stream:
            assert start_of(stream)[1].id == cursor_at(server, expected), (header, query)


@pytest.mark.parametrize(
    ("header", "query", "reason"),
    [
        ("{}-99", "?lastEventId=zzzzzz-1&cursor=x", "futuro"),
        (None, "?cursor=x&last_event_id={}-99&lastEventId=zzzzzz-1", "epoca"),
        (None, "?cursor=x&cursor=zzzzzz-1", "desconocido"),
        ("{}-1", "?cursor={}-2", "atraso"),
    ],
)
def test_of_several_cursors_of_which_none_can_be_used_the_first_says_why(make_server, header, query, reason):
    server = make_server(max_backlog="3")
    server.publish({"eventos": [stock_alert(number) for number in range(1, 8)]})
    epoch = cursor_at(server, 0).split("-")[0]
    last = header.replace("{}", epoch) if header is not None else None
    with SseClient(server, "manager", last_event_id=last, query=query.replace("{}", epoch)) as stream:
        assert start_of(stream, reset=True)[2].data["motivo"] == reason


# Cursors that cannot be used

UNUSABLE = {
    "garbage": ("hola mundo ñ <script>", "desconocido"),
    "spaces and lines": ("a\r\nb\0", "desconocido"),
    "negative": ("{epoch}--5", "desconocido"),
    "a number alone": ("17", "desconocido"),
    "leading zero": ("{epoch}-007", "desconocido"),
    "other digits": ("{epoch}-١٢", "desconocido"),
    "no id": ("{epoch}-", "desconocido"),
    "10 KB": ("x" * 10_240, "desconocido"),
    "10 KB of digits": ("{epoch}-" + "9" * 10_240, "desconocido"),
    "huge": ("{epoch}-99999999999999999999999", "futuro"),
    "from the future": ("{epoch}-11", "futuro"),
    "other epoch": ("zzzzzz-3", "epoca"),
    "pruned": ("{epoch}-2", "expirado"),
}


@pytest.fixture(scope="module")
def pruned_server(tmp_path_factory):
    """10 events, of which 1 to 4 were pruned while it was stopped."""
    path = tmp_path_factory.mktemp("pruned") / "log.db"
    fill_log(path, [stock_alert(number, "agotado") for number in range(1, 11)])
    prune_log(path, 4)
    server = LiveServer(path).start()
    yield server
    server.close()


def assert_reset(reset: dict[str, Any], server: LiveServer, cursor: str, reason: str) -> None:
    assert reset == {
        "motivo": reason,
        "cursor_recibido": cursor[:64],
        "mas_antiguo": cursor_at(server, 4),
        "cursor": cursor_at(server, 10),
        "instantanea": "/api/pedidos",
    }


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_cursor_gets_resincronizar_and_goes_on_live(pruned_server, name):
    cursor, reason = UNUSABLE[name]
    cursor = cursor.replace("{epoch}", cursor_at(pruned_server, 0).split("-")[0])
    with SseClient(pruned_server, "cocinero", query=f"?cursor={quote(cursor)}") as stream:
        assert stream.status == 200
        _, hello, reset = start_of(stream, reset=True)
        assert (hello.id, hello.data["cursor"]) == (None, None)
        assert reset.id == cursor_at(pruned_server, 10)
        assert_reset(reset.data, pruned_server, cursor, reason)
    status, _, answer = pruned_server.request("GET", f"/api/notificaciones/polling/cocinero?cursor={quote(cursor)}")
    assert status == 200
    assert_reset(answer["resincronizar"], pruned_server, cursor, reason)
    assert (answer["eventos"], answer["cursor"], answer["hay_mas"]) == ([], cursor_at(pruned_server, 10), False)
    if cursor.isascii() and cursor.isprintable():
        with SseClient(pruned_server, "cocinero", last_event_id=cursor) as stream:
            assert_reset(start_of(stream, reset=True)[2].data, pruned_server, cursor, reason)


@pytest.mark.parametrize("event_id", [4, 5, 10])
def test_the_cursor_before_the_oldest_and_the_newest_are_good(pruned_server, event_id):
    with SseClient(pruned_server, "cocinero", last_event_id=cursor_at(pruned_server, event_id)) as stream:
        assert start_of(stream)[1].id == cursor_at(pruned_server, event_id)
        assert ids(stream.take(10 - event_id) if event_id < 10 else []) == list(range(event_id + 1, 11))


def test_bytes_that_are_no_text_in_the_header_are_no_error(pruned_server):
    with SseClient(pruned_server, "cocinero", last_event_id="a\udcff\udc80b") as stream:
        assert stream.status == 200
        assert start_of(stream, reset=True)[2].data["motivo"] == "desconocido"


def test_after_resincronizar_events_come_live(server):
    with SseClient(server, "cocinero", last_event_id="zzzzzz-3") as stream:
        start_of(stream, reset=True)
        server.new_order(1)
        assert ids(stream.take(1)) == [1]


def test_a_connection_cut_between_hola_and_resincronizar_still_resynchronises(pruned_server):
    """`hola` has no id then: what the browser sends next is the old cursor again."""
    for _ in range(2):
        with SseClient(pruned_server, "cocinero", last_event_id="zzzzzz-3") as stream:
            hello = stream.read_until(b"event: hola").split(b"\n\n")[2]
            assert b"event: hola" in hello
            assert b"id:" not in hello
    with SseClient(pruned_server, "cocinero", last_event_id="zzzzzz-3") as stream:
        assert start_of(stream, reset=True)[2].data["motivo"] == "epoca"


def test_a_reader_whose_place_is_pruned_meanwhile_gets_resincronizar_in_mid_stream(make_server):
    """It does not read while its page is replayed; its place is pruned before it goes on."""
    server = make_server(max_backlog="0", write_timeout_seconds="3600")
    fill = {"eventos": [stock_alert(number, "agotado", nota="x" * 5000) for number in range(1, 501)]}
    start = cursor_at(server, 0)
    for _ in range(6):
        server.publish(fill)
    with SseClient(server, "cocinero", last_event_id=start, receive_buffer=4096) as stream:
        start_of(stream)
        prune_log(server.database, 2900)
        eventually(lambda: server.request("GET", "/api/notificaciones/polling/cocinero?cursor=" + start)[2].get(
            "resincronizar", {}).get("motivo") == "expirado")  # fmt: skip
        found = []
        for frame in stream.frames():
            found.append(frame)
            if frame.event == "resincronizar":
                break
        reset = found.pop()
        assert ids(found) == list(range(1, len(found) + 1))
        assert len(found) < 2900
        assert reset.data["motivo"] == "expirado"
        assert reset.data["cursor_recibido"] == cursor_at(server, len(found))
        assert reset.id == reset.data["cursor"] == cursor_at(server, 3000)
        server.publish(stock_alert(1, "agotado"))
        assert ids(stream.take(1)) == [3001]


# An append between the check and the wait, where the check had to ask the log


class Appends:
    """Appends an event for the kitchen right after the log was read for one that finds nothing."""

    def __init__(self, notifier: NotificadorPedidos) -> None:
        self._notifier, self._read = notifier, notifier.log.store.read
        notifier.log.store.read = self  # type: ignore[method-assign]

    async def __call__(self, *arguments: Any, **limits: Any) -> Any:
        page = await self._read(*arguments, **limits)
        self._notifier.log.store.read = self._read  # type: ignore[method-assign]
        await self._notifier.notificar_nuevo_pedido({"id": 1, "items": []})
        return page


@pytest.fixture
async def behind(tmp_path):
    """A service whose memory does not go back to where the kitchen's reader is."""
    config = Config(database=str(tmp_path / "log.db"), tail_events=10, heartbeat_seconds=0)
    async with NotificadorPedidos(config=config) as notifier:
        for number in range(1, 51):
            await notifier.notificar_stock_bajo(number, "Queso", 3, nivel="bajo")
        assert notifier.log.tail.floor > 0
        Appends(notifier)
        yield notifier


async def test_an_append_between_a_streams_check_and_its_wait_is_not_missed(behind):
    accounts = Accounts(behind.log.database, Clocks())
    streams = Streams(
        behind.log, behind.directory, Connections(accounts, 0, behind.log.subscriptions, behind.directory)
    )
    token = await accounts.find_token(await accounts.create_token("x"))
    stream = Stream(streams, Reader.of_role(behind.log, "cocinero"), token, [behind.log.cursor(0)], None)
    sink = CollectingSink()
    serving = asyncio.create_task(stream.serve(sink))
    async with asyncio.timeout(60):
        while '"id":51' not in sink.text:
            await asyncio.sleep(0.01)
    assert sink.text.count('"id":51') == 1
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert streams.connections.open == set()
    await streams.connections.close()
    accounts.close()


async def test_an_append_between_a_long_polls_check_and_its_wait_is_not_missed(behind):
    async with asyncio.timeout(60):
        answer = await poll(
            Reader.of_role(behind.log, "cocinero"), behind.log.cursor(0), limit=10, patience=Patience(25)
        )
    assert [event["id"] for event in json.loads(answer.body)["eventos"]] == [51]


# Several readers, several processes


async def test_what_another_process_appends_while_the_log_is_opened_is_not_missed(tmp_path):
    """Between the look at the log's end and the first look for other processes' commits."""
    path = tmp_path / "log.db"
    notifier = NotificadorPedidos(database=str(path))
    start = notifier.log.tail.start

    def append_meanwhile(*arguments: Any) -> None:
        start(*arguments)
        other = threading.Thread(target=fill_log, args=(path, [stock_alert(1, "agotado")]))
        other.start()
        other.join()

    notifier.log.tail.start = append_meanwhile  # type: ignore[method-assign]
    async with notifier, asyncio.timeout(60):
        while notifier.log.bounds.newest != 1:
            await asyncio.sleep(0.02)
        assert [event.id for event in notifier.log.tail.page(0, "cocina").events] == [1]


def test_a_snapshots_cursor_is_good_for_a_stream_that_has_yet_to_hear_of_its_events(tmp_path, make_server):
    """Another process appends; the snapshot reads the file, the stream's memory may be behind it."""
    server = make_server(tmp_path / "log.db")

    async def publish_and_follow() -> None:
        async with NotificadorPedidos(database=str(tmp_path / "log.db")) as other:
            for number in range(1, 31):
                await other.notificar_nuevo_pedido({"id": number, "items": []})
                snapshot = await asyncio.to_thread(server.request, "GET", "/api/pedidos?vista=cocina")
                cursor = snapshot[2]["cursor"]
                assert [order["id"] for order in snapshot[2]["pedidos"]] == list(range(1, number + 1))
                with SseClient(server, "cocinero", query=f"?cursor={cursor}") as stream:
                    assert start_of(stream)[1].id == cursor

    asyncio.run(publish_and_follow())


def test_another_processs_events_reach_the_streams_within_a_second(tmp_path, make_server):
    server = make_server(tmp_path / "log.db")

    async def publish(first: int, last: int) -> None:
        async with NotificadorPedidos(database=str(tmp_path / "log.db")) as other:
            for number in range(first, last + 1):
                await other.notificar_stock_bajo(number, "Queso", 0)

    with SseClient(server, "cocinero") as stream:
        start_of(stream)
        asyncio.run(publish(1, 1))
        with Stopwatch() as watch:
            assert ids(stream.take(1)) == [1]
        assert watch.seconds < 1
        server.publish(stock_alert(2, "agotado"))
        asyncio.run(publish(3, 20))
        assert ids(stream.take(19)) == list(range(2, 21))


def test_another_process_that_appends_thousands_at_once_leaves_no_hole(tmp_path, make_server):
    server = make_server(tmp_path / "log.db", write_timeout_seconds="3600")  # nobody reads while the log is filled
    with SseClient(server, "cocinero") as cook, SseClient(server, "manager") as manager:
        start_of(cook)
        start_of(manager)
        server.publish(stock_alert(1, "agotado"))
        assert ids(cook.take(1)) == ids(manager.take(1)) == [1]
        fill_log(tmp_path / "log.db", [stock_alert(number, "agotado") for number in range(2, 5002)])
        with ThreadPoolExecutor() as threads:
            for frames in threads.map(lambda stream: stream.take(5000), (cook, manager)):
                assert ids(frames) == list(range(2, 5002))


def test_a_single_transaction_of_more_than_a_thousand_events_leaves_no_hole(tmp_path, make_server):
    """All of them are there at the first look: fewer are fetched for the memory than were written."""
    server = make_server(tmp_path / "log.db")
    fill_log(tmp_path / "copy.db", [stock_alert(number, "agotado") for number in range(1, 2701)])
    with SseClient(server, "cocinero") as stream:
        start_of(stream)
        with opened(tmp_path / "log.db") as connection:
            connection.execute("ATTACH ? AS copy", (str(tmp_path / "copy.db"),))
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO events SELECT * FROM copy.events")
            connection.execute("UPDATE log SET (head_id, head_hash) = (SELECT head_id, head_hash FROM copy.log)")
            connection.commit()
        assert ids(stream.take(2700)) == list(range(1, 2701))
        server.publish(stock_alert(1, "agotado"))
        assert ids(stream.take(1)) == [2701]


def test_two_kitchens_streaming_and_two_waiters_polling_all_get_everything(server):
    cursors = [cursor_at(server, 0)] * 2
    polled: list[list[int]] = [[], []]
    with SseClient(server, "cocinero") as one, SseClient(server, "cocinero") as two:
        start_of(one)
        start_of(two)
        for number in range(1, 41):
            server.publish(stock_alert(number, "agotado"))
            if number % 7 == 0 or number == 40:
                for waiter in (0, 1):
                    path = f"/api/notificaciones/polling/mesero?cursor={cursors[waiter]}"
                    answer = server.request("GET", path)[2]
                    polled[waiter] += [event["id"] for event in answer["eventos"]]
                    cursors[waiter] = answer["cursor"]
        assert ids(one.take(40)) == ids(two.take(40)) == list(range(1, 41))
    assert polled == [list(range(1, 41))] * 2
