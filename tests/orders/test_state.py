"""What events make of an order: its states, its release by a payment, and stubs, which their order fills later."""

from __future__ import annotations

import pytest

from pos_notif.orders.state import Order, apply
from tests.support.pos import LINES, MINUTE, START, assert_projection_is_the_fold, change_line, line_states

STATES = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")


# cambio_estado: facts


@pytest.mark.parametrize("old", STATES[:-2])
@pytest.mark.parametrize("new", STATES)
async def test_a_published_state_is_a_fact(pos, old, new):
    await pos.new_order(1)
    await pos.set_state(1, old)
    event = await pos.set_state(1, new, estado_anterior="cerrado")
    assert (event["estado"], event["estado_anterior"], event["pedido"]["estado"]) == (new, old, new)
    assert event["version"] == event["pedido"]["version"] == 3


@pytest.mark.parametrize("old", ["cerrado", "cancelado"])
@pytest.mark.parametrize("new", STATES)
async def test_nothing_leaves_closed_or_cancelled_unless_recovered(pos, old, new):
    await pos.new_order(1)
    await pos.set_state(1, old)
    answer = await pos.post({"tipo": "cambio_estado", "pedido_id": 1, "estado": new})
    if new == old:
        assert answer.status == 201
        return
    assert (answer.status, answer.code) == (409, "transicion_invalida")
    assert answer.json["error"]["estado"] == old
    assert answer.json["error"]["permitidas"] == []
    assert pos.head == 2
    assert (await pos.order(1))["estado"] == old
    event = await pos.set_state(1, new, recuperado=True)
    assert (event["estado_anterior"], event["recuperado"], event["pedido"]["estado"]) == (old, True, new)


async def test_other_events_do_not_leave_a_terminal_state_either(pos):
    await pos.new_order(1)
    await pos.set_state(1, "cerrado")
    await pos.new_order(2)
    await pos.publish("pedido_cancelado", pedido_id=2)
    for event in (
        {"tipo": "pedido_cancelado", "pedido_id": 1},
        {"tipo": "pedido_listo", "pedido_id": 1, "items_listos": []},
        {"tipo": "pedido_listo", "pedido_id": 2, "items_listos": []},
    ):
        answer = await pos.post(event)
        assert (answer.status, answer.code) == (409, "transicion_invalida")
    assert pos.head == 4
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "x"}
    await pos.publish("item_modificado", pedido_id=1, item_id=1, cambios=change)
    await pos.publish("pedido_listo", pedido_id=2, items_listos=[], parcial=True)
    assert [(await pos.order(number))["estado"] for number in (1, 2)] == ["cerrado", "cancelado"]
    await pos.publish("pedido_listo", pedido_id=2, items_listos=[], recuperado=True)
    assert (await pos.order(2))["estado"] == "listo"


async def test_a_state_change_fills_in_what_the_log_knows(pos):
    await pos.new_order(1, mesa_numero=5, items=LINES)
    event = await pos.set_state(1, "en_cocina")
    own = {name: event[name] for name in event if name not in ("id", "timestamp", "actor", "pedido", "salas")}
    assert own == {
        "tipo": "cambio_estado", "pedido_id": 1, "version": 2, "estado": "en_cocina", "estado_anterior": "en_mesa",
        "mesa_numero": 5, "tipo_servicio": "mesa", "recuperado": False,
    }  # fmt: skip
    assert event["pedido"] == await pos.order(1)
    assert list(event)[-2:] == ["pedido", "salas"]


async def test_a_state_change_of_an_unknown_order_has_every_field_too(pos):
    event = await pos.set_state(1, "en_cocina")
    assert (event["estado_anterior"], event["mesa_numero"]) == (None, None)
    assert (event["tipo_servicio"], event["recuperado"]) == ("mesa", False)


