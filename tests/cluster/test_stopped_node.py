"""A node whose file does not follow from the records shows nothing of what it has, says why, and leads no more."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pos_notif.cluster.engine import parse
from pos_notif.cluster.founding import found
from tests.support.live_server import LiveServer, run_cli
from tests.support.polling_client import PollingClient
from tests.support.redis import RedisServer, redis_server
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually
from tests.support.websocket_client import Closed, SioClient

__all__ = ["redis_server"]

EVENT = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}


def two_files(folder: Path, url: str) -> tuple[Path, Path, str]:
    """The files of the nodes a and b, which no one serves yet, and a token that is in both."""
    a, b = folder / "a.db", folder / "b.db"
    token = LiveServer(a, {}).token
    found(a, parse(url), "a")
    with sqlite3.connect(a) as connection:
        connection.execute("INSERT INTO members (name, position, joined_ms) VALUES ('b', 0, 0)")
    with sqlite3.connect(a) as source, sqlite3.connect(b) as copy:
        source.backup(copy)
        copy.execute("UPDATE node SET name = 'b'")
    return a, b, token


@pytest.fixture
def nodes(
    redis_server: RedisServer, make_server: Callable[..., LiveServer], tmp_path: Path
) -> tuple[LiveServer, LiveServer, str]:
    """The one that leads, the other, and the engine's address."""
    url = f"redis://127.0.0.1:{redis_server.port}"
    a, b, token = two_files(tmp_path, url)
    first, second = make_server(a, cluster=url), make_server(b, cluster=url)
    first._token = second._token = token
    eventually(lambda: leads(first) or leads(second))
    return (first, second, url) if leads(first) else (second, first, url)


def has_ended(socket: SioClient) -> bool:
    try:
        socket.receive()
    except Closed:
        return True
    return False


def leads(node: LiveServer) -> bool:
    return "\npos_notif_node_leads 1.0\n" in node.request("GET", "/metrics", token=None)[2]


def fork(node: LiveServer, other: LiveServer) -> None:
    """The next record does not follow from what the node has."""
    with sqlite3.connect(node.database) as connection:
        connection.execute("UPDATE node SET hash = zeroblob(32)")
    other.publish(EVENT)


def test_a_node_with_another_history_ends_all_that_is_open_and_says_so(nodes):
    other, node, _ = nodes
    cursor = node.publish(EVENT)["cursor"]
    eventually(lambda: other.request("GET", f"/api/notificaciones/polling/manager?cursor={cursor}")[0] == 200)
    bearer = {"Authorization": f"Bearer {node.token}"}
    waiting = HTTPConnection("127.0.0.1", node.port, timeout=15)
    with (
        SseClient(node, "manager") as stream,
        SioClient(node.port, {"token": node.token}) as socket,
        PollingClient(node.port, headers=bearer) as polled,
    ):
        polled.open()
        polled.connect()
        fetched = polled.begin()
        waiting.request("GET", f"/api/notificaciones/polling/cocinero?cursor={cursor}&espera=25", headers=bearer)
        assert node.request("GET", "/healthz")[0] == 200  # by its answer, the poll waits
        fork(node, other)
        assert [frame.event for frame in stream.frames()][-1] == "reinicio"
        while not has_ended(socket):
            pass
        polled.answer(fetched)
        with contextlib.closing(waiting), waiting.getresponse() as answer:
            # It did not wait to its end, with what is not of this log any more.
            assert (answer.status, json.load(answer)["eventos"]) == (200, [])
    eventually(lambda: node.request("GET", "/api/notificaciones/polling/manager")[0] == 503)
    assert [node.request("GET", path)[0] for path in ("/cocina", "/healthz", "/readyz")] == [503, 200, 503]
    assert other.request("GET", "/readyz")[0] == 200


def test_a_node_that_has_stopped_leaves_the_lead_to_another_one(nodes):
    leader, other, url = nodes
    fork(leader, other)
    eventually(lambda: leader.request("GET", "/readyz")[0] == 503)
    eventually(lambda: leads(other))
    assert not leads(leader)
    said = run_cli("cluster", "status", "--cluster", url, database=other.database).stdout
    name = {server.database: "ab"[number] for number, server in enumerate(sorted(nodes[:2], key=lambda n: n.database))}
    [stopped] = [line for line in said.splitlines() if line.split()[:1] == [name[leader.database]]]
    assert "is not served" in stopped
    assert "leads" not in stopped
