"""What has been run up to its first wait goes on in a task as if it had always been in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from pos_notif.delivery.by_hand import run_until_it_waits


class Reader:
    """Reads pages until it is cancelled, as a stream does, and notes what becomes of it."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.page = asyncio.get_running_loop().create_future()

    async def _pages(self) -> AsyncGenerator[str, None]:
        try:
            yield "first"
            yield await self.page
        finally:
            self.noted.append("closed")

    async def read(self) -> None:
        try:
            async with aclosing(self._pages()) as pages:
                async for page in pages:
                    self.noted.append(page)
        except asyncio.CancelledError:
            self.noted.append("cancelled")
            raise


async def test_a_task_goes_on_with_what_is_left():
    reader = Reader()
    rest = run_until_it_waits(reader.read())
    assert rest is not None
    assert reader.noted == ["first"]
    task = asyncio.create_task(rest)
    reader.page.set_result("second")
    await task
    assert reader.noted == ["first", "second", "closed"]


@pytest.mark.parametrize("turns", [0, 1])
async def test_what_is_left_hears_of_a_cancellation_also_of_one_before_its_tasks_first_turn(turns):
    """As of a client that goes in the same turn of the loop: what it was reading would be torn up later, by whoever
    collects it."""
    reader = Reader()
    rest = run_until_it_waits(reader.read())
    assert rest is not None
    task = asyncio.create_task(rest)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reader.noted == ["first", "closed", "cancelled"]
    assert reader.page.cancelled()


async def test_what_waits_for_nothing_is_over():
    reader = Reader()
    reader.page.set_result("second")
    assert run_until_it_waits(reader.read()) is None
    assert reader.noted == ["first", "second", "closed"]
