"""How the processes of one service are born, watched and ended, and what becomes of what they had."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.kills import kill_rounds
from tests.support.downloads import asked, readers
from tests.support.live_server import LiveServer, clean_environment
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.workers import STATE, children, lives, stream_at, worker

SETTINGS = {"workers": "3", "ack_seconds": "0.4", "screen_seconds": "1"}


@pytest.fixture
def service(make_server: Callable[..., LiveServer]) -> LiveServer:
    return make_server(**SETTINGS)


def test_a_worker_that_is_killed_has_a_successor_and_its_readers_go_on(service):
    with stream_at(service, 2, "manager") as stream:
        last = service.new_order(1)["cursor"]
        before = worker(service, 2)
        os.kill(before, signal.SIGKILL)
        stream.read_until(b'"tipo":"nuevo_pedido"')
    told = [service.new_order(number)["id"] for number in range(2, 12)]
    with SseClient(service, "manager", last_event_id=last) as again:
        assert [frame.data["id"] for frame in again.take(10)] == told
    eventually(lambda: worker(service, 2) != before)
    assert any(f"worker 2 (process {before}) has ended (SIGKILL); another one begins" in line
               for line in service.stderr_lines)  # fmt: skip
    assert service.stop(20) == 0


@pytest.mark.long
@pytest.mark.faults
def test_a_frozen_worker_is_unknown_and_then_killed(service):
    frozen: list[int] = []

    def asked() -> list[int] | None:
        request = urllib.request.Request(service.url + STATE, headers={"Authorization": f"Bearer {service.token}"})
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:
                found: list[int] = json.load(answer)["sin_respuesta"]
                return found
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:  # the frozen one has its share of the connections
            pass
        return None

    def is_told() -> bool:
        with contextlib.suppress(ProcessLookupError):
            frozen.append(worker(service, 3))
            os.kill(frozen[-1], signal.SIGSTOP)  # again, where nobody was asked before it was killed
        return asked() == [3]  # any other one is unknown for as long as it does not answer within a second

    eventually(is_told)
    eventually(lambda: worker(service, 3) != frozen[-1])
    assert any("has said nothing for 15 s; it is killed" in line for line in service.stderr_lines)
    assert eventually(lambda: asked() == [])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it_also_a_frozen_worker(make_server, how):
    """Three times at most: on a busy machine a worker that is not frozen may not end in time either."""
    assert any(ends_all_but_the_frozen_by_themselves(make_server(**SETTINGS), how) for _ in range(3))


def ends_all_but_the_frozen_by_themselves(service: LiveServer, how: signal.Signals) -> bool:
    family = children(service.process.pid)
    assert len(family) == 3
    frozen = worker(service, 1)
    os.kill(frozen, signal.SIGSTOP)
    with Stopwatch() as watch:
        service.send(how)
        assert service.ended() == 0
    assert not any(map(lives, family))
    told = "".join(service.stderr_lines)
    assert f"worker 1 (process {frozen}) does not end; it is killed" in told
    ended = [f"worker {number} (process {worker(service, number)}) has ended (exit code 0)" for number in (2, 3)]
    return watch.seconds < 20 and all(line in told for line in ended)


@pytest.mark.long
def test_a_worker_that_ends_again_and_again_is_begun_after_longer_and_longer_pauses(service):
    told = []
    for _ in range(7):
        victim = worker(service, 2)
        os.kill(victim, signal.SIGKILL)
        begun = f"worker 2 (process {victim}) has ended (SIGKILL); another one begins in "
        told += eventually(lambda begun=begun: [line.split(begun)[1].strip() for line in service.stderr_lines
                                                if begun in line])  # fmt: skip
        if len(told) < 7:
            eventually(lambda victim=victim: worker(service, 2) != victim)
            assert any(f"worker 2 (process {worker(service, 2)}) begins" in line for line in service.stderr_lines)
    assert told == ["0.1 s", "0.2 s", "0.4 s", "0.8 s", "1.6 s", "3.2 s", "5 s"]


def test_a_worker_that_cannot_begin_three_times_in_a_row_ends_the_service_with_its_reason(service):
    with opened(service.database) as connection:
        connection.execute("PRAGMA user_version = 999")  # as a newer version leaves it
    os.kill(worker(service, 2), signal.SIGKILL)
    assert service._end(signal.SIGCONT, 60) == 1
    lines = [line for line in service.stderr_lines if "worker 2" in line and "has ended" in line]
    assert [line.partition(" has ended ")[2].partition(";")[0].strip() for line in lines] == [
        "(SIGKILL)", "(exit code 1)", "(exit code 1)"
    ]  # fmt: skip
    assert "999" in service.stderr_lines[-1]
    assert service.stderr_lines[-1].startswith("pos-notif: ")


def test_what_waits_in_the_socket_of_a_worker_that_was_killed_is_answered_by_its_successor(service):
    family = [worker(service, number) for number in (1, 2, 3)]
    with contextlib.ExitStack() as opened_:
        for process in family:
            os.kill(process, signal.SIGSTOP)
        clients = []
        for _ in range(12):
            client = opened_.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            clients.append(client)
        for process in family:
            os.kill(process, signal.SIGKILL)
        assert [client.recv(100).split(b"\r\n")[0] for client in clients] == [b"HTTP/1.1 200 "] * 12


@pytest.mark.parametrize("whom", ["workers", "parent", "all"])
def test_nothing_of_what_was_killed_lives_on(make_server, whom):
    """Neither do the processes that read for downloads."""
    service = make_server(workers="3", write_timeout_seconds="3600")  # who reads nothing is not cut, however slow it is
    fill = {"eventos": [stock_alert(1, "agotado", relleno="x" * 3000)] * 200}
    for _ in range(10):
        service.publish(fill)
    parent, *workers = service.processes()
    with contextlib.ExitStack() as opened_:
        for _ in range(4):
            path = "/api/notificaciones/eventos.ndjson"
            opened_.enter_context(asked(service, path, receive_buffer=4096)).recv(10)
        downloads = eventually(lambda: found if len(found := readers(service)) == 4 else None)
        for victim in {"workers": workers, "parent": [parent], "all": [parent, *workers]}[whom]:
            os.kill(victim, signal.SIGKILL)
        eventually(lambda: not any(map(lives, (*downloads, *workers))))
    if whom == "workers":
        assert [service.new_order(number)["id"] for number in (1, 2, 3)] == [2005, 2006, 2007]


def test_workers_whose_parent_was_killed_end_and_a_new_service_begins(service):
    family = children(service.process.pid)
    service.new_order(1)
    os.kill(worker(service, 1), signal.SIGSTOP)  # one is frozen: nobody is left who would kill it
    service.kill()
    service.start()
    assert not any(map(lives, family))
    assert service.new_order(2)["id"] == 2


def test_a_service_whose_log_is_damaged_is_one_line(service):
    service.new_order(1)
    service.stop()
    with opened(service.database) as connection:
        connection.execute("UPDATE events SET data = replace(data, 'nuevo_pedido', 'nuevo_pedidO')")
    done = subprocess.run(
        [sys.executable, "-m", "pos_notif", "serve", "--port", "0", "--workers", "2", "--database",
         str(service.database)],
        capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"pos-notif: {service.database}: is damaged")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--workers", "0"], "--workers: '0' is neither auto nor a number from 1 to 64"),
        (["--workers", "many"], "--workers: 'many' is neither auto nor a number from 1 to 64"),
        (["--workers", "2", "--server", "uvicorn"],
         "POS_NOTIF_WORKERS: more than one needs Linux and POS_NOTIF_SERVER=hypercorn"),
    ],
)  # fmt: skip
def test_what_cannot_be_several_processes_is_one_line(tmp_path, options, line):
    done = subprocess.run(
        [sys.executable, "-m", "pos_notif", "serve", "--port", "0", *options, "--database", str(tmp_path / "log.db")],
        capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pos-notif: {line}\n")


def test_a_port_in_use_is_refused_by_workers_too(service, tmp_path):
    """The kernel would let a second service of the same user share it."""
    done = subprocess.run(
        [sys.executable, "-m", "pos_notif", "serve", "--port", str(service.port), "--workers", "2",
         "--database", str(tmp_path / "other.db")],
        capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "in use" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_demo_by_workers_takes_orders_and_nothing_of_it_lives_on(tmp_path, how):
    database = tmp_path / "demo.db"
    with subprocess.Popen(
        [sys.executable, "-m", "pos_notif", "demo", "--port", "0", "--workers", "2", "--pace", "60", "--database",
         str(database)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment(),
    ) as demo:  # fmt: skip
        assert demo.stdout.readline().startswith("http")

        def has_orders() -> bool:
            with opened(database) as connection:
                return bool(connection.execute("SELECT 1 FROM events WHERE type = 'nuevo_pedido'").fetchone())

        eventually(has_orders)
        family = children(demo.pid)
        assert len(family) == 3  # and who simulates the restaurant
        demo.send_signal(how)
        assert demo.wait(60) == (0 if how == signal.SIGTERM else -signal.SIGKILL)
        eventually(lambda: not any(map(lives, family)))


def test_auto_is_a_worker_for_each_core(make_server):
    server = make_server(workers="auto")
    cores = len(os.sched_getaffinity(0))
    assert len(children(server.process.pid)) == (cores if cores > 1 else 0)


@pytest.mark.long
def test_what_a_frozen_parent_cannot_say_is_unknown_and_keeps_nobody_waiting_for_good(service):
    service.create_user("Ana", "cocinero")
    body = {"username": "Ana", "password": "1234"}
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor() as pool:
            asked_for = [
                pool.submit(service.request, "GET", STATE),
                pool.submit(service.request, "POST", "/api/auth/login", body, token=None),
            ]
            assert [each.result()[0] for each in asked_for] == [503, 503]
        assert service.new_order(1)["id"] == 1
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
    eventually(lambda: service.request("GET", STATE)[0] == 200)
    assert service.login("Ana")


@pytest.mark.faults
def test_whoever_is_killed_under_load_nothing_is_lost_or_doubled(tmp_path):
    outcome = kill_rounds(tmp_path / "log.db", rounds=6, seed=21, workers=3)
    assert outcome.problems == []
