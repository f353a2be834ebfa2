"""What people do: the menu, orders of their own, following one, receipts."""

from __future__ import annotations

from .play import CLIENT, PEOPLE, Play
from .publishing import LINES


def menu_and_orders(stage: Play) -> None:
    file, orders, products = "orders", "/api/pedidos", "/api/productos"
    stage.clock.later(30)
    stage.ask(file, "a dish", "POST", products, {"nombre": "Flan", "precio": 2.5, "categoria": "Postres",
              "stock_actual": 3, "stock_minimo": 1})  # fmt: skip
    stage.ask(file, "another, that is not counted", "POST", products, {"nombre": "Té", "precio": 1})
    stage.ask(file, "a cook makes none", "POST", products, {"nombre": "x", "precio": 1}, who="rosa")
    stage.ask(file, "none without a price", "POST", products, {"nombre": "x", "color": 1})
    stage.ask(file, "the menu", "GET", products, who="beto")
    stage.ask(file, "the cook's menu", "GET", products, who="rosa")
    stage.ask(file, "a price", "PATCH", f"{products}/2", {"precio": 1.1})
    stage.ask(file, "a cook has none left", "PATCH", f"{products}/2", {"disponible": False}, who="rosa")
    stage.ask(file, "a cook has some", "PATCH", f"{products}/2", {"disponible": True}, who="rosa")
    stage.ask(file, "a cook sets no price", "PATCH", f"{products}/2", {"precio": 5}, who="rosa")
    stage.ask(file, "no such dish", "PATCH", f"{products}/99", {"precio": 5})
    for title, query, sheet in (
        ("a file, rehearsed", "?ensayo=1", "nombre;precio;id_pos\nFlan;2,50;30\nTé;1,25;\n"),
        ("a file with a bad row", "", "nombre;precio\nTé;uno\n"),
        ("a file", "", "nombre;precio;id_pos\nFlan;2,50;30\nTé;1,10;\n"),
    ):
        stage.ask(file, title, "POST", f"{products}/importar{query}", sheet.encode(), Content_Type="text/csv")
    stage.ask(file, "a waiter imports nothing", "POST", f"{products}/importar", b"", "beto", Content_Type="text/csv")
    stage.ask(file, "the menu as a file", "GET", f"{products}/exportar")
    placed = {"operacion_id": "mesa-5", "tipo": "mesa", "mesa_numero": 5, "notas": "rápido",
              "items": [{"producto_id": 1, "cantidad": 2, "notas": "sin caramelo"},
                        {"producto_id": 2, "cantidad": 1}]}  # fmt: skip
    own = stage.ask(file, "placed", "POST", orders, placed, who="beto").json["pedido"]["id"]
    stage.ask(file, "placed again", "POST", orders, placed, who="beto")
    stage.ask(file, "the key with another order", "POST", orders, {**placed, "mesa_numero": 6}, who="beto")
    stage.ask(file, "sold out", "POST", orders, {**placed, "operacion_id": "otra"}, who="beto")
    stage.ask(file, "a cook places none", "POST", orders, placed, who="rosa")
    stage.ask(file, "nothing ordered", "POST", orders, {"operacion_id": "n", "tipo": "mesa", "items": []}, who="beto")
    away = {"operacion_id": "llevar-1", "tipo": "llevar", "cliente_nombre": "Luis",
            "actor": {"username": "tita", "rol": "cajero"}, "items": [{"producto_id": 2, "cantidad": 2}]}  # fmt: skip
    taken = stage.ask(file, "to take away, by a program", "POST", orders, away, who="pos").json["pedido"]["id"]
    number = 0

    def act(title: str, who: str, order: int, accion: str, **fields: object) -> None:
        nonlocal number
        number += 1
        stage.clock.later(20)
        body = {"accion": accion, "operacion_id": f"toque-{number}", **fields}
        stage.ask(file, title, "POST", f"{orders}/{order}/acciones", body, who=who)

    act("paid at the till", "carla", taken, "cobrar", metodo_pago="efectivo")
    act("begun", "rosa", own, "iniciar")
    act("not begun twice", "rosa", own, "iniciar")
    act("an old version", "rosa", own, "listo", version=1)
    act("a line is ready", "rosa", own, "item_listo", item_id=1)
    act("and is not", "rosa", own, "item_pendiente", item_id=1)
    act("all is ready", "rosa", own, "listo")
    act("not quite", "rosa", own, "deshacer")
    act("all is ready again", "rosa", own, "listo")
    act("a waiter brings nothing back without a reason", "beto", own, "recuperar")
    act("a waiter brings it back", "beto", own, "recuperar", razon="frío")
    act("the last line", "rosa", own, "item_listo", item_id=1)
    act("and the other", "rosa", own, "item_listo", item_id=2)
    act("served", "beto", own, "servir")
    act("one more", "beto", own, "agregar_item", items=[{"producto_id": 2, "cantidad": 1}])
    act("a waiter takes nothing off that was made", "beto", own, "cambiar_cantidad", item_id=1, cantidad=1)
    act("nor the till without a reason", "carla", own, "cambiar_cantidad", item_id=1, cantidad=1)
    act("fewer, and why", "carla", own, "cambiar_cantidad", item_id=1, cantidad=1, razon="se cayó")
    act("one more of what was made", "beto", own, "cambiar_cantidad", item_id=1, cantidad=2)
    act("a note", "beto", own, "cambiar_notas", item_id=3, notas="sin azúcar")
    act("taken out", "beto", own, "quitar_item", item_id=3)
    act("ready for the third time", "rosa", own, "listo")
    act("served again", "beto", own, "servir")
    act("one dish is sent back", "beto", own, "recuperar", razon="frío", item_ids=[2])
    act("no dish of it", "beto", own, "recuperar", razon="frío", item_ids=[9])
    act("made anew", "rosa", own, "listo")
    act("served for the third time", "beto", own, "servir")
    act("a waiter does not charge", "beto", own, "cobrar", metodo_pago="efectivo")
    act("paid", "carla", own, "cobrar", metodo_pago="otro")
    act("no such line", "rosa", taken, "item_listo", item_id=99)
    act("no such action", "rosa", taken, "freir")
    act("a line is needed", "rosa", taken, "item_listo")
    act("no such order", "rosa", 99, "iniciar")
    act("cancelled", "ana", taken, "cancelar", razon="no vino")
    stage.ask(file, "an order and its events", "GET", f"{orders}/{own}")
    stage.ask(file, "the cook's copy", "GET", f"{orders}/1", who="rosa")
    for name in PEOPLE:
        stage.ask(file, f"the board of {name}", "GET", orders, who=name)
    stage.ask(file, "the kitchen's board, for the manager", "GET", f"{orders}?vista=cocina")


