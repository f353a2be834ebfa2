"""The service's own socket: who may connect, what each action answers, which events come, and how it ends."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.live_server import LiveServer, run_cli, with_accounts
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import Closed, SioClient, WsClient

EVENTS = ("evento_pedido", "evento_alerta", "evento_sistema")
FOREIGN = "https://otra.example"


@pytest.fixture
def cook(server: LiveServer) -> str:
    server.create_user("Ana", "cocinero")
    return server.login("Ana")


@pytest.fixture
def connect(server: LiveServer) -> Iterator[Callable[..., SioClient]]:
    """A socket by cookie, or with the manager's token."""
    with contextlib.ExitStack() as opened:

        def connect(cookie: str | None = None, auth: dict[str, Any] | None = None, **headers: str) -> SioClient:
            if cookie is not None:
                headers["Cookie"] = cookie
            elif auth is None:
                auth = {"token": server.token}
            return opened.enter_context(SioClient(server.port, auth, headers=headers))

        yield connect


def state(server: LiveServer) -> dict[str, Any]:
    return server.request("GET", "/api/notificaciones/estado")[2]


# Who may connect


def test_the_cookie_or_a_token_connects(server, connect, cook):
    assert connect(cook).greeting.startswith('40{"sid":"')
    assert connect(auth={"token": server.token}).greeting.startswith('40{"sid":"')
    assert connect(auth={}, Authorization=f"Bearer {server.token}").greeting.startswith('40{"sid":"')
    assert connect(cook, Origin=server.url).greeting.startswith('40{"sid":"')
    opening = connect(cook).opening
    assert (opening["pingInterval"], opening["pingTimeout"], opening["maxPayload"]) == (25_000, 20_000, 65_536)


@pytest.mark.parametrize("auth", [{}, {"token": "pn_x"}, {"token": 5}, {"token": ["x"]}, {"token": ""}])
def test_nobody_else_does(connect, auth):
    assert connect(auth=auth).greeting == '44{"message":"no_autenticado"}'


def test_a_wrong_token_does_not_fall_back_to_the_cookie(connect, cook):
    assert connect(cook, {"token": "pn_x"}).greeting == '44{"message":"no_autenticado"}'


def test_a_token_in_the_address_is_none(server):
    with WsClient(server.port, f"/socket.io/?EIO=4&transport=websocket&token={server.token}") as client:
        client.receive()
        client.send("40")
        assert client.receive() == '44{"message":"no_autenticado"}'


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"])
def test_a_foreign_pages_cookie_is_not_taken(server, connect, cook, origin):
    assert connect(cook, Origin=origin).greeting == '44{"message":"origen_no_permitido"}'
    assert connect(cook, {"token": server.token}, Origin=origin).greeting.startswith('40{"sid":"')
    status, _, answer = server.request(
        "GET", "/socket.io/?EIO=4&transport=websocket", token=None, headers={"Origin": origin}
    )
    assert (status, answer) == (403, {"code": 4, "message": "Forbidden"})


def test_an_allowed_pages_cookie_is(make_server):
    server = make_server(origins=FOREIGN)
    server.create_user("Ana", "cocinero")
    with SioClient(server.port, headers={"Cookie": server.login("Ana"), "Origin": FOREIGN}) as client:
        assert client.greeting.startswith('40{"sid":"')


def test_a_refused_client_may_try_again_on_the_same_connection(server, connect):
    client = connect(auth={})
    client.send(f'40{{"token":"{server.token}"}}')
    assert client.receive().startswith('40{"sid":"')


# conectar_usuario


