"""`pos-notif verify` and `import`: the first fault is named, in a database and in an export."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import call, fails
from tests.support.logs import opened
from tests.support.whole_logs import content, epoch, export, head, make_log, order_events

NOW = 1_764_000_000_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """60 events of 10 orders, the last of which stay open."""
    orders = [
        order_events(number, ("en_cocina", "listo", "servido", "cerrado")[: 4 - number // 9]) for number in range(1, 11)
    ]
    drafts = [event for events in orders for event in events]
    drafts += [{"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "pedido_id": 3}] * 2
    return make_log(tmp_path_factory.mktemp("sound") / "log.db", (NOW, drafts))


@pytest.fixture
def log(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "log.db"))


@pytest.fixture
def exported(log: Path, tmp_path: Path) -> Path:
    return export(log, tmp_path / "log.ndjson")


def unsound(*arguments: str | Path) -> str:
    return fails(1, "verify", *map(str, arguments))


def test_a_sound_log_and_its_export_print_their_head(log, exported):
    expected = "{} {}\n".format(*head(log))
    for arguments in (["--database", str(log)], [str(log)], [str(exported)], [str(exported), "--head", expected]):
        result = call("verify", *arguments)
        assert (result.exit_code, result.stdout) == (0, expected), result.stderr
        assert "60 events" in result.stderr


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE events SET data = replace(data, 'Jalape', 'Jalapa') WHERE id = 7", "event 7 does not match its hash"),
        ("UPDATE events SET data = CAST(x'ff' || data AS TEXT) WHERE id = 7", "event 7 does not match its hash"),
        ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 7", "event 7 does not match"),
        ("DELETE FROM events WHERE id = 1", "event 1 is missing before event 2"),
        ("DELETE FROM events WHERE id IN (7, 8)", "events 7 to 8 are missing before event 9"),
        ("DELETE FROM events WHERE id > 57", "the log ends at event 57, but its head is 60"),
        ("DELETE FROM events", "the log ends at event 0, but its head is 60"),
        ("UPDATE events SET data = (SELECT data FROM events e WHERE e.id = 15 - events.id) WHERE id IN (7, 8)",
         "the row of event 7 holds event 8"),
        ("UPDATE events SET id = CASE id WHEN 7 THEN -8 ELSE -7 END WHERE id IN (7, 8); UPDATE events SET id = -id"
         " WHERE id < 0", "the row of event 7 holds event 8"),
        ("UPDATE events SET id = 700 WHERE id = 60", "event 700 has another id in its row"),
        ("UPDATE events SET to_kitchen = 1 - to_kitchen WHERE id = 7", "the columns of event 7"),
        ("UPDATE events SET ms = ms + 1 WHERE id = 7", "the columns of event 7"),
        ("UPDATE events SET order_id = 5 WHERE id = 7", "the columns of event 7"),
        ("UPDATE orders SET data = replace(data, 'Jalape', 'Jalapa') WHERE id = 4", "order 4 is not what"),
        ("UPDATE orders SET state = 'cerrado' WHERE id = 10", "order 10 is not what"),
        ("DELETE FROM orders WHERE id = 4", "order 4 is not what"),
        ("INSERT INTO orders SELECT 99, state, 99, 1, NULL, 1, 0, data FROM orders WHERE id = 10", "order 99 is"),
        ("UPDATE log SET oldest = 8, anchor_hash = (SELECT hash FROM events WHERE id = 7);"
         "DELETE FROM events WHERE id < 8", "the log begins after event 7, and no poda event says so"),
    ],
)  # fmt: skip
def test_the_first_fault_of_a_database_is_named(log, change, problem):
    with opened(log) as connection:
        connection.executescript(change)
    message = unsound("--database", log)
    assert problem in message
    assert message.startswith(f"pos-notif: {log}: ")


def altered(exported: Path, change) -> Path:
    """The export with its lines changed by `change(lines)`, the last line included."""
    lines = exported.read_bytes().splitlines(keepends=True)
    change(lines)
    exported.write_bytes(b"".join(lines))
    return exported


def swap(lines):
    lines[6], lines[7] = lines[7], lines[6]


def repeat(lines):
    lines.insert(7, lines[6])


def flip(lines):
    lines[6] = lines[6].replace(b"Jalape", b"Jalapa").replace(b"en_cocina", b"en_cocinb")


def last_told(**changes):
    def change(lines):
        lines[-1] = json.dumps({**json.loads(lines[-1]), **changes}).encode() + b"\n"

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (flip, "line 7: event 7 does not match its hash"),
        (lambda lines: lines.__delitem__(6), "line 7: event 7 is missing before event 8"),
        (lambda lines: lines.__delitem__(0), "line 1: event 1 is missing before event 2"),
        (swap, "line 7: event 8 stands before event 7"),
        (repeat, "line 8: event 7 stands there twice"),
        (lambda lines: lines.append(lines.pop(6)), "does not end with the line"),
        (lambda lines: lines.insert(-1, lines.pop(6)), "line 7: event 8 stands before event 7"),
        (lambda lines: lines.__delitem__(slice(-4, -1)), "ends at event 57, but its head is 60: its tail was cut"),
        (lambda lines: lines.pop(), "does not end with the line"),
        (lambda lines: lines.__setitem__(6, b"\n"), "line 7: is no event"),
        (lambda lines: lines.__setitem__(6, lines[6].replace(b"\n", b"\r\n")), "line 7: is no event"),
        (last_told(completo=False), "filtered export"),
        (last_told(total=59), "has 60 events, but its last line says 59"),
        (last_told(ancla_id="0"), "does not end with the line"),
        (lambda lines: lines.clear(), "does not end with the line"),
    ],
)  # fmt: skip
def test_the_first_fault_of_an_export_is_named_and_nothing_of_it_is_imported(exported, tmp_path, change, problem):
    altered(exported, change)
    message = unsound(exported)
    assert message.startswith(f"pos-notif: {exported}: ")
    assert problem in message
    assert problem in fails(1, "import", str(exported), "--database", str(tmp_path / "new.db"))
    assert {file.name for file in tmp_path.iterdir()} == {"log.db", "log.ndjson"}


def test_only_a_head_noted_elsewhere_shows_a_tail_that_was_cut_with_its_head(log, tmp_path):
    noted = "{} {}".format(*head(log))
    with opened(log) as connection:
        last = connection.execute("SELECT id, hash FROM events WHERE id = 58").fetchone()
        connection.execute("DELETE FROM events WHERE id > ?", last[:1])
        connection.execute("UPDATE log SET head_id = ?, head_hash = ?", last)
    assert call("verify", "--database", str(log)).exit_code == 0
    exported = export(log, tmp_path / "cut.ndjson")
    for arguments in (["--database", log], [exported]):
        assert "the log ends at event 58, but event 60 was in it" in unsound(*arguments, "--head", noted)
        assert call("verify", *map(str, arguments), "--head", "{} {}".format(*last)).exit_code == 0


def test_a_chain_that_was_made_anew_is_found_by_a_noted_head(log):
    noted = "{} {}".format(*head(log))
    with opened(log) as connection:
        rows = connection.execute("SELECT id, data, hash FROM events WHERE id >= 59 ORDER BY id").fetchall()
        previous = connection.execute("SELECT hash FROM events WHERE id = 58").fetchone()[0]
        for event_id, data, _ in rows:
            data = data.replace("Queso", "Crema")
            previous = hashlib.sha256(f"{previous}\n{data}".encode()).hexdigest()
            connection.execute("UPDATE events SET data = ?, hash = ? WHERE id = ?", (data, previous, event_id))
        connection.execute("UPDATE log SET head_hash = ?", (previous,))
    assert call("verify", "--database", str(log)).exit_code == 0
    assert "event 60 had another hash when it was noted" in unsound("--database", log, "--head", noted)


def test_what_is_no_log_is_one_clear_line(tmp_path):
    (tmp_path / "notes.txt").write_text("Comprar queso\n" * 1000)
    with opened(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE cars (id INTEGER)")
    assert "does not end with the line" in unsound(tmp_path / "notes.txt")
    assert "No such file" in unsound(tmp_path / "none")
    assert "Is a directory" in unsound(tmp_path)
    assert "another program" in unsound(tmp_path / "other.db")
    assert "does not exist" in unsound("--database", tmp_path / "none.db")
    assert "64 hex digits" in call("verify", "--head", "7", "--database", str(tmp_path / "none.db")).stderr
    with opened(tmp_path / "other.db") as connection:
        connection.execute(f"PRAGMA application_id = {0x504F534E}")
        connection.execute("PRAGMA user_version = 99")
    assert "newer pos-notif" in unsound(tmp_path / "other.db")


def test_verifying_reads_only(log, exported):
    before = log.read_bytes()
    assert call("verify", str(log)).exit_code == 0
    assert log.read_bytes() == before
    assert {file.name for file in log.parent.iterdir()} == {"log.db", "log.ndjson"}


# Importing


def test_an_import_gives_the_same_rows_hashes_and_orders_in_another_epoch(log, exported, tmp_path):
    new = tmp_path / "new.db"
    assert call("token", "create", "pos", "--database", str(new)).exit_code == 0
    result = call("import", str(exported), "--database", str(new))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    assert content(new) == content(log)
    assert epoch(new) != epoch(log)
    assert call("verify", "--database", str(new)).exit_code == 0
    assert "pos" in call("token", "list", "--database", str(new)).stdout
    assert "has events already" in fails(1, "import", str(exported), "--database", str(new))
    assert content(new) == content(log)


def test_an_empty_export_makes_an_empty_log(tmp_path):
    empty = make_log(tmp_path / "empty.db")
    exported = export(empty, tmp_path / "empty.ndjson")
    assert call("import", str(exported), "--database", str(tmp_path / "new.db")).exit_code == 0
    assert content(tmp_path / "new.db") == content(empty)


def test_a_log_that_somebody_has_open_takes_no_import(server, exported):
    assert "in use by another process" in fails(1, "import", str(exported), "--database", str(server.database))
    server.new_order(1)
