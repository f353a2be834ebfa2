"""Says whether a log is what it was: the hash chain from its anchor to its head, and the orders it implies. The log may
be an exported file, or a database, which is read a page at a time beside a running service (docs/protocol.md, section
12)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Unsound
from ..log.hash_chain import ChainWalk, stated_id
from ..log.lines import LogState
from ..log.tables.events import missing_tail, row_of
from ..log.tables.fold import Fold
from ..log.tables.orders import find_order
from ..orders.state import Order
from .export_reader import ExportReader
from .progress import OnProgress, silent

PAGE_ROWS = 1000
PAGE_ORDERS = 200


@dataclass(frozen=True, slots=True)
class Head:
    """A log's newest id and its hash, as they were noted at some time."""

    id: int
    hash: str


@dataclass(frozen=True, slots=True)
class Sound:
    """What was found in order."""

    rows: int
    state: LogState


class _Watch:
    """Sees a walk go by: a chain cannot know that its own tail was cut, but a head that was noted elsewhere can."""

    def __init__(self, noted: Head | None) -> None:
        self._noted = noted
        self._hash: str | None = None

    def passes(self, event_id: int, own_hash: str) -> None:
        """Is told the anchor, then each event, in order."""
        if self._noted is not None and event_id <= self._noted.id:
            self._hash = own_hash

    def check(self, state: LogState) -> None:
        noted = self._noted
        if noted is None:
            return
        if noted.id > state.head_id:
            raise Unsound(f"the log ends at event {state.head_id}, but event {noted.id} was in it: its tail was cut")
        if noted.id < state.anchor_id:
            raise Unsound(f"event {noted.id} cannot be checked: the log was pruned up to {state.anchor_id}")
        if self._hash != noted.hash:
            raise Unsound(f"event {noted.id} had another hash when it was noted: the log was altered and chained anew")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Says of which file something is wrong."""
    try:
        yield
    except Unsound as error:
        raise Unsound(f"{path}: {error}") from error


def verify_export(path: Path, noted: Head | None = None, progress: OnProgress = silent) -> Sound:
    """Checks a complete export, and that it has the `noted` head. Raises Unsound or OSError."""
    watch = _Watch(noted)
    with naming(path), path.open("rb") as file:
        export = ExportReader(file, progress)
        state = export.state
        watch.passes(state.anchor_id, state.anchor_hash)
        event_id = state.anchor_id
        for stored, own_hash in export:
            event_id = stated_id(stored) or event_id
            watch.passes(event_id, own_hash)
        watch.check(state)
    return Sound(export.rows, state)


def verify_database(
    connection: sqlite3.Connection,
    noted: Head | None = None,
    progress: OnProgress = silent,
    orders_progress: OnProgress = silent,
) -> Sound:
    """Checks a log, and that it has the `noted` head. Each page is a snapshot of its own, so that a service may write
    meanwhile. Raises Unsound or sqlite3.Error."""
    watch = _Watch(noted)
    # What is no UTF-8 any more does not match its hash, and must not end the search for it.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    with _snapshot(connection):
        anchor_id, anchor_hash, head_id = connection.execute(
            "SELECT oldest - 1, anchor_hash, head_id FROM log"
        ).fetchone()
    walk = ChainWalk(anchor_id, anchor_hash)
    watch.passes(anchor_id, anchor_hash)
    done = False
    while not done:
        with _snapshot(connection):
            state, done = _walk_page(connection, walk, watch)
        progress(walk.rows, head_id - anchor_id)
    watch.check(state)
    _check_orders(connection, orders_progress)
    damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if damage != "ok":
        raise Unsound(f"the file is damaged: {damage}")
    return Sound(walk.rows, state)


@contextlib.contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _walk_page(connection: sqlite3.Connection, walk: ChainWalk, watch: _Watch) -> tuple[LogState, bool]:
    """Takes a page. Returns the log's state in this snapshot, and whether that was all. A pruning that overtakes the
    walk takes it along."""
    state = LogState(
        *connection.execute("SELECT head_id, head_hash, oldest - 1, anchor_hash FROM log").fetchone()
    )  # fmt: skip
    if walk.last_id < state.anchor_id:
        walk.last_id, walk.last_hash = state.anchor_id, state.anchor_hash
        watch.passes(walk.last_id, walk.last_hash)
    count = 0
    for row in connection.execute(
        "SELECT id, CAST(data AS BLOB), hash, ms, type, to_kitchen, to_waiters, to_tills, order_id FROM events"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (walk.last_id, PAGE_ROWS),
    ):
        event_id, stored, own_hash, *columns, order_id = row
        problem = walk.row(event_id, stored, own_hash)
        if problem is not None:
            raise Unsound(problem)
        if _columns(stored) != (event_id, *columns, order_id):
            raise Unsound(f"the columns of event {event_id} are not what its data says")
        watch.passes(event_id, own_hash)
        count += 1
    if count == PAGE_ROWS:
        return state, False
    problem = missing_tail(connection, walk)
    if problem is not None:
        raise Unsound(problem)
    return state, True


def _columns(stored: bytes) -> tuple[object, ...] | None:
    try:
        *columns, _, order_id = row_of(stored.decode())
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return (*columns, order_id)


def _check_orders(connection: sqlite3.Connection, progress: OnProgress) -> None:
    """Raises Unsound unless the projection is the fold of the log."""
    with _snapshot(connection):
        total = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
        fold = _fold(connection)
    after, done = -(2**63), 0
    while True:
        with _snapshot(connection):
            fold = _fold(connection, fold)
            ids = fold.ids(after, PAGE_ORDERS)
            for order_id in ids:
                if _stored(connection, order_id) != fold.order(order_id):
                    raise Unsound(f"order {order_id} is not what its events say")
        if not ids:
            return
        after, done = ids[-1], done + len(ids)
        progress(done, total)


def _stored(connection: sqlite3.Connection, order_id: int) -> Order | str | None:
    try:
        order = find_order(connection, order_id)
    except (ValueError, KeyError, TypeError):
        return "no order"
    state = connection.execute("SELECT state FROM orders WHERE id = ?", (order_id,)).fetchone()
    return order if order is None or state[0] == order.state else "another state"


def _fold(connection: sqlite3.Connection, known: Fold | None = None) -> Fold:
    """Returns the fold of the present snapshot. Raises Unsound where it does not begin where the log does."""
    try:
        fold = known.renewed() if known is not None else Fold(connection)
    except (ValueError, KeyError, TypeError) as error:
        raise Unsound("the newest set of poda events is not whole") from error
    anchor = connection.execute("SELECT oldest - 1, anchor_hash FROM log").fetchone()
    if fold.up_to != anchor[0] or (fold.up_to and fold.anchor_hash != anchor[1]):
        raise Unsound(f"the log begins after event {anchor[0]}, and no poda event says so")
    return fold
