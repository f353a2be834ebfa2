"""The machine's clock jumps an hour on and back while the service runs; and its event loop is held up."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.soak.check import read_log
from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import SioClient

pytestmark = pytest.mark.faults

ZONE = ZoneInfo("America/El_Salvador")
HOUR = 3600.0


class Held:
    """A server of one process, whose clock is `offset` seconds ahead; `passed` seconds more have passed for it."""

    def __init__(self, directory: Path, **more: str) -> None:
        self._control = directory / "control.json"
        self.set(0)
        command = [sys.executable, "-m", "tests.faults.held_app", str(self._control)]
        settings = {"HEARTBEAT_SECONDS": "0.3", "ACK_SECONDS": "2", "SCREEN_SECONDS": "2"}
        settings |= {"POLL_SECONDS": "0.2", "WORKERS": "1", **more}
        variables = {f"POS_NOTIF_{name}": value for name, value in settings.items()}
        self.server = LiveServer(directory / "log.db", variables, command=command)

    def set(self, offset: float, hold: float = 0.0, passed: float = 0.0) -> None:
        whole = self._control.with_suffix(".new")
        whole.write_text(json.dumps({"offset": offset, "hold": hold, "passed": passed}))
        os.replace(whole, self._control)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    made = Held(tmp_path)
    made.server.start()
    yield made
    made.server.close()


def seconds_until(hour: int, minute: int) -> float:
    """Until the restaurant's clock next shows that time."""
    now = datetime.now(UTC).astimezone(ZONE)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return ((then if then > now else then + timedelta(days=1)) - now).total_seconds()


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """The seconds that passed, and those of them that are not the busy machine's."""
    started = time.monotonic()
    with Stopwatch() as watch:
        call()
    return time.monotonic() - started, watch.seconds


def test_an_hour_on_and_back_ends_no_session_no_stream_and_no_wait(held):
    """At half past three at night: an hour later is another business day."""
    server = held.server
    base = seconds_until(3, 30)
    held.set(base)
    server.create_user("Marta", "cocinero")
    server.create_user("Julio", "manager")
    cook, manager = server.login("Marta"), server.login("Julio")
    with contextlib.ExitStack() as open_:
        stream = open_.enter_context(SseClient(server, "cocinero", cookie=cook))
        other = open_.enter_context(SioClient(server.port, headers={"Cookie": manager}))
        other.call("conectar_usuario", {"rol": "manager"})
        cursor = stream.next_event("hola").id
        found, times, number = [], [], 0

        def publish_and_get() -> None:
            nonlocal number
            number += 1
            event_id = server.new_order(number)["id"]
            body = {"evento_ids": [event_id]}  # at once: in two seconds there would be an alarm
            assert server.request("POST", "/api/notificaciones/acuses", body, cookie=cook)[2]["nuevos"] == 1
            [frame] = stream.take(1)
            assert frame.data["id"] == event_id
            assert other.event("evento_pedido")[1]["id"] == event_id
            found.append(event_id)
            times.append(datetime.fromisoformat(frame.data["timestamp"]))

        publish_and_get()
        for jump in (HOUR, 0.0, -HOUR, 0.0):
            waited: list[tuple[float, float]] = []

            def wait_long(seconds: int = 2, waited: list[tuple[float, float]] = waited) -> None:
                path = f"/api/notificaciones/polling/mesero?espera={seconds}&cursor={server_cursor()}"
                waited.append(timed(lambda: server.request("GET", path)))

            def server_cursor() -> str:
                return str(server.request("GET", "/api/pedidos")[2]["cursor"])

            poll = threading.Thread(target=wait_long)
            poll.start()
            held.set(base + jump)
            with Stopwatch() as watch:
                for _ in range(3):
                    stream.next_event("latido")
            assert watch.seconds < 3  # no heartbeat waits for the clock to come back
            poll.join()
            [(passed, own)] = waited
            assert passed > 1.5
            assert own < 8
            publish_and_get()
            state = server.request("GET", "/api/notificaciones/estado", cookie=manager)
            assert state[0] == 200
            assert state[2]["por_rol"]["cocinero"] == 1
            figures = server.request("GET", "/api/cifras", cookie=manager)
            assert figures[0] == 200
            view = server.request("GET", "/api/pedidos", cookie=cook)[2]
            assert [order["id"] for order in view["pedidos"]] == list(range(1, number + 1))
            assert abs(datetime.fromisoformat(view["hora_servidor"]) - times[-1]) < timedelta(seconds=30)
        epoch, head = server_cursor().split("-")
    assert found == sorted(found)
    moved = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert [round(seconds / HOUR) for seconds in moved] == [1, -1, -1, 1]
    # By its cursor, a reader gets the log's order, whatever the clock said.
    with SseClient(server, "manager", last_event_id=cursor) as again:
        events = [frame.data for frame in again.take(int(head))]
    assert [event["id"] for event in events] == list(range(1, int(head) + 1))
    # Neither was an alarm raised by a jump, nor is one held up by it: one is due now. On a busy machine a receipt may
    # have come after its alarm.
    assert {event["tipo"] for event in events} <= {"nuevo_pedido", "acuse_recibo", "sin_acuse"}
    took = {event["evento_id"]: event["segundos"] for event in events if event["tipo"] == "acuse_recibo"}
    assert sorted(took) == found
    raised = [event_id for event in events if event["tipo"] == "sin_acuse" for event_id in event["evento_ids"]]
    assert all(took[event_id] >= 2 for event_id in raised)
    server.new_order(99)
    held.set(base - HOUR)
    due = {"sin_acuse", "sin_pantalla"}
    eventually(lambda: due <= {event["tipo"] for event in read_log(server.database)})
    with SseClient(server, "manager", last_event_id=f"{epoch}-{head}") as again:
        alarms = [again.next_event("evento_sistema").data["tipo"] for _ in range(2)]
    assert set(alarms) == due
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_a_room_that_is_just_being_noted_is_not_read_back_by_a_clock_that_was_never_set(held):
    """Its screen is known here, from when on: what another process notes of it meanwhile says nothing of this clock."""
    server = held.server
    held.set(30 * HOUR)
    server.create_user("Marta", "cocinero")
    cook = server.login("Marta")
    with opened(server.database) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        with SseClient(server, "cocinero", cookie=cook) as kitchen:
            kitchen.next_event("hola")
            eventually(lambda: any("cannot be noted" in line for line in server.stderr_lines))
            noted = (int((time.time() + 30 * HOUR) * 1000),)
            connection.execute("INSERT INTO screens (room, seen_ms) VALUES ('cocina', ?)", noted)
            connection.execute("COMMIT")
    eventually(lambda: "sin_pantalla" in {event["tipo"] for event in read_log(server.database)})


