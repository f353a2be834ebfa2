"""The two clocks, and what is compared with them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_notif import NotificadorPedidos
from pos_notif.clock import Clocks
from pos_notif.database.stored_times import StoredTimes
from pos_notif.log.clock_check import ClockCheck
from pos_notif.log.tables.figures import ids_at
from tests.support.in_process import HeldClock
from tests.support.pos import HOUR, MINUTE, change_line, running_pos

DAY = 24 * HOUR
JUMPS = pytest.mark.parametrize("jump", [34 * HOUR, -34 * HOUR], ids=["on", "back"])


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def clocks(clock: HeldClock) -> Clocks:
    return Clocks(clock, clock.ticks)


def test_the_steady_clock_goes_on_however_the_wall_clock_is_set(clock, clocks):
    began = clock.ms
    for ahead in (0, 3 * DAY, -10 * DAY, 0):
        clock.set_ahead(ahead)
        clock.advance(60)
        now = clocks.now()
        assert now.ms == clocks.wall() == clock.ms + ahead * 1000
        assert now.set_by == ahead * 1000
        assert now.steady == clocks.steady() == clock.ms
        assert clocks.told(clocks.steady()) == clocks.wall()
    assert clocks.steady() - began == 4 * 60_000


def test_a_process_that_is_held_up_between_its_two_readings_does_not_take_that_for_a_setting(clock):
    """The threads of a busy machine wait between any two lines."""
    held_up: list[float] = []

    def wall() -> int:
        found = clock()
        clock.advance(held_up.pop() if held_up else 0)
        return found

    clocks = Clocks(wall, clock.ticks)
    held_up += [2.0, 3.0]
    assert clocks.now().set_by == 0
    assert clocks.now().ms == clock.ms


def test_the_machines_clocks_agree():
    clocks = Clocks()
    assert clocks.set_by() == 0
    assert abs(clocks.wall() - clocks.steady()) < 60_000


def test_a_stored_time_goes_by_the_clock_that_wrote_it(clock, clocks):
    times = StoredTimes(clocks, 10)
    before = clock()
    assert (times.differ, times.steady(10, before - 5)) == (False, before - 5)
    clock.set_ahead(DAY)
    times.note(11, clocks.set_by())
    assert times.differ
    assert times.steady(10, before - 5) == before - 5
    assert times.steady(11, clock()) == clocks.steady()
    clock.set_ahead(-DAY)
    assert times.steady(12, clock()) == clocks.steady()  # another process's, that nobody has noted yet
    times.heard(20)
    clock.set_ahead(0)
    times.note(21, clocks.set_by())
    for row, ahead in ((9, 0), (11, DAY), (12, -DAY), (20, -DAY), (21, 0)):
        assert times.steady(row, before + ahead * 1000) == before, row
    assert times.earliest(clocks.steady()) == clock.ms - DAY * 1000
    assert times.latest(clocks.steady()) == clock.ms + DAY * 1000


def test_a_row_that_was_not_stored_after_all_is_noted_again(clock, clocks):
    times = StoredTimes(clocks, 10)
    times.note(11, 5_000_000)
    times.note(11, 0)
    assert times.steady(11, 7) == 7
    times.note(12, 5_000_000)
    times.note(13, 9_000_000)
    times.note(12, 9_000_000)
    assert (times.steady(11, 7), times.steady(12, 9_000_007)) == (7, 7)


def test_a_clock_that_is_set_for_ever_takes_no_more_memory(clock, clocks):
    times = StoredTimes(clocks, 0)
    for row in range(1, 5_000):
        times.note(row, row * 1_000)
    assert len(times._steps) <= 1_000
    assert times.steady(4_999, 4_999_000) == 0


def test_what_is_noted_by_several_threads_at_once_is_all_there(clocks):
    times = StoredTimes(clocks, 0)
    started = threading.Barrier(4)

    def note(first: int) -> None:
        started.wait()
        for row in range(first, 800, 4):
            times.note(row, row * 1_000)

    threads = [threading.Thread(target=note, args=(first,)) for first in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    firsts = [first for first, _ in times._steps]
    assert firsts == sorted(set(firsts))


def test_ages_are_counted_to_the_earlier_of_clock_and_log(clock, clocks):
    newest = clock() - 5 * 60_000
    check = ClockCheck(clocks, newest)
    clock.advance(DAY)
    assert check.cut_time() == newest + DAY * 1000
    clock.set_ahead(3 * 365 * DAY)
    assert check.cut_time() == newest + DAY * 1000
    clock.set_ahead(-DAY)
    assert check.cut_time() == clock()


def test_an_empty_log_is_pruned_by_the_clock_of_the_start(clock, clocks):
    check = ClockCheck(clocks, None)
    check.look(0)
    assert check.jumped_days() == 0
    clock.advance(500 * DAY)
    assert check.cut_time() == clock()
    clock.set_ahead(1000 * DAY)
    assert check.cut_time() == clock.ms
    check.look(3)
    assert check.jumped_days() == 1000


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_a_days_events_are_found_also_where_times_go_back(stored: list[int], since: int, until: int, pruned: int):
    """`stored` are the times of the events 1, 2, …"""
    connection = sqlite3.connect(":memory:")
    connection.executescript("CREATE TABLE log (oldest, head_id); CREATE TABLE events (id INTEGER PRIMARY KEY, ms)")
    oldest = min(pruned, len(stored)) + 1
    connection.execute("INSERT INTO log VALUES (?, ?)", (oldest, len(stored)))
    connection.executemany("INSERT INTO events VALUES (?, ?)", list(enumerate(stored, 1)))
    wanted = [row for row, ms in enumerate(stored, 1) if since <= ms < until and row >= oldest]
    first, last = ids_at(connection, since, until)
    connection.close()
    if wanted:
        assert (first, last) == (wanted[0], wanted[-1])
    else:
        assert oldest <= first <= len(stored) + 1
        assert last == first - 1


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


# In the service


async def test_a_day_whose_clock_was_set_back_has_all_its_figures(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1)
        pos.clock.set_ahead(3 * DAY)
        await pos.new_order(2)
        pos.clock.set_ahead(0)
        await pos.new_order(3)
        assert (await pos.get("/api/cifras"))["pedidos"] == 2
        pos.clock.advance(DAY)
        await pos.new_order(4)
        for day, orders in (("2026-11-24", 2), ("2026-11-25", 1), ("2026-11-27", 1), ("2026-11-26", 0)):
            assert (await pos.get(f"/api/cifras?dia={day}"))["pedidos"] == orders


@JUMPS
async def test_open_orders_are_counted_and_looked_up_as_the_views_hold_them(tmp_path, jump):
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1)
        pos.clock.set_ahead(jump)
        await pos.new_order(2)
        assert await pos.view("todos") == {1, 2}
        assert (await pos.get("/api/cifras"))["abiertos"]["en_mesa"] == 2
        pos.clock.set_ahead(0)
        pos.clock.advance(23 * HOUR)
        await pos.new_order(3)
        assert await pos.view("cocina") == {1, 2, 3}
        pos.clock.advance(2 * HOUR)
        assert await pos.view("cocina") == await pos.view("todos") == {3}
        assert (await pos.get("/api/cifras"))["abiertos"]["en_mesa"] == 1
        assert "pos_notif_unacknowledged_orders 1.0" in (await pos.request("GET", "/metrics")).text


@JUMPS
async def test_what_is_appended_goes_to_the_rooms_that_still_hold_its_order(tmp_path, jump):
    """A ready order is on the kitchen's board for half an hour, and hears of what happens to it."""
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1)
        await pos.set_state(1, "listo")
        pos.clock.set_ahead(jump)
        pos.clock.advance(10 * MINUTE)
        assert "cocina" in (await change_line(pos, 1, "notas_modificadas", notas_nueva="sin sal"))["salas"]
        pos.clock.advance(25 * MINUTE)
        assert "cocina" not in (await change_line(pos, 1, "notas_modificadas", notas_nueva="con sal"))["salas"]


