"""Steps that are taken back, and cancellations of which the kitchen hears nothing (docs/protocol.md, section 9)."""

from __future__ import annotations

from typing import Any

import pytest

from pos_notif.orders.state import fold
from tests.orders.test_actions import TWO, Floor, kinds, lines
from tests.support.pos import START_MS, running_pos

PAY = {"metodo_pago": "efectivo"}
TIMES = ("pagado_at", "cocina_at", "listo_at", "servido_at", "razon", "estado", "items", "total")


async def told(floor: Floor, role: str) -> list[dict[str, Any]]:
    """What a role's screens have heard so far."""
    path = f"/api/notificaciones/polling/{role}?limite=500"
    found: list[dict[str, Any]] = (await floor.call("manager", "GET", path)).json["eventos"]
    return found


async def board(floor: Floor) -> list[int]:
    """The orders that the kitchen's view holds."""
    return [order["id"] for order in (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"]]


async def so(floor: Floor, order_id: int) -> dict[str, Any]:
    """The order, but for what counts its events."""
    pedido = await floor.pedido(order_id)
    return {name: pedido.get(name) for name in TIMES}


async def far(floor: Floor, *steps: str, **body: Any) -> int:
    """A new order that was brought so far by the people whose steps those are."""
    order_id: int = (await floor.place("mesero", **body)).json["pedido"]["id"]
    for name in steps:
        done = await floor.act(order_id, name, **step_of(name))
        assert done.status == 200, done.text
    return order_id


def step_of(name: str) -> dict[str, Any]:
    """Who takes the step, and what is said with it."""
    return {
        "iniciar": {"role": "cocinero"}, "listo": {"role": "cocinero"}, "servir": {"role": "mesero"},
        "cobrar": {"role": "cajero", **PAY}, "cerrar": {"role": "mesero"}, "cancelar": {"role": "cajero", "razon": "x"},
        "recuperar": {"role": "mesero", "razon": "fría"},
    }[name]  # fmt: skip


PAID_FIRST = {"tipo": "llevar"}


@pytest.mark.parametrize(
    ("before", "name", "how", "back"),
    [
        (["listo"], "servir", {}, "listo"),
        ([], "cobrar", PAID_FIRST, "pendiente_pago"),
        (["listo", "servir"], "cobrar", {}, "servido"),
        ([], "cobrar", {}, "en_mesa"),
        (["iniciar"], "cobrar", {}, "en_cocina"),
        (["listo"], "cobrar", {}, "listo"),
        (["cobrar", "listo", "servir"], "cerrar", {}, "servido"),
        ([], "cancelar", PAID_FIRST, "pendiente_pago"),
        ([], "cancelar", {}, "en_mesa"),
        (["cobrar"], "cancelar", PAID_FIRST, "pagado"),
    ],
)
async def test_a_step_that_is_taken_back_has_not_been(floor, before, name, how, back):
    order_id = await far(floor, *before, items=TWO, **how)
    was = await so(floor, order_id)
    taker = step_of(name)["role"]
    floor.clock.advance(100)
    await floor.act(order_id, name, **step_of(name))
    floor.clock.advance(60)
    events = len(await floor.events(order_id))
    undone = await floor.act(order_id, "deshacer", taker)
    assert undone.status == 200, undone.text
    assert await so(floor, order_id) == was
    assert was["estado"] == back
    (event,) = (await floor.events(order_id))[events:]
    assert (event["deshecho"], event["deshace"], event["estado"]) == (True, name, back)
    # It is not taken back itself, and what was before it is too old.
    assert (await floor.act(order_id, "deshacer", taker)).status in (403, 409)
    # The same step again is a new one.
    assert (await floor.act(order_id, name, **step_of(name))).status == 200


async def test_the_log_says_in_a_sentence_what_was_taken_back(floor):
    for before, name, said in (
        (["listo"], "servir", "servido → listo, se deshizo la entrega"),
        ([], "cobrar", "se deshizo el cobro"),
        ([], "cancelar", "cancelado → en espera, se deshizo la cancelación"),
    ):
        order_id = await far(floor, *before, name, mesa_numero=5)
        await floor.act(order_id, "deshacer", step_of(name)["role"])
        rows = (await floor.call("manager", "GET", "/api/notificaciones/eventos?limite=1")).json
        assert rows["descripciones"] == [f"Mesa 5: {said}"]
    await floor.act(order_id, "tomar", "manager")
    rows = (await floor.call("manager", "GET", "/api/notificaciones/eventos?limite=1")).json
    assert rows["descripciones"] == ["Mesa 5: lo atiende Manager"]


async def test_after_a_minute_it_stands(floor):
    for before, name in ((["listo"], "servir"), ([], "cobrar"), ([], "cancelar")):
        order_id = await far(floor, *before, name)
        floor.clock.advance(60.001)
        for role in (step_of(name)["role"], "manager"):
            if role == "manager" and before:
                floor.clock.advance(60)  # the cook's own step is too old too
            assert (await floor.act(order_id, "deshacer", role)).code == "transicion_invalida"


async def test_another_person_may_not_but_a_manager_may(floor):
    floor.cookies["other"] = await floor.service.sign_in("Otra", "mesero")
    for before, name in ((["listo"], "servir"), ([], "cobrar"), ([], "cancelar")):
        order_id = await far(floor, *before, name)
        for role in {"mesero", "cajero", "other"} - {step_of(name)["role"]}:
            assert (await floor.act(order_id, "deshacer", role)).code == "rol_no_permitido", (name, role)
        assert (await floor.act(order_id, "deshacer", "manager")).status == 200
    assert (await floor.act(await far(floor, "listo"), "deshacer", "mesero")).code == "rol_no_permitido"


async def test_a_paid_takeaway_that_was_begun_stays_paid(floor):
    for begun in ("iniciar", "listo"):
        order_id = await far(floor, "cobrar", begun, **PAID_FIRST)
        refused = await floor.act(order_id, "deshacer", "cajero")
        assert (refused.status, refused.code) == (409, "transicion_invalida")
        assert (await floor.pedido(order_id))["pagado_at"]
    await floor.act(order_id, "deshacer", "cocinero")
    # Nobody has begun it after all.
    await floor.act(order_id, "deshacer", "cocinero")
    assert (await floor.act(order_id, "deshacer", "cajero")).json["pedido"]["estado"] == "pendiente_pago"


async def test_the_kitchen_does_not_come_between_and_a_manager_takes_the_newest(floor):
    order_id = await far(floor, "iniciar", "cobrar", "listo")
    assert (await floor.act(order_id, "deshacer", "manager")).json["pedido"]["estado"] == "en_cocina"
    undone = (await floor.act(order_id, "deshacer", "cajero")).json["pedido"]
    assert (undone["estado"], "pagado_at" in undone) == ("en_cocina", False)
    # What somebody at the tables does comes between.
    order_id = await far(floor, "listo", "servir", "recuperar")
    assert (await floor.act(order_id, "deshacer", "mesero")).code != "ok"
    assert (await floor.pedido(order_id))["estado"] == "en_cocina"


async def test_who_says_what_is_meant_takes_nothing_else_back(floor):
    """A manager at the stove sees LISTO, and the till has charged since."""
    order_id = await far(floor, "iniciar", "listo", "cobrar")
    for name in ("servir", "cancelar", "cerrar", "iniciar"):
        assert (await floor.act(order_id, "deshacer", deshace=name)).code == "transicion_invalida"
    undone = (await floor.act(order_id, "deshacer", deshace="listo")).json["pedido"]
    assert (undone["estado"], "pagado_at" in undone) == ("en_cocina", True)
    undone = (await floor.act(order_id, "deshacer", deshace="cobrar")).json["pedido"]
    assert (undone["estado"], "pagado_at" in undone) == ("en_cocina", False)
    assert (await floor.act(order_id, "deshacer", deshace="volar")).fields["deshace"]


async def test_lines_are_as_they_were(floor):
    """What was ready, pending or gone before a step is so after it."""
    order_id = await far(floor, items=[*TWO, {"producto_id": 1, "cantidad": 1}])
    await floor.act(order_id, "item_listo", "cocinero", item_id=1)
    for name, role in (("cancelar", "manager"), ("cancelar", "manager")):
        await floor.act(order_id, name, role, razon="x")
        assert lines(await floor.pedido(order_id)) == ["cancelado"] * 3
        undone = (await floor.act(order_id, "deshacer", role)).json["pedido"]
        assert (undone["estado"], lines(undone)) == ("en_cocina", ["listo", "pendiente", "pendiente"])
    await floor.act(order_id, "listo", "cocinero")
    await floor.act(order_id, "cancelar", "manager", razon="x")
    undone = (await floor.act(order_id, "deshacer", "manager")).json["pedido"]
    assert (undone["estado"], lines(undone)) == ("listo", ["listo"] * 3)
    # LISTO itself can still be taken back, and takes its own two lines.
    undone = (await floor.act(order_id, "deshacer", "cocinero")).json["pedido"]
    assert lines(undone) == ["listo", "pendiente", "pendiente"]


async def test_what_the_guest_had_before_a_delivery_stays_with_him_after_its_undo(floor):
    order_id = await far(floor, "listo", "servir", items=[{"producto_id": 1, "cantidad": 1}])
    await floor.act(order_id, "agregar_item", "mesero", items=[{"producto_id": 1, "cantidad": 2}])
    await floor.act(order_id, "listo", "cocinero")
    await floor.act(order_id, "servir", "mesero")
    undone = (await floor.act(order_id, "deshacer", "mesero")).json["pedido"]
    assert (undone["estado"], lines(undone)) == ("listo", ["servido", "listo"])


async def test_a_cancellation_that_is_taken_back_takes_from_the_stock_or_is_refused(floor):
    order_id = await far(floor, items=[{"producto_id": 3, "cantidad": 2}, {"producto_id": 1, "cantidad": 1}])
    assert await floor.stock(3) == (1, True)
    await floor.act(order_id, "cancelar", "cajero", razon="x")
    assert await floor.stock(3) == (3, True)
    assert (await floor.act(order_id, "deshacer", "cajero")).status == 200
    assert await floor.stock(3) == (1, True)
    await floor.act(order_id, "cancelar", "cajero", razon="x")
    await far(floor, items=[{"producto_id": 3, "cantidad": 2}])
    before = await floor.pedido(order_id)
    refused = await floor.act(order_id, "deshacer", "cajero")
    assert (refused.status, refused.code) == (409, "producto_agotado")
    assert await floor.pedido(order_id) == before


async def test_what_is_to_be_cooked_after_all_is_told_to_the_kitchen(floor):
    order_id = await far(floor, "cancelar")
    await floor.act(order_id, "deshacer", "cajero")
    heard = await told(floor, "cocinero")
    assert [event.get("estado", event["tipo"]) for event in heard] == ["nuevo_pedido", "pedido_cancelado", "en_mesa"]
    assert heard[-1]["id"] in (await floor.pedido(order_id))["por_acusar"]
    receipt = {"evento_ids": [heard[-1]["id"]]}
    answer = await floor.call("cocinero", "POST", "/api/notificaciones/acuses", receipt)
    assert answer.json == {"ok": True, "nuevos": 1}
    # A payment that is taken back takes the ticket away, and the next one rings.
    order_id = await far(floor, "cobrar", **PAID_FIRST)
    await floor.act(order_id, "deshacer", "cajero")
    assert order_id not in await board(floor)
    assert (await floor.pedido(order_id))["por_acusar"] == []
    await floor.act(order_id, "cobrar", "cajero", **PAY)
    assert [event["tipo"] for event in (await told(floor, "cocinero"))[-3:]] == [
        "cambio_estado", "cambio_estado", "nuevo_pedido",
    ]  # fmt: skip


async def test_the_words_of_the_service_are_no_publishers(tmp_path):
    """A publisher that sends them moves nothing with them, and they are not kept."""
    words = {
        "deshecho": True, "deshace": "cobrar", "sin_cocina": True, "repuesto": [{"producto_id": 1, "cantidad": 1e9}],
        "items_servidos_ids": "x",
    }  # fmt: skip
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1)
        paid = await pos.set_state(1, "servido", metodo_pago="efectivo", **words)
        assert words.keys().isdisjoint(paid)
        assert (await pos.order(1))["pagado_at"]
        await pos.set_state(1, "cerrado")
        refused = await pos.post({"tipo": "cambio_estado", "pedido_id": 1, "estado": "servido", **words})
        assert refused.code == "transicion_invalida"
        await pos.new_order(2)
        cancelled = await pos.publish("pedido_cancelado", pedido_id=2, items_pendientes_ids=["x"], **words)
        assert words.keys().isdisjoint(cancelled)
        assert (cancelled["items_pendientes_ids"], cancelled["items_listos_ids"]) == ([1], [])
        assert "cocina" in cancelled["salas"]


async def test_a_manager_takes_a_publishers_step_back(tmp_path):
    async with running_pos(tmp_path / "log.db", start_ms=START_MS) as pos:
        cookie = await pos.service.sign_in("Ana", "manager")
        await pos.new_order(1)
        await pos.set_state(1, "listo")
        for state in ("servido", "cancelado"):
            await pos.set_state(1, state)
            body = {"accion": "deshacer", "operacion_id": state}
            undone = await pos.request("POST", "/api/pedidos/1/acciones", body, cookie=cookie)
            assert undone.json["pedido"]["estado"] == "listo", undone.text
            assert lines(undone.json["pedido"]) == ["listo"]


# Cancelling


async def test_a_manager_cancels_what_was_served_and_no_kitchen_hears_it(floor):
    for steps in (["listo", "servir"], ["cobrar", "listo", "servir"]):
        order_id = await far(floor, *steps, items=TWO)
        for role in ("mesero", "cajero"):
            assert (await floor.act(order_id, "cancelar", role, razon="x")).code == "rol_no_permitido"
        assert (await floor.act(order_id, "cancelar")).fields == {"razon": "falta"}
        heard = len(await told(floor, "cocinero"))
        done = (await floor.act(order_id, "cancelar", razon="se fueron sin pagar")).json["pedido"]
        assert (done["estado"], done["razon"], lines(done)) == ("cancelado", "se fueron sin pagar", ["servido"] * 2)
        assert len(await told(floor, "cocinero")) == heard
        assert done["por_acusar"] == []
        assert order_id not in await board(floor)
        assert kinds(await told(floor, "cajero"))[-1] == "pedido_cancelado"


async def test_after_the_undo_of_a_silent_cancellation_the_next_one_rings_where_something_is_left(floor):
    order_id = await far(floor, "listo", "servir")
    await floor.act(order_id, "cancelar", razon="x")
    await floor.act(order_id, "deshacer")
    await floor.act(order_id, "recuperar", "mesero", razon="fría")
    await floor.act(order_id, "cancelar", razon="x")
    assert (await told(floor, "cocinero"))[-1]["tipo"] == "pedido_cancelado"


@pytest.mark.parametrize("kind", ["pedido_cancelado", "cambio_estado"])
@pytest.mark.parametrize(
    ("state", "line", "rings"),
    [
        ("servido", "servido", False), ("cerrado", "servido", False), ("servido", "cancelado", False),
        ("servido", "pendiente", True), ("servido", "listo", True), ("listo", "listo", True),
        ("en_cocina", "pendiente", True),
        # It is on the board, and has to leave it.
        ("en_cocina", "servido", True),
    ],
)  # fmt: skip
async def test_a_publishers_cancellation_rings_only_where_something_is_left(tmp_path, kind, state, line, rings):
    async with running_pos(tmp_path / "log.db") as pos:
        await pos.new_order(1, items=[{"id": 1, "producto_nombre": "Pupusa"}])
        await pos.set_state(1, state)
        # A line that comes at `servido` may be in any state.
        cambios = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 1}
        changed = await pos.publish(
            "item_modificado", pedido_id=1, item_id=1, item={"estado_item": line}, cambios=cambios
        )
        assert changed["item"]["estado_item"] == line
        over = {"recuperado": True} if state == "cerrado" else {}
        if kind == "cambio_estado":
            event = await pos.set_state(1, "cancelado", **over)
        else:
            event = await pos.publish("pedido_cancelado", pedido_id=1, **over)
        assert ("cocina" in event["salas"]) is rings
        assert (1 in await pos.view("cocina")) is rings
        assert (event["id"] in (await pos.order(1))["por_acusar"]) is rings


