"""What is read while the service that was stopped starts again, and from where nothing can be written: that nobody
writes is never concluded from a -wal that is missing."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from pos_notif.database.file import opened_to_read
from pos_notif.history.filters import parse_filters
from pos_notif.history.query import NDJSON, Export, read_log_state
from pos_notif.upkeep.backup import back_up, restore
from pos_notif.upkeep.verification import verify_database
from tests.faults.namespaces import unshare
from tests.support.command_line import PROGRAM, call, drop_root_privileges
from tests.support.live_server import clean_environment
from tests.support.logs import fill_log, stock_alert
from tests.support.whole_logs import head

ROWS, MORE = 2600, 1200


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    log = tmp_path_factory.mktemp("made") / "log.db"
    fill_log(log, [stock_alert(number, nota="x" * 1500) for number in range(1, ROWS + 1)])
    return log


@pytest.fixture
def stopped(made: Path, tmp_path: Path) -> Path:
    """A log in WAL mode that nobody has open: no -wal lies beside it."""
    return Path(shutil.copy(made, tmp_path / "log.db"))


class Meanwhile:
    """Lets a service start in the middle of a command's work, publish more than SQLite keeps in its -wal, and stop."""

    def __init__(self, log: Path, make_server: Callable) -> None:
        self._log = log
        self._make_server = make_server
        self.done = False

    def __call__(self, *_: object) -> None:
        if self.done:
            return
        self.done = True
        server = self._make_server(self._log)
        for first in range(1, MORE, 300):
            server.publish({"eventos": [stock_alert(first + n, nota="y" * 1500) for n in range(300)]})
        server.stop()


@pytest.fixture
def meanwhile(stopped: Path, make_server) -> Meanwhile:
    return Meanwhile(stopped, make_server)


def test_a_log_whose_service_starts_while_it_is_verified_is_sound(stopped, meanwhile):
    with opened_to_read(stopped) as connection:
        sound = verify_database(connection, progress=meanwhile)
    assert meanwhile.done
    assert sound.rows == ROWS + MORE
    locks = {f"log.db-{lock}" for lock in ("alarms", "serve", "writer")}
    assert {file.name for file in stopped.parent.iterdir()} == {"log.db", *locks}


def test_a_backup_of_a_log_whose_service_starts_meanwhile_is_one_moments_log(stopped, meanwhile, tmp_path):
    sound = back_up(stopped, tmp_path / "backup.db", meanwhile)
    assert meanwhile.done
    assert sound.rows == ROWS
    assert head(tmp_path / "backup.db")[0] == ROWS


def test_a_log_whose_service_starts_while_another_is_restored_from_it_is_a_sound_source(stopped, meanwhile, tmp_path):
    restored = restore(stopped, tmp_path / "other.db", meanwhile)
    assert meanwhile.done
    assert restored.sound.rows == ROWS
    assert call("verify", "--database", str(tmp_path / "other.db")).exit_code == 0


def test_a_log_whose_service_starts_while_it_is_exported_is_exported_whole(stopped, meanwhile, tmp_path):
    lines = []
    with opened_to_read(stopped) as connection:
        export = Export(NDJSON, parse_filters({}, UTC), "coma", 0, read_log_state(connection), UTC)
        for _, page in export.begin(connection).pages:
            lines.append(page)
            meanwhile()
    (tmp_path / "log.ndjson").write_bytes(b"".join(lines))
    assert call("verify", str(tmp_path / "log.ndjson")).exit_code == 0


@pytest.mark.parametrize("command", [["verify"], ["export", "--output", "{out}.ndjson"], ["backup", "{out}.db"]])
def test_who_only_reads_leaves_the_file_and_its_folder_as_they_are(stopped, tmp_path, command):
    out = tmp_path / "out"
    out.mkdir()
    before = stopped.read_bytes()
    words = [word.format(out=out / "made") for word in command]
    assert call(*words, "--database", str(stopped)).exit_code == 0
    assert stopped.read_bytes() == before
    assert {file.name for file in stopped.parent.iterdir()} - {"log.db-backup"} == {"log.db", "out"}


