"""Reads the log by filters: how many rows there are, a table's page of them, and all of them page by page.

A page is read in a statement of its own, over a bounded part of the log: no read is open while a slow client takes what
was read, so that the write-ahead log can always be checkpointed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from ..database.literals import literals
from ..events import CARRIES_ORDER, ORDER_TYPES, RECEIPT
from ..log.event_log import Pruned
from ..log.lines import LogState, event_line, last_line
from .csv_rows import SEPARATORS, CsvEncoder, Row
from .filters import Filters

CSV, NDJSON = FORMATS = ("csv", "ndjson")
# So many ids a statement where most rows are passed over: some milliseconds of looking into JSON.
SLICE_IDS = 20_000
PAGE_ROWS = 2_000
PAGE_BYTES = 256 * 1024
TABLE_BYTES = 1024 * 1024

# Of the row before, also where the filters leave that out.
_PREVIOUS_HASH = """coalesce((SELECT p.hash FROM events AS p WHERE p.id < e.id AND p.id >= (SELECT oldest FROM log)
 ORDER BY p.id DESC LIMIT 1), (SELECT anchor_hash FROM log))"""
_WITHOUT_ORDER = (*(kind for kind in ORDER_TYPES if kind not in CARRIES_ORDER), RECEIPT)
# Of the order as it is now, for the events that do not carry it.
_ORDER = f"""CASE WHEN e.type IN ({literals(_WITHOUT_ORDER)})
 THEN (SELECT CAST(o.data AS BLOB) FROM orders AS o WHERE o.id = e.order_id) END"""
# What the kitchen had in sight, where the event is a receipt of that.
_SEEN = f"""CASE WHEN e.type = '{RECEIPT}' AND json_valid(e.data) THEN (SELECT CAST(s.data AS BLOB) FROM events AS s
 WHERE s.id = json_extract(e.data, '$.evento_id') AND s.id >= (SELECT oldest FROM log)) END"""
_CSV_ROW = f"e.id, e.ms, CAST(e.hash AS BLOB), CAST(e.data AS BLOB), {_ORDER}, {_SEEN}"
_STORED = "e.id, CAST(e.data AS BLOB), CAST(e.hash AS BLOB)"


def read_log_state(connection: sqlite3.Connection) -> LogState:
    return LogState(*connection.execute("SELECT head_id, head_hash, oldest - 1, anchor_hash FROM log").fetchone())


class LogQuery:
    """The rows that filters leave of a log as it was at `state`."""

    def __init__(self, connection: sqlite3.Connection, filters: Filters, state: LogState) -> None:
        self._connection = connection
        self._where, self._values = filters.where()
        self._everything = not filters.sent
        # Both ends included.
        self.first, self.last = state.anchor_id + 1, state.head_id
        if filters.since_ms is not None or filters.until_ms is not None:
            since, until = filters.since_ms, filters.until_ms
            since, until = -(2**63) if since is None else since, 2**63 - 1 if until is None else until
            found = connection.execute(
                "SELECT min(id), max(id) FROM events WHERE ms >= ? AND ms < ?", (since, until)
            ).fetchone()
            self.first, self.last = max(self.first, found[0] or 0), min(self.last, found[1] or 0)
            # Once more, since a clock may have gone back. The `+` keeps SQLite with the ids.
            self._where += " AND +e.ms >= ? AND +e.ms < ?"
            self._values = [*self._values, since, until]

    def count(self, after: int = 0) -> int:
        """Counts the rows above `after`."""
        first = max(self.first, after + 1)
        if self._everything:
            return self._count_between(first, self.last) if first <= self.last else 0
        sql = f"SELECT count(*) FROM events AS e WHERE e.id BETWEEN ? AND ? AND {self._where}"
        return sum(self._number(sql, low, high, *self._values) for low, high in _slices(first, self.last))

    def _count_between(self, first: int, last: int) -> int:
        """Counts all rows but the few beyond: SQLite counts a whole table by its smallest index. It is one statement,
        and hence of one moment: events are appended meanwhile."""
        sql = """SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM events WHERE id < ?)
 - (SELECT count(*) FROM events WHERE id > ?)"""
        return self._number(sql, first, last)

    def _number(self, sql: str, *values: Any) -> int:
        return int(self._connection.execute(sql, values).fetchone()[0])

    def table_page(self, limit: int, *, newest_first: bool, beyond: int | None, after: int) -> tuple[list[Row], bool]:
        """Returns the next rows above `after` that lie beyond the row `beyond` in the table's order, `limit` of them or
        as many as a page may hold; and whether there are more."""
        first, last = max(self.first, after + 1), self.last
        if beyond is not None:
            first, last = (first, min(last, beyond - 1)) if newest_first else (max(first, beyond + 1), last)
        found: list[Row] = []
        size = 0
        for low, high in _slices(first, last, newest_first):
            for row in self._rows(_CSV_ROW, low, high, limit + 1 - len(found), newest_first):
                if len(found) == limit or size > TABLE_BYTES:
                    return found, True
                found.append(row)
                size += len(row[3])
        return found, False

    def _rows(self, columns: str, low: int, high: int, limit: int, newest_first: bool = False) -> sqlite3.Cursor:
        sql = (
            f"SELECT {columns} FROM events AS e WHERE e.id BETWEEN ? AND ? AND {self._where}"
            f" ORDER BY e.id {'DESC' if newest_first else 'ASC'} LIMIT ?"
        )
        return self._connection.execute(sql, (low, high, *self._values, limit))

    def hash_before(self, event_id: int) -> bytes:
        """Returns the hash that the event with this id continues."""
        sql = f"SELECT CAST({_PREVIOUS_HASH} AS BLOB) FROM (SELECT max(?, oldest) AS id FROM log) AS e"
        found: bytes = self._connection.execute(sql, (event_id,)).fetchone()[0]
        return found

    def pages(self, columns: str, line: Callable[[Any], bytes], after: int) -> Iterator[tuple[int, bytes]]:
        """Yields the rows above `after`, oldest first and page by page: how many rows a page has, and their bytes.
        Raises Pruned where rows that were not read yet are no longer there."""
        position = max(self.first - 1, after)
        while position < self.last:
            high = min(self.last, position + SLICE_IDS)
            rows, position = self._page(columns, line, position, high)
            if rows:
                yield len(rows), b"".join(rows)

    def _page(self, columns: str, line: Callable[[Any], bytes], position: int, high: int) -> tuple[list[bytes], int]:
        """Returns a page's lines, and the id that it reaches. It ends where it is large enough, since rows may be of a
        quarter of a MB."""
        rows: list[bytes] = []
        size = 0
        self._connection.execute("BEGIN")
        try:
            if position < read_log_state(self._connection).anchor_id:
                raise Pruned
            found = self._rows(columns, position + 1, high, PAGE_ROWS)
            for row in found:
                rows.append(line(row))
                size += len(rows[-1])
                if size >= PAGE_BYTES or len(rows) == PAGE_ROWS:
                    found.close()
                    return rows, row[0]
        finally:
            self._connection.execute("COMMIT")
        return rows, high


def _slices(first: int, last: int, newest_first: bool = False) -> Iterator[tuple[int, int]]:
    lows = range(first, last + 1, SLICE_IDS)
    for low in reversed(lows) if newest_first else lows:
        yield low, min(last, low + SLICE_IDS - 1)


@dataclass(frozen=True, slots=True)
class Table:
    """A page of the log's table. `total` rows match in the log as it was at `state`; `more` says that others follow
    these."""

    state: LogState
    total: int
    rows: list[Row]
    more: bool


def read_table(
    connection: sqlite3.Connection, filters: Filters, limit: int, *, newest_first: bool, beyond: int | None, after: int
) -> Table:
    """Reads a page of the log's table. `beyond` is the last row of the page before, and only rows above `after`
    count."""
    state = read_log_state(connection)
    query = LogQuery(connection, filters, state)
    rows, more = query.table_page(limit, newest_first=newest_first, beyond=beyond, after=after)
    return Table(state, query.count(after), rows, more)


class _Chained:
    """The lines of rows of which none is left out: each one's predecessor is the row before."""

    def __init__(self, previous_hash: bytes) -> None:
        self._previous = previous_hash

    def __call__(self, row: tuple[int, bytes, bytes]) -> bytes:
        line = event_line(row[1], self._previous, row[2])
        self._previous = row[2]
        return line


