"""What people call an order that is placed here: a letter for the day, and a number (docs/protocol.md, section 9)."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pos_notif.clock import business_day_start
from pos_notif.orders.numbers import last_of, letter, named
from pos_notif.upkeep.retention import prune
from tests.support.in_process import HeldClock, in_process

ZONE = ZoneInfo("America/El_Salvador")
DAY = date(2026, 11, 24)


def test_a_days_letter_is_one_of_24_and_none_is_taken_for_a_figure():
    letters = [letter(DAY + timedelta(days=n)) for n in range(24)]
    assert sorted(letters) == sorted("ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert letter(date(1970, 1, 1)) == "A"
    assert letter(date(1970, 1, 9)) == "J"
    assert letter(date(1970, 1, 25)) == "A"
    assert letter(DAY + timedelta(days=24)) == letter(DAY)


def test_the_last_of_a_day_is_found_among_other_days_and_other_peoples_numbers():
    own = letter(DAY)
    today, tomorrow = "2026-11-24T19:00:00.000-06:00", "2026-11-25T19:00:00.000-06:00"
    before = "2026-10-31T19:00:00.000-06:00"  # the same letter, 24 days ago
    assert last_of(DAY, [], ZONE) == 0
    assert last_of(DAY, [(f"{own}12", today), (f"{own}11", today)], ZONE) == 12
    strays = [(f"{letter(DAY + timedelta(days=1))}3", tomorrow), (f"{own}90", before), (7, today), (f"{own}x", today)]
    assert last_of(DAY, [*strays, (f"{own}5", today)], ZONE) == 5
    assert last_of(DAY, [(f"{own}90", before)] * 3, ZONE) == 0


def test_a_number_names_its_table_too():
    pedido = {"numero": "C12", "mesa_numero": 5, "tipo": "mesa", "cliente_nombre": None}
    assert named(pedido) == "#C12 (Mesa 5)"
    assert named({**pedido, "mesa_numero": None}) == "#C12"
    assert named({**pedido, "tipo": "llevar", "cliente_nombre": "Rosa"}) == "#C12 (Llevar Rosa)"
    assert named({**pedido, "tipo": "llevar"}) == "#C12 (Llevar)"


class Shop:
    def __init__(self, service: Any, token: str) -> None:
        self.service, self.token, self.keys = service, token, 0

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.service.call(method, path, body, token=self.token)
        assert answer.status in (200, 201), answer.text
        return answer.json

    async def place(self) -> dict[str, Any]:
        self.keys += 1
        body = {"operacion_id": f"op{self.keys}", "tipo": "mesa", "items": [{"producto_id": 1, "cantidad": 1}]}
        placed: dict[str, Any] = (await self.call("POST", "/api/pedidos", body))["pedido"]
        return placed

    async def number(self) -> str:
        return str((await self.place())["numero"])


def opened(path: Path, clock: HeldClock, name: str) -> Any:
    """The service on this log, with a menu."""

    class Opened:
        async def __aenter__(self) -> Shop:
            self.context = in_process(path, clock)
            service = await self.context.__aenter__()
            shop = Shop(service, await service.accounts.create_token(name))
            if not (await shop.call("GET", "/api/productos"))["productos"]:
                await shop.call("POST", "/api/productos", {"nombre": "Flan", "precio": 2})
            return shop

        async def __aexit__(self, *error: Any) -> None:
            await self.context.__aexit__(*error)

    return Opened()


async def test_numbers_begin_with_1_in_each_business_day_and_go_on_after_a_restart(tmp_path):
    path, clock = tmp_path / "log.db", HeldClock(business_day_start(DAY, ZONE) + 20 * 3_600_000 - 1000)
    today, next_day = letter(DAY), letter(DAY + timedelta(days=1))
    async with opened(path, clock, "a") as shop:
        # It is 23:59:59, and at midnight it is the same business day.
        assert [await shop.number() for _ in range(2)] == [f"{today}1", f"{today}2"]
        clock.advance(3600)
        assert await shop.number() == f"{today}3"
    async with opened(path, clock, "b") as shop:
        assert await shop.number() == f"{today}4"
        # All that are placed at once, in one group of the log's, have numbers of their own.
        together = await asyncio.gather(*(shop.place() for _ in range(5)))
        assert sorted(order["numero"] for order in together) == [f"{today}{n}" for n in range(5, 10)]
        clock.advance(3 * 3600 + 1)
        assert await shop.number() == f"{next_day}1"
        # A clock that was set on for a while gives that day's, and goes on in this day's afterwards.
        clock.set_ahead(24 * 3600)
        assert await shop.number() == f"{letter(DAY + timedelta(days=2))}1"
        clock.set_ahead(0)
        assert await shop.number() == f"{next_day}2"


async def test_a_pruning_within_the_day_takes_no_number_back(tmp_path):
    path, clock = tmp_path / "log.db", HeldClock(business_day_start(DAY, ZONE) + 3_600_000)
    today = letter(DAY)
    async with opened(path, clock, "a") as shop:
        for _ in range(3):
            order = await shop.place()
            body = {"accion": "cancelar", "operacion_id": f"c{order['id']}", "razon": "x"}
            await shop.call("POST", f"/api/pedidos/{order['id']}/acciones", body)
        clock.advance(7200)
        log = shop.service.app.extensions["pos_notif"].log
        at = log.clocks.now()
        assert await prune(log.database, log.store, before_ms=at.ms - 60_000, at=at, zone=ZONE) is not None
        assert await shop.number() == f"{today}4"
        clock.advance(24 * 3600)
        assert await shop.number() == f"{letter(DAY + timedelta(days=1))}1"
