"""Writes many rows by few statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

# By then most of what a statement costs beside its rows is shared, and nobody's parameters are beyond SQLite's limit.
ROWS_A_STATEMENT = 16


def insert_rows(connection: sqlite3.Connection, insert: str, rows: Sequence[Sequence[Any]]) -> None:
    """Writes the rows, each with a value for each column that `insert` names (`INSERT INTO t (a, b)`). Raises
    sqlite3.Error.

    It takes two thirds of the time of `executemany`, which runs a statement a row, and gives the interpreter to another
    thread around each."""
    if not rows:
        return
    values = f"({', '.join('?' * len(rows[0]))})"
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    if whole:
        together = f"{insert} VALUES {', '.join([values] * ROWS_A_STATEMENT)}"
        for first in range(0, whole, ROWS_A_STATEMENT):
            connection.execute(together, list(chain.from_iterable(rows[first : first + ROWS_A_STATEMENT])))
    if whole < len(rows):
        connection.executemany(f"{insert} VALUES {values}", rows[whole:])
