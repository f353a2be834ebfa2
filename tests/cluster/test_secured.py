"""Nodes whose engine asks for a password and speaks TLS alone, set up as docs/cluster.md says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.cluster.checker import difference_problems
from tests.cluster.nodes import Cluster, OnEtcd, OnRedis
from tests.soak.check import read_log
from tests.support.command_line import call, fails
from tests.support.etcd import Etcd
from tests.support.logs import stock_alert
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults
PASSWORD = "c-l4ve-Larga"


@dataclass
class SecuredEtcd(OnEtcd):
    """The nodes are a user of their own, who may see nothing but what is theirs."""

    def url(self, addresses: Sequence[str]) -> str:
        return self.etcd.url.replace(f"//root:{self.etcd.password}@", f"//nodos:{PASSWORD}@")


@dataclass
class SecuredRedis(OnRedis):
    def url(self, addresses: Sequence[str]) -> str:
        return self.redis.address


@contextmanager
def secured_etcd(folder: Path) -> Iterator[OnEtcd]:
    with Etcd(folder / "etcd", tls=True, password="de-otro") as etcd:
        etcd.ctl("role", "add", "pos-notif")
        etcd.ctl("role", "grant-permission", "pos-notif", "--prefix=true", "readwrite", "pos-notif/")
        etcd.ctl("user", "add", f"nodos:{PASSWORD}")
        etcd.ctl("user", "grant-role", "nodos", "pos-notif")
        yield SecuredEtcd(etcd)


@contextmanager
def secured_redis(folder: Path) -> Iterator[OnRedis]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    redis = RedisServer(folder / "redis", password=PASSWORD, certificates=folder).start()
    try:
        yield SecuredRedis(redis)
    finally:
        redis.kill()


@pytest.mark.parametrize("secured", [secured_etcd, secured_redis])
def test_nodes_on_an_engine_with_a_password_and_certificates(tmp_path, secured):
    with secured(tmp_path) as under_test, Cluster(tmp_path, under_test, 2, direct=True) as cluster:
        one, other = cluster.nodes
        url = cluster.url(one)
        assert url.startswith(("etcds://", "rediss://"))
        cluster.wait_until_open()
        published = one.publish(stock_alert(1))["id"]
        eventually(lambda: published in [event["id"] for event in read_log(other.database)])
        assert difference_problems([node.database for node in cluster.nodes]) == []
        done = call("cluster", "status", "--cluster", url, "--database", str(one.database))
        assert (done.exit_code, PASSWORD in done.stdout) == (0, False)
        other.stop()
        serve = ("serve", "--port", "0", "--database", str(other.database), "--cluster")
        for wrong in (url.replace(PASSWORD, "adivinada"), url.replace(PASSWORD + "@", "@")):
            said = fails(2, *serve, wrong)
            assert "adivinada" not in said
        plain = url.replace("etcds://", "etcd://").replace("rediss://", "redis://").partition("?")[0]
        assert PASSWORD not in fails(2, *serve, plain)
        one.stop()
        assert PASSWORD not in "".join(one.stderr_lines + other.stderr_lines)
