"""`pos-notif backup` and `restore`: while it is served, and the way back."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from tests.support.command_line import call, fails
from tests.support.in_process import in_process
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.whole_logs import content, epoch, head, make_log, order_events

NOW = 1_764_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return make_log(tmp_path / "log.db", (NOW, [event for n in range(1, 6) for event in order_events(n)]))


def backed_up(log: Path, file: Path) -> Path:
    result = call("backup", str(file), "--database", str(log))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    return file


def restored(file: Path, log: Path) -> str:
    result = call("restore", str(file), "--database", str(log))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    return result.stderr


def names(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


def test_a_backup_made_while_it_is_served_and_written_is_one_moments_log(server, tmp_path):
    server.publish({"eventos": [stock_alert(n, nota="x" * 2000) for n in range(1, 501)]})
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            server.publish(stock_alert(1))

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        copies = [backed_up(server.database, tmp_path / "backup0.db")]
        eventually(lambda: head(server.database)[0] > head(copies[0])[0])  # until more has been written
        copies.append(backed_up(server.database, tmp_path / "backup1.db"))
    finally:
        stop.set()
        writer.join()
    first, second = (head(copy) for copy in copies)
    assert 500 <= first[0] < second[0]
    for copy in copies:
        assert call("verify", str(copy)).stdout == "{} {}\n".format(*head(copy))
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert call("verify", "--database", str(server.database), "--head", "{} {}".format(*head(copy))).exit_code == 0
    assert names(tmp_path) >= {"backup0.db", "backup1.db"}
    assert not [name for name in names(tmp_path) if "part" in name or name.startswith("backup0.db-")]


def test_a_backup_replaces_no_file_and_one_of_a_damaged_log_is_not_made(log, tmp_path):
    backed_up(log, tmp_path / "backup.db")
    before = (tmp_path / "backup.db").read_bytes()
    assert "exists already" in fails(1, "backup", str(tmp_path / "backup.db"), "--database", str(log))
    assert (tmp_path / "backup.db").read_bytes() == before
    assert "does not exist" in fails(1, "backup", str(tmp_path / "none" / "b.db"), "--database", str(log))
    with opened(log) as connection:
        connection.execute("UPDATE events SET data = replace(data, 'Jalape', 'Jalapa') WHERE id = 7")
    message = fails(1, "backup", str(tmp_path / "other.db"), "--database", str(log))
    assert message == f"pos-notif: {log}: event 7 does not match its hash\n"
    assert names(tmp_path) == {"log.db", "log.db-backup", "log.db-writer", "backup.db"}


def test_a_restored_log_has_another_epoch_and_higher_ids_and_no_sessions(server, tmp_path):
    server.create_user("ana", "cocinero")
    cookie = server.login("ana")
    server.new_order(1)
    backup = backed_up(server.database, tmp_path / "backup.db")
    lost = server.new_order(2)
    before = epoch(server.database)
    assert "in use by another process" in fails(1, "restore", str(backup), "--database", str(server.database))
    assert epoch(server.database) == before
    server.stop()
    said = restored(backup, server.database)
    assert "the next event is 1000001" in said
    [aside] = [path for path in server.database.parent.iterdir() if "before-restore" in path.name]
    assert str(aside) in said
    assert head(aside)[0] == 2
    assert call("verify", "--database", str(server.database)).exit_code == 0
    server.start()
    assert server.request("GET", "/api/pedidos/2")[0] == 404
    assert server.request("GET", "/api/auth/sesion", token=None, cookie=cookie)[0] == 401
    with SseClient(server, "manager", last_event_id=lost["cursor"]) as stream:
        assert stream.next_event("resincronizar").data["motivo"] == "epoca"
        assert server.new_order(2)["id"] == 1_000_001
        assert stream.take(1)[0].data["id"] == 1_000_001
    with SseClient(server, "manager", query="?cursor=inicio") as stream:
        assert [frame.data["id"] for frame in stream.take(2)] == [1, 1_000_001]
    assert call("verify", "--database", str(server.database)).exit_code == 0
    server.login("ana")
    # What a restored log's backup and its restore are.
    server.stop()
    restored(backed_up(server.database, tmp_path / "again.db"), server.database)
    assert head(server.database)[0] == 2_000_000


async def test_no_id_that_was_given_after_the_backup_is_given_anew(tmp_path):
    log = tmp_path / "log.db"
    numbers: list[int] = []

    async def give(number: int) -> dict[str, int]:
        """One of each kind that has ids of its own."""
        async with in_process(log) as service:
            token = await service.accounts.create_token(f"pos{number}")
            user = await service.accounts.create_user(f"ana{number}", "mesero", "1234")
            dish = (await service.call("POST", "/api/productos", {"nombre": "Flan", "precio": 1}, token=token)).json
            assert (await service.login(f"ana{number}")).status == 200
            items = [{"producto_id": dish["id"], "cantidad": 1}]
            body = {"operacion_id": f"op{number}", "tipo": "mesa", "items": items}
            order = (await service.call("POST", "/api/pedidos", body, token=token)).json["pedido"]
            [session] = [
                row["id"] for row in await service.accounts.list_sessions() if row["username"] == f"ana{number}"
            ]
            whose = await service.accounts.find_token(token)
            numbers.append(int(order["numero"][1:]))
        return {"order": order["id"], "dish": dish["id"], "user": user, "session": session, "token": whose.id}

    first = await give(1)
    backup = backed_up(log, tmp_path / "backup.db")
    lost = await give(2)
    assert lost == {kind: number + 1 for kind, number in first.items()}
    restored(backup, log)
    found = await give(3)
    assert found == {kind: number + 100_001 for kind, number in first.items()}
    # And a backup of the restored log, restored before anything is numbered in it.
    restored(backed_up(log, tmp_path / "again.db"), log)
    restored(backed_up(log, tmp_path / "third.db"), log)
    assert await give(4) == {kind: number + 200_001 for kind, number in found.items()}
    # The day's numbers that were lost have been called out.
    assert numbers == [1, 2, 502, 1003]
    assert call("verify", "--database", str(log)).exit_code == 0


def test_a_damaged_log_is_replaced_and_kept_and_a_damaged_backup_is_refused(log, tmp_path):
    backup = backed_up(log, tmp_path / "backup.db")
    good = content(log)
    log.write_bytes(b"SQLite format 3\0" + b"\x13" * 20_000)
    (tmp_path / "log.db-wal").write_bytes(b"old")
    restored(backup, log)
    assert content(log)[1:] == good[1:]
    kept = sorted(name for name in names(tmp_path) if "before-restore" in name)
    assert len(kept) == 2
    assert kept[1] == kept[0] + "-wal"
    good = content(log)
    broken = Path(shutil.copy(backup, tmp_path / "broken.db"))
    with opened(broken) as connection:
        connection.execute("DELETE FROM events WHERE id = 7")
    message = fails(1, "restore", str(broken), "--database", str(log))
    assert message == f"pos-notif: {broken}: event 7 is missing before event 8\n"
    (tmp_path / "notes.txt").write_text("Comprar queso\n" * 1000)
    assert "is not a SQLite database" in fails(1, "restore", str(tmp_path / "notes.txt"), "--database", str(log))
    assert "No such file" in fails(1, "restore", str(tmp_path / "none.db"), "--database", str(log))
    assert "is the log itself" in fails(1, "restore", str(log), "--database", str(log))
    assert content(log) == good
    assert not [name for name in names(tmp_path) if "part" in name]


def test_a_log_of_an_older_version_is_brought_up_and_owner_mode_and_link_stay(tmp_path, log):
    backup = backed_up(log, tmp_path / "backup.db")
    (tmp_path / "disk").mkdir()
    real = Path(shutil.move(log, tmp_path / "disk" / "real.db"))
    real.chmod(0o640)
    os.chown(real, 1234, 1234) if os.geteuid() == 0 else None
    log.symlink_to(real)
    with opened(backup) as connection:
        for index in ("events_prunings", "events_alarms", "events_time", "events_type"):
            connection.execute(f"DROP INDEX {index}")
        cluster = ("epochs", "members", "node", "positions")
        push = ("push_keys", "push_subscriptions", "ntfy_topics", "push_seen", "push_cursor")
        for table in ("screens", "order_words", *cluster, *push):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX products_pos_id")
        for column in ("pos_id", "hidden"):
            connection.execute(f"ALTER TABLE products DROP COLUMN {column}")
        # SQLite would cut the last column off at the comma before it, and finds one in the column's comment.
        [(log_table,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'log'")
        end = log_table.index(",", log_table.index("subscriptions_version"))
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'log'", (log_table[:end] + ")",))
        connection.execute("PRAGMA user_version = 3")
    restored(backup, log)
    assert log.is_symlink()
    found = real.stat()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert os.geteuid() != 0 or (found.st_uid, found.st_gid) == (1234, 1234)
    assert call("verify", "--database", str(log)).exit_code == 0


def test_a_restore_where_there_is_no_log_makes_one(tmp_path, log):
    backup = backed_up(log, tmp_path / "backup.db")
    restored(backup, tmp_path / "new.db")
    assert content(tmp_path / "new.db")[1:] == content(log)[1:]
    assert names(tmp_path) == {"log.db", "log.db-backup", "log.db-writer", "backup.db", "new.db"}
