"""A new epoch under a running service: who has missed nothing goes on; only who has read what is lost begins anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pos_notif.database.file import in_transaction
from pos_notif.database.threads import Database
from pos_notif.log.tables.epochs import begin_epoch
from pos_notif.log.writer import SqliteLog
from tests.support.live_server import LiveServer, run_cli
from tests.support.logs import fill_log, opened, stock_alert
from tests.support.sse_client import SseClient
from tests.support.websocket_client import SioClient

NEVER_TOLD = "evento_alerta", "resincronizar"


def begin(database: Path) -> str:
    """What another node's base record does to the file."""
    with opened(database) as connection:
        connection.isolation_level = None
        return in_transaction(connection, begin_epoch)


def poll(server: LiveServer, cursor: str) -> Any:
    return server.request("GET", f"/api/notificaciones/polling/manager?cursor={cursor}")[2]


def products(answer: Any) -> list[int]:
    assert "resincronizar" not in answer
    return [event["producto_id"] for event in answer["eventos"]]


@pytest.mark.parametrize("rounds", [1, 3])
def test_readers_of_every_kind_go_on_over_new_epochs(server: LiveServer, rounds: int):
    first = server.publish(stock_alert(1))
    cursors = [first["cursor"]]
    with (
        SseClient(server, "manager", last_event_id=first["cursor"]) as stream,
        SioClient(server.port, {"token": server.token}) as socket,
    ):
        stream.next_event("hola")
        answer = socket.call("conectar_usuario", {"rol": "manager", "cursor": first["cursor"]})
        assert answer["cursor"] == first["cursor"]
        for number in range(2, 2 + rounds):
            began = begin(server.database)
            cursor = server.publish(stock_alert(number))["cursor"]
            assert cursor == f"{began}-{first['id'] + 1_000_000 * (number - 1)}"
            frame = stream.next_event(*NEVER_TOLD)
            assert (frame.event, frame.id, frame.data["producto_id"]) == ("evento_alerta", cursor, number)
            name, data, told = socket.event(*NEVER_TOLD)
            assert (name, data["producto_id"], told) == ("evento_alerta", number, cursor)
            cursors.append(cursor)
    for _ in range(2):
        for number, cursor in enumerate(cursors, 1):
            assert products(poll(server, cursor)) == list(range(number + 1, 2 + rounds))
            with SseClient(server, "manager", last_event_id=cursor) as stream:
                assert stream.next_event("hola", "resincronizar").id == cursors[-1] if number > rounds else True
                for later in range(number + 1, 2 + rounds):
                    assert stream.next_event(*NEVER_TOLD).data["producto_id"] == later
            table = server.request("GET", f"/api/notificaciones/eventos?orden=asc&cursor={cursor}")[2]
            assert [event["producto_id"] for event in table["eventos"]] == list(range(number + 1, 2 + rounds))
        server.restart()


def test_whoever_has_read_what_is_lost_begins_anew(server: LiveServer):
    first = server.publish(stock_alert(1))
    epoch, _, last = first["cursor"].partition("-")
    began = begin(server.database)
    lost, beyond = f"{epoch}-{int(last) + 1}", f"{began}-{int(last) + 1_000_000}"
    assert poll(server, lost)["resincronizar"]["motivo"] == "epoca"
    assert poll(server, beyond)["resincronizar"]["motivo"] == "futuro"
    assert products(poll(server, f"{began}-{int(last) + 999_999}")) == []
    newest = server.publish(stock_alert(2))["cursor"]
    reset = poll(server, lost)["resincronizar"]
    assert (reset["motivo"], reset["cursor"]) == ("epoca", newest)
    with SseClient(server, "manager", last_event_id=lost) as stream:
        assert stream.next_event("resincronizar", "evento_alerta").data["motivo"] == "epoca"
    with SioClient(server.port, {"token": server.token}) as socket:
        assert socket.call("conectar_usuario", {"rol": "manager", "cursor": lost})["cursor"] is None
    assert server.request("GET", f"/api/notificaciones/eventos?cursor={lost}")[0] == 422
    assert products(poll(server, beyond)) == []


