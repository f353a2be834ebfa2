"""The log's file: what may be opened, its schema, and the way from older ones; in whatever thread it is asked."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from ..errors import CommandFailed, LogRefused, LogUnavailable
from ..resources import resource
from .connecting import BUSY_TIMEOUT_SECONDS, connect, is_busy, is_full, make_file, reading
from .migrations import MIGRATIONS
from .paths import exists, is_directory, is_file
from .replication import Replication

T = TypeVar("T")

APPLICATION_ID = 0x504F534E  # "POSN"
SCHEMA_VERSION = 10
_FIRST_WITH_NODES = 9
ZERO_HASH = "0" * 64
# Above the 1,000 pages (4 MiB) at which SQLite writes the write-ahead log into the database. It becomes longer where
# somebody reads for long, or a transaction is.
WAL_BYTES = 8 * 1024 * 1024
_EPOCH_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@contextlib.contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Yields a connection for a command that works alone, to a file that is checked and brought up as `Database.open`
    does it. Raises LogRefused."""
    check_file(path, create)
    if create:
        make_file(path)
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise LogRefused(f"{path}: {reason(error)}") from error
    with contextlib.closing(connection):
        try:
            prepare(connection, path, MIGRATIONS)
        except sqlite3.Error as error:
            raise LogRefused(f"{path}: {reason(error)}") from error
        yield connection


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection that leaves the file as it is, also one of an older version; it may be on a medium that
    cannot be written, and a service may begin to write to it meanwhile. Raises LogRefused."""
    if not is_file(path):
        raise LogRefused(f"{path}: " + ("is a directory" if is_directory(path) else "does not exist"))
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(reading(path))
            _refuse_foreign(connection, path)
        except sqlite3.Error as error:
            raise LogRefused(f"{path}: {reason(error)}") from error
        yield connection


def in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Runs `work` in a write transaction, and returns its result once that is committed. What it raises takes all of it
    back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back after some errors (a full disk among them).
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise
    return result


def is_database(file: Path) -> bool:
    """Tells whether the file is a SQLite database, be it a damaged one. SQLite is asked first, since closing a file
    takes away every lock that this process has on it (POSIX; section 2.2 of sqlite.org/howtocorrupt.html). Only what it
    does not take for a database, and so cannot have open, is opened to tell a damaged one by its first bytes. Raises
    OSError."""
    if is_directory(file) or not os.access(file, os.R_OK):
        file.open("rb").close()  # raises: it is of no use to SQLite either
    try:
        with reading(file) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        if "not a database" not in str(error):
            return True
        with file.open("rb") as content:
            return content.read(16) == b"SQLite format 3\0"
    return file.stat().st_size > 0


def check_file(file: Path, create: bool) -> None:
    """Raises LogRefused for what can be said of the file before SQLite sees it: by its entry in the directory, since
    this process may have it open already, and a plain `open` and `close` would take the locks away that say so to other
    processes."""
    try:
        _check_entry(file, create)
    except OSError as error:
        raise LogRefused(f"{file}: {error.strerror}") from error


def _check_entry(file: Path, create: bool) -> None:
    directory = file.parent
    if not is_directory(directory):
        raise LogRefused(f"{file}: the directory {directory} does not exist")
    if is_directory(file):
        raise LogRefused(f"{file}: is a directory")
    if not exists(file):
        if not create:
            raise LogRefused(f"{file}: does not exist")
        if not os.access(directory, os.W_OK | os.X_OK):
            raise LogRefused(f"{file}: the directory {directory} is not writable")
    elif not os.access(file, os.R_OK | os.W_OK):
        read_only = os.statvfs(file).f_flag & os.ST_RDONLY
        raise LogRefused(f"{file}: {os.strerror(errno.EROFS if read_only else errno.EACCES)}")


def prepare(
    connection: sqlite3.Connection,
    file: Path,
    migrations: Mapping[int, str],
    replication: Replication | None = None,
) -> None:
    """Makes the schema in a new file, or checks and migrates an existing one: a node's together with all the others.
    Raises LogRefused, also for a node's file without its `replication`, in which nothing may be changed alone."""
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    version = 0 if empty else _refuse_foreign(connection, file)
    _use_wal(connection)
    # FULL: a 201 must survive a power cut. NORMAL may lose the last commits.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = 1")
    # Otherwise it keeps the length that it once had.
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    if replication is None and not empty and _is_of_node(connection, version):
        raise LogRefused(
            f"{file}: is a cluster's, of which nothing is changed alone; name the engine (--cluster), or make it a log"
            " of its own (pos-notif cluster detach)"
        )
    if empty:
        in_transaction(connection, _create)
    elif replication is not None:
        replication.migrate(connection, SCHEMA_VERSION)
    else:
        for step in range(version + 1, SCHEMA_VERSION + 1):
            if step not in migrations:
                raise LogRefused(f"{file}: is damaged: there is no way from its schema {version} to {SCHEMA_VERSION}")
            in_transaction(connection, lambda writer, step=step: migrate(writer, migrations[step], step))  # type: ignore[misc]
    _check_schema(connection, file)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Has the file written by a write-ahead log. Of several who begin a file at once SQLite refuses this to all but
    one, and does not wait, since they could wait for each other."""
    until = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
        time.sleep(0.01)


def _refuse_foreign(connection: sqlite3.Connection, file: Path) -> int:
    """Returns the schema's version. Raises LogRefused for what is no log, or one of a newer version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = schema_version(connection)
    if application != APPLICATION_ID:
        raise LogRefused(f"{file}: is a SQLite database of another program")
    if version > SCHEMA_VERSION:
        raise LogRefused(
            f"{file}: was written by a newer pos-notif (schema {version}, this one knows {SCHEMA_VERSION}); upgrade it"
        )
    return version


