"""A disk without room for the log's tools, and whose files they make."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.namespaces import unshare
from tests.faults.test_disk import MOUNT, pid, publish, publish_until_refused, ready
from tests.support.command_line import PROGRAM, call
from tests.support.live_server import LiveServer, clean_environment
from tests.support.logs import fill_log, stock_alert
from tests.support.waiting import eventually
from tests.support.whole_logs import export, make_log, order_events

pytestmark = pytest.mark.faults

OLD_MS = 1_600_000_000_000
DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def old_log(tmp_path_factory) -> Path:
    """12 MB of old events, and an order that is still open."""
    drafts = [stock_alert(number, nota="x" * 2500) for number in range(1, 3001)]
    return make_log(tmp_path_factory.mktemp("old") / "log.db", (OLD_MS, [*order_events(1, ("en_cocina",)), *drafts]))


@pytest.fixture
def small_disk(tmp_path: Path, old_log: Path) -> Iterator[LiveServer]:
    """A service whose log is alone on a disk of 40 MB."""
    namespace = unshare("--mount", MOUNT)
    disk, first = tmp_path / "disk", Path(shutil.copy(old_log, tmp_path / "first.db"))
    disk.mkdir()
    token = LiveServer(first).token
    script = (
        f'mount -t tmpfs -o size=40m tmpfs "{disk}" && cp "{first}" "{disk}/log.db"'
        f' && exec "{sys.executable}" -m pos_notif "$@"'
    )
    server = LiveServer(disk / "log.db", command=[*namespace, "sh", "-c", script, "sh"], _token=token).start()
    yield server
    server.close()


def on_its_disk(server: LiveServer, *command: str) -> subprocess.CompletedProcess[str]:
    """`pos-notif` in the service's namespace."""
    enter = ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", str(pid(server))]
    folder = str(Path(__file__).parents[2])
    environment = {**clean_environment(), "PYTHONPATH": folder}
    return subprocess.run([*enter, *PROGRAM, *command], capture_output=True, text=True, env=environment)


def fill(disk: Path, left: int) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - left))
    return filler


def test_a_log_whose_disk_is_full_is_pruned_and_taken_events_again(small_disk):
    server = small_disk
    disk = Path(f"/proc/{pid(server)}/root{server.database.parent}")
    filler = fill(disk, 0)
    first = publish_until_refused(server, 1)
    assert ready(server) == 503
    done = on_its_disk(server, "verify", "--database", str(server.database))
    assert done.returncode == 0, done.stderr
    # A MiB, as the docs say: the filler's last one.
    os.truncate(filler, filler.stat().st_size - 1024 * 1024)
    done = on_its_disk(server, "prune", "--yes", "--keep", "400d", "--database", str(server.database))
    assert done.returncode == 0, done.stderr
    assert "pruned 3,003 events" in done.stderr
    # The file is as large as it was, and the disk as full; what is free in it is enough for what comes.
    assert filler.exists()
    for number in range(first, first + 600):
        assert publish(server, number)[0] == 201
    eventually(lambda: ready(server) == 503)  # when most of it is used
    assert server.request("GET", "/api/pedidos/1")[0] == 200
    assert on_its_disk(server, "verify", "--database", str(server.database)).returncode == 0
    assert not [line for line in server.stderr_lines if "Traceback" in line]


@pytest.mark.parametrize("command", ["backup", "restore", "export", "import"])
def test_it_is_the_full_disk_that_is_named(tmp_path, old_log, command):
    """And not what was read, which has room around it."""
    namespace = unshare("--mount", MOUNT)
    source = Path(shutil.copy(old_log, tmp_path / "log.db"))
    (tmp_path / "full").mkdir()
    target = tmp_path / "full" / "made"
    words = {
        "backup": ["backup", target, "--database", source],
        "restore": ["restore", source, "--database", target],
        "export": ["export", "--output", target, "--database", source],
        "import": ["import", export(source, tmp_path / "log.ndjson"), "--database", target],
    }[command]
    script = f'mount -t tmpfs -o size=2m tmpfs "{target.parent}" && "$@"; code=$?; ls -A "{target.parent}"; exit $code'
    done = subprocess.run(
        [*namespace, "sh", "-c", script, "sh", *PROGRAM, *map(str, words)],
        capture_output=True, text=True, env=clean_environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, ""), done.stderr  # and nothing is left there
    assert re.fullmatch(rf"pos-notif: {re.escape(str(target))}: .*(room|No space).*\n", done.stderr), done.stderr


