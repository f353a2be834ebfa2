"""Placing orders, acting on them, and the menu (docs/protocol.md, section 9)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_notif.clock import business_day
from pos_notif.orders.actions import ACTIONS
from pos_notif.orders.numbers import letter
from tests.support.in_process import Answer, HeldClock, in_process
from tests.support.pos import assert_projection_is_the_fold

ROLES = ("cocinero", "mesero", "cajero", "manager")
_keys = itertools.count(1)


class Floor:
    """A restaurant with one person of each role and a menu of three dishes."""

    def __init__(self, service: Any, clock: HeldClock) -> None:
        self.service = service
        self.clock = clock
        self.cookies: dict[str, str] = {}

    async def open(self) -> None:
        for role in ROLES:
            self.cookies[role] = await self.service.sign_in(role.capitalize(), role)
        for name, price, stock in (("Pupusa", 1.13, None), ("Sopa", 5.65, 10), ("Flan", 2.26, 3)):
            body = {"nombre": name, "precio": price, "stock_actual": stock, "stock_minimo": 2}
            assert (await self.call("manager", "POST", "/api/productos", body)).status == 201

    async def call(self, role: str, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        answer: Answer = await self.service.call(method, path, body, cookie=self.cookies[role], **how)
        return answer

    async def place(self, role: str = "mesero", **body: Any) -> Answer:
        sent = {
            "operacion_id": f"op{next(_keys)}",
            "tipo": "mesa",
            "items": [{"producto_id": 1, "cantidad": 2}],
            **body,
        }
        return await self.call(role, "POST", "/api/pedidos", sent)

    async def order(self, *states: str, **body: Any) -> int:
        """A new order, brought so far by these actions of a manager (`cobrar` in cash)."""
        placed = await self.place("manager", **body)
        assert placed.status == 201, placed.text
        order_id: int = placed.json["pedido"]["id"]
        for name in states:
            more = {"metodo_pago": "efectivo"} if name == "cobrar" else {}
            done = await self.act(order_id, name, razon="x", **more)
            assert done.status == 200, done.text
        return order_id

    async def act(self, order_id: int, name: str, role: str = "manager", **body: Any) -> Answer:
        sent = {"accion": name, "operacion_id": f"op{next(_keys)}", **body}
        return await self.call(role, "POST", f"/api/pedidos/{order_id}/acciones", sent)

    async def pedido(self, order_id: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("manager", "GET", f"/api/pedidos/{order_id}")).json["pedido"]
        return found

    async def events(self, order_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("manager", "GET", f"/api/pedidos/{order_id}")).json["eventos"]
        return found

    async def stock(self, product_id: int) -> tuple[float | None, bool]:
        menu = (await self.call("manager", "GET", "/api/productos")).json["productos"]
        product = next(row for row in menu if row["id"] == product_id)
        return product["stock_actual"], product["disponible"]


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    clock = HeldClock()
    async with in_process(tmp_path / "log.db", clock=clock) as service:
        floor = Floor(service, clock)
        await floor.open()
        yield floor
        assert_projection_is_the_fold(tmp_path / "log.db")


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["tipo"] for event in events]


def lines(pedido: dict[str, Any]) -> list[str]:
    return [line["estado_item"] for line in pedido["items"]]


# Placing


async def test_a_waiters_order_goes_to_the_kitchen_with_the_menus_names_and_prices(floor):
    items = [{"producto_id": 1, "cantidad": 2, "notas": "sin queso"}, {"producto_id": 2, "cantidad": 1}]
    placed = await floor.place(mesa_numero=5, items=items, notas="rápido")
    assert placed.status == 201
    pedido = placed.json["pedido"]
    assert (pedido["id"], pedido["numero"], pedido["estado"], pedido["mesero"]) == (
        1_000_000_000,
        f"{letter(business_day(floor.clock.ms, ZoneInfo('America/El_Salvador')))}1",
        "en_mesa",
        "Mesero",
    )
    assert (pedido["mesa_numero"], pedido["notas"], pedido["version"]) == (5, "rápido", 1)
    assert [
        (line["producto_nombre"], line["cantidad"], line["notas"], line["subtotal"]) for line in pedido["items"]
    ] == [
        ("Pupusa", 2, "sin queso", 2.26),
        ("Sopa", 1, None, 5.65),
    ]
    assert (pedido["total"], pedido["impuesto"]) == (7.91, 0.91)
    (event,) = await floor.events(pedido["id"])
    assert (event["id"], event["tipo"]) == (placed.json["evento_id"], "nuevo_pedido")
    assert event["actor"]["username"] == "Mesero"
    kitchen = (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"]
    assert [order["id"] for order in kitchen] == [pedido["id"]]
    assert "total" not in kitchen[0]


async def test_a_takeaway_is_paid_first_and_then_rings_in_the_kitchen(floor):
    placed = (await floor.place(tipo="llevar", cliente_nombre="Rosa")).json["pedido"]
    assert (placed["estado"], placed["tipo_pago"]) == ("pendiente_pago", "anticipado")
    assert (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"] == []
    paid = await floor.act(placed["id"], "cobrar", "cajero", metodo_pago="tarjeta")
    assert paid.json["pedido"]["estado"] == "pagado"
    events = await floor.events(placed["id"])
    assert kinds(events) == ["nuevo_pedido", "cambio_estado", "nuevo_pedido"]
    assert paid.json["evento_ids"] == [event["id"] for event in events[1:]]
    assert (events[1]["metodo_pago"], events[2]["liberado"]) == ("tarjeta", True)


async def test_the_same_operation_again_is_the_same_order(floor):
    first = await floor.place(operacion_id="doble")
    again = await floor.place(operacion_id="doble")
    assert (first.status, again.status) == (201, 200)
    assert again.json["duplicado"] is True
    assert (again.json["pedido"]["id"], again.json["evento_id"]) == (
        first.json["pedido"]["id"],
        first.json["evento_id"],
    )
    other = await floor.place(operacion_id="doble", mesa_numero=9)
    assert (other.status, other.code) == (422, "clave_reutilizada")
    two = await asyncio.gather(*(floor.place(operacion_id="a la vez") for _ in range(5)))
    assert sorted(answer.status for answer in two) == [200, 200, 200, 200, 201]
    assert len({answer.json["pedido"]["id"] for answer in two}) == 1


async def test_orders_that_come_together_get_numbers_of_their_own(floor):
    placed = await asyncio.gather(*(floor.place() for _ in range(10)))
    assert sorted(int(answer.json["pedido"]["numero"][1:]) for answer in placed) == list(range(1, 11))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"producto_id": 99, "cantidad": 1}]}, "items.0.producto_id"),
        ({"items": [{"producto_id": 1, "cantidad": 0}]}, "items.0.cantidad"),
        ({"items": [{"producto_id": 1, "cantidad": 1, "precio": 0.01}]}, "items.0.precio"),
        ({"tipo": "barco"}, "tipo"),
        ({"operacion_id": ""}, "operacion_id"),
        ({"operacion_id": None}, "operacion_id"),
        ({"total": 1}, "total"),
        ({"estado": "pagado"}, "estado"),
    ],
)
async def test_a_wrong_order_is_refused_with_its_field(floor, body, field):
    refused = await floor.place(**body)
    assert (refused.status, list(refused.fields)) == (422, [field])


async def test_cooks_place_no_orders(floor):
    assert (await floor.place("cocinero")).status == 403


async def test_a_waiter_sees_his_own_open_orders_and_what_is_ready(floor):
    mine = (await floor.place("mesero")).json["pedido"]["id"]
    await floor.order()  # a manager's
    ready = await floor.order("listo")
    shown = (await floor.call("mesero", "GET", "/api/pedidos")).json["pedidos"]
    assert {order["id"] for order in shown} == {mine, ready}
    other = await floor.service.sign_in("Otra", "mesero")
    shown = (await floor.service.call("GET", "/api/pedidos", cookie=other)).json["pedidos"]
    assert {order["id"] for order in shown} == {ready}


# Acting: what each makes


@pytest.mark.parametrize(
    ("so_far", "name", "body", "state", "made"),
    [
        ([], "iniciar", {}, "en_cocina", ["cambio_estado"]),
        ([], "listo", {}, "listo", ["cambio_estado", "pedido_listo"]),
        (["iniciar"], "listo", {}, "listo", ["cambio_estado", "pedido_listo"]),
        (["iniciar"], "deshacer", {}, "en_mesa", ["cambio_estado"]),
        (["listo"], "deshacer", {}, "en_cocina", ["cambio_estado"]),
        (["listo"], "recuperar", {}, "en_cocina", ["cambio_estado"]),
        (["listo"], "servir", {}, "servido", ["cambio_estado"]),
        (["listo", "servir"], "recuperar", {"razon": "frío"}, "en_cocina", ["cambio_estado"]),
        (["listo", "servir"], "cobrar", {"metodo_pago": "otro"}, "cerrado", ["cambio_estado"]),
        (["cobrar", "listo", "servir"], "cerrar", {}, "cerrado", ["cambio_estado"]),
        ([], "cobrar", {"metodo_pago": "efectivo"}, "en_mesa", ["cambio_estado"]),
        ([], "cancelar", {"razon": "se fue"}, "cancelado", ["pedido_cancelado"]),
        ([], "agregar_item", {"items": [{"producto_id": 2, "cantidad": 1}]}, "en_mesa", ["item_modificado"]),
        (["listo"], "agregar_item", {"items": [{"producto_id": 2, "cantidad": 1}]}, "en_cocina",
         ["cambio_estado", "item_modificado"]),
        ([], "cambiar_cantidad", {"item_id": 1, "cantidad": 3}, "en_mesa", ["item_modificado"]),
        (["listo"], "cambiar_cantidad", {"item_id": 1, "cantidad": 3}, "en_cocina",
         ["cambio_estado", "item_modificado"]),
        (["listo"], "cambiar_cantidad", {"item_id": 1, "cantidad": 1, "razon": "x"}, "listo", ["item_modificado"]),
        ([], "cambiar_notas", {"item_id": 1, "notas": "sin sal"}, "en_mesa", ["item_modificado"]),
        ([], "item_listo", {"item_id": 1}, "listo", ["item_modificado", "cambio_estado", "pedido_listo"]),
    ],
)  # fmt: skip
async def test_what_an_action_makes(floor, so_far, name, body, state, made):
    order_id = await floor.order(*so_far)
    before = len(await floor.events(order_id))
    done = await floor.act(order_id, name, **body)
    assert done.status == 200, done.text
    assert done.json["pedido"]["estado"] == state
    events = (await floor.events(order_id))[before:]
    assert kinds(events) == made
    assert done.json["evento_ids"] == [event["id"] for event in events]
    assert done.json["evento_id"] == events[0]["id"]
    assert done.json["pedido"]["version"] == before + len(made)


TWO = [{"producto_id": 1, "cantidad": 1}, {"producto_id": 2, "cantidad": 1}]
ALIKE = [{"producto_id": 1, "cantidad": 1}] * 2  # of a dish that is not counted


async def test_line_by_line(floor):
    order_id = await floor.order(items=TWO)
    first = await floor.act(order_id, "item_listo", "cocinero", item_id=1)
    assert (first.json["pedido"]["estado"], lines(first.json["pedido"])) == ("en_cocina", ["listo", "pendiente"])
    assert kinds((await floor.events(order_id))[1:]) == ["item_modificado", "cambio_estado", "pedido_listo"]
    assert (await floor.events(order_id))[-1]["parcial"] is True
    undone = await floor.act(order_id, "item_pendiente", "cocinero", item_id=1)
    assert lines(undone.json["pedido"]) == ["pendiente", "pendiente"]
    for line_id in (1, 2):
        last = await floor.act(order_id, "item_listo", "cocinero", item_id=line_id)
    assert (last.json["pedido"]["estado"], lines(last.json["pedido"])) == ("listo", ["listo", "listo"])


async def test_undoing_listo_takes_back_only_what_it_made_ready(floor):
    order_id = await floor.order(items=TWO)
    await floor.act(order_id, "item_listo", item_id=1)
    await floor.act(order_id, "listo")
    undone = (await floor.act(order_id, "deshacer", "cocinero")).json["pedido"]
    assert (undone["estado"], lines(undone)) == ("en_cocina", ["listo", "pendiente"])
    assert "recuperado_at" not in undone
    assert (await floor.act(order_id, "deshacer")).status == 409  # a line is ready: it was begun
    await floor.act(order_id, "listo")
    floor.clock.advance(61)
    assert (await floor.act(order_id, "deshacer")).code == "transicion_invalida"


async def test_a_recall_makes_every_line_again_and_keeps_the_clock(floor):
    order_id = await floor.order("iniciar", "listo")
    started = (await floor.pedido(order_id))["cocina_at"]
    floor.clock.advance(29 * 60)
    assert (await floor.act(order_id, "recuperar", "mesero")).fields == {"razon": "falta"}
    recalled = (await floor.act(order_id, "recuperar", "mesero", razon="cruda")).json["pedido"]
    assert (recalled["cocina_at"], lines(recalled)) == (started, ["pendiente"])
    assert recalled["recuperado_at"]
    assert recalled["recuperado_razon"] == "cruda"
    event = (await floor.events(order_id))[-1]
    assert (event["recuperado"], event["razon"]) == (True, "cruda")
    assert (await floor.act(order_id, "deshacer")).status == 409  # recalled once, it is no mistake of a tap
    await floor.act(order_id, "listo")
    assert "recuperado_razon" not in (await floor.act(order_id, "recuperar", "cocinero")).json["pedido"]
    await floor.act(order_id, "listo")
    floor.clock.advance(31 * 60)
    assert (await floor.act(order_id, "recuperar", "cocinero")).status == 409


async def test_removing_lines(floor):
    order_id = await floor.order(items=TWO)
    gone = (await floor.act(order_id, "quitar_item", "mesero", item_id=2)).json["pedido"]
    assert ([line["id"] for line in gone["items"]], gone["total"]) == ([1], 1.13)
    assert (await floor.act(order_id, "quitar_item", item_id=1)).status == 409
    assert (await floor.act(order_id, "quitar_item", item_id=7)).fields == {"item_id": "no es una línea de este pedido"}
    order_id = await floor.order(items=TWO)
    await floor.act(order_id, "item_listo", item_id=1)
    last = await floor.act(order_id, "quitar_item", item_id=2)
    assert last.json["pedido"]["estado"] == "listo"
    assert kinds((await floor.events(order_id))[-3:]) == ["item_modificado", "cambio_estado", "pedido_listo"]


async def test_more_of_a_ready_line_is_cooked_alone(floor):
    order_id = await floor.order("listo", "servir", items=TWO)
    more = (await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=3)).json["pedido"]
    assert (more["estado"], lines(more), more["total"]) == ("en_cocina", ["pendiente", "servido"], 9.04)


async def test_nothing_is_charged_twice(floor):
    order_id = await floor.order("cobrar")
    again = await floor.act(order_id, "cobrar", "cajero", metodo_pago="efectivo")
    assert (again.status, again.code) == (409, "transicion_invalida")
    order_id = await floor.order("listo", "servir")
    two = await asyncio.gather(*(floor.act(order_id, "cobrar", metodo_pago="efectivo") for _ in range(2)))
    assert sorted(answer.status for answer in two) == [200, 409]


async def test_what_is_paid_is_no_more_changed(floor):
    order_id = await floor.order("cobrar", items=TWO)
    for name, body in (("cambiar_cantidad", {"item_id": 1, "cantidad": 9}), ("quitar_item", {"item_id": 1})):
        assert (await floor.act(order_id, name, **body)).code == "transicion_invalida"
    assert (await floor.act(order_id, "cancelar", "mesero", razon="x")).code == "rol_no_permitido"
    assert (await floor.act(order_id, "cancelar", "cajero", razon="x")).status == 200


# Who, and when


_MAY = (
    {
        ("pendiente_pago", "cobrar"): "cajero manager",
        ("pendiente_pago", "cancelar"): "mesero cajero manager",
        # A step is taken back by who took it, or by a manager: here a manager took them all.
        ("pagado", "deshacer"): "manager",
        ("servido", "deshacer"): "manager",
        ("servido", "cancelar"): "manager",
        ("cerrado", "deshacer"): "manager",
        ("cancelado", "deshacer"): "manager",
        ("pagado", "iniciar"): "cocinero manager",
        ("pagado", "listo"): "cocinero manager",
        ("pagado", "item_listo"): "cocinero manager",
        ("pagado", "cancelar"): "cajero manager",
        ("en_mesa", "iniciar"): "cocinero manager",
        ("en_mesa", "listo"): "cocinero manager",
        ("en_mesa", "item_listo"): "cocinero manager",
        ("en_mesa", "cobrar"): "cajero manager",
        ("en_mesa", "cancelar"): "mesero cajero manager",
        ("en_cocina", "listo"): "cocinero manager",
        ("en_cocina", "item_listo"): "cocinero manager",
        ("en_cocina", "deshacer"): "cocinero manager",
        ("en_cocina", "cobrar"): "cajero manager",
        ("en_cocina", "cancelar"): "manager",
        ("listo", "deshacer"): "cocinero manager",
        ("listo", "recuperar"): "cocinero mesero manager",
        ("listo", "servir"): "mesero manager",
        ("listo", "cobrar"): "cajero manager",
        ("listo", "cancelar"): "manager",
        ("servido", "recuperar"): "mesero manager",
        ("servido", "cobrar"): "cajero manager",
    }
    | {
        (state, name): "mesero cajero manager"
        for state in ("pendiente_pago", "en_mesa", "en_cocina", "listo", "servido")
        for name in ("agregar_item", "quitar_item", "cambiar_cantidad", "cambiar_notas")
    }
    | {
        (state, "tomar"): "mesero manager"
        for state in ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido")
    }
    | {(state, "cambiar_mesa"): "mesero cajero manager" for state in ("en_mesa", "en_cocina", "listo", "servido")}
    | {(state, "quitar_item"): "cajero manager" for state in ("listo", "servido")}  # it was made
)
_REACH: dict[str, tuple[list[str], dict[str, Any]]] = {
    "pendiente_pago": ([], {"tipo": "llevar"}),
    "pagado": (["cobrar"], {"tipo": "llevar"}),
    "en_mesa": ([], {}),
    "en_cocina": (["iniciar"], {}),
    "listo": (["listo"], {}),
    "servido": (["listo", "servir"], {}),
    "cerrado": (["listo", "servir", "cobrar"], {}),
    "cancelado": (["cancelar"], {}),
}
_GIVEN = {
    "cobrar": {"metodo_pago": "efectivo"}, "item_listo": {"item_id": 1}, "item_pendiente": {"item_id": 1},
    "agregar_item": {"items": [{"producto_id": 1, "cantidad": 1}]}, "quitar_item": {"item_id": 1},
    "cambiar_cantidad": {"item_id": 1, "cantidad": 5}, "cambiar_notas": {"item_id": 1, "notas": "x"},
    "cambiar_mesa": {"mesa_numero": 9},
}  # fmt: skip


@pytest.mark.parametrize("state", _REACH)
async def test_the_table_of_transitions(floor, state):
    """Every action by every role from this state: as the contract's table says, and nothing else."""
    so_far, how = _REACH[state]
    for name, role in itertools.product(ACTIONS, ROLES):
        order_id = await floor.order(*so_far, items=ALIKE, **how)
        done = await floor.act(order_id, name, role, **{**_GIVEN.get(name, {}), "razon": "x"})
        may = _MAY.get((state, name), "").split()
        if role in may:
            assert done.status == 200, (name, role, done.text)
            continue
        expected = {403} if may else {403, 409}
        assert done.status in expected, (name, role, done.text)
        if done.status == 409:
            allowed = {action for (at, action), roles in _MAY.items() if at == state and role in roles.split()}
            told = done.json["error"]
            assert (told["codigo"], told["estado"], set(told["permitidas"])) == ("transicion_invalida", state, allowed)
        assert (await floor.pedido(order_id))["estado"] == state


