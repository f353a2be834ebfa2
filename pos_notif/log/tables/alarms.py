"""What the alarms need of the database: the last ones given, those to show, and in which business day a room had a
screen."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from ...clock import SteadyMs, WallMs, parse_iso
from ...database.literals import literals
from ...database.stored_times import StoredTimes
from ...events import (
    ALARMS,
    CANCELLED,
    COOKABLE,
    COOKING,
    FILTERED_ROOMS,
    NEW_ORDER,
    NO_SCREEN,
    ON_BOARD,
    ORDER_CANCELLED,
    SCREEN_BACK,
    STATE_CHANGE,
    UNSEEN,
)
from ..event_log import Unacknowledged
from .orders import steady_time

# Of so many rows at most: neither a start nor a scrape must read a benchmark's.
_MOST = 5000
# So many older alarms in a row are the end of those that are young enough. A few are not: a clock may have been set.
_STRAYS = 100
# As the index has it, or SQLite would not use it.
_ALARMS = f"type IN ({literals(ALARMS)})"


@dataclass(slots=True)
class Kept:
    """What the log and the database know of alarms when the service starts."""

    covered: int = 0  # the last `sin_acuse` speaks of events up to this one
    raised: SteadyMs | None = None  # when that was
    lost: dict[str, SteadyMs] = field(default_factory=dict)  # by role: an alarm that nothing has recovered from
    recent: list[tuple[int, SteadyMs]] = field(default_factory=list)  # the kitchen's events after `covered`


def read_kept(connection: sqlite3.Connection, since: SteadyMs, times: StoredTimes) -> Kept:
    """Reads what a start has to know of alarms. Events of the kitchen that are older than `since` are left out."""
    kept = Kept()
    oldest, newest = connection.execute("SELECT oldest, head_id FROM log").fetchone()
    kept.covered = oldest - 1
    _read_alarms(connection, kept, times)
    rows = connection.execute(
        "SELECT id, ms FROM events WHERE id > ? AND to_kitchen ORDER BY id DESC LIMIT ?", (kept.covered, _MOST)
    )
    found = [(event_id, times.steady(event_id, ms)) for event_id, ms in rows]
    kept.recent = [(event_id, at) for event_id, at in reversed(found) if at >= since]
    if found:
        kept.covered = kept.recent[0][0] - 1 if kept.recent else newest
    return kept


def _read_alarms(connection: sqlite3.Connection, kept: Kept, times: StoredTimes) -> None:
    told: set[str] = set()
    rows = connection.execute(
        f"SELECT id, ms, data FROM events WHERE {_ALARMS} AND id > ? ORDER BY id DESC", (kept.covered,)
    )
    for event_id, ms, data in rows:
        alarm = json.loads(data)
        if alarm["tipo"] == UNSEEN:
            if kept.raised is None:
                kept.covered, kept.raised = alarm["hasta_id"], times.steady(event_id, ms)
        elif alarm["rol"] not in told:
            told.add(alarm["rol"])
            if alarm["tipo"] == NO_SCREEN:
                # By the clock that wrote the alarm.
                kept.lost[alarm["rol"]] = times.steady(event_id, parse_iso(alarm["desde"]))
        if kept.raised is not None and len(told) == len(FILTERED_ROOMS):
            return


def alarms_to_show(connection: sqlite3.Connection, since: SteadyMs, times: StoredTimes) -> list[dict[str, Any]]:
    """Returns what a page that is loaded now has to show: the newest `sin_acuse` since then, with what is still unseen
    of all of them, and each `sin_pantalla` that nothing has recovered from, oldest first. It reads all of the day's,
    since any of them may be of an order that nobody has seen yet; there is one `sin_acuse` in ten seconds at most."""
    told: set[str | None] = set()
    found: list[dict[str, Any]] = []
    unseen: dict[str, Any] | None = None
    order_ids: set[int] = set()
    rows = connection.execute(
        f"SELECT id, ms, data FROM events WHERE {_ALARMS} AND id >= (SELECT oldest FROM log) ORDER BY id DESC"
    )
    strays = 0
    for event_id, ms, data in rows:
        if times.steady(event_id, ms) < since:
            strays += 1
            if strays > _STRAYS:
                break
            continue
        strays = 0
        alarm = json.loads(data)
        del alarm["salas"]  # no transport carries them
        room = alarm.get("sala")  # a `sin_acuse` has none
        if room is None:
            order_ids.update(alarm["pedido_ids"])
            unseen = unseen or alarm
        if room not in told and alarm["tipo"] != SCREEN_BACK:
            found.append(alarm)
        told.add(room)
    if unseen is not None:
        unseen["sin_ver"] = _still_unseen(connection, sorted(order_ids))
    return found[::-1]


def _still_unseen(connection: sqlite3.Connection, order_ids: list[int]) -> list[int]:
    """Returns those of the orders of which the kitchen has neither acknowledged everything nor begun to cook. One that
    came back is `en_cocina` without anybody having begun it: there it is the event that brought it back."""
    found = connection.execute(
        "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
        f" AND (state IN ({literals([*COOKABLE, CANCELLED])}) AND json_array_length(data, '$.por_acusar') > 0"
        f" OR state = {literals([COOKING])} AND EXISTS (SELECT 1 FROM events WHERE type = {literals([STATE_CHANGE])}"
        " AND id IN (SELECT value FROM json_each(orders.data, '$.por_acusar'))))",
        (json.dumps(order_ids),),
    )
    return [order_id for (order_id,) in found]


def read_screens(connection: sqlite3.Connection) -> dict[str, WallMs]:
    """Returns when each room last had a screen, as noted once in a business day."""
    return dict(connection.execute("SELECT room, seen_ms FROM screens"))


def save_screen(connection: sqlite3.Connection, room: str, ms: WallMs) -> None:
    """Notes that the room had a screen at `ms`."""
    connection.execute(
        "INSERT INTO screens (room, seen_ms) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET seen_ms = excluded.seen_ms",
        (room, ms),
    )


def unacknowledged(
    connection: sqlite3.Connection, after: int, up_to: int, since: SteadyMs, times: StoredTimes
) -> list[Unacknowledged]:
    """Returns the events that no kitchen screen has acknowledged of those which give the kitchen an order or take one
    from it, oldest first. A change to a line is one where nothing was known of its order."""
    rows = connection.execute(
        "SELECT e.id, e.order_id, e.ms FROM events e JOIN orders o ON o.id = e.order_id"
        " WHERE e.id > ? AND e.id <= ? AND e.to_kitchen AND e.ms >= ?"
        f" AND (e.type IN ({literals([NEW_ORDER, ORDER_CANCELLED, STATE_CHANGE])}) OR e.id = o.first_event_id)"
        " AND e.id IN (SELECT value FROM json_each(o.data, '$.por_acusar')) ORDER BY e.id",
        (after, up_to, times.earliest(since)),
    )
    found = [Unacknowledged(event_id, order_id, ms, times.steady(event_id, ms)) for event_id, order_id, ms in rows]
    return [event for event in found if event.steady >= since]


def count_unacknowledged(connection: sqlite3.Connection, since: SteadyMs, times: StoredTimes) -> int:
    """Counts the orders with an event since then of which no kitchen screen has acknowledged something."""
    rows = connection.execute(
        "SELECT id, last_event_ms FROM (SELECT id, last_event_ms, data FROM orders"
        f" WHERE state IN ({literals(ON_BOARD)}) AND last_event_ms >= ? LIMIT ?)"
        " WHERE json_array_length(data, '$.por_acusar') > 0",
        (times.earliest(since), _MOST),
    ).fetchall()
    if not times.differ:
        return len(rows)
    return sum(steady_time(connection, order_id, ms, times) >= since for order_id, ms in rows)
