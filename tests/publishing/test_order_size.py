"""How large an order may become, and how much one publication may append."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pos_notif.orders import size
from pos_notif.publishing.append import MAX_APPENDED_BYTES
from tests.support.in_process import Answer
from tests.support.pos import Pos, running_pos

KIB = 1024
LIMIT = 512 * KIB
_keys = itertools.count(1)


def lines(count: int, notes: str | None = None, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": number, "producto_nombre": "Pupusa", "notas": notes} for number in range(first, first + count)]


async def act(pos: Pos, accion: str, order_id: int = 1, **fields: Any) -> Answer:
    body = {"accion": accion, "operacion_id": f"op{next(_keys)}", **fields}
    return await pos.request("POST", f"/api/pedidos/{order_id}/acciones", body)


async def done(pos: Pos, accion: str, order_id: int = 1, **fields: Any) -> dict[str, Any]:
    answer = await act(pos, accion, order_id, **fields)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json["pedido"]
    return found


async def refused(pos: Pos, answer: Answer, before: list[Any], **fields: str) -> None:
    assert (answer.status, answer.code, answer.fields) == (422, "pedido_demasiado_grande", fields), answer.text
    assert pos.contents() == before


def change(item_id: int, kind: str, item: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    draft = {"tipo": "item_modificado", "pedido_id": 1, "item_id": item_id, "cambios": {"tipo_cambio": kind, **changes}}
    return draft if item is None else {**draft, "item": item}


def json_size(order: dict[str, Any]) -> int:
    return len(json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode())


@contextmanager
def unlimited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Orders become as large as they did before there was a limit."""
    with monkeypatch.context() as patch:
        patch.setattr(size, "MAX_ITEMS", 10**9)
        patch.setattr(size, "MAX_ORDER_BYTES", 10**12)
        yield


@pytest.fixture
async def menu(pos: Pos) -> int:
    answer = await pos.request("POST", "/api/productos", {"nombre": "Flan", "precio": 2})
    assert answer.status == 201
    return int(answer.json["id"])


# Lines


async def test_a_501st_line_is_refused_whoever_adds_it(pos: Pos, menu: int):
    await pos.new_order(1, items=lines(499))
    assert len((await done(pos, "agregar_item", items=[{"producto_id": menu, "cantidad": 1}]))["items"]) == 500
    before = pos.contents()
    one_more = {"producto_id": menu, "cantidad": 1}
    answer = await act(pos, "agregar_item", items=[one_more])
    await refused(pos, answer, before)
    assert "500 líneas" in answer.text
    for sent in (
        change(501, "item_agregado", producto_nombre="Atol"),
        change(501, "notas_modificadas", {"producto_nombre": "Atol"}, notas_nueva="x"),
    ):
        await refused(pos, await pos.post(sent), before)
    assert len((await done(pos, "quitar_item", item_id=3))["items"]) == 499
    await done(pos, "agregar_item", items=[one_more])
    before = pos.contents()
    await refused(pos, await act(pos, "agregar_item", items=[one_more]), before)


async def test_of_lines_that_are_added_together_none_is_kept_where_one_is_too_many(pos: Pos, menu: int):
    await pos.new_order(1, items=lines(400))
    before = pos.contents()
    many = [{"producto_id": menu, "cantidad": 1}] * 101
    await refused(pos, await act(pos, "agregar_item", items=many), before)
    batch = [change(number, "item_agregado", producto_nombre="Atol") for number in range(401, 502)]
    told = {"eventos.100": "El pedido tendría más de 500 líneas."}
    await refused(pos, await pos.post({"eventos": batch}), before, **told)
    assert (await pos.post({"eventos": batch[:-1]})).status == 201


async def test_a_stub_grows_no_larger_than_an_order(pos: Pos):
    batch = [change(number, "item_agregado", producto_nombre="Atol") for number in range(1, 502)]
    assert (await pos.post({"eventos": batch[:500]})).status == 201
    before = pos.contents()
    await refused(pos, await pos.post(batch[500]), before)
    await pos.new_order(1, items=lines(500))


# Bytes


