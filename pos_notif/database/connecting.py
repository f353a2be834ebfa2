"""How SQLite is asked for a file: nobody makes one by looking for it, and a new one is its owner's alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import LogRefused
from .paths import PRIVATE, exists

BUSY_TIMEOUT_SECONDS = 5.0


def make_file(file: Path) -> None:
    """Makes an empty file that only its owner may read and write, unless something stands there; SQLite gives its
    companions the same mode. It is made without being opened: closing it would take the locks away that this process
    may have on it by then. Where it cannot be made, whoever opens it next says why."""
    with contextlib.suppress(OSError):
        os.mknod(os.path.realpath(file), stat.S_IFREG | PRIVATE)


def connect(
    file: str | os.PathLike[str], mode: str = "rw", connection_class: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """Returns a connection to a file that is there, which SQLite would make otherwise. Raises sqlite3.Error."""
    uri = f"{Path(file).absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, factory=connection_class
    )  # fmt: skip


def open_for_reading(file: str | os.PathLike[str]) -> sqlite3.Connection:
    """Returns a connection for one who reads beside the service. It is not read-only to SQLite, which has to write for
    a file that nobody else has open. Raises sqlite3.Error."""
    connection = connect(file)
    connection.execute("PRAGMA query_only = 1")
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection that changes nothing, to a file that may be any program's, and that somebody may write to
    meanwhile. Raises sqlite3.Error, or LogRefused where it cannot be read from where it lies."""
    alone = not any(map(exists, _companions(path)))
    connection, immutable = _connect_to_read(path)
    before = path.stat()
    try:
        with contextlib.closing(connection):
            yield connection
    finally:
        if immutable:
            after = path.stat()
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or exists(
                _companions(path)[0]
            ):
                raise LogRefused(f"{path}: somebody wrote to it while it was read; read it again")
        elif alone and any(map(exists, _companions(path))):
            _tidy(path)


def _connect_to_read(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Returns the connection, and whether SQLite takes the file for one that nobody writes."""
    connection = connect(path, "ro")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        # SQLite makes a -wal and a -shm beside a file in WAL mode, also for one who only reads.
        if _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if not os.statvfs(path).f_flag & os.ST_RDONLY:
            if os.access(path.parent, os.W_OK):
                raise
            raise LogRefused(f"{path}: cannot be read by who may not write in {path.parent}") from error
        wal, _ = _companions(path)
        if exists(wal) and wal.stat().st_size:
            raise LogRefused(
                f"{path}: copy it, with its -wal, to where it can be written, and read it there"
            ) from error
        # Nobody writes where nobody can; that a companion is missing says nothing. Whether the folder can be written by
        # another way to it, who has read finds out.
        return connect(path, "ro&immutable=1"), True
    return connection, False


def _tidy(path: Path) -> None:
    """Has SQLite remove the companions that reading has made, which it does where nobody has the file open."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _companions(path: Path) -> tuple[Path, Path]:
    real = os.path.realpath(path)
    return Path(f"{real}-wal"), Path(f"{real}-shm")


# What passes without that anybody mends the file, or says nothing of it.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


_WRITING = {
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_WRITE,
}


def is_passing(error: sqlite3.Error) -> bool:
    """Tells whether SQLite could not do now what it may do later."""
    return _code(error) in _PASSING


def is_busy(error: sqlite3.Error) -> bool:
    """Tells whether another connection was at the file."""
    return _code(error) == sqlite3.SQLITE_BUSY


def is_full(error: sqlite3.Error) -> bool:
    """Tells whether there was no room on a disk, be it for a -shm."""
    return _code(error) == sqlite3.SQLITE_FULL or _extended_code(error) == sqlite3.SQLITE_IOERR_SHMSIZE


def is_writing(error: sqlite3.Error) -> bool:
    """Tells whether a file could not be written, rather than read."""
    return _extended_code(error) in _WRITING or _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)


def is_damage(error: sqlite3.Error) -> bool:
    """Tells whether SQLite has met something in the file that no program of it writes."""
    # Python itself says that a text is no UTF-8.
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode to UTF-8" in str(error)


def _code(error: sqlite3.Error) -> int:
    """Returns the primary result code; 0 for what Python says itself."""
    return _extended_code(error) & 0xFF


def _extended_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)
