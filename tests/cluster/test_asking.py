"""Where nodes ask each other whether they have an engine."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pos_notif.cluster.asking import any_is_ready, own_url
from pos_notif.config import Config


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"host": "10.0.0.2"}, "http://10.0.0.2:5000"),
        ({"host": "caja.local", "certfile": "c.pem"}, "https://caja.local:5000"),
        ({"host": "fe80::1"}, "http://[fe80::1]:5000"),
        ({"host": "0.0.0.0", "cluster": "redis://127.0.0.1"}, "http://127.0.0.1:5000"),
    ],
)
def test_a_node_is_asked_where_it_listens(settings: dict[str, str], url: str) -> None:
    assert own_url(Config(**settings), 5000) == url


def test_one_that_listens_everywhere_is_asked_where_its_engine_sees_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine is in no network")
        own = probe.getsockname()[0]
    config = Config(host="0.0.0.0", cluster="etcd://127.0.0.1,192.0.2.1")
    assert own_url(config, 5000) == f"http://{own}:5000"


def test_of_who_does_not_answer_nothing_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (silent, closed)]
        urls = [f"{scheme}://127.0.0.1:{port}" for port in ports for scheme in ("http", "https")]
        assert not asyncio.run(any_is_ready(urls))
