"""The manager's log over HTTP and by `pos-notif export` (docs/protocol.md, section 12)."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pos_notif.history.csv_rows import COLUMNS
from pos_notif.history.event_fields import read_event
from pos_notif.history.filters import parse_filters
from pos_notif.history.query import Export, read_log_state
from pos_notif.history.sentences import Service, sentence
from tests.history.test_filters import a_restaurants_log
from tests.support.command_line import call
from tests.support.downloads import asked, readers, rest_of
from tests.support.live_server import LiveServer
from tests.support.logs import fill_log, opened, prune_log, stock_alert
from tests.support.pos import Pos, change_line
from tests.support.sse_client import SseClient
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.workers import children

LOG = "/api/notificaciones/eventos"
HASH = re.compile(r"[0-9a-f]{64}")


async def csv_rows(pos: Pos, query: str = "", delimiter: str = ",") -> list[dict[str, str]]:
    answer = await pos.request("GET", f"{LOG}.csv{query}")
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.body.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


async def lines(pos: Pos, query: str = "") -> tuple[list[bytes], dict[str, Any]]:
    """The events' lines, and the last one."""
    answer = await pos.request("GET", f"{LOG}.ndjson{query}")
    assert answer.status == 200, answer.body
    assert answer.body.endswith(b"\n")
    *events, last = answer.body.splitlines()
    return events, json.loads(last)


def stored_rows(pos: Pos) -> list[tuple[int, str, str]]:
    with opened(pos.path) as connection:
        return connection.execute("SELECT id, hash, data FROM events ORDER BY id").fetchall()


# NDJSON


async def test_ndjson_is_the_stored_bytes_with_their_hashes(pos: Pos):
    await a_restaurants_log(pos)
    rows = stored_rows(pos)
    found, last = await lines(pos)
    previous = "0" * 64
    for line, (_, own, data) in zip(found, rows, strict=True):
        assert line.decode() == f'{data[:-1]},"hash_anterior":"{previous}","hash":"{own}"}}'
        assert hashlib.sha256(previous.encode() + b"\n" + data.encode()).hexdigest() == own
        previous = own
    assert last == {
        "fin": True, "total": len(rows), "completo": True, "cabeza_id": rows[-1][0], "cabeza_hash": previous,
        "ancla_id": 0, "ancla_hash": "0" * 64,
    }  # fmt: skip


async def test_what_filters_leave_keeps_its_hashes(pos: Pos):
    await a_restaurants_log(pos)
    hashes = {event_id: own for event_id, own, _ in stored_rows(pos)}
    found, last = await lines(pos, "?tipo=pedido_listo")
    events = [json.loads(line) for line in found]
    assert {event["tipo"] for event in events} == {"pedido_listo"}
    for event in events:
        assert (event["hash"], event["hash_anterior"]) == (hashes[event["id"]], hashes[event["id"] - 1])
    assert (last["total"], last["completo"], last["cabeza_id"]) == (12, False, max(hashes))


async def test_after_pruning_the_first_line_follows_the_anchor(pos: Pos):
    await a_restaurants_log(pos)
    rows = stored_rows(pos)
    prune_log(pos.path, 10, delete_rows=False)  # not yet deleted: no longer in the log
    for query in ("", "?q=e"):
        found, last = await lines(pos, query)
        first = json.loads(found[0])
        assert (first["id"], first["hash_anterior"]) == (11, rows[9][1])
        assert (last["ancla_id"], last["ancla_hash"]) == (10, rows[9][1])
    assert last["total"] == len(found)
    with opened(pos.path) as connection:  # so that the fixture's fold sees the whole log
        connection.execute(f"UPDATE log SET oldest = 1, anchor_hash = '{'0' * 64}'")


async def test_a_download_goes_on_where_it_broke_off(pos: Pos):
    await a_restaurants_log(pos)
    whole, _ = await lines(pos)
    rest, last = await lines(pos, "?desde_id=20")
    note = pos.stored(len(whole) + 1)  # of the first one
    assert note["tipo"] == "descarga"
    assert [json.loads(line)["id"] for line in rest] == list(range(21, len(whole) + 2))
    assert whole[20:] == rest[:-1]
    assert (last["total"], last["completo"], last["cabeza_id"]) == (len(whole) + 1, True, note["id"])
    assert pos.head == note["id"]  # a continuation is not noted


async def test_a_download_above_the_head_is_a_last_line(pos: Pos):
    await pos.new_order(1)
    for after in (1, 2, 500, 2**53 - 1):
        found, last = await lines(pos, f"?desde_id={after}")
        assert (found, last["total"], last["completo"], last["cabeza_id"]) == ([], 1, True, 1)
        assert await csv_rows(pos, f"?desde_id={after}") == []
        table = await pos.get(f"{LOG}?desde_id={after}")
        assert (table["eventos"], table["total"], table["hay_mas"]) == ([], 0, False)


# What a download leaves in the log, and its head