def test_the_roles_events_come_with_their_cursors(server, connect, cook):
    client = connect(cook)
    answer = client.call("conectar_usuario", {"usuario_id": 99, "rol": "cocinero", "username": "Otro"})
    assert client.event() == ["conexion_confirmada", answer]
    assert (answer["rol"], answer["salas"]) == ("cocinero", ["cocina"])
    first = server.new_order(1, items=[{"producto_nombre": "Pupusa", "cantidad": 1, "precio_unitario": 2}])
    server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "nivel": "bajo"})  # managers only
    server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "nivel": "agotado"})
    name, event, cursor = client.event()
    assert (name, event["tipo"], cursor) == ("evento_pedido", "nuevo_pedido", first["cursor"])
    assert "precio_unitario" not in event["pedido"]["items"][0]  # the kitchen's copy
    name, event, _ = client.event()
    assert (name, event["nivel"]) == ("evento_alerta", "agotado")


def test_a_socket_gets_the_same_bytes_as_a_stream(make_server):
    server = make_server(heartbeat_seconds="0")  # one that came first would stand among the stream's bytes
    server.create_user("Ana", "cocinero")
    cookie = server.login("Ana")
    with (
        SseClient(server, "cocinero", cookie=cookie) as stream,
        SioClient(server.port, headers={"Cookie": cookie}) as client,
    ):
        client.call("conectar_usuario", {"rol": "cocinero"})
        client.event()
        stream.next_event("hola")
        server.new_order(1, notas="Sin ajo, «ya» 😀", precio="no", extra={"z": 1, "a": [1.5, None]})
        raw = stream.read_until(b"nuevo_pedido").decode().split("data: ")[1].split("\n")[0]
        assert client.receive().startswith(f'42["evento_pedido",{raw},"')


def test_the_role_is_the_sessions(server, connect, cook):
    client = connect(cook)
    for role in ("manager", "mesero", "nadie", 5, None):
        refused = client.call("conectar_usuario", {"rol": role})
        assert refused["codigo"] == "rol_no_permitido"
        assert client.event() == ["error", refused]
    server.new_order(1)
    assert client.call("ping")["cursor"]
    assert client.event()[0] == "pong"  # and no event came
    assert client.call("conectar_usuario", {})["rol"] == "cocinero"


