"""Alarms: orders that no kitchen screen has acknowledged, rooms without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pos_notif.alarm_hours import WHOLE_DAY, Shift, parse_shift
from pos_notif.alarms.rules import STALE_MS, Due, RoomScreens, Unseen
from pos_notif.clock import parse_iso
from pos_notif.config import Config
from pos_notif.errors import ConfigurationError
from pos_notif.publishing.system_events import append_system
from tests.support.in_process import in_process
from tests.support.live_server import LiveServer
from tests.support.logs import opened
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

ZONE = ZoneInfo("America/El_Salvador")
NOON = parse_iso("2026-11-24T12:00:00-06:00")
ACKNOWLEDGE = "/api/notificaciones/acuses"


# What is due, without a service


def test_an_order_is_due_when_its_time_is_over_and_not_before():
    unseen = Unseen(10, covered=4)
    assert unseen.next_due() is None
    assert unseen.arrived(5, now=100.0, at=NOON)
    assert unseen.next_due() == 110.0
    assert unseen.due(109.9) is None
    due = unseen.due(110.0)
    assert due == Due(4, 5, NOON - 10_000 - STALE_MS)
    unseen.done(due)
    assert unseen.next_due() is None


def test_what_comes_close_together_is_one_and_none_of_it_is_early():
    unseen = Unseen(10, covered=0)
    assert unseen.arrived(1, 100.0, NOON)
    assert not unseen.arrived(2, 100.9, NOON)
    assert not unseen.arrived(3, 101.0, NOON)
    assert unseen.next_due() == 110.9
    assert unseen.due(110.95) == Due(0, 2, NOON - 10_000 - STALE_MS)
    assert unseen.due(111.0) == Due(0, 3, NOON - 10_000 - STALE_MS)


def test_a_flood_is_remembered_in_little():
    unseen = Unseen(10, covered=0)
    for number in range(1, 100_001):
        unseen.arrived(number, number / 10_000, NOON)
    assert len(unseen._arrivals) <= 10
    due = unseen.due(20.0)
    assert due is not None
    assert (due.after, due.up_to) == (0, 100_000)


def test_two_alarms_are_ten_seconds_apart():
    unseen = Unseen(10, covered=0)
    unseen.arrived(1, 100.0, NOON)
    unseen.arrived(2, 105.0, NOON)
    due = unseen.due(110.0)
    assert due is not None
    assert due.up_to == 1
    unseen.done(due)
    unseen.raised(110.0)
    assert unseen.next_due() == 120.0
    assert unseen.due(119.0) is None
    assert unseen.due(120.0) == Due(1, 2, NOON - 10_000 - STALE_MS)


def test_a_room_without_a_screen_is_due_after_its_seconds():
    screens = RoomScreens(0.0, NOON)
    screens.found(True, 5.0, NOON)
    assert screens.due_in(5.0, NOON, 30, WHOLE_DAY, ZONE) is None
    screens.found(False, 50.0, NOON + 45_000)
    screens.found(False, 60.0, NOON + 55_000)
    assert (screens.gone_at, screens.gone) == (50.0, NOON + 45_000)
    assert screens.due_in(60.0, NOON, 30, WHOLE_DAY, ZONE) == 20.0
    assert screens.due_in(80.0, NOON, 30, WHOLE_DAY, ZONE) == 0
    screens.lost = screens.gone
    assert screens.due_in(90.0, NOON, 30, WHOLE_DAY, ZONE) is None
    assert not screens.recovered
    screens.found(True, 95.0, NOON)
    assert screens.recovered


def test_out_of_the_shift_it_waits_for_the_next_one():
    screens = RoomScreens(0.0, NOON)
    assert screens.due_in(40.0, NOON, 30, Shift(13 * 60, 23 * 60), ZONE) == 3600
    assert screens.due_in(40.0, NOON, 30, Shift(12 * 60, 13 * 60), ZONE) == 0


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("always", ["00:00", "12:00", "23:59"], []),
        ("11:00-23:00", ["11:00", "22:59"], ["10:59", "23:00", "03:00"]),
        ("18:00-02:00", ["18:00", "23:59", "00:00", "01:59"], ["02:00", "17:59"]),
        ("9:30-24:00", ["09:30", "23:59"], ["09:29", "00:00"]),
    ],
)
def test_hours_of_a_shift(text, inside, outside):
    hours = parse_shift(text)
    assert hours is not None
    for times, expected in ((inside, True), (outside, False)):
        for time_of_day in times:
            assert hours.holds(parse_iso(f"2026-11-24T{time_of_day}:00-06:00"), ZONE) is expected, time_of_day


@pytest.mark.parametrize(
    "text", ["11-23", "11:00", "25:00-26:00", "11:00-11:00", "11:60-12:00", "siempre", "11:00–23:00"]
)
def test_a_shift_that_is_none_is_one_line_at_the_start(text):
    with pytest.raises(ConfigurationError, match=r"^POS_NOTIF_SHIFT: .* is neither always nor hours like 11:00-23:00$"):
        Config(shift=text)


# In the service


def alarms(server: LiveServer, *kinds: str) -> list[dict]:
    """Those in the log, of these kinds."""
    kinds = kinds or ("sin_acuse", "sin_pantalla", "pantalla_recuperada")
    with opened(server.database) as connection:
        found = [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]
    return [event for event in found if event["tipo"] in kinds]


def shown(server: LiveServer, cookie: str | None = None) -> list[dict]:
    """Those in a snapshot: the manager's, or that of a session."""
    return server.request("GET", "/api/pedidos", cookie=cookie)[2]["alarmas"]


