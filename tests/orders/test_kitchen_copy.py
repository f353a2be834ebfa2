"""The kitchen's copy: without money and tax at any depth, the same bytes on every transport."""

from __future__ import annotations

import urllib.request

import pytest

from pos_notif.orders.kitchen_copy import kitchen_copier
from tests.support.live_server import run_cli
from tests.support.pos import running_pos
from tests.support.sse_client import SseClient

HIDDEN = (
    "precio", "precio_unitario", "subtotal", "total", "nuevo_total", "impuesto", "impuesto_municipal", "iva", "iva_13",
    "descuento", "descuentos", "propina", "propina_sugerida", "metodo_pago", "pago", "pagos", "dte", "dte_codigo",
    "nit", "nrc", "direccion", "telefono", "repartidor",
)  # fmt: skip
KEPT = (
    "pagado_at", "tipo_pago", "total_items", "subtotales", "nuevo_total_x", "metodo", "metodo_pagos", "nits", "nrc2",
    "mi_precio", "cantidad", "notas",
)  # fmt: skip
MONEY = {"precio_costo": 1, "subtotal": 2, "dte_codigo": "DTE-1", "Propina_10": 0.5, "nit": "0614", "mi_dato": "queda"}
GOES = {"direccion": "Calle 4", "telefono": "7777", "repartidor": "Chepe"}


@pytest.mark.parametrize("name", HIDDEN)
def test_money_and_tax_are_left_out_at_any_depth(name):
    value = {"a": {"b": [{"c": {name: 1, "d": 2}}]}, name: {"x": 1}}
    assert kitchen_copier()(value) == {"a": {"b": [{"c": {"d": 2}}]}}


@pytest.mark.parametrize("name", KEPT)
def test_everything_else_stays(name):
    assert kitchen_copier()({name: 1, "otro": [{name: 2}]}) == {name: 1, "otro": [{name: 2}]}


@pytest.mark.parametrize("name", ["PRECIO", "Precio_Unitario", "SubTotal", "IVA", "Nit", "Metodo_Pago"])
def test_names_are_compared_without_regard_to_case(name):
    assert kitchen_copier()({name: 1}) == {}


def test_more_names_and_prefixes_can_be_hidden():
    copy = kitchen_copier(["costo*", "margen"])
    assert copy({"costo": 1, "Costo_Real": 2, "margen": 3, "margen_neto": 4, "a.b": 5}) == {"margen_neto": 4, "a.b": 5}
    assert kitchen_copier(["a.b"])({"a.b": 1, "axb": 2}) == {"axb": 2}


def test_the_original_stays_as_it_is():
    value = {"total": 1, "items": [{"precio": 2, "id": 3}]}
    kitchen_copier()(value)
    assert value == {"total": 1, "items": [{"precio": 2, "id": 3}]}


def names_in(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from names_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from names_in(member)


def assert_no_money(answer):
    """But for a poll's own `total`, the number of its events."""
    shown = {name.lower() for name in names_in(answer.get("eventos", answer))}
    shown |= {name.lower() for name in names_in([answer.get("pedido"), answer.get("pedidos")])}
    assert not shown & set(HIDDEN)
    assert not [name for name in shown if name.startswith(("precio", "propina", "dte", "iva", "impuesto", "descuento"))]


async def publish_a_life(pos):
    """An order with money everywhere a publisher can put it; every type of event."""
    line = {"id": 1, "producto_nombre": "Pupusa", "cantidad": 2, "precio_unitario": 0.75, **MONEY}
    await pos.publish(
        "nuevo_pedido",
        pedido={"id": 5, "items": [line], "total": 1.5, "iva_13": 0.17, **MONEY, **GOES},
        extra=[[MONEY]],
        **MONEY,
    )
    change = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3, "nuevo_total": 2.25, **MONEY}
    await pos.publish("item_modificado", pedido_id=5, item_id=1, cambios=change, item=MONEY, total=2.25)
    await pos.set_state(5, "en_cocina", metodo_pago="efectivo", pagos=[{"monto": 1}])
    await pos.publish("pedido_listo", pedido_id=5, items_listos=["Pupusa"], **MONEY)
    await pos.publish("pedido_cancelado", pedido_id=5, razon="quemado", items_en_curso=[MONEY], **MONEY)
    await pos.publish("alerta_stock", producto_id=1, nombre="Queso", nivel="agotado", **MONEY)


