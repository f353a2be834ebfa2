"""The filters of the manager's log (docs/protocol.md, section 12): which rows they leave, and what they refuse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_notif.clock import business_day, iso
from pos_notif.errors import Invalid
from pos_notif.history.filters import parse_after, parse_filters
from pos_notif.history.query import LogQuery, read_log_state
from pos_notif.orders.drafts import OrderState
from tests.support.pos import HOUR, Pos, change_line, running_pos

ZONE = ZoneInfo("America/El_Salvador")
NAMES = (
    "desde", "hasta", "dia", "tipo", "asunto", "pedido_id", "numero", "mesa", "usuario", "rol", "sala", "estado", "q",
    "desde_id",
)  # fmt: skip


def refused(**sent: str) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        parse_filters(sent, ZONE)
    return error.value.fields


def test_the_states_are_those_of_the_drafts():
    assert refused(estado="frito") == {"estado": "debe ser uno de: " + ", ".join(get_args(OrderState))}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("desde", "ayer"), ("desde", "2026-13-01"), ("desde", "0001-01-01"), ("desde", "0001-01-01T00:00:00"),
        ("hasta", "9999-12-31"), ("hasta", "2026-02-30"), ("dia", "2026-11-24T05:00:00"), ("dia", "hoy"),
        ("tipo", "nuevo"), ("pedido_id", "0"), ("pedido_id", "-1"), ("pedido_id", "²"), ("pedido_id", str(2**53)),
        ("mesa", "x" * 201), ("mesa", "T\n1"), ("sala", "bar"), ("sala", "pedido_"), ("sala", "pedido_x"),
        ("estado", "frito"), ("asunto", "listo"), ("numero", "C\n1"),
        ("desde", "20261124"), ("hasta", "2026-W48-2"), ("hasta", "2026-11"),
        ("desde", "2026-11-24x19:05"), ("mesa", "T\x00"),
        ("q", "x" * 201), ("q", "a\nb"), ("usuario", "a\x00"),
    ],
)  # fmt: skip
def test_a_bad_filter_is_refused_by_its_name(name: str, text: str):
    assert list(refused(**{name: text})) == [name]


def test_every_wrong_filter_is_named():
    assert list(refused(mesa="x" * 201, tipo="x", desde="x")) == ["tipo", "mesa", "desde"]
    with pytest.raises(Invalid):
        parse_after({"desde_id": "-1"})
    same = {"desde": "2026-11-24 19:05", "hasta": "20261124T190500"}
    assert parse_filters(same, ZONE).until_ms == parse_filters(same, ZONE).since_ms + 1
    assert (parse_after({}), parse_after({"desde_id": "7"})) == (0, 7)


def bounds(zone: str, **sent: str) -> tuple[str, str]:
    found = parse_filters(sent, ZoneInfo(zone))
    assert found.since_ms is not None
    assert found.until_ms is not None
    return iso(found.since_ms, ZoneInfo(zone)), iso(found.until_ms, ZoneInfo(zone))


def test_a_date_is_whole_and_a_time_includes_its_millisecond():
    assert bounds("America/El_Salvador", desde="2026-11-24", hasta="2026-11-24") == (
        "2026-11-24T00:00:00.000-06:00", "2026-11-25T00:00:00.000-06:00",
    )  # fmt: skip
    # An offset's plus that an address has made a space; and a time without an offset is the restaurant's.
    assert bounds("America/El_Salvador", desde="2026-11-24T19:05:12.345 00:00", hasta="2026-11-24T19:05") == (
        "2026-11-24T13:05:12.345-06:00", "2026-11-24T19:05:00.001-06:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "since", "until", "hours"),
    [  # Madrid's clock goes forward on March 29 at 2, and back on October 25 at 3: both before the cut of their day.
        ("2026-03-28", "2026-03-28T04:00:00.000+01:00", "2026-03-29T04:00:00.000+02:00", 23),
        ("2026-03-29", "2026-03-29T04:00:00.000+02:00", "2026-03-30T04:00:00.000+02:00", 24),
        ("2026-10-24", "2026-10-24T04:00:00.000+02:00", "2026-10-25T04:00:00.000+01:00", 25),
    ],
)
def test_a_business_day_where_the_clock_changes(day: str, since: str, until: str, hours: int):
    found = parse_filters({"dia": day}, ZoneInfo("Europe/Madrid"))
    assert bounds("Europe/Madrid", dia=day) == (since, until)
    assert (found.until_ms or 0) - (found.since_ms or 0) == hours * HOUR * 1000


@given(st.datetimes(datetime(2026, 3, 27), datetime(2026, 10, 27)))
def test_each_moment_is_in_its_own_business_day_alone(moment: datetime):
    zone = ZoneInfo("Europe/Madrid")
    ms = int(moment.replace(tzinfo=zone).timestamp() * 1000)
    own = business_day(ms, zone)
    holding = []
    for day in (own - timedelta(days=1), own, own + timedelta(days=1)):
        found = parse_filters({"dia": str(day)}, zone)
        if (found.since_ms or 0) <= ms < (found.until_ms or 0):
            holding.append(day)
    assert holding == [own]


# Against a count that knows nothing of the query


async def a_restaurants_log(pos: Pos) -> None:
    """Two business days of three people, with every kind of event that a POS sends, a clock that goes back, and events
    of orders whose table only the log knows."""
    people = [
        {"usuario_id": 5, "username": "Juan Pérez", "rol": "mesero"},
        {"usuario_id": 6, "username": "Ana", "rol": "cocinero"},
        {"usuario_id": None, "username": "5", "rol": "bot"},
    ]
    for number in range(1, 13):
        actor, takeaway = people[number % 3], number % 4 == 0
        kind = {"tipo": "llevar"} if takeaway else {"mesa_numero": number % 5}
        if number == 7:
            kind = {"mesa": "Terraza 2"}
        called = {"numero": f"C{number}"} if number > 6 else {}
        await pos.new_order(number, **kind, **called, notas="50 % más" if number % 2 else None)
        await pos.publish("cambio_estado", pedido_id=number, estado="en_cocina", actor=actor)
        await pos.publish(
            "item_modificado", pedido_id=number, item_id=1, actor=actor,
            cambios={"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3},
        )  # fmt: skip
        await pos.publish("pedido_listo", pedido_id=number, items_listos=["Pupusa"], parcial=number % 2 == 0)
        if number % 3 == 0:
            await pos.publish("pedido_cancelado", pedido_id=number, razon="Se retiró", actor=actor)
        await pos.publish("alerta_stock", producto_id=number, nombre="Queso", nivel="bajo", actor=actor)
        pos.clock.advance(-1800 if number == 6 else 2 * HOUR)
    await pos.publish("cambio_mesa", pedido_id=6, mesa_numero=77)
    await change_line(pos, 9, "item_agregado", producto_nombre="Café", cantidad_nueva=1)
    await pos.publish(
        "item_modificado", pedido_id=5, item_id=1, razon="Cortesía",
        cambios={"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 1},
    )  # fmt: skip
    await pos.set_state(7, "en_cocina", recuperado=True)
    await pos.set_state(8, "cancelado")
    for action in ({"accion": "cancelar", "razon": "Pedido repetido"}, {"accion": "deshacer", "deshace": "cancelar"}):
        answer = await pos.request("POST", "/api/pedidos/11/acciones", {**action, "operacion_id": action["accion"]})
        assert answer.status == 200, answer.body


def expected(
    events: list[tuple[int, str, dict[str, Any]]],
    orders: dict[int, dict[str, Any]],
    sent: dict[str, str],
) -> list[int]:
    """The same in Python, from each event's JSON and that of its order."""
    found = []
    for ms, text, event in events:
        pedido = event.get("pedido") or {}
        known = orders.get(event.get("pedido_id"), {})
        own = {event.get("mesa_numero", pedido.get("mesa_numero")), event.get("mesa", pedido.get("mesa"))} - {None}
        named = {str(table).lower() for table in (own or {known.get("mesa_numero"), known.get("mesa")}) - {None}}
        if "mesa_anterior" in event:
            named.add(str(event["mesa_anterior"]).lower())
        states = {
            "cambio_estado": event.get("estado"),
            "nuevo_pedido": pedido.get("estado"),
            "pedido_cancelado": "cancelado",
            "pedido_listo": None if event.get("parcial") else "listo",
        }
        subjects = {
            "cancelado": states.get(event["tipo"]) == "cancelado" or event.get("deshace") == "cancelar",
            "recuperado": event.get("recuperado") is True,
            "quitado": "quitado" in event,
            "alarma": event["tipo"] in ("sin_acuse", "sin_pantalla", "pantalla_recuperada"),
        }
        local = datetime.fromtimestamp(ms / 1000, ZONE)
        actor = event.get("actor") or {"usuario_id": None, "username": "", "rol": None}
        number = str(pedido.get("numero", known.get("numero")))
        checks = {
            "desde": lambda text, local=local: str(local.date()) >= text,
            "hasta": lambda text, local=local: str(local.date()) <= text,
            "dia": lambda text, local=local: str((local - timedelta(hours=4)).date()) == text,
            "tipo": lambda text, event=event: event["tipo"] == text,
            "asunto": lambda text, subjects=subjects: subjects[text],
            "pedido_id": lambda text, event=event: event.get("pedido_id") == int(text),
            "numero": lambda text, number=number: number.lower() == text.lower().removeprefix("#"),
            "mesa": lambda text, named=named: text.lower() in named,
            "usuario": lambda text, actor=actor: (
                actor["username"].lower() == text.lower() or str(actor["usuario_id"]) == text
            ),
            "rol": lambda text, actor=actor: actor["rol"] == text,
            "sala": lambda text, event=event: text in event["salas"],
            "estado": lambda text, event=event, states=states: states.get(event["tipo"]) == text,
            "q": lambda wanted, text=text: wanted.lower() in text.lower(),
            "desde_id": lambda text, event=event: event["id"] > int(text),
        }
        if all(checks[name](value) for name, value in sent.items()):
            found.append(event["id"])
    return found


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filters") / "log.db"

    async def fill() -> None:
        async with running_pos(path) as pos:
            await a_restaurants_log(pos)

    asyncio.run(fill())
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        raise_an_alarm(connection)
    return path


