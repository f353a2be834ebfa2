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
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from ..errors import LogRefused, LogUnavailable
from .connecting import connect, is_damage, is_full, is_passing, make_file, open_for_reading
from .file import WAL_BYTES, check_file, in_transaction, prepare, reason
from .listeners import NO_LISTENERS, DatabaseListeners
from .locks import Turns
from .migrations import MIGRATIONS
from .open_files import FilesLost, OpenFiles
from .replication import Replication
from .thread import DatabaseThread, Outcome, connect_in_thread

T = TypeVar("T")
# Of SQLite's machine: some tenths of a millisecond.
INSTRUCTIONS_BETWEEN_LOOKS = 10_000
# More than the write-ahead log grows to between two of SQLite's own checkpoints.
SHORT_BYTES = 8 * 1024 * 1024
# Without a commit for so long nobody is writing.
IDLE_SECONDS = 1.0


class Database:
    """Use `Database.open`; close it before the loop ends, since its threads outlive it otherwise.

    `lost` says that what stands under the file's name is not what is open: nothing is written any more. `damage` says
    what SQLite found wrong with the file when somebody read it. Both are None where all is well, in English, and stay
    until the database is opened anew. `full` says that there was no room for a transaction: until there is,
    each one has the write-ahead log written into the file.
    """

    def __init__(
        self,
        path: Path,
        writer: DatabaseThread,
        reader: DatabaseThread,
        replication: Replication | None,
        listeners: DatabaseListeners,
    ) -> None:
        self.path = path
        self._replication = replication
        self._listeners = listeners
        self.files = OpenFiles(path)
        self.lost: str | None = None
        self.damage: str | None = None
        self._writer = writer
        self._reader = reader
        self._turns = Turns(path)
        self._open = True
        self._losing = threading.Lock()
        # Whether another file has the name, into which this one's write-ahead log must not be written.
        self.supplanted = False
        self._seen: tuple[int, int, int] | None = None
        self.full = False
        self._looking: asyncio.Future[None] | None = None
        # By `time.perf_counter`: when the last transaction was durable.
        self.committed_at = 0.0

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        migrations: Mapping[int, str] = MIGRATIONS,
        replication: Replication | None = None,
        listeners: DatabaseListeners = NO_LISTENERS,
    ) -> Database:
        """Opens the file, or makes it where `create`; a node's with its `replication`, which is closed with it. Raises
        LogRefused, with one line for the operator, where it must not be used."""
        file = Path(path)
        check_file(file, create)
        if create:
            make_file(file)
        writer = reader = None
        try:
            writer = await connect_in_thread(file, replication.connection_class if replication else sqlite3.Connection)
            await writer.run(lambda connection: prepare(connection, file, migrations, replication))
            reader = await connect_in_thread(file)
            await reader.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
        except BaseException as error:
            for connection in (reader, writer):
                if connection is not None:
                    await connection.close()
            if isinstance(error, sqlite3.Error):
                raise LogRefused(f"{file}: {reason(error)}") from error
            raise
        return cls(file, writer, reader, replication, listeners)

    async def close(self) -> None:
        if self._open:
            self._open = False
            if self._looking is not None:  # its connection would be the last one to be closed
                await asyncio.gather(self._looking, return_exceptions=True)
            await self._reader.close()
            await (self._writer.abandon() if self.supplanted else self._writer.close())
            self._turns.close()
            if self._replication is not None:
                self._replication.close()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in a write transaction: committed and durable when this returns, or nothing of it.

        Raises LogUnavailable where SQLite cannot write now (a full disk, a lock held for 5 s, a closed database), where
        other processes' turns take that long, where the file is not the one any more that has its name, and where no
        engine orders it. Where the file is a node's, `work` may run more than once, and leaves nothing behind.
        """
        return await self._run(self._writer, partial(self._write, work))

    @property
    def is_replicated(self) -> bool:
        """Tells whether other nodes make the same transactions."""
        return self._replication is not None

    async def write_here(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does as `write` for what is written into this file alone, also where it is a node's: nothing that anybody
        decides by."""
        return await self._run(self._writer, partial(self._write_here, work))

    def begin_write(self, work: Callable[[sqlite3.Connection], T], told: Callable[[Outcome[T]], None]) -> None:
        """Does as `write`, for who does not wait but is `told` in the loop what has come of it."""

        def run(connection: sqlite3.Connection) -> T:
            with self._telling():
                return self._write(work, connection)

        if self._open:
            self._writer.send(run, told)
        else:
            loop = asyncio.get_running_loop()
            loop.call_soon(Outcome(loop, told).set_exception, LogUnavailable())

    def _write(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        replication = self._replication
        if replication is None:
            return self._write_here(work, connection)
        decision = self._commit(connection, lambda: replication.write(connection, partial(self._checked, work)))
        if decision.applied:
            self._listeners.caught_up()
        if decision.error is not None:
            raise decision.error
        return cast(T, decision.result)

    def _write_here(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        return self._commit(connection, lambda: in_transaction(connection, partial(self._checked, work)))

    async def catch_up(self, records: list[tuple[int, bytes]]) -> None:
        """Applies what others have ordered. Raises LogUnavailable."""
        await self._replicate(lambda replication, connection: replication.catch_up(connection, records))

    async def open_engine(self, begin: Callable[[sqlite3.Connection], object]) -> bool:
        """Opens the engine that orders the transactions with what `begin` writes, and tells whether it did."""
        return await self._replicate(lambda replication, connection: replication.begin(connection, begin))

    async def _replicate(self, work: Callable[[Replication, sqlite3.Connection], bool]) -> bool:
        """Commits what `work` does, which tells whether that is anything new."""
        replication = self._replication

        def run(connection: sqlite3.Connection) -> bool:
            if replication is None or not self._commit(connection, lambda: work(replication, connection)):
                return False
            self._listeners.caught_up()
            return True

        return await self._run(self._writer, run)

    def _checked(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        result = work(connection)
        self._check_files()  # nothing is kept of what would go into a file that nobody finds again
        return result

    def _commit(self, connection: sqlite3.Connection, commit: Callable[[], T]) -> T:
        self._check_files()  # nobody waits for a turn to be refused, nor makes a lock's file beside what is gone
        try:
            with self._turns.turn():
                result = commit()
        except sqlite3.OperationalError as error:
            if is_full(error) and not self.full:
                self.full = True
                self._listeners.fault()
            if self.full:
                _make_room(connection)
            raise
        self._check_files()
        self.committed_at = time.perf_counter()
        self._listeners.committed()
        if self.full:  # or the write-ahead log would grow again until there is no room
            _make_room(connection)
            self.full = disk_is_short(self.path)
        return result

    async def make_room(self) -> bool:
        """Tells whether the disk is nearly full. If so, the next transaction begins the write-ahead log anew instead of
        making it longer, unless somebody reads there. Raises LogUnavailable."""

        def work(connection: sqlite3.Connection) -> bool:
            short = disk_is_short(self.path)
            if short:
                _make_room(connection)
            return short

        return await self._run(self._writer, work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on one snapshot of the database. Raises LogUnavailable where SQLite cannot read it now."""
        return await self._run(self._reader, lambda connection: in_snapshot(connection, work))

    async def search(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work`, which may take long, on a connection and in a thread of its own, outside of any transaction.
        Whoever stops waiting for it ends it. Raises LogUnavailable."""
        if not self._open:
            raise LogUnavailable
        stopped = threading.Event()

        def run() -> T | None:
            with contextlib.closing(open_for_reading(self.path)) as connection:
                self._check_files()  # what was opened is what stands there
                # Not `interrupt`, which is lost between two statements and before the first one.
                connection.set_progress_handler(stopped.is_set, INSTRUCTIONS_BETWEEN_LOOKS)
                return None if stopped.is_set() else work(connection)

        try:
            with self._telling():
                return cast(T, await asyncio.to_thread(run))
        except asyncio.CancelledError:
            stopped.set()
            raise

    async def look(self, fault: Callable[[sqlite3.Connection, bool], str | None]) -> None:
        """Looks at the files as one finds them who opens them now, and notes in `lost` and `damage` what is wrong.
        Where nothing is, and nobody writes, it makes a long write-ahead log short again.

        `fault(connection, written)` says in English why what is found is not what is open, or returns None; `written`
        says that the database itself was written since the last look, as SQLite does now and then."""
        if self._open and self.lost is None and (self._looking is None or self._looking.done()):
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look, fault))
            await asyncio.shield(self._looking)

    def _look(self, fault: Callable[[sqlite3.Connection, bool], str | None]) -> None:
        written = False
        try:
            self._check_files(self.files.check_all)
            signature = self.files.signature()
            written = signature != self._seen
            with contextlib.closing(open_for_reading(self.path)) as connection:
                problem = in_snapshot(connection, lambda snapshot: fault(snapshot, written))
            self._check_files(self.files.check_all)
        except (FilesLost, OSError):
            return
        except sqlite3.Error as error:
            if is_passing(error):
                return
            if not written:
                self._note(error)
                return
            problem = str(error)
        if problem is not None:
            self._lose(f"another file was copied over it ({problem})", supplanted=True)
        self._seen = signature
        if self.lost is None and time.perf_counter() - self.committed_at > IDLE_SECONDS:
            self._shorten_wal()

    def _shorten_wal(self) -> None:
        """Gives the write-ahead log's room back, which a commit would do only from the second one on after whoever read
        for long has ended, and in which the first one writes all of it into the database while its publisher waits."""
        with contextlib.suppress(sqlite3.Error, OSError):  # somebody reads or writes: another time
            if self.files.wal_bytes() <= WAL_BYTES:
                return
            with contextlib.closing(connect(self.path)) as connection:
                self._check_files(self.files.check_all)
                connection.execute("PRAGMA busy_timeout = 0")
                # The first leaves everybody to write; for the second, which does not, nothing remains to be copied.
                for how in ("PASSIVE", "TRUNCATE"):
                    connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()

    def note_full(self) -> None:
        """Notes that another process found the disk full, unless there is room by now."""
        with contextlib.suppress(OSError):
            self.full = self.full or disk_is_short(self.path)

    def note_damage(self, what: str) -> None:
        """Notes what SQLite said to somebody who read a damaged part of the file."""
        if self.damage is None:
            self.damage = what
            self._listeners.fault()

    def _note(self, error: sqlite3.Error) -> None:
        if is_damage(error):
            self.note_damage(str(error))

    def _check_files(self, check: Callable[[], None] | None = None) -> None:
        """Raises FilesLost where what is open is not what stands there, and OSError where that cannot be seen."""
        if self.lost is None:
            try:
                (check or self.files.check)()
            except FilesLost as error:
                self._lose(str(error), supplanted=not self.files.has_itself())
        if self.lost is not None:
            raise FilesLost(self.lost)

    def _lose(self, why: str, *, supplanted: bool) -> None:
        if self.note_loss(why, supplanted=supplanted) and supplanted:
            with contextlib.suppress(OSError):  # where that cannot be, it is as it was
                self.files.set_companions_aside()

    def note_loss(self, why: str, *, supplanted: bool) -> bool:
        """Notes that the files are lost, be it that another process which has them open has found it, and tells whether
        that is new. `supplanted` says that another file has the name, into which nothing of the write-ahead log must
        go: of several processes only the first one finds that, before it has set the log aside."""
        with self._losing:
            is_new = self.lost is None
            self.lost = self.lost or why
            self.supplanted = self.supplanted or supplanted
        if is_new:
            self._listeners.fault()
        return is_new

    async def data_version(self) -> int:
        """Returns a number that changes when another connection than our writer has committed (SQLite's PRAGMA
        data_version)."""
        return await self._run(
            self._writer, lambda connection: int(connection.execute("PRAGMA data_version").fetchone()[0])
        )

    async def _run(self, connection: DatabaseThread, work: Callable[[sqlite3.Connection], T]) -> T:
        if not self._open:
            raise LogUnavailable
        with self._telling():
            return await connection.run(work)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Makes a LogUnavailable of what keeps the work from being done."""
        try:
            yield
        except sqlite3.Error as error:
            self._note(error)
            raise LogUnavailable from error
        except (FilesLost, OSError) as error:
            raise LogUnavailable from error


def disk_is_short(path: Path) -> bool:
    """Tells whether less is free beside the file than its write-ahead log may take. Raises OSError."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize < SHORT_BYTES


def _make_room(connection: sqlite3.Connection) -> None:
    """Writes the write-ahead log into the file. SQLite does that by itself only once it has a thousand pages, which it
    never gets on a disk that is full."""
    with contextlib.suppress(sqlite3.OperationalError):  # there is no room for that either
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def in_snapshot(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Runs `work` in one transaction that reads."""
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("COMMIT")
