"""Processes, threads and forks: one sends, and each order's events stay in their order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import count

import pytest

from tests.client.between import Between
from tests.client.program import ENVIRONMENT
from tests.soak.check import read_log
from tests.support.live_server import LiveServer
from tests.support.waiting import eventually


def program(text: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", text, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)


def end(process: subprocess.Popen[str], expected: int | None = 0) -> None:
    process.communicate()
    assert expected is None or process.returncode == expected


def keys(server: LiveServer) -> list[str]:
    return [event["operacion_id"] for event in read_log(server.database)]


# Stores at a word, and tells whether it is the one that sends.
WORKER = """
import sys
import pos_notif_client
from pos_notif_client import Salida
pos_notif_client.DISK_SECONDS = 60.0  # a busy machine's disk may take longer than a till waits
outbox = Salida(*sys.argv[1:4])
print("ready", flush=True)
for line in sys.stdin:
    outbox.notificar_nuevo_pedido({"id": int(line)}, operacion_id=line.strip())
    print(outbox._turn is not None, flush=True)
"""


def store(worker: subprocess.Popen[str], number: int) -> bool:
    """Whether that process is the sender."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{number}\n")
    worker.stdin.flush()
    return worker.stdout.readline() == "True\n"


def test_of_several_processes_one_sends_what_all_store_and_another_goes_on_when_it_is_killed(server, tmp_path):
    workers = [program(WORKER, tmp_path / "salida.db", server.url, server.token) for _ in range(3)]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        numbers, left = count(1), list(workers)
        while len(left) > 1:
            senders = [worker for worker in left if store(worker, next(numbers))]
            while not senders:
                senders = [worker for worker in left if store(worker, next(numbers))]
            [sender] = senders
            sender.kill()
            left.remove(sender)
        sent = [str(number) for number in range(1, next(numbers))]
        eventually(lambda: len(keys(server)) == len(sent))
        assert keys(server) == sent
    finally:
        for worker in workers:
            worker.kill()
            end(worker, None)


def test_eight_threads_lose_nothing_and_keep_each_ones_order(server, make_outbox):
    outbox = make_outbox(server)

    def publish(part: int) -> None:
        for number in range(25):
            outbox.publicar({"tipo": "alerta_stock", "producto_id": part, "nombre": "x"}, f"{part}-{number}")

    threads = [threading.Thread(target=publish, args=(part,)) for part in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.vaciar(60)
    found = keys(server)
    assert len(found) == len(set(found)) == 200
    for part in range(1, 9):
        assert [key for key in found if key.startswith(f"{part}-")] == [f"{part}-{number}" for number in range(25)]


# Used, then forked again and again while its threads work, as a server does with its workers.
FORKING = """
import os, sys, threading, time
import pos_notif_client
from pos_notif_client import Salida
pos_notif_client.DISK_SECONDS = 60.0  # a busy machine's disk may take longer than a till waits
outbox = Salida(*sys.argv[1:4])
ended = threading.Event()

def publish():
    number = 0
    while not ended.wait(0.01):
        number += 1
        outbox.publicar({"tipo": "alerta_stock", "producto_id": 1, "nombre": "x"}, f"parent-{number}")

thread = threading.Thread(target=publish, daemon=True)
thread.start()
children = []
for child in range(1, 11):
    pid = os.fork()
    if pid == 0:
        for number in range(1, 6):
            outbox.publicar({"tipo": "alerta_stock", "producto_id": 1, "nombre": "x"}, f"{child}-{number}")
        while not outbox.estado()["enviando"]:  # the parent has yet to begin
            time.sleep(0.01)
        os._exit(0)
    children.append(pid)
assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 10
ended.set()
thread.join()
assert outbox.vaciar(60)
print(outbox._turn is not None)
"""


def test_it_may_be_forked_while_it_works(server, tmp_path):
    process = program(FORKING, tmp_path / "salida.db", server.url, server.token)
    out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "True\n")  # the parent sends still
    found = keys(server)
    assert len(found) == len(set(found))
    for child in range(1, 11):
        assert [key for key in found if key.startswith(f"{child}-")] == [f"{child}-{number}" for number in range(1, 6)]


# The parent is gone; its child, which had been forked from the sender, must become it.
ORPHAN = """
import os, sys, time
import pos_notif_client
from pos_notif_client import Salida
pos_notif_client.DISK_SECONDS = 60.0  # a busy machine's disk may take longer than a till waits
outbox = Salida(*sys.argv[1:4])
outbox.publicar({"tipo": "alerta_stock", "producto_id": 1, "nombre": "x"}, "parent")
while outbox._turn is None:
    time.sleep(0.01)
read, write = os.pipe()
if os.fork():
    os.kill(os.getpid(), 9)
outbox.publicar({"tipo": "alerta_stock", "producto_id": 1, "nombre": "x"}, "child")
assert outbox.vaciar(60)
print("sent", flush=True)
"""


def test_a_child_sends_when_its_parent_is_gone(server, tmp_path):
    process = program(ORPHAN, tmp_path / "salida.db", server.url, server.token)
    out, _ = process.communicate(timeout=120)
    assert out == "sent\n"
    assert keys(server) == ["parent", "child"]


SHORT = """
import sys, time
import pos_notif_client
from pos_notif_client import Salida
pos_notif_client.DISK_SECONDS = 60.0  # a busy machine's disk may take longer than a till waits
outbox = Salida(*sys.argv[1:4])
outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="last words")
begun = time.monotonic()
"""


def test_a_program_that_ends_at_once_gives_what_it_stored_a_chance(server, tmp_path):
    # However long the service takes: that a program ends in time is the next test's.
    text = "import pos_notif_client\npos_notif_client.EXIT_SECONDS = 60.0\n" + SHORT
    end(program(text, tmp_path / "salida.db", server.url, server.token))
    assert keys(server) == ["last words"]


def test_a_program_ends_in_time_where_the_service_never_answers(make_outbox, tmp_path):
    """One of three at least: a busy machine may hold up the others."""

    def ends_in_time() -> bool:
        ending = "import atexit\natexit.register(lambda: print(time.monotonic() - begun < 7))\n"
        # Registered before the outbox's own, so that it comes after it.
        text = "import time\n" + ending + "begun = time.monotonic()\n" + SHORT
        process = program(text, tmp_path / "salida.db", between.url, "pn_x")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return bool(out == "True\n")

    with Between(0, lambda body: time.sleep(3600)) as between:
        assert any(ends_in_time() for _ in range(3))
    assert make_outbox().pendientes() == 1


def test_an_end_by_a_signal_stops_nothing(server, tmp_path):
    """Ctrl-C in a program that waits: no thread keeps it."""
    process = program(SHORT + "print('ready', flush=True)\nsys.stdin.read()\n", tmp_path / "s.db", server.url, "pn_x")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    end(process, -signal.SIGINT)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_an_outbox_that_was_only_forked_leaves_its_parent_alone(server, make_outbox):
    outbox = make_outbox(server)
    outbox.notificar_nuevo_pedido({"id": 1}, operacion_id="1")
    assert outbox.vaciar(60)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    outbox.notificar_nuevo_pedido({"id": 2}, operacion_id="2")
    assert outbox.vaciar(60)
    assert outbox._turn is not None