def following(stage: Play) -> None:
    file, url = "following", "/api/notificaciones/suscripciones"
    stage.ask(file, "carla follows an order", "PUT", f"{url}/1?cliente={CLIENT}", who="carla")
    stage.ask(file, "and one that is not known yet", "PUT", f"{url}/4?cliente={CLIENT}", who="carla")
    stage.ask(file, "without a client", "PUT", f"{url}/1", who="carla")
    stage.ask(file, "no order", "PUT", f"{url}/x?cliente={CLIENT}", who="carla")
    stage.publish("an order that is followed", {"tipo": "nuevo_pedido", "pedido": {"id": 4, "items": LINES[:1]}})
    stage.publish("more of it", {"tipo": "cambio_estado", "pedido_id": 4, "estado": "en_cocina"})
    stage.ask(file, "no more", "DELETE", f"{url}/4?cliente={CLIENT}", who="carla")
    stage.ask(file, "no more of what was not followed", "DELETE", f"{url}/77?cliente={CLIENT}", who="carla")
    stage.publish("what is followed no more", {"tipo": "cambio_estado", "pedido_id": 4, "estado": "en_mesa"})


def receipts(stage: Play) -> None:
    file, url = "receipts", "/api/notificaciones/acuses"
    waiting = stage.call("GET", "/api/pedidos/4", who="ana").json["pedido"]["por_acusar"]
    stage.ask(file, "drawn", "POST", url, {"evento_ids": waiting}, who="rosa")
    stage.ask(file, "drawn again", "POST", url, {"evento_ids": waiting}, who="rosa")
    cancelled = stage.publish("cancelled", {"tipo": "pedido_cancelado", "pedido_id": 4}).json["id"]
    stage.ask(file, "understood", "POST", url, {"evento_ids": [cancelled], "entendido": True}, who="rosa")
    stage.ask(file, "what cannot be", "POST", url, {"evento_ids": [cancelled, 4]}, who="rosa")
    stage.ask(file, "a waiter", "POST", url, {"evento_ids": [1]}, who="beto")
    stage.ask(file, "a token", "POST", url, {"evento_ids": [1]}, who="pantalla")
    stage.ask(file, "nothing", "POST", url, {"evento_ids": [], "entendido": 1}, who="rosa")
