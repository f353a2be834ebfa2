"""The greatest id that was ever given in a table, where the table itself no longer says so. SQLite's own
`sqlite_sequence` has it for tables that never give an id twice, and after a restore for the others too."""

from __future__ import annotations

import sqlite3


def last_given(connection: sqlite3.Connection, table: str) -> int:
    """Returns the greatest id that is noted as given; 0 where none is."""
    row = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row[0] or 0)


def note_given(connection: sqlite3.Connection, table: str, last_id: int) -> None:
    """Notes that ids up to this one are given."""
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last_id))