@pytest.mark.parametrize("jump", [34 * HOUR, -34 * HOUR], ids=["on", "back"])
def test_a_clock_that_is_put_right_moves_no_order_out_of_a_view_and_ends_no_session(held, jump):
    """A machine that began on Saturday's time is told on Monday's; or the other way round."""
    server = held.server
    server.create_user("Marta", "cocinero")
    server.create_user("Ana", "mesero")
    cook = server.login("Marta")

    def board() -> set[int]:
        return {order["id"] for order in server.request("GET", "/api/pedidos", cookie=cook)[2]["pedidos"]}

    def act(order_id: int, action: str) -> int:
        body = {"accion": action, "operacion_id": f"{order_id}-{action}"}
        return int(server.request("POST", f"/api/pedidos/{order_id}/acciones", body, cookie=cook)[0])

    def receipts(event_id: int) -> list[int]:
        body = {"evento_ids": [event_id]}
        assert server.request("POST", "/api/notificaciones/acuses", body, cookie=cook)[2]["nuevos"] == 1
        found = server.request("GET", "/api/notificaciones/polling/manager")[2]["eventos"]
        return [event["segundos"] for event in found if event["tipo"] == "acuse_recibo"]

    wrong = {"username": "Ana", "password": "0000"}
    first = server.new_order(1)["id"]
    for order_id in (2, 3):
        server.new_order(order_id)
        assert act(order_id, "listo") == 200
    for _ in range(5):
        assert server.request("POST", "/api/auth/login", wrong, token=None)[0] == 401
    with SseClient(server, "cocinero", cookie=cook) as stream:
        stream.next_event("hola")
        held.set(jump)
        assert board() == {1, 2, 3}
        # What was appended a moment ago is that; so is what was waited for.
        recent = server.request("GET", "/api/notificaciones/polling/cocinero", cookie=cook)[2]["eventos"]
        assert {event["pedido_id"] for event in recent} == {1, 2, 3}
        assert max(receipts(first)) < 600
        assert act(2, "deshacer") == 200
        assert server.request("POST", "/api/auth/login", {**wrong, "password": "1234"}, token=None)[0] == 429
        fourth = server.new_order(4)["id"]
        assert any(frame.data.get("id") == fourth for frame in stream.frames())
        status, headers, session = server.request(
            "POST", "/api/auth/login", {"username": "Marta", "password": "1234"}, token=None
        )
        assert status == 200
        assert 43_000 < int(headers["Set-Cookie"].split("Max-Age=")[1].split(";")[0]) <= 43_200
        told = datetime.fromisoformat(server.request("GET", "/api/pedidos")[2]["hora_servidor"])
        assert abs(datetime.fromisoformat(session["expira"]) - told - timedelta(hours=12)) < timedelta(minutes=10)
        assert board() == {1, 2, 3, 4}
        held.set(0)
        assert board() == {1, 2, 3, 4}
        assert act(4, "listo") == 200
        assert max(receipts(fourth)) < 600
        assert "pos_notif_unacknowledged_orders 2.0" in server.request("GET", "/metrics")[2]
        later = headers["Set-Cookie"].split(";")[0]
        for cookie in (cook, later):
            assert server.request("GET", "/api/auth/sesion", cookie=cookie)[0] == 200
    # Time that has really passed counts, however the clock stands.
    held.set(jump, passed=31 * 60)
    assert board() == {1, 2}
    assert act(3, "deshacer") == 409
    assert server.request("POST", "/api/auth/login", {**wrong, "password": "1234"}, token=None)[0] == 200
    held.set(0, passed=13 * HOUR)
    assert [server.request("GET", "/api/auth/sesion", cookie=cookie)[0] for cookie in (cook, later)] == [401, 401]
    held.set(jump, passed=25 * HOUR)
    assert server.request("GET", "/api/pedidos")[2]["pedidos"] == []
    assert not [line for line in server.stderr_lines if "Traceback" in line]


