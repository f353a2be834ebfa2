"""Which statements of other nodes may run here: records are SQL that comes from the network."""

from __future__ import annotations

import sqlite3

from ..resources import resource
from .record import Unreadable

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_FUNCTION,
}
# The node's own: no other one may move it.
_OWN_TABLES = {"node", "positions"}
# What would be another value on another machine.
_VARYING = {
    "random", "randomblob", "date", "time", "datetime", "julianday", "strftime", "unixepoch", "changes",
    "total_changes", "last_insert_rowid", "load_extension", "sqlite_version",
}  # fmt: skip
_checked: set[str] = set()


def check_statement(sql: str) -> None:
    """Raises Unreadable for a statement that touches anything but the replicated tables, or whose values depend on the
    machine. SQLite judges it, on an empty log: not the writer's own connection, whose prepared statements would have to
    be prepared anew."""
    if sql in _checked:
        return
    refused: list[str] = []

    def judge(action: int, first: str | None, second: str | None, *_: object) -> int:
        if action not in _ALLOWED or first in _OWN_TABLES or (action == sqlite3.SQLITE_FUNCTION and second in _VARYING):
            refused.append(f"{first or second}")
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    model = sqlite3.connect(":memory:")
    try:
        model.executescript(resource("schema.sql").read_text(encoding="utf-8"))
        model.set_authorizer(judge)
        model.execute(f"EXPLAIN {sql}")
    except sqlite3.ProgrammingError:
        pass  # it wants its parameters: so it was prepared
    except sqlite3.Error as error:
        raise Unreadable(f"a statement is not allowed: {sql[:80]!r} ({', '.join(refused) or error})") from error
    finally:
        model.close()
    if len(_checked) > 1000:
        _checked.clear()
    _checked.add(sql)
