"""What a publisher may leave out: the service fills in what the log knows, each type's own fields."""

from __future__ import annotations

import pytest

from tests.support.pos import LINES, START, change_line, line_states

# nuevo_pedido


async def test_an_order_of_which_only_the_id_is_sent(pos):
    event = await pos.publish("nuevo_pedido", pedido={"id": 123})
    assert event == {
        "id": 1, "tipo": "nuevo_pedido", "timestamp": START, "pedido_id": 123, "version": 1,
        "actor": {"usuario_id": None, "username": "caja-pos", "rol": "manager"}, "liberado": False,
        "pedido": {
            "id": 123, "numero": 123, "mesa_numero": None, "tipo": "mesa", "tipo_pago": "al_final",
            "cliente_nombre": None, "mesero": None, "notas": None, "estado": "en_mesa", "items": [], "subtotal": None,
            "impuesto": None, "total": None, "timestamp": START, "por_acusar": [1], "version": 1,
        },
        "salas": ["cocina", "managers", "pedido_123"],
    }  # fmt: skip


async def test_lines_and_sums_are_completed(pos):
    event = await pos.new_order(1, items=LINES)
    assert event["pedido"]["items"] == [
        {
            "id": 7, "producto_id": 3, "producto_nombre": "Pupusa", "cantidad": 2, "notas": "sin sal",
            "categoria": None, "estado_item": "pendiente", "ronda": 1, "precio_unitario": 0.75, "subtotal": 1.5,
        },
        {
            "id": 8, "producto_id": None, "producto_nombre": "Café", "cantidad": 1, "notas": None,
            "categoria": "Bebidas", "estado_item": "pendiente", "ronda": 1, "precio_unitario": 1.25, "subtotal": 1.25,
        },
    ]  # fmt: skip
    assert [event["pedido"][name] for name in ("subtotal", "impuesto", "total")] == [2.43, 0.32, 2.75]


async def test_what_the_publisher_knows_of_sums_is_kept(pos):
    pedido = (await pos.new_order(1, items=LINES, total=3, impuesto=0))["pedido"]
    assert [pedido[name] for name in ("subtotal", "impuesto", "total")] == [3, 0, 3]
    pedido = (await pos.new_order(2, items=LINES, total=3, subtotal=2.5))["pedido"]
    assert [pedido[name] for name in ("subtotal", "impuesto", "total")] == [2.5, 0.5, 3]
    pedido = (await pos.new_order(3, items=[*LINES, {"producto_nombre": "de la casa"}]))["pedido"]
    assert [pedido[name] for name in ("subtotal", "impuesto", "total")] == [None, None, None]


async def test_lines_without_an_id_get_one_that_no_other_line_has(pos):
    items = [{}, {"id": 1}, {}, {"id": 2**53 - 1}, {}]
    ids = [line["id"] for line in (await pos.new_order(1, items=items))["pedido"]["items"]]
    assert (ids[1], ids[3]) == (1, 2**53 - 1)
    assert len(set(ids)) == 5
    assert all(1 <= line_id < 2**53 for line_id in ids)


async def test_products_and_sums_of_prices_stay_in_bounds(pos):
    line = {"cantidad": 1_000_000, "precio_unitario": 1_000_000_000_000}
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": [line]}})
    assert (answer.status, answer.fields) == (422, {"pedido.items.0.subtotal": "pasa de 1000000000000"})
    items = [{"precio_unitario": 10**12}] * 2
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "items": items}})
    assert (answer.status, answer.fields) == (422, {"pedido.total": "pasa de 1000000000000"})
    assert pos.head == 0


@pytest.mark.parametrize(
    ("sent", "state", "payment"),
    [
        ({}, "en_mesa", "al_final"),
        ({"tipo": "llevar"}, "pendiente_pago", "anticipado"),
        ({"tipo": "llevar", "pagado_at": "2026-11-24T18:00:00Z"}, "en_mesa", "anticipado"),
        ({"tipo": "llevar", "tipo_pago": "al_final"}, "en_mesa", "al_final"),
        ({"tipo_pago": "anticipado"}, "pendiente_pago", "anticipado"),
        ({"tipo": "llevar", "estado": "en_mesa"}, "en_mesa", "anticipado"),
        ({"estado": "pendiente_pago"}, "pendiente_pago", "al_final"),
        ({"estado": "pagado"}, "pagado", "al_final"),
    ],
)
async def test_a_new_orders_state_is_the_sent_one_or_follows_from_its_payment(pos, sent, state, payment):
    pedido = (await pos.publish("nuevo_pedido", pedido={"id": 1, **sent}))["pedido"]
    assert (pedido["estado"], pedido["tipo_pago"]) == (state, payment)
    assert ("pagado_at" in pedido) == (state == "pagado" or "pagado_at" in sent)