def test_a_manager_may_take_any_role_and_change_it(server, connect):
    client = connect()
    assert client.call("conectar_usuario", {"rol": "cocinero"})["salas"] == ["cocina"]
    server.new_order(1)
    assert client.event("evento_pedido")[1]["pedido_id"] == 1
    assert client.call("conectar_usuario", {"rol": "manager"})["salas"] == ["managers"]
    server.publish({"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "nivel": "bajo"})
    assert client.event(*EVENTS)[1]["nivel"] == "bajo"
    assert state(server)["total_conexiones"] == 1


def test_a_socket_for_actions_gets_no_events(server, connect, cook):
    client = connect(cook)
    assert client.call("conectar_usuario", {"rol": "cocinero", "eventos": False})["rol"] == "cocinero"
    client.event()
    server.new_order(1)
    client.call("ping")
    assert client.event()[0] == "pong"
    assert state(server)["total_conexiones"] == 0


@pytest.mark.parametrize("sent", [[], None, "x", 5, {"eventos": "no"}, {"eventos": 0}])
def test_what_is_no_user_is_refused(connect, cook, sent):
    assert connect(cook).call("conectar_usuario", sent)["codigo"] == "datos_invalidos"


# Going on from a cursor


def test_a_cursor_replays_what_was_missed(server, connect, cook):
    for number in range(1, 6):
        server.new_order(number)
    epoch = server.new_order(6)["cursor"].split("-")[0]
    client = connect(cook, {"cursor": f"{epoch}-2"})
    assert client.call("conectar_usuario", {"rol": "cocinero"})["cursor"] == f"{epoch}-2"
    server.new_order(7)
    assert [client.event("evento_pedido")[2] for _ in range(5)] == [f"{epoch}-{number}" for number in range(3, 8)]
    begun = connect(cook, {"cursor": "inicio"})
    begun.call("conectar_usuario", {"rol": "cocinero"})
    assert [begun.event("evento_pedido")[1]["pedido_id"] for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]


def test_a_cursor_in_the_first_conectar_usuario_goes_before_that_of_the_connect(server, connect, cook):
    """Some clients send the auth of their first connection each time."""
    for number in range(1, 6):
        server.new_order(number)
    epoch = server.new_order(6)["cursor"].split("-")[0]
    for auth, sent, begins in (
        ({"cursor": f"{epoch}-2"}, {"cursor": f"{epoch}-4"}, 4),
        ({"cursor": f"{epoch}-4"}, {"cursor": f"{epoch}-2"}, 2),
        ({"cursor": "x"}, {"cursor": f"{epoch}-3"}, 3),
        ({}, {"cursor": "inicio"}, 0),
        *(({"cursor": f"{epoch}-2"}, {"cursor": none}, 2) for none in ("", None, 5, ["x"])),
    ):
        client = connect(cook, auth)
        refused = client.call("conectar_usuario", {"rol": "cajero", "cursor": f"{epoch}-5"})
        assert refused["codigo"] == "rol_no_permitido"
        assert client.call("conectar_usuario", sent)["cursor"] == f"{epoch}-{begins}"
        events = [client.event("evento_pedido")[1]["id"] for _ in range(6 - begins)]
        assert events == list(range(begins + 1, 7))
        assert client.call("conectar_usuario", {"cursor": f"{epoch}-1"})["cursor"] == f"{epoch}-6"


def test_a_cursor_of_conectar_usuario_waits_for_the_events_that_it_is_for(server, connect, cook):
    epoch = server.new_order(1)["cursor"].split("-")[0]
    client = connect(cook, {"cursor": f"{epoch}-1"})
    client.call("conectar_usuario", {"eventos": False, "cursor": f"{epoch}-0"})
    assert client.call("conectar_usuario", {"eventos": True})["cursor"] == f"{epoch}-0"
    assert client.event("evento_pedido")[1]["id"] == 1
    unusable = connect(cook, {"cursor": f"{epoch}-0"})
    assert unusable.call("conectar_usuario", {"cursor": "zzzzzz-1"})["cursor"] is None
    assert unusable.event("resincronizar")[1]["motivo"] == "epoca"


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [("x", "desconocido"), ("aaaaaa-0", "epoca"), ("EPOCH-99", "futuro"), ("0" * 200, "desconocido")],
)
def test_an_unusable_cursor_is_answered_by_resincronizar(server, connect, cook, cursor, reason):
    epoch = server.new_order(1)["cursor"].split("-")[0]
    client = connect(cook, {"cursor": cursor.replace("EPOCH", epoch)})
    answer = client.call("conectar_usuario", {"rol": "cocinero"})
    assert answer["cursor"] is None
    reset = client.event("resincronizar")[1]
    assert (reset["motivo"], reset["cursor"], reset["instantanea"]) == (reason, f"{epoch}-1", "/api/pedidos")
    assert reset["cursor_recibido"] == cursor.replace("EPOCH", epoch)[:64]
    server.new_order(2)
    assert client.event(*EVENTS)[1]["pedido_id"] == 2


def test_a_cursor_too_far_behind_is_unusable(make_server):
    server = make_server(max_backlog="3")
    for number in range(1, 6):
        server.new_order(number)
    with SioClient(server.port, {"token": server.token, "cursor": server.new_order(6)["cursor"][:-1] + "1"}) as client:
        client.call("conectar_usuario", {"rol": "cocinero"})
        assert client.event("resincronizar")[1]["motivo"] == "atraso"


def test_the_pongs_cursor_moves_over_what_was_not_for_us(server, connect, cook):
    client = connect(cook)
    client.call("conectar_usuario", {"rol": "cocinero"})
    cursor = ""
    for number in range(1, 4):
        cursor = server.publish({"tipo": "alerta_stock", "producto_id": number, "nombre": "Q", "nivel": "bajo"})[
            "cursor"
        ]
    assert client.call("ping")["cursor"] == cursor


# Following orders


def test_an_order_is_followed_from_its_answer_on(server, connect, cook):
    server.new_order(1, estado="pendiente_pago", tipo="llevar")
    client = connect(cook)
    client.call("conectar_usuario", {"rol": "cocinero"})
    answer = client.call("suscribir_pedido", {"pedido_id": 1})
    assert (answer["pedido_id"], answer["pedido"]["estado"]) == (1, "pendiente_pago")
    assert client.event("suscripcion_confirmada")[1] == answer
    server.new_order(2, estado="pendiente_pago", tipo="llevar")
    server.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 1,
                    "cambios": {"tipo_cambio": "notas_modificadas", "notas_nueva": "sin sal"}})  # fmt: skip
    assert client.event(*EVENTS)[1]["tipo"] == "item_modificado"  # not the other order's
    assert client.call("desuscribir_pedido", {"pedido_id": 1}) == {"pedido_id": 1}
    server.publish({"tipo": "pedido_cancelado", "pedido_id": 1, "razon": "x"})
    client.call("ping")
    assert client.event(*EVENTS, "pong")[0] == "pong"