def test_what_is_made_is_its_owners_alone_whatever_the_umask_is(tmp_path, monkeypatch):
    before = os.umask(0o022)
    try:
        log = tmp_path / "log.db"
        server = LiveServer(log).start()  # not forked from a process that has another umask
        try:
            server.new_order(1)
            eventually(lambda: (tmp_path / "log.db-alarms").exists())
            made = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        finally:
            server.close()
        commands = [
            ["user", "create", "Ana", "--role", "mesero", "--password", "1234", "--database", "users.db"],
            ["backup", "backup.db", "--database", "log.db"],
            ["restore", "backup.db", "--database", "restored.db"],
            ["export", "--output", "log.ndjson", "--database", "log.db"],
            ["export", "--format", "csv", "--output", "log.csv", "--database", "log.db"],
            ["import", "log.ndjson", "--database", "imported.db"],
        ]
        monkeypatch.chdir(tmp_path)
        for command in commands:
            result = call(*command)
            assert result.exit_code == 0, result.stderr
    finally:
        os.umask(before)
    made |= {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    locks = {f"log.db-{lock}" for lock in ("alarms", "serve", "writer")}
    assert {"log.db", "log.db-wal", "log.db-shm", *locks, "users.db", "imported.db", "log.csv"} <= set(made)
    assert {name: oct(mode) for name, mode in made.items() if mode != 0o600} == {}


def test_what_is_there_keeps_its_mode(tmp_path):
    log, output = tmp_path / "log.db", tmp_path / "log.ndjson"
    log.touch()
    log.chmod(0o660)
    output.touch()
    output.chmod(0o644)
    (tmp_path / "log.csv.partial").touch(0o644)  # of an export that was killed
    fill_log(log, [stock_alert(1)])
    assert call("export", "--output", str(output), "--database", str(log)).exit_code == 0
    assert (
        call("export", "--format", "csv", "--output", str(tmp_path / "log.csv"), "--database", str(log)).exit_code == 0
    )
    modes = {file.name: oct(stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir()}
    assert modes == {"log.db": "0o660", "log.db-writer": "0o600", "log.ndjson": "0o644", "log.csv": "0o600"}


def parts(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if re.search(r"\.part-[a-z0-9_]{8}$", file.name)]


def kill_in_the_middle(target: Path, *words: str | Path) -> None:
    """Kills a command that makes the target when it has begun to; once more where it was too fast."""
    while not parts(target.parent):
        target.unlink(missing_ok=True)
        process = subprocess.Popen([*PROGRAM, *map(str, words)], stderr=subprocess.DEVNULL, env=clean_environment())
        eventually(lambda process=process: parts(target.parent) or process.poll() is not None)
        process.kill()
        process.wait()


def test_what_a_killed_command_has_left_is_removed_by_the_next_one(old_log, tmp_path):
    backup, log = tmp_path / "backup.db", tmp_path / "log.db"
    kill_in_the_middle(backup, "backup", backup, "--database", old_log)
    assert call("backup", str(backup), "--database", str(old_log)).exit_code == 0
    assert {file.name for file in tmp_path.iterdir()} == {"backup.db"}
    kill_in_the_middle(log, "restore", backup, "--database", log)
    assert call("restore", str(backup), "--database", str(log)).exit_code == 0
    assert {file.name for file in tmp_path.iterdir()} == {"backup.db", "log.db"}


@pytest.fixture
def nightly(tmp_path) -> Nightly:
    return Nightly(make_log(tmp_path / "log.db", (OLD_MS, order_events(1, ("en_cocina",)))), tmp_path)


class Nightly:
    """The script of the docs, on folders of the test's, at any time of a machine's clock."""

    def __init__(self, log: Path, folder: Path) -> None:
        text = DOCS.read_text(encoding="utf-8")
        [script] = [block for block in re.findall(r"```sh\n(#!/bin/sh\n.*?)```", text, re.DOTALL) if "backup" in block]
        self.target, programs = folder / "backups" / "pos-notif", folder / "programs"
        for there, here in (
            ("/opt/pos-notif/bin/pos-notif", f'"{sys.executable}" -m pos_notif'),
            ("/var/backups/pos-notif", str(self.target)),
            ("/var/lib/pos-notif/pos_notif.db", str(log)),
        ):
            assert there in script
            script = script.replace(there, here)
        self._script = script
        programs.mkdir()
        (programs / "date").write_text('#!/bin/sh\nexec /usr/bin/date -d "$NIGHT" "$@"\n')
        (programs / "date").chmod(0o755)
        self._path = f"{programs}:{os.environ['PATH']}"

    def run(self, night: datetime) -> None:
        """Runs it as on a machine whose clock says `night`."""
        before = set(self.target.glob("*.db"))
        environment = clean_environment() | {"PATH": self._path, "NIGHT": night.isoformat(" ", "seconds")}
        subprocess.run(["sh", "-c", self._script], check=True, capture_output=True, env=environment)
        [made] = set(self.target.glob("*.db")) - before
        os.utime(made, (night.timestamp(), night.timestamp()))

    def there(self) -> list[str]:
        return sorted(file.name for file in self.target.iterdir())


def test_the_nightly_script_of_the_docs_makes_its_folder_and_removes_what_a_killed_backup_left(nightly):
    night = datetime.now()
    nightly.run(night)
    assert nightly.there() == ["made", f"pos_notif-{night:%Y%m%d-%H%M%S}.db"]
    assert stat.S_IMODE(nightly.target.stat().st_mode) == 0o700
    for name, days in {"pos_notif-z.db.part-abcdefgh": 2, "pos_notif-w.db.part-abcdefgh": 0.5, "notes.txt": 99}.items():
        file, at = nightly.target / name, (night - timedelta(days)).timestamp()
        file.touch()
        os.utime(file, (at, at))
    nightly.run(night + timedelta(seconds=1))
    left = [name for name in nightly.there() if not name.endswith(".db")]
    assert left == ["made", "notes.txt", "pos_notif-w.db.part-abcdefgh"]


def test_the_nightly_script_keeps_the_newest_thirty_whatever_the_clock_says(nightly):
    """One night it is three years ahead, one night it is three years behind; nothing but the oldest goes."""
    began = datetime.now() - timedelta(40)
    nights = [began + timedelta(days) for days in range(34)]
    nights[20] += timedelta(3 * 365)
    nights[31] += timedelta(3 * 365)
    nights[32] -= timedelta(3 * 365)
    for night in nights:
        nightly.run(night)
    assert nightly.there() == sorted(["made", *(f"pos_notif-{night:%Y%m%d-%H%M%S}.db" for night in nights[-30:])])
