"""What happens in each stored log. Between them they hold every type of event and every way that an order goes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from tests.data.logs.shop import Shop

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
COMAL = [
    {"id": 7, "producto_id": 3, "producto_nombre": "Pupusa revuelta", "cantidad": 2, "precio_unitario": 0.75,
     "notas": "sin sal"},
    {"id": 8, "producto_nombre": "Café", "cantidad": 1, "precio_unitario": 1.25, "categoria": "Bebidas"},
]  # fmt: skip
UNPRICED = [{"producto_nombre": "Yuca frita"}, {"producto_nombre": "Atol «de elote» 🌽", "cantidad": 0.5}]


async def service(shop: Shop) -> None:
    """A POS's dine-in orders, each left in another state, with the older one ready for longer than it may stay."""
    async with shop.open():
        await shop.order(1, mesa_numero=5, mesero="Beto", items=COMAL, notas="cumpleaños")
        await shop.state(1, "en_cocina")
        await shop.publish("pedido_listo", pedido_id=1, items_listos=["Café"], parcial=True)
        await shop.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa revuelta", "Café"])
        shop.later(31 * MINUTE)
        for order_id, items in ((2, COMAL), (3, UNPRICED), (4, None), (5, COMAL), (6, COMAL), (7, COMAL)):
            await shop.order(order_id, numero=f"A-{order_id}", mesa_numero=order_id, items=items)
        await shop.state(3, "en_cocina")
        await shop.state(4, "en_cocina", "listo")
        await shop.state(5, "en_cocina", "listo", "servido", segundos_de_la_caja=4)
        await shop.state(6, "en_cocina", "listo", "servido")
        await shop.state(6, "cerrado", metodo_pago="tarjeta")
        await shop.state(7, "listo", metodo_pago="efectivo", pagado_at="2026-11-25T01:40:00Z")
        await shop.publish("alerta_stock", producto_id=3, nombre="Queso", stock_actual=2, stock_minimo=5)
        await shop.publish("alerta_stock", producto_id=3, nombre="Queso", stock_actual=0, pedidos_afectados=[2, 3])
        await shop.publish("alerta_stock", producto_id=3, nombre="Queso", stock_actual=9, nivel="disponible")


async def takeaways(shop: Shop) -> None:
    """Unpaid, paid at the till, paid before the POS told of them, paid at the end, and each way to the customer."""
    async with shop.open():
        await shop.order(1, tipo="llevar", cliente_nombre="Doña Mercedes", items=COMAL)
        await shop.order(2, tipo="llevar", cliente_nombre="Luis", items=COMAL)
        await shop.state(2, "pagado", metodo_pago="efectivo")
        await shop.order(3, tipo="llevar", estado="pagado", items=COMAL)
        await shop.order(4, tipo="llevar", pagado_at="2026-11-24T18:55:00-06:00", items=COMAL)
        await shop.order(5, tipo="llevar", tipo_pago="al_final", items=UNPRICED)
        await shop.order(6, tipo="mesa", tipo_pago="anticipado", mesa_numero=9, items=COMAL)
        await shop.state(6, "pagado")
        await shop.order(7, tipo="llevar", estado="pendiente_pago", pagado_at="2026-11-24T19:00:00-06:00")
        await shop.publish("nuevo_pedido", liberado=True, pedido={"id": 8, "tipo": "llevar", "estado": "en_mesa"})
        for order_id in (2, 3, 4, 5):
            await shop.state(order_id, "en_cocina", "listo")
        await shop.publish("pedido_listo", pedido_id=6, items_listos=["Café"], segundos_cocina=77, mesero="Beto")
        await shop.state(3, "servido")
        await shop.state(4, "servido", "cerrado")
        await shop.state(5, "servido", metodo_pago="otro")
        await shop.order(9, tipo="llevar", items=COMAL)
        await shop.state(9, "cancelado", razon="no vino")