async def test_an_order_without_lines_rings_while_it_may_be_cooked(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        for number, state in enumerate(("en_cocina", "servido"), 1):
            await pos.new_order(number, items=[])
            await pos.set_state(number, state)
            event = await pos.publish("pedido_cancelado", pedido_id=number)
            assert ("cocina" in event["salas"]) is (state == "en_cocina")


def test_an_older_logs_event_of_the_same_words_folds_as_it_did():
    """A cancellation without the new word keeps the ticket on the board; one that says it lets it go."""
    order = fold(None, {"tipo": "nuevo_pedido", "id": 1, "timestamp": "2026-11-24T19:05:12.345-06:00", "version": 1,
                        "salas": ["cocina"], "pedido_id": 5, "pedido": {
                            "id": 5, "numero": 5, "estado": "servido", "items": [], "por_acusar": [1], "mesa_numero": 1,
                            "cliente_nombre": None, "mesero": None, "tipo": "mesa", "version": 1}})  # fmt: skip
    cancelled = {"tipo": "pedido_cancelado", "id": 2, "timestamp": "2026-11-24T19:05:13.345-06:00", "version": 2,
                 "pedido_id": 5, "razon": None, "salas": ["meseros"]}  # fmt: skip
    assert order is not None
    # A `servido` order that the log was born with was in no kitchen's state.
    order = order._replace(kitchen_had_it=True)
    old, new = fold(order, cancelled), fold(order, {**cancelled, "sin_cocina": True})
    assert old is not None
    assert new is not None
    assert (old.kitchen_had_it, old.pedido["por_acusar"]) == (True, [1])
    assert (new.kitchen_had_it, new.pedido["por_acusar"]) == (False, [])
