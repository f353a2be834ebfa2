"""A node whose disk is slow, whose clock is wrong, whose version is another, beside two that are as they should be."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, Node, engine
from tests.cluster.odd_node import set_control
from tests.cluster.workload import PIN
from tests.soak.check import moment, read_log
from tests.support.bare_rows import bare_rows, seconds_for
from tests.support.logs import opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults
keys = count()


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes on one etcd; each is odd as soon as `odd` says so."""
    with engine("etcd", tmp_path) as under_test:
        cluster = Cluster(tmp_path, under_test, 3, ack_seconds="2", screen_seconds="2", heartbeat_seconds="0.5")
        cluster.command_of = lambda node: set_control(control_of(node))
        with cluster:
            yield cluster


def control_of(node: Node) -> Path:
    return node.database.with_suffix(".json")


def publish(node: Node) -> dict[str, Any]:
    return node.publish(stock_alert(1, "agotado"), **{"Idempotency-Key": f"odd-{next(keys)}"})


def test_a_node_with_a_slow_disk_is_answered_and_holds_up_nobody(trio, tmp_path):
    slow, first, second = trio.nodes
    for node in trio.nodes:
        publish(node)

    def seconds_of(node: Node) -> float:
        """What a publication takes longer than a bare row on the same disk just before it: the median."""
        longer = []
        with bare_rows(tmp_path) as put:
            for _ in range(20):
                row = seconds_for(put)
                longer.append(seconds_for(lambda: publish(node)) - row)
        return max(0.0, statistics.median(longer))

    def publish_slowly() -> None:
        while not ended.is_set():
            began = time.monotonic()
            publish(slow)
            took.append(time.monotonic() - began)

    before = seconds_of(first)
    set_control(control_of(slow), commit=0.2)
    ended, took = threading.Event(), []  # type: threading.Event, list[float]
    thread = threading.Thread(target=publish_slowly)
    thread.start()
    try:
        eventually(lambda: len(took) > 2)
        # Behind each of the slow node's it would take 0.2 s and more each time, not only where the machine is busy.
        for other in (first, second):
            assert any(seconds_of(other) < 5 * before + 0.05 for _ in range(3))
    finally:
        ended.set()
        thread.join()
    set_control(control_of(slow))
    trio.wait_until_level()
    assert difference_problems([node.database for node in trio.nodes]) == []


def test_a_node_that_cannot_commit_what_the_engine_took_stops_and_loses_nothing(trio):
    broken, sound, _ = trio.nodes
    publish(broken)
    set_control(control_of(broken), fails=True)
    event, key = stock_alert(2, "agotado"), {"Idempotency-Key": "kept elsewhere"}
    status, _, answer = broken.request("POST", "/api/notificaciones/eventos", event, headers=key)
    assert (status, answer["error"]["codigo"]) == (503, "registro_no_disponible")
    eventually(lambda: broken.request("GET", "/readyz", token=None)[0] == 503)
    assert any("could not be committed" in line for line in broken.stderr_lines)
    status, _, kept = sound.ask("POST", "/api/notificaciones/eventos", event, headers=key)
    assert (status, kept["duplicado"]) == (200, True)
    broken.stop()
    set_control(control_of(broken))
    broken.start()
    status, _, answer = broken.ask("POST", "/api/notificaciones/eventos", event, headers=key)
    assert (status, answer["id"]) == (200, kept["id"])
    trio.wait_until_level()
    assert difference_problems([node.database for node in trio.nodes]) == []


@pytest.mark.long
def test_a_clock_that_is_an_hour_ahead_ends_no_session_and_raises_and_holds_up_no_alarm(trio):
    """On one node after the other, so that the one that leads is among them."""
    cookies = [node.login("Marta", PIN) for node in trio.nodes]
    streams = [SseClient(node, "cocinero", cookie=cookie) for node, cookie in zip(trio.nodes, cookies, strict=True)]
    for stream in streams:
        stream.next_event("hola")
    unseen = []
    for number, node in enumerate(trio.nodes):
        set_control(control_of(node), offset=3600)
        # Right after its start a node has not heard of the others' clocks yet.
        # Nor has one whose clock was right again just now been heard by all: two of three would be wrong.
        eventually(lambda wrong=node: [node for node in trio.nodes if warns_of_its_clock(node)] == [wrong])
        for place, other in enumerate(trio.nodes):
            body = {"evento_ids": [other.new_order(10 * number + 2 * place + 1)["id"]]}
            assert other.ask("POST", "/api/notificaciones/acuses", body, cookie=cookies[place])[0] == 200
            unseen.append(other.new_order(10 * number + 2 * place + 2)["id"])
        for cookie in cookies:
            assert node.ask("GET", "/api/auth/sesion", cookie=cookie)[0] == 200
        eventually(lambda: set(unseen) <= {event_id for _, event_id in raised(read_log(trio.nodes[0].database))})
        set_control(control_of(node))
    for stream in streams:
        stream.close()
    trio.wait_until_level()
    now = time.time()
    events = read_log(trio.nodes[0].database)
    assert all(abs(now - moment(event)) < 600 for event in events)
    assert {event["tipo"] for event in events} == {"nuevo_pedido", "acuse_recibo", "sin_acuse"}
    assert all(1 <= event["segundos"] < 600 for event in events if event["tipo"] == "sin_acuse")
    # Each was told of once; and of what was seen only where, on a busy machine, that came after the alarm.
    named = [event_id for _, event_id in raised(events)]
    assert len(named) == len(set(named))
    seen = {event["evento_id"]: event["id"] for event in events if event["tipo"] == "acuse_recibo"}
    assert all(seen[event_id] > alarm for alarm, event_id in raised(events) if event_id not in unseen)
    assert difference_problems([node.database for node in trio.nodes]) == []


def warns_of_its_clock(node: Node) -> bool:
    return "reloj" in node.request("GET", "/readyz", token=None)[2].get("detalle", "")


def raised(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Each alarm with each event of which it speaks."""
    alarms = [event for event in events if event["tipo"] == "sin_acuse"]
    return [(alarm["id"], event_id) for alarm in alarms for event_id in alarm["evento_ids"]]


def test_an_older_version_stops_at_a_newer_ones_first_record(trio):
    older, upgraded, also = trio.nodes
    publish(older)
    upgraded.stop()
    set_control(control_of(upgraded), newer=True)
    upgraded.start()
    publish(upgraded)
    eventually(lambda: older.request("GET", "/readyz", token=None)[0] == 503)
    assert older.request("POST", "/api/notificaciones/eventos", stock_alert(1))[0] == 503
    eventually(lambda: any("upgrade" in line for line in older.stderr_lines))
    for node in (older, also):
        node.stop()
        set_control(control_of(node), newer=True)
        node.start()
        publish(node)
    trio.wait_until_level()
    assert difference_problems([node.database for node in trio.nodes]) == []
    with opened(older.database) as connection:
        assert connection.execute("SELECT DISTINCT category FROM products").fetchall() == [("Sin categoría",)]