async def test_a_cashier_hands_over_takeaways_only(floor):
    takeaway = await floor.order("cobrar", "listo", tipo="llevar")
    assert (await floor.act(takeaway, "servir", "cajero")).status == 200
    assert (await floor.act(takeaway, "cobrar", "cajero", metodo_pago="efectivo")).status == 409
    assert (await floor.act(takeaway, "cerrar", "mesero")).status == 200
    table = await floor.order("listo")
    assert (await floor.act(table, "servir", "cajero")).code == "rol_no_permitido"


async def test_a_stale_version_gets_the_order_as_it_is(floor):
    order_id = await floor.order()
    assert (await floor.act(order_id, "iniciar", "cocinero", version=1)).status == 200
    stale = await floor.act(order_id, "listo", "cocinero", version=1)
    assert (stale.status, stale.code) == (409, "version_obsoleta")
    current = stale.json["error"]["pedido"]
    assert (current["version"], current["estado"], "total" in current) == (2, "en_cocina", False)


async def test_the_same_action_again_changes_nothing(floor):
    order_id = await floor.order()
    first = await floor.act(order_id, "iniciar", operacion_id="tap")
    await floor.act(order_id, "listo")
    again = await floor.act(order_id, "iniciar", operacion_id="tap")
    assert (again.status, again.json["duplicado"], again.json["evento_id"]) == (200, True, first.json["evento_id"])
    assert again.json["pedido"]["estado"] == "listo"
    assert (await floor.act(order_id, "listo", operacion_id="tap")).code == "clave_reutilizada"


