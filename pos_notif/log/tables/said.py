"""What each publisher has said last of an order's table, guest and waiter.

It is no part of the fold: whether an event moves its order is decided when it is appended, and stands in it. So a log
that is imported has the same orders, and every publisher says its first word of them there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from ...database.inserting import insert_rows
from ...wire.json_text import encode, load


def find_said(connection: sqlite3.Connection, order_id: int, publisher: str) -> dict[str, Any]:
    row = connection.execute(
        "SELECT data FROM order_words WHERE order_id = ? AND publisher = ?", (order_id, publisher)
    ).fetchone()
    found: dict[str, Any] = load(row[0]) if row else {}
    return found


def save_said(connection: sqlite3.Connection, said: Mapping[tuple[int, str], dict[str, Any]]) -> None:
    insert_rows(
        connection,
        "INSERT OR REPLACE INTO order_words (order_id, publisher, data)",
        [(*name, encode(words).decode()) for name, words in said.items()],
    )