async def changes(shop: Shop) -> None:
    """Lines that change while the order is at the table, in the kitchen, ready, served and paid."""
    async with shop.open():
        await shop.order(1, mesa_numero=1, items=COMAL, total=3.0, subtotal=2.5)
        await shop.change(1, 7, "cantidad_modificada", cantidad_nueva=3)
        await shop.change(1, 8, "notas_modificadas", notas_nueva="con leche")
        await shop.change(1, 8, "notas_modificadas", notas_nueva=None)
        new = {"producto_nombre": "Horchata", "precio_unitario": 1.5, "pos_linea": "x-9"}
        await shop.change(1, 9, "item_agregado", cantidad_nueva=2, item=new)
        await shop.change(1, 8, "item_removido")
        await shop.state(1, "en_cocina")
        await shop.change(1, 7, "item_listo")
        await shop.change(1, 7, "item_pendiente")
        await shop.change(1, 9, "item_listo", producto_nombre="Horchata grande")
        await shop.change(1, 9, "cantidad_modificada", cantidad_nueva=1, nuevo_total=4.1)
        await shop.state(1, "listo")
        await shop.change(1, 10, "item_agregado", producto_nombre="Quesadilla", cantidad_nueva=1)
        await shop.change(1, 7, "cantidad_modificada", cantidad_nueva=0)
        await shop.order(2, mesa_numero=2, items=COMAL)
        await shop.state(2, "en_cocina", "listo", "servido")
        await shop.change(2, 9, "item_agregado", cantidad_nueva=1, item={"producto_nombre": "Flan", "subtotal": 2})
        await shop.change(2, 7, "cantidad_modificada", cantidad_nueva=5, item={"estado_item": "pendiente"}, total=9.5)
        await shop.change(2, 99, "item_listo")
        await shop.state(2, "en_cocina")
        await shop.order(3, mesa_numero=3, items=[*COMAL, *UNPRICED])
        await shop.change(3, 1, "cantidad_modificada", cantidad_nueva=2, impuesto=0.4, subtotal=3.1)
        await shop.state(3, "en_cocina", metodo_pago="efectivo")
        await shop.change(3, 2, "item_removido")
        await shop.order(4, mesa_numero=4, items=UNPRICED, total=6)
        await shop.change(4, 1, "notas_modificadas", item={"notas": "bien dorada", "precio_unitario": 2.25})


async def recalls(shop: Shop) -> None:
    """Orders that go back: undone, recalled with and without a reason, twice, and from where nothing else leaves."""
    async with shop.open():
        for order_id in range(1, 9):
            await shop.order(order_id, mesa_numero=order_id, items=COMAL)
        await shop.state(1, "en_cocina", "listo")
        await shop.state(1, "en_cocina", recuperado=True, razon="frío")
        await shop.state(2, "en_cocina", "listo", "servido")
        await shop.state(2, "en_cocina", recuperado=True, razon="faltó la salsa")
        await shop.state(2, "listo")
        await shop.state(2, "en_cocina", recuperado=True)
        await shop.state(3, "en_cocina")
        await shop.change(3, 8, "item_listo")
        await shop.state(3, "listo", items_listos_ids=[7])
        await shop.state(3, "en_cocina", items_pendientes_ids=[7])
        await shop.state(4, "en_cocina", "listo", "servido", "cerrado")
        await shop.publish("cambio_estado", expected=409, pedido_id=4, estado="servido")
        await shop.state(4, "servido", recuperado=True, razon="la cuenta estaba mal")
        await shop.state(5, "en_cocina", "en_mesa")
        await shop.state(6, "listo", "pendiente_pago")
        await shop.state(7, "en_cocina")
        await shop.act("Rosa", 7, "deshacer", "iniciar", "listo", "deshacer")
        await shop.act("Rosa", 7, "item_listo", item_id=8)
        await shop.act("Rosa", 7, "listo", "recuperar")
        await shop.act("Rosa", 7, "deshacer", expected=409)
        await shop.act("Rosa", 8, "iniciar", "listo")
        shop.later(2 * MINUTE)
        await shop.act("Rosa", 8, "deshacer", expected=409)
        await shop.act("Beto", 8, "recuperar", razon="pelo en la sopa")
        await shop.act("Rosa", 8, "listo")
        await shop.act("Beto", 8, "servir")
        await shop.act("Beto", 8, "recuperar", razon="otra vez")


