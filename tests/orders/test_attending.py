"""Whose table it is, and whom a sold-out dish concerns (docs/protocol.md, section 9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.orders.test_actions import Floor
from tests.support.pos import running_pos


@pytest.fixture
async def two(floor: Floor) -> Floor:
    """With a second waiter, `otra`."""
    floor.cookies["otra"] = await floor.service.sign_in("Otra", "mesero")
    return floor


async def view(floor: Floor, role: str, more: str = "", room: str = "meseros") -> list[int]:
    answer = await floor.call(role, "GET", f"/api/pedidos?vista={room}{more}")
    assert answer.status == 200, answer.text
    return [order["id"] for order in answer.json["pedidos"]]


async def heard(floor: Floor, role: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await floor.call(role, "GET", "/api/notificaciones/polling/mesero?limite=500")).json[
        "eventos"
    ]
    return found


async def test_who_placed_it_attends_it_until_somebody_takes_it(two):
    order_id = (await two.place("mesero", mesa_numero=5)).json["pedido"]["id"]
    placed = await two.pedido(order_id)
    assert placed["atiende"] == placed["creado_por"]
    assert (await view(two, "mesero"), await view(two, "otra")) == ([order_id], [])
    taken = await two.act(order_id, "tomar", "otra")
    pedido = taken.json["pedido"]
    assert (pedido["atiende"]["username"], pedido["mesero"], pedido["creado_por"]) == (
        "Otra", "Otra", placed["creado_por"],
    )  # fmt: skip
    assert (pedido["estado"], pedido["items"], pedido["por_acusar"]) == (
        "en_mesa",
        placed["items"],
        placed["por_acusar"],
    )
    assert (await view(two, "mesero"), await view(two, "otra")) == ([], [order_id])
    event = (await two.events(order_id))[-1]
    assert (event["tipo"], event["estado"], event["atiende"]) == ("cambio_estado", "en_mesa", pedido["atiende"])
    # Both phones hear it: it leaves the one and comes to the other. So do those of later events.
    await two.act(order_id, "iniciar", "cocinero")
    assert [event["tipo"] for event in await heard(two, "otra")][-2:] == ["cambio_estado"] * 2
    assert (await heard(two, "mesero"))[-1]["estado"] == "en_cocina"


@pytest.mark.parametrize(
    "steps", [(), ("cobrar",), ("iniciar",), ("listo",), ("listo", "servir"), ("cobrar", "listo", "servir")]
)
async def test_any_open_order_is_taken_and_nothing_else_of_it_changes(two, steps):
    order_id = await two.order(*steps)
    before = await two.pedido(order_id)
    for role in ("cocinero", "cajero"):
        assert (await two.act(order_id, "tomar", role)).code == "rol_no_permitido"
    for role in ("otra", "manager"):
        taken = (await two.act(order_id, "tomar", role)).json["pedido"]
        assert taken["atiende"]["username"] == role.capitalize()
        same = {**before, **{name: taken[name] for name in ("atiende", "mesero", "version")}}
        assert taken == same


async def test_what_is_over_is_taken_by_nobody(two):
    for steps in (("listo", "servir", "cobrar"), ("cancelar",)):
        assert (await two.act(await two.order(*steps), "tomar", "otra")).code == "transicion_invalida"


async def test_all_open_orders_are_listed_for_who_asks(two):
    mine = (await two.place("mesero")).json["pedido"]["id"]
    cashiers = (await two.place("cajero", tipo="llevar")).json["pedido"]["id"]
    over = await two.order("cancelar")
    for role in ("mesero", "otra", "manager"):
        assert await view(two, role, "&todas=1") == [mine, cashiers]
        assert over not in await view(two, role, "&todas=1")
    assert await view(two, "otra", "&todas=0") == []
    assert (await two.call("otra", "GET", "/api/pedidos?todas=si")).fields == {"todas": "debe ser 1 o 0"}
    # A till charges who wants to pay while the kitchen is at it still.
    assert await view(two, "cajero", room="cajeros") == [cashiers]
    assert await view(two, "cajero", "&todas=1", room="cajeros") == [mine, cashiers]
    # It widens no other view.
    assert (await two.call("cocinero", "GET", "/api/pedidos?todas=1")).json["pedidos"][0]["id"] == mine
    assert (await two.call("cajero", "GET", "/api/pedidos?vista=meseros&todas=1")).status == 403


async def test_a_managers_phone_hears_of_the_table_that_he_took(two):
    order_id = (await two.place("cajero")).json["pedido"]["id"]
    before = len(await heard(two, "manager"))
    await two.act(order_id, "iniciar", "cocinero")
    assert len(await heard(two, "manager")) == before
    await two.act(order_id, "tomar", "manager")
    await two.act(order_id, "item_listo", "cocinero", item_id=1)
    assert len(await heard(two, "manager")) > before + 1


async def test_who_attends_is_no_publishers_word(tmp_path):
    other = {"usuario_id": 5, "username": "Otra", "rol": "mesero"}
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1, atiende=other, antiguo=True, mesero="Ana")
        event = await pos.set_state(1, "en_mesa", atiende=other)
        assert "atiende" not in event
        pedido = await pos.order(1)
        assert ("atiende" in pedido, "antiguo" in pedido, pedido["mesero"]) == (False, False, "Ana")
        # One that was taken before the publisher told of it stays so.
        await pos.set_state(2, "en_mesa")
        cookie = await pos.service.sign_in("Karla", "mesero")
        body = {"accion": "tomar", "operacion_id": "x"}
        taken = await pos.request("POST", "/api/pedidos/2/acciones", body, cookie=cookie)
        await pos.new_order(2)
        assert (await pos.order(2))["atiende"] == taken.json["pedido"]["atiende"]


# Sold out


async def test_a_dish_that_is_sold_out_names_the_orders_that_wait_for_it(floor):
    soup = [{"producto_id": 2, "cantidad": 1}]
    waiting = await floor.order(items=soup)
    await floor.order("listo", items=soup)
    await floor.order("cancelar", items=soup)
    await floor.order()
    unpaid = await floor.order(items=soup, tipo="llevar")
    marked = await floor.call("cocinero", "PATCH", "/api/productos/2", {"disponible": False})
    assert marked.status == 200
    path = "/api/notificaciones/polling/cocinero?limite=500"
    alert = (await floor.call("cocinero", "GET", path)).json["eventos"][-1]
    assert (alert["tipo"], alert["nivel"], alert["pedidos_afectados"]) == ("alerta_stock", "agotado", [waiting, unpaid])
    await floor.call("cocinero", "PATCH", "/api/productos/2", {"disponible": True})
    alert = (await floor.call("cocinero", "GET", path)).json["eventos"][-1]
    assert (alert["nivel"], alert["pedidos_afectados"]) == ("disponible", [])


async def test_the_order_that_takes_the_last_ones_waits_for_them_too(floor):
    first = await floor.order(items=[{"producto_id": 3, "cantidad": 1}])
    last = await floor.order(items=[{"producto_id": 3, "cantidad": 2}])
    path = "/api/notificaciones/polling/cocinero?limite=500"
    alert = (await floor.call("cocinero", "GET", path)).json["eventos"][-1]
    assert (alert["nivel"], alert["pedidos_afectados"]) == ("agotado", [first, last])


async def test_a_publishers_alert_is_filled_by_the_dish_or_its_name(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        for number, line in enumerate(
            ({"producto_id": 3, "producto_nombre": "Sopa"}, {"producto_nombre": "Sopa"}, {"producto_id": 4}), 1
        ):
            await pos.new_order(number, items=[line])
        alert = await pos.publish("alerta_stock", producto_id=3, nombre="Sopa", nivel="agotado")
        assert alert["pedidos_afectados"] == [1, 2]
        said = await pos.publish("alerta_stock", producto_id=3, nombre="Sopa", nivel="agotado", pedidos_afectados=[9])
        assert said["pedidos_afectados"] == [9]
        low = await pos.publish("alerta_stock", producto_id=3, nombre="Sopa", stock_actual=1)
        assert low["pedidos_afectados"] == []
        soup = [{"producto_id": 3}]
        drafts = [{"tipo": "nuevo_pedido", "pedido": {"id": number, "items": soup}} for number in range(100, 220)]
        drafts.append({"tipo": "alerta_stock", "producto_id": 3, "nombre": "Sopa", "stock_actual": 0})
        await pos.post({"eventos": drafts})  # those of the batch itself count, the first hundred
        assert pos.last()["pedidos_afectados"] == [1, 2, *range(100, 198)]


async def test_a_waiter_hands_over_his_own_tables_to_who_waits_on_tables(two):
    people = {one["username"]: one for one in (await two.call("mesero", "GET", "/api/meseros")).json["meseros"]}
    assert {name: one["rol"] for name, one in people.items()} == {
        "Manager": "manager", "Mesero": "mesero", "Otra": "mesero",
    }  # fmt: skip
    for role in ("cocinero", "cajero"):
        assert (await two.call(role, "GET", "/api/meseros")).status == 403
    order_id = (await two.place("mesero", mesa_numero=5)).json["pedido"]["id"]
    given = await two.act(order_id, "tomar", "mesero", usuario_id=people["Otra"]["usuario_id"])
    assert given.json["pedido"]["atiende"] == {name: people["Otra"][name] for name in ("usuario_id", "username", "rol")}
    event = (await two.events(order_id))[-1]
    assert (event["actor"]["username"], event["atiende"]["username"]) == ("Mesero", "Otra")
    assert (await view(two, "mesero"), await view(two, "otra")) == ([], [order_id])
    # It is hers now: she gives it on, or a manager does, and he may take it back.
    own, boss = (people[name]["usuario_id"] for name in ("Mesero", "Manager"))
    assert (await two.act(order_id, "tomar", "mesero", usuario_id=boss)).code == "rol_no_permitido"
    assert (await two.act(order_id, "tomar", "manager", usuario_id=own)).json["pedido"]["mesero"] == "Mesero"
    assert (await two.act(order_id, "tomar", "otra")).json["pedido"]["mesero"] == "Otra"
    # Not to a cook, nor to nobody.
    cook = (await two.call("cocinero", "GET", "/api/auth/sesion")).json["usuario_id"]
    for nobody in (cook, 9999):
        answer = await two.act(order_id, "tomar", "otra", usuario_id=nobody)
        assert (answer.code, answer.fields) == ("datos_invalidos", {"usuario_id": "no atiende mesas"})


async def test_who_has_a_screen_of_the_waiters_is_told(two):
    async def here() -> set[str]:
        answer = await two.call("mesero", "GET", "/api/meseros")
        return {one["username"] for one in answer.json["meseros"] if one["conectado"]}

    assert await here() == set()
    await two.call("otra", "GET", "/api/notificaciones/polling/mesero")
    assert await here() == {"Otra"}