async def test_a_payment_sets_the_time_once(pos):
    await pos.new_order(1)
    event = await pos.set_state(1, "en_cocina", metodo_pago="efectivo")
    assert event["pagado_at"] == event["pedido"]["pagado_at"] == START
    pos.clock.advance(5 * MINUTE)
    event = await pos.set_state(1, "cerrado", metodo_pago="tarjeta")
    assert event["pagado_at"] == event["pedido"]["pagado_at"] == START
    event = await pos.set_state(2, "pagado")
    assert event["pagado_at"] == event["timestamp"] != START


async def test_the_clocks_of_an_order(pos):
    await pos.new_order(1, items=LINES)
    times = []
    for state in ("en_cocina", "listo", "servido"):
        pos.clock.advance(MINUTE)
        times.append((await pos.set_state(1, state))["timestamp"])
    pedido = await pos.order(1)
    assert [pedido[name] for name in ("cocina_at", "listo_at", "servido_at")] == times
    assert line_states(pedido) == ["servido", "servido"]
    pos.clock.advance(MINUTE)
    pedido = (await pos.set_state(1, "en_cocina", recuperado=True))["pedido"]
    assert pedido["cocina_at"] == times[0]  # the clock keeps its first start
    assert not {"listo_at", "servido_at"} & set(pedido)
    assert line_states(pedido) == ["pendiente", "pendiente"]


async def test_ready_again_is_not_served_any_more(pos):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    pedido = (await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"]))["pedido"]
    assert pedido["estado"] == "listo"
    assert "servido_at" not in pedido


@pytest.mark.parametrize(
    ("state", "lines"),
    [("en_mesa", "pendiente"), ("en_cocina", "pendiente"), ("listo", "listo"), ("servido", "servido")],
)
async def test_an_order_that_is_taken_back_from_cancelled_is_to_be_made(pos, state, lines):
    await pos.new_order(1, items=LINES)
    await pos.publish("pedido_cancelado", pedido_id=1, razon="se fueron")
    cancelled = await pos.order(1)
    assert (line_states(cancelled), cancelled["razon"]) == (["cancelado", "cancelado"], "se fueron")
    pedido = (await pos.set_state(1, state, recuperado=True))["pedido"]
    assert line_states(pedido) == [lines, lines]
    assert "razon" not in pedido


def test_an_order_that_is_cancelled_anew_is_to_be_understood_anew():
    order = None
    for number, (tipo, fields) in enumerate(
        [
            ("pedido_cancelado", {"razon": None}),
            ("cambio_estado", {"estado": "en_mesa", "recuperado": True}),
            ("pedido_cancelado", {"razon": None}),
        ],
        start=1,
    ):
        event = {"id": number, "tipo": tipo, "timestamp": START, "version": number, "pedido_id": 1, **fields}
        order = apply(order, event)
        if number == 1:
            order = Order({**order.pedido, "entendido_at": START}, 1, 0, kitchen_had_it=True)
    assert order.state == "cancelado"
    assert "entendido_at" not in order.pedido


# Paid in advance


async def test_a_paid_takeaway_rings_in_the_kitchen(pos):
    born = await pos.new_order(5, tipo="llevar", cliente_nombre="Ana", items=LINES)
    assert "cocina" not in born["salas"]
    answer = await pos.post(
        {"tipo": "cambio_estado", "pedido_id": 5, "estado": "pagado", "metodo_pago": "efectivo",
         "actor": {"username": "Luz"}, "operacion_id": "cobro-5", "zona": 1}
    )  # fmt: skip
    assert (answer.status, answer.json["id"]) == (201, 2)
    paid, released = pos.stored_events()[1:]
    assert (paid["estado"], paid["estado_anterior"]) == ("pagado", "pendiente_pago")
    assert released == {
        "id": 3, "tipo": "nuevo_pedido", "timestamp": START, "pedido_id": 5, "version": 3,
        "actor": {"username": "Luz"}, "liberado": True, "pedido": await pos.order(5),
        "salas": ["cocina", "managers", "pedido_5"],
    }  # fmt: skip
    assert released["pedido"]["items"] == born["pedido"]["items"]
    assert (released["pedido"]["pagado_at"], released["pedido"]["por_acusar"]) == (START, [3])


async def test_the_release_follows_inside_a_batch_too(pos):
    order = {"tipo": "nuevo_pedido", "pedido": {"id": 5, "tipo": "llevar", "items": LINES}}
    paid = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "pagado"}
    answer = await pos.post({"eventos": [order, paid, {"tipo": "cambio_estado", "pedido_id": 5, "estado": "listo"}]})
    assert (answer.status, answer.json["ids"]) == (201, [1, 2, 4])
    events = pos.stored_events()
    assert [(event["tipo"], event["version"]) for event in events] == [
        ("nuevo_pedido", 1), ("cambio_estado", 2), ("nuevo_pedido", 3), ("cambio_estado", 4),
    ]  # fmt: skip
    assert (events[2]["liberado"], len(events[2]["pedido"]["items"])) == (True, 2)


