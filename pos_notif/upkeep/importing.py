"""Brings an exported log into an empty one: the same rows, hashes and orders, or nothing (docs/protocol.md, section
12)."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

from ..database.file import in_transaction, new_epoch, opened
from ..database.paths import exists
from ..errors import CommandFailed, Unsound
from ..log.hash_chain import stated_id
from ..log.tables.events import EVENT_COLUMNS, row_of
from ..log.tables.fold import Fold
from ..log.tables.orders import save_orders
from .export_reader import ExportReader
from .progress import OnProgress, silent
from .verification import Sound, naming

PAGE_ROWS = 1000
PAGE_ORDERS = 200
# Of one transaction that may be larger than memory; what does not fit goes to the -wal.
CACHE_KIB = 16 * 1024


def import_log(
    file: Path, database: Path, progress: OnProgress = silent, orders_progress: OnProgress = silent
) -> Sound:
    """Imports the complete export `file`. Raises CommandFailed, LogRefused, OSError or sqlite3.Error, and then the log
    is as it was; a file that was made for it is gone again."""
    made = not exists(database)
    try:
        with naming(file), file.open("rb") as source:
            export = ExportReader(source, progress)
            with opened(database, create=True) as connection:
                connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
                in_transaction(connection, lambda log: _fill(log, database, export, orders_progress))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except BaseException:
        if made:
            for ending in ("", "-wal", "-shm"):
                database.with_name(database.name + ending).unlink(missing_ok=True)
        raise
    return Sound(export.rows, export.state)


def _fill(log: sqlite3.Connection, database: Path, export: ExportReader, orders_progress: OnProgress) -> None:
    head_id = log.execute("SELECT head_id FROM log").fetchone()[0]
    if head_id:
        raise CommandFailed(f"{database}: has events already (up to {head_id}): an import needs an empty log")
    state = export.state
    # Another log than the empty one that clients may have seen.
    log.execute(
        "UPDATE log SET epoch = ?, head_id = ?, head_hash = ?, oldest = ? + 1, anchor_hash = ?",
        (new_epoch(), state.head_id, state.head_hash, state.anchor_id, state.anchor_hash),
    )
    lines = iter(export)
    while page := list(itertools.islice(lines, PAGE_ROWS)):
        log.executemany(
            f"INSERT INTO events ({EVENT_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(stored, own_hash) for stored, own_hash in page],
        )
    fold = Fold(log)
    after, done = 0, 0
    total = log.execute("SELECT count(DISTINCT order_id) FROM events").fetchone()[0]
    while ids := fold.ids(after, PAGE_ORDERS):
        found = {order_id: fold.order(order_id) for order_id in ids}
        save_orders(log, {order_id: (order, None) for order_id, order in found.items() if order is not None})
        after, done = ids[-1], done + len(ids)
        orders_progress(done, total)


def _row(stored: bytes, own_hash: str) -> tuple[object, ...]:
    try:
        return (*row_of(stored.decode()), own_hash)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Unsound(f"event {stated_id(stored)} is not one that this version knows") from error