async def test_a_download_is_noted_and_is_not_in_itself(pos: Pos):
    await pos.new_order(1)
    await pos.new_order(2)
    head = stored_rows(pos)[-1]
    answer = await pos.request("GET", f"{LOG}.csv?pedido_id=1&q=&separador=punto_y_coma")
    assert answer.headers["X-Registro-Cabeza"] == f"{head[0]} {head[1]}"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="registro-2026-11-24.csv"'
    assert "no-store" in answer.headers["Cache-Control"]
    note = pos.last()
    assert {name: note[name] for name in ("tipo", "formato", "filtros", "filas", "salas")} == {
        "tipo": "descarga", "formato": "csv", "filtros": {"pedido_id": "1"}, "filas": 1, "salas": ["managers"],
    }  # fmt: skip
    assert note["actor"] == {"usuario_id": None, "username": "caja-pos", "rol": "manager"}
    assert b"descarga" not in answer.body


async def test_head_a_table_and_a_refusal_note_nothing(pos: Pos):
    await pos.new_order(1)
    for suffix in (".csv", ".ndjson"):
        answer = await pos.request("HEAD", LOG + suffix)
        assert (answer.status, answer.body) == (200, b"")
        assert re.fullmatch(r"1 [0-9a-f]{64}", answer.headers["X-Registro-Cabeza"])
        refused = await pos.request("GET", f"{LOG}{suffix}?dia=hoy&desde_id=x&separador=tab")
        assert (refused.status, refused.code, list(refused.fields)) == (422, "datos_invalidos", ["dia"])
    await pos.get(LOG)
    assert pos.head == 1


async def test_an_empty_log_is_a_last_line(pos: Pos):
    found, last = await lines(pos)
    assert (found, last["total"], last["cabeza_id"]) == ([], 0, 0)


async def test_an_empty_log_is_a_head(pos: Pos):
    assert await csv_rows(pos) == []


# CSV


async def test_csv_has_the_columns_and_a_sentence_for_each_event(pos: Pos):
    await a_restaurants_log(pos)
    answer = await pos.request("GET", LOG + ".csv")
    assert answer.body.startswith(b"\xef\xbb\xbfid,fecha_local,")
    assert b"\r\n" in answer.body
    assert b"\n" not in answer.body.replace(b"\r\n", b"")
    rows = await csv_rows(pos)
    assert tuple(rows[0]) == COLUMNS
    assert [row["datos_json"] for row in rows][: len(rows) - 1] == [data for _, _, data in stored_rows(pos)][:-2]
    changed = next(row for row in rows if row["tipo"] == "item_modificado")
    assert changed == changed | {
        "id": "3", "fecha_local": "2026-11-24", "hora_local": "19:05:12.345",
        "timestamp_utc": "2026-11-25T01:05:12.345+00:00", "dia_negocio": "2026-11-24",
        "descripcion": "Mesa 1: 2→3 Pupusa", "pedido_id": "1", "mesa": "1", "tipo_servicio": "mesa",
        "item_id": "1", "producto": "Pupusa", "cantidad_anterior": "2", "cantidad_nueva": "3", "usuario_id": "6",
        "usuario": "Ana", "rol": "cocinero", "salas": "cocina meseros managers pedido_1",
    }  # fmt: skip
    assert [row["descripcion"] for row in rows if not row["descripcion"]] == []
    assert rows[-1]["descripcion"] == f"Descarga del registro en csv, {len(rows) - 1} eventos"
    late = next(row for row in rows if row["fecha_local"] == "2026-11-25" and row["hora_local"] < "04")
    assert late["dia_negocio"] == "2026-11-24"
    ready = next(row for row in rows if row["tipo"] == "pedido_listo" and row["tipo_servicio"] == "llevar")
    assert (ready["mesa"], ready["descripcion"]) == ("", "Para llevar, 4: listo en parte, 3 Pupusa")


async def test_csv_reads_back_what_people_write(pos: Pos):
    note = 'Jalapeño, "extra"\nsin cebolla'
    await pos.new_order(1, cliente_nombre=note, tipo="llevar", tipo_pago="al_final")
    await pos.publish("pedido_cancelado", pedido_id=1, razon=f"{note}\r\n; fin")
    for query, delimiter in (("", ","), ("?separador=punto_y_coma", ";")):
        rows = await csv_rows(pos, query, delimiter)
        assert rows[0]["cliente"] == note
        assert rows[1]["razon"] == f"{note}\r\n; fin"
        assert json.loads(rows[1]["datos_json"])["razon"] == f"{note}\r\n; fin"


FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", "\rx"]
NUMBERS = {"id", "pedido_id", "mesa", "item_id", "cantidad_anterior", "cantidad_nueva", "usuario_id"}


