"""`kill -9` in the middle of the log's tools: the log opens, verifies and serves, and what was there is there."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import call, running
from tests.support.forking import FORKER, ForkedProcess
from tests.support.live_server import clean_environment
from tests.support.logs import opened
from tests.support.pos import assert_projection_is_the_fold
from tests.support.waiting import eventually
from tests.support.whole_logs import STATES, content, epoch, export, make_log, order_events

pytestmark = pytest.mark.faults

OLD_MS = 1_600_000_000_000
KILLS = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """6,000 old events, some of orders that are still open."""
    drafts = [event for n in range(1, 1001) for event in order_events(n, STATES if n % 10 else STATES[:3])]
    return make_log(tmp_path_factory.mktemp("made") / "log.db", (OLD_MS, drafts))


@pytest.fixture
def log(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "log.db"))


@contextlib.contextmanager
def started(*arguments: str | Path) -> Iterator[ForkedProcess]:
    """The command at its work: it has nothing to import first."""
    process = FORKER.start(list(map(str, arguments)), clean_environment())
    with process.stdout, process.stderr:
        yield process


def killed_somewhere(seconds: float, *arguments: str | Path) -> bool:
    """Whether the command was killed before its end, somewhere in the second half of the time that it takes."""
    with started(*arguments) as process:
        time.sleep(seconds * random.uniform(0.4, 1.0))  # the moment of the fault: nothing is waited for
        process.kill()
        return process.wait() != 0


def seconds_of(*arguments: str | Path) -> float:
    with started(*arguments) as process:
        begun = time.monotonic()
        assert process.wait() == 0
        return time.monotonic() - begun


def interrupted_at_its_work(source: Path, *arguments: str | Path) -> tuple[int, str]:
    """The exit code, and standard error, of a command that gets a Ctrl-C once it has its source open; 0 of one that was
    done before anybody had seen that."""
    take_it = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - in the background it is ignored
    with running(*map(str, arguments), preexec_fn=take_it) as process:
        files = Path(f"/proc/{process.pid}/fd")

        def is_open() -> bool:
            with contextlib.suppress(OSError):  # it is ending
                return any(os.path.realpath(file) == str(source) for file in files.iterdir())
            return False

        eventually(lambda: process.poll() is not None or is_open())
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        return process.returncode, told


def assert_opens_verifies_and_serves(log: Path, make_server) -> None:
    result = call("verify", "--database", str(log))
    assert result.exit_code == 0, result.stderr
    server = make_server(log)
    server.new_order(9001)
    server.stop()
    assert_projection_is_the_fold(log)


def rows_left(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM events WHERE type <> 'poda'").fetchone()[0])


def kill_a_pruning(log: Path, rows: int) -> None:
    """Where it is killed is seen from outside: no more than so many rows are left. One that was done before anybody had
    seen that begins again, in the log as it was."""
    before = log.with_name("before.db")
    with opened(log) as connection, contextlib.closing(sqlite3.connect(before)) as copy:
        connection.backup(copy)
    for _ in range(10):
        with started("prune", "--yes", "--keep", "400d", "--database", log) as process:
            with opened(log) as connection:
                while rows_left(connection) > rows and process.poll() is None:
                    pass
            process.kill()
            process.wait()
        with opened(log) as connection:
            if rows_left(connection):
                break
            with contextlib.closing(sqlite3.connect(before)) as copy:
                copy.backup(connection)
    before.unlink()


def test_a_killed_pruning_is_sound_and_the_next_one_goes_on(log, make_server):
    for share in (0.9, 0.5, 0.1):
        kill_a_pruning(log, int(6000 * share))
        with opened(log) as connection:
            assert connection.execute("SELECT oldest > 5900, oldest <= head_id FROM log").fetchone() == (1, 1)
            assert rows_left(connection) > 0
        assert call("verify", "--database", str(log)).exit_code == 0
    assert call("prune", "--yes", "--keep", "400d", "--database", str(log)).exit_code == 0
    with opened(log) as connection:
        assert connection.execute("SELECT DISTINCT type FROM events").fetchall() == [("poda",)]
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (100,)
    assert_opens_verifies_and_serves(log, make_server)


def test_a_killed_backup_leaves_the_log_and_no_file_of_that_name(log, tmp_path, make_server):
    seconds = seconds_of("backup", tmp_path / "first.db", "--database", log)
    for number in range(KILLS):
        file = tmp_path / f"backup{number}.db"
        killed_somewhere(seconds, "backup", file, "--database", log)
        if file.exists():
            assert content(file) == content(log)
    assert_opens_verifies_and_serves(log, make_server)


def test_a_killed_restore_leaves_the_old_or_the_new_log(log, made, tmp_path, make_server):
    backup = tmp_path / "backup.db"
    assert call("backup", str(backup), "--database", str(made)).exit_code == 0
    seconds = seconds_of("restore", backup, "--database", log)
    swapped = set()
    for _ in range(KILLS):
        with opened(log) as connection:  # a -wal of its own, as a service that was killed leaves one
            connection.execute("PRAGMA journal_mode = WAL")
        before, old = epoch(log), content(log)
        killed_somewhere(seconds, "restore", backup, "--database", log)
        swapped.add(epoch(log) != before)
        assert content(log)[1:] == old[1:]
        assert epoch(log) != before or content(log) == old
    assert_opens_verifies_and_serves(log, make_server)


def test_a_killed_import_leaves_an_empty_log_or_the_whole_one(log, tmp_path, make_server):
    file = export(log, tmp_path / "log.ndjson")
    seconds = seconds_of("import", file, "--database", tmp_path / "first.db")
    for number in range(KILLS // 2):
        new = tmp_path / f"new{number}.db"
        assert call("token", "create", "before", "--database", str(new)).exit_code == 0
        killed_somewhere(seconds, "import", file, "--database", new)
        with opened(new) as connection:
            assert connection.execute("SELECT count(*), max(id) FROM events").fetchone() in (
                (0, None),
                (6000 - 100, 5900),
            )
        assert call("verify", "--database", str(new)).exit_code == 0
    assert_opens_verifies_and_serves(new, make_server)


@pytest.mark.parametrize("command", ["verify", "verify an export", "backup", "restore", "import", "export", "prune"])
def test_ctrl_c_in_the_middle_is_one_line_and_leaves_what_was_there(command, log, made, tmp_path):
    before, new = content(log), tmp_path / "new.db"
    exported = export(made, tmp_path / "log.ndjson")
    source, arguments = {
        "verify": (log, ("verify", "--database", log)),
        "verify an export": (exported, ("verify", exported)),
        "backup": (log, ("backup", new, "--database", log)),
        "restore": (made, ("restore", made, "--database", log)),
        "import": (exported, ("import", exported, "--database", new)),
        "export": (log, ("export", "--output", tmp_path / "again.ndjson", "--database", log)),
        "prune": (log, ("prune", "--yes", "--keep", "400d", "--database", log)),
    }[command]
    for _ in range(10):
        code, told = interrupted_at_its_work(source, *arguments)
        if code:
            break
        new.unlink(missing_ok=True)
        before = content(log)  # what a command that was done has made of it
    assert code == 1
    assert re.fullmatch(r"pos-notif: (.*: )?interrupted\b.*\n", told), told
    assert list(tmp_path.glob("*.part*")) == []
    assert not new.exists() or (command == "import" and content(new)[1] == [])
    if command != "prune":
        assert content(log) == before
    assert call("verify", "--database", str(log)).exit_code == 0