async def cancellations(shop: Shop) -> None:
    """Cancelled in both ways, before and after the kitchen had it, understood or not, and taken back."""
    async with shop.open():
        for order_id in range(1, 9):
            await shop.order(order_id, mesa_numero=order_id, items=COMAL)
        await shop.publish("pedido_cancelado", pedido_id=1, razon="se fueron")
        await shop.state(2, "cancelado", razon="error de mesa")
        await shop.state(3, "en_cocina")
        await shop.publish("pedido_listo", pedido_id=3, items_listos=["Café"], parcial=True)
        await shop.publish("pedido_cancelado", pedido_id=3, items_en_curso=["Pupusa revuelta"], mesa_numero=33)
        await shop.state(4, "listo")
        cancelled = await shop.publish("pedido_cancelado", pedido_id=4, items_en_curso=0)
        await shop.acknowledge(cancelled["id"])
        await shop.publish("pedido_cancelado", pedido_id=5)
        await shop.state(5, "en_cocina", recuperado=True, razon="volvieron")
        again = await shop.publish("pedido_cancelado", pedido_id=6)
        await shop.acknowledge(again["id"], understood=True)
        await shop.state(6, "en_mesa", recuperado=True)
        await shop.state(7, "en_cocina", "cancelado")
        last = (await shop.events())[-1]["id"]
        await shop.acknowledge(last)
        await shop.acknowledge(last, understood=True)
        await shop.publish("pedido_cancelado", pedido_id=7, razon="y otra vez, que ya estaba")
        await shop.state(8, "en_cocina", "listo", "servido")
        await shop.act("Carla", 8, "cancelar", expected=403, razon="tarde")
        await shop.publish("pedido_cancelado", pedido_id=8, razon="se quejó")
        await shop.order(9, tipo="llevar", items=COMAL)
        await shop.publish("pedido_cancelado", pedido_id=9, razon="nunca pagó")


async def receipts(shop: Shop) -> None:
    """What a kitchen screen has drawn, of dine-in and takeaway; some of it twice, some of it late, some of it never."""
    async with shop.open():
        first = (await shop.order(1, mesa_numero=1, items=COMAL))["id"]
        await shop.acknowledge(first)
        await shop.acknowledge(first)
        paid = (await shop.order(2, tipo="llevar", estado="pagado", items=COMAL))["id"]
        changed = (await shop.change(2, 7, "cantidad_modificada", cantidad_nueva=4))["id"]
        shop.later(2 * MINUTE)
        await shop.acknowledge(paid, changed, who="Ana")
        await shop.order(3, mesa_numero=3, items=COMAL)
        await shop.change(3, 8, "notas_modificadas", notas_nueva="descafeinado")
        await shop.state(3, "en_cocina")
        cancelled = (await shop.publish("pedido_cancelado", pedido_id=1, razon="se fueron"))["id"]
        await shop.acknowledge(cancelled, understood=True)
        await shop.order(4, tipo="llevar", items=COMAL)
        await shop.state(4, "pagado")
        released = (await shop.events())[-1]["id"]
        await shop.acknowledge(released)
        await shop.publish("pedido_cancelado", pedido_id=4)
        await shop.order(5, mesa_numero=5, items=UNPRICED)
        await shop.state(5, "en_cocina", "listo", "servido", "cerrado")


