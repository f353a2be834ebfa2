"""Opening the file: what is refused, with one line for the operator, and how an older one is brought up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from pos_notif.database.file import APPLICATION_ID, SCHEMA_VERSION
from pos_notif.database.file import opened as opened_log
from pos_notif.database.threads import Database
from pos_notif.errors import LogRefused, LogUnavailable
from tests.support.command_line import PROGRAM, drop_root_privileges, without_pauses
from tests.support.forking import FORKER
from tests.support.live_server import clean_environment, run_cli
from tests.support.logs import fill_log, opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually


def serve(database: Path | str, *options: str, **how) -> subprocess.CompletedProcess[str]:
    """`pos-notif serve` of a file that must be refused."""
    arguments = ["serve", "--port", "0", "--database", str(database), *options]
    if not how:
        return FORKER.run(arguments, clean_environment())
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, env=clean_environment(), **how)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert len(without_pauses(done.stderr).splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 300 events."""
    fill_log(tmp_path / "log.db", [stock_alert(number, nota="x" * 200) for number in range(1, 301)])
    return tmp_path / "log.db"


def overwrite(file: Path, offset: int, content: bytes) -> None:
    with file.open("r+b") as raw:
        raw.seek(offset)
        raw.write(content)


def test_a_newer_schema_is_refused(log):
    with opened(log) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert_refused(serve(log), str(log), "newer pos-notif", "99")


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    with opened(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE cars (id INTEGER)")
    before = (tmp_path / "other.db").read_bytes()
    assert_refused(serve(tmp_path / "other.db"), "another program")
    assert (tmp_path / "other.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_a_text_file_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("Comprar queso\n" * 100)
    assert_refused(serve(tmp_path / "notes.txt"), "is not a SQLite database")
    assert (tmp_path / "notes.txt").read_text() == "Comprar queso\n" * 100


def test_an_empty_file_becomes_a_log(tmp_path, make_server):
    (tmp_path / "log.db").touch()
    assert make_server(tmp_path / "log.db").publish(stock_alert(1))["id"] == 1


@pytest.mark.parametrize("offset", [0, 16, 28], ids=["magic", "page size", "size in pages"])
def test_a_damaged_header_is_refused(log, offset):
    overwrite(log, offset, b"\xff\x13\x37\xff")
    assert_refused(serve(log), str(log), "damaged")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused(log, share):
    with log.open("r+b") as file:
        file.truncate(int(log.stat().st_size * share))
    assert_refused(serve(log), str(log), "damaged")


@pytest.mark.parametrize("byte", [b"y", b"\xff"], ids=["text", "no UTF-8"])
def test_a_flipped_byte_in_an_event_is_refused(log, byte):
    content = log.read_bytes()
    overwrite(log, content.rindex(b"xxxxxxxx"), byte)
    assert_refused(serve(log), str(log), "does not match its hash")


def test_a_zeroed_page_of_events_is_refused(log):
    content = log.read_bytes()
    overwrite(log, content.index(b"xxxxxxxx") // 4096 * 4096, bytes(4096))
    assert_refused(serve(log), str(log), "damaged")


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE tokens", "DROP INDEX events_kitchen", "ALTER TABLE users DROP COLUMN created_ms", "DELETE FROM log"],
)
def test_a_schema_with_missing_parts_is_refused(log, change):
    with opened(log) as connection:
        connection.execute(change)
    assert_refused(serve(log), str(log), "damaged")


def test_damage_in_old_rows_is_reported_in_the_log_and_by_readyz(tmp_path, make_server):
    path = tmp_path / "log.db"
    fill_log(path, [stock_alert(number) for number in range(1, 2501)])
    with opened(path) as connection:
        connection.execute("UPDATE events SET data = replace(data, 'Queso', 'QUESO') WHERE id = 1200")
    server = make_server(path)
    eventually(lambda: [line for line in server.stderr_lines if "event 1200 does not match its hash" in line])
    # By the one that looks at once, by the others within a second.
    eventually(lambda: all("1200" in server.request("GET", "/readyz")[2].get("detalle", "") for _ in range(9)))


def test_a_directory_that_is_not_there_is_one_clear_line(tmp_path):
    assert_refused(serve(tmp_path / "none" / "log.db"), "does not exist")
    assert_refused(serve(tmp_path), "is a directory")


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "data").mkdir(mode=0o555)
    assert_refused(serve(tmp_path / "data" / "log.db", preexec_fn=drop_root_privileges), "not writable")


def test_a_file_that_cannot_be_written_is_one_clear_line(log):
    log.chmod(0o444)
    assert_refused(serve(log, preexec_fn=drop_root_privileges), str(log), "Permission denied")


def test_a_file_in_a_directory_that_cannot_be_written_is_one_clear_line(log):
    log.parent.chmod(0o555)
    try:
        assert_refused(serve(log, preexec_fn=drop_root_privileges), str(log))
    finally:
        log.parent.chmod(0o755)


# Migration. The file of an older version, made from its own schema.


@pytest.fixture
def older(tmp_path: Path) -> Path:
    path = tmp_path / "older.db"
    with opened(path) as connection:
        connection.executescript((Path(__file__).parents[1] / "data" / "schema-1.sql").read_text(encoding="utf-8"))
        connection.execute(f"INSERT INTO log VALUES (1, 'k3f9x2', 1, '{HASH_1}', 1, '{'0' * 64}')")
        connection.execute("INSERT INTO events VALUES (1, 5, 'alerta_stock', NULL, 0, 0, 0, ?, ?)", (HASH_1, EVENT_1))
        connection.execute("INSERT INTO tokens VALUES (1, 'caja', 'manager', x'00', 5)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    return path


EVENT_1 = '{"id":1,"tipo":"alerta_stock","salas":["managers"]}'
HASH_1 = hashlib.sha256(b"0" * 64 + b"\n" + EVENT_1.encode()).hexdigest()


def test_a_log_of_version_1_is_served_with_its_events(older, make_server):
    server = make_server(older)
    server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0})
    with SseClient(server, "manager", query="?cursor=k3f9x2-0") as stream:
        assert [frame.data["id"] for frame in stream.take(2)] == [1, 2]
    with opened(older) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("SELECT name FROM tokens").fetchone() == ("caja",)


