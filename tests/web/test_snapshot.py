"""`GET /api/pedidos` and `GET /api/pedidos/<id>`: the views, who may see which, and the cursor that belongs to them."""

from __future__ import annotations

import asyncio
from unittest.mock import ANY
from uuid import uuid4

import pytest

from tests.support.pos import ROOMS

ROLES = ("cocinero", "mesero", "cajero", "manager")
OWN = {"cocinero": "cocina", "mesero": "meseros", "cajero": "cajeros", "manager": "todos"}


async def one_order_in_each_state(pos):
    """Ids 1 to 8, dine-in, and 11 to 18, takeaway."""
    states = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")
    for number, state in enumerate(states, start=1):
        await pos.new_order(number)
        await pos.new_order(number + 10, tipo="llevar", estado="en_mesa")
        await pos.set_state(number, state)
        await pos.set_state(number + 10, state)


async def test_each_view_holds_its_states(pos):
    await one_order_in_each_state(pos)
    assert await pos.view("cocina") == {2, 3, 4, 5, 8, 12, 13, 14, 15, 18}
    assert await pos.view("cajeros") == {1, 6, 11, 15, 16}
    assert await pos.view("meseros") == {5, 15}
    assert await pos.view("todos") == {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}


async def test_an_order_that_was_cancelled_before_the_kitchen_had_it_is_in_no_view(pos):
    await pos.new_order(1, tipo="llevar")
    await pos.publish("pedido_cancelado", pedido_id=1)
    assert await pos.views(1) == set()
    # Filled in later, a stub that came cancelled stays one.
    await pos.publish("pedido_cancelado", pedido_id=2)
    assert await pos.views(2) == {"cocina"}
    await pos.new_order(2)
    assert await pos.views(2) == {"cocina"}
    assert (await pos.order(2))["estado"] == "cancelado"


@pytest.mark.parametrize("role", ROLES)
async def test_the_view_defaults_to_the_roles_own(pos, role):
    await one_order_in_each_state(pos)
    for query in ("", "?vista="):
        answer = await pos.get(f"/api/pedidos{query}", role)
        assert {order["id"] for order in answer["pedidos"]} == await pos.view(OWN[role])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", [*ROOMS, "todos"])
async def test_anothers_view_is_the_managers_only(pos, role, view):
    answer = await pos.request("GET", f"/api/pedidos?vista={view}", token=await pos.token_of(role))
    allowed = role == "manager" or OWN[role] == view
    assert answer.status == (200 if allowed else 403)
    if not allowed:
        assert answer.code == "rol_no_permitido"


@pytest.mark.parametrize("view", ["managers", "COCINA", "pedido_5", "x" * 5000])
async def test_an_unknown_view_is_refused_with_its_field(pos, view):
    answer = await pos.request("GET", f"/api/pedidos?vista={view}")
    assert (answer.status, answer.code) == (422, "datos_invalidos")
    assert answer.fields == {"vista": "debe ser una de: cocina, meseros, cajeros, todos"}


async def test_a_snapshot_is_in_the_order_in_which_the_log_heard_of_its_orders(pos):
    for number in (30, 10, 20):
        await pos.new_order(number)
    await pos.set_state(30, "en_cocina")
    pedidos = (await pos.get("/api/pedidos?vista=cocina"))["pedidos"]
    assert [order["id"] for order in pedidos] == [30, 10, 20]


async def test_a_stub_is_shown_as_incomplete_until_its_order_comes(pos):
    await pos.publish("pedido_listo", pedido_id=9, items_listos=["Sopa"], mesa_numero=4)
    stub = (await pos.get("/api/pedidos?vista=meseros"))["pedidos"][0]
    assert stub == {
        "id": 9, "numero": 9, "mesa_numero": 4, "tipo": "mesa", "tipo_pago": "al_final", "cliente_nombre": None,
        "mesero": None, "notas": None, "estado": "listo", "items": [], "subtotal": None, "impuesto": None,
        "total": None, "timestamp": "2026-11-24T19:05:12.345-06:00", "por_acusar": [], "incompleto": True,
        "listo_at": "2026-11-24T19:05:12.345-06:00", "version": 1,
    }  # fmt: skip
    for view in ("cocina", "todos"):
        assert (await pos.get(f"/api/pedidos?vista={view}"))["pedidos"][0]["incompleto"] is True
    await pos.new_order(9)
    full = (await pos.get("/api/pedidos?vista=meseros"))["pedidos"][0]
    assert "incompleto" not in full
    assert (full["estado"], full["items"][0]["producto_nombre"]) == ("listo", "Pupusa")


