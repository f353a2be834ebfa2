"""What the alarms need of the database: the last ones given, those to show, and in which business day a room had a
screen."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from ...clock import parse_iso
from ...database.literals import literals
from ...events import (
    ALARMS,
    CANCELLED,
    COOKABLE,
    FILTERED_ROOMS,
    NEW_ORDER,
    NO_SCREEN,
    ON_BOARD,
    ORDER_CANCELLED,
    SCREEN_BACK,
    STATE_CHANGE,
    UNSEEN,
)

# As the index has it, or SQLite would not use it.
_ALARMS = f"type IN ({literals(ALARMS)})"


@dataclass(slots=True)
class Kept:
    """What the log and the database know of alarms when the service starts."""

    covered: int = 0  # the last `sin_acuse` speaks of events up to this one
    raised_ms: int | None = None  # when that was
    lost_ms: dict[str, int] = field(default_factory=dict)  # by role: an alarm that nothing has recovered from
    seen_ms: dict[str, int] = field(default_factory=dict)  # by room
    recent: list[tuple[int, int]] = field(default_factory=list)  # the kitchen's events after `covered`: (id, ms)


def read_kept(connection: sqlite3.Connection, since_ms: int) -> Kept:
    """Reads what a start has to know of alarms. Events of the kitchen that are older than `since_ms` are left out."""
    kept = Kept(seen_ms=dict(connection.execute("SELECT room, seen_ms FROM screens")))
    (kept.covered,) = connection.execute("SELECT oldest - 1 FROM log").fetchone()
    _read_alarms(connection, kept)
    rows = connection.execute("SELECT id, ms FROM events WHERE id > ? AND to_kitchen ORDER BY id DESC", (kept.covered,))
    for event_id, ms in rows:
        if ms < since_ms:
            kept.covered = event_id
            break
        kept.recent.append((event_id, ms))
    kept.recent.reverse()
    return kept


def _read_alarms(connection: sqlite3.Connection, kept: Kept) -> None:
    told: set[str] = set()
    rows = connection.execute(
        f"SELECT ms, data FROM events WHERE {_ALARMS} AND id > ? ORDER BY id DESC", (kept.covered,)
    )
    for ms, data in rows:
        alarm = json.loads(data)
        if alarm["tipo"] == UNSEEN:
            if kept.raised_ms is None:
                kept.covered, kept.raised_ms = alarm["hasta_id"], ms
        elif alarm["rol"] not in told:
            told.add(alarm["rol"])
            if alarm["tipo"] == NO_SCREEN:
                kept.lost_ms[alarm["rol"]] = parse_iso(alarm["desde"])
        if kept.raised_ms is not None and len(told) == len(FILTERED_ROOMS):
            return


def alarms_to_show(connection: sqlite3.Connection, since_ms: int) -> list[dict[str, Any]]:
    """Returns what a page that is loaded now has to show: the newest `sin_acuse` since then, and each `sin_pantalla`
    that nothing has recovered from, oldest first."""
    told: set[str | None] = set()
    found: list[dict[str, Any]] = []
    rows = connection.execute(
        f"SELECT ms, data FROM events WHERE {_ALARMS} AND id >= (SELECT oldest FROM log) ORDER BY id DESC"
    )
    for ms, data in rows:
        if ms < since_ms or len(told) > len(FILTERED_ROOMS):
            break
        alarm = json.loads(data)
        del alarm["salas"]  # no transport carries them
        room = alarm.get("sala")  # a `sin_acuse` has none
        if room not in told and alarm["tipo"] != SCREEN_BACK:
            if room is None:
                alarm["sin_ver"] = _still_unseen(connection, alarm["pedido_ids"])
            found.append(alarm)
        told.add(room)
    return found[::-1]


def _still_unseen(connection: sqlite3.Connection, order_ids: list[int]) -> list[int]:
    """Returns those of the orders of which the kitchen has neither acknowledged everything nor begun to cook."""
    found = connection.execute(
        "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
        f" AND state IN ({literals([*COOKABLE, CANCELLED])}) AND json_array_length(data, '$.por_acusar') > 0",
        (json.dumps(order_ids),),
    )
    return [order_id for (order_id,) in found]


def save_screen(connection: sqlite3.Connection, room: str, ms: int) -> None:
    """Notes that the room had a screen at `ms`."""
    connection.execute(
        "INSERT INTO screens (room, seen_ms) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET seen_ms = excluded.seen_ms",
        (room, ms),
    )


def unacknowledged(connection: sqlite3.Connection, after: int, up_to: int, since_ms: int) -> list[tuple[int, int, int]]:
    """Returns the events of the kitchen's new and cancelled orders that no kitchen screen has acknowledged: (id, order,
    ms), oldest first."""
    return connection.execute(
        "SELECT e.id, e.order_id, e.ms FROM events e JOIN orders o ON o.id = e.order_id"
        " WHERE e.id > ? AND e.id <= ? AND e.to_kitchen AND e.ms >= ?"
        f" AND e.type IN ({literals([NEW_ORDER, ORDER_CANCELLED, STATE_CHANGE])})"
        " AND e.id IN (SELECT value FROM json_each(o.data, '$.por_acusar')) ORDER BY e.id",
        (after, up_to, since_ms),
    ).fetchall()


# Of so many orders at most: a scrape must not read a benchmark's.
_COUNTED = 5000


def count_unacknowledged(connection: sqlite3.Connection, since_ms: int) -> int:
    """Counts the orders with an event since then of which no kitchen screen has acknowledged something."""
    found = connection.execute(
        "SELECT count(*) FROM (SELECT data FROM orders"
        f" WHERE state IN ({literals(ON_BOARD)}) AND last_event_ms >= ? LIMIT ?)"
        " WHERE json_array_length(data, '$.por_acusar') > 0",
        (since_ms, _COUNTED),
    ).fetchone()
    return int(found[0])
