"""What a node notes of a transaction, and what another one makes of it."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pos_notif
from pos_notif.cluster.record import Kind, Record, Statement, Unreadable, pack, unpack
from pos_notif.cluster.recorder import RecordingConnection, Unrecorded, run
from pos_notif.cluster.statements import check_statement
from pos_notif.database.connecting import connect, make_file
from pos_notif.database.file import prepare
from pos_notif.database.migrations import MIGRATIONS
from pos_notif.errors import TooLarge


@pytest.fixture
def opened() -> Iterator[Callable[[Path], RecordingConnection]]:
    """Makes logs and opens them."""
    with contextlib.ExitStack() as ends:

        def open_log(path: Path) -> RecordingConnection:
            make_file(path)
            connection = ends.enter_context(contextlib.closing(connect(path, connection_class=RecordingConnection)))
            prepare(connection, path, MIGRATIONS)
            assert isinstance(connection, RecordingConnection)
            return connection

        yield open_log


@pytest.fixture
def connection(opened: Callable[[Path], RecordingConnection], tmp_path: Path) -> RecordingConnection:
    return opened(tmp_path / "log.db")


def test_what_is_noted_makes_the_same_rows_elsewhere(
    connection: RecordingConnection, opened: Callable[[Path], RecordingConnection], tmp_path: Path
) -> None:
    connection.record()
    connection.execute(
        "INSERT INTO tokens (name, role, secret_hash, created_ms) VALUES (?, 'manager', ?, 5)", ("á", b"1")
    )
    connection.executemany("INSERT INTO screens (room, seen_ms) VALUES (?, ?)", ((room, 1) for room in "ab"))
    connection.execute("UPDATE screens SET seen_ms = 2 WHERE room = ?", ("nobody",))
    connection.execute("DELETE FROM screens WHERE room = ?", ("b",))
    assert connection.execute("SELECT count(*) FROM screens").fetchone() == (1,)
    statements, changes = connection.recorded()
    assert changes == 4

    other = opened(tmp_path / "other.db")
    before = other.total_changes
    record = Record("k", 9, bytes(32), bytes(16), Kind.TRANSACTION, statements, changes)
    for statement in unpack(pack(record)).statements:
        check_statement(statement.sql)
        run(other, statement)
    assert other.total_changes - before == changes
    for table in ("tokens", "screens"):
        select = f"SELECT * FROM {table}"
        assert other.execute(select).fetchall() == connection.execute(select).fetchall() != []


def test_rows_that_go_with_others_count_on_both_sides(connection: RecordingConnection) -> None:
    connection.execute("INSERT INTO users VALUES (1, 'a', 'a', 'mesero', '', 0)")
    connection.execute("INSERT INTO sessions VALUES (1, x'01', 1, '', 0, 0)")
    connection.record()
    connection.execute("DELETE FROM users WHERE id = ?", (1,))
    statements, changes = connection.recorded()
    assert (len(statements), changes) == (1, 2)


def test_what_is_not_noted_is_refused(connection: RecordingConnection) -> None:
    connection.record()
    connection.cursor().execute("INSERT INTO screens VALUES ('a', 1)")
    with pytest.raises(Unrecorded):
        connection.recorded()


def test_a_row_with_another_id_is_refused(
    connection: RecordingConnection, opened: Callable[[Path], RecordingConnection], tmp_path: Path
) -> None:
    sql = "INSERT INTO tokens (name, role, secret_hash, created_ms) VALUES (?, 'manager', ?, 5)"
    connection.record()
    connection.execute(sql, ("caja", b"1"))
    [statement], _ = connection.recorded()
    other = opened(tmp_path / "other.db")
    other.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('tokens', 7)")
    with pytest.raises(Unrecorded, match="id 8, and elsewhere 1"):
        run(other, statement)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE node SET position = 9",
        "DELETE FROM positions",
        "ATTACH 'x' AS y",
        "PRAGMA synchronous = OFF",
        "DROP TABLE events",
        "INSERT INTO screens VALUES (random(), 1)",
        "UPDATE screens SET seen_ms = unixepoch('now')",
        "nonsense",
    ],
)
def test_a_statement_that_is_none_of_ours_does_not_run(sql: str) -> None:
    with pytest.raises(Unreadable):
        check_statement(sql)


@pytest.mark.parametrize("sent", [b"", b"\x00", b"not a record", pack(Record("k", 9, b"", b"", 0, [], 0))[:-3]])
def test_what_is_no_record_is_refused(sent: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(sent)


def test_a_record_that_no_engine_takes_is_refused() -> None:
    noise = Statement("INSERT INTO screens VALUES (?, ?)", [[os.urandom(2**20 + 5), 1]])
    with pytest.raises(TooLarge):
        pack(Record("k", 9, bytes(32), bytes(16), 0, [noise], 1))


_CHANGE = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_VARYING = re.compile(
    r"\b(random|randomblob|date|time|datetime|julianday|strftime|unixepoch|rowid)\b\s*\(?", re.IGNORECASE
)


def test_no_statement_of_the_product_says_something_else_on_another_machine() -> None:
    found = 0
    for path in Path(pos_notif.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = "".join(
                part.value for part in (node.values if isinstance(node, ast.JoinedStr) else [node])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )  # fmt: skip
            if _CHANGE.match(text) and " " in text.strip():
                found += 1
                assert not _VARYING.search(text), f"{path}: {text}"
    assert found > 20
