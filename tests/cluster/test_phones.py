"""Of the nodes of a cluster one rings phones, whichever they were told to, and another goes on when it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster, engine
from tests.cluster.test_together import is_leading
from tests.cluster.workload import PIN
from tests.push.conftest import CONTACT
from tests.push.test_sending import ready, subscribe
from tests.support.push_service import PushService
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


def test_when_the_node_that_rings_is_killed_another_repeats_the_one_message_that_was_under_way(tmp_path: Path) -> None:
    settings = {"push": "webpush", "push_contact": CONTACT, "push_wait_seconds": "0"}
    with (
        PushService(tmp_path) as service,
        engine("redis", tmp_path) as under_test,
        Cluster(
            tmp_path,
            under_test,
            2,
            direct=True,
            environment={"SSL_CERT_FILE": service.authority},
            push_hosts=service.host,
            **settings,
        ) as cluster,
    ):
        eventually(lambda: [is_leading(node) for node in cluster.nodes].count(True) == 1)
        leader = next(node for node in cluster.nodes if is_leading(node))
        other = next(node for node in cluster.nodes if node is not leader)
        subscribe(other, service.browser("Elena"), other.login("Elena", PIN))
        events = [ready(node, number) for number, node in enumerate((other, leader, other, leader), 1)]
        eventually(lambda: len(service.of("Elena")) == 4)

        def die() -> int:
            leader.kill()  # it has been sent, and no node knows
            return 201

        service.answers = {"Elena": [die]}
        under_way = ready(other, 5)
        eventually(lambda: len(service.of("Elena")) == 5)
        last = ready(other, 6)
        eventually(lambda: len(service.of("Elena")) == 7)
        assert told(service) == [*events, under_way, under_way, last]
        # Who was killed goes on as one that does not lead.
        leader.start()
        eventually(leader.is_open)
        assert not is_leading(leader)
        last = ready(leader, 7)
        eventually(lambda: len(service.of("Elena")) == 8)
        assert told(service)[-1] == last
        assert service.faults == []


def told(service: PushService) -> list[int]:
    return [message["evento_id"] for message in service.of("Elena")]
