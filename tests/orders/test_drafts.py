"""What a publisher may send: every field's type, and what no JSON reader would get back as it was sent."""

from __future__ import annotations

import copy

import pytest

from pos_notif.errors import Invalid
from pos_notif.orders.drafts import parse_draft
from pos_notif.wire.json_limits import check_json

# One valid event of each type with every declared field.
FULL = {
    "nuevo_pedido": {
        "tipo": "nuevo_pedido", "operacion_id": "k", "timestamp": "ayer", "liberado": False,
        "actor": {"usuario_id": 5, "username": "Ana", "rol": "mesero"},
        "pedido": {
            "id": 1, "numero": "A-7", "mesa_numero": 5, "tipo": "mesa", "tipo_pago": "al_final",
            "cliente_nombre": "Luis", "mesero": "Ana", "notas": "", "estado": "en_mesa", "subtotal": 1.33,
            "impuesto": 0.17, "total": 1.5, "pagado_at": "2026-11-24T19:05:12.345-06:00",
            "items": [
                {
                    "id": 1, "producto_id": 9, "producto_nombre": "Pupusa", "cantidad": 2, "notas": "sin sal",
                    "categoria": "Pupusas", "estado_item": "pendiente", "precio_unitario": 0.75, "subtotal": 1.5,
                }
            ],
        },
    },
    "pedido_listo": {
        "tipo": "pedido_listo", "pedido_id": 1, "items_listos": ["Pupusa"], "items_listos_ids": [1], "parcial": True,
        "mesa_numero": 5, "cliente_nombre": "Luis", "mesero": "Ana", "segundos_cocina": 61.5, "recuperado": False,
        "tipo_servicio": "mesa",
    },
    "cambio_estado": {
        "tipo": "cambio_estado", "pedido_id": 1, "estado": "pagado", "mesa_numero": 5, "tipo_servicio": "llevar",
        "recuperado": False, "metodo_pago": "efectivo", "pagado_at": "2026-11-24T19:05:12Z", "razon": "x",
    },
    "item_modificado": {
        "tipo": "item_modificado", "pedido_id": 1, "item_id": 2, "subtotal": 1, "impuesto": 0, "total": 1,
        "item": {"producto_nombre": "Café", "cantidad": 1},
        "cambios": {
            "tipo_cambio": "cantidad_modificada", "producto_nombre": "Café", "cantidad_anterior": 2,
            "cantidad_nueva": 1, "notas_anterior": None, "notas_nueva": None, "nuevo_total": 1,
        },
    },
    "pedido_cancelado": {
        "tipo": "pedido_cancelado", "pedido_id": 1, "razon": "x", "items_en_curso": ["Café"], "mesa_numero": 5,
    },
    "cambio_mesa": {"tipo": "cambio_mesa", "pedido_id": 1, "mesa_numero": 12},
    "alerta_stock": {
        "tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0, "stock_minimo": 2.5,
        "nivel": "agotado", "pedidos_afectados": [1, 2],
    },
}  # fmt: skip
REQUIRED = {
    "nuevo_pedido": ["pedido", "pedido.id"],
    "pedido_listo": ["pedido_id", "items_listos"],
    "cambio_estado": ["pedido_id", "estado"],
    "item_modificado": ["pedido_id", "item_id", "cambios", "cambios.tipo_cambio"],
    "pedido_cancelado": ["pedido_id"],
    "cambio_mesa": ["pedido_id", "mesa_numero"],
    "alerta_stock": ["producto_id", "nombre"],
}
MAY_BE_TEXT_OR_NUMBER = ("timestamp", "pedido.numero")


