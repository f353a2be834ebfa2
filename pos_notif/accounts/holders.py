"""Whose a database is: its users and tokens, read without touching or migrating it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ..database.connecting import reading
from ..errors import LogRefused


@dataclass(frozen=True, slots=True)
class Holders:
    """The names of the users, oldest first, and of the API tokens; and whether the log has events."""

    users: list[str]
    tokens: list[str]
    has_events: bool


def read_holders(file: Path) -> Holders:
    """Reads whose database the file is. Raises LogRefused, with SQLite's words, where it is no log."""
    try:
        with reading(file) as database:
            users = [row[0] for row in database.execute("SELECT username FROM users ORDER BY id")]
            tokens = [row[0] for row in database.execute("SELECT name FROM tokens")]
            return Holders(users, tokens, database.execute("SELECT head_id FROM log").fetchone()[0] > 0)
    except (sqlite3.Error, TypeError) as error:
        raise LogRefused(str(error)) from error