def next_alarm(stream: SseClient) -> dict:
    while (event := stream.next_event("evento_sistema").data)["tipo"] == "acuse_recibo":
        pass
    return event


@pytest.fixture
def cook(make_server):
    """A service that asks for receipts within 0.4 s, to which who polls is there for three minutes, and a cook's
    session."""
    # Where it is noon now, so that no business day ends meanwhile.
    zone = f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"
    server = make_server(ack_seconds="0.4", screen_seconds="0.5", poll_seconds="60", timezone=zone)
    server.create_user("Ana", "cocinero")
    server.create_user("Luis", "mesero")
    return server, server.login("Ana")


def test_nothing_is_said_while_no_kitchen_screen_has_been_there(cook):
    server, session = cook
    server.new_order(1)
    time.sleep(0.6)
    with SseClient(server, "cocinero", cookie=session) as kitchen:
        kitchen.next_event("hola")
        assert alarms(server) == []


@contextlib.contextmanager
def a_kitchen_until_the_service_is_killed(server: LiveServer, session: str) -> Iterator[None]:
    """Within it the service asks for receipts within an hour: however long what is done takes, nothing is due before
    the next start."""
    asks_within = server.settings["POS_NOTIF_ACK_SECONDS"]
    server.stop()
    server.settings["POS_NOTIF_ACK_SECONDS"] = "3600"
    server.start()
    with SseClient(server, "cocinero", cookie=session) as kitchen:
        kitchen.next_event("hola")
        yield
        eventually(lambda: has_noted_a_screen(server))
        server.kill()
    server.settings["POS_NOTIF_ACK_SECONDS"] = asks_within


def has_noted_a_screen(server: LiveServer) -> bool:
    """The service notes it beside its answer."""
    with opened(server.database) as connection:
        return connection.execute("SELECT 1 FROM screens WHERE room = 'cocina'").fetchone() is not None