@pytest.mark.parametrize("old", sorted(set(STATES) - {"pendiente_pago"}))
async def test_only_an_order_that_waited_for_its_payment_is_released_by_it(pos, old):
    await pos.new_order(5)
    await pos.set_state(5, old)
    await pos.set_state(5, "pagado", recuperado=True, metodo_pago="efectivo")
    assert [event["tipo"] for event in pos.stored_events()] == ["nuevo_pedido", "cambio_estado", "cambio_estado"]


async def test_an_order_born_paid_rings_once(pos):
    await pos.new_order(5, tipo="llevar", estado="pagado")
    assert [event["salas"] for event in pos.stored_events()] == [["cocina", "managers", "pedido_5"]]


@pytest.mark.parametrize("fields", [{"metodo_pago": "efectivo"}, {"pagado_at": START}, {}])
async def test_a_payment_that_leaves_the_state_rings_not(pos, fields):
    """`pendiente_pago` said again, with a payment: a fact as odd as it is; the order is not to be cooked."""
    await pos.new_order(5, tipo="llevar")
    event = await pos.set_state(5, "pendiente_pago", **fields)
    assert pos.head == 2
    assert "cocina" not in event["salas"]
    assert ("meseros" in event["salas"]) == ("metodo_pago" in fields)


# Stubs: events that overtake their order


async def test_a_stub_is_filled_and_keeps_what_its_events_said(pos):
    await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"], mesa_numero=5, mesero="Ana")
    pos.clock.advance(MINUTE)
    event = await pos.new_order(1, items=LINES, cliente_nombre="Luis")
    pedido = event["pedido"]
    assert (pedido["estado"], pedido["mesa_numero"], pedido["mesero"]) == ("listo", 5, "Ana")
    assert (pedido["cliente_nombre"], pedido["timestamp"], pedido["listo_at"]) == ("Luis", START, START)
    assert line_states(pedido) == ["listo", "listo"]
    assert (event["version"], "incompleto" in pedido) == (2, False)
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1}})
    assert (answer.status, answer.code) == (409, "pedido_existente")


async def test_an_order_says_its_guest_and_waiter_otherwise_than_what_overtook_it(pos):
    await pos.set_state(1, "en_cocina", mesero="Beto", cliente_nombre="Karla", mesa_numero=5)
    event = await pos.new_order(1, mesero="Tita", cliente_nombre="Luis", mesa_numero=8)
    assert (event["mesa_anterior"], event["cliente_anterior"], event["mesero_anterior"]) == (5, "Karla", "Beto")
    order = await pos.order(1)
    assert (order["mesa_numero"], order["cliente_nombre"], order["mesero"]) == (8, "Luis", "Tita")
    assert_projection_is_the_fold(pos.path)


async def test_later_events_complete_a_stub_too(pos):
    await change_line(pos, 7, "item_agregado", producto_nombre="Pupusa", item={"precio_unitario": 0.75})
    event = await pos.set_state(1, "en_cocina", mesa_numero=5)
    assert (event["pedido"]["mesa_numero"], event["pedido"]["incompleto"]) == (5, True)
    pedido = (await pos.publish("nuevo_pedido", pedido={"id": 1}))["pedido"]
    assert [line["producto_nombre"] for line in pedido["items"]] == ["Pupusa"]
    assert (pedido["mesa_numero"], pedido["estado"], pedido["total"]) == (5, "en_cocina", 0.75)


