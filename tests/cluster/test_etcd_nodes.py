"""Nodes whose etcd loses members, or is another than it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_notif.cluster.engine import parse
from pos_notif.cluster.recovery import foresee, recover
from pos_notif.log.tables.epochs import begin_epoch
from tests.cluster.nodes import Cluster, Node, OnEtcd, engine
from tests.soak.check import assert_log_is_sound
from tests.support.etcd import Etcd
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults
PUBLISH, POLL = "/api/notificaciones/eventos", "/api/notificaciones/polling/manager"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes on three members."""
    with engine("etcd3", tmp_path) as under_test, Cluster(tmp_path, under_test, 2, direct=True) as running:
        running.wait_until_open()
        yield running


@pytest.fixture
def etcd(cluster: Cluster) -> Etcd:
    assert isinstance(cluster.engine, OnEtcd)
    return cluster.engine.etcd


def epoch_at(node: Node) -> str:
    return str(node.request("GET", POLL)[2]["cursor"]).rpartition("-")[0]


def publish(node: Node, key: str) -> int:
    """As a till does: with its key until it is answered."""

    def answered() -> int | None:
        status, _, answer = node.request("POST", PUBLISH, stock_alert(1), headers={"Idempotency-Key": key})
        assert status in (200, 201, 503), answer
        return None if status == 503 else answer["id"]

    return int(eventually(answered))


def test_etcds_leader_may_die_and_without_a_majority_nothing_is_written_but_all_is_read(cluster, etcd):
    one, other = cluster.nodes
    epoch = epoch_at(one)
    etcd.leader().kill()
    publish(one, "one is dead")
    last = publish(other, "so it is here")  # which has it in its file, and need not ask the engine for it
    # What is unknown now may be there later: the reader says from where on it has read.
    with SseClient(other, "manager", last_event_id=f"{epoch}-{last}") as stream:
        stream.next_event("hola")
        etcd.leader().kill()
        eventually(lambda: "sin_central_desde" in other.request("GET", POLL)[2])
        while "sin_central_desde" not in stream.next_event("latido").data:
            pass  # an ordinary one, of before
        for node in cluster.nodes:
            assert node.request("POST", PUBLISH, stock_alert(1))[0] == 503
            assert node.request("GET", POLL)[0] == 200
        etcd.start()
        published = publish(one, "all are there again")
        eventually(lambda: "sin_central_desde" not in other.request("GET", POLL)[2])
        ids = []
        while not ids or ids[-1] < published:
            ids.append(stream.next_event().data["id"])
        assert ids == [*range(last + 1, published + 1)]
    assert {epoch_at(node) for node in cluster.nodes} == {epoch}


def wiped(etcd: Etcd, snapshot: Path) -> None:
    etcd.wipe()


def restored(etcd: Etcd, snapshot: Path) -> None:
    etcd.restore(snapshot)


def forced(etcd: Etcd, snapshot: Path) -> None:
    etcd.force_new_cluster(etcd.members[0])


@pytest.mark.parametrize("become_another", [wiped, restored, forced])
def test_nodes_write_nothing_into_another_etcd_until_a_person_has_decided(
    cluster: Cluster, etcd: Etcd, tmp_path: Path, become_another: Callable[[Etcd, Path], None]
):
    etcd.save(tmp_path / "snapshot")
    publish(cluster.nodes[0], "what the snapshot lacks")
    cluster.wait_until_level()
    place, cursor = cluster.nodes[0].place, cluster.nodes[0].request("GET", POLL)[2]["cursor"]
    become_another(etcd, tmp_path / "snapshot")
    for node in cluster.nodes:
        eventually(lambda node=node: "pos-notif cluster recover" in "".join(node.stderr_lines))
        assert node.request("POST", PUBLISH, stock_alert(1))[0] == 503
        assert node.request("GET", POLL)[0] == 200
        assert node.place == place
        assert sum("cluster recover" in line for line in node.stderr_lines) == 1
        assert_log_is_sound(node.database)
    one, other = cluster.nodes
    known = parse(cluster.url(one))
    foreseen = foresee(known, one.database)
    assert (foreseen.own.position, foreseen.is_open, foreseen.further) == (place[0], False, [])
    recover(known, one.database, foreseen, begin_epoch)
    cluster.wait_until_open()
    assert foresee(known, other.database).is_open
    published = publish(one, "at the new epoch")
    cluster.wait_until_level()
    # Who has missed nothing goes on by the cursor of the epoch before.

    def told() -> dict[str, Any] | None:  # the file is level a moment before the node tells what is new in it
        answer = other.request("GET", f"{POLL}?cursor={cursor}")[2]
        return answer if published in [event["id"] for event in answer["eventos"][-1:]] else None

    answer = eventually(told)
    assert answer["cursor"].rpartition("-")[0] != cursor.rpartition("-")[0]
    assert {epoch_at(node) for node in cluster.nodes} == {answer["cursor"].rpartition("-")[0]}
    for node in cluster.nodes:
        assert_log_is_sound(node.database)