def _is_of_node(connection: sqlite3.Connection, version: int) -> bool:
    return version >= _FIRST_WITH_NODES and connection.execute("SELECT 1 FROM node").fetchone() is not None


def _create(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return  # another process made it between our look and our lock
    for statement in _statements(resource("schema.sql").read_text(encoding="utf-8")):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO log (only_row, epoch, head_id, head_hash, oldest, anchor_hash) VALUES (1, ?, 0, ?, 1, ?)",
        (new_epoch(), ZERO_HASH, ZERO_HASH),
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def new_epoch() -> str:
    """Returns a random word for a log's cursors, six letters and digits, so that those of another log do not fit."""
    return "".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(6))


def schema_version(connection: sqlite3.Connection) -> int:
    """Returns the version of the schema that the file has."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(connection: sqlite3.Connection, script: str, version: int) -> None:
    """Makes one step of the schema, inside a transaction, unless it is made already."""
    if schema_version(connection) >= version:
        return  # another process did it between our look and our lock
    for statement in _statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")


def _statements(script: str) -> list[str]:
    """Splits the script into its statements: `executescript` would commit the transaction first."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    """Raises LogRefused unless every table and index is as schema.sql has it and the small tables are sound."""
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        model.executescript(resource("schema.sql").read_text(encoding="utf-8"))
        expected = _columns(model)
    found = _columns(connection)
    for name, columns in expected.items():
        if name not in found:
            raise LogRefused(f"{file}: is damaged: {name} is missing")
        if found[name] != columns:
            raise LogRefused(f"{file}: is damaged: {name} has other columns than schema {SCHEMA_VERSION}")
    for table in ("log", "users", "sessions", "tokens"):
        problem = connection.execute(f"PRAGMA quick_check('{table}')").fetchone()[0]
        if problem != "ok":
            raise LogRefused(f"{file}: is damaged: {problem}")
    if connection.execute("SELECT count(*) FROM log").fetchone()[0] != 1:
        raise LogRefused(f"{file}: is damaged: the log's head is missing")


def _columns(connection: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
    names = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {
        name: [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_xinfo('{name}')")]
        if kind == "table"
        else [(str(row[2]), "") for row in connection.execute(f"PRAGMA index_xinfo('{name}')")]
        for kind, name in names
    }


@contextlib.contextmanager
def told_in_one_line(database: Path) -> Iterator[None]:
    """Makes a CommandFailed for the operator of what SQLite or the system says in the middle of a command's work."""
    try:
        yield
    except sqlite3.Error as error:
        raise CommandFailed(f"{database}: {reason(error)}") from error
    except OSError as error:
        raise CommandFailed(f"{error.filename or database}: {error.strerror or error}") from error


def reason(error: sqlite3.Error) -> str:
    """Says what is the matter with a file, to follow its name in a line for the operator."""
    text = str(error)
    if "not a database" in text:
        return "is not a SQLite database, or its header is damaged"
    if "malformed" in text:
        return f"is damaged ({text})"
    if is_full(error):
        return "there is no room left on its disk; docs/operations.md says what then (A full disk)"
    return text


def reason_of(error: LogUnavailable) -> str:
    """Says the same of a log that could not be written or read."""
    cause = error.__cause__
    return reason(cause) if isinstance(cause, sqlite3.Error) else error.reason