def test_an_order_that_no_screen_acknowledges_raises_one_alarm_for_all(make_server):
    server = make_server(ack_seconds="0.4", screen_seconds="0")
    server.create_user("Ana", "cocinero")
    server.create_user("Luis", "mesero")
    session = server.login("Ana")
    with a_kitchen_until_the_service_is_killed(server, session):
        first = server.publish({"eventos": [
            {"tipo": "nuevo_pedido", "pedido": {"id": number, "items": []}} for number in (2, 3, 4)
        ]})["ids"]  # fmt: skip
        cancelled = server.publish({"tipo": "pedido_cancelado", "pedido_id": 3})["id"]
        server.publish({"tipo": "cambio_estado", "pedido_id": 4, "estado": "en_cocina"})
        unpaid = {"id": 5, "tipo": "llevar", "items": []}
        server.publish({"tipo": "nuevo_pedido", "pedido": unpaid})  # the kitchen does not have it
        server.request("POST", ACKNOWLEDGE, {"evento_ids": [first[0]]}, cookie=session)
        assert alarms(server) == []
    server.start()
    with (
        SseClient(server, "mesero", cookie=server.login("Luis"), query="?cursor=inicio") as waiter,
        SseClient(server, "manager", query="?cursor=inicio") as manager,
    ):
        told, same = (next_alarm(client) for client in (waiter, manager))
    assert told == same
    assert told["tipo"] == "sin_acuse"
    assert told["evento_ids"] == [*first[1:], cancelled]
    assert (told["pedido_ids"], told["total"]) == ([3, 4], 3)
    with opened(server.database) as connection:
        (waited_since,) = connection.execute("SELECT ms FROM events WHERE id = ?", (first[1],)).fetchone()
    assert told["segundos"] == (parse_iso(told["timestamp"]) - waited_since) // 1000
    assert shown(server) == [told | {"sin_ver": [3]}]  # 4 is being cooked
    assert shown(server, session) == []  # the kitchen is told of none
    # At most one in 10 s, over a restart too, which repeats nothing.
    server.new_order(6)
    time.sleep(0.6)
    server.restart()
    time.sleep(0.6)
    found = alarms(server, "sin_acuse")
    assert found[0]["total"] == 3
    times = [parse_iso(alarm["timestamp"]) for alarm in found]
    assert all(later - earlier >= 10_000 for earlier, later in pairwise(times))


def test_what_falls_due_while_the_service_is_down_is_told_after_the_start(cook):
    server, session = cook
    with a_kitchen_until_the_service_is_killed(server, session):
        event = server.new_order(1)["id"]
    time.sleep(0.5)
    server.start()
    eventually(lambda: alarms(server, "sin_acuse"))
    assert alarms(server, "sin_acuse")[0]["evento_ids"] == [event]
    server.restart()
    eventually(lambda: alarms(server, "sin_pantalla"))  # its time, which begins anew, is the longer one
    assert len(alarms(server, "sin_acuse")) == 1


def test_what_was_due_long_ago_is_dropped_at_a_start(cook):
    server, session = cook
    with a_kitchen_until_the_service_is_killed(server, session):
        server.new_order(1)
    with opened(server.database) as connection:
        connection.execute("UPDATE events SET ms = ms - ?", (STALE_MS + 1000,))
    server.start()
    eventually(lambda: alarms(server, "sin_pantalla"))
    assert alarms(server, "sin_acuse") == []


def test_a_room_that_loses_its_screens_and_gets_one_back(cook):
    server, session = cook
    with SseClient(server, "cocinero", cookie=session) as kitchen, SseClient(server, "cocinero") as token:
        kitchen.next_event("hola")
        token.next_event("hola")
        waiter = SseClient(server, "mesero", cookie=server.login("Luis"))
        waiter.next_event("hola")
        kitchen.close()  # the token's stream is nobody's screen
        lost = waiter.next_event("evento_sistema").data
        assert (lost["tipo"], lost["rol"], lost["sala"]) == ("sin_pantalla", "cocinero", "cocina")
        assert parse_iso(lost["timestamp"]) - parse_iso(lost["desde"]) >= 500
        waiter.close()
    # A restart does not repeat it, but notices of the waiters, who had one before it, that none has come back.
    server.restart()
    eventually(lambda: len(alarms(server)) == 2)
    assert [alarm["rol"] for alarm in alarms(server)] == ["cocinero", "mesero"]
    assert shown(server) == shown(server, server.login("Luis"))
    assert [alarm["id"] for alarm in shown(server)] == [alarm["id"] for alarm in alarms(server)]
    # A poll is a screen too, for three of its intervals.
    assert server.request("GET", "/api/notificaciones/polling/cocinero", cookie=session)[0] == 200
    back = eventually(lambda: alarms(server, "pantalla_recuperada"))[0]
    assert (back["rol"], back["sala"], back["segundos"] >= 0) == ("cocinero", "cocina", True)
    assert [alarm["sala"] for alarm in shown(server)] == ["meseros"]
    with opened(server.database) as connection:
        connection.execute("UPDATE events SET ms = ms - 24 * 3600000")
    assert shown(server) == []  # those of yesterday are nobody's any more


def test_a_screen_that_is_gone_before_the_log_could_note_it_is_missed_all_the_same(cook):
    server, session = cook
    with opened(server.database) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        SseClient(server, "cocinero", cookie=session).close()
        eventually(lambda: any("cannot be noted" in line for line in server.stderr_lines))
        connection.execute("ROLLBACK")
    [lost] = eventually(lambda: alarms(server))
    assert (lost["tipo"], lost["sala"]) == ("sin_pantalla", "cocina")


