"""Takes old events out of the log, while it is being written and read (docs/protocol.md, section 12)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from ..clock import Clocks, Instant, WallMs, business_day, business_day_start
from ..database.threads import Database
from ..errors import LogUnavailable
from ..log.event_log import Transaction
from ..log.lead import Lead
from ..log.pruning import Cut, prunings
from ..log.tables.fold import Fold
from ..log.tables.pruning import (
    BATCH_ROWS,
    PAGE_ORDERS,
    SMALL_BATCH_ROWS,
    Prefix,
    delete_batch,
    orders_going_on,
)
from ..log.writer import SqliteLog
from ..orders.numbers import FIRST_OWN_ORDER_ID
from ..orders.state import Order
from ..publishing.system_events import append_system

logger = logging.getLogger("pos_notif")

DAY_MS = 24 * 3600 * 1000
# Between two batches the writer belongs to the publishers for at least as long as a batch took.
PAUSE_SECONDS = 0.02
LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PruningResult:
    """`up_to` is the newest event that went; `orders` go on, as they stood after it."""

    rows: int
    up_to: int
    orders: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a pruning would do: `result` comes of it, `total` events are there now. `up_to_ms` is the time of the newest
    that would go, `newest_ms` that of the newest of all."""

    result: PruningResult
    total: int
    up_to_ms: WallMs
    newest_ms: WallMs


class Overtaken(Exception):
    """Another process pruned the log meanwhile."""


def foresee(connection: sqlite3.Connection, before_ms: int) -> Foreseen | None:
    """Returns what `prune` would do to the log now, and does nothing; None where it would not take out any event."""
    prefix = Prefix.of(connection)
    while prefix.extend(connection, before_ms):
        pass
    if not prefix.worth_it:
        return None
    fold, going_on = Fold(connection), 0
    ids = sorted(prefix.order_ids)
    for first in range(0, len(ids), PAGE_ORDERS):
        going_on += len(orders_going_on(connection, fold, ids[first : first + PAGE_ORDERS], prefix.up_to))
    total, up_to_ms, newest_ms = connection.execute(
        "SELECT (SELECT count(*) FROM events WHERE id >= ?), (SELECT ms FROM events WHERE id = ?),"
        " (SELECT ms FROM events ORDER BY id DESC LIMIT 1)",
        (prefix.oldest, prefix.up_to),
    ).fetchone()
    return Foreseen(PruningResult(prefix.rows, prefix.up_to, going_on), total, up_to_ms, newest_ms)


async def prune(
    database: Database,
    log: SqliteLog,
    *,
    before_ms: int,
    at: Instant,
    zone: tzinfo,
    progress: Callable[[int, int], None] = lambda done, total: None,
    may: Callable[[Transaction], bool] = lambda transaction: True,
) -> PruningResult | None:
    """Takes out the events before the first that is as young as `before_ms`. Returns None where there are none.

    What an earlier one left undone is done first. It may be ended at any point: the next one goes on. `may` is asked in
    its transaction whether it is this process's to do. Raises Overtaken, or LogUnavailable.
    """
    await _delete_rows(database, lambda done: None)
    prefix = await database.read(Prefix.of)
    while await database.read(lambda connection: prefix.extend(connection, before_ms)):
        pass
    if not prefix.worth_it:
        return None
    going_on = await _plan(database, prefix)

    def work(transaction: Transaction) -> None:
        if transaction.oldest() != prefix.oldest or not may(transaction):
            raise Overtaken
        # What has happened since the plan was made may be about orders that it left out.
        for order_id in transaction.orders_since(prefix.head) - going_on.keys():
            order = transaction.order_at(order_id, prefix.up_to)
            if order is not None:
                going_on[order_id] = order
        last_own = max(transaction.last_own_order_id(), FIRST_OWN_ORDER_ID - 1)
        day = business_day(at.ms, zone)
        cut = Cut(prefix.up_to, prefix.anchor_hash, prefix.rows, last_own, day, transaction.last_number(day, zone))
        for body in prunings(cut, [going_on[order_id] for order_id in sorted(going_on)]):
            append_system(transaction, body["tipo"], body, at=at, zone=zone)
        transaction.begin_after(prefix.up_to, prefix.anchor_hash)

    await log.transact(work)
    await _delete_rows(database, lambda done: progress(done, prefix.rows))
    return PruningResult(prefix.rows, prefix.up_to, len(going_on))


async def _plan(database: Database, prefix: Prefix) -> dict[int, Order]:
    """Returns the orders that go on, by id."""
    ids = sorted(prefix.order_ids)
    fold: Fold | None = None
    going_on: dict[int, Order] = {}
    for first in range(0, len(ids), PAGE_ORDERS):

        def page(connection: sqlite3.Connection, page_ids: list[int] = ids[first : first + PAGE_ORDERS]) -> list[Order]:
            nonlocal fold
            fold = fold.renewed() if fold is not None else Fold(connection)
            return orders_going_on(connection, fold, page_ids, prefix.up_to)

        going_on.update((order.pedido["id"], order) for order in await database.read(page))
    return going_on


async def _delete_rows(database: Database, progress: Callable[[int], None]) -> None:
    deleted = 0
    while True:
        started = time.monotonic()
        limit = SMALL_BATCH_ROWS if await database.make_room() else BATCH_ROWS
        count = await database.write_here(partial(delete_batch, limit=limit))
        if not count:
            return
        deleted += count
        progress(deleted)
        await asyncio.sleep(max(PAUSE_SECONDS, time.monotonic() - started))


async def prune_every_day(
    database: Database,
    log: SqliteLog,
    *,
    keep_days: float,
    cut_time: Callable[[], WallMs],
    clocks: Clocks,
    zone: tzinfo,
    lead: Lead | None = None,
) -> None:
    """Prunes when it starts, and after every change of the business day: a machine may be off at night. `cut_time` is
    the time to which ages are counted; `keep_days` of 0 prunes nothing. With `lead` only the process that leads prunes,
    and the others delete from their own files what it has pruned. It never returns."""
    may = lead.stands if lead is not None else lambda transaction: True
    done_day, deleted = None, 0
    while True:
        day = business_day(cut_time(), zone)
        try:
            if lead is not None and not lead.leads:
                if log.bounds.oldest != deleted:
                    oldest = log.bounds.oldest
                    await _delete_rows(database, lambda done: None)
                    deleted = oldest
            elif keep_days and day != done_day:
                before_ms = business_day_start(day, zone) - int(keep_days * DAY_MS)
                pruned = await prune(database, log, before_ms=before_ms, at=clocks.now(), zone=zone, may=may)
                if pruned is not None:
                    logger.info(
                        "pruned %d events up to %d; %d orders go on", pruned.rows, pruned.up_to, pruned.orders
                    )  # fmt: skip
                done_day = day
        except LogUnavailable as error:
            logger.warning("the log could not be pruned: %s", error.__cause__)
        except Overtaken:
            logger.info("another process prunes the log")
            done_day = day
        await asyncio.sleep(LOOK_SECONDS)