async def test_nothing_that_a_cook_can_read_holds_a_price(pos):
    await publish_a_life(pos)
    token = await pos.token_of("cocinero")
    paths = ("/api/notificaciones/polling/cocinero", "/api/pedidos", "/api/pedidos?vista=cocina", "/api/pedidos/5")
    for path in paths:
        answer = await pos.request("GET", path, token=token)
        assert answer.status == 200
        assert_no_money(answer.json)
        assert "queda" in answer.body.decode()
    polled = (await pos.get(paths[0], "cocinero"))["eventos"]
    assert [event["tipo"] for event in polled] == [
        "nuevo_pedido", "item_modificado", "cambio_estado", "pedido_listo", "pedido_cancelado", "alerta_stock",
    ]  # fmt: skip


async def test_the_others_read_the_full_copy(pos):
    await publish_a_life(pos)
    for role in ("mesero", "cajero", "manager"):
        history = await pos.get("/api/pedidos/5", role)
        assert history["pedido"]["total"] == 2.25
        assert history["pedido"]["items"][0]["precio_unitario"] == 0.75
        assert history["eventos"][2]["metodo_pago"] == "efectivo"
    alert = (await pos.get("/api/notificaciones/polling/mesero", "mesero"))["eventos"][-1]
    assert alert["nit"] == "0614"


async def test_a_manager_reads_the_kitchens_copy_in_the_kitchens_room_and_view(pos):
    await publish_a_life(pos)
    manager, cook = await pos.token_of("manager"), await pos.token_of("cocinero")
    for path in ("/api/notificaciones/polling/cocinero", "/api/pedidos?vista=cocina"):
        seen = await pos.request("GET", path, token=manager)
        assert_no_money(seen.json)
        assert seen.body == (await pos.request("GET", path, token=cook)).body
    everything = await pos.get("/api/notificaciones/polling/manager")
    assert everything["eventos"][0]["pedido"]["total"] == 1.5
    assert (await pos.get("/api/pedidos?vista=todos"))["pedidos"] == []


async def test_the_copy_differs_in_the_hidden_members_only(pos):
    await publish_a_life(pos)
    full = (await pos.get("/api/pedidos/5"))["eventos"]
    kitchen = (await pos.get("/api/pedidos/5", "cocinero"))["eventos"]
    assert kitchen == [kitchen_copier()(event) for event in full]
    assert all("salas" not in event for event in full + kitchen)
    assert [list(event) for event in kitchen] == [list(kitchen_copier()(event)) for event in full]


async def test_the_setting_hides_more_names(tmp_path):
    async with running_pos(tmp_path / "log.db", kitchen_hides=("costo*", "cliente_nombre")) as pos:
        await pos.new_order(5, cliente_nombre="Ana", costo_real=3, mesero="Luis")
        kitchen = (await pos.get("/api/pedidos", "cocinero"))["pedidos"][0]
        assert kitchen["mesero"] == "Luis"
        assert not {"cliente_nombre", "costo_real"} & set(kitchen)
        assert (await pos.get("/api/pedidos/5"))["pedido"]["costo_real"] == 3


def test_stream_poll_and_order_history_send_the_same_bytes(server):
    event = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "listo", "ñandú": "☕ é", "precio": 1.50}
    server.publish(event)
    with_price = {}
    for role in ("cocinero", "mesero", "manager"):
        token = run_cli("token", "create", role, "--role", role, database=server.database).stdout.strip()
        with_price[role] = b'"precio"' in (data := streamed_data(server, role, token))
        history = body_bytes(server, "/api/pedidos/5", token)
        assert data in body_bytes(server, f"/api/notificaciones/polling/{role}", token)
        assert data in history
        # The order in the event is the order in the answer about it, too.
        order = data[data.index(b'"pedido":') : -1]
        assert history.startswith(b"{" + order + b',"eventos":[')
    assert with_price == {"cocinero": False, "mesero": True, "manager": True}


def streamed_data(server, role, token):
    """The first event's data line, as it is on the wire."""
    with SseClient(server, role, query="?cursor=inicio", token=token) as stream:
        for line in stream._lines():
            if line.startswith('data: {"id"'):
                return line.removeprefix("data: ").encode()
    raise AssertionError("the stream ended")


def body_bytes(server, path, token):
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()
