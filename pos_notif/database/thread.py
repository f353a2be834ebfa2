"""One connection in a thread of its own, and what has come of a call there."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar, cast

import aiosqlite

from .connecting import connect

T = TypeVar("T")


class Outcome(Generic[T]):
    """What has come of a call in a thread. To aiosqlite it is the future of that call."""

    __slots__ = ("_error", "_loop", "_result", "_told")

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[Outcome[T]], None]) -> None:
        self._loop = loop
        self._told = told
        self._result: T | None = None
        self._error: BaseException | None = None

    def get(self) -> T:
        """Returns the call's result, or raises what it has raised."""
        if self._error is not None:
            raise self._error
        return cast(T, self._result)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def done(self) -> bool:
        return False

    def set_result(self, result: T) -> None:
        self._result = result
        self._told(self)

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._told(self)


class DatabaseThread(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function of the `sqlite3` connection in its thread."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result

    def send(self, work: Callable[[sqlite3.Connection], T], told: Callable[[Outcome[T]], None]) -> None:
        """Has `work` run in the thread, and `told` called in the loop with what has come of it: at once, where whoever
        awaits `run` goes on in the loop's next turn."""
        outcome = Outcome(asyncio.get_running_loop(), told)
        self._tx.put_nowait((cast("asyncio.Future[T]", outcome), partial(work, self._conn)))

    def join(self) -> None:
        self._thread.join()

    async def abandon(self) -> None:
        """Ends the thread and leaves the connection open for as long as the process lives. The last connection that is
        closed has SQLite write its write-ahead log into the file; this one keeps every other from being the last."""
        kept, self._connection = self._connection, None
        # A daemon's frame is never taken down, and so what it holds is never closed.
        threading.Thread(target=lambda: (kept, threading.Event().wait()), daemon=True).start()
        ended = self.stop()
        if ended is not None:
            await ended


async def connect_in_thread(
    file: Path, connection_class: type[sqlite3.Connection] = sqlite3.Connection
) -> DatabaseThread:
    """Returns a connection to a file that is there. Raises sqlite3.Error."""
    connection = DatabaseThread(
        lambda: connect(file, connection_class=connection_class), iter_chunk_size=64
    )  # fmt: skip
    try:
        await connection
    except BaseException:
        # aiosqlite has told its thread to end and does not wait for it; one that then finds the loop closed dies with a
        # traceback. It ends at once, without the loop's help.
        connection.join()
        raise
    return connection