async def test_a_stubs_line_that_is_ready_stays_ready(pos):
    await change_line(pos, 7, "item_agregado", producto_nombre="Pupusa")
    await change_line(pos, 7, "item_listo")
    pedido = (await pos.new_order(1, items=LINES))["pedido"]
    assert line_states(pedido) == ["listo", "pendiente"]
    assert pedido["estado"] == "en_mesa"


@pytest.mark.parametrize("state", STATES)
async def test_a_stubs_known_state_stays(pos, state):
    await pos.set_state(1, state)
    pedido = (await pos.new_order(1, tipo="llevar"))["pedido"]
    assert (pedido["estado"], pedido["tipo"], pedido["tipo_pago"]) == (state, "llevar", "anticipado")


@pytest.mark.parametrize(("kind", "state"), [("mesa", "en_mesa"), ("llevar", "pendiente_pago")])
async def test_a_stubs_assumed_state_is_replaced(pos, kind, state):
    await change_line(pos, 7, "item_agregado", producto_nombre="Pupusa")
    await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"], parcial=True)
    assert (await pos.order(1))["estado"] == "en_mesa"
    assert (await pos.new_order(1, tipo=kind))["pedido"]["estado"] == state


async def test_a_stub_of_a_takeaway_is_one(pos):
    event = await pos.set_state(1, "listo", tipo_servicio="llevar")
    assert "cajeros" in event["salas"]
    pedido = (await pos.publish("nuevo_pedido", pedido={"id": 1}))["pedido"]
    assert (pedido["tipo"], pedido["tipo_pago"]) == ("llevar", "anticipado")


async def test_a_cancelled_stub_is_never_resurrected(pos):
    await pos.publish("pedido_cancelado", pedido_id=1, razon="tarde")
    for state in ("pendiente_pago", "pagado", "en_mesa"):
        answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "estado": state}})
        assert (answer.status, answer.code) == (409, "transicion_invalida")
    pedido = (await pos.new_order(1, items=LINES))["pedido"]
    assert (pedido["estado"], pedido["razon"], line_states(pedido)) == ("cancelado", "tarde", ["cancelado"] * 2)


async def test_a_stub_that_is_paid_rings_and_is_filled_later(pos):
    await pos.set_state(1, "pendiente_pago", tipo_servicio="llevar")
    await pos.set_state(1, "pagado")
    assert [event.get("liberado") for event in pos.stored_events()] == [None, None, True]
    event = await pos.new_order(1, tipo="llevar", items=LINES)
    assert (event["pedido"]["estado"], event["salas"][0]) == ("pagado", "cocina")


async def test_what_an_event_tells_of_its_order_is_checked_wherever_it_stands(pos):
    """It may be all that a stub is made of."""
    cambios = {"tipo_cambio": "item_listo"}
    for field, wrong in (("mesa_numero", "x"), ("mesero", []), ("cliente_nombre", {}), ("tipo_servicio", "zzz")):
        answer = await pos.post(
            {"tipo": "item_modificado", "pedido_id": 1, "item_id": 1, "cambios": cambios, field: wrong}
        )
        assert (answer.status, list(answer.fields)) == (422, [field])
    assert pos.head == 0


async def test_receipts_awaited_are_the_kitchens_events(pos):
    await pos.new_order(1, items=LINES)
    await change_line(pos, 7, "notas_modificadas", notas_nueva="x")
    await pos.set_state(1, "en_cocina")
    await pos.publish("pedido_cancelado", pedido_id=1)
    assert (await pos.order(1))["por_acusar"] == [1, 2, 4]
    await pos.new_order(2, tipo="llevar")
    assert (await pos.order(2))["por_acusar"] == []