async def stubs(shop: Shop) -> None:
    """Events that overtake their order, of every type; some of the orders come after them."""
    async with shop.open():
        await shop.state(1, "en_cocina", mesa_numero=4, mesero="Beto")
        await shop.publish("pedido_listo", pedido_id=2, items_listos=["Flan"], tipo_servicio="llevar")
        await shop.publish("pedido_listo", pedido_id=3, items_listos=["Flan"], items_listos_ids=[2], parcial=True)
        await shop.change(4, 2, "item_agregado", cantidad_nueva=2, item={"producto_nombre": "Flan", "subtotal": 3})
        await shop.change(5, 1, "item_listo")
        await shop.publish("pedido_cancelado", pedido_id=6, cliente_nombre="Luis", tipo_servicio="llevar")
        await shop.state(7, "pagado", tipo_servicio="llevar", metodo_pago="tarjeta")
        await shop.state(8, "servido")
        await shop.state(9, "cerrado")
        await shop.state(10, "en_cocina", recuperado=True, razon="frío")
        await shop.state(11, "listo")
        await shop.state(12, "pendiente_pago", "pagado")
        await shop.state(13, "en_cocina")
        await shop.change(13, 7, "item_listo")
        await shop.publish("pedido_cancelado", pedido_id=14)
        for order_id, pedido in (
            (1, {"items": COMAL, "mesa_numero": 40}),
            (2, {"items": COMAL}),
            (4, {"items": [{"id": 1, "producto_nombre": "Yuca"}], "notas": "para la abuela"}),
            (5, {"total": 8}),
            (7, {"tipo": "llevar", "items": COMAL, "cliente_nombre": "Doña Mercedes"}),
            (8, {"items": UNPRICED}),
            (11, {"estado": "en_mesa", "items": COMAL}),
            (13, {"items": COMAL}),
            (14, {"items": COMAL}),
        ):
            await shop.order(order_id, **pedido)
        await shop.publish("nuevo_pedido", expected=409, pedido={"id": 9, "estado": "en_mesa"})
        await shop.state(3, "en_cocina")


async def repeats(shop: Shop) -> None:
    """A POS that says everything twice, contradicts itself, sends batches and the service's own words."""
    async with shop.open():
        order = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "mesa_numero": 5, "items": COMAL}}
        await shop.publish(**order, key="clave-1")
        await shop.publish(**order, key="clave-1", expected=200)
        await shop.publish(**order, expected=409)
        for _ in range(3):
            await shop.state(1, "en_cocina")
        await shop.state(1, "en_cocina", mesa_numero=6, estado_anterior="listo")
        await shop.publish("pedido_listo", pedido_id=1, items_listos=["Café"], mesa_numero=7, mesero="Beto")
        await shop.publish("pedido_listo", pedido_id=1, items_listos=["Café"], mesa_numero=8, mesero="Tita")
        await shop.state(1, "listo", "servido", "servido")
        await shop.state(1, "listo")
        await shop.state(1, "servido", mesa_numero=9, cliente_nombre="Luis")
        await shop.state(1, "cerrado", "cerrado")
        await shop.publish("cambio_estado", expected=409, pedido_id=1, estado="en_mesa")
        own = {
            "id": 2, "numero": "B-2", "version": 9, "por_acusar": [1, 2], "incompleto": True, "listo_at": "nunca",
            "timestamp": 1_795_568_000, "mesa_numero": 0, "subtotal": 1, "impuesto": 9, "total": 4,
            "creado_por": "la caja", "descuento": 0.5, "dte": {"numero": "0001"}, "razon": "del POS",
            "items": [{**COMAL[0], "estado_item": "listo", "subtotal": 3, "modificadores": ["extra"]}, *UNPRICED],
        }  # fmt: skip
        actor = {"usuario_id": 41, "username": "tita", "rol": "mesero"}
        await shop.publish("nuevo_pedido", pedido=own, actor=actor, timestamp="2026-11-24 19:05", terminal=3)
        batch: list[dict[str, Any]] = [
            {"tipo": "nuevo_pedido", "pedido": {"id": 3, "items": UNPRICED}, "operacion_id": "lote-a"},
            {"tipo": "cambio_estado", "pedido_id": 3, "estado": "en_cocina", "timestamp_origen": "ayer"},
            {"tipo": "pedido_listo", "pedido_id": 3, "items_listos": [], "operacion_id": "lote-b"},
            {"tipo": "alerta_stock", "producto_id": 8, "nombre": "Café", "nivel": "bajo"},
        ]
        await shop.publish_batch(*batch, key="lote-1")
        await shop.publish_batch(*batch, key="lote-1", expected=200)
        await shop.publish_batch(batch[0], {**batch[1], "estado": "listo"}, batch[2])
        await shop.publish("pedido_cancelado", pedido_id=3, razon="doble", operacion_id="suelto")
        await shop.publish("pedido_cancelado", pedido_id=3, razon="doble", operacion_id="suelto", expected=200)
        await shop.publish("pedido_cancelado", pedido_id=3, razon="doble")


