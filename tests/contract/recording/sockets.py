"""Actions and events over websockets, and how they end."""

from __future__ import annotations

from collections.abc import Callable

from .play import CLIENT, Play
from .wire import Websocket


def kitchens_screen(stage: Play) -> Websocket:
    """Which signs in with a token."""
    kitchen = stage.websocket()
    kitchen.receive()
    kitchen.send('40{"token":"' + stage.credentials["pantalla"].rpartition(" ")[2] + '"}')
    kitchen.receive()
    return kitchen


def sockets(stage: Play) -> Callable[[], None]:
    """Returns what records the end of one that has left Socket.IO: the service ends its connection after 45 s."""
    bell = {"tipo": "alerta_stock", "producto_id": 5, "nombre": "Arroz", "stock_actual": 0}
    kitchen = kitchens_screen(stage)
    kitchen.emit("ping", ack=0)
    kitchen.receive_until("430")
    kitchen.emit("conectar_usuario", {"usuario_id": 7, "rol": "cocinero", "username": "nadie"}, ack=1)
    kitchen.receive_until("431")
    stage.publish("a bell for a socket", bell)
    kitchen.receive_until('42["evento_alerta"')
    kitchen.emit("ping")
    kitchen.receive()
    kitchen.emit("conectar_usuario", {"rol": "manager"}, ack=2)
    kitchen.receive_until("432")
    kitchen.emit("acusar_recibo", {"evento_ids": [1]}, ack=3)
    kitchen.receive_until("433")
    stage.record_socket("a kitchen's screen with a token", kitchen)

    waiter = stage.websocket("beto", Origin=f"http://127.0.0.1:{stage.server.port}")
    waiter.receive()
    waiter.send('40{"cursor":"no-es-un-cursor"}')
    waiter.receive()
    waiter.emit("conectar_usuario", {"eventos": False, "cliente": CLIENT}, ack=0)
    waiter.receive_until("430")
    for number, (name, body) in enumerate(
        (
            ("suscribir_pedido", {"pedido_id": 1}), ("suscribir_pedido", {"pedido_id": "uno"}),
            ("desuscribir_pedido", {"pedido_id": 1}), ("acusar_recibo", {"evento_ids": [1]}), ("bailar", {}),
            ("suscribir_pedido", 5), ("conectar_usuario", {"rol": "cajero"}),
        ),
        1,
    ):  # fmt: skip
        waiter.emit(name, body, ack=number)
        waiter.receive_until(f"43{number}")
    stage.record_socket("a waiter's actions", waiter)

    cook = stage.websocket("rosa")
    cook.receive()
    cook.send("40")
    cook.receive()
    cook.emit("conectar_usuario", {"eventos": False}, ack=0)
    cook.receive_until("430")
    waiting = stage.call("GET", "/api/pedidos/1", who="ana").json["pedido"]["por_acusar"]
    cook.emit("acusar_recibo", {"evento_ids": waiting}, ack=1)
    cook.receive_until("431")
    cook.send("41")
    keep = stage.transcript.later("socket", "a cook acknowledges, and goes")

    def cook_goes() -> None:
        cook.rest()
        keep(*cook.lines)

    till = stage.websocket("carla")
    till.receive()
    till.send('40{"cursor":"' + f"{stage.epoch}-0" + '"}')
    till.receive()
    till.emit("conectar_usuario", {}, ack=0)
    head = stage.call("GET", "/api/notificaciones/polling/cajero?limite=1", who="carla").json["cursor"]
    stage.publish("a bell for all", bell)
    till.receive_until('42["evento_alerta",{"id":' + str(int(head.rpartition("-")[2]) + 1))
    stage.record_socket("a till that goes on from its cursor", till)

    lost = stage.websocket("ana")
    lost.receive()
    lost.send(f'40{{"cursor":"{stage.epoch}-999999"}}')
    lost.receive()
    lost.emit("conectar_usuario", {})
    lost.receive_until('42["resincronizar"')
    stage.record_socket("a cursor of the future", lost)

    for title, first, who, headers in (
        ("nobody", "40", "", {}), ("a wrong token", '40{"token":"x"}', "", {}),
        ("a foreign page", "40", "ana", {"Origin": "https://evil.example"}),
        ("a namespace that is none", "40/otro,", "ana", {}), ("no CONNECT first", '42["ping"]', "ana", {}),
        ("a client's ping", "2", "ana", {}), ("no packet", "4x", "ana", {}), ("no JSON", "40{", "ana", {}),
    ):  # fmt: skip
        refused = stage.websocket(who, **headers)
        refused.receive()
        refused.send(first)
        if refused.receive().startswith("close"):
            refused.rest()
        stage.record_socket(f"refused: {title}", refused)
    binary = stage.websocket("ana")
    binary.receive()
    binary.send("40")
    binary.receive()
    binary.send_binary(b"\x01\x02")
    binary.rest()
    stage.record_socket("refused: a binary message of no packet", binary)
    for title, path in (
        ("an unknown transport", "/socket.io/?EIO=4&transport=abc"),
        ("no upgrade", "/socket.io/?EIO=4&transport=websocket"),
        ("another protocol", "/socket.io/?EIO=3&transport=websocket"),
        ("a session", "/socket.io/?EIO=4&transport=websocket&sid=x"),
    ):  # fmt: skip
        stage.ask("socket", f"plain HTTP: {title}", "GET", path)
    stage.ask("socket", "plain HTTP: POST", "POST", "/socket.io/?EIO=4&transport=websocket", {})
    stage.ask("socket", "plain HTTP: a foreign page", "GET", "/socket.io/?EIO=4", Origin="https://evil.example")
    return cook_goes
