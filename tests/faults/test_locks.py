"""Who has the log open says so by locks, which any plain `open` and `close` of the file in that process takes away
(POSIX). The next command would then take itself for the last user and delete the -wal, with what was acknowledged in
it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pos_notif.cluster.places import Membership, write_membership
from pos_notif.cluster.sequence import NO_PLACE
from tests.support.command_line import PROGRAM, call, fails
from tests.support.live_server import clean_environment, run_cli
from tests.support.whole_logs import export, make_log, order_events

NOW = 1_764_000_000_000
# A POS with the notifier in its process: it publishes what it is told to, and does in between what is named. A command
# that does not work beside a log in use must say so.
HOLDER = """
import asyncio, json, sys, threading
from click.testing import CliRunner
from pos_notif import NotificadorPedidos
from pos_notif.cli.main import main

database, meanwhile, is_refused = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()

def wait_for(work):
    return asyncio.run_coroutine_threadsafe(work, loop).result()

def publish(first):
    for number in range(first, first + 5):
        wait_for(notifier.notificar_nuevo_pedido({"id": number}))

notifier = NotificadorPedidos(database=database)
wait_for(notifier.open())
publish(1)
if meanwhile == "second notifier":
    second = NotificadorPedidos(database=database)
    wait_for(second.open())
    wait_for(second.close())
else:
    result = CliRunner().invoke(main, meanwhile)
    said_so = "is in use by this process itself" in result.output
    assert (result.exit_code, said_so) == (int(is_refused), is_refused), result.output
print("ready", flush=True)
sys.stdin.readline()
publish(6)
print("acknowledged", flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def holder(database: Path, meanwhile: str | list[str], *, is_refused: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Has published five events, and done what it was to do, or been refused it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database), json.dumps(meanwhile), json.dumps(is_refused)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def words(meanwhile: object) -> str | None:
    """A case's name."""
    if isinstance(meanwhile, list):
        return " ".join(meanwhile[:2]).replace("{log}", "FILE").replace("{other}", "FILE")
    return meanwhile if isinstance(meanwhile, str) else None


def go_on_and_be_killed(process: subprocess.Popen[str], log: Path) -> str:
    """What `verify` says after another command was the log's last user, five more events and a kill."""
    assert run_cli("user", "list", database=log).returncode == 0
    go_on(process)
    assert process.stdout.readline() == "acknowledged\n"
    process.kill()
    process.wait()
    return run_cli("verify", database=log).stderr


@pytest.mark.faults
@pytest.mark.parametrize(
    "meanwhile",
    [
        "second notifier",
        ["user", "list", "--database", "{log}"],
        ["verify", "{log}"],
        ["verify", "--database", "{log}"],
        ["export", "--output", "{log}.ndjson", "--database", "{log}"],
        ["backup", "{log}.backup", "--database", "{log}"],
    ],
    ids=words,
)
def test_what_a_process_acknowledged_stays_whatever_else_opens_its_log(tmp_path, meanwhile):
    log = tmp_path / "log.db"
    arguments = meanwhile if isinstance(meanwhile, str) else [word.format(log=log) for word in meanwhile]
    with holder(log, arguments) as process:
        assert "sound: 10 events" in go_on_and_be_killed(process, log)


CLUSTER = ["--cluster", "etcd://127.0.0.1:1"]  # nobody answers there, and nobody is to be asked


@pytest.mark.faults
@pytest.mark.parametrize(
    "meanwhile",
    [
        ["import", "{other}.ndjson", "--database", "{log}"],
        ["restore", "{other}", "--database", "{log}"],
        ["cluster", "init", *CLUSTER, "--node", "caja", "--database", "{log}"],
    ],
    ids=words,
)
def test_a_process_neither_fills_nor_replaces_its_own_log(tmp_path, meanwhile):
    """Nor does it lose what it acknowledges after it was refused that."""
    log, other = tmp_path / "log.db", make_log(tmp_path / "other.db", (NOW, order_events(1)))
    export(other, tmp_path / "other.db.ndjson")
    arguments = [word.format(log=log, other=other) for word in meanwhile]
    with holder(log, arguments, is_refused=True) as process:
        assert "sound: 10 events" in go_on_and_be_killed(process, log)
    assert not list(tmp_path.glob("*before-restore*"))


@pytest.mark.parametrize("command", ["detach", "rejoin"])
def test_a_process_leaves_a_nodes_file_that_it_has_open(tmp_path, command):
    log = make_log(tmp_path / "log.db", (NOW, order_events(1)))
    with contextlib.closing(sqlite3.connect(log)) as connection, connection:
        write_membership(connection, Membership("log", "etcd", "caja", NO_PLACE, None))
    arguments = {"detach": [], "rejoin": ["http://127.0.0.1:1", *CLUSTER]}[command]
    with contextlib.closing(sqlite3.connect(log)) as held:
        held.execute("SELECT head_id FROM log").fetchone()
        assert "is in use by this process itself" in fails(1, "cluster", command, *arguments, "--database", str(log))
        # Whoever opens it now is not its last user, and lets its write-ahead log be.
        assert run_cli("verify", database=log).returncode == 0
        assert Path(f"{log}-wal").exists()


@pytest.mark.faults
@pytest.mark.parametrize("command", ["restore", "import"])
def test_a_log_that_is_in_use_is_neither_replaced_nor_filled(tmp_path, command):
    """Also where the process that uses it has opened and closed it a second time."""
    log = tmp_path / "log.db"
    other = make_log(tmp_path / "other.db", (NOW, order_events(1)))
    source = other if command == "restore" else export(other, tmp_path / "other.ndjson")
    with holder(log, "second notifier") as process:
        done = run_cli(command, str(source), database=log, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "in use by another process" in done.stderr
        go_on(process)
        assert process.stdout.readline() == "acknowledged\n"
    assert "sound: 10 events" in run_cli("verify", database=log).stderr
    assert not list(tmp_path.glob("*before-restore*"))


def test_a_log_that_is_being_replaced_can_be_opened_by_nobody(tmp_path, monkeypatch):
    """On a file system without links, where the old log is kept as a copy, too."""
    log = make_log(tmp_path / "log.db", (NOW, order_events(1)))
    backup = Path(shutil.copy(log, tmp_path / "backup.db"))
    replace = os.replace
    seen = []

    def look(*names: object) -> None:
        seen.append(subprocess.run([*PROGRAM, "user", "list", "--database", str(log)], capture_output=True, text=True))
        replace(*names)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("os.replace", look)
    assert call("restore", str(backup), "--database", str(log)).exit_code == 0
    [during] = seen
    assert during.returncode == 1
    assert "locked" in during.stderr
    assert "sound: 6 events" in run_cli("verify", database=log).stderr
