"""The log's file itself: filled without a server, read beside one."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pos_notif import NotificadorPedidos
from pos_notif.publishing.publication import Publisher


def stock_alert(product_id: int, level: str = "bajo", **fields: Any) -> dict[str, Any]:
    """`bajo` goes to managers only, `agotado` and `disponible` to every room."""
    return {"tipo": "alerta_stock", "producto_id": product_id, "nombre": "Queso", "nivel": level, **fields}


def fill_log(database: Path, drafts: list[dict[str, Any]]) -> str:
    """Appends drafts without a server, 500 in a transaction; returns the last one's cursor."""

    async def fill() -> str:
        publisher = Publisher("python", {"usuario_id": None, "username": "python", "rol": "manager"}, names_actor=True)
        async with NotificadorPedidos(database=str(database)) as notifier:
            for first in range(0, len(drafts), 500):
                await notifier.publishing.publish(drafts[first : first + 500], publisher=publisher, batch=True)
            return notifier.log.bounds.cursor()

    return asyncio.run(fill())


@contextlib.contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """The file itself, beside or without a server; what was done is committed."""
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        yield connection


def prune_log(database: Path, up_to: int, *, delete_rows: bool = True) -> None:
    """Takes the events up to an id out of the log, as pruning does."""
    with opened(database) as connection:
        connection.execute(
            "UPDATE log SET oldest = ? + 1, anchor_hash = (SELECT hash FROM events WHERE id = ?)", (up_to, up_to)
        )
        if delete_rows:
            connection.execute("DELETE FROM events WHERE id <= ?", (up_to,))
