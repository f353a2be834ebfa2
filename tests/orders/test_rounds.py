"""A table that orders again, one more of what was made, and one dish that is sent back (docs/protocol.md, section 3,
"Rounds")."""

from __future__ import annotations

import pytest

from tests.orders.test_actions import lines
from tests.support.pos import (
    HOUR,
    MINUTE,
    assert_projection_is_the_fold,
    change_line,
    line_states,
    running_pos,
)

SOUP = {"items": [{"producto_id": 2, "cantidad": 1}]}


def of_type(events, kind):
    return [event for event in events if event["tipo"] == kind]


def to_make(pedido):
    """By line, what the kitchen is to make, as docs/protocol.md says it."""
    return pending(pedido) if pedido["estado"] in ("pagado", "en_mesa", "en_cocina") else {}


def pending(pedido):
    """By line, what nobody has made of it, whatever state its order is in."""
    waiting = [line for line in pedido["items"] if line["estado_item"] == "pendiente"]
    return {line["id"]: line["cantidad"] - line.get("cantidad_hecha", 0) for line in waiting}


# A table orders again


@pytest.fixture
async def pos(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        yield pos
    assert_projection_is_the_fold(tmp_path / "log.db")


@pytest.mark.parametrize("path", [["listo"], ["listo", "servir"]])
async def test_what_is_added_to_a_made_order_brings_it_back_first(floor, path):
    order_id = await floor.order("iniciar", *path)
    seen = await floor.events(order_id)
    await floor.call("cocinero", "POST", "/api/notificaciones/acuses", {"evento_ids": [seen[0]["id"]]})
    assert "visto_at" in await floor.pedido(order_id)
    floor.clock.advance(HOUR)  # a ready order has left the kitchen's view by then
    done = await floor.act(order_id, "agregar_item", "mesero", **SOUP)
    back, added = (await floor.events(order_id))[-2:]
    assert done.json["evento_ids"] == [back["id"], added["id"]]
    assert (back["tipo"], back["estado"], back["estado_anterior"]) == (
        "cambio_estado", "en_cocina", {"listo": "listo", "servir": "servido"}[path[-1]],
    )  # fmt: skip
    assert (back["ronda"], back["por_hacer"], back["recuperado"]) == (2, True, False)
    assert back["actor"] == added["actor"]
    assert "operacion_id" not in back
    assert "operacion_id" in added
    assert (added["tipo"], added["item"]["ronda"]) == ("item_modificado", 2)
    pedido = done.json["pedido"]
    assert (pedido["estado"], pedido["ronda"], pedido["ronda_at"]) == ("en_cocina", 2, back["timestamp"])
    assert pedido["por_acusar"] == [back["id"], added["id"]]
    assert "visto_at" not in pedido
    assert [line["ronda"] for line in pedido["items"]] == [1, 2]
    assert to_make(pedido) == {2: 1}
    board = (await floor.call("cocinero", "GET", "/api/pedidos")).json["pedidos"]
    assert [order["id"] for order in board] == [order_id]
    # It is acknowledged as any order is, and what was seen is of this round.
    floor.clock.advance(5)
    assert (
        await floor.call("cocinero", "POST", "/api/notificaciones/acuses", {"evento_ids": [back["id"], added["id"]]})
    ).json == {"ok": True, "nuevos": 2}
    assert (await floor.pedido(order_id))["visto_at"] > back["timestamp"]


async def test_the_third_round_follows_the_second(floor):
    order_id = await floor.order("listo", "servir")
    await floor.act(order_id, "agregar_item", **SOUP)
    again = (await floor.act(order_id, "agregar_item", **SOUP)).json["pedido"]
    assert [line["ronda"] for line in again["items"]] == [1, 2, 2]  # the same round, which is being cooked
    for name in ("listo", "servir"):
        await floor.act(order_id, name)
    third = (await floor.act(order_id, "agregar_item", **SOUP)).json["pedido"]
    assert (third["ronda"], [line["ronda"] for line in third["items"]]) == (3, [1, 2, 2, 3])


async def test_a_rounds_seconds_in_the_kitchen_are_its_own(floor):
    order_id = await floor.order("iniciar", "listo", "servir")
    floor.clock.advance(HOUR)
    await floor.act(order_id, "agregar_item", **SOUP)
    floor.clock.advance(90)
    await floor.act(order_id, "listo")
    ready = of_type(await floor.events(order_id), "pedido_listo")
    assert (ready[-1]["segundos_cocina"], ready[-1]["items_listos"]) == (90, ["Sopa"])
    # It was not begun by INICIAR, so that cannot be taken back.
    await floor.act(order_id, "deshacer")
    assert (await floor.act(order_id, "deshacer")).status == 409


async def test_a_poss_line_alone_brings_a_served_order_back(pos):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    pos.clock.advance(2 * HOUR)
    before = pos.head
    added = await change_line(
        pos, 2, "item_agregado", item={"producto_nombre": "Flan", "ronda": 9, "cantidad_hecha": 1}
    )
    back = pos.stored(added["id"] - 1)
    assert (added["id"], back["id"]) == (before + 2, before + 1)  # the POS is told of its own
    assert (back["estado"], back["ronda"], back["por_hacer"]) == ("en_cocina", 2, True)
    assert "cocina" in back["salas"]
    assert "cocina" in added["salas"]
    order = await pos.order(1)
    assert to_make(order) == {2: 1}
    assert (order["items"][1]["ronda"], "cantidad_hecha" in order["items"][1]) == (2, False)
    # Its own change of state, which may follow, says nothing new.
    after = await pos.set_state(1, "en_cocina")
    assert "por_hacer" not in after
    assert (await pos.order(1))["por_acusar"] == [back["id"], added["id"]]


async def test_a_poss_order_that_is_all_made_in_the_kitchen_begins_a_round_too(pos):
    await pos.new_order(1)
    await pos.set_state(1, "en_cocina")
    await change_line(pos, 1, "item_listo")
    await change_line(pos, 1, "item_pendiente")  # it was not, after all: that is no round
    assert "ronda" not in await pos.order(1)
    await change_line(pos, 1, "item_listo")
    await change_line(pos, 2, "item_agregado", item={"producto_nombre": "Flan"})
    order = await pos.order(1)
    assert (order["ronda"], to_make(order)) == (2, {2: 1})


async def test_a_line_of_an_unknown_order_asks_for_a_receipt_and_gives_alarm(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        added = await change_line(pos, 1, "item_agregado", item={"producto_nombre": "Flan"}, mesa_numero=4)
        assert "cocina" in added["salas"]
        order = await pos.order(1)
        assert (order["estado"], order["por_acusar"], to_make(order)) == ("en_mesa", [added["id"]], {1: 1})


@pytest.mark.parametrize("state", ["servido", "listo", "cancelado"])
async def test_a_line_that_is_sent_as_made_brings_nothing_back(pos, state):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    added = await change_line(pos, 2, "item_agregado", item={"producto_nombre": "Servicio", "estado_item": state})
    assert added["salas"] == ["meseros", "cajeros", "managers", "pedido_1"]
    order = await pos.order(1)
    assert (order["estado"], order["version"], order["por_acusar"]) == ("servido", 3, [1])


async def test_a_payment_brings_nothing_back(pos):
    await pos.new_order(1)
    for state in ("servido", "en_cocina", "cerrado"):
        paid = await pos.set_state(1, state, metodo_pago="efectivo", por_hacer=True, ronda=5)
        assert "por_hacer" not in paid
        assert "ronda" not in paid
    assert "ronda" not in await pos.order(1)


@pytest.mark.parametrize(
    ("before", "state", "brings"),
    [
        (None, "en_cocina", True),
        (None, "servido", False),
        ("pendiente_pago", "en_cocina", True),
        ("pendiente_pago", "pagado", False),  # a nuevo_pedido follows
        ("en_mesa", "en_cocina", False),
        ("cancelado", "en_mesa", True),
    ],
)
async def test_a_state_that_brings_the_kitchen_work_is_to_be_acknowledged(pos, before, state, brings):
    if before == "pendiente_pago":
        await pos.new_order(1, estado=before)
    elif before is not None:
        await pos.new_order(1)
        await pos.set_state(1, before)
    change = await pos.set_state(1, state, recuperado=before == "cancelado" or None)
    assert change.get("por_hacer", False) is brings
    assert (change["id"] in (await pos.order(1))["por_acusar"]) is brings


async def test_a_recall_asks_for_a_receipt_until_then_nobody_has_seen_it(floor):
    order_id = await floor.order("listo", "servir")
    first = (await floor.events(order_id))[0]["id"]
    await floor.call("cocinero", "POST", "/api/notificaciones/acuses", {"evento_ids": [first]})
    recalled = (await floor.act(order_id, "recuperar", "mesero", razon="fría")).json
    assert recalled["pedido"]["por_acusar"] == [recalled["evento_id"]]
    assert "visto_at" not in recalled["pedido"]
    # The cook's own undo is no news.
    await floor.act(order_id, "listo")
    undone = (await floor.act(order_id, "deshacer")).json
    assert "por_hacer" not in (await floor.events(order_id))[-1]
    assert undone["evento_id"] not in undone["pedido"]["por_acusar"]


# An order that comes made


@pytest.mark.parametrize("states", [["listo", "servido"], ["cancelado"]])
async def test_an_order_that_comes_made_asks_the_kitchen_for_nothing(pos, states):
    items = [{"producto_nombre": f"Flan {state}", "estado_item": state} for state in states]
    made = await pos.new_order(1, items=items)
    assert "cocina" in made["salas"]  # it is on the board, to be said ready
    assert made["pedido"]["por_acusar"] == (await pos.order(1))["por_acusar"] == []
    # A takeaway too, when it is paid.
    await pos.new_order(2, tipo="llevar", items=items)
    await pos.set_state(2, "pagado")
    assert (await pos.order(2))["por_acusar"] == []
    # What is to be made of it since is news.
    added = await change_line(pos, 9, "item_agregado", item={"producto_nombre": "Sopa"})
    assert (await pos.order(1))["por_acusar"] == [added["id"]]


async def test_one_dish_to_make_or_no_dish_that_is_known_asks_for_a_receipt(pos):
    items = [{"producto_nombre": "Flan", "estado_item": "listo"}, {"producto_nombre": "Sopa"}]
    for order_id, sent in ((1, items), (2, [])):
        event = await pos.new_order(order_id, items=sent)
        assert (await pos.order(order_id))["por_acusar"] == [event["id"]]
    await pos.new_order(3, tipo="llevar", items=items)
    paid = await pos.set_state(3, "pagado")
    assert (await pos.order(3))["por_acusar"] == [paid["id"] + 1]


# An order that is over


MORE = [
    {"item_id": 7, "cambios": {"tipo_cambio": "item_agregado"}, "item": {"producto_nombre": "Flan", "cantidad": 2}},
    {"item_id": 1, "cambios": {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 5}},
    {"item_id": 1, "cambios": {"tipo_cambio": "item_pendiente"}},
    {"item_id": 1, "cambios": {"tipo_cambio": "notas_modificadas"}, "item": {"estado_item": "pendiente"}},
]


@pytest.mark.parametrize("recalled", [False, True])
@pytest.mark.parametrize("change", MORE)
@pytest.mark.parametrize(("path", "word"), [(["servido", "cerrado"], "cerrado"), (["cancelado"], "cancelado")])
async def test_what_nobody_would_make_is_refused(pos, path, word, change, recalled):
    """The order is on no board: a 201 would say that the kitchen heard of it."""
    await pos.new_order(1, numero="C12", mesa_numero=5)
    for state in path:
        await pos.set_state(1, state)
    before, body = await pos.order(1), {"pedido_id": 1, **change, **({"recuperado": True} if recalled else {})}
    if word == "cancelado" and change["cambios"]["tipo_cambio"] == "cantidad_modificada":
        body["item"] = {"estado_item": "pendiente"}  # as it is, it is more of what was cancelled
    answer = await pos.service.call(
        "POST", "/api/notificaciones/eventos", {"tipo": "item_modificado", **body}, token=pos.token
    )  # fmt: skip
    assert answer.status == 409
    error = answer.json["error"]
    assert (error["codigo"], error["estado"], error["permitidas"]) == ("transicion_invalida", word, [])
    assert error["mensaje"] == (
        f"El pedido #C12 (Mesa 5) está {word}; solo un cambio_estado con recuperado: true lo cambia."
    )  # fmt: skip
    assert await pos.order(1) == before
    # As it says.
    await pos.set_state(1, "en_cocina", recuperado=True)
    event = await pos.publish("item_modificado", **body)
    assert "cocina" in event["salas"]
    order = await pos.order(1)
    assert event["id"] in order["por_acusar"]
    assert body["item_id"] in to_make(order)


@pytest.mark.parametrize("state", ["cerrado", "cancelado"])
async def test_what_leaves_nothing_more_to_make_may_still_be_said_of_an_order_that_is_over(pos, state):
    items = [{"id": 1, "producto_nombre": "Pupusa", "cantidad": 2}, {"id": 2, "producto_nombre": "Flan"}]
    await pos.new_order(1, items=items)
    await pos.set_state(1, state)  # closed while a line is pending still, as a POS may
    await change_line(pos, 1, "notas_modificadas", notas_nueva="pagó Ana")
    await change_line(pos, 1, "cantidad_modificada", cantidad_nueva=1)
    await change_line(pos, 3, "item_agregado", item={"producto_nombre": "Propina", "estado_item": "servido"})
    await change_line(pos, 2, "item_removido", item=None, nuevo_total=9)
    order = await pos.order(1)
    assert (order["estado"], [line["id"] for line in order["items"]], order["total"]) == (state, [1, 3], 9)


# One more of what was made


@pytest.mark.parametrize("by", ["mesero", "pos"])
@pytest.mark.parametrize("state", ["en_cocina", "listo", "servido"])
async def test_one_more_of_what_was_made_is_one_to_make(floor, state, by):
    order_id = await floor.order(items=[{"producto_id": 2, "cantidad": 6}, {"producto_id": 1, "cantidad": 1}])
    await floor.act(order_id, "item_listo", item_id=1)
    for name in {"en_cocina": [], "listo": ["listo"], "servido": ["listo", "servir"]}[state]:
        await floor.act(order_id, name)
    if by == "mesero":
        await floor.act(order_id, "cambiar_cantidad", "mesero", item_id=1, cantidad=7)
    else:
        cambios = {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 7}
        event = {"tipo": "item_modificado", "pedido_id": order_id, "item_id": 1, "cambios": cambios}
        assert (await floor.call("manager", "POST", "/api/notificaciones/eventos", event)).status == 201
    pedido = await floor.pedido(order_id)
    line = pedido["items"][0]
    assert (pedido["estado"], line["estado_item"], line["cantidad"]) == ("en_cocina", "pendiente", 7)
    assert line["cantidad_hecha"] == 6
    assert line.get("cantidad_servida", 0) == (6 if state == "servido" else 0)
    assert line["ronda"] == (1 if state == "en_cocina" else 2)
    assert to_make(pedido)[1] == 1
    # Ready and not ready after all: six are made whatever happens to the seventh.
    await floor.act(order_id, "item_listo", item_id=1)
    if (await floor.pedido(order_id))["estado"] == "en_cocina":
        await floor.act(order_id, "item_pendiente", item_id=1)
    else:
        await floor.act(order_id, "deshacer")
    assert to_make(await floor.pedido(order_id))[1] == 1
    # All seven are made once it is ready.
    await floor.act(order_id, "listo")
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=9)
    assert to_make(await floor.pedido(order_id)) == {1: 2}


async def test_what_nobody_wants_more_of_is_not_cooked(floor):
    order_id = await floor.order("listo", "servir", items=[{"producto_id": 2, "cantidad": 6}])
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=7)
    back = (await floor.act(order_id, "cambiar_cantidad", "mesero", item_id=1, cantidad=6)).json["pedido"]
    assert (back["estado"], lines(back)) == ("servido", ["servido"])
    # Ready and not carried yet: it is ready again.
    order_id = await floor.order("listo", items=[{"producto_id": 2, "cantidad": 1}])
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=2)
    back = (await floor.act(order_id, "cambiar_cantidad", "mesero", item_id=1, cantidad=1)).json["pedido"]
    assert (back["estado"], lines(back)) == ("listo", ["listo"])
    # An added line that is taken out leaves nothing in the kitchen either.
    await floor.act(order_id, "servir")
    await floor.act(order_id, "agregar_item", **SOUP)
    back = (await floor.act(order_id, "quitar_item", "mesero", item_id=2)).json["pedido"]
    assert (back["estado"], lines(back)) == ("servido", ["servido"])