async def screens(shop: Shop) -> None:
    """Orders that people place and act on, with a menu that is counted and a dish that runs out."""
    async with shop.open():
        pupusa = await shop.add_product("Pupusa", 0.75, categoria="Comal", stock_actual=12, stock_minimo=4)
        cafe = await shop.add_product("Café", 1.25, categoria="Bebidas")
        flan = await shop.add_product("Flan", 2, stock_actual=2, stock_minimo=1)
        await shop.add_product("Tamal", 1.1, stock_actual=0)
        table = await shop.place(
            "Beto", {"producto_id": pupusa, "cantidad": 3, "notas": "sin sal"}, {"producto_id": cafe, "cantidad": 1},
            mesa_numero=5, cliente_nombre="Familia López", notas="alergia: maní",
        )  # fmt: skip
        away = await shop.place("Carla", {"producto_id": pupusa, "cantidad": 2}, tipo="llevar", cliente_nombre="Luis")
        await shop.act("Carla", away, "cobrar", metodo_pago="efectivo")
        late = await shop.place("Carla", {"producto_id": cafe, "cantidad": 2}, tipo="llevar", tipo_pago="al_final")
        await shop.act("Rosa", table, "item_listo", item_id=1)
        await shop.act("Rosa", table, "item_pendiente", item_id=1)
        await shop.act("Rosa", table, "item_listo", item_id=2)
        await shop.act("Carla", table, "cobrar", metodo_pago="tarjeta")
        await shop.act("Rosa", table, "item_listo", item_id=1)
        await shop.act("Beto", table, "servir", "cerrar")
        await shop.act("Rosa", away, "iniciar", "deshacer", "iniciar", "listo")
        await shop.act("Carla", away, "servir")
        more = await shop.place("Beto", {"producto_id": flan, "cantidad": 1}, {"producto_id": cafe, "cantidad": 1})
        await shop.act("Rosa", more, "iniciar", "listo")
        await shop.act("Beto", more, "agregar_item", items=[{"producto_id": flan, "cantidad": 1}])
        await shop.act("Rosa", more, "listo")
        await shop.act("Beto", more, "servir")
        await shop.act("Beto", more, "cambiar_cantidad", item_id=2, cantidad=3)
        await shop.act("Carla", more, "quitar_item", item_id=2, razon="no lo pidieron")
        await shop.act("Beto", more, "cambiar_notas", item_id=1, notas="con crema")
        await shop.place("Beto", {"producto_id": flan, "cantidad": 1}, expected=409)
        await shop.set_product(flan, stock_actual=6)
        gone = await shop.place("Beto", {"producto_id": flan, "cantidad": 4}, mesa_numero=8)
        await shop.act("Beto", gone, "cambiar_cantidad", item_id=1, cantidad=2)
        await shop.act("Beto", gone, "cancelar", razon="se cansaron")
        await shop.set_product(cafe, "Rosa", disponible=False)
        await shop.set_product(cafe, "Rosa", disponible=True)
        await shop.act("Rosa", late, "iniciar")
        await shop.act("Ana", late, "cancelar", razon="no hay café")
        await shop.place("Ana", {"producto_id": pupusa, "cantidad": 5}, tipo="mesa", tipo_pago="anticipado")
        two = await shop.place("Beto", {"producto_id": cafe, "cantidad": 1}, {"producto_id": pupusa, "cantidad": 1})
        await shop.act("Rosa", two, "item_listo", item_id=1)
        await shop.act("Beto", two, "quitar_item", item_id=2)
        await shop.act("Beto", two, "servir")
        await shop.act("Carla", two, "cobrar", metodo_pago="otro")
        await shop.place("Beto", {"producto_id": cafe, "cantidad": 1}, mesa_numero=2)


