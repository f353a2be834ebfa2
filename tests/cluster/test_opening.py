"""A Redis that was started anew, flushed, or given an old file: who opens it, and who may not."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_notif.cluster.engine import parse
from pos_notif.cluster.opening import REJOIN, Opening
from pos_notif.cluster.recovery import Foreseen, foresee, only_here, recover
from pos_notif.cluster.sequence import Conflict
from pos_notif.log.tables.epochs import begin_epoch
from tests.cluster.nodes import Cluster, Node, OnRedis, engine
from tests.support.logs import opened, stock_alert
from tests.support.redis import RedisServer
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

TOLD = "evento_alerta", "resincronizar", "reinicio"


@pytest.fixture(params=["redis"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes on one engine."""
    with engine(request.param, tmp_path) as under_test, Cluster(tmp_path, under_test, 2) as running:
        yield running


def redis_of(cluster: Cluster) -> RedisServer:
    assert isinstance(cluster.engine, OnRedis)
    return cluster.engine.redis


def epochs(node: Node) -> list[str]:
    """The log's epochs, the present one last."""
    with opened(node.database) as connection:
        earlier = connection.execute("SELECT epoch FROM epochs ORDER BY last_id").fetchall()
        return [row[0] for row in [*earlier, *connection.execute("SELECT epoch FROM log").fetchall()]]


def poll(node: Node, cursor: str) -> Any:
    return node.request("GET", f"/api/notificaciones/polling/manager?cursor={cursor}")[2]


def told(node: Node, *words: str) -> list[str]:
    """What it has said of that on its standard error."""
    return [line for line in node.stderr_lines if all(word in line for word in words)]


def test_a_redis_that_is_killed_and_started_goes_on_at_a_new_epoch_and_nobody_is_reset(cluster: Cluster):
    one, other = cluster.nodes
    cursor = one.publish(stock_alert(1))["cursor"]
    cluster.wait_until_level()
    before = epochs(one)
    with contextlib.ExitStack() as opened_streams:
        streams = [
            opened_streams.enter_context(SseClient(node, "manager", last_event_id=cursor)) for node in cluster.nodes
        ]
        assert [stream.next_event("hola").id for stream in streams] == [cursor, cursor]
        redis_of(cluster).kill()
        eventually(lambda: one.request("POST", "/api/notificaciones/eventos", stock_alert(2))[0] == 503)
        asked = [f"/api/notificaciones/polling/manager?cursor={each}" for each in (cursor, "zzzzzz-1", f"{cursor}0")]
        # What a node does not know another one may: nobody is told to begin anew before that can be asked.
        assert [other.request("GET", path)[0] for path in asked] == [200, 503, 503]
        began = time.monotonic()  # no later than any node can have found it
        redis_of(cluster).start()
        eventually(lambda: one.request("POST", "/api/notificaciones/eventos", stock_alert(3))[0] == 201)
        assert time.monotonic() - began > 5  # by then whoever had more would have said so
        for stream in streams:
            frame = stream.next_event(*TOLD)
            assert (frame.event, frame.data["producto_id"]) == ("evento_alerta", 3)
    cluster.wait_until_level()
    assert epochs(one) == epochs(other)
    assert epochs(one)[:-1] == before
    for node in (one, other):
        assert [event["producto_id"] for event in poll(node, cursor)["eventos"]] == [3]


def look(node: Node) -> Foreseen:
    return foresee(parse(node.settings["POS_NOTIF_CLUSTER"]), node.database)


def decide_for(node: Node, foreseen: Foreseen) -> None:
    recover(parse(node.settings["POS_NOTIF_CLUSTER"]), node.database, foreseen, begin_epoch)


@pytest.mark.parametrize("cluster", ["redis", "etcd"], indirect=True)
def test_an_engine_that_was_emptied_is_opened_by_a_person_alone_and_all_who_were_level_go_on(cluster: Cluster):
    one, other = cluster.nodes
    cursor = one.publish(stock_alert(1))["cursor"]
    cluster.wait_until_level()
    assert look(one).is_open
    if isinstance(cluster.engine, OnRedis):
        cluster.engine.redis.command("flushall")
    else:
        cluster.engine.etcd.wipe()
    for node in cluster.nodes:
        eventually(lambda node=node: told(node, "nothing is written", "pos-notif cluster recover"))
        assert node.request("POST", "/api/notificaciones/eventos", stock_alert(2))[0] == 503
    eventually(lambda: "b" in look(one).others)
    foreseen = look(one)
    assert (foreseen.seen.position, foreseen.lost, foreseen.is_open, foreseen.further) == (0, 0, False, [])
    assert foreseen.others["b"].position == foreseen.own.position
    decide_for(one, foreseen)
    with pytest.raises(Conflict):  # it has moved on
        decide_for(other, foreseen)
    cluster.wait_until_open()
    assert "resincronizar" not in poll(other, cursor)
    cluster.wait_until_level()
    assert epochs(one) == epochs(other)
    assert len(epochs(one)) == 2


def test_an_older_file_put_back_is_not_opened_while_a_living_node_has_more(cluster: Cluster):
    """The one that stands there is told whom to ask; who loses keeps its file, and what it had alone is found there."""
    one, other = cluster.nodes
    one.publish(stock_alert(1))
    cluster.wait_until_level()
    other.stop()
    old = redis_of(cluster).keep("old")
    lost = one.publish({**stock_alert(2), "operacion_id": "k"})["cursor"]
    redis_of(cluster).put_back(old)
    eventually(lambda: told(one, "is not there", "pos-notif cluster recover"))
    other.start()
    eventually(lambda: told(other, "the node a has", "pos-notif cluster recover"))
    assert len(epochs(other)) == 1
    foreseen = look(other)
    assert (foreseen.further, foreseen.lost) == (["a"], 0)
    decide_for(other, foreseen)
    cluster.wait_until_open(other)
    eventually(lambda: told(one, "takes part no more", "pos-notif cluster rejoin"))
    assert poll(other, lost)["resincronizar"]["motivo"] == "epoca"
    again = look(one)
    assert again.is_open
    assert again.lost == again.seen.position - foreseen.own.position  # what was written since, by the other one
    found = only_here(one.database, other.database)
    assert [(json.loads(data)["producto_id"], known) for data, known in found.events] == [(2, False)]


@pytest.mark.parametrize("cluster", ["redis", "etcd"], indirect=True)
def test_one_answer_that_comes_too_late_is_no_verdict_on_a_forked_file(cluster: Cluster):
    """The other node goes on with the engine; whoever is forked copies it anew, and asks nobody to decide."""
    proxies = cluster.nodes[0].proxies
    at = parse(cluster.url(cluster.nodes[0]))
    with opened(cluster.nodes[0].database) as connection:
        (log_name,) = connection.execute("SELECT log_name FROM node").fetchone()
    cluster.wait_until_level()
    with contextlib.closing(Opening(at, log_name, "a", None)) as opening:  # type: ignore[arg-type]
        assert opening.verdict() == REJOIN
        for proxy in proxies:
            proxy.hold_answers()
        mending = threading.Timer(1.5, lambda: [proxy.mend() for proxy in proxies])
        mending.start()
        assert opening.verdict() == REJOIN
        mending.join()