def test_of_several_cursors_the_one_that_reaches_furthest_is_gone_on_from_whatever_its_epoch(server: LiveServer):
    cursors = [server.publish(stock_alert(number))["cursor"] for number in (1, 2)]
    begin(server.database)
    server.publish(stock_alert(3))
    query = f"?lastEventId={cursors[1]}&cursor=zzzzzz-5000000"
    with SseClient(server, "manager", last_event_id=cursors[0], query=query) as stream:
        assert stream.next_event(*NEVER_TOLD).data["producto_id"] == 3


def test_a_snapshot_and_a_stream_from_it_agree_on_an_epoch_that_was_begun_elsewhere(server: LiveServer):
    server.publish(stock_alert(1))
    began = begin(server.database)
    cursor = server.request("GET", "/api/pedidos")[2]["cursor"]
    assert cursor.startswith(began)
    with SseClient(server, "manager", last_event_id=cursor) as stream:
        assert stream.next_event("hola", "resincronizar").id == cursor


def test_nothing_is_given_anew_that_was_given_in_a_lost_part(server: LiveServer):
    def make(name: str) -> int:
        return server.request("POST", "/api/productos", {"nombre": name, "precio": 1})[2]["id"]

    def place(key: str, dish: int) -> tuple[int, str]:
        order = {"operacion_id": key, "tipo": "mesa", "items": [{"producto_id": dish, "cantidad": 1}]}
        placed = server.request("POST", "/api/pedidos", order)[2]["pedido"]
        return placed["id"], placed["numero"]

    dish = make("Pupusa")
    server.create_user("ana", "mesero")
    (order, number) = place("a", dish)
    begin(server.database)
    server.create_user("berta", "mesero")
    assert make("Loroco") == dish + 1001
    assert place("b", dish) == (order + 1001, f"{number[0]}{int(number[1:]) + 501}")
    assert place("c", dish) == (order + 1002, f"{number[0]}{int(number[1:]) + 502}")
    with opened(server.database) as connection:
        users = [row[0] for row in connection.execute("SELECT id FROM users ORDER BY id")]
    assert users[1] - users[0] == 1001


async def test_a_look_at_the_file_does_not_take_a_new_epoch_for_another_file(tmp_path: Path):
    fill = tmp_path / "log.db"
    database = await Database.open(fill)
    log = await SqliteLog.open(database)
    try:
        begin(fill)
        await log.look_at_files()
        assert database.lost is None
        with opened(fill) as connection:
            connection.execute("DELETE FROM epochs")
        await log.look_at_files()
        assert database.lost is not None
    finally:
        await log.close()
        await database.close()


def test_a_log_over_epochs_verifies_and_is_served_by_a_copy(tmp_path: Path, make_server):
    path = tmp_path / "log.db"
    cursor = fill_log(path, [stock_alert(1)])
    begin(path)
    fill_log(path, [stock_alert(2)])
    assert run_cli("verify", database=path).returncode == 0
    run_cli("backup", str(tmp_path / "copy.db"), database=path)
    assert products(poll(make_server(tmp_path / "copy.db"), cursor)) == [2]


def test_ids_that_an_epoch_leaves_out_are_no_events_that_a_reader_lacks(make_server):
    server: LiveServer = make_server(max_backlog="1")
    cursor = server.publish(stock_alert(1))["cursor"]
    begin(server.database)
    server.publish(stock_alert(2))
    with SseClient(server, "manager", last_event_id=cursor) as stream:
        assert stream.next_event(*NEVER_TOLD).event == "evento_alerta"
    metrics = server.request("GET", "/metrics")[2]
    assert "pos_notif_replay_events_sum 1.0" in metrics
