"""Whatever people and a POS do to an order, one after the other: the kitchen is told of all that is to be made, and
makes nothing twice."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_notif.orders.actions import ACTIONS
from pos_notif.upkeep.verification import verify_database
from tests.orders.test_actions import Floor
from tests.orders.test_rounds import to_make
from tests.support.in_process import HeldClock, in_process
from tests.support.logs import opened
from tests.support.pos import assert_projection_is_the_fold

STATES = ("pagado", "en_mesa", "en_cocina", "listo", "servido", "cancelado", "pendiente_pago", "cerrado")
KINDS = ("item_agregado", "item_removido", "cantidad_modificada", "notas_modificadas", "item_listo", "item_pendiente")
LINE_STATES = (None, None, None, "pendiente", "listo", "servido", "cancelado")

line_ids = st.integers(1, 4)
quantities = st.sampled_from([1, 2, 3, 7])
actions = st.fixed_dictionaries(
    {
        "accion": st.sampled_from(ACTIONS), "item_id": line_ids, "cantidad": quantities,
        "item_ids": st.none() | st.lists(line_ids, min_size=1, max_size=2),
    }
)  # fmt: skip
changes = st.fixed_dictionaries(
    {
        "tipo": st.just("item_modificado"), "item_id": line_ids,
        "cambios": st.fixed_dictionaries({"tipo_cambio": st.sampled_from(KINDS), "cantidad_nueva": quantities}),
        "item": st.fixed_dictionaries(
            {"producto_nombre": st.just("Flan"), "estado_item": st.sampled_from(LINE_STATES)},
            optional={"cantidad_hecha": st.just(5), "ronda": st.just(9)},
        ),
    }
)  # fmt: skip
states = st.fixed_dictionaries(
    {"tipo": st.just("cambio_estado"), "estado": st.sampled_from(STATES)},
    optional={
        "recuperado": st.just(True), "items_pendientes_ids": st.lists(line_ids, max_size=2), "por_hacer": st.just(True)
    },
)  # fmt: skip
ready = st.fixed_dictionaries(
    {"tipo": st.just("pedido_listo"), "items_listos": st.just(["Flan"])},
    optional={"parcial": st.just(True), "items_listos_ids": st.lists(line_ids, max_size=2)},
)
# Mostly what a table does: it orders, is served, and orders again.
usual = st.sampled_from(["agregar_item", "cambiar_cantidad", "listo", "servir", "item_listo", "recuperar"]).flatmap(
    lambda name: actions.map(lambda body: {**body, "accion": name})
)
steps = st.lists(usual | actions | changes | states | ready, min_size=3, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_the_kitchen_is_told_of_all_that_is_to_be_made_and_makes_nothing_twice(tmp_path_factory, sequence):
    path = tmp_path_factory.mktemp("play") / "log.db"
    asyncio.run(play(path, sequence))
    assert_projection_is_the_fold(path)
    with opened(path) as connection:
        verify_database(connection)


async def play(path, sequence):
    clock = HeldClock()
    async with in_process(path, clock=clock) as service:
        floor = Floor(service, clock)
        await floor.open()
        items = [{"producto_id": 1, "cantidad": 2}, {"producto_id": 1, "cantidad": 1}]
        order_id = await floor.order(items=items)
        before, made = await floor.pedido(order_id), {}
        for step in sequence:
            clock.advance(61)
            if "accion" in step:
                body = {
                    "razon": "x", "metodo_pago": "efectivo", "notas": "n",
                    "items": [{"producto_id": 1, "cantidad": step["cantidad"]}], **step,
                }  # fmt: skip
                done = await floor.act(order_id, body.pop("accion"), **body)
            else:
                done = await floor.call(
                    "manager", "POST", "/api/notificaciones/eventos", {**step, "pedido_id": order_id}
                )  # fmt: skip
            assert done.status in (200, 201, 403, 409, 422), done.text
            after = await floor.pedido(order_id)
            events = [event for event in await floor.events(order_id) if event["version"] > before["version"]]
            board = (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"]
            check_told(step, before, after, events, board)
            made = check_not_twice(step, after, events, made)
            before = after


def check_told(step, before, after, events, board):
    """What is more to be made than before is in the kitchen's sight, and among what it is to acknowledge."""
    known, wanted = to_make(before), to_make(after)
    assert all(amount > 0 for amount in wanted.values()), after["items"]
    if wanted:
        assert [order["id"] for order in board] == [after["id"]]
    if any(amount > known.get(line_id, 0) for line_id, amount in wanted.items()) and not takes_back(step):
        assert {event["id"] for event in events} & set(after["por_acusar"]), (step, before, after)
        assert "visto_at" not in after or before["estado"] in ("pagado", "en_mesa", "en_cocina")


def takes_back(step):
    """What the kitchen itself says not to be ready after all is no news to it."""
    return step.get("accion") in ("deshacer", "item_pendiente") or (
        step.get("tipo") == "cambio_estado" and "items_pendientes_ids" in step and not step.get("recuperado")
    )


def anew(step):
    """Whether it says that something is to be made again."""
    return (
        takes_back(step)
        or step.get("accion") == "recuperar"
        or step.get("recuperado")
        or step.get("cambios", {}).get("tipo_cambio") == "item_pendiente"
        or step.get("item", {}).get("estado_item") == "pendiente"
    )


def check_not_twice(step, after, events, made):
    """Of each line no more is to be made than is wanted of it and was not made. Answers what is made of each now."""
    wanted, found = to_make(after), {}
    for line in after["items"]:
        line_id, quantity = line["id"], line["cantidad"]
        left = wanted.get(line_id, 0)
        known = min(made.get(line_id, 0), quantity)
        if line["estado_item"] in ("listo", "servido"):
            found[line_id] = quantity
        elif line["estado_item"] == "cancelado" or after["estado"] not in ("pagado", "en_mesa", "en_cocina"):
            found[line_id] = 0 if line["estado_item"] == "cancelado" else known
        elif anew(step):
            found[line_id] = quantity - left
        else:
            assert left <= quantity - known, (step, line, made)
            found[line_id] = known
    return found