@pytest.mark.parametrize("text", FORMULAS)
async def test_a_text_is_never_a_formula(pos: Pos, text: str):
    """In every column that a publisher's text reaches, also by a field that is unknown to its type."""
    extra = {
        name: text
        for name in ("item_id", "estado", "estado_anterior", "tipo_servicio", "cliente_nombre", "mesa_numero", "razon")
    }
    actor = {"usuario_id": 7, "username": text, "rol": text}
    await pos.publish("alerta_stock", producto_id=1, nombre=text, operacion_id="-1", actor=actor, **extra)
    await pos.publish(
        "item_modificado", pedido_id=1, item_id=7,
        cambios={"tipo_cambio": "notas_modificadas", "producto_nombre": text, "notas_nueva": text},
    )  # fmt: skip
    rows = (await csv_rows(pos))[:2]
    cells = {name for row in rows for name, cell in row.items() if cell == f"'{text}"}
    assert cells >= {"usuario", "rol", "producto", "razon", "item_id", "mesa", "tipo_servicio", "cliente"}
    assert rows[0]["operacion_id"] == "'-1"
    for row in rows:
        assert [name for name, cell in row.items() if cell[:1] in tuple("=+-@\t\r")] == []
    assert (rows[0]["usuario_id"], rows[1]["item_id"]) == ("7", "7")