async def test_a_line_that_is_said_to_be_pending_again_is_made_anew(pos):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    again = await change_line(pos, 1, "item_pendiente")
    order = await pos.order(1)
    assert (order["estado"], to_make(order)) == ("en_cocina", {1: 2})
    assert again["item"]["cantidad_recuperada"] == 2
    # More of it than was made, by a publisher that says so in full, is the difference.
    await pos.set_state(1, "servido")
    await change_line(pos, 1, "cantidad_modificada", item={"cantidad": 5, "estado_item": "pendiente"})
    assert to_make(await pos.order(1)) == {1: 3}
    # And what a publisher says is made is made.
    await pos.set_state(1, "servido")
    await change_line(pos, 1, "cantidad_modificada", item={"estado_item": "servido"}, cantidad_nueva=8)
    order = await pos.order(1)
    assert (order["estado"], line_states(order)) == ("servido", ["servido"])


async def test_a_stubs_lines_keep_what_was_made_of_them(pos):
    await change_line(
        pos, 3, "item_agregado", item={"producto_nombre": "Flan", "cantidad": 2, "estado_item": "servido"}
    )
    await pos.set_state(1, "servido")
    await change_line(pos, 3, "cantidad_modificada", cantidad_nueva=3)
    filled = await pos.new_order(1, items=[{"id": 3, "producto_nombre": "Flan", "cantidad": 3, "cantidad_hecha": 0}])
    line = filled["pedido"]["items"][0]
    assert (line["cantidad_hecha"], line["ronda"], filled["pedido"]["ronda"]) == (2, 2, 2)


