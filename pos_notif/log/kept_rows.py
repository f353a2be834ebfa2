"""How many rows the log has. Its ids do not say: a restore leaves a gap of a million."""

from __future__ import annotations

import sqlite3

from ..database.threads import Database
from .event_log import Bounds

# A read of so many takes some milliseconds.
ROWS_AT_ONCE = 20_000


class KeptRows:
    """Counts the log's rows, and remembers up to where: only what is new is read, and after a pruning the whole."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted = Bounds("", 1, 0)
        self._rows = 0

    async def count(self, bounds: Bounds) -> int:
        """Counts the rows within the log's bounds. Raises LogUnavailable."""
        rows, up_to = self._rows, self._counted.newest
        if (bounds.epoch, bounds.oldest) != (self._counted.epoch, self._counted.oldest):
            rows, up_to = 0, bounds.oldest - 1
        while up_to < bounds.newest:
            found, last = await self._database.read(lambda db, after=up_to: _count_page(db, after, bounds.newest))  # type: ignore[misc]
            rows += found
            up_to = last if found == ROWS_AT_ONCE else bounds.newest
        self._counted, self._rows = bounds, rows
        return rows


def _count_page(connection: sqlite3.Connection, after: int, up_to: int) -> tuple[int, int]:
    page = "SELECT id FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    found, last = connection.execute(
        f"SELECT count(*), coalesce(max(id), 0) FROM ({page})", (after, up_to, ROWS_AT_ONCE)
    ).fetchone()
    return found, last
