"""The log's contract, over the SQLite file that keeps it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pos_notif.clock import Instant, WallMs
from pos_notif.database.locks import Turns
from pos_notif.database.threads import Database
from pos_notif.errors import LogRefused, LogUnavailable
from pos_notif.log.event_log import LoggedEvent, Pruned, Transaction
from pos_notif.log.listeners import LogListeners
from pos_notif.log.writer import SqliteLog
from tests.support.logs import fill_log, opened, prune_log, stock_alert


class Publish:
    """A publication of some events, for `transact`."""

    def __init__(self, *notes: str, rooms: set[str] | None = None, ms: int = 0, fail: bool = False) -> None:
        self.notes, self.rooms, self.ms, self.fail = notes, rooms or {"cocina"}, ms, fail

    def __call__(self, transaction: Transaction) -> list[int]:
        ids = []
        for note in self.notes:
            event = {"id": transaction.next_id(), "tipo": "alerta_stock", "nota": note}
            ids.append(transaction.append(event, self.rooms, Instant(WallMs(self.ms)), None))
        if self.fail:
            raise ValueError("refused after it was appended")
        return ids


class Process:
    """A log as one process has it; `seen` is what its readers are told."""

    def __init__(self) -> None:
        self.seen: list[LoggedEvent] = []

    async def open(self, path: Path) -> Process:
        self.database = await Database.open(path)
        try:
            self.log = await SqliteLog.open(self.database, LogListeners(self.seen.extend))
        except LogRefused:
            await self.database.close()
            raise
        return self

    async def close(self) -> None:
        await self.log.close()
        await self.database.close()

    @property
    def seen_ids(self) -> list[int]:
        return [event.id for event in self.seen]


@contextlib.asynccontextmanager
async def process(path: Path) -> AsyncIterator[Process]:
    opened_log = await Process().open(path)
    try:
        yield opened_log
    finally:
        await opened_log.close()


def stored(path: Path) -> list[tuple[int, str]]:
    with opened(path) as connection:
        return connection.execute("SELECT id, data FROM events ORDER BY id").fetchall()


async def read_all(log: SqliteLog, after: int, room: str, limit: int = 100) -> list[int]:
    found: list[int] = []
    while True:
        page = await log.read(after, room, limit=limit, max_bytes=1 << 20)
        found += [event.id for event in page.events]
        after = page.examined
        if not page.more:
            return found


# Appending


async def test_ids_increase_without_gaps_in_the_order_of_the_calls(tmp_path):
    async with process(tmp_path / "log.db") as one:
        calls = [one.log.transact(Publish(f"{number}a", f"{number}b")) for number in range(300)]
        results = await asyncio.gather(*calls)
    assert results == [[2 * number + 1, 2 * number + 2] for number in range(300)]
    assert [json.loads(data)["nota"] for _, data in stored(tmp_path / "log.db")][:4] == ["0a", "0b", "1a", "1b"]
    assert one.seen_ids == list(range(1, 601))


async def test_a_publication_that_is_refused_leaves_nothing_and_its_neighbours_alone(tmp_path):
    async with process(tmp_path / "log.db") as one:
        calls = [one.log.transact(Publish("x", "y", fail=number % 3 == 1)) for number in range(30)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(result, ValueError) for result in results] == [number % 3 == 1 for number in range(30)]
        assert one.log.bounds.newest == 40
    assert [event_id for event_id, _ in stored(tmp_path / "log.db")] == list(range(1, 41))


async def test_an_event_is_durable_and_told_to_the_readers_before_its_publisher(tmp_path):
    order: list[str] = []
    database = await Database.open(tmp_path / "log.db")
    log = await SqliteLog.open(
        database, LogListeners(lambda events: order.append(f"readers, {len(stored(tmp_path / 'log.db'))} in the file"))
    )
    await log.transact(Publish("x"))
    order.append("publisher")
    await log.close()
    await database.close()
    assert order == ["readers, 1 in the file", "publisher"]


async def test_a_publisher_that_goes_away_does_not_undo_its_publication(tmp_path):
    async with process(tmp_path / "log.db") as one:
        calls = [asyncio.create_task(one.log.transact(Publish(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 25
    assert len(stored(tmp_path / "log.db")) == 50
    assert one.seen_ids == list(range(1, 51))


async def test_large_publications_do_not_share_a_commit_that_all_have_to_wait_for(tmp_path):
    """They wait together, and a small one behind them: no commit begins another one above 16 MiB, none is forgotten."""
    commits: list[list[int]] = []
    database = await Database.open(tmp_path / "log.db")
    log = await SqliteLog.open(database, LogListeners(lambda events: commits.append([event.id for event in events])))
    large, failed = Publish("x" * 9 * 1024 * 1024), Publish("y", fail=True)
    calls = [log.transact(work) for work in (large, large, failed, large, Publish("a"), Publish("b"))]
    results = await asyncio.gather(*calls, return_exceptions=True)
    await log.close()
    await database.close()
    assert commits == [[1, 2], [3, 4, 5]]
    assert results[:2] + results[3:] == [[1], [2], [3], [4], [5]]
    assert isinstance(results[2], ValueError)


async def test_who_comes_while_another_process_writes_shares_the_commit_that_waits_for_its_turn(tmp_path):
    path, commits = tmp_path / "log.db", []
    database = await Database.open(path)
    log = await SqliteLog.open(database, LogListeners(lambda events: commits.append([event.id for event in events])))
    other = Turns(path)
    with other.turn():
        first = asyncio.create_task(log.transact(Publish("a")))
        async with asyncio.timeout(60):  # until it waits for its turn
            while "writer-turn" not in {thread.name for thread in threading.enumerate()}:
                await asyncio.sleep(0.01)
        calls = [first, *(asyncio.create_task(log.transact(Publish(note))) for note in "bcd")]
        await asyncio.sleep(0)
    assert await asyncio.gather(*calls) == [[1], [2], [3], [4]]
    await log.close()
    await database.close()
    other.close()
    assert commits == [[1, 2, 3, 4]]


async def test_what_was_accepted_is_written_before_the_log_closes(tmp_path):
    one = await Process().open(tmp_path / "log.db")
    calls = [asyncio.create_task(one.log.transact(Publish(str(number)))) for number in range(700)]
    await asyncio.sleep(0)
    await one.close()
    assert sorted(result[0] for result in await asyncio.gather(*calls)) == list(range(1, 701))
    with pytest.raises(LogUnavailable):
        await one.log.transact(Publish("late"))
    assert len(stored(tmp_path / "log.db")) == 700


async def test_a_key_is_known_to_the_rest_of_its_group_and_forgotten_with_a_refused_publication(tmp_path):
    def publish(fail: bool) -> Any:
        def work(transaction: Transaction) -> bool:
            if transaction.find_key("python", "eventos", "k") is not None:
                return False
            ids = Publish("x")(transaction)
            transaction.keep_key("python", "eventos", "k", b"digest", ids)
            if fail:
                raise ValueError
            return True

        return work

    async with process(tmp_path / "log.db") as one:
        calls = [one.log.transact(publish(fail)) for fail in (True, False, False, True)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert (type(results[0]), results[1:]) == (ValueError, [True, False, False])
    assert len(stored(tmp_path / "log.db")) == 1


# Several processes


@pytest.mark.parametrize("seed", range(3))
async def test_two_processes_see_each_others_events_once_and_in_order_whatever_overlaps(tmp_path, seed):
    """Commits and refreshes of both overlap; what a commit has told must not be told again, or taken back, by a
    refresh that was read before or after it."""
    choose = random.Random(seed)
    async with process(tmp_path / "log.db") as one, process(tmp_path / "log.db") as other:
        ends: list[int] = []

        async def act(mine: Process) -> None:
            for number in range(60):
                if choose.random() < 0.5:
                    await mine.log.refresh()
                else:
                    await mine.log.transact(Publish(*[str(number)] * choose.randint(1, 3)))
                if mine is one:
                    ends.append(mine.log.bounds.newest)

        await asyncio.gather(*[act(mine) for mine in (one, other) for _ in range(4)])
        await asyncio.gather(one.log.refresh(), other.log.refresh())
        newest = len(stored(tmp_path / "log.db"))
        assert one.seen_ids == list(range(1, newest + 1))
        assert other.seen_ids == list(range(1, newest + 1))
        assert one.log.bounds == other.log.bounds
        assert one.log.bounds.newest == newest
        assert ends == sorted(ends)


async def test_a_refresh_that_overlaps_a_commit_waits_for_it_and_keeps_the_order(tmp_path):
    """The refresh sees the commit, and more, before the commit's answer has reached the loop."""
    async with process(tmp_path / "log.db") as one, process(tmp_path / "log.db") as other:
        committed = asyncio.Event()
        held: list[Callable[[], None]] = []
        begin_write = one.database.begin_write

        def late(work: Any, told: Callable[[Any], None]) -> None:
            def hold(outcome: Any) -> None:
                held.append(lambda: told(outcome))
                committed.set()

            begin_write(work, hold)

        one.database.begin_write = late  # type: ignore[method-assign]
        publishing = asyncio.create_task(one.log.transact(Publish("mine")))
        await committed.wait()
        await other.log.transact(Publish("theirs"))
        refreshing = asyncio.create_task(one.log.refresh())
        await asyncio.wait([refreshing], timeout=0.3)
        assert one.seen_ids == []
        [release] = held
        release()
        await asyncio.gather(publishing, refreshing)
        assert one.seen_ids == [1, 2]
        assert one.log.bounds.newest == 2