async def test_stock_takes_and_gives_back_the_difference(floor):
    order_id = await floor.order("listo", "servir", items=[{"producto_id": 2, "cantidad": 4}])
    assert (await floor.stock(2))[0] == 6
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=7)
    assert (await floor.stock(2))[0] == 3
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=6)
    assert (await floor.stock(2))[0] == 4
    await floor.act(order_id, "cancelar", razon="se fueron")
    assert (await floor.stock(2))[0] == 6  # the two that nobody had made
    # What was sent back was made once.
    order_id = await floor.order("listo", "servir", items=[{"producto_id": 2, "cantidad": 4}])
    await floor.act(order_id, "recuperar", razon="fría")
    await floor.act(order_id, "cancelar", razon="se fueron")
    assert (await floor.stock(2))[0] == 2


# One dish sent back


async def test_one_dish_is_sent_back_alone(floor):
    items = [{"producto_id": 1, "cantidad": 2}, {"producto_id": 2, "cantidad": 1}, {"producto_id": 3, "cantidad": 1}]
    order_id = await floor.order("listo", "servir", items=items)
    recalled = (await floor.act(order_id, "recuperar", "mesero", razon="fría", item_ids=[2])).json["pedido"]
    (*_, event) = await floor.events(order_id)
    assert (event["recuperado"], event["items_pendientes_ids"], event["razon"]) == (True, [2], "fría")
    assert lines(recalled) == ["servido", "pendiente", "servido"]
    assert to_make(recalled) == {2: 1}
    assert [line.get("recuperado_razon") for line in recalled["items"]] == [None, "fría", None]
    assert recalled["recuperado_razon"] == "fría"
    # By no id, it is all of them; who gives no reason leaves none.
    await floor.act(order_id, "listo")
    again = (await floor.act(order_id, "recuperar")).json["pedido"]
    assert (await floor.events(order_id))[-1]["items_pendientes_ids"] == [1, 2, 3]
    assert to_make(again) == {1: 2, 2: 1, 3: 1}
    assert not any("recuperado_razon" in line for line in again["items"])


