from __future__ import annotations

import asyncio
import time

import pytest

from pos_notif.log.event_log import LoggedEvent
from pos_notif.log.tail import Tail, Waiter


def event(event_id: int, *rooms: str, padding: int = 0) -> LoggedEvent:
    stored = b'{"id":%d,"x":"%b","salas":["managers"]}' % (event_id, b"x" * padding)
    return LoggedEvent(event_id, 0, "alerta_stock", frozenset(rooms), stored)


def events(first: int, last: int, *rooms: str, padding: int = 0) -> list[LoggedEvent]:
    return [event(number, *rooms, padding=padding) for number in range(first, last + 1)]


def tail_of(first: int, last: int, *rooms: str, max_events: int = 1000, max_bytes: int = 1 << 20) -> Tail:
    tail = Tail(max_events, max_bytes)
    tail.start(first - 1, [])
    tail.append(events(first, last, *rooms))
    return tail


def ids(page) -> list[int]:
    return [found.id for found in page.events]


def encode_ids(page) -> bytes:
    return b",".join(b"%d" % found.id for found in page.events)


async def test_a_wake_up_between_the_check_and_the_wait_ends_the_wait_at_once():
    tail, waiter = tail_of(1, 1, "cocina"), Waiter()
    tail.listen(waiter, "cocina")
    waiter.clear()
    assert ids(tail.page(1, "cocina")) == []
    tail.append([event(2, "cocina")])
    async with asyncio.timeout(60):
        await waiter.wait(3600)
    assert ids(tail.page(1, "cocina")) == [2]


async def test_a_wake_up_before_the_clear_is_not_lost_since_the_check_comes_after_it():
    tail, waiter = tail_of(1, 1, "cocina"), Waiter()
    tail.listen(waiter, "cocina")
    tail.append([event(2, "cocina")])
    waiter.clear()
    assert ids(tail.page(1, "cocina")) == [2]


async def test_a_wait_ends_with_the_wake_up_and_not_before():
    waiter = Waiter()
    waiting = asyncio.create_task(waiter.wait(3600))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiter.wake()
    waiter.wake()
    async with asyncio.timeout(60):
        await waiting


async def test_a_wait_ends_after_its_timeout():
    started = time.monotonic()
    await Waiter().wait(0.05)
    assert time.monotonic() - started >= 0.04


async def test_a_cancelled_wait_leaves_the_waiter_usable():
    waiter = Waiter()
    waiting = asyncio.create_task(waiter.wait(3600))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    waiter.wake()
    async with asyncio.timeout(60):
        await waiter.wait(3600)


async def test_only_the_rooms_of_an_event_are_woken_and_managers_always():
    tail = tail_of(1, 1)
    kitchen, waiters, managers, gone = Waiter(), Waiter(), Waiter(), Waiter()
    for waiter, room in ((kitchen, "cocina"), (waiters, "meseros"), (managers, "managers"), (gone, "cocina")):
        tail.listen(waiter, room)
    tail.forget(gone, "cocina")
    tail.append([event(2, "meseros"), event(3)])
    woken = []
    for name, waiter in (("cocina", kitchen), ("meseros", waiters), ("managers", managers), ("gone", gone)):
        waiting = asyncio.create_task(waiter.wait(3600))
        await asyncio.sleep(0)
        if waiting.done():
            woken.append(name)
        waiting.cancel()
    assert woken == ["meseros", "managers"]


def test_a_page_holds_the_rooms_events_and_reaches_what_was_examined_for_it():
    tail = Tail(1000, 1 << 20)
    tail.start(0, [])
    tail.append([event(1, "cocina"), event(2), event(3, "cocina"), event(4), event(5)])
    page = tail.page(0, "cocina")
    assert (ids(page), page.examined, page.more) == ([1, 3], 5, False)
    page = tail.page(0, "cocina", limit=1)
    assert (ids(page), page.examined, page.more) == ([1], 1, True)
    page = tail.page(3, "cocina")
    assert (ids(page), page.examined, page.more) == ([], 5, False)
    assert ids(tail.page(1, "managers")) == [2, 3, 4, 5]


