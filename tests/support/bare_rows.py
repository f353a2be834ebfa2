"""A bare row on the disk beside what is measured: what the disk and the machine are doing meanwhile slows both."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def bare_rows(folder: Path) -> Iterator[Callable[[], object]]:
    """A call by which a row of 500 bytes is on the disk, in a file of the log's kind and the outbox's."""
    with contextlib.closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.execute("CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b BLOB)")
        yield lambda: bare.execute("INSERT INTO t (b) VALUES (?)", (b"x" * 500,))


def seconds_for(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