@pytest.mark.parametrize("jump", [34 * HOUR, -34 * HOUR], ids=["on", "back"])
def test_a_room_that_has_lost_its_screen_is_told_though_the_clock_says_another_day(held, jump):
    server = held.server
    server.create_user("Marta", "cocinero")
    cook = server.login("Marta")
    with SseClient(server, "manager") as told:
        told.next_event("hola")
        with SseClient(server, "cocinero", cookie=cook) as screen:
            screen.next_event("hola")
        held.set(jump)
        lost = told.next_event("evento_sistema").data
        assert (lost["tipo"], lost["rol"]) == ("sin_pantalla", "cocinero")
        since = datetime.fromisoformat(lost["timestamp"]) - datetime.fromisoformat(lost["desde"])
        assert timedelta(seconds=2) <= since < timedelta(minutes=10)
        alarms = server.request("GET", "/api/pedidos")[2]["alarmas"]
        assert [alarm["id"] for alarm in alarms] == [lost["id"]]
        # A page that is loaded later, on another day still, has to show it too.
        held.set(0)
        alarms = server.request("GET", "/api/pedidos")[2]["alarmas"]
        assert [alarm["id"] for alarm in alarms] == [lost["id"]]
        with SseClient(server, "cocinero", cookie=cook):
            back = told.next_event("evento_sistema").data
        assert back["tipo"] == "pantalla_recuperada"
        assert back["segundos"] < 600


def test_a_clock_that_is_years_ahead_at_a_start_prunes_nothing(tmp_path):
    held = Held(tmp_path, KEEP_DAYS="400")
    server = held.server.start()
    try:
        for number in range(1, 71):
            server.publish(stock_alert(number))
        server.stop()
        held.set(1095 * 24 * HOUR)
        server.start()

        def told() -> list[str]:
            return [line for line in server.stderr_lines if "1095 days ahead of" in line]

        eventually(told)
        ready = {"estado": "listo", "detalle": "el reloj salta 1095 días"}
        assert server.request("GET", "/readyz")[::2] == (200, ready)
        assert server.publish(stock_alert(71))["id"] == 71
        eventually(lambda: server.request("GET", "/readyz")[::2] == (200, ready))
        # After a day in which the log has gone on by it, it is believed; but not for what is deleted.
        held.set(1095 * 24 * HOUR, passed=23 * HOUR)
        assert server.request("GET", "/readyz")[2] == ready
        held.set(1095 * 24 * HOUR, passed=25 * HOUR)
        assert server.request("GET", "/readyz")[2] == {"estado": "listo"}
        held.set(0, passed=25 * HOUR)
        assert server.request("GET", "/readyz")[2] == {"estado": "listo"}
        held.set(-30 * 24 * HOUR, passed=25 * HOUR)
        assert server.request("GET", "/readyz")[2] == {"estado": "listo", "detalle": "el reloj salta 30 días atrás"}
        # All of it was told once, and everything is there.
        assert len(told()) == 1
        oldest = server.request("GET", "/api/notificaciones/polling/manager?cursor=" + cursor_before(server, 71))
        assert [event["id"] for event in oldest[2]["eventos"]] == list(range(1, 72))
        assert not [line for line in server.stderr_lines if "pruned" in line and "nothing" not in line]
    finally:
        server.close()


def cursor_before(server: LiveServer, count: int) -> str:
    epoch, newest = server.request("GET", "/api/pedidos")[2]["cursor"].split("-")
    return f"{epoch}-{int(newest) - count}"


def test_a_loop_that_was_blocked_is_told_in_the_log_with_where(held):
    server: LiveServer = held.server
    held.set(0, hold=1.5)
    assert server.publish(stock_alert(1))["id"] == 1

    def told() -> list[str]:
        # What a busy machine holds up may be told as well, and stands elsewhere.
        return [line for line in server.stderr_lines if '"event_loop"' in line and "held_app.py" in line]

    line = json.loads(eventually(told)[0])
    assert line["event_loop"] == "blocked"
    assert line["seconds"] > 1.0
    assert "held_app.py" in line["where"][0]
    assert any("publishing/publish.py" in call for call in line["where"])
    held.set(0, hold=10)
    server.publish(stock_alert(2))
    lines = [json.loads(line) for line in eventually(lambda: told()[2:] and told())]
    assert [line["event_loop"] for line in lines] == ["blocked", "still blocked", "blocked"]
    assert lines[2]["seconds"] > lines[1]["seconds"] > 5
