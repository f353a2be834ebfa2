"""What a node's file had and the one that takes its place has not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pos_notif.cluster.recovery import only_here
from pos_notif.log.tables.epochs import begin_epoch
from tests.support.live_server import LiveServer
from tests.support.logs import opened, stock_alert


def test_what_was_in_one_file_only_is_told_and_what_was_sent_again_is_marked(make_server, tmp_path: Path):
    def dish(server: LiveServer, name: str, price: float) -> None:
        assert server.request("POST", "/api/productos", {"nombre": name, "precio": price})[0] == 201

    old: LiveServer = make_server()
    old.publish(stock_alert(1))
    dish(old, "Pupusa", 1)
    dish(old, "Loroco", 1)
    old.create_user("ana", "mesero")
    old.create_user("berta", "mesero")
    old.stop()
    shutil.copy(old.database, tmp_path / "copy.db")
    copy: LiveServer = make_server(tmp_path / "copy.db")
    copy._token = old.token
    old.start()
    old.publish({**stock_alert(2), "operacion_id": "again"})
    old.publish({**stock_alert(3), "operacion_id": "never"})
    dish(old, "Atol", 1)
    old.create_user("carla", "mesero")
    with opened(copy.database) as connection:
        begin_epoch(connection)
    copy.publish({**stock_alert(2), "operacion_id": "again"})
    dish(copy, "Quesillo", 2)
    copy.create_user("dora", "mesero")
    with opened(old.database) as connection:
        connection.execute("UPDATE users SET role = 'cajero' WHERE username = 'ana'")
        connection.execute("UPDATE products SET price = 3 WHERE name = 'Loroco'")
        connection.execute("UPDATE products SET stock = 3 WHERE name = 'Pupusa'")
    found = only_here(old.database, copy.database)
    told = [(json.loads(data).get("producto_id"), known) for data, known in found.events]
    assert told[:2] == [(2, True), (3, False)]
    assert not any(known for _, known in told[2:])
    assert (found.users, found.tokens, found.products) == (["ana", "carla"], [], ["Atol", "Loroco"])
    assert only_here(old.database, old.database) == ([], [], [], [])