async def test_more_than_a_thousand_events_of_another_process_come_as_the_newest_and_a_hole(tmp_path):
    async with process(tmp_path / "log.db") as one, process(tmp_path / "log.db") as other:
        for _ in range(3):
            await other.log.transact(Publish(*["x"] * 700))
        await one.log.refresh()
        assert one.log.bounds.newest == 2100
        assert one.seen_ids == list(range(1101, 2101))
        assert await read_all(one.log, 0, "cocina") == list(range(1, 2101))


async def test_a_publication_on_top_of_another_processs_events_tells_of_these_too(tmp_path):
    async with process(tmp_path / "log.db") as one, process(tmp_path / "log.db") as other:
        await other.log.transact(Publish("a", "b"))
        assert await one.log.transact(Publish("c")) == [3]
        assert one.seen_ids == [1, 2, 3]


# Reading


async def test_a_page_is_cut_at_its_limit_or_size_and_reaches_what_was_examined(tmp_path):
    async with process(tmp_path / "log.db") as one:
        await one.log.transact(Publish("1", "2", "3", rooms={"cocina"}))
        await one.log.transact(Publish("4", "5", rooms={"meseros"}))
        page = await one.log.read(0, "cocina", limit=2, max_bytes=1 << 20)
        assert ([event.id for event in page.events], page.examined, page.more) == ([1, 2], 2, True)
        page = await one.log.read(2, "cocina", limit=2, max_bytes=1 << 20)
        assert ([event.id for event in page.events], page.examined, page.more) == ([3], 5, False)
        page = await one.log.read(0, "managers", limit=9, max_bytes=1)
        assert ([event.id for event in page.events], page.examined, page.more) == ([1], 1, True)
        page = await one.log.read(5, "managers", limit=9, max_bytes=1)
        assert (page.events, page.examined, page.more) == ([], 5, False)
        assert page.examined == 5


