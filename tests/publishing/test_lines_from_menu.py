"""Lines that a POS publishes by its own ids alone get their names, categories and prices from the menu."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from pos_notif.orders.completion import from_menu
from pos_notif.orders.menu import Product
from tests.support.pos import PUBLISH, Pos, assert_projection_is_the_fold

DISHES = (
    {"nombre": "Flan", "categoria": "Postres", "precio": 2.5, "id_pos": 501},
    {"nombre": "Agua", "precio": 1.25, "id_pos": 3},
    {"nombre": "Té", "precio": 1},
    {"nombre": "Tamal", "precio": 1.75, "id_pos": 502, "oculto": True},
)


@pytest.fixture
async def pos_with_menu(pos: Pos) -> Pos:
    """The dishes' own ids are 1 to 4; the POS calls them otherwise, one of them as another one's own id."""
    for dish in DISHES:
        assert (await pos.request("POST", "/api/productos", dish)).status == 201
    return pos


def told(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("producto_id", "producto_nombre", "categoria", "precio_unitario", "subtotal"))


async def test_a_line_of_an_id_alone_is_the_dish_that_the_pos_calls_so(pos_with_menu):
    pos = pos_with_menu
    items = [{"producto_id": 501, "cantidad": 2}, {"producto_id": 3, "producto_nombre": None}, {"producto_id": 502}]
    pedido = (await pos.new_order(1, items=items))["pedido"]
    assert list(map(told, pedido["items"])) == [
        (501, "Flan", "Postres", 2.5, 5.0), (3, "Agua", None, 1.25, 1.25), (502, "Tamal", None, 1.75, 1.75),
    ]  # fmt: skip
    assert [pedido[name] for name in ("subtotal", "impuesto", "total")] == [7.08, 0.92, 8.0]
    kitchen = (await pos.get("/api/pedidos?vista=cocina"))["pedidos"][0]["items"]
    assert [line["producto_nombre"] for line in kitchen] == ["Flan", "Agua", "Tamal"]


async def test_our_own_ids_are_never_taken_for_the_pos_s(pos_with_menu):
    items = [{"producto_id": 1}, {"producto_id": 4}, {"producto_id": 999}, {}]
    lines = (await pos_with_menu.new_order(1, items=items))["pedido"]["items"]
    assert [told(line)[1:] for line in lines] == [(None, None, None, None)] * 4


async def test_what_the_pos_says_wins_and_a_named_line_is_left_as_it_is(pos_with_menu):
    items = [
        {"producto_id": 501, "producto_nombre": "Flan del día"},
        {"producto_id": 501, "precio_unitario": 0, "categoria": "Regalos"},
        {"producto_id": 501, "producto_nombre": "", "cantidad": 2, "subtotal": 4},
    ]
    lines = (await pos_with_menu.new_order(1, items=items))["pedido"]["items"]
    assert list(map(told, lines)) == [
        (501, "Flan del día", None, None, None), (501, "Flan", "Regalos", 0, 0), (501, "Flan", "Postres", 2.5, 4),
    ]  # fmt: skip


async def test_a_line_that_is_added_is_filled_and_a_known_one_is_not(pos_with_menu):
    pos = pos_with_menu
    await pos.new_order(1, items=[{"id": 1, "producto_id": 999}])

    async def change(item_id: int, kind: str, item: dict[str, Any], order: int = 1, **changes: Any) -> dict[str, Any]:
        cambios = {"tipo_cambio": kind, **changes}
        return await pos.publish("item_modificado", pedido_id=order, item_id=item_id, cambios=cambios, item=item)

    added = await change(2, "item_agregado", {"producto_id": 501}, cantidad_nueva=2)
    assert told(added["item"]) == (501, "Flan", "Postres", 2.5, 5.0)
    assert added["cambios"]["producto_nombre"] == "Flan"
    named = await change(3, "item_agregado", {"producto_id": 501}, producto_nombre="Flan del día")
    assert told(named["item"]) == (501, "Flan del día", None, None, None)
    known = await change(1, "cantidad_modificada", {"producto_id": 501}, cantidad_nueva=3)
    assert told(known["item"]) == (501, None, None, None, None)
    unheard = await change(1, "item_agregado", {"producto_id": 3}, order=77)  # of an order that nobody knows
    assert told(unheard["item"]) == (3, "Agua", None, 1.25, 1.25)
    gone = await change(9, "item_removido", {"producto_id": 501})
    assert gone["item"] is None
    assert_projection_is_the_fold(pos.path)


async def test_a_line_that_begins_a_round_is_filled(pos_with_menu):
    pos = pos_with_menu
    await pos.new_order(1, items=[{"id": 1, "producto_nombre": "Sopa"}])
    await pos.set_state(1, "servido")
    cambios = {"tipo_cambio": "item_agregado"}
    added = await pos.publish("item_modificado", pedido_id=1, item_id=2, cambios=cambios, item={"producto_id": 501})
    assert (added["item"]["producto_nombre"], added["item"]["ronda"]) == ("Flan", 2)


async def test_what_stands_in_the_log_does_not_change_with_the_menu(pos_with_menu):
    pos = pos_with_menu
    event = await pos.new_order(1, items=[{"producto_id": 501}])
    assert (await pos.request("PATCH", "/api/productos/1", {"nombre": "Budín", "precio": 9})).status == 200
    assert (await pos.order(1))["items"] == event["pedido"]["items"]
    assert told((await pos.new_order(2, items=[{"producto_id": 501}]))["pedido"]["items"][0])[1] == "Budín"
    assert_projection_is_the_fold(pos.path)


async def test_a_rehearsal_a_batch_and_python_are_filled_too(pos_with_menu):
    pos = pos_with_menu
    draft = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": [{"producto_id": 501}]}, "operacion_id": "uno"}
    rehearsed = (await pos.request("POST", f"{PUBLISH}?ensayo=1", draft)).json
    answer = await pos.post({"eventos": [draft, {"tipo": "nuevo_pedido", "pedido": {**draft["pedido"], "id": 2}}]})
    assert answer.status == 201
    notifier = pos.service.app.notifier
    await notifier.notificar_nuevo_pedido({"id": 3, "items": [{"producto_id": 501}]})
    pedidos = [rehearsed["eventos"][0]["pedido"], *(event["pedido"] for event in pos.stored_events())]
    assert [pedido["items"][0]["producto_nombre"] for pedido in pedidos] == ["Flan"] * 4
    # The same body again is the same, whatever the menu says by now.
    await pos.request("PATCH", "/api/productos/1", {"nombre": "Budín"})
    assert (await pos.post({"eventos": [draft]})).json["duplicados"] == [True]


async def test_orders_placed_here_name_the_menu_s_own_dishes(pos_with_menu):
    pos = pos_with_menu
    body = {"operacion_id": "1", "tipo": "mesa", "items": [{"producto_id": 3, "cantidad": 1}]}
    placed = (await pos.request("POST", "/api/pedidos", body)).json["pedido"]
    assert told(placed["items"][0])[:2] == (3, "Té")
    await pos.new_order(1, items=[{"id": 1, "producto_id": 3}])
    more = {"accion": "agregar_item", "operacion_id": "2", "items": [{"producto_id": 3, "cantidad": 1}]}
    await pos.request("POST", "/api/pedidos/1/acciones", more)
    assert [told(line)[:2] for line in (await pos.order(1))["items"]] == [(3, "Agua"), (3, "Té")]


async def test_a_dish_that_runs_out_names_whoever_waits_for_it_by_either_number(pos_with_menu):
    """The POS's 3 is Agua, and our 3 is Té."""
    pos = pos_with_menu
    for number, line in enumerate(({"producto_id": 501}, {"producto_id": 3}, {"producto_nombre": "Té"}), 1):
        await pos.new_order(number, items=[line])
    await pos.new_order(4, items=[{"producto_id": 999, "producto_nombre": "Té"}])
    own = {}
    for dish in (1, 3):
        body = {"operacion_id": f"{dish}", "tipo": "mesa", "items": [{"producto_id": dish, "cantidad": 1}]}
        own[dish] = (await pos.request("POST", "/api/pedidos", body)).json["pedido"]["id"]

    async def waiting(dish: int) -> list[int]:
        assert (await pos.request("PATCH", f"/api/productos/{dish}", {"disponible": False})).status == 200
        return list(pos.last()["pedidos_afectados"])

    assert await waiting(3) == [3, 4, own[3]]
    assert (await pos.request("PATCH", "/api/productos/1", {"nombre": "Budín"})).status == 200
    assert await waiting(1) == [1, own[1]]
    assert await waiting(2) == [2]
    for dish, name, orders in ((501, "Flan", [1, own[1]]), (3, "Agua", [2]), (998, "Té", [3, own[3]])):
        alert = await pos.publish("alerta_stock", producto_id=dish, nombre=name, nivel="agotado")
        assert alert["pedidos_afectados"] == orders, name