async def test_two_cooks_bump_at_once(floor):
    order_id = await floor.order("iniciar")
    two = await asyncio.gather(*(floor.act(order_id, "listo", "cocinero") for _ in range(2)))
    assert sorted(answer.status for answer in two) == [200, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"accion": "volar"}, "accion"),
        ({"accion": None}, "accion"),
        ({"operacion_id": None}, "operacion_id"),
        ({"accion": "cobrar"}, "metodo_pago"),
        ({"accion": "cobrar", "metodo_pago": "oro"}, "metodo_pago"),
        ({"accion": "item_listo"}, "item_id"),
        ({"accion": "item_listo", "item_id": 99}, "item_id"),
        ({"accion": "agregar_item"}, "items"),
        ({"accion": "agregar_item", "items": [{"producto_id": 9, "cantidad": 1}]}, "items.0.producto_id"),
        ({"accion": "cambiar_cantidad", "item_id": 1}, "cantidad"),
        ({"accion": "cambiar_cantidad", "item_id": 1, "cantidad": -1}, "cantidad"),
        ({"accion": "cambiar_notas", "item_id": 1}, "notas"),
        ({"accion": "cancelar"}, "razon"),
        ({"accion": "cancelar", "razon": "  "}, "razon"),
        ({"accion": "iniciar", "x": 1}, "x"),
    ],
)
async def test_a_wrong_action_is_refused_with_its_field(floor, body, field):
    order_id = await floor.order()
    refused = await floor.act(order_id, **{"name": "iniciar", **body})
    assert (refused.status, list(refused.fields)) == (422, [field])
    assert len(await floor.events(order_id)) == 1


