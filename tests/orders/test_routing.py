"""Which event goes to which room: the table of docs/protocol.md, section 3, row by row, and the convergence rule."""

from __future__ import annotations

import pytest

from pos_notif.orders.routing import all_rooms, rooms_for_order, rooms_for_stock
from tests.support.pos import HOUR, MINUTE, ROOMS, running_pos

STATES = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")


def rooms(event, *, old=None, new="en_mesa", known=True, takeaway=False, before=(), after=()):
    return rooms_for_order(
        event, known=known, old_state=old, new_state=new, takeaway=takeaway, held_before=before, holds_after=after
    )


# The table itself, without any view


@pytest.mark.parametrize("state", ["en_mesa", "pagado"])
def test_a_new_order_to_cook_goes_to_the_kitchen_only(state):
    assert rooms({"tipo": "nuevo_pedido"}, new=state) == {"cocina"}


def test_a_new_order_to_be_paid_goes_to_the_tills_only():
    assert rooms({"tipo": "nuevo_pedido"}, new="pendiente_pago") == {"cajeros"}


@pytest.mark.parametrize("old", [None, *STATES])
@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("takeaway", [False, True])
@pytest.mark.parametrize("method", [None, "efectivo"])
def test_a_state_change_goes_where_its_row_says(old, new, takeaway, method):
    cooking = ("pagado", "en_mesa", "en_cocina", "listo")
    expected = set()
    if old in cooking or new in cooking:
        expected.add("cocina")
    if "listo" in (old, new) or new in ("servido", "pagado", "cerrado") or method:
        expected.add("meseros")
    if new in ("pagado", "servido", "cerrado") or (new == "listo" and takeaway) or method:
        expected.add("cajeros")
    event = {"tipo": "cambio_estado", **({"metodo_pago": method} if method else {})}
    assert rooms(event, old=old, new=new, takeaway=takeaway) == expected


@pytest.mark.parametrize(("takeaway", "expected"), [(False, {"cocina", "meseros"}), (True, set(ROOMS))])
@pytest.mark.parametrize("state", ["listo", "en_cocina"])
def test_a_ready_order_goes_to_kitchen_and_waiters_and_to_the_tills_if_takeaway(takeaway, expected, state):
    assert rooms({"tipo": "pedido_listo"}, old="en_cocina", new=state, takeaway=takeaway) == expected


def test_a_changed_line_goes_to_the_waiters_and_where_a_view_holds_the_order():
    event = {"tipo": "item_modificado"}
    assert rooms(event) == {"meseros"}
    assert rooms(event, after=["cocina"]) == {"meseros", "cocina"}
    assert rooms(event, after=["cajeros"]) == {"meseros", "cajeros"}


def test_a_cancelled_order_goes_to_the_kitchen_if_it_had_it_or_if_it_is_unknown():
    event = {"tipo": "pedido_cancelado"}
    assert rooms(event, old="pendiente_pago", new="cancelado") == {"meseros", "cajeros"}
    assert rooms(event, old="en_mesa", new="cancelado", before=["cocina"]) == set(ROOMS)
    assert rooms(event, new="cancelado", known=False) == set(ROOMS)


@pytest.mark.parametrize(("level", "expected"), [("bajo", set()), ("agotado", set(ROOMS)), ("disponible", set(ROOMS))])
def test_a_stock_alert_goes_everywhere_unless_it_is_only_low(level, expected):
    assert rooms_for_stock(level) == expected


def test_every_room_whose_view_held_or_holds_the_order_gets_the_event():
    event = {"tipo": "cambio_estado"}
    assert rooms(event, old="servido", new="cancelado", before=["cajeros"]) == {"cajeros"}
    assert rooms(event, old="cancelado", new="pendiente_pago", before=["cocina"], after=["cajeros"]) == {
        "cocina",
        "cajeros",
    }


def test_salas_are_stored_in_one_order_with_managers_and_the_orders_own_room():
    assert all_rooms({"cajeros", "cocina", "meseros"}, 7) == ["cocina", "meseros", "cajeros", "managers", "pedido_7"]
    assert all_rooms(set(), None) == ["managers"]


# Through the service: `salas` as stored