async def rounds(shop: Shop) -> None:
    """Tables that order again, one more of what was made, one dish that is sent back, made dishes off the bill."""
    async with shop.open():
        for order_id in range(1, 7):
            await shop.order(order_id, mesa_numero=order_id, mesero="Beto", items=COMAL)
            await shop.state(order_id, "en_cocina", "listo")
        for order_id in (1, 2, 3, 4):
            await shop.state(order_id, "servido")
        await shop.change(1, 9, "item_agregado", cantidad_nueva=2, item={"producto_nombre": "Horchata"})
        await shop.change(2, 7, "cantidad_modificada", cantidad_nueva=5)
        await shop.change(2, 7, "cantidad_modificada", cantidad_nueva=1)
        await shop.change(3, 9, "item_agregado", item={"producto_nombre": "Agua", "estado_item": "servido"})
        await shop.state(4, "servido", metodo_pago="efectivo")
        await shop.change(5, 9, "item_agregado", item={"producto_nombre": "Flan"})
        await shop.state(5, "listo", "servido")
        await shop.change(5, 10, "item_agregado", item={"producto_nombre": "Flan"})
        await shop.change(30, 1, "item_agregado", item={"producto_nombre": "Yuca frita"})
        pupusa = await shop.add_product("Pupusa", 0.75, stock_actual=30)
        own = await shop.place("Beto", {"producto_id": pupusa, "cantidad": 6}, {"producto_id": pupusa, "cantidad": 2})
        await shop.act("Rosa", own, "iniciar", "listo")
        await shop.act("Beto", own, "servir")
        await shop.act("Beto", own, "cambiar_cantidad", item_id=1, cantidad=7)
        await shop.act("Rosa", own, "listo")
        await shop.act("Beto", own, "servir")
        await shop.act("Beto", own, "recuperar", razon="frías", item_ids=[2])
        await shop.act("Beto", own, "quitar_item", expected=403, item_id=1)
        await shop.act("Carla", own, "cambiar_cantidad", expected=422, item_id=1, cantidad=5)
        await shop.act("Carla", own, "cambiar_cantidad", item_id=1, cantidad=5, razon="se cayeron dos")
        await shop.act("Carla", own, "quitar_item", item_id=2, razon="cortesía")


async def undone(shop: Shop) -> None:
    """Steps that were taken back, by who took them and by a manager; cancelled after it was served; taken over."""
    async with shop.open():
        flan = await shop.add_product("Flan", 2, stock_actual=9)
        line = {"producto_id": flan, "cantidad": 1}
        table = await shop.place("Beto", line, mesa_numero=4)
        await shop.act("Rosa", table, "iniciar", "listo", "deshacer", "listo")
        await shop.act("Beto", table, "servir", "deshacer", "servir")
        await shop.act("Carla", table, "cobrar", metodo_pago="efectivo")
        await shop.act("Carla", table, "deshacer")
        gone = await shop.place("Beto", line, mesa_numero=5)
        await shop.act("Beto", gone, "cancelar", razon="se fueron")
        await shop.act("Ana", gone, "deshacer")
        await shop.act("Ana", gone, "tomar")
        away = await shop.place("Carla", line, tipo="llevar", cliente_nombre="Luis")
        await shop.act("Carla", away, "cobrar", metodo_pago="tarjeta")
        await shop.act("Carla", away, "deshacer")
        walked = await shop.place("Beto", line, mesa_numero=6)
        await shop.act("Rosa", walked, "iniciar", "listo")
        await shop.act("Beto", walked, "servir")
        await shop.act("Ana", walked, "cancelar", razon="se fueron sin pagar")
        await shop.order(1, mesa_numero=1, items=COMAL)
        await shop.state(1, "en_cocina", "listo", "servido")
        await shop.publish("pedido_cancelado", pedido_id=1, razon="se quejó")
        await shop.place("Beto", line, mesa_numero=7)
    shop.later(DAY)
    async with shop.open():
        await shop.place("Beto", line, mesa_numero=8)