async def test_an_unknown_order_is_404_before_anything_of_the_body(floor):
    for path in ("/api/pedidos/5/acciones", "/api/pedidos/x/acciones"):
        assert (await floor.call("mesero", "POST", path, {})).status == 404


# Stock


async def test_an_order_takes_stock_and_says_when_there_is_little_and_none(floor):
    assert (await floor.place(items=[{"producto_id": 3, "cantidad": 1}])).status == 201
    assert await floor.stock(3) == (2, True)
    assert (await floor.place(items=[{"producto_id": 3, "cantidad": 2}])).status == 201
    assert await floor.stock(3) == (0, False)
    alerts = (await floor.call("manager", "GET", "/api/notificaciones/polling/manager")).json["eventos"]
    told = [(event["nivel"], event["stock_actual"]) for event in alerts if event["tipo"] == "alerta_stock"]
    assert told == [("bajo", 2), ("agotado", 0)]
    refused = await floor.place(items=[{"producto_id": 1, "cantidad": 1}, {"producto_id": 3, "cantidad": 1}])
    assert (refused.status, refused.code) == (409, "producto_agotado")
    assert len((await floor.call("manager", "GET", "/api/pedidos")).json["pedidos"]) == 2  # nothing of it was kept


async def test_the_last_one_is_sold_once(floor):
    many = await asyncio.gather(*(floor.place(items=[{"producto_id": 3, "cantidad": 1}]) for _ in range(8)))
    assert sorted(answer.status for answer in many) == [201] * 3 + [409] * 5
    assert await floor.stock(3) == (0, False)