def test_the_menu_is_asked_for_nameless_lines_alone():
    def never(pos_id: int) -> NoReturn:
        raise AssertionError(f"asked for {pos_id}")

    lines = [{"producto_id": 501, "producto_nombre": "Flan"}, {"producto_nombre": "Sopa"}, {"cantidad": 2}]
    order = {"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": lines}}
    named = {"tipo": "item_modificado", "pedido_id": 1, "item_id": 1, "cambios": {}, "item": lines[0]}
    for draft in (order, {"tipo": "nuevo_pedido", "pedido": {"id": 1}}, named, {"tipo": "cambio_estado"}):
        assert from_menu(draft, None, never) is draft
    asked: list[int] = []

    def find(pos_id: int) -> Product | None:
        asked.append(pos_id)
        return None

    lines = [{"producto_id": 7}, *lines, {"producto_id": 8}]
    assert from_menu({**order, "pedido": {"id": 1, "items": lines}}, None, find)["pedido"]["items"] == lines
    assert asked == [7, 8]


async def test_the_stock_of_our_dishes_moves_by_lines_that_were_taken_here_alone(pos_with_menu):
    """The POS's 3 is our dish 2, and our 3 is another: what is cancelled of a POS's order was never taken of ours."""
    pos = pos_with_menu
    for dish in (1, 2, 3):
        await pos.request("PATCH", f"/api/productos/{dish}", {"stock_actual": 10})

    async def stock() -> list[float]:
        return [dish["stock_actual"] for dish in (await pos.get("/api/productos"))["productos"][:3]]

    async def act(accion: str, **fields: Any) -> None:
        body = {"accion": accion, "operacion_id": f"{accion}-{len(pos.stored_events())}", **fields}
        answer = await pos.request("POST", "/api/pedidos/1/acciones", body)
        assert answer.status == 200, answer.body

    claimed = {"producto_id": 1, "producto_nombre": "Flan", "cantidad": 4, "del_menu": True}
    await pos.new_order(1, items=[{"id": 1, "producto_id": 3, "cantidad": 2}, {"id": 2, **claimed}], tipo="mesa")
    change = {"tipo_cambio": "item_agregado", "cantidad_nueva": 4}
    await pos.publish("item_modificado", pedido_id=1, item_id=3, cambios=change, item=claimed)
    await act("agregar_item", items=[{"producto_id": 3, "cantidad": 3}, {"producto_id": 1, "cantidad": 2}])
    assert await stock() == [8, 10, 7]
    lines = (await pos.order(1))["items"]
    assert [line.get("del_menu") for line in lines] == [None, None, None, True, True]
    await act("cambiar_cantidad", item_id=lines[0]["id"], cantidad=1)
    await act("cambiar_cantidad", item_id=lines[3]["id"], cantidad=1)
    await act("quitar_item", item_id=2)
    assert await stock() == [8, 10, 9]
    await act("cancelar", razon="se fueron")
    assert await stock() == [10, 10, 10]
    assert_projection_is_the_fold(pos.path)