@pytest.mark.parametrize("state", ["en_cocina", "listo", "servido", "cerrado", "cancelado"])
async def test_a_new_order_cannot_begin_in_a_later_state(pos, state):
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 1, "estado": state}})
    assert (answer.status, list(answer.fields)) == (422, ["pedido.estado"])


async def test_an_order_that_exists_is_not_made_anew(pos):
    await pos.new_order(5)
    answer = await pos.post({"tipo": "nuevo_pedido", "pedido": {"id": 5, "mesa_numero": 9}})
    assert (answer.status, answer.code) == (409, "pedido_existente")
    assert answer.fields == {"pedido.id": "el pedido 5 ya existe"}
    assert pos.head == 1
    assert (await pos.order(5))["mesa_numero"] is None


async def test_times_are_written_with_the_restaurants_offset(pos):
    pedido = (await pos.new_order(1, pagado_at="2026-11-25T01:05:12Z"))["pedido"]
    assert pedido["pagado_at"] == "2026-11-24T19:05:12.000-06:00"
    event = await pos.set_state(2, "pagado", pagado_at="2026-11-25T01:05:12.5+00:00")
    assert event["pagado_at"] == event["pedido"]["pagado_at"] == "2026-11-24T19:05:12.500-06:00"


async def test_the_orders_own_unknown_fields_are_kept_and_the_services_are_its_own(pos):
    sent = {"propina": 0.5, "zona": {"n": [1]}, "version": 99, "por_acusar": [4], "incompleto": True, "listo_at": "x",
            "timestamp": "a las siete"}  # fmt: skip
    pedido = (await pos.new_order(1, **sent))["pedido"]
    assert (pedido["propina"], pedido["zona"], pedido["timestamp_origen"]) == (0.5, {"n": [1]}, "a las siete")
    assert (pedido["version"], pedido["por_acusar"], pedido["timestamp"]) == (1, [1], START)
    assert not {"incompleto", "listo_at"} & set(pedido)
    pedido = (await pos.set_state(1, "listo"))["pedido"]
    assert (pedido["propina"], pedido["zona"], pedido["version"]) == (0.5, {"n": [1]}, 2)


# pedido_listo


async def test_a_ready_order_needs_only_its_id_and_names(pos):
    await pos.new_order(1, mesa_numero=5, cliente_nombre="Luis", mesero="Ana", items=LINES)
    await pos.set_state(1, "en_cocina")
    pos.clock.advance(90)
    event = await pos.publish("pedido_listo", pedido_id=1, items_listos=["Pupusa", "Café"])
    own = {name: event[name] for name in event if name not in ("id", "timestamp", "actor", "pedido", "salas")}
    assert own == {
        "tipo": "pedido_listo", "pedido_id": 1, "version": 3, "items_listos": ["Pupusa", "Café"],
        "items_listos_ids": [7, 8], "parcial": False, "mesa_numero": 5, "cliente_nombre": "Luis", "mesero": "Ana",
        "segundos_cocina": 90,
    }  # fmt: skip
    assert (event["pedido"]["estado"], line_states(event["pedido"])) == ("listo", ["listo", "listo"])
    assert event["pedido"] == await pos.order(1)


async def test_the_state_before_is_the_logs_where_another_event_tells_one_too(pos):
    await pos.new_order(1)
    event = await pos.publish("pedido_listo", pedido_id=1, items_listos=[], estado_anterior="cerrado")
    assert event["estado_anterior"] == "en_mesa"
    event = await pos.publish("pedido_listo", pedido_id=2, items_listos=[], estado_anterior="cerrado")
    assert event["estado_anterior"] is None


async def test_a_partly_ready_order_keeps_its_state(pos):
    await pos.new_order(1, items=LINES)
    event = await pos.publish("pedido_listo", pedido_id=1, items_listos=["Café"], parcial=True)
    assert (event["items_listos_ids"], event["parcial"]) == ([8], True)
    assert (event["pedido"]["estado"], line_states(event["pedido"])) == ("en_mesa", ["pendiente", "listo"])


async def test_a_ready_order_that_is_unknown_has_every_field_too(pos):
    event = await pos.publish("pedido_listo", pedido_id=1, items_listos=["Sopa"], segundos_cocina=12.5, mesa_numero=3)
    own = ("items_listos_ids", "parcial", "mesa_numero", "cliente_nombre", "mesero")
    assert [event[name] for name in own] == [[], False, 3, None, None]
    assert event["segundos_cocina"] == 12.5