def test_a_reader_ahead_of_memory_is_not_sent_back():
    assert tail_of(1, 5).page(9, "managers").examined == 9


def test_a_page_is_cut_at_its_size_but_holds_one_event_at_least():
    tail = Tail(1000, 1 << 20)
    tail.start(0, [])
    tail.append(events(1, 10, "cocina", padding=1000))
    page = tail.page(0, "cocina", max_bytes=3000)
    assert (ids(page), page.examined, page.more) == ([1, 2], 2, True)
    page = tail.page(0, "cocina", max_bytes=10)
    assert (ids(page), page.more) == ([1], True)


def test_pages_in_a_row_give_every_event_once():
    tail, found, after = tail_of(1, 777, "cocina"), [], 0
    while True:
        page = tail.page(after, "cocina", limit=100)
        found += ids(page)
        after = page.examined
        if not page.more:
            break
    assert found == list(range(1, 778))
    assert after == 777


def test_memory_is_bounded_by_events_and_by_bytes():
    tail = tail_of(1, 95, "cocina", max_events=100)
    for number in range(96, 400):
        tail.append([event(number, "cocina")])
        held = len(tail.page(tail.floor, "managers").events)
        assert held <= 100
        assert tail.page(tail.floor, "managers").events[0].id == tail.floor + 1
        assert ids(tail.page(tail.floor, "cocina")) == ids(tail.page(tail.floor, "managers"))
    tail = Tail(1000, 10_000)
    tail.start(0, [])
    for number in range(1, 100):
        tail.append([event(number, padding=900)])
    page = tail.page(tail.floor, "managers")
    assert len(page.events) <= 12
    assert page.events[-1].id == 99


def test_an_event_larger_than_the_memory_for_events_is_still_handed_on():
    tail = Tail(1000, 1000)
    tail.start(0, [])
    tail.append([event(1, "cocina", padding=5000)])
    assert ids(tail.page(tail.floor, "cocina")) == [1]
    tail.append([event(2, "cocina", padding=5000)])
    assert ids(tail.page(1, "cocina")) == [2]


def test_what_memory_has_forgotten_is_asked_of_the_log():
    tail = tail_of(1, 300, "cocina", max_events=100)
    assert tail.page(tail.floor - 1, "cocina") is None
    assert tail.encoded(tail.floor - 1, "cocina", False, encode_ids) is None
    assert tail.page(tail.floor, "cocina") is not None


def test_a_hole_before_what_is_appended_is_never_bridged():
    """Another process wrote more than is fetched of it: readers before the hole must go to the log."""
    tail = tail_of(1, 10, "cocina")
    tail.append(events(2001, 3000, "cocina"))
    assert tail.page(10, "cocina") is None
    assert tail.page(1999, "cocina") is None
    assert tail.floor == 2000
    assert ids(tail.page(2000, "cocina", limit=2)) == [2001, 2002]
    assert tail.page(2000, "cocina", limit=5000).examined == 3000


def test_encoded_bytes_are_shared_and_forgotten_with_the_next_event():
    tail = tail_of(1, 3, "cocina")
    first = tail.encoded(0, "cocina", False, encode_ids)
    assert first == (b"1,2,3", 3)
    assert tail.encoded(0, "cocina", False, encode_ids)[0] is first[0]
    assert tail.encoded(0, "cocina", True, lambda page: b"copy") == (b"copy", 3)
    tail.append([event(4, "cocina")])
    assert tail.encoded(0, "cocina", False, encode_ids) == (b"1,2,3,4", 4)
    assert tail.encoded(4, "cocina", False, encode_ids) == (b"", 4)


def test_what_is_above_the_known_end_at_start_is_not_held_twice():
    """Another process may append between our look at the log's end and our look at its newest events."""
    tail = Tail(1000, 1 << 20)
    tail.start(3, events(1, 5, "cocina"))
    tail.append(events(4, 6, "cocina"))
    assert ids(tail.page(0, "cocina")) == [1, 2, 3, 4, 5, 6]