def raise_an_alarm(connection: sqlite3.Connection) -> None:
    """As the service does half a minute after a room's last screen has gone; what it waits for is another test's."""
    (head,) = connection.execute("SELECT head_id FROM log").fetchone()
    event = {"id": head + 1, "tipo": "sin_pantalla", "rol": "cocinero", "salas": ["meseros", "managers"]}
    connection.execute(
        "INSERT INTO events SELECT ?, ms, 'sin_pantalla', NULL, 0, 1, 0, hash, ? FROM events WHERE id = ?",
        (head + 1, json.dumps(event), head),
    )
    connection.execute("UPDATE log SET head_id = ?", (head + 1,))


VALUES = {
    "desde": ["2026-11-24", "2026-11-25", "2026-11-27"],
    "hasta": ["2026-11-23", "2026-11-24", "2026-11-25"],
    "dia": ["2026-11-23", "2026-11-24", "2026-11-25"],
    "tipo": ["nuevo_pedido", "item_modificado", "pedido_cancelado", "alerta_stock", "poda"],
    "asunto": ["cancelado", "recuperado", "quitado", "alarma"],
    "pedido_id": ["1", "4", "999"],
    "numero": ["2", "c12", "#C11", "C1", "12", "C%", "_"],
    "mesa": ["0", "1", "2", "77", "TERRAZA 2", "x"],
    "usuario": ["Juan Pérez", "ana", "5", "nadie"],
    "rol": ["mesero", "bot", "manager"],
    "sala": ["cocina", "meseros", "cajeros", "managers", "pedido_3"],
    "estado": ["en_cocina", "listo", "cancelado", "pendiente_pago", "cerrado"],
    "q": ["pupusa", "Se retiró", '"parcial":true', "nada de esto"],
    "desde_id": ["10", "40"],
}
SOME = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})


