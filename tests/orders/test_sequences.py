"""Random sequences of events over a few orders: what must hold whatever a publisher sends."""

from __future__ import annotations

import asyncio
import copy
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_notif import NotificadorPedidos
from pos_notif.delivery.reader import snapshot
from pos_notif.errors import Invalid, InvalidTransition, KeyReused, OrderExists
from pos_notif.orders.drafts import parse_draft
from pos_notif.publishing.publication import Publisher
from tests.support.in_process import HeldClock
from tests.support.logs import opened
from tests.support.pos import ROOMS, START_MS, assert_projection_is_the_fold

STATES = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")
REFUSALS = (Invalid, InvalidTransition, KeyReused, OrderExists)
PUBLISHER = Publisher("token:1", {"username": "pos"}, names_actor=True)
PUBLISHERS = [PUBLISHER, Publisher("token:2", {"username": "otra"}, names_actor=True)]

order_ids = st.integers(1, 2)
line_ids = st.integers(1, 4)
names = st.sampled_from(["Pupusa", "Café", "Sopa", ""])
maybe = st.booleans()
times = st.sampled_from(["2026-11-24T19:05:12Z", "2026-11-24T13:00:00.5-06:00"])


def some(required, **optional):
    """Objects with some of the optional members, each of which may also be null."""
    return st.fixed_dictionaries(required, optional={name: st.none() | values for name, values in optional.items()})


numbers = st.sampled_from([0, 1, 2, 0.75, 1e9])
parts = st.lists(
    names | some({}, producto_nombre=names, cantidad=st.sampled_from([1, 2.5]), notas=names), max_size=2
)  # fmt: skip
modifiers = names | st.lists(names | st.fixed_dictionaries({"nombre": names, "precio": numbers}), max_size=2)
lines = some(
    {}, id=line_ids, producto_nombre=names, cantidad=st.sampled_from([1, 2.5, 1000]), notas=names,
    estado_item=st.sampled_from(["pendiente", "listo", "servido", "cancelado"]), precio_unitario=numbers,
    subtotal=numbers, componentes=parts, modificadores=modifiers,
)  # fmt: skip
# Where a delivery goes, which no cook reads.
ADDRESS = "Calle 7"
addresses = st.sampled_from([ADDRESS, {"calle": ADDRESS, "nota": ["casa", ADDRESS]}])
delivery = {"direccion": addresses, "telefono": st.sampled_from([ADDRESS, 22223333]), "repartidor": addresses}
tables = {"mesa_numero": st.integers(0, 2), "mesa": st.sampled_from(["Terraza", "7", 7, ""])}
details = {**tables, "mesero": names, "cliente_nombre": names, "recuperado": maybe,
           "mesa_anterior": st.just(7), "cliente_anterior": st.just("x"), "mesero_anterior": st.just("x"),
           "tipo_servicio": st.sampled_from(["mesa", "llevar", "domicilio"]),
           "operacion_id": st.integers(1, 30).map(str),
           "estado_anterior": st.just("cerrado"), "zona": st.just({"precio": 1}),
           # The service's own words, of which none may do anything where a publisher sends it.
           "deshecho": maybe, "deshace": st.sampled_from(["servir", "cobrar", "cancelar", "listo"]),
           "sin_cocina": maybe, "por_hacer": maybe, "ronda": st.integers(0, 3), "quitado": st.just({"cantidad": 1}),
           "atiende": st.just({"usuario_id": 1, "username": "Ana", "rol": "mesero"}),
           "items_servidos_ids": st.just("x")}  # fmt: skip
new_orders = some(
    {
        "tipo": st.just("nuevo_pedido"),
        "pedido": some(
            {"id": order_ids}, tipo=st.sampled_from(["mesa", "llevar", "domicilio"]), items=st.lists(lines, max_size=3),
            tipo_pago=st.sampled_from(["anticipado", "al_final"]), estado=st.sampled_from(STATES[:3]),
            pagado_at=times, total=numbers, subtotal=numbers, impuesto=numbers, **tables, **delivery,
        ),
    },
    operacion_id=st.integers(1, 30).map(str), liberado=maybe,
)  # fmt: skip
state_changes = some(
    {"tipo": st.just("cambio_estado"), "pedido_id": order_ids, "estado": st.sampled_from(STATES)},
    metodo_pago=st.sampled_from(["efectivo", ""]), pagado_at=times, razon=names, **details,
)  # fmt: skip
ready = some(
    {"tipo": st.just("pedido_listo"), "pedido_id": order_ids, "items_listos": st.lists(names, max_size=2)},
    parcial=maybe, items_listos_ids=st.lists(line_ids, max_size=2), **details,
)  # fmt: skip
kinds = ("item_agregado", "item_removido", "cantidad_modificada", "notas_modificadas", "item_listo", "item_pendiente")
changes = some(
    {
        "tipo": st.just("item_modificado"), "pedido_id": order_ids, "item_id": line_ids,
        "cambios": some(
            {"tipo_cambio": st.sampled_from(kinds)}, producto_nombre=names, cantidad_nueva=st.sampled_from([0, 1, 3.5]),
            notas_nueva=names, nuevo_total=numbers,
        ),
    },
    item=lines, total=numbers, subtotal=numbers, impuesto=numbers, **details,
)  # fmt: skip
cancelled = some({"tipo": st.just("pedido_cancelado"), "pedido_id": order_ids}, razon=names, **details)
moves = st.builds(
    lambda draft, number: {**draft, "mesa_numero": number},
    some({"tipo": st.just("cambio_mesa"), "pedido_id": order_ids}, **details),
    st.integers(0, 2),
)
alerts = some(
    {"tipo": st.just("alerta_stock"), "producto_id": order_ids, "nombre": names}, stock_actual=st.integers(-1, 1)
)
births = st.builds(
    lambda order_id, kind: {"tipo": "nuevo_pedido", "pedido": {"id": order_id, "tipo": kind}},
    order_ids,
    st.sampled_from(["mesa", "llevar", "llevar"]),
)
payments = st.builds(
    lambda order_id, state: {"tipo": "cambio_estado", "pedido_id": order_id, "estado": state},
    order_ids,
    st.sampled_from(["pagado", "pagado", "en_cocina", "listo"]),
)
valid = st.one_of(new_orders, state_changes, ready, changes, cancelled, moves, alerts)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def nearly_valid(draw):
    """A valid draft with one member, at any depth, replaced, removed or added."""
    draft = copy.deepcopy(draw(valid))
    target = draft
    while True:
        inner = [value for value in target.values() if isinstance(value, dict) and value]
        if not inner or draw(maybe):
            break
        target = draw(st.sampled_from(inner))
    name = draw(st.sampled_from(list(target)) | st.text(max_size=5))
    if name in target and draw(maybe):
        del target[name]
    else:
        target[name] = draw(anything)
    return draft