def test_an_event_that_is_also_the_rooms_comes_once(server, connect, cook):
    client = connect(cook)
    client.call("conectar_usuario", {"rol": "cocinero"})
    client.call("suscribir_pedido", {"pedido_id": 1})
    server.new_order(1)
    server.new_order(2)
    assert [client.event(*EVENTS)[1]["pedido_id"] for _ in range(2)] == [1, 2]


def test_an_order_is_followed_without_conectar_usuario(server, connect, cook):
    client = connect(cook)
    assert client.call("suscribir_pedido", {"pedido_id": 7})["pedido"] is None
    server.new_order(6)
    server.new_order(7, items=[{"producto_nombre": "Pupusa", "cantidad": 1, "precio_unitario": 2}])
    event = client.event(*EVENTS)[1]
    assert event["pedido_id"] == 7
    assert "precio_unitario" not in event["pedido"]["items"][0]  # a cook's copy, also here
    assert state(server)["conexiones"][0]["salas"] == ["pedido_7"]


def test_a_clients_orders_act_on_its_stream_and_its_next_socket(server, connect, cook):
    tab = str(uuid.uuid4())
    with SseClient(server, "cocinero", cookie=cook, query=f"?cliente={tab}") as stream:
        stream.next_event("hola")
        client = connect(cook)
        client.call("conectar_usuario", {"rol": "cocinero", "cliente": tab, "eventos": False})
        client.call("suscribir_pedido", {"pedido_id": 1})
        server.new_order(1, estado="pendiente_pago", tipo="llevar")
        assert stream.next_event().data["pedido_id"] == 1
    client.close()
    server.restart()
    with SioClient(server.port, headers={"Cookie": cook}) as again:
        answer = again.call("conectar_usuario", {"rol": "cocinero", "cliente": tab})
        assert answer["salas"] == ["cocina", "pedido_1"]
        server.publish({"tipo": "item_modificado", "pedido_id": 1, "item_id": 1,
                        "cambios": {"tipo_cambio": "notas_modificadas", "notas_nueva": "sin sal"}})  # fmt: skip
        assert again.event(*EVENTS)[1]["pedido_id"] == 1
        assert again.call("desuscribir_pedido", {"pedido_id": 1}) == {"pedido_id": 1}
        assert again.call("conectar_usuario", {"rol": "cocinero", "cliente": tab})["salas"] == ["cocina"]


def test_an_order_followed_over_http_acts_on_the_open_socket(server, connect, cook):
    tab = str(uuid.uuid4())
    client = connect(cook)
    client.call("conectar_usuario", {"rol": "cocinero", "cliente": tab})
    assert server.request("PUT", f"/api/notificaciones/suscripciones/3?cliente={tab}", cookie=cook)[0] == 200
    server.new_order(3, estado="pendiente_pago", tipo="llevar")
    assert client.event(*EVENTS)[1]["pedido_id"] == 3