def test_two_processes_may_bring_a_log_up_at_once(older):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: run_cli("token", "list", database=older), range(4)))
    assert {result.stdout for result in done} == {done[0].stdout}
    assert "caja" in done[0].stdout


def test_several_may_begin_a_log_at_once(tmp_path):
    """The file is there and empty, or has no write-ahead log yet: whoever comes first decides what it is."""
    begin = threading.Barrier(4)

    def epoch(path: Path) -> str:
        begin.wait()
        with opened_log(path, create=True) as connection:
            return str(connection.execute("SELECT epoch FROM log").fetchone()[0])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(60):
            found = list(pool.map(epoch, [tmp_path / f"{number}.db"] * 4))
            assert len(set(found)) == 1


async def test_a_migration_that_fails_leaves_the_file_as_it_was(older):
    with pytest.raises(LogRefused, match="nowhere"):
        await Database.open(
            older,
            migrations={2: "DROP TABLE tokens;\nINSERT INTO nowhere VALUES (1);\n"}
            | dict.fromkeys(range(3, SCHEMA_VERSION + 1), "SELECT 1;\n"),
        )
    with opened(older) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (1,)


async def test_a_migration_that_does_not_make_the_present_schema_is_refused(older):
    with pytest.raises(LogRefused, match=r"subscriptions is missing|other columns"):
        await Database.open(older, migrations=dict.fromkeys(range(2, SCHEMA_VERSION + 1), "SELECT 1;\n"))


def test_a_version_that_no_migration_leads_from_is_refused(older):
    with opened(older) as connection:
        connection.execute("PRAGMA user_version = 0")
    assert_refused(serve(older), "no way from its schema 0")


# Transactions


async def test_a_transaction_that_fails_leaves_nothing_open(tmp_path):
    database = await Database.open(tmp_path / "log.db")

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE log SET head_id = 7")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await database.write(fail)
    head = await database.write(lambda connection: connection.execute("SELECT head_id FROM log").fetchone())
    assert head == (0,)
    await database.close()
    with pytest.raises(LogUnavailable):
        await database.read(lambda connection: None)


async def test_a_commit_is_durable_before_it_returns(tmp_path):
    database = await Database.open(tmp_path / "log.db")

    def settings(connection: sqlite3.Connection) -> tuple[str, int]:
        modes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        return modes[0], modes[1]

    assert await database._run(database._writer, settings) == ("wal", 2)
    await database.close()


# A search


@pytest.mark.parametrize("turns", [1, 2, 200])
async def test_a_search_that_nobody_waits_for_ends(tmp_path, turns):
    """Before its thread has opened the file, and between two of its statements too."""
    database = await Database.open(tmp_path / "log.db")
    counted: list[int] = []

    def search(connection: sqlite3.Connection) -> None:
        for number in range(2000):
            connection.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9999) SELECT count(*) FROM n"
            ).fetchone()
            counted.append(number)

    task = asyncio.create_task(database.search(search))
    try:
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()
    finally:
        await database.close()
    assert len(counted) < 2000
