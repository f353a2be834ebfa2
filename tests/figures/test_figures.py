"""`GET /api/cifras` (docs/protocol.md, section 10): what a business day's events add up to."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_notif.clock import business_day, business_day_start, iso, parse_iso
from pos_notif.figures.counting import Figures, spread
from tests.support.in_process import in_process
from tests.support.logs import prune_log
from tests.support.pos import HOUR, MINUTE, START_MS, Pos, change_line, running_pos

ZONE = ZoneInfo("America/El_Salvador")
NOTHING = {"medidos": 0, "mediana": None, "p90": None}


def measured(*seconds: int) -> dict[str, Any]:
    """The expected spread of a few spans; the last is the 90th percentile of up to nine."""
    values = sorted(seconds)
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return {"medidos": len(values), "mediana": round(middle), "p90": values[-1]}


async def figures(pos: Pos, day: str = "") -> dict[str, Any]:
    found: dict[str, Any] = await pos.get("/api/cifras" + (f"?dia={day}" if day else ""))
    return found


async def act(pos: Pos, order_id: int, accion: str, after: float = 0, **fields: Any) -> None:
    """`after` so many seconds."""
    pos.clock.advance(after)
    body = {"accion": accion, "operacion_id": f"{accion}-{pos.clock.ms}-{order_id}-{fields}", **fields}
    answer = await pos.request("POST", f"/api/pedidos/{order_id}/acciones", body)
    assert answer.status == 200, answer.body


async def serve(pos: Pos, order_id: int, *seconds: float) -> None:
    """Begun, ready and served, each so long after the step before."""
    for accion, after in zip(("iniciar", "listo", "servir"), seconds, strict=False):
        await act(pos, order_id, accion, after)


# The answer


async def test_an_empty_day_has_no_figures_rather_than_zeros(pos: Pos):
    assert await figures(pos) == {
        "dia": "2026-11-24",
        "desde": "2026-11-24T04:00:00.000-06:00",
        "hasta": "2026-11-25T04:00:00.000-06:00",
        "hora_servidor": iso(START_MS, ZONE),
        "cursor": (await pos.get("/api/pedidos"))["cursor"],
        "tarde_segundos": 900,
        "abiertos": {"pendiente_pago": 0, "pagado": 0, "en_mesa": 0, "en_cocina": 0, "listo": 0, "servido": 0},
        "pedidos": 0,
        "ventas": None,
        "cancelados": 0,
        "recuperados": 0,
        "quitados": [],
        "espera": NOTHING,
        "cocina": NOTHING,
        "recogida": NOTHING,
        "en_total": NOTHING,
        "tarde": {"medidos": 0, "tarde": 0, "porcentaje": None},
        "por_hora": [],
        "productos": [],
    }


async def test_a_day_of_orders(pos: Pos):
    queso = {"producto_nombre": "Queso", "precio_unitario": 1.0}
    for number in range(1, 5):
        await pos.new_order(number, items=[{**queso, "id": 1, "cantidad": number}])
    await serve(pos, 1, 60, 300, 20)
    await serve(pos, 2, 0, 700)  # 380 s before it was begun
    pos.clock.advance(HOUR)
    await pos.new_order(5, items=[{**queso, "id": 1, "cantidad": 2}, {"id": 2, "producto_nombre": "Atol"}])
    await act(pos, 4, "cancelar", razon="se fue")
    found = await figures(pos)
    assert {name: found[name] for name in ("pedidos", "ventas", "cancelados", "recuperados")} == {
        "pedidos": 5, "ventas": 6.0, "cancelados": 1, "recuperados": 0,
    }  # fmt: skip
    assert found["abiertos"] == {**dict.fromkeys(found["abiertos"], 0), "servido": 1, "listo": 1, "en_mesa": 2}
    assert found["espera"] == measured(60, 380)
    assert found["cocina"] == measured(300, 700)
    assert found["recogida"] == measured(20)
    assert found["en_total"] == measured(380)
    # Of 1, 2 and 3, two are late: 2 was ready after 1,080 s, 3 still waits; 5 may yet be in time.
    assert found["tarde"] == {"medidos": 3, "tarde": 2, "porcentaje": 66.7}
    assert found["por_hora"] == [
        {"hora": "2026-11-24T19:00:00.000-06:00", "pedidos": 4, "medidos": 3, "tarde": 2, "porcentaje": 66.7},
        {"hora": "2026-11-24T20:00:00.000-06:00", "pedidos": 1, "medidos": 0, "tarde": 0, "porcentaje": None},
    ]
    assert found["productos"] == [
        {"producto_id": None, "producto_nombre": "Queso", "cantidad": 8, "cocina": 500},
        {"producto_id": None, "producto_nombre": "Atol", "cantidad": 1, "cocina": None},
    ]


async def test_what_is_asked_again_goes_on_from_where_it_was(pos: Pos):
    for number in range(1, 4):
        await pos.new_order(number)
        found = await figures(pos)
        assert (found["pedidos"], found["cursor"].split("-")[1]) == (number, str(pos.head))
        await act(pos, number, "iniciar", 30)
        await pos.publish("alerta_stock", producto_id=1, nombre="Queso", stock_actual=0)
        found = await figures(pos)
        assert (found["espera"]["medidos"], found["cursor"].split("-")[1]) == (number, str(pos.head))


async def test_more_events_than_a_page(pos: Pos):
    batch = [{"tipo": "nuevo_pedido", "pedido": {"id": number}} for number in range(1, 401)]
    for state in (None, "en_cocina", "listo"):
        events = batch if state is None else [
            {"tipo": "cambio_estado", "pedido_id": event["pedido"]["id"], "estado": state} for event in batch
        ]  # fmt: skip
        assert (await pos.post({"eventos": events})).status == 201
        pos.clock.advance(MINUTE)
    found = await figures(pos)
    assert (found["pedidos"], found["cocina"]["medidos"]) == (400, 400)


@pytest.mark.parametrize(
    "day", ["24-11-2026", "2026-11-31", "2026-W48-2", "20261124", "hoy", "0001-01-01", "9999-12-31"]
)
async def test_what_is_no_day_is_refused(pos: Pos, day: str):
    answer = await pos.request("GET", f"/api/cifras?dia={day}")
    assert (answer.status, answer.fields) == (422, {"dia": "debe ser una fecha AAAA-MM-DD"})


# Days


async def test_the_day_is_cut_at_four_in_the_restaurants_zone(pos: Pos):
    await pos.new_order(1)  # 19:05
    pos.clock.ms = parse_iso("2026-11-25T03:59:59.999-06:00")
    await pos.new_order(2)
    assert (await figures(pos))["pedidos"] == 2
    pos.clock.advance(0.001)
    await pos.new_order(3)
    assert (await figures(pos))["pedidos"] == 1
    await serve(pos, 2, HOUR, 60, 60)  # yesterday's order
    today = await figures(pos)
    assert (today["dia"], today["pedidos"], today["espera"]) == ("2026-11-25", 1, NOTHING)
    assert today == await figures(pos, "2026-11-25")
    before = await figures(pos, "2026-11-24")
    assert before["tarde"] == {"medidos": 1, "tarde": 1, "porcentaje": 100.0}  # when its day ended, 2 was not late
    assert (before["pedidos"], before["espera"], [hour["pedidos"] for hour in before["por_hora"]]) == (
        2, NOTHING, [1, *[0] * 7, 1],
    )  # fmt: skip
    assert (await figures(pos, "2026-11-23"))["pedidos"] == (await figures(pos, "2026-11-26"))["pedidos"] == 0


async def test_in_a_zone_with_summer_time_the_hours_are_those_of_the_clock(tmp_path):
    async with running_pos(tmp_path / "log.db", timezone="Europe/Madrid") as pos:
        pos.clock.ms = parse_iso("2026-10-24T23:30:00+02:00")
        await pos.new_order(1)
        pos.clock.ms = parse_iso("2026-10-25T02:30:00+01:00")  # the hour after 02:59 summer time
        await pos.new_order(2)
        found = await figures(pos)
        assert [(hour["hora"][11:16], hour["pedidos"]) for hour in found["por_hora"]] == [
            ("23:00", 1), ("00:00", 0), ("01:00", 0), ("02:00", 0), ("02:00", 1),
        ]  # fmt: skip
        assert found["hasta"] == "2026-10-25T04:00:00.000+01:00"


async def test_events_of_a_clock_that_was_set_back_are_not_of_the_day(pos: Pos):
    for number in range(1, 4):
        await pos.new_order(number)
        pos.clock.advance(MINUTE)
    pos.clock.advance(-3 * 86_400)
    await pos.new_order(4)
    pos.clock.advance(3 * 86_400)
    await pos.new_order(5)
    assert (await figures(pos))["pedidos"] == 4


async def test_of_a_pruned_day_what_the_log_keeps(tmp_path):
    async with running_pos(tmp_path / "log.db") as pos:
        for number in range(1, 6):
            await pos.new_order(number)
        pos.clock.advance(86_400)
        await pos.new_order(6)
        prune_log(pos.path, 2, delete_rows=False)
        assert (await figures(pos, "2026-11-24"))["pedidos"] == 3


# What it costs


@dataclass
class LoopWork:
    """What the event loop's thread itself ran of the counting: how often each function, and how many events it took in
    one turn of the loop at most."""

    calls: Counter[str] = field(default_factory=Counter)
    most_in_a_turn: int = 0
    _taken: int = 0

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        name = frame.f_code.co_name
        if name == "_run_once":
            self._taken = 0
        elif frame.f_code.co_filename == Figures.take.__code__.co_filename:
            self.calls[name] += 1
            if frame.f_code is Figures.take.__code__:
                self._taken += 1
                self.most_in_a_turn = max(self.most_in_a_turn, self._taken)

    @property
    def taken(self) -> int:
        """Events, by a day's figures and by its orders' courses."""
        return self.calls["take"] // 2


@contextlib.contextmanager
def loop_work() -> Iterator[LoopWork]:
    work = LoopWork()
    sys.setprofile(work.note)
    try:
        yield work
    finally:
        sys.setprofile(None)


@contextlib.asynccontextmanager
async def after_a_restart(pos: Pos) -> AsyncIterator[Pos]:
    """Another process on the same log, which knows nothing of its days yet."""
    async with in_process(pos.path, pos.clock) as service:
        yield Pos(service, pos.path, pos.clock, pos.token, pos._tokens)


async def place_many(pos: Pos, count: int, first: int = 1) -> None:
    orders = [{"tipo": "nuevo_pedido", "pedido": {"id": number}} for number in range(first, first + count)]
    for begin in range(0, count, 500):
        assert (await pos.post({"eventos": orders[begin : begin + 500]})).status == 201


async def test_a_long_day_is_counted_in_short_turns_of_the_loop(pos: Pos):
    """Neither the first answer of the day nor one of an ended day holds up anybody else, however long the day was."""
    await place_many(pos, 2600)
    with loop_work() as work:
        assert (await figures(pos))["pedidos"] == 2600
    assert work.taken == 2600
    assert work.most_in_a_turn <= 500
    assert work.calls["summary"] == work.calls["is_late"] == work.calls["spread"] == 0  # another thread's
    pos.clock.advance(86_400)
    with loop_work() as work:
        assert (await figures(pos))["pedidos"] == 0  # what was today's is counted to its end
    assert (work.taken, work.calls["summary"], work.calls["forget"]) == (0, 0, 0)


async def test_an_ended_day_is_counted_once(pos: Pos):
    await place_many(pos, 600)
    pos.clock.advance(HOUR)
    await pos.new_order(601)
    assert (await figures(pos))["pedidos"] == 601
    await pos.new_order(602)
    pos.clock.advance(2 * 86_400)
    with loop_work() as work:  # it goes on from where it was, when it was today
        ended = await figures(pos, "2026-11-24")
        assert await figures(pos, "2026-11-24") == ended
    assert (ended["pedidos"], ended["tarde"]["tarde"], work.taken) == (602, 602, 1)
    await pos.new_order(603)
    async with after_a_restart(pos) as again:
        with loop_work() as work:
            for day in ("2026-11-24", "2026-11-26", "2026-11-24", "2026-11-24"):
                found = await figures(again, day)
                assert found["pedidos"] == (1 if day == "2026-11-26" else 602)
        assert work.taken == 603
        assert found == ended | {"abiertos": {**ended["abiertos"], "en_mesa": 1}}


async def test_an_ended_day_is_counted_anew_where_its_events_are_others(pos: Pos):
    for number in range(1, 6):
        await pos.new_order(number)
    pos.clock.advance(2 * 86_400)
    await pos.new_order(6)
    assert (await figures(pos, "2026-11-24"))["pedidos"] == 5
    prune_log(pos.path, 2, delete_rows=False)
    assert (await figures(pos, "2026-11-24"))["pedidos"] == 3
    # The clock was wrong, and the day goes on.
    pos.clock.advance(-2 * 86_400)
    await pos.new_order(7)
    assert (await figures(pos))["pedidos"] == (await figures(pos, "2026-11-24"))["pedidos"] == 4


async def test_callers_who_ask_together_have_the_day_read_once(pos: Pos):
    await place_many(pos, 1200)
    await pos.token_of("manager")
    with loop_work() as work:
        answers = await asyncio.gather(*(figures(pos) for _ in range(4)))
    assert [answer["pedidos"] for answer in answers] == [1200] * 4
    pos.clock.advance(2 * 86_400)
    async with after_a_restart(pos) as again:
        with loop_work() as ended:
            answers = await asyncio.gather(*(figures(again, "2026-11-24") for _ in range(4)))
        assert [answer["pedidos"] for answer in answers] == [1200] * 4
    assert (work.taken, ended.taken) == (1200, 1200)


async def test_an_order_in_a_publishers_own_member_is_not_the_events(pos: Pos):
    await pos.new_order(1)
    await pos.set_state(1, "en_cocina", zona={"mesa": 1, "pedido": {"id": 9}}, nota=',"pedido":{')
    await pos.set_state(1, "listo", zona=[{"mesa": 1, "pedido": {"id": 9, "estado": "cancelado"}}])
    found = await figures(pos)
    assert (found["pedidos"], found["cocina"]["medidos"], found["cancelados"]) == (1, 1, 0)


# How each is counted


async def test_an_unpaid_takeaway_waits_for_the_till_not_for_the_kitchen(pos: Pos):
    await pos.new_order(1, tipo="llevar")
    await act(pos, 1, "cobrar", 600, metodo_pago="efectivo")
    await serve(pos, 1, 45, 100, 10)
    await pos.new_order(2, tipo="llevar")
    pos.clock.advance(HOUR)
    found = await figures(pos)
    assert (found["espera"], found["en_total"]) == (measured(45), measured(155))
    assert found["tarde"]["medidos"] == 1  # nobody waits for the kitchen in the other


async def test_an_early_payment_changes_no_time(pos: Pos):
    await pos.new_order(1)
    await act(pos, 1, "cobrar", 40, metodo_pago="efectivo")
    await serve(pos, 1, 20, 100)
    found = await figures(pos)
    assert (found["espera"], found["cocina"]) == (measured(60), measured(100))


async def test_an_order_that_nobody_began_has_no_invented_times(pos: Pos):
    await pos.new_order(1)
    await act(pos, 1, "listo", 200)
    await act(pos, 1, "servir", 30)
    found = await figures(pos)
    assert (found["espera"], found["cocina"]) == (NOTHING, NOTHING)
    assert (found["recogida"], found["en_total"], found["tarde"]["medidos"]) == (measured(30), measured(230), 1)
    assert found["productos"][0]["cocina"] is None


async def test_what_was_undone_did_not_happen(pos: Pos):
    await pos.new_order(1)
    await act(pos, 1, "iniciar", 10)
    await act(pos, 1, "deshacer", 20)
    assert (await figures(pos))["espera"] == NOTHING
    await act(pos, 1, "iniciar", 30)
    await act(pos, 1, "listo", 100)
    await act(pos, 1, "deshacer", 5)
    found = await figures(pos)
    assert (found["espera"], found["cocina"], found["recuperados"]) == (measured(60), NOTHING, 0)
    assert found["productos"][0]["cocina"] is None
    await act(pos, 1, "listo", 50)
    found = await figures(pos)
    assert (found["cocina"], found["productos"][0]["cocina"]) == (measured(155), 155)


async def test_a_delivery_or_a_cancellation_that_was_undone_did_not_happen(pos: Pos):
    await pos.new_order(1)
    await serve(pos, 1, 60, 100, 10)
    await act(pos, 1, "deshacer", 30)
    found = await figures(pos)
    assert (found["recogida"], found["cocina"]) == (NOTHING, measured(100))
    await act(pos, 1, "servir", 20)
    await act(pos, 1, "cobrar", 5, metodo_pago="efectivo")
    await act(pos, 1, "deshacer", 5)
    assert (await figures(pos))["recogida"] == measured(60)
    await pos.new_order(2)
    await act(pos, 2, "iniciar", 10)
    await act(pos, 2, "cancelar", 10, razon="x")
    assert (await figures(pos))["cancelados"] == 1
    await act(pos, 2, "deshacer", 10)
    await act(pos, 2, "listo", 100)
    found = await figures(pos)
    assert (found["cancelados"], found["espera"]["medidos"], found["cocina"]["medidos"]) == (0, 2, 2)


async def test_a_recall_keeps_the_first_times_and_measures_nothing_after_it(pos: Pos):
    await pos.new_order(1)
    await serve(pos, 1, 60, 100)
    await act(pos, 1, "recuperar", 50, razon="frías")
    await act(pos, 1, "listo", 400)
    await act(pos, 1, "recuperar", 5, razon="otra vez")
    await act(pos, 1, "listo", 400)
    await act(pos, 1, "servir", 10)
    found = await figures(pos)
    assert (found["recuperados"], found["espera"], found["cocina"]) == (1, measured(60), measured(100))
    assert (found["recogida"], found["en_total"], found["productos"][0]["cocina"]) == (NOTHING, NOTHING, 100)


async def test_what_is_added_after_it_was_served_is_sold_and_timed_as_a_round_of_its_own(pos: Pos):
    await pos.request("POST", "/api/productos", {"nombre": "Flan", "precio": 2})
    await pos.new_order(1)
    await serve(pos, 1, 60, 100, 10)
    await act(pos, 1, "agregar_item", HOUR, items=[{"producto_id": 1, "cantidad": 3}])
    await act(pos, 1, "item_listo", 50, item_id=2)
    await act(pos, 1, "servir", 50)
    found = await figures(pos)
    assert (found["cocina"], found["recogida"], found["ventas"]) == (measured(100), measured(10, 50), 7.5)
    assert {dish["producto_nombre"]: (dish["cantidad"], dish["cocina"]) for dish in found["productos"]} == {
        "Flan": (3, None), "Pupusa": (2, 100),
    }  # fmt: skip


async def test_each_dish_is_ready_when_its_line_is(pos: Pos):
    await pos.new_order(1, items=[{"id": number, "producto_nombre": f"Plato {number}"} for number in (1, 2, 3)])
    await act(pos, 1, "iniciar")
    await act(pos, 1, "item_listo", 60, item_id=2)
    await act(pos, 1, "item_pendiente", 5, item_id=2)
    await act(pos, 1, "item_listo", 15, item_id=2)
    await pos.publish("pedido_listo", pedido_id=1, items_listos=["Plato 3"], parcial=True)
    await act(pos, 1, "listo", 120)
    found = await figures(pos)
    assert {dish["producto_nombre"]: dish["cocina"] for dish in found["productos"]} == {
        "Plato 1": 200, "Plato 2": 80, "Plato 3": 80,
    }  # fmt: skip


async def test_lines_that_change_and_a_cancellation_that_is_taken_back(pos: Pos):
    pupusas = {"id": 1, "producto_nombre": "Pupusa", "cantidad": 2, "precio_unitario": 0.75}
    await pos.new_order(1, items=[pupusas, {"id": 2, "producto_nombre": "Atol", "estado_item": "cancelado"}], total=1.5)
    await change_line(pos, 1, "cantidad_modificada", cantidad_nueva=5)
    await pos.publish("pedido_cancelado", pedido_id=1, razon="error")
    assert ((await figures(pos))["productos"], (await figures(pos))["ventas"]) == ([], None)
    await pos.set_state(1, "en_mesa", recuperado=True)
    found = await figures(pos)
    assert (found["cancelados"], found["recuperados"], found["ventas"]) == (0, 1, 3.75)
    assert [(dish["producto_nombre"], dish["cantidad"]) for dish in found["productos"]] == [("Pupusa", 5)]


async def test_an_order_that_is_known_by_its_events_alone(pos: Pos):
    await pos.set_state(1, "en_cocina")
    await pos.set_state(2, "listo")
    pos.clock.advance(90)
    await pos.set_state(1, "listo")
    found = await figures(pos)
    assert (found["pedidos"], found["espera"], found["cocina"]) == (2, NOTHING, measured(90))
    assert (found["ventas"], found["tarde"]["porcentaje"]) == (None, None)


async def test_the_limit_for_late_is_a_setting(tmp_path):
    async with running_pos(tmp_path / "log.db", late_minutes=2.5) as pos:
        await pos.new_order(1)
        await act(pos, 1, "listo", 149)
        await pos.new_order(2)
        pos.clock.advance(150)
        found = await figures(pos)
        assert (found["tarde_segundos"], found["tarde"]["tarde"], found["tarde"]["medidos"]) == (150, 1, 2)


# An independent recount of any course of events

STATES = ("pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado", "cancelado")
STEPS = st.lists(
    st.tuples(st.integers(1, 600), st.sampled_from(STATES), st.sampled_from([False] * 5 + [True])), min_size=1,
    max_size=9,
)  # fmt: skip
DAY_START = business_day_start(business_day(START_MS, ZONE), ZONE)


def recount(steps: list[tuple[int, str, bool]]) -> dict[str, int | None]:
    """By looking at the whole list of (time, state, recalled), not step by step."""
    moves = [step for number, step in enumerate(steps) if number == 0 or step[1] != steps[number - 1][1] or step[2]]
    first_recall = next((number for number, step in enumerate(moves) if step[2]), len(moves))
    moves = moves[:first_recall]
    end = next((n for n, step in enumerate(moves) if step[1] in ("servido", "cerrado", "cancelado")), len(moves) - 1)
    moves = moves[: end + 1]
    states = [state for _, state, _ in moves]
    cookable = [number for number, state in enumerate(states) if state in ("pagado", "en_mesa")]
    begun = [
        number
        for number, state in enumerate(states)
        if state == "en_cocina"
        and number > max(cookable, default=-1)
        and (number == 0 or states[number - 1] != "listo")
    ]
    ready = [number for number, state in enumerate(states) if state == "listo"]
    if ready and "en_cocina" in states[ready[-1] + 1 : ready[-1] + 2]:
        ready = []
    served = [
        number for number, state in enumerate(states) if state == "servido" and states[number - 1 : number] == ["listo"]
    ]

    def at(numbers: list[int], which: int) -> int | None:
        return moves[numbers[which]][0] if numbers else None

    return {
        "sent": at(cookable, 0), "started": at(begun, 0), "ready": at(ready, -1), "served": at(served, -1),
    }  # fmt: skip


@given(st.lists(STEPS, max_size=5))
def test_the_fold_counts_what_a_recount_counts(orders):
    fold, expected = Figures(DAY_START, DAY_START + 24 * HOUR * 1000), []
    for order_id, steps in enumerate(orders, 1):
        ms, timed = DAY_START, []
        for version, (gap, state, recalled) in enumerate(steps, 1):
            ms += gap * 1000
            recalled = recalled and version > 1
            timed.append((ms, state, recalled))
            fold.take(ms, {
                "tipo": "cambio_estado", "pedido_id": order_id, "version": version, "estado": state,
                "recuperado": recalled,
            })  # fmt: skip
        expected.append(recount(timed))
    found = fold.summary(ms if orders else DAY_START, ZONE, 900_000)
    for name, start, end in (
        ("espera", "sent", "started"), ("cocina", "started", "ready"), ("recogida", "ready", "served"),
        ("en_total", "sent", "served"),
    ):  # fmt: skip
        assert found[name] == spread((times[start], times[end]) for times in expected), name
    assert found["cancelados"] == sum(steps[-1][1] == "cancelado" for steps in orders)
    assert sum(hour["pedidos"] for hour in found["por_hora"]) == found["pedidos"] == len(orders)
    assert sum(hour["tarde"] for hour in found["por_hora"]) == found["tarde"]["tarde"] <= found["tarde"]["medidos"]


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_nine_of_ten_took_no_longer_than_the_90th_percentile(seconds):
    found = spread((0, second * 1000) for second in seconds)
    assert sum(second <= found["p90"] for second in seconds) >= math.ceil(0.9 * len(seconds))
    assert sum(second < found["p90"] for second in seconds) < 0.9 * len(seconds)
    assert found["mediana"] <= found["p90"]
    assert sum(second <= found["mediana"] + 0.5 for second in seconds) >= len(seconds) / 2


async def test_without_iniciar_only_the_whole_time_and_picking_up_are_measured(tmp_path):
    async with running_pos(tmp_path / "log.db", kitchen_start=False) as pos:
        for number in (1, 2):
            await pos.new_order(number)
        await act(pos, 1, "listo", 300)
        await act(pos, 1, "servir", 60)
        await act(pos, 2, "iniciar", 20)  # by a page that was open before
        await act(pos, 2, "listo", 100)
        await act(pos, 2, "servir", 20)
        found = await figures(pos)
    assert (found["espera"], found["cocina"]) == (NOTHING, NOTHING)
    assert (found["recogida"], found["en_total"]) == (measured(60, 20), measured(360, 500))
    assert [dish["cocina"] for dish in found["productos"]] == [None]
    assert found["tarde"]["medidos"] == 2
