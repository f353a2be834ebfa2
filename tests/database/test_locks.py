"""Who serves a log, and whose turn it is to write to it: what processes agree on by locks beside it."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from pos_notif import NotificadorPedidos
from pos_notif.database import locks
from pos_notif.errors import LogUnavailable
from tests.support.live_server import LiveServer, clean_environment
from tests.support.logs import opened
from tests.support.waiting import eventually


def serve_too(database: Path, command: str = "serve") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pos_notif", command, "--port", "0", "--database", str(database)],
        capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip


@pytest.mark.parametrize("by_link", [False, True])
def test_a_log_that_is_served_is_served_by_no_second_service(server, tmp_path, by_link):
    other = server.database
    if by_link:
        other = tmp_path / "link.db"
        other.symlink_to(server.database)
    done = serve_too(other)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pos-notif: {other}: process {server.process.pid} serves it already; one log has one service"
        " (for more cores: --workers)\n"
    )
    assert server.new_order(1)["id"] == 1


def test_the_demo_is_a_service_too(tmp_path):
    database = tmp_path / "demo.db"
    demo = subprocess.Popen(
        [sys.executable, "-m", "pos_notif", "demo", "--port", "0", "--no-staff", "--database", str(database)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment(),
    )  # fmt: skip
    with demo:
        assert demo.stdout.readline().startswith("http")
        assert f"process {demo.pid} serves it already" in serve_too(database).stderr
        demo.terminate()


def test_after_a_kill_the_log_is_served_again(server):
    server.new_order(1)
    server.kill()
    server.start()
    assert server.new_order(2)["id"] == 2


async def test_a_script_publishes_beside_a_service(server):
    async with NotificadorPedidos(database=str(server.database)) as notifier:
        assert (await notifier.notificar_nuevo_pedido({"id": 1, "items": []}))["id"] == 1
    assert server.new_order(2)["id"] == 2


@contextlib.contextmanager
def somebody_writes(database: Path) -> Iterator[None]:
    with locks.lock_file(database, "writer").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def test_who_has_waited_long_for_its_turn_to_write_keeps_nothing_and_writes_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "TURN_SECONDS", 0.1)
    database = tmp_path / "log.db"
    async with NotificadorPedidos(database=str(database)) as notifier:
        await notifier.notificar_nuevo_pedido({"id": 1, "items": []})
        with somebody_writes(database):
            for _ in range(2):
                with pytest.raises(LogUnavailable) as refused:
                    await notifier.notificar_nuevo_pedido({"id": 2, "items": []})
            assert "another process has been writing for" in refused.value.reason
        # Those who gave up let go of the turn that comes to them after all.
        for number in range(3, 9):
            monkeypatch.setattr(locks, "TURN_SECONDS", 60)
            assert (await notifier.notificar_nuevo_pedido({"id": number, "items": []}))["id"] == number - 1


def test_who_waits_for_its_turn_has_it_when_the_other_one_has_written(tmp_path):
    database = tmp_path / "log.db"
    order: list[str] = []
    first, second = locks.Turns(database), locks.Turns(database)

    def write() -> None:
        with second.turn():
            order.append("second")

    waiter = threading.Thread(target=write)
    with first.turn():
        waiter.start()
        waiter.join(0.1)
        order.append("first")
    waiter.join(60)
    first.close()
    second.close()
    assert order == ["first", "second"]


def test_a_log_beside_which_no_lock_can_be_had_is_served_and_written(tmp_path, make_server):
    """Of another user's making, or on a file system without such locks."""
    for name in ("log.db-serve", "log.db-writer", "log.db-alarms"):
        (tmp_path / name).mkdir()
    server = make_server(tmp_path / "log.db")
    assert server.new_order(1)["id"] == 1


PUBLISH = """
import asyncio, itertools, sys
from pos_notif import NotificadorPedidos

async def main():
    async with NotificadorPedidos(database=sys.argv[1]) as notifier:
        print("ready", flush=True)
        sys.stdin.readline()
        told_to_end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for number in itertools.count(int(sys.argv[2])):
            if told_to_end.done():
                return
            await notifier.notificar_nuevo_pedido({"id": number, "items": []})
asyncio.run(main())
"""


def test_two_that_write_without_a_pause_take_turns(tmp_path):
    """Of what is written once both have begun, neither has nearly all, as it would be if one starved."""
    database = tmp_path / "log.db"
    LiveServer(database).token  # noqa: B018 - makes the file
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISH, str(database), str(first)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment(),
        )
        for first in (1, 1_000_001)
    ]  # fmt: skip
    for publisher in publishers:
        assert publisher.stdout.readline() == "ready\n"
    for publisher in publishers:
        publisher.stdin.write("\n")
        publisher.stdin.flush()

    def who() -> list[bool]:
        with opened(database) as connection:
            orders = connection.execute("SELECT order_id FROM events WHERE type = 'nuevo_pedido' ORDER BY id")
            return [order_id > 1_000_000 for (order_id,) in orders]

    try:
        eventually(lambda: len(set(who())) == 2)
        begun = len(who())

        def have_shared() -> bool:
            """In one of the two hundreds since then, for on a busy machine one may not run for long; and one after the
            other: where each writes as it can, they come in runs."""
            found = who()[begun:]
            parts = [found[at : at + 200] for at in range(0, len(found) - 199, 200)]
            return any(50 < sum(part) < 150 and sum(a != b for a, b in pairwise(part)) > 60 for part in parts)

        eventually(have_shared)
    finally:
        for publisher in publishers:
            publisher.communicate(timeout=60)  # which ends what they read
    assert [publisher.returncode for publisher in publishers] == [0, 0]
