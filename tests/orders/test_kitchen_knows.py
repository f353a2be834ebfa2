"""Whatever people and a POS do to an order, one after the other: the kitchen is told of all that is to be made, and
makes nothing twice."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pos_notif.orders.actions import ACTIONS
from pos_notif.orders.state import UNDOABLE
from pos_notif.upkeep.verification import verify_database
from tests.orders.test_actions import ROLES, Floor
from tests.orders.test_rounds import pending, to_make
from tests.support.in_process import HeldClock, in_process
from tests.support.logs import opened
from tests.support.pos import assert_projection_is_the_fold

STATES = ("pagado", "en_mesa", "en_cocina", "listo", "servido", "cancelado", "pendiente_pago", "cerrado")
KINDS = ("item_agregado", "item_removido", "cantidad_modificada", "notas_modificadas", "item_listo", "item_pendiente")
LINE_STATES = (None, None, None, "pendiente", "listo", "servido", "cancelado")
# What the kitchen is told of by no receipt where it is taken back: its own word, or what leaves its work as it was.
SILENT_UNDOS = ("listo", "iniciar", "servir", "cobrar")

# Within the minute in which a step may be taken back, or not.
pauses = st.sampled_from([1, 1, 61])
# Which of the order's lines, by its place; one place more is a line that it has not.
places = st.integers(0, 3)
quantities = st.sampled_from([1, 2, 3, 7])
actions = st.fixed_dictionaries(
    {
        "accion": st.sampled_from(ACTIONS), "item_id": places, "cantidad": quantities,
        "item_ids": st.none() | st.lists(places, min_size=1, max_size=2, unique=True),
        "mesa_numero": st.integers(1, 3), "deshace": st.sampled_from([None, None, None, *UNDOABLE]),
        "usuario_id": st.sampled_from([None, *ROLES]), "role": st.sampled_from(["manager", "manager", *ROLES]),
    }
)  # fmt: skip
tables = {"mesa_numero": st.integers(1, 3), "mesa": st.sampled_from(["Terraza 3", "7"])}
changes = st.fixed_dictionaries(
    {
        "tipo": st.just("item_modificado"), "item_id": places,
        "cambios": st.fixed_dictionaries({"tipo_cambio": st.sampled_from(KINDS), "cantidad_nueva": quantities}),
        "item": st.fixed_dictionaries(
            {"producto_nombre": st.just("Flan"), "estado_item": st.sampled_from(LINE_STATES)},
            optional={"cantidad_hecha": st.just(5), "ronda": st.just(9)},
        ),
    },
    optional=tables,
)  # fmt: skip
states = st.fixed_dictionaries(
    {"tipo": st.just("cambio_estado"), "estado": st.sampled_from(STATES)},
    optional={
        "recuperado": st.just(True), "items_pendientes_ids": st.lists(places, max_size=2), "por_hacer": st.just(True),
        **tables,
    },
)  # fmt: skip
ready = st.fixed_dictionaries(
    {"tipo": st.just("pedido_listo"), "items_listos": st.just(["Flan"])},
    optional={"parcial": st.just(True), "items_listos_ids": st.lists(places, max_size=2)},
)
moves = st.fixed_dictionaries({"tipo": st.just("cambio_mesa"), "mesa_numero": st.integers(1, 3)})
seen = st.just({"visto": True})
# Mostly what a table does: it orders, is served, and orders again; and what is taken back.
USUAL = (
    "agregar_item", "cambiar_cantidad", "listo", "servir", "item_listo", "recuperar", "cancelar", "cobrar", "iniciar",
)  # fmt: skip
usual = st.tuples(st.sampled_from(USUAL), actions).map(lambda both: {**both[1], "accion": both[0], "role": "manager"})
undo = st.just({"accion": "deshacer", "role": "manager"})
anything = usual | actions | changes | states | ready | moves | seen
# A step alone, or one that is taken back, perhaps after something else.
scenes = st.one_of(
    st.tuples(st.tuples(pauses, anything)),
    st.tuples(st.tuples(pauses, usual), st.tuples(pauses, undo)),
    st.tuples(st.tuples(pauses, usual), st.tuples(pauses, anything), st.tuples(pauses, undo)),
)
steps = st.lists(scenes, min_size=2, max_size=6).map(lambda found: list(itertools.chain.from_iterable(found)))
# How far the order has come when it begins.
starts = st.sampled_from([[], ["iniciar"], ["listo"], ["listo", "servir"], ["listo", "servir", "cobrar"]])


def acted(name, pause=1):
    return (pause, {"accion": name, "role": "manager", "cantidad": 1, "item_id": 0})


UNDONE = acted("deshacer")
SEEN = (1, {"visto": True})
ADDED = {"tipo_cambio": "item_agregado", "cantidad_nueva": 1}
ORDERED = (1, {"tipo": "item_modificado", "item_id": 2, "cambios": ADDED, "item": {"producto_nombre": "Flan"}})


# Each undo at least once, whatever is drawn.
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@example(["listo"], [acted("servir"), UNDONE, UNDONE, acted("agregar_item")])
@example(["listo", "servir"], [acted("cobrar"), UNDONE, acted("agregar_item"), acted("cancelar"), UNDONE])
@example(["iniciar"], [acted("item_listo"), SEEN, acted("cancelar"), SEEN, UNDONE, acted("cancelar", 61), UNDONE])
@example(["listo", "servir", "cobrar"], [ORDERED, UNDONE, acted("cancelar"), UNDONE, acted("recuperar")])
@given(starts, steps)
def test_the_kitchen_is_told_of_all_that_is_to_be_made_and_makes_nothing_twice(tmp_path_factory, start, sequence):
    path = tmp_path_factory.mktemp("play") / "log.db"
    asyncio.run(play(path, start, sequence))
    assert_projection_is_the_fold(path)
    with opened(path) as connection:
        verify_database(connection)


async def play(path, start, sequence):
    clock = HeldClock()
    async with in_process(path, clock=clock) as service:
        floor = Floor(service, clock)
        await floor.open()
        people = {role: (await floor.call(role, "GET", "/api/auth/sesion")).json["usuario_id"] for role in ROLES}
        items = [{"producto_id": 1, "cantidad": 2}, {"producto_id": 1, "cantidad": 1}]
        order_id = await floor.order(*start, items=items)
        before, made = await floor.pedido(order_id), {1: 2, 2: 1} if start[:1] == ["listo"] else {}
        for pause, step in sequence:
            clock.advance(pause)
            done = await take(floor, people, step, before)
            assert done.status in (200, 201, 403, 409, 422), done.text
            after = await floor.pedido(order_id)
            events = [event for event in await floor.events(order_id) if event.get("version", 0) > before["version"]]
            board = (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"]
            check_told(step, before, after, events, board)
            made = check_not_twice(step, after, events, made)
            before = after


async def take(floor, people, step, order):
    """Takes the step: lines are named by their place in the order, people by their role."""
    known = [line["id"] for line in order["items"]]
    ids = [*known, max(known, default=0) + 1]

    def line(place):
        return ids[place % len(ids)]

    if "visto" in step:
        return await floor.call("cocinero", "POST", "/api/notificaciones/acuses", {"evento_ids": order["por_acusar"]})
    named = {**step}
    if "item_id" in step:
        named["item_id"] = line(step["item_id"])
    for name in ("item_ids", "items_pendientes_ids", "items_listos_ids"):
        if step.get(name):
            named[name] = [line(place) for place in step[name]]
    if "accion" in step:
        role, quantity = named.pop("role"), named.get("cantidad", 1)
        named["usuario_id"] = people.get(named.get("usuario_id"))
        body = {
            "razon": "x", "metodo_pago": "efectivo", "notas": "n", "items": [{"producto_id": 1, "cantidad": quantity}],
        }  # fmt: skip
        return await floor.act(order["id"], named.pop("accion"), role, **body, **named)
    return await floor.call("manager", "POST", "/api/notificaciones/eventos", {**named, "pedido_id": order["id"]})


def check_told(step, before, after, events, board):
    """What is more to be made than before is in the kitchen's sight, and among what it is to acknowledge."""
    known, wanted = to_make(before), to_make(after)
    assert all(amount > 0 for amount in wanted.values()), after["items"]
    if wanted:
        assert [order["id"] for order in board] == [after["id"]]
    if grows(known, wanted) and not takes_back(step, events):
        assert {event["id"] for event in events} & set(after["por_acusar"]), (step, before, after)
        back = any(event.get("deshace") == "cancelar" for event in events)
        assert "visto_at" not in after or back or before["estado"] in ("pagado", "en_mesa", "en_cocina")
    # What is out of the kitchen's sight waits for nothing: nobody would ever make it.
    if after["estado"] in ("listo", "servido"):
        assert pending(after) == {}, (step, before, after)
    if before["estado"] in ("cerrado", "cancelado") and after["estado"] == before["estado"]:
        assert not grows(pending(before), pending(after)), (step, before, after)


