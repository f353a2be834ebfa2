"""A node does not begin on what would break a cluster; the commands' own refusals are in `test_commands.py`."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster, Node, OnRedis, engine
from tests.support.bytecode import ROOT
from tests.support.command_line import PROGRAM, fails
from tests.support.live_server import clean_environment, run_cli
from tests.support.waiting import eventually


@contextlib.contextmanager
def two_logs(folder: Path, kind: str) -> Iterator[tuple[Node, Node, str]]:
    """The one node of each of two logs with an engine of its own, and the address of the second one's."""
    mine, other = folder / "mine", folder / "other"
    mine.mkdir()
    other.mkdir()
    with (
        engine(kind, mine) as own, Cluster(mine, own, 1, direct=True) as cluster,
        engine(kind, other) as foreign, Cluster(other, foreign, 1, direct=True) as elsewhere,
    ):  # fmt: skip
        [node], [stranger] = cluster.nodes, elsewhere.nodes
        yield node, stranger, elsewhere.url(stranger)


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


def test_a_nodes_file_is_its_own_engines_and_a_node_is_one_process(tmp_path):
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 1, direct=True) as cluster:
        [node] = cluster.nodes
        elsewhere = ("--cluster", "etcd://127.0.0.1:1", "--database")
        said = fails(2, "cluster", "join", node.url, "--node", "b", *elsewhere, str(tmp_path / "b.db"))
        assert "that node's engine is redis, and not etcd" in said
        assert not (tmp_path / "b.db").exists()
        node.stop()
        for command in (("serve", "--port", "0"), ("cluster", "status"), ("cluster", "recover", "--yes"),
                        ("user", "role", "Ana", "cajero")):  # fmt: skip
            said = fails(1, *command, *elsewhere, str(node.database))
            assert "is a node's of redis, and not of etcd" in said, command
        own = ("--cluster", cluster.url(node), "--database", str(node.database))
        new = ("--cluster", cluster.url(node), "--database", str(tmp_path / "z.db"))
        assert "POS_NOTIF_NODE: " in fails(2, "cluster", "init", *new, environ={"POS_NOTIF_NODE": "../z"})
        assert "leave --workers away" in fails(2, "serve", "--port", "0", "--workers", "2", *own)


@pytest.mark.parametrize("kind", ["etcd", "redis"])
def test_another_logs_engine_is_not_taken_for_ones_own(tmp_path, kind):
    with two_logs(tmp_path, kind) as (node, stranger, url):
        node.stop()
        there = ("--cluster", url, "--database", str(node.database))
        said = fails(2, "serve", "--port", "0", *there)
        assert "it has nothing of this log" in said
        assert "`pos-notif cluster recover` brings this log there" in said
        asked = run_cli("cluster", "recover", *there[:2], database=node.database, check=False)
        assert asked.returncode == 2
        assert "it has another log" in asked.stderr
        run_cli("cluster", "recover", "--yes", "--cluster", url, database=node.database)
        assert stranger.is_open()  # one engine may have both
        node.start()
        assert node.is_open()


@pytest.mark.parametrize("kind", ["etcd", "redis"])
def test_a_recovery_that_was_overtaken_while_a_person_was_asked_does_nothing(tmp_path, kind):
    with two_logs(tmp_path, kind) as (node, _, url):
        node.stop()
        arguments = ("cluster", "recover", "--cluster", url)
        ours, theirs = pty.openpty()
        command = [*PROGRAM, *arguments, "--database", str(node.database)]
        with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, env=clean_environment()) as asked:
            assert asked.stderr is not None
            said = b""
            while b"Go on?" not in said:
                said += os.read(asked.stderr.fileno(), 1000)
            run_cli(*arguments, "--yes", database=node.database)  # by somebody else
            os.write(ours, b"y\n")
            rest = asked.stderr.read().decode()
        os.close(ours)
        os.close(theirs)
        assert asked.returncode == 1
        assert "it has moved on since: look again" in rest
        assert "Traceback" not in rest
        node.settings["POS_NOTIF_CLUSTER"] = url
        node.start()
        eventually(node.is_open)  # by the first one


def test_without_the_extra_it_is_one_line(tmp_path):
    """Where `redis` is not installed."""
    hidden = tmp_path / "redis"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError('it is hidden')")
    for command in (("serve", "--port", "0"), ("cluster", "status"), ("user", "role", "Ana", "cajero")):
        arguments = [*command, "--cluster", "redis://127.0.0.1:1", "--database", str(tmp_path / "log.db")]
        done = subprocess.run(
            [sys.executable, "-m", "pos_notif", *arguments], capture_output=True, text=True, check=False,
            cwd=ROOT, env={**clean_environment(), "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        said = "POS_NOTIF_CLUSTER: Redis needs the extra `cluster`: pip install 'pos-notif[cluster]'"
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr, command


def test_an_engine_that_is_not_there_or_unfit_is_named(tmp_path):
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 1, direct=True) as cluster:
        assert isinstance(under_test, OnRedis)
        [node] = cluster.nodes
        node.stop()
        own = ("--cluster", cluster.url(node), "--database", str(node.database))
        new = ("--cluster", cluster.url(node), "--node", "z", "--database", str(tmp_path / "z.db"))
        under_test.redis.kill()
        assert "POS_NOTIF_CLUSTER: " in fails(2, "serve", "--port", "0", *own)
        assert "redis does not answer" in fails(1, "cluster", "recover", "--yes", *own)
        assert "the engine cannot be used" in fails(1, "cluster", "init", *new)
        under_test.redis.start()
        under_test.redis.command("config", "set", "appendfsync", "everysec")
        assert "appendfsync" in fails(1, "cluster", "recover", "--yes", *own)


def test_a_node_that_was_taken_off_the_list_is_told_so_when_it_is_started_again(tmp_path):
    with engine("redis", tmp_path) as under_test, Cluster(tmp_path, under_test, 2, direct=True) as cluster:
        a, b = cluster.nodes
        run_cli("cluster", "detach", "b", "--cluster", cluster.url(a), database=a.database)
        eventually(lambda: b.place == a.place)
        b.stop()
        said = fails(1, "serve", "--port", "0", "--cluster", cluster.url(b), "--database", str(b.database))
        assert "the cluster has no node b any more (pos-notif cluster join)" in said
