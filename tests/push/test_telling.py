"""What phones are told, and whose they are: without a service."""

from __future__ import annotations

from typing import Any

import pytest

from pos_notif.push.telling import Message, Person, Waiter, recipients, tell

ANA, LUIS, ROSA, GONE = (
    Person(1, "ana", "mesero", True), Person(2, "luis", "mesero", True), Person(3, "rosa", "manager", True),
    Person(4, "gonzalo", "mesero", False),
)  # fmt: skip
PEOPLE = [ANA, LUIS, ROSA, GONE]


def order(**fields: Any) -> dict[str, Any]:
    lines = [
        {"id": 1, "producto_nombre": "Pupusa de queso", "cantidad": 2, "estado_item": "listo"},
        {"id": 2, "producto_nombre": "Horchata", "cantidad": 1, "estado_item": "pendiente"},
    ]
    return {"id": 5, "numero": 5, "tipo": "mesa", "mesa_numero": 5, "mesa": None, "items": lines, **fields}


def told(pedido: dict[str, Any], *, full: bool = True, **fields: Any) -> Message:
    event = {
        "id": 9, "tipo": "pedido_listo", "pedido_id": 5, "pedido": pedido, "items_listos_ids": [1], "parcial": False,
        **fields,
    }  # fmt: skip
    message = tell(event, {}, "abc-9", full=full, stock=False)
    assert message is not None
    return message


@pytest.mark.parametrize(
    ("fields", "full", "title", "body"),
    [
        ({}, True, "Mesa 5 lista", "2× Pupusa de queso"),
        ({}, False, "Mesa 5: listo", ""),
        ({"mesa": "Terraza 3"}, True, "Terraza 3: listo", "2× Pupusa de queso"),
        ({"tipo": "llevar", "mesa_numero": None, "cliente_nombre": "Sofía", "numero": "C12"}, True,
         "Para llevar, Sofía: listo", "2× Pupusa de queso"),
        # Whoever reads the locked screen does not learn who the guest is.
        ({"tipo": "llevar", "mesa_numero": None, "cliente_nombre": "Sofía", "numero": "C12"}, False,
         "Pedido C12: listo", ""),
    ],
)  # fmt: skip
def test_a_ready_order(fields, full, title, body):
    message = told(order(**fields), full=full)
    assert (message.title, message.body) == (title, body)
    assert (message.tag, message.topic, message.ttl_seconds, message.cursor) == ("pedido-5", "pedido5", 600, "abc-9")
    assert message.path("mesero") == "/pos?pedido=5"


def test_a_part_of_an_order_says_so():
    assert told(order(), parcial=True).title == "Mesa 5 lista en parte"
    assert told(order(), parcial=True, full=False).title == "Mesa 5: listo en parte"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"atiende": {"usuario_id": 2, "username": "Luis", "rol": "mesero"}, "mesero": "Ana"}, {2}),
        ({"mesero": "  ÁNA "}, {1, 2}),  # nobody's name, so it is everybody's who is there
        ({"mesero": "ANA"}, {1}),
        ({"mesero": "Gonzalo"}, {4}),  # who has gone home: that is told to nobody else
        ({}, {1, 2}),
        ({"atiende": {"usuario_id": 77, "username": "Eva", "rol": "mesero"}}, {1, 2}),  # who was deleted
        ({"atiende": {"usuario_id": 3, "username": "Rosa", "rol": "manager"}}, {3}),
    ],
)
def test_whose_a_ready_order_is(fields, names):
    assert recipients(told(order(**fields)), PEOPLE) == names


def test_an_order_that_the_kitchen_has_not_seen_is_its_waiters_and_the_managers():
    event = {"id": 11, "tipo": "sin_acuse", "pedido_ids": [5], "evento_ids": [8], "total": 1}
    message = tell(event, {5: order(mesero="Luis", numero="C7")}, "abc-11", full=False, stock=False)
    assert message is not None
    assert (message.title, message.body) == ("La cocina NO ha visto el pedido C7", "Mesa 5")
    assert (message.tag, message.ttl_seconds, message.path("manager")) == ("acuse", 300, "/manager?pedido=5")
    assert recipients(message, PEOPLE) == {2, 3}
    many = tell(event | {"pedido_ids": list(range(1, 9))}, {}, "abc-11", full=False, stock=False)
    assert many is not None
    assert many.title == "La cocina NO ha visto los pedidos 1, 2, 3, 4, 5 y 3 más"
    assert many.path("mesero") == "/pos"


@pytest.mark.parametrize("full", [False, True])
def test_what_the_kitchen_has_not_seen_is_told_with_its_tables_and_without_a_guest(full):
    def told(*orders: dict[str, Any]) -> tuple[str, str]:
        ids = list(range(1, len(orders) + 1))
        event = {"id": 11, "tipo": "sin_acuse", "pedido_ids": ids, "evento_ids": ids, "total": len(ids)}
        message = tell(event, dict(zip(ids, orders, strict=True)), "abc-11", full=full, stock=False)
        assert message is not None
        return message.title, message.body

    guest = order(numero="C8", tipo="llevar", mesa_numero=None, cliente_nombre="Rosa")
    away = order(numero="C9", tipo="domicilio", mesa_numero=3, cliente_nombre="Rosa", direccion="Calle 7")
    named, again = order(numero="C7", mesa="Terraza 3"), order(numero="C6", mesa="Terraza 3")
    assert told(guest) == ("La cocina NO ha visto el pedido C8", "")
    assert told(away) == ("La cocina NO ha visto el pedido C9", "")
    assert told(named, guest, order(numero="C5"), again) == (
        "La cocina NO ha visto los pedidos C7, C8, C5, C6", "Terraza 3, Mesa 5"
    )  # fmt: skip


def test_rooms_without_a_screen_are_the_managers():
    lost = {
        "id": 3,
        "tipo": "sin_pantalla",
        "sala": "cocina",
        "rol": "cocinero",
        "desde": "2026-11-24T20:47:03.120-06:00",
    }
    message = tell(lost, {}, "abc-3", full=False, stock=False)
    assert message is not None
    assert message.title == "Cocina sin pantalla desde las 20:47"
    assert (message.tag, message.ttl_seconds, message.path("manager")) == ("pantalla-cocina", 900, "/manager")
    assert recipients(message, PEOPLE) == {3}
    back = tell({"id": 4, "tipo": "pantalla_recuperada", "sala": "cajeros"}, {}, "abc-4", full=False, stock=False)
    assert back is not None
    assert (back.title, back.tag) == ("Caja con pantalla otra vez", "pantalla-cajeros")


def test_what_has_run_out_is_told_where_that_is_asked_for():
    event = {"id": 3, "tipo": "alerta_stock", "producto_id": 7, "nombre": "Queso", "nivel": "agotado"}
    message = tell(event, {}, "abc-3", full=False, stock=True)
    assert message is not None
    assert (message.title, message.tag, message.ttl_seconds) == ("Agotado: Queso", "stock-7", 3600)
    assert tell(event, {}, "abc-3", full=False, stock=False) is None
    assert tell(event | {"nivel": "bajo"}, {}, "abc-3", full=False, stock=True) is None


def test_a_name_that_never_ends_leaves_a_message_that_every_push_service_takes():
    from pos_notif.push.posting import payload  # its libraries are an extra's

    lines = [{"id": 1, "producto_nombre": "🍕" * 5000, "cantidad": 2, "estado_item": "listo"}]
    message = told(order(mesa="𐍈" * 5000, items=lines))
    assert len(payload(message, "mesero")) <= 1024
    assert Waiter(None, None) in message.waiters
