"""What the writer commits at once: the publications of several publishers, one after the other in one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..database.stored_times import StoredTimes
from ..errors import LogUnavailable
from .event_log import Bounds, Transaction
from .pending_rows import write_rows
from .tables.events import Appended, appended_since
from .transaction import Pending, SqliteTransaction


@dataclass(slots=True)
class Job:
    """A publication that waits for its group, and what has come of it."""

    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        if self.error is not None:
            self.fail(self.error)
        elif not self.future.done():
            self.future.set_result(self.result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # a caller that was cancelled will not fetch it


def fail_all(group: list[Job], error: BaseException) -> None:
    """Tells a group's publishers that nothing of it was kept."""
    failure = error if isinstance(error, LogUnavailable) else LogUnavailable()
    for job in group:
        job.fail(failure)
    if failure is not error:
        asyncio.get_running_loop().call_exception_handler({"message": "group commit", "exception": error})


# What it was, the calls to be made in the loop, and the jobs that were left to the next group.
Written = tuple[Appended, list[Callable[[], None]], list[Job]]


def commit(
    connection: sqlite3.Connection,
    group: list[Job],
    max_bytes: int,
    known: Bounds,
    known_subscriptions: int,
    times: StoredTimes,
    *,
    shared: bool,
) -> Written:
    """Runs a group's publications in the writer's thread, inside the transaction. One that fails leaves the others as
    they are. Returns also those that were left to the next group: this one has `max_bytes` of events without them. It
    may run more than once, each time anew. `shared` says that other machines append too."""
    found = appended_since(connection, known, known_subscriptions)
    times.heard(found.bounds.newest)
    pending = Pending(found.bounds.newest, found.head_hash)
    left: list[Job] = []
    for index, job in enumerate(group):
        if pending.size >= max_bytes:
            left = group[index:]
            break
        transaction = SqliteTransaction(connection, pending, times, shared=shared)
        job.error = None
        try:
            job.result = job.work(transaction)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the job's caller, who gets it
            job.error = error
        else:
            pending.merge(transaction.pending)
    if pending.rows or pending.keys or pending.follows or pending.products:
        write_rows(connection, pending)
    bounds = Bounds(found.bounds.epoch, pending.oldest or found.bounds.oldest, pending.head_id)
    written = Appended(
        found.events + pending.events, bounds, pending.head_hash, found.subscriptions_version + len(pending.follows),
        found.subscriptions, found.accounts_version, pending.events, found.earlier, found.whole,
    )  # fmt: skip
    return written, pending.on_commit, left
