"""What the drop-in makes of an old POS's lines: published to a real service, its board is what the POS's tables say."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_notif_client import old_pos
from tests.support.live_server import LiveServer

ORDER_IDS = itertools.count(1)
DISHES = ("Pupusa de queso", "Horchata", "Yuca frita", "Combo familiar")


class Service:
    """A service that hypothesis can name in a line."""

    def __init__(self, server: LiveServer) -> None:
        self.publish, self.request = server.publish, server.request


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = LiveServer(tmp_path_factory.mktemp("old-pos") / "log.db", forked=True)
    yield Service(server.start())
    server.close()


def table_row(line_id: int) -> st.SearchStrategy[dict[str, Any]]:
    """A line as a `leer_pedido` may return it: the less it says, the more often fields come and go."""
    texts = st.one_of(st.none(), st.just(""), st.text(st.characters(exclude_characters="\x00"), max_size=12))
    parts = st.one_of(st.none(), st.lists(st.sampled_from(DISHES), max_size=2))
    return st.fixed_dictionaries(
        {"id": st.just(line_id), "cantidad": st.sampled_from([0, 1, 2, 2.5, Decimal(3), "4", None])},
        optional={
            "producto_id": st.sampled_from([None, 1, 2]),
            "producto_nombre": st.sampled_from([None, *DISHES]),
            "notas": texts,
            "categoria": st.sampled_from([None, "Bebidas", "Comidas"]),
            "precio_unitario": st.sampled_from([None, 0, 0.75, Decimal("1.25")]),
            "subtotal": st.sampled_from([None, 0, 3, 4.5]),
            "componentes": parts,
            "modificadores": parts,
            "dte_json": st.just("{}"),
        },
    )


TABLES = st.lists(st.integers(1, 5), unique=True, max_size=5).flatmap(
    lambda ids: st.tuples(*(table_row(line_id) for line_id in ids)).map(list)
)


def publish(service: Service, order_id: int, changes: list[dict[str, Any]]) -> None:
    events = [{"tipo": "item_modificado", "pedido_id": order_id, **change} for change in changes]
    if events:
        service.publish({"eventos": events})


def board(service: Service, order_id: int) -> dict[int, dict[str, Any]]:
    status, _, answer = service.request("GET", f"/api/pedidos/{order_id}")
    assert status == 200
    return {line["id"]: line for line in answer["pedido"]["items"]}


@given(first=TABLES, steps=st.lists(st.tuples(st.sampled_from([None, "en_cocina", "listo"]), TABLES), max_size=3))
@settings(max_examples=60)
def test_the_board_is_what_the_tables_say(service: Service, first: Any, steps: list[tuple[str | None, Any]]):
    """The kitchen may have made some of it meanwhile."""
    order_id = next(ORDER_IDS)
    said = old_pos.lines_of(first)
    service.publish({"tipo": "nuevo_pedido", "pedido": {"id": order_id, "items": said}})
    for state, table in steps:
        if state is not None:
            service.publish({"tipo": "cambio_estado", "pedido_id": order_id, "estado": state})
        now = old_pos.with_what_is_known(said, old_pos.lines_of(table))
        publish(service, order_id, old_pos.changes_between(said, now))
        said = now
        shown = board(service, order_id)
        lines = old_pos.lines_of(table)
        assert set(shown) == {line["id"] for line in lines}
        for line in lines:
            # The service adds to a line (its state, a sum that it works out), and contradicts nothing.
            on_board = shown[line["id"]]
            assert {name: on_board.get(name) for name in line} == line
            for name in ("notas", "componentes", "modificadores"):  # what is no longer said of these is no more
                assert (on_board.get(name) or None) == line.get(name)


@given(before=TABLES, after=TABLES)
def test_nothing_is_said_twice(before: list[dict[str, Any]], after: list[dict[str, Any]]):
    said = old_pos.lines_of(before)
    now = old_pos.with_what_is_known(said, old_pos.lines_of(after))
    again = old_pos.with_what_is_known(now, old_pos.lines_of(after))
    assert old_pos.changes_between(now, again) == []
    assert old_pos.changes_between(said, old_pos.with_what_is_known(said, old_pos.lines_of(before))) == []


def kinds(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[int, str]]:
    said = old_pos.lines_of(before)
    now = old_pos.with_what_is_known(said, old_pos.lines_of(after))
    return [(change["item_id"], change["cambios"]["tipo_cambio"]) for change in old_pos.changes_between(said, now)]


ROW = {"id": 7, "producto_id": 3, "producto_nombre": "Pupsa", "cantidad": 2, "notas": "sin sal"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cantidad": 3}, ["cantidad_modificada"]),
        ({"notas": None}, ["notas_modificadas"]),
        ({"cantidad": 1, "notas": "con sal"}, ["cantidad_modificada", "notas_modificadas"]),
        ({"cantidad": 0}, ["item_removido"]),
        ({"producto_nombre": "Pupusa"}, ["notas_modificadas"]),  # spelt otherwise: what was made of it stays made
        ({"producto_id": 4, "producto_nombre": "Yuca"}, ["item_removido", "item_agregado"]),
        ({"modificadores": ["sin queso"]}, ["notas_modificadas"]),
        ({"precio_unitario": 0.75}, ["cantidad_modificada"]),
        ({"producto_nombre": None, "categoria": None}, []),
        ({"estado_item": "listo", "iva_monto": 0.2}, []),
    ],
)
def test_a_change_is_told_as_what_it_is(change: dict[str, Any], expected: list[str]):
    assert kinds([ROW], [{**ROW, **change}]) == [(7, kind) for kind in expected]


def test_a_sum_from_before_is_not_said_of_another_quantity():
    """The service prices the line anew, from the price that it knows."""
    said = old_pos.lines_of([{**ROW, "precio_unitario": 1.5, "subtotal": 3}])
    now = old_pos.with_what_is_known(said, old_pos.lines_of([{**ROW, "cantidad": 5}]))
    (change,) = old_pos.changes_between(said, now)
    assert change["item"]["precio_unitario"] == 1.5
    assert "subtotal" not in change["item"]


def test_what_goes_is_told_before_what_comes():
    assert kinds([{**ROW, "id": 1}, {**ROW, "id": 2}], [{**ROW, "id": 2, "cantidad": 9}, {**ROW, "id": 3}]) == [
        (1, "item_removido"), (2, "cantidad_modificada"), (3, "item_agregado"),
    ]  # fmt: skip


def test_lines_without_an_id_get_one_that_is_free():
    assert [line["id"] for line in old_pos.lines_of([{"id": 2}, {}, {"cantidad": 0}, {}, {"id": 9}])] == [2, 1, 3, 9]
    with pytest.raises(ValueError, match="same id"):
        old_pos.lines_of([{"id": 2}, {"id": 2}])


def test_rows_of_a_database_are_read_as_they_come():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute(
        "SELECT 5 AS id, NULL AS producto_id, 3 AS combo_id, 2.0 AS cantidad, 'Combo' AS notas, '8.5' AS subtotal"
    ).fetchone()
    connection.close()
    assert old_pos.lines_of([row]) == [
        {"id": 5, "producto_nombre": "Combo 3", "cantidad": 2, "notas": "Combo", "subtotal": 8.5}
    ]


OLD_CALL = {
    "id": 12, "mesa_numero": 4, "mesa_id": 4, "tipo": "al_final", "cliente_nombre": "", "mesero": "Pedro",
    "subtotal": 15.0, "impuesto": 1.95, "total": 16.95, "estado": "en_mesa", "timestamp": "2026-11-29T12:00:00.123456",
    "items": [],
}  # fmt: skip


def test_when_it_is_paid_is_no_kind_of_service():
    order = old_pos.order_of(OLD_CALL, None)
    assert (order["tipo"], order["tipo_pago"], order["estado"]) == ("mesa", "al_final", "en_mesa")
    order = old_pos.order_of({**OLD_CALL, "tipo": "anticipado", "mesa_id": None, "mesa_numero": None}, None)
    assert (order["tipo"], order["tipo_pago"]) == ("llevar", "anticipado")
    assert old_pos.order_of({**OLD_CALL, "tipo": "domicilio"}, None)["tipo"] == "domicilio"


def test_what_was_read_is_newer_than_the_call_but_for_the_state():
    read = {"total": Decimal("17.10"), "mesa_numero": 40, "estado": "en_cocina", "mesero": None, "dte_xml": "<x/>"}
    order = old_pos.order_of(OLD_CALL, read)
    assert (order["total"], order["mesa_numero"], order["estado"], order["mesero"]) == (17.1, 40, "en_mesa", "Pedro")
    assert "dte_xml" not in order
    assert order["timestamp"] == OLD_CALL["timestamp"]


def test_a_table_that_has_a_name_is_named():
    """What people call it may stand where the old POS has a table's number."""
    assert old_pos.table_of({"mesa_numero": " Terraza 3 "}) == {"mesa": "Terraza 3"}
    assert old_pos.table_of({"mesa_numero": "Terraza 3", "mesa": "Patio"}) == {"mesa": "Patio"}
    assert old_pos.table_of({"mesa_numero": "7"}) == {"mesa_numero": 7}
    assert old_pos.table_of({"mesa_numero": "Salón de la esquina 12"}) == {"mesa": "Salón de la esquina"}