async def tables(shop: Shop) -> None:
    """Guests who move, tables with names, deliveries, and dishes that tell what they are made of."""
    async with shop.open():
        combo = {
            "id": 1, "producto_nombre": "Combo", "cantidad": 1, "modificadores": ["extra queso"],
            "componentes": [{"producto_nombre": "Pupusa", "cantidad": 2, "notas": "SIN curtido"}],
        }  # fmt: skip
        await shop.order(1, mesa_numero=5, cliente_nombre="Karla", mesero="Beto", items=[combo])
        await shop.state(1, "en_cocina", mesa_numero=12)
        await shop.state(1, "en_cocina", mesa_numero=12, cliente_nombre="Luis", mesero="Marta")
        await shop.publish("cambio_mesa", pedido_id=1, mesa_numero=7)
        await shop.act("Beto", 1, "cambiar_mesa", mesa_numero=9)
        await shop.state(1, "listo", mesa_numero=7)
        await shop.order(2, mesa="Terraza 3", items=COMAL)
        await shop.publish("cambio_mesa", pedido_id=2, mesa="Barra")
        await shop.order(
            3, tipo="domicilio", cliente_nombre="Karla", direccion="Calle 5", telefono="2222-0000", repartidor="Toño",
            items=COMAL,
        )  # fmt: skip
        await shop.state(3, "en_cocina", "listo", "servido")
        await shop.change(2, 7, "item_listo", producto_nombre="Pupusa revuelta")
        await shop.publish("pedido_cancelado", pedido_id=2, mesa="Terraza 4")


async def menu(shop: Shop) -> None:
    """Dishes that the POS calls by its own numbers, of which one is another one's own id; lines that it sends without
    names; what is hidden, runs out, is called otherwise, and comes from a file."""
    async with shop.open():
        flan = await shop.add_product("Flan", 2.5, categoria="Postres", stock_actual=3, stock_minimo=1, id_pos=501)
        await shop.add_product("Té", 1, id_pos=1)
        await shop.add_product("Tamal", 1.75, oculto=True, id_pos=502)
        await shop.order(1, mesa_numero=1, items=[{"id": 1, "producto_id": 501}, {"id": 2, "producto_id": 502}])
        await shop.change(1, 3, "item_agregado", cantidad_nueva=2, item={"producto_id": 1})
        await shop.place("Beto", {"producto_id": flan, "cantidad": 3}, mesa_numero=3)
        await shop.set_product(flan, nombre="Budín", precio=3, stock_actual=8)
        await shop.import_menu("nombre;precio;id_pos;oculto\nTé;1,25;;x\nTamal;2;502;no\nYuca;1;503;\n")
        await shop.order(2, mesa_numero=2, items=[{"producto_id": 501}, {"producto_id": 1}, {"producto_id": 503}])
        await shop.publish("alerta_stock", producto_id=501, nombre="Flan", stock_actual=0)
        await shop.state(1, "en_cocina", "listo")


async def alarms(shop: Shop) -> None:
    """An order that nobody in the kitchen has seen, a kitchen without a screen that comes back, and waiters without."""
    async with shop.open(ack_seconds=0.5, screen_seconds=0.3, poll_seconds=5):
        await shop.poll("Rosa", "cocinero")
        seen = (await shop.order(1, mesa_numero=1, items=COMAL))["id"]
        await shop.order(2, mesa_numero=2, items=COMAL)
        shop.later(5)
        await shop.appended("sin_acuse")
        await shop.acknowledge(seen)
        shop.later(50)
        await shop.acknowledge((await shop.order(3, mesa_numero=3, items=COMAL))["id"])
        await shop.appended("sin_pantalla")
        shop.later(45)
        await shop.poll("Rosa", "cocinero")
        await shop.appended("pantalla_recuperada")
        await shop.poll("Beto", "mesero")
        shop.later(20)
        await shop.poll("Rosa", "cocinero")
        await shop.acknowledge((await shop.order(4, tipo="llevar", estado="pagado", items=COMAL))["id"])
        await shop.appended("sin_pantalla", 2)


async def downloads(shop: Shop) -> None:
    """The log is read by a spreadsheet and by a copy."""
    async with shop.open():
        await shop.order(1, mesa_numero=1, items=COMAL)
        await shop.state(1, "en_cocina")
        filtered = "tipo=cambio_estado&desde=2026-11-24&mesa=1"
        for query in ("eventos.csv?separador=punto_y_coma", f"eventos.ndjson?{filtered}"):
            shop.later(10)
            status, _ = await shop.caller.call("GET", f"/api/notificaciones/{query}", **shop.who["Ana"])
            assert status == 200
        await shop.state(1, "listo")


