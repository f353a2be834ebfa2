"""A node does not begin on what would break a cluster; the commands' own refusals are in `test_commands.py`."""

from __future__ import annotations

from tests.cluster.nodes import Cluster, OnRedis, engine
from tests.support.command_line import fails


def test_a_redis_that_may_lose_what_it_has_answered_and_another_nodes_file_are_one_line(tmp_path):
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 1, direct=True) as cluster:
        assert isinstance(under_test, OnRedis)
        [node] = cluster.nodes
        serve = ("serve", "--port", "0", "--cluster", cluster.url(node), "--database", str(node.database))
        node.stop()
        assert "the node a" in fails(1, *serve, "--node", "z")
        for setting, value, good in (
            ("maxmemory-policy", "allkeys-lru", "noeviction"), ("appendfsync", "everysec", "always"),
            ("appendonly", "no", "yes"),
        ):  # fmt: skip
            under_test.redis.command("config", "set", setting, value)
            assert setting in fails(2, *serve)
            under_test.redis.command("config", "set", setting, good)
        node.start()
        assert node.is_open()