# item_modificado


def sums(event):
    return [event[name] for name in ("subtotal", "impuesto", "total")]


async def test_a_changed_quantity_is_completed_and_priced(pos):
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=4)
    assert event["cambios"] == {
        "tipo_cambio": "cantidad_modificada", "producto_nombre": "Pupusa", "cantidad_anterior": 2, "cantidad_nueva": 4,
        "notas_anterior": None, "notas_nueva": None, "nuevo_total": 4.25,
    }  # fmt: skip
    assert event["item"] == {
        "id": 7, "producto_id": 3, "producto_nombre": "Pupusa", "cantidad": 4, "notas": "sin sal", "categoria": None,
        "estado_item": "pendiente", "ronda": 1, "precio_unitario": 0.75, "subtotal": 3.0,
    }  # fmt: skip
    assert sums(event) == [3.76, 0.49, 4.25]
    pedido = await pos.order(1)
    assert pedido["items"][0] == event["item"]
    assert sums(pedido) == sums(event)
    assert pedido["version"] == 2
    assert "pedido" not in event


async def test_the_publishers_sums_win(pos):
    await pos.new_order(1, items=LINES)
    assert sums(await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=4, nuevo_total=4)) == [3.54, 0.46, 4]
    event = await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=5, total=5, impuesto=1, subtotal=4)
    assert sums(event) == [4, 1, 5]
    assert event["cambios"]["nuevo_total"] == 5


async def test_an_untaxed_order_stays_untaxed(pos):
    await pos.new_order(1, items=LINES, impuesto=0, total=2.75)
    assert sums(await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=4)) == [4.25, 0.0, 4.25]


async def test_a_discount_on_the_order_stays(pos):
    await pos.new_order(1, items=LINES, total=2)
    assert (await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=3))["total"] == 2.75


async def test_a_line_of_unknown_price_changes_no_sum(pos):
    await pos.new_order(1, items=[*LINES, {"id": 9, "producto_nombre": "Sopa"}], total=9, subtotal=8, impuesto=1)
    assert sums(await change_line(pos, 9, "cantidad_modificada", cantidad_nueva=3)) == [8, 1, 9]


async def test_a_changed_note_can_be_cleared(pos):
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 7, "notas_modificadas", notas_nueva="con sal")
    assert (event["cambios"]["notas_anterior"], event["item"]["notas"]) == ("sin sal", "con sal")
    event = await change_line(pos, 7, "notas_modificadas", notas_nueva=None)
    assert (event["cambios"]["notas_anterior"], event["item"]["notas"]) == ("con sal", None)
    assert event["cambios"]["cantidad_anterior"] is None
    assert event["cambios"]["cantidad_nueva"] is None


@pytest.mark.parametrize(("kind", "changes"), [("item_removido", {}), ("cantidad_modificada", {"cantidad_nueva": 0})])
async def test_a_line_that_goes_says_with_which_note(pos, kind, changes):
    """Of three burgers one was taken away: the note says which."""
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 7, kind, **changes)
    assert event["item"] is None
    assert (event["cambios"]["notas_anterior"], event["cambios"]["notas_nueva"]) == ("sin sal", None)


async def test_names_that_are_sent_as_null_change_nothing(pos):
    """Many a POS sends every name of `cambios` each time."""
    await pos.new_order(1, items=LINES)
    nulls = {"producto_nombre": None, "cantidad_anterior": None, "notas_anterior": None, "notas_nueva": None}
    event = await change_line(pos, 7, "cantidad_modificada", cantidad_nueva=3, nuevo_total=None, **nulls)
    assert event["item"]["notas"] == "sin sal"
    assert (event["cambios"]["producto_nombre"], event["cambios"]["cantidad_anterior"]) == ("Pupusa", 2)
    for quantity in (0, 9):
        event = await change_line(pos, 7, "notas_modificadas", cantidad_nueva=quantity, notas_nueva="x")
        assert (event["item"]["cantidad"], event["item"]["notas"]) == (3, "x")


