"""`pos-notif tail`: a role's events in the terminal, in a pipe, in a file."""

from __future__ import annotations

import json
import signal
import subprocess

from tests.support.command_line import PROGRAM, running
from tests.support.live_server import clean_environment
from tests.support.waiting import eventually


def tail(server, *arguments: str):
    return running("tail", *arguments, "--database", str(server.database))


def test_tail_shows_a_roles_events_from_the_oldest_and_on(server):
    server.new_order(1)
    with tail(server, "--role", "cocinero", "--cursor", "inicio") as process:
        first = json.loads(process.stdout.readline())
        assert (first["tipo"], first["pedido"]["id"]) == ("nuevo_pedido", 1)
        assert "precio_unitario" not in str(first)
        server.publish({"tipo": "cambio_estado", "pedido_id": 1, "estado": "cerrado"})
        answer = server.new_order(2)
        ids = [json.loads(process.stdout.readline())["id"] for _ in range(2)]
        assert ids[-1] == answer["id"]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0


def test_tail_goes_on_after_a_cursor(server):
    cursor = server.new_order(1)["cursor"]
    server.new_order(2)
    with tail(server, "--cursor", cursor) as process:
        event = json.loads(process.stdout.readline())
        assert event["pedido"]["id"] == 2
        assert event["pedido"]["items"][0]["precio_unitario"] == 0.75


def test_tail_says_so_when_its_cursor_cannot_be_used_and_follows_from_now(server):
    server.new_order(1)
    with tail(server, "--cursor", "nonsense") as process:
        assert process.stderr.readline() == "the cursor cannot be used (desconocido); from now on\n"
        server.new_order(2)
        assert json.loads(process.stdout.readline())["pedido"]["id"] == 2


def test_tail_ends_when_nobody_reads_it_any_more(server):
    """`pos-notif tail | head -1`: at once, not at the next event."""
    server.new_order(1)
    with tail(server, "--cursor", "inicio") as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_tail_into_a_file(server, tmp_path):
    server.new_order(1)
    target = tmp_path / "events.ndjson"
    with target.open("w") as file:
        process = subprocess.Popen(
            [*PROGRAM, "tail", "--cursor", "inicio", "--database", str(server.database)], stdout=file,
            env=clean_environment(),
        )  # fmt: skip
        try:
            eventually(lambda: target.read_text().endswith("\n"))
        finally:
            process.terminate()
            assert process.wait(10) == 0
    assert json.loads(target.read_text())["pedido"]["id"] == 1


# What a terminal obeys, or what turns its line around or ends it, as a till may send it.
OBEYED = "a\u009b31mb\u202ec\x7fd\u2028e\u200bf\x1bg\U000e0001ñ🌮"


def test_nothing_in_an_event_does_anything_to_the_terminal(server):
    server.new_order(1, mesero=OBEYED)
    with tail(server, "--cursor", "inicio") as process:
        line = process.stdout.readline().rstrip("\n")
    assert json.loads(line)["pedido"]["mesero"] == OBEYED
    assert line.isprintable()
    assert "ñ🌮" in line
