"""What was placed here and is not paid stays with the till and the manager (docs/protocol.md, section 9, "Views")."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.orders.test_actions import Floor
from tests.support.in_process import in_process

HOURS = 3600


async def later(floor: Floor, seconds: float) -> None:
    """So much time passes, and the manager signs in again."""
    floor.clock.advance(seconds)
    floor.cookies["manager"] = (await floor.service.login("Manager")).cookie


async def view(floor: Floor, name: str) -> dict[int, bool]:
    """The ids in a view, in its order, and whether each is said to be old."""
    orders: list[dict[str, Any]] = (await floor.call("manager", "GET", f"/api/pedidos?vista={name}")).json["pedidos"]
    assert all(order.get("antiguo", True) is True for order in orders)
    return {order["id"]: "antiguo" in order for order in orders}


WAYS = {
    "pendiente_pago": ([], {"tipo": "llevar"}), "en_mesa": ([], {}), "en_cocina": (["iniciar"], {}),
    "listo": (["listo"], {}), "servido": (["listo", "servir"], {}),
}  # fmt: skip


async def test_what_is_owed_stays_and_is_said_to_be_old_and_all_else_leaves(floor):
    owed = {state: await floor.order(*steps, **how) for state, (steps, how) in WAYS.items()}
    paid = [await floor.order("cobrar"), await floor.order("cobrar", "listo", "servir")]
    over = [await floor.order("listo", "servir", "cobrar"), await floor.order("cancelar")]
    everything = {**dict.fromkeys([*owed.values(), *paid], False)}
    assert await view(floor, "todos") == everything
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "todos") == dict.fromkeys(owed.values(), True)
    assert await view(floor, "cajeros") == dict.fromkeys(owed.values(), True)
    assert await view(floor, "cocina") == await view(floor, "meseros") == {}
    counted = (await floor.call("manager", "GET", "/api/cifras")).json["abiertos"]
    assert counted == {**dict.fromkeys(WAYS, 1), "pagado": 0}
    assert over[0] not in await view(floor, "todos")
    # A year later too. Charged, the last one of it is closed and leaves; each screen that held it hears so.
    await later(floor, 365 * 24 * HOURS)
    fresh = await floor.order()
    assert list((await view(floor, "todos")).items())[-1] == (fresh, False)
    for state, order_id in owed.items():
        done = await floor.act(order_id, "cobrar", metodo_pago="efectivo")
        assert done.status == 200, (state, done.text)
        heard = (await floor.call("manager", "GET", "/api/notificaciones/polling/cajero")).json["eventos"]
        assert done.json["evento_id"] in [event["id"] for event in heard]
    assert set(await view(floor, "cajeros")) == set()
    # What was cancelled is owed no more.
    await later(floor, 25 * HOURS)
    assert await view(floor, "todos") == {fresh: True}
    await floor.act(fresh, "cancelar", razon="x")
    assert await view(floor, "todos") == {}


async def test_an_old_one_that_is_touched_is_young_again_until_it_is_left(floor):
    order_id = await floor.order("listo", "servir")
    await later(floor, 25 * HOURS)
    await floor.act(order_id, "agregar_item", items=[{"producto_id": 1, "cantidad": 1}])
    assert await view(floor, "todos") == {order_id: False}
    await later(floor, 25 * HOURS)
    assert await view(floor, "todos") == {order_id: True}


async def test_a_poss_orders_leave_as_they_did(floor):
    for number, state in enumerate(("en_mesa", "servido", "pendiente_pago"), 1):
        draft = {"tipo": "nuevo_pedido", "pedido": {"id": number}}
        await floor.call("manager", "POST", "/api/notificaciones/eventos", draft)
        change = {"tipo": "cambio_estado", "pedido_id": number, "estado": state}
        await floor.call("manager", "POST", "/api/notificaciones/eventos", change)
    assert len(await view(floor, "todos")) == 3
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "todos") == await view(floor, "cajeros") == {}


async def test_a_till_hears_of_the_old_ones_that_it_shows_and_of_no_others(floor):
    owed, paid, cancelled = await floor.order("iniciar"), await floor.order("cobrar"), await floor.order("cancelar")
    poss, older = 1, 1_000_000_900  # by its id it was placed here, and nobody is said to attend it
    for order_id in (poss, older):
        draft = {"tipo": "nuevo_pedido", "pedido": {"id": order_id}}
        await floor.call("manager", "POST", "/api/notificaciones/eventos", draft)
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "cajeros") == {owed: True}
    for order_id in (owed, paid, cancelled, poss, older):
        moved = {"tipo": "cambio_mesa", "pedido_id": order_id, "mesa_numero": 77}
        answer = await floor.call("manager", "POST", "/api/notificaciones/eventos", moved)
        assert answer.status == 201, answer.text
    told = (await floor.call("manager", "GET", "/api/notificaciones/polling/cajero?limite=500")).json["eventos"]
    assert [event["pedido_id"] for event in told if event["tipo"] == "cambio_mesa"] == [owed]


async def test_a_clock_that_is_set_makes_nothing_old_and_nothing_twice(floor):
    order_id = await floor.order("listo", "servir")
    for ahead in (30 * HOURS, -30 * HOURS, 0):
        floor.clock.set_ahead(ahead)
        assert await view(floor, "todos") == await view(floor, "cajeros") == {order_id: False}
    floor.clock.set_ahead(-100 * HOURS)
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "todos") == await view(floor, "cajeros") == {order_id: True}


async def test_the_oldest_200_are_listed(floor):
    placed = await asyncio.gather(*(floor.place("manager") for _ in range(203)))
    ids = sorted(answer.json["pedido"]["id"] for answer in placed)
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "todos") == await view(floor, "cajeros") == dict.fromkeys(ids[:200], True)


async def test_where_no_order_leaves_none_is_old(tmp_path, floor):
    async with in_process(tmp_path / "other.db", floor.clock, view_hours=0) as service:
        other = Floor(service, floor.clock)
        await other.open()
        order_id = await other.order()
        await later(other, 1000 * HOURS)
        assert await view(other, "todos") == {order_id: False}


async def test_an_order_of_an_older_version_leaves_as_it_did(floor):
    """It does not say who attends it. Neither does what a publisher sends with such an id."""
    draft = {"tipo": "nuevo_pedido", "pedido": {"id": 1_000_000_007, "atiende": {"usuario_id": 1}}}
    await floor.call("manager", "POST", "/api/notificaciones/eventos", draft)
    await later(floor, 24 * HOURS + 1)
    assert await view(floor, "todos") == {}
