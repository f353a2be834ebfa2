"""How a node's file becomes a log of its own again."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from ..cluster.places import end_membership
from ..database.connecting import connect
from ..database.file import in_transaction
from ..log.tables.epochs import begin_epoch


def detach(database: Path) -> None:
    """Ends the membership of a file that nobody has open. It begins a new epoch: what the other nodes number from here
    on is not what this log does; who has seen none of that is not reset. Raises sqlite3.Error."""
    with contextlib.closing(connect(database)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        in_transaction(connection, _leave)


def _leave(connection: sqlite3.Connection) -> None:
    end_membership(connection)
    connection.execute("UPDATE log SET leader = NULL, term = 0")
    begin_epoch(connection)
