"""The write-ahead log: it grows while somebody reads for long, and gives its room back afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pos_notif.database.threads import Database
from tests.support.command_line import call
from tests.support.live_server import LiveServer
from tests.support.waiting import eventually

MIB = 1024 * 1024


def wal_bytes(database: Path) -> int:
    return database.with_name(database.name + "-wal").stat().st_size


@contextlib.contextmanager
def long_reader(database: Path) -> Iterator[None]:
    """Somebody who reads one moment's log all the time."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM events").fetchone()
        yield


def publish_much(server: LiveServer) -> int:
    """12.5 MiB of events; returns how many."""
    event = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "nota": "x" * 200 * 1024}
    for _ in range(4):
        assert server.request("POST", "/api/notificaciones/eventos", {"eventos": [event] * 16})[0] == 201
    return 64


def count(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def test_once_a_long_reader_has_gone_the_room_is_given_back_without_another_commit(server):
    with long_reader(server.database):
        published = publish_much(server)
        assert wal_bytes(server.database) > 12 * MIB
        assert server.request("GET", "/readyz")[0] == 200
    eventually(lambda: wal_bytes(server.database) <= 8 * MIB)
    assert count(server.database) == published
    server.new_order(1)
    assert "detalle" not in server.request("GET", "/readyz")[2]
    assert call("verify", "--database", str(server.database)).exit_code == 0


def test_what_a_killed_service_has_left_is_given_back_by_the_next_one(server):
    with long_reader(server.database):
        published = publish_much(server)
        server.kill()
        server.start()
        assert wal_bytes(server.database) > 12 * MIB
    eventually(lambda: wal_bytes(server.database) <= 8 * MIB)
    assert count(server.database) == published


async def test_where_commits_go_on_they_give_it_back(tmp_path):
    """The first commit after the reader writes all of it into the database, the second begins it anew."""
    path = tmp_path / "log.db"
    database = await Database.open(path)
    await database.write(lambda db: db.execute("CREATE TABLE ballast (content BLOB)"))

    def fill(size: int) -> Any:
        return database.write(lambda db: db.execute("INSERT INTO ballast VALUES (zeroblob(?))", (size,)))

    with long_reader(path):
        await fill(12 * MIB)
        assert wal_bytes(path) > 12 * MIB
    await fill(1)
    await fill(1)
    assert wal_bytes(path) <= 8 * MIB
    await database.close()