async def test_numbers_stay_numbers(pos: Pos):
    await pos.new_order(1, mesa_numero=5, items=[{"id": 1, "producto_nombre": "Queso, libra", "cantidad": 1.5}])
    await change_line(pos, 1, "cantidad_modificada", cantidad_nueva=-0.0)
    row = (await csv_rows(pos, "?tipo=item_modificado"))[0]
    assert {name: row[name] for name in NUMBERS} == {
        "id": "2", "pedido_id": "1", "mesa": "5", "item_id": "1", "cantidad_anterior": "1.5", "cantidad_nueva": "0",
        "usuario_id": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "damaged", ['{"id":1,=', '{"actor":"x","tipo":', '{"id":1,"salas":[', "5", "", b'{"tipo":"\xff"}']
)
async def test_a_damaged_row_is_told_as_far_as_it_can_be(pos: Pos, damaged: str | bytes):
    await pos.new_order(1, mesa_numero=5)
    state = (await pos.new_order(2, mesa_numero=5))["pedido"]["estado"]
    with opened(pos.path) as connection:
        (whole,) = connection.execute("SELECT data FROM events WHERE id = 1").fetchone()
        connection.execute("UPDATE events SET data = CAST(? AS TEXT) WHERE id = 1", (damaged,))
    answer = await pos.request("GET", LOG + ".csv?hasta=2026-11-24")
    assert answer.body.count(b"\r\n") == 3
    first = answer.body.splitlines()[1]
    assert first.startswith(b"1,2026-11-24,19:05:12.345,")
    stored = damaged if isinstance(damaged, bytes) else damaged.encode()
    assert first.endswith(b',"%b"' % stored.replace(b'"', b'""'))
    assert [event["id"] for event in map(json.loads, (await lines(pos, "?q=pupusa&hasta=2026-11-24"))[0])] == [2]
    for query in ("mesa=5", "rol=manager", "usuario=caja-pos", f"estado={state}"):
        table = await pos.get(f"{LOG}?{query}")
        assert 2 in [event["id"] for event in table["eventos"]], query
        assert 1 not in [event["id"] for event in table["eventos"]] or query == "mesa=5"  # its order still knows it
    table = await pos.get(f"{LOG}?orden=asc&limite=2")
    assert table["eventos"][0] == {"id": 1, "timestamp": "2026-11-24T19:05:12.345-06:00"}
    assert table["descripciones"] == ["Evento dañado", "Mesa 5: pedido nuevo, 2 Pupusa"]
    with opened(pos.path) as connection:
        connection.execute("UPDATE events SET data = ? WHERE id = 1", (whole,))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"tipo": "nuevo_pedido", "pedido": {"estado": "pendiente_pago"}}, "Mesa 5: pedido nuevo, por cobrar"),
        ({"tipo": "nuevo_pedido", "liberado": True, "pedido": {"items": [{"cantidad": 2.0, "producto_id": 3}]}},
         "Mesa 5: pagado, pasa a cocina, 2 producto 3"),
        ({"tipo": "cambio_estado", "estado_anterior": "listo", "estado": "en_cocina", "recuperado": True,
          "razon": "venían frías"}, "Mesa 5: listo → en cocina, recuperado, venían frías"),
        ({"tipo": "cambio_estado", "estado_anterior": "listo", "estado": "listo", "metodo_pago": "efectivo",
          "pedido": {"total": 1234.5}}, "Mesa 5: pago efectivo $1,234.50"),
        ({"tipo": "cambio_estado", "estado": "listo", "estado_anterior": "listo"}, "Mesa 5: listo"),
        ({"tipo": "item_modificado", "item_id": 4, "cambios": {"tipo_cambio": "item_agregado", "cantidad_nueva": 1}},
         "Mesa 5: se agregó 1 línea 4"),
        ({"tipo": "nuevo_pedido", "pedido": {"notas": "Para  compartir.", "items": [
            {"cantidad": 1, "producto_nombre": "Café", "notas": "s/ azúcar, leche"},
            {"cantidad": 1, "producto_nombre": "Té", "notas": " "}]}},
         "Mesa 5: pedido nuevo, 1 Café (s/ azúcar, leche), 1 Té, nota: Para  compartir."),
        ({"tipo": "item_modificado", "item": {"notas": "Alergia: maní"},
          "cambios": {"tipo_cambio": "item_agregado", "cantidad_nueva": 1, "producto_nombre": "Café"}},
         "Mesa 5: se agregó 1 Café (Alergia: maní)"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_removido", "producto_nombre": "Café"}},
         "Mesa 5: se quitó Café"),
        ({"tipo": "item_modificado", "item": None, "cambios": {"tipo_cambio": "item_removido", "cantidad_anterior": 1,
          "producto_nombre": "Hamburguesa", "notas_anterior": "sin cebolla"}},
         "Mesa 5: se quitó 1 Hamburguesa (sin cebolla)"),
        *(({"tipo": "item_modificado", "item": {"notas": "sin cebolla"}, "cambios": {
            "tipo_cambio": kind, "producto_nombre": "Hamburguesa", "cantidad_anterior": 1, "cantidad_nueva": 2}}, said)
          for kind, said in (("item_agregado", "Mesa 5: se agregó 2 Hamburguesa (sin cebolla)"),
                             ("cantidad_modificada", "Mesa 5: 1→2 Hamburguesa (sin cebolla)"),
                             ("item_listo", "Mesa 5: lista la hamburguesa (sin cebolla)"),
                             ("item_pendiente", "Mesa 5: Hamburguesa (sin cebolla), otra vez pendiente"))),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "cantidad_modificada", "producto_nombre": "Café"}},
         "Mesa 5: ?→? Café"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "notas_modificadas", "producto_nombre": "Café",
          "notas_nueva": "sin azúcar"}}, "Mesa 5: Café, nota: — → sin azúcar"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_listo", "producto_nombre": "Café"}},
         "Mesa 5: listo, Café"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_pendiente", "producto_nombre": "Café"}},
         "Mesa 5: Café, otra vez pendiente"),
        ({"tipo": "pedido_cancelado"}, "Mesa 5: cancelado"),
        ({"tipo": "pedido_listo", "items_listos": ["Café", "Té"], "items_listos_ids": [1, 3],
          "pedido": {"items": [{"id": number, "cantidad": number + 1, "producto_nombre": name}
                               for number, name in ((1, "Café"), (2, "Agua"), (3, "Té"))]}},
         "Mesa 5: listo, 2 Café, 4 Té"),
        ({"tipo": "pedido_listo", "items_listos": ["Café", "Té"], "parcial": True}, "Mesa 5: listo en parte, Café, Té"),
        ({"tipo": "alerta_stock", "nombre": "Loroco", "nivel": "bajo", "stock_actual": 12.0, "stock_minimo": 20},
         "Loroco: queda poco, quedan 12, mínimo 20"),
        ({"tipo": "alerta_stock", "nombre": "Ayote", "nivel": "agotado", "stock_actual": 0}, "Ayote: se acabó"),
        ({"tipo": "acuse_recibo", "evento_id": 9, "segundos": 4}, "Mesa 5: cocina lo vio, a los 4 s"),
        ({"tipo": "sin_acuse", "total": 1, "segundos": 12}, "Cocina no ha visto 1 aviso, el más viejo de hace 12 s"),
        ({"tipo": "sin_acuse", "total": 3, "segundos": 12, "pedido_ids": [2, 7]},
         "Cocina no ha visto 3 avisos (números internos 2, 7), el más viejo de hace 12 s"),
        ({"tipo": "sin_acuse", "total": 12, "segundos": 9, "pedido_ids": list(range(1, 13))},
         "Cocina no ha visto 12 avisos (números internos " + ", ".join(map(str, range(1, 11)))
         + " y 2 más), el más viejo de hace 9 s"),
        ({"tipo": "sin_pantalla", "rol": "cocinero", "timestamp": "2026-11-24T19:05:37.345-06:00",
          "desde": "2026-11-24T19:05:12.345-06:00"}, "La pantalla de cocina no responde desde hace 25 s"),
        ({"tipo": "pantalla_recuperada", "rol": "cajero", "segundos": 35},
         "La caja tiene pantalla otra vez, después de 35 s"),
        ({"tipo": "sin_pantalla", "rol": "mesero", "desde": 5}, "Ningún mesero tiene pantalla"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_listo", "producto_nombre": "Agua de coco"}},
         "Mesa 5: lista el agua de coco"),
        ({"tipo": "item_modificado", "cambios": {"tipo_cambio": "item_listo", "producto_nombre": "Frijoles"}},
         "Mesa 5: listo, Frijoles"),
        ({"tipo": "descarga", "formato": "csv", "filas": 3, "filtros": {"mesa": "5"}},
         "Descarga del registro en csv, 3 eventos (mesa 5)"),
        ({"tipo": "descarga", "formato": "csv", "filas": 3, "filtros": {
            "estado": "en_cocina", "asunto": "quitado", "tipo": "item_modificado", "rol": "manager", "sala": "cajeros",
            "pedido_id": "7"}},
         "Descarga del registro en csv, 3 eventos (pasó a en cocina, solo quitados, tipo Cambio, rol encargado,"
         " para caja, código del pedido 7)"),
        ({"tipo": "poda", "filas": 10, "hasta_id": 90}, "Se quitaron 10 eventos viejos del registro, hasta el 90"),
        ({"tipo": "de_otra_version"}, ""),
        # Members of other types than an event of ours has: added by a publisher, or of a damaged log.
        ({"tipo": "alerta_stock", "nombre": "Loroco", "nivel": "agotado", "pedido": "x", "cambios": 5, "actor": [],
          "item": 7}, "Loroco: se acabó"),
        ({"tipo": "nuevo_pedido", "pedido": {"items": [3, {"cantidad": 1, "producto_nombre": "Té"}]}},
         "Mesa 5: pedido nuevo, 1 Té"),
        ({"tipo": "nuevo_pedido", "pedido": {"items": 3}}, "Mesa 5: pedido nuevo"),
        ({"tipo": "item_modificado", "item": 3, "cambios": {"tipo_cambio": "item_listo", "producto_nombre": "Té"}},
         "Mesa 5: listo, Té"),
        ({"tipo": {}}, ""),
        ({"tipo": "pedido_cancelado", "salas": 5}, ""),
    ],
)  # fmt: skip
def test_sentences(event: dict[str, Any], said: str):
    assert sentence(read_event(json.dumps(event).encode()), Service(table=5)) == said


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"tipo": "nuevo_pedido", "pedido": {"estado": "en_mesa"}}, "vio el pedido"),
        ({"tipo": "nuevo_pedido", "liberado": True}, "vio el pedido"),
        ({"tipo": "item_modificado", "item": {"notas": "sin sal"}, "cambios": {
            "tipo_cambio": "item_agregado", "cantidad_nueva": 2, "producto_nombre": "Yuca"}},
         "vio el cambio: se agregó 2 Yuca (sin sal)"),
        ({"tipo": "cambio_mesa", "mesa_numero": 5}, "vio el cambio de mesa"),
        ({"tipo": "pedido_cancelado"}, "vio la cancelación"),
        ({"tipo": "cambio_estado", "estado": "cancelado"}, "vio la cancelación"),
        ({"tipo": "cambio_estado", "estado": "en_mesa", "deshecho": True, "deshace": "cancelar", "recuperado": False},
         "vio que ya no se cancela"),
        ({"tipo": "cambio_estado", "estado": "en_cocina", "por_hacer": True, "recuperado": True}, "vio lo devuelto"),
        ({"tipo": "cambio_estado", "estado": "en_cocina", "por_hacer": True, "ronda": 2}, "vio la 2.ª ronda"),
        ({"tipo": "cambio_estado", "estado": "en_cocina", "por_hacer": True}, "vio el pedido"),
    ],
)  # fmt: skip
def test_a_receipt_tells_what_was_seen(seen: dict[str, Any], said: str):
    receipt = read_event(b'{"tipo":"acuse_recibo","evento_id":9,"segundos":4}')
    of = read_event(json.dumps(seen).encode())
    assert sentence(receipt, Service(table=5, seen=of)) == f"Mesa 5: cocina {said}, a los 4 s"


