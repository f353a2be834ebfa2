"""A business day's figures: how long the first answer takes, and for how long the event loop stands still meanwhile.

    python -m tests.benchmarks.figures [--orders 5000,48000]

Writes days of so many orders (by the real writer, six events each), then asks for each as `GET /api/cifras` does: as
today's, again, and as an ended day's. Times are of the process's own work (user and system), so that they can be
compared on a busy machine; the loop's longest stand is in time that passed, and says something on a quiet one alone.
Last, the first answer's work beside that of reading the same rows and doing nothing with them: a ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pos_notif import Config, NotificadorPedidos
from pos_notif.clock import parse_iso
from pos_notif.figures.today import DayFigures
from pos_notif.publishing.publication import Publisher
from pos_notif.server.run import collect_seldom
from tests.support.in_process import HeldClock

BATCH = 500
START_MS = parse_iso("2026-11-24T10:00:00-06:00")
PUBLISHER = Publisher("bench", {"usuario_id": None, "username": "bench", "rol": "manager"}, names_actor=True)
DISHES = [
    {"producto_id": number, "producto_nombre": f"Plato {number}", "cantidad": 2, "precio_unitario": 1.5}
    for number in range(1, 41)
]
STEPS = (None, "en_cocina", None, "listo", "servido", "cerrado")


def events(order_id: int) -> list[dict[str, Any]]:
    """An order of four dishes, from its first event to its last."""
    items = [{**DISHES[(order_id + number) % len(DISHES)], "id": number} for number in range(1, 5)]
    made = [{"tipo": "nuevo_pedido", "pedido": {"id": order_id, "mesa_numero": order_id % 30, "items": items}}]
    made += [{"tipo": "cambio_estado", "pedido_id": order_id, "estado": state} for state in STEPS if state]
    ready = {"tipo": "item_modificado", "pedido_id": order_id, "item_id": 1, "cambios": {"tipo_cambio": "item_listo"}}
    return [*made[:2], ready, *made[2:]]


async def write_day(database: Path, orders: int) -> None:
    """Waves of 500 orders: each step of them is a batch, half a minute after the one before."""
    clock = HeldClock(START_MS)
    async with NotificadorPedidos(config=Config(database=str(database)), clock=clock) as notifier:
        for first in range(1, orders + 1, BATCH):
            steps = zip(*(events(number) for number in range(first, min(first + BATCH, orders + 1))), strict=True)
            for step in steps:
                clock.advance(30 if orders < 10_000 else 30 * 10_000 / orders)
                await notifier.publishing.publish(list(step), publisher=PUBLISHER, batch=True)


@dataclass
class Watched:
    seconds: float = 0.0
    longest_stand: float = 0.0


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    """The work inside, and the longest time for which the loop did not turn; a task looks every millisecond."""
    found = Watched()

    async def look() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            found.longest_stand, last = max(found.longest_stand, now - last - 0.001), now

    looking = asyncio.create_task(look())
    await asyncio.sleep(0.01)
    began = time.process_time()
    try:
        yield found
    finally:
        found.seconds = time.process_time() - began
        looking.cancel()


def read_rows(database: Path) -> float:
    """Reads the log's rows, and parses each, without doing anything with it."""
    began = time.process_time()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for (data,) in connection.execute("SELECT data FROM events ORDER BY id"):
            json.loads(data)
    return time.process_time() - began


async def measure(database: Path, tell: Callable[[str, Watched], None]) -> float:
    clock = HeldClock(START_MS + 10 * 3_600_000)
    async with NotificadorPedidos(config=Config(database=str(database)), clock=clock) as notifier:
        figures = DayFigures(notifier.log)
        async with watched() as first:
            today = await figures.of(None)
        tell("today's, first", first)
        async with watched() as again:
            await figures.of(None)
        tell("today's, again", again)
        clock.advance(24 * 3600)
        async with watched() as rolled:
            await figures.of(None)
        tell("the next day's", rolled)
        for what in ("the ended day's", "the ended day's, again"):
            async with watched() as ended:
                found = await figures.of(date.fromisoformat(today["dia"]))
            tell(what, ended)
        assert found["pedidos"] == today["pedidos"]
    async with NotificadorPedidos(config=Config(database=str(database)), clock=clock) as notifier:
        figures = DayFigures(notifier.log)
        async with watched() as unknown:
            await figures.of(date.fromisoformat(today["dia"]))
        tell("an ended day's, first", unknown)
    return first.seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--orders", default="5000,48000")
    options.add_argument("--directory", type=Path, help="keeps the days between runs")
    chosen = options.parse_args()
    collect_seldom()  # as the service does
    with tempfile.TemporaryDirectory() as temporary:
        for orders in map(int, chosen.orders.split(",")):
            database = (chosen.directory or Path(temporary)) / f"{orders}.db"
            if not database.exists():
                asyncio.run(write_day(database, orders))
            print(f"{orders:,} orders")

            def tell(what: str, found: Watched) -> None:
                stand = found.longest_stand * 1000
                print(f"    {what:24}{found.seconds:8.2f} s of work; the loop stood for {stand:6.1f} ms at most")

            first = asyncio.run(measure(database, tell))
            print(f"    first answer / reading the rows: {first / read_rows(database):.2f}")


if __name__ == "__main__":
    main()
