"""What a POS publishes, and what it is refused."""

from __future__ import annotations

import json

from .play import Play

LINES = [
    {
        "id": 7,
        "producto_id": 3,
        "producto_nombre": "Pupusa",
        "cantidad": 2,
        "precio_unitario": 0.75,
        "notas": "sin sal",
    },
    {"id": 8, "producto_nombre": "=Café «solo»", "cantidad": 1, "precio_unitario": 1.25, "categoria": "Bebidas"},
]


def publishing(stage: Play) -> None:
    first = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "mesa_numero": 5, "mesero": "Beto", "items": LINES}}
    stage.publish("a new order", first, Idempotency_Key="clave-1")
    stage.publish("the same once more", first, Idempotency_Key="clave-1")
    stage.publish("the key with another body", {**first, "terminal": 2}, Idempotency_Key="clave-1")
    stage.clock.later(65)
    stage.publish("in the kitchen", {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina", "terminal": "T-1"})
    change = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    stage.publish("more", {"tipo": "item_modificado", "pedido_id": 1, "item_id": 7, "cambios": change})
    stage.clock.later(400)
    stage.publish("one is ready", {"tipo": "pedido_listo", "pedido_id": 1, "items_listos": ["Pupusa"], "parcial": True})
    stage.publish("all is ready", {"tipo": "pedido_listo", "pedido_id": 1, "items_listos": ["Pupusa", "=Café «solo»"]})
    takeaway = {"id": 2, "tipo": "llevar", "cliente_nombre": "Doña Mercedes", "items": LINES[1:]}
    actor = {"usuario_id": 41, "username": "tita", "rol": "cajero"}
    stage.publish("a takeaway", {"tipo": "nuevo_pedido", "pedido": takeaway, "actor": actor, "timestamp": "19:12"})
    path = "/api/notificaciones/eventos?ensayo=1"
    paid = {"tipo": "cambio_estado", "pedido_id": 2, "estado": "pagado", "metodo_pago": "tarjeta"}
    stage.ask("publishing", "its payment, rehearsed", "POST", path, paid, "pos")
    stage.publish("it is paid", paid)
    stage.publish("a stub", {"tipo": "cambio_estado", "pedido_id": 3, "estado": "servido", "mesa_numero": 9})
    stage.publish("cancelled", {"tipo": "pedido_cancelado", "pedido_id": 3, "razon": "error"}, operacion_id="x")
    batch = [
        {"tipo": "alerta_stock", "producto_id": 3, "nombre": "Queso", "stock_actual": 2, "stock_minimo": 5},
        {"tipo": "alerta_stock", "producto_id": 3, "nombre": "Queso", "stock_actual": 0, "operacion_id": "queso-0"},
    ]
    stage.publish("a batch", {"eventos": batch})
    stage.publish("a batch, partly known", {"eventos": [batch[1], {**batch[0], "nivel": "disponible"}]})
    stage.publish("a batch, all known", {"eventos": [batch[1]]})
    stage.publish("a session's", {"tipo": "cambio_estado", "pedido_id": 1, "estado": "servido"}, who="ana")
    stage.publish("guests move", {"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12})
    stage.publish("and are told by the next event", {"tipo": "cambio_estado", "pedido_id": 1, "estado": "servido",
                                                     "mesa": "Terraza 3"})  # fmt: skip
    delivery = {
        "id": 4,
        "tipo": "domicilio",
        "cliente_nombre": "Karla",
        "direccion": "Calle 4",
        "telefono": "7777",
        "repartidor": "Chepe",
        "items": [
            {
                "id": 1,
                "producto_nombre": "Combo",
                "cantidad": 1,
                "componentes": [{"producto_nombre": "Pupusa", "cantidad": 4}],
                "modificadores": ["sin chimol"],
            }
        ],
    }
    stage.publish("a delivery with a combo", {"tipo": "nuevo_pedido", "pedido": delivery})
    stage.publish("recalled", {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina", "recuperado": True,
                               "razon": "frío"})  # fmt: skip


def refusals(stage: Play) -> None:
    good = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina"}
    stage.publish("no JSON", b'{"tipo":')
    stage.ask("publishing", "no rehearsal", "POST", "/api/notificaciones/eventos?ensayo=si", good, "pos")
    stage.publish("NaN", b'{"tipo":"alerta_stock","producto_id":1,"nombre":"x","stock_actual":NaN}')
    stage.publish("nobody", good, who="")
    stage.publish("a wrong token", good, who="wrong")
    stage.publish("a cook", good, who="rosa")
    stage.publish("a screen's token", good, who="pantalla")
    stage.publish("a foreign page", good, who="ana", Origin="null")
    stage.publish("an order that is there", {"tipo": "nuevo_pedido", "pedido": {"id": 1}})
    stage.publish("what leaves a cancelled one", {"tipo": "cambio_estado", "pedido_id": 3, "estado": "listo"})
    stage.publish("an event that is too large", {**good, "nota": "x" * 9000})
    stage.publish("a body that is too large", {**good, "nota": "x" * 40000})
    stage.publish("no media type", json.dumps(good).encode(), Content_Type="text/plain")
    for title, body in (
        ("an unknown type", {"tipo": "acuse_recibo"}), ("no type", {"pedido_id": 1}), ("a list", [good]),
        ("the service's own words", {**good, "version": 3}), ("a state that is none", {**good, "estado": "frito"}),
        ("no order", {"tipo": "cambio_estado", "estado": "listo"}), ("another order", {"tipo": "nuevo_pedido",
         "pedido_id": 9, "pedido": {"id": 8}}), ("too deep", {**good, "x": _nested(17)}),
        ("a number that is too great", {**good, "x": 2**53 + 1}), ("no events", {"eventos": []}),
        ("another member", {"eventos": [good], "x": 1}),
        ("wrong lines", {"tipo": "nuevo_pedido", "pedido": {"id": 8, "items": [{"id": 1, "cantidad": 0}, {"id": 1}]}}),
        ("a batch with one that is wrong", {"eventos": [good, {**good, "estado": 1}]}),
        ("a state of a time without offset", {**good, "pagado_at": "2026-11-24T19:05:12"}),
    ):  # fmt: skip
        stage.publish(title, body)
    stage.publish("two keys", {**good, "operacion_id": "a"}, Idempotency_Key="b")
    stage.publish("a key that cannot be printed", good, Idempotency_Key="\x01")
    file, host = "errors", f"Host: 127.0.0.1:{stage.server.port}\r\nConnection: close\r\n"
    for title, method, path, who in (
        ("no such address", "GET", "/api/nada", "ana"), ("no such address, for nobody", "GET", "/api/nada", ""),
        ("no such order", "GET", "/api/pedidos/99", "ana"), ("no order's id", "GET", "/api/pedidos/x", "ana"),
        ("no such role", "GET", "/api/notificaciones/stream/gerente", "ana"),
        ("another's role", "GET", "/api/notificaciones/stream/manager", "beto"),
        ("nobody's stream", "GET", "/api/notificaciones/stream/mesero", ""),
        ("a wrong method", "DELETE", "/api/pedidos", "ana"),
        ("a view that is none", "GET", "/api/pedidos?vista=sotano", "ana"),
        ("another's view", "GET", "/api/pedidos?vista=todos", "beto"),
    ):  # fmt: skip
        stage.ask(file, title, method, path, who=who)
    stage.head_only(file, "a wrong method on a page", "POST", "/login")
    stage.raw(file, "an address that is too long", f"GET /api/pedidos?q={'x' * 17000} HTTP/1.1\r\n{host}\r\n".encode())
    stage.raw(file, "a head that is too long", f"GET / HTTP/1.1\r\n{host}X-Long: {'x' * 40000}\r\n\r\n".encode())
    stage.raw(file, "no HTTP", b"HOLA\r\n\r\n")
    stage.raw(
        file,
        "two lengths",
        f"POST /api/pedidos HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    )


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value