def test_an_order_without_a_table_is_named_as_well_as_it_can_be():
    assert str(Service(kind="llevar", customer="Ana", number=7)) == "Para llevar, Ana"
    assert str(Service(kind="llevar", number=7)) == "Para llevar, 7"
    assert str(Service(number=7)) == "Pedido 7"


# The table


async def test_the_table_is_newest_first_and_is_paged_by_its_cursor(pos: Pos):
    await a_restaurants_log(pos)
    rows = stored_rows(pos)
    first = await pos.get(f"{LOG}?limite=3")
    assert [event["id"] for event in first["eventos"]] == [row[0] for row in reversed(rows[-3:])]
    assert "salas" not in first["eventos"][0]
    assert first["descripciones"][0] == "Mesa 1: cancelado → listo, se deshizo la cancelación"
    assert (first["numeros"][0], len(first["numeros"])) == ("C11", len(first["eventos"]))
    assert (first["total"], first["hay_mas"]) == (len(rows), True)
    assert (first["cabeza_id"], first["cabeza_hash"]) == (rows[-1][0], rows[-1][1])
    following = await pos.get(f"{LOG}?limite=500&cursor={first['cursor']}")
    assert [event["id"] for event in following["eventos"]] == [row[0] for row in reversed(rows[:-3])]
    assert (following["total"], following["hay_mas"]) == (len(rows), False)
    oldest = await pos.get(f"{LOG}?limite=2&orden=asc&tipo=pedido_listo")
    assert [event["tipo"] for event in oldest["eventos"]] == ["pedido_listo"] * 2
    more = await pos.get(f"{LOG}?limite=2&orden=asc&tipo=pedido_listo&cursor={oldest['cursor']}")
    assert more["eventos"][0]["id"] > oldest["eventos"][1]["id"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limite=0", "limite"), ("limite=501", "limite"), ("orden=x", "orden"), ("cursor=x", "cursor"),
     ("cursor=otro1-3", "cursor"), ("desde_id=x", "desde_id"), ("mesa=a%0Ab", "mesa")],
)  # fmt: skip
async def test_a_table_that_cannot_be_is_refused(pos: Pos, query: str, field: str):
    answer = await pos.request("GET", f"{LOG}?{query}")
    assert (answer.status, answer.code, list(answer.fields)) == (422, "datos_invalidos", [field])


