"""Coroutines that are run by hand as far as they go without waiting: most need no task at all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def run_until_it_waits(coroutine: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
    """Runs a coroutine up to its first wait. Returns what is left of it, for a task to go on with; None where it has
    come to its end. Raises what the coroutine raises. Up to there it must use nothing that belongs to a task, as
    `asyncio.timeout` does."""
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return _Rest(coroutine, waits_for)


class _Rest(Generator[Any, Any, None], Coroutine[Any, Any, None]):
    """A coroutine that waits already. Its task's first turn is told what for; an error that comes before that turn,
    where its task is cancelled at once, is the coroutine's: one that has not begun would never hear of it, and what it
    holds would be torn up by whoever collects it."""

    __slots__ = ("_coroutine", "_has_begun", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._has_begun = False

    def send(self, value: Any) -> Any:
        if self._has_begun:
            return self._coroutine.send(value)
        self._has_begun = True
        waits_for, self._waits_for = self._waits_for, None
        return waits_for

    def throw(self, *error: Any) -> Any:
        self._has_begun = True
        waits_for, self._waits_for = self._waits_for, None
        if isinstance(waits_for, asyncio.Future):
            waits_for.cancel()  # as a task does that is cancelled
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> _Rest:
        return self