async def test_a_dine_in_order_from_its_birth_to_its_end(pos):
    assert (await pos.new_order(1))["salas"] == ["cocina", "managers", "pedido_1"]
    assert await pos.views(1) == {"cocina"}
    assert (await pos.set_state(1, "en_cocina"))["salas"] == ["cocina", "managers", "pedido_1"]
    ready = await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"])
    assert ready["salas"] == ["cocina", "meseros", "managers", "pedido_1"]
    assert await pos.views(1) == {"cocina", "meseros"}
    served = await pos.set_state(1, "servido")
    assert served["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_1"]
    assert await pos.views(1) == {"cajeros"}
    closed = await pos.set_state(1, "cerrado", metodo_pago="efectivo")
    assert closed["salas"] == ["meseros", "cajeros", "managers", "pedido_1"]
    assert await pos.views(1) == set()


async def test_an_unpaid_takeaway_is_the_tills_until_it_is_paid(pos):
    born = await pos.new_order(2, tipo="llevar")
    assert (born["pedido"]["estado"], born["salas"]) == ("pendiente_pago", ["cajeros", "managers", "pedido_2"])
    assert await pos.views(2) == {"cajeros"}
    paid = await pos.set_state(2, "pagado", metodo_pago="tarjeta")
    assert paid["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_2"]
    released = pos.last()
    assert (released["tipo"], released["salas"]) == ("nuevo_pedido", ["cocina", "managers", "pedido_2"])
    assert await pos.views(2) == {"cocina"}
    ready = await pos.publish("pedido_listo", pedido_id=2, items_listos=["Pupusa"])
    assert ready["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_2"]
    assert await pos.views(2) == {"cocina", "meseros", "cajeros"}


async def test_a_line_changed_before_payment_reaches_the_tills_and_not_the_kitchen(pos):
    await pos.new_order(3, tipo="llevar")
    change = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3}
    event = await pos.publish("item_modificado", pedido_id=3, item_id=1, cambios=change)
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_3"]


async def test_a_line_changed_while_cooking_reaches_the_kitchen_and_not_the_tills(pos):
    await pos.new_order(3)
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "sin sal"}
    event = await pos.publish("item_modificado", pedido_id=3, item_id=1, cambios=change)
    assert event["salas"] == ["cocina", "meseros", "managers", "pedido_3"]


async def test_a_line_changed_after_serving_reaches_the_tills_and_not_the_kitchen(pos):
    await pos.new_order(3)
    await pos.set_state(3, "servido")
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "para llevar"}
    event = await pos.publish("item_modificado", pedido_id=3, item_id=1, cambios=change)
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_3"]


async def test_a_partly_ready_takeaway_is_told_to_the_tills(pos):
    await pos.new_order(4, tipo="llevar", estado="pagado")
    event = await pos.publish("pedido_listo", pedido_id=4, items_listos=["Pupusa"], parcial=True)
    assert event["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_4"]


async def test_a_cancelled_order_reaches_the_kitchen_only_where_it_had_it(pos):
    await pos.new_order(5, tipo="llevar")
    event = await pos.publish("pedido_cancelado", pedido_id=5, razon="ya no")
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_5"]
    assert await pos.views(5) == set()

    await pos.new_order(6)
    event = await pos.publish("pedido_cancelado", pedido_id=6, razon="ya no")
    assert event["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_6"]
    assert await pos.views(6) == {"cocina"}


async def test_a_served_order_is_cancelled_without_the_kitchen(pos):
    """It left the kitchen's view, and nothing of it is left to make."""
    await pos.new_order(7)
    await pos.set_state(7, "servido")
    assert await pos.views(7) == {"cajeros"}
    event = await pos.publish("pedido_cancelado", pedido_id=7)
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_7"]
    assert await pos.views(7) == set()


