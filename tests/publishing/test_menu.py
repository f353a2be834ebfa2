"""The menu: what the POS calls a dish, what is hidden, and the menu from a file and as one (docs/protocol.md,
section 9)."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.in_process import Answer, HeldClock, InProcess, in_process

CSV = {"Content-Type": "text/csv"}


class Menu:
    """A service with a token for each role."""

    def __init__(self, service: InProcess) -> None:
        self.service = service

    async def call(self, method: str, path: str = "", body: Any = None, role: str = "manager", **how: Any) -> Answer:
        token = self.service.tokens[role]
        return await self.service.call(method, f"/api/productos{path}", body, token=token, **how)

    async def dishes(self, role: str = "manager") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", role=role)).json["productos"]
        return found

    async def add(self, nombre: str, precio: float = 1, **fields: Any) -> int:
        answer = await self.call("POST", body={"nombre": nombre, "precio": precio, **fields})
        assert answer.status == 201, answer.text
        return int(answer.json["id"])

    async def send(self, text: str | bytes, query: str = "", **how: Any) -> Answer:
        body = text.encode() if isinstance(text, str) else text
        return await self.call("POST", f"/importar{query}", body, **{"headers": CSV, **how})

    async def imported(self, text: str | bytes, query: str = "") -> dict[str, Any]:
        answer = await self.send(text, query)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    async def alerts(self) -> list[tuple[str, str]]:
        """Each alert's dish and level, the oldest first."""
        path = "/api/notificaciones/eventos?tipo=alerta_stock&orden=asc&limite=500"
        found = (await self.service.call("GET", path, token=self.service.manager)).json["eventos"]
        return [(event["nombre"], event["nivel"]) for event in found]


@pytest.fixture
async def menu(tmp_path) -> AsyncIterator[Menu]:
    async with in_process(tmp_path / "log.db", clock=HeldClock()) as service:
        await service.create_tokens()
        yield Menu(service)


# What the POS calls a dish, and what is hidden


async def test_no_two_dishes_have_the_same_id_of_the_pos(menu):
    flan = await menu.add("Flan", id_pos=2**53 - 1)
    water = await menu.add("Agua")
    assert [dish["id_pos"] for dish in await menu.dishes()] == [2**53 - 1, None]
    for answer in (
        await menu.call("POST", body={"nombre": "Té", "precio": 1, "id_pos": 2**53 - 1}),
        await menu.call("PATCH", f"/{water}", {"id_pos": 2**53 - 1}),
    ):
        assert (answer.status, answer.fields) == (422, {"id_pos": "ya lo tiene Flan (1)"})
    assert (await menu.call("PATCH", f"/{flan}", {"id_pos": 2**53 - 1, "precio": 2})).status == 200  # its own
    assert (await menu.call("PATCH", f"/{flan}", {"id_pos": None})).json["id_pos"] is None
    assert (await menu.call("PATCH", f"/{water}", {"id_pos": 2**53 - 1})).json["id_pos"] == 2**53 - 1
    for wrong in (0, -1, 2**53, 1.5, "7", True):
        assert (await menu.call("PATCH", f"/{flan}", {"id_pos": wrong})).status == 422


async def test_dishes_that_change_at_once_keep_their_ids_of_the_pos_apart(menu):
    """In one commit, so that the second is looked for among what is not written yet."""
    ids = [await menu.add(f"Plato {number}") for number in range(8)]
    answers = await asyncio.gather(*(menu.call("PATCH", f"/{dish}", {"id_pos": 5}) for dish in ids))
    assert sorted(answer.status for answer in answers) == [200] + [422] * 7
    assert len([dish for dish in await menu.dishes() if dish["id_pos"] == 5]) == 1


async def test_a_cook_changes_neither_and_oculto_is_never_null(menu):
    await menu.add("Flan")
    for field in ({"id_pos": 7}, {"oculto": True}):
        assert (await menu.call("PATCH", "/1", field, role="cocinero")).status == 403
    assert (await menu.call("PATCH", "/1", {"oculto": None})).fields == {"oculto": "no puede ser null"}