async def test_512_kib_are_the_most_that_an_order_has(tmp_path):
    """Counted in bytes as they travel, to the byte."""
    async with running_pos(tmp_path / "log.db", max_event_bytes=4 * LIMIT) as pos:
        stored = (await pos.new_order(1, items=[], zona="ñ"))["pedido"]
        # Its version and id have as many digits as the second's.
        room = LIMIT - json_size(stored)
        await pos.new_order(2, items=[], zona="ñ" * (1 + room // 2) + "n" * (room % 2))
        assert json_size(await pos.order(2)) == LIMIT
        before = pos.contents()
        larger = {"id": 3, "items": [], "zona": "ñ" * (1 + room // 2) + "n" * (room % 2) + "n"}
        await refused(pos, await pos.post({"tipo": "nuevo_pedido", "pedido": larger}), before)
        small = {"tipo": "nuevo_pedido", "pedido": {"id": 4}}
        batch = {"eventos": [small, {"tipo": "nuevo_pedido", "pedido": larger}, small]}
        await refused(pos, await pos.post(batch), before, **{"eventos.1": "El pedido pasaría de 512 KiB."})


async def test_people_do_not_make_an_order_larger_either(pos: Pos, menu: int):
    """Two bytes a letter: 125 lines of 2,000 letters are just below 512 KiB."""
    long = {"producto_id": menu, "cantidad": 1, "notas": "ñ" * 2000}
    before = pos.contents()
    sent = {"operacion_id": "op", "tipo": "mesa", "items": [long] * 200}
    answer = await pos.request("POST", "/api/pedidos", sent)
    await refused(pos, answer, before)
    assert "512 KiB" in answer.text
    answer = await pos.request("POST", "/api/pedidos", {**sent, "items": [{**long, "notas": None}, *[long] * 120]})
    assert answer.status == 201  # under the key of what was refused
    order_id = answer.json["pedido"]["id"]
    order = await done(pos, "agregar_item", order_id, items=[*[long] * 4, {**long, "notas": "ñ" * 1000}])
    assert LIMIT - 9 * KIB < json_size(order) < LIMIT
    before = pos.contents()
    for accion, fields in (
        ("agregar_item", {"items": [long] * 2}),
        ("cambiar_notas", {"item_id": 1, "notas": "😀" * 2000}),
    ):
        await refused(pos, await act(pos, accion, order_id, **fields), before)
    await done(pos, "cambiar_notas", order_id, item_id=1, notas="sin sal")


async def test_many_small_changes_fill_an_order_up_to_its_limit(pos: Pos):
    """An order is not encoded for each of them; what is refused would not have fitted."""
    await pos.new_order(1, items=lines(200, "n" * 1000))
    notes = [change(number, "notas_modificadas", notas_nueva="ñ" * 1000) for number in range(1, 201)]
    more = [change(number, "item_agregado", producto_nombre="Atol") for number in range(201, 501)]
    grown = [change(number, "item_listo", {"origen": "x" * 400}) for number in range(1, 501)]
    assert (await pos.post({"eventos": [*notes, *more]})).status == 201
    before = pos.contents()
    answer = await pos.post({"eventos": grown})
    [(path, _)] = answer.fields.items()
    await refused(pos, answer, before, **{path: "El pedido pasaría de 512 KiB."})
    fits = int(path.removeprefix("eventos."))
    assert (await pos.post({"eventos": grown[:fits]})).status == 201
    assert LIMIT - 1000 < json_size(await pos.order(1)) <= LIMIT


async def test_a_lines_own_fields_of_a_publisher_count(pos: Pos):
    await pos.new_order(1, items=lines(2))
    ballast = {"producto_nombre": "Pupusa", "origen": "x" * 200 * KIB}
    for item_id in (1, 2):
        assert (await pos.post(change(item_id, "item_listo", ballast))).status == 201
    before = pos.contents()
    await refused(pos, await pos.post(change(3, "item_agregado", ballast)), before)
    large = {**ballast, "origen": "x" * 250 * KIB}
    assert (await pos.post(change(1, "item_listo", large))).status == 201
    assert json_size(await pos.order(1)) < LIMIT


async def test_an_order_that_is_as_large_as_it_may_be_is_cooked_charged_and_served(tmp_path):
    """Times, reasons and receipts may go beyond: they are no reason to keep a guest from paying."""
    async with running_pos(tmp_path / "log.db", max_event_bytes=4 * LIMIT) as pos:
        stored = (await pos.new_order(1, items=lines(3), tipo="llevar", zona=""))["pedido"]
        for order_id in (2, 3):
            await pos.new_order(order_id, items=lines(3), tipo="llevar", zona="x" * (LIMIT - json_size(stored)))
        for accion, more in (
            ("cobrar", {"metodo_pago": "efectivo"}),
            ("iniciar", {}),
            ("item_listo", {"item_id": 1}),
            ("item_pendiente", {"item_id": 1}),
            ("listo", {}),
            ("recuperar", {"razon": "r" * 2000}),
            ("listo", {}),
            ("servir", {}),
            ("cerrar", {}),
        ):
            order = await done(pos, accion, 2, **more)
            assert json_size(order) > LIMIT, accion
        await pos.publish("pedido_cancelado", pedido_id=3, razon="r" * 2000)
        waiting = (await pos.order(2))["por_acusar"]
        kitchen, body = await pos.service.sign_in("Ana", "cocinero"), {"evento_ids": waiting}
        answer = await pos.request("POST", "/api/notificaciones/acuses", body, cookie=kitchen)
        assert (answer.status, answer.json["nuevos"]) == (200, 1)


async def test_a_larger_order_from_before_is_read_lessened_charged_served_and_cancelled(
    pos: Pos, menu: int, monkeypatch
):
    with unlimited(monkeypatch):
        for order_id in (1, 2):
            await pos.new_order(order_id, items=lines(498, "n" * 300))
            more = [change(number, "item_agregado", {"producto_nombre": "Atol", "notas": "n" * 1500, "cantidad": 2})
                    for number in range(501, 701)]  # fmt: skip
            batch = [{**draft, "pedido_id": order_id} for draft in more]
            assert (await pos.post({"eventos": batch})).status == 201
    large = await pos.order(1)
    assert (len(large["items"]), json_size(large) > LIMIT) == (698, True)
    assert await pos.view("cocina") == {1, 2}
    before = pos.contents()
    for answer in (
        await act(pos, "agregar_item", items=[{"producto_id": menu, "cantidad": 1}]),
        await act(pos, "cambiar_notas", item_id=620, notas="n" * 1501),
        await act(pos, "cambiar_cantidad", item_id=620, cantidad=3),
        await pos.post(change(701, "item_agregado", producto_nombre="Atol")),
        await pos.post(change(620, "item_listo", {"nota_de_cocina": "x"})),
    ):
        await refused(pos, answer, before)
    for accion, fields in (
        ("quitar_item", {"item_id": 1}),
        ("cambiar_cantidad", {"item_id": 620, "cantidad": 1.5}),
        ("cambiar_notas", {"item_id": 620, "notas": "n" * 1499}),
        ("cambiar_notas", {"item_id": 621, "notas": None}),
        ("iniciar", {}),
        ("item_listo", {"item_id": 2}),
        ("item_pendiente", {"item_id": 2}),
        ("listo", {}),
        ("deshacer", {}),
        ("listo", {}),
        ("servir", {}),
        ("cobrar", {"metodo_pago": "tarjeta"}),
    ):
        await done(pos, accion, **fields)
    assert (await pos.order(1))["estado"] == "cerrado"
    assert (await done(pos, "cancelar", 2, razon="se fue"))["estado"] == "cancelado"


# What one publication appends


async def test_a_publication_appends_at_most_16_mib(pos: Pos):
    """Each change of state carries the order: 500 small events of a large one would be 120 MB of log."""
    await pos.new_order(1, items=[], zona="x" * 240 * KIB)
    states = itertools.cycle(("en_cocina", "listo"))
    changes = [{"tipo": "cambio_estado", "pedido_id": 1, "estado": next(states)} for _ in range(500)]
    before = pos.contents()
    answer = await pos.post({"eventos": changes})
    assert (answer.status, answer.code) == (413, "demasiado_grande")
    [(path, problem)] = answer.fields.items()
    assert "16 MiB" in problem
    assert pos.contents() == before
    fits = int(path.removeprefix("eventos."))
    assert (await pos.post({"eventos": changes[: fits + 1]})).status == 413
    assert pos.contents() == before
    assert (await pos.post({"eventos": changes[:fits]})).status == 201
    appended = sum(len(json.dumps(event)) for event in pos.stored_events()[1:])
    assert MAX_APPENDED_BYTES - 300 * KIB < appended < MAX_APPENDED_BYTES + fits * KIB


async def test_one_event_may_pass_the_limit_only_where_its_order_was_larger_already(pos: Pos, monkeypatch):
    with unlimited(monkeypatch):
        await pos.new_order(1, tipo="llevar", zona="x" * 200 * KIB)
        for number in range(2, 6):
            await pos.post(change(number, "item_agregado", {"producto_nombre": "Atol", "origen": "x" * 200 * KIB}))
    monkeypatch.setattr("pos_notif.publishing.append.MAX_APPENDED_BYTES", 200 * KIB)
    before = pos.contents()
    alert = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "zona": "x" * 201 * KIB}
    paid = {"tipo": "cambio_estado", "pedido_id": 1, "estado": "pagado"}
    for body in (
        alert,
        {"eventos": [alert]},
        {"eventos": [{**alert, "zona": "x" * 110 * KIB}] * 2},
        {"eventos": [paid, {**paid, "estado": "en_cocina"}]},
        {"eventos": [{**alert, "zona": ""}, paid]},
    ):
        answer = await pos.post(body)
        assert (answer.status, answer.code) == (413, "demasiado_grande")
    assert pos.contents() == before
    assert (await pos.post(paid)).status == 201  # and the released order
    await done(pos, "listo")
    assert (await pos.post({"eventos": [{**paid, "estado": "servido"}]})).status == 201