def in_read_only_folder(folder: Path, out: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """The command in a mount namespace in which nothing can be written to the folder, but to `out`."""
    script = f'mount --bind "{folder}" "{folder}" && mount -o remount,bind,ro "{folder}" && exec "$@"'
    assert out.parent != folder
    namespace = unshare("--mount", ["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
    return subprocess.run(
        [*namespace, "sh", "-c", script, "sh", *PROGRAM, *command], capture_output=True, text=True,
        env=clean_environment(),
    )  # fmt: skip


@pytest.fixture
def medium(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "medium").mkdir()
    return Path(shutil.copy(made, tmp_path / "medium" / "log.db"))


@pytest.mark.faults
@pytest.mark.parametrize("command", [["verify"], ["export", "--output", "{out}.ndjson"], ["backup", "{out}.db"]])
def test_a_log_on_a_medium_that_cannot_be_written_can_be_read(medium, tmp_path, command):
    out = tmp_path / "made"
    words = [word.format(out=out) for word in command]
    done = in_read_only_folder(medium.parent, out, *words, "--database", str(medium))
    assert done.returncode == 0, done.stderr
    for file in tmp_path.glob("made.*"):
        assert f"{ROWS:,} events" in call("verify", str(file)).stderr
    # A -wal that was copied with it has events that nobody would miss.
    medium.with_name("log.db-wal").write_bytes(b"x" * 5000)
    done = in_read_only_folder(medium.parent, out, "verify", "--database", str(medium))
    assert (done.returncode, done.stdout) == (1, "")
    assert "copy it, with its -wal, to where it can be written" in done.stderr


@pytest.mark.faults
def test_a_medium_that_others_can_write_is_not_believed(medium, make_server):
    """As a folder that a container sees without the right to write, and in which the host's service starts."""
    script = """
import sys
from pathlib import Path
from pos_notif.database.file import opened_to_read
from pos_notif.errors import LogRefused
from pos_notif.upkeep.verification import verify_database
try:
    with opened_to_read(Path(sys.argv[1])) as connection:
        print("reading", flush=True)
        sys.stdin.readline()
        verify_database(connection)
except LogRefused as error:
    print(error)
"""
    namespace = unshare("--mount", ["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
    mount = (
        f'mount --bind "{medium.parent}" "{medium.parent}" && mount -o remount,bind,ro "{medium.parent}" && exec "$@"'
    )
    with subprocess.Popen(
        [*namespace, "sh", "-c", mount, "sh", sys.executable, "-c", script, str(medium)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "reading\n"
        make_server(medium).publish(stock_alert(1))
        process.stdin.write("\n")
        process.stdin.flush()
        assert "somebody wrote to it while it was read" in process.stdout.read()


def test_who_may_not_write_in_the_folder_of_a_log_is_told_so(medium):
    """Another user of the machine: that this one cannot write there says nothing of the service."""
    medium.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done = subprocess.run(
            [*PROGRAM, "verify", "--database", str(medium)], capture_output=True, text=True, env=clean_environment(),
            preexec_fn=drop_root_privileges,
        )  # fmt: skip
    finally:
        medium.parent.chmod(0o700)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"pos-notif: {medium}: cannot be read by who may not write in {medium.parent}\n"


def test_a_damaged_log_is_exported_as_far_as_one_line_says(medium, tmp_path):
    with medium.open("r+b") as file:
        file.seek(file.read().index(b"xxxxxxxx") // 4096 * 4096)
        file.write(bytes(4096))
    done = call("export", "--output", str(tmp_path / "log.ndjson"), "--database", str(medium))
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "malformed" in done.stderr
    assert not list(tmp_path.glob("log.ndjson*"))
