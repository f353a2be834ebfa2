"""Coroutines that are run by hand as far as they go without waiting: most need no task at all."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any


def run_until_it_waits(coroutine: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
    """Runs a coroutine up to its first wait. Returns what is left of it, for a task to go on with; None where it has
    come to its end. Raises what the coroutine raises. Up to there it must use nothing that belongs to a task, as
    `asyncio.timeout` does."""
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return _rest(coroutine, waits_for)


async def _rest(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    try:
        await _steps(coroutine, waits_for)
    finally:
        coroutine.close()


@types.coroutine
def _steps(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    while True:
        try:
            got = yield waits_for
        except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine, cancellation included
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, got)
        try:
            waits_for = step()
        except StopIteration:
            return
