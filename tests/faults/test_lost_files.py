"""The database's files are removed, replaced or overwritten under the running service, or damaged: nothing is
acknowledged that nobody finds again, and what was acknowledged can be read."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.check import assert_log_is_sound, read_log
from tests.support.command_line import call
from tests.support.in_process import in_process
from tests.support.live_server import LiveServer, run_cli, with_accounts
from tests.support.logs import fill_log, stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.workers import worker

pytestmark = pytest.mark.faults

PUBLISH = "/api/notificaciones/eventos"
TABLE = "/api/notificaciones/eventos"
NDJSON = "/api/notificaciones/eventos.ndjson"
LOST = "el archivo de la base de datos fue borrado o reemplazado; reinicie el servicio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The log's own, so that it can be moved away."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def server(make_server, folder: Path) -> LiveServer:
    """Serves a log in which three orders were published since the start; `older.db` is one of the first alone."""
    server = make_server(folder / "log.db", heartbeat_seconds="0.2")
    server.new_order(1)
    assert call("backup", str(folder / "older.db"), "--database", str(server.database)).exit_code == 0
    server.new_order(2)
    server.new_order(3)
    return server


def publish(server: LiveServer, number: int) -> tuple[int, str]:
    body = {"tipo": "nuevo_pedido", "pedido": {"id": number}, "operacion_id": f"key-{number}"}
    status, _, answer = server.request("POST", PUBLISH, body)
    return status, answer["error"]["codigo"] if "error" in answer else ""


def readiness(server: LiveServer) -> tuple[int, str]:
    status, _, answer = server.request("GET", "/readyz", token=None)
    return status, answer.get("detalle", "")


def await_loss(server: LiveServer) -> None:
    """Until each of its processes that has the file open knows that it is lost, and has said so."""
    serving = max(1, len(server.processes()) - 1)  # but for a parent
    eventually(lambda: len([line for line in server.stderr_lines if "any more until a restart" in line]) == serving)


def ids(events: list[dict]) -> list[int]:
    return [event["id"] for event in events]


def remove_all(log: Path) -> None:
    for file in log.parent.glob("log.db*"):
        file.unlink(missing_ok=True)  # the service, which looks each second, may have set it aside


def move_older_copy(log: Path) -> None:
    os.replace(log.with_name("older.db"), log)


def move_folder(log: Path) -> None:
    log.parent.rename(log.parent.with_name("elsewhere"))


def make_anew(log: Path) -> None:
    """As who removes it and has any command of ours make another one."""
    remove_all(log)
    run_cli("token", "create", "new", database=log)


GONE: dict[str, Callable[[Path], object]] = {
    "all removed": remove_all,
    "removed": lambda log: log.unlink(),
    "renamed": lambda log: log.rename(log.with_name("other.db")),
    "an older copy moved over it": move_older_copy,
    "its folder moved away": move_folder,
    "made anew": make_anew,
}
COMPANIONS: dict[str, Callable[[Path], object]] = {
    "-wal removed": lambda log: log.with_name("log.db-wal").unlink(),
    "-shm removed": lambda log: log.with_name("log.db-shm").unlink(),
}


@pytest.mark.parametrize("how", [*GONE, *COMPANIONS])
def test_what_would_be_written_into_a_lost_file_is_refused_and_reading_goes_on(server, how):
    log = server.database
    with SseClient(server, "cocinero") as stream:
        stream.next_event("hola")
        (GONE | COMPANIONS)[how](log)
        before = sorted(log.parent.glob("*")) if log.parent.exists() else []
        if how in COMPANIONS:  # at each commit it is only the file itself that is looked at
            await_loss(server)
        assert [publish(server, 4) for _ in range(3)] == [(503, "registro_no_disponible")] * 3
        assert [readiness(server) for _ in range(3)] == [(503, LOST)] * 3
        # The log's table and its downloads open the file anew: what stands there now is not the log.
        for path in (TABLE, NDJSON, f"{NDJSON}?desde_id=1"):
            assert server.request("GET", path)[0] == 503
        assert [publish(server, 4)[0], readiness(server)[0]] == [503, 503]
        after = sorted(log.parent.glob("*")) if log.parent.exists() else []
        assert {path.name.partition(".lost-")[0] for path in after} <= {path.name for path in before} | {"log.db"}
        assert log.exists() == (log in before)
        # From what is open, all that was acknowledged can be read, and nothing else.
        assert ids(server.request("GET", "/api/pedidos")[2]["pedidos"]) == [1, 2, 3]
        with SseClient(server, "manager", query="?cursor=inicio") as replayed:
            assert [frame.data["pedido_id"] for frame in replayed.take(3)] == [1, 2, 3]
        assert [frame.event for frame in itertools.islice(stream.frames(), 3)] == ["latido"] * 3
    await_loss(server)
    assert not [line for line in server.stderr_lines if "Traceback" in line]


@pytest.mark.parametrize("how", ["renamed", "its folder moved away"])
def test_only_a_restart_makes_it_ready_again(server, how):
    log = server.database
    GONE[how](log)
    assert publish(server, 4)[0] == 503
    if how == "renamed":
        log.with_name("other.db").rename(log)
    else:
        log.parent.with_name("elsewhere").rename(log.parent)
    await_loss(server)
    for _ in range(9):
        assert [publish(server, 4)[0], *readiness(server)] == [503, 503, LOST]


def test_what_one_worker_has_found_lost_is_lost_to_each_of_them_and_to_a_successor(make_server, folder):
    server = make_server(folder / "log.db", workers="3")
    server.new_order(1)
    test_only_a_restart_makes_it_ready_again(server, "its folder moved away")
    victim = worker(server, 2)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: worker(server, 2) != victim)
    for _ in range(9):
        assert [publish(server, 4)[0], *readiness(server)] == [503, 503, LOST]
    server.restart()
    assert readiness(server) == (200, "")
    assert publish(server, 4)[0] == 201


def test_a_service_that_nobody_publishes_to_notices_it_too(server):
    remove_all(server.database)
    eventually(lambda: [line for line in server.stderr_lines if "any more until a restart" in line])


@pytest.mark.parametrize("ended", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
@pytest.mark.parametrize("how", ["all removed", "an older copy moved over it"])
def test_what_stands_there_at_the_next_start_is_served_as_it_is(server, how, ended):
    """The write-ahead log of the lost one, which is no part of it, is not written into it."""
    GONE[how](server.database)
    assert publish(server, 4)[0] == 503
    server._end(ended, 60.0)
    kept = [1] if how == "an older copy moved over it" else []
    server._token = with_accounts(server.database, lambda accounts: accounts.create_token("again"))
    server.start()
    assert readiness(server) == (200, "")
    assert ids(server.request("GET", "/api/pedidos")[2]["pedidos"]) == kept
    assert publish(server, 4)[0] == 201
    server.stop()
    assert_log_is_sound(server.database)
    assert len(read_log(server.database)) == len(kept) + 1


@pytest.mark.parametrize("how", COMPANIONS)
def test_a_companion_that_was_removed_takes_nothing_with_it(server, how):
    """What was published before it was noticed, neither."""
    COMPANIONS[how](server.database)
    first = publish(server, 4)[0]
    eventually(lambda: readiness(server) == (503, LOST))
    await_loss(server)
    assert publish(server, 5)[0] == 503
    server.restart()
    assert readiness(server) == (200, "")
    assert publish(server, 4)[0] == (200 if first == 201 else 201)
    assert publish(server, 5) == (201, "")
    server.stop()
    assert_log_is_sound(server.database)
    assert [event["pedido_id"] for event in read_log(server.database)] == [1, 2, 3, 4, 5]


def test_what_was_acknowledged_can_be_saved_from_the_process_as_the_docs_say(server, tmp_path):
    remove_all(server.database)
    assert publish(server, 4)[0] == 503
    for link in [link for process in server.processes() for link in Path(f"/proc/{process}/fd").iterdir()]:
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            name = os.readlink(link)
            if name == f"{server.database} (deleted)":
                shutil.copyfile(link, tmp_path / "saved.db")
            elif name == f"{server.database}-wal (deleted)":
                shutil.copyfile(link, tmp_path / "saved.db-wal")
    assert_log_is_sound(tmp_path / "saved.db")
    assert [event["pedido_id"] for event in read_log(tmp_path / "saved.db")] == [1, 2, 3]


@pytest.mark.parametrize("ended", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
@pytest.mark.parametrize("publishing", [True, False], ids=["publishing", "quiet"])
def test_a_copy_over_the_file_is_found_within_a_second_and_is_served_after_a_restart(
    make_server, folder, publishing, ended
):
    """The file is the same one then, and what was written since the start lies in the write-ahead log: only by what the
    file holds can it be told."""
    log, older = folder / "log.db", folder / "older.db"
    fill_log(log, [stock_alert(number, nota="x" * 2000) for number in range(1, 201)])
    shutil.copy(log, older)
    fill_log(log, [stock_alert(number, nota="x" * 2000) for number in range(201, 401)])
    server = make_server(log)
    assert server.token
    if publishing:
        server.publish(stock_alert(401))
    shutil.copyfile(older, log)
    eventually(lambda: readiness(server) == (503, LOST))
    await_loss(server)
    assert [publish(server, number)[0] for number in (1, 2, 3)] == [503] * 3
    server._end(ended, 60.0)
    assert older.read_bytes() == log.read_bytes()
    server._token = with_accounts(log, lambda accounts: accounts.create_token("again"))
    server.start()
    assert readiness(server) == (200, "")
    assert server.publish(stock_alert(402))["id"] == 201
    server.stop()
    assert_log_is_sound(log)
    assert not [line for line in server.stderr_lines if "Traceback" in line]


@pytest.fixture
def restored_log(folder: Path) -> Path:
    """Its ids have a gap of a million before the next one, and it is longer than what a look takes in."""
    log = folder / "log.db"
    fill_log(log, [stock_alert(number, nota="x" * 2000) for number in range(1, 1201)])
    assert call("backup", str(folder / "backup.db"), "--database", str(log)).exit_code == 0
    assert call("restore", str(folder / "backup.db"), "--database", str(log)).exit_code == 0
    return log


async def test_what_others_do_to_the_file_rightly_is_not_taken_for_that(restored_log, folder):
    """Their checkpoints, a VACUUM, another mode, another name beside its own, and what they write."""
    async with in_process(restored_log) as service:
        await service.create_tokens()
        log = service.app.notifier.log
        for number, work in enumerate(("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "link", "chmod", "user")):
            body = stock_alert(number + 1, nota="y" * 2000)
            assert (await service.call("POST", PUBLISH, body, token=service.manager)).status == 201
            if work == "link":
                os.link(restored_log, folder / "second.db")
            elif work == "chmod":
                restored_log.chmod(0o640)
            elif work == "user":
                run_cli("user", "create", "Ana", "--role", "cocinero", "--password", "1234", database=restored_log)
            else:
                script = f"import sqlite3; sqlite3.connect({str(restored_log)!r}).execute({work!r})"
                subprocess.run([sys.executable, "-c", script], check=True)
            written = log.database.files.signature()
            await log.store.look_at_files()
            assert (log.database.lost, log.database.damage) == (None, None)
            assert log.database.files.signature() == written
        assert log.bounds.newest == 1_001_204


# A damaged part of the file


DAMAGED = "el archivo de la base de datos está dañado: "
ZERO_A_PAGE = """
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(file.read().index(sys.argv[2].encode()) // 4096 * 4096)
    file.write(bytes(4096))
"""


async def read_by_replay(service, cursor: str) -> int:
    path = f"/api/notificaciones/polling/manager?cursor={cursor}"
    return (await service.call("GET", path, token=service.manager)).status


async def read_by_table(service, _: str) -> int:
    return (await service.call("GET", f"{TABLE}?orden=asc&limite=100", token=service.manager)).status


async def read_by_download(service, _: str) -> int:
    answer = await service.call("GET", NDJSON, token=service.manager)
    return answer.status if b'"fin"' in answer.body else 503  # what breaks off has begun with a 200


@pytest.fixture(scope="module")
def long_log(tmp_path_factory) -> Path:
    """More than SQLite keeps in memory, and than is looked at at the start."""
    log = tmp_path_factory.mktemp("long") / "log.db"
    fill_log(log, [stock_alert(number, nota=f"{number:04}" + "x" * 3000) for number in range(1, 2501)])
    return log


@pytest.mark.parametrize("read", [read_by_replay, read_by_table, read_by_download])
async def test_whoever_reads_a_damaged_part_of_the_file_turns_readyz(tmp_path, long_log, read):
    log = Path(shutil.copy(long_log, tmp_path / "log.db"))
    async with in_process(log) as service:
        await service.create_tokens()
        while not all(task.done() for task in service.app.notifier.log._tasks if task.get_name() == "log-check"):
            await service.app.notifier.log.database.read(lambda connection: None)
        # In a process of its own, since closing the file in this one would take the service's locks away.
        damaged = subprocess.run([sys.executable, "-c", ZERO_A_PAGE, str(log), "0050xxx"])
        assert damaged.returncode == 0
        assert (await service.call("GET", "/readyz")).json == {"estado": "listo"}
        epoch = service.app.notifier.log.bounds.epoch
        assert await read(service, f"{epoch}-0") == 503
        answer = await service.call("GET", "/readyz")
        assert (answer.status, answer.json["estado"]) == (503, "registro_no_disponible")
        assert answer.json["detalle"].startswith(DAMAGED)
        # The kitchen still gets its orders.
        body = {"tipo": "nuevo_pedido", "pedido": {"id": 1}}
        assert (await service.call("POST", PUBLISH, body, token=service.manager)).status == 201
        assert "pos_notif_log_damaged 1.0" in (await service.call("GET", "/metrics")).text


def test_a_damaged_part_that_one_worker_has_read_turns_the_readyz_of_each(make_server, tmp_path, long_log):
    log = Path(shutil.copy(long_log, tmp_path / "log.db"))
    server = make_server(log, workers="3")
    epoch = server.publish(stock_alert(1))["cursor"].partition("-")[0]
    assert subprocess.run([sys.executable, "-c", ZERO_A_PAGE, str(log), "0050xxx"]).returncode == 0
    status, _, _ = server.request("GET", f"/api/notificaciones/polling/manager?cursor={epoch}-0")
    assert status == 503
    eventually(lambda: all(readiness(server)[1].startswith(DAMAGED) for _ in range(9)))
