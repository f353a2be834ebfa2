"""Guests who move, tables with names, deliveries: who said so, what the order has then, and who hears of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pos_notif.history.event_fields import read_event
from pos_notif.history.sentences import Service, sentence
from pos_notif.orders.state import apply, fold
from tests.orders.test_actions import Floor, floor  # noqa: F401 - a fixture
from tests.support.command_line import call
from tests.support.logs import opened
from tests.support.pos import PUBLISH, START, Pos, assert_projection_is_the_fold, change_line, running_pos

MARKS = ("mesa_anterior", "cliente_anterior", "mesero_anterior")


def table(of: dict[str, Any]) -> tuple[Any, Any]:
    return of["mesa_numero"], of.get("mesa")


def marks(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in MARKS if name in event}


# What a publisher sends beside its news

LATER: list[dict[str, Any]] = [
    {"tipo": "cambio_estado", "estado": "en_cocina"},
    {"tipo": "pedido_listo", "items_listos": ["Pupusa"]},
    {"tipo": "pedido_listo", "items_listos": ["Pupusa"], "parcial": True},
    {"tipo": "item_modificado", "item_id": 1, "cambios": {"tipo_cambio": "notas_modificadas", "notas_nueva": "x"}},
    {"tipo": "pedido_cancelado", "razon": "se fueron"},
    {"tipo": "cambio_mesa"},
]


@pytest.mark.parametrize("later", LATER, ids=lambda event: event["tipo"])
async def test_a_pos_moves_guests_in_whichever_event_comes_next(pos, later):
    await pos.new_order(1, mesa_numero=5, cliente_nombre="Karla", mesero="Beto")
    moved = await pos.publish(
        **later, pedido_id=1, mesa_numero=12, cliente_nombre="Luis", mesero="Tita", mesa_anterior=99
    )  # fmt: skip
    assert marks(moved) == {"mesa_anterior": 5, "cliente_anterior": "Karla", "mesero_anterior": "Beto"}
    assert (moved["mesa_numero"], moved["cliente_nombre"], moved["mesero"]) == (12, "Luis", "Tita")
    order = await pos.order(1)
    assert (order["mesa_numero"], order["cliente_nombre"], order["mesero"]) == (12, "Luis", "Tita")
    assert_projection_is_the_fold(pos.path)


async def test_the_same_again_and_null_change_nothing(pos):
    await pos.new_order(1, mesa_numero=5, cliente_nombre="Karla")
    assert (await pos.publish("cambio_mesa", pedido_id=1, mesa_numero=8))["mesa_anterior"] == 5
    other = await pos.service.accounts.create_token("otra-caja")
    sent = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina", "mesa_numero": 12}
    assert (await pos.post(sent, token=other)).status == 201
    assert marks(pos.last()) == {"mesa_anterior": 8}
    for again in ({"mesa_numero": 8}, {"mesa_numero": None}, {"cliente_nombre": ""}, {"mesa": " "}, {}):
        event = await pos.set_state(1, "en_cocina", **again)
        assert (marks(event), event["mesa_numero"], event["pedido"]["cliente_nombre"]) == ({}, 12, "Karla"), again
    assert (await pos.post(sent, token=other)).status == 201
    assert marks(pos.last()) == {}
    event = await pos.set_state(1, "listo", mesa_numero=5)  # what it said before the last is news
    assert (marks(event), event["pedido"]["mesa_numero"]) == ({"mesa_anterior": 12}, 5)


async def test_who_sends_what_the_order_has_moves_nobody(pos):
    await pos.new_order(1, mesa_numero=5, mesa="Terraza 3")
    other = await pos.service.accounts.create_token("otra-caja")
    for sent in ({"mesa_numero": 5}, {"mesa": "Terraza 3"}):
        body = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina", **sent}
        assert (await pos.post(body, token=other)).status == 201
        assert (marks(pos.last()), table(pos.last()["pedido"])) == ({}, (5, "Terraza 3"))


async def test_what_was_said_is_known_after_a_restart_and_a_pruning(tmp_path):
    path = tmp_path / "log.db"
    async with running_pos(path) as pos:
        await pos.new_order(1, mesa_numero=5)
        await pos.new_order(2, mesa_numero=2)
        await pos.set_state(2, "cerrado")
        token = pos.token
        floor_of = await pos.token_of("mesero")
        action = {"accion": "cambiar_mesa", "operacion_id": "a", "mesa_numero": 12}
        assert (await pos.request("POST", "/api/pedidos/1/acciones", action, token=floor_of)).status == 200
    pruned = await asyncio.to_thread(call, "prune", "--keep", "1h", "--yes", "--database", str(path))
    assert pruned.exit_code == 0, pruned.stderr
    async with running_pos(path, start_ms=pos.clock.ms + 1000) as pos:
        stale = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "en_cocina", "mesa_numero": 5}
        assert (await pos.post(stale, token=token)).status == 201
        assert (marks(pos.last()), pos.last()["mesa_numero"]) == ({}, 12)
        assert (await pos.post({**stale, "mesa_numero": 7}, token=token)).status == 201
        assert (marks(pos.last()), pos.last()["pedido"]["mesa_numero"]) == ({"mesa_anterior": 12}, 7)
    with opened(path) as connection:
        kept = connection.execute("SELECT DISTINCT order_id FROM order_words").fetchall()
    assert kept == [(1,)], "what was said of an order that is gone goes with it"
    assert call("verify", "--database", str(path)).exit_code == 0


async def test_an_imported_log_has_the_same_orders(tmp_path):
    path, file, copy = (tmp_path / name for name in ("log.db", "log.ndjson", "copy.db"))
    async with running_pos(path) as pos:
        await pos.new_order(1, mesa_numero=5)
        await change_line(pos, 1, "item_listo", item={"notas": "x"})
        await pos.publish("pedido_cancelado", pedido_id=1, mesa="Terraza 3", mesero="Tita")
        shown = await pos.order(1)
    assert table(shown) == (None, "Terraza 3")
    assert call("export", "--output", str(file), "--database", str(path)).exit_code == 0
    assert call("import", str(file), "--database", str(copy)).exit_code == 0
    async with running_pos(copy) as pos:
        assert await pos.order(1) == shown


def test_an_event_without_the_services_mark_folds_as_it_did():
    """What a publisher of an earlier version sent of a table was its own, and moved nothing."""
    first = {
        "id": 1, "tipo": "cambio_estado", "timestamp": START, "pedido_id": 1, "version": 1, "estado": "en_cocina",
        "mesa_numero": 5, "mesa": "rincón", "salas": [],
    }  # fmt: skip
    order = apply(None, first)
    changed = {
        "id": 2, "tipo": "pedido_cancelado", "timestamp": START, "pedido_id": 1, "version": 2, "razon": None,
        "mesa_numero": 12, "mesa": "x", "mesero": "Tita", "salas": [],
    }  # fmt: skip
    after = fold(order, changed)
    assert after is not None
    assert table(after.pedido) == (5, None)
    moved = fold(order, {**changed, "mesa_anterior": 5})
    assert moved is not None
    assert table(moved.pedido) == (12, "x")


# A table is its number and its name


@pytest.mark.parametrize(
    ("first", "then", "after", "mark"),
    [
        ({"mesa_numero": 5}, {"mesa": "Terraza 3"}, (None, "Terraza 3"), 5),
        ({"mesa": "Terraza 3"}, {"mesa_numero": 5}, (5, None), "Terraza 3"),
        ({"mesa_numero": 5, "mesa": "T1"}, {"mesa_numero": 6, "mesa": "T1"}, (6, "T1"), "T1"),
        ({"mesa_numero": 5, "mesa": "T1"}, {"mesa_numero": 5, "mesa": "T2"}, (5, "T2"), "T1"),
        ({"mesa_numero": 5, "mesa": "T1"}, {"mesa_numero": 6}, (6, None), "T1"),
        ({"mesa_numero": 0}, {"mesa_numero": 1}, (1, None), 0),
        ({}, {"mesa": "Terraza 3"}, (None, "Terraza 3"), None),
    ],
)
async def test_a_table_is_its_number_and_its_name_together(pos, first, then, after, mark):
    await pos.new_order(1, **first)
    event = await pos.set_state(1, "en_cocina", **then)
    assert (marks(event), table(event), table(event["pedido"])) == ({"mesa_anterior": mark}, after, after)
    change = {"tipo_cambio": "notas_modificadas", "notas_nueva": "x"}
    event = await pos.publish("item_modificado", pedido_id=1, item_id=1, cambios=change, mesa="Salón", mesa_numero=1)
    assert table(await pos.order(1)) == (1, "Salón")
    assert_projection_is_the_fold(pos.path)


async def test_a_number_that_was_not_known_is_learnt_without_a_mark(pos):
    await pos.new_order(1)
    event = await pos.set_state(1, "en_cocina", mesa_numero=5, cliente_nombre="Karla", mesero="Beto")
    assert (marks(event), event["pedido"]["mesa_numero"], event["pedido"]["mesero"]) == ({}, 5, "Beto")


@pytest.mark.parametrize(("sent", "kept"), [("Terraza 3", "Terraza 3"), ("7", "7"), (7, "7"), ("", None), (None, None)])
async def test_a_tables_name(pos, sent, kept):
    event = await pos.new_order(1, mesa=sent, mesa_numero=4)
    assert (table(event["pedido"]), marks(event)) == ((4, kept), {})
    assert event["salas"][0] == "cocina"
    event = await pos.set_state(1, "en_cocina")
    assert table(event) == (4, kept)


@pytest.mark.parametrize("wrong", ["x" * 21, -1, 1.5, ["T"], {}, True])
async def test_what_is_no_tables_name(pos, wrong):
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "mesa": wrong}})
    assert (answer.status, list(answer.fields)) == (422, ["pedido.mesa"])
    answer = await pos.post({"tipo": "cambio_mesa", "pedido_id": 1, "mesa": wrong})
    assert (answer.status, list(answer.fields)) == (422, ["mesa"])


async def test_a_late_order_does_not_undo_a_move(pos):
    """Its events overtook it, and the guests have moved since."""
    await pos.set_state(1, "en_cocina", mesa_numero=5)
    other = await pos.service.accounts.create_token("otra-caja")
    assert (await pos.post({"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12}, token=other)).status == 201
    assert (await pos.new_order(1, mesa_numero=5))["pedido"]["mesa_numero"] == 12
    await pos.publish("pedido_listo", pedido_id=2, items_listos=[], mesa="Barra")
    event = await pos.new_order(2, mesa_numero=40)
    assert (marks(event), table(event["pedido"])) == ({"mesa_anterior": "Barra"}, (40, None))


# cambio_mesa


async def test_a_change_of_table_goes_to_every_room_that_holds_the_order(pos):
    rooms = {"en_mesa": ["cocina"], "listo": ["cocina", "meseros"], "servido": ["cajeros"], "cerrado": []}
    await pos.new_order(1, mesa_numero=5)
    for number, (state, expected) in enumerate(rooms.items()):
        if state != "en_mesa":
            await pos.set_state(1, state)
        before = (await pos.order(1))["version"]
        event = await pos.publish("cambio_mesa", pedido_id=1, mesa_numero=10 + number)
        assert (event["salas"], event["version"]) == ([*expected, "managers", "pedido_1"], before + 1)
        assert (event["pedido"]["estado"], event["pedido"]["mesa_numero"]) == (state, 10 + number)
        assert (event["id"] in event["pedido"]["por_acusar"]) == ("cocina" in expected)
    assert list(event)[-2:] == ["pedido", "salas"]


async def test_a_change_of_table_may_be_the_first_word_of_an_order(pos):
    event = await pos.publish("cambio_mesa", pedido_id=1, mesa="Terraza 3")
    assert (event["mesa_anterior"], event["pedido"]["incompleto"], event["salas"][0]) == (None, True, "cocina")
    order = (await pos.new_order(1, tipo="llevar"))["pedido"]
    assert (order["estado"], table(order)) == ("pendiente_pago", (None, "Terraza 3"))
    assert_projection_is_the_fold(pos.path)
    answer = await pos.post({"tipo": "cambio_mesa", "pedido_id": 1})
    assert (answer.status, answer.fields) == (422, {"mesa_numero": "falta"})


async def test_a_move_is_always_news_where_it_is_what_the_event_says(pos):
    await pos.new_order(1, mesa_numero=5)
    other = await pos.service.accounts.create_token("otra-caja")
    assert (await pos.post({"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12}, token=other)).status == 201
    event = await pos.publish("cambio_mesa", pedido_id=1, mesa_numero=5)
    assert (event["mesa_anterior"], event["pedido"]["mesa_numero"]) == (12, 5)
    assert (await pos.publish("cambio_mesa", pedido_id=1, mesa_numero=5))["mesa_anterior"] == 5


async def test_a_kitchen_screen_acknowledges_a_move(pos):
    await pos.new_order(1, mesa_numero=5)
    event = await pos.publish("cambio_mesa", pedido_id=1, mesa_numero=12)
    cookie = await pos.service.sign_in("Rosa", "cocinero")
    body = {"evento_ids": [event["id"]]}
    answer = await pos.request("POST", "/api/notificaciones/acuses", body, token=None, cookie=cookie)
    assert (answer.status, answer.json) == (200, {"ok": True, "nuevos": 1})
    order = await pos.order(1)
    assert event["id"] not in order["por_acusar"]
    assert order["visto_at"]


async def test_the_facade_publishes_a_move(pos):
    await pos.new_order(1, mesa_numero=5)
    notifier = pos.service.app.notifier
    done = await notifier.notificar_cambio_mesa(1, 12, operacion_id="m-1")
    assert done["duplicado"] is False
    assert (await notifier.notificar_cambio_mesa(1, 12, operacion_id="m-1"))["duplicado"] is True
    await notifier.notificar_cambio_mesa(1, mesa="Terraza 3")
    assert (marks(pos.last()), table(pos.last())) == ({"mesa_anterior": 12}, (None, "Terraza 3"))


# cambiar_mesa


@pytest.mark.parametrize("so_far", [(), ("iniciar",), ("listo",), ("listo", "servir"), ("cobrar",)], ids="-".join)
async def test_people_move_any_open_order_that_is_eaten_here(floor: Floor, so_far):  # noqa: F811
    order_id = await floor.order(*so_far, mesa_numero=5)
    state = (await floor.pedido(order_id))["estado"]
    for number, role in enumerate(("mesero", "cajero", "manager"), 10):
        done = await floor.act(order_id, "cambiar_mesa", role, mesa_numero=number)
        assert (done.status, done.json["pedido"]["mesa_numero"]) == (200, number), done.text
        assert (done.json["pedido"]["estado"], len(done.json["evento_ids"])) == (state, 1)
    again = await floor.act(order_id, "cambiar_mesa", "mesero", mesa_numero=12)
    assert (again.status, again.fields) == (422, {"mesa_numero": "ya está en esa mesa"})
    named = await floor.act(order_id, "cambiar_mesa", "mesero", mesa="Terraza 3")
    assert table(named.json["pedido"]) == (None, "Terraza 3")
    assert (await floor.act(order_id, "cambiar_mesa", "cocinero", mesa_numero=1)).status == 403
    assert (await floor.act(order_id, "cambiar_mesa", "mesero")).fields == {"mesa_numero": "falta"}
    assert (await floor.act(order_id, "cambiar_mesa", "mesero", mesa_numero=-1)).status == 422


@pytest.mark.parametrize("kind", ["llevar", "domicilio"])
async def test_what_is_taken_away_has_no_table_to_change(floor: Floor, kind):  # noqa: F811
    order_id = await floor.order(tipo=kind)
    assert (await floor.act(order_id, "cambiar_mesa", "manager", mesa_numero=1)).code == "transicion_invalida"
    over = await floor.order("cancelar", mesa_numero=5)
    assert (await floor.act(over, "cambiar_mesa", "manager", mesa_numero=1)).code == "transicion_invalida"


async def test_a_pos_that_repeats_itself_does_not_undo_what_a_waiter_did(floor: Floor):  # noqa: F811
    token = await floor.service.accounts.create_token("caja-pos")

    async def publish(tipo: str, **fields: Any) -> None:
        answer = await floor.service.call("POST", PUBLISH, {"tipo": tipo, **fields}, token=token)
        assert answer.status == 201, answer.text

    await publish("nuevo_pedido", pedido={"id": 1, "mesa_numero": 5, "items": [{"producto_nombre": "Pupusa"}]})
    assert (await floor.act(1, "cambiar_mesa", "mesero", mesa_numero=12)).status == 200
    await publish("cambio_estado", pedido_id=1, estado="en_cocina", mesa_numero=5)
    assert (await floor.pedido(1))["mesa_numero"] == 12
    await publish("pedido_listo", pedido_id=1, items_listos=["Pupusa"], mesa_numero=7)
    assert (await floor.pedido(1))["mesa_numero"] == 7


# Deliveries


async def test_a_delivery_is_a_takeaway_that_is_paid_at_the_end(pos):
    goes = {"direccion": "Col. Escalón 4", "telefono": "7777-8888", "repartidor": "Chepe"}
    event = await pos.new_order(1, tipo="domicilio", cliente_nombre="Karla", **goes)
    order = event["pedido"]
    assert (order["tipo_pago"], order["estado"], event["salas"][0]) == ("al_final", "en_mesa", "cocina")
    assert {name: order[name] for name in goes} == goes
    ready = await pos.set_state(1, "listo")
    assert (ready["tipo_servicio"], ready["salas"][:3]) == ("domicilio", ["cocina", "meseros", "cajeros"])
    assert await pos.views(1) == {"cocina", "meseros", "cajeros"}
    stub = await pos.set_state(2, "listo", tipo_servicio="domicilio")
    assert (stub["pedido"]["tipo"], stub["pedido"]["tipo_pago"], stub["salas"][2]) == (
        "domicilio", "al_final", "cajeros",
    )  # fmt: skip
    assert (await pos.new_order(3, tipo="domicilio", tipo_pago="anticipado"))["pedido"]["estado"] == "pendiente_pago"


async def test_the_kitchen_does_not_see_where_a_delivery_goes(pos):
    goes = {"direccion": {"calle": "4"}, "telefono": 77778888, "repartidor": "Chepe"}
    await pos.new_order(1, tipo="domicilio", cliente_nombre="Karla", **goes)
    [order] = (await pos.get("/api/pedidos?vista=cocina"))["pedidos"]
    assert (order["tipo"], order["cliente_nombre"], [name for name in goes if name in order]) == (
        "domicilio", "Karla", [],
    )  # fmt: skip
    answer = await pos.get("/api/pedidos/1", role="cocinero")
    assert [name for name in goes if name in json.dumps(answer)] == []


async def test_a_delivery_is_placed_and_handed_over_here(floor: Floor):  # noqa: F811
    placed = await floor.place("cajero", tipo="domicilio", cliente_nombre="Karla", direccion="Calle 4", telefono="7")
    order = placed.json["pedido"]
    assert (placed.status, order["tipo"], order["estado"], order["direccion"]) == (
        201, "domicilio", "en_mesa", "Calle 4",
    )  # fmt: skip
    assert (await floor.act(order["id"], "listo", "cocinero")).status == 200
    assert (await floor.act(order["id"], "servir", "cajero")).status == 200
    named = await floor.place(mesa="Terraza 3")
    assert table(named.json["pedido"] | {"mesa_numero": None}) == (None, "Terraza 3")
    assert (await floor.place(mesa="x" * 21)).fields == {"mesa": "tiene más de 20 caracteres"}


# What a dish is made of

COMBO = {
    "id": 1, "producto_nombre": "Combo", "cantidad": 1,
    "componentes": [{"producto_nombre": "Pupusa", "cantidad": 2, "notas": "sin curtido"}, "Café"],
    "modificadores": ["extra queso", {"nombre": "salsa aparte", "precio": 0.25}],
}  # fmt: skip


async def test_what_a_dish_is_made_of_is_kept_over_its_changes(pos):
    kept = (await pos.new_order(1, items=[COMBO]))["pedido"]["items"][0]
    assert (kept["componentes"], kept["modificadores"]) == (COMBO["componentes"], COMBO["modificadores"])
    await change_line(pos, 1, "cantidad_modificada", cantidad_nueva=2)
    await change_line(pos, 1, "notas_modificadas", item={"modificadores": ["sin queso"]})
    [line] = (await pos.get("/api/pedidos?vista=cocina"))["pedidos"][0]["items"]
    assert (line["cantidad"], line["componentes"], line["modificadores"]) == (
        2, COMBO["componentes"], ["sin queso"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "wrong", "path"),
    [
        ("componentes", "Pupusa", "componentes"),
        ("componentes", [7], "componentes.0"),
        ("componentes", [{"cantidad": 0}], "componentes.0.cantidad"),
        ("componentes", [{"producto_nombre": "x" * 201}], "componentes.0.producto_nombre"),
        ("modificadores", [7], "modificadores.0"),
        ("modificadores", ["x"] * 101, "modificadores"),
    ],
)
async def test_what_a_dish_cannot_be_made_of(pos, field, wrong, path):
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": [{field: wrong}]}})
    assert (answer.status, next(iter(answer.fields))) == (422, f"pedido.items.0.{path}")


# What a manager reads


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            {"tipo": "cambio_mesa", "mesa_numero": 12, "mesa_anterior": 5},
            "Mesa 12: cambio de mesa, Mesa 5 → 12",
        ),
        (
            {"tipo": "cambio_mesa", "mesa": "Terraza 3", "mesa_anterior": 5},
            "Terraza 3: cambio de mesa, Mesa 5 → Terraza 3",
        ),
        (
            {"tipo": "cambio_mesa", "mesa_numero": 5, "mesa_anterior": "Terraza 3"},
            "Mesa 5: cambio de mesa, Terraza 3 → Mesa 5",
        ),
        ({"tipo": "cambio_mesa", "mesa": "7", "mesa_anterior": None}, "Mesa 7: cambio de mesa"),
        (
            {"tipo": "cambio_estado", "estado": "listo", "mesa_numero": 12, "mesa_anterior": 5,
             "pedido": {"cliente_nombre": "Luis", "mesero": "Tita"}, "cliente_anterior": "Karla",
             "mesero_anterior": "Beto"},
            "Mesa 12: listo, Mesa 5 → 12, cliente Karla → Luis, mesero Beto → Tita",
        ),
        (
            {"tipo": "nuevo_pedido", "pedido": {"tipo": "domicilio", "cliente_nombre": "Karla", "items": [COMBO]}},
            "A domicilio, Karla: pedido nuevo, 1 Combo (2 Pupusa, Café, extra queso, salsa aparte)",
        ),
        ({"tipo": "cambio_estado", "estado": "listo", "tipo_servicio": "domicilio", "pedido_id": 7},
         "A domicilio, 7: listo"),
    ],
)  # fmt: skip
def test_a_managers_sentence(event, said):
    read = read_event(json.dumps(event).encode())
    assert sentence(read, Service.of(read, read.pedido or read_event(b'{"pedido":{}}').pedido)) == said


async def test_the_log_is_asked_by_a_tables_name_and_by_the_table_that_was_left(pos: Pos):
    await pos.new_order(1, mesa_numero=5)
    await pos.publish("cambio_mesa", pedido_id=1, mesa="Terraza 3")
    await pos.set_state(1, "en_cocina")
    await pos.new_order(2, mesa="7")

    async def found(asked: str) -> list[int]:
        query = f"/api/notificaciones/eventos?orden=asc&mesa={asked}"
        return [event["id"] for event in (await pos.get(query))["eventos"]]

    asked = {"5": [1, 2], "terraza%203": [2, 3], "7": [4], "x": []}
    assert {name: await found(name) for name in asked} == asked
    csv = await pos.request("GET", "/api/notificaciones/eventos.csv")
    rows = csv.text.split("\r\n")
    assert 'cambio_mesa,"Terraza 3: cambio de mesa, Mesa 5 → Terraza 3",1,Terraza 3,mesa' in rows[2]
