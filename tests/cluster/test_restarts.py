"""Redis is started anew, with all that it had or with less. `tests/soak/run --only nodes` has more restarts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.nodes import Cluster, Node, OnRedis, engine
from tests.cluster.restarts import epochs, restart_redis
from tests.support.logs import stock_alert
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


@pytest.mark.long
def test_readers_who_have_missed_nothing_read_on_over_restarts_of_redis(tmp_path):
    outcome = restart_redis(tmp_path, rounds=2, seed=1)
    assert not outcome.problems, outcome.table()
    assert int(dict(outcome.figures)["events read, each once and in order"]) > 1000


def test_who_has_read_what_redis_lost_begins_anew_and_nobody_else(tmp_path):
    """Whoever had it is off when a node opens Redis, whose file stands in what is left."""
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 2) as cluster:
        assert isinstance(under_test, OnRedis)
        first, second = cluster.nodes
        kept = first.publish(stock_alert(1, "agotado"))["cursor"]
        cluster.wait_until_level()
        second.kill()
        older = under_test.redis.keep("older")
        lost = first.publish(stock_alert(2, "agotado"))["cursor"]
        first.kill()
        under_test.redis.put_back(older)
        second.start()
        cluster.wait_until_open(second)
        assert [epoch for epoch, _ in epochs(second)] == [kept.split("-")[0]]
        told = second.publish(stock_alert(3, "agotado"))["id"]
        assert told in [event["id"] for event in poll(second, kept)["eventos"]]
        assert poll(second, lost)["resincronizar"]["motivo"] == "epoca"
        first.start()  # it has what is lost, and must not show it
        eventually(lambda: any("cluster rejoin" in line for line in first.stderr_lines))
        assert first.request("GET", "/api/pedidos")[0] == 503
        first.stop()
        cluster.rejoin(first, second)
        first.start()
        cluster.wait_until_open(first)
        assert poll(first, lost)["resincronizar"]["motivo"] == "epoca"


def poll(node: Node, cursor: str) -> Any:
    status, _, answer = node.request("GET", f"/api/notificaciones/polling/manager?cursor={cursor}")
    assert status == 200, answer
    return answer
