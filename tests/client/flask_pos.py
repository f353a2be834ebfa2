"""A Flask POS with tables of its own that calls its notifier as the old one does, at the same eleven places: in views,
behind `if socketio`, inside a `try` that prints, with a dish's id here and a line's there.

    python -m tests.client.flask_pos PORT TABLES OUTBOX URL TOKEN

serves it. `leer_pedido` is the one that docs/integration.md has for it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request
from werkzeug.serving import make_server

from pos_notif_client.flask_socketio import NotificadorPedidos, configurar, registrar_socketio_handlers

DOCUMENT = (Path(__file__).parents[2] / "docs" / "integration.md").read_text("utf-8")
SCHEMA = """
CREATE TABLE mesas (id INTEGER PRIMARY KEY, numero INTEGER);
CREATE TABLE productos (id INTEGER PRIMARY KEY, nombre TEXT, precio REAL, disponible INTEGER DEFAULT 1);
CREATE TABLE combos (id INTEGER PRIMARY KEY, nombre TEXT, precio_combo REAL);
CREATE TABLE combo_items (combo_id INTEGER, producto_id INTEGER, cantidad REAL);
CREATE TABLE pedidos (
    id INTEGER PRIMARY KEY, mesa_id INTEGER, mesero TEXT, estado TEXT, tipo_pago TEXT, subtotal REAL, impuesto REAL,
    total REAL, notas TEXT, cliente_nombre TEXT, dte_json TEXT
);
CREATE TABLE pedido_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pedido_id INTEGER, producto_id INTEGER, combo_id INTEGER, cantidad REAL,
    precio_unitario REAL, subtotal REAL, notas TEXT
);
INSERT INTO mesas VALUES (1, 11), (2, 12);
INSERT INTO productos (id, nombre, precio) VALUES (7, 'Pupusa de queso', 1), (9, 'Horchata', 1.5), (12, 'Curtido', 0.5);
INSERT INTO combos VALUES (3, 'Combo familiar', 9);
INSERT INTO combo_items VALUES (3, 7, 6), (3, 9, 2);
"""
PUPUSA, HORCHATA, COMBO = 7, 9, 3
# Where the old one has its Flask-SocketIO: it notifies only where there is something.
socketio: Any = object()


def documented_reader(tables: Path) -> Callable[[int], Any]:
    block = re.search(r"^```python\n# leer_pedido\.py\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(block[1].replace('"pos.db"', repr(str(tables))), names)
    return names["leer_pedido"]  # type: ignore[no-any-return]


def create_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()


def create_app(tables: Path) -> Flask:
    app = Flask(__name__)
    registrar_socketio_handlers(socketio)

    def open_tables() -> sqlite3.Connection:
        connection = sqlite3.connect(tables, timeout=60)
        connection.row_factory = sqlite3.Row
        return connection

    def recount(connection: sqlite3.Connection, order_id: int) -> None:
        (subtotal,) = connection.execute(
            "SELECT coalesce(sum(subtotal), 0) FROM pedido_items"
            " WHERE pedido_id = ? AND coalesce(notas, '') NOT LIKE 'Desglose de combo%'",
            (order_id,),
        ).fetchone()
        connection.execute(
            "UPDATE pedidos SET subtotal = ?, impuesto = ?, total = ? WHERE id = ?",
            (subtotal, round(subtotal * 0.13, 2), round(subtotal * 1.13, 2), order_id),
        )

    def notify(call: Callable[..., Any], *arguments: Any) -> None:
        if socketio:
            try:
                call(socketio, *arguments)
            except Exception as error:  # noqa: BLE001  as the old one does
                print(f"Error notificando: {error}", file=sys.stderr)

    def with_prices(connection: sqlite3.Connection, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the browser sent, with prices, and behind each combo what it is made of: without an id."""
        whole: list[dict[str, Any]] = []
        for item in items:
            quantity = item.get("cantidad", 1)
            if item.get("combo_id") or item.get("es_combo"):
                combo = connection.execute("SELECT * FROM combos WHERE id = ?", (item["combo_id"],)).fetchone()
                price = combo["precio_combo"]
                named = {"nombre_item": combo["nombre"], "es_combo": True}
                whole.append({**item, **named, "precio_unitario": price, "subtotal": price * quantity})
                for part in connection.execute("SELECT * FROM combo_items WHERE combo_id = ?", (combo["id"],)):
                    whole.append({
                        "producto_id": part["producto_id"], "cantidad": part["cantidad"] * quantity, "subtotal": 0,
                        "precio_unitario": 0, "notas": f"Desglose de combo: {combo['nombre']}", "es_desglose": True,
                    })  # fmt: skip
            else:
                row = connection.execute("SELECT * FROM productos WHERE id = ?", (item["producto_id"],)).fetchone()
                whole.append({**item, "precio_unitario": row["precio"], "subtotal": row["precio"] * quantity})
        return whole

    def add_row(connection: sqlite3.Connection, order_id: int, item: dict[str, Any]) -> None:
        connection.execute(
            "INSERT INTO pedido_items (pedido_id, producto_id, combo_id, cantidad, precio_unitario, subtotal, notas)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                order_id, item.get("producto_id"), item.get("combo_id"), item.get("cantidad", 1),
                item["precio_unitario"], item["subtotal"], item.get("notas", ""),
            ),
        )  # fmt: skip

    @app.post("/pedidos")
    def create() -> Any:
        data = request.get_json()
        payment, table = data.get("tipo_pago", "anticipado"), data.get("mesa_id")
        state = "pendiente_pago" if payment == "anticipado" else "en_mesa"
        connection = open_tables()
        items = with_prices(connection, data["items"])
        subtotal = sum(item["subtotal"] for item in items)
        tax = round(subtotal * 0.13, 2)
        order_id = connection.execute(
            "INSERT INTO pedidos (mesa_id, mesero, estado, tipo_pago, notas, cliente_nombre) VALUES (?, ?, ?, ?, ?, ?)",
            (
                table,
                data.get("mesero", "Mesero"),
                state,
                payment,
                data.get("notas", ""),
                data.get("cliente_nombre", ""),
            ),
        ).lastrowid
        assert order_id is not None
        for item in items:
            add_row(connection, order_id, item)
        recount(connection, order_id)
        connection.commit()
        connection.close()
        order = {
            "id": order_id, "mesa_numero": table or None, "mesa_id": table, "items": items, "tipo": payment,
            "cliente_nombre": data.get("cliente_nombre", ""), "mesero": data.get("mesero", "Mesero"),
            "subtotal": subtotal, "impuesto": tax, "total": subtotal + tax, "estado": state,
            "timestamp": datetime.now().isoformat(),
        }  # fmt: skip
        notify(NotificadorPedidos.notificar_nuevo_pedido, order)
        return jsonify(pedido_id=order_id, estado=state)

    def set_state(order_id: int, state: str) -> Any:
        connection = open_tables()
        connection.execute("UPDATE pedidos SET estado = ? WHERE id = ?", (state, order_id))
        connection.commit()
        connection.close()
        notify(NotificadorPedidos.notificar_cambio_estado_pedido, order_id, state)
        return jsonify(estado=state)

    @app.put("/pedidos/<int:order_id>/estado")
    def change_state(order_id: int) -> Any:
        return set_state(order_id, request.get_json()["estado"])

    @app.put("/pedidos/<int:order_id>/pago")
    def pay(order_id: int) -> Any:
        connection = open_tables()
        (payment,) = connection.execute("SELECT tipo_pago FROM pedidos WHERE id = ?", (order_id,)).fetchone()
        connection.close()
        return set_state(order_id, "en_cocina" if payment == "anticipado" else "cerrado")

    @app.post("/pedidos/<int:order_id>/items")
    def add(order_id: int) -> Any:
        data = request.get_json()
        product, combo, quantity = data.get("producto_id"), data.get("combo_id"), data.get("cantidad", 1)
        connection = open_tables()
        if combo:
            price = connection.execute("SELECT precio_combo FROM combos WHERE id = ?", (combo,)).fetchone()[0]
            line = {"combo_id": combo, "cantidad": quantity, "precio_unitario": price, "subtotal": price * quantity}
            add_row(connection, order_id, {**line, "notas": "Combo"})
            for part in connection.execute("SELECT * FROM combo_items WHERE combo_id = ?", (combo,)).fetchall():
                share = {"producto_id": part["producto_id"], "cantidad": part["cantidad"] * quantity}
                priced = {"precio_unitario": 1, "subtotal": share["cantidad"], "notas": "Desglose de combo"}
                add_row(connection, order_id, {"combo_id": combo, **share, **priced})
        else:
            (line,) = with_prices(connection, [{**data, "cantidad": quantity}])
            add_row(connection, order_id, line)
        recount(connection, order_id)
        connection.commit()
        (total,) = connection.execute("SELECT total FROM pedidos WHERE id = ?", (order_id,)).fetchone()
        connection.close()
        changes = {
            "tipo_cambio": "item_agregado", "item_type": "combo" if combo else "producto", "item_id": combo or product,
            "cantidad": quantity, "nuevo_total": total,
        }  # fmt: skip
        notify(NotificadorPedidos.notificar_item_modificado, order_id, combo or product, changes)
        return jsonify(total=total), 201

    @app.delete("/pedidos/<int:order_id>/items/<int:line_id>")
    def remove(order_id: int, line_id: int) -> Any:
        connection = open_tables()
        (combo,) = connection.execute("SELECT combo_id FROM pedido_items WHERE id = ?", (line_id,)).fetchone()
        connection.execute("DELETE FROM pedido_items WHERE id = ?", (line_id,))
        if combo:
            connection.execute(
                "DELETE FROM pedido_items WHERE pedido_id = ? AND combo_id = ? AND notas = 'Desglose de combo'",
                (order_id, combo),
            )
        recount(connection, order_id)
        connection.commit()
        connection.close()
        changes = {"tipo_cambio": "item_removido", "item_id": line_id, "combo_id": combo}
        notify(NotificadorPedidos.notificar_item_modificado, order_id, line_id, changes)
        return jsonify(success=True)

    @app.put("/pedidos/<int:order_id>/items/<int:line_id>")
    def change_quantity(order_id: int, line_id: int) -> Any:
        quantity = request.get_json()["cantidad"]
        connection = open_tables()
        row = connection.execute("SELECT * FROM pedido_items WHERE id = ?", (line_id,)).fetchone()
        connection.execute(
            "UPDATE pedido_items SET cantidad = ?, subtotal = precio_unitario * ? WHERE id = ?",
            (quantity, quantity, line_id),
        )
        recount(connection, order_id)
        connection.commit()
        connection.close()
        changes = {
            "tipo_cambio": "cantidad_modificada", "item_id": line_id, "cantidad_anterior": row["cantidad"],
            "cantidad_nueva": quantity, "combo_id": row["combo_id"],
        }  # fmt: skip
        notify(NotificadorPedidos.notificar_item_modificado, order_id, line_id, changes)
        return jsonify(success=True)

    @app.post("/pedidos/<int:order_id>/facturar")
    def invoice(order_id: int) -> Any:
        if request.get_json()["tipo"] == "factura":
            changes = {"tipo_cambio": "factura_generada", "tipo_comprobante": "dte", "numero_control": "DTE-01-1"}
        else:
            changes = {"tipo_cambio": "ticket_generado", "tipo_comprobante": "ticket", "numero": "T-1"}
        notify(NotificadorPedidos.notificar_item_modificado, order_id, 0, changes)
        return jsonify(success=True)

    @app.post("/pedidos/<int:order_id>/enviar-dte")
    def send_invoice(order_id: int) -> Any:
        notify(NotificadorPedidos.notificar_item_modificado, order_id, 0, {"tipo_cambio": "dte_enviando"})
        try:
            if request.get_json()["falla"]:
                raise ConnectionError("no route")
            changes = {"tipo_cambio": "dte_certificado", "dte_numero": "1", "estado_envio": "exitoso"}
            notify(NotificadorPedidos.notificar_item_modificado, order_id, 0, changes)
        except ConnectionError as error:
            changes = {"tipo_cambio": "dte_error", "error": str(error)}
            notify(NotificadorPedidos.notificar_item_modificado, order_id, 0, changes)
        return jsonify(success=True)

    @app.get("/api/notificaciones/polling/<role>")
    def poll(role: str) -> Any:
        events = NotificadorPedidos.obtener_eventos_pendientes(role)
        return jsonify(eventos=events, timestamp=datetime.now().isoformat(), total=len(events))

    @app.get("/api/notificaciones/estado")
    def connections() -> Any:
        return jsonify(NotificadorPedidos.obtener_estado_conexiones())

    return app


class Till:
    """The POS at work: `call` is what its pages ask of it."""

    def __init__(self, url: str, tables: Path) -> None:
        self.url, self.read = url, documented_reader(tables)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def order(self, table: int | None, *items: dict[str, Any], payment: str = "al_final") -> int:
        order = {"mesa_id": table, "tipo_pago": payment, "items": list(items), "mesero": "Ana"}
        return int(self.call("POST", "/pedidos", order)["pedido_id"])

    def state(self, order_id: int, state: str) -> None:
        self.call("PUT", f"/pedidos/{order_id}/estado", {"estado": state})

    def line(self, order_id: int, name: str) -> int:
        """The row's id, which the POS's page has from its own list."""
        return int(next(line["id"] for line in self.read(order_id)["items"] if line["producto_nombre"] == name))


def product(dish: int, quantity: float = 1, **fields: Any) -> dict[str, Any]:
    """As pos.js sends it."""
    return {"producto_id": dish, "combo_id": None, "cantidad": quantity, "es_combo": False, **fields}


def main(port: str, tables: str, outbox: str, url: str, token: str) -> None:
    configurar(url, token, outbox, leer_pedido=documented_reader(Path(tables)))
    server = make_server("127.0.0.1", int(port), create_app(Path(tables)), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
