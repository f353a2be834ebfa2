"""The log's database at work: whole transactions, each in one thread hop.

One connection writes and one reads, each in its own thread; a search has its own. A transaction is one function that
runs from BEGIN to COMMIT in the connection's thread: a caller that is cancelled leaves none open, and an awaited call
costs one hop however many statements it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, cast

import aiosqlite

from ..errors import LogRefused, LogUnavailable
from .file import (
    BUSY_TIMEOUT_SECONDS,
    MIGRATIONS,
    check_file,
    in_transaction,
    open_for_reading,
    prepare,
    reason,
)

T = TypeVar("T")
# Of SQLite's machine: some tenths of a millisecond.
INSTRUCTIONS_BETWEEN_LOOKS = 10_000


class DatabaseThread(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function of the `sqlite3` connection in its thread."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result

    def join(self) -> None:
        self._thread.join()


class Database:
    """Use `Database.open`; close it before the loop ends, since its threads outlive it otherwise."""

    def __init__(self, path: Path, writer: DatabaseThread, reader: DatabaseThread) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._open = True
        # By `time.perf_counter`: when the last transaction was durable.
        self.committed_at = 0.0

    @classmethod
    async def open(
        cls, path: str | os.PathLike[str], *, create: bool = True, migrations: Mapping[int, str] = MIGRATIONS
    ) -> Database:
        """Opens the file, or makes it where `create`. Raises LogRefused, with one line for the operator, where it
        must not be used."""
        file = Path(path)
        check_file(file, create)
        writer = reader = None
        try:
            writer = await _connect(file)
            await writer.run(lambda connection: prepare(connection, file, migrations))
            reader = await _connect(file)
            await reader.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
        except BaseException as error:
            for connection in (reader, writer):
                if connection is not None:
                    await connection.close()
            if isinstance(error, sqlite3.Error):
                raise LogRefused(f"{file}: {reason(error)}") from error
            raise
        return cls(file, writer, reader)

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._reader.close()
            await self._writer.close()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in a write transaction: committed and durable when this returns, or nothing of it.

        Raises LogUnavailable where SQLite cannot write now (a full disk, a lock held for 5 s, a closed database).
        """

        def whole(connection: sqlite3.Connection) -> T:
            result = in_transaction(connection, work)
            self.committed_at = time.perf_counter()
            return result

        return await self._run(self._writer, whole)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on one snapshot of the database. Raises LogUnavailable where SQLite cannot read it now."""
        return await self._run(self._reader, lambda connection: _in_snapshot(connection, work))

    async def search(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work`, which may take long, on a connection and in a thread of its own, outside of any transaction.
        Whoever stops waiting for it ends it. Raises LogUnavailable."""
        if not self._open:
            raise LogUnavailable
        stopped = threading.Event()

        def run() -> T | None:
            with contextlib.closing(open_for_reading(self.path)) as connection:
                # Not `interrupt`, which is lost between two statements and before the first one.
                connection.set_progress_handler(stopped.is_set, INSTRUCTIONS_BETWEEN_LOOKS)
                return None if stopped.is_set() else work(connection)

        try:
            return cast(T, await asyncio.to_thread(run))
        except sqlite3.Error as error:
            raise LogUnavailable from error
        except asyncio.CancelledError:
            stopped.set()
            raise

    async def data_version(self) -> int:
        """Returns a number that changes when another connection than our writer has committed (SQLite's PRAGMA
        data_version)."""
        return await self._run(
            self._writer, lambda connection: int(connection.execute("PRAGMA data_version").fetchone()[0])
        )

    async def _run(self, connection: DatabaseThread, work: Callable[[sqlite3.Connection], T]) -> T:
        if not self._open:
            raise LogUnavailable
        try:
            return await connection.run(work)
        except sqlite3.Error as error:
            raise LogUnavailable from error


def _in_snapshot(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("COMMIT")


async def _connect(file: Path) -> DatabaseThread:
    connection = DatabaseThread(
        lambda: sqlite3.connect(file, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None), iter_chunk_size=64
    )
    try:
        await connection
    except BaseException:
        # aiosqlite has told its thread to end and does not wait for it; one that then finds the loop closed dies with a
        # traceback. It ends at once, without the loop's help.
        connection.join()
        raise
    return connection