async def test_the_snapshots_cursor_is_the_logs_head(pos):
    empty = await pos.get("/api/pedidos")
    hour = "2026-11-24T19:05:12.345-06:00"
    assert empty == {"pedidos": [], "cursor": empty["cursor"], "hora_servidor": hour, "alarmas": [], "version": ANY}
    assert empty["cursor"].endswith("-0")
    event = await pos.new_order(1)
    await pos.publish("alerta_stock", producto_id=1, nombre="Queso")
    snapshot = await pos.get("/api/pedidos?vista=cajeros")
    assert snapshot["cursor"].endswith(f"-{event['id'] + 1}")


async def test_a_snapshot_and_the_events_after_its_cursor_are_the_whole(pos):
    """Snapshots taken while others publish: what follows the cursor leads from the snapshot to the end."""
    for number in range(1, 11):
        await pos.new_order(number)

    cursors, results = set(), []

    async def publish(number):
        while len(cursors) < 5:
            for state in ("en_cocina", "listo", "servido"):
                await pos.set_state(number, state)

    publishing = asyncio.gather(*(publish(number) for number in range(1, 11)))
    while len(cursors) < 5:
        results.append(await pos.get("/api/pedidos?vista=todos"))
        cursors.add(results[-1]["cursor"])
    await publishing
    final = {order["id"]: order for order in (await pos.get("/api/pedidos?vista=todos"))["pedidos"]}
    for snapshot in results:
        orders = {order["id"]: order for order in snapshot["pedidos"]}
        cursor, more, client = snapshot["cursor"], True, uuid4()
        while more:
            page = await pos.get(f"/api/notificaciones/polling/manager?limite=500&cursor={cursor}&cliente={client}")
            cursor, more = page["cursor"], page["hay_mas"]
            for event in page["eventos"]:
                assert event["version"] == orders[event["pedido_id"]]["version"] + 1
                orders[event["pedido_id"]] = event["pedido"]
        assert orders == final


async def test_an_order_is_found_by_id_with_its_events_in_order(pos):
    await pos.new_order(5)
    await pos.new_order(6)
    await pos.set_state(5, "listo")
    history = await pos.get("/api/pedidos/5", "mesero")
    assert history["pedido"] == history["eventos"][1]["pedido"]
    assert [(event["id"], event["version"]) for event in history["eventos"]] == [(1, 1), (3, 2)]


@pytest.mark.parametrize("order_id", ["7", "0", "-1", "x", "1.0", "1e3", "٣", "9007199254740992", "9" * 5000])
async def test_an_order_that_does_not_exist_is_404(pos, order_id):
    answer = await pos.request("GET", f"/api/pedidos/{order_id}")
    assert (answer.status, answer.code) == (404, "no_encontrado")


async def test_answers_are_not_stored_by_anyone_between(pos):
    await pos.new_order(5)
    for path in ("/api/pedidos", "/api/pedidos/5"):
        assert (await pos.request("GET", path)).headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/api/pedidos", "/api/pedidos/5", "/api/pedidos?vista=x"])
async def test_no_order_without_signing_in(pos, path):
    answer = await pos.request("GET", path, token=None)
    assert (answer.status, answer.code) == (401, "no_autenticado")


async def test_the_snapshot_says_which_version_the_pages_files_have(pos):
    page = (await pos.request("GET", "/login", token=None)).text
    for role in ("cocinero", "mesero", "cajero", "manager"):
        version = (await pos.get("/api/pedidos", role))["version"]
        assert f'?v={version}"' in page
