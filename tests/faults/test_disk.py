"""A disk that is full, one that refuses every write, and one that is read-only from the start."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.namespaces import unshare
from tests.soak.check import assert_log_is_sound
from tests.support.command_line import without_pauses
from tests.support.live_server import LiveServer, clean_environment
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

PUBLISH = "/api/notificaciones/eventos"
NOTE = "x" * 4000
MOUNT = ["mount", "-t", "tmpfs", "tmpfs", "/tmp"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[LiveServer]:
    """A service whose database is alone on a disk of 40 MB: a tmpfs in a mount namespace of its own, which needs no
    privilege where user namespaces are allowed. The disk is seen through /proc."""
    namespace = unshare("--mount", MOUNT)
    disk, first = tmp_path / "disk", tmp_path / "first.db"
    disk.mkdir()
    token = LiveServer(first).token
    script = (
        f'mount -t tmpfs -o size=40m tmpfs "{disk}" && cp "{first}" "{disk}/log.db"'
        f' && exec "{sys.executable}" -m pos_notif "$@"'
    )
    command = [*namespace, "sh", "-c", script, "sh"]
    server = LiveServer(disk / "log.db", command=command, _token=token).start()
    yield server
    server.close()


def pid(server: LiveServer) -> int:
    assert server.process is not None
    return server.process.pid


def publish(server: LiveServer, number: int) -> tuple[int, Any, Any]:
    return server.request("POST", PUBLISH, stock_alert(number, "agotado", nota=NOTE, operacion_id=f"key-{number}"))


def publish_until_refused(server: LiveServer, first: int) -> int:
    """The number of the event that found no room."""
    for number in range(first, first + 2000):
        status, headers, answer = publish(server, number)
        if status != 201:
            assert (status, headers["Retry-After"], answer["error"]["codigo"]) == (503, "2", "registro_no_disponible")
            return number
    raise AssertionError("there was always room")


def ready(server: LiveServer) -> int:
    return server.request("GET", "/readyz", token=None)[0]


def assert_reading_goes_on(server: LiveServer, newest: int) -> None:
    assert server.request("GET", "/api/pedidos")[0] == 200
    assert server.request("GET", "/healthz", token=None)[0] == 200
    with SseClient(server, "cocinero", query="?cursor=inicio") as replayed:
        assert [frame.data["id"] for frame in replayed.take(newest)] == list(range(1, newest + 1))


def test_a_full_disk_is_503_and_all_goes_on_when_there_is_room(small_disk, tmp_path):
    server = small_disk
    assert ready(server) == 200
    disk = Path(f"/proc/{pid(server)}/root{server.database.parent}")
    filler = disk / "filler"
    with SseClient(server, "cocinero") as stream:
        stream.next_event("hola")
        filler.write_bytes(bytes(37 * 1024 * 1024))
        assert ready(server) == 503  # some time before there is no room
        refused = publish_until_refused(server, 1)
        assert refused > 10
        assert [frame.data["id"] for frame in stream.take(refused - 1)] == list(range(1, refused))
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:  # the last byte
            while True:
                file.write(b"x" * 512)
        eventually(lambda: ready(server) == 503)
        assert [publish(server, refused)[0] for _ in range(3)] == [503] * 3
        assert_reading_goes_on(server, refused - 1)
        # Room again: the same event is taken once, over the stream that was open all the time.
        filler.unlink()
        eventually(lambda: ready(server) == 200)
        assert publish(server, refused)[2]["id"] == refused
        assert publish(server, refused)[2]["duplicado"] is True
        assert stream.take(1)[0].data["id"] == refused
        # What a power cut would leave now; SQLite itself does not see the disk from out here.
        for name in ("log.db", "log.db-wal"):
            shutil.copy(disk / name, tmp_path / name)
    assert_log_is_sound(tmp_path / "log.db")
    assert not [line for line in server.stderr_lines if "Traceback" in line]
    assert server.stop() == 0


def test_a_disk_that_refuses_every_write_is_503_and_all_goes_on_afterwards(server):
    """As one that the system has made read-only after a fault: with a limit of 0 bytes no file can be written."""
    for number in (1, 2, 3):
        assert publish(server, number)[0] == 201
    with SseClient(server, "cocinero") as stream:
        stream.next_event("hola")
        before = resource.prlimit(pid(server), resource.RLIMIT_FSIZE)
        for process in server.processes():
            resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert [publish(server, 4)[0] for _ in range(3)] == [503] * 3
        assert ready(server) == 503
        assert_reading_goes_on(server, 3)
        for process in server.processes():
            resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        assert publish(server, 4)[0] == 201
        assert stream.take(1)[0].data["id"] == 4
        assert ready(server) == 200
    server.restart()
    assert_log_is_sound(server.database)
    assert publish(server, 4)[2]["id"] == 4
    assert not [line for line in server.stderr_lines if "Traceback" in line]


def test_a_read_only_disk_at_the_start_is_one_line(server, tmp_path):
    namespace = unshare("--mount", MOUNT)
    assert publish(server, 1)[0] == 201
    assert server.stop() == 0
    script = (
        f'mount --bind "{tmp_path}" "{tmp_path}" && mount -o remount,bind,ro "{tmp_path}"'
        f' && exec "{sys.executable}" -m pos_notif serve --port 0 --database "{server.database}"'
    )
    done = subprocess.run([*namespace, "sh", "-c", script], capture_output=True, text=True, env=clean_environment())
    assert (done.returncode, done.stdout) == (1, "")
    said = without_pauses(done.stderr).strip()
    assert said.endswith("Read-only file system")
    assert len(said.splitlines()) == 1