@pytest.mark.parametrize(
    ("ids", "field"),
    [([1, 9], "item_ids.1"), ([2], "item_ids.0"), ([], "item_ids"), ([1] * 501, "item_ids"), ("1", "item_ids")],
)
async def test_only_made_lines_are_sent_back(floor, ids, field):
    order_id = await floor.order("listo", "servir")
    await floor.act(order_id, "agregar_item", **SOUP)
    await floor.act(order_id, "listo")
    await floor.act(order_id, "servir")
    cambios = {"tipo_cambio": "notas_modificadas"}
    event = {"tipo": "item_modificado", "pedido_id": order_id, "item_id": 2, "cambios": cambios}
    event["item"] = {"estado_item": "cancelado"}
    assert (await floor.call("manager", "POST", "/api/notificaciones/eventos", event)).status == 201
    before = await floor.pedido(order_id)
    answer = await floor.act(order_id, "recuperar", "mesero", razon="fría", item_ids=ids)
    assert (answer.status, list(answer.fields)) == (422, [field])
    assert await floor.pedido(order_id) == before


async def test_more_of_a_dish_that_was_sent_back_is_all_to_make(floor):
    order_id = await floor.order("listo", "servir", items=[{"producto_id": 2, "cantidad": 3}])
    await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=4)
    await floor.act(order_id, "listo")
    recalled = (await floor.act(order_id, "recuperar", razon="r" * 2000)).json["pedido"]
    assert to_make(recalled) == {1: 4}
    assert recalled["items"][0]["recuperado_razon"] == "r" * 200
    more = (await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=5)).json["pedido"]
    assert to_make(more) == {1: 5}


