"""A service of several processes on one log: what its clients see of it is one service."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.polling_client import PollingClient
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.websocket_client import WsClient
from tests.support.whole_logs import make_log, order_events
from tests.support.workers import state, stream_at, worker

WORKERS = (1, 2, 3)


@pytest.fixture
def service(make_server: Callable[..., LiveServer]) -> LiveServer:
    return make_server(workers="3", ack_seconds="0.4", screen_seconds="1")


def alarms(server: LiveServer) -> list[str]:
    kinds = ("sin_acuse", "sin_pantalla", "pantalla_recuperada")
    with opened(server.database) as connection:
        return [kind for (kind,) in connection.execute("SELECT type FROM events ORDER BY id") if kind in kinds]


# One service


def test_an_event_of_any_worker_reaches_the_streams_of_all_and_each_is_in_the_state_with_its_process(service):
    with contextlib.ExitStack() as opened_:
        streams = [opened_.enter_context(stream_at(service, number, "cocinero")) for number in WORKERS]
        told = [service.new_order(number)["id"] for number in range(1, 31)]
        for stream in streams:
            assert [frame.data["id"] for frame in stream.take(30)] == told

        def connected() -> tuple[int, list[int], list[int]]:
            found = state(service)
            rows = sorted(row["proceso"] for row in found["conexiones"] if row["conectado"])
            return found["total_conexiones"], found["sin_respuesta"], rows

        # Once those are let go that were opened on the way to the three, and who is asked answers within its second.
        eventually(lambda: connected() == (3, [], [1, 2, 3]))


def test_a_clock_that_has_jumped_is_told_once_and_not_by_each(make_server, tmp_path):
    log = make_log(tmp_path / "old.db", (1_600_000_000_000, order_events(1)))
    service = make_server(log, workers="3")
    with contextlib.ExitStack() as opened_:
        for number in WORKERS:  # each has the log open
            opened_.enter_context(stream_at(service, number, "cocinero"))
    assert service.stop() == 0
    assert len([line for line in service.stderr_lines if "ahead of the log's newest events" in line]) == 1


def test_who_was_told_of_an_event_by_one_worker_finds_it_at_each(make_server):
    """Each request is a connection of its own, and so any worker's."""
    service = make_server(workers="3", poll_rate="0")
    cursor = service.publish(stock_alert(1, "agotado"))["cursor"]
    for number in range(2, 62):
        told = service.publish(stock_alert(number, "agotado"))
        found = service.request("GET", f"/api/notificaciones/polling/manager?cursor={cursor}")[2]
        assert [event["id"] for event in found["eventos"]] == [told["id"]]
        cursor = told["cursor"]
        assert service.request("GET", "/api/pedidos")[2]["cursor"] == cursor


def test_who_is_connected_to_one_worker_has_not_gone_from_another(service):
    tab = "00000000-0000-4000-8000-000000000000"

    def rows() -> list[tuple[bool, int]]:
        return [(row["conectado"], row["proceso"]) for row in state(service)["conexiones"] if row["cliente"] == tab]

    with contextlib.ExitStack() as opened_:
        for _ in range(8):
            stream = opened_.enter_context(SseClient(service, "cocinero", query=f"?cliente={tab}"))
            stream.next_event("hola")
        # One in 1,000 times all eight are one worker's; and a worker is told of that answers within its second.
        eventually(lambda: len({process for _, process in rows()}) > 1)
        opened_.pop_all().close()
        with SseClient(service, "cocinero", query=f"?cliente={tab}") as stream:
            stream.next_event("hola")
            assert eventually(lambda: [connected for connected, _ in rows()] == [True])
    assert eventually(lambda: [connected for connected, _ in rows()] == [False])


def test_ten_wrong_pins_are_five_whichever_worker_is_asked(service):
    service.create_user("Ana", "cocinero")

    def login(pin: str) -> int:
        body = {"username": "Ana", "password": pin}
        return service.request("POST", "/api/auth/login", body, token=None)[0]

    with ThreadPoolExecutor(10) as pool:  # counted before the try: none of them slips past the others
        assert sorted(pool.map(login, ["9999"] * 10)) == [401] * 5 + [429] * 5
    assert login("1234") == 429
    service.create_user("Beto", "cocinero", "4321")
    assert service.login("Beto", "4321")


def test_a_revocation_at_one_worker_ends_what_is_open_at_each(service):
    service.create_user("Ana", "cocinero")
    session = service.login("Ana")
    with contextlib.ExitStack() as opened_:
        streams = [opened_.enter_context(stream_at(service, number, "cocinero", cookie=session)) for number in WORKERS]
        assert service.request("POST", "/api/auth/logout", cookie=session)[0] == 204
        assert service.request("GET", "/api/auth/sesion", cookie=session)[0] == 401
        for stream in streams:
            stream.next_event("sesion_terminada")


