"""What becomes of a publication whose node dies, freezes or hears nothing between its append and its COMMIT."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, Node
from tests.cluster.workload import id_of
from tests.soak.check import assert_log_is_sound, read_log
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults
PUBLISH = "/api/notificaciones/eventos"


class Reader:
    """A manager's stream at a node, from now on."""

    def __init__(self, node: Node) -> None:
        self.stream = SseClient(node, "manager")
        self.first = id_of(self.stream.next_event("hola").id or "")
        self.keys: list[str | None] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for frame in self.stream.frames():
            if (frame.event or "").startswith("evento_"):
                self.keys.append(frame.data.get("operacion_id"))


@pytest.fixture
def readers(cluster: Cluster) -> Iterator[list[Reader]]:
    cluster.wait_until_open()
    cluster.wait_until_level()
    readers = [Reader(node) for node in cluster.nodes[1:]]
    yield readers
    for reader in readers:
        reader.stream.socket.close()


def publish(node: Node, key: str) -> tuple[int, Any]:
    status, _, answer = node.request("POST", PUBLISH, stock_alert(1), headers={"Idempotency-Key": key})
    return status, answer


def begin(node: Node, key: str) -> Future[tuple[int, Any]]:
    """Publishes in a thread; its engine has done its append when this returns, and it has not been told."""
    node.hold_an_append()
    pool = ThreadPoolExecutor(1)
    asked = pool.submit(publish, node, key)
    pool.shutdown(wait=False)
    eventually(lambda: node.is_held)
    return asked


def check(cluster: Cluster, readers: list[Reader], key: str, event_id: int) -> None:
    """Once in each log, by that id, and once at each reader."""
    cluster.wait_until_level()
    for node in cluster.nodes:
        assert_log_is_sound(node.database)
        assert [event["id"] for event in read_log(node.database) if event.get("operacion_id") == key] == [event_id]
    assert difference_problems([node.database for node in cluster.nodes]) == []
    for reader in readers:
        eventually(lambda reader=reader: key in reader.keys)
        assert reader.keys.count(key) == 1


def test_a_node_killed_between_append_and_commit_has_its_event_once(cluster, readers):
    node, other = cluster.nodes[:2]
    begin(node, "killed")
    node.kill()
    node.mend()
    eventually(lambda: "killed" in readers[0].keys)
    node.start()
    status, answer = publish(node, "killed")
    assert (status, answer["duplicado"]) == (200, True)
    assert publish(other, "killed") == (200, answer)
    check(cluster, readers, "killed", answer["id"])


def test_a_node_frozen_between_append_and_commit_finds_its_event_among_the_others(cluster, readers):
    node, other = cluster.nodes[:2]
    asked = begin(node, "frozen")
    node.freeze()
    node.mend()
    for number in range(5):
        assert publish(other, f"meanwhile-{number}")[0] == 201
    threading.Event().wait(2.5)  # more than the time in which an answer is believed
    node.thaw()
    status, answer = asked.result(30)
    assert status == 201, answer
    check(cluster, readers, "frozen", answer["id"])


def test_a_publication_whose_engines_answer_was_lost_is_answered_all_the_same(cluster, readers):
    node = cluster.nodes[0]
    asked = begin(node, "lost")
    for proxy in node.proxies:
        proxy.drop()
    node.mend()
    status, answer = asked.result(30)
    assert status == 201, answer
    check(cluster, readers, "lost", answer["id"])


def test_a_record_that_would_be_too_large_is_refused_and_a_group_is_parted_before_it_is(cluster, readers):
    """A record has a megabyte at most; what many publish at the same time goes in one only as far as it may."""

    def batch(events: int, name: str) -> dict[str, Any]:
        fill = {"relleno": base64.b64encode(os.urandom(50_000)).decode()}  # which no packing makes smaller
        keys = [f"{name}-{number}" for number in range(events)]
        return {"eventos": [{**stock_alert(1, "agotado"), "operacion_id": key, **fill} for key in keys]}

    first = cluster.nodes[0]
    status, _, answer = first.ask("POST", PUBLISH, batch(30, "large"))
    assert (status, answer["error"]["codigo"]) == (413, "demasiado_grande")
    with ThreadPoolExecutor(8) as together:
        answers = list(together.map(lambda number: first.ask("POST", PUBLISH, batch(5, f"{number}")), range(16)))
    assert {status for status, *_ in answers} <= {200, 201}
    for number, (_, _, answer) in enumerate(answers):
        check(cluster, readers, f"{number}-4", answer["ids"][4])


def test_an_append_that_is_given_up_and_commits_later_is_there_once(cluster, readers):
    """What was asked waits in the network until the node has given up, and has said that it does not know."""
    node, other = cluster.nodes[:2]
    for proxy in node.proxies:
        proxy.hold_requests()
    status, answer = publish(node, "late")
    assert status == 503, answer
    assert publish(other, "between")[0] == 201
    node.mend()
    cluster.wait_until_open(node)
    status, answer = publish(node, "late")
    assert status in (200, 201)
    check(cluster, readers, "late", answer["id"])