def test_orders_without_a_client_end_with_their_socket(server, connect, cook):
    client = connect(cook)
    client.call("suscribir_pedido", {"pedido_id": 1})
    client.event("suscripcion_confirmada")
    client.send("41", "40")
    assert client.receive().startswith('40{"sid":"')
    server.new_order(1)
    client.call("ping")
    assert client.event()[0] == "pong"


@pytest.mark.parametrize("sent", [{}, {"pedido_id": 0}, {"pedido_id": "1"}, {"pedido_id": True}, {"pedido_id": 2**53}])
def test_what_is_no_order_is_refused(connect, cook, sent):
    client = connect(cook)
    for action in ("suscribir_pedido", "desuscribir_pedido"):
        refused = client.call(action, sent)
        assert refused["codigo"] == "datos_invalidos"
        assert list(refused["campos"]) == ["pedido_id"]


def test_at_most_a_hundred_orders(connect, cook):
    client = connect(cook)
    for number in range(1, 101):
        assert "cursor" in client.call("suscribir_pedido", {"pedido_id": number})
    assert client.call("suscribir_pedido", {"pedido_id": 101})["codigo"] == "demasiadas_suscripciones"
    assert "cursor" in client.call("suscribir_pedido", {"pedido_id": 100})


# Receipts, and the rest


def test_a_kitchen_screen_acknowledges(server, connect, cook):
    event_id = server.new_order(1)["id"]
    client = connect(cook)
    assert client.call("acusar_recibo", {"evento_ids": [event_id]}) == {"ok": True, "nuevos": 1}
    assert client.event() == ["acuse_confirmado", {"ok": True, "nuevos": 1}]
    assert client.call("acusar_recibo", {"evento_ids": [event_id]}) == {"ok": True, "nuevos": 0}
    assert client.call("acusar_recibo", {"evento_ids": [99]})["campos"] == {
        "evento_ids.0": "el evento 99 no se puede acusar"
    }
    assert client.call("acusar_recibo", {"evento_ids": [event_id], "entendio": True})["codigo"] == "datos_invalidos"
    assert server.request("GET", "/api/pedidos/1")[2]["pedido"]["por_acusar"] == []


def test_nobody_else_does_acknowledge(server, connect):
    event_id = server.new_order(1)["id"]
    server.create_user("Luis", "mesero")
    assert (
        connect(server.login("Luis")).call("acusar_recibo", {"evento_ids": [event_id]})["codigo"] == "rol_no_permitido"
    )
    assert connect().call("acusar_recibo", {"evento_ids": [event_id]})["codigo"] == "rol_no_permitido"


def test_an_unknown_action_is_told_so_and_nothing_else_happens(connect, cook):
    client = connect(cook)
    refused = client.call("despedir_usuario", {"x": 1})
    assert refused == {"codigo": "evento_desconocido", "mensaje": "No existe la acción despedir_usuario."}
    assert client.event() == ["error", refused]
    client.emit("otra")  # without an ack
    assert client.event()[0] == "error"
    client.send('451-7["ping",{"_placeholder":true,"num":0}]', b"\x00")
    assert client.event()[0] == "pong"


def test_who_is_connected_shows_an_event_socket(server, connect, cook):
    client = connect(cook)
    tab = str(uuid.uuid4())
    client.call("conectar_usuario", {"rol": "cocinero", "username": "Otro", "cliente": tab})
    (row,) = state(server)["conexiones"]
    assert (row["transporte"], row["username"], row["rol"], row["cliente"]) == ("websocket", "Ana", "cocinero", tab)
    assert (row["salas"], row["atraso"], row["conectado"]) == (["cocina"], 0, True)
    assert row["sid"] == json.loads(client.greeting[2:])["sid"]
    client.close()
    eventually(lambda: [row["conectado"] for row in state(server)["conexiones"]] == [False])


# How it ends


