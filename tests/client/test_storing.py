"""What a call stores, and what it says where it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

import pos_notif_client
from pos_notif_client import DISK_SECONDS, ClaveReutilizada, Llena, SinDisco, is_on_network
from tests.client.program import ENVIRONMENT
from tests.faults.namespaces import unshare
from tests.soak.check import read_log
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually


@contextlib.contextmanager
def opened(db: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(db, timeout=30, isolation_level=None)) as connection:
        yield connection


def nested(levels: int) -> list[object]:
    return [] if levels == 1 else [nested(levels - 1)]


def test_the_bytes_are_stored_as_they_will_be_sent_in_a_file_that_survives_a_power_cut(make_outbox, tmp_path):
    outbox = make_outbox()
    before = datetime.now().astimezone()
    key = outbox.notificar_nuevo_pedido({"id": 1, "cliente_nombre": "José Ñ"}, operacion_id=None)
    with opened(tmp_path / "salida.db") as db:
        [(stored, body)] = db.execute("SELECT clave, cuerpo FROM pos_notif_salida")
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    event = json.loads(body)
    assert stored == key == event["operacion_id"]
    assert event["pedido"] == {"id": 1, "cliente_nombre": "José Ñ"}
    origin = datetime.fromisoformat(event["timestamp_origen"])
    assert origin.utcoffset() is not None
    assert abs((origin - before).total_seconds()) < 3600
    assert outbox._run(lambda db: db.execute("PRAGMA synchronous").fetchone(), write=False) == (2,)


@pytest.mark.parametrize("given", ["2026-11-24T19:05:12", "ayer"])
def test_the_poss_own_time_is_left_as_it_is(make_outbox, tmp_path, given):
    outbox = make_outbox()
    outbox.publicar({"tipo": "nuevo_pedido", "pedido": {"id": 1}, "timestamp": given})
    outbox.publicar({"tipo": "nuevo_pedido", "pedido": {"id": 1}, "timestamp_origen": given})
    with opened(tmp_path / "salida.db") as db:
        first, second = (json.loads(body) for (body,) in db.execute("SELECT cuerpo FROM pos_notif_salida"))
    assert (first["timestamp"], "timestamp_origen" in first) == (given, False)
    assert second["timestamp_origen"] == given


LOOP: list[object] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    "wrong",
    [float("nan"), float("inf"), b"bytes", {1, 2}, object(), "\ud800", nested(15), LOOP, "x" * 256 * 1024],
    ids=["NaN", "infinite", "bytes", "a set", "an object", "a lone surrogate", "depth", "a circle", "256 KiB"],
)
def test_what_is_not_json_or_too_large_is_an_error_at_the_call_and_nothing_is_stored(make_outbox, wrong):
    outbox = make_outbox()
    with pytest.raises(ValueError, match=r"JSON|KiB"):
        outbox.notificar_nuevo_pedido({"id": 1, "notas": wrong})
    assert outbox.pendientes() == 0
    assert outbox.notificar_nuevo_pedido({"id": 1, "notas": nested(14)})  # 16 levels with the event's and the order's


@pytest.mark.parametrize("wrong", [None, [{"tipo": "nuevo_pedido"}], "nuevo_pedido", 7])
def test_what_is_no_object_is_an_error_at_the_call(make_outbox, wrong):
    outbox = make_outbox()
    with pytest.raises(ValueError, match="evento"):
        outbox.publicar(wrong)
    assert outbox.pendientes() == 0


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", 7])
def test_a_key_that_the_service_would_not_take_is_an_error(make_outbox, key):
    outbox = make_outbox()
    with pytest.raises(ValueError, match="operacion_id"):
        outbox.notificar_nuevo_pedido({"id": 1}, operacion_id=key)
    assert outbox.pendientes() == 0


def test_a_full_outbox_refuses_what_is_new_and_says_so(make_outbox, caplog):
    lost = []
    outbox = make_outbox(max_eventos=2, al_llenarse=lost.append)
    assert outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="pedido-1") == "pedido-1"
    assert outbox.notificar_nuevo_pedido({"id": 2})
    assert outbox.notificar_nuevo_pedido({"id": 3}) is None
    assert [event["pedido"] for event in lost] == [{"id": 3}]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="pedido-1") == "pedido-1"  # that is there
    faulty = make_outbox(max_eventos=2, al_llenarse=lambda event: 1 / 0)
    assert faulty.notificar_nuevo_pedido({"id": 3}) is None  # the POS's own fault does not stop the till
    strict = make_outbox(max_bytes=400, estricto=True)
    with pytest.raises(Llena):
        strict.notificar_nuevo_pedido({"id": 4})
    assert outbox.pendientes() == 2


def test_several_events_and_a_table_beside_are_stored_together_or_not_at_all(make_outbox):
    lost = []
    outbox = make_outbox(max_eventos=3, al_llenarse=lost.append)

    def store(first: int) -> list[str]:
        def work(db: sqlite3.Connection) -> list[str]:
            db.execute("CREATE TABLE IF NOT EXISTS pos_notif_salida_mia (n INTEGER)")
            db.execute("INSERT INTO pos_notif_salida_mia VALUES (?)", (first,))
            event = {"tipo": "nuevo_pedido"}
            return [outbox.guardar(db, {**event, "pedido": {"id": number}}) for number in (first, first + 1)]

        return outbox.transaccion(work)

    assert len(store(1)) == 2
    with pytest.raises(Llena):
        store(3)
    assert [event["pedido"]["id"] for event in lost] == [4]
    assert outbox.pendientes() == 2
    count = outbox.transaccion(lambda db: db.execute("SELECT n FROM pos_notif_salida_mia").fetchall(), escribe=False)
    assert count == [(1,)]


# The POS's own transaction


@pytest.fixture
def pos_db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(tmp_path / "pos.db", timeout=10)
    db.row_factory = lambda cursor, row: dict(zip([column[0] for column in cursor.description], row, strict=True))
    db.execute("CREATE TABLE pedidos (id INTEGER PRIMARY KEY)")
    db.commit()
    yield db
    db.close()


@pytest.mark.parametrize("given", ["connection", "function"])
def test_order_and_event_are_committed_together_or_not_at_all(make_outbox, server, pos_db, tmp_path, given):
    function = {"conexion": lambda: pos_db, "db": tmp_path / "pos.db"}
    outbox = make_outbox(server, **({"conexion": pos_db} if given == "connection" else function))
    journal = pos_db.execute("PRAGMA journal_mode").fetchone()
    for number, commit in ((1, False), (2, True), (3, False), (4, True)):
        pos_db.execute("INSERT INTO pedidos VALUES (?)", (number,))
        outbox.notificar_nuevo_pedido({"id": number}, operacion_id=f"pedido-{number}")
        if commit:
            pos_db.commit()
        else:
            pos_db.rollback()
    assert outbox.vaciar(60)
    assert [event["pedido_id"] for event in read_log(server.database)] == [2, 4]
    assert pos_db.execute("PRAGMA journal_mode").fetchone() == journal  # the POS's own affair
    pos_db.execute("INSERT INTO pedidos VALUES (5)")
    with pytest.raises(ClaveReutilizada):
        outbox.notificar_nuevo_pedido({"id": 5}, operacion_id="pedido-4")
    assert pos_db.in_transaction  # the POS decides


@pytest.mark.parametrize("commits", ["by hand", "each statement"])
@pytest.mark.parametrize("failure", [Llena, ZeroDivisionError])
def test_of_several_events_in_the_poss_transaction_none_stays_where_one_finds_no_room(
    make_outbox, pos_db, commits, failure
):
    """The order itself stays, and who tells all of it again tells nothing twice."""
    if commits == "each statement":
        pos_db.isolation_level = None
    outbox = make_outbox(conexion=pos_db, max_eventos=2)

    def store(first: int, last: int) -> Callable[[sqlite3.Connection], None]:
        def work(db: sqlite3.Connection) -> None:
            for number in range(first, last + 1):
                outbox.guardar(db, {"tipo": "nuevo_pedido", "pedido": {"id": number}})
            if failure is not Llena and last > 1:
                raise failure

        return work

    outbox.transaccion(store(1, 1))
    pos_db.execute("INSERT INTO pedidos VALUES (1)")
    with pytest.raises(failure):
        outbox.transaccion(store(2, 3 if failure is Llena else 2))
    assert pos_db.in_transaction is (commits == "by hand")
    pos_db.commit()
    assert outbox.transaccion(ids, escribe=False) == [(1,)]
    assert pos_db.execute("SELECT count(*) AS n FROM pedidos").fetchone() == {"n": 1}


def test_what_is_stored_in_the_poss_transaction_before_anything_else_is_the_poss_to_commit(make_outbox, pos_db):
    outbox = make_outbox(conexion=pos_db)
    for _ in range(2):  # its table is made by the first
        outbox.transaccion(lambda db: outbox.guardar(db, {"tipo": "nuevo_pedido", "pedido": {"id": 1}}))
        assert pos_db.in_transaction
        pos_db.rollback()
    assert outbox.pendientes() == 0


def test_a_pos_that_keeps_its_database_locked_holds_up_nothing_and_doubles_nothing(make_outbox, server, pos_db):
    """Longer than the sender waits to note what it has sent."""
    outbox = make_outbox(server, conexion=pos_db)
    outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="1")
    pos_db.commit()
    pos_db.execute("INSERT INTO pedidos VALUES (1)")
    eventually(lambda: read_log(server.database))
    with Stopwatch() as watch:  # the sender waits for the file now, and the call not for the sender
        outbox.notificar_nuevo_pedido({"id": 2}, operacion_id="2")
    assert watch.seconds < 1
    time.sleep(DISK_SECONDS + 0.5)  # the POS's own time
    pos_db.commit()
    assert outbox.vaciar(60)
    assert [event["operacion_id"] for event in read_log(server.database)] == ["1", "2"]


def test_the_poss_own_database_is_never_taken_for_an_outboxs(make_outbox, pos_db, tmp_path):
    with pytest.raises(SinDisco, match="conexion="):
        make_outbox(db=tmp_path / "pos.db").notificar_nuevo_pedido({"id": 1})
    assert list(tmp_path.glob("pos.db*")) == [tmp_path / "pos.db"]


# Whose it is


@pytest.fixture
def _any_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()}


@pytest.mark.usefixtures("_any_umask")
def test_what_is_made_is_its_owners_alone_whatever_the_umask_is(make_outbox, tmp_path):
    outbox, db = make_outbox(), tmp_path / "salida.db"
    outbox.notificar_nuevo_pedido({"id": 1})
    outbox.estado()
    made = modes(tmp_path)
    outbox.cerrar()
    db.write_bytes(b"no database" * 100)
    make_outbox().notificar_nuevo_pedido({"id": 2})
    made |= modes(tmp_path)
    assert {"salida.db", "salida.db-wal", "salida.db-shm", "salida.db-turno"} < set(made)
    assert any("danada" in name for name in made)
    assert {name: mode for name, mode in made.items() if mode != "0o600"} == {}


@pytest.mark.usefixtures("_any_umask")
def test_what_is_there_and_the_poss_own_keep_their_modes(make_outbox, pos_db, tmp_path):
    (tmp_path / "salida.db").touch(0o640)
    make_outbox().notificar_nuevo_pedido({"id": 1})
    make_outbox(conexion=pos_db).notificar_nuevo_pedido({"id": 1})
    pos_db.commit()
    found = modes(tmp_path)
    assert (found["salida.db"], found["salida.db-wal"], found["pos.db"]) == ("0o640", "0o640", "0o644")


# Where nothing can be stored


def test_a_file_that_another_program_locks_for_a_second_is_waited_for_and_for_longer_is_told(
    make_outbox, monkeypatch, tmp_path
):
    outbox = make_outbox()
    outbox.notificar_nuevo_pedido({"id": 1})
    with opened(tmp_path / "salida.db") as lock, ThreadPoolExecutor(1) as thread:
        lock.execute("BEGIN IMMEDIATE")
        with monkeypatch.context() as patient:  # however long the other program's second is
            patient.setattr(pos_notif_client, "DISK_SECONDS", 60.0)
            waiting = thread.submit(outbox.notificar_nuevo_pedido, {"id": 2})
            time.sleep(1)  # the other program's own time
            assert not waiting.done()
            lock.execute("ROLLBACK")
            assert waiting.result()
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(SinDisco, match="locked"), Stopwatch() as watch:
            outbox.notificar_nuevo_pedido({"id": 3})
        assert watch.seconds < 3
        lock.execute("ROLLBACK")
    outbox.notificar_nuevo_pedido({"id": 4})
    assert outbox.transaccion(ids, escribe=False) == [(1,), (2,), (4,)]


def test_a_disk_that_refuses_every_write_is_told_and_all_goes_on_afterwards(make_outbox):
    outbox = make_outbox()
    outbox.notificar_nuevo_pedido({"id": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SinDisco):
            outbox.notificar_nuevo_pedido({"id": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    outbox.notificar_nuevo_pedido({"id": 3})
    assert outbox.transaccion(ids, escribe=False) == [(1,), (3,)]


def ids(db: sqlite3.Connection) -> list[tuple[int]]:
    return db.execute("SELECT json_extract(cuerpo, '$.pedido.id') FROM pos_notif_salida ORDER BY id").fetchall()


@pytest.mark.faults
def test_a_full_disk_and_a_read_only_one_are_told_at_the_call(tmp_path):
    """A disk of 1 MB, in a mount namespace of its own."""
    namespace = unshare("--mount", ["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
    disk = tmp_path / "disk"
    disk.mkdir()
    program = """
