"""The boards of workers and what the parent does for them, over their own sockets in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from pos_notif.board import Outcome
from pos_notif.counts import COUNTS, Counts
from pos_notif.errors import LogUnavailable
from pos_notif.server.workers.board import WorkersBoard
from pos_notif.server.workers.exchange import Exchange, Member
from pos_notif.server.workers.pair import Pair


class Family:
    """A parent's exchange, and workers that are born and end at it."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.members: dict[int, Member] = {}
        self.boards: list[WorkersBoard] = []

    def born(self, number: int) -> WorkersBoard:
        own, its = socket.socketpair()
        pair = Pair(own, lambda message: self._handle(number, message), lambda: None)
        self.members[number] = self.exchange.join(number, pair)
        board = WorkersBoard(number, its, lambda: None)
        board.ready(has_users=True)
        self.boards.append(board)
        return board

    def _handle(self, number: int, message: list[object]) -> None:
        if message[0] == "ready":
            self.members[number].is_ready = True
        elif message[0] != "alive":
            self.exchange.handle(self.members[number], message)

    def end(self, number: int) -> None:
        member = self.members.pop(number)
        member.pair.close()
        self.exchange.leave(member)


@asynccontextmanager
async def family() -> AsyncIterator[Family]:
    found = Family()
    yield found
    for number in list(found.members):
        found.end(number)
    for board in found.boards:
        board.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_who_is_born_knows_what_was_posted_before_and_until_then_that_it_does_not_know():
    async with family() as found:
        first = found.born(1)
        first.post("screens", b"a kitchen's")
        await until(lambda: found.members[1].posts)
        second = found.born(2)
        assert not second.known  # its first message is on its way: nobody's screens are no screens
        await until(lambda: second.known)
        assert dict(second.posted("screens")) == {1: b"a kitchen's"}
        told: list[tuple[int, bytes | None]] = []
        second.on_post("screens", lambda process, value: told.append((process, value)))
        assert told == [(1, b"a kitchen's")]
        found.end(1)
        await until(lambda: len(told) == 2)
        assert told[1] == (1, None)
        found.end(2)
        await until(lambda: not second.known)


async def test_what_was_counted_by_who_has_ended_is_never_missing_from_the_sum():
    counts = Counts()
    counts.duplicates = 7
    async with family() as found:
        first, second = found.born(1), found.born(2)
        first.post(COUNTS, counts.dump())
        own = Counts()

        def total() -> int:
            return Counts.of_all(own, second.posted(COUNTS).values()).duplicates

        await until(lambda: total() == 7)
        sums = []
        handle = second._handle

        def looked_at(message: list[object]) -> None:
            handle(message)
            sums.append(total())

        second._pair._on_message = looked_at
        found.end(1)
        await until(lambda: 1 not in second.posted(COUNTS))
        third = found.born(3)
        await until(lambda: third.known)
        assert Counts.of_all(own, third.posted(COUNTS).values()).duplicates == 7
        assert set(sums) == {7}


async def test_a_try_of_who_has_ended_was_made_and_one_that_waited_is_not():
    async with family() as found:
        first, second = found.born(1), found.born(2)
        assert (await first.begin_try("ana", 900, 5)).counted == 1
        waiting = asyncio.create_task(second.begin_try("ana", 900, 5))
        await until(lambda: found.members[2].beginning)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await until(lambda: not found.members[2].beginning)
        found.end(1)
        tries = await second.begin_try("ana", 900, 5)
        assert tries.counted == 2
        second.end_try("ana", Outcome.SUCCEEDED)
        assert (await second.begin_try("ana", 900, 5)).counted == 1


async def test_without_a_parent_nothing_is_known():
    async with family() as found:
        board = found.born(1)
        waiting = asyncio.create_task(board.begin_try("ana", 900, 5))
        await waiting
        found.end(1)
        await until(lambda: not board.known)
        for asking in (board.ask("state"), board.begin_try("beto", 900, 5)):
            with pytest.raises(LogUnavailable):
                await asking
