"""Following an order by HTTP (docs/protocol.md, section 17): on streams and polls, across restarts, per client."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from pos_notif.clock import Instant, WallMs
from pos_notif.database.threads import Database
from pos_notif.log.event_log import LoggedEvent
from pos_notif.log.listeners import LogListeners
from pos_notif.log.subscriptions import MAX_CLIENTS
from pos_notif.log.writer import SqliteLog
from tests.support.in_process import HeldClock, in_process
from tests.support.live_server import LiveServer
from tests.support.logs import opened
from tests.support.sse_client import SseClient
from tests.support.waiting import eventually

TAB, OTHER_TAB = str(uuid.uuid4()), str(uuid.uuid4())

EVENTS = "/api/notificaciones/eventos"


def follow(server: LiveServer, order_id: int, client: str = TAB, **how: Any) -> dict[str, Any]:
    path = f"/api/notificaciones/suscripciones/{order_id}?cliente={client}"
    status, _, answer = server.request("PUT", path, **how)
    assert status == 200, answer
    return answer


def unfollow(server: LiveServer, order_id: int, client: str = TAB, **how: Any) -> None:
    path = f"/api/notificaciones/suscripciones/{order_id}?cliente={client}"
    assert server.request("DELETE", path, **how)[2] == {"pedido_id": order_id}


def change_line(server: LiveServer, order_id: int, name: str) -> int:
    """An event that goes to the waiters, and to no till that does not follow the order."""
    line = {"tipo_cambio": "item_agregado", "producto_nombre": name, "cantidad_nueva": 1}
    return server.publish({"tipo": "item_modificado", "pedido_id": order_id, "item_id": 9, "cambios": line})["id"]


def names(frames: list[Any]) -> list[str]:
    return [frame.data["cambios"]["producto_nombre"] for frame in frames]


@pytest.fixture
def cashier(server: LiveServer) -> str:
    server.create_user("Rosa", "cajero")
    return server.login("Rosa")


def test_a_subscription_answers_with_the_order_and_its_events_flow_on_the_open_stream(server, cashier):
    server.new_order(7, mesa_numero=4)
    with SseClient(server, "cajero", cookie=cashier, query=f"?cliente={TAB}") as stream:
        stream.next_event("hola")
        change_line(server, 7, "before")
        answer = follow(server, 7, cookie=cashier)
        assert (answer["pedido_id"], answer["pedido"]["mesa_numero"]) == (7, 4)
        assert answer["cursor"].endswith("-2")
        change_line(server, 7, "first")
        change_line(server, 8, "of another order")
        change_line(server, 7, "second")
        assert names(stream.take(2)) == ["first", "second"]
        unfollow(server, 7, cookie=cashier)
        change_line(server, 7, "after")
        server.publish({"tipo": "pedido_cancelado", "pedido_id": 8})
        assert stream.take(1)[0].data["tipo"] == "pedido_cancelado"


def test_an_unknown_order_may_be_followed(server, cashier):
    assert follow(server, 12, cookie=cashier)["pedido"] is None


def test_it_belongs_to_the_client_and_survives_reconnects_and_restarts(server, cashier):
    server.new_order(7)
    cursor = follow(server, 7, cookie=cashier)["cursor"]
    change_line(server, 7, "one")
    server.restart()
    change_line(server, 7, "two")
    mine = f"?cliente={TAB}&cursor={cursor}"
    with SseClient(server, "cajero", cookie=cashier, query=mine) as stream:
        assert names(stream.take(2)) == ["one", "two"]
    path = "/api/notificaciones/polling/cajero"
    events = server.request("GET", path + mine, cookie=cashier)[2]["eventos"]
    assert [event["cambios"]["producto_nombre"] for event in events] == ["one", "two"]
    for other in (f"?cliente={OTHER_TAB}&cursor={cursor}", f"?cursor={cursor}"):
        assert server.request("GET", path + other, cookie=cashier)[2]["eventos"] == []
    server.create_user("Luis", "cajero")
    assert server.request("GET", path + mine, cookie=server.login("Luis"))[2]["eventos"] == []


def test_subscribing_again_keeps_the_first_start(server, cashier):
    server.new_order(7)
    first = follow(server, 7, cookie=cashier)["cursor"]
    change_line(server, 7, "one")
    follow(server, 7, cookie=cashier)
    path = f"/api/notificaciones/polling/cajero?cliente={TAB}&cursor={first}"
    assert server.request("GET", path, cookie=cashier)[2]["total"] == 1


def test_an_event_that_matches_twice_comes_once(server, cashier):
    server.new_order(7)
    follow(server, 7, cookie=cashier)
    with SseClient(server, "cajero", cookie=cashier, query=f"?cliente={TAB}") as stream:
        stream.next_event("hola")
        server.publish({"tipo": "pedido_cancelado", "pedido_id": 7})
        server.publish({"tipo": "cambio_estado", "pedido_id": 7, "estado": "en_cocina", "recuperado": True})
        change_line(server, 7, "last")
        kinds = [frame.data["tipo"] for frame in stream.take(3)]
        assert kinds == ["pedido_cancelado", "cambio_estado", "item_modificado"]


def test_replay_from_the_disk_has_the_followed_orders_too(make_server):
    server = make_server(tail_events="10")
    server.create_user("Rosa", "cajero")
    cookie = server.login("Rosa")
    server.new_order(7)
    cursor = follow(server, 7, cookie=cookie)["cursor"]
    for number in range(40):
        change_line(server, 7, str(number))
        change_line(server, 8, "other")
    query = f"?cliente={TAB}&cursor={cursor}"
    with SseClient(server, "cajero", cookie=cookie, query=query) as stream:
        assert names(stream.take(40)) == [str(number) for number in range(40)]


def test_a_subscription_made_while_a_poll_waits_counts(server, cashier):
    server.new_order(7)
    path = f"/api/notificaciones/polling/cajero?cliente={TAB}"
    cursor = server.request("GET", path, cookie=cashier)[2]["cursor"]
    found: list[Any] = []

    def wait() -> None:
        found.append(server.request("GET", f"{path}&cursor={cursor}&espera=20", cookie=cashier)[2])

    waiting = threading.Thread(target=wait)
    waiting.start()
    # Whether the poll came before or after this, what follows must be in its answer.
    follow(server, 7, cookie=cashier)
    change_line(server, 7, "now")
    waiting.join()
    assert [event["cambios"]["producto_nombre"] for event in found[0]["eventos"]] == ["now"]


def test_the_kitchens_copy_is_kept(server):
    server.create_user("Ana", "cocinero")
    cookie = server.login("Ana")
    items = [{"producto_nombre": "Pupusa", "cantidad": 1, "precio_unitario": 0.75}]
    order = {"id": 7, "tipo": "llevar", "items": items}  # not paid: not the kitchen's
    server.publish({"tipo": "nuevo_pedido", "pedido": order})
    with SseClient(server, "cocinero", cookie=cookie, query=f"?cliente={TAB}") as stream:
        stream.next_event("hola")
        assert "precio_unitario" not in follow(server, 7, cookie=cookie)["pedido"]["items"][0]
        change_line(server, 7, "Horchata")
        assert "total" not in stream.take(1)[0].data


def test_they_end_with_their_session(server, cashier):
    follow(server, 7, cookie=cashier)
    server.request("POST", "/api/auth/logout", cookie=cashier)
    with opened(server.database) as connection:
        assert connection.execute("SELECT count(*) FROM subscriptions").fetchone() == (0,)


def test_at_most_a_hundred_and_a_client_must_be_named(server, cashier):
    for order_id in range(1, 101):
        follow(server, order_id, cookie=cashier)
    follow(server, 100, cookie=cashier)
    path = "/api/notificaciones/suscripciones/"
    status, _, answer = server.request("PUT", f"{path}101?cliente={TAB}", cookie=cashier)
    assert (status, answer["error"]["codigo"]) == (409, "demasiadas_suscripciones")
    unfollow(server, 1, cookie=cashier)
    follow(server, 101, cookie=cashier)
    for query in ("", "?cliente=", "?cliente=mine"):
        status, _, answer = server.request("PUT", f"{path}1{query}", cookie=cashier)
        assert (status, list(answer["error"]["campos"])) == (422, ["cliente"])
    for order_id in ("0", "x", "9007199254740992"):
        assert server.request("PUT", f"{path}{order_id}?cliente={TAB}", cookie=cashier)[0] == 404


async def test_the_clients_of_a_token_are_bounded_and_finished_orders_make_room(tmp_path):
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock=clock) as service:
        await service.create_tokens()

        async def put(order_id: int, number: int) -> Any:
            path = f"/api/notificaciones/suscripciones/{order_id}?cliente=00000000-0000-4000-8000-{number:012}"
            return await service.call("PUT", path, token=service.manager)

        for event in (
            {"tipo": "nuevo_pedido", "pedido": {"id": 7, "items": [{"producto_nombre": "Té", "cantidad": 1}]}},
            {"tipo": "pedido_cancelado", "pedido_id": 7, "razon": "se fue"},
        ):
            assert (await service.call("POST", EVENTS, event, token=service.manager)).status == 201
        assert {(await put(7 if number == 3 else 8, number)).status for number in range(MAX_CLIENTS)} == {200}
        refused = await put(8, MAX_CLIENTS)
        assert (refused.status, refused.code) == (409, "demasiadas_suscripciones")
        assert (await put(9, 0)).status == 200  # who has a place may follow more
        other = f"/api/notificaciones/suscripciones/8?cliente={TAB}"
        assert (await service.call("PUT", other, token=service.tokens["mesero"])).status == 200
        clock.advance(25 * 3600)
        assert (await put(8, MAX_CLIENTS)).status == 200
        assert (await put(8, 3)).status == 409  # it was the one to give way
        assert len(service.app.notifier.log.subscriptions.owners()) == MAX_CLIENTS + 1
        with opened(tmp_path / "log.db") as connection:
            assert connection.execute("SELECT count(*) FROM subscriptions WHERE order_id = 7").fetchone() == (0,)


async def test_two_processes_on_one_log_know_of_each_others_subscriptions(server, cashier):
    async with in_process(server.database) as one:
        with SseClient(server, "cajero", cookie=cashier, query=f"?cliente={TAB}") as stream:
            stream.next_event("hola")
            path = f"/api/notificaciones/suscripciones/7?cliente={TAB}"
            assert (await one.call("PUT", path, cookie=cashier)).status == 200
            line = {"tipo_cambio": "item_agregado", "producto_nombre": "across", "cantidad_nueva": 1}
            change = {"tipo": "item_modificado", "pedido_id": 7, "item_id": 9, "cambios": line}
            assert (await one.call("POST", EVENTS, change, token=server.token)).status == 201
            assert names(stream.take(1)) == ["across"]


def test_the_state_lists_the_followed_orders(server, cashier):
    with SseClient(server, "cajero", cookie=cashier, query=f"?cliente={TAB}") as stream:
        stream.next_event("hola")
        follow(server, 7, cookie=cashier)

        def rooms() -> list[str]:
            state = server.request("GET", "/api/notificaciones/estado")[2]
            return next(row["salas"] for row in state["conexiones"] if row["cliente"] == TAB)

        assert eventually(lambda: rooms() == ["cajeros", "pedido_7"])


async def test_no_event_is_handed_on_before_who_begins_to_follow_in_the_same_commit_is_known(tmp_path):
    """A subscription and an event that share a commit: the event comes second, as in the log."""
    database = await Database.open(tmp_path / "log.db")
    seen: list[str] = []

    def note(events: list[LoggedEvent]) -> None:
        seen.extend("event" for _ in events)

    log = await SqliteLog.open(database, LogListeners(note))

    def work(transaction: Any) -> None:
        event = {"id": transaction.next_id(), "tipo": "alerta_stock"}
        transaction.append(event, set(), Instant(WallMs(0)), None)
        transaction.on_commit(lambda: seen.append("follows"))

    await log.transact(work)
    assert seen == ["follows", "event"]
    await log.close()
    await database.close()
