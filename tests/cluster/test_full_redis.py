"""A Redis that has no room left: nothing is thrown away, nothing is written, and all goes on when there is room."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pos_notif.cluster.follower import PROBE_SECONDS
from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, OnRedis, engine
from tests.soak.check import assert_log_is_sound, read_log
from tests.support.logs import stock_alert
from tests.support.sse_client import SseClient

pytestmark = pytest.mark.faults
PUBLISH, POLL = "/api/notificaciones/eventos", "/api/notificaciones/polling/manager"


def test_while_redis_is_full_all_is_read_and_nothing_is_lost(tmp_path: Path) -> None:
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 2, direct=True) as cluster:
        assert isinstance(under_test, OnRedis)
        cluster.wait_until_open()
        cluster.wait_until_level()
        one, other = cluster.nodes
        cursor = one.request("GET", POLL)[2]["cursor"]
        with SseClient(other, "manager") as stream:
            stream.next_event("hola")
            seen: list[int] = []
            under_test.redis.command("config", "set", "maxmemory", "1")
            for number, node in enumerate(cluster.nodes):
                status, _, answer = node.request(
                    "POST", PUBLISH, stock_alert(1), headers={"Idempotency-Key": f"full-{number}"}
                )
                assert (status, answer["error"]["codigo"]) == (503, "registro_no_disponible")
            # It answers whoever reads, and is away all the same.
            for node in cluster.nodes:
                for _ in range(5):
                    answer = node.request("GET", f"{POLL}?cursor={cursor}")[2]
                    assert "sin_central_desde" in answer
                    assert answer["eventos"] == []
                    time.sleep(PROBE_SECONDS)
                assert node.request("GET", "/readyz?nodo", token=None)[0] == 503
            under_test.redis.command("config", "set", "maxmemory", "0")
            cluster.wait_until_open()
            ids = [
                node.publish(stock_alert(1), **{"Idempotency-Key": f"full-{number}"})["id"]
                for number, node in enumerate(cluster.nodes)
            ]
            while max(ids) not in seen:
                seen.append(stream.next_event().data["id"])
        cluster.wait_until_level()
        keys = [event.get("operacion_id") for event in read_log(one.database)]
        assert [keys.count(f"full-{number}") for number in range(2)] == [1, 1]
        # It is the same log still: no new epoch.
        assert one.request("GET", POLL)[2]["cursor"].rpartition("-")[0] == cursor.rpartition("-")[0]
        assert difference_problems([node.database for node in cluster.nodes]) == []
        for node in cluster.nodes:
            assert_log_is_sound(node.database)
            assert not [line for line in node.stderr_lines if "Traceback" in line]