async def test_counts_and_pages_are_of_one_room_only(tmp_path):
    async with process(tmp_path / "log.db") as one:
        for room in ("meseros", "cocina", "cajeros", "meseros"):
            await one.log.transact(Publish("x", "y", rooms={room}))
        assert await one.log.count(0, "meseros", up_to=100) == 4
        assert await one.log.count(2, "meseros", up_to=100) == 2
        assert await one.log.count(0, "managers", up_to=100) == 8
        assert await one.log.count(0, "managers", up_to=5) == 5
        assert await read_all(one.log, 0, "cajeros", limit=1) == [5, 6]


async def test_a_room_is_read_by_its_index_and_never_by_a_scan(tmp_path):
    async with process(tmp_path / "log.db"):
        pass
    with opened(tmp_path / "log.db") as connection:
        for room in ("to_kitchen", "to_waiters", "to_tills"):
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN SELECT data FROM events WHERE id > 5 AND {room} ORDER BY id LIMIT 10"
            ).fetchall()
            assert f"events_{room[3:]}" in plan[0][3], plan


async def test_the_recent_events_are_the_newest_of_a_time(tmp_path):
    async with process(tmp_path / "log.db") as one:
        for ms in (100, 200, 300, 400):
            await one.log.transact(Publish("x", ms=ms))
        await one.log.transact(Publish("x", ms=500, rooms={"meseros"}))
        page = await one.log.read_since(200, "cocina", limit=2)
        assert ([event.id for event in page.events], page.examined, page.more) == ([3, 4], 5, False)
        assert [event.id for event in (await one.log.read_since(300, "managers", limit=9)).events] == [3, 4, 5]