async def test_an_order_recalled_by_a_pos_is_all_to_make_as_before(pos):
    await pos.new_order(1, items=[{"id": 1, "producto_nombre": "Pupusa"}, {"id": 2, "producto_nombre": "Flan"}])
    await pos.set_state(1, "servido")
    await pos.set_state(1, "en_cocina", recuperado=True)
    assert to_make(await pos.order(1)) == {1: 1, 2: 1}
    await pos.set_state(1, "servido")
    await pos.set_state(1, "en_cocina", recuperado=True, items_pendientes_ids=[2, 9])
    assert to_make(await pos.order(1)) == {2: 1}


async def test_a_recall_of_what_was_made_in_part_rings_though_some_was_to_be_made_already(pos):
    await pos.new_order(1, items=[{"id": 1, "producto_nombre": "Flan", "cantidad": 6}])
    await pos.set_state(1, "listo")
    await change_line(pos, 1, "cantidad_modificada", cantidad_nueva=7)
    assert to_make(await pos.order(1)) == {1: 1}
    recalled = await pos.set_state(1, "en_cocina", recuperado=True)
    assert to_make(await pos.order(1)) == {1: 7}
    assert recalled["por_hacer"] is True


# What was made leaves the bill


async def made_order(floor, kind):
    """Six soups that were made, and a pupusa, by what has happened to them since."""
    order_id = await floor.order(items=[{"producto_id": 2, "cantidad": 6}, {"producto_id": 1, "cantidad": 1}])
    await floor.act(order_id, "item_listo", item_id=1)
    if kind != "ready":
        for name in ("listo", "servir"):
            await floor.act(order_id, name)
    if kind == "more":
        await floor.act(order_id, "cambiar_cantidad", item_id=1, cantidad=7)
    if kind == "sent back":
        await floor.act(order_id, "recuperar", "mesero", razon="fría", item_ids=[1])
    return order_id