def grows(known, wanted):
    return any(amount > known.get(line_id, 0) for line_id, amount in wanted.items())


def undone(events):
    """The actions that the step took back."""
    return {event["deshace"] for event in events if event.get("deshecho")}


def takes_back(step, events):
    """What the kitchen itself says not to be ready after all is no news to it, nor what stays as it was."""
    return (
        not undone(events).isdisjoint(SILENT_UNDOS)
        or step.get("accion") == "item_pendiente"
        or (step.get("tipo") == "cambio_estado" and "items_pendientes_ids" in step and not step.get("recuperado"))
    )


def anew(step, events):
    """Whether it says that something is to be made again, or was not made after all."""
    return (
        "listo" in undone(events)
        or step.get("accion") in ("recuperar", "item_pendiente")
        or (step.get("tipo") == "cambio_estado" and "items_pendientes_ids" in step)
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
        elif line["estado_item"] == "cancelado":
            # With its order: whoever takes that back has what was made.
            found[line_id] = known if after["estado"] == "cancelado" else 0
        elif after["estado"] not in ("pagado", "en_mesa", "en_cocina"):
            found[line_id] = known
        elif anew(step, events):
            found[line_id] = quantity - left
        else:
            assert left <= quantity - known, (step, line, made)
            found[line_id] = known
    return found