# Pruning


async def test_a_place_that_was_pruned_is_refused_and_the_one_before_the_oldest_is_good(tmp_path):
    async with process(tmp_path / "log.db") as one:
        await one.log.transact(Publish(*"abcdefghij"))
        prune_log(tmp_path / "log.db", 4)
        assert (await one.log.refresh()).oldest == 5
        with pytest.raises(Pruned):
            await one.log.read(3, "cocina", limit=9, max_bytes=1 << 20)
        assert await read_all(one.log, 4, "cocina") == [5, 6, 7, 8, 9, 10]


async def test_pruned_rows_that_are_not_deleted_yet_are_gone_for_readers_and_checks(tmp_path):
    """`oldest` moves at once, the rows are deleted in batches: the process may be killed in between."""
    async with process(tmp_path / "log.db") as one:
        await one.log.transact(Publish(*"abcdefghij"))
    prune_log(tmp_path / "log.db", 4, delete_rows=False)
    async with process(tmp_path / "log.db") as one:
        page = await one.log.read_since(0, "cocina", limit=100)
        assert [event.id for event in page.events] == [5, 6, 7, 8, 9, 10]
        assert await one.log.check_before_newest() is None


async def test_ids_go_on_after_everything_was_pruned(tmp_path):
    async with process(tmp_path / "log.db") as one:
        await one.log.transact(Publish("a", "b"))
    prune_log(tmp_path / "log.db", 2)
    async with process(tmp_path / "log.db") as one:
        assert (one.log.bounds.oldest, one.log.bounds.newest) == (3, 2)
        assert await one.log.transact(Publish("c")) == [3]
        assert await one.log.check_before_newest() is None


async def test_pruning_during_the_check_is_no_damage(tmp_path):
    fill_in(tmp_path / "log.db", 3500)
    async with process(tmp_path / "log.db") as one:
        pages = 0
        read = one.database.read

        async def read_and_prune(work: Any) -> Any:
            nonlocal pages
            result = await read(work)
            pages += 1
            if pages == 2:
                prune_log(tmp_path / "log.db", 2300)
            return result

        one.database.read = read_and_prune  # type: ignore[method-assign]
        assert await one.log.check_before_newest(pause_seconds=0) is None
        assert pages >= 3


# The hash chain


def fill_in(path: Path, count: int) -> None:
    async def fill() -> None:
        async with process(path) as one:
            for first in range(0, count, 500):
                await one.log.transact(Publish(*[str(number) for number in range(first, min(first + 500, count))]))

    # In a thread: the caller may be inside a loop.
    thread = threading.Thread(target=lambda: asyncio.run(fill()))
    thread.start()
    thread.join()