async def test_a_hidden_dish_is_the_managers_alone_and_cannot_be_ordered(menu):
    await menu.add("Flan", oculto=True)
    await menu.add("Agua")
    assert [(dish["nombre"], dish["oculto"]) for dish in await menu.dishes()] == [("Flan", True), ("Agua", False)]
    for role in ("cocinero", "mesero", "cajero"):
        assert [dish["nombre"] for dish in await menu.dishes(role)] == ["Agua"]
    body = {"operacion_id": "1", "tipo": "mesa", "items": [{"producto_id": 1, "cantidad": 1}]}
    order = ("POST", "/api/pedidos", body)
    for token in (menu.service.tokens["mesero"], menu.service.manager):
        answer = await menu.service.call(*order, token=token)
        assert (answer.status, answer.code) == (409, "producto_agotado")
        assert answer.json["error"]["mensaje"] == "Flan: ya no está en el menú."
    assert (await menu.call("PATCH", "/1", {"oculto": False})).status == 200
    placed = await menu.service.call(*order, token=menu.service.manager)
    assert placed.status == 201
    # What has it already goes on; more of it is not ordered.
    await menu.call("PATCH", "/1", {"oculto": True})
    actions = f"/api/pedidos/{placed.json['pedido']['id']}/acciones"
    more = {"accion": "cambiar_cantidad", "operacion_id": "2", "item_id": 1, "cantidad": 2}
    assert (await menu.service.call("POST", actions, more, token=menu.service.manager)).code == "producto_agotado"
    gone = {"accion": "cancelar", "operacion_id": "3", "razon": "x"}
    assert (await menu.service.call("POST", actions, gone, token=menu.service.manager)).status == 200


async def test_nobody_is_alarmed_by_what_is_not_on_the_menu(menu):
    await menu.add("Tamal", stock_actual=0, oculto=True)
    await menu.add("Flan", stock_actual=9, stock_minimo=2)
    await menu.call("PATCH", "/2", {"oculto": True})
    await menu.call("PATCH", "/2", {"stock_actual": 1})
    assert await menu.alerts() == []
    await menu.call("PATCH", "/1", {"oculto": False})
    await menu.call("PATCH", "/2", {"oculto": False})
    assert await menu.alerts() == [("Tamal", "agotado"), ("Flan", "bajo")]


# From a file

FILE = "nombre;precio;id_pos\nFlan;2,50;10\nAgua;1;\nTé;1,25;30\n"


async def test_a_file_is_rehearsed_and_then_imported(menu):
    await menu.add("agua", 0.75, stock_actual=4)
    await menu.add("Té", 1.25, id_pos=30)
    before = await menu.dishes()
    rehearsed = await menu.imported(FILE, "?ensayo=1")
    flan = {
        "nombre": "Flan", "categoria": None, "precio": 2.5, "stock_actual": None, "stock_minimo": None,
        "disponible": True, "id_pos": 10, "oculto": False,
    }  # fmt: skip
    water = {**before[0], "nombre": "Agua", "precio": 1.0}
    assert rehearsed == {
        "filas": 3, "nuevos": 1, "cambian": 1, "iguales": 1, "huella": rehearsed["huella"], "errores": [],
        "cambios": [
            {"fila": 2, "tipo": "nuevo", "producto": {"id": None, **flan}, "antes": {}},
            {"fila": 3, "tipo": "cambia", "producto": water, "antes": {"nombre": "agua", "precio": 0.75}},
        ],
    }  # fmt: skip
    assert await menu.dishes() == before
    done = await menu.imported(FILE, f"?huella={rehearsed['huella']}")
    rehearsed["cambios"][0]["producto"]["id"] = 3
    assert done == rehearsed
    assert await menu.dishes() == [water, before[1], {"id": 3, **flan}]
    again = await menu.imported(FILE)
    assert (again["nuevos"], again["cambian"], again["iguales"], again["cambios"]) == (0, 0, 3, [])