def check(path: Path, sent: dict[str, str]) -> int:
    """The count, and the table's pages in both directions, are what Python finds."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT ms, data FROM events ORDER BY id").fetchall()
        orders = {order_id: json.loads(data) for order_id, data in connection.execute("SELECT id, data FROM orders")}
        wanted = expected([(ms, data, json.loads(data)) for ms, data in rows], orders, sent)
        query, after = LogQuery(connection, parse_filters(sent, ZONE), read_log_state(connection)), parse_after(sent)
        assert query.count(after) == len(wanted), sent
        for newest_first in (False, True):
            found: list[int] = []
            more = True
            while more:
                beyond = found[-1] if found else None
                page, more = query.table_page(7, newest_first=newest_first, beyond=beyond, after=after)
                assert len(page) == 7 or not more
                found += [row[0] for row in page]
            assert found == (wanted[::-1] if newest_first else wanted), sent
        return len(wanted)


def test_what_is_appended_while_it_counts_does_not_count(log: Path, tmp_path: Path):
    path = Path(shutil.copy(log, tmp_path / "log.db"))
    with contextlib.closing(sqlite3.connect(path)) as connection, contextlib.closing(sqlite3.connect(path)) as writer:
        state = read_log_state(connection)
        query = LogQuery(connection, parse_filters({}, ZONE), state)

        def append(statement: str) -> None:
            with writer:
                writer.execute("INSERT INTO events SELECT max(id) + 1, ms, type, NULL, 0, 0, 0, hash, data FROM events")

        connection.set_trace_callback(append)
        assert [query.count(), query.count(7), query.count(state.head_id)] == [state.head_id, state.head_id - 7, 0]
        assert query.count(state.head_id + 500) == 0


def test_each_filter_finds_what_python_finds(log: Path):
    counts = {name: [check(log, {name: value}) for value in values] for name, values in VALUES.items()}
    assert {name for name, found in counts.items() if any(found)} == set(NAMES)
    assert all(counts["asunto"])
    assert counts["numero"][-4:] == [0] * 4  # of C11 and C12 no part, nor a pattern


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=SOME)
def test_filters_combine(log: Path, sent: dict[str, str]):
    check(log, sent)


def test_q_is_sqlites_like(log: Path):
    """Its two wildcards included."""
    with contextlib.closing(sqlite3.connect(log)) as connection:
        for text in ("50 % más", "mesa_num_ro", "50 _ más"):
            by_hand = connection.execute("SELECT count(*) FROM events WHERE data LIKE '%' || ? || '%'", (text,))
            query = LogQuery(connection, parse_filters({"q": text}, ZONE), read_log_state(connection))
            assert query.count() == by_hand.fetchone()[0] > 0


@pytest.mark.parametrize("sent", [{"tipo": "poda"}, {"pedido_id": "3"}, {"sala": "pedido_3", "tipo": "cambio_estado"}])
def test_a_type_or_an_order_is_answered_from_an_index(log: Path, sent: dict[str, str]):
    where, values = parse_filters(sent, ZONE).where()
    with contextlib.closing(sqlite3.connect(log)) as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT count(*) FROM events AS e WHERE e.id BETWEEN 1 AND 9 AND {where}", values
        ).fetchall()
    assert "USING COVERING INDEX" in plan[0][3] or "USING INDEX events_order" in plan[0][3]


def test_a_time_is_answered_from_an_index(log: Path):
    with contextlib.closing(sqlite3.connect(log)) as connection:
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        filters = parse_filters({"dia": str(date(2026, 11, 25))}, ZONE)
        query = LogQuery(connection, filters, read_log_state(connection))
        assert 1 < query.first < query.last
        bound = next(statement for statement in statements if "min(id)" in statement)
        assert "COVERING INDEX events_time" in connection.execute(f"EXPLAIN QUERY PLAN {bound}").fetchone()[3]
