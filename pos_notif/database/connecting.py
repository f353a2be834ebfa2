"""How SQLite is asked for a file: nobody makes one by looking for it, and a new one is its owner's alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path

from .paths import exists

BUSY_TIMEOUT_SECONDS = 5.0
PRIVATE = 0o600


def make_file(file: Path) -> None:
    """Makes an empty file that only its owner may read and write, unless something stands there; SQLite gives its
    companions the same mode. It is made without being opened: closing it would take the locks away that this process
    may have on it by then. Where it cannot be made, whoever opens it next says why."""
    with contextlib.suppress(OSError):
        os.mknod(os.path.realpath(file), stat.S_IFREG | PRIVATE)


def connect(file: str | os.PathLike[str], mode: str = "rw") -> sqlite3.Connection:
    """Returns a connection to a file that is there, which SQLite would make otherwise. Raises sqlite3.Error."""
    uri = f"{Path(file).absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)


def open_for_reading(file: str | os.PathLike[str]) -> sqlite3.Connection:
    """Returns a connection for one who reads beside the service. It is not read-only to SQLite, which has to write for
    a file that nobody else has open. Raises sqlite3.Error."""
    connection = connect(file)
    connection.execute("PRAGMA query_only = 1")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Returns a connection that changes nothing, to a file that may be any program's. Raises sqlite3.Error."""
    # SQLite would have to make a -shm beside a file in WAL mode; without a -wal nobody writes to it.
    still = "" if exists(path.with_name(path.name + "-wal")) else "&immutable=1"
    return connect(path, f"ro{still}")


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


def is_passing(error: sqlite3.Error) -> bool:
    """Tells whether SQLite could not do now what it may do later."""
    return _code(error) in _PASSING


def is_damage(error: sqlite3.Error) -> bool:
    """Tells whether SQLite has met something in the file that no program of it writes."""
    # Python itself says that a text is no UTF-8.
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode to UTF-8" in str(error)


def _code(error: sqlite3.Error) -> int:
    """Returns the primary result code; 0 for what Python says itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