import subprocess, sys
from pos_notif_client import Salida, SinDisco
outbox, stored = Salida(sys.argv[1] + "/salida.db"), 0
def call():
    try:
        return outbox.notificar_nuevo_pedido({"id": 1, "notas": "x" * 5000}) is not None
    except SinDisco as error:
        print(error)
        return False
while call():
    stored += 1
assert stored > 20, stored
assert outbox.pendientes() == stored
outbox.cerrar()
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
assert not call()
"""
    script = f'mount -t tmpfs -o size=1m tmpfs "{disk}" && exec "{sys.executable}" -c "$0" "{disk}"'
    done = subprocess.run(
        [*namespace, "sh", "-c", script, program], capture_output=True, text=True, env=ENVIRONMENT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    full, read_only = done.stdout.splitlines()
    assert "full" in full
    assert "readonly" in read_only or "unable to open" in read_only


@pytest.mark.parametrize("damage", ["garbage", "a page", "nothing but the -wal"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(make_outbox, tmp_path, caplog, damage):
    db = tmp_path / "salida.db"
    first = make_outbox()
    for number in range(1, 60):
        first.notificar_nuevo_pedido({"id": number, "notas": "x" * 1000})
    first.cerrar()
    size = db.stat().st_size
    if damage == "a page":
        with db.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(size - 8192))
    else:
        db.write_bytes(os.urandom(size))
    if damage == "nothing but the -wal":
        shutil.copy(db, f"{db}-wal")
    outbox = make_outbox(db=db)
    assert outbox.notificar_nuevo_pedido({"id": 100})
    assert outbox.pendientes() == 1
    [old] = [path for path in tmp_path.glob("salida.db.danada-*") if not path.name.endswith(("-wal", "-shm"))]
    assert old.stat().st_size == size
    assert ":" not in old.name  # Windows
    assert [record.levelname for record in caplog.records if "damaged" in record.message] == ["ERROR"]


def test_nothing_of_a_damaged_files_wal_gets_into_the_new_one(make_outbox, tmp_path):
    first, db = make_outbox(), tmp_path / "cut" / "salida.db"
    for number in range(1, 60):
        first.notificar_nuevo_pedido({"id": number, "notas": "x" * 1000})
    with opened(tmp_path / "salida.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    first.notificar_nuevo_pedido({"id": 60})
    db.parent.mkdir()
    for ending in ("", "-wal"):  # what a power cut leaves
        subprocess.run(["cp", f"{tmp_path / 'salida.db'}{ending}", f"{db}{ending}"], check=True)
    with db.open("r+b") as file:
        file.write(b"no database")
    outbox = make_outbox(db=db)
    outbox.notificar_nuevo_pedido({"id": 100})
    assert outbox.transaccion(ids, escribe=False) == [(100,)]


def test_who_has_a_file_open_that_is_set_aside_goes_on_in_the_new_one(make_outbox, tmp_path):
    db = tmp_path / "salida.db"
    outbox = make_outbox()
    outbox.notificar_nuevo_pedido({"id": 1})
    for ending in ("", "-wal", "-shm"):
        os.replace(f"{db}{ending}", f"{db}.danada-1{ending}")
    outbox.notificar_nuevo_pedido({"id": 2})
    with opened(db) as connection:
        assert ids(connection) == [(2,)]


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /mnt/red nfs4 rw,vers=4.2 0 0
//server/pos /media/pos\\040compartido cifs rw 0 0
/dev/sdb1 /mnt/red/local ext4 rw 0 0
ana@pos:/ /home/ana/pos fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/pos/salida.db", False),
        ("/mnt/red/salida.db", True),
        ("/mnt/redes/salida.db", False),
        ("/mnt/red/local/salida.db", False),
        ("/media/pos compartido/salida.db", True),
        ("/home/ana/pos/salida.db", True),
    ],
)
def test_another_machines_disk_is_known_by_its_mount(path, expected):
    assert is_on_network(path, MOUNTS) is expected
    assert is_on_network(path, "") is False


def test_a_place_that_is_not_there_is_told_at_the_call(make_outbox, server, tmp_path):
    outbox = make_outbox(server, db=tmp_path / "nowhere" / "salida.db")
    with pytest.raises(SinDisco, match="unable to open"):
        outbox.notificar_nuevo_pedido({"id": 1})
    (tmp_path / "nowhere").mkdir()
    outbox.notificar_nuevo_pedido({"id": 1})
    eventually(lambda: read_log(server.database))


def test_a_process_that_may_open_no_more_files_is_told_so_when_it_asks_who_sends(make_outbox):
    outbox = make_outbox()
    outbox.notificar_nuevo_pedido({"id": 1})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(SinDisco, match="-turno: unable to open"):
            outbox.estado()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert outbox.estado()["enviando"] is False
