"""`?ensayo=1` and `pos-notif publish`: what a publication would append, and that nothing of it is left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.orders.test_drafts import FULL
from tests.support.command_line import call, fails
from tests.support.in_process import in_process
from tests.support.pos import LINES, PUBLISH

REHEARSAL = PUBLISH + "?ensayo=1"
ALERT = {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0}
UNPAID = {"tipo": "nuevo_pedido", "pedido": {"id": 5, "tipo": "llevar", "items": LINES}}
PAID = {"tipo": "cambio_estado", "pedido_id": 5, "estado": "pagado", "metodo_pago": "efectivo"}


async def rehearse(pos, body, **rest):
    return await pos.request("POST", REHEARSAL, body, **rest)


# What is told


@pytest.mark.parametrize("tipo", FULL)
async def test_a_rehearsed_event_is_the_one_that_is_published(pos, tipo):
    """The clock stands, and nobody publishes in between: so its id and time are the same, too."""
    if tipo != "nuevo_pedido":
        await pos.new_order(1, items=LINES, tipo="mesa", mesa_numero=4)
    sent = FULL[tipo]
    before = pos.contents()
    answer = await rehearse(pos, sent)
    assert answer.status == 200, answer.body
    assert pos.contents() == before
    published = await pos.post(sent)
    assert published.status == 201, published.body
    stored = [event for event in pos.stored_events() if event["id"] > before[0][0][2]]
    orders = [await pos.order(1)] if tipo != "alerta_stock" else []
    assert answer.json == {"eventos": stored, "pedidos": orders, "duplicado": False}


async def test_what_follows_from_an_event_is_rehearsed_with_it(pos):
    """In a batch each event is rehearsed after those before it, also one that releases a paid takeaway."""
    batch = {"eventos": [UNPAID, PAID, ALERT]}
    rehearsed = (await rehearse(pos, batch)).json
    assert [event["tipo"] for event in rehearsed["eventos"]] == [
        "nuevo_pedido", "cambio_estado", "nuevo_pedido", "alerta_stock",
    ]  # fmt: skip
    assert "cocina" not in rehearsed["eventos"][0]["salas"]
    assert "cocina" in rehearsed["eventos"][2]["salas"]
    assert [(order["id"], order["estado"]) for order in rehearsed["pedidos"]] == [(5, "pagado")]
    assert (await pos.post(batch)).json["ids"] == [1, 2, 4]
    assert pos.stored_events() == rehearsed["eventos"]


async def test_a_round_is_rehearsed_with_the_state_before_it(pos):
    await pos.new_order(1, items=LINES, tipo="mesa", mesa_numero=4)
    await pos.set_state(1, "listo")
    line = {"tipo_cambio": "item_agregado", "producto_nombre": "Flan", "cantidad_nueva": 1}
    sent = {"tipo": "item_modificado", "pedido_id": 1, "item_id": 9, "cambios": line}
    rehearsed = (await rehearse(pos, sent)).json
    assert [event["tipo"] for event in rehearsed["eventos"]] == ["cambio_estado", "item_modificado"]
    await pos.post(sent)
    assert pos.stored_events()[-2:] == rehearsed["eventos"]


async def test_a_key_is_known_to_a_rehearsal_and_not_kept_by_it(pos):
    keyed = {**ALERT, "operacion_id": "k"}
    for _ in range(2):
        assert (await rehearse(pos, keyed)).json["duplicado"] is False
    assert (await pos.post(keyed)).status == 201
    assert (await rehearse(pos, keyed)).json == {"eventos": [], "pedidos": [], "duplicado": True}
    batch = {"eventos": [keyed, {**ALERT, "operacion_id": "l"}]}
    told = (await rehearse(pos, batch)).json
    assert ([event["operacion_id"] for event in told["eventos"]], told["duplicado"]) == (["l"], False)
    assert (await rehearse(pos, {**keyed, "nombre": "Loroco"})).json["error"]["codigo"] == "clave_reutilizada"


async def test_an_order_in_a_rehearsal_is_the_one_that_is_committed_now(pos):
    await pos.new_order(1)
    rehearsed = (await rehearse(pos, {"tipo": "cambio_estado", "pedido_id": 1, "estado": "listo"})).json
    assert (rehearsed["pedidos"][0]["estado"], rehearsed["pedidos"][0]["version"]) == ("listo", 2)
    assert (await pos.order(1))["estado"] == "en_mesa"


# What is refused


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {"tipo": "nuevo_pedido"},
        {"eventos": []},
        {"eventos": [ALERT, {"tipo": "x"}]},
        {"tipo": "nuevo_pedido", "pedido": {"id": 1}},
        {"eventos": [ALERT, {"tipo": "cambio_estado", "pedido_id": 2, "estado": "listo"}]},
        {**ALERT, "nota": "x" * 300_000},
    ],
    ids=["no JSON", "a field", "an empty batch", "a type", "an order that exists", "a state", "a size"],
)
async def test_a_rehearsal_is_refused_as_the_publication_would_be(pos, body):
    await pos.new_order(1)
    await pos.new_order(2)
    await pos.set_state(2, "cerrado")
    before = pos.contents()
    rehearsed = await rehearse(pos, body)
    published = await pos.post(body)
    assert (rehearsed.status, rehearsed.json) == (published.status, published.json)
    assert rehearsed.status >= 400
    assert pos.contents() == before


@pytest.mark.parametrize("query", ["ensayo=0", "ensayo=", "ensayo=true", "ensayo=1&ensayo=0", "ensayo=01"])
async def test_what_is_no_clear_rehearsal_is_not_published_either(pos, query):
    """The second time the publisher is remembered, and its publications take the short way."""
    for _ in range(2):
        answer = await pos.request("POST", f"{PUBLISH}?{query}", ALERT)
        assert (answer.status, answer.json["error"]["campos"]) == (422, {"ensayo": "debe ser 1, o faltar"})
        assert pos.head == 0
        assert (await rehearse(pos, ALERT)).status == 200
        assert pos.head == 0


async def test_who_may_not_publish_rehearses_nothing(pos):
    for role in ("cocinero", "mesero", "cajero"):
        assert (await rehearse(pos, ALERT, token=await pos.token_of(role))).status == 403
    assert (await rehearse(pos, ALERT, token=None)).status == 401


async def test_rehearsals_count_as_publications_against_the_limit(tmp_path):
    # One at once, and the next after a quarter of an hour: nothing is given back while this is asked.
    async with in_process(tmp_path / "log.db", publish_rate=0.001) as service:
        token = await service.accounts.create_token("caja", "manager")
        statuses = [(await service.call("POST", REHEARSAL, ALERT, token=token)).status for _ in range(3)]
        assert statuses == [200, 429, 429]


# What is left


async def test_a_thousand_rehearsals_change_nothing_on_the_disk_and_wake_nobody(pos):
    await pos.new_order(1)
    files = [pos.path, Path(f"{pos.path}-wal")]
    before = [(file.read_bytes(), os.stat(file).st_mtime_ns) for file in files]
    events = pos.service.app.notifier.log.counts.events.total()
    for number in range(1000):
        sent = {"tipo": "nuevo_pedido", "pedido": {"id": 10 + number, "items": LINES}} if number % 2 else ALERT
        assert (await rehearse(pos, {**sent, "operacion_id": f"k{number}"})).status == 200
    assert [(file.read_bytes(), os.stat(file).st_mtime_ns) for file in files] == before
    assert pos.service.app.notifier.log.counts.events.total() == events
    assert (await pos.post(ALERT)).json["id"] == 2


# From a terminal


def test_the_command_rehearses_and_publishes(tmp_path):
    database, file = tmp_path / "log.db", tmp_path / "pedido.json"
    call("user", "create", "marta", "--role", "manager", "--password", "2468", "--database", str(database))
    file.write_text(json.dumps({"eventos": [UNPAID, {**PAID, "operacion_id": "pago"}]}))
    options = ("--database", str(database))
    rehearsed = json.loads(call("publish", str(file), "--dry-run", *options).stdout)
    assert [event["id"] for event in rehearsed["eventos"]] == [1, 2, 3]
    assert rehearsed["eventos"][0]["actor"]["username"] == "terminal"
    published = json.loads(call("publish", str(file), *options).stdout)
    assert (published["ids"], published["duplicados"]) == ([1, 2], [False, False])
    file.write_text(json.dumps({**PAID, "operacion_id": "pago"}))
    assert json.loads(call("publish", str(file), *options).stdout)["duplicado"] is True
    typed = json.loads(call("publish", "-", *options, typed=json.dumps(ALERT)).stdout)
    assert (typed["id"], typed["duplicado"]) == (4, False)


def test_the_command_says_what_it_cannot_publish(tmp_path):
    database, file = tmp_path / "log.db", tmp_path / "pedido.json"
    options = ("--database", str(database))
    file.write_text(json.dumps(ALERT))
    assert "does not exist" in fails(1, "publish", str(file), *options)
    assert not database.exists()
    call("user", "create", "marta", "--role", "manager", "--password", "2468", *options)
    assert "no/such.json: No such file" in fails(1, "publish", "no/such.json", *options)
    for body, said in (
        (b"{", "nothing was published: json_invalido: Expecting property name enclosed in double quotes: line 1"),
        (b"\xff", "json_invalido: 'utf-8' codec can't decode byte"),
        (b'{"tipo": "nuevo_pedido"}', "datos_invalidos: pedido is missing\n"),
        (b'{"tipo": "n\xc2\x9b"}', 'datos_invalidos: tipo "n\\u009b"\n'),
        (b'{"eventos": [{"tipo": "cambio_estado", "pedido_id": 1, "estado": "frito"}]}',
         'datos_invalidos: eventos.0.estado "frito"\n'),
        (b"[]", "datos_invalidos: cuerpo []\n"),
        (b'{"tipo": "cambio_estado", "pedido_id": 0, "estado": null, "x": ["' + b"y" * 100 + b'"]}', "pedido_id 0;"),
        (b" " * (8 * 1024**2 + 1), "larger than 8 MiB"),
    ):  # fmt: skip
        file.write_bytes(body)
        for dry in ([], ["--dry-run"]):
            assert said in fails(1, "publish", str(file), *dry, *options)


def test_what_the_command_prints_does_nothing_to_the_terminal(tmp_path):
    options = ("--database", str(tmp_path / "log.db"))
    call("user", "create", "marta", "--role", "manager", "--password", "2468", *options)
    obeyed = "a\u009b31mb\u202ec\x7fd\u2028e"
    printed = call("publish", "-", "--dry-run", *options, typed=json.dumps({**ALERT, "nombre": obeyed})).stdout
    assert json.loads(printed)["eventos"][0]["nombre"] == obeyed
    assert printed.rstrip("\n").isprintable()