async def test_a_page_of_large_events_is_short(pos: Pos):
    for number in range(1, 9):
        await pos.publish("alerta_stock", producto_id=number, nombre="Queso", extra="x" * 200_000)
    table = await pos.get(f"{LOG}?limite=8")
    assert (len(table["eventos"]), table["hay_mas"], table["total"]) == (6, True, 8)


# A download that is long, and a client that is slow


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8,000 events of 3 KB: more than all the buffers between the log and a client."""
    path = tmp_path_factory.mktemp("long") / "log.db"
    fill_log(path, [stock_alert(1, relleno="x" * 3000)] * 8000)
    return path


@pytest.fixture
def busy(long_log: Path, tmp_path: Path, make_server: Callable[..., LiveServer]) -> LiveServer:
    copy = tmp_path / "log.db"
    shutil.copy(long_log, copy)
    # Whoever reads slowly in these tests is not cut, however slow the machine is.
    return make_server(copy, write_timeout_seconds="3600")


@contextlib.contextmanager
def reading_slowly(client: socket.socket) -> Iterator[None]:
    """Takes so little that the download stays under way for minutes, and so often that the kernel, which gives up after
    eight seconds without progress, does not take it for gone."""
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.2):
            client.recv(8192)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()


def test_a_client_that_goes_away_ends_the_reading(busy: LiveServer):
    name = str(uuid.uuid4())
    with asked(busy, f"{LOG}.ndjson?descarga={name}") as client:
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        (process,) = eventually(lambda: readers(busy))
        (told,) = busy.request("GET", "/api/notificaciones/descargas")[2]["descargas"]
        assert (told["descarga"], told["formato"], told["estado"]) == (name, "ndjson", "en_curso")
        assert 0 <= told["enviadas"] < told["filas"] == 8_000
    eventually(lambda: not Path(f"/proc/{process}").exists())
    (told,) = busy.request("GET", "/api/notificaciones/descargas")[2]["descargas"]
    assert told["estado"] == "interrumpida"


def test_clients_that_go_away_at_the_last_line_leave_nothing(busy: LiveServer):
    """A client needs no last chunk to see that the file is whole."""
    for _ in range(12):
        with asked(busy, f"{LOG}.ndjson?desde_id=7990") as client:
            body = b""
            while b'"fin":true' not in body:
                body += client.recv(65536)
                assert b" 503 " not in body[:20], body
    eventually(lambda: not readers(busy))
    eventually(lambda: not [line for line in thread_names(busy) if line.startswith("download")])
    assert busy.request("GET", f"{LOG}.csv?desde_id=7990")[0] == 200


def thread_names(server: LiveServer) -> list[str]:
    names = []
    for process in server.processes():
        for file in Path(f"/proc/{process}/task").glob("*/comm"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
                names.append(file.read_text())
    return names


async def test_a_download_that_is_cancelled_while_it_starts_leaves_no_process(pos: Pos):
    services = pos.service.app.extensions["pos_notif"]
    principal = await services.accounts.find("token", pos.token)
    state = await services.log.database.read(read_log_state)
    zone = services.log.zone
    export = Export("ndjson", parse_filters({}, zone), "coma", 0, state, zone)
    before = children(os.getpid())  # those of other tests, as multiprocessing's, which stays for good
    for turns in (1, 1, 2, 3):
        starting = asyncio.create_task(services.downloads.start(export, None, principal))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        while [thread for thread in threading.enumerate() if thread.name.startswith("download")]:
            await asyncio.sleep(0.01)
        assert children(os.getpid()) <= before
    assert {progress.state for progress in services.downloads.progress} == {"interrumpida"}
    assert services.connections.downloads == set()


def test_a_running_download_stays_listed_while_others_come_and_go(long_log: Path, tmp_path: Path, make_server):
    shutil.copy(long_log, tmp_path / "log.db")
    busy = make_server(tmp_path / "log.db", write_timeout_seconds="600")  # however long the others take
    name = str(uuid.uuid4())
    with asked(busy, f"{LOG}.ndjson?descarga={name}") as client, reading_slowly(client):
        for _ in range(21):
            assert busy.request("GET", f"{LOG}.csv?desde_id=8000&tipo=poda")[0] == 200
        listed = busy.request("GET", "/api/notificaciones/descargas")[2]["descargas"]
        assert [told["estado"] for told in listed] == ["completa"] * 20 + ["en_curso"]
        assert listed[-1]["descarga"] == name


def test_a_slow_client_holds_no_memory_and_no_checkpoint(busy: LiveServer):
    """Publishing goes on, its log is written back into the database, and the rest of the download is as it was."""
    before = busy.memory_kb()
    with SseClient(busy, "manager") as stream, asked(busy, f"{LOG}.ndjson") as client:
        assert stream.next_event().data["tipo"] == "descarga"
        client.recv(100)
        eventually(lambda: readers(busy))
        busy.publish({"eventos": [stock_alert(2)] * 5})
        assert [frame.data["producto_id"] for frame in stream.take(5)] == [2] * 5
        with opened(busy.database) as connection:
            assert eventually(lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        assert busy.memory_kb() - before < 8 * 1024
        body = rest_of(client)
    assert body.endswith(b"\r\n0\r\n\r\n")
    assert b'{"fin":true,"total":8000,' in body
    assert b'"producto_id":2' not in body


def test_what_is_pruned_while_it_is_read_ends_the_download_as_broken(busy: LiveServer):
    with asked(busy, f"{LOG}.ndjson", receive_buffer=4096) as client:
        client.recv(100)
        prune_log(busy.database, 7_990)
        body = rest_of(client)
    assert b'"fin"' not in body
    assert not body.endswith(b"\r\n0\r\n\r\n")
    assert eventually(lambda: [line for line in busy.stderr_lines if "pruned before they were read" in line])
    assert [line for line in busy.stderr_lines if "Traceback" in line] == []


@pytest.mark.one_process(reason="workers tell each other within a second how many downloads they have")
def test_too_many_downloads_at_once_are_refused(busy: LiveServer):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(asked(busy, f"{LOG}.ndjson", receive_buffer=4096))
            client.recv(10)
        status, _, answer = busy.request("GET", f"{LOG}.csv")
        assert (status, answer["error"]["codigo"]) == (503, "sin_capacidad")
    eventually(lambda: busy.request("GET", f"{LOG}.csv?tipo=poda")[0] == 200)


def test_too_many_downloads_at_once_are_refused_whichever_worker_is_asked(long_log, tmp_path, make_server):
    """Each worker begins as many as one alone would, until it is told of the others'; that is within a second."""
    copy = tmp_path / "log.db"
    shutil.copy(long_log, copy)
    server = make_server(copy, write_timeout_seconds="3600", workers="3")

    def statuses() -> list[int]:
        return [server.request("GET", f"{LOG}.csv?tipo=poda")[0] for _ in range(9)]

    with contextlib.ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(asked(server, f"{LOG}.ndjson", receive_buffer=4096))
            client.recv(10)
        eventually(lambda: statuses() == [503] * 9)
        eventually(lambda: len(readers(server)) == 4)
    eventually(lambda: statuses() == [200] * 9)