@JUMPS
async def test_a_ready_order_is_recalled_for_as_long_as_ever(tmp_path, jump):
    async with running_pos(tmp_path / "log.db") as pos:

        async def act(order_id: int, action: str) -> int:
            body = {"accion": action, "operacion_id": f"{order_id}-{action}-{pos.clock.ms}"}
            return (await pos.request("POST", f"/api/pedidos/{order_id}/acciones", body)).status

        for order_id in (1, 2, 3):
            await pos.new_order(order_id)
            assert await act(order_id, "listo") == 200
        pos.clock.set_ahead(jump)
        pos.clock.advance(20)
        assert await act(1, "deshacer") == 200
        pos.clock.advance(10 * MINUTE)
        assert await act(2, "deshacer") == 409
        assert await act(2, "recuperar") == 200
        pos.clock.advance(25 * MINUTE)
        assert await act(3, "recuperar") == 409


@JUMPS
async def test_who_is_connected_is_told_by_the_clock_as_it_stands(tmp_path, jump):
    async with running_pos(tmp_path / "log.db") as pos:
        notifier = pos.service.app.notifier
        await notifier.registrar_conexion("s1", 1, "cocinero", "Marta")
        await pos.request("GET", "/api/notificaciones/polling/mesero")
        pos.clock.advance(5)
        pos.clock.set_ahead(jump)
        now = (await pos.get("/api/pedidos"))["hora_servidor"]
        rows = (await pos.get("/api/notificaciones/estado"))["conexiones"]
        assert [row["conectado"] for row in rows] == [True, True]
        for row in rows:
            assert seconds(now) - seconds(row["conectado_desde"]) == 5
            assert seconds(now) - seconds(row["ultima_senal"]) == 5