async def test_nothing_is_written_where_a_row_is_wrong(menu):
    text = "nombre;precio;color\n" + "Flan;1;x\n"
    assert (await menu.send(text)).fields == {"1.color": "no es una columna del menú"}
    text = "nombre;precio\nFlan;1\nAgua;gratis\n;2\nTé\n"
    rehearsed = await menu.imported(text, "?ensayo=1")
    assert rehearsed["errores"] == [
        {"fila": 3, "columna": "precio", "mensaje": "no es un número: gratis"},
        {"fila": 4, "columna": "nombre", "mensaje": "falta"},
        {"fila": 5, "columna": "precio", "mensaje": "falta"},
    ]
    assert [change["fila"] for change in rehearsed["cambios"]] == [2]
    for query in ("", f"?huella={rehearsed['huella']}"):
        refused = await menu.send(text, query)
        assert (refused.status, refused.code) == (422, "datos_invalidos")
        assert refused.json["error"]["mensaje"] == "El archivo tiene 3 errores; no se cambió nada."
        assert refused.json["error"]["errores"] == rehearsed["errores"]
        assert list(refused.fields) == ["3.precio", "4.nombre", "5.precio"]
    refused = await menu.send(b"PK\x03\x04")
    assert refused.json["error"]["mensaje"] == "El archivo tiene 1 error; no se cambió nada."
    assert list(refused.fields) == ["cuerpo"]
    assert await menu.dishes() == []


async def test_a_rehearsal_finds_what_the_import_would(menu):
    """Also where a new dish, which has no id yet, is called as one that there is."""
    await menu.add("Té")
    text = "nombre;precio\nTe;2\nTé;1\n"
    rehearsed, refused = await menu.imported(text, "?ensayo=1"), await menu.send(text)
    assert [fault["fila"] for fault in rehearsed["errores"]] == [2]
    assert refused.json["error"]["errores"] == rehearsed["errores"]


async def test_other_changes_than_those_that_were_seen_are_refused(menu):
    await menu.add("Flan", 2, stock_actual=5)
    text = "nombre;precio;stock_actual\nFlan;2;5\nAgua;1;\n"
    seen = (await menu.imported(text, "?ensayo=1"))["huella"]
    order = {"operacion_id": "1", "tipo": "mesa", "items": [{"producto_id": 1, "cantidad": 1}]}
    placed = await menu.service.call("POST", "/api/pedidos", order, token=menu.service.manager)
    assert placed.status == 201
    refused = await menu.send(text, f"?huella={seen}")
    assert (refused.status, refused.code) == (409, "menu_cambiado")
    assert refused.json["error"]["mensaje"] == "El menú cambió mientras tanto; revise los cambios."
    assert [(dish["nombre"], dish["stock_actual"]) for dish in await menu.dishes()] == [("Flan", 4)]
    # Of two who have seen the same, one is told to look again.
    seen = (await menu.imported(text, "?ensayo=1"))["huella"]
    answers = await asyncio.gather(*(menu.send(text, f"?huella={seen}") for _ in range(2)))
    assert sorted(answer.status for answer in answers) == [200, 409]
    assert len(await menu.dishes()) == 2


async def test_an_import_alarms_as_the_same_changes_by_hand_do(menu):
    await menu.add("Flan", stock_actual=9, stock_minimo=2)
    await menu.add("Agua", disponible=False)
    await menu.add("Té", stock_actual=5)
    assert await menu.alerts() == [("Agua", "agotado")]
    await menu.imported(
        "nombre;precio;stock_actual;disponible;oculto\n"
        "Flan;1;2;;\nAgua;1;;hay;\nTé;1;0;;\nTamal;1;0;;x\nYuca;1;;se acabó;\nPan;1;;;\n"
    )
    assert await menu.alerts() == [
        ("Agua", "agotado"), ("Flan", "bajo"), ("Agua", "disponible"), ("Té", "agotado"), ("Yuca", "agotado"),
    ]  # fmt: skip