def test_the_end_of_a_session_ends_its_downloads_within_a_second(busy: LiveServer):
    busy.create_user("Ana", "manager")
    cookie = busy.login("Ana")
    with (
        asked(busy, f"{LOG}.ndjson") as other,
        asked(busy, f"{LOG}.ndjson", receive_buffer=4096, who=f"Cookie: {cookie}") as client,
    ):
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert other.recv(100).startswith(b"HTTP/1.1 200")
        assert len(eventually(lambda: readers(busy))) == 2
        assert busy.request("POST", "/api/auth/logout", cookie=cookie)[0] == 204
        with Stopwatch() as watch:
            eventually(lambda: len(readers(busy)) == 1)
        assert watch.seconds < 1
        body = rest_of(client)
        assert b'"fin"' not in body
        assert not body.endswith(b"\r\n0\r\n\r\n")
        assert rest_of(other).endswith(b"\r\n0\r\n\r\n")
    assert [line for line in busy.stderr_lines if "Traceback" in line or "broke off" in line] == []


def test_a_stop_ends_downloads(busy: LiveServer):
    with asked(busy, f"{LOG}.ndjson", receive_buffer=4096) as client:
        client.recv(10)
        (process,) = eventually(lambda: readers(busy))
        with Stopwatch() as watch:
            busy.send()
            eventually(lambda: not Path(f"/proc/{process}").exists())
        assert watch.seconds < 4
        assert busy.ended() == 0


def test_the_reading_process_loads_no_web_framework():
    script = "import sys, pos_notif.history.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"quart", "hypercorn", "pydantic", "argon2", "werkzeug"} & set(loaded) == set()


# The command


