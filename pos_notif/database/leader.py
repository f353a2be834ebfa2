"""Which process of a cluster leads, and how often that was decided: it stands in the log's row."""

from __future__ import annotations

import sqlite3


def read_leader(connection: sqlite3.Connection) -> tuple[str | None, int]:
    """Returns who leads, and in which term; None where nobody ever did."""
    leader, term = connection.execute("SELECT leader, term FROM log").fetchone()
    return leader, term


def write_leader(connection: sqlite3.Connection, leader: str, term: int) -> None:
    """Makes a process the leader."""
    connection.execute("UPDATE log SET leader = ?, term = ?", (leader, term))
