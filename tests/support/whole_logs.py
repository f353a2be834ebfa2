"""Logs with some history, and their exports, for the tools that work on a log as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pos_notif import NotificadorPedidos
from pos_notif.log.lines import LogState, event_line, last_line
from pos_notif.publishing.publication import Publisher
from tests.support.in_process import HeldClock
from tests.support.logs import opened

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
PUBLISHER = Publisher("token:1", {"usuario_id": None, "username": "pos", "rol": "manager"}, names_actor=True)
STATES = ("en_cocina", "listo", "servido", "cerrado")


def order_events(order_id: int, states: tuple[str, ...] = STATES, **pedido: Any) -> list[dict[str, Any]]:
    """A birth, a change of a line, and the states."""
    items = [
        {"producto_nombre": f"Jalapeño, «{number}» 🌮", "cantidad": 2, "precio_unitario": 0.75} for number in (1, 2)
    ]
    changed = {
        "tipo": "item_modificado", "pedido_id": order_id, "item_id": 1, "total": 3.0,
        "cambios": {"tipo_cambio": "cantidad_modificada", "cantidad_nueva": 3},
    }  # fmt: skip
    return [
        {"tipo": "nuevo_pedido", "pedido": {"id": order_id, "mesa_numero": 5, "items": items, **pedido}},
        changed,
        *({"tipo": "cambio_estado", "pedido_id": order_id, "estado": state} for state in states),
    ]


async def publish_at(path: Path, *moments: tuple[int, list[dict[str, Any]]]) -> None:
    """Publishes each moment's drafts (milliseconds since 1970) as one batch."""
    clock = HeldClock()
    async with NotificadorPedidos(database=str(path), clock=clock, ticks=clock.ticks) as notifier:
        for clock.ms, drafts in moments:
            for first in range(0, len(drafts), 500):
                await notifier.publishing.publish(drafts[first : first + 500], publisher=PUBLISHER, batch=True)


def make_log(path: Path, *moments: tuple[int, list[dict[str, Any]]]) -> Path:
    asyncio.run(publish_at(path, *moments))
    return path


def export(database: Path, file: Path) -> Path:
    """The log as a complete NDJSON export."""
    with opened(database) as connection:
        state = LogState(
            *connection.execute("SELECT head_id, head_hash, oldest - 1, anchor_hash FROM log").fetchone()
        )  # fmt: skip
        rows = connection.execute(
            "SELECT data, hash FROM events WHERE id > ? ORDER BY id", (state.anchor_id,)
        ).fetchall()
    lines, previous = [], state.anchor_hash
    for data, own_hash in rows:
        lines.append(event_line(data.encode(), previous.encode(), own_hash.encode()))
        previous = own_hash
    file.write_bytes(b"".join(lines) + last_line(len(rows), True, state))
    return file


def content(database: Path) -> tuple[Any, ...]:
    """What a log holds but for its epoch: its bounds, its rows, its orders."""
    with opened(database) as connection:
        return (
            connection.execute("SELECT head_id, head_hash, oldest, anchor_hash FROM log").fetchone(),
            connection.execute("SELECT * FROM events WHERE id >= (SELECT oldest FROM log) ORDER BY id").fetchall(),
            connection.execute("SELECT * FROM orders ORDER BY id").fetchall(),
        )


def head(database: Path) -> tuple[int, str]:
    with opened(database) as connection:
        found: tuple[int, str] = connection.execute("SELECT head_id, head_hash FROM log").fetchone()
    return found


def epoch(database: Path) -> str:
    with opened(database) as connection:
        return str(connection.execute("SELECT epoch FROM log").fetchone()[0])
