"""A node whose file does not follow from the records shows nothing of what it has, and says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from pos_notif.cluster.engine import parse
from pos_notif.cluster.founding import found
from tests.support.live_server import LiveServer
from tests.support.redis import RedisServer, redis_server
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

__all__ = ["redis_server"]

EVENT = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}


def test_a_node_with_another_history_stops_and_says_so(
    redis_server: RedisServer, make_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    token = LiveServer(a, {}).token
    url = f"redis://127.0.0.1:{redis_server.port}"
    found(a, parse(url), "a")
    with sqlite3.connect(a) as connection:
        connection.execute("INSERT INTO members (name, position, joined_ms) VALUES ('b', 0, 0)")
    with sqlite3.connect(a) as source, sqlite3.connect(b) as copy:
        source.backup(copy)
        copy.execute("UPDATE node SET name = 'b'")
    first, second = make_server(a, cluster=url), make_server(b, cluster=url)
    first._token = second._token = token
    with SseClient(second, "manager") as stream:
        with sqlite3.connect(b) as connection:
            connection.execute("UPDATE node SET hash = zeroblob(32)")
        first.publish(EVENT)
        assert [frame.event for frame in stream.frames()][-1] == "reinicio"
    eventually(lambda: second.request("GET", "/api/notificaciones/polling/manager")[0] == 503)
    assert [second.request("GET", path)[0] for path in ("/cocina", "/healthz", "/readyz")] == [503, 200, 503]
    assert first.request("GET", "/readyz")[0] == 200