async def test_a_line_is_added(pos):
    await pos.new_order(1, items=LINES)
    event = await change_line(
        pos, 9, "item_agregado", producto_nombre="Sopa", cantidad_nueva=2, notas_nueva="caliente",
        item={"precio_unitario": 2, "zona": "b"},
    )  # fmt: skip
    assert event["item"] == {
        "id": 9, "producto_id": None, "producto_nombre": "Sopa", "cantidad": 2, "notas": "caliente", "categoria": None,
        "estado_item": "pendiente", "ronda": 1, "precio_unitario": 2, "subtotal": 4, "zona": "b",
    }  # fmt: skip
    assert (event["cambios"]["cantidad_anterior"], event["cambios"]["cantidad_nueva"], event["total"]) == (
        None,
        2,
        6.75,
    )
    assert [line["id"] for line in (await pos.order(1))["items"]] == [7, 8, 9]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("item_removido", {}),
        ("cantidad_modificada", {"cantidad_nueva": 0}),
        ("item_removido", {"item": {"notas": "x"}}),
    ],
)
async def test_a_removed_line_is_null_and_gone(pos, kind, fields):
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 7, kind, **fields)
    assert event["item"] is None
    assert (event["cambios"]["producto_nombre"], event["cambios"]["cantidad_anterior"]) == ("Pupusa", 2)
    assert event["total"] == 1.25
    assert [line["id"] for line in (await pos.order(1))["items"]] == [8]


async def test_a_line_is_ready_and_pending_again(pos):
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 8, "item_listo")
    assert (event["item"]["estado_item"], event["cambios"]["producto_nombre"]) == ("listo", "Café")
    assert line_states(await pos.order(1)) == ["pendiente", "listo"]
    await change_line(pos, 8, "item_pendiente")
    assert line_states(await pos.order(1)) == ["pendiente", "pendiente"]
    assert (await pos.order(1))["estado"] == "en_mesa"


async def test_a_change_to_a_line_that_nobody_knows(pos):
    await pos.new_order(1, items=LINES)
    event = await change_line(pos, 99, "item_listo", producto_nombre="Sopa")
    assert (event["item"], event["cambios"]["producto_nombre"]) == (None, "Sopa")
    event = await change_line(pos, 99, "notas_modificadas", notas_nueva="x", item={"producto_nombre": "Sopa"})
    assert (event["item"]["id"], event["item"]["producto_nombre"], event["item"]["notas"]) == (99, "Sopa", "x")
    assert [line["id"] for line in (await pos.order(1))["items"]] == [7, 8, 99]


async def test_a_changed_price_is_computed_in_bounds(pos):
    await pos.new_order(1, items=LINES)
    body = {"tipo": "item_modificado", "pedido_id": 1, "item_id": 7, "item": {"precio_unitario": 10**12},
            "cambios": {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 1000}}  # fmt: skip
    answer = await pos.post(body)
    assert (answer.status, list(answer.fields)) == (422, ["item.subtotal"])
    body["item"] = {"subtotal": 10**12}
    answer = await pos.post(body)
    assert (answer.status, list(answer.fields)) == (422, ["item.subtotal"])
    assert pos.head == 1


# pedido_cancelado and alerta_stock


async def test_a_cancelled_order_tells_what_was_being_made(pos):
    await pos.new_order(1, mesa_numero=5, items=LINES)
    await change_line(pos, 8, "item_listo")
    event = await pos.publish("pedido_cancelado", pedido_id=1, razon="se fueron")
    own = {name: event[name] for name in event if name not in ("id", "timestamp", "actor", "salas")}
    assert own == {
        "tipo": "pedido_cancelado", "pedido_id": 1, "version": 3, "razon": "se fueron", "estado_anterior": "en_mesa",
        "items_en_curso": ["Pupusa"], "mesa_numero": 5, "items_pendientes_ids": [7], "items_listos_ids": [8],
    }  # fmt: skip
    event = await pos.publish("pedido_cancelado", pedido_id=99)
    own = {name: event[name] for name in event if name not in ("id", "timestamp", "actor", "salas")}
    assert own == {
        "tipo": "pedido_cancelado", "pedido_id": 99, "version": 1, "razon": None, "estado_anterior": None,
        "items_en_curso": [], "mesa_numero": None, "items_pendientes_ids": [], "items_listos_ids": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "level"),
    [
        ({"stock_actual": 0}, "agotado"), ({"stock_actual": -1}, "agotado"), ({"stock_actual": 0.5}, "bajo"),
        ({}, "bajo"), ({"stock_actual": None}, "bajo"), ({"stock_actual": 0, "nivel": "disponible"}, "disponible"),
        ({"stock_actual": 9, "nivel": "agotado"}, "agotado"),
    ],
)  # fmt: skip
async def test_a_stock_alert_is_completed(pos, sent, level):
    event = await pos.publish("alerta_stock", producto_id=3, nombre="Queso", **sent)
    own = {name: event[name] for name in event if name not in ("id", "timestamp", "actor", "salas")}
    assert own == {
        "tipo": "alerta_stock", "producto_id": 3, "nombre": "Queso", "stock_actual": sent.get("stock_actual"),
        "stock_minimo": None, "nivel": level, "pedidos_afectados": [],
    }  # fmt: skip
    assert "version" not in event