def test_export_is_the_download_and_notes_nothing(make_server: Callable[..., LiveServer], tmp_path: Path):
    server = make_server()
    server.new_order(1, mesa_numero=5)
    server.new_order(2, mesa_numero=6)
    by_http = server.request("GET", f"{LOG}.csv?mesa=5&separador=punto_y_coma")[2]
    assert "Mesa 5: pedido nuevo" in by_http
    where = ["--database", str(server.database)]
    done = call("export", "--format", "csv", "--table", "5", "--separator", "punto_y_coma", *where)
    assert (done.exit_code, done.stdout_bytes.decode()) == (0, by_http)
    assert "exported 1 events" in done.stderr
    file = tmp_path / "log.ndjson"
    assert call("export", "--output", str(file), *where).exit_code == 0
    *events, last = file.read_text("utf-8").splitlines()
    assert [json.loads(line)["tipo"] for line in events] == ["nuevo_pedido", "nuevo_pedido", "descarga"]
    assert json.loads(last)["completo"] is True
    rest = call("export", "--after", "2", *where).stdout.splitlines()
    assert rest == [events[2], last]
    assert call("export", "--desde-id", "2", *where).stdout.splitlines() == rest  # by its name in an address
    assert [path.name for path in tmp_path.glob("*.partial")] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--day", "hoy", "--order", "x"], 2, ["--day: 'hoy' is not a date", "--order: 'x' is not the number"]),
        (["--format", "xml"], 2, ["xml"]),
        (["--output", "/nowhere/x"], 1, ["/nowhere/x: the directory /nowhere does not exist"]),
        (["--output", "/tmp"], 1, ["/tmp: is a directory"]),
        (["--output", "/dev/null"], 1, ["/dev/null: is no file"]),
        (["--separator", "coma"], 2, ["--separator is of CSV alone"]),
        (["--output", ""], 2, ["'--output': a file's name must not be empty"]),
    ],
)
def test_an_export_that_cannot_be(tmp_path: Path, arguments: list[str], code: int, words: list[str]):
    fill_log(tmp_path / "log.db", [stock_alert(1)])
    done = call("export", *arguments, "--database", str(tmp_path / "log.db"))
    assert (done.exit_code, done.stdout) == (code, "")
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert "exported" not in done.stderr
    assert call("export", "--database", str(tmp_path / "no.db")).exit_code == 1


@pytest.mark.parametrize("name", ["log.db", "log.db-wal", "log.db-shm", "backup.db"])
def test_an_export_replaces_no_log_and_no_backup(tmp_path: Path, name: str):
    fill_log(tmp_path / "log.db", [stock_alert(1)])
    shutil.copy(tmp_path / "log.db", tmp_path / "backup.db")
    before = (tmp_path / "log.db").read_bytes()
    done = call("export", "--output", str(tmp_path / name), "--database", str(tmp_path / "log.db"))
    assert (done.exit_code, "is a database" in done.stderr) == (1, True)
    assert (tmp_path / "log.db").read_bytes() == before


def waiting_in(pipe: int) -> int:
    """How many bytes nobody has read of 64 KiB."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def is_in_a_write(process: int) -> bool:
    """Whether the process's first thread sleeps in the kernel until there is room in a pipe."""
    return "pipe_write" in Path(f"/proc/{process}/wchan").read_text()


@pytest.mark.parametrize("how", ["full", "SIGINT", "SIGTERM"])
def test_an_export_that_ends_early_says_so_in_a_line_and_leaves_nothing(tmp_path: Path, how: str):
    log, out = tmp_path / "log.db", tmp_path / "log.ndjson"
    fill_log(log, [stock_alert(number, "agotado", nota="x" * 2000) for number in range(1, 3001)])
    command = [sys.executable, "-m", "pos_notif", "export", "--database", str(log)]
    if how == "full":
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, "No space left" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
        # A limit of 1 MB for a file, as a disk that is full.
        limited = subprocess.run(
            ["sh", "-c", 'ulimit -f 1024; trap "" XFSZ; exec "$@"', "sh", *command, "--output", str(out)],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert (limited.returncode, "Traceback" in limited.stderr) == (1, False)
        assert "exported" not in limited.stderr.splitlines()[-1]
    else:
        os.mkfifo(f"{out}.partial")  # nobody reads it: the export waits in its opening
        with subprocess.Popen([*command, "--output", str(out)], stderr=subprocess.PIPE) as process:
            reading = os.open(f"{out}.partial", os.O_RDONLY)
            os.read(reading, 10)
            # It waits in a write: a signal that comes just before one begins is heard when that ends.
            eventually(lambda: waiting_in(reading) > 60_000 and is_in_a_write(process.pid))
            process.send_signal(signal.Signals[how])
            process.communicate(timeout=60)
            os.close(reading)
        assert process.returncode == {"SIGINT": 1, "SIGTERM": 143}[how]
    assert sorted(path.name for path in tmp_path.glob("log.ndjson*")) == []


# A spreadsheet


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_libreoffice_opens_the_csv(make_server: Callable[..., LiveServer], tmp_path: Path):
    server = make_server()
    server.new_order(1, mesa_numero=5, cliente_nombre='Jalapeño, "extra"\nsin cebolla')
    server.publish({"tipo": "pedido_cancelado", "pedido_id": 1, "razon": "=HYPERLINK(1)"})
    (tmp_path / "log.csv").write_bytes(server.request("GET", f"{LOG}.csv")[2].encode())
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{quote(str(tmp_path / 'profile'))}", "--headless", "--convert-to",
         "fods", "--infilter=CSV:44,34,76,1", "--outdir", str(tmp_path), str(tmp_path / "log.csv")],
        check=True, timeout=120,
    )  # fmt: skip
    sheet = (tmp_path / "log.fods").read_text("utf-8")
    assert "Jalapeño, &quot;extra&quot;" in sheet
    assert "sin cebolla" in sheet
    assert "table:formula" not in sheet
    assert 'office:value="5"' in sheet