async def test_ids_of_the_pos_go_round_in_one_import(menu, tmp_path):
    for number, name in enumerate("abc", 1):
        await menu.add(name, id_pos=number)
    await menu.imported("nombre;id_pos\nb;1\nc;2\na;3\n")
    assert [(dish["id"], dish["nombre"], dish["id_pos"]) for dish in await menu.dishes()] == [
        (1, "b", 1), (2, "c", 2), (3, "a", 3),
    ]  # fmt: skip
    await menu.imported("nombre;id_pos\na;\nb;\nc;\n")
    await menu.imported("nombre;id_pos\na;2\nb;3\nc;1\n")
    assert [(dish["id"], dish["id_pos"]) for dish in await menu.dishes()] == [(1, 3), (2, 1), (3, 2)]
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM products WHERE pos_id = 7").fetchall()
    assert "USING INDEX products_pos_id" in plan[0][-1]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?ensayo=1", {"Content-Type": "text/csv; charset=utf-8"}, 200),
        ("", {"Content-Type": "application/octet-stream"}, 200),
        ("?ensayo=0", CSV, 422),
        ("?ensayo=", CSV, 422),
        ("", {"Content-Type": "application/json"}, 415),
        ("", {"Content-Type": "text/plain"}, 415),
        ("", {}, 415),
    ],
)
async def test_what_an_import_may_be(menu, query, headers, status):
    assert (await menu.send("nombre;precio\nFlan;1", query, headers=headers)).status == status
    assert len(await menu.dishes()) == (status == 200 and not query)


async def test_only_a_manager_imports_and_exports(menu):
    for role in ("cocinero", "mesero", "cajero"):
        assert (await menu.send(FILE, role=role)).code == "rol_no_permitido"
        assert (await menu.send(FILE, "?ensayo=1", role=role)).code == "rol_no_permitido"
        assert (await menu.call("GET", "/exportar", role=role)).code == "rol_no_permitido"
    assert await menu.dishes() == []


async def test_a_file_may_have_2_mib(menu):
    row = "Flan;1\n"
    text = "nombre;precio\n" + row + "\n" * (2 * 1024 * 1024 - len("nombre;precio\n" + row))
    assert (await menu.imported(text))["nuevos"] == 1
    refused = await menu.send(text + "\n")
    assert (refused.status, refused.code) == (413, "demasiado_grande")
    assert refused.json["error"]["mensaje"] == "El archivo pasa de 2 MiB."


# As a file


async def test_the_menu_as_a_file_for_a_spreadsheet(menu):
    await menu.add("=1+1", 1.125, categoria='Año; "1"', stock_actual=2.5, id_pos=7)
    await menu.add("Té", 1, oculto=True, disponible=False)
    answer = await menu.call("GET", "/exportar")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="menu-2025-11-24.csv"'
    assert (
        answer.body
        == (
            "﻿nombre;categoria;precio;stock_actual;stock_minimo;disponible;oculto;id_pos\r\n"
            '\'=1+1;"Año; ""1""";1,1250;2,5;;sí;no;7\r\n'
            "Té;;1;;;no;sí;\r\n"
        ).encode()
    )
    again = await menu.imported(answer.body, "?ensayo=1")
    assert (again["iguales"], again["cambios"], again["errores"]) == (2, [], [])


async def test_an_import_goes_into_an_empty_service_and_back(menu):
    rows = [f"Plato {number};Grupo {number % 9};{number % 90},75;{number};{number + 1}" for number in range(2000)]
    text = "nombre;categoria;precio;stock_actual;id_pos\n" + "\n".join(rows)
    assert (await menu.imported(text))["nuevos"] == 2000
    again = await menu.imported((await menu.call("GET", "/exportar")).body)
    assert (again["iguales"], again["cambios"]) == (2000, [])
    dishes = await menu.dishes()
    assert json.dumps(dishes[5]) == json.dumps(
        {
            "id": 6, "nombre": "Plato 5", "categoria": "Grupo 5", "precio": 5.75, "stock_actual": 5.0,
            "stock_minimo": None, "disponible": True, "id_pos": 6, "oculto": False,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 52428800", b""),
        (b"Content-Length: 2097153", b""),
        # One byte more than there may be, and no end.
        (b"Transfer-Encoding: chunked", (b"10000\r\n%b\r\n" % (b"x" * 65_536)) * 32 + b"1\r\nx\r\n"),
    ],
    ids=["of 50 MB", "of 2 MiB and a byte", "of no known length"],
)
def test_what_is_too_large_is_refused_before_it_has_come(server, head, body):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(
            b"POST /api/productos/importar HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
            b"Authorization: Bearer %b\r\n%b\r\n\r\n%b" % (server.token.encode(), head, body)
        )
        assert connection.makefile("rb").readline() == b"HTTP/1.1 413 \r\n"