@pytest.mark.parametrize("kind", ["ready", "served", "more", "sent back"])
async def test_what_was_made_leaves_the_bill_by_the_till_and_with_a_reason(floor, kind):
    order_id = await made_order(floor, kind)
    before = await floor.pedido(order_id)
    less = [("cambiar_cantidad", {"cantidad": quantity}) for quantity in (0.0001, 5)]
    for name, body in [("quitar_item", {}), *less]:
        refused = await floor.act(order_id, name, "mesero", item_id=1, razon="x", **body)
        assert (refused.status, refused.code) == (403, "rol_no_permitido"), (name, body)
        for role in ("cajero", "manager"):
            assert (await floor.act(order_id, name, role, item_id=1, razon=" ", **body)).fields == {"razon": "falta"}
    assert await floor.pedido(order_id) == before
    less = await floor.act(order_id, "cambiar_cantidad", "cajero", item_id=1, cantidad=4, razon="cortesía")
    changed = of_type(await floor.events(order_id), "item_modificado")[-1]
    assert less.status == 200
    assert (changed["razon"], changed["quitado"]) == ("cortesía", {"cantidad": 2, "precio": 11.3})
    board = await floor.call("manager", "GET", "/api/notificaciones/polling/cocinero")
    copies = [event for event in board.json["eventos"] if event["id"] == changed["id"]]
    assert [event["quitado"] for event in copies] in ([], [{"cantidad": 2}])
    gone = await floor.act(order_id, "quitar_item", item_id=1, razon="error")
    assert gone.status == 200
    assert of_type(await floor.events(order_id), "item_modificado")[-1]["quitado"] == {"cantidad": 4, "precio": 22.6}
    figures = (await floor.call("manager", "GET", "/api/cifras")).json["quitados"]
    assert [tuple(row.values())[1:] for row in figures] == [("Manager", 1, 22.6), ("Cajero", 1, 11.3)]
    assert all(isinstance(row["usuario_id"], int) for row in figures)