async def test_what_was_not_made_goes_back(floor):
    order_id = await floor.order(items=[{"producto_id": 3, "cantidad": 3}, {"producto_id": 2, "cantidad": 4}])
    assert (await floor.act(order_id, "cambiar_cantidad", item_id=2, cantidad=6)).status == 200
    assert (await floor.stock(2))[0] == 4
    assert (await floor.act(order_id, "cambiar_cantidad", item_id=2, cantidad=60)).code == "producto_agotado"
    await floor.act(order_id, "quitar_item", item_id=2)
    assert (await floor.stock(2))[0] == 10
    await floor.act(order_id, "cancelar", razon="x")
    assert await floor.stock(3) == (3, True)
    order_id = await floor.order("listo", items=[{"producto_id": 3, "cantidad": 1}])
    await floor.act(order_id, "cancelar", razon="x")  # it was made
    assert (await floor.stock(3))[0] == 2


async def test_a_cook_marks_a_dish_sold_out_and_back(floor):
    gone = await floor.call("cocinero", "PATCH", "/api/productos/1", {"disponible": False})
    assert (gone.status, gone.json["disponible"], "precio" in gone.json) == (200, False, False)
    assert (await floor.place()).code == "producto_agotado"
    assert (await floor.call("cocinero", "PATCH", "/api/productos/1", {"disponible": True})).json["disponible"]
    assert (await floor.place()).status == 201
    seen = (await floor.call("cocinero", "GET", "/api/notificaciones/polling/cocinero")).json["eventos"]
    assert [event["nivel"] for event in seen if event["tipo"] == "alerta_stock"] == ["agotado", "disponible"]
    assert (await floor.call("cocinero", "PATCH", "/api/productos/1", {"precio": 1})).status == 403
    assert (await floor.call("mesero", "PATCH", "/api/productos/1", {"disponible": True})).status == 403
    assert (await floor.call("manager", "PATCH", "/api/productos/9", {"disponible": True})).status == 404