@dataclass(frozen=True, slots=True)
class Export:
    """What is downloaded: in which format, by which filters, above which id, of the log as it was at `state`."""

    format: str
    filters: Filters
    separator: str
    after: int
    state: LogState
    zone: tzinfo

    @property
    def complete(self) -> bool:
        """Tells whether no filter leaves an event out."""
        return not self.filters.sent

    def begin(self, connection: sqlite3.Connection) -> Reading:
        """Counts the rows, and returns the reading of them, which uses the connection to its end."""
        query = LogQuery(connection, self.filters, self.state)
        total = query.count()
        remaining = query.count(self.after) if self.after else total
        return Reading(total, remaining, self._csv(query) if self.format == CSV else self._ndjson(query, total))

    def _csv(self, query: LogQuery) -> Iterator[tuple[int, bytes]]:
        encoder = CsvEncoder(SEPARATORS[self.separator], self.zone)
        yield 0, encoder.head()
        yield from query.pages(_CSV_ROW, encoder.line, self.after)

    def _ndjson(self, query: LogQuery, total: int) -> Iterator[tuple[int, bytes]]:
        if self.complete:
            line = _Chained(query.hash_before(self.after + 1))
            yield from query.pages(_STORED, line, self.after)
        else:
            columns = f"{_STORED}, CAST({_PREVIOUS_HASH} AS BLOB)"
            yield from query.pages(columns, lambda row: event_line(row[1], row[3], row[2]), self.after)
        yield 0, last_line(total, self.complete, self.state)


@dataclass(frozen=True, slots=True)
class Reading:
    """`total` rows match, and `remaining` of them will come: each page is how many rows it has, and its bytes. The
    pages raise Pruned."""

    total: int
    remaining: int
    pages: Iterator[tuple[int, bytes]]