def test_the_hash_is_over_the_predecessors_hash_a_line_feed_and_the_stored_bytes(server):
    for number in range(1, 21):
        server.new_order(number, notas="Ñandú 🌮 \u2028")
        server.publish({"tipo": "pedido_listo", "pedido_id": number, "items_listos": ["Pupusa"]})
    server.publish({"eventos": [stock_alert(number, "agotado") for number in range(1, 51)]})
    with opened(server.database) as connection:
        rows = connection.execute("SELECT id, hash, data FROM events ORDER BY id").fetchall()
        head = connection.execute("SELECT head_id, head_hash, oldest, anchor_hash FROM log").fetchone()
    previous = "0" * 64
    for event_id, found, data in rows:
        previous = hashlib.sha256(previous.encode() + b"\n" + data.encode()).hexdigest()
        assert found == previous, event_id
        event = json.loads(data)
        assert next(iter(event)) == "id"
        assert event["id"] == event_id
        assert list(event)[-1] == "salas"
        assert "epoch" not in event
        assert event["salas"][-1] == (f"pedido_{event['pedido_id']}" if "pedido_id" in event else "managers")
    assert [row[0] for row in rows] == list(range(1, 91))
    assert head == (90, previous, 1, "0" * 64)


def test_salas_are_stored_and_not_sent_and_the_rest_is_sent_as_stored(server):
    server.new_order(5)
    with opened(server.database) as connection:
        data = connection.execute("SELECT data FROM events").fetchone()[0]
    _, _, answer = server.request("GET", "/api/notificaciones/polling/manager")
    event = json.loads(data)
    assert event.pop("salas") == ["cocina", "managers", "pedido_5"]
    assert answer["eventos"] == [event]


@pytest.mark.parametrize("place", [1, 700, 1500])
async def test_an_altered_row_is_found_by_its_id(tmp_path, place):
    path = tmp_path / "log.db"
    fill_in(path, 1500)
    with opened(path) as connection:
        connection.execute("UPDATE events SET data = replace(data, 'alerta', 'Alerta') WHERE id = ?", (place,))
    if place > 500:
        with pytest.raises(LogRefused, match=f"event {place} does not match its hash"):
            await Process().open(path)
        return
    async with process(path) as one:
        assert await one.log.check_before_newest(pause_seconds=0) == f"event {place} does not match its hash"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM events WHERE id = 40", "event 40 is missing before event 41"),
        ("DELETE FROM events WHERE id > 90", "the log ends at event 90, but its head is 100"),
        ("DELETE FROM events WHERE id BETWEEN 40 AND 44", "events 40 to 44 are missing before event 45"),
        ("DELETE FROM events", "the log ends at event 0, but its head is 100"),
        ("UPDATE log SET head_hash = anchor_hash", "the log ends at event 100, but its head is 100"),
        ("UPDATE events SET hash = 'x' WHERE id = 50", "event 50 does not match its hash"),
        ("UPDATE events SET data = CAST(x'ff' || data AS TEXT) WHERE id = 50", "event 50 does not match its hash"),
    ],
)
async def test_missing_and_altered_rows_are_refused_at_start(tmp_path, change, problem):
    path = tmp_path / "log.db"
    fill_in(path, 100)
    with opened(path) as connection:
        connection.execute(change)
    with pytest.raises(LogRefused, match=problem):
        await Process().open(path)


async def test_a_sound_log_passes_both_checks(tmp_path):
    fill_in(tmp_path / "log.db", 2500)
    async with process(tmp_path / "log.db") as one:
        assert await one.log.check_before_newest(pause_seconds=0) is None
        assert one.log.bounds.newest == 2500


async def test_a_log_that_cannot_be_written_says_so_and_goes_on_later(tmp_path, monkeypatch):
    monkeypatch.setattr("pos_notif.database.connecting.BUSY_TIMEOUT_SECONDS", 0.1)
    async with process(tmp_path / "log.db") as one:
        lock = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable):
            await one.log.transact(Publish("x"))
        lock.execute("ROLLBACK")
        lock.close()
        assert await one.log.transact(Publish("y")) == [1]
        assert one.seen_ids == [1]


def test_a_filled_log_is_what_a_server_serves(tmp_path, make_server):
    cursor = fill_log(tmp_path / "log.db", [stock_alert(number) for number in range(1, 601)])
    server = make_server(tmp_path / "log.db")
    _, _, answer = server.request("GET", "/api/notificaciones/polling/manager?limite=500")
    assert answer["cursor"] == cursor
    assert [event["id"] for event in answer["eventos"]] == list(range(101, 601))