async def pruned(shop: Shop) -> None:
    """Two days ago, yesterday and today, of which the first day is gone but for what its open orders carried on."""
    async with shop.open():
        for order_id in range(1, 7):
            await shop.order(order_id, mesa_numero=order_id, mesero="Beto", items=COMAL)
        await shop.state(1, "en_cocina", "listo", "servido", "cerrado")
        await shop.state(2, "en_cocina")
        await shop.change(2, 7, "item_listo")
        await shop.state(3, "en_cocina", "listo")
        await shop.publish("pedido_cancelado", pedido_id=4)
        await shop.change(5, 9, "item_agregado", item={"producto_nombre": "Flan"})
        await shop.state(6, "en_cocina", "listo", "servido", "cerrado")
        await shop.change(20, 1, "item_listo")
        await shop.order(8, tipo="llevar", items=COMAL)
        flan = await shop.add_product("Flan", 2, stock_actual=9)
        own = await shop.place("Beto", {"producto_id": flan, "cantidad": 1}, mesa_numero=12)
        await shop.act("Rosa", own, "iniciar", "listo")
        await shop.act("Beto", own, "servir")
        shop.later(DAY)
        await shop.state(2, "listo")
        await shop.state(6, "en_cocina", recuperado=True, razon="reclamo")
        await shop.order(9, mesa_numero=9, items=COMAL)
    shop.later(DAY - HOUR)
    async with shop.open():  # the next start counts from this day: its newest event tells that the clock is right
        await shop.order(10, mesa_numero=10, items=COMAL)
    async with shop.open(keep_days=1):
        await shop.appended("poda")
        await shop.state(3, "en_cocina", recuperado=True)
        await shop.order(20, mesa_numero=20, items=[{"id": 1, "producto_nombre": "Yuca"}])
        await shop.state(8, "pagado")
        await shop.place("Beto", {"producto_id": flan, "cantidad": 2}, mesa_numero=13)
    async with shop.open(keep_days=1):  # what the first one left undone is done first
        await shop.state(9, "en_cocina")
    with contextlib.closing(sqlite3.connect(shop.database)) as connection:
        oldest, first = connection.execute("SELECT oldest, (SELECT min(id) FROM events) FROM log").fetchone()
        assert oldest == first > 1, "rows that were pruned are still there"


async def python(shop: Shop) -> None:
    """Published by a program in its own process, through `NotificadorPedidos`."""
    async with shop.open():
        for number in (1, 2):
            shop.later(4)
            await shop.notifier.notificar_nuevo_pedido(
                {"id": number, "mesa_numero": number, "items": COMAL}, operacion_id=f"python-{number}", terminal="T-1"
            )
        await shop.notifier.notificar_nuevo_pedido(
            {"id": 1, "mesa_numero": 1, "items": COMAL}, operacion_id="python-1", terminal="T-1"
        )
        shop.later(60)
        await shop.notifier.notificar_cambio_estado_pedido(1, "en_cocina")
        await shop.notifier.notificar_item_modificado(1, 7, {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 1})
        shop.later(300.5)
        await shop.notifier.notificar_pedido_listo(1, ["Pupusa revuelta", "Café"], actor={"username": "integrador"})
        await shop.notifier.notificar_pedido_cancelado(2, "se fueron")
        await shop.notifier.notificar_stock_bajo(3, "Queso", 0)


THEMES: dict[str, Callable[[Shop], Awaitable[None]]] = {
    "service": service,
    "takeaways": takeaways,
    "changes": changes,
    "recalls": recalls,
    "cancellations": cancellations,
    "receipts": receipts,
    "stubs": stubs,
    "repeats": repeats,
    "screens": screens,
    "rounds": rounds,
    "undone": undone,
    "tables": tables,
    "menu": menu,
    "alarms": alarms,
    "downloads": downloads,
    "pruned": pruned,
    "python": python,
}