# Mostly what is accepted: a refused draft refuses its batch.
drafts_of_a_step = st.one_of(
    valid.map(lambda draft: [draft]),
    st.lists(valid, min_size=1, max_size=3),
    st.lists(births | payments, min_size=1, max_size=2),
    st.tuples(valid, nearly_valid()).map(list),
)
steps = st.tuples(drafts_of_a_step, st.sampled_from([0, 1, 1_800_001, 90_000_000]))


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=4, max_size=16))
def test_random_sequences_of_events(sequence):
    check(sequence)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.lists(payments | changes, min_size=1, max_size=2), st.just(1)), min_size=2, max_size=6))
def test_random_sequences_of_an_unpaid_orders_events(sequence):
    unpaid = [{"tipo": "nuevo_pedido", "pedido": {"id": order_id, "tipo": "llevar"}} for order_id in (1, 2)]
    check([(unpaid, 0), *sequence])


def check(sequence):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log.db"
        asyncio.run(play(path, sequence))
        assert_projection_is_the_fold(path)
        events = stored(path)
    assert_versions_are_contiguous(events)
    assert_unpaid_orders_do_not_ring(events)


async def play(path, sequence):
    """Publishes each step's drafts as one batch, or alone where it is one; time passes between steps."""
    clock = HeldClock(START_MS)
    async with NotificadorPedidos(database=path, clock=clock, ticks=clock.ticks) as notifier:
        for number, (drafts, pause) in enumerate(sequence):
            clock.ms += pause
            before, head = await views(notifier), notifier.log.bounds.newest
            try:
                parsed = [parse_draft(json.loads(json.dumps(draft))) for draft in drafts]
                publisher = PUBLISHERS[number % 3 // 2]
                result = await notifier.publishing.publish(parsed, publisher=publisher, batch=len(drafts) > 1)
            except REFUSALS:
                assert notifier.log.bounds.newest == head
                assert await views(notifier) == before
            else:
                new = [event_id for event_id, old in zip(result.ids, result.duplicates, strict=True) if not old]
                assert new == sorted(set(new))
                assert all(event_id > head for event_id in new)
                assert_changed_views_were_told(before, await views(notifier), stored(path)[head:])


async def views(notifier):
    held = {room: (await snapshot(notifier.log, room))[0] for room in ROOMS}
    for order in held["cocina"]:
        assert ADDRESS not in json.dumps(notifier.log.order_json(order, kitchen=True))
    return {room: {order.pedido["id"]: order.pedido for order in orders} for room, orders in held.items()}


def stored(path):
    with opened(path) as connection:
        return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]


def assert_changed_views_were_told(before, after, events):
    for room in ROOMS:
        told = {event.get("pedido_id") for event in events if room in event["salas"]}
        for order_id in before[room].keys() | after[room].keys():
            if before[room].get(order_id) != after[room].get(order_id):
                assert order_id in told, (room, order_id)


def assert_versions_are_contiguous(events):
    versions = {}
    for event in events:
        assert {"deshecho", "deshace", "atiende", "items_servidos_ids", "repuesto"}.isdisjoint(event)
        if "version" in event:
            versions.setdefault(event["pedido_id"], []).append(event["version"])
            assert f"pedido_{event['pedido_id']}" in event["salas"]
        else:
            assert event["tipo"] == "alerta_stock"
        assert "managers" in event["salas"]
    for found in versions.values():
        assert found == list(range(1, len(found) + 1))


def assert_unpaid_orders_do_not_ring(events):
    """An order that was born unpaid is in no `nuevo_pedido` for the kitchen until it is paid, and then in one."""
    unpaid, released = set(), {}
    for event in events:
        order_id = event.get("pedido_id")
        if event["tipo"] == "nuevo_pedido" and event["version"] == 1 and event["pedido"]["estado"] == "pendiente_pago":
            unpaid.add(order_id)
        if order_id not in unpaid:
            continue
        if event["tipo"] == "nuevo_pedido" and "cocina" in event["salas"]:
            assert event["pedido"]["estado"] == "pagado"
            assert event["liberado"] is True
            assert released.pop(order_id) == event["version"] - 1
        else:
            assert order_id not in released, "paid, and no release followed"
        if (event.get("estado_anterior"), event.get("estado")) == ("pendiente_pago", "pagado"):
            released[order_id] = event["version"]
    assert not released