@pytest.mark.parametrize("number", WORKERS)
def test_an_order_that_is_seen_by_no_screen_raises_its_alarm_whichever_worker_has_the_screen(service, number):
    service.create_user("Ana", "cocinero")
    with stream_at(service, number, "cocinero", cookie=service.login("Ana")):
        # Until whoever raises alarms has heard of the screen: what falls due before is told to nobody.
        def screen_is_known() -> bool:
            with opened(service.database) as connection:
                return bool(connection.execute("SELECT 1 FROM screens WHERE room = 'cocina'").fetchone())

        eventually(screen_is_known)
        service.new_order(1)
        assert eventually(lambda: alarms(service)) == ["sin_acuse"]


def test_a_tablet_that_leaves_one_worker_while_another_stays_at_another_raises_no_alarm(service):
    service.create_user("Ana", "cocinero")
    session = service.login("Ana")
    with contextlib.ExitStack() as opened_:
        screens = [opened_.enter_context(stream_at(service, number, "cocinero", cookie=session)) for number in WORKERS]
        for leaving in screens[1:]:
            leaving.close()
            time.sleep(1.5)  # it would come after 1 s
            assert alarms(service) == []
        screens[0].close()
        assert eventually(lambda: alarms(service)) == ["sin_pantalla"]


def test_polls_beyond_the_rate_are_refused_whichever_worker_is_asked(make_server):
    """Each worker gives as much as one alone would, until it is told; that is within a second."""
    service = make_server(workers="3", poll_rate="0.01")
    path = "/api/notificaciones/polling/cocinero?cursor=inicio"
    answered = refused = 0
    while refused < 9:
        if service.request("GET", path)[0] == 429:
            refused += 1
        else:
            answered, refused = answered + 1, 0
            if answered >= 30:  # one alone would have no more: the others, which still have theirs, hear of it
                time.sleep(0.5)
    assert 30 <= answered < 60  # and not 90


def test_publications_beyond_the_rate_are_refused_whichever_worker_is_asked(make_server):
    """What one has lent is a debt to each: else two of them would go on taking one a second."""
    service = make_server(workers="3", publish_rate="1")
    service.publish({"eventos": [stock_alert(1, "agotado")] * 500})

    def are_refused() -> bool:
        for _ in range(20):
            if service.request("POST", "/api/notificaciones/eventos", stock_alert(1, "agotado"))[0] != 429:
                return False
            time.sleep(0.2)
        return True

    eventually(are_refused)


def test_sockets_beyond_the_limit_are_refused_whichever_worker_is_asked(make_server):
    service = make_server(workers="3", max_connections="2")
    path = "/socket.io/?EIO=4&transport=websocket"

    def is_refused() -> bool:
        with WsClient(service.port, path) as client:
            return client.status == 503

    with contextlib.ExitStack() as opened_:
        for _ in range(2):
            client = opened_.enter_context(WsClient(service.port, path))
            client.receive()
            client.send(f"40{json.dumps({'token': service.token})}")
            assert str(client.receive()).startswith("40{")
        eventually(lambda: all(is_refused() for _ in range(9)))
    eventually(lambda: not any(is_refused() for _ in range(9)))


def test_streams_beyond_the_limit_are_refused_whichever_worker_is_asked(make_server):
    """Each worker lets in as many as one alone would, until it is told of the others'; that is within a second."""
    service = make_server(workers="3", max_connections="3")
    with contextlib.ExitStack() as opened_:
        for number in WORKERS:
            opened_.enter_context(stream_at(service, number, "manager"))

        def are_refused() -> bool:
            for _ in range(9):
                with SseClient(service, "manager") as stream:
                    if next(frame.event for frame in stream.frames() if frame.event) != "ocupado":
                        return False
            return True

        eventually(are_refused)
        opened_.pop_all().close()
    eventually(lambda: state(service)["total_conexiones"] == 0)
    for number in WORKERS:
        with stream_at(service, number, "manager"):
            pass