async def test_events_of_an_unknown_order(pos):
    change = {"tipo_cambio": "item_agregado", "producto_nombre": "Café"}
    event = await pos.publish("item_modificado", pedido_id=11, item_id=1, cambios=change)
    assert event["salas"] == ["cocina", "meseros", "managers", "pedido_11"]
    event = await pos.publish("pedido_cancelado", pedido_id=12)
    assert event["salas"] == ["cocina", "meseros", "cajeros", "managers", "pedido_12"]
    event = await pos.publish("pedido_listo", pedido_id=13, items_listos=["Café"])
    assert event["salas"] == ["cocina", "meseros", "managers", "pedido_13"]
    event = await pos.set_state(14, "servido")
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_14"]
    event = await pos.set_state(15, "cerrado")
    assert event["salas"] == ["meseros", "cajeros", "managers", "pedido_15"]
    event = await pos.set_state(16, "pendiente_pago")
    assert event["salas"] == ["cajeros", "managers", "pedido_16"]
    event = await pos.set_state(17, "cancelado")  # its ticket may hang in the kitchen: its view takes it
    assert event["salas"] == ["cocina", "managers", "pedido_17"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [("bajo", ["managers"]), ("agotado", [*ROOMS, "managers"]), ("disponible", [*ROOMS, "managers"])],
)
async def test_stock_alerts_have_no_orders_room(pos, level, expected):
    event = await pos.publish("alerta_stock", producto_id=1, nombre="Queso", nivel=level, pedidos_afectados=[3])
    assert event["salas"] == expected


async def test_a_takeaway_stub_that_turns_out_unpaid_leaves_the_kitchen_by_its_event(pos):
    """The kitchen's view held the assumed dine-in order: it must hear that it does no longer."""
    change = {"tipo_cambio": "item_agregado", "producto_nombre": "Café"}
    await pos.publish("item_modificado", pedido_id=8, item_id=1, cambios=change)
    assert await pos.views(8) == {"cocina"}
    event = await pos.new_order(8, tipo="llevar")
    assert event["salas"] == ["cocina", "cajeros", "managers", "pedido_8"]
    assert await pos.views(8) == {"cajeros"}


# Time limits of the views


async def test_an_order_leaves_every_view_after_24_hours_of_silence_and_returns_with_an_event(pos):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    pos.clock.advance(24 * HOUR)
    assert await pos.views(1) == {"cajeros"}
    pos.clock.advance(0.001)
    assert await pos.views(1) == set()
    assert await pos.view("todos") == set()
    assert (await pos.order(1))["estado"] == "servido"
    event = await pos.set_state(1, "cancelado")
    assert event["salas"] == ["managers", "pedido_1"]  # the tills' view did not hold it any more


async def test_a_line_changed_after_24_hours_brings_the_order_back_to_the_kitchen(pos):
    await pos.new_order(1)
    pos.clock.advance(25 * HOUR)
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "ya"}
    event = await pos.publish("item_modificado", pedido_id=1, item_id=1, cambios=change)
    assert event["salas"] == ["cocina", "meseros", "managers", "pedido_1"]
    assert await pos.views(1) == {"cocina"}


async def test_a_ready_order_leaves_the_kitchens_view_after_30_minutes(pos):
    await pos.new_order(1)
    await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"])
    pos.clock.advance(30 * MINUTE)
    assert await pos.views(1) == {"cocina", "meseros"}
    pos.clock.advance(0.001)
    assert await pos.views(1) == {"meseros"}
    # Told again that it is ready, it is no younger.
    await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"])
    assert await pos.views(1) == {"meseros"}


async def test_a_line_changed_after_the_30_minutes_is_not_the_kitchens_any_more(pos):
    await pos.new_order(1)
    await pos.set_state(1, "listo")
    pos.clock.advance(31 * MINUTE)
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "tarde"}
    event = await pos.publish("item_modificado", pedido_id=1, item_id=1, cambios=change)
    assert event["salas"] == ["meseros", "managers", "pedido_1"]


async def test_a_recalled_order_starts_its_30_minutes_anew(pos):
    await pos.new_order(1)
    await pos.set_state(1, "listo")
    pos.clock.advance(29 * MINUTE)
    await pos.set_state(1, "en_cocina", recuperado=True)
    await pos.set_state(1, "listo")
    pos.clock.advance(29 * MINUTE)
    assert await pos.views(1) == {"cocina", "meseros"}


async def test_the_views_hours_can_be_set(tmp_path):
    async with running_pos(tmp_path / "short.db", view_hours=1.0) as pos:
        await pos.new_order(1)
        pos.clock.advance(61 * MINUTE)
        assert await pos.views(1) == set()
    async with running_pos(tmp_path / "endless.db", view_hours=0.0) as pos:
        await pos.new_order(1)
        pos.clock.advance(365 * 24 * HOUR)
        assert await pos.views(1) == {"cocina"}