def test_out_of_the_shift_there_is_no_alarm(make_server):
    begin = (time.gmtime().tm_hour + 6) % 24
    server = make_server(
        ack_seconds="0.2", screen_seconds="0.2", shift=f"{begin}:00-{(begin + 2) % 24}:00", timezone="UTC"
    )
    server.create_user("Ana", "cocinero")
    with SseClient(server, "cocinero", cookie=server.login("Ana")) as kitchen:
        kitchen.next_event("hola")
        server.new_order(1)
    time.sleep(0.8)
    assert alarms(server) == []


async def test_of_two_applications_on_one_log_one_raises_alarms(cook, caplog):
    """Any ASGI server may run a second one."""
    server, session = cook
    async with in_process(server.database, ack_seconds=0.4, screen_seconds=0.5) as other:
        with SseClient(server, "cocinero", cookie=session) as kitchen:
            kitchen.next_event("hola")
            await other.app.notifier.notificar_nuevo_pedido({"id": 1, "items": []})
            await asyncio.to_thread(eventually, lambda: alarms(server, "sin_acuse"))
            await asyncio.sleep(0.8)
            assert [alarm["tipo"] for alarm in alarms(server)] == ["sin_acuse"]
        assert "another process raises" in caplog.text


def test_another_round_and_a_line_of_an_unknown_order_raise_alarms(cook):
    server, session = cook
    line = {"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_agregado"}, "item": {"producto_nombre": "Flan"}}
    with SseClient(server, "cocinero", cookie=session) as kitchen, SseClient(server, "manager") as manager:
        kitchen.next_event("hola")
        *_, added, alone = server.publish({"eventos": [
            {"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": []}},
            {"tipo": "cambio_estado", "pedido_id": 1, "estado": "servido"},
            {**line, "pedido_id": 1, "item_id": 1}, {**line, "pedido_id": 2, "item_id": 1},
        ]})["ids"]  # fmt: skip
        told = next_alarm(manager)
        # What brought the order back; its line is a change like any other.
        assert (told["evento_ids"], told["pedido_ids"]) == ([added - 1, alone], [1, 2])
        (alarm,) = shown(server)
        assert sorted(alarm["sin_ver"]) == [1, 2]


async def raise_alarm(pos, kind: str, fields: dict) -> None:
    log = pos.service.app.notifier.log
    await log.transact(
        lambda transaction: append_system(
            transaction, kind, fields, at=log.clocks.now(), zone=log.zone, rooms=["meseros"]
        )
    )


async def raise_unseen(pos, number: int) -> None:
    fields = {"evento_ids": [number], "pedido_ids": [number], "total": 1, "segundos": 20, "hasta_id": number}
    await raise_alarm(pos, "sin_acuse", fields)


async def test_a_page_that_is_loaded_is_told_what_is_unseen_of_the_earlier_alarms_too(pos):
    """An order of the POS's stands on nobody's phone: only the alarms name it."""
    for number in (1, 2, 3):
        await pos.new_order(number)
    for number in (1, 2, 3):
        await raise_unseen(pos, number)
    await pos.set_state(2, "servido")
    (alarm,) = (await pos.get("/api/pedidos?vista=meseros"))["alarmas"]
    assert (alarm["pedido_ids"], alarm["sin_ver"]) == ([3], [1, 3])


async def test_an_alarm_of_every_room_hides_no_order_of_an_earlier_one(pos):
    for number in (1, 2):
        await pos.new_order(number)
    await raise_unseen(pos, 1)
    for role, room in (("cocinero", "cocina"), ("mesero", "meseros"), ("cajero", "cajeros")):
        await raise_alarm(pos, "sin_pantalla", {"rol": role, "sala": room, "desde": "2026-11-24T12:00:00.000-06:00"})
    await raise_unseen(pos, 2)
    *screens, alarm = (await pos.get("/api/pedidos?vista=meseros"))["alarmas"]
    assert [screen["sala"] for screen in screens] == ["cocina", "meseros", "cajeros"]
    assert (alarm["pedido_ids"], alarm["sin_ver"]) == ([2], [1, 2])