@pytest.mark.parametrize("how", ["logout", "revoke", "delete", "role"])
def test_the_sessions_end_closes_the_socket(server, connect, cook, how):
    client = connect(cook)
    client.call("conectar_usuario", {"rol": "cocinero"})
    client.event()
    if how == "logout":
        assert server.request("POST", "/api/auth/logout", cookie=cook)[0] == 204
    elif how == "revoke":
        run_cli("session", "revoke", "1", database=server.database)
    elif how == "delete":
        run_cli("user", "delete", "Ana", database=server.database)
    else:
        run_cli("user", "role", "Ana", "mesero", database=server.database)
    with Stopwatch() as watch:
        assert client.event()[0] == "sesion_terminada"
        with pytest.raises(Closed) as closed:
            client.receive()
    assert (closed.value.code, closed.value.reason) == (1008, "sesion_terminada")
    assert watch.seconds < 3


def test_a_revoked_token_closes_its_socket_and_no_other(server, connect, cook):
    secret = with_accounts(server.database, lambda accounts: accounts.create_token("caja", "cajero"))
    client, other = connect(auth={"token": secret}), connect(cook)
    run_cli("token", "revoke", "caja", database=server.database)
    assert client.event()[0] == "sesion_terminada"
    assert client.closed().code == 1008
    assert other.call("ping")


def test_a_session_that_expires_closes_its_socket(make_server):
    server = make_server(session_hours="0.004")  # 14 s: it has time to connect
    server.create_user("Ana", "cocinero")
    with SioClient(server.port, headers={"Cookie": server.login("Ana")}) as client:
        assert client.event()[0] == "sesion_terminada"
        assert client.closed().code == 1008


def test_a_stop_closes_sockets_and_is_quick(server, connect, cook):
    clients = [connect(cook) for _ in range(5)]
    clients[0].call("conectar_usuario", {"rol": "cocinero"})
    with Stopwatch() as watch:
        assert server.stop() == 0
    assert watch.seconds < 6
    for client in clients:
        closed = client.closed()
        assert (closed.code, closed.reason) == (1012, "reinicio")


@pytest.mark.one_process(reason="workers tell each other within a second how many connections they have")
def test_beyond_the_limit_an_upgrade_waits_for_room(make_server):
    server = make_server(max_connections="2")
    with SioClient(server.port, {"token": server.token}) as first, SioClient(server.port, {"token": server.token}):
        with WsClient(server.port) as refused:
            assert (refused.status, json.loads(refused.body)["error"]["codigo"]) == (503, "sin_capacidad")
        with SseClient(server, "cocinero") as stream:  # they count alike
            assert next(frame.event for frame in stream.frames() if frame.event) == "ocupado"
        first.close()
        with SioClient(server.port, {"token": server.token}) as third:
            assert third.greeting.startswith("40")


def test_a_message_of_more_than_64_kib_closes(connect, cook):
    client = connect(cook)
    client.send("42" + json.dumps(["ping", "x" * 65_520]))
    assert client.event()[0] == "pong"
    client.send("42" + json.dumps(["ping", "é" * 40_000], ensure_ascii=False))
    assert client.closed().code == 1009


@pytest.mark.parametrize("server_name", ["uvicorn"])
def test_another_asgi_server_serves_the_same_socket(make_server, server_name):
    server = make_server(server=server_name)
    with SioClient(server.port, {"token": server.token}) as client:
        client.call("conectar_usuario", {"rol": "cocinero"})
        server.new_order(1)
        assert client.event("evento_pedido")[1]["pedido_id"] == 1
        client.send("42" + json.dumps(["ping", "x" * 70_000]))
        assert client.closed().code == 1009
    with WsClient(server.port, headers={"Sec-WebSocket-Extensions": "permessage-deflate"}) as client:
        assert "sec-websocket-extensions" not in client.headers
        client.receive()
        client.send("x")
        assert client.closed().code == 1002
        assert server.stop() == 0