async def test_the_menu_is_the_managers(floor):
    assert (await floor.call("mesero", "POST", "/api/productos", {"nombre": "x", "precio": 1})).status == 403
    assert (await floor.call("manager", "POST", "/api/productos", {"nombre": "x"})).fields == {"precio": "falta"}
    changed = await floor.call("manager", "PATCH", "/api/productos/2", {"precio": 6, "stock_actual": None})
    assert (changed.json["precio"], changed.json["stock_actual"], changed.json["nombre"]) == (6, None, "Sopa")
    assert "precio" not in (await floor.call("cocinero", "GET", "/api/productos")).json["productos"][0]
    assert (await floor.call("manager", "PATCH", "/api/productos/2", {"precio": None})).status == 422


# Any sequence of actions by anybody


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS), st.sampled_from(ROLES), st.integers(1, 3), st.sampled_from([0.5, 1, 2, 3]),
        st.integers(0, 40),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(takeaway=st.booleans(), steps=_STEPS)
def test_no_sequence_of_actions_reaches_an_illegal_state(tmp_path_factory, takeaway, steps):
    async def play() -> None:
        path = tmp_path_factory.mktemp("play") / "log.db"
        clock = HeldClock()
        async with in_process(path, clock=clock) as service:
            floor = Floor(service, clock)
            await floor.open()
            order_id = await floor.order(items=ALIKE, **({"tipo": "llevar"} if takeaway else {}))
            before = await floor.pedido(order_id)
            for name, role, line_id, amount, minutes in steps:
                clock.advance(minutes * 60)
                body = {
                    "razon": "x", "metodo_pago": "efectivo", "item_id": line_id, "cantidad": amount, "notas": "n",
                    "items": [{"producto_id": 1, "cantidad": amount}], "mesa_numero": line_id,
                }  # fmt: skip
                done = await floor.act(order_id, name, role, **body)
                assert done.status in (200, 403, 409, 422), done.text
                after = await floor.pedido(order_id)
                if done.status != 200:
                    assert after == before
                check(name, before, after)
                before = after
        assert_projection_is_the_fold(path)

    asyncio.run(play())


def check(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    state, states = after["estado"], set(lines(after))
    assert after["items"]
    if before["estado"] in ("cerrado", "cancelado") and name != "deshacer":
        assert after == before
    if before.get("pagado_at") and name != "deshacer":
        assert after["pagado_at"] == before["pagado_at"]
        assert after["total"] == before["total"]
    assert ("pendiente" in states) == (state in ("pendiente_pago", "pagado", "en_mesa", "en_cocina")), (state, states)
    if state == "cerrado":
        assert after["pagado_at"]
    total = round(sum(line["subtotal"] for line in after["items"]), 2)
    assert abs(after["total"] - total) < 0.011