async def test_what_was_not_made_is_still_the_waiters(floor):
    order_id = await made_order(floor, "more")
    assert (await floor.act(order_id, "cambiar_cantidad", "mesero", item_id=1, cantidad=9)).status == 200
    assert (await floor.act(order_id, "cambiar_cantidad", "mesero", item_id=1, cantidad=6)).status == 200
    await floor.act(order_id, "agregar_item", "mesero", **SOUP)
    assert (await floor.act(order_id, "quitar_item", "mesero", item_id=3)).status == 200
    assert not any("quitado" in event for event in await floor.events(order_id))
    figures = (await floor.call("manager", "GET", "/api/cifras")).json
    assert figures["quitados"] == []


async def test_a_waiter_cancels_no_order_of_which_something_was_made(floor):
    order_id = await made_order(floor, "ready")
    event = {"tipo": "cambio_estado", "pedido_id": order_id, "estado": "en_mesa"}
    assert (await floor.call("manager", "POST", "/api/notificaciones/eventos", event)).status == 201
    assert (await floor.act(order_id, "cancelar", "mesero", razon="x")).status == 403
    assert (await floor.act(order_id, "cancelar", "cajero", razon="x")).status == 200


async def test_a_pos_that_takes_a_made_dish_off_is_counted_too(pos):
    await pos.new_order(1)
    await pos.set_state(1, "servido")
    gone = await change_line(pos, 1, "item_removido", item=None)
    assert gone["quitado"] == {"cantidad": 2, "precio": 1.5}
    await pos.new_order(2)
    off = {"cantidad": 1, "precio": 9}
    cambios = {"tipo_cambio": "item_removido"}
    kept = await pos.publish("item_modificado", pedido_id=2, item_id=1, cambios=cambios, quitado=off)
    assert "quitado" not in kept
    figures = (await pos.get("/api/cifras"))["quitados"]
    assert figures == [{"usuario_id": None, "username": "caja-pos", "lineas": 1, "importe": 1.5}]


# Figures


async def test_a_round_is_late_by_its_own_clock_and_counts_with_its_own_times(floor):
    order_id = await floor.order()
    for name, seconds in (("iniciar", 60), ("listo", 240), ("servir", 30)):
        floor.clock.advance(seconds)
        await floor.act(order_id, name)
    floor.clock.advance(HOUR)
    await floor.act(order_id, "agregar_item", **SOUP)
    floor.clock.advance(5 * MINUTE)
    figures = (await floor.call("manager", "GET", "/api/cifras")).json
    assert (figures["pedidos"], figures["tarde"]["medidos"], figures["tarde"]["tarde"]) == (1, 1, 0)
    floor.clock.advance(15 * MINUTE)
    figures = (await floor.call("manager", "GET", "/api/cifras")).json
    assert (figures["tarde"]["medidos"], figures["tarde"]["tarde"]) == (2, 1)
    by_hour = [(hour["pedidos"], hour["medidos"], hour["tarde"]) for hour in figures["por_hora"]]
    assert by_hour[:2] == [(1, 1, 0), (0, 1, 1)]
    for name, seconds in (("listo", 0), ("servir", 100)):
        floor.clock.advance(seconds)
        await floor.act(order_id, name)
    figures = (await floor.call("manager", "GET", "/api/cifras")).json
    assert (figures["espera"]["medidos"], figures["cocina"]["medidos"]) == (1, 1)
    assert figures["recogida"] == {"medidos": 2, "mediana": 65, "p90": 100}
    assert figures["en_total"] == {"medidos": 2, "mediana": 815, "p90": 1300}
    assert (figures["pedidos"], figures["productos"][0]["cantidad"]) == (1, 2)