def fields_of(value, path=()):
    """The path of every member, and what it holds."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name), member
        yield from fields_of(member, (*path, name))


EVERY_FIELD = [
    pytest.param(tipo, path, id=f"{tipo}-{'.'.join(map(str, path))}")
    for tipo, event in FULL.items()
    for path, _ in fields_of(event)
    if path != ("tipo",)
]


def replaced(tipo, path, value):
    event = copy.deepcopy(FULL[tipo])
    target = event
    for step in path[:-1]:
        target = target[step]
    if value is REMOVED:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return event


REMOVED = object()


def refusal(value, path=""):
    with pytest.raises(Invalid) as caught:
        parse_draft(value, path)
    return caught.value.fields


@pytest.mark.parametrize("tipo", FULL)
def test_an_event_with_every_field_is_taken_as_it_was_sent(tipo):
    sent = copy.deepcopy(FULL[tipo])
    assert parse_draft(sent) is sent
    assert sent == FULL[tipo]


@pytest.mark.parametrize(("tipo", "path"), EVERY_FIELD)
def test_an_object_in_the_place_of_any_field_is_refused_by_its_path(tipo, path):
    name = ".".join(map(str, path))
    wrong = [] if isinstance(_at(FULL[tipo], path), dict) else {"a": 1}
    if name == "items_en_curso.0":
        return  # the kitchen's lines in whatever shape the POS has them
    assert list(refusal(replaced(tipo, path, wrong))) == [name]


@pytest.mark.parametrize(("tipo", "path"), EVERY_FIELD)
def test_another_scalar_in_the_place_of_any_field_is_refused_by_its_path(tipo, path):
    name, value = ".".join(map(str, path)), _at(FULL[tipo], path)
    if name == "items_en_curso.0":
        return
    if name in MAY_BE_TEXT_OR_NUMBER:
        wrong = True
    elif isinstance(value, bool | dict | list | str) or value is None:
        wrong = 1.5
    else:
        wrong = "1"
    assert list(refusal(replaced(tipo, path, wrong))) == [name]


@pytest.mark.parametrize(("tipo", "path"), EVERY_FIELD)
def test_what_is_required_may_not_be_left_out_and_the_rest_may(tipo, path):
    name = ".".join(map(str, path))
    if isinstance(path[-1], int):
        return
    event = replaced(tipo, path, REMOVED)
    if name in REQUIRED[tipo]:
        assert refusal(event) == {name: "falta"}
    else:
        parse_draft(event)


@pytest.mark.parametrize(("tipo", "path"), EVERY_FIELD)
def test_null_is_unknown_and_only_where_the_field_may_be_left_out(tipo, path):
    name = ".".join(map(str, path))
    event = replaced(tipo, path, None)
    if name in REQUIRED[tipo] or (isinstance(path[-1], int) and name != "items_en_curso.0"):
        assert list(refusal(event)) == [name]
    else:
        parse_draft(event)


def _at(value, path):
    for step in path:
        value = value[step]
    return value


@pytest.mark.parametrize(
    ("tipo", "path", "value", "problem"),
    [
        ("nuevo_pedido", ("pedido", "id"), 0, "debe ser 1 o más"),
        ("nuevo_pedido", ("pedido", "id"), -5, "debe ser 1 o más"),
        ("nuevo_pedido", ("pedido", "id"), 2**53, f"debe ser {2**53 - 1} o menos"),
        ("nuevo_pedido", ("pedido", "mesa_numero"), "Terraza 3", "debe ser un número entero; un nombre va en mesa"),
        ("pedido_listo", ("mesa_numero",), "7", "debe ser un número entero; un nombre va en mesa"),
        ("pedido_listo", ("mesa_numero",), 7.5, "debe ser un número entero"),
        ("nuevo_pedido", ("pedido", "id"), 1.0, "debe ser un número entero"),
        ("nuevo_pedido", ("pedido", "id"), True, "debe ser un número entero"),
        ("nuevo_pedido", ("pedido", "id"), "1", "debe ser un número entero"),
        ("nuevo_pedido", ("pedido", "mesa_numero"), -1, "debe ser 0 o más"),
        ("nuevo_pedido", ("pedido", "tipo"), "barra", "debe ser uno de: mesa, llevar, domicilio"),
        ("nuevo_pedido", ("pedido", "estado"), "en_cocina", "debe ser uno de: pendiente_pago, pagado, en_mesa"),
        ("nuevo_pedido", ("pedido", "items", 0, "cantidad"), 0, "debe ser mayor que 0"),
        ("nuevo_pedido", ("pedido", "items", 0, "cantidad"), -1, "debe ser mayor que 0"),
        ("nuevo_pedido", ("pedido", "items", 0, "cantidad"), 1e7, "debe ser 1000000 o menos"),
        ("nuevo_pedido", ("pedido", "items", 0, "cantidad"), True, "debe ser un número"),
        ("nuevo_pedido", ("pedido", "items", 0, "precio_unitario"), 1e13, "debe ser 1000000000000 o menos"),
        ("nuevo_pedido", ("pedido", "notas"), "x" * 2001, "tiene más de 2000 caracteres"),
        ("nuevo_pedido", ("operacion_id",), "", "tiene menos de 1 caracteres"),
        ("nuevo_pedido", ("operacion_id",), "x" * 201, "tiene más de 200 caracteres"),
        ("pedido_listo", ("items_listos",), ["x"] * 501, "tiene más de 500 elementos"),
        ("item_modificado", ("cambios", "cantidad_nueva"), -1, "debe ser 0 o más"),
        ("cambio_estado", ("mesa_numero",), -1, "debe ser 0 o más"),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_spanish(tipo, path, value, problem):
    fields = refusal(replaced(tipo, path, value))
    assert list(fields) == [".".join(map(str, path))]
    assert fields[".".join(map(str, path))] == problem


@pytest.mark.parametrize(
    "time",
    [
        "", "ayer", "2026-11-24", "2026-11-24T19:05:12", "2026-13-01T00:00:00Z", "2026-11-24T19:05:12+25:00",
        "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2026-11-24T19:05:12Z" + " " * 30,
    ],
)  # fmt: skip
def test_a_time_without_offset_or_out_of_every_calendar_is_refused(time):
    for tipo, path in (("cambio_estado", ("pagado_at",)), ("nuevo_pedido", ("pedido", "pagado_at"))):
        name = ".".join(path)
        if len(time) > 40:
            assert refusal(replaced(tipo, path, time)) == {name: "tiene más de 40 caracteres"}
        else:
            assert refusal(replaced(tipo, path, time)) == {name: "debe ser una hora ISO 8601 con su diferencia horaria"}


def test_every_wrong_field_is_named_at_once():
    event = replaced("nuevo_pedido", ("pedido", "id"), "x")
    event["pedido"]["items"].append({"cantidad": "2", "estado_item": "quemado"})
    assert refusal(event, "eventos.3.") == {
        "eventos.3.pedido.id": "debe ser un número entero",
        "eventos.3.pedido.items.1.cantidad": "debe ser un número",
        "eventos.3.pedido.items.1.estado_item": "debe ser uno de: pendiente, listo, servido, cancelado",
    }


def test_two_lines_of_an_order_may_not_have_one_id():
    event = replaced("nuevo_pedido", ("pedido", "items"), [{"id": 1}, {"id": 2}, {"id": 1}])
    assert refusal(event) == {"pedido.items": "dos líneas tienen el mismo id"}
    parse_draft(replaced("nuevo_pedido", ("pedido", "items"), [{}, {}, {"id": 1}]))


@pytest.mark.parametrize("name", ["id", "version", "cursor", "salas", "hash"])
def test_the_services_own_words_are_refused_at_the_top_and_nowhere_else(name):
    event = {**FULL["cambio_estado"], name: 1}
    assert refusal(event, "eventos.0.") == {f"eventos.0.{name}": "lo pone el servicio; no se puede enviar"}
    parse_draft({**FULL["cambio_estado"], "extra": {name: 1}})


@pytest.mark.parametrize("value", [None, 5, "x", [], [{}], True, 1.5])
def test_what_is_no_object_is_no_event(value):
    assert refusal(value) == {"cuerpo": "debe ser un objeto"}
    assert refusal(value, "eventos.2.") == {"eventos.2": "debe ser un objeto"}


PUBLISHABLE = "nuevo_pedido, pedido_listo, cambio_estado, item_modificado, pedido_cancelado, cambio_mesa, alerta_stock"


@pytest.mark.parametrize(
    "tipo",
    ["acuse_recibo", "sin_acuse", "sin_pantalla", "pantalla_recuperada", "descarga", "poda", "", "x", None, 5, [], {}],
)
def test_only_the_seven_types_can_be_published(tipo):
    assert refusal({"tipo": tipo, "pedido_id": 1}) == {"tipo": f"debe ser uno de: {PUBLISHABLE}"}


def test_a_type_is_needed():
    assert refusal({}) == {"tipo": "falta"}


# What not every JSON reader gives back


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


def problem_with(value):
    with pytest.raises(Invalid) as caught:
        check_json(value)
    return caught.value.fields


def test_nesting_is_taken_up_to_16():
    check_json(nested(16))
    check_json({"a": nested(15)})
    assert problem_with(nested(17)) == {".".join("0" * 16): "tiene más de 16 niveles"}
    assert problem_with({"a": {"b": nested(15)}}) == {"a.b" + ".0" * 14: "tiene más de 16 niveles"}


@pytest.mark.parametrize("number", [2**53, -(2**53), 0, 1.5, -1e300, 5e-324, True, None])
def test_numbers_that_every_reader_holds_are_taken(number):
    check_json({"n": number})


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 10**4000])
def test_an_integer_beyond_2_to_the_53_is_refused(number):
    assert problem_with({"a": [1, {"n": number}]}) == {"a.1.n": "pasa de ±2^53"}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_not_finite_is_refused(number):
    assert problem_with({"a": number}) == {"a": "debe ser un número finito"}


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc00\ud800", "\U0001f600\ud83d"])
def test_a_lone_surrogate_is_refused_in_values_and_names(text):
    assert problem_with({"a": [text]}) == {"a.0": "tiene un carácter incompleto (surrogate)"}
    (path,) = problem_with({"a": {text: 1}})
    assert path.startswith("a.")
    path.encode()


def test_every_other_character_is_taken():
    check_json({"\U0001f600 ñ \u0000 \u2028 \ufeff \uffff": "\U0010ffff\r\n\x7f"})


def test_the_refusal_of_a_long_name_is_short():
    (path,) = problem_with({"x" * 10_000: 2**60})
    assert path == "x" * 60