@JUMPS
async def test_a_session_of_a_wrong_clock_lives_over_a_restart_by_the_clock_of_its_beginning(tmp_path, jump):
    """Stored is the wall clock's time: it says the same to the next process."""
    async with running_pos(tmp_path / "log.db") as pos:
        before = await pos.service.sign_in("Ana", "mesero")
        pos.clock.set_ahead(jump)
        after = (await pos.service.login("Ana")).cookie
        for cookie in (before, after):
            assert (await pos.request("GET", "/api/auth/sesion", cookie=cookie)).status == 200
        ms = pos.clock()
    async with running_pos(tmp_path / "log.db", start_ms=ms) as again:
        statuses = [(await again.request("GET", "/api/auth/sesion", cookie=each)).status for each in (before, after)]
        assert statuses == [401 if jump > 0 else 200, 200]


@JUMPS
async def test_signing_in_deletes_only_what_has_ended(tmp_path, jump):
    async with running_pos(tmp_path / "log.db") as pos:
        first = await pos.service.sign_in("Ana", "mesero")
        pos.clock.set_ahead(jump)
        second = (await pos.service.login("Ana")).cookie
        pos.clock.set_ahead(0)
        third = (await pos.service.login("Ana")).cookie
        pos.service.accounts.forget_known()
        for cookie in (first, second, third):
            assert (await pos.request("GET", "/api/auth/sesion", cookie=cookie)).status == 200
        assert len(await pos.service.accounts.living()) == 3 + 1  # and the token
        pos.clock.advance(13 * HOUR)
        await pos.service.login("Ana")
        assert len(await pos.service.accounts.living()) == 1 + 1


@JUMPS
async def test_what_a_poll_without_a_cursor_calls_recent_is_of_the_last_five_minutes(tmp_path, jump):
    async with running_pos(tmp_path / "log.db") as pos:

        async def recent() -> list[int]:
            return [event["pedido_id"] for event in (await pos.get("/api/notificaciones/polling/manager"))["eventos"]]

        await pos.new_order(1)
        pos.clock.set_ahead(jump)
        await pos.new_order(2)
        pos.clock.set_ahead(0)
        assert await recent() == [1, 2]
        pos.clock.advance(6 * MINUTE)
        await pos.new_order(3)
        assert await recent() == [3]


async def test_events_of_another_process_are_of_the_clock_of_now(tmp_path):
    """A script that publishes beside the service, on one machine with one clock."""
    async with running_pos(tmp_path / "log.db") as pos:
        pos.clock.set_ahead(34 * HOUR)
        clock = HeldClock(pos.clock())
        async with NotificadorPedidos(database=str(tmp_path / "log.db"), clock=clock, ticks=clock.ticks) as script:
            await script.notificar_nuevo_pedido({"id": 9, "items": []})
        assert await pos.view("cocina") == {9}
        pos.clock.set_ahead(0)
        await pos.service.app.notifier.log.store.refresh()
        await asyncio.sleep(0)
        assert await pos.view("cocina") == {9}