def figures(service: LiveServer) -> dict[str, float]:
    lines = service.request("GET", "/metrics", token=None)[2].splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_process_metrics_are_those_of_all_processes_and_their_time_never_becomes_less(service):
    """They are read from outside too, before and after."""
    before, files = service.cpu_seconds(), service.open_files()
    found = figures(service)
    assert before <= found["process_cpu_seconds_total"] <= service.cpu_seconds()
    assert found["process_open_fds"] > files  # and the database's
    soft, _ = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    assert found["process_max_fds"] == 4 * soft
    assert 0 < found["process_resident_memory_bytes"] <= 1024 * service.memory_kb()
    assert found["process_start_time_seconds"] <= time.time()
    with contextlib.ExitStack() as opened_:
        for number in WORKERS:
            opened_.enter_context(stream_at(service, number, "manager"))
        # What was open for a moment at the first look, a request's file, may be closed by now.
        eventually(lambda: figures(service)["process_open_fds"] >= found["process_open_fds"] + 3)
    time_ = "process_cpu_seconds_total"

    def has_successor(number: int, before: int) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):  # it was its, at any point of the answer
            after = figures(service)
            assert after.get(time_, found[time_]) >= found[time_]
            found.update(after)
        return worker(service, number) != before

    for number in WORKERS:
        before = worker(service, number)
        os.kill(before, signal.SIGKILL)
        eventually(lambda number=number, before=before: has_successor(number, before))


def test_metrics_are_the_whole_services_and_count_each_thing_once_also_after_a_worker_was_killed(service):
    for number in range(1, 31):
        service.new_order(number)
    with contextlib.ExitStack() as opened_:
        for number in WORKERS:
            opened_.enter_context(stream_at(service, number, "manager"))
        names = [
            'pos_notif_events_total{type="nuevo_pedido"}', 'pos_notif_connections{role="manager",transport="sse"}',
            "pos_notif_open_connections",
        ]  # fmt: skip

        def told() -> list[float | None]:
            found = figures(service)
            return [found.get(name) for name in names]

        # Once those are let go that were opened on the way to the three, and who is asked answers within its second.
        eventually(lambda: told() == [30, 3, 3])
        found = figures(service)
        answers = 'pos_notif_http_answers_total{class="2xx"}'
        assert found[answers] >= 30
        before = worker(service, 2)
        os.kill(before, signal.SIGKILL)
        eventually(lambda: worker(service, 2) != before)
        for _ in WORKERS * 3:
            after = figures(service)
            assert after['pos_notif_events_total{type="nuevo_pedido"}'] == 30
            assert after[answers] >= found[answers]
            found = after


def test_downloads_of_all_workers_are_told_by_each(service):
    service.publish(stock_alert(1, "agotado"))
    names = [f"00000000-0000-4000-8000-{number:012}" for number in range(6)]
    for name in names:
        assert service.request("GET", f"/api/notificaciones/eventos.csv?descarga={name}")[0] == 200

    def told() -> list[str]:
        downloads = service.request("GET", "/api/notificaciones/descargas")[2]["descargas"]
        return sorted(each["descarga"] for each in downloads)

    # Whoever is asked leaves out what a worker has that does not answer within its second.
    eventually(lambda: all(told() == names for _ in range(6)))


# Long-polling sockets


def test_a_long_polling_socket_lives_in_one_worker_and_is_served_by_each(service):
    with PollingClient(service.port) as client:
        client.open()
        assert client.post(f"40{json.dumps({'token': service.token})}").body == "ok"
        assert client.get().body.startswith("40{")
        answers = 'pos_notif_http_answers_total{class="2xx"}'
        # One is counted by its own worker a moment after it was answered. Those for the opening are three.
        questions = itertools.count()
        eventually(lambda: figures(service)[answers] == 3 + next(questions))
        for number in range(12):
            waiting = client.begin()  # most often at another worker than the session's, and so is what it waits for
            assert client.post(f'42{number}["nada",{{}}]').body == "ok"
            assert f"43{number}[" in client.answer(waiting).body
        # Each once, though most have gone through two workers; and the questions for that.
        eventually(lambda: figures(service)[answers] == 3 + 24 + next(questions))


def test_a_long_polling_socket_goes_on_as_a_websocket_at_each_worker(service):
    for _ in range(6):
        with PollingClient(service.port) as client:
            client.open()
            path = f"/socket.io/?EIO=4&transport=websocket&sid={client.sid}"
            with WsClient(service.port, path) as websocket:
                websocket.send("2probe")
                assert websocket.receive() == "3probe"
                websocket.send("5")
                websocket.send(f"40{json.dumps({'token': service.token})}")
                assert str(websocket.receive()).startswith("40{")


def test_the_socket_of_a_worker_that_was_killed_is_unknown_and_its_client_begins_anew(service):
    with PollingClient(service.port) as client:
        client.open()
        victim = worker(service, int(client.sid.split(".")[0]))
        waiting = client.begin()
        os.kill(victim, signal.SIGKILL)
        with contextlib.suppress(ConnectionError, http.client.HTTPException):  # it waited there itself
            assert client.answer(waiting).status in (400, 503)
        eventually(lambda: worker(service, int(client.sid.split(".")[0])) != victim)
        assert client.get().status == 400
        client.sid = ""
        client.open()
