"""`RecordingConnection`: what a node's writer has instead of SQLite's own connection. It notes what changes rows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from .record import Statement

# Tables in which SQLite gives the ids: a node that would give another one has other rows.
_COUNTED_TABLES = frozenset({"members", "push_subscriptions", "sessions", "tokens", "users"})
_FIRST_WORD = re.compile(r"\s*(\w+)(?:\s+(?:OR\s+\w+\s+)?INTO\s+(\w+))?", re.IGNORECASE)


class Unrecorded(Exception):
    """Rows were changed in another way than by a noted statement: other nodes could not do the same."""


class RecordingConnection(sqlite3.Connection):
    """A connection that notes, between `record` and `recorded`, each INSERT, UPDATE, DELETE and REPLACE that `execute`
    and `executemany` run, with its parameters. Outside of that it is like any other."""

    _noted: list[Statement] | None = None
    _began = 0
    _changes = 0

    def record(self) -> None:
        """Begins to note."""
        self._noted, self._began, self._changes = [], self.total_changes, 0

    def recorded(self) -> tuple[list[Statement], int]:
        """Ends that, and returns what was noted and how many rows that has changed. Raises Unrecorded where others were
        changed too."""
        noted, self._noted = self._noted or [], None
        if self.total_changes - self._began != self._changes:
            raise Unrecorded("rows were changed by what is not recorded")
        return noted, self._changes

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self._noted is None or not _changes_rows(sql):
            return super().execute(sql, parameters)
        before = self.total_changes
        cursor = super().execute(sql, parameters)
        row = dict(parameters) if isinstance(parameters, dict) else list(parameters)
        self._note(before, Statement(sql, [row], cursor.lastrowid if _is_counted(sql) else None))
        return cursor

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        if self._noted is None or not _changes_rows(sql):
            return super().executemany(sql, parameters)
        rows = [list(row) for row in parameters]
        before = self.total_changes
        cursor = super().executemany(sql, rows)
        self._note(before, Statement(sql, rows))
        return cursor

    def _note(self, before: int, statement: Statement) -> None:
        changed = self.total_changes - before
        self._changes += changed
        if changed and self._noted is not None:  # what has found no row need not be told
            self._noted.append(statement)


def run(connection: sqlite3.Connection, statement: Statement) -> None:
    """Runs what another node has noted. Raises sqlite3.Error, or Unrecorded where it was given another id."""
    if len(statement.rows) == 1:
        cursor = connection.execute(statement.sql, statement.rows[0])
        if statement.last_rowid is not None and cursor.lastrowid != statement.last_rowid:
            raise Unrecorded(f"a row was given the id {cursor.lastrowid}, and elsewhere {statement.last_rowid}")
    else:
        connection.executemany(statement.sql, statement.rows)


_KNOWN: dict[str, tuple[bool, bool]] = {}


def _kind(sql: str) -> tuple[bool, bool]:
    known = _KNOWN.get(sql)
    if known is None:
        found = _FIRST_WORD.match(sql)
        word, table = (found[1].upper(), found[2]) if found else ("", None)
        known = (word not in ("SELECT", "PRAGMA", "EXPLAIN"), word == "INSERT" and table in _COUNTED_TABLES)
        if len(_KNOWN) > 1000:
            _KNOWN.clear()
        _KNOWN[sql] = known
    return known


def _changes_rows(sql: str) -> bool:
    return _kind(sql)[0]


def _is_counted(sql: str) -> bool:
    return _kind(sql)[1]