@pytest.mark.parametrize(
    ("called", "read", "expected"),
    [
        ("Terraza 3", None, {"mesa": "Terraza 3"}),
        ("Terraza 3", {"mesa_numero": None}, {"mesa": "Terraza 3"}),
        (4, {"mesa_numero": "Terraza 3"}, {"mesa": "Terraza 3"}),
        ("Terraza 3", {"mesa_numero": 4}, {"mesa_numero": 4}),
        (4, {"mesa": "Terraza 3"}, {"mesa_numero": 4, "mesa": "Terraza 3"}),
    ],
)
def test_a_new_order_stands_at_the_table_that_was_said_last(
    service: Service, called: Any, read: dict[str, Any] | None, expected: dict[str, Any]
):
    order = old_pos.order_of({**OLD_CALL, "id": next(ORDER_IDS), "mesa_numero": called}, read)
    service.publish({"tipo": "nuevo_pedido", "pedido": {**order, "items": []}})
    status, _, answer = service.request("GET", f"/api/pedidos/{order['id']}")
    assert status == 200
    shown = {name: answer["pedido"].get(name) for name in ("mesa_numero", "mesa")}
    assert {name: value for name, value in shown.items() if value is not None} == expected


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text(), max_size=2)
)  # fmt: skip


@given(
    order=st.fixed_dictionaries({}, optional=dict.fromkeys(
        ("numero", "mesa_numero", "mesa", "cliente_nombre", "telefono", "notas", "total", "tipo", "timestamp"), ANYTHING
    )),
    line=st.fixed_dictionaries({}, optional=dict.fromkeys(
        ("id", "producto_id", "nombre", "cantidad", "notas", "precio_unitario", "subtotal", "modificadores"), ANYTHING
    )),
)  # fmt: skip
def test_what_cannot_be_meant_is_left_out(service: Service, order: dict[str, Any], line: dict[str, Any]):
    lines = old_pos.lines_of([line])
    sent = {**old_pos.order_of({**order, "id": next(ORDER_IDS)}, None), "items": lines}
    service.publish({"tipo": "nuevo_pedido", "pedido": sent})


def test_what_is_too_long_is_cut_and_what_is_no_text_is_mended(service: Service):
    order = old_pos.order_of(
        {"id": next(ORDER_IDS), "cliente_nombre": "Ñ" * 500, "notas": "x" * 5000, "mesa": "m" * 99}, None
    )
    order["items"] = old_pos.lines_of([{"nombre": "P" * 500, "notas": "sin \ud83c sal"}])
    service.publish({"tipo": "nuevo_pedido", "pedido": order})
    assert [len(order[name]) for name in ("cliente_nombre", "notas", "mesa")] == [200, 2000, 20]
    assert order["items"][0]["notas"] == "sin ? sal"


def test_a_later_state_is_no_first_one():
    """It has a call of its own; the service takes no other for a new order."""
    assert "estado" not in old_pos.order_of({"id": 1, "estado": "en_cocina"}, None)
    assert old_pos.order_of({"id": 1}, {"estado": "pagado"})["estado"] == "pagado"


def test_a_time_of_the_database_is_kept():
    assert (
        old_pos.order_of({"id": 1, "timestamp": datetime(2026, 11, 29, 12)}, None)["timestamp"] == "2026-11-29T12:00:00"
    )
